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
    if let Some(text) = without_code_marks(unquote(&plain)) {
        return Cow::Owned(text.to_owned());
    }
    match plain {
        Cow::Borrowed(text) => Cow::Borrowed(unquote(text)),
        Cow::Owned(text) => Cow::Owned(unquote(&text).to_owned()),
    }
}

/// A line that somebody made stand out as a whole by Markdown's marks, `**pools = users**` or `**users** {`, without them.
/// What is blacked out by stars stays, and so does whatever is kept secret.
fn without_stress(line: &str) -> Option<String> {
    const MARK: &str = "**";
    const SECRETS: [&str; 4] = ["psk", "secret", "key", "passw"];
    let text = line.trim_start();
    let (within, behind) = text.strip_prefix(MARK)?.split_once(MARK)?;
    let whole = matches!(behind.trim(), "" | "{")
        && within.starts_with(|c: char| c.is_ascii_alphanumeric())
        && within.ends_with(|c: char| c.is_ascii_alphanumeric() || "\"'}".contains(c))
        && !within.contains('*');
    let lower = within.to_ascii_lowercase();
    let blank = line.get(..line.len() - text.len()).unwrap_or_default();
    (whole && !SECRETS.iter().any(|word| lower.contains(word)))
        .then(|| [blank, within, behind].concat())
}

/// A line that somebody marked as code as a whole, or that begins or ends what was marked, without the marks. Fences stay.
fn without_code_marks(line: &str) -> Option<&str> {
    const MARK: char = '`';
    let text = line.trim_end();
    let begins = text.trim_start().strip_prefix(MARK);
    if begins.is_none() && !text.ends_with(MARK) || text.contains("``") {
        return None;
    }
    let within = begins.unwrap_or(text);
    let within = within.strip_suffix(MARK).unwrap_or(within);
    (!within.contains(MARK)).then_some(within)
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
            ("`09[IKE] x`", "09[IKE] x"),
            ("`ipsec auto --up a", "ipsec auto --up a"),
            ("    type=passthrough`", "    type=passthrough"),
            ("```", "```"),
            ("`a` and `b`", "`a` and `b`"),
            ("it says `09[IKE] x`", "it says `09[IKE] x`"),
            ("psk = **hidden", "psk = **hidden"),
            (": PSK **our-key**", ": PSK **our-key**"),
            ("**secret = swordfish**", "**secret = swordfish**"),
            ("from **12.34.** port", "from **12.34.** port"),
            ("include **/etc/ipsec.d/**", "include **/etc/ipsec.d/**"),
            ("203.0.**.** to 198.51.**.**", "203.0.**.** to 198.51.**.**"),
        ] {
            assert_eq!(clean(damaged), whole);
        }
    }
}
