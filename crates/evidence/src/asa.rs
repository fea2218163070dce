//! Messages of IKEv1 as ASA's debugging and syslog list them by their payloads (message 713236).
//!
//! `IP = 203.0.113.2, IKE_DECODE SENDING Message (msgid=0) with payloads : HDR + SA (1) + … total length : 148`. The payloads
//! tell which message of which mode it is, and RESENDING that nothing came back.

use std::collections::HashMap;

use adit_model::event::{Happening, MessageInfo, Role};
use adit_model::fact::{Fact, Known};

use crate::reading::Place;
use crate::text::Line;

/// So many messages are kept.
const MOST: usize = 4096;

/// Reads the messages of an ASA.
#[derive(Debug, Default)]
pub(crate) struct Asa {
    peers: HashMap<String, Peer>,
    facts: Vec<Fact>,
}

/// What is remembered of a peer.
#[derive(Debug, Default)]
struct Peer {
    /// The part that we play in phase 1, and by number in each quick mode.
    roles: HashMap<u32, Role>,
    /// The step of phase 1 that was seen last.
    last: &'static str,
    repeated: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Sent,
    Again,
    Received,
}

struct Decoded<'t> {
    peer: &'t str,
    way: Way,
    id: u32,
    payloads: Vec<&'t str>,
    octets: usize,
}

impl Asa {
    /// The next line.
    pub(crate) fn line(&mut self, line: &Line<'_>, place: impl Fn() -> Place) {
        if self.facts.len() >= MOST || !line.body.contains("IKE_DECODE ") {
            return;
        }
        let Some(message) = decode(line.body) else {
            return;
        };
        if self.peers.len() >= MOST && !self.peers.contains_key(message.peer) {
            return;
        }
        let peer = self.peers.entry(message.peer.to_owned()).or_default();
        let Some((step, role)) = peer.step(&message) else {
            return;
        };
        let info = MessageInfo {
            exchange: step.to_owned(),
            message_id: message.id,
            response: step.contains('R'),
            payloads: message.payloads.iter().map(|p| (*p).to_owned()).collect(),
            octets: message.octets,
        };
        let happening = match message.way {
            Way::Sent => Happening::Sent(info),
            Way::Received => Happening::Received(info),
            Way::Again => {
                peer.repeated += 1;
                Happening::Retransmitted {
                    exchange: info.exchange,
                    message_id: info.message_id,
                    attempt: peer.repeated,
                }
            }
        };
        if message.way != Way::Again {
            peer.repeated = 0;
        }
        let place = place();
        self.facts.push(Fact {
            source: place.source,
            at: place.at,
            side: place.side,
            subject: None,
            role: Some(role),
            what: Known::Happened { happening },
        });
    }

    /// Everything that was told.
    pub(crate) fn finish(self) -> Vec<Fact> {
        self.facts
    }
}

impl Peer {
    /// Which message it is, and our part in it.
    fn step(&mut self, message: &Decoded<'_>) -> Option<(&'static str, Role)> {
        let has = |name: &str| message.payloads.contains(&name);
        let ours = message.way != Way::Received;
        if message.id != 0 {
            if !has("SA") {
                return None;
            }
            let begins = if ours {
                Role::Initiator
            } else {
                Role::Responder
            };
            if self.roles.len() >= MOST && !self.roles.contains_key(&message.id) {
                return None;
            }
            let role = *self.roles.entry(message.id).or_insert(begins);
            let asks = (role == Role::Initiator) == ours;
            return Some((if asks { "QI1" } else { "QR1" }, role));
        }
        let (asking, answering) = match () {
            () if has("SA") && has("KE") => ("AI1", "AR1"),
            () if has("SA") => ("MI1", "MR1"),
            () if has("KE") => ("MI2", "MR2"),
            () if has("ID") && has("HASH") => ("MI3", "MR3"),
            () => return None,
        };
        // Whoever sends the first of a pair has begun.
        let opens = has("SA") && self.last != asking;
        let known = self.roles.get(&0).copied().filter(|_| !opens);
        let begins = if ours {
            Role::Initiator
        } else {
            Role::Responder
        };
        let role = match known {
            Some(role) => role,
            None => {
                self.roles.insert(0, begins);
                begins
            }
        };
        let asks = (role == Role::Initiator) == ours;
        self.last = if asks { asking } else { answering };
        Some((self.last, role))
    }
}

