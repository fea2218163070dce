//! Lines that a packet filter writes about a packet: netfilter's LOG, RouterOS' log, pf's filterlog.

use adit_model::sign::Sign;

use super::Told;

/// Words of a prefix by which an administrator says that the packet is dropped.
const DROPS: [&str; 5] = ["block", "drop", "reject", "deny", "denied"];

/// What a line about a packet says, when it was dropped.
pub(super) fn line(body: &str) -> Option<Told> {
    netfilter(body)
        .or_else(|| routeros(body))
        .or_else(|| pf(body))
        .or_else(|| pflog(body))
}

/// Whether a line's prefix says that the packet went no further. Vyatta and its kin write the rule set, the rule and what
/// it does: `[WAN_LOCAL-default-D]`, `[ipv4-INP-filter-10-R]`.
fn drops(prefix: &str) -> bool {
    let lower = prefix.to_ascii_lowercase();
    let rule = lower.trim_end().strip_suffix(']');
    DROPS.iter().any(|word| lower.contains(word))
        || rule.is_some_and(|rule| rule.ends_with("-d") || rule.ends_with("-r"))
}

/// `[UFW BLOCK] IN=eth0 OUT= MAC=… SRC=… DST=… … PROTO=UDP SPT=500 DPT=500 LEN=…`
fn netfilter(body: &str) -> Option<Told> {
    let (prefix, packet) = body.split_once("IN=")?;
    if !packet.contains("OUT=") || !packet.contains("SRC=") {
        return None;
    }
    if !drops(prefix) {
        return None;
    }
    let field = |name: &str| {
        packet
            .split_ascii_whitespace()
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
            .unwrap_or("")
    };
    let input = packet.split_ascii_whitespace().next().unwrap_or("");
    let entered = !packet.starts_with(' ') && !input.starts_with("OUT=");
    let leaves = !field("OUT").is_empty();
    let source = ("source", field("SRC").to_owned());
    let destination = ("destination", field("DST").to_owned());
    let port = ("port", field("DPT").to_owned());
    let rule = ("rule", prefix.trim().to_owned());
    match (entered, leaves, field("PROTO")) {
        (true, _, "ICMP" | "1") if field("TYPE") == "3" && field("CODE") == "4" => {
            Some((Sign::IcmpDropped, vec![source, rule]))
        }
        (true, false, "UDP" | "17") => Some((Sign::UdpDropped, vec![port, source, rule])),
        (true, false, "ESP" | "50") => Some((Sign::EspDropped, vec![source, rule])),
        (true, true, _) => Some((Sign::ForwardDropped, vec![source, destination, rule])),
        (false, true, "UDP" | "17") if matches!(port.1.as_str(), "500" | "4500") => {
            Some((Sign::SendForbidden, vec![("address", destination.1)]))
        }
        _ => None,
    }
}

/// `DROP-WAN input: in:ether1 out:(unknown 0), … proto UDP, 203.0.113.9:500->198.51.100.3:500, len 424`
fn routeros(body: &str) -> Option<Told> {
    let (head, packet) = body.split_once(" in:")?;
    let (prefix, chain) = head.rsplit_once(' ')?;
    let prefix = prefix
        .rsplit_once("firewall,info ")
        .map_or(prefix, |(_, own)| own);
    if !drops(prefix) {
        return None;
    }
    let (_, rest) = packet.split_once(" proto ")?;
    let mut words = rest
        .split_ascii_whitespace()
        .map(|w| w.trim_end_matches(','));
    let protocol = words.next()?;
    let (from, to) = words.find_map(|word| word.split_once("->"))?;
    // Addresses of IPv6 with ports are in brackets.
    let apart = |end: &str| {
        let parted = end.starts_with('[') || end.matches(':').count() == 1;
        let ends = end.rsplit_once(':').filter(|_| parted);
        let (host, port) = ends.unwrap_or((end, ""));
        (host.to_owned(), port.to_owned())
    };
    let ((source, _), (destination, port)) = (apart(from), apart(to));
    let rule = ("rule", prefix.trim().to_owned());
    let source = ("source", source);
    match (chain, protocol) {
        ("input:", "UDP") => Some((Sign::UdpDropped, vec![("port", port), source, rule])),
        ("input:", "50" | "ipsec-esp") => Some((Sign::EspDropped, vec![source, rule])),
        ("forward:", _) => Some((
            Sign::ForwardDropped,
            vec![source, ("destination", destination), rule],
        )),
        _ => None,
    }
}

