//! What routers on the way to a peer have said about the longest packet that fits (RFC 1191, RFC 8201, RFC 4301 8.2).
//!
//! Nobody authenticates such a message, so it counts only where it quotes a packet that we may have sent, it never goes
//! below what every path carries, it lowers the limit a few times a minute and no more, and it is forgotten after ten
//! minutes, when a longer packet finds out whether it still holds (RFC 1191 6.3).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use adit_model::now::Mono;

/// The least MTU that a message can lead to, in octets: 576 for IPv4 (RFC 791 3.1), 1280 for IPv6 (RFC 8200 5).
#[must_use]
pub const fn floor(is_ipv4: bool) -> usize {
    if is_ipv4 { 576 } else { 1280 }
}

/// What became of a router's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Packets to the peer are at most so long from now on, in octets.
    Taken(usize),
    /// It says nothing new.
    Known,
    /// It quotes no packet of an SA of ours.
    Unfounded,
    /// It came too soon after others.
    TooMany,
}

/// Limits that hold now, by the peer's address.
#[derive(Debug, Default)]
pub(crate) struct PathMtus(BTreeMap<IpAddr, Learned>);

#[derive(Debug)]
struct Learned {
    mtu: usize,
    until: Mono,
    /// The moments in which it was last lowered.
    lowered: [Option<Mono>; PER_MINUTE],
}

/// How long a router's word holds.
const HOLDS: Duration = Duration::from_secs(600);
/// How often a limit is lowered in a minute.
const PER_MINUTE: usize = 6;
const MINUTE: Duration = Duration::from_secs(60);

impl PathMtus {
    /// Takes the word that `mtu` octets are the most on the way to `peer`, where `before` is what holds without it. 0 is a
    /// router that doesn't say how much (RFC 1191 5).
    pub(crate) fn hear(&mut self, now: Mono, peer: IpAddr, mtu: usize, before: usize) -> Word {
        let known = self.0.get(&peer).map_or(before, |l| l.mtu.min(before));
        let mtu = if mtu == 0 { plateau(known) } else { mtu };
        let mtu = mtu.max(floor(peer.is_ipv4()));
        if mtu >= known {
            if mtu == known
                && let Some(learned) = self.0.get_mut(&peer)
            {
                learned.until = now + HOLDS;
            }
            return Word::Known;
        }
        let learned = self.0.entry(peer).or_insert(Learned {
            mtu,
            until: now,
            lowered: [None; PER_MINUTE],
        });
        let is_recent = |at: &Option<Mono>| at.is_some_and(|at| now.since(at) < MINUTE);
        if learned.lowered.iter().all(is_recent) {
            return Word::TooMany;
        }
        learned.lowered.rotate_right(1);
        learned.lowered[0] = Some(now);
        learned.mtu = mtu;
        learned.until = now + HOLDS;
        Word::Taken(mtu)
    }

    /// What holds for `peer`.
    pub(crate) fn of(&self, peer: IpAddr) -> Option<usize> {
        self.0.get(&peer).map(|learned| learned.mtu)
    }

    /// Forgets what has held long enough; tells whether there was any.
    pub(crate) fn forget(&mut self, now: Mono) -> bool {
        let before = self.0.len();
        self.0.retain(|_, learned| learned.until > now);
        self.0.len() != before
    }

    /// When something is next to be forgotten.
    pub(crate) fn due(&self) -> Option<Mono> {
        self.0.values().map(|learned| learned.until).min()
    }
}

/// The next lower usual MTU (RFC 1191 7.1).
fn plateau(below: usize) -> usize {
    const USUAL: [usize; 7] = [8166, 4352, 2002, 1492, 1400, 1280, 1006];
    USUAL.into_iter().find(|mtu| *mtu < below).unwrap_or(576)
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));
    const V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);

    fn second(n: u64) -> Mono {
        Mono(n * 1_000_000_000)
    }

    #[test]
    fn it_only_ever_goes_down_and_never_below_the_floor() {
        let mut paths = PathMtus::default();
        assert_eq!(paths.hear(second(0), V4, 1400, 1500), Word::Taken(1400));
        assert_eq!(paths.hear(second(1), V4, 1450, 1500), Word::Known);
        assert_eq!(paths.hear(second(2), V4, 68, 1500), Word::Taken(576));
        assert_eq!(paths.hear(second(3), V4, 68, 1500), Word::Known);
        assert_eq!(paths.hear(second(3), V6, 600, 1500), Word::Taken(1280));
        assert_eq!((paths.of(V4), paths.of(V6)), (Some(576), Some(1280)));
    }

    #[test]
    fn it_is_lowered_a_few_times_a_minute() {
        let mut paths = PathMtus::default();
        let mut heard = (0..20).map(|n| paths.hear(second(n), V4, 1400 - n as usize, 1500));
        assert!(
            heard
                .by_ref()
                .take(PER_MINUTE)
                .all(|w| matches!(w, Word::Taken(_)))
        );
        assert!(heard.all(|w| w == Word::TooMany));
        assert_eq!(paths.hear(second(61), V4, 1300, 1500), Word::Taken(1300));
    }

    #[test]
    fn it_is_forgotten_after_ten_minutes() {
        let mut paths = PathMtus::default();
        paths.hear(second(0), V4, 1400, 1500);
        paths.hear(second(300), V4, 1400, 1500);
        assert_eq!(paths.due(), Some(second(900)), "said again, it holds again");
        assert!(!paths.forget(second(899)));
        assert!(paths.forget(second(900)));
        assert_eq!((paths.of(V4), paths.due()), (None, None));
    }

    /// RFC 1191 5: old routers don't say how long a packet may be.
    #[test]
    fn a_router_that_names_no_size_is_met_by_steps() {
        let mut paths = PathMtus::default();
        let steps: Vec<_> = (0..6).map(|n| paths.hear(second(n), V4, 0, 1500)).collect();
        let sizes = [1492, 1400, 1280, 1006, 576].map(Word::Taken);
        assert_eq!(steps[..5], sizes);
        assert_eq!(steps[5], Word::Known);
    }
}
