//! `tcpdump`, from `-n` to `-vvne`: `IP 192.0.2.1.500 > 198.51.100.1.500: isakmp: parent_sa ikev2_init[I]`.

use std::net::{IpAddr, SocketAddr};

use adit_model::event::PathProblem;
use adit_wire::iana::NotifyType;
use adit_wire::ip::protocol;

use super::super::icmp::PathError;
use super::super::link::Direction;
use super::super::message::Notice;
use super::super::segments::Segment;
use super::super::{IKE_PORT, NAT_T_PORT};
use super::hosts::plausible;
use super::ike::Said;
use super::{Packet, Piece, Printed, length, number, transform};

/// What `-v` says before the packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    identification: u32,
    offset: u32,
    more: bool,
    protocol: u8,
    length: usize,
    /// Fragments are forbidden.
    whole: bool,
    /// Class of service (DSCP).
    class: u8,
    /// How many routers more it may pass, where that is told.
    ttl: Option<u64>,
}

impl Header {
    fn read(text: &str) -> Option<Self> {
        let text = text.get(text.find("(tos ").or_else(|| text.find("(class "))?..)?;
        let small = |name| number(text, name).and_then(|n| u32::try_from(n).ok());
        let named = |name: &str| text.contains(name);
        let protocol = match () {
            () if named("proto UDP") || named("next-header UDP") => protocol::UDP,
            () if named("proto ESP") || named("next-header ESP") => protocol::ESP,
            () if named("proto AH") || named("next-header AH") => protocol::AH,
            () if named("proto ICMP") => protocol::ICMP,
            () if named("proto TCP") || named("next-header TCP") => protocol::TCP,
            () => number(text, "proto: ")
                .and_then(|n| u8::try_from(n).ok())
                .unwrap_or(255),
        };
        Some(Self {
            identification: small(", id ").unwrap_or(0),
            offset: small("offset ").unwrap_or(0),
            more: text.contains("flags [+"),
            protocol,
            whole: text.contains("flags [DF]"),
            class: small("(tos ").map_or(0, |tos| (tos as u8) >> 2),
            ttl: number(text, "ttl ").or_else(|| number(text, "hlim ")),
            length: length(text, "length ")
                .or_else(|| length(text, "payload length: ").map(|n| n.saturating_add(40)))
                .unwrap_or(0),
        })
    }

    fn is_fragment(&self) -> bool {
        self.more || self.offset > 0
    }
}

impl Printed {
    /// Takes in a line of tcpdump; says whether it was one.
    pub(super) fn tcpdump_line(&mut self, line: u64, body: &str, timed: bool) -> bool {
        if self.in_message && body.starts_with('(') {
            self.payload(body);
            return true;
        }
        let header = Header::read(body);
        if header.is_some() && !timed && self.header.is_none() && self.quoting {
            // The packet that an ICMP error quotes.
            return true;
        }
        let Some((from, to, what)) = packet(body) else {
            let is_header = header.is_some();
            if is_header {
                self.header = header;
                self.in_message = false;
            }
            return is_header;
        };
        let verbose = header.or(self.header.take());
        if self.quoting && verbose.is_none() && !timed {
            return true;
        }
        let announced = body.contains("IP ") || body.contains("IP6 ") || verbose.is_some();
        let Some(kind) = Kind::of(what, announced, verbose.as_ref()) else {
            return false;
        };
        let ends = if kind.has_ports() {
            (self.hosts.end(from), self.hosts.end(to))
        } else {
            let host = |end: IpAddr| SocketAddr::new(end, 0);
            (host(self.hosts.host(from)), host(self.hosts.host(to)))
        };
        let outer = if ends.0.is_ipv6() { 40 } else { 20 };
        let told = length(what, "length ").or_else(|| old_length(what));
        let octets = match (&verbose, told) {
            (Some(header), _) if header.length > 0 => header.length,
            (_, Some(told)) => told.saturating_add(outer + if kind.has_ports() { 8 } else { 0 }),
            _ => 0,
        };
        let mut packet = self.packet(line, ends, octets);
        packet.at.class = verbose.map_or(0, |header| header.class);
        packet.at.direction = direction(body);
        if let Some(ttl) = verbose.and_then(|header| header.ttl) {
            self.hops.seen(packet.at.source, ttl);
        }
        if let Some(header) = verbose.filter(Header::is_fragment) {
            let piece = Piece {
                protocol: header.protocol,
                identification: header.identification,
                offset: header.offset,
                octets: u32::try_from(header.length.saturating_sub(outer)).ok(),
                more: header.more,
            };
            self.piece(&packet, &piece);
            if header.offset > 0 {
                return true;
            }
            packet.at.ip_fragments = Some(1);
        }
        let whole = verbose.is_some_and(|header| header.whole);
        self.take(kind, what, &packet, whole);
        true
    }

