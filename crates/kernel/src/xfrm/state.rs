//! States: what the kernel calls one unidirectional SA.

use std::fmt;
use std::net::IpAddr;

use adit_model::Secret;
use adit_model::connection::Mode;

use super::algorithm::Protection;
use super::layout::{self, Fields, Reader, family};
use super::offload::{Offload, SaDirection};
use super::replay::{self, Replay};
use super::selector::Selector;
use crate::netlink::codec::{Answer, Attributes, Message, u32_at};

/// What names a state: where its packets go, and their SPI. The protocol is ESP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StateId {
    /// Outer destination of its packets.
    pub destination: IpAddr,
    /// Security parameters index.
    pub spi: u32,
    /// The mark that it was made with; needed to name it again.
    pub mark: Option<Mark>,
}

/// A value and the bits of it that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark {
    /// The value.
    pub value: u32,
    /// Which bits count.
    pub mask: u32,
}

/// One unidirectional SA.
#[derive(Clone)]
pub struct State {
    /// Its name.
    pub id: StateId,
    /// Outer source of its packets.
    pub source: IpAddr,
    /// The number by which templates of policies ask for it.
    pub reqid: u32,
    /// Tunnel or transport.
    pub mode: Mode,
    /// The packets that it is for, beside what policies say; `None` is any, of both families.
    pub selector: Option<Selector>,
    /// Algorithms and keys.
    pub algorithms: Algorithms,
    /// Sequence numbers and the window of those received.
    pub replay: Replay,
    /// ESP in UDP: our port and the peer's (RFC 3948), in the order of the packets of this state.
    pub encap: Option<(u16, u16)>,
    /// When it is told of, and when it ends.
    pub life: Lifetime,
    /// Handling of headers.
    pub flags: Flags,
    /// Packets are padded to this many octets, at most to what the path takes (RFC 4303 2.7); 0 is not at all.
    pub padded_to: u32,
    /// Packets that it makes carry this mark.
    pub output_mark: Option<Mark>,
    /// The XFRM interface that it belongs to; 0 is none.
    pub if_id: u32,
    /// The device that is asked to do its work, or, as read, that does.
    pub offload: Option<Offload>,
    /// Which way its packets go, where the kernel was told.
    pub direction: Option<SaDirection>,
    /// The number of the [`Acquire`](super::Event::Acquire) that it answers, which the kernel doesn't wait for any longer
    /// then; 0 is none. Not read.
    pub answers: u32,
    /// What it has carried. Not written.
    pub counters: Counters,
}

/// Algorithms with their keys.
#[derive(Clone)]
pub enum Algorithms {
    /// Encryption with integrity in one.
    Combined {
        /// The kernel's name.
        name: String,
        /// Key and salt.
        key: Secret,
        /// Bits of the integrity check value.
        icv_bits: u32,
    },
    /// Encryption and integrity apart.
    Separate {
        /// The kernel's name of the cipher.
        cipher: String,
        /// Its key.
        key: Secret,
        /// The kernel's name of the integrity algorithm.
        auth: String,
        /// Its key.
        auth_key: Secret,
        /// Bits of the integrity check value.
        icv_bits: u32,
    },
}

impl Algorithms {
    /// Whether they keep what they protect from being read: neither the null cipher (RFC 2410) nor GMAC (RFC 4543) does.
    #[must_use]
    pub fn encrypts(&self) -> bool {
        match self {
            Self::Combined { name, .. } => !name.starts_with("rfc4543("),
            Self::Separate { cipher, .. } => !cipher.contains("cipher_null"),
        }
    }

