//! Pre-shared keys: `ipsec.secrets`, and digesting.

use adit_model::credential::FileRole;
use adit_model::peer_config::{SharedKey, Weight};

use super::context::{Context, Line};
use super::value::{identity, unbase64, unhex, unquote};

/// How a product reads the text of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// `0x` is hex and `0s` base64, unless it is in quotes.
    UnlessQuoted,
    /// `0x` is hex and `0s` base64, in quotes or not.
    Always,
    /// `0x` is hex.
    HexOnly,
    /// Every octet counts.
    Plain,
}

/// Digests a key as it is written, quotes included.
pub(crate) fn digest(ctx: &Context<'_>, written: &str, reading: Reading, line: &Line) -> SharedKey {
    let inner = unquote(written.trim());
    let quoted = inner.len() != written.trim().len();
    let source = ctx.source(line);
    let octets = match (reading, quoted) {
        (Reading::Plain, _) | (Reading::UnlessQuoted, true) => inner.as_bytes().to_vec(),
        (Reading::HexOnly, _) => hex(inner).unwrap_or_else(|| inner.as_bytes().to_vec()),
        (Reading::Always, _) | (Reading::UnlessQuoted, false) => hex(inner)
            .or_else(|| {
                inner
                    .strip_prefix("0s")
                    .or_else(|| inner.strip_prefix("0S"))
                    .and_then(unbase64)
            })
            .or_else(|| inner.strip_prefix("0t").map(|t| t.as_bytes().to_vec()))
            .unwrap_or_else(|| inner.as_bytes().to_vec()),
    };
    let known = !placeholder(inner);
    let of = |octets: &[u8]| ctx.key.filter(|_| known).and_then(|key| key.digest(octets));
    SharedKey {
        digest: of(&octets),
        trimmed: of(unquote(unquote(inner.trim()).trim()).as_bytes()),
        ids: Vec::new(),
        source,
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    text.strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .and_then(unhex)
}

/// Whether somebody has put something else in the place of the key.
pub(crate) fn placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let mut chars = lower.chars();
    let first = chars.next();
    let uniform = first.is_none_or(|first| chars.all(|c| c == first));
    let words = [
        "redacted",
        "removed",
        "hidden",
        "secret",
        "password",
        "passphrase",
        "xxx",
        "***",
        "...",
        "your",
        "mypsk",
        "psk",
        "preshared",
        "pre-shared",
        "sharedkey",
        "shared-key",
        "shared_key",
        "snip",
        "censored",
        "masked",
        "omitted",
        "foobar",
    ];
    uniform
        || lower.contains(['<', '>', '[', '*'])
        || (lower.starts_with('{') && lower.ends_with('}'))
        || lower.starts_with("enc ")
        || lower.starts_with("-aq==")
        || lower.starts_with("$9$")
        || words
            .iter()
            .any(|w| lower == *w || (w.len() == 3 && lower.contains(w)))
        || (lower.len() < 24
            && [
                "redact", "secret", "password", "your", "shared", "hidden", "removed",
            ]
            .iter()
            .any(|w| lower.contains(w)))
}

/// Whether a line reads like one of ipsec.secrets.
pub(crate) fn is_secret_line(text: &str) -> bool {
    split(text).is_some()
}

/// What stands before the kind in such a line, and whether anything stands behind it.
pub(crate) fn owner(text: &str) -> Option<(&str, bool)> {
    split(text).map(|(ids, _, value)| (ids, !value.trim().is_empty()))
}

const KINDS: [&str; 13] = [
    "PSK", "RSA", "ECDSA", "P12", "XAUTH", "EAP", "PIN", "PKCS8", "NTLM", "BLISS", "PPKS", "PRIV",
    "PKCS12",
];

/// Identities, kind and value of a line of ipsec.secrets.
fn split(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(colon) = text.get(from..)?.find(':').map(|i| i + from) {
        let rest = text.get(colon + 1..)?.trim_start();
        let kind = rest
            .split([' ', '\t', '"', '\''])
            .next()
            .unwrap_or_default()
            .trim_end_matches('{');
        if KINDS.iter().any(|k| k.eq_ignore_ascii_case(kind)) {
            let value = rest.get(kind.len()..)?;
            return (!is_report(value)).then_some((text.get(..colon)?, kind, value));
        }
        from = colon + 1;
    }
    None
}

