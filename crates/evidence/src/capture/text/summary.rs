//! Lines of Wireshark's and tshark's packet list: `1 0.000000 192.0.2.1 → 198.51.100.1 ISAKMP 218 IKE_SA_INIT MID=00 Initiator Request`,
//! as tshark prints them, as the list is copied, and as it is exported to CSV.

use std::net::SocketAddr;

use adit_model::event::PathProblem;
use adit_wire::ip::protocol;

use super::super::icmp::PathError;
use super::super::segments::Segment;
use super::super::{IKE_PORT, NAT_T_PORT};
use super::hosts::plausible;
use super::ike::Said;
use super::{Packet, Piece, Printed, number};

/// Octets of link, IP and UDP headers that the length of the list counts.
const HEADERS: usize = 14 + 20 + 8;

impl Printed {
    /// Takes in a line of a packet list; says whether it was one.
    pub(super) fn summary_line(&mut self, line: u64, body: &str) -> bool {
        let Some(row) = Row::read(body) else {
            return false;
        };
        if let Some(seconds) = row.seconds {
            self.relative(seconds);
        }
        let (from, to) = (self.hosts.host(row.from), self.hosts.host(row.to));
        let ends = |port| (SocketAddr::new(from, port), SocketAddr::new(to, port));
        let octets = row.length.saturating_sub(14);
        match row.protocol {
            "ISAKMP" | "IKEv2" | "IKE" => {
                let Some(mut said) = isakmp(row.info) else {
                    return false;
                };
                // The list has no ports. IKEv2 names them by nothing else either.
                let mut packet = self.packet(line, ends(IKE_PORT), octets);
                packet.at.octets = octets;
                said.octets = row.length.saturating_sub(HEADERS);
                let (message, same) = self.ike.message(&packet, said);
                self.sorter.message(message, same);
            }
            "ESP" | "AH" => {
                let Some(spi) = number(row.info, "SPI=").and_then(|s| u32::try_from(s).ok()) else {
                    return false;
                };
                let name = if row.protocol == "ESP" { "esp" } else { "ah" };
                let packet = self.packet(line, ends(0), octets);
                self.unnumbered(name, spi, false, &packet);
            }
            "UDPENCAP" => {
                let packet = self.packet(line, ends(NAT_T_PORT), octets);
                self.sorter.keepalive(packet.ends, packet.at);
            }
            "ICMP" | "ICMPv6" => {
                let packet = self.packet(line, ends(0), octets);
                self.unreachable(row.info, &packet);
            }
            "IPv4" | "IPv6" if row.info.starts_with("Fragmented IP protocol") => {
                let small = |name| number(row.info, name).and_then(|n| u32::try_from(n).ok());
                let packet = self.packet(line, ends(0), octets);
                let upper = match row.info {
                    i if i.contains("proto=UDP") => protocol::UDP,
                    i if i.contains("proto=Encap Security Payload") => protocol::ESP,
                    _ => 255,
                };
                let piece = Piece {
                    protocol: upper,
                    identification: small("ID=").unwrap_or(0),
                    offset: small("off=").unwrap_or(0),
                    octets: u32::try_from(octets.saturating_sub(20)).ok(),
                    // Whether it is the last one isn't told; the first isn't.
                    more: small("off=") == Some(0),
                };
                self.piece(&packet, &piece);
            }
            "UDP" | "TCP" | "L2TP" | "VXLAN" | "GENEVE" => {
                let ports = match row.protocol {
                    "L2TP" => (1701, 1701),
                    "VXLAN" => (4789, 4789),
                    "GENEVE" => (6081, 6081),
                    _ => ports(row.info),
                };
                let packet = self.packet(line, ends(0), octets);
                let upper = if row.protocol == "TCP" {
                    protocol::TCP
                } else {
                    protocol::UDP
                };
                if let Some(segment) = segment(&row, &packet, ports) {
                    self.sorter.segments.add(&segment);
                }
                self.sorter.outside(upper, Some(ports), packet.at);
            }
            "GRE" => {
                let packet = self.packet(line, ends(0), octets);
                self.sorter.outside(47, None, packet.at);
            }
            _ => return false,
        }
        true
    }

