//! Rules as `nft` and `iptables` write them, played on packets that are only described.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::net::IpAddr;
use std::process::{Command, Stdio};

use adit_kernel::ruleset::{self, Fate, Into, Packet, Passage, Place, Point, Ruleset, Tracked};
use common::{Host, permitted};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Runs a program in the host's namespace; `None` if this machine hasn't got it.
fn feed(host: &Host, program: &str, arguments: &[&str], input: &str) -> Option<()> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::piped())
        .stderr(Stdio::inherit());
    host.ns.start_inside(&mut command).unwrap();
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("skipped: rules of {program}: {error}");
            return None;
        }
    };
    use std::io::Write;
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    assert!(
        child.wait().unwrap().success(),
        "{program} {arguments:?}: {input}"
    );
    Some(())
}

fn rules(text: &str) -> Option<Ruleset> {
    let host = Host::new();
    feed(&host, "nft", &["-f", "-"], text)?;
    Some(host.run(|| ruleset::read().unwrap()))
}

fn udp(port: u16) -> Packet {
    let mut packet = Packet::between(ip("192.0.2.2"), ip("192.0.2.1")).of(17);
    packet.source_port = Some(500);
    packet.destination_port = Some(port);
    packet.input = Some((2, "wan".to_owned()));
    packet.tracked = Some(Tracked::New);
    packet
}

fn esp() -> Packet {
    let mut packet = Packet::between(ip("192.0.2.2"), ip("192.0.2.1")).of(50);
    packet.input = Some((2, "wan".to_owned()));
    packet
}

fn dropped(passage: Passage) -> Place {
    match passage.fate {
        Fate::Dropped(place) => place,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_rule_that_drops_is_named_with_its_handle_and_its_words() {
    if !permitted("packet filters", false) {
        return;
    }
    let Some(rules) = rules(
        "table inet guard { chain in { type filter hook input priority 0; policy accept;
           iifname \"lan\" accept
           ip saddr 192.0.2.0/24 udp dport { 500, 4500 } counter drop
           meta l4proto esp ip saddr != 198.51.100.0/24 drop; }
           }",
    ) else {
        return;
    };
    for port in [500, 4500] {
        let place = dropped(rules.passage(&udp(port), Point::Input));
        assert_eq!(
            (place.family, &*place.table, &*place.chain),
            ("inet", "guard", "in")
        );
        assert_eq!(
            place.text,
            "meta nfproto ipv4 ip saddr 192.0.2.0/24 udp dport { 500, 4500 } counter packets 0 drop"
        );
        assert_eq!(place.packets, Some(0));
        let handle = place.handle.unwrap();
        assert_eq!(
            place.deletion().unwrap(),
            format!("nft delete rule inet guard in handle {handle}")
        );
    }
    assert_eq!(rules.passage(&udp(53), Point::Input).fate, Fate::Passes);
    let place = dropped(rules.passage(&esp(), Point::Input));
    assert!(place.text.starts_with("meta l4proto esp"), "{place}");
    // Of another device, the first rule lets it in; of one that isn't known, perhaps.
    let mut packet = esp();
    packet.input = Some((3, "lan".to_owned()));
    assert_eq!(rules.passage(&packet, Point::Input).fate, Fate::Passes);
    packet.input = None;
    assert!(matches!(
        rules.passage(&packet, Point::Input).fate,
        Fate::Perhaps(_)
    ));
    assert_eq!(rules.passage(&udp(500), Point::Output).fate, Fate::Passes);
    assert!(rules.without("guard").is_idle());
}

