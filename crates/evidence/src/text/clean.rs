//! What terminals, mail programs and web pages do to a line, undone.

use std::borrow::Cow;

use super::wrapping::without_markup;

/// The line in plain characters: no escape sequences, no control characters, typographic quotes and dashes as the
/// program wrote them, quotation marks of mail (`> `) taken off.
pub(crate) fn clean(line: &str) -> Cow<'_, str> {
    let line = line.trim_end_matches(['\r', '\n']);
    // Without an early end the processor looks at many octets at once.
    let is_plain = line.bytes().fold(true, |plain, b| {
        plain & ((0x20..0x7f).contains(&b) | (b == b'\t'))
    });
    let plain = if is_plain {
        Cow::Borrowed(line)
    } else {
        Cow::Owned(mend(line))
    };
    if let Some(text) = without_markup(&plain) {
        return Cow::Owned(unquote(text.trim_start()).to_owned());
    }
    if let Some(text) = without_stress(&plain) {
        return Cow::Owned(unquote(&text).to_owned());
    }
    match plain {
        Cow::Borrowed(text) => Cow::Borrowed(unquote(text)),
        Cow::Owned(text) => Cow::Owned(unquote(&text).to_owned()),
    }
}

/// The line without the marks of Markdown's bold words, where it has any: `**pools = users**`, which somebody made stand
/// out. What is blacked out by stars stays.
fn without_stress(line: &str) -> Option<String> {
    const MARK: &str = "**";
    let (before, rest) = line.split_once(MARK)?;
    let (within, behind) = rest.split_once(MARK)?;
    let plain = |c: char| c.is_alphanumeric() || "\"'`/({[<%_".contains(c);
    let opens = before.chars().last().is_none_or(char::is_whitespace) && within.starts_with(plain);
    let closes = behind
        .chars()
        .next()
        .is_none_or(|c| c.is_whitespace() || ",;.:)".contains(c))
        && within
            .chars()
            .last()
            .is_some_and(|c| !c.is_whitespace() && c != '*');
    (opens && closes).then(|| [before, within, behind].concat())
}

fn unquote(mut text: &str) -> &str {
    while let Some(rest) = text.strip_prefix("> ") {
        text = rest;
    }
    text
}

fn mend(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => {
                // CSI sequences end with a letter; anything else is two characters long.
                if chars.next() == Some('[') {
                    while chars.next().is_some_and(|c| !c.is_ascii_alphabetic()) {}
                }
            }
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => out.push('"'),
            '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{b4}' => out.push('\''),
            '\u{2013}' => out.push_str("--"),
            '\u{2014}' | '\u{2212}' | '\u{2010}' | '\u{2011}' => out.push('-'),
            '\u{2026}' => out.push_str("..."),
            '\u{d7}' => out.push('x'),
            '\u{200b}'..='\u{200f}' | '\u{feff}' | '\u{ad}' => {}
            '\t' => out.push('\t'),
            c if c.is_control() || c.is_whitespace() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_undone() {
        for (damaged, whole) in [
            ("plain\r", "plain"),
            ("> > 09[IKE] x", "09[IKE] x"),
            ("\u{1b}[1;31mred\u{1b}[0m", "red"),
            (
                "\u{201c}gw\u{201d}\u{a0}is\u{200b} up\u{2026}",
                "\"gw\" is up...",
            ),
            ("a\0b", "a b"),
            (
                "forwarding [COLOR=#ff0000] [FAILED][/COLOR]",
                "forwarding  [FAILED]",
            ),
            ("[CODE]09[IKE] x", "09[IKE] x"),
            ("[IKE] stays", "[IKE] stays"),
            ("    **pools = users**", "    pools = users"),
            ("    **5f0c-12** {", "    5f0c-12 {"),
            ("psk = **hidden", "psk = **hidden"),
            ("203.0.**.** to 198.51.**.**", "203.0.**.** to 198.51.**.**"),
        ] {
            assert_eq!(clean(damaged), whole);
        }
    }
}
