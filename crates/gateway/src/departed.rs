//! SAs that are gone: whether anything ever came through them, and whether somebody still sends on them.
//!
//! A peer that has set up a newer IKE SA has no use for the older one's. Who goes on sending on these doesn't know of the
//! newer one: it is another gateway with the same identity. That holds only where the peer itself set up the newer one or
//! ended the older one, and where one identity alone may be here: who lost the older one to us may not know of it yet.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use adit_model::connection::{Connection, Remote};
use adit_model::event::{Event, Happening, Party, Role};
use adit_model::fact::{Fact, Known, Side, Source};
use adit_model::identity::Identity;
use adit_model::life::Unique;
use adit_model::now::Mono;
use adit_model::sign::Sign;

/// What is remembered of all tunnels.
#[derive(Debug, Default)]
pub struct Departed(BTreeMap<String, Past>);

/// What is remembered of one.
#[derive(Debug, Default)]
struct Past {
    /// Its last IKE SAs; what a renewal of keys made of one is still that one.
    born: VecDeque<Birth>,
    children: VecDeque<Life>,
    /// How many there were.
    births: u64,
}

/// An IKE SA came up.
#[derive(Debug)]
struct Birth {
    at: Mono,
    number: u64,
    /// Who the peer said it is, and where it was.
    remote_id: Identity,
    remote: Option<SocketAddr>,
    role: Option<Role>,
}

/// The life of a pair of SAs.
#[derive(Debug)]
struct Life {
    child: String,
    spi_in: u32,
    /// The number of its IKE SA.
    of: Option<u64>,
    /// What the child had carried before it.
    before: Option<Carried>,
    ended: Option<End>,
    /// Packets that came on it when it had been gone for a while and a newer IKE SA was up.
    late: u64,
    /// The peer itself began the newer one, or ended this one.
    by_peer: bool,
    /// When the first and the last of them came.
    span: Option<(Mono, Mono)>,
}

#[derive(Clone, Copy, Debug)]
struct End {
    at: Mono,
    by: Party,
    /// What it carried, where that is known.
    carried: Option<Carried>,
}

/// Packets that a child has carried over all SAs that it has had.
#[derive(Clone, Copy, Debug, Default)]
pub struct Carried {
    /// From the peer.
    pub came: u64,
    /// To it.
    pub went: u64,
}

impl Departed {
    /// Takes an event to heart; `carried` says what a child has carried.
    pub fn hear(&mut self, event: &Event, carried: impl Fn(&str, &str) -> Option<Carried>) {
        let Some(name) = &event.connection else {
            return;
        };
        let now = event.at.mono;
        match &event.what {
            Happening::IkeEstablished { remote_id, .. } => {
                let past = self.0.entry(name.clone()).or_default();
                past.births += 1;
                past.born.push_back(Birth {
                    at: now,
                    number: past.births,
                    remote_id: remote_id.clone(),
                    remote: event.remote,
                    role: event.role,
                });
                if past.born.len() > MOST {
                    past.born.pop_front();
                }
            }
            Happening::ChildEstablished { child, spi_in, .. } => {
                let past = self.0.entry(name.clone()).or_default();
                past.forget(now);
                // Two may be up for a while; the one that speaks from there is meant.
                let fits = |b: &&Birth| b.remote == event.remote && b.role == event.role;
                let mut born = past.born.iter().rev();
                let of = born.find(fits).or(past.born.back()).map(|b| b.number);
                past.children.push_back(Life {
                    child: child.clone(),
                    spi_in: *spi_in,
                    of,
                    before: carried(name, child),
                    ended: None,
                    late: 0,
                    by_peer: false,
                    span: None,
                });
                if past.children.len() > MOST {
                    past.children.pop_front();
                }
            }
            // Who has the new pair may send on the old one for a while, and that says nothing.
            Happening::ChildRekeyed { old, .. } => {
                if let Some(past) = self.0.get_mut(name) {
                    past.children.retain(|life| life.spi_in != *old);
                }
            }
            Happening::ChildClosed { child, spi_in, by } => {
                let lives = self.0.get_mut(name).map(|past| &mut past.children);
                let mut lives = lives.into_iter().flatten();
                if let Some(life) = lives.find(|life| life.spi_in == *spi_in) {
                    let both = carried(name, child).zip(life.before);
                    life.ended = Some(End {
                        at: now,
                        by: *by,
                        carried: both.map(|(all, before)| Carried {
                            came: all.came.saturating_sub(before.came),
                            went: all.went.saturating_sub(before.went),
                        }),
                    });
                }
            }
            _ => {}
        }
    }