    /// A packet of an SA whose sequence number isn't told: it counts as the next one.
    pub(super) fn unnumbered(&mut self, name: &'static str, spi: u32, udp: bool, packet: &Packet) {
        const MOST: usize = 4096;
        let key = (spi, packet.at.source, packet.at.destination);
        if self.sequences.len() >= MOST && !self.sequences.contains_key(&key) {
            return;
        }
        let last = self.sequences.entry(key).or_default();
        *last = last.wrapping_add(1);
        let sequence = *last;
        self.sorter
            .sa(name, spi, sequence, packet.ends, udp, packet.at);
    }

    fn unreachable(&mut self, info: &str, packet: &Packet) {
        let problem = match info {
            i if i.contains("Fragmentation needed") || i.contains("Packet Too Big") => {
                PathProblem::FragmentationNeeded(0)
            }
            i if i.contains("administratively") => PathProblem::AdminProhibited,
            i if i.contains("(Port unreachable)") => PathProblem::PortUnreachable,
            i if i.contains("(Host unreachable)") => PathProblem::HostUnreachable,
            i if i.contains("(Network unreachable)") => PathProblem::NetUnreachable,
            i if i.contains("(Protocol unreachable)") => PathProblem::Other(3, 2),
            _ => return self.sorter.outside(protocol::ICMP, None, packet.at),
        };
        // The list doesn't quote the packet that it is about: the latest one the other way is.
        let about = self.ike.latest(packet.at.destination);
        let Some((to, port)) = about else {
            return self.sorter.outside(protocol::ICMP, None, packet.at);
        };
        self.sorter.capture.icmp_errors.push(PathError {
            frame: packet.at.frame,
            at: packet.at.at,
            reporter: packet.at.source,
            problem,
            from: SocketAddr::new(packet.at.destination, port),
            to: SocketAddr::new(to, port),
            about: "udp",
        });
    }

    /// Sets the clock to so many seconds since the capture began.
    pub(super) fn relative(&mut self, seconds: f64) {
        const MOST: f64 = 1e9;
        if (0.0..MOST).contains(&seconds) {
            // Whole nanoseconds of less than 2^60.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let at = super::Stamp((seconds * 1e9) as u64);
            self.now = at.max(self.now);
        }
    }
}

/// One packet.
struct Row<'a> {
    seconds: Option<f64>,
    from: &'a str,
    to: &'a str,
    protocol: &'a str,
    length: usize,
    info: &'a str,
}

impl<'a> Row<'a> {
    /// Columns are number, time, source, destination, protocol, length, info, between them blanks, tabs, or commas and quotes.
    fn read(body: &'a str) -> Option<Self> {
        let blank = |c: char| c.is_whitespace() || c == '"' || c == ',';
        let mut cells: Vec<(&str, &str)> = Vec::new();
        let mut rest = body.trim_start_matches(blank);
        while !rest.is_empty() && cells.len() < 12 {
            let end = rest.find(blank).unwrap_or(rest.len());
            let (cell, after) = rest.split_at(end);
            rest = after.trim_start_matches(blank);
            if !matches!(cell, "→" | "->" | "↔" | "←") {
                cells.push((cell, rest));
            }
        }
        let at = cells.windows(4).position(|w| match w {
            [(from, _), (to, _), (name, _), (length, _)] => {
                KNOWN.contains(name)
                    && length.parse::<u16>().is_ok()
                    && [from, to]
                        .iter()
                        .all(|h| plausible(h) && h.contains(['.', ':', '_']))
            }
            _ => false,
        })?;
        let cell = |i: usize| cells.get(i).map(|c| c.0);
        let (length, info) = cells.get(at + 3)?;
        let seconds = at
            .checked_sub(1)
            .and_then(cell)
            .filter(|c| c.contains('.'))
            .and_then(|c| c.parse().ok());
        Some(Self {
            seconds,
            from: cell(at)?,
            to: cell(at + 1)?,
            protocol: cell(at + 2)?,
            length: length.parse().ok()?,
            info: info.trim_end_matches(blank),
        })
    }
}

