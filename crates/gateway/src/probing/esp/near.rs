//! The side that wants to know: it sends, asks what came, and has the far side send.

use std::time::{Duration, Instant};

use adit_crypto::Provider;
use adit_ike::Topic;
use adit_ike::Unanswered;
use adit_model::event::PathProblem;
use adit_model::probed::Sent;
use tokio::sync::oneshot;

use super::alone::Alone;
use super::ladder::{SEVERAL, Tally, between};
use super::packet::{SHORTEST, Shot, Token};
use super::post::{MOST_OCTETS, Post, Word};
use super::{Errand, Limits, MOST_SHOTS, Order, Said};
use crate::asking::{Asker, NoAnswer};
use crate::attempt::TaskDone;
use crate::probing::Situation;

/// What both sides have counted.
pub(in crate::probing) struct Measured {
    /// From here to the peer.
    pub(super) out: Way,
    /// From the peer to here.
    pub(super) back: Way,
    /// What was sent from here.
    pub(super) sent: Sent,
    /// Packets that the peer sent.
    pub(super) far_sent: usize,
}

/// One direction.
#[derive(Default)]
pub(super) struct Way {
    pub tally: Tally,
    /// What the network says to who sends.
    pub words: Vec<Word>,
    /// What who sends knows of the way.
    pub limits: Option<Limits>,
    /// Kinds that passed only after the other side had sent: plain, in UDP.
    pub late: [bool; 2],
}

/// Why nothing was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// There is no IKE SA to ask over.
    Down,
    /// The peer isn't of our kind, or answers no questions.
    Foreign,
    /// It is older than such questions.
    Older,
    /// It doesn't answer this one.
    Silent,
    /// Questions and packets take so long that the test didn't come to its end.
    Slow,
    /// It says why not.
    Refused(String),
    /// Our own host doesn't allow it.
    Host(String),
}

impl Way {
    /// What a router says that it takes, in this encapsulation, where that explains why packets of `bad` octets are lost and
    /// those of `good` aren't. What contradicts that is no reason, whoever says it.
    pub(super) fn told(&self, udp: bool, good: u16, bad: u16) -> Option<u16> {
        let said = self.words.iter().filter(|word| word.udp == udp);
        said.filter_map(|word| match word.problem {
            PathProblem::FragmentationNeeded(mtu) => u16::try_from(mtu).ok(),
            _ => None,
        })
        .filter(|mtu| (good..bad).contains(mtu))
        .min()
    }

    /// Octets of the longest packet that is tried: on a link that takes more than is usual no more than is sent.
    fn full(&self) -> u16 {
        self.limits
            .map_or(USUAL, |limits| limits.link.min(limits.path.max(USUAL)))
            .max(SHORTEST)
    }

    /// The long packets that are sent at first: of the full size, and those that a hole would show by.
    fn long(&self, in_udp: bool) -> Vec<Shot> {
        let full = self.full();
        let path = self.limits.map_or(full, |limits| limits.path);
        let mut sizes = vec![path, USUAL];
        sizes.retain(|size| (SHORTEST + 1..full).contains(size));
        sizes.dedup();
        let count = if full > LONG {
            1
        } else {
            SEVERAL.saturating_sub(sizes.len()).max(1)
        };
        sizes.extend(vec![full; count]);
        let shots = sizes.into_iter();
        shots.map(|octets| whole(in_udp, octets)).collect()
    }

    /// What is to be sent at first: a few short packets of both kinds, and the longest of the kind that the tunnel uses.
    fn first(&self, in_udp: bool) -> Vec<Shot> {
        let mut shots = short(false);
        shots.extend(short(true));
        shots.extend(self.long(in_udp));
        shots
    }