/// `6,,,1000,enc0,match,block,in,4,0x0,,63,1,0,none,6,tcp,71,10.6.3.2,10.6.4.1,5000,80,`
fn pf(body: &str) -> Option<Told> {
    if !body.contains(",match,block,") {
        return None;
    }
    let start = body
        .find(",match,block,")
        .and_then(|at| body.get(..at)?.rfind(char::is_whitespace))
        .map_or(0, |at| at + 1);
    let fields: Vec<&str> = body.get(start..)?.split(',').map(str::trim).collect();
    let field = |at: usize| fields.get(at).copied().unwrap_or("").to_owned();
    // IPv4 and IPv6 have a different number of fields before the protocol.
    let (protocol, addresses) = match fields.get(8).copied()? {
        "4" => (field(16), 18),
        "6" => (field(12), 15),
        _ => return None,
    };
    let source = ("source", field(addresses));
    let destination = ("destination", field(addresses + 1));
    let port = field(addresses + 3);
    let decrypted = ["enc", "ipsec"]
        .iter()
        .any(|name| field(4).starts_with(name));
    match protocol.to_ascii_lowercase().as_str() {
        "udp" if matches!(port.as_str(), "500" | "4500") => {
            Some((Sign::UdpDropped, vec![("port", port), source]))
        }
        "esp" => Some((Sign::EspDropped, vec![source])),
        // What comes by these interfaces came out of a tunnel.
        // Neither out of a tunnel nor out of this host: a SYN with ACK.
        "tcp" if !decrypted && is_answer(&fields, addresses) => Some((
            Sign::AnswerOutOfState,
            vec![source, destination, ("device", field(4))],
        )),
        _ if decrypted => Some((Sign::ForwardDropped, vec![source, destination])),
        _ => None,
    }
}

/// tcpdump of pf's log: `rule 2/(match) block in on enc0: 10.9.0.5 > 10.2.2.7: icmp: echo request`, with the reason before
/// or behind the brackets, and of a packet with ports `10.9.0.5.40000 > 10.2.2.7.443: …`.
fn pflog(body: &str) -> Option<Told> {
    let (rule, rest) = body.split_once("(match)")?;
    let (does, packet) = rest.split_once(" on ")?;
    if !rule.starts_with("rule ") && !rule.contains(" rule ") || !does.contains("block") {
        return None;
    }
    let (interface, packet) = packet.split_once(": ")?;
    let (source, rest) = packet.split_once(" > ")?;
    let (destination, what) = rest.split_once(": ")?;
    let (source, _) = ported(source.split_whitespace().last()?);
    let (destination, port) = ported(destination);
    let source = ("source", source.to_owned());
    let decrypted = ["enc", "ipsec", "sec"]
        .iter()
        .any(|name| interface.starts_with(name));
    match port {
        _ if decrypted => Some((
            Sign::ForwardDropped,
            vec![source, ("destination", destination.to_owned())],
        )),
        Some(port @ ("500" | "isakmp" | "4500" | "ipsec-nat-t" | "ipsec-msft"))
            if does.contains(" in") =>
        {
            let port = if matches!(port, "500" | "isakmp") {
                "500"
            } else {
                "4500"
            };
            Some((Sign::UdpDropped, vec![("port", port.to_owned()), source]))
        }
        None if what.get(..3).is_some_and(|w| w.eq_ignore_ascii_case("esp")) => {
            Some((Sign::EspDropped, vec![source]))
        }
        _ => None,
    }
}

/// An address of tcpdump's, and the port behind its last dot.
fn ported(address: &str) -> (&str, Option<&str>) {
    match address.rsplit_once('.') {
        Some((host, port)) if host.matches('.').count() == 3 => (host, Some(port)),
        _ => (address, None),
    }
}

/// Whether the flags of a TCP packet, behind its ports and the length of its data, are those of an answer, and both ends are
/// of private networks.
fn is_answer(fields: &[&str], addresses: usize) -> bool {
    let private = |at: usize| {
        fields
            .get(at)
            .and_then(|a| a.parse::<std::net::Ipv4Addr>().ok())
            .is_some_and(|a| a.is_private())
    };
    fields.get(addresses + 5) == Some(&"SA") && private(addresses) && private(addresses + 1)
}
