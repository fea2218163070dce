//! IKE messages of printed captures: which IKE SA they belong to, and which numbers they would have.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::super::Stamp;
use super::super::message::Message;
use super::Packet;

/// What a line says of an IKE message.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub(super) version: u8,
    pub(super) exchange: &'static str,
    /// Whether it is a response; IKEv1 doesn't say.
    pub(super) response: Option<bool>,
    /// Whether the original initiator sent it, where that is told.
    pub(super) from_initiator: Option<bool>,
    pub(super) message_id: Option<u32>,
    /// Cookies or SPIs, with `-v`.
    pub(super) spis: Option<(u64, u64)>,
    pub(super) encrypted: bool,
    pub(super) marked: bool,
    /// Octets of the message; 0 where that isn't told.
    pub(super) octets: usize,
    /// Payloads that the line names.
    pub(super) payloads: Vec<String>,
    /// The responder has no SPI yet.
    pub(super) opens: bool,
}

/// The IKE SAs that messages without SPIs belong to.
#[derive(Debug, Default)]
pub(super) struct Ike {
    /// By hosts, lower address first.
    latest: BTreeMap<(IpAddr, IpAddr), Sa>,
    made: u64,
    /// Packets over UDP 4500 either way, between hosts of whose set-up nothing was seen.
    blind: BTreeMap<(IpAddr, IpAddr), (u32, u32)>,
}

#[derive(Clone, Copy, Debug)]
struct Sa {
    spi: u64,
    initiator: IpAddr,
    answered: bool,
    last: Stamp,
    /// Message IDs of the next request of either: the initiator's and the responder's.
    next: [u32; 2],
    /// The latest request that has no response yet: exchange, from the initiator, message ID.
    open: Option<(&'static str, bool, u32)>,
    /// Octets of its first message.
    first: usize,
    /// Messages so far.
    messages: u32,
    /// Of these, how many came from the responder.
    answers: u32,
}

/// Messages that a set-up takes: main mode with its extended authentication, and quick mode.
const SET_UP: u32 = 9;
/// SPIs that are made up begin with these bits, which a real one hardly does.
const MADE_UP: u64 = 0xfff0_0000_0000_0000;
/// Nanoseconds after which a request that looks like an old one is a new one.
const ANEW: u64 = 120_000_000_000;

impl Ike {
    /// Whether a set-up between two hosts has had as many messages as one takes.
    pub(super) fn settled(&self, ends: (SocketAddr, SocketAddr)) -> bool {
        let (a, b) = (ends.0.ip(), ends.1.ip());
        self.latest
            .get(&(a.min(b), a.max(b)))
            .is_some_and(|sa| sa.answers > 0 && sa.messages >= SET_UP)
    }

    /// Whether nothing is known of a set-up between two hosts: what goes over UDP 4500 may belong to one whose beginning
    /// isn't shown, or be ESP. Says after how many packets it can't be a set-up any more.
    pub(super) fn unknown(&mut self, ends: (SocketAddr, SocketAddr)) -> Option<bool> {
        const MOST: usize = 1024;
        let (a, b) = (ends.0.ip(), ends.1.ip());
        let hosts = (a.min(b), a.max(b));
        if self.latest.contains_key(&hosts) {
            return None;
        }
        if self.blind.len() >= MOST && !self.blind.contains_key(&hosts) {
            return Some(false);
        }
        let (forth, back) = self.blind.entry(hosts).or_default();
        let one = if a <= b { &mut *forth } else { &mut *back };
        *one = one.saturating_add(1);
        let all = forth.saturating_add(*back);
        let answered = *forth > 0 && *back > 0;
        // Nobody repeats a message so often.
        Some(answered && all > SET_UP || all > 3 * SET_UP)
    }

    /// Whether a message of that size goes on with main mode's set-up between two hosts, where ends and sizes are all that
    /// is told. One of the initiator's as large as its first is the first again.
    pub(super) fn goes_on(&self, (from, to): (SocketAddr, SocketAddr), octets: usize) -> bool {
        const MAIN_MODE: u32 = 6;
        let (a, b) = (from.ip(), to.ip());
        self.latest.get(&(a.min(b), a.max(b))).is_some_and(|sa| {
            let further = sa.answers > 0 && octets != sa.first;
            sa.messages < MAIN_MODE && (from.ip() != sa.initiator || further)
        })
    }

    /// Whom a host sent IKE to last, and to which port.
    pub(super) fn latest(&self, host: IpAddr) -> Option<(IpAddr, u16)> {
        let with = self
            .latest
            .iter()
            .filter(|((a, b), _)| host == *a || host == *b);
        let ((a, b), _) = with.max_by_key(|(_, sa)| sa.last)?;
        Some((if *a == host { *b } else { *a }, 500))
    }

