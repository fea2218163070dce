//! The text as a whole: what is right, and what is told of all of it.

use adit_config::{Severity, adit};

use crate::common::*;

#[test]
fn the_example_is_right() {
    let (configuration, diagnostics) = adit::parse("west.toml", GOOD);
    assert_eq!(diagnostics, [], "{}", all(&diagnostics));
    let configuration = configuration.unwrap();
    let c = configuration.connection("office").unwrap();
    assert_eq!(c.local_id.to_string(), "west.lab");
    assert_eq!(c.children[0].remote_ts[0].to_string(), "10.2.0.0/24");
    assert_eq!(c.ike[0].to_string(), "aes128gcm16-prfsha256-x25519");
    assert_eq!(
        configuration.auth_of("office").unwrap().psk_file(),
        Some(std::path::Path::new("office.psk"))
    );
}

#[test]
fn the_shortest_tunnel_gets_careful_defaults() {
    let text = r#"
        [tunnel.a]
        local = "10.0.0.1"
        remote = "east.example"
        auth.psk_file = "a.psk"
        child.lan = { local_net = "10.1.0.0/24", remote_net = "10.2.0.0/24" }
    "#;
    let (configuration, diagnostics) = adit::parse("a.toml", text);
    assert_eq!(diagnostics, [], "{}", all(&diagnostics));
    let c = configuration.unwrap().connections.remove(0);
    assert_eq!(c.local_id.to_string(), "10.0.0.1");
    assert_eq!(c.remote_id.unwrap().to_string(), "east.example");
    assert_eq!(c.dpd_delay.as_secs(), 30);
    assert_eq!(c.ike, adit::default_ike());
    assert_eq!(c.children[0].esp, adit::default_esp());
    assert_eq!(c.children[0].replay_window, 1024);
    assert_eq!(c.remote_port, 500);
}

#[test]
fn a_secret_in_the_configuration_is_refused_and_never_shown() {
    for line in [
        "auth = { psk = \"hunter2\" }",
        "auth = \"hunter2\"",
        "psk = \"hunter2\"",
        "auth.psk = \"hunter2\"",
        "auth = { secret = \"hunter2\" }",
    ] {
        let d = error(&with("auth", line));
        assert_eq!(d.code, "inline-secret", "{d}");
        assert!(d.fix.as_deref().unwrap().contains("psk_file"), "{d}");
        assert!(!format!("{d}{d:?}").contains("hunter2"), "{d}");
        assert_eq!(d.line, 6);
    }
    // Not through syntax errors and type errors either.
    for line in [
        "psk = \"hunter2",
        "auth = { psk = hunter2 }",
        "psk = [\"hunter2\"]",
    ] {
        let (_, diagnostics) = adit::parse("a", &with("auth", line));
        assert!(!diagnostics.is_empty());
        assert!(!format!("{}{diagnostics:?}", all(&diagnostics)).contains("hunter2"));
    }
}

