//! Values that several dialects write in the same way.

use core::time::Duration;
use std::net::{IpAddr, Ipv4Addr};

use adit_model::identity::Identity;
use adit_model::peer_config::{PeerId, Place, WhenDead};
use adit_model::selector::Selector;
use ipnet::{IpNet, Ipv4Net};

/// `yes`, `no` and their like.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "true" | "on" | "1" | "enable" | "enabled" | "force" | "insist" => Some(true),
        "no" | "false" | "off" | "0" | "disable" | "disabled" | "never" => Some(false),
        _ => None,
    }
}

/// `8h`, `30`, `1d`, `15m`; a number alone is in seconds.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let unit = text.get(digits.len()..)?.trim();
    let count: u64 = digits.parse().ok()?;
    let seconds = match unit.to_ascii_lowercase().as_str() {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3600,
        "d" | "day" | "days" => 86400,
        "w" | "week" | "weeks" => 7 * 86400,
        "ms" => return Some(Duration::from_millis(count)),
        _ => return None,
    };
    Some(Duration::from_secs(count.checked_mul(seconds)?))
}

/// A zero says never.
pub(crate) fn unless_zero(d: Duration) -> Option<Duration> {
    (!d.is_zero()).then_some(d)
}

/// Bytes with an optional unit.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let count: u64 = digits.parse().ok()?;
    let factor: u64 = match text
        .get(digits.len()..)?
        .trim()
        .to_ascii_lowercase()
        .as_str()
    {
        "" | "b" => 1,
        "k" | "kb" | "ki" | "kib" => 1 << 10,
        "m" | "mb" | "mi" | "mib" => 1 << 20,
        "g" | "gb" | "gi" | "gib" => 1 << 30,
        "t" | "tb" | "ti" | "tib" => 1 << 40,
        _ => return None,
    };
    count.checked_mul(factor)
}

/// An address, a network, a name, or anywhere.
pub(crate) fn place(text: &str) -> Place {
    let text = unquote(text.trim());
    match text {
        "" | "any" | "%any" | "%any4" | "%any6" | "%any,0.0.0.0/0" | "%defaultroute"
        | "%dynamic" | "%group" | "%opportunistic" | "0.0.0.0" | "0.0.0.0/0" | "::" | "::/0"
        | "%config" | "dynamic" | "dhcp" => Place::Any,
        _ => {
            let bare = text.trim_start_matches('%');
            if let Ok(address) = bare.parse::<IpAddr>() {
                Place::Address(address)
            } else if let Ok(net) = bare.parse::<IpNet>() {
                match host(&net) {
                    Some(address) => Place::Address(address),
                    None => Place::Net(net),
                }
            } else {
                Place::Name(text.to_owned())
            }
        }
    }
}

/// The address of a network that is a single host.
fn host(net: &IpNet) -> Option<IpAddr> {
    (net.prefix_len() == net.max_prefix_len()).then(|| net.addr())
}

/// An identity in the form that strongSwan, Libreswan and their kin share.
pub(crate) fn identity(text: &str) -> Option<PeerId> {
    Some(match typed(text)? {
        // What wouldn't read back as itself is kept as octets.
        PeerId::Is(id) if id.to_string().parse().as_ref() != Ok(&id) => {
            let (kind, data) = id.to_wire();
            PeerId::Is(Identity::Other { kind: kind.0, data })
        }
        id => id,
    })
}

fn typed(text: &str) -> Option<PeerId> {
    let text = unquote(text.trim());
    if text.is_empty() {
        return None;
    }
    if matches!(text, "%any" | "any" | "%any4" | "%any6") {
        return Some(PeerId::Any);
    }
    // Taken from the certificate: not known here.
    if matches!(text, "%fromcert" | "%cert" | "%none" | "%null") {
        return None;
    }
    if let Some((kind, value)) = text.split_once(':') {
        let named = |make: fn(String) -> Identity| Some(PeerId::Is(make(value.to_owned())));
        match kind {
            "fqdn" | "dns" => return named(Identity::Fqdn),
            "email" | "userfqdn" | "rfc822" => return named(Identity::Email),
            "keyid" => return Some(PeerId::Is(key_id(value))),
            "ipv4" | "ipv6" => {
                return value.parse().ok().map(|a| PeerId::Is(Identity::Address(a)));
            }
            "asn1dn" => return Some(PeerId::Name(distinguished_name(value))),
            _ => {}
        }
    }
    if let Some(rest) = text.strip_prefix("@#") {
        return Some(PeerId::Is(
            unhex(rest.trim_start_matches("0x")).map_or_else(|| key_id(rest), Identity::KeyId),
        ));
    }
    if let Some(rest) = text.strip_prefix("@[") {
        return Some(PeerId::Is(key_id(rest.trim_end_matches(']'))));
    }
    if text.starts_with("@@") {
        return Some(PeerId::Is(Identity::Email(
            text.trim_start_matches('@').to_owned(),
        )));
    }
    let is_name = text.contains('=')
        && (text.contains(',') || text.contains('/') || text.split('=').count() == 2);
    if is_name && !text.starts_with('@') {
        return Some(PeerId::Name(distinguished_name(text)));
    }
    if text.contains('*') {
        return Some(PeerId::Like(text.to_owned()));
    }
    if let Some(name) = text.strip_prefix('@') {
        return (!name.is_empty()).then(|| PeerId::Is(Identity::Fqdn(name.to_owned())));
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(PeerId::Is(Identity::Address(address)));
    }
    if text.contains('@') {
        return Some(PeerId::Is(Identity::Email(text.to_owned())));
    }
    Some(PeerId::Is(Identity::Fqdn(text.to_owned())))
}