    /// The message that a line tells of, and a number that is the same for retransmissions.
    pub(super) fn message(&mut self, packet: &Packet, said: Said) -> (Message, u64) {
        let (from, to) = packet.ends;
        let hosts = (from.ip().min(to.ip()), from.ip().max(to.ip()));
        let at = packet.at.at;
        let known = self.latest.get(&hosts).copied();
        let begins = match known {
            None => true,
            // A first request that was answered, or long ago, isn't the same attempt.
            Some(sa) => {
                said.opens
                    && said.response != Some(true)
                    && said.from_initiator != Some(false)
                    && (sa.answered && sa.messages > 2
                        || sa.initiator != from.ip()
                        || at.since(sa.last) > ANEW)
            }
        };
        let mut sa = match known {
            Some(sa) if !begins => sa,
            _ => {
                self.made += 1;
                let response = said.response == Some(true) || said.from_initiator == Some(false);
                Sa {
                    spi: MADE_UP | self.made,
                    initiator: if response { to.ip() } else { from.ip() },
                    answered: false,
                    last: at,
                    next: [u32::from(!said.opens), 0],
                    open: None,
                    first: said.octets,
                    messages: 0,
                    answers: 0,
                }
            }
        };
        let by_initiator = said
            .from_initiator
            .unwrap_or_else(|| from.ip() == sa.initiator);
        let message_id = said
            .message_id
            .unwrap_or_else(|| sa.number(&said, by_initiator));
        sa.messages += 1;
        sa.answered |= from.ip() != sa.initiator;
        sa.answers += u32::from(from.ip() != sa.initiator);
        sa.last = at;
        self.latest.insert(hosts, sa);
        let (spi_initiator, spi_responder) = said.spis.unwrap_or((
            sa.spi,
            if said.opens && from.ip() == sa.initiator {
                0
            } else {
                sa.spi
            },
        ));
        let step = sa.step(&said);
        let mut payloads = said.payloads;
        if said.encrypted && payloads.is_empty() {
            payloads.push(if said.version == 1 { "encrypted" } else { "SK" }.to_owned());
        } else if said.opens && payloads.is_empty() && said.version == 1 && sa.messages == 1 {
            payloads.push("SA".to_owned());
        }
        let same = same(
            said.exchange,
            message_id,
            from,
            said.response,
            said.octets,
            step,
        );
        let message = Message {
            frame: packet.at.frame,
            at,
            from,
            to,
            version: said.version,
            spi_initiator,
            spi_responder,
            exchange: said.exchange.to_owned(),
            message_id,
            response: said.response,
            payloads,
            notifies: Vec::new(),
            proposals: Vec::new(),
            key_exchange: None,
            nat_detection: None,
            fragment: None,
            ip_fragments: packet.at.ip_fragments,
            octets: said.octets,
            marked: said.marked,
            encrypted: said.encrypted,
            inside: None,
            retransmission_of: None,
            digest: 0,
            problem: None,
        };
        (message, same)
    }
}

impl Sa {
    /// A number that a message shares with its repetitions only. What wasn't answered is repeated: in a set-up, a message
    /// behind the other side's is a new one. An Informational exchange of IKEv1 has no answer.
    fn step(&self, said: &Said) -> u32 {
        match (said.version, said.exchange) {
            (1, "INFORMATIONAL") => self.messages,
            (1, _) => self.next[0],
            (_, "IKE_SA_INIT") if said.response != Some(true) => self.answers,
            _ => 0,
        }
    }

    /// The message ID that it must have had.
    fn number(&mut self, said: &Said, by_initiator: bool) -> u32 {
        if said.version == 1 {
            // Who speaks last decides what is a repetition.
            if self.open.is_none_or(|(_, who, _)| who != by_initiator) {
                self.next[0] = self.next[0].wrapping_add(1);
            }
            self.open = Some((said.exchange, by_initiator, 0));
            return 0;
        }
        match said.exchange {
            "IKE_SA_INIT" => return 0,
            "IKE_AUTH" if self.open.is_none() && self.next[0] <= 1 => {
                self.next[0] = 2;
                self.open = Some(("IKE_AUTH", true, 1));
                return 1;
            }
            _ => {}
        }
        if said.response == Some(true) {
            return match self.open {
                Some((_, who, id)) if who != by_initiator => {
                    self.open = None;
                    id
                }
                // Its request isn't in the text, or it was answered before.
                _ => self.next[usize::from(by_initiator)].saturating_sub(1),
            };
        }
        match self.open {
            Some((exchange, who, id)) if who == by_initiator && exchange == said.exchange => id,
            _ => {
                let side = usize::from(!by_initiator);
                let id = self.next[side];
                self.next[side] = id.wrapping_add(1);
                self.open = Some((said.exchange, by_initiator, id));
                id
            }
        }
    }
}

/// A number that messages share that are the same.
fn same(
    exchange: &str,
    message_id: u32,
    from: SocketAddr,
    response: Option<bool>,
    octets: usize,
    step: u32,
) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    (exchange, message_id, from, response, octets, step).hash(&mut hasher);
    hasher.finish()
}