    /// What is to be sent next; nothing when all is known.
    fn next(&mut self, in_udp: bool, last: bool, v4: bool) -> Vec<Shot> {
        let mut shots = Vec::new();
        for udp in [false, true] {
            let shut = self.tally.is_shut(udp);
            // A filter that lets in what answers has seen the other side's packets by now.
            if shut && !last {
                shots.extend(short(udp));
                if udp == in_udp {
                    self.tally.forget_long(udp);
                    shots.extend(self.long(udp));
                }
            }
            if let Some(late) = self.late.get_mut(usize::from(udp)) {
                *late |= shut;
            }
        }
        if let Some(reach) = self.tally.reach(in_udp)
            && let Some((bad, _)) = reach.lost
        {
            // What wasn't lost for its length passes the second time.
            let (full, good) = (self.full(), reach.good);
            if bad <= LONG {
                shots.extend([whole(in_udp, bad); 2]);
            } else if !self.tally.lost_twice(in_udp, good, bad) {
                shots.push(whole(in_udp, bad));
            }
            if bad < full && full <= LONG {
                shots.push(whole(in_udp, full));
            }
            if last && v4 {
                let cut = Shot {
                    whole: false,
                    ..whole(in_udp, bad)
                };
                shots.extend([cut; 2]);
            }
            let octets = |of: &[Shot]| of.iter().map(|shot| u64::from(shot.octets)).sum::<u64>();
            let room = MOST_OCTETS.saturating_sub(octets(&self.tally.sent) + octets(&shots));
            let room = if last { room } else { room / 2 };
            let sizes = between(good, bad, self.told(in_udp, good, bad), room);
            shots.extend(sizes.into_iter().map(|octets| whole(in_udp, octets)));
        }
        shots.truncate(MOST_SHOTS);
        shots
    }

    /// Of so many wanted these were sent; of others the host that sends may have said why not.
    fn has_sent(&mut self, wanted: usize, sent: Vec<Shot>, words: &[Word]) {
        let own = words.iter().filter(|word| word.by.is_none()).count();
        self.tally.ended |= sent.len() + own < wanted;
        self.tally.has_sent(sent);
    }

    /// Of the kinds that seemed shut, those that passed in the end.
    fn settle(&mut self) {
        for (udp, late) in [false, true].into_iter().zip(&mut self.late) {
            *late &= !self.tally.is_shut(udp);
        }
    }
}

fn whole(udp: bool, octets: u16) -> Shot {
    Shot {
        udp,
        octets,
        whole: true,
    }
}

fn short(udp: bool) -> Vec<Shot> {
    vec![whole(udp, SHORTEST); SEVERAL]
}

/// Tests the path to a peer of our own kind; with another one, what can be known without it.
pub(in crate::probing) fn measure(
    situation: &Situation,
    provider: &Provider,
    asker: &Asker,
) -> Result<Measured, Alone> {
    count(situation, provider, asker).map_err(|why| Alone::of(situation, provider, asker, why))
}

fn count(situation: &Situation, provider: &Provider, asker: &Asker) -> Result<Measured, Why> {
    let ends = situation.ends.filter(|_| situation.up).ok_or(Why::Down)?;
    let mut token = Token::default();
    provider.random.fill(&mut token);
    let mut spi = [0; 4];
    provider.random.fill(&mut spi);
    // The first 256 are reserved (RFC 4303 2.1).
    let spi = u32::from_be_bytes(spi) | 0x100;
    let expected = Expected::begin(asker, spi)?;
    let test = Test {
        asker,
        post: Post::open(ends, spi, token),
        spi,
        token,
        expected,
        settle: LEAST,
        in_udp: situation.is_in_udp(),
        v4: ends.remote.is_ipv4(),
    };
    if let Some(problem) = test.post.problem() {
        return Err(Why::Host(problem));
    }
    test.run(situation.limits(ends))
}

struct Test<'a> {
    asker: &'a Asker,
    post: Post,
    spi: u32,
    token: Token,
    expected: Expected<'a>,
    /// How long packets are given to arrive.
    settle: Duration,
    in_udp: bool,
    v4: bool,
}

