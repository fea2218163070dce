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
}

impl Redactor {
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
