//! The fixed structures of `linux/xfrm.h`, written and read field by field.
//!
//! Addresses, ports and SPIs are in network order, everything else in host order, with the padding of 64-bit machines.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::selector::{Ports, Selector};
use super::state::Lifetime;
use crate::netlink::codec::{u16_at, u32_at};

/// Bytes of a structure under construction.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<u8>);

impl Fields {
    pub(super) fn u8(&mut self, value: u8) -> &mut Self {
        self.0.push(value);
        self
    }

    pub(super) fn u16(&mut self, value: u16) -> &mut Self {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    pub(super) fn u16_be(&mut self, value: u16) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    pub(super) fn u32_be(&mut self, value: u32) -> &mut Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    pub(super) fn zeros(&mut self, count: usize) -> &mut Self {
        self.0.resize(self.0.len() + count, 0);
        self
    }

    /// `xfrm_address_t`.
    pub(super) fn address(&mut self, address: IpAddr) -> &mut Self {
        match address {
            IpAddr::V4(v4) => {
                self.0.extend_from_slice(&v4.octets());
                self.zeros(12)
            }
            IpAddr::V6(v6) => {
                self.0.extend_from_slice(&v6.octets());
                self
            }
        }
    }

    /// `struct xfrm_id`.
    pub(super) fn id(&mut self, destination: IpAddr, spi: u32, protocol: u8) -> &mut Self {
        self.address(destination).u32_be(spi).u8(protocol).zeros(3)
    }

    /// `struct xfrm_selector`.
    pub(super) fn selector(&mut self, selector: &Selector) -> &mut Self {
        let (from, to) = (selector.source, selector.destination);
        self.address(to.network())
            .address(from.network())
            .u16_be(selector.destination_ports.port)
            .u16_be(selector.destination_ports.mask)
            .u16_be(selector.source_ports.port)
            .u16_be(selector.source_ports.mask)
            .u16(family(to.addr()))
            .u8(to.prefix_len())
            .u8(from.prefix_len())
            .u8(selector.protocol)
            .zeros(3)
            .u32(selector.device)
            .zeros(4)
    }

    /// `struct xfrm_lifetime_cfg`, in which all ones are "without end" and, for times, zero is.
    pub(super) fn lifetime(&mut self, life: &Lifetime) -> &mut Self {
        let or_end = |limit: Option<u64>| limit.unwrap_or(u64::MAX);
        self.u64(or_end(life.soft_bytes))
            .u64(or_end(life.hard_bytes))
            .u64(or_end(life.soft_packets))
            .u64(or_end(life.hard_packets))
            .u64(life.soft_seconds.unwrap_or(0))
            .u64(life.hard_seconds.unwrap_or(0))
            .zeros(16)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Reads fields one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn skip(&mut self, count: usize) -> &mut Self {
        self.at = self.at.saturating_add(count);
        self
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let found = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(found)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        u16_at(self.take(2)?, 0)
    }

    pub(super) fn u16_be(&mut self) -> Option<u16> {
        self.u16().map(u16::from_be)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        u32_at(self.take(4)?, 0)
    }

    pub(super) fn u32_be(&mut self) -> Option<u32> {
        self.u32().map(u32::from_be)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_ne_bytes)
    }

    /// `xfrm_address_t`, whose family is said elsewhere.
    pub(super) fn address(&mut self) -> Option<RawAddress> {
        self.take(16)?.try_into().ok().map(RawAddress)
    }

    /// `struct xfrm_selector`.
    pub(super) fn selector(&mut self) -> Option<RawSelector> {
        let (to, from) = (self.address()?, self.address()?);
        let ports = |reader: &mut Self| {
            Some(Ports {
                port: reader.u16_be()?,
                mask: reader.u16_be()?,
            })
        };
        let destination_ports = ports(self)?;
        let source_ports = ports(self)?;
        let family = self.u16()?;
        let (to_bits, from_bits) = (self.u8()?, self.u8()?);
        let protocol = self.u8()?;
        let device = self.skip(3).u32()?;
        self.skip(4);
        let net = |address: RawAddress, bits| IpNet::new(address.of(family)?, bits).ok();
        Some(RawSelector {
            family,
            selector: net(from, from_bits)
                .zip(net(to, to_bits))
                .map(|(source, destination)| Selector {
                    source,
                    destination,
                    protocol,
                    source_ports,
                    destination_ports,
                    device,
                }),
        })
    }

    /// `struct xfrm_lifetime_cfg`.
    pub(super) fn lifetime(&mut self) -> Option<Lifetime> {
        let volume = |value: u64| (value != u64::MAX && value != 0).then_some(value);
        let time = |value: u64| (value != 0 && value != u64::MAX).then_some(value);
        let life = Lifetime {
            soft_bytes: volume(self.u64()?),
            hard_bytes: volume(self.u64()?),
            soft_packets: volume(self.u64()?),
            hard_packets: volume(self.u64()?),
            soft_seconds: time(self.u64()?),
            hard_seconds: time(self.u64()?),
        };
        self.skip(16);
        Some(life)
    }
}

/// Sixteen bytes that are an address once the family is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawAddress([u8; 16]);

impl RawAddress {
    pub(super) fn of(self, family: u16) -> Option<IpAddr> {
        match i32::from(family) {
            libc::AF_INET => {
                let [a, b, c, d, ..] = self.0;
                Some(Ipv4Addr::new(a, b, c, d).into())
            }
            libc::AF_INET6 => Some(Ipv6Addr::from(self.0).into()),
            _ => None,
        }
    }
}

/// A selector as read: none where its family is unspecified.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawSelector {
    pub(super) family: u16,
    pub(super) selector: Option<Selector>,
}

