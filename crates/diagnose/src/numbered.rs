//! Whose a line of IOS' debugging is. It names the IKE SA by a number of its own, `ISAKMP:(1023):…`, and few lines name the
//! peer; the lines of a hub's many peers stand between each other.

use std::collections::BTreeMap;
use std::net::IpAddr;

use adit_model::fact::{Fact, Side};

use crate::seen::{Seen, hosts};

/// What IOS says of one thing stands in so many lines.
const NEAR: u64 = 8;

/// The IKE SAs that the signs of a case name.
#[derive(Default)]
pub(crate) struct Numbered<'a> {
    peers: BTreeMap<(Side, &'a str, u32), IpAddr>,
    lines: BTreeMap<(Side, &'a str, u64), &'a str>,
}

/// Whose a line is, as far as it is known.
#[derive(Default)]
struct Owner {
    number: Option<u32>,
    peer: Option<IpAddr>,
}

impl<'a> Numbered<'a> {
    pub(crate) fn new(signs: &[Seen<'a>]) -> Self {
        let mut out = Self::default();
        for seen in signs {
            let source = &seen.fact.source;
            let Some(number) = number(&source.text) else {
                continue;
            };
            let (side, name) = (seen.fact.side, source.name.as_str());
            if let Some(peer) = peer(&source.text) {
                out.peers.entry((side, name, number)).or_insert(peer);
            }
            if let Some(line) = source.line {
                out.lines.insert((side, name, line), &source.text);
            }
        }
        out
    }

    /// Whether what is done is known to be of another IKE SA than what is refused.
    pub(crate) fn differ(&self, done: &Fact, refused: &Fact) -> bool {
        let (done, refused) = (self.owner(done), self.owner(refused));
        match (done.peer, refused.peer) {
            (Some(done), Some(refused)) => done != refused,
            // Whoever tries again gets a higher number, so an older IKE SA isn't the one that he made for it.
            _ => matches!(
                (done.number, refused.number),
                (Some(done), Some(refused)) if done < refused
            ),
        }
    }

    fn owner(&self, fact: &Fact) -> Owner {
        let text = fact.source.text.as_str();
        if self.lines.is_empty() || !is_debugging(text) {
            return Owner::default();
        }
        let mut owner = Owner {
            number: number(text),
            peer: peer(text),
        };
        let (side, name) = (fact.side, fact.source.name.as_str());
        // What the part for the traffic's SAs says has no number: what IKE makes of it follows.
        if owner.number.is_none()
            && owner.peer.is_none()
            && let Some(line) = fact.source.line
        {
            let behind = (side, name, line + 1)..=(side, name, line + NEAR);
            if let Some((_, next)) = self.lines.range(behind).next() {
                owner.number = number(next);
                owner.peer = peer(next);
            }
        }
        if let (Some(number), None) = (owner.number, owner.peer) {
            owner.peer = self.peers.get(&(side, name, number)).copied();
        }
        owner
    }
}

fn is_debugging(text: &str) -> bool {
    text.contains("ISAKMP") || text.contains("IPSEC(") || text.contains("map_db_find_best")
}

/// The number of the IKE SA, which is 0 until there is one.
fn number(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("ISAKMP")?;
    let rest = ["-PAK", "-ERROR"]
        .iter()
        .find_map(|kind| rest.strip_prefix(kind))
        .unwrap_or(rest);
    let (number, _) = rest
        .trim_start_matches([':', ' '])
        .strip_prefix('(')?
        .split_once(')')?;
    number.parse().ok().filter(|n| *n != 0)
}

/// The peer, where the line tells it: `(local 192.0.2.1 remote 198.51.100.2)`, `SA has been authenticated with 198.51.100.2`.
fn peer(text: &str) -> Option<IpAddr> {
    let named = ["remote ", "remote= ", "authenticated with ", "peer "];
    let (_, rest) = named.iter().find_map(|words| text.split_once(words))?;
    let word = rest.split([' ', ')', ',', '!']).next()?;
    hosts(word).first().copied()
}

#[cfg(test)]
mod tests {
    use super::{number, peer};

    #[test]
    fn lines_name_the_ike_sa() {
        for line in [
            "*Mar 1 00:01:02.003: ISAKMP:(1023):Old State = IKE_QM_R_QM2 New State = IKE_QM_PHASE2_COMPLETE",
            "ISAKMP (1023): processing NOTIFY PROPOSAL_NOT_CHOSEN protocol 3",
            "ISAKMP-ERROR: (1023):phase 2 SA policy not acceptable! (local 192.0.2.1 remote 198.51.100.2)",
        ] {
            assert_eq!(number(line), Some(1023), "{line}");
        }
        for line in [
            "ISAKMP:(0):no offers accepted!",
            "map_db_find_best did not find matching map",
            "ISAKMP-SA established 192.0.2.1[500]-198.51.100.2[500]",
            "ISAKMP: Created a peer struct for 198.51.100.2 (new)",
        ] {
            assert_eq!(number(line), None, "{line}");
        }
    }

    #[test]
    fn few_lines_name_the_peer() {
        let of = "198.51.100.2".parse().ok();
        assert_eq!(
            peer("not acceptable! (local 192.0.2.1 remote 198.51.100.2)"),
            of
        );
        assert_eq!(
            peer("ISAKMP:(1023):SA has been authenticated with 198.51.100.2"),
            of
        );
        assert_eq!(peer("ISAKMP:(1023):QM Responder gets spi"), None);
    }
}
