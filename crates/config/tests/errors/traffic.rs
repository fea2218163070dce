//! Modes, children and policies that have to fit each other.

use crate::common::codes;

/// A host's child towards another host.
fn host_to_host(mode: &str, local_net: &str, remote_net: &str, more: &str) -> String {
    format!(
        "[tunnel.office]\nlocal = \"192.0.2.1\"\nremote = \"192.0.2.2\"\nauth = {{ psk_file = \"a\" }}\n{more}\n\
         [tunnel.office.child.host]\nmode = \"{mode}\"\nlocal_net = [{local_net}]\nremote_net = [{remote_net}]\n"
    )
}

#[test]
fn transport_mode_is_between_the_two_ends() {
    use adit_model::connection::{Leeway, Mode};
    let text = host_to_host(
        "prefer-transport",
        "\"192.0.2.1[tcp/22]\"",
        "\"192.0.2.2\"",
        "",
    );
    let (configuration, _) = adit_config::adit::parse("t", &text);
    let child = configuration.unwrap().connections[0].children[0].clone();
    assert_eq!(child.mode, Mode::Transport);
    assert_eq!(
        child.leeway,
        Leeway {
            narrow: true,
            tunnel_instead: true
        }
    );
    let networks = host_to_host("transport", "\"10.1.0.0/24\"", "\"10.2.0.0/24\"", "");
    assert_eq!(
        codes(&networks),
        ["transport-networks", "transport-networks"]
    );
    let encapsulated =
        |mode| host_to_host(mode, "\"192.0.2.1\"", "\"192.0.2.2\"", "force_encap = true");
    assert!(codes(&encapsulated("transport")).contains(&"transport-behind-nat"));
    assert!(!codes(&encapsulated("prefer-transport")).contains(&"transport-behind-nat"));
}

#[test]
fn transport_mode_has_no_room_for_filling() {
    let filled =
        |mode| host_to_host(mode, "\"192.0.2.1\"", "\"192.0.2.2\"", "") + "tfc = \"mtu\"\n";
    assert!(codes(&filled("transport")).contains(&"tfc-in-transport-mode"));
    assert!(!codes(&filled("prefer-transport")).contains(&"tfc-in-transport-mode"));
}

#[test]
fn children_whose_traffic_overlaps_are_told_apart() {
    let children = |first: (&str, &str), second: (&str, &str)| {
        let child = |name: &str, (local, remote): (&str, &str)| {
            format!(
                "[tunnel.office.child.{name}]\nlocal_net = [\"{local}\"]\nremote_net = [\"{remote}\"]\n"
            )
        };
        let head = "[tunnel.office]\nlocal = \"192.0.2.1\"\nremote = \"192.0.2.2\"\nauth = { psk_file = \"a\" }\n";
        codes(&format!(
            "{head}{}{}",
            child("a", first),
            child("b", second)
        ))
    };
    let wide = ("10.1.0.0/16", "10.2.0.0/16");
    assert_eq!(children(wide, wide), ["duplicate-child"]);
    assert_eq!(
        children(wide, ("10.1.3.0/24", "10.2.0.0/16[tcp/22]")),
        ["shadowed-child"]
    );
    assert_eq!(
        children(
            ("10.1.0.0/16[tcp]", "10.2.0.0/16"),
            ("10.1.3.0/24", "10.2.0.0/16")
        ),
        ["overlapping-child"]
    );
    // An exception before the rule.
    assert!(children(("10.1.3.0/24", "10.2.0.0/16[tcp/22]"), wide).is_empty());
    assert!(
        children(
            ("10.1.0.0/16[udp]", "10.2.0.0/16"),
            ("10.1.0.0/16[tcp]", "10.2.0.0/16")
        )
        .is_empty()
    );
}

#[test]
fn policies_take_what_a_packet_filter_can_compare() {
    let tunnel = host_to_host("tunnel", "\"10.1.0.0/24\"", "\"10.2.0.0/24\"", "");
    let policy = |action: &str, remote: &str| {
        format!(
            "{tunnel}[policy.printers]\naction = \"{action}\"\nlocal_net = [\"10.1.0.0/24\"]\nremote_net = [\"{remote}\"]\n"
        )
    };
    assert!(codes(&policy("bypass", "10.2.0.9[tcp/631]")).is_empty());
    assert!(codes(&policy("drop", "10.2.0.0/24[icmp]")).is_empty());
    assert_eq!(
        codes(&policy("drop", "10.2.0.0/24[any/80]")),
        ["policy-ports"]
    );
    assert_eq!(
        codes(&policy("drop", "10.2.0.0/24[tcp/opaque]")),
        ["policy-ports"]
    );
    assert_eq!(codes(&policy("drop", "fd00::/64")), ["mixed-families"]);
    assert_eq!(codes(&policy("pass", "10.2.0.9")), ["unknown-word"]);
}