    /// `protection` under keying material as key exchanges deliver it: the key of the cipher with its salt, then that of
    /// integrity (RFC 7296 2.17). `None` when the length doesn't fit.
    #[must_use]
    pub fn new(protection: &Protection, keymat: &Secret) -> Option<Self> {
        if keymat.len() != protection.keymat_len() {
            return None;
        }
        match *protection {
            Protection::Combined { name, icv_bits, .. } => Some(Self::Combined {
                name: name.to_owned(),
                key: keymat.clone(),
                icv_bits,
            }),
            Protection::Separate {
                cipher,
                key_len,
                auth,
                icv_bits,
                ..
            } => {
                let (key, auth_key) = keymat.expose().split_at_checked(key_len)?;
                Some(Self::Separate {
                    cipher: cipher.to_owned(),
                    key: key.into(),
                    auth: auth.to_owned(),
                    auth_key: auth_key.into(),
                    icv_bits,
                })
            }
        }
    }
}

/// When a state is told of (soft) and when it ends (hard); `None` is never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it all: limit, unit")]
pub struct Lifetime {
    pub soft_bytes: Option<u64>,
    pub hard_bytes: Option<u64>,
    pub soft_packets: Option<u64>,
    pub hard_packets: Option<u64>,
    /// Since it was added.
    pub soft_seconds: Option<u64>,
    /// Since it was added.
    pub hard_seconds: Option<u64>,
}

/// How headers are handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// ECN isn't carried over (RFC 6040 is the kernel's default).
    pub no_ecn: bool,
    /// The inner header gets the outer one's DSCP.
    pub decap_dscp: bool,
    /// The outer header doesn't get the inner one's DSCP.
    pub dont_encap_dscp: bool,
    /// The outer header never has "don't fragment".
    pub no_pmtu_discovery: bool,
    /// ICMP errors about packets of the other direction belong to it (RFC 4301 6.2).
    pub icmp: bool,
}

/// What a state has carried and refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Octets: inner packets out, opened ones in.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Seconds of the wall clock when it was added.
    pub added: u64,
    /// Seconds of the wall clock when it last carried a packet, where the kernel tells.
    pub last_used: Option<u64>,
    /// Packets that the window of sequence numbers refused.
    pub replayed: u32,
    /// Packets left of the window.
    pub too_old: u32,
    /// Packets whose integrity check failed.
    pub forged: u32,
}

impl StateId {
    /// A state without mark.
    #[must_use]
    pub const fn new(destination: IpAddr, spi: u32) -> Self {
        Self {
            destination,
            spi,
            mark: None,
        }
    }

    /// A request about this state.
    pub(super) fn request(&self, kind: u16, source: Option<IpAddr>) -> Message {
        let mut fields = Fields::default();
        fields
            .address(self.destination)
            .u32_be(self.spi)
            .u16(family(self.destination))
            .u8(layout::ESP)
            .zeros(1);
        let mut message = Message::new(kind, 0, fields.bytes());
        put_mark(&mut message, self.mark);
        if let Some(source) = source {
            let mut fields = Fields::default();
            fields.address(source);
            message.put(layout::SOURCE, fields.bytes());
        }
        message
    }
}

