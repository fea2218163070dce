//! Policies: what becomes of packets that a selector takes.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;

use adit_model::connection::Mode;

use super::layout::{self, Fields, Reader, family};
use super::offload::{self, Offload};
use super::selector::Selector;
use crate::netlink::codec::{Answer, Message, u32_at};

/// Which packets a policy is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Those for this host.
    In,
    /// Those that leave, forwarded or not.
    Out,
    /// Those that are forwarded, as they came.
    Forward,
}

/// What names a policy. Its index is the caller's to choose: by it a policy is known again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PolicyId {
    /// The direction.
    pub direction: Direction,
    /// The packets.
    pub selector: Selector,
    /// The XFRM interface through which they go; 0 is for those that go through none.
    pub if_id: u32,
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Direction and packets.
    pub id: PolicyId,
    /// The lowest number that takes a packet has it.
    pub priority: u32,
    /// A number of one's own, whose lowest three bits the kernel makes the direction; it takes another one when this is
    /// in use already.
    pub index: u32,
    /// What becomes of the packets.
    pub verdict: Verdict,
}

/// What becomes of packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// They pass as they are.
    Allow,
    /// They go nowhere.
    Block,
    /// They are protected so, or go nowhere.
    Protect(Template),
}

/// Which state is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    /// Outer source; unspecified means that routing decides.
    pub source: IpAddr,
    /// Outer destination.
    pub destination: IpAddr,
    /// The number that states must have; 0 takes any.
    pub reqid: u32,
    /// Tunnel or transport.
    pub mode: Mode,
    /// Whether packets pass as they are while there is no state. It is asked for all the same.
    pub optional: bool,
    /// The device that does all of it ([`Offload::packet`](super::Offload::packet)): the kernel takes only states that are
    /// that device's, too.
    pub offload: Option<u32>,
}

impl Direction {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::In, Self::Out, Self::Forward];

    pub(super) const fn number(self) -> u8 {
        match self {
            Self::In => 0,
            Self::Out => 1,
            Self::Forward => 2,
        }
    }

    /// A policy's index in this direction: the lowest three bits tell it.
    #[must_use]
    pub const fn index(self, number: u32) -> u32 {
        number & !0x7 | self.number() as u32
    }

    const fn of(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::In),
            1 => Some(Self::Out),
            2 => Some(Self::Forward),
            // Above are policies of single sockets.
            _ => None,
        }
    }
}

impl PolicyId {
    /// By index, where it isn't 0; else by selector.
    pub(super) fn request(&self, kind: u16, index: u32) -> Message {
        let mut fields = Fields::default();
        fields
            .selector(&self.selector)
            .u32(index)
            .u8(self.direction.number())
            .zeros(3);
        let mut message = Message::new(kind, 0, fields.bytes());
        self.put_interface(&mut message);
        message
    }

    fn put_interface(&self, message: &mut Message) {
        if self.if_id != 0 {
            message.put_u32(layout::IF_ID, self.if_id);
        }
    }
}

impl Policy {
    pub(super) fn request(&self, kind: u16) -> Message {
        let mut fields = Fields::default();
        self.fixed(&mut fields);
        let mut message = Message::new(kind, 0, fields.bytes());
        if let Verdict::Protect(template) = &self.verdict {
            let mut fields = Fields::default();
            fields
                .id(template.destination, 0, layout::ESP)
                .u16(family(template.destination))
                .zeros(2)
                .address(template.source)
                .u32(template.reqid)
                .u8(match template.mode {
                    Mode::Transport => 0,
                    Mode::Tunnel => 1,
                })
                // Share, optional, padding.
                .u8(0)
                .u8(u8::from(template.optional))
                .zeros(1)
                // Any algorithm of each kind.
                .u32(u32::MAX)
                .u32(u32::MAX)
                .u32(u32::MAX);
            message.put(layout::TEMPLATES, fields.bytes());
            if let Some(device) = template.offload {
                message.put(layout::OFFLOAD, &offload::emit_of_policy(device));
            }
        }
        self.id.put_interface(&mut message);
        message
    }