/// Protocols of the list that matter here.
const KNOWN: [&str; 16] = [
    "ISAKMP", "IKEv2", "IKE", "ESP", "AH", "UDPENCAP", "ICMP", "ICMPv6", "IPv4", "IPv6", "UDP",
    "TCP", "L2TP", "VXLAN", "GENEVE", "GRE",
];

/// What a row about TCP says of its segment: `80 → 40000 [ACK] Seq=1 Ack=142 Win=509 Len=1448 SLE=1449 SRE=1820`.
fn segment(row: &Row<'_>, packet: &Packet, ports: (u16, u16)) -> Option<Segment> {
    let place = |name| number(row.info, name).and_then(|n| u32::try_from(n).ok());
    let begin = place(" Seq=").filter(|_| row.protocol == "TCP")?;
    let flags = row.info.get(..row.info.find(" Seq=")?)?;
    Some(Segment {
        from: SocketAddr::new(packet.at.source, ports.0),
        to: SocketAddr::new(packet.at.destination, ports.1),
        frame: packet.at.frame,
        at: packet.at.at,
        octets: u32::try_from(packet.at.octets).unwrap_or(u32::MAX),
        whole: false,
        opens: flags.contains("[SYN"),
        resets: flags.contains("RST"),
        begin,
        data: place(" Len=")?,
        ack: place(" Ack="),
        block: place(" SLE=").zip(place(" SRE=")),
    })
}

/// `500 → 500 Len=172`.
fn ports(info: &str) -> (u16, u16) {
    // `[TCP Dup ACK 3#1] 40000 → 80 [ACK]`
    let tagged = info
        .starts_with('[')
        .then(|| info.split_once("] "))
        .flatten();
    let info = tagged.map_or(info, |(_, rest)| rest);
    let mut numbers = info
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|n| n.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

/// What the info column says of an IKE message.
fn isakmp(info: &str) -> Option<Said> {
    let mut said = Said::default();
    const V1: [(&str, &str); 6] = [
        ("Identity Protection", "ID_PROT"),
        ("Aggressive", "AGGRESSIVE"),
        ("Quick Mode", "QUICK_MODE"),
        ("Transaction", "TRANSACTION"),
        ("Informational", "INFORMATIONAL"),
        ("Base", "BASE"),
    ];
    if let Some((_, exchange)) = V1.iter().find(|(name, _)| info.starts_with(name)) {
        said.version = 1;
        said.exchange = exchange;
        said.opens = matches!(*exchange, "ID_PROT" | "AGGRESSIVE" | "BASE");
        said.encrypted = matches!(*exchange, "QUICK_MODE" | "TRANSACTION");
        return Some(said);
    }
    const V2: [&str; 5] = [
        "IKE_SA_INIT",
        "IKE_INTERMEDIATE",
        "IKE_AUTH",
        "CREATE_CHILD_SA",
        "INFORMATIONAL",
    ];
    said.exchange = V2.into_iter().find(|name| info.starts_with(name))?;
    said.version = 2;
    said.opens = said.exchange == "IKE_SA_INIT";
    said.encrypted = !said.opens;
    said.message_id = info
        .split_once("MID=")
        .and_then(|(_, rest)| rest.split_whitespace().next())
        .and_then(|id| u32::from_str_radix(id, 16).ok());
    if info.contains("Responder") {
        said.from_initiator = Some(false);
    } else if info.contains("Initiator") {
        said.from_initiator = Some(true);
    }
    said.response = if info.contains("Response") {
        Some(true)
    } else if info.contains("Request") {
        Some(false)
    } else {
        // Older versions don't say: the initiator of the exchange is taken to ask.
        Some(said.from_initiator == Some(false))
    };
    Some(said)
}