/// A KEY_ID of the text's octets.
fn key_id(text: &str) -> Identity {
    Identity::KeyId(text.as_bytes().to_vec())
}

/// `C=CH, O=Lab` and `/C=CH/O=Lab` in one form.
pub(crate) fn distinguished_name(text: &str) -> String {
    let text = text.trim();
    let parts: Vec<&str> = match text.strip_prefix('/') {
        Some(rest) if !rest.contains(',') => rest.split('/').collect(),
        _ => text.split(',').collect(),
    };
    let parts: Vec<String> = parts
        .into_iter()
        .map(|part| match part.split_once('=') {
            Some((kind, value)) => {
                let kind = match kind.trim().to_ascii_uppercase().as_str() {
                    "EMAILADDRESS" => "E".to_owned(),
                    other => other.to_owned(),
                };
                format!("{kind}={}", unquote(value.trim()))
            }
            None => part.trim().to_owned(),
        })
        .collect();
    parts.join(", ")
}

/// A network with an optional `[proto/port]`, as a selector; a network may be cut short (`10/8`), and its mask
/// dotted.
pub(crate) fn network(text: &str) -> Option<Selector> {
    let text = unquote(text.trim());
    if let Ok(selector) = text.parse::<Selector>() {
        return Some(selector);
    }
    let (net, rest) = match text.split_once('[') {
        Some((net, rest)) => (net, rest.strip_suffix(']')?),
        None => (text, ""),
    };
    let base = masked(net)?;
    let mut out = Selector::net(base);
    if !rest.is_empty() {
        let (protocol, ports) = protocol_port(rest)?;
        out.protocol = protocol;
        out.ports = ports;
    }
    Some(out)
}

/// `10.1.0.0/255.255.255.0`, `10.1/16`.
fn masked(text: &str) -> Option<IpNet> {
    let (address, mask) = text.split_once('/')?;
    let address: Ipv4Addr = match address.parse() {
        Ok(a) => a,
        Err(_) => {
            let mut octets = [0; 4];
            let mut parts = address.split('.');
            for octet in &mut octets {
                match parts.next() {
                    Some(part) => *octet = part.parse().ok()?,
                    None => break,
                }
            }
            Ipv4Addr::from(octets)
        }
    };
    let net = match mask.parse::<Ipv4Addr>() {
        Ok(mask) => Ipv4Net::with_netmask(address, mask).ok()?,
        Err(_) => Ipv4Net::new(address, mask.parse().ok()?).ok()?,
    };
    Some(net.into())
}

/// An IPv4 network from an address and a mask, or an inverted mask.
pub(crate) fn address_and_mask(address: &str, mask: &str) -> Option<Selector> {
    let address: Ipv4Addr = address.parse().ok()?;
    let mask: Ipv4Addr = mask.parse().ok()?;
    let net = Ipv4Net::with_netmask(address, mask)
        .or_else(|_| Ipv4Net::with_netmask(address, Ipv4Addr::from(!u32::from(mask))))
        .ok()?;
    Some(Selector::net(net.into()))
}

/// `tcp/443`, `17/1701`, `udp/%any`, `gre`, and port ranges.
pub(crate) fn protocol_port(text: &str) -> Option<(u8, (u16, u16))> {
    const ANY: (u16, u16) = (0, 65535);
    let (protocol, port) = match text.split_once('/') {
        Some((p, q)) => (p, q),
        None => (text, ""),
    };
    let protocol = protocol_number(protocol)?;
    let ports = match port {
        "" | "%any" | "any" | "0" => ANY,
        "opaque" | "%opaque" => (65535, 0),
        "l2tp" | "l2f" => (1701, 1701),
        "isakmp" => (500, 500),
        "http" => (80, 80),
        "https" => (443, 443),
        "ssh" => (22, 22),
        "domain" => (53, 53),
        port => match port.split_once('-') {
            Some((a, b)) => (a.parse().ok()?, b.parse().ok()?),
            None => port.parse().map(|p| (p, p)).ok()?,
        },
    };
    (ports.0 <= ports.1 || ports == (65535, 0)).then_some((protocol, ports))
}

