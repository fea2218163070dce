//! Monitors of tunnels, and tunnels that others fail over to.

use core::time::Duration;

use adit_config::adit;
use adit_model::monitored::{Monitor, MonitorAction};

use crate::common::codes;

fn tunnel(name: &str, octet: u8, more: &str) -> String {
    format!(
        "[tunnel.{name}]\nlocal = \"192.0.2.1\"\nremote = \"192.0.2.{octet}\"\nauth = {{ psk_file = \"a\" }}\n{more}\n\
         [tunnel.{name}.child.lan]\nlocal_net = [\"10.1.0.0/24\"]\nremote_net = [\"10.{octet}.0.0/24\"]\n"
    )
}

fn monitored(keys: &str) -> String {
    tunnel("office", 2, &format!("monitor = {{ {keys} }}"))
}

fn read(text: &str) -> Monitor {
    let (configuration, diagnostics) = adit::parse("t", text);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    configuration.unwrap().connections[0]
        .monitor
        .clone()
        .unwrap()
}

#[test]
fn what_is_not_written_is_what_a_monitor_should_have() {
    assert_eq!(read(&monitored("target = \"auto\"")), Monitor::default());
    let all = read(&monitored(
        "target = [\"10.2.0.1\", \"10.2.0.9\"], source = \"10.1.0.1\", interval = \"500ms\", failures = 2, recover = 1, \
         hold_down = \"1s\", action = \"rekey\"",
    ));
    assert_eq!(all.targets.len(), 2);
    assert_eq!(all.interval, Duration::from_millis(500));
    assert_eq!(all.action, MonitorAction::Rekey);
}

#[test]
fn what_no_child_carries_is_no_target_and_no_source() {
    for (keys, code) in [
        ("target = \"10.9.0.1\"", "monitor-outside"),
        ("source = \"192.0.2.1\"", "monitor-outside"),
        ("target = \"somebody\"", "bad-address"),
        ("target = \"0.0.0.0\"", "bad-address"),
        ("source = \"here\"", "bad-address"),
        ("interval = \"100ms\"", "out-of-range"),
        ("failures = 1", "out-of-range"),
        ("action = \"reinitiate\"", "unknown-word"),
        ("action = \"fail-over\"", "missing-key"),
        ("action = \"rekey\", fail_over = \"backup\"", "no-effect"),
        ("fail_over = \"backup\"", "no-such-tunnel"),
        ("fail_over = \"office\"", "no-such-tunnel"),
        ("treshold = 3", "unknown-key"),
    ] {
        assert_eq!(codes(&monitored(keys)), [code], "{keys}");
    }
}

#[test]
fn routes_can_be_led_only_between_interfaces_and_not_in_a_circle() {
    let side = |name: &str, octet: u8, to: &str, routes: &str| {
        let monitor = match to {
            "" => String::new(),
            to => format!("monitor = {{ target = \"10.255.{octet}.2\", fail_over = \"{to}\" }}"),
        };
        format!(
            "[tunnel.{name}]\nlocal = \"192.0.2.1\"\nremote = \"192.0.2.{octet}\"\nauth = {{ psk_file = \"a\" }}\n\
             interface = {{ addresses = [\"10.255.{octet}.1/30\"]{routes} }}\n{monitor}\n[tunnel.{name}.child.all]\n"
        )
    };
    let routes = ", routes = [\"10.2.0.0/24\"]";
    let good = side("office", 2, "backup", routes) + &side("backup", 3, "", "");
    assert!(codes(&good).is_empty(), "{:?}", codes(&good));
    let circle = side("office", 2, "backup", routes)
        + &side("backup", 3, "office", ", routes = [\"10.3.0.0/24\"]");
    assert_eq!(
        codes(&circle),
        ["fail-over-in-a-circle", "fail-over-in-a-circle"]
    );
    let nothing = side("office", 2, "backup", "") + &side("backup", 3, "", "");
    assert_eq!(codes(&nothing), ["no-effect"]);
    let without = side("office", 2, "other", routes) + &tunnel("other", 3, "");
    assert_eq!(codes(&without), ["fail-over-needs-interface"]);
    // Answers of a host behind the peer come by whatever way the peer takes.
    let away = good.replace("10.255.2.2", "10.2.0.7");
    assert_eq!(codes(&away), ["monitor-led-away"]);
}

#[test]
fn who_closes_idle_children_is_told_that_echoes_keep_them() {
    let text = monitored("interval = \"3s\"") + "inactivity = \"15m\"\n";
    assert_eq!(codes(&text), ["monitor-keeps-awake"]);
}