#[test]
fn names_tables_and_the_whole() {
    let d = error("");
    assert_eq!(d.code, "no-tunnel");
    // The fix is a whole configuration that reads.
    assert!(adit::parse("fix", &d.fix.unwrap()).0.is_some());
    assert_eq!(error("[[tunnel]]\nlocal = \"any\"").code, "wrong-type");
    assert_eq!(error("tunnel = 3").code, "wrong-type");
    assert_eq!(
        error(&GOOD.replace("tunnel.office", "tunnel.\"a b\"")).code,
        "bad-name"
    );
    let d = error(&format!("[gatway]\nike_port = 5000\n{GOOD}"));
    assert_eq!((d.code, d.fix.as_deref()), ("unknown-key", Some("gateway")));
    assert_eq!(
        error(&format!("[gateway]\nike_port = 4500\n{GOOD}")).code,
        "same-port"
    );
    let d = error(GOOD.split("\n\n").next().unwrap());
    assert_eq!((d.code, d.key.as_str()), ("no-child", "tunnel.office"));
    // A table that is there twice is one mistake, not one per key.
    let (_, diagnostics) = adit::parse("a", &format!("{GOOD}\n{GOOD}"));
    let codes: Vec<_> = diagnostics.iter().map(|d| (d.code, d.line)).collect();
    assert_eq!(codes, [("duplicate-key", 15), ("duplicate-key", 24)]);
    let twin = format!(
        "{GOOD}\n{}",
        GOOD.replace("office", "office2").replace("10.2.", "10.3.")
    );
    let d = error(&twin);
    assert_eq!(
        (d.code, d.key.as_str()),
        ("duplicate-tunnel", "tunnel.office2")
    );
    // Callers may also be told apart by the CA of their certificates.
    let callers = |ca: &str, other: &str| {
        let one = |name: &str, ca: &str, net: &str| {
            format!(
                "[tunnel.{name}]\nremote = \"any\"\nlocal_id = \"gw.lab\"\nremote_id = \"*.lab\"\n\
                 auth = {{ cert = \"gw.pem\", key = \"gw.key\", ca = [\"{ca}\"] }}\n\
                 [tunnel.{name}.child.lan]\nlocal_net = [\"10.{net}.0.0/24\"]\nremote_net = [\"10.9.0.0/16\"]\n"
            )
        };
        format!("{}{}", one("a", ca, "1"), one("b", other, "2"))
    };
    let (read, diagnostics) = adit::parse("a", &callers("research.pem", "sales.pem"));
    assert!(read.is_some(), "{}", all(&diagnostics));
    let d = error(&callers("research.pem", "research.pem"));
    assert_eq!((d.code, d.key.as_str()), ("duplicate-tunnel", "tunnel.b"));
    let twice = format!("{GOOD}\n[tunnel.office.child.lan]\nlocal_net = \"10.9.0.0/24\"\n");
    assert_eq!(error(&twice).code, "duplicate-key");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = with("remote ", "remote = 192.168.0.2")
        .replace("start      = \"auto\"", "start = auto")
        .replace("[\"10.1.0.0/24\"]", "[\"10.1.0.0/24\"");
    let (configuration, diagnostics) = adit::parse("a", &text);
    assert!(configuration.is_none());
    let lines: Vec<_> = diagnostics.iter().map(|d| d.line).collect();
    assert!(
        lines.contains(&3) && lines.contains(&8) && lines.len() >= 3,
        "{}",
        all(&diagnostics)
    );
    assert_eq!(
        diagnostics[0].fix.as_deref(),
        Some("remote = \"192.168.0.2\"")
    );

    let text =
        "[tunnel.a]\nremoet = 1\nlocal = 2\nike = [\"foo\", \"bar\"]\n[tunnel.b]\nstart = \"x\"\n";
    let (_, diagnostics) = adit::parse("a", text);
    let codes: Vec<_> = diagnostics.iter().map(|d| d.code).collect();
    for code in [
        "unknown-key",
        "wrong-type",
        "bad-proposal",
        "missing-key",
        "no-child",
        "unknown-word",
    ] {
        assert!(codes.contains(&code), "{code}: {}", all(&diagnostics));
    }
    assert_eq!(codes.iter().filter(|c| **c == "bad-proposal").count(), 2);
    assert!(diagnostics.is_sorted_by_key(|d| d.span.start));
}