/// The address family, as these structures have it.
pub(super) fn family(address: IpAddr) -> u16 {
    let number = match address {
        IpAddr::V4(_) => libc::AF_INET,
        IpAddr::V6(_) => libc::AF_INET6,
    };
    u16::try_from(number).unwrap_or_default()
}

/// `struct xfrm_selector`.
pub(super) const SELECTOR: usize = 56;
/// `struct xfrm_usersa_id`.
pub(super) const STATE_ID: usize = 24;
/// `struct xfrm_usersa_info`.
pub(super) const STATE: usize = 224;
/// `struct xfrm_userpolicy_info`.
pub(super) const POLICY: usize = 168;
/// `struct xfrm_user_tmpl`.
pub(super) const TEMPLATE: usize = 64;
/// IPPROTO_ESP.
pub(super) const ESP: u8 = 50;

pub(super) const NEW_STATE: u16 = 0x10;
pub(super) const DELETE_STATE: u16 = 0x11;
pub(super) const GET_STATE: u16 = 0x12;
pub(super) const NEW_POLICY: u16 = 0x13;
pub(super) const DELETE_POLICY: u16 = 0x14;
pub(super) const GET_POLICY: u16 = 0x15;
pub(super) const ACQUIRE: u16 = 0x17;
pub(super) const EXPIRE: u16 = 0x18;
pub(super) const UPDATE_POLICY: u16 = 0x19;
pub(super) const UPDATE_STATE: u16 = 0x1a;
pub(super) const FLUSH_POLICIES: u16 = 0x1d;
pub(super) const NEW_SAD_INFO: u16 = 0x22;
pub(super) const GET_SAD_INFO: u16 = 0x23;
pub(super) const NEW_SPD_INFO: u16 = 0x24;
pub(super) const GET_SPD_INFO: u16 = 0x25;
pub(super) const MAPPING: u16 = 0x26;

pub(super) const CRYPT: u16 = 2;
pub(super) const ENCAP: u16 = 4;
pub(super) const TEMPLATES: u16 = 5;
pub(super) const WHOLE_STATE: u16 = 6;
pub(super) const REPLAY: u16 = 10;
pub(super) const SOURCE: u16 = 13;
pub(super) const LAST_USED: u16 = 15;
pub(super) const AEAD: u16 = 18;
pub(super) const AUTH_TRUNCATED: u16 = 20;
pub(super) const MARK: u16 = 21;
pub(super) const TFC_PAD: u16 = 22;
pub(super) const REPLAY_ESN: u16 = 23;
pub(super) const EXTRA_FLAGS: u16 = 24;
pub(super) const OFFLOAD: u16 = 28;
pub(super) const OUTPUT_MARK: u16 = 29;
pub(super) const OUTPUT_MARK_MASK: u16 = 30;
pub(super) const IF_ID: u16 = 31;
pub(super) const DIRECTION: u16 = 33;