    fn take(&mut self, kind: Kind<'_>, what: &str, packet: &Packet, whole: bool) {
        let ends = packet.ends;
        match kind {
            Kind::Isakmp { text, marked } => {
                let Some(mut said) = isakmp(text) else {
                    self.sorter
                        .capture
                        .unread
                        .add("an IKE message that tcpdump didn't decode");
                    return;
                };
                said.marked = marked;
                self.sorter.own(packet.at);
                let headers = if ends.0.is_ipv6() { 48 } else { 28 } + usize::from(marked) * 4;
                said.octets = packet.at.octets.saturating_sub(headers);
                let (message, same) = self.ike.message(packet, said);
                self.sorter.message(message, same);
                self.in_message = true;
            }
            Kind::Esp { udp } | Kind::Ah { udp } => {
                let small = |name| number(what, name).and_then(|n| u32::try_from(n).ok());
                let name = if matches!(kind, Kind::Ah { .. }) {
                    "ah"
                } else {
                    "esp"
                };
                if let (Some(spi), Some(sequence)) = (small("spi="), small("seq=")) {
                    self.sorter.sa(name, spi, sequence, ends, udp, packet.at);
                }
            }
            Kind::Keepalive => self.sorter.keepalive(ends, packet.at),
            Kind::Icmp(text) => self.icmp_text(text, packet),
            // `-q` doesn't look into it.
            Kind::Udp
                if [ends.0.port(), ends.1.port()]
                    .iter()
                    .any(|p| matches!(*p, IKE_PORT | NAT_T_PORT)) =>
            {
                self.blind(packet, length(what, "length ").unwrap_or(0));
            }
            Kind::Udp => {
                let ports = (ends.0.port(), ends.1.port());
                self.sorter.outside(protocol::UDP, Some(ports), packet.at);
            }
            Kind::Tcp => {
                if let Some(segment) = segment(what, packet, whole) {
                    self.sorter.segments.add(&segment);
                }
                let ports = (ends.0.port(), ends.1.port());
                self.sorter.outside(protocol::TCP, Some(ports), packet.at);
            }
            Kind::Fragment | Kind::Other => {}
        }
    }

    pub(super) fn icmp_text(&mut self, text: &str, packet: &Packet) {
        let Some((problem, to, port)) = icmp_error(text) else {
            let number = if packet.ends.0.is_ipv6() {
                protocol::ICMPV6
            } else {
                protocol::ICMP
            };
            return self.sorter.outside(number, None, packet.at);
        };
        self.quoting = true;
        let about = match (
            port,
            text.contains("protocol 50"),
            text.contains("protocol 51"),
        ) {
            (_, true, _) => "esp",
            (_, _, true) => "ah",
            (Some(IKE_PORT | NAT_T_PORT), ..) => "udp",
            (Some(_), ..) => return self.sorter.outside(protocol::ICMP, None, packet.at),
            (None, ..) => "packet",
        };
        let to = SocketAddr::new(self.hosts.host(to), port.unwrap_or(0));
        self.sorter.capture.icmp_errors.push(PathError {
            frame: packet.at.frame,
            at: packet.at.at,
            reporter: packet.at.source,
            problem,
            from: SocketAddr::new(packet.at.destination, 0),
            to,
            about,
        });
    }

