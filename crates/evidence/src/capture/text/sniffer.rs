//! Sniffers of firewalls and routers, that tell little more than ports: FortiGate's `diagnose sniffer packet`, ASA's `show
//! capture`, IOS-XE's `show monitor capture … buffer`, RouterOS's `/tool sniffer`, and `tcpdump -q`.
//!
//! That a packet of UDP 500 is IKE is all they tell of it, unless its octets follow in hex.

use std::net::SocketAddr;

use adit_wire::ip::{IpPacket, protocol};

use super::super::link::Direction;
use super::super::{IKE_PORT, NAT_T_PORT};
use super::hosts::plausible;
use super::ike::Said;
use super::{Packet, Printed, number};

/// A packet of which only the outside is told, until it is known whether its octets follow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blind {
    packet: Packet,
    protocol: u8,
    /// Octets of its UDP payload, where they are told.
    octets: usize,
}

/// Octets of a packet in hex, as far as they came.
#[derive(Debug, Default)]
pub(super) struct Hex {
    octets: Vec<u8>,
}

/// Octets of a packet that are put together.
const MOST: usize = 9216;

impl Printed {
    /// Takes in a line of a sniffer; says whether it was one.
    pub(super) fn sniffer_line(&mut self, line: u64, body: &str) -> bool {
        // tcpdump tells more, and in lines that belong together.
        if self.header.is_some()
            || body.contains("(tos ")
            || body.starts_with("IP ")
            || body.contains(" IP ")
            || body.contains("IP6 ")
        {
            return false;
        }
        let Some(seen) = Seen::read(body) else {
            return false;
        };
        self.flush();
        if let Some(seconds) = seen.seconds {
            self.relative(seconds);
        }
        let ends = if seen.has_ports() {
            (self.end(seen.from), self.end(seen.to))
        } else {
            let bare = |end| SocketAddr::new(end, 0);
            (
                bare(self.hosts.host(seen.from)),
                bare(self.hosts.host(seen.to)),
            )
        };
        let mut packet = self.packet(line, ends, seen.octets.saturating_add(28));
        packet.at.direction = seen.direction;
        self.blind = Some(Blind {
            packet,
            protocol: seen.protocol,
            octets: seen.octets,
        });
        if let Some(text) = seen.error {
            self.blind = None;
            self.icmp_text(text, &packet);
            self.quoting = false;
        } else if let (protocol::ESP, Some(spi), Some(sequence)) =
            (seen.protocol, seen.spi, seen.sequence)
        {
            self.blind = None;
            self.sorter
                .sa("esp", spi, sequence, packet.ends, false, packet.at);
        }
        true
    }

    /// A packet of UDP of which no more is told.
    pub(super) fn blind(&mut self, packet: &Packet, octets: usize) {
        self.blind = Some(Blind {
            packet: *packet,
            protocol: protocol::UDP,
            octets,
        });
    }

    fn end(&mut self, token: &str) -> SocketAddr {
        match token.parse() {
            Ok(end) => end,
            Err(_) => self.hosts.end(token),
        }
    }

    /// Takes in octets in hex of the packet before; says whether it was such a line.
    pub(super) fn hex_line(&mut self, body: &str) -> bool {
        let named = body.strip_prefix("0x");
        let Some(hex) = named.or(self.octets_follow(body).then_some(body)) else {
            return false;
        };
        let Some((offset, rest)) = hex.split_once(|c: char| c == ':' || c.is_whitespace()) else {
            return false;
        };
        let Ok(offset) = usize::from_str_radix(offset, 16) else {
            return false;
        };
        if self.blind.is_none() {
            return true;
        }
        if offset == 0 {
            self.hex.octets.clear();
        }
        if offset != self.hex.octets.len() || self.hex.octets.len() >= MOST {
            return true;
        }
        let mut here = 0;
        for word in rest.split_whitespace() {
            let pairs = matches!(word.len(), 2 | 4 | 8) && word.is_ascii();
            if !pairs || here >= 16 {
                break;
            }
            for at in (0..word.len()).step_by(2) {
                let octet = word.get(at..at + 2).map(|o| u8::from_str_radix(o, 16));
                let Some(Ok(octet)) = octet else {
                    return true;
                };
                self.hex.octets.push(octet);
                here += 1;
            }
        }
        true
    }

    /// IOS-XE prints octets as `0010: 00A81234 00004011`: only behind a packet do they mean that.
    pub(super) fn octets_follow(&self, body: &str) -> bool {
        self.blind.is_some()
            && body
                .split_once(": ")
                .is_some_and(|(at, _)| at.len() == 4 && u16::from_str_radix(at, 16).is_ok())
    }