#[test]
fn remarks_let_the_configuration_through() {
    let any = with("remote ", "remote = \"any\"").replace("start      = \"auto\"\n", "");
    let (configuration, diagnostics) = adit::parse("a", &any);
    assert_eq!(diagnostics, []);
    assert_eq!(
        configuration.unwrap().connections[0].start,
        adit_model::connection::Start::Passive
    );
    let d = remark(&any.replace("remote_id  = \"east.lab\"\n", ""));
    assert_eq!((d.severity, d.code), (Severity::Note, "any-identity"));
    let everything = with("remote_net", "remote_net = [\"0.0.0.0/0\"]");
    let covering = everything.replace("10.1.0.0/24", "192.168.0.0/16");
    let (_, diagnostics) = adit::parse("a", &covering);
    let told: Vec<_> = diagnostics.iter().map(|d| (d.severity, d.code)).collect();
    assert_eq!(
        told,
        [
            (Severity::Note, "ipv6-beside"),
            (Severity::Note, "covers-peer")
        ]
    );
    assert_eq!(remark(&everything).code, "ipv6-beside");
    let d = remark(&with("remote_net", "remote_net = [\"10.1.0.0/16\"]"));
    assert_eq!(
        (d.severity, d.code),
        (Severity::Warning, "overlapping-networks")
    );
    let d = remark(&with("remote_net", "remote_net = [\"10.2.0.7/24\"]"));
    assert_eq!(
        (d.code, d.fix.as_deref()),
        ("host-bits", Some("\"10.2.0.0/24\""))
    );
    let d = remark(&with("remote_id", "remote_id = \"west.lab\""));
    assert_eq!(d.code, "same-identity");
}

#[test]
fn other_dialects_are_recognised_in_the_note() {
    let (_, d) = adit::parse("a", "connections {\n  gw {\n  }\n}\n");
    assert!(d[0].notes[0].contains("swanctl.conf"), "{}", all(&d));
    let (_, d) = adit::parse("a", "config setup\nconn office\n  left=1.2.3.4\n");
    assert!(d[0].notes[0].contains("ipsec.conf"), "{}", all(&d));
}

#[test]
fn the_plain_form_begins_with_the_place_and_marks_it() {
    let d = error(&with("start", "start = \"atuo\""));
    let shown = d.to_string();
    assert_eq!(
        shown,
        "west.toml:8:9: error[unknown-word]: `atuo` is no way to start\n  |\n8 | start = \"atuo\"\n  |         ^^^^^^\n  = expected: \"auto\", \"on-demand\" or \"passive\"\n  = fix: start = \"auto\"\n"
    );
}

#[test]
fn the_edge_can_point_at_a_key() {
    let d = adit::diagnostic_at(
        "west.toml",
        GOOD,
        "tunnel.office.auth.psk_file",
        "unreadable",
        "no such file".into(),
    );
    assert_eq!((d.line, d.column), (6, 27));
    assert_eq!(GOOD.get(d.span.clone()), Some("\"office.psk\""));
    let d = adit::diagnostic_at("west.toml", GOOD, "tunnel.office.start.x", "c", "m".into());
    assert_eq!(GOOD.get(d.span.clone()), Some("\"auto\""));
    let d = adit::diagnostic_at("west.toml", "not toml", "tunnel.x", "c", "m".into());
    assert_eq!((d.line, d.column), (1, 1));
}

/// What is offered when nothing is written rests neither on MD5 nor on SHA-1 (RFC 8247, RFC 8221).
#[test]
fn abuse_68_nothing_weak_is_offered_by_default() {
    for proposal in adit::default_ike().iter().chain(&adit::default_esp()) {
        assert!(proposal.weak().is_empty(), "{proposal}");
        let words = proposal.to_string();
        assert!(!words.contains("md5") && !words.contains("sha1"), "{words}");
    }
}

/// What other products have and this one hasn't yet is told so, wherever it is written.
#[test]
fn what_comes_later_is_refused_by_its_name() {
    let in_child = |line: &str| error(&format!("{GOOD}{line}\n"));
    let in_tunnel = |line: &str| error(&with("start", line));
    let in_gateway = |line: &str| error(&format!("[gateway]\n{line}\n{GOOD}"));
    for (found, words) in [
        (in_child("ah = [\"sha256\"]"), "AH"),
        (in_child("ipcomp = true"), "compressed"),
        (in_tunnel("eap = \"mschapv2\""), "users"),
        (in_tunnel("delta_crl = \"x.crl\""), "whole lists"),
        (in_gateway("tcp = true"), "TCP"),
        (in_gateway("redirect = true"), "RFC 5685"),
        (in_gateway("tickets = true"), "RFC 5723"),
    ] {
        assert_eq!(found.code, "unsupported");
        assert!(found.message.contains(words), "{}", found.message);
    }
}