impl State {
    /// A request to add or update it. Its bytes hold keys.
    pub(super) fn request(&self, kind: u16) -> Message {
        let mut fields = Fields::default();
        match &self.selector {
            Some(selector) => fields.selector(selector),
            None => fields.zeros(layout::SELECTOR),
        };
        let mode = match self.mode {
            Mode::Transport => 0,
            Mode::Tunnel => 1,
        };
        // Without a selector a tunnel takes packets of both families.
        let both = self.selector.is_none() && self.mode == Mode::Tunnel;
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        let flags = flag(self.flags.no_ecn, NO_ECN)
            | flag(self.flags.decap_dscp, DECAP_DSCP)
            | flag(self.flags.no_pmtu_discovery, NO_PMTU_DISCOVERY)
            | flag(self.flags.icmp, ICMP)
            | flag(both, BOTH_FAMILIES)
            | flag(self.replay.extended, EXTENDED);
        fields
            .id(self.id.destination, self.id.spi, layout::ESP)
            .address(self.source)
            .lifetime(&self.life)
            .zeros(32 + 12)
            .u32(self.answers)
            .u32(self.reqid)
            .u16(family(self.id.destination))
            .u8(mode)
            .u8(0)
            .u8(flags)
            .zeros(7);
        let mut message = Message::with_room(kind, 0, fields.bytes(), ROOM);
        match &self.algorithms {
            Algorithms::Combined {
                name,
                key,
                icv_bits,
            } => {
                message.put_parts(
                    layout::AEAD,
                    &[&algorithm(name, key, Some(*icv_bits)), key.expose()],
                );
            }
            Algorithms::Separate {
                cipher,
                key,
                auth,
                auth_key,
                icv_bits,
            } => {
                message.put_parts(
                    layout::CRYPT,
                    &[&algorithm(cipher, key, None), key.expose()],
                );
                message.put_parts(
                    layout::AUTH_TRUNCATED,
                    &[
                        &algorithm(auth, auth_key, Some(*icv_bits)),
                        auth_key.expose(),
                    ],
                );
            }
        }
        if self.replay.window > 0 {
            message.put(layout::REPLAY_ESN, &replay::emit(&self.replay));
        }
        if let Some((source, destination)) = self.encap {
            let mut fields = Fields::default();
            fields
                .u16(ESP_IN_UDP)
                .u16_be(source)
                .u16_be(destination)
                .zeros(2 + 16);
            message.put(layout::ENCAP, fields.bytes());
        }
        put_mark(&mut message, self.id.mark);
        if self.flags.dont_encap_dscp {
            message.put_u32(layout::EXTRA_FLAGS, DONT_ENCAP_DSCP);
        }
        if let Some(mark) = self.output_mark {
            message.put_u32(layout::OUTPUT_MARK, mark.value);
            message.put_u32(layout::OUTPUT_MARK_MASK, mark.mask);
        }
        if self.padded_to != 0 {
            message.put_u32(layout::TFC_PAD, self.padded_to);
        }
        if self.if_id != 0 {
            message.put_u32(layout::IF_ID, self.if_id);
        }
        if let Some(offload) = self.offload {
            message.put(layout::OFFLOAD, &offload.emit());
        }
        if let Some(direction) = self.direction {
            message.put(layout::DIRECTION, &[direction.number()]);
        }
        message
    }

    /// The state in a message of the kernel; `None` for one of another protocol, or without keys of a kind that we know
    /// (one that is only being asked for).
    pub(super) fn parse(answer: &Answer<'_>) -> Option<Self> {
        Self::of(answer.body, answer.attributes(layout::STATE))
    }

    /// The state as it was when it ended, in the kernel's word of that.
    pub(super) fn parse_deleted(answer: &Answer<'_>) -> Option<Self> {
        let attributes = answer.attributes(layout::STATE_ID);
        Self::of(attributes.find(layout::WHOLE_STATE)?, attributes)
    }

    fn of(fixed: &[u8], attributes: Attributes<'_>) -> Option<Self> {
        let fixed = Fixed::parse(fixed)?;
        let number = |kind| attributes.find(kind).and_then(|value| u32_at(value, 0));
        let mark = mark(attributes);
        let mut state = Self {
            id: StateId { mark, ..fixed.id },
            source: fixed.source,
            reqid: fixed.reqid,
            mode: fixed.mode,
            selector: fixed.selector,
            algorithms: algorithms(attributes)?,
            replay: replay::parse(attributes, fixed.extended, fixed.window),
            encap: attributes.find(layout::ENCAP).and_then(|value| {
                let mut reader = Reader::new(value);
                Some((reader.skip(2).u16_be()?, reader.u16_be()?))
            }),
            life: fixed.life,
            flags: fixed.flags,
            padded_to: number(layout::TFC_PAD).unwrap_or(0),
            output_mark: number(layout::OUTPUT_MARK).map(|value| Mark {
                value,
                mask: number(layout::OUTPUT_MARK_MASK).unwrap_or(u32::MAX),
            }),
            if_id: number(layout::IF_ID).unwrap_or(0),
            offload: attributes.find(layout::OFFLOAD).and_then(Offload::parse),
            direction: attributes
                .find(layout::DIRECTION)
                .and_then(|value| SaDirection::of(*value.first()?)),
            answers: 0,
            counters: fixed.counters,
        };
        state.flags.dont_encap_dscp =
            number(layout::EXTRA_FLAGS).is_some_and(|flags| flags & DONT_ENCAP_DSCP != 0);
        state.counters.last_used = attributes
            .find(layout::LAST_USED)
            .and_then(|value| Reader::new(value).u64())
            .filter(|at| *at != 0);
        Some(state)
    }
}

