//! Addresses, identities, networks and notifies as pluto prints them. What is missing or removed is `None`.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use adit_model::identity::Identity;
use adit_model::selector::Selector;
use adit_wire::iana::NotifyType;

/// Stands where the log doesn't show an address.
pub(crate) const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Stands where the log doesn't show an identity.
pub(crate) fn unknown_identity() -> Identity {
    Identity::KeyId(b"(not in the log)".to_vec())
}

/// `192.0.2.1:500`, `192.0.2.1 port 500`, `192.0.2.1:UDP/500`, `[2001:db8::1]:500`.
pub(crate) fn endpoint(text: &str) -> Option<SocketAddr> {
    let text = text.trim().trim_end_matches([',', '.', ';', ':']);
    let text = text.replace(" port ", ":");
    let text = text.replace("UDP/", "").replace("TCP/", "");
    text.parse().ok().or_else(|| {
        let (address, port) = text.rsplit_once(':')?;
        Some(SocketAddr::new(
            address.trim_matches(['[', ']']).parse().ok()?,
            port.parse().ok()?,
        ))
    })
}

/// An address, alone or with a port.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    let word = text
        .split_whitespace()
        .next()?
        .trim_end_matches([',', '.', ';', ':']);
    word.parse().ok().or_else(|| endpoint(word).map(|e| e.ip()))
}

/// What stands between the first two quotation marks of any of pluto's kinds.
pub(crate) fn quoted(text: &str) -> Option<&str> {
    let start = text.find(['\'', '`', '"'])? + 1;
    let rest = text.get(start..)?;
    // A distinguished name may hold an apostrophe; the mark that ends the value is followed by no letter.
    let end = rest
        .char_indices()
        .find(|(at, c)| {
            matches!(c, '\'' | '"')
                && !rest
                    .get(at + 1..)
                    .and_then(|r| r.chars().next())
                    .is_some_and(char::is_alphanumeric)
        })
        .map_or(rest.len(), |(at, _)| at);
    rest.get(..end)
}

/// An identity, with or without quotes. What is of no known form, and `%any`, keeps its text.
pub(crate) fn identity(text: &str) -> Option<Identity> {
    let text = text.trim().trim_matches(['\'', '"', '`']);
    if text.is_empty() || text == "(none)" {
        return None;
    }
    Some(
        text.parse()
            .unwrap_or_else(|_| Identity::KeyId(text.as_bytes().to_vec())),
    )
}

/// `10.1.0.0/24===192.0.2.1[@a]---192.0.2.254...198.51.100.1<198.51.100.1>[@b]===10.2.0.0/24`: our networks, theirs.
pub(crate) fn both_ends(text: &str) -> Option<(Vec<Selector>, Vec<Selector>)> {
    let (ours, theirs) = text
        .split_once("...")
        .or_else(|| text.split_once("===").filter(|(_, b)| !b.contains("===")))?;
    Some((end(ours, true), end(theirs, false)))
}

/// One end of a connection as pluto describes it; ours has its network first, the peer's has it last.
pub(crate) fn end(text: &str, ours: bool) -> Vec<Selector> {
    let text = text.trim().trim_end_matches(['.', ';']);
    let client = if ours {
        text.split_once("===").map(|(net, _)| net)
    } else {
        text.rsplit_once("===").map(|(_, net)| net)
    };
    client.map_or_else(
        || {
            let host = if ours {
                text.split("---").next().unwrap_or(text)
            } else {
                text.rsplit("---").next().unwrap_or(text)
            };
            selectors(host.split(['[', '<']).next().unwrap_or(host))
        },
        selectors,
    )
}

/// Networks, ranges and hosts, with pluto's protocol and port after a colon: `10.1.0.0/24:17/1701`.
pub(crate) fn selectors(text: &str) -> Vec<Selector> {
    text.split([',', ' ']).filter_map(selector).collect()
}

