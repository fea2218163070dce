//! What is remembered of a tunnel for telling its future: what came before, and what was told.

use std::collections::BTreeMap;

use adit_diagnose::Forewarning;
use adit_esp::ChildReport;
use adit_model::ahead::{Ahead, TrialOutcome};
use adit_model::event::{Happening, Party};
use adit_model::{Mono, Wall};

use super::gap::Gap;
use super::looks::carried;
use super::trial::Trials;

/// The memory of one tunnel.
#[derive(Debug, Default)]
pub(crate) struct Outlook {
    /// Since when the gateway has the tunnel.
    pub since: Mono,
    /// Whether it has been up.
    pub ever_up: bool,
    /// What the host showed last.
    pub host: Vec<Ahead>,
    /// The number of the look that showed it.
    look: u64,
    /// Rekeys on trial.
    pub trials: Trials,
    /// The newest time without an SA.
    pub gap: Gap,
    /// Whether packets have ever come in. A pair's counters go with it.
    came_in: bool,
    /// The peer's certificates: subject, and the times between which they are valid.
    pub peer: Vec<(String, Wall, Wall)>,
    /// What will fail, as judged last.
    pub found: Vec<Forewarning>,
    /// Pairs of SAs by the SPI that we receive under: the child, and since when.
    pairs: BTreeMap<u32, (String, Mono)>,
    /// How long the peer let children live: seconds, whether it renewed them, how often.
    lives: BTreeMap<String, (u64, bool, u32)>,
}

impl Outlook {
    /// Of a tunnel that the gateway has from now on.
    pub fn new(since: Mono) -> Self {
        Self {
            since,
            ..Self::default()
        }
    }

    /// The host was looked at. What a later look has shown already stays.
    pub fn looked(&mut self, look: u64, found: Vec<Ahead>) {
        if look > self.look {
            self.look = look;
            self.host = carried(&self.host, found);
        }
    }

    /// Packets that the tunnel's ESP has carried out and in, as far as they are counted; of what came in at least that it did.
    pub fn carried_with(&self, tunnel: &str, children: &[ChildReport]) -> (u64, u64) {
        let of = children.iter().filter(|r| r.child.connection == tunnel);
        let (out, came) = of.fold((0, 0), |(out, came): (u64, u64), report| {
            let counters = report.counters;
            (
                out.saturating_add(counters.packets_out),
                came.saturating_add(counters.packets_in),
            )
        });
        (out, came.max(u64::from(self.came_in)))
    }

    /// Remembers that packets have come in, if any have.
    pub fn remember_carried(&mut self, tunnel: &str, children: &[ChildReport]) {
        self.came_in = self.carried_with(tunnel, children).1 > 0;
    }

    /// Something has happened to the tunnel. Says whether that tells something of its future.
    pub fn hear(&mut self, at: Mono, what: &Happening) -> bool {
        self.trials.tick(at);
        match what {
            Happening::ChildEstablished { child, spi_in, .. } => {
                self.begins(*spi_in, child, at);
                self.ever_up = true;
                false
            }
            Happening::ChildRekeyed {
                child,
                old,
                new,
                by,
            } => {
                let begun = self.pairs.remove(old);
                self.begins(*new, child, at);
                if let (Some((_, begun)), Party::Peer) = (begun, by) {
                    self.lived(child, at.since(begun).as_secs(), true);
                }
                self.trials.came_to(child, TrialOutcome::Passed)
            }
            Happening::ChildClosed { child, spi_in, by } => {
                let begun = self.pairs.remove(spi_in);
                if let (Some((_, begun)), Party::Peer) = (begun, by) {
                    self.lived(child, at.since(begun).as_secs(), false);
                }
                true
            }
            // An attempt that failed had no pairs, and what replaced an IKE SA has taken them over.
            Happening::IkeClosed { cause, .. } if cause == "failed" => false,
            Happening::IkeClosed { cause, .. } => {
                if cause != "replaced" {
                    self.pairs.clear();
                }
                true
            }
            Happening::PeerRefused {
                what, name, asked, ..
            } => {
                let Some(child) = self.rekeyed(what) else {
                    return false;
                };
                let offered: Vec<String> =
                    asked.proposals.iter().map(ToString::to_string).collect();
                let outcome = TrialOutcome::RefusedByPeer {
                    notify: name.clone(),
                    offered: offered.join(", "),
                };
                self.trials.came_to(&child, outcome)
            }
            Happening::PutOff { what, .. } => {
                if let Some(child) = self.rekeyed(what) {
                    self.trials.busy(&child);
                }
                false
            }
            Happening::Refused {
                what,
                refusal,
                notify: Some(notify),
            } if notify == "NO_PROPOSAL_CHOSEN" => {
                let Some(child) = self.rekeyed(what) else {
                    return false;
                };
                let why = refusal.to_string();
                self.trials
                    .came_to(&child, TrialOutcome::RefusedByUs { why })
            }
            _ => false,
        }
    }

