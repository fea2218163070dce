//! Vendor IDs that are known, by their octets.

/// The name of a vendor ID, its text if it is one, or its octets.
pub(super) fn name(id: &[u8]) -> String {
    let hex: String = id.iter().map(|octet| format!("{octet:02x}")).collect();
    let known = KNOWN.iter().find(|(start, _)| hex.starts_with(start));
    if let Some((_, name)) = known {
        return (*name).to_owned();
    }
    let text = id.iter().all(|octet| (0x20..0x7f).contains(octet)) && id.len() >= 4;
    if text {
        return format!("\"{}\"", String::from_utf8_lossy(id));
    }
    hex.chars().take(128).collect()
}

/// Beginnings in hex, since versions and times follow in some.
const KNOWN: &[(&str, &str)] = &[
    ("882fe56d6fd20dbc2251613b2ebe5beb", "strongSwan"),
    ("4f45", "Openswan or Libreswan"),
    (
        "4a131c81070358455c5728f20e95452f",
        "NAT traversal (RFC 3947)",
    ),
    (
        "90cb80913ebb696e086381b5ec427b1f",
        "NAT traversal (draft 2)",
    ),
    (
        "7d9419a65310ca6f2c179d9215529d56",
        "NAT traversal (draft 3)",
    ),
    (
        "afcad71368a1f1c96b8696fc77570100",
        "dead peer detection (RFC 3706)",
    ),
    ("09002689dfd6b712", "XAUTH"),
    ("4048b7d56ebce88525e7de7f00d6c2d3", "fragmentation (IKEv1)"),
    ("12f5f28c457168a9702d9fe274cc0100", "Cisco Unity"),
    ("12f5f28c457168a9702d9fe274cc02d4", "Cisco Unity"),
    ("1e2b516905991c7d7c96fcbfb587e461", "Microsoft Windows"),
    ("1f07f70eaa6514d3b0fa96542a", "Cisco VPN 3000"),
    (
        "434953434f2d44454c4554452d524541534f4e",
        "Cisco (delete reason)",
    ),
    ("8299031757a36082c6a621de", "FortiGate"),
];

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn ids_are_named_by_their_beginning_or_shown_as_they_are() {
        let fortigate = [
            0x82, 0x99, 0x03, 0x17, 0x57, 0xa3, 0x60, 0x82, 0xc6, 0xa6, 0x21, 0xde, 0, 0, 0, 0,
        ];
        assert_eq!(name(&fortigate), "FortiGate");
        assert_eq!(name(b"FLEXVPN-SUPPORTED"), "\"FLEXVPN-SUPPORTED\"");
        assert_eq!(name(&[1, 2]), "0102");
        assert_eq!(name(&[]), "");
    }
}
