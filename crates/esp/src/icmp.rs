//! What a host is told whose packet is too long for the tunnel (RFC 4301 8.2, RFC 1191 4, RFC 4443 3.2).

use adit_model::address::is_host;
use adit_model::now::Mono;
use adit_wire::icmp::{Family, IcmpMessage, V4_CODE_FRAGMENTATION_NEEDED};
use adit_wire::ip::{IpPacket, emit_packet};

/// The ICMP message to the sender of `packet`, which the tunnel carries up to `mtu` octets of; `None` where none may be
/// sent (RFC 1122 3.2.2, RFC 4443 2.4).
///
/// It bears the address of the host that the packet was meant for. One of the gateway's own would be dropped by its
/// kernel, which doesn't believe that packets of its own arrive from outside; and the message is from behind the tunnel,
/// where reverse path filters expect this address.
#[must_use]
pub fn too_big(packet: &IpPacket<'_>, mtu: usize) -> Option<Vec<u8>> {
    if packet.is_later_fragment()
        || packet.quoted().is_some()
        || !is_host(packet.source)
        || !is_host(packet.destination)
    {
        return None;
    }
    let (from, to) = (packet.destination, packet.source);
    let mtu = u32::try_from(mtu).ok()?;
    let quoted = |most: usize| packet.packet.get(..most).unwrap_or(packet.packet).to_vec();
    // All of the message within what every host takes (RFC 1812 4.3.2.3, RFC 4443 2.4).
    let message = if from.is_ipv4() {
        IcmpMessage::Unreachable {
            code: V4_CODE_FRAGMENTATION_NEEDED,
            detail: mtu & 0xffff,
            quoted: quoted(576 - 20 - 8),
        }
    } else {
        IcmpMessage::PacketTooBig {
            mtu,
            quoted: quoted(1280 - 40 - 8),
        }
    };
    let family = Family::of(from, to);
    let mut body = Vec::new();
    message.emit(family, &mut body).ok()?;
    let mut out = Vec::with_capacity(body.len() + 40);
    emit_packet(from, to, family.protocol(), &body, &mut out).ok()?;
    Some(out)
}

/// How many messages may be sent: so many at once, and so many a second (RFC 1812 4.3.2.8, RFC 4443 2.4 (f)).
#[derive(Clone, Debug)]
pub struct Allowance {
    left: u64,
    since: Mono,
}

impl Allowance {
    /// Messages at once.
    pub const BURST: u64 = 50;
    /// Nanoseconds until one more may be sent.
    const EACH: u64 = 10_000_000;

    /// A whole one.
    #[must_use]
    pub const fn new(now: Mono) -> Self {
        Self {
            left: Self::BURST,
            since: now,
        }
    }

    /// Whether one may be sent `now`; it counts as sent then.
    pub fn take(&mut self, now: Mono) -> bool {
        let earned = now.0.saturating_sub(self.since.0) / Self::EACH;
        if earned > 0 {
            self.left = (self.left + earned).min(Self::BURST);
            self.since = Mono(self.since.0 + earned * Self::EACH);
        }
        let may = self.left > 0;
        self.left -= u64::from(may);
        may
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_wire::icmp::V4_CODE_PORT;
    use adit_wire::ip::protocol;

    use super::*;

    fn packet(from: &str, to: &str, number: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        emit_packet(
            from.parse().unwrap(),
            to.parse().unwrap(),
            number,
            payload,
            &mut out,
        )
        .unwrap();
        out
    }

    fn told(packet: &[u8], mtu: usize) -> Option<Vec<u8>> {
        too_big(&IpPacket::parse(packet).unwrap(), mtu)
    }

    /// RFC 1191 4: the next hop's MTU is in the low half of the unused field, and the packet is quoted.
    #[test]
    fn a_host_learns_what_fits() {
        let large = packet("10.1.0.7", "10.2.0.9", protocol::UDP, &[7; 1400]);
        let answer = told(&large, 1280).unwrap();
        assert!(answer.len() <= 576);
        let ip = IpPacket::parse(&answer).unwrap();
        assert_eq!(ip.source.to_string(), "10.2.0.9");
        assert_eq!(ip.destination.to_string(), "10.1.0.7");
        let IcmpMessage::Unreachable {
            code: 4,
            detail: 1280,
            quoted,
        } = IcmpMessage::parse(Family::V4, ip.payload()).unwrap()
        else {
            panic!("{answer:?}");
        };
        assert!(large.starts_with(&quoted) && quoted.len() > 28);
        assert_eq!(ip.quoted().unwrap().source.to_string(), "10.1.0.7");
    }

    #[test]
    fn a_host_of_ipv6_too() {
        let large = packet("fd00:1::7", "fd00:2::9", protocol::UDP, &[7; 1400]);
        let answer = told(&large, 1300).unwrap();
        assert_eq!(answer.len(), 1280);
        let ip = IpPacket::parse(&answer).unwrap();
        let family = Family::of(ip.source, ip.destination);
        let message = IcmpMessage::parse(family, ip.payload()).unwrap();
        assert!(matches!(
            message,
            IcmpMessage::PacketTooBig { mtu: 1300, .. }
        ));
    }

    #[test]
    fn nobody_is_told_about_messages_later_fragments_and_groups() {
        let quoted = packet("10.2.0.9", "10.1.0.7", protocol::UDP, &[0; 8]);
        let mut error = Vec::new();
        let unreachable = IcmpMessage::Unreachable {
            code: V4_CODE_PORT,
            detail: 0,
            quoted,
        };
        unreachable.emit(Family::V4, &mut error).unwrap();
        assert_eq!(
            told(
                &packet("10.1.0.7", "10.2.0.9", protocol::ICMP, &error),
                1280
            ),
            None
        );
        for (from, to) in [
            ("10.1.0.7", "224.0.0.5"),
            ("0.0.0.0", "10.2.0.9"),
            ("10.1.0.7", "255.255.255.255"),
            ("fd00:1::7", "ff02::1"),
        ] {
            assert_eq!(
                told(&packet(from, to, protocol::UDP, &[0; 1400]), 1280),
                None,
                "{from} {to}"
            );
        }
        let mut later = packet("10.1.0.7", "10.2.0.9", protocol::UDP, &[0; 1400]);
        later[7] = 9;
        assert_eq!(told(&later, 1280), None);
    }

    #[test]
    fn there_is_a_limit_to_what_is_told() {
        let second = 1_000_000_000;
        let mut allowance = Allowance::new(Mono(0));
        let sent = |allowance: &mut Allowance, at| {
            (0..10_000).filter(|_| allowance.take(Mono(at))).count() as u64
        };
        assert_eq!(sent(&mut allowance, 0), Allowance::BURST);
        assert_eq!(sent(&mut allowance, second / 10), 10);
        assert_eq!(sent(&mut allowance, 60 * second), Allowance::BURST);
    }
}