    /// A packet came from the peer of a tunnel under an SPI that isn't in use.
    pub fn stray(&mut self, now: Mono, tunnel: &str, spi: u32) {
        let Some(past) = self.0.get_mut(tunnel) else {
            return;
        };
        let born = &past.born;
        let mut lives = past.children.iter_mut();
        let Some(life) = lives.find(|life| life.spi_in == spi) else {
            return;
        };
        let Some(end) = life.ended else {
            return;
        };
        let identity = |number| {
            let mut born = born.iter();
            let birth = born.find(|b| Some(b.number) == number)?;
            Some(&birth.remote_id)
        };
        let was = identity(life.of);
        let replaces = |b: &&Birth| {
            Some(b.number) != life.of && Some(&b.remote_id) == was && b.at + BESIDE >= end.at
        };
        let replaced = born.iter().find(replaces);
        // What was under way when the newer one came up has arrived by then.
        if let Some(newer) = replaced.filter(|b| b.at.max(end.at) + UNDER_WAY <= now) {
            life.late += 1;
            life.by_peer = newer.role == Some(Role::Responder) || end.by == Party::Peer;
            let first = life.span.map_or(now, |(first, _)| first);
            life.span = Some((first, now));
        }
    }

    /// There is no such tunnel any more.
    pub fn forget(&mut self, tunnel: &str) {
        self.0.remove(tunnel);
    }

    /// What that tells of a tunnel.
    pub fn facts(&self, connection: &Connection, now: Mono) -> Vec<Fact> {
        let tunnel = connection.name.as_str();
        let Some(past) = self.0.get(tunnel) else {
            return Vec::new();
        };
        one_peer(connection)
            .then(|| past.two_senders(tunnel, now))
            .flatten()
            .into_iter()
            .chain(past.what_came(tunnel))
            .collect()
    }
}

/// Whether only one gateway may be the peer. Several clients, several addresses of one name, and IKE SAs that may be beside
/// each other, send on SAs of their own with good reason.
fn one_peer(connection: &Connection) -> bool {
    let one_id = |id: &Identity| !id.is_pattern();
    matches!(connection.remote, Remote::Address(_))
        && connection.remote_id.as_ref().is_some_and(one_id)
        && connection.life.unique != Unique::Never
}

impl Past {
    /// Forgets what ended long ago.
    fn forget(&mut self, now: Mono) {
        self.children
            .retain(|life| life.ended.is_none_or(|end| end.at + REMEMBERED > now));
    }