    /// There is another pair; where there are too many, the oldest is forgotten.
    fn begins(&mut self, spi_in: u32, child: &str, at: Mono) {
        if self.pairs.len() >= MOST {
            let oldest = self.pairs.iter().min_by_key(|(_, (_, begun))| *begun);
            if let Some(spi) = oldest.map(|(spi, _)| *spi) {
                self.pairs.remove(&spi);
            }
        }
        self.pairs.insert(spi_in, (child.to_owned(), at));
    }

    /// The child that events say is being rekeyed; where they don't name it, the only one.
    fn rekeyed(&self, what: &str) -> Option<String> {
        let title = what.strip_suffix(" (rekeying)")?;
        match title.strip_prefix("CHILD_SA ") {
            Some(child) => Some(child.to_owned()),
            None => {
                let mut children = self.pairs.values().map(|(child, _)| child);
                let first = children.next()?;
                children.all(|child| child == first).then(|| first.clone())
            }
        }
    }

    /// The peer has renewed a child, or ended it, after so long.
    fn lived(&mut self, child: &str, seconds: u64, renewed: bool) {
        if seconds < SHORTEST {
            // Two sides that begin at once, or a person.
            return;
        }
        let before = self.lives.get(child).copied();
        let again = before.is_some_and(|(was, how, _)| {
            how == renewed && was.abs_diff(seconds) <= was.max(seconds) / 5
        });
        let times = match before {
            Some((.., times)) if again => times.saturating_add(1),
            _ => 1,
        };
        self.lives
            .insert(child.to_owned(), (seconds, renewed, times));
    }

    /// How long the peer lets children live.
    pub fn peer_lives(&self) -> impl Iterator<Item = Ahead> {
        self.lives
            .iter()
            .map(|(child, (seconds, renewed, times))| Ahead::PeerLife {
                child: child.clone(),
                seconds: *seconds,
                renewed: *renewed,
                times: *times,
            })
    }
}