    /// A line with a payload of the message before it.
    fn payload(&mut self, body: &str) {
        let Some(message) = self.sorter.latest_message() else {
            return;
        };
        let inside = body.trim_start_matches('(');
        let word = inside.split([':', ')', ' ']).next().unwrap_or_default();
        let v1 = message.version == 1;
        let name = match word {
            "sa" => "SA",
            "ke" | "v2ke" => "KE",
            "nonce" => "No",
            "id" | "v2id" => "ID",
            "cert" | "v2cert" => "CERT",
            "cr" | "v2cr" => "CERTREQ",
            "v2auth" => "AUTH",
            "hash" => "HASH",
            "sig" => "SIG",
            "vid" | "v2vid" => "V",
            "d" | "v2delete" => "D",
            "v2TSi" => "TSi",
            "v2TSr" => "TSr",
            "v2e" => "SK",
            "v2cp" => "CP",
            "v2eap" => "EAP",
            "pay20" | "pay130" | "pay131" => "NAT-D",
            "n" | "v2n" => {
                let (number, text) = notify(inside, v1);
                message.payloads.push(format!("N({text})"));
                message.notifies.push(Notice {
                    number,
                    name: text,
                    error: number > 0 && number < 16384,
                    data: String::new(),
                });
                return;
            }
            "p" => return,
            "t" => {
                // The first transform of the first proposal begins one; IKEv1 has a suite in each.
                let suites = transform::read(inside, v1);
                if v1 || message.proposals.is_empty() {
                    message.proposals.extend(suites);
                } else if let (Some(have), Some(more)) = (message.proposals.last_mut(), suites) {
                    transform::join(have, more);
                }
                return;
            }
            _ => return,
        };
        if message.payloads.first().is_some_and(|p| p == name) && name == "SA" {
            return;
        }
        if !(name == "SK" && message.payloads.iter().any(|p| p == name)) {
            message.payloads.push(name.to_owned());
        }
    }
}

/// What is behind the hosts.
#[derive(Clone, Copy, Debug)]
enum Kind<'a> {
    Isakmp {
        text: &'a str,
        marked: bool,
    },
    Esp {
        udp: bool,
    },
    Ah {
        udp: bool,
    },
    Keepalive,
    Icmp(&'a str),
    Udp,
    Tcp,
    /// A fragment without the beginning.
    Fragment,
    Other,
}

impl<'a> Kind<'a> {
    fn of(what: &'a str, announced: bool, header: Option<&Header>) -> Option<Self> {
        let mut text = what.trim_start();
        // Checksums are told before.
        while let Some(rest) = text
            .strip_prefix('[')
            .and_then(|t| t.split_once(']'))
            .filter(|(t, _)| t.contains("cksum") || t.contains("sum ok"))
        {
            text = rest.1.trim_start();
        }
        let encapsulated = text.strip_prefix("UDP-encap: ").map(str::trim_start);
        let marked = text.strip_prefix("NONESP-encap: ").map(str::trim_start);
        let inner = encapsulated.or(marked).unwrap_or(text);
        if inner.starts_with("isakmp-nat-keep-alive") {
            return Some(Kind::Keepalive);
        }
        if let Some(text) = inner.strip_prefix("isakmp") {
            return Some(Kind::Isakmp {
                text,
                marked: marked.is_some(),
            });
        }
        if inner.starts_with("ESP(") {
            let udp = encapsulated.is_some();
            return Some(Kind::Esp { udp });
        }
        if inner.starts_with("AH(") {
            return Some(Kind::Ah { udp: false });
        }
        if inner.starts_with("ip-proto-50") || inner.starts_with("esp") && header.is_some() {
            return Some(Kind::Fragment);
        }
        if !announced {
            return None;
        }
        if let Some(rest) = inner
            .strip_prefix("ICMP ")
            .or(inner.strip_prefix("ICMP6, "))
            .or_else(|| old_icmp(inner))
        {
            return Some(Kind::Icmp(rest));
        }
        if inner.starts_with("UDP, ") || inner.starts_with("VXLAN, ") || inner.starts_with("udp ") {
            return Some(Kind::Udp);
        }
        if inner.starts_with("Flags [") || inner.starts_with("tcp ") || is_old_tcp(inner) {
            return Some(Kind::Tcp);
        }
        header.is_some().then_some(Kind::Other)
    }

    fn has_ports(self) -> bool {
        match self {
            Kind::Isakmp { .. } | Kind::Keepalive | Kind::Udp | Kind::Tcp => true,
            Kind::Esp { udp } | Kind::Ah { udp } => udp,
            Kind::Icmp(_) | Kind::Fragment | Kind::Other => false,
        }
    }
}

