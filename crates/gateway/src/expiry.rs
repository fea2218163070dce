//! Certificates are told about before they end: at 30, 14, 7 and 1 days, and when they have ended.
//!
//! The wall clock is asked, not a timer set for the day: hosts sleep, and clocks are put right.

use std::collections::BTreeMap;
use std::time::Duration;

use adit_crypto::pki::{Cert, Expiry};
use adit_model::certificate::{CertificateUse, ExpiryProblem};
use adit_model::event::Happening;
use adit_model::{Mono, Wall};

use crate::gateway::Gateway;
use crate::keys::KeyStore;

/// What was told of which certificate of which tunnel.
#[derive(Debug, Default)]
pub(crate) struct ExpiryWatch {
    told: BTreeMap<(String, CertificateUse, [u8; 32]), Expiry>,
    due: Mono,
}

impl ExpiryWatch {
    /// When certificates are looked at next.
    pub(crate) fn due(&self) -> Mono {
        self.due
    }

    /// What is to be told of which tunnel now, once for each step.
    fn look(&mut self, now: Wall, keys: &KeyStore) -> Vec<(String, Happening)> {
        let mut news = Vec::new();
        let before = std::mem::take(&mut self.told);
        for (tunnel, used_as, cert) in keys.certificates() {
            let expiry = cert.expiry(now, Expiry::STEPS[0]);
            let key = (tunnel.to_owned(), used_as, cert.sha256());
            if before.get(&key) != Some(&expiry) && !self.told.contains_key(&key) {
                let what = problem(expiry).map(|problem| happening(used_as, cert, problem, now));
                news.extend(what.map(|what| (tunnel.to_owned(), what)));
            }
            self.told.insert(key, expiry);
        }
        news
    }
}

impl Gateway {
    /// Looks at the certificates if that is due.
    pub(crate) fn look_at_certificates(&mut self) {
        let now = self.clock.now();
        if self.expiry.due > now.mono {
            return;
        }
        self.expiry.due = now.mono + INTERVAL;
        for (tunnel, what) in self.expiry.look(now.wall, &self.keys) {
            self.happened(Some(&tunnel), None, what);
        }
    }

    /// Other certificates have come: they are looked at as soon as may be.
    pub(crate) fn certificates_changed(&mut self) {
        self.expiry.due = Mono::default();
    }
}

fn problem(expiry: Expiry) -> Option<ExpiryProblem> {
    match expiry {
        Expiry::Good => None,
        Expiry::Within(_) => Some(ExpiryProblem::Expires),
        Expiry::NotYet => Some(ExpiryProblem::NotYetValid),
        Expiry::Expired => Some(ExpiryProblem::Expired),
    }
}

fn happening(used_as: CertificateUse, cert: &Cert, problem: ExpiryProblem, now: Wall) -> Happening {
    Happening::CertificateExpiry {
        used_as,
        subject: cert.subject().to_string(),
        serial: cert.serial_text(),
        not_before: cert.not_before(),
        not_after: cert.not_after(),
        problem,
        days_left: cert.days_left(now),
    }
}

/// How often certificates are looked at.
const INTERVAL: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use adit_crypto::pki::issue::{Issuer, Template, self_signed};
    use adit_crypto::pki::{ChainPolicy, Documents, NewKey, RevocationPolicy, SigningKey, Trust};
    use adit_crypto::provider::fake;
    use adit_ike::key_holder::{Accepted, Authorities, Credentials, Own, OwnCertificate};
    use std::sync::Arc;

    const DAY: u64 = 86_400_000;
    const NOW: u64 = 1_790_000_000_000;

    fn day(days: u64) -> Wall {
        Wall(NOW + days * DAY)
    }

    /// Two tunnels with one certificate, which ends on day 60; its CA ends on day 400.
    fn keys(seed: u64, end: u64) -> KeyStore {
        let random = fake(seed).random;
        let generate = || SigningKey::generate(NewKey::P256, &*random).unwrap().0;
        let (ca_key, key) = (generate(), generate());
        let ca = Template::authority("CN=Lab CA".parse().unwrap(), day(0), day(400));
        let ca = self_signed(&ca_key, &ca, &*random).unwrap();
        let ids = vec!["west.lab".parse().unwrap()];
        let host = Template::host("CN=west".parse().unwrap(), ids, day(1), day(end));
        let issuer = Issuer {
            cert: &ca,
            key: &ca_key,
        };
        let host = issuer.issue(key.public(), &host, &*random).unwrap();
        let own = OwnCertificate::new(&host, Arc::new(key), std::slice::from_ref(&ca)).unwrap();
        let authorities = Authorities {
            documents: Documents::default(),
            revocation: RevocationPolicy::Relaxed,
            trust: Trust {
                anchors: vec![ca],
                ..Trust::default()
            },
            policy: ChainPolicy::default(),
        };
        let credentials = Credentials {
            own: Own::Certificates(vec![own]),
            peer: Accepted::Certificates(Arc::new(authorities)),
            ppk: None,
            sha1: false,
        };
        let mut keys = KeyStore::default();
        keys.insert("office", credentials.clone());
        keys.insert("shop", credentials);
        keys
    }

    fn told(watch: &mut ExpiryWatch, keys: &KeyStore, days: u64) -> Vec<String> {
        let line = |(tunnel, what)| format!("{tunnel}: {what}");
        watch.look(day(days), keys).into_iter().map(line).collect()
    }

    #[test]
    fn each_step_towards_the_end_is_told_once_to_each_tunnel() {
        let keys = keys(1, 60);
        let mut watch = ExpiryWatch::default();
        assert_eq!(told(&mut watch, &keys, 29), Vec::<String>::new());
        let mut days = Vec::new();
        for day in 30..=61 {
            for line in told(&mut watch, &keys, day) {
                assert!(line.contains("our certificate `CN=west`"), "{line}");
                days.push((
                    day,
                    line.starts_with("office: "),
                    line.contains(" expired "),
                ));
            }
        }
        let expected: Vec<(u64, bool, bool)> = [30, 46, 53, 59, 61]
            .into_iter()
            .flat_map(|day| [(day, true, day > 60), (day, false, day > 60)])
            .collect();
        assert_eq!(days, expected);
        // Restarted in between, what stands is told again.
        let again = told(&mut ExpiryWatch::default(), &keys, 47);
        assert!(
            again[0].contains("in 13 days: renew it (adit cert rotate"),
            "{again:?}"
        );
    }

    #[test]
    fn a_renewed_certificate_is_told_of_no_more_and_a_ca_is_told_apart() {
        let mut watch = ExpiryWatch::default();
        assert_eq!(told(&mut watch, &keys(1, 60), 50).len(), 2);
        assert_eq!(told(&mut watch, &keys(2, 300), 50), Vec::<String>::new());
        let ca = told(&mut watch, &keys(2, 399), 371);
        assert_eq!(ca.len(), 4, "{ca:?}");
        assert!(ca[1].contains("the CA `CN=Lab CA`"), "{ca:?}");
        assert!(ca[1].contains("adit cert rotate --ca"), "{ca:?}");
    }

    #[test]
    fn a_certificate_of_the_future_is_told_of() {
        let early = told(&mut ExpiryWatch::default(), &keys(1, 60), 0);
        assert!(early[0].contains("valid from"), "{early:?}");
        assert!(early[0].contains("clock"), "{early:?}");
    }
}
