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
}

impl Redactor {
    /// The line without its secrets; `None` for a line that is nothing else.
    pub fn line(&mut self, line: &str) -> Option<String> {
        if line.contains("-----BEGIN") && line.contains("PRIVATE KEY") {
            self.private = true;
            return Some("[private key]".to_owned());
        }
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
        if text.is_empty() || text.starts_with('#') || text.starts_with("include") {
            return Some(line.to_owned());
        }
        let Some((ids, value)) = text.rsplit_once(": ").or_else(|| text.split_once(':')) else {
            // A further line of a key that is written over several.
            return None;
        };
        let (kind, secret) = value
            .trim_start()
            .split_once(char::is_whitespace)
            .unwrap_or((value.trim(), ""));
        let known = [
            "PSK", "RSA", "ECDSA", "PKCS8", "P12", "XAUTH", "EAP", "NTLM", "BLISS", "PIN",
        ];
        if !known.iter().any(|k| kind.eq_ignore_ascii_case(k)) {
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
            Some("a.example b.example : PSK \"[secret 1]\"")
        );
        assert_eq!(
            line(&mut redactor, ": PSK other").as_deref(),
            Some(": PSK \"[secret 2]\"")
        );
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
