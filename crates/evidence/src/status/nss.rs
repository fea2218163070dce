//! `certutil -L`: the nicknames in an NSS database, beside those that a configuration names.
//!
//! The flag `u` stands for a private key that belongs to the certificate.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// More nicknames aren't kept.
const MOST: usize = 512;

/// Follows one list, and the configuration's `leftcert=`.
#[derive(Debug, Default)]
pub(super) struct Nss {
    /// Inside of the list.
    open: bool,
    /// The list came to an end.
    whole: bool,
    /// Nicknames, and whether their key is there.
    names: Vec<(String, bool)>,
    wanted: Vec<(String, Place)>,
}

impl Nss {
    /// The next line.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        let body = line.body.trim();
        if body.starts_with("Certificate Nickname") && body.ends_with("Trust Attributes") {
            self.open = true;
            return;
        }
        if self.open {
            self.row(body);
        }
        // Ours is the left one by custom. A file is no nickname.
        if let Some(value) = body.strip_prefix("leftcert=")
            && self.wanted.len() < MOST
        {
            let name = value.trim().trim_matches('"');
            let file = [".pem", ".crt", ".cer", ".der"]
                .iter()
                .any(|end| name.ends_with(end));
            if !name.is_empty() && !name.contains(['/', '%']) && !file {
                self.wanted.push((name.to_owned(), place()));
            }
        }
    }

    fn row(&mut self, body: &str) {
        let (name, flags) = body.rsplit_once(char::is_whitespace).unwrap_or((body, ""));
        let is_flags = flags.matches(',').count() == 2
            && flags
                .chars()
                .all(|c| matches!(c, ',' | 'p' | 'P' | 'c' | 'C' | 'T' | 'u' | 'w'));
        if is_flags && self.names.len() < MOST {
            let key = flags.contains('u');
            self.names.push((name.trim().to_owned(), key));
        } else if !self.names.is_empty() {
            self.open = false;
            self.whole = true;
        } else if !body.is_empty() && !body.starts_with("SSL,S/MIME") {
            self.open = false;
        }
    }

    /// A certificate that is wanted and isn't there, or is there without its key.
    pub(super) fn finish(self, facts: &mut Vec<Fact>) {
        if !self.whole {
            return;
        }
        for (wanted, place) in self.wanted {
            let known = self.names.iter().find(|(name, _)| *name == wanted);
            if known.is_none_or(|(_, key)| !key) {
                let values = [("identity", wanted.as_str())];
                facts.push(sign(place, Sign::PrivateKeyMissing, &values));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::reading::read;

    fn missing(wanted: &str, behind: &str) -> bool {
        let text = format!(
            "conn office\n    leftcert={wanted}\n    right=198.51.100.7\n\n# certutil -L -d sql:/etc/ipsec.d\n\nCertificate Nickname                                         Trust Attributes\n                                                             SSL,S/MIME,JAR/XPI\n\nExample CA                                                   CT,,\nwest gateway                                                 u,u,u\neast                                                         ,,\n{behind}"
        );
        let facts = read("paste", Side::Local, text.as_bytes(), Wall(0)).facts;
        facts.iter().any(|f| {
            matches!(
                f.what,
                Known::Sign {
                    sign: Sign::PrivateKeyMissing,
                    ..
                }
            )
        })
    }

    #[test]
    fn a_nickname_is_looked_for_in_a_whole_list() {
        assert!(missing("west", "\n#\n"));
        assert!(missing("east", "\n#\n"), "no key of it");
        assert!(!missing("\"west gateway\"", "\n#\n"));
        assert!(!missing("west", ""), "it may go on");
        assert!(!missing("/etc/ipsec.d/certs/west.pem", "\n#\n"));
    }
}
