//! SAs that carry one way only, found from counters and from what is said about SPIs: for every tunnel, monitored or not.
//!
//! A child that has received, goes on sending and receives nothing any more may have lost its SA at one end. So may one
//! whose peer says that it doesn't know an SPI (`INVALID_SPI`), or sends under SPIs that we don't know. None of that proves
//! anything: traffic may go one way for once, and anybody can have said it. So the peer is asked whether it lives (RFC 7296
//! 2.4); if it does, the child gets new keys once, which costs no packet. Nothing more happens to it until something comes in
//! again, and nothing to the tunnel sooner than a minute later.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use adit_model::Mono;

use super::machine::Counts;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Ask the peer over IKE; [`Silence::alive`] follows, or the tunnel goes down.
    AskForLife,
    /// New keys for a child, and why.
    Rekey(String, String),
}

/// What is known of a tunnel's children.
#[derive(Clone, Debug, Default)]
pub struct Silence {
    children: BTreeMap<String, Child>,
    /// Packets under unknown SPIs from the peer since something valid came: when the first and the last came, and how many.
    strays: Option<(Mono, Mono, u64)>,
    /// When the peer said, or somebody for it, that it doesn't know an SPI.
    disputed: Option<Mono>,
    /// Until when an answer over IKE decides, about which children, and why.
    asking: Option<(Mono, Vec<String>, String)>,
    acted: Option<Mono>,
    orders: VecDeque<Order>,
}

#[derive(Clone, Copy, Debug)]
struct Child {
    counts: Counts,
    /// When something last came in, and how much had been sent by then.
    heard: Mono,
    sent_then: u64,
    /// It was renewed in this silence.
    tried: bool,
}

impl Silence {
    /// What is to be done; empty the queue after each input.
    pub fn poll(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    /// What a child has carried.
    pub fn counted(&mut self, now: Mono, child: &str, counts: Counts) {
        let new = Child {
            counts,
            heard: now,
            sent_then: counts.sent,
            tried: false,
        };
        let Some(known) = self.children.get_mut(child) else {
            self.children.insert(child.to_owned(), new);
            return;
        };
        if counts.received != known.counts.received {
            *known = new;
            self.strays = None;
            return;
        }
        known.counts = counts;
        let quiet = now.since(known.heard);
        let sent = counts.sent.saturating_sub(known.sent_then);
        let strays = self.strays.filter(|(first, last, count)| {
            *count >= SEVERAL && last.since(*first) >= MOMENT && now.since(*last) < FRESH
        });
        let ever = counts.received > 0 && !known.tried;
        if ever && sent >= MANY && quiet >= LONG {
            let why = format!(
                "{sent} packets were sent in {} s, and none came back",
                quiet.as_secs()
            );
            self.suspect(now, vec![child.to_owned()], why);
        } else if let Some((_, _, count)) = strays.filter(|_| ever && quiet >= MOMENT) {
            let why = format!(
                "the peer sends under an SPI that isn't known here ({count} packets), and nothing that is known"
            );
            self.suspect(now, vec![child.to_owned()], why);
        }
    }

    /// Packets under an SPI that isn't known came from the peer's address.
    pub fn stray(&mut self, now: Mono) {
        let (first, _, count) = self.strays.unwrap_or((now, now, 0));
        self.strays = Some((first, now, count.saturating_add(1)));
    }

    /// The peer is said not to know an SPI of ours, and is being asked whether it lives.
    pub fn disputed(&mut self, now: Mono) {
        self.disputed = Some(now);
    }

    /// The peer answered over IKE: what is doubted of its SAs isn't for want of it.
    pub fn alive(&mut self, now: Mono) {
        if let Some((until, children, why)) = self.asking.take()
            && now <= until
        {
            self.renew(now, children, &why);
        } else if self.disputed.take().is_some_and(|at| now.since(at) < FRESH) {
            let children = self.children.keys().cloned().collect();
            let why = "the peer lives, and is said not to know an SPI that is sent to";
            self.renew(now, children, why);
        }
    }

    /// The tunnel is down: what was known is known no more.
    pub fn forget(&mut self) {
        let acted = self.acted;
        *self = Self {
            acted,
            ..Self::default()
        };
    }

    fn suspect(&mut self, now: Mono, children: Vec<String>, why: String) {
        let asked = self
            .asking
            .as_ref()
            .is_some_and(|(until, ..)| now <= *until);
        if !asked && self.may_act(now) {
            self.asking = Some((now + PATIENCE, children, why));
            self.orders.push_back(Order::AskForLife);
        }
    }

    fn renew(&mut self, now: Mono, children: Vec<String>, why: &str) {
        if !self.may_act(now) {
            return;
        }
        for name in children {
            if let Some(child) = self.children.get_mut(&name).filter(|child| !child.tried) {
                child.tried = true;
                self.acted = Some(now);
                self.orders.push_back(Order::Rekey(name, why.to_owned()));
            }
        }
        self.strays = None;
    }

    fn may_act(&self, now: Mono) -> bool {
        self.acted.is_none_or(|at| now.since(at) >= HOLD)
    }
}

/// How long nothing may come in, and how many packets have to be sent meanwhile.
const LONG: Duration = Duration::from_secs(30);
const MANY: u64 = 20;
/// Packets under unknown SPIs that aren't left over from an SA that was just replaced, and over which time they have to come.
const SEVERAL: u64 = 3;
const MOMENT: Duration = Duration::from_secs(5);
/// How long what somebody said counts.
const FRESH: Duration = Duration::from_secs(10);
/// How long the peer has to answer over IKE.
const PATIENCE: Duration = Duration::from_secs(10);
/// The least time between two renewals.
const HOLD: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(seconds: u64) -> Mono {
        Mono(0) + Duration::from_secs(seconds)
    }

