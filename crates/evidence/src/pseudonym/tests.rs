#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn made(key: u8) -> Pseudonyms {
    Pseudonyms::new(MapKey::new([key; 32])).unwrap()
}

fn back(pseudonyms: &Pseudonyms) -> Originals {
    let table: Vec<Entry> = pseudonyms.table().collect();
    Originals::new(pseudonyms.hash.key.clone(), &table).unwrap()
}

fn class(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(a) if a.is_private() => 1,
        IpAddr::V4(a) if a.is_link_local() => 2,
        IpAddr::V4(a) if a.is_loopback() || a.octets()[0] == 0 => 3,
        IpAddr::V4(a) if a.octets()[0] >= 224 => 4,
        IpAddr::V4(a) if a.octets()[0] == 100 && a.octets()[1] & 0xc0 == 64 => 5,
        IpAddr::V6(a) if a.is_unique_local() => 6,
        IpAddr::V6(a) if a.is_unicast_link_local() => 7,
        IpAddr::V6(a) if a.segments()[0] >> 13 == 1 => 8,
        IpAddr::V6(a) if a.is_multicast() => 9,
        IpAddr::V4(_) => 10,
        IpAddr::V6(_) => 11,
    }
}

fn any_v4() -> impl Strategy<Value = Ipv4Addr> {
    prop_oneof![
        any::<u32>().prop_map(Ipv4Addr::from),
        any::<u32>().prop_map(|n| Ipv4Addr::from(n & 0x00ff_ffff | 0x0a00_0000)),
        any::<u32>().prop_map(|n| Ipv4Addr::from(n & 0x000f_ffff | 0xac10_0000)),
        any::<u32>().prop_map(|n| Ipv4Addr::from(n & 0x0000_ffff | 0xc0a8_0000)),
    ]
}

fn common(a: Ipv4Addr, b: Ipv4Addr) -> u32 {
    (u32::from(a) ^ u32::from(b)).leading_zeros()
}

proptest! {
    #[test]
    fn prefixes_and_kinds_of_ranges_are_kept_and_the_way_back_is_known(
        a in any_v4(), b in any_v4(), share in 0_u32..=32, key in any::<u8>(),
    ) {
        let mask = u32::MAX.checked_shl(32 - share).unwrap_or(0);
        let b = Ipv4Addr::from(u32::from(a) & mask | u32::from(b) & !mask);
        let hash = Hash::new(MapKey::new([key; 32])).unwrap();
        let (to, from) = (Addresses { hash: &hash, back: false }, Addresses { hash: &hash, back: true });
        let (x, y) = (to.address(a.into()), to.address(b.into()));
        prop_assert_eq!(class(x), class(a.into()));
        prop_assert_eq!(from.address(x), IpAddr::from(a));
        let (IpAddr::V4(x), IpAddr::V4(y)) = (x, y) else { panic!() };
        prop_assert_eq!(common(a, b), common(x, y));
        // Nobody's own address stays.
        let nobodys = matches!(a.octets()[0], 0 | 127 | 224..);
        prop_assert_eq!(x == a, nobodys);
    }

    #[test]
    fn so_are_those_of_the_other_family(high in any::<u64>(), low in any::<u64>(), other in any::<u128>(), share in 0_u32..=128) {
        let hash = Hash::new(MapKey::new([7; 32])).unwrap();
        let (to, from) = (Addresses { hash: &hash, back: false }, Addresses { hash: &hash, back: true });
        for head in [0x2001_0db8_u64 << 32, 0xfd00 << 48, 0xfe80 << 48, high] {
            let a = u128::from(head | high >> 40) << 64 | u128::from(low);
            let mask = u128::MAX.checked_shl(128 - share).unwrap_or(0);
            let b = a & mask | other & !mask;
            let (a, b) = (Ipv6Addr::from(a), Ipv6Addr::from(b));
            let (x, y) = (to.address(a.into()), to.address(b.into()));
            prop_assert_eq!(class(x), class(a.into()), "{} {}", a, x);
            prop_assert_eq!(from.address(x), IpAddr::from(a));
            let (IpAddr::V6(x), IpAddr::V6(y)) = (x, y) else { panic!() };
            let common = |a: Ipv6Addr, b: Ipv6Addr| (u128::from(a) ^ u128::from(b)).leading_zeros();
            prop_assert_eq!(common(a, b), common(x, y), "{} {}", a, b);
        }
    }

    #[test]
    fn a_host_stays_in_its_network(a in any_v4(), length in 0_u8..=32) {
        let net = IpNet::new(a.into(), length).unwrap().trunc();
        let mut names = made(3);
        let text = names.text(&format!("{a} is in {net}, which is {}-{}", net.network(), net.broadcast()));
        let words: Vec<&str> = text.split([' ', ',']).collect();
        let (host, new): (IpAddr, IpNet) = (words[0].parse().unwrap(), words[3].parse().unwrap());
        prop_assert!(new.contains(&host), "{}", text);
        prop_assert_eq!(new.prefix_len(), length);
        prop_assert_eq!(new, new.trunc());
        let (first, last) = words[7].split_once('-').unwrap();
        prop_assert_eq!((first.parse().unwrap(), last.parse().unwrap()), (new.network(), new.broadcast()));
    }

    #[test]
    fn whatever_a_text_holds_it_is_taken(text in "\\PC{0,80}") {
        let mut names = made(1);
        names.know("gw", Kind::Identity);
        let new = names.text(&text);
        prop_assert_eq!(made_again(&text), new);
    }
}

