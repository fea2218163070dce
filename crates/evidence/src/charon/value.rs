//! Addresses, identities, selectors and notifies as charon prints them. What is missing or removed is `None`.

use core::net::{IpAddr, SocketAddr};
use std::collections::HashMap;
use std::sync::LazyLock;

use adit_model::identity::Identity;
use adit_model::selector::Selector;
use adit_wire::iana::NotifyType;

/// `192.0.2.1[500]`.
pub(crate) fn endpoint(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.trim().strip_suffix(']')?.rsplit_once('[')?;
    Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?))
}

/// An address, alone or with a port in brackets.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.split_once('[')
        .map_or(text, |(a, _)| a)
        .trim_end_matches([',', '.'])
        .parse()
        .ok()
}

/// An identity, with or without quotes. What is of no known form keeps its text.
pub(crate) fn identity(text: &str) -> Option<Identity> {
    let text = text.trim();
    // `'gw-a'[192.0.2.1]`: the identity and the address that goes with it.
    let text = match text.strip_suffix(']').and_then(|t| t.rsplit_once("'[")) {
        Some((id, _)) => id,
        None => text,
    };
    let text = text.trim_matches(['\'', '"']);
    if text.is_empty() || text == "%any" || text == "(unnamed)" {
        return None;
    }
    Some(
        text.parse()
            .unwrap_or_else(|_| Identity::KeyId(text.as_bytes().to_vec())),
    )
}

/// `192.0.2.1[gw-a]...198.51.100.1[gw-b]`: both addresses and both identities.
pub(crate) fn pair(text: &str) -> Option<[(Option<IpAddr>, Option<Identity>); 2]> {
    let (one, other) = text.split_once("...")?;
    let side = |text: &str| match text.trim().split_once('[') {
        Some((a, id)) => (a.parse().ok(), identity(id.strip_suffix(']').unwrap_or(id))),
        None => (address(text), None),
    };
    Some([side(one), side(other)])
}

/// `10.1.0.0/24 10.3.0.0/24[tcp/80]`. What isn't a selector is left out.
pub(crate) fn selectors(text: &str) -> Vec<Selector> {
    text.split([' ', ',']).filter_map(selector).collect()
}

fn selector(text: &str) -> Option<Selector> {
    let text = text.split_once('|').map_or(text, |(ts, _)| ts);
    if let Some((head, port)) = named_port(text) {
        return format!("{head}/{port}]").parse().ok();
    }
    if !text.contains("..") && !text.contains("ipv6-icmp") {
        return text.parse().ok();
    }
    let text = text.replace("..", "-").replace("ipv6-icmp", "icmpv6");
    text.parse().ok()
}

/// `192.0.2.1/32[udp/l2f]`: charon has the names of the host's list of services.
fn named_port(text: &str) -> Option<(&str, u16)> {
    const NAMES: [(&str, u16); 12] = [
        ("ssh", 22),
        ("domain", 53),
        ("bootps", 67),
        ("http", 80),
        ("ntp", 123),
        ("snmp", 161),
        ("bgp", 179),
        ("https", 443),
        ("isakmp", 500),
        ("l2f", 1701),
        ("l2tp", 1701),
        ("ipsec-nat-t", 4500),
    ];
    let (head, name) = text.strip_suffix(']')?.rsplit_once('/')?;
    let known = NAMES.iter().find(|(known, _)| *known == name)?;
    head.contains('[').then_some((head, known.1))
}

/// `10.1.0.0/24 === 10.2.0.0/24`: ours, theirs.
pub(crate) fn both_selectors(text: &str) -> Option<(Vec<Selector>, Vec<Selector>)> {
    let (ours, theirs) = text
        .split_once(" === ")
        .or_else(|| text.split_once("==="))?;
    Some((selectors(ours), selectors(theirs)))
}