    /// The packet before is complete.
    pub(super) fn flush(&mut self) {
        let octets = std::mem::take(&mut self.hex.octets);
        let Some(blind) = self.blind.take() else {
            return;
        };
        let at = blind.packet.at;
        if let Some(ip) = ip(&octets) {
            return self.sorter.ip(at.frame, at.at, ip, at.direction);
        }
        let ends = blind.packet.ends;
        let ports = [ends.0.port(), ends.1.port()];
        match blind.protocol {
            protocol::ESP => self.unnumbered("esp", 0, false, &blind.packet),
            protocol::AH => self.unnumbered("ah", 0, false, &blind.packet),
            protocol::UDP if ports.contains(&NAT_T_PORT) && blind.octets == 1 => {
                self.sorter.keepalive(ends, at);
            }
            // What goes over UDP 4500 is IKE as long as a set-up lasts; then nearly all of it is ESP.
            protocol::UDP if ports.contains(&NAT_T_PORT) && self.ike.settled(ends) => {
                self.unnumbered("esp", 0, true, &blind.packet);
            }
            protocol::UDP if ports.contains(&NAT_T_PORT) => match self.ike.unknown(ends) {
                Some(true) => self.unnumbered("esp", 0, true, &blind.packet),
                Some(false) => self.sorter.own(at),
                None => self.blind_message(&blind),
            },
            protocol::UDP if ports.contains(&IKE_PORT) => self.blind_message(&blind),
            protocol::UDP | protocol::TCP if ports == [0, 0] => {
                self.sorter.outside(blind.protocol, None, at);
            }
            protocol::UDP | protocol::TCP => {
                let ports = (ports[0], ports[1]);
                self.sorter.outside(blind.protocol, Some(ports), at);
            }
            other => self.sorter.outside(other, None, at),
        }
    }
}

impl Printed {
    /// A message of IKE of which ends and size are all that is told.
    fn blind_message(&mut self, blind: &Blind) {
        let ends = blind.packet.ends;
        let ports = [ends.0.port(), ends.1.port()];
        self.sorter.own(blind.packet.at);
        // Which version it is isn't told; main mode is the one that asks for the least.
        let said = Said {
            version: 1,
            exchange: "ID_PROT",
            octets: blind.octets,
            marked: ports.contains(&NAT_T_PORT),
            opens: ports.contains(&IKE_PORT) && !self.ike.goes_on(ends, blind.octets),
            ..Said::default()
        };
        let (message, same) = self.ike.message(&blind.packet, said);
        self.sorter.message(message, same);
    }
}

/// The IP packet in a frame of some kind.
fn ip(octets: &[u8]) -> Option<&[u8]> {
    // None, Ethernet, Ethernet with a VLAN, Linux's cooked header.
    [0, 14, 18, 16].into_iter().find_map(|skip| {
        let rest = octets.get(skip..)?;
        let packet = IpPacket::parse(rest).ok()?;
        let known = matches!(
            packet.protocol,
            protocol::UDP
                | protocol::ESP
                | protocol::AH
                | protocol::TCP
                | protocol::ICMP
                | protocol::ICMPV6
        );
        // A frame that happens to look like IP at the wrong place isn't as long as it says.
        (known && rest.len().abs_diff(packet.total_length()) < 64).then_some(rest)
    })
}

/// What a line tells.
struct Seen<'a> {
    seconds: Option<f64>,
    direction: Option<Direction>,
    from: &'a str,
    to: &'a str,
    protocol: u8,
    octets: usize,
    spi: Option<u32>,
    sequence: Option<u32>,
    /// The text of an ICMP error.
    error: Option<&'a str>,
    /// The line has no ports, whatever the protocol.
    bare: bool,
}

impl<'a> Seen<'a> {
    fn has_ports(&self) -> bool {
        matches!(self.protocol, protocol::UDP | protocol::TCP) && !self.bare
    }

    fn read(body: &'a str) -> Option<Self> {
        Self::arrow(body)
            .or_else(|| Self::columns(body))
            .or_else(|| Self::monitor(body))
    }

    /// IOS-XE: `3  186  0.004012  192.0.2.1  ->  198.51.100.1  48 CS6  UDP`: number, octets of the frame, time, ends, DSCP.
    fn monitor(body: &'a str) -> Option<Self> {
        let (head, tail) = body.split_once(" -> ")?;
        let (head, tail): (Vec<&str>, Vec<&str>) = (
            head.split_whitespace().collect(),
            tail.split_whitespace().collect(),
        );
        let ([number, size, time, from], [to, _dscp, .., what]) = (&head[..], &tail[..]) else {
            return None;
        };
        let address = |end: &str| end.parse::<std::net::IpAddr>().is_ok();
        if number.parse::<u32>().is_err() || !time.contains('.') || !address(from) || !address(to) {
            return None;
        }
        let frame: usize = size.parse().ok()?;
        Some(Self {
            seconds: time.parse().ok(),
            direction: None,
            from,
            to,
            protocol: match *what {
                "UDP" => protocol::UDP,
                "TCP" => protocol::TCP,
                "ESP" | "50" => protocol::ESP,
                "AH" | "51" => protocol::AH,
                "GRE" | "47" => 47,
                "ICMP" => protocol::ICMP,
                _ => return None,
            },
            octets: frame.saturating_sub(42).min(65_535),
            spi: None,
            sequence: None,
            error: None,
            bare: true,
        })
    }

