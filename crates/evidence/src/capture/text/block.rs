//! Packets of which every field has a line of its own: `snoop -v`, `tshark -V`, and Wireshark's packet details as they are
//! copied.

use std::net::SocketAddr;

use adit_wire::iana::{NotifyType, V1NotifyType};
use adit_wire::ip::protocol;

use super::super::message::Notice;
use super::super::{IKE_PORT, NAT_T_PORT};
use super::ike::Said;
use super::{Printed, number};

/// The fields of a packet that were met.
#[derive(Debug, Default)]
pub(super) struct Block {
    line: u64,
    snoop: bool,
    from: Option<String>,
    to: Option<String>,
    ports: [u16; 2],
    protocol: u8,
    octets: usize,
    spi: Option<u32>,
    sequence: Option<u32>,
    version: u8,
    exchange: Option<String>,
    cookies: [u64; 2],
    message_id: Option<u32>,
    response: Option<bool>,
    encrypted: bool,
    payloads: Vec<String>,
    /// Number and name of each notify.
    notifies: Vec<(u16, String)>,
}

/// Payloads and notifies kept of a packet.
const MOST: usize = 64;

impl Printed {
    /// Takes in a line with a field; says whether it was one.
    pub(super) fn block_line(&mut self, line: u64, body: &str) -> bool {
        // Below an ICMP error stands the packet that it quotes.
        let quoted = body.starts_with("Internet Protocol")
            && self
                .block
                .as_ref()
                .is_some_and(|b| b.protocol == protocol::ICMP);
        if starts(body) && !quoted && self.block.as_ref().is_none_or(|b| b.from.is_some()) {
            self.finish_block();
            self.block = Some(Block {
                line,
                ..Block::default()
            });
        }
        let Some(block) = &mut self.block else {
            return false;
        };
        block.field(body)
    }

    /// The packet's fields are complete.
    pub(super) fn finish_block(&mut self) {
        let Some(block) = self.block.take() else {
            return;
        };
        let (Some(from), Some(to)) = (&block.from, &block.to) else {
            return;
        };
        let (from, to) = (self.hosts.host(from), self.hosts.host(to));
        let [source, destination] = block.ports;
        let ends = (
            SocketAddr::new(from, source),
            SocketAddr::new(to, destination),
        );
        let packet = self.packet(block.line, ends, block.octets);
        let in_udp = source != 0 || destination != 0;
        if let (Some(spi), true) = (block.spi, block.exchange.is_none()) {
            let name = if block.protocol == protocol::AH {
                "ah"
            } else {
                "esp"
            };
            match block.sequence {
                Some(sequence) => self.sorter.sa(name, spi, sequence, ends, in_udp, packet.at),
                None => self.unnumbered(name, spi, in_udp, &packet),
            }
            return;
        }
        let Some(exchange) = block.exchange.as_deref() else {
            if [source, destination]
                .iter()
                .any(|p| matches!(*p, IKE_PORT | NAT_T_PORT))
            {
                self.blind(&packet, block.octets.saturating_sub(28));
                self.flush();
            }
            return;
        };
        let Some(exchange) = name(exchange) else {
            return;
        };
        let said = Said {
            version: block.version.max(1),
            exchange,
            response: (block.version == 2).then(|| block.response == Some(true)),
            message_id: block.message_id,
            spis: (block.cookies[0] != 0).then_some((block.cookies[0], block.cookies[1])),
            encrypted: block.encrypted,
            marked: source == NAT_T_PORT || destination == NAT_T_PORT,
            octets: block.octets.saturating_sub(28),
            payloads: block.payloads,
            opens: block.cookies[1] == 0,
            ..Said::default()
        };
        let (mut message, same) = self.ike.message(&packet, said);
        for (number, name) in block.notifies {
            message.payloads.push(format!("N({name})"));
            message.notifies.push(Notice {
                number,
                name,
                error: number > 0 && number < 16384,
                data: String::new(),
            });
        }
        self.sorter.message(message, same);
    }

    /// Whether a packet was told field by field, and by snoop.
    pub(super) fn block_by_snoop(&self) -> bool {
        self.block.as_ref().is_some_and(|b| b.snoop)
    }
}

/// Whether a line begins a packet.
fn starts(body: &str) -> bool {
    body.starts_with("Frame ") && body.contains(" bytes on wire")
        || body.starts_with("Internet Protocol Version ")
        || body.starts_with("Internet Protocol, Src")
        || body.starts_with("IP:   ----- IP")
}

