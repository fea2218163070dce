//! How far apart two gateways' clocks are, told from messages that one sent and the other received.

use std::collections::BTreeMap;

use adit_model::event::{Happening, MessageInfo};
use adit_model::fact::{Fact, Known, Side};
use adit_model::now::Wall;

/// A message as both sides name it.
type Key = (String, u32, bool);

/// Sent and received messages of one side, by name, in the order of the log.
#[derive(Default)]
struct Log {
    sent: BTreeMap<Key, Vec<Wall>>,
    received: BTreeMap<Key, Vec<Wall>>,
}

impl Log {
    fn of(facts: &[Fact], side: Side) -> Self {
        let mut log = Self::default();
        let key = |m: &MessageInfo| (m.exchange.clone(), m.message_id, m.response);
        for fact in facts.iter().filter(|f| f.side == side) {
            let (Some(at), Known::Happened { happening }) = (fact.at, &fact.what) else {
                continue;
            };
            match happening {
                Happening::Sent(m) => log.sent.entry(key(m)).or_default().push(at),
                Happening::Received(m) => log.received.entry(key(m)).or_default().push(at),
                _ => {}
            }
        }
        log
    }
}

/// By how many milliseconds the remote side's clock is ahead of the local one's, as far as the messages tell.
///
/// A message takes its time on the way, which makes a receiver look ahead: the middle of both directions is taken.
/// Messages are paired from the end, where both logs are whole; what doesn't agree with most is left out.
#[must_use]
pub(crate) fn offset_ms(facts: &[Fact]) -> Option<i64> {
    let (local, remote) = (Log::of(facts, Side::Local), Log::of(facts, Side::Remote));
    let there = median(differences(&local.sent, &remote.received));
    let back = median(differences(&remote.sent, &local.received)).map(|d| -d);
    match (there, back) {
        (Some(there), Some(back)) => Some(i64::midpoint(there, back)),
        (one, other) => one.or(other),
    }
}

/// Times of receipt less times of sending.
fn differences(sent: &BTreeMap<Key, Vec<Wall>>, received: &BTreeMap<Key, Vec<Wall>>) -> Vec<i64> {
    let mut out = Vec::new();
    for (key, times) in sent {
        let Some(arrived) = received.get(key) else {
            continue;
        };
        for (sent, received) in times.iter().rev().zip(arrived.iter().rev()) {
            let (Ok(s), Ok(r)) = (i64::try_from(sent.0), i64::try_from(received.0)) else {
                continue;
            };
            out.push(r - s);
        }
    }
    out
}

fn median(mut values: Vec<i64>) -> Option<i64> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

/// Tells the remote side's times by the local clock. Returns by how much they were ahead.
pub(crate) fn align(facts: &mut [Fact]) -> Option<i64> {
    let offset = offset_ms(facts)?;
    for fact in facts.iter_mut().filter(|f| f.side == Side::Remote) {
        if let Some(at) = &mut fact.at {
            *at = Wall(at.0.saturating_add_signed(-offset));
        }
    }
    Some(offset)
}

#[cfg(test)]
mod tests {
    use adit_model::fact::Source;

    use super::*;

    fn message(side: Side, at: u64, id: u32, response: bool, sent: bool) -> Fact {
        let info = MessageInfo {
            exchange: "IKE_AUTH".into(),
            message_id: id,
            response,
            payloads: Vec::new(),
            octets: 0,
        };
        Fact {
            source: Source {
                name: String::new(),
                line: None,
                text: String::new(),
            },
            at: Some(Wall(at)),
            side,
            subject: None,
            role: None,
            what: Known::Happened {
                happening: if sent {
                    Happening::Sent(info)
                } else {
                    Happening::Received(info)
                },
            },
        }
    }

    #[test]
    fn a_clock_an_hour_ahead_is_put_right() {
        const HOUR: u64 = 3_600_000;
        let mut facts = vec![
            message(Side::Local, 1_000, 1, false, true),
            message(Side::Remote, HOUR + 1_020, 1, false, false),
            message(Side::Remote, HOUR + 1_030, 1, true, true),
            message(Side::Local, 1_050, 1, true, false),
        ];
        assert_eq!(align(&mut facts), Some(3_600_000));
        assert_eq!(facts[1].at, Some(Wall(1_020)));
    }

    #[test]
    fn one_sides_log_tells_nothing_of_the_others_clock() {
        let facts = [message(Side::Local, 1_000, 1, false, true)];
        assert_eq!(offset_ms(&facts), None);
    }
}
