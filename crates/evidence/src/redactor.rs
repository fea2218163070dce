//! Text made fit to be handed on: secrets replaced by numbers.

use std::collections::BTreeMap;

use crate::text::redact_with;

/// Takes secrets out of text line by line.
///
/// Equal secrets become the same number, so that who reads the text still sees which keys are equal, and nothing of
/// their value. What was seen is forgotten with the redactor.
#[derive(Debug, Default)]
pub struct Redactor {
    numbers: BTreeMap<String, usize>,
    /// Inside a block that is a private key from its first line to its last.
    private: bool,
    /// Behind a line that says that the octets of a key follow.
    dump: bool,
    /// Inside a value that goes on until three marks.
    long: Option<Long>,
}

/// A value over several lines, as TOML has them.
#[derive(Clone, Copy, Debug)]
struct Long {
    end: &'static str,
    /// It is one that was put out of use, with `#` before every line.
    comment: bool,
}

impl Redactor {
    /// Begins another text: a value that has no end in one text doesn't go on in the next.
    pub fn begin(&mut self) {
        self.long = None;
    }

    /// The line without its secrets; `None` for a line that is nothing else.
    pub fn line(&mut self, line: &str) -> Option<String> {
        if line.contains("-----BEGIN") && line.contains("PRIVATE KEY") {
            self.private = !line.contains("-----END");
            return Some("[private key]".to_owned());
        }
        if self.dump && octets(line) {
            return None;
        }
        self.dump = announces_octets(line);
        if self.private {
            self.private = !line.contains("-----END");
            return None;
        }
        if let Some(long) = self.long
            && (!long.comment || line.trim_start().starts_with('#'))
        {
            self.long = (!ends(line, long.end)).then_some(long);
            return None;
        }
        self.long = opens(line);
        let numbers = &mut self.numbers;
        Some(redact_with(line, |secret| number(numbers, secret)))
    }

    /// A line of a file that holds nothing but secrets, such as `ipsec.secrets`: whom they are for and of which kind
    /// they are stays, every value goes.
    pub fn secrets_line(&mut self, line: &str) -> Option<String> {
        let text = line.trim();
        if text.is_empty() || text.starts_with("include ") {
            return Some(line.to_owned());
        }
        if text.starts_with('#') {
            // A secret that was put out of use is a secret.
            return None;
        }
        let Some((ids, value)) = ids_and_value(text) else {
            // A further line of a key that is written over several.
            return None;
        };
        let (kind, secret) = value
            .trim_start()
            .split_once(char::is_whitespace)
            .unwrap_or((value.trim(), ""));
        if !is_kind(kind) {
            return None;
        }
        let secret = secret.trim();
        if secret.is_empty() || secret.starts_with('{') {
            return Some(format!("{ids}: {kind}"));
        }
        Some(format!(
            "{ids}: {kind} \"{}\"",
            number(&mut self.numbers, secret)
        ))
    }
}

/// Whether a value in three marks ends in this line.
fn ends(line: &str, end: &str) -> bool {
    let escapes = |before: &str| before.len() - before.trim_end_matches('\\').len();
    let mut ends = line.match_indices(end);
    ends.any(|(at, _)| {
        let before = line.get(..at).unwrap_or_default();
        end == LITERAL || escapes(before).is_multiple_of(2)
    })
}

/// The value in three marks that begins in this line and doesn't end in it.
fn opens(line: &str) -> Option<Long> {
    let text = line.trim_start();
    let inner = text.trim_start_matches(['#', ' ', '\t']);
    let comment = text.starts_with('#');
    let mut at = 0;
    while let Some(rest) = inner.get(at..).filter(|rest| !rest.is_empty()) {
        let before = inner.get(..at).unwrap_or_default();
        let end = [BASIC, LITERAL].into_iter().find(|m| rest.starts_with(m));
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let Some(end) = end.filter(|_| begins_value(before)) else {
            if rest.starts_with('#') {
                return None;
            }
            at += quoted(rest).unwrap_or(first);
            continue;
        };
        let value = rest.get(end.len()..).unwrap_or_default();
        let Some(length) = value.find(end).filter(|_| ends(value, end)) else {
            return Some(Long { end, comment });
        };
        at += 2 * end.len() + length;
    }
    None
}

/// Whether a value can begin here: behind a mark, or a word that is alone.
fn begins_value(before: &str) -> bool {
    let marked = before.trim_end().ends_with(['=', ':', '[', ',', '(', '{']);
    marked || before.split_whitespace().count() <= 1
}

/// How many octets a value in single marks has that begins here; an apostrophe in a sentence begins none.
fn quoted(rest: &str) -> Option<usize> {
    let mark = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        if c == mark && !escaped {
            return Some(at + 1);
        }
        escaped = mark == '"' && c == '\\' && !escaped;
    }
    None
}

const BASIC: &str = "\"\"\"";
const LITERAL: &str = "'''";

/// Kinds of secrets that a file of secrets has.
fn is_kind(word: &str) -> bool {
    const KINDS: [&str; 10] = [
        "PSK", "RSA", "ECDSA", "PKCS8", "P12", "XAUTH", "EAP", "NTLM", "BLISS", "PIN",
    ];
    KINDS.iter().any(|k| word.eq_ignore_ascii_case(k))
}

/// For whom, and what: cut at the first colon before a kind, for a secret may hold colons and an address does.
fn ids_and_value(text: &str) -> Option<(&str, &str)> {
    text.match_indices(':').find_map(|(at, _)| {
        let value = text.get(at + 1..)?;
        let kind = value.split_whitespace().next()?;
        is_kind(kind).then(|| (text.get(..at).unwrap_or_default().trim_end(), value))
    })
}