    /// IKE SAs of one identity take turns, and each one's sender goes on when the next is there.
    fn two_senders(&self, tunnel: &str, now: Mono) -> Option<Fact> {
        let lately = |at: Mono| at + REMEMBERED > now;
        let late = self
            .children
            .iter()
            .filter(|life| life.late >= SEVERAL && life.span.is_some_and(|(_, last)| lately(last)));
        let sas: BTreeSet<u64> = late.clone().filter_map(|life| life.of).collect();
        let of_peer = late.clone().filter(|life| life.by_peer);
        let of_peer: BTreeSet<u64> = of_peer.filter_map(|life| life.of).collect();
        let packets: u64 = late.clone().map(|life| life.late).sum();
        let mut born = self.born.iter();
        let whose = &born.find(|b| sas.contains(&b.number))?.remote_id;
        let turns = self.born.iter();
        let turns = turns.filter(|b| lately(b.at) && b.remote_id == *whose);
        let turns = turns.count();
        let first = late.filter_map(|life| life.span).map(|s| s.0).min()?;
        if sas.len() < TURNS || turns <= TURNS {
            return None;
        }
        let seconds = now.since(first).as_secs().max(1);
        let sas = sas.len();
        let text = format!(
            "{turns} IKE SAs with {whose} came up one after the other, and in {seconds} s {packets} packets or more came on CHILD SAs of {sas} of them that others had replaced"
        );
        let values = [
            ("count", packets.to_string()),
            ("replaced", sas.to_string()),
            ("turns", turns.to_string()),
            ("seconds", seconds.to_string()),
        ];
        let mut values = values.to_vec();
        if of_peer.len() < TURNS {
            values.push(("began", "us".to_owned()));
        }
        Some(sign(tunnel, Sign::ReplacedSends, &values, text))
    }

    /// The peer has deleted the last pair, and nothing had come through it although we had sent, or something had.
    fn what_came(&self, tunnel: &str) -> Option<Fact> {
        let life = self.children.back()?;
        let end = life.ended.filter(|end| end.by == Party::Peer)?;
        let (what, sign_of) = match end.carried? {
            Carried { came: 0, went: 0 } => return None,
            Carried { came: 0, .. } => ("nothing", Sign::NothingCame),
            Carried { .. } => ("something", Sign::SomethingCame),
        };
        let child = &life.child;
        let text = format!("{child}: {what} came through the SA that the peer deleted");
        let values = [("child", child.clone())];
        Some(sign(tunnel, sign_of, &values, text))
    }
}

fn sign(tunnel: &str, sign: Sign, values: &[(&str, String)], text: String) -> Fact {
    let values = values.iter().map(|(k, v)| ((*k).to_owned(), v.clone()));
    Fact {
        source: Source {
            name: "SAs".to_owned(),
            line: None,
            text,
        },
        at: None,
        side: Side::Local,
        subject: Some(tunnel.to_owned()),
        role: None,
        what: Known::Sign {
            sign,
            values: values.collect(),
        },
    }
}