/// TCP as tcpdump 3 tells it: `S 12:12(0) win 5840`, `. 1:1449(1448) ack 7`, `P ack 1`; a mail may break it behind the
/// flags.
fn is_old_tcp(text: &str) -> bool {
    const MOST: usize = 5;
    let (flags, rest) = text.split_once(' ').unwrap_or((text, ""));
    let flags =
        flags.len() <= MOST && !flags.is_empty() && flags.bytes().all(|b| b"SFPRWE.".contains(&b));
    let rest = rest.trim_start();
    let numbers = rest
        .split_once(':')
        .is_some_and(|(first, _)| !first.is_empty() && first.bytes().all(|b| b.is_ascii_digit()));
    flags && (rest.is_empty() || numbers || rest.starts_with("ack ") || rest.starts_with("win "))
}

/// What a line about TCP says of its segment: `Flags [P.], seq 1:80, ack 1, win 502, options […], length 79`.
fn segment(what: &str, packet: &Packet, whole: bool) -> Option<Segment> {
    /// Of IP and TCP, without options, and of the time stamp.
    const HEADERS: u32 = 40;
    const STAMP: u32 = 12;
    let text = what.get(what.find("Flags [")?..)?;
    let (flags, rest) = text.get(7..)?.split_once(']')?;
    let place = |text: &str| text.parse::<u32>().ok();
    let numbers = |name: &str| {
        let rest = rest.get(rest.find(name)? + name.len()..)?;
        rest.split([',', ' ', '}', ']']).next()
    };
    let span = numbers(", seq ");
    let (begin, data) = match span.and_then(|s| s.split_once(':')) {
        Some((first, last)) => {
            let begin = place(first)?;
            (begin, place(last)?.wrapping_sub(begin))
        }
        None => (span.and_then(place).unwrap_or(0), 0),
    };
    let block = number(rest, "sack ").and_then(|_| {
        let (_, inside) = rest.split_once('{')?;
        let (from, to) = inside.split_once('}')?.0.split_once(':')?;
        Some((place(from)?, place(to)?))
    });
    let stamp = if rest.contains("TS val") { STAMP } else { 0 };
    let told = u32::try_from(packet.at.octets).unwrap_or(u32::MAX);
    let least = data.saturating_add(HEADERS + stamp);
    Some(Segment {
        from: packet.ends.0,
        to: packet.ends.1,
        frame: packet.at.frame,
        at: packet.at.at,
        octets: told.max(least),
        whole,
        opens: flags.contains('S'),
        resets: flags.contains('R'),
        begin,
        data,
        ack: numbers(", ack ").and_then(place),
        block,
    })
}

/// ICMP as tcpdump 3 tells it: `icmp 64: echo request seq 1`, `icmp: 192.0.2.1 udp port 500 unreachable`.
fn old_icmp(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("icmp")?;
    let (size, rest) = rest.split_once(": ")?;
    let size = size
        .strip_prefix(' ')
        .unwrap_or(if size.is_empty() { "" } else { "?" });
    size.bytes().all(|b| b.is_ascii_digit()).then_some(rest)
}

/// How much TCP carries, as tcpdump 3 tells it: `297216:298592(1376)`.
fn old_length(text: &str) -> Option<usize> {
    let (head, rest) = text.split_once('(')?;
    let numbers = head.rsplit(' ').next()?;
    let (first, last) = numbers.split_once(':')?;
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let octets = rest.split_once(')')?.0;
    (digits(first) && digits(last)).then(|| octets.parse().ok())?
}

/// `09:14:02.101773 eth0  Out IP …`, as a capture on all interfaces has it.
fn direction(body: &str) -> Option<Direction> {
    let (head, _) = body.split_once(" > ")?;
    let mut words = head.split_ascii_whitespace().rev().skip(1);
    if !matches!(words.next(), Some("IP" | "IP6")) {
        return None;
    }
    match words.next() {
        Some("Out") => Some(Direction::Sent),
        Some("In") => Some(Direction::Received),
        _ => None,
    }
}

/// `A > B: what`, wherever in the line it stands.
fn packet(body: &str) -> Option<(&str, &str, &str)> {
    let mut rest = body;
    loop {
        let at = rest.find(" > ")?;
        let (head, tail) = (rest.get(..at)?, rest.get(at + 3..)?);
        let from = head.rsplit(char::is_whitespace).next()?;
        let end = tail
            .find(": ")
            .or_else(|| tail.strip_suffix(':').map(str::len));
        if let Some(to) = end.and_then(|end| tail.get(..end))
            && plausible(from)
            && plausible(to)
        {
            return Some((from, to, tail.get(to.len() + 1..).unwrap_or_default()));
        }
        rest = tail;
    }
}

