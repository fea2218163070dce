//! Captures of both sides, packet by packet: what left one gateway and didn't reach the other.
//!
//! A packet is the same when it has the same SPI and sequence number, or is the same IKE message: addresses and ports may
//! have been translated on the way. Two hosts' clocks differ; by how much is told by packets that both captured.

use std::net::IpAddr;

use adit_model::fact::{Fact, Known, Source, Wire};

use super::join::Captured;
use super::{Capture, Flow, Message, Stamp};

/// Messages of a side that are looked for in the other's capture.
const MOST_MESSAGES: usize = 2000;

/// How far apart two clocks may be taken to be when no packet tells, nanoseconds.
const DOUBT: i128 = 2_000_000_000;

/// A side's capture, and its gateway's address in it.
#[derive(Clone, Copy)]
pub(super) struct Seat<'a> {
    pub(super) captured: &'a Captured,
    pub(super) own: IpAddr,
}

/// What two captures tell together.
pub(super) fn facts(ours: Seat<'_>, theirs: Seat<'_>) -> Vec<Fact> {
    let offset = offset(&ours.captured.capture, ours.own, &theirs.captured.capture);
    let mut facts = Vec::new();
    for (sender, receiver, ahead) in [(ours, theirs, offset), (theirs, ours, offset.map(|o| -o))] {
        let window = Window::of(&receiver.captured.capture, ahead);
        facts.extend(flows(sender, receiver.captured, &window));
        facts.extend(messages(sender, receiver.captured, &window));
        facts.extend(altered(sender, receiver.captured));
    }
    facts
}

/// Nanoseconds by which the clock of `b` is ahead of that of `a`, which was made beside `ours`.
///
/// A packet from a to b shows the difference plus the time it took, one the other way the difference minus that; halfway
/// between the smallest of either is the best guess.
fn offset(a: &Capture, ours: IpAddr, b: &Capture) -> Option<i128> {
    let (mut there, mut back): (Option<i128>, Option<i128>) = (None, None);
    let mut note = |forth: bool, at_a: Stamp, at_b: Stamp| {
        let difference = i128::from(at_b.0) - i128::from(at_a.0);
        if forth {
            there = Some(there.map_or(difference, |d| d.min(difference)));
        } else {
            back = Some(back.map_or(difference, |d| d.max(difference)));
        }
    };
    for (x, y) in same_flows(a, b) {
        for (sequence, at_a, _) in &x.opening {
            if let Some((_, at_b, _)) = y.opening.iter().find(|(s, ..)| s == sequence) {
                note(x.from.ip() == ours, *at_a, *at_b);
            }
        }
    }
    for x in a.conversations.iter().flat_map(|c| &c.messages).take(1000) {
        if let Some(y) = twin(x, b) {
            note(x.from.ip() == ours, x.at, y.at);
        }
    }
    match (there, back) {
        (Some(there), Some(back)) => Some(there.midpoint(back)),
        (one, other) => one.or(other),
    }
}

/// When the receiver's capture ran, by the sender's clock.
struct Window {
    first: i128,
    last: i128,
}

impl Window {
    fn of(receiver: &Capture, ahead: Option<i128>) -> Self {
        let doubt = if ahead.is_some() { 0 } else { DOUBT };
        let ahead = ahead.unwrap_or(0);
        let at = |stamp: Option<Stamp>| stamp.map_or(0, |s| i128::from(s.0)) - ahead;
        Self {
            first: at(receiver.first) + doubt,
            last: at(receiver.last) - doubt,
        }
    }

    fn holds(&self, at: Stamp) -> bool {
        (self.first..=self.last).contains(&i128::from(at.0))
    }
}

fn same_flows<'a>(a: &'a Capture, b: &'a Capture) -> impl Iterator<Item = (&'a Flow, &'a Flow)> {
    a.flows.iter().filter_map(|x| {
        b.flows
            .iter()
            .find(|y| y.spi == x.spi && y.protocol == x.protocol)
            .map(|y| (x, y))
    })
}

/// Packets that arrived with other contents than they left with: somebody on the way writes into them.
fn altered(sender: Seat<'_>, receiver: &Captured) -> Option<Fact> {
    let capture = &sender.captured.capture;
    let own = capture
        .conversations
        .iter()
        .flat_map(|c| &c.messages)
        .filter(|m| m.from.ip() == sender.own)
        .take(MOST_MESSAGES);
    let ike = own
        .filter(|m| counterpart(m, capture).is_some())
        .find_map(|m| {
            let there = counterpart(m, &receiver.capture)?;
            (there.digest != m.digest).then_some(m)
        });
    if let Some(m) = ike {
        let text = format!(
            "{} {} of {} octets is in {} with other contents",
            m.exchange, m.message_id, m.octets, receiver.name
        );
        let what = m.exchange.clone();
        return Some(fact(
            sender.captured,
            (m.frame, m.at),
            text,
            Wire::Altered { what, packets: 1 },
        ));
    }
    same_flows(capture, &receiver.capture)
        .filter(|(x, _)| x.from.ip() == sender.own && x.again.restarted_at.is_none())
        .find_map(|(x, y)| {
            let differ = |(sequence, _, contents): &&(u32, Stamp, u32)| {
                y.opening
                    .iter()
                    .any(|(s, _, c)| s == sequence && *c != 0 && *contents != 0 && c != contents)
            };
            let packets = x.opening.iter().filter(differ).count() as u64;
            let text = format!(
                "esp {:08x}: {packets} packets are in {} with other contents",
                x.spi, receiver.name
            );
            let seen = Wire::Altered {
                what: "esp".to_owned(),
                packets,
            };
            (packets > 1).then(|| fact(sender.captured, (x.first_frame, x.last), text, seen))
        })
}

