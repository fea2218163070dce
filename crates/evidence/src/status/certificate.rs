//! Certificates as tools print them: `openssl x509` with `-text`, `-dates`, `-subject` and `-ext`, `certutil -L -n`,
//! `pki --print`, `swanctl --list-certs`, `ipsec listcerts`.

use adit_model::fact::{Fact, Known};
use adit_model::host::{Certificate, HostState};
use adit_model::now::Wall;

use super::{command, fact};
use crate::reading::Place;
use crate::text::{Line, moment};

/// So many certificates are kept.
const KEPT: usize = 64;

/// The certificate that the lines are of.
#[derive(Debug, Default)]
pub(crate) struct Certificates {
    open: Option<(Certificate, Place)>,
    /// The next line lists its names, or says whether it is an authority's.
    next: Next,
    seen: usize,
}

/// So many names of a certificate are kept.
const NAMES: usize = 64;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    Anything,
    Names,
    Constraints,
}

impl Certificates {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        // pluto's lists stand behind the number of a message.
        let body = body.strip_prefix("000 ").map_or(body, str::trim_start);
        if body == "Certificate:" || command(body).is_some() {
            self.finish(facts);
            return;
        }
        match core::mem::take(&mut self.next) {
            Next::Names => {
                let names = names(body);
                self.certificate(|c| c.names.get_or_insert_default().extend(names));
                return;
            }
            Next::Constraints => {
                let authority = body.starts_with("CA:TRUE");
                self.certificate(|c| c.authority |= authority);
                return;
            }
            Next::Anything => {}
        }
        if let Some(subject) = value(body, &["Subject:", "subject:", "subject="]) {
            self.begin(place, facts, |c| c.subject.is_empty());
            self.certificate(|c| c.subject = subject);
        } else if let Some(issuer) = value(body, &["Issuer:", "issuer:", "issuer="]) {
            self.begin(place, facts, |c| c.issuer.is_empty());
            self.certificate(|c| c.issuer = issuer);
        } else if let Some(at) = date(
            body,
            &[
                "Not Before:",
                "notBefore=",
                "validity:  not before",
                "validity: not before",
                "not before",
            ],
        ) {
            self.begin(place, facts, |c| c.from.is_none());
            self.certificate(|c| c.from = Some(at));
        } else if let Some(at) = date(
            body,
            &["Not After :", "Not After:", "notAfter=", "not after"],
        ) {
            self.begin(place, facts, |c| c.until.is_none());
            self.certificate(|c| c.until = Some(at));
        } else if self.open.is_some() {
            self.extension(body);
        }
    }

    fn extension(&mut self, body: &str) {
        if body.starts_with("X509v3 Subject Alternative Name:") {
            self.next = Next::Names;
        } else if body.starts_with("X509v3 Basic Constraints:") {
            self.next = Next::Constraints;
        } else if body == "X509v3 extensions:" || body == "Signed Extensions:" {
            self.certificate(|c| {
                c.names.get_or_insert_default();
            });
        } else if let Some(rest) = body.strip_prefix("altNames:") {
            let names = rest
                .split(',')
                .map(|n| n.trim().to_owned())
                .collect::<Vec<_>>();
            self.certificate(|c| c.names.get_or_insert_default().extend(names));
        } else if let Some(rest) = body.strip_prefix("flags:") {
            let authority = rest.split_ascii_whitespace().any(|w| w == "CA");
            self.certificate(|c| c.authority |= authority);
        } else if let Some(name) = ["DNS name: ", "IP Address: ", "RFC822 Name: "]
            .iter()
            .find_map(|head| body.strip_prefix(head))
        {
            let name = name.trim_matches('"').to_owned();
            self.certificate(|c| c.names.get_or_insert_default().push(name));
        } else if body == "Data: Is a CA with no maximum path length."
            || body.starts_with("Data: Is a CA")
        {
            self.certificate(|c| c.authority = true);
        }
    }

    /// The field that is there already is another certificate's.
    fn begin(
        &mut self,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
        free: fn(&Certificate) -> bool,
    ) {
        if self.open.as_ref().is_some_and(|(c, _)| !free(c)) {
            self.finish(facts);
        }
        self.open
            .get_or_insert_with(|| (Certificate::default(), place()));
    }

    fn certificate(&mut self, set: impl FnOnce(&mut Certificate)) {
        if let Some((certificate, _)) = &mut self.open {
            set(certificate);
            if let Some(names) = &mut certificate.names {
                names.truncate(NAMES);
            }
        }
    }

    /// What was read last. A subject alone may be a letter's.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        self.next = Next::Anything;
        let Some((certificate, place)) = self.open.take() else {
            return;
        };
        let dated = certificate.until.is_some() || certificate.from.is_some();
        let named = certificate.subject.contains('=') && certificate.names.is_some();
        if (dated || named) && self.seen < KEPT {
            self.seen += 1;
            let state = Box::new(HostState::Certificate(certificate));
            facts.push(fact(place, Known::Host { state }));
        }
    }
}