/// `: parent_sa ikev2_init[I]`, ` 2.0 msgid 00000001 cookie a->b: child_sa  ikev2_auth[I]:`, `: phase 1 I ident[E]`.
fn isakmp(text: &str) -> Option<Said> {
    let mut said = Said::default();
    if let Some(id) = text
        .split_once("msgid ")
        .and_then(|(_, rest)| rest.get(..8))
    {
        said.message_id = u32::from_str_radix(id, 16).ok();
    }
    if let Some((a, b)) = text
        .split_once("cookie ")
        .and_then(|(_, rest)| rest.split_once("->"))
    {
        let cookie = |t: &str| u64::from_str_radix(t.get(..16)?, 16).ok();
        said.spis = cookie(a).zip(cookie(b));
    }
    if let Some((_, rest)) = text.split_once("phase ") {
        said.version = 1;
        let mut words = rest.split_whitespace();
        let phase = words.next()?;
        said.from_initiator = match words.next()? {
            "I" => Some(true),
            "R" => Some(false),
            _ => None,
        };
        let what = words.next()?;
        said.encrypted = what.contains("[E]");
        let what = what.split(['[', ':']).next()?;
        said.exchange = match what {
            "ident" => "ID_PROT",
            "agg" => "AGGRESSIVE",
            "base" => "BASE",
            "auth" => "AUTH_ONLY",
            "inf" => "INFORMATIONAL",
            "oakley-quick" => "QUICK_MODE",
            "newgrp" => "NEW_GROUP_MODE",
            "tr" | "transaction" => "TRANSACTION",
            _ => "IKEv1",
        };
        said.opens = phase == "1" && !said.encrypted;
        // Who is the initiator of phase 2 isn't who began phase 1.
        if phase != "1" {
            said.from_initiator = None;
        }
        return Some(said);
    }
    let (exchange, flags) = ["ikev2_init", "ikev2_auth", "child_sa[", "inf2"]
        .iter()
        .find_map(|name| {
            let at = text.rfind(name)?;
            let after = text.get(at + name.trim_end_matches('[').len()..)?;
            let flags = after
                .strip_prefix('[')
                .and_then(|f| f.split_once(']'))
                .map_or("", |(f, _)| f);
            let exchange = match *name {
                "ikev2_init" => "IKE_SA_INIT",
                "ikev2_auth" => "IKE_AUTH",
                "inf2" => "INFORMATIONAL",
                _ => "CREATE_CHILD_SA",
            };
            Some((exchange, flags))
        })?;
    said.version = 2;
    said.exchange = exchange;
    said.opens = exchange == "IKE_SA_INIT";
    said.encrypted = !said.opens;
    said.from_initiator = Some(flags.contains('I'));
    said.response = Some(flags.contains('R'));
    Some(said)
}

/// `n: prot_id=#0 type=14(no_protocol_chosen)`, `n: doi=ipsec proto=isakmp type=NO-PROPOSAL-CHOSEN`.
fn notify(text: &str, v1: bool) -> (u16, String) {
    let Some((_, kind)) = text.split_once("type=") else {
        return (0, "?".to_owned());
    };
    let word = kind.split([' ', '(', ')']).next().unwrap_or_default();
    let number = word
        .trim_start_matches('#')
        .parse()
        .ok()
        .or_else(|| {
            let number = (1..=30).find(|n| v1_notify(*n) == word)?;
            v1.then_some(number)
        })
        .unwrap_or(0);
    let name = match number {
        0 => word.to_owned(),
        _ if v1 => v1_notify(number).to_owned(),
        _ => NotifyType(number).to_string(),
    };
    (number, name)
}

