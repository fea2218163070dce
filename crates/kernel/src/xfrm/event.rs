//! What the kernel tells by itself: a state is missing, a limit is reached, a peer's NAT has another mapping.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use super::layout::{self, Reader};
use super::policy;
use super::selector::Selector;
use super::state::{Counters, Fixed, StateId};
use crate::error::{KernelError, Result};
use crate::netlink::codec::{Answer, messages};
use crate::sys::socket as sys;

/// Something that the kernel tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A packet that a policy wants protected found no state. Until one comes, or half a minute has passed, the kernel
    /// doesn't ask again.
    Acquire {
        /// Where the protected packet would go.
        destination: IpAddr,
        /// The packet.
        packet: Selector,
        /// Index of the policy.
        policy: u32,
        /// The kernel's number of the question, see [`State::answers`](super::State::answers).
        number: u32,
    },
    /// Policies were added, changed or deleted, by whomever.
    Policies,
    /// A state has reached a limit.
    Expire {
        /// The state.
        id: StateId,
        /// Its number for templates.
        reqid: u32,
        /// Whether it is gone; otherwise it goes on.
        hard: bool,
        /// What it has carried.
        counters: Counters,
    },
    /// The packets of a state in UDP come from another address or port now (RFC 3948 3.1).
    Mapping {
        /// SPI that they came under.
        spi: u32,
        /// From where.
        from: SocketAddr,
    },
    /// There was more than could be kept, and some of it is lost.
    Lost,
}

/// A socket that has something to read when the kernel tells something.
#[derive(Debug)]
pub struct Events {
    fd: OwnedFd,
}

impl Events {
    /// Listens from now on to the calling thread's network namespace. Never blocks.
    ///
    /// # Errors
    /// When the kernel has no XFRM, or CAP_NET_ADMIN is missing.
    pub fn open() -> Result<Self> {
        let what = "listen to the kernel's IPsec";
        let fail = |error: io::Error| KernelError::new(what, "", error);
        let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK;
        let fd = sys::socket(libc::AF_NETLINK, kind, libc::NETLINK_XFRM).map_err(fail)?;
        let mut address = [0u8; 12];
        address[..2].copy_from_slice(&(libc::AF_NETLINK as u16).to_ne_bytes());
        address[8..].copy_from_slice(&GROUPS.to_ne_bytes());
        sys::bind(fd.as_fd(), &address).map_err(fail)?;
        // Many flows may ask at once. What doesn't fit is said to be lost.
        let _ = sys::set_option_int(fd.as_fd(), libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, QUEUE);
        Ok(Self { fd })
    }