/// A notify by its full name, or by the short name that stands in charon's lists of payloads.
///
/// A number that charon has no name for, such as those that only IKEv1 knows, stands in parentheses.
pub(crate) fn notify(name: &str) -> Option<NotifyType> {
    let number = name.strip_prefix('(').and_then(|n| n.strip_suffix(')'));
    if let Some(number) = number {
        return number.parse().ok().map(NotifyType);
    }
    let full = match name {
        "CRIT" => "UNSUPPORTED_CRITICAL_PAYLOAD",
        "INVAL_IKE_SPI" => "INVALID_IKE_SPI",
        "INVAL_MAJOR" | "INVAL_MAJ" => "INVALID_MAJOR_VERSION",
        "INVAL_SYN" => "INVALID_SYNTAX",
        "INVAL_MID" => "INVALID_MESSAGE_ID",
        "INVAL_SPI" => "INVALID_SPI",
        "NO_PROP" => "NO_PROPOSAL_CHOSEN",
        "PLD_MAL" => "PAYLOAD_MALFORMED",
        "INVAL_KE" => "INVALID_KE_PAYLOAD",
        "INVAL_ID" => "INVALID_ID_INFORMATION",
        "INVAL_CERTEN" => "INVALID_CERT_ENCODING",
        "INVAL_CERT" => "INVALID_CERTIFICATE",
        "CERT_UNSUP" => "CERT_TYPE_UNSUPPORTED",
        "INVAL_CERTAU" => "INVALID_CERT_AUTHORITY",
        "INVAL_CA" => "INVALID_CERT_AUTHORITY",
        "HASH_INVAL" | "INVAL_HASH" => "INVALID_HASH_INFORMATION",
        "AUTH_FAILED" => "AUTHENTICATION_FAILED",
        "SINGLE_PAIR" => "SINGLE_PAIR_REQUIRED",
        "NO_ADD_SAS" => "NO_ADDITIONAL_SAS",
        "INT_ADDR_FAIL" => "INTERNAL_ADDRESS_FAILURE",
        "FAIL_CP_REQ" => "FAILED_CP_REQUIRED",
        "TS_UNACCEPT" => "TS_UNACCEPTABLE",
        "INVAL_SEL" => "INVALID_SELECTORS",
        "TEMP_FAIL" => "TEMPORARY_FAILURE",
        "NO_CHILD_SA" => "CHILD_SA_NOT_FOUND",
        "INIT_CONTACT" => "INITIAL_CONTACT",
        "NATD_S_IP" => "NAT_DETECTION_SOURCE_IP",
        "NATD_D_IP" => "NAT_DETECTION_DESTINATION_IP",
        "USE_TRANSP" => "USE_TRANSPORT_MODE",
        "ESP_TFC_PAD_N" => "ESP_TFC_PADDING_NOT_SUPPORTED",
        "NON_FIRST_FRAG" => "NON_FIRST_FRAGMENTS_ALSO",
        "MOBIKE_SUP" => "MOBIKE_SUPPORTED",
        "ADD_4_ADDR" => "ADDITIONAL_IP4_ADDRESS",
        "ADD_6_ADDR" => "ADDITIONAL_IP6_ADDRESS",
        "UPD_SA_ADDR" => "UPDATE_SA_ADDRESSES",
        "MULT_AUTH" => "MULTIPLE_AUTH_SUPPORTED",
        "REDIR_SUP" => "REDIRECT_SUPPORTED",
        "EAP_ONLY" => "EAP_ONLY_AUTHENTICATION",
        "CHDLESS_SUP" => "CHILDLESS_IKEV2_SUPPORTED",
        "MSG_ID_SYN_SUP" => "IKEV2_MESSAGE_ID_SYNC_SUPPORTED",
        "FRAG_SUP" => "IKEV2_FRAGMENTATION_SUPPORTED",
        "HASH_ALG" => "SIGNATURE_HASH_ALGORITHMS",
        name => name,
    };
    static KNOWN: LazyLock<HashMap<&'static str, NotifyType>> = LazyLock::new(|| {
        // Of two with one name, the first counts.
        let known = NotifyType::KNOWN.iter().rev();
        known.filter_map(|n| Some((n.known_name()?, *n))).collect()
    });
    KNOWN.get(full).copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn values_read_and_missing_ones_are_unknown() {
        let [(a, ours), (b, theirs)] = pair("192.0.2.1[gw-a]...198.51.100.1[C=CH, CN=b]").unwrap();
        assert_eq!(a, "192.0.2.1".parse().ok());
        assert_eq!(b, "198.51.100.1".parse().ok());
        assert_eq!(ours.unwrap().to_string(), "gw-a");
        assert_eq!(theirs.unwrap().to_string(), "C=CH, CN=b");
        assert_eq!(pair("[x]...x.x.x.x[%any]").unwrap()[1], (None, None));
        assert_eq!(
            selectors("10.1.0.0/24[tcp/80] dynamic 10.2.0.1..10.2.0.9").len(),
            2
        );
        assert_eq!(
            selectors("192.0.2.1/32[udp/l2f] 192.0.2.1/32[udp/l2tp] 10.1.0.0/24[tcp/https]")
                .iter()
                .map(|s| s.ports.0)
                .collect::<Vec<_>>(),
            [1701, 1701, 443]
        );
        assert_eq!(endpoint("[500]"), None);
        assert_eq!(notify("NO_PROP"), Some(NotifyType::NO_PROPOSAL_CHOSEN));
        assert_eq!(notify("TS_UNACCEPTABLE"), Some(NotifyType::TS_UNACCEPTABLE));
        assert_eq!(notify("(29)"), Some(NotifyType(29)));
    }
}
