//! What a packet on the wire is, seen from outside.

use std::net::IpAddr;
use std::sync::LazyLock;

use adit_wire::ip::IpPacket;
use adit_wire::udp_encap::{Encapsulated, classify};
use ipnet::IpNet;

use super::plan;
use super::report::Wire;

const UDP: u8 = 17;
const ESP: u8 = 50;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
const UDP_HEADER: usize = 8;

static PROTECTED: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    plan::PROTECTED
        .iter()
        .filter_map(|net| net.parse().ok())
        .collect()
});

/// Counts one IP packet.
pub fn count(packet: &[u8], wire: &mut Wire) {
    let Ok(ip) = IpPacket::parse(packet) else {
        wire.other += 1;
        return;
    };
    // First of all: whatever it is, a packet with a protected address outside of ESP is a leak.
    if is_protected(ip.source) || is_protected(ip.destination) {
        wire.clear += 1;
        return;
    }
    let payload = ip.payload();
    match (ip.protocol, ip.ports()) {
        (ESP, _) => wire.esp += 1,
        (ICMP | ICMPV6, _) => wire.icmp += 1,
        (UDP, Some(p)) if p.source == 4500 || p.destination == 4500 => {
            match payload.get(UDP_HEADER..).map(classify) {
                Some(Ok(Encapsulated::Ike(_))) => wire.ike += 1,
                Some(Ok(Encapsulated::Esp(_))) => wire.esp += 1,
                Some(Ok(Encapsulated::Keepalive)) => wire.keepalive += 1,
                _ => wire.other += 1,
            }
        }
        (UDP, Some(p)) if p.source == 500 || p.destination == 500 => wire.ike += 1,
        _ => wire.other += 1,
    }
}

fn is_protected(address: IpAddr) -> bool {
    PROTECTED.iter().any(|net| net.contains(&address))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn udp(from: &str, to: &str, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
        let (from, to): (IpAddr, IpAddr) = (from.parse().unwrap(), to.parse().unwrap());
        let mut datagram = Vec::new();
        adit_wire::udp::UdpDatagram {
            source_port: ports.0,
            destination_port: ports.1,
            payload,
        }
        .emit(from, to, &mut datagram)
        .unwrap();
        let mut packet = Vec::new();
        adit_wire::ip::emit_packet(from, to, UDP, &datagram, &mut packet).unwrap();
        packet
    }

    #[test]
    fn every_packet_counts_under_one_kind() {
        let mut wire = Wire::default();
        count(
            &udp(plan::NAT_OUTSIDE, plan::EAST, (500, 500), &[7; 40]),
            &mut wire,
        );
        count(
            &udp(plan::NAT_OUTSIDE, plan::EAST, (31_000, 4500), &[0xff]),
            &mut wire,
        );
        count(
            &udp(plan::NAT_OUTSIDE, plan::EAST, (31_000, 4500), &[0; 40]),
            &mut wire,
        );
        count(
            &udp(plan::EAST, plan::NAT_OUTSIDE, (4500, 31_000), &[9; 40]),
            &mut wire,
        );
        count(
            &udp(
                plan::WEST_HOST[0],
                plan::EAST_HOST[0],
                (4500, 4500),
                &[9; 40],
            ),
            &mut wire,
        );
        count(&[0x45, 0], &mut wire);
        assert_eq!(
            wire,
            Wire {
                ike: 2,
                esp: 1,
                keepalive: 1,
                icmp: 0,
                clear: 1,
                other: 1
            }
        );
    }
}