/// Notifies of IKEv1 as tcpdump writes them (RFC 2408 3.14.1).
fn v1_notify(number: u16) -> &'static str {
    const NAMES: [&str; 31] = [
        "",
        "INVALID-PAYLOAD-TYPE",
        "DOI-NOT-SUPPORTED",
        "SITUATION-NOT-SUPPORTED",
        "INVALID-COOKIE",
        "INVALID-MAJOR-VERSION",
        "INVALID-MINOR-VERSION",
        "INVALID-EXCHANGE-TYPE",
        "INVALID-FLAGS",
        "INVALID-MESSAGE-ID",
        "INVALID-PROTOCOL-ID",
        "INVALID-SPI",
        "INVALID-TRANSFORM-ID",
        "ATTRIBUTES-NOT-SUPPORTED",
        "NO-PROPOSAL-CHOSEN",
        "BAD-PROPOSAL-SYNTAX",
        "PAYLOAD-MALFORMED",
        "INVALID-KEY-INFORMATION",
        "INVALID-ID-INFORMATION",
        "INVALID-CERT-ENCODING",
        "INVALID-CERTIFICATE",
        "CERT-TYPE-UNSUPPORTED",
        "INVALID-CERT-AUTHORITY",
        "INVALID-HASH-INFORMATION",
        "AUTHENTICATION-FAILED",
        "INVALID-SIGNATURE",
        "ADDRESS-NOTIFICATION",
        "NOTIFY-SA-LIFETIME",
        "CERTIFICATE-UNAVAILABLE",
        "UNSUPPORTED-EXCHANGE-TYPE",
        "UNEQUAL-PAYLOAD-LENGTHS",
    ];
    NAMES.get(usize::from(number)).copied().unwrap_or("?")
}

/// `192.0.2.1 udp port 500 unreachable`, `host 192.0.2.1 unreachable - admin prohibited`, `192.0.2.1 unreachable - need to
/// frag (mtu 1400)`: what is wrong, with which host, and which port.
fn icmp_error(text: &str) -> Option<(PathProblem, &str, Option<u16>)> {
    if !text.contains("unreachable") {
        return None;
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let word = |at: usize| words.get(at).copied();
    let host = match word(0)? {
        "host" | "net" => word(1)?,
        "destination" | "unreachable," => words
            .iter()
            .copied()
            .find(|w| w.trim_end_matches(',').parse::<IpAddr>().is_ok())?
            .trim_end_matches(','),
        other => other,
    };
    if !plausible(host) {
        return None;
    }
    let port = number(text, "port ").and_then(|p| u16::try_from(p).ok());
    let port = port.or_else(|| {
        [("port isakmp", IKE_PORT), ("port ipsec-nat-t", NAT_T_PORT)]
            .iter()
            .find(|(name, _)| text.contains(name))
            .map(|(_, port)| *port)
    });
    let problem = if text.contains("need to frag") {
        let mtu = number(text, "mtu ").and_then(|m| u32::try_from(m).ok());
        PathProblem::FragmentationNeeded(mtu.unwrap_or(0))
    } else if text.contains("prohibited") {
        PathProblem::AdminProhibited
    } else if port.is_some() {
        PathProblem::PortUnreachable
    } else if text.contains("protocol ") {
        PathProblem::Other(3, 2)
    } else if word(0) == Some("net") {
        PathProblem::NetUnreachable
    } else {
        PathProblem::HostUnreachable
    };
    Some((problem, host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tcp_and_icmp_of_tcpdump_3_are_known() {
        for (text, octets) in [
            ("S 1201:1201(0) win 5840 <mss 1460>", Some(0)),
            (". 1:1449(1448) ack 7 win 63", Some(1448)),
            ("P 9:20(11) ack 1", Some(11)),
            (". ack 1449 win 63", None),
            (".", None),
        ] {
            assert!(is_old_tcp(text), "{text}");
            assert_eq!(old_length(text), octets, "{text}");
        }
        for text in [
            "ESP(spi=0x1,seq=0x2)",
            "S",
            "SECRET 1",
            "4711+ A? example.org. (29)",
            "",
        ] {
            assert!(!is_old_tcp(text) || text == "S", "{text}");
        }
        assert_eq!(
            old_icmp("icmp 64: echo request seq 1"),
            Some("echo request seq 1")
        );
        assert_eq!(
            old_icmp("icmp: 192.0.2.1 udp port 500 unreachable").and_then(icmp_error),
            Some((PathProblem::PortUnreachable, "192.0.2.1", Some(500)))
        );
        assert_eq!(old_icmp("icmp6: echo request"), None);
    }
}