    /// Takes what has come.
    #[must_use]
    pub fn take(&self) -> Vec<Event> {
        let mut buffer = vec![0; BUFFER];
        let mut found = Vec::new();
        while found.len() < MOST_AT_ONCE {
            match sys::receive(self.fd.as_fd(), &mut buffer, 0) {
                Ok(received) => {
                    let bytes = buffer.get(..received.length).unwrap_or_default();
                    for event in messages(bytes).filter_map(|answer| parse(&answer)) {
                        // Hundreds of policies that change are told of one by one.
                        if event != Event::Policies || found.last() != Some(&Event::Policies) {
                            found.push(event);
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    found.push(Event::Lost);
                }
                Err(_) => break,
            }
        }
        found
    }
}

impl AsRawFd for Events {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

fn parse(answer: &Answer<'_>) -> Option<Event> {
    match answer.kind {
        layout::ACQUIRE => acquire(answer.body),
        layout::EXPIRE => {
            let Fixed {
                id,
                reqid,
                counters,
                ..
            } = Fixed::parse(answer.body)?;
            let mark = super::state::mark(answer.attributes(layout::STATE + 8));
            Some(Event::Expire {
                id: StateId { mark, ..id },
                reqid,
                hard: *answer.body.get(layout::STATE)? != 0,
                counters,
            })
        }
        layout::MAPPING => mapping(answer.body),
        layout::NEW_POLICY
        | layout::UPDATE_POLICY
        | layout::DELETE_POLICY
        | layout::FLUSH_POLICIES => Some(Event::Policies),
        _ => None,
    }
}

fn acquire(body: &[u8]) -> Option<Event> {
    let mut reader = Reader::new(body);
    let destination = reader.address()?;
    reader.skip(8 + 16);
    let packet = reader.selector()?.selector?;
    let (policy, _, index, _) = policy::parse_fixed(reader.take(layout::POLICY)?)?;
    // The outer family is that of the template, which isn't told; an address of IPv4 ends in zeros.
    let v6 = body
        .get(4..16)
        .is_some_and(|rest| rest.iter().any(|b| *b != 0));
    let family = if v6 { libc::AF_INET6 } else { libc::AF_INET };
    (policy.direction == policy::Direction::Out).then_some(())?;
    Some(Event::Acquire {
        destination: destination.of(u16::try_from(family).ok()?)?,
        packet,
        policy: index,
        number: reader.skip(12).u32().unwrap_or(0),
    })
}

fn mapping(body: &[u8]) -> Option<Event> {
    let mut reader = Reader::new(body);
    reader.skip(16);
    let spi = reader.u32_be()?;
    let family = reader.u16()?;
    let new = reader.skip(2 + 4 + 16).address()?;
    let port = reader.skip(2).u16_be()?;
    Some(Event::Mapping {
        spi,
        from: SocketAddr::new(new.of(family)?, port),
    })
}

/// XFRMNLGRP_ACQUIRE, XFRMNLGRP_EXPIRE, XFRMNLGRP_POLICY, XFRMNLGRP_MAPPING.
const GROUPS: u32 = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 7;
const BUFFER: usize = 32_768;
const QUEUE: i32 = 1 << 20;
/// So that others get their turn.
const MOST_AT_ONCE: usize = 256;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::layout::Fields;
    use super::super::policy::Direction;
    use super::*;

    fn event(kind: u16, body: &[u8]) -> Option<Event> {
        parse(&Answer {
            kind,
            flags: 0,
            sequence: 0,
            body,
        })
    }

    #[test]
    fn an_acquire_names_packet_and_policy() {
        let packet = Selector::between(
            "10.1.0.7/32".parse().unwrap(),
            "10.2.0.9/32".parse().unwrap(),
        );
        let mut fields = Fields::default();
        fields
            .id("192.0.2.2".parse().unwrap(), 0, 50)
            .address("192.0.2.1".parse().unwrap())
            .selector(&packet);
        let mut body = fields.bytes().to_vec();
        let of_policy = super::policy::tests::bytes(&super::policy::tests::sample(Direction::Out));
        body.extend_from_slice(&of_policy[16..16 + layout::POLICY]);
        body.extend_from_slice(&[0; 12]);
        body.extend_from_slice(&77_u32.to_ne_bytes());
        assert_eq!(
            event(layout::ACQUIRE, &body),
            Some(Event::Acquire {
                destination: "192.0.2.2".parse().unwrap(),
                packet,
                policy: 0x0ad0_0001,
                number: 77,
            })
        );
        for end in 0..body.len() - 16 {
            assert!(event(layout::ACQUIRE, &body[..end]).is_none() || end > 256);
        }
    }

    #[test]
    fn an_expiry_says_whether_the_state_is_gone() {
        let state = super::super::state::tests::sample();
        let bytes = super::super::state::tests::bytes(&state);
        let mut body = bytes[16..16 + layout::STATE].to_vec();
        body.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
        let Some(Event::Expire {
            id, hard, reqid, ..
        }) = event(layout::EXPIRE, &body)
        else {
            panic!("no expiry");
        };
        assert_eq!((id.spi, hard, reqid), (0xc0ff_ee01, true, 4711));
    }

    #[test]
    fn a_mapping_names_the_new_address_and_port() {
        let mut fields = Fields::default();
        fields
            .address("192.0.2.1".parse().unwrap())
            .u32_be(0x100)
            .u16(2)
            .u8(50)
            .zeros(1)
            .u32(1)
            .address("192.0.2.2".parse().unwrap())
            .address("192.0.2.3".parse().unwrap())
            .u16_be(4500)
            .u16_be(40_000);
        assert_eq!(
            event(layout::MAPPING, fields.bytes()),
            Some(Event::Mapping {
                spi: 0x100,
                from: "192.0.2.3:40000".parse().unwrap(),
            })
        );
    }
}