#[test]
fn policies_states_and_called_chains_count() {
    if !permitted("packet filters", false) {
        return;
    }
    let Some(rules) = rules(
        "table inet guard {
           set offices { type ipv4_addr; flags interval; elements = { 192.0.2.0-192.0.2.9, 203.0.113.0/24 }; }
           chain vpn { ip saddr @offices return; udp dport 500 drop; }
           chain in { type filter hook input priority 0; policy drop;
             ct state vmap { established : accept, related : accept, invalid : drop }
             jump vpn
             udp dport { 400-600 } accept; }
           chain late { type filter hook input priority 10; policy accept; ip saddr 203.0.113.7 counter reject; }
           }",
    ) else {
        return;
    };
    let from = |source: &str, port| Packet {
        source: ip(source),
        ..udp(port)
    };
    let fate = |packet: &Packet| rules.passage(packet, Point::Input).fate;
    assert_eq!(fate(&from("192.0.2.2", 500)), Fate::Passes);
    assert_eq!(fate(&from("192.0.2.9", 500)), Fate::Passes);
    let place = dropped(rules.passage(&from("192.0.2.10", 500), Point::Input));
    assert_eq!((&*place.chain, &*place.text), ("vpn", "udp dport 500 drop"));
    let place = dropped(rules.passage(&from("192.0.2.2", 4500), Point::Input));
    assert_eq!((place.handle, &*place.text), (None, "policy drop"));
    let answer = from("192.0.2.2", 4500).tracked(Tracked::Established);
    assert_eq!(fate(&answer), Fate::Passes);
    let place = dropped(rules.passage(&from("203.0.113.7", 500), Point::Input));
    assert_eq!(place.chain, "late");
    // Whose state isn't known, may pass.
    let unknown = Packet {
        tracked: None,
        ..from("192.0.2.2", 4500)
    };
    assert!(matches!(fate(&unknown), Fate::Perhaps(_)));
    // What a limit lets through isn't known.
    let Some(rules) = super_limited() else { return };
    assert!(matches!(
        rules.passage(&udp(500), Point::Input).fate,
        Fate::Perhaps(_)
    ));
}

fn super_limited() -> Option<Ruleset> {
    rules(
        "table ip guard { chain in { type filter hook input priority 0; policy accept;
           udp dport 500 limit rate 5/second accept
           udp dport 500 drop; }
           }",
    )
}

/// What can't be known is neither dropped for certain nor let through for certain.
#[test]
fn untracked_packets_and_marks_that_are_only_perhaps_set_stay_open() {
    if !permitted("packet filters", false) {
        return;
    }
    let input = |rules: &str| {
        format!(
            "table inet guard {{ chain in {{ type filter hook input priority 0; policy drop;\n{rules}\n}}\n}}"
        )
    };
    let perhaps = [
        input("ct state untracked accept")
            + "\ntable ip raw { chain pre { type filter hook prerouting priority -300; udp dport 500 notrack; }\n}",
        input("limit rate 5/second meta mark set 7\nmeta mark 7 accept"),
        input("meta mark 7 accept")
            + "\ntable ip early { chain in { type filter hook input priority -150; limit rate 5/second meta mark set 7; }\n}",
    ];
    for text in perhaps {
        let Some(rules) = rules(&text) else { return };
        let mut packet = udp(500);
        packet.mark = Some(0);
        let fate = rules.passage(&packet, Point::Input).fate;
        assert!(matches!(fate, Fate::Perhaps(_)), "{text}: {fate:?}");
        // Of what concerns others, nothing is left open.
        if text.contains("dport") {
            packet.destination_port = Some(53);
            dropped(rules.passage(&packet, Point::Input));
        }
    }
    let marked = input("meta mark 7 accept")
        + "\ntable ip early { chain in { type filter hook input priority -150; meta mark set 7; }\n}";
    let Some(rules) = rules(&marked) else { return };
    assert_eq!(rules.passage(&udp(500), Point::Input).fate, Fate::Passes);
}

#[test]
fn targets_of_iptables_that_may_decide_leave_it_open_and_others_do_not() {
    if !permitted("packet filters", false) {
        return;
    }
    for (table, rule, open) in [
        ("filter", "-A INPUT -j NFQUEUE --queue-num 3", true),
        ("filter", "-A INPUT -j LOG", false),
        ("raw", "-A PREROUTING -j CT --notrack", true),
        ("raw", "-A PREROUTING -j CT --zone 3", false),
        ("mangle", "-A INPUT -j MARK --set-mark 7", false),
    ] {
        let host = Host::new();
        let states = match table {
            "raw" => "-A INPUT -m conntrack --ctstate UNTRACKED -j ACCEPT\n",
            _ => "",
        };
        let script = match table {
            "filter" => format!("*filter\n:INPUT DROP [0:0]\n{rule}\nCOMMIT\n"),
            _ => format!("*filter\n:INPUT DROP [0:0]\n{states}COMMIT\n*{table}\n{rule}\nCOMMIT\n"),
        };
        if feed(&host, "iptables-nft-restore", &[], &script).is_none() {
            return;
        }
        let rules = host.run(|| ruleset::read().unwrap());
        let fate = rules.passage(&udp(500), Point::Input).fate;
        assert_eq!(matches!(fate, Fate::Perhaps(_)), open, "{rule}: {fate:?}");
        assert_ne!(fate, Fate::Passes, "{rule}");
    }
}