/// What `struct xfrm_usersa_info` holds.
pub(super) struct Fixed {
    pub(super) id: StateId,
    pub(super) source: IpAddr,
    pub(super) reqid: u32,
    selector: Option<Selector>,
    life: Lifetime,
    mode: Mode,
    flags: Flags,
    extended: bool,
    window: u32,
    pub(super) counters: Counters,
}

impl Fixed {
    /// `None` for another protocol than ESP.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let raw = reader.selector()?;
        let destination = reader.address()?;
        let spi = reader.u32_be()?;
        let protocol = reader.u8()?;
        let source = reader.skip(3).address()?;
        let life = reader.lifetime()?;
        let (bytes, packets, added) = (reader.u64()?, reader.u64()?, reader.u64()?);
        let used = reader.u64()?;
        let (too_old, replayed, forged) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let reqid = reader.skip(4).u32()?;
        let family = reader.u16()?;
        let mode = match reader.u8()? {
            0 => Mode::Transport,
            1 => Mode::Tunnel,
            _ => return None,
        };
        let window = u32::from(reader.u8()?);
        let flags = reader.u8()?;
        let both = flags & BOTH_FAMILIES != 0 || mode == Mode::Transport;
        // A state for a whole family is one without a selector, as far as anybody can tell.
        let whole = |s: &Selector| {
            s.source.prefix_len() == 0 && s.destination.prefix_len() == 0 && s.protocol == 0
        };
        (protocol == layout::ESP).then_some(())?;
        Some(Self {
            id: StateId::new(destination.of(family)?, spi),
            source: source.of(family)?,
            reqid,
            selector: raw
                .selector
                .filter(|selector| raw.family != 0 && !(both && whole(selector))),
            life,
            mode,
            flags: Flags {
                no_ecn: flags & NO_ECN != 0,
                decap_dscp: flags & DECAP_DSCP != 0,
                dont_encap_dscp: false,
                no_pmtu_discovery: flags & NO_PMTU_DISCOVERY != 0,
                icmp: flags & ICMP != 0,
            },
            extended: flags & EXTENDED != 0,
            window,
            counters: Counters {
                bytes,
                packets,
                added,
                last_used: (used != 0).then_some(used),
                replayed,
                too_old,
                forged,
            },
        })
    }
}

fn put_mark(message: &mut Message, mark: Option<Mark>) {
    if let Some(mark) = mark {
        let mut fields = Fields::default();
        fields.u32(mark.value).u32(mark.mask);
        message.put(layout::MARK, fields.bytes());
    }
}

pub(super) fn mark(attributes: Attributes<'_>) -> Option<Mark> {
    let value = attributes.find(layout::MARK)?;
    Some(Mark {
        value: u32_at(value, 0)?,
        mask: u32_at(value, 4)?,
    })
}

/// `struct xfrm_algo`, `xfrm_algo_auth` or `xfrm_algo_aead` up to the key.
fn algorithm(name: &str, key: &Secret, icv_bits: Option<u32>) -> Vec<u8> {
    let mut text = name.as_bytes().to_vec();
    text.resize(NAME, 0);
    let mut fields = Fields::default();
    fields.u32(u32::try_from(key.len() * 8).unwrap_or(0));
    if let Some(bits) = icv_bits {
        fields.u32(bits);
    }
    text.extend_from_slice(fields.bytes());
    text
}

