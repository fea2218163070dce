//! The steps of a rule, read from the kernel's messages.

use crate::netlink::codec::{Attributes, text};

/// One step. What isn't known here is kept by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expression {
    /// Loads something into registers.
    Load {
        what: Loaded,
        into: u32,
    },
    /// Writes a packet's mark.
    SetMark {
        from: u32,
    },
    /// Keeps bits of a register, and turns others.
    Bitwise {
        from: u32,
        into: u32,
        mask: Vec<u8>,
        turned: Vec<u8>,
    },
    Compare {
        from: u32,
        operator: u32,
        value: Vec<u8>,
    },
    Range {
        from: u32,
        outside: bool,
        first: Vec<u8>,
        last: Vec<u8>,
    },
    Lookup {
        set: String,
        from: u32,
        inverted: bool,
        /// The element's verdict is taken.
        verdict: bool,
    },
    /// Puts a value into a register.
    Immediate {
        into: u32,
        value: Vec<u8>,
    },
    Verdict(Verdict),
    Counter {
        packets: u64,
    },
    Reject,
    /// Gives the packet another source: by what, and the register with the address.
    Source(String, Option<u32>),
    /// Gives the packet another destination.
    Destination(String, Option<u32>),
    /// Does something that decides nothing: a log, a note.
    Aside(String),
    /// Writes a packet's mark, nobody here knows with what.
    Marks(String),
    /// Keeps a packet from connection tracking.
    Untracked,
    /// Does something that nobody here knows; it may be the end of the packet's way.
    Action(String),
    /// Connections as an extension of iptables asks for them: bits of states.
    TrackedState {
        states: u32,
        inverted: bool,
    },
    /// Ports as an extension of iptables asks for them: first and last of the source, and of the destination.
    Ports {
        source: (u16, u16),
        destination: (u16, u16),
    },
    /// Nobody here knows what it asks.
    Unknown(String),
}

/// What is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Loaded {
    Meta(u32),
    Payload {
        base: u32,
        offset: u32,
        length: u32,
    },
    Tracked(u32),
    /// Nobody here knows what.
    Other {
        name: String,
    },
}

/// What a rule ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Drop,
    Accept,
    Queue,
    Continue,
    Jump(String),
    Goto(String),
    Return,
}

impl Verdict {
    /// From the attributes of `NFTA_DATA_VERDICT`.
    pub(crate) fn parse(data: Attributes<'_>) -> Option<Self> {
        let code = be32(data.find(1)?)?;
        let chain = || data.find(2).map(text);
        Some(match code.cast_signed() {
            -1 | -2 => Self::Continue,
            -3 => Self::Jump(chain()?),
            -4 => Self::Goto(chain()?),
            -5 => Self::Return,
            _ => match code & 0xff {
                0 => Self::Drop,
                1 => Self::Accept,
                _ => Self::Queue,
            },
        })
    }
}

impl Expression {
    /// Reads one element of `NFTA_RULE_EXPRESSIONS`.
    pub(crate) fn parse(element: Attributes<'_>) -> Option<Self> {
        let name = text(element.find(1)?);
        let data = element.nested(2).unwrap_or(Attributes(&[]));
        let unknown = || match QUESTIONS.contains(&name.as_str()) {
            true => Self::Unknown(name.clone()),
            false => Self::Action(name.clone()),
        };
        Some(Self::known(&name, data).unwrap_or_else(unknown))
    }