fn value(body: &str, heads: &[&str]) -> Option<String> {
    let rest = heads.iter().find_map(|head| body.strip_prefix(head))?;
    let rest = rest.trim().trim_matches('"');
    rest.contains('=').then(|| rest.to_owned())
}

fn date(body: &str, heads: &[&str]) -> Option<Wall> {
    let rest = heads.iter().find_map(|head| body.strip_prefix(head))?;
    moment(rest.trim())
}

/// `DNS:gw-a.example.org, IP Address:192.0.2.1, email:gw@example.org`.
fn names(body: &str) -> Vec<String> {
    body.split(',')
        .filter_map(|part| part.trim().split_once(':'))
        .map(|(_, name)| name.trim().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::reading::read;
    use adit_model::fact::Side;

    fn certificates(text: &str) -> Vec<Certificate> {
        let now = Wall(1_795_241_400_000);
        let facts = read("listing", Side::Local, text.as_bytes(), now).facts;
        facts
            .into_iter()
            .filter_map(|f| match f.what {
                Known::Host { state } => match *state {
                    HostState::Certificate(c) => Some(c),
                    _ => None,
                },
                _ => None,
            })
            .collect()
    }

    #[test]
    fn each_tools_print_gives_the_same() {
        let openssl = "Certificate:\n    Data:\n        Issuer: CN = Example CA\n        Validity\n            Not Before: Mar  1 09:00:00 2021 GMT\n            Not After : Mar  1 09:00:00 2023 GMT\n        Subject: CN = gw-a\n        X509v3 extensions:\n            X509v3 Basic Constraints: \n                CA:FALSE\n            X509v3 Subject Alternative Name: \n                DNS:gw-a.example.org, IP Address:192.0.2.1\n";
        let pki = "  subject:  \"CN=gw-a\"\n  issuer:   \"CN=Example CA\"\n  validity:  not before Mar 01 09:00:00 2021, ok\n             not after  Mar 01 09:00:00 2023, ok (expires in 400 days)\n  altNames:  gw-a.example.org, 192.0.2.1\n";
        for text in [openssl, pki] {
            let [c] = &certificates(text)[..] else {
                panic!("{text}");
            };
            assert_eq!(c.until, Some(Wall(1_677_661_200_000)), "{text}");
            assert_eq!(
                c.names.as_deref().unwrap(),
                ["gw-a.example.org", "192.0.2.1"],
                "{text}"
            );
            assert!(!c.authority && c.subject.contains("gw-a"));
        }
    }

    #[test]
    fn two_certificates_in_a_row_are_two() {
        let text = "subject=CN = a\nnotAfter=Mar  1 09:00:00 2023 GMT\nsubject=CN = b\nnotAfter=Mar  1 09:00:00 2033 GMT\n";
        assert_eq!(certificates(text).len(), 2);
        assert!(certificates("Subject: hello = world\nFrom: me\n").is_empty());
    }
}