impl Test<'_> {
    fn run(mut self, limits: Option<Limits>) -> Result<Measured, Why> {
        let begun = Instant::now();
        let said = self.ask(None).or_else(|why| match why {
            // It may still rest from an earlier question.
            Why::Silent => self.ask(None),
            _ => Err(why),
        })?;
        self.settle = (begun.elapsed() * 3 / 2).clamp(LEAST, MOST);
        let mut out = Way {
            limits,
            ..Way::default()
        };
        let mut back = Way {
            limits: said.limits,
            ..Way::default()
        };
        let mut shots = (out.first(self.in_udp), back.first(self.in_udp));
        for round in 0..ROUNDS {
            // Over a path that loses its questions too, it would keep who asks for a verdict longer than that may take.
            if begun.elapsed() > TIME {
                return Err(Why::Slow);
            }
            self.round(&mut out, &mut back, &shots.0, shots.1)?;
            let last = round + 2 == ROUNDS;
            shots = (
                out.next(self.in_udp, last, self.v4),
                back.next(self.in_udp, last, self.v4),
            );
            if shots.0.is_empty() && shots.1.is_empty() {
                break;
            }
        }
        out.settle();
        back.settle();
        Ok(Measured {
            sent: self.post.sent(),
            far_sent: back.tally.sent.len(),
            out,
            back,
        })
    }

    /// Packets there, the count of them, packets back.
    fn round(
        &mut self,
        out: &mut Way,
        back: &mut Way,
        shots: &[Shot],
        wanted: Vec<Shot>,
    ) -> Result<(), Why> {
        let (sent, words) = self.post.send(shots);
        out.has_sent(shots.len(), sent, &words);
        out.words.extend(words);
        std::thread::sleep(self.settle);
        let count = wanted.len();
        let said = self.ask(Some(wanted))?;
        out.tally.arrived.extend(said.arrived);
        out.words.extend(self.post.words());
        back.has_sent(count, said.sent, &said.words);
        back.words.extend(said.words);
        std::thread::sleep(self.settle);
        let arrived = self.post.arrived();
        self.expected.came += arrived.len() as u64;
        back.tally.arrived.extend(arrived);
        Ok(())
    }

    fn ask(&self, shots: Option<Vec<Shot>>) -> Result<Said, Why> {
        let order = Order {
            token: self.token,
            spi: self.spi,
            shots,
        };
        let answered = self.asker.ask(Topic::Path, &order, PATIENCE);
        let answered = answered.map_err(|why| match why {
            NoAnswer::Peer(Unanswered::Foreign) => Why::Foreign,
            NoAnswer::Peer(Unanswered::Older) => Why::Older,
            NoAnswer::Peer(Unanswered::TooMuch) | NoAnswer::Silent => Why::Silent,
        })?;
        let said: Said = serde_json::from_slice(&answered.text).map_err(|_| Why::Silent)?;
        match said.problem {
            Some(problem) => Err(Why::Refused(plain_text(&problem))),
            None => Ok(said),
        }
    }
}

/// What the peer writes, as a terminal may show it.
fn plain_text(text: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_graphic() || c == ' ' {
            c
        } else {
            '?'
        }
    };
    text.chars().take(MOST_TEXT).map(plain).collect()
}

/// An SPI under which the data plane expects test packets, as long as this is held.
pub(super) struct Expected<'a> {
    asker: &'a Asker,
    spi: u32,
    came: u64,
}

impl<'a> Expected<'a> {
    pub(super) fn begin(asker: &'a Asker, spi: u32) -> Result<Self, Why> {
        let (may, told) = oneshot::channel();
        let expect = TaskDone::EspTest(Errand::Expect(spi, may));
        let sent = asker.tasks.blocking_send(expect);
        let gone = Err("the gateway stops");
        let may = match sent {
            Ok(()) => told.blocking_recv().unwrap_or(gone),
            Err(_) => gone,
        };
        may.map(|()| Self {
            asker,
            spi,
            came: 0,
        })
        .map_err(|problem| Why::Host(problem.to_owned()))
    }
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        // What is still on its way isn't a stray.
        std::thread::sleep(LEAST / 2);
        let over = TaskDone::EspTest(Errand::Over(self.spi, self.came));
        // The loop is gone when the gateway stops.
        let _ = self.asker.tasks.blocking_send(over);
    }
}

