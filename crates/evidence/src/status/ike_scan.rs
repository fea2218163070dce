//! What `ike-scan` learned of a responder: the proposal that it took.

use std::net::{IpAddr, Ipv4Addr};

use adit_model::fact::{Fact, Known, OfferOutcome, Probe};
use adit_model::proposal::Proposal;

use super::fact;
use crate::reading::Place;
use crate::text::Line;

/// An answer whose proposal may stand on a line of its own.
#[derive(Debug, Default)]
pub(super) struct IkeScan {
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    to: IpAddr,
    place: Place,
    lines: u8,
}

impl IkeScan {
    /// `198.51.100.7  Main Mode Handshake returned HDR=(…) SA=(Enc=3DES Hash=SHA1 Group=2:modp1024 Auth=PSK …) …`, with `-M`
    /// on several lines.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        const FAR: u8 = 4;
        if let Some((head, rest)) = line.body.split_once(" Handshake returned") {
            let mut words = head.split_ascii_whitespace();
            let first = words.next().unwrap_or_default();
            // The address of who was asked stands first, or what it was blacked out with.
            let to = first.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
            let tells = matches!(words.next(), Some("Main" | "Aggressive" | "IKEv2" | "("));
            self.open = tells.then(|| Open {
                to,
                place: place(),
                lines: 0,
            });
            self.proposal(rest, facts);
        } else if let Some(open) = &mut self.open {
            open.lines += 1;
            if open.lines > FAR {
                self.open = None;
            } else {
                self.proposal(line.body, facts);
            }
        }
    }

    fn proposal(&mut self, text: &str, facts: &mut Vec<Fact>) {
        let sa = text
            .split_once("SA=(")
            .and_then(|(_, sa)| sa.split_once(')').or(Some((sa, ""))));
        let Some((sa, _)) = sa else {
            return;
        };
        if let (Some(open), Some(offered)) = (self.open.take(), taken(sa)) {
            let probe = Probe::IkeOffer {
                to: open.to,
                port: 500,
                offered: Box::new(offered),
                outcome: OfferOutcome::Taken,
            };
            facts.push(fact(open.place, Known::Probed { probe }));
        }
    }
}

/// `Enc=AES KeyLength=256 Hash=SHA1 Group=2:modp1024`, of IKEv2 `Encr=AES_CBC,KeyLength=256 Prf=HMAC_SHA1 Integ=HMAC_SHA1_96 DH_Group=2:modp1024`.
fn taken(sa: &str) -> Option<Proposal> {
    let value = |names: [&str; 2]| {
        sa.split([' ', ','])
            .filter_map(|word| word.split_once('='))
            .find(|(name, _)| names.contains(name))
            .map(|(_, value)| value)
    };
    let bits = value(["KeyLength", ""]).unwrap_or("128");
    let cipher = match value(["Enc", "Encr"])? {
        "AES" | "AES_CBC" => format!("aes{bits}"),
        "3DES" => "3des".to_owned(),
        "DES" => "des".to_owned(),
        _ => return None,
    };
    let hash = match value(["Hash", "Integ"])? {
        "MD5" | "HMAC_MD5_96" => "md5",
        "SHA1" | "HMAC_SHA1_96" => "sha1",
        "SHA2-256" | "HMAC_SHA2_256_128" => "sha256",
        "SHA2-384" | "HMAC_SHA2_384_192" => "sha384",
        "SHA2-512" | "HMAC_SHA2_512_256" => "sha512",
        _ => return None,
    };
    let (_, group) = value(["Group", "DH_Group"])?.split_once(':')?;
    format!("{cipher}-{hash}-{group}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_responder_took_is_a_proposal() {
        for (shown, meant) in [
            (
                "Enc=3DES Hash=SHA1 Group=2:modp1024 Auth=PSK LifeType=Seconds",
                "3des-sha1-modp1024",
            ),
            (
                "Enc=AES Hash=SHA2-256 Auth=PSK Group=14:modp2048 KeyLength=256",
                "aes256-sha256-modp2048",
            ),
            (
                "Encr=AES_CBC,KeyLength=128 Prf=HMAC_SHA1 Integ=HMAC_SHA1_96 DH_Group=5:modp1536",
                "aes128-sha1-modp1536",
            ),
        ] {
            assert_eq!(taken(shown), meant.parse().ok(), "{shown}");
            assert!(taken(shown).is_some(), "{shown}");
        }
        assert_eq!(taken("Enc=Mystery Hash=SHA1 Group=2:modp1024"), None);
    }
}