/// `gw:22: PSK authentication failed`: a log speaks of the key.
fn is_report(value: &str) -> bool {
    const WORDS: [&str; 6] = [
        "authentication",
        "auth",
        "failed",
        "mismatch",
        "error",
        "differs",
    ];
    !value.trim_start().starts_with(['"', '\''])
        && value.split_whitespace().nth(1).is_some()
        && value
            .split_whitespace()
            .take(3)
            .any(|w| WORDS.iter().any(|r| w.eq_ignore_ascii_case(r)))
}

/// The keys of lines of ipsec.secrets. Lints are about how they are written.
pub(crate) fn read(ctx: &mut Context<'_>, lines: &[&Line]) -> Vec<SharedKey> {
    let mut out = Vec::new();
    for line in lines {
        let Some((ids, kind, value)) = split(&line.text) else {
            continue;
        };
        if !kind.eq_ignore_ascii_case("PSK") {
            key_file(ctx, kind, value, line);
            continue;
        }
        let value = without_comment(value.trim());
        formatting(ctx, line, value);
        let mut key = digest(ctx, value, Reading::UnlessQuoted, line);
        key.ids = ids
            .split([' ', '\t', ','])
            .filter(|w| !w.is_empty())
            .filter_map(identity)
            .collect();
        out.push(key);
    }
    out
}

/// `u2018key here…u2019`: what a shell script makes of marks that aren't ASCII.
fn in_typographic_marks(key: &str) -> bool {
    ["u2018", "u201c", "u201d"]
        .iter()
        .any(|mark| key.starts_with(mark))
        && ["u2019", "u201c", "u201d"]
            .iter()
            .any(|mark| key.ends_with(mark))
}

/// `: RSA gw.pem "passphrase"`: the key is in a file. In braces it is here, as FreeS/WAN had it.
fn key_file(ctx: &mut Context<'_>, kind: &str, value: &str, line: &Line) {
    let of = match kind.to_ascii_uppercase().as_str() {
        "RSA" => Some("RSA"),
        "ECDSA" => Some("ECDSA"),
        "PKCS8" | "PRIV" => None,
        "P12" | "PKCS12" => {
            return ctx.file(FileRole::KeyStore, "a PKCS #12 container", None, line);
        }
        "PIN" => return ctx.file(FileRole::KeyStore, "a token", None, line),
        _ => return,
    };
    let value = without_comment(value.trim());
    let (path, rest) = match value.strip_prefix('"').and_then(|v| v.split_once('"')) {
        Some(quoted) => quoted,
        None => value.split_once([' ', '\t']).unwrap_or((value, "")),
    };
    if path.starts_with('{') {
        return;
    }
    let role = FileRole::PrivateKey {
        kind: of.map(ToOwned::to_owned),
        passphrase: !rest.trim().is_empty(),
    };
    ctx.file(role, path, None, line);
}

/// A comment begins after a blank and outside of quotes.
fn without_comment(value: &str) -> &str {
    let mut quote = None;
    let mut previous = ' ';
    for (i, c) in value.char_indices() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == '#' && previous.is_whitespace() => {
                return value.get(..i).unwrap_or(value).trim_end();
            }
            None => {}
        }
        previous = c;
    }
    value
}