/// Times that packets go both ways.
const ROUNDS: usize = 3;
/// No further round begins then.
const TIME: Duration = Duration::from_secs(5);
/// What a link takes whose MTU isn't known.
const USUAL: u16 = 1500;
/// Characters of what the peer writes.
const MOST_TEXT: usize = 100;
/// Of longer packets each one counts for the budget of a test.
const LONG: u16 = 3000;
/// How long packets are given to arrive, at least and at most.
const LEAST: Duration = Duration::from_millis(180);
const MOST: Duration = Duration::from_millis(700);
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(1500);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::ladder::Reach;
    use super::*;

    fn way(link: u16, path: u16) -> Way {
        Way {
            limits: Some(Limits {
                link,
                path,
                whole: true,
            }),
            ..Way::default()
        }
    }

    /// Plays a test against a path that lets pass what `passes` says of a round and a packet.
    fn played(mut way: Way, passes: impl Fn(usize, Shot) -> bool) -> Way {
        let mut shots = way.first(false);
        for round in 0..ROUNDS {
            assert!(shots.len() <= MOST_SHOTS);
            let passing = shots.iter().filter(|shot| passes(round, **shot));
            way.tally.arrived.extend(passing.copied());
            way.has_sent(shots.len(), shots.clone(), &[]);
            shots = way.next(false, round + 2 == ROUNDS, true);
            if shots.is_empty() {
                break;
            }
        }
        way.settle();
        let octets = way.tally.sent.iter().map(|shot| u64::from(shot.octets));
        assert!(octets.sum::<u64>() <= MOST_OCTETS);
        assert!(way.tally.sent.len() <= super::super::post::MOST_PACKETS);
        way
    }

    #[test]
    fn what_the_peer_writes_moves_no_cursor() {
        let text = plain_text("no \x1b[2J\r\n\u{202e}test");
        assert_eq!(text, "no ?[2J???test");
        assert_eq!(plain_text(&"x".repeat(5000)).len(), MOST_TEXT);
    }

    #[test]
    fn what_is_lost_at_first_only_is_no_hole() {
        // Three of the full size in a row.
        let burst = played(way(1500, 1454), |round, shot| {
            round > 0 || shot.octets < 1454
        });
        let reach = burst.tally.reach(false).unwrap();
        assert_eq!((reach.good, reach.lost), (1500, None));
        // A filter that lets in what answers, from the second round on.
        let late = played(way(1500, 1500), |round, _| round > 0);
        let reach = late.tally.reach(false).unwrap();
        assert_eq!((reach.good, reach.lost), (1500, None));
        assert_eq!(late.late, [true; 2]);
        // Such a filter, and a hole.
        let both = played(way(1500, 1454), |round, shot| {
            round > 0 && shot.octets <= 1400
        });
        let reach = both.tally.reach(false).unwrap();
        assert!(both.tally.lost_twice(false, reach.good, 1454), "{reach:?}");
    }

    #[test]
    fn a_hole_is_found_within_the_budget_on_links_of_any_size() {
        for (link, path) in [(1500, 1454), (1500, 1500), (9000, 1454), (9000, 9000)] {
            for limit in [700, 1300, 1400] {
                let hole = played(way(link, path), |_, shot| shot.octets <= limit);
                let Reach { good, lost } = hole.tally.reach(false).unwrap();
                let (bad, beyond) = lost.unwrap();
                assert!(good <= limit && bad > limit && bad - good <= 10);
                assert!(beyond >= SEVERAL && hole.tally.lost_twice(false, good, path));
            }
            let whole = played(way(link, path), |_, _| true);
            let Reach { good, lost } = whole.tally.reach(false).unwrap();
            assert!(good >= path && lost.is_none());
        }
        // Where the link takes nine times what the path does.
        let usual = played(way(9000, 9000), |_, shot| shot.octets <= 1500);
        let Reach { good, lost } = usual.tally.reach(false).unwrap();
        assert!(good == 1500 && lost.is_some(), "{good} {lost:?}");
        // No link of all is longer than what a test may send.
        let endless = played_in_budget();
        assert!(endless.tally.ended);
    }

    /// The loopback device's packets are longer than all that a test may send.
    fn played_in_budget() -> Way {
        let mut way = way(u16::MAX, u16::MAX);
        let wanted = way.first(false);
        let sent = wanted.iter().filter(|shot| shot.octets < u16::MAX);
        way.has_sent(wanted.len(), sent.copied().collect(), &[]);
        way
    }
}