    fn known(name: &str, data: Attributes<'_>) -> Option<Self> {
        let number = |kind| data.find(kind).and_then(be32);
        let value = |kind| {
            data.nested(kind)
                .and_then(|data| data.find(1))
                .map(<[u8]>::to_vec)
        };
        Some(match name {
            "meta" => match (number(1), number(3)) {
                (Some(into), _) => Self::Load {
                    what: Loaded::Meta(number(2)?),
                    into,
                },
                (None, Some(from)) if number(2)? == META_MARK => Self::SetMark { from },
                _ => Self::Aside("meta set".to_owned()),
            },
            "payload" => match number(1) {
                Some(into) => Self::Load {
                    what: Loaded::Payload {
                        base: number(2)?,
                        offset: number(3)?,
                        length: number(4)?,
                    },
                    into,
                },
                None => Self::Aside("payload set".to_owned()),
            },
            "ct" => match number(1) {
                Some(into) => Self::Load {
                    what: Loaded::Tracked(number(2)?),
                    into,
                },
                None => Self::Aside("ct set".to_owned()),
            },
            "cmp" => Self::Compare {
                from: number(1)?,
                operator: number(2)?,
                value: value(3)?,
            },
            "range" => Self::Range {
                from: number(1)?,
                outside: number(2)? == 1,
                first: value(3)?,
                last: value(4)?,
            },
            "bitwise" if number(6).unwrap_or(0) == 0 => Self::Bitwise {
                from: number(1)?,
                into: number(2)?,
                mask: value(4)?,
                turned: value(5)?,
            },
            "lookup" => Self::Lookup {
                set: text(data.find(1)?),
                from: number(2)?,
                inverted: number(5).unwrap_or(0) & 1 == 1,
                verdict: match number(3) {
                    None => false,
                    Some(VERDICT_REGISTER) => true,
                    Some(into) => {
                        return Some(Self::Load {
                            what: Loaded::Other {
                                name: "map".to_owned(),
                            },
                            into,
                        });
                    }
                },
            },
            "immediate" => match data.nested(2)?.nested(2) {
                Some(verdict) => Self::Verdict(Verdict::parse(verdict)?),
                None => Self::Immediate {
                    into: number(1)?,
                    value: value(2)?,
                },
            },
            "counter" => Self::Counter {
                packets: data
                    .find(2)
                    .and_then(|v| v.try_into().ok())
                    .map_or(0, u64::from_be_bytes),
            },
            "reject" => Self::Reject,
            "masq" => Self::Source("masquerade".to_owned(), None),
            "redir" => Self::Destination("redirect".to_owned(), None),
            "nat" => match number(1)? {
                0 => Self::Source("snat".to_owned(), number(3)),
                _ => Self::Destination("dnat".to_owned(), number(3)),
            },
            "tproxy" => Self::Destination("tproxy".to_owned(), None),
            "queue" => Self::Verdict(Verdict::Queue),
            "notrack" => Self::Untracked,
            "log" | "dup" => Self::Aside(name.to_owned()),
            // A map of objects ends the rule for what isn't in it.
            "objref" => match number(1) {
                Some(object) => Self::object(object),
                None => Self::Unknown(name.to_owned()),
            },
            "target" => Self::target(&text(data.find(1)?), data.find(3).unwrap_or_default()),
            "match" => Self::extension(&text(data.find(1)?), data.find(3).unwrap_or_default())?,
            // Whatever else loads into a register loads something that isn't known.
            "fib" | "rt" | "socket" | "xfrm" | "hash" | "numgen" | "osf" | "exthdr" | "tunnel" => {
                Self::Load {
                    into: number(if name == "hash" { 2 } else { 1 })?,
                    what: Loaded::Other {
                        name: name.to_owned(),
                    },
                }
            }
            _ => return None,
        })
    }

    /// What a named object does with the packet; its kinds are `NFT_OBJECT_*`.
    fn object(kind: u32) -> Self {
        match kind {
            OBJECT_COUNTER => Self::Aside("counter".to_owned()),
            OBJECT_HELPER => Self::Aside("ct helper".to_owned()),
            OBJECT_TIMEOUT => Self::Aside("ct timeout".to_owned()),
            OBJECT_SECMARK => Self::Aside("secmark".to_owned()),
            OBJECT_EXPECTATION => Self::Aside("ct expectation".to_owned()),
            OBJECT_QUOTA => Self::Unknown("quota".to_owned()),
            OBJECT_LIMIT => Self::Unknown("limit".to_owned()),
            OBJECT_CONNLIMIT => Self::Unknown("connlimit".to_owned()),
            OBJECT_TUNNEL => Self::Unknown("tunnel".to_owned()),
            // A proxy for TCP's first packets keeps them; what is newer than this may as well.
            _ => Self::Action("objref".to_owned()),
        }
    }