    /// `struct xfrm_userpolicy_info`.
    fn fixed(&self, fields: &mut Fields) {
        let action = u8::from(self.verdict == Verdict::Block);
        fields
            .selector(&self.id.selector)
            .lifetime(&super::Lifetime::default())
            .zeros(32)
            .u32(self.priority)
            .u32(self.id.direction.index(self.index))
            .u8(self.id.direction.number())
            .u8(action)
            .u8(MATCHES_ICMP_ERRORS)
            .zeros(5);
    }

    /// The policy in a message of the kernel; `None` for one of a socket, or with templates of a kind that is never ours.
    pub(super) fn parse(answer: &Answer<'_>) -> Option<Self> {
        let (mut id, priority, index, blocks) = parse_fixed(answer.body)?;
        let attributes = answer.attributes(layout::POLICY);
        let interface = attributes.find(layout::IF_ID);
        id.if_id = interface.and_then(|value| u32_at(value, 0)).unwrap_or(0);
        let template = attributes
            .find(layout::TEMPLATES)
            .filter(|templates| !templates.is_empty());
        let verdict = match (blocks, template) {
            (true, _) => Verdict::Block,
            (false, None) => Verdict::Allow,
            (false, Some(bytes)) if bytes.len() == layout::TEMPLATE => {
                let offload = attributes.find(layout::OFFLOAD).and_then(Offload::parse);
                Verdict::Protect(Template {
                    offload: offload.map(|offload| offload.device),
                    ..parse_template(bytes)?
                })
            }
            (false, Some(_)) => return None,
        };
        Some(Self {
            id,
            priority,
            index,
            verdict,
        })
    }
}

/// What a policy that stands in the kernel tells of itself, of whatever kind it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its index.
    pub index: u32,
    /// Its priority.
    pub priority: u32,
    /// The number of its first template, if it has one.
    pub reqid: Option<u32>,
}

impl Standing {
    pub(super) fn parse(answer: &Answer<'_>) -> Option<Self> {
        let (_, priority, index, _) = parse_fixed(answer.body)?;
        let templates = answer.attributes(layout::POLICY).find(layout::TEMPLATES);
        let first = templates.and_then(|templates| templates.get(..layout::TEMPLATE));
        Some(Self {
            index,
            priority,
            reqid: first.and_then(|first| Some(parse_template(first)?.reqid)),
        })
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "index {}, priority {}", self.index, self.priority)?;
        match self.reqid {
            Some(reqid) => write!(f, ", reqid {reqid}"),
            None => Ok(()),
        }
    }
}

/// Direction and packets (without their interface, which isn't told here), priority, index, and whether it blocks.
pub(super) fn parse_fixed(bytes: &[u8]) -> Option<(PolicyId, u32, u32, bool)> {
    let mut reader = Reader::new(bytes);
    let selector = reader.selector()?.selector?;
    reader.lifetime()?;
    let priority = reader.skip(32).u32()?;
    let index = reader.u32()?;
    let direction = Direction::of(reader.u8()?)?;
    let blocks = reader.u8()? == 1;
    let id = PolicyId {
        direction,
        selector,
        if_id: 0,
    };
    Some((id, priority, index, blocks))
}

fn parse_template(bytes: &[u8]) -> Option<Template> {
    let mut reader = Reader::new(bytes);
    let destination = reader.address()?;
    let family = reader.skip(8).u16()?;
    let source = reader.skip(2).address()?;
    let reqid = reader.u32()?;
    let mode = match reader.u8()? {
        0 => Mode::Transport,
        1 => Mode::Tunnel,
        _ => return None,
    };
    let optional = reader.skip(1).u8()? != 0;
    Some(Template {
        source: source.of(family)?,
        destination: destination.of(family)?,
        reqid,
        mode,
        optional,
        offload: None,
    })
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Forward => "fwd",
        })
    }
}

impl fmt::Display for PolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.direction, self.selector)?;
        match self.if_id {
            0 => Ok(()),
            id => write!(f, " through the interface with if_id {id:#x}"),
        }
    }
}

/// Has what is sent and received at a socket pass as it is, whatever policies say.
pub(crate) fn let_pass(socket: BorrowedFd<'_>, v6: bool) -> io::Result<()> {
    let (level, option) = if v6 {
        (libc::SOL_IPV6, IPV6_XFRM_POLICY)
    } else {
        (libc::SOL_IP, IP_XFRM_POLICY)
    };
    for direction in [Direction::In, Direction::Out] {
        let policy = bypass_of_socket(v6, direction);
        crate::sys::socket::set_option(socket, level, option, &policy)?;
    }
    Ok(())
}