fn made_again(text: &str) -> String {
    let mut names = made(1);
    names.know("gw", Kind::Identity);
    names.text(text)
}

const LINES: [&str; 10] = [
    "remote 198.51.100.7:4500, local 10.1.0.1 via 10.1.0.254 dev eth0 lladdr 52:54:00:aa:bb:cc",
    "vpn.acme-corp.com and *.acme-corp.com and mail.acme-corp.com; /etc/adit/vpn.acme-corp.com.pem",
    "peer admin@acme-corp.com, keyid:branch-seven, id:11:0xdeadbeef",
    "subject \"C=CH, O=Acme Corp, CN=vpn.acme-corp.com\" issued by C=CH, O=Acme Corp, CN=Acme Root",
    "10.1.0.0/16 === 2a02:1234:5678::/48, gateway 2a02:1234:5678::1 and [2a02:1234:5678:1:aa:bb:cc:dd]:500",
    "pool 10.9.0.10-10.9.0.99 of 10.9.0.0 255.255.0.0, dns 10.9.0.53.",
    "gw said: no proposal chosen; gw2 and my-gw aren't it",
    "via 203.0.113.9: host unreachable",
    "leased 10.9.0.10 to user@acme-corp.com (NATed 100.64.3.4, 169.254.7.7)",
    "fe80::5054:ff:feaa:bbcc%eth0 and ::ffff:198.51.100.7",
];

const SECRET: [&str; 21] = [
    "198.51.100.7",
    "10.1.0.1",
    "10.1.0.254",
    "52:54:00",
    "acme",
    "Acme",
    "admin",
    "branch-seven",
    "deadbeef",
    "CH,",
    "2a02",
    "5678",
    "10.9.0.",
    "10.9",
    "203.0.113",
    "100.64.3",
    "169.254.7",
    "Root",
    ":5054",
    "gw said",
    "aa:bb",
];

#[test]
fn nothing_of_the_originals_is_left_and_an_answer_is_translated_back() {
    let mut names = made(9);
    names.know("gw", Kind::Identity);
    let new: Vec<String> = LINES.iter().map(|line| names.text(line)).collect();
    for secret in SECRET {
        assert!(
            !new.iter().any(|line| line.contains(secret)),
            "{secret}: {new:#?}"
        );
    }
    for keeps in [
        "eth0",
        "gw2 and my-gw",
        ":4500",
        "[",
        "no proposal chosen",
        "/etc/adit/",
        ".pem",
        "%eth0",
    ] {
        assert!(
            new.iter().any(|line| line.contains(keeps)),
            "{keeps}: {new:#?}"
        );
    }
    let originals = back(&names);
    for (line, new) in LINES.iter().zip(&new) {
        // But for countries, which two letters can't bring back.
        let country = names.text("C=CH").split_off(2);
        assert_eq!(originals.text(new).replace(&country, "CH"), *line, "{new}");
    }
    let counts = names.counts();
    assert!(counts[&Kind::Address] > 10 && counts[&Kind::Hardware] == 1);
}