    /// What an extension of iptables does with the packet.
    fn target(name: &str, info: &[u8]) -> Self {
        match name {
            "REJECT" => Self::Reject,
            "NFQUEUE" | "QUEUE" => Self::Verdict(Verdict::Queue),
            "NOTRACK" => Self::Untracked,
            // `struct xt_ct_target_info`: the lowest of its flags.
            "CT" => match info.first_chunk::<2>() {
                Some(flags) if u16::from_ne_bytes(*flags) & 1 == 0 => Self::Aside(name.to_owned()),
                _ => Self::Untracked,
            },
            "MARK" | "CONNMARK" | "CONNSECMARK" | "HMARK" => Self::Marks(name.to_owned()),
            // NETMAP is for either direction: its chain says which.
            "MASQUERADE" | "SNAT" | "NETMAP" => Self::Source(name.to_owned(), None),
            "DNAT" | "REDIRECT" | "TPROXY" => Self::Destination(name.to_owned(), None),
            "LOG" | "NFLOG" | "TCPMSS" | "CHECKSUM" | "TRACE" | "DSCP" | "TOS" | "CLASSIFY"
            | "TTL" | "HL" | "ECN" | "SECMARK" | "AUDIT" | "LED" | "RATEEST" | "SET" | "TEE"
            | "IDLETIMER" | "TCPOPTSTRIP" => Self::Aside(name.to_owned()),
            other => Self::Action(other.to_owned()),
        }
    }

    /// What an extension of iptables asks.
    fn extension(name: &str, info: &[u8]) -> Option<Self> {
        let short = |at: usize| -> Option<u16> {
            Some(u16::from_ne_bytes(info.get(at..at + 2)?.try_into().ok()?))
        };
        match name {
            "comment" => Some(Self::Aside(name.to_owned())),
            // `struct xt_conntrack_mtinfo3`, if it asks for states alone.
            "conntrack" if short(146)? == 1 => Some(Self::TrackedState {
                states: short(150)?.into(),
                inverted: short(148)? & 1 == 1,
            }),
            "state" => Some(Self::TrackedState {
                states: u32::from_ne_bytes(info.get(..4)?.try_into().ok()?),
                inverted: false,
            }),
            // `struct xt_udp` and the beginning of `struct xt_tcp`, unless they ask for more.
            "udp" if *info.get(8)? == 0 => Some(Self::Ports {
                source: (short(0)?, short(2)?),
                destination: (short(4)?, short(6)?),
            }),
            "tcp" if info.get(8..12)?.iter().all(|octet| *octet == 0) => Some(Self::Ports {
                source: (short(0)?, short(2)?),
                destination: (short(4)?, short(6)?),
            }),
            _ => None,
        }
    }
}

/// A number in network order.
pub(crate) fn be32(bytes: &[u8]) -> Option<u32> {
    bytes.try_into().ok().map(u32::from_be_bytes)
}

/// Steps that ask something, write a register or keep something, and never end a packet's way by themselves.
const QUESTIONS: [&str; 25] = [
    "meta",
    "payload",
    "ct",
    "cmp",
    "range",
    "bitwise",
    "byteorder",
    "lookup",
    "dynset",
    "limit",
    "quota",
    "connlimit",
    "last",
    "counter",
    "match",
    "fib",
    "rt",
    "socket",
    "xfrm",
    "hash",
    "numgen",
    "osf",
    "exthdr",
    "tunnel",
    "inner",
];
const META_MARK: u32 = 3;
const OBJECT_COUNTER: u32 = 1;
const OBJECT_QUOTA: u32 = 2;
const OBJECT_HELPER: u32 = 3;
const OBJECT_LIMIT: u32 = 4;
const OBJECT_CONNLIMIT: u32 = 5;
const OBJECT_TUNNEL: u32 = 6;
const OBJECT_TIMEOUT: u32 = 7;
const OBJECT_SECMARK: u32 = 8;
const OBJECT_EXPECTATION: u32 = 9;
const VERDICT_REGISTER: u32 = 0;