/// The one message of a capture that is this one by its header, when there is but one and all of it is there.
fn counterpart<'a>(message: &Message, capture: &'a Capture) -> Option<&'a Message> {
    if message.version != 2 || message.digest == 0 || message.retransmission_of.is_some() {
        return None;
    }
    let mut found = capture
        .conversations
        .iter()
        .flat_map(|c| &c.messages)
        .filter(|m| {
            m.spi_initiator == message.spi_initiator
                && m.spi_responder == message.spi_responder
                && m.exchange == message.exchange
                && m.message_id == message.message_id
                && m.response == message.response
                && m.fragment == message.fragment
                && m.retransmission_of.is_none()
        });
    match (found.next(), found.next()) {
        (Some(one), None) => Some(one).filter(|m| m.digest != 0),
        _ => None,
    }
}

fn twin<'a>(message: &Message, other: &'a Capture) -> Option<&'a Message> {
    other
        .conversations
        .iter()
        .flat_map(|c| &c.messages)
        .find(|m| {
            m.spi_initiator == message.spi_initiator
                && m.exchange == message.exchange
                && m.message_id == message.message_id
                && m.response == message.response
                && m.fragment == message.fragment
                && m.octets == message.octets
                && m.payloads == message.payloads
                && m.retransmission_of.is_some() == message.retransmission_of.is_some()
        })
}

fn flows(sender: Seat<'_>, receiver: &Captured, window: &Window) -> Vec<Fact> {
    let mut facts = Vec::new();
    let captured = sender.captured;
    for flow in &captured.capture.flows {
        if flow.from.ip() != sender.own {
            continue;
        }
        let there = receiver
            .capture
            .flows
            .iter()
            .find(|f| f.spi == flow.spi && f.protocol == flow.protocol);
        let (sent, arrived, largest) = match there {
            Some(there) => {
                // What left before the other capture began, or after it ended, says nothing.
                let from = if window.holds(flow.first) {
                    0
                } else {
                    there.first_sequence
                };
                let to = if window.holds(flow.last) {
                    u32::MAX
                } else {
                    there.highest_sequence
                };
                let Some((sent, arrived)) = flow.seen.compare(&there.seen, from, to) else {
                    continue;
                };
                (sent, arrived, there.largest)
            }
            None if window.holds(flow.first) => (flow.packets, 0, 0),
            None => continue,
        };
        let what = if flow.udp {
            format!("{} in udp", flow.protocol)
        } else {
            flow.protocol.to_owned()
        };
        let text = format!(
            "{what} {:08x}: {sent} packets left, {arrived} of them are in {}",
            flow.spi, receiver.name
        );
        facts.push(fact(
            captured,
            (flow.first_frame, flow.last),
            text,
            Wire::Crossing {
                what,
                sent,
                arrived,
                largest_arrived: largest,
                largest_sent: flow.largest,
            },
        ));
    }
    facts
}

fn messages(sender: Seat<'_>, receiver: &Captured, window: &Window) -> Vec<Fact> {
    let captured = sender.captured;
    let own = captured
        .capture
        .conversations
        .iter()
        .flat_map(|c| &c.messages)
        .filter(|m| m.from.ip() == sender.own && window.holds(m.at))
        .take(MOST_MESSAGES);
    own.map(|m| {
        let arrived = twin(m, &receiver.capture).is_some();
        let text = format!(
            "{} {} of {} octets {} {}",
            m.exchange,
            m.message_id,
            m.octets,
            if arrived { "is in" } else { "isn't in" },
            receiver.name
        );
        let octets = m.octets as u64;
        let seen = Wire::Crossing {
            what: m.exchange.clone(),
            sent: 1,
            arrived: u64::from(arrived),
            largest_arrived: if arrived { octets } else { 0 },
            largest_sent: octets,
        };
        fact(captured, (m.frame, m.at), text, seen)
    })
    .collect()
}

fn fact(sender: &Captured, (frame, at): (u64, Stamp), text: String, seen: Wire) -> Fact {
    Fact {
        source: Source {
            name: sender.name.clone(),
            line: Some(frame),
            text,
        },
        at: at.told(),
        side: sender.side,
        subject: None,
        role: None,
        what: Known::Wire { seen },
    }
}