#[test]
fn equal_values_stay_equal_and_names_keep_their_relations() {
    let mut names = made(4);
    let one = names.text("vpn.acme.com");
    assert_eq!(names.text("vpn.acme.com"), one);
    assert_eq!(made(4).text("say vpn.acme.com"), format!("say {one}"));
    assert_ne!(made(5).text("vpn.acme.com"), one);
    assert_eq!(names.text("VPN.acme.com").to_ascii_lowercase(), one);
    let domain = one.split_once('.').unwrap().1;
    assert_eq!(names.text("*.acme.com"), format!("*.{domain}"));
    assert!(names.text("me@acme.com").ends_with(&format!("@{domain}")));
    assert_eq!(names.text("CN=vpn.acme.com"), format!("CN={one}"));
}

#[test]
fn what_has_dots_and_is_no_host_stays() {
    for text in [
        "/etc/adit/adit.toml",
        "[tunnel.office.child.lan]",
        "net.ipv4.conf.all.rp_filter = 2",
        "adit.status/1",
        "Linux 6.8.0-31-generic",
        "systemctl status strongswan.service",
        "127.0.0.1 255.255.255.0 0.0.0.0/0 ::/0 ::1 224.0.0.1 10.0.0.0/8",
        "aes256gcm16-prfsha384-x25519, 10:50:00.123, 2026-11-22T10:50:00Z",
        "spi c1a2b3c4d5e6f708:0011223344556677",
        "CN=*",
    ] {
        assert_eq!(made(1).text(text), text);
    }
}

#[test]
fn names_of_every_script_go_and_scripts_of_a_folder_stay() {
    let mut names = made(6);
    names.learn(
        &json!({ "names": ["acme hq", "m\u{fc}ller-hq", "keyid:acme west", "acme.7", "acme=hq"] }),
    );
    for text in [
        "remote = \"vpn.m\u{fc}ller.de\"",
        "vpn.mu\u{308}ller.de and *.m\u{dc}LLER.de, me@m\u{fc}ller.de",
        "\u{432}\u{43f}\u{43d}.m\u{fc}ller.\u{440}\u{444}",
        "'acme hq' and m\u{fc}ller-hq, keyid:acme west, acme.7; acme=hq",
        "acme.sh and https://acme.sh/hook.sh",
    ] {
        let new = names.text(text);
        for original in [
            "ller", "LLER", "vpn", "\u{432}", "acme", "hq", "west", "de\"", "me@",
        ] {
            assert!(!new.contains(original), "{original}: {new}");
        }
        assert_eq!(back(&names).text(&new), text);
    }
    for text in ["/etc/adit/hook.sh", "hooks/up.py", "./hook.sh."] {
        assert_eq!(made(1).text(text), text);
    }
}

#[test]
fn a_document_can_still_be_read() {
    let mut document = json!({
        "kind": "happened", "side": "local", "text": "local said no to 10.1.0.1",
        "local_id": "local", "remote_id": "keyid:seven", "peer": "192.168.7.7:500",
        "selectors": ["10.1.0.0/16", "10.2.0.0/24[tcp/443]"], "by": { "10.1.0.1": 3 },
        "names": ["vpn.acme.com"], "count": 7,
    });
    let mut names = made(2);
    names.learn(&document);
    names.document(&mut document);
    assert_eq!(
        (&document["kind"], &document["side"]),
        (&json!("happened"), &json!("local"))
    );
    assert_ne!(document["local_id"], "local");
    let text = document.to_string();
    for secret in ["10.1.0.1", "192.168.7", "acme", "seven"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert!(text.contains("[tcp/443]") && text.contains(":500"));
}

#[test]
fn a_key_survives_its_writing() {
    let key = MapKey::new([0xa5; 32]);
    let read = MapKey::from_hex(&key.to_hex()).unwrap();
    assert_eq!(*read.0, *key.0);
    assert!(MapKey::from_hex("a5").is_none() && MapKey::from_hex(&"zz".repeat(32)).is_none());
    assert_eq!(format!("{key:?}"), "MapKey");
}