/// How many lives are remembered of a tunnel.
const MOST: usize = 32;
/// For how long.
const REMEMBERED: Duration = Duration::from_secs(120);
/// By then no packet is under way any more that left before a newer IKE SA was there, and none waits for its SA.
const UNDER_WAY: Duration = Duration::from_millis(1800);
/// How long the old IKE SA of a peer that was authenticated anew stays beside the new one, and what its end takes.
const BESIDE: Duration = Duration::from_millis(1600);
/// Fewer packets on one SA say nothing.
const SEVERAL: u64 = 3;
/// So many IKE SAs' senders go on: once it may be a peer that kept an old pair.
const TURNS: usize = 2;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use adit_model::now::Now;

    struct Tale {
        departed: Departed,
        received: u64,
        sent: u64,
        connection: Connection,
        /// Who begins IKE SAs, and as whom.
        role: Role,
        who: &'static str,
        by: Party,
    }

    fn at(ms: u64) -> Mono {
        Mono(0) + Duration::from_millis(ms)
    }

    impl Tale {
        fn new() -> Self {
            Self {
                departed: Departed::default(),
                received: 0,
                sent: 0,
                connection: Connection {
                    remote: Remote::Address([192, 0, 2, 2].into()),
                    remote_id: Some("east.lab".parse().unwrap()),
                    ..crate::sample::connection("office")
                },
                role: Role::Responder,
                who: "east.lab",
                by: Party::Peer,
            }
        }

        fn event(&mut self, ms: u64, what: Happening) -> &mut Self {
            let event = Event {
                at: Now {
                    mono: at(ms),
                    ..Now::default()
                },
                connection: Some("office".to_owned()),
                role: Some(self.role),
                local: None,
                remote: None,
                what,
            };
            let carried = Carried {
                came: self.received,
                went: self.sent,
            };
            self.departed.hear(&event, |_, _| Some(carried));
            self
        }

        /// A new IKE SA, whose child replaces this one.
        fn turn(&mut self, ms: u64, old: Option<u32>, new: u32) -> &mut Self {
            self.event(
                ms,
                Happening::IkeEstablished {
                    local_id: "west.lab".parse().unwrap(),
                    remote_id: self.who.parse().unwrap(),
                    suite: "aes128gcm16-prfsha256-x25519"
                        .to_owned()
                        .try_into()
                        .unwrap(),
                    spis: (u64::from(new), 2),
                },
            );
            if let Some(old) = old {
                self.closed(ms, old);
            }
            self.child(ms, new)
        }

        /// A child more of the last IKE SA.
        fn child(&mut self, ms: u64, new: u32) -> &mut Self {
            self.event(
                ms,
                Happening::ChildEstablished {
                    child: "lan".to_owned(),
                    spi_in: new,
                    spi_out: new + 1,
                    suite: "aes128gcm16".to_owned().try_into().unwrap(),
                    ts_local: Vec::new(),
                    ts_remote: Vec::new(),
                    narrowed: false,
                    udp_encap: false,
                },
            )
        }

        fn closed(&mut self, ms: u64, spi: u32) -> &mut Self {
            let what = Happening::ChildClosed {
                child: "lan".to_owned(),
                spi_in: spi,
                by: self.by,
            };
            self.event(ms, what)
        }

        fn strays(&mut self, from: u64, to: u64, spi: u32) -> &mut Self {
            for ms in (from..to).step_by(200) {
                self.departed.stray(at(ms), "office", spi);
            }
            self
        }

        /// Whether the peer is seen to have replaced them itself.
        fn by_peer(&self, ms: u64) -> bool {
            let facts = self.departed.facts(&self.connection, at(ms));
            facts.iter().all(
                |fact| matches!(&fact.what, Known::Sign { values, .. } if !values.contains_key("began")),
            )
        }

        fn signs(&self, ms: u64) -> Vec<Sign> {
            let facts = self.departed.facts(&self.connection, at(ms));
            facts
                .into_iter()
                .filter_map(|fact| match fact.what {
                    Known::Sign { sign, .. } => Some(sign),
                    _ => None,
                })
                .collect()
        }
    }

    #[test]
    fn two_that_take_turns_and_both_go_on_sending_are_told() {
        let mut tale = Tale::new();
        tale.received = 9;
        tale.turn(0, None, 1);
        tale.turn(5_000, Some(1), 2).strays(5_000, 9_000, 1);
        // One may be a peer that kept an old pair.
        assert_eq!(tale.signs(9_000), []);
        tale.turn(10_000, Some(2), 3).strays(10_000, 14_000, 2);
        assert_eq!(tale.signs(14_000), [Sign::ReplacedSends]);
        // Long ago is over.
        assert_eq!(tale.signs(150_000), []);
    }

    /// Two take turns; what is changed of them first.
    fn turns(change: impl Fn(&mut Tale)) -> Vec<Sign> {
        took_turns(change).signs(14_000)
    }

    fn took_turns(change: impl Fn(&mut Tale)) -> Tale {
        let mut tale = Tale::new();
        tale.received = 9;
        change(&mut tale);
        tale.turn(0, None, 1);
        tale.turn(5_000, Some(1), 2).strays(5_000, 9_000, 1);
        tale.turn(10_000, Some(2), 3).strays(10_000, 14_000, 2);
        tale
    }

    #[test]
    fn where_several_may_be_the_peer_each_sends_on_its_own() {
        assert_eq!(turns(|_| {}), [Sign::ReplacedSends]);
        assert_eq!(turns(|t| t.connection.remote = Remote::Any), []);
        let name = || Remote::Name("vpn.example".to_owned());
        assert_eq!(turns(|t| t.connection.remote = name()), []);
        assert_eq!(turns(|t| t.connection.remote_id = None), []);
        let pattern = || "*.example".parse().ok();
        assert_eq!(turns(|t| t.connection.remote_id = pattern()), []);
        assert_eq!(turns(|t| t.connection.life.unique = Unique::Never), []);
    }

    #[test]
    fn who_was_left_by_us_may_not_know_it_yet() {
        // A reset or dead peer detection of ours, and we begin anew.
        let ours = |t: &mut Tale| (t.by, t.role) = (Party::Us, Role::Initiator);
        assert!(!took_turns(ours).by_peer(14_000));
        // The peer has begun anew, so it knows.
        assert!(took_turns(|t| t.by = Party::Us).by_peer(14_000));
        assert!(took_turns(|t| t.role = Role::Initiator).by_peer(14_000));
    }

    #[test]
    fn children_of_one_ike_sa_are_one_sender() {
        let mut tale = Tale::new();
        tale.received = 9;
        tale.turn(0, None, 1).child(10, 2);
        tale.closed(5_000, 1).turn(5_000, Some(2), 3);
        tale.turn(10_000, Some(3), 4)
            .strays(10_000, 14_000, 1)
            .strays(10_000, 14_000, 2);
        assert_eq!(tale.signs(14_000), []);
    }

    #[test]
    fn another_client_is_no_replacement() {
        let mut tale = Tale::new();
        tale.received = 9;
        for (turn, who) in (0_u32..).zip(["a.lab", "b.lab", "c.lab", "d.lab"]) {
            tale.who = who;
            let ms = u64::from(turn) * 5_000;
            tale.turn(ms, (turn > 0).then_some(turn), turn + 1);
            tale.strays(ms, ms + 4_000, turn);
        }
        assert_eq!(tale.signs(20_000), []);
    }

    #[test]
    fn a_peer_that_comes_back_again_and_again_is_one() {
        let mut tale = Tale::new();
        tale.turn(0, None, 1);
        // It sends until it has the new one, and what is under way arrives.
        for turn in 1..6_u32 {
            let ms = u64::from(turn) * 5_000;
            tale.strays(ms - 3_000, ms, turn);
            tale.turn(ms, Some(turn), turn + 1);
            tale.strays(ms, ms + 1_000, turn);
        }
        assert_eq!(tale.signs(30_000), []);
    }

    #[test]
    fn what_is_replaced_by_a_rekey_says_nothing() {
        let mut tale = Tale::new();
        tale.turn(0, None, 1)
            .turn(1_000, None, 2)
            .turn(2_000, None, 3);
        for (old, new) in [(1, 4), (2, 5)] {
            let what = Happening::ChildRekeyed {
                child: "lan".to_owned(),
                old,
                new,
                by: Party::Us,
            };
            tale.event(3_000, what).closed(3_500, old);
            tale.strays(6_000, 9_000, old);
        }
        assert_eq!(tale.signs(9_000), []);
    }

    #[test]
    fn an_sa_that_nothing_came_through_is_told_where_the_peer_deleted_it() {
        let mut tale = Tale::new();
        tale.turn(0, None, 1);
        tale.sent = 1;
        tale.closed(900, 1);
        assert_eq!(tale.signs(1_000), [Sign::NothingCame]);
        tale.turn(2_000, None, 2);
        tale.received = 1;
        tale.closed(3_000, 2);
        assert_eq!(tale.signs(4_000), [Sign::SomethingCame]);
        // Who sends nothing gets no answer.
        tale.turn(5_000, None, 3).closed(6_000, 3);
        assert_eq!(tale.signs(7_000), []);
        // What we end ourselves says nothing of the peer.
        tale.turn(8_000, None, 4);
        (tale.sent, tale.by) = (2, Party::Us);
        tale.closed(9_000, 4);
        assert_eq!(tale.signs(10_000), []);
    }
}
