//! Interfaces of tunnels, and tunnels that are optional.

use adit_config::adit;
use adit_model::connection::Protection;
use adit_model::selector::{ANY_V4, ANY_V6};

use crate::common::{GOOD, codes, error, with};

fn tunnel(name: &str, octet: u8, interface: &str) -> String {
    format!(
        "[tunnel.{name}]\nlocal = \"192.0.2.1\"\nremote = \"192.0.2.{octet}\"\nauth = {{ psk_file = \"a\" }}\n\
         interface = {{ {interface} }}\n[tunnel.{name}.child.all]\n"
    )
}

#[test]
fn an_interface_carries_what_is_routed_into_it() {
    let text = tunnel(
        "office",
        2,
        "addresses = [\"10.255.0.1/30\", \"fd00::1\"], mtu = 1380, routes = [\"10.2.0.0/24\"]",
    );
    let (configuration, diagnostics) = adit::parse("t", &text);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let connection = configuration.unwrap().connections.remove(0);
    let interface = connection.interface.unwrap();
    assert_eq!(
        (interface.name.as_str(), interface.mtu),
        ("office", Some(1380))
    );
    let texts: Vec<_> = interface
        .addresses
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(texts, ["10.255.0.1/30", "fd00::1/128"]);
    assert_ne!(interface.if_id(), 0);
    let child = &connection.children[0];
    assert_eq!(child.local_ts, [ANY_V4, ANY_V6]);
    assert_eq!(child.remote_ts, [ANY_V4, ANY_V6]);
    assert_eq!(connection.protection, Protection::Required);
}

#[test]
fn tunnels_with_interfaces_may_carry_the_same_but_not_be_the_same() {
    let both = |one: &str, two: &str| codes(&(tunnel("a", 2, one) + &tunnel("b", 3, two)));
    // The same selectors for everything: that is what they are for.
    assert!(both("routes = [\"10.2.0.0/24\"]", "routes = [\"10.3.0.0/24\"]").is_empty());
    assert!(both("routes = [\"10.2.0.0/16\"]", "routes = [\"10.2.3.0/24\"]").is_empty());
    assert_eq!(
        both("name = \"x\"", "name = \"x\""),
        ["duplicate-interface"]
    );
    assert_eq!(
        both("routes = [\"10.2.0.0/24\"]", "routes = [\"10.2.0.0/24\"]"),
        ["duplicate-route"]
    );
    let beside = GOOD.to_owned() + &tunnel("b", 3, "routes = [\"10.2.0.0/24\"]");
    assert_eq!(codes(&beside), ["duplicate-route"]);
    // One with an interface hides nothing from one without, and the other way round.
    assert!(codes(&(tunnel("b", 3, "") + GOOD)).is_empty());
}

#[test]
fn what_an_interface_cannot_be_is_said() {
    let one = |interface: &str| error(&tunnel("office", 2, interface)).code;
    assert_eq!(one("name = \"adit0\""), "interface-taken");
    assert_eq!(one("name = \"a name\""), "bad-interface-name");
    assert_eq!(one("mtu = 500"), "out-of-range");
    assert_eq!(
        one("mtu = 1000, addresses = [\"fd00::1/64\"]"),
        "mtu-too-small"
    );
    assert_eq!(one("routes = [\"10.2.0.0/99\"]"), "bad-network");
    assert_eq!(one("route = [\"10.2.0.0/24\"]"), "unknown-key");
    assert_eq!(
        error(&tunnel("a-tunnel-with-a-long-name", 2, "")).code,
        "bad-interface-name"
    );
    assert_eq!(
        codes(&tunnel("office", 2, "routes = [\"10.2.0.7/24\"]")),
        ["host-bits"]
    );
    let transport = tunnel("office", 2, "") + "mode = \"transport\"\n";
    assert!(codes(&transport).contains(&"transport-interface"));
}

#[test]
fn optional_needs_somebody_who_begins() {
    let optional = |start: &str| {
        with(
            "start",
            &format!("start = \"{start}\"\npolicy = \"optional\""),
        )
    };
    let (configuration, _) = adit::parse("t", &optional("auto"));
    let connection = configuration.unwrap().connections.remove(0);
    assert_eq!(connection.protection, Protection::Optional);
    assert!(codes(&optional("passive")).is_empty());
    assert_eq!(error(&optional("on-demand")).code, "optional-on-demand");
    assert_eq!(
        error(&with("start", "policy = \"maybe\"")).code,
        "unknown-word"
    );
}