/// Whether a line of a debugging log says that the octets of a key or a shared secret follow.
fn announces_octets(line: &str) -> bool {
    const WORDS: [&str; 12] = [
        "secret =>",
        "key =>",
        "SKEYSEED",
        "skeyid",
        "keypad",
        "| SK_",
        "shared secret",
        "psk found",
        "Sk_",
        "SKEYID",
        "enckey",
        "KEYMAT",
    ];
    WORDS.iter().any(|w| line.contains(w))
}

/// Whether a line is one of octets: `   0: CA 07 …`, `|   ca 07 …`, groups of eight.
fn octets(line: &str) -> bool {
    let hex = |w: &&str| matches!(w.len(), 2 | 8) && w.bytes().all(|b| b.is_ascii_hexdigit());
    // What stands before them (a time, a thread, a group, an offset) is no more than a few words.
    let words: Vec<&str> = line.split_whitespace().collect();
    let most = words.iter().filter(|w| hex(w)).count();
    most >= 2
        && words
            .iter()
            .skip_while(|w| !hex(w))
            .take_while(|w| hex(w))
            .count()
            >= 2
        || (most >= 1 && words.len() <= 2)
}

fn number(numbers: &mut BTreeMap<String, usize>, secret: &str) -> String {
    let next = numbers.len() + 1;
    let secret = secret.trim_matches(['"', '\'']);
    let number = numbers.entry(secret.to_owned()).or_insert(next);
    format!("[secret {number}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_secrets_stay_equal_and_unreadable() {
        let mut redactor = Redactor::default();
        let first = redactor.line("  secret = hunter2").unwrap();
        assert_eq!(first, "  secret = [secret 1]");
        let line = |r: &mut Redactor, text: &str| r.secrets_line(text);
        assert_eq!(
            line(&mut redactor, "a.example b.example : PSK \"hunter2\"").as_deref(),
            Some("a.example b.example: PSK \"[secret 1]\"")
        );
        assert_eq!(
            line(&mut redactor, ": PSK other").as_deref(),
            Some(": PSK \"[secret 2]\"")
        );
    }

    #[test]
    fn values_over_several_lines_leave_none_of_them() {
        for text in [
            "psk = \"\"\"\nhunter2\nhunter2\"\"\"\nend",
            "psk = '''hunter2\nhunter2\n'''\nend",
            "auth = { psk = \"\"\"hunter2\n hunter2 \\\"\"\" hunter2\n\"\"\" }\nend",
            "a = \"'\", psk = \"\"\"\nhunter2\n\"\"\"\nend",
            "a = \"\"\"x\"\"\", psk = '''\nhunter2\n\"\"\"\nhunter2'''\nend",
            "# psk = \"\"\"\n# hunter2\n# \"\"\"\nend",
            "# psk = \"\"\"\n# hunter2\nend",
            "psk =\n\"\"\"\nhunter2\n\"\"\"\nend",
            "psk \"\"\"\nhunter2\n\"\"\"\nend",
        ] {
            let mut redactor = Redactor::default();
            let kept: Vec<String> = text.lines().filter_map(|l| redactor.line(l)).collect();
            let kept = kept.join("\n");
            assert!(!kept.contains("hunter2"), "{text}: {kept}");
            assert!(kept.ends_with("end"), "{text}: {kept}");
        }
        let mut redactor = Redactor::default();
        for line in [
            "a = \"\"\"x\"\"\" # it's \"\"\"",
            "it isn't \"\"\"",
            "b = ''",
            "c = 1",
        ] {
            assert_eq!(redactor.line(line).as_deref(), Some(line));
        }
        redactor.line("psk = \"\"\"");
        redactor.begin();
        assert_eq!(
            redactor.line("another text").as_deref(),
            Some("another text")
        );
    }

    #[test]
    fn octets_of_keys_leave_no_line() {
        let log = "\
            09[IKE] shared Diffie Hellman secret => 32 bytes @ 0x7f\n\
            09[IKE]    0: CA 07 41 42 43 44 45 46  47 48 49 4A 4B 4C 4D 4E  ..ABCDEFGHIJKLMN\n\
            09[IKE]   16: 11 22\n\
            09[IKE] authentication of 'a' with pre-shared key\n\
            | SK_ei\n\
            |   ca 07 41 42\n\
            | done";
        let mut redactor = Redactor::default();
        let kept: Vec<String> = log.lines().filter_map(|l| redactor.line(l)).collect();
        assert_eq!(kept.len(), 4, "{kept:?}");
        assert!(!kept.iter().any(|l| l.contains("07")));
    }

    #[test]
    fn a_secret_that_was_put_out_of_use_is_one() {
        let mut redactor = Redactor::default();
        assert_eq!(redactor.secrets_line("# a b : PSK \"hunter2\""), None);
        let line = redactor
            .secrets_line("fd00::1 : PSK \"a: PSK hunter2\"")
            .unwrap();
        assert_eq!(line, "fd00::1: PSK \"[secret 1]\"");
    }

    #[test]
    fn private_keys_leave_no_line() {
        let mut redactor = Redactor::default();
        let text = "a\n-----BEGIN PRIVATE KEY-----\nMIIEv\n-----END PRIVATE KEY-----\nb";
        let kept: Vec<String> = text.lines().filter_map(|l| redactor.line(l)).collect();
        assert_eq!(kept, ["a", "[private key]", "b"]);
        let rsa = ": RSA {\n  Modulus: 0x00\n  PrivateExponent: 0x0102\n }";
        let kept: Vec<String> = rsa
            .lines()
            .filter_map(|l| redactor.secrets_line(l))
            .collect();
        assert_eq!(kept, [": RSA"]);
    }
}