/// Number of an IP protocol by name or number.
pub(crate) fn protocol_number(text: &str) -> Option<u8> {
    Some(match text.to_ascii_lowercase().as_str() {
        "" | "any" | "%any" | "all" | "ip" => 0,
        "icmp" => 1,
        "ipip" | "ipencap" => 4,
        "tcp" => 6,
        "udp" => 17,
        "gre" => 47,
        "esp" => 50,
        "ah" => 51,
        "icmpv6" | "ipv6-icmp" => 58,
        "ospf" => 89,
        "sctp" => 132,
        number => number.parse().ok()?,
    })
}

/// An action on a dead peer, or one that closes.
pub(crate) fn when_dead(text: &str) -> Option<WhenDead> {
    Some(match text.to_ascii_lowercase().as_str() {
        "none" | "no" | "ignore" | "disable" => WhenDead::Nothing,
        "clear" | "delete" => WhenDead::Clear,
        "hold" | "trap" | "route" => WhenDead::Trap,
        "restart" | "start" | "restart_by_peer" | "restart-by-peer" => WhenDead::Restart,
        _ => return None,
    })
}

/// The text without one pair of quotes.
pub(crate) fn unquote(text: &str) -> &str {
    for mark in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(mark).and_then(|t| t.strip_suffix(mark)) {
            return inner;
        }
    }
    text
}

/// Octets written in hex; blanks and colons may part them.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|b| !matches!(b, b' ' | b':' | b'_'))
        .map(|b| {
            char::from(b)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        })
        .collect::<Option<_>>()?;
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    Some(
        digits
            .chunks_exact(2)
            .map(|pair| pair.iter().fold(0, |n, d| (n << 4) | d))
            .collect(),
    )
}

/// Octets written in base64.
pub(crate) fn unbase64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0u32);
    for c in text.trim_end_matches('=').bytes() {
        let value = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn durations_and_sizes() {
        for (text, seconds) in [("8h", 28800), ("30", 30), ("15m", 900), ("1 hour", 3600)] {
            assert_eq!(duration(text), Some(Duration::from_secs(seconds)));
        }
        assert_eq!(duration("soon"), None);
        assert_eq!(bytes("1kb"), Some(1024));
    }

    #[test]
    fn identities_have_the_type_that_the_daemons_give_them() {
        let is = |t: &str| PeerId::Is(t.parse().unwrap());
        for (text, want) in [
            ("@gw-a", is("@gw-a")),
            ("gw-a", is("gw-a")),
            ("192.0.2.1", is("192.0.2.1")),
            ("@192.0.2.1", PeerId::Is(Identity::Fqdn("192.0.2.1".into()))),
            ("ops@gw-a", is("ops@gw-a")),
            ("keyid:a", is("keyid:a")),
            ("@#6162", is("keyid:ab")),
            ("%any", PeerId::Any),
            (
                "\"C=CH,O=Lab, CN=x\"",
                PeerId::Name("C=CH, O=Lab, CN=x".into()),
            ),
            ("/C=CH/O=Lab/CN=x", PeerId::Name("C=CH, O=Lab, CN=x".into())),
        ] {
            assert_eq!(identity(text), Some(want), "{text}");
        }
        assert_eq!(identity("%fromcert"), None);
    }

    #[test]
    fn networks_in_their_forms() {
        for (text, want) in [
            ("10.1.0.0/24", "10.1.0.0/24"),
            ("10.1.0.0/255.255.255.0", "10.1.0.0/24"),
            ("10.1/16", "10.1.0.0/16"),
            ("10.1.0.1", "10.1.0.1/32"),
            ("10.1.0.0/24[tcp/443]", "10.1.0.0/24[tcp/443]"),
            ("0.0.0.0/0[udp/l2tp]", "0.0.0.0/0[udp/1701]"),
        ] {
            assert_eq!(network(text).unwrap().to_string(), want);
        }
        assert_eq!(network("10.1.0.0/33"), None);
        assert_eq!(
            address_and_mask("10.1.0.0", "0.0.0.255")
                .unwrap()
                .to_string(),
            "10.1.0.0/24"
        );
    }

    #[test]
    fn octets_in_hex_and_base64() {
        assert_eq!(unhex("00ff"), Some(vec![0, 255]));
        assert_eq!(unhex("0"), None);
        assert_eq!(unbase64("aGk="), Some(b"hi".to_vec()));
    }
}
