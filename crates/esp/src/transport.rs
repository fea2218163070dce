//! Transport mode: the payload of a host's own packet is protected, the IP header is that of the ESP packet
//! (RFC 4301 3.2, RFC 4303 3.1.1).
//!
//! The outer header is the kernel's, as in tunnel mode, so nothing of the packet's own header travels but its protocol
//! and its two addresses, which are the SA's. What would be lost is refused: IP options, and extension headers that
//! routers read. Destination options and whatever else follows the IPv6 header are protected with the payload. Traffic
//! class, flow label and hop limit are hints, and the receiver sees defaults.
//!
//! A NAT on the path would break the checksums of TCP and UDP, which cover the addresses (RFC 3948 3.1.2); the key
//! exchange agrees on no transport mode then.

use std::net::IpAddr;

use adit_model::dataplane::Path;
use adit_wire::ip::{IpPacket, Ipv4Header, Ipv6Header, emit_packet, protocol};

/// The two hosts that an SA in transport mode is between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    local: IpAddr,
    remote: IpAddr,
}

impl Ends {
    pub(crate) fn of(path: &Path) -> Self {
        Self {
            local: path.local.ip(),
            remote: path.remote.ip(),
        }
    }

    /// The next header and the payload that represent `packet`; `None` when it can't go in transport mode.
    pub(crate) fn payload<'a>(&self, packet: &IpPacket<'a>) -> Option<(u8, &'a [u8])> {
        let between = packet.source == self.local && packet.destination == self.remote;
        // ESP is applied to whole datagrams only (RFC 4303 3.3.4).
        if !between || packet.fragment.is_some() {
            return None;
        }
        if packet.source.is_ipv4() {
            let plain = packet.header_length == Ipv4Header::MIN_LEN;
            return plain.then(|| (packet.protocol, packet.payload()));
        }
        let (header, payload) = Ipv6Header::parse(packet.packet).ok()?;
        let routers_read = matches!(
            header.next_header,
            protocol::HOP_BY_HOP | protocol::ROUTING | protocol::FRAGMENT
        );
        (!routers_read).then_some((header.next_header, payload))
    }

    /// The packet that arrived as `payload` under `next_header`; `None` when it is too long for one.
    pub(crate) fn packet(&self, next_header: u8, payload: &[u8]) -> Option<Vec<u8>> {
        let mut packet = Vec::with_capacity(Ipv6Header::LEN + payload.len());
        emit_packet(self.remote, self.local, next_header, payload, &mut packet).ok()?;
        Some(packet)
    }
}