fn selector(text: &str) -> Option<Selector> {
    let text = text
        .trim()
        .trim_matches(['{', '}', '(', ')', '\'', '"', ';'])
        .trim_end_matches('.');
    if let Ok(plain) = text.parse() {
        return Some(plain);
    }
    // `10.1.0.0/24:17/1701`, `10.1.0.0-10.1.0.255:0-65535`, `192.0.2.1/32:0/0`.
    let (net, rest) = text.rsplit_once(':')?;
    let mut one: Selector = net.parse().ok()?;
    if let Some((protocol, port)) = rest.split_once('/') {
        one.protocol = match protocol {
            "TCP" => 6,
            "UDP" => 17,
            "ICMP" => 1,
            number => number.parse().unwrap_or(0),
        };
        if let Ok(port @ 1..) = port.parse::<u16>() {
            one.ports = (port, port);
        }
    } else if let Some((first, last)) = rest.split_once('-') {
        let ports: (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
        one.ports = (ports.0 <= ports.1).then_some(ports)?;
    }
    Some(one)
}

/// Error notifies of IKEv1 and their numbers (RFC 2408 3.14.1), as far as IKEv2 names the same numbers differently.
const V1_ONLY: [(&str, u16); 18] = [
    ("INVALID_PAYLOAD_TYPE", 1),
    ("DOI_NOT_SUPPORTED", 2),
    ("SITUATION_NOT_SUPPORTED", 3),
    ("INVALID_COOKIE", 4),
    ("INVALID_MINOR_VERSION", 6),
    ("INVALID_EXCHANGE_TYPE", 7),
    ("INVALID_FLAGS", 8),
    ("INVALID_PROTOCOL_ID", 10),
    ("INVALID_TRANSFORM_ID", 12),
    ("ATTRIBUTES_NOT_SUPPORTED", 13),
    ("BAD_PROPOSAL_SYNTAX", 15),
    ("PAYLOAD_MALFORMED", 16),
    ("INVALID_KEY_INFORMATION", 17),
    ("INVALID_ID_INFORMATION", 18),
    ("INVALID_HASH_INFORMATION", 23),
    ("INVALID_SIGNATURE", 25),
    ("UNSUPPORTED_EXCHANGE_TYPE", 29),
    ("UNEQUAL_PAYLOAD_LENGTHS", 30),
];

/// An error notify by name, as either version of IKE numbers it.
pub(crate) fn notify(word: &str) -> Option<(u16, &'static str)> {
    let word = word
        .trim()
        .trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let word = word.strip_prefix("v2N_").unwrap_or(word);
    let word = word.strip_prefix("ISAKMP_N_").unwrap_or(word);
    if let Some((name, number)) = V1_ONLY.iter().find(|(name, _)| *name == word) {
        return Some((*number, name));
    }
    NotifyType::KNOWN
        .iter()
        .find(|n| n.known_name() == Some(word))
        .and_then(|n| Some((n.0, n.known_name()?)))
}

/// The first error notify that a text names.
pub(crate) fn first_error(text: &str) -> Option<(u16, &'static str)> {
    const FIRST_STATUS: u16 = 8192;
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|w| w.len() > 6)
        .filter_map(notify)
        .find(|(number, _)| *number < FIRST_STATUS)
}

/// The number that a text begins with.
pub(crate) fn number<T: core::str::FromStr>(text: &str) -> Option<T> {
    let text = text.trim_start_matches(['#', ' ']);
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// What follows `mark`.
pub(crate) fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    crate::text::split_at_rare(text, mark).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ends_of_a_connection() {
        let (ours, theirs) = both_ends(
            "10.1.0.0/24===192.0.2.1<192.0.2.1>[@a,+S=C]---192.0.2.254...203.0.113.1---198.51.100.1[@b]===10.2.0.0/24",
        )
        .unwrap();
        assert_eq!(ours, ["10.1.0.0/24".parse().unwrap()]);
        assert_eq!(theirs, ["10.2.0.0/24".parse().unwrap()]);
        let (ours, theirs) =
            both_ends("192.0.2.1[192.0.2.1]:17/1701...198.51.100.1[@b]:17/%any===192.168.1.5/32")
                .unwrap();
        assert_eq!(ours, ["192.0.2.1/32".parse().unwrap()]);
        assert_eq!(theirs, ["192.168.1.5/32".parse().unwrap()]);
        assert_eq!(both_ends("...[]").unwrap(), (vec![], vec![]));
    }

    #[test]
    fn values_with_their_damage() {
        assert_eq!(
            quoted("peer 'C=CH, O=L'Ami, CN=b'."),
            Some("C=CH, O=L'Ami, CN=b")
        );
        assert_eq!(quoted("found for `@a' and `%any'"), Some("@a"));
        assert_eq!(
            endpoint("192.0.2.1:UDP/500").unwrap(),
            "192.0.2.1:500".parse().unwrap()
        );
        assert_eq!(endpoint("x.x.x.x:500"), None);
        assert_eq!(notify("v2N_TS_UNACCEPTABLE"), Some((38, "TS_UNACCEPTABLE")));
        assert_eq!(
            first_error("type NO_PROPOSAL_CHOSEN msgid=00000000"),
            Some((14, "NO_PROPOSAL_CHOSEN"))
        );
        assert_eq!(first_error("payload IPSEC_INITIAL_CONTACT, msgid=0"), None);
    }
}