/// What asks a socket to let everything of one direction pass as it is: `struct xfrm_userpolicy_info`.
fn bypass_of_socket(v6: bool, direction: Direction) -> Vec<u8> {
    let any = |text: &str| text.parse().unwrap_or_default();
    let net = if v6 { any("::/0") } else { any("0.0.0.0/0") };
    let policy = Policy {
        id: PolicyId {
            direction,
            selector: Selector::between(net, net),
            if_id: 0,
        },
        priority: 0,
        index: 0,
        verdict: Verdict::Allow,
    };
    let mut fields = Fields::default();
    policy.fixed(&mut fields);
    fields.bytes().to_vec()
}

const IP_XFRM_POLICY: i32 = 17;
const IPV6_XFRM_POLICY: i32 = 35;
/// XFRM_POLICY_ICMP: an ICMP error counts as what it is about (RFC 4301 6.2).
const MATCHES_ICMP_ERRORS: u8 = 2;

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::netlink::codec::messages;

    pub(crate) fn sample(direction: Direction) -> Policy {
        Policy {
            id: PolicyId {
                direction,
                selector: Selector::between(
                    "fd00:1::/64".parse().unwrap(),
                    "fd00:2::/64".parse().unwrap(),
                ),
                if_id: 0,
            },
            priority: 5000,
            index: 0x0ad0_0000 | u32::from(direction.number()),
            verdict: Verdict::Protect(Template {
                source: "192.0.2.1".parse().unwrap(),
                destination: "192.0.2.2".parse().unwrap(),
                reqid: 4711,
                mode: Mode::Tunnel,
                optional: direction == Direction::In,
                offload: (direction == Direction::Out).then_some(3),
            }),
        }
    }

    pub(crate) fn bytes(policy: &Policy) -> Vec<u8> {
        policy.request(layout::UPDATE_POLICY).finish(1)
    }

    #[test]
    fn a_policy_reads_back_as_written() {
        for direction in Direction::ALL {
            for verdict in [None, Some(Verdict::Allow), Some(Verdict::Block)] {
                let mut policy = sample(direction);
                policy.verdict = verdict.unwrap_or(policy.verdict);
                policy.id.if_id = 42;
                let bytes = bytes(&policy);
                let back = Policy::parse(&messages(&bytes).next().unwrap()).unwrap();
                assert_eq!(back, policy);
            }
        }
    }

    #[test]
    fn a_policy_that_stands_tells_whose_it_may_be() {
        let bytes = bytes(&sample(Direction::Out));
        let standing = Standing::parse(&messages(&bytes).next().unwrap()).unwrap();
        assert_eq!(
            standing.to_string(),
            "index 181403649, priority 5000, reqid 4711"
        );
        let id = sample(Direction::Out).id;
        let request = id.request(layout::DELETE_POLICY, 0x0ad0_0001).finish(1);
        assert_eq!(u32_at(&request, 16 + layout::SELECTOR), Some(0x0ad0_0001));
    }

    #[test]
    fn fixed_parts_are_where_the_kernel_looks_for_them() {
        let bytes = bytes(&sample(Direction::Out));
        assert_eq!(bytes.len(), 16 + 168 + 4 + 64 + 4 + 8);
        assert_eq!(u32_at(&bytes, 16 + 152), Some(5000));
        assert_eq!(u32_at(&bytes, 16 + 156), Some(0x0ad0_0001));
        assert_eq!(bytes[16 + 160..][..2], [1, 0]);
        let template = &bytes[16 + 168 + 4..];
        assert_eq!(template[..4], [192, 0, 2, 2]);
        assert_eq!(template[20], 50);
        assert_eq!(template[28..32], [192, 0, 2, 1]);
        assert_eq!(u32_at(template, 44), Some(4711));
        assert_eq!(bypass_of_socket(true, Direction::In).len(), 168);
    }

    #[test]
    fn every_truncation_is_harmless() {
        let bytes = bytes(&sample(Direction::In));
        for end in 16..bytes.len() {
            let answer = Answer {
                kind: layout::UPDATE_POLICY,
                flags: 0,
                sequence: 1,
                body: &bytes[16..end],
            };
            let _ = Policy::parse(&answer);
        }
    }
}