fn algorithms(attributes: Attributes<'_>) -> Option<Algorithms> {
    let read = |kind: u16, has_icv: bool| {
        let mut reader = Reader::new(attributes.find(kind)?);
        let name = crate::netlink::codec::text(reader.take(NAME)?);
        let bits = reader.u32()?;
        let icv_bits = if has_icv { reader.u32()? } else { 0 };
        let key = reader.take(usize::try_from(bits).ok()?.div_ceil(8))?;
        Some((name, Secret::from(key), icv_bits))
    };
    if let Some((name, key, icv_bits)) = read(layout::AEAD, true) {
        return Some(Algorithms::Combined {
            name,
            key,
            icv_bits,
        });
    }
    let (cipher, key, _) = read(layout::CRYPT, false)?;
    let (auth, auth_key, icv_bits) = read(layout::AUTH_TRUNCATED, true)?;
    Some(Algorithms::Separate {
        cipher,
        key,
        auth,
        auth_key,
        icv_bits,
    })
}

impl fmt::Display for StateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x} to {}", self.spi, self.destination)
    }
}

/// Keys are left out.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("id", &self.id)
            .field("source", &self.source)
            .field("reqid", &self.reqid)
            .field("mode", &self.mode)
            .field("selector", &self.selector)
            .field("replay", &self.replay)
            .field("encap", &self.encap)
            .field("life", &self.life)
            .field("flags", &self.flags)
            .field("padded_to", &self.padded_to)
            .field("offload", &self.offload)
            .field("direction", &self.direction)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