#[test]
fn translations_are_found_and_exemptions_hold() {
    if !permitted("packet filters", false) {
        return;
    }
    let Some(rules) = rules(
        "table ip nat { chain post { type nat hook postrouting priority 100;
           ip daddr 10.3.0.0/16 accept
           oifname \"wan\" masquerade
           ip saddr 10.1.0.0/24 ip daddr 10.2.0.0/16 counter snat to 192.0.2.1; }
           }",
    ) else {
        return;
    };
    let mut packet = Packet::between(ip("10.1.0.2"), ip("10.2.0.2")).tracked(Tracked::New);
    packet.output = Some((4, "adit0".to_owned()));
    let place = rules
        .passage(&packet, Point::Postrouting)
        .source_translated
        .unwrap();
    assert_eq!(place.into, Into::Address(ip("192.0.2.1")));
    assert_eq!(
        place.place.text,
        "ip saddr 10.1.0.0/24 ip daddr 10.2.0.0/16 counter packets 0 snat to 192.0.2.1"
    );
    packet.output = Some((2, "wan".to_owned()));
    let passage = rules.passage(&packet, Point::Postrouting);
    let translated = passage.source_translated.unwrap();
    assert_eq!(translated.place.text, "oifname \"wan\" masquerade");
    assert_eq!(translated.into, Into::Device);
    packet.destination = ip("10.3.0.1");
    assert_eq!(
        rules.passage(&packet, Point::Postrouting).source_translated,
        None
    );
    let answer = packet.tracked(Tracked::Established);
    assert_eq!(
        rules.passage(&answer, Point::Postrouting).source_translated,
        None
    );
}

#[test]
fn rules_of_iptables_are_understood() {
    if !permitted("packet filters", false) {
        return;
    }
    let host = Host::new();
    let script = "*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:ours - [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -m comment --comment guests -j ours
-A ours -p udp -m udp --dport 500 -j ACCEPT
-A FORWARD -s 10.2.0.0/16 -p tcp -j REJECT
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -s 10.1.0.0/24 -j MASQUERADE
COMMIT
";
    if feed(&host, "iptables-nft-restore", &[], script).is_none() {
        return;
    }
    let rules = host.run(|| ruleset::read().unwrap());
    assert_eq!(rules.passage(&udp(500), Point::Input).fate, Fate::Passes);
    let place = dropped(rules.passage(&udp(4500), Point::Input));
    assert_eq!(
        place.to_string(),
        "table ip filter, chain INPUT: policy drop"
    );
    let answer = udp(4500).tracked(Tracked::Established);
    assert_eq!(rules.passage(&answer, Point::Input).fate, Fate::Passes);
    let inner = Packet::between(ip("10.2.0.2"), ip("10.1.0.2"));
    assert_eq!(
        rules.passage(&inner.clone().of(1), Point::Forward).fate,
        Fate::Passes
    );
    let place = dropped(rules.passage(&inner.of(6), Point::Forward));
    assert!(place.text.ends_with("reject"), "{place}");
    let out = Packet::between(ip("10.1.0.2"), ip("10.2.0.2"));
    let new = rules.passage(&out.tracked(Tracked::New), Point::Postrouting);
    assert!(
        new.source_translated
            .unwrap()
            .place
            .text
            .contains("MASQUERADE")
    );
    // A legacy table would be another thing.
    host.run(|| assert!(!ruleset::has_legacy_rules()));
}

#[test]
fn nothing_is_dropped_where_nobody_filters() {
    if !permitted("packet filters", false) {
        return;
    }
    let host = Host::new();
    let rules = host.run(|| ruleset::read().unwrap());
    assert!(rules.is_idle());
    assert_eq!(rules.passage(&udp(500), Point::Input).fate, Fate::Passes);
}