/// Shorter lives tell nothing of a lifetime, in seconds.
const SHORTEST: u64 = 30;
/// Pairs that are remembered.
const MOST: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(spi_in: u32) -> Happening {
        Happening::ChildClosed {
            child: "lan".to_owned(),
            spi_in,
            by: Party::Peer,
        }
    }

    fn at(seconds: u64) -> Mono {
        Mono(seconds * 1_000_000_000)
    }

    fn lives(outlook: &Outlook) -> Vec<Ahead> {
        outlook.peer_lives().collect()
    }

    #[test]
    fn what_the_peer_ends_again_and_again_is_counted() {
        let mut outlook = Outlook::new(at(0));
        for (spi, begun, end) in [(1, 0, 600), (2, 605, 1207)] {
            outlook.pairs.insert(spi, ("lan".to_owned(), at(begun)));
            outlook.hear(at(end), &closed(spi));
        }
        assert_eq!(
            lives(&outlook),
            [Ahead::PeerLife {
                child: "lan".to_owned(),
                seconds: 602,
                renewed: false,
                times: 2
            }]
        );
        // A person who cuts it at once is no lifetime.
        outlook.pairs.insert(3, ("lan".to_owned(), at(1300)));
        outlook.hear(at(1310), &closed(3));
        assert_eq!(lives(&outlook).len(), 1);
    }

    #[test]
    fn an_attempt_that_fails_and_an_ike_sa_that_is_replaced_leave_lifetimes_alone() {
        let ended = |cause: &str| Happening::IkeClosed {
            by: Party::Us,
            cause: cause.to_owned(),
        };
        let mut outlook = Outlook::new(at(0));
        outlook.begins(1, "lan", at(0));
        assert!(!outlook.hear(at(100), &ended("failed")), "nothing is new");
        assert!(outlook.hear(at(200), &ended("replaced")));
        outlook.hear(at(600), &closed(1));
        assert!(matches!(
            lives(&outlook)[..],
            [Ahead::PeerLife { seconds: 600, .. }]
        ));
        outlook.begins(2, "lan", at(700));
        outlook.hear(at(900), &ended("dead-peer"));
        outlook.hear(at(1300), &closed(2));
        assert_eq!(lives(&outlook).len(), 1);
        assert!(outlook.pairs.is_empty());
    }

    #[test]
    fn the_oldest_pair_makes_room() {
        let mut outlook = Outlook::new(at(0));
        for spi in 0..=1024 {
            outlook.begins(spi, "lan", at(u64::from(spi)));
        }
        assert_eq!(outlook.pairs.len(), MOST);
        assert!(outlook.pairs.contains_key(&1024) && !outlook.pairs.contains_key(&0));
    }

    /// The kernel's counters begin anew with each pair: a tunnel that carries both ways isn't taken for one that doesn't.
    #[test]
    fn what_came_in_once_has_come_in() {
        let carried = |packets_out, packets_in| {
            [ChildReport {
                child: std::sync::Arc::new(adit_esp::ChildName {
                    connection: "office".to_owned(),
                    child: "lan".to_owned(),
                }),
                pairs: 1,
                counters: adit_model::dataplane::PairCounters {
                    packets_out,
                    packets_in,
                    ..Default::default()
                },
                drops: adit_esp::DropCounts::default(),
            }]
        };
        let mut outlook = Outlook::new(at(0));
        outlook.remember_carried("office", &carried(9, 0));
        assert_eq!(outlook.carried_with("office", &carried(30, 0)), (30, 0));
        outlook.remember_carried("other", &carried(9, 9));
        assert_eq!(outlook.carried_with("office", &carried(30, 0)), (30, 0));
        outlook.remember_carried("office", &carried(9, 9));
        outlook.remember_carried("office", &[]);
        assert_eq!(outlook.carried_with("office", &carried(30, 0)), (30, 1));
    }

    #[test]
    fn a_look_that_was_overtaken_changes_nothing() {
        let dpd = |dpd_s| Ahead::Watched {
            dpd_s,
            monitored: false,
        };
        let mut outlook = Outlook::new(at(0));
        outlook.looked(2, vec![dpd(2)]);
        outlook.looked(1, vec![dpd(1)]);
        assert_eq!(outlook.host, [dpd(2)]);
        outlook.looked(3, vec![dpd(3)]);
        assert_eq!(outlook.host, [dpd(3)]);
    }

    #[test]
    fn what_was_renewed_and_then_deleted_was_renewed() {
        let mut outlook = Outlook::new(at(0));
        outlook.pairs.insert(1, ("lan".to_owned(), at(0)));
        let rekeyed = Happening::ChildRekeyed {
            child: "lan".to_owned(),
            old: 1,
            new: 2,
            by: Party::Peer,
        };
        outlook.hear(at(3000), &rekeyed);
        outlook.hear(at(3001), &closed(1));
        assert!(matches!(
            lives(&outlook)[..],
            [Ahead::PeerLife {
                seconds: 3000,
                renewed: true,
                times: 1,
                ..
            }]
        ));
    }
}