    /// `2.511 wan1 out 192.0.2.1.500 -> 198.51.100.1.500: udp 172`, `1: 12:34:56.789012  192.0.2.1.500 > 198.51.100.1.500:  udp 172`.
    fn arrow(body: &'a str) -> Option<Self> {
        let (head, tail) = body.split_once(" -> ").or_else(|| body.split_once(" > "))?;
        let from = head.split_whitespace().next_back()?;
        let (to, what) = tail.split_once(": ")?;
        let to = to.trim();
        if !plausible(from) || !plausible(to) {
            return None;
        }
        let what = what.trim_start();
        let small = |name| number(what, name).and_then(|n| u32::try_from(n).ok());
        let after = |name: &str| number(what, name).and_then(|n| usize::try_from(n).ok());
        let (number, octets) = match what {
            w if w.starts_with("udp ") => (protocol::UDP, after("udp ")?),
            w if w.starts_with("UDP, length ") => (protocol::UDP, after("length ")?),
            w if w.starts_with("ESP(") => (protocol::ESP, 0),
            w if w.starts_with("ip-proto-50") || w.starts_with("esp ") || w == "esp" => {
                (protocol::ESP, 0)
            }
            w if w.starts_with("ip-proto-51") => (protocol::AH, 0),
            w if w.starts_with("ip-proto-47") || w.starts_with("gre") => (47, 0),
            w if ["syn ", "ack ", "fin ", "rst ", "psh "]
                .iter()
                .any(|f| w.starts_with(f))
                && body.contains(" -> ") =>
            {
                (protocol::TCP, 0)
            }
            w if w.starts_with("icmp: ") => (protocol::ICMP, 0),
            _ => return None,
        };
        let mut words = head.split_whitespace();
        let direction = if words.clone().any(|w| w == "out") {
            Some(Direction::Sent)
        } else if words.clone().any(|w| w == "in") {
            Some(Direction::Received)
        } else {
            None
        };
        let seconds = words
            .next()
            .filter(|w| w.contains('.'))
            .and_then(|w| w.parse().ok());
        Some(Self {
            seconds,
            direction,
            from,
            to,
            protocol: number,
            octets: octets.min(65_535),
            spi: small("spi=").or_else(|| small("spi ")),
            sequence: small("seq=").or_else(|| small("seq ")),
            error: what
                .strip_prefix("icmp: ")
                .filter(|w| w.contains("unreachable")),
            bare: false,
        })
    }

    /// RouterOS: `ether1  2.511  1  <-  MAC  MAC  192.0.2.1:500  198.51.100.1:500  ip:udp  314  0`.
    fn columns(body: &'a str) -> Option<Self> {
        let words: Vec<&str> = body.split_whitespace().collect();
        let at = words.iter().position(|w| {
            matches!(
                *w,
                "ip:udp" | "ip>udp" | "ip:ipsec-esp" | "ip>ipsec-esp" | "ip:icmp" | "ip:gre"
            )
        })?;
        let is_end =
            |w: &&str| w.parse::<SocketAddr>().is_ok() || w.parse::<std::net::IpAddr>().is_ok();
        let mut ends = words.get(..at)?.iter().copied().filter(|w| is_end(w));
        let (from, to) = (ends.next()?, ends.next()?);
        let number = match *words.get(at)? {
            w if w.ends_with("udp") => protocol::UDP,
            w if w.ends_with("esp") => protocol::ESP,
            w if w.ends_with("gre") => 47,
            _ => protocol::ICMP,
        };
        if number == protocol::UDP
            && (from.parse::<SocketAddr>().is_err() || to.parse::<SocketAddr>().is_err())
        {
            return None;
        }
        let frame: usize = words.get(at + 1).and_then(|w| w.parse().ok()).unwrap_or(0);
        Some(Self {
            seconds: words
                .iter()
                .take(at)
                .find(|w| w.contains('.') && !is_end(w))
                .and_then(|w| w.parse().ok()),
            direction: if words.contains(&"->") {
                Some(Direction::Sent)
            } else if words.contains(&"<-") {
                Some(Direction::Received)
            } else {
                None
            },
            from,
            to,
            protocol: number,
            octets: frame.saturating_sub(42).min(65_535),
            spi: None,
            sequence: None,
            error: None,
            bare: false,
        })
    }
}
