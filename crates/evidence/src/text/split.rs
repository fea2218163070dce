//! A line cut at words that are looked for in every line.

use memchr::memmem::Finder;

/// What stands before the first such words, and behind them. The search was prepared: `str::split_once` does so each time.
pub(crate) fn split_at<'t>(text: &'t str, words: &Finder<'_>) -> Option<(&'t str, &'t str)> {
    let at = words.find(text.as_bytes())?;
    Some((text.get(..at)?, text.get(at + words.needle().len()..)?))
}

/// As `str::split_once`, for words that few lines hold: to find that there are none needs no preparation.
pub(crate) fn split_at_rare<'t>(text: &'t str, words: &str) -> Option<(&'t str, &'t str)> {
    if !text.contains(words) {
        return None;
    }
    text.split_once(words)
}

/// What stands before the first such pair of ASCII characters, and behind it.
pub(crate) fn split_at_pair(text: &str, pair: [u8; 2]) -> Option<(&str, &str)> {
    let [first, second] = pair;
    let bytes = text.as_bytes();
    let mut places = memchr::memchr_iter(first, bytes);
    let at = places.find(|at| bytes.get(at + 1) == Some(&second))?;
    Some((text.get(..at)?, text.get(at + 2..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_as_the_standard_library_cuts_it() {
        let finder = Finder::new(": ");
        for text in ["a: b: c", ":: b", "a:b", ": ", "", "é: ü", "a :"] {
            assert_eq!(split_at_pair(text, *b": "), text.split_once(": "), "{text}");
            assert_eq!(split_at(text, &finder), text.split_once(": "), "{text}");
            assert_eq!(split_at_rare(text, ": "), text.split_once(": "), "{text}");
        }
    }
}
