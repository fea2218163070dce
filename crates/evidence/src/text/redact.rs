//! Secrets taken out of a line before it is quoted.

/// Words after which a secret follows.
const BEFORE_SECRETS: [&str; 10] = [
    "psk",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "pre-shared-key",
    "pre-shared-secret",
    "preshared_key",
    "xauth_pass",
    "key",
];

/// What stands in the place of a secret.
const REMOVED: &str = "[removed]";

/// The line without what may be a secret: values of words that announce one, and hex that is as long as a key.
///
/// It errs on the side of removing; SPIs, cookies and addresses stay.
pub(crate) fn redact(text: &str) -> String {
    redact_with(text, |_| REMOVED.to_owned())
}

/// The line with what `replace` puts in the place of each secret.
pub(crate) fn redact_with(text: &str, mut replace: impl FnMut(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    // A secret may follow: its word was seen, and so far only what joins a name to its value.
    let mut expected = false;
    let mut quoted: Option<(char, String)> = None;
    for (token, after) in tokens(text) {
        if let Some((end, secret)) = &mut quoted {
            if token.starts_with(*end) {
                out.push_str(&replace(secret));
                out.push_str(token);
                quoted = None;
            } else {
                secret.push_str(token);
            }
            continue;
        }
        if expected {
            match token.chars().next() {
                Some(' ' | '\t' | '=' | ':') => {
                    out.push_str(token);
                    continue;
                }
                Some(mark @ ('"' | '\'')) => {
                    out.push_str(token);
                    quoted = Some((mark, String::new()));
                    expected = false;
                    continue;
                }
                _ => {
                    expected = false;
                    out.push_str(&replace(token));
                    continue;
                }
            }
        }
        if is_key(token) {
            out.push_str(&replace(token));
            continue;
        }
        out.push_str(token);
        expected = announces(token, after);
    }
    if let Some((_, secret)) = quoted {
        // The line was cut inside it.
        out.push_str(&replace(&secret));
    }
    out
}

/// Words, runs of blanks, and single marks; each with what follows it.
fn tokens(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    core::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '+');
        let end = if word(first) {
            rest.find(|c| !word(c)).unwrap_or(rest.len())
        } else if first == ' ' {
            rest.find(|c| c != ' ').unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(end);
        rest = after;
        Some((token, after))
    })
}

/// Whether the token is a word after which its value follows, joined by `=`, `:` or quotes.
fn announces(token: &str, after: &str) -> bool {
    let lower = token.to_ascii_lowercase();
    if !BEFORE_SECRETS.contains(&lower.as_str()) {
        return false;
    }
    // `shared key for 'a'` speaks of a key; `key = …` and `PSK "…"` tell one.
    let after = after.trim_start();
    after.starts_with(['=', ':', '"', '\''])
        || (lower.contains("shared-") && !after.starts_with("auth"))
}

/// Hex or base64 as long as a key, which no SPI or cookie is.
fn is_key(token: &str) -> bool {
    const SHORTEST: usize = 24;
    let hex = token.strip_prefix("0x").unwrap_or(token);
    hex.len() >= SHORTEST && hex.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_and_values_stay() {
        for (text, want) in [
            (
                "1.2.3.4 : PSK \"top secret\" # old",
                "1.2.3.4 : PSK \"[removed]\" # old",
            ),
            ("secret = 0sFpZAZ", "secret = [removed]"),
            ("pre-shared-secret hunter2", "pre-shared-secret [removed]"),
            ("key 8e1f00aa8e1f00aa8e1f00aa8e1f00aa", "key [removed]"),
            (
                "tried 1 shared key for 'a' - 'b', but MAC mismatched",
                "tried 1 shared key for 'a' - 'b', but MAC mismatched",
            ),
            ("SPIs c1a2b3c4_i cd5e6f70_o", "SPIs c1a2b3c4_i cd5e6f70_o"),
        ] {
            assert_eq!(redact(text), want);
        }
    }
}