const NO_ECN: u8 = 1;
const DECAP_DSCP: u8 = 2;
const NO_PMTU_DISCOVERY: u8 = 4;
const ICMP: u8 = 16;
const BOTH_FAMILIES: u8 = 32;
const EXTENDED: u8 = 128;
const DONT_ENCAP_DSCP: u32 = 1;
/// UDP_ENCAP_ESPINUDP.
const ESP_IN_UDP: u16 = 2;
/// Length of an algorithm's name.
const NAME: usize = 64;
/// Enough for any state, so that keys are written to one place only.
const ROOM: usize = 2048;

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::netlink::codec::messages;
    use crate::xfrm::selector::Ports;

    /// One with everything that can be written.
    pub(crate) fn sample() -> State {
        State {
            id: StateId {
                destination: "192.0.2.2".parse().unwrap(),
                spi: 0xc0ff_ee01,
                mark: Some(Mark {
                    value: 7,
                    mask: 0xff,
                }),
            },
            source: "192.0.2.1".parse().unwrap(),
            reqid: 4711,
            mode: Mode::Tunnel,
            selector: Some(Selector {
                source: "10.1.0.0/16".parse().unwrap(),
                destination: "10.2.0.0/16".parse().unwrap(),
                protocol: 6,
                source_ports: Ports::ANY,
                destination_ports: Ports::one(443),
                device: 0,
            }),
            algorithms: Algorithms::Combined {
                name: "rfc4106(gcm(aes))".to_owned(),
                key: Secret::new((0..20).collect()),
                icv_bits: 128,
            },
            replay: Replay {
                extended: true,
                window: 96,
                sent: 0x1_0000_0002,
                received: 0x2_0000_0003,
                seen: vec![1, 2, 0x8000_0000],
            },
            encap: Some((4500, 40_000)),
            life: Lifetime {
                soft_bytes: Some(1 << 30),
                hard_bytes: Some(1 << 31),
                soft_packets: Some(1_000_000),
                hard_packets: None,
                soft_seconds: Some(3000),
                hard_seconds: Some(3600),
            },
            flags: Flags {
                no_ecn: true,
                decap_dscp: true,
                dont_encap_dscp: true,
                no_pmtu_discovery: true,
                icmp: true,
            },
            padded_to: 1400,
            output_mark: Some(Mark {
                value: 0x0ad1_7000,
                mask: u32::MAX,
            }),
            if_id: 42,
            offload: Some(Offload {
                device: 3,
                inbound: true,
                packet: true,
            }),
            direction: Some(SaDirection::In),
            answers: 0,
            counters: Counters::default(),
        }
    }

    pub(crate) fn bytes(state: &State) -> Vec<u8> {
        state.request(layout::NEW_STATE).finish(1)
    }

    fn read_back(state: &State) -> State {
        State::parse(&messages(&bytes(state)).next().unwrap()).unwrap()
    }

    fn keys(algorithms: &Algorithms) -> Vec<Vec<u8>> {
        match algorithms {
            Algorithms::Combined { key, .. } => vec![key.expose().to_vec()],
            Algorithms::Separate { key, auth_key, .. } => {
                vec![key.expose().to_vec(), auth_key.expose().to_vec()]
            }
        }
    }

    #[test]
    fn a_state_reads_back_as_written() {
        let mut plain = sample();
        plain.selector = None;
        plain.encap = None;
        (plain.offload, plain.direction) = (None, Some(SaDirection::Out));
        plain.id.mark = None;
        plain.flags = Flags::default();
        plain.replay = Replay::new(false, 64);
        plain.replay.seen = vec![0, 0];
        plain.algorithms = Algorithms::Separate {
            cipher: "cbc(aes)".to_owned(),
            key: Secret::new(vec![1; 32]),
            auth: "hmac(sha256)".to_owned(),
            auth_key: Secret::new(vec![2; 32]),
            icv_bits: 128,
        };
        for state in [sample(), plain] {
            let back = read_back(&state);
            assert_eq!(format!("{back:?}"), format!("{state:?}"));
            assert_eq!(keys(&back.algorithms), keys(&state.algorithms));
            assert_eq!(
                (back.output_mark, back.if_id),
                (state.output_mark, state.if_id)
            );
        }
    }

    #[test]
    fn the_end_of_a_state_tells_what_it_was() {
        let state = sample();
        let whole = bytes(&state);
        let told = messages(&whole).next().unwrap();
        // What comes first is its name; the fixed part is an attribute, beside those of any state.
        let mut message = Message::new(layout::DELETE_STATE, 0, &[0; layout::STATE_ID]);
        message.put(layout::WHOLE_STATE, &told.body[..layout::STATE]);
        message.raw(&told.body[layout::STATE..]);
        let bytes = message.finish(1);
        let back = State::parse_deleted(&messages(&bytes).next().unwrap()).unwrap();
        assert_eq!((back.id, back.replay.sent), (state.id, state.replay.sent));
    }

    #[test]
    fn fixed_parts_are_where_the_kernel_looks_for_them() {
        let bytes = bytes(&sample());
        let at = |offset: usize| &bytes[16 + offset..];
        assert_eq!(at(56)[..4], [192, 0, 2, 2]);
        assert_eq!(at(72)[..5], [0xc0, 0xff, 0xee, 0x01, 50]);
        assert_eq!(at(80)[..4], [192, 0, 2, 1]);
        assert_eq!(u32_at(at(208), 0), Some(4711));
        // Family, mode, window, flags.
        assert_eq!(at(212)[..5], [2, 0, 1, 0, 1 | 2 | 4 | 16 | 128]);
    }

    #[test]
    fn keys_never_move_while_a_request_grows() {
        let message = sample().request(layout::NEW_STATE);
        assert!(message.finish(1).capacity() >= ROOM, "it was reallocated");
    }

    #[test]
    fn every_truncation_is_harmless() {
        let bytes = bytes(&sample());
        for end in 16..bytes.len() {
            let answer = Answer {
                kind: layout::NEW_STATE,
                flags: 0,
                sequence: 1,
                body: &bytes[16..end],
            };
            let _ = State::parse(&answer);
        }
    }

    #[test]
    fn keying_material_of_the_wrong_length_is_refused() {
        let gcm = Protection::Combined {
            name: "rfc4106(gcm(aes))",
            key_len: 20,
            icv_bits: 128,
        };
        assert!(Algorithms::new(&gcm, &Secret::new(vec![0; 36])).is_none());
        assert!(Algorithms::new(&gcm, &Secret::new(vec![0; 20])).is_some());
    }
}
