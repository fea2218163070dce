//! Blanks what looks like a secret in a configuration text, so that excerpts of it can be shown.
//!
//! It works on lines, not on parsed values, because a text with a syntax error has none; and it prefers to blank too
//! much.

/// The text with every value of a secret-looking key replaced by asterisks. Length in octets and line breaks stay, so
/// spans into the original hold.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<&'static str> = None;
    let mut secret_section = false;
    for line in text.split_inclusive('\n') {
        if let Some(closer) = open {
            blank(&mut out, line);
            if line.contains(closer) {
                open = None;
            }
            continue;
        }
        let trimmed = line.trim_start();
        if trimmed.starts_with('[') && !trimmed.contains('=') {
            secret_section = trimmed
                .trim_matches(|c: char| c == '[' || c == ']' || c.is_whitespace())
                .split('.')
                .any(is_secret_key);
        }
        let secret_at = line
            .match_indices('=')
            .map(|(at, _)| at)
            .find(|at| secret_section || holds_secret(line, *at));
        let Some(at) = secret_at else {
            out.push_str(line);
            continue;
        };
        let (head, value) = line.split_at(at + 1);
        out.push_str(head);
        open = unclosed(value);
        blank(&mut out, value);
    }
    out
}

/// Whether the `=` at octet `at` of `line` gives a value to a secret-looking key.
fn holds_secret(line: &str, at: usize) -> bool {
    let (head, value) = (
        line.get(..at).unwrap_or_default(),
        line.get(at + 1..).unwrap_or_default(),
    );
    let key = head
        .rsplit([',', '{', '.', '#', ';', '='])
        .next()
        .unwrap_or_default();
    // `auth = "…"` is what somebody writes who means the key itself.
    is_secret_key(key) || (normal(key) == "auth" && value.trim_start().starts_with(['"', '\'']))
}

fn normal(key: &str) -> String {
    key.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether a key by that name may hold a secret itself, rather than the name of a file.
pub(crate) fn is_secret_key(key: &str) -> bool {
    let key = normal(key);
    if key.ends_with("file") || key.ends_with("path") {
        return false;
    }
    [
        "psk",
        "pks",
        "spk",
        "secret",
        "passw",
        "passphrase",
        "sharedkey",
        "privatekey",
    ]
    .iter()
    .any(|word| key.contains(word))
}

/// What ends a value that goes on after its line.
fn unclosed(value: &str) -> Option<&'static str> {
    let value = value.trim();
    for (quote, end) in [("\"\"\"", "\"\"\""), ("'''", "'''")] {
        if let Some(rest) = value.strip_prefix(quote) {
            return (!rest.contains(end)).then_some(end);
        }
    }
    for (opener, closer) in [('[', "]"), ('{', "}")] {
        if value.starts_with(opener) {
            return (!value.contains(closer)).then_some(closer);
        }
    }
    // Nothing on the line itself: whatever the next line holds.
    value.is_empty().then_some("\n")
}

fn blank(out: &mut String, text: &str) {
    for c in text.chars() {
        if matches!(c, '\n' | '\r' | ' ' | '\t') {
            out.push(c);
        } else {
            out.extend(core::iter::repeat_n('*', c.len_utf8()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secret_keys_are_blanked_wherever_they_stand() {
        for text in [
            "psk = \"hunter2\"",
            "auth = { psk = \"hunter2\", x = 1 }",
            "auth.psk = 'hunter2'",
            "auth = \"hunter2\"",
            "\"pre-shared-key\" = \"hunter2\"",
            "secret = \"\"\"\nhunter2\n\"\"\"",
            "secret = [\n \"hunter2\" ]",
            "psk =\n\"hunter2\"",
            "[secrets]\noffice = \"hunter2\"",
            "# psk = hunter2",
            "psk = \"hunter2",
            "a = \"\" psk = \"hunter2\"",
        ] {
            let shown = redact(text);
            assert!(!shown.contains("hunter2"), "{shown}");
            assert_eq!(shown.len(), text.len());
            assert_eq!(shown.lines().count(), text.lines().count());
        }
    }

    #[test]
    fn everything_else_stays() {
        for text in [
            "auth = { psk_file = \"office.psk\" }\nlocal = \"any\"",
            "[tunnel.office]\nike = [\"aes128\"]",
            "psk_file = \"a\"\nremote = \"b\"\n",
        ] {
            assert_eq!(redact(text), text);
        }
        assert_eq!(redact("psk = \"ä\"\nlocal = 1"), "psk = ****\nlocal = 1");
    }
}