impl Block {
    /// Takes in a field; says whether it was one that is known.
    fn field(&mut self, body: &str) -> bool {
        if let Some((layer, rest)) = body.split_once(':')
            && matches!(layer, "ETHER" | "IP" | "UDP" | "ESP" | "AH")
        {
            self.snoop = true;
            return self.snoop_field(layer, rest.trim());
        }
        if body.starts_with("Internet Protocol") {
            let host = |label: &str| {
                let rest = body.split_once(label)?.1;
                let word = rest.split([',', ' ']).find(|w| !w.is_empty())?;
                Some(word.trim_matches(['(', ')']).to_owned())
            };
            // The outer packet is the first.
            if self.from.is_none() {
                (self.from, self.to) = (host("Src:"), host("Dst:"));
            }
            return true;
        }
        if body.starts_with("User Datagram Protocol") {
            let port = |label| number(body, label).and_then(|p| u16::try_from(p).ok());
            self.ports = [
                port("Src Port: ").unwrap_or(0),
                port("Dst Port: ").unwrap_or(0),
            ];
            return true;
        }
        if body.starts_with("Internet Control Message") {
            self.protocol = protocol::ICMP;
            return true;
        }
        let Some((label, value)) = body.split_once(": ") else {
            return body.starts_with("Encapsulating Security Payload")
                || body.starts_with("Internet Security Association");
        };
        let hex = |text: &str| {
            let digits = text.trim_start_matches("0x");
            let end = digits
                .find(|c: char| !c.is_ascii_hexdigit())
                .unwrap_or(digits.len());
            u64::from_str_radix(digits.get(..end)?, 16).ok()
        };
        let small = |n: Option<u64>| n.and_then(|n| u32::try_from(n).ok());
        match label {
            "Total Length" => self.octets = number(value, "").map_or(0, |n| n.min(65_535) as usize),
            "ESP SPI" => self.spi = small(hex(value)),
            "ESP Sequence" => self.sequence = small(number(value, "")),
            "Initiator SPI" | "Initiator cookie" => self.cookies[0] = hex(value).unwrap_or(0),
            "Responder SPI" | "Responder cookie" => self.cookies[1] = hex(value).unwrap_or(0),
            "Version" if value.starts_with("1.") => self.version = 1,
            "Version" if value.starts_with("2.") => self.version = 2,
            "Exchange type" => self.exchange = Some(value.to_owned()),
            "Message ID" => self.message_id = small(hex(value)),
            "Flags" if self.exchange.is_some() => {
                self.encrypted = value.contains("Encryption") || self.version == 2 && !self.opens();
                self.response = Some(value.contains("Response"));
            }
            "Payload" | "Type Payload" if self.payloads.len() < MOST => {
                let name = value.split(" (").next().unwrap_or_default();
                self.payloads.extend(payload(name).map(str::to_owned));
            }
            "Notify Message Type" if self.notifies.len() < MOST => {
                let code = value
                    .rsplit_once('(')
                    .and_then(|(_, n)| n.trim_end_matches(')').parse().ok())
                    .unwrap_or(0);
                let name = if self.version == 1 {
                    V1NotifyType(code).to_string()
                } else {
                    NotifyType(code).to_string()
                };
                self.notifies.push((code, name));
            }
            _ => return false,
        }
        true
    }

    fn opens(&self) -> bool {
        self.exchange
            .as_deref()
            .is_some_and(|e| e.starts_with("IKE_SA_INIT"))
    }

    fn snoop_field(&mut self, layer: &str, rest: &str) -> bool {
        let Some((label, value)) = rest.split_once(" = ") else {
            return true;
        };
        let small = || number(value, "").and_then(|n| u32::try_from(n).ok());
        let port = || number(value, "").and_then(|n| u16::try_from(n).ok());
        let host = || value.split([',', ' ']).next().map(str::to_owned);
        match (layer, label) {
            ("IP", "Source address") => self.from = host(),
            ("IP", "Destination address") => self.to = host(),
            ("IP", "Protocol") => {
                self.protocol = small().and_then(|p| u8::try_from(p).ok()).unwrap_or(0)
            }
            ("IP", "Total length") => self.octets = small().map_or(0, |n| n.min(65_535) as usize),
            ("UDP", "Source port") => self.ports[0] = port().unwrap_or(0),
            ("UDP", "Destination port") => self.ports[1] = port().unwrap_or(0),
            ("ESP" | "AH", "SPI") => self.spi = small(),
            ("ESP" | "AH", "Replay") => self.sequence = small(),
            _ => {}
        }
        true
    }
}

/// An exchange by Wireshark's name of it.
fn name(text: &str) -> Option<&'static str> {
    const NAMES: [(&str, &str); 11] = [
        ("Identity Protection", "ID_PROT"),
        ("Aggressive", "AGGRESSIVE"),
        ("Quick Mode", "QUICK_MODE"),
        ("Transaction", "TRANSACTION"),
        ("Informational", "INFORMATIONAL"),
        ("Base", "BASE"),
        ("IKE_SA_INIT", "IKE_SA_INIT"),
        ("IKE_INTERMEDIATE", "IKE_INTERMEDIATE"),
        ("IKE_AUTH", "IKE_AUTH"),
        ("CREATE_CHILD_SA", "CREATE_CHILD_SA"),
        ("INFORMATIONAL", "INFORMATIONAL"),
    ];
    NAMES
        .iter()
        .find(|(name, _)| text.starts_with(name))
        .map(|(_, exchange)| *exchange)
}

/// A payload by Wireshark's name of it; notifies are told by their type.
fn payload(text: &str) -> Option<&'static str> {
    Some(match text {
        "Security Association" => "SA",
        "Key Exchange" => "KE",
        "Nonce" => "NONCE",
        "Identification" => "ID",
        "Identification - Initiator" => "IDi",
        "Identification - Responder" => "IDr",
        "Vendor ID" => "VID",
        "Hash" => "HASH",
        "NAT-D (RFC 3947)" => "NAT-D",
        "Encrypted and Authenticated" => "SK",
        "Delete" => "D",
        "Authentication" => "AUTH",
        _ => return None,
    })
}
