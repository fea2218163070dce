//! Whether a kernel is as new as a program wants it.

use adit_model::sign::Sign;

use crate::seen::Seen;
use crate::signals::Signals;

/// The kernel's release, where a line names the release that it needs and the one that runs is as new.
pub(crate) fn has_it<'a>(s: &Signals<'a>, lacks: Seen<'a>) -> Option<&'a str> {
    let needs = numbers(lacks.value("needs")?)?;
    s.signs_of(Sign::KernelRelease)
        .filter(|x| x.side() == lacks.side())
        .filter_map(|x| x.value("release"))
        .find(|release| numbers(release).is_some_and(|runs| runs >= needs))
}

/// `5.4.176-91.338.amzn2.x86_64`: 5, 4 and 176.
fn numbers(release: &str) -> Option<[u32; 3]> {
    let mut parts = release
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .next()?
        .split('.')
        .map(|part| part.parse::<u32>().ok());
    let first = parts.next()??;
    let second = parts.next()??;
    Some([first, second, parts.next().flatten().unwrap_or(0)])
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn releases_are_compared_by_their_numbers() {
        assert_eq!(numbers("4.19"), Some([4, 19, 0]));
        assert_eq!(numbers("5.4.176-91.338.amzn2.x86_64"), Some([5, 4, 176]));
        assert_eq!(numbers("6.1-rc3"), Some([6, 1, 0]));
        assert_eq!(numbers("#1"), None);
        assert!(numbers("5.10.0") > numbers("5.4.176"));
    }
}