fn decode(body: &str) -> Option<Decoded<'_>> {
    let (head, rest) = body.split_once("IKE_DECODE ")?;
    let (verb, rest) = rest.split_once(" Message (msgid=")?;
    let way = match verb {
        "SENDING" => Way::Sent,
        "RESENDING" => Way::Again,
        "RECEIVED" => Way::Received,
        _ => return None,
    };
    let (id, rest) = rest.split_once(')')?;
    let (_, list) = rest.split_once("payloads :")?;
    let (list, octets) = list.split_once("total length").unwrap_or((list, ""));
    let payloads = list
        .split('+')
        .filter_map(|p| p.split_whitespace().next())
        .filter(|p| !matches!(*p, "HDR" | "NONE"))
        .map(|p| match p {
            "NONCE" => "No",
            "NOTIFY" => "N",
            "DELETE" => "D",
            "VENDOR" => "V",
            other => other,
        })
        .collect();
    let peer = head
        .rsplit_once("IP = ")
        .map_or("", |(_, rest)| rest.split([',', ' ']).next().unwrap_or(""));
    Some(Decoded {
        peer,
        way,
        id: u32::from_str_radix(id.trim(), 16).ok()?,
        payloads,
        octets: octets
            .trim_matches([' ', ':'])
            .split(' ')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use adit_model::fact::Side;
    use adit_model::now::Wall;

    fn told(text: &str) -> Vec<(String, bool)> {
        let reading = crate::reading::read("x", Side::Local, text.as_bytes(), Wall(0));
        let names = reading.facts.iter().filter_map(|f| match &f.what {
            Known::Happened { happening } => match happening {
                Happening::Sent(m) | Happening::Received(m) => Some((m.exchange.clone(), false)),
                Happening::Retransmitted { exchange, .. } => Some((exchange.clone(), true)),
                _ => None,
            },
            _ => None,
        });
        names.collect()
    }

    #[test]
    fn payloads_tell_which_message_it_is() {
        let all = told(
            "%ASA-7-713236: IP = 203.0.113.2, IKE_DECODE RECEIVED Message (msgid=0) with payloads : HDR + SA (1) + VENDOR (13) + NONE (0) total length : 164\n\
             %ASA-7-713236: IP = 203.0.113.2, IKE_DECODE SENDING Message (msgid=0) with payloads : HDR + SA (1) + NONE (0) total length : 104\n\
             %ASA-7-713236: IP = 203.0.113.2, IKE_DECODE RECEIVED Message (msgid=0) with payloads : HDR + KE (4) + NONCE (10) + NONE (0) total length : 228\n\
             %ASA-7-713236: IP = 203.0.113.2, IKE_DECODE SENDING Message (msgid=0) with payloads : HDR + KE (4) + NONCE (10) + NONE (0) total length : 228\n\
             %ASA-7-713236: IP = 203.0.113.2, IKE_DECODE RESENDING Message (msgid=0) with payloads : HDR + KE (4) + NONCE (10) + NONE (0) total length : 228\n",
        );
        let names: Vec<&str> = all.iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, ["MI1", "MR1", "MI2", "MR2", "MR2"]);
        assert!(all.last().is_some_and(|(_, again)| *again));
    }

    #[test]
    fn who_sends_the_first_message_begins() {
        let all = told(
            "[IKEv1]: IP = 203.0.113.2, IKE_DECODE SENDING Message (msgid=0) with payloads : HDR + SA (1) + NONE (0) total length : 104\n\
             [IKEv1]: IP = 203.0.113.2, IKE_DECODE RECEIVED Message (msgid=0) with payloads : HDR + SA (1) + NONE (0) total length : 104\n\
             [IKEv1]: IP = 203.0.113.2, IKE_DECODE SENDING Message (msgid=0) with payloads : HDR + ID (5) + HASH (8) + NONE (0) total length : 92\n\
             [IKEv1]: IP = 203.0.113.2, IKE_DECODE SENDING Message (msgid=9f3c1d20) with payloads : HDR + HASH (8) + SA (1) + NONCE (10) + ID (5) + ID (5) + NONE (0) total length : 196\n",
        );
        let names: Vec<&str> = all.iter().map(|(n, _)| n.as_str()).collect();
        assert_eq!(names, ["MI1", "MR1", "MI3", "QI1"]);
    }
}