    /// A child that received ten packets until second 0, and has sent `rate` a second since; looked at every two seconds.
    fn watched(silence: &mut Silence, from: u64, to: u64, rate: u64) -> Vec<(u64, Order)> {
        let mut orders = Vec::new();
        for second in (from..=to).step_by(2) {
            let sent = 10 + second * rate;
            silence.counted(at(second), "lan", Counts { sent, received: 10 });
            while let Some(order) = silence.poll() {
                orders.push((second, order));
            }
        }
        orders
    }

    #[test]
    fn who_sends_and_hears_nothing_any_more_asks_the_peer_and_renews_once() {
        let mut silence = Silence::default();
        let orders = watched(&mut silence, 0, 30, 5);
        assert_eq!(orders, [(30, Order::AskForLife)]);
        silence.alive(at(45));
        assert_eq!(silence.poll(), None, "an answer to something else");
        let orders = watched(&mut silence, 46, 46, 5);
        assert_eq!(orders, [(46, Order::AskForLife)]);
        silence.alive(at(47));
        let Some(Order::Rekey(child, why)) = silence.poll() else {
            panic!("{silence:?}");
        };
        assert_eq!(child, "lan");
        assert!(why.contains("none came back"), "{why}");
        // It stays silent, perhaps because that is what its traffic is like.
        assert!(watched(&mut silence, 48, 4000, 5).is_empty());
        // It is heard, and falls silent again.
        let heard = Counts {
            sent: 30_000,
            received: 11,
        };
        silence.counted(at(4002), "lan", heard);
        let later = Counts {
            sent: 40_000,
            ..heard
        };
        silence.counted(at(4040), "lan", later);
        assert_eq!(silence.poll(), Some(Order::AskForLife));
    }

    #[test]
    fn an_idle_tunnel_and_one_that_never_received_are_left_alone() {
        let mut silence = Silence::default();
        assert!(watched(&mut silence, 0, 3600, 0).is_empty());
        // Logs that are sent one way.
        for second in 0..600 {
            let sent = second * 100;
            silence.counted(at(second), "logs", Counts { sent, received: 0 });
            assert_eq!(silence.poll(), None);
        }
    }

    #[test]
    fn spis_that_nobody_knows_renew_only_where_nothing_else_comes() {
        let mut silence = Silence::default();
        let stray = |silence: &mut Silence, second: u64, received: u64| {
            silence.stray(at(second));
            let counts = Counts { sent: 10, received };
            silence.counted(at(second), "lan", counts);
            silence.poll()
        };
        // Beside traffic they are somebody's, or late.
        for second in 0..60 {
            assert_eq!(stray(&mut silence, second, 10 + second), None);
        }
        let orders: Vec<_> = (60..72)
            .filter_map(|second| stray(&mut silence, second, 69))
            .collect();
        assert_eq!(orders, [Order::AskForLife]);
        silence.alive(at(72));
        assert!(matches!(silence.poll(), Some(Order::Rekey(..))));
    }

    #[test]
    fn a_disputed_spi_renews_when_the_peer_lives_and_not_twice_within_a_minute() {
        let mut silence = Silence::default();
        let counts = Counts {
            sent: 5,
            received: 5,
        };
        silence.counted(at(0), "lan", counts);
        silence.alive(at(1));
        assert_eq!(silence.poll(), None, "nobody doubted");
        silence.disputed(at(2));
        silence.alive(at(3));
        assert!(matches!(silence.poll(), Some(Order::Rekey(..))));
        silence.counted(
            at(4),
            "lan",
            Counts {
                received: 6,
                ..counts
            },
        );
        silence.disputed(at(5));
        silence.alive(at(6));
        assert_eq!(silence.poll(), None);
        silence.disputed(at(70));
        silence.alive(at(71));
        assert!(matches!(silence.poll(), Some(Order::Rekey(..))));
    }
}
