//! What several lines of charon say together, beside the story of its IKE SAs.

use adit_model::fact::{Fact, Known};
use adit_model::sign::Sign;

use super::candidates::Candidates;
use super::leased::Leased;
use super::secrets::{self, Secrets};
use crate::reading::Place;

/// So many such facts are kept.
const MOST: usize = 16;

/// Its readers, and what they found.
#[derive(Debug, Default)]
pub(super) struct Asides {
    candidates: Candidates,
    leased: Leased,
    secrets: Secrets,
    facts: Vec<Fact>,
}

impl Asides {
    /// The next line.
    pub(super) fn line(&mut self, group: Option<&str>, text: &str, place: &impl Fn() -> Place) {
        let of = |name| group.is_none_or(|g| g == name);
        if of("CFG") && secrets::come_otherwise(text) {
            self.facts.retain(
                |f| !matches!(f.what, Known::Sign { sign, .. } if sign == Sign::SecretsNoneLoaded),
            );
        }
        if of("KNL")
            && let Some(there) = Leased::appeared(text)
        {
            self.facts.retain(|f| match &f.what {
                Known::Sign { sign, values } => {
                    *sign != Sign::LeasedAddressNotFound
                        || values.get("address").is_none_or(|lost| lost != there)
                }
                _ => true,
            });
        }
        if self.facts.len() >= MOST {
            return;
        }
        let mut found = Vec::new();
        if of("CFG") {
            found.extend(self.candidates.line(text).map(|(s, v)| (s, v, place())));
            found.extend(self.secrets.line(text, place));
        }
        if of("IKE") || of("KNL") {
            found.extend(self.leased.line(text).map(|(s, v)| (s, v, place())));
        }
        self.facts
            .extend(found.into_iter().map(|(sign, values, place)| Fact {
                source: place.source,
                at: place.at,
                side: place.side,
                subject: None,
                role: None,
                what: Known::Sign { sign, values },
            }));
    }

    /// What was found.
    pub(super) fn finish(self) -> Vec<Fact> {
        self.facts
    }
}

#[cfg(test)]
mod tests {
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;
    use adit_model::sign::Sign;

    use crate::read;

    fn told(text: &str, sign: Sign) -> Option<String> {
        let read = read("x", Side::Local, text.as_bytes(), Wall(1_795_241_285_000));
        read.facts.into_iter().find_map(|f| match f.what {
            Known::Sign { sign: s, values } if s == sign => values.into_values().next(),
            _ => None,
        })
    }

    #[test]
    fn secrets_that_lead_to_a_file_that_is_absent() {
        let begins = "00[CFG] loading secrets from '/opt/vpn/etc/ipsec.secrets'\n";
        let absent = "00[CFG] expanding file expression '/etc/ipsec.secrets' failed\n";
        let ends = "00[CFG] loaded 0 RADIUS server configurations\n";
        let sign = Sign::SecretsNoneLoaded;
        let found = told(&format!("{begins}{absent}{ends}"), sign);
        assert_eq!(found.as_deref(), Some("/etc/ipsec.secrets"));
        // A secret of the file's own; a pattern; a package's file; an end that isn't shown.
        let own = "00[CFG]   loaded IKE secret for gw.example.org\n";
        let pattern = "00[CFG] expanding file expression '/etc/ipsec.d/*.secrets' failed\n";
        let package =
            "00[CFG] expanding file expression '/var/lib/strongswan/ipsec.secrets.inc' failed\n";
        // Secrets that come by vici, and a RADIUS server that has them.
        let vici = "07[CFG] loaded IKE shared key with id 'ike-hub' for: 'gw.example.org'\n";
        let radius = "00[CFG] loaded 1 RADIUS server configuration\n";
        for text in [
            format!("{begins}{absent}{ends}{vici}"),
            format!("{begins}{absent}{radius}"),
            format!("{begins}{absent}{own}{ends}"),
            format!("{begins}{own}{absent}{ends}"),
            format!("{begins}{pattern}{ends}"),
            format!("{begins}{package}{ends}"),
            format!("{begins}{absent}"),
        ] {
            assert_eq!(told(&text, sign), None, "{text}");
        }
    }

    #[test]
    fn a_leased_address_that_isnt_found_where_it_was_put() {
        let sign = Sign::LeasedAddressNotFound;
        let put = "11[IKE] <rw|1> installing new virtual IP 10.9.0.4\n";
        let lost = "11[KNL] <rw|1> 10.9.0.4 is not a local address or the interface is down\n";
        let found = told(&format!("{put}{lost}"), sign);
        assert_eq!(found.as_deref(), Some("10.9.0.4"));
        // charon looks for the peer's address as well.
        let peer = "11[KNL] <rw|1> 192.0.2.9 is not a local address or the interface is down\n";
        assert_eq!(told(&format!("{put}{peer}"), sign), None);
        assert_eq!(told(&format!("{lost}{put}"), sign), None);
        // It only came later.
        let there = "05[KNL] 10.9.0.4 appeared on tun0\n";
        assert_eq!(told(&format!("{put}{lost}{there}"), sign), None);
        let other = "05[KNL] 10.9.0.5 appeared on tun0\n";
        assert!(told(&format!("{put}{lost}{other}"), sign).is_some());
    }
}