fn formatting(ctx: &mut Context<'_>, line: &Line, value: &str) {
    let source = ctx.source(line);
    let mut tell = |weight, message: &str, fix: &str| {
        ctx.lint("psk-formatting", weight, None, source.clone(), message, fix);
    };
    let first = value.chars().next();
    match first {
        None => tell(
            Weight::Error,
            "there is no key after PSK",
            "PSK \"the key\"",
        ),
        Some(mark @ ('"' | '\'')) => {
            let inner = value.get(1..).unwrap_or_default();
            match inner.find(mark) {
                None => tell(
                    Weight::Error,
                    "the key's quotes aren't closed",
                    "end the key with the same quotation mark on the same line",
                ),
                Some(end) => {
                    let key = inner.get(..end).unwrap_or_default();
                    let rest = inner.get(end + 1..).unwrap_or_default().trim();
                    if !rest.is_empty() {
                        tell(
                            Weight::Error,
                            "text follows the key's closing quotation mark",
                            "remove what follows; a key can't contain the mark that it is quoted with",
                        );
                    }
                    if in_typographic_marks(key) {
                        tell(
                            Weight::Error,
                            "the key stands between the numbers of typographic quotation marks (u2018 and u2019 or the like): somebody pasted such marks instead of plain ones, and they became part of the key",
                            "write the key anew with plain quotation marks, and the same at the peer",
                        );
                    } else if key.is_empty() {
                        tell(Weight::Error, "the key is empty", "write a key");
                    } else if key.trim() != key {
                        tell(
                            Weight::Warning,
                            "the key begins or ends with a blank inside its quotes, and the blank is part of it",
                            "remove the blank, or make sure that the peer has it too",
                        );
                    } else if key.starts_with("0x") || key.starts_with("0s") {
                        tell(
                            Weight::Warning,
                            "the key begins with 0x or 0s inside quotes: it is read as text and not as hex or base64",
                            "remove the quotes if hex or base64 is meant",
                        );
                    }
                }
            }
        }
        Some(_) if value.contains(char::is_whitespace) => tell(
            Weight::Error,
            "the key has blanks in it and no quotes around it",
            "put the key in double quotes",
        ),
        Some(_)
            if value.starts_with("0x") && unhex(value.get(2..).unwrap_or_default()).is_none() =>
        {
            tell(
                Weight::Error,
                "the key begins with 0x and isn't an even number of hex digits",
                "write pairs of hex digits, or put the key in quotes",
            )
        }
        Some(_)
            if !value.starts_with("0x") && !value.starts_with("0s") && !value.starts_with("0t") =>
        {
            tell(
                Weight::Warning,
                "the key isn't in quotes",
                "put the key in double quotes; without them it is read differently by different versions",
            )
        }
        Some(_) => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::context::DigestKey;
    use super::*;
    use adit_model::credential::NamedFile;
    use adit_model::peer_config::Lint;

    fn keys(text: &str) -> (Vec<SharedKey>, Vec<Lint>) {
        let (keys, lints, _) = all(text);
        (keys, lints)
    }

    fn all(text: &str) -> (Vec<SharedKey>, Vec<Lint>, Vec<NamedFile>) {
        let run = DigestKey::new([3; 32]);
        let mut ctx = Context {
            name: "ipsec.secrets",
            origins: &[],
            key: Some(&run),
            block: 0,
            version: None,
            lints: Vec::new(),
            files: Vec::new(),
        };
        let lines: Vec<Line> = text
            .lines()
            .zip(1..)
            .map(|(text, number)| Line {
                number,
                text: text.to_owned(),
            })
            .collect();
        let keys = read(&mut ctx, &lines.iter().collect::<Vec<_>>());
        (keys, ctx.lints, ctx.files)
    }

    #[test]
    fn keys_that_cant_be_looked_at_are_known_and_their_pins_are_not() {
        for text in [
            ": PIN %smartcard:45 zebra7",
            ": P12 gw.p12 \"zebra7\"",
            ": RSA %smartcard:45 zebra7",
            ": RSA pkcs11:object=gw;pin-value=zebra7",
        ] {
            let (_, _, files) = all(text);
            assert_eq!(files.len(), 1, "{text}");
            assert_eq!(files[0].role, FileRole::KeyStore, "{text}");
            assert!(!format!("{files:?}").contains("zebra"), "{files:?}");
        }
    }

    #[test]
    fn the_same_octets_are_equal_however_they_are_written() {
        let (keys, _) = keys(
            "a b : PSK \"hi\"\n: PSK 0x6869\n: PSK 0saGk=\n: PSK 'hi' # note\n: PSK \"hi \"\n: RSA key.pem",
        );
        assert_eq!(keys.len(), 5);
        assert!(keys[..4].iter().all(|k| k.digest == keys[0].digest));
        assert_ne!(keys[4].digest, keys[0].digest);
        assert_eq!(keys[4].trimmed, keys[0].trimmed);
        assert_eq!(keys[0].ids.len(), 2);
    }

    #[test]
    fn keys_that_were_taken_out_have_no_digest() {
        for text in [
            ": PSK \"*****\"",
            ": PSK <SECRET>",
            ": PSK \"xxxxxx\"",
            ": PSK \"my-secret\"",
        ] {
            assert_eq!(keys(text).0[0].digest, None, "{text}");
        }
    }

    #[test]
    fn writing_that_goes_wrong_is_told_without_the_key() {
        for text in [
            ": PSK \"zebra7",
            ": PSK zebra7 zebra8",
            ": PSK \" zebra7\"",
            ": PSK \"zebra7\" zebra8",
            ": PSK zebra7",
            ": PSK 0xzebra7",
            ": PSK \"u2018zebra7u2019\"",
        ] {
            let (_, lints) = keys(text);
            assert_eq!(lints.len(), 1, "{text}");
            assert_eq!(lints[0].cause, "psk-formatting");
            assert!(!format!("{lints:?}").contains("zebra"), "{lints:?}");
        }
        for text in [
            "10.0.0.1 @east : PSK \"zebra7 zebra8\"",
            ": PSK \"Menu2018!\"",
        ] {
            assert!(keys(text).1.is_empty(), "{text}");
        }
    }
}
