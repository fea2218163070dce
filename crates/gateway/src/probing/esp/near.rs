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
use super::post::{Post, Word};
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
    /// It says why not.
    Refused(String),
    /// Our own host doesn't allow it.
    Host(String),
}

impl Way {
    /// What a router says that it takes, in this encapsulation.
    pub(super) fn told(&self, udp: bool) -> Option<u16> {
        let said = self.words.iter().filter(|word| word.udp == udp);
        said.filter_map(|word| match word.problem {
            PathProblem::FragmentationNeeded(mtu) => u16::try_from(mtu).ok(),
            _ => None,
        })
        .min()
    }

    fn full(&self) -> u16 {
        self.limits
            .map_or(USUAL, |limits| limits.link)
            .max(SHORTEST)
    }

    /// What is to be sent at first: a few short packets of both kinds, and the longest of the kind that the tunnel uses.
    fn first(&self, in_udp: bool) -> Vec<Shot> {
        let mut shots = short(false);
        shots.extend(short(true));
        shots.extend(vec![whole(in_udp, self.full()); SEVERAL]);
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
            }
            if let Some(late) = self.late.get_mut(usize::from(udp)) {
                *late |= shut;
            }
        }
        let told = self.told(in_udp);
        if let Some(reach) = self.tally.reach(in_udp)
            && let Some((bad, _)) = reach.lost
        {
            let sizes = between(reach.good, bad, told);
            shots.extend(sizes.into_iter().map(|octets| whole(in_udp, octets)));
            if last && v4 {
                let cut = Shot {
                    whole: false,
                    ..whole(in_udp, self.full())
                };
                shots.extend([cut; 2]);
            }
        }
        shots.truncate(MOST_SHOTS);
        shots
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
        out.tally.sent.extend(sent);
        out.words.extend(words);
        std::thread::sleep(self.settle);
        let said = self.ask(Some(wanted))?;
        out.tally.arrived.extend(said.arrived);
        out.words.extend(self.post.words());
        back.tally.sent.extend(said.sent);
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
            Some(problem) => Err(Why::Refused(problem)),
            None => Ok(said),
        }
    }
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
        let may = sent.is_ok() && told.blocking_recv().unwrap_or(false);
        may.then_some(Self {
            asker,
            spi,
            came: 0,
        })
        .ok_or_else(|| Why::Host("too many tests at once".to_owned()))
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
/// What a link takes whose MTU isn't known.
const USUAL: u16 = 1500;
/// How long packets are given to arrive, at least and at most.
const LEAST: Duration = Duration::from_millis(180);
const MOST: Duration = Duration::from_millis(700);
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(1500);
