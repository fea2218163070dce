//! Two real gateways, driven by the program alone.

use std::time::{Duration, Instant};

use adit_diagnose::{Answer, AtFault, Verdict};
use adit_gateway::host::block_counters;
use adit_model::fact::Side;
use adit_model::status::{ChildState, Status, TunnelState};
use rustix::process::Signal;
use serde_json::Value;

use crate::program::{CANNOT_OBSERVE, DONE, FINDINGS, USAGE, eventually};
use crate::sites::{At, KEY, SOON, Sites, permitted};

#[test]
fn a_tunnel_that_is_up_is_told_in_every_field() {
    if !permitted("the status of a real tunnel") {
        return;
    }
    let sites = Sites::new("fields");
    let (west, east) = sites.pair();
    assert!(sites.connected());

    let ran = west.adit(&["status", "office", "--json"]).ends_with(DONE);
    let status: Status = ran.json();
    let tunnel = status.tunnels.first().unwrap();
    assert_eq!(
        (tunnel.name.as_str(), tunnel.state),
        ("office", TunnelState::Up)
    );
    assert_eq!(tunnel.cause, None);
    let ike = tunnel.ike.as_ref().unwrap();
    assert_eq!(ike.version, 2);
    assert!(ike.local.starts_with("192.0.2.1:") && ike.remote.starts_with("192.0.2.2:"));
    assert_eq!(ike.local_id, "gw1.example");
    assert_eq!(ike.remote_id.as_deref(), Some("gw2.example"));
    assert!(ike.proposal.is_some());
    let instant = |text: &Option<String>| {
        let text = text.as_deref().unwrap();
        assert!(
            text.len() >= 20 && text.as_bytes()[10] == b'T' && text.ends_with('Z'),
            "{text}"
        );
        text.to_owned()
    };
    // Only what will be rekeyed by this side has a time for it.
    let later = |at: &Option<String>, than: &str| at.as_deref().is_none_or(|at| at > than);
    assert!(later(&ike.rekey_at, &instant(&ike.established)));

    let child = tunnel.children.first().unwrap();
    assert_eq!((child.name.as_str(), child.state), ("lan", ChildState::Up));
    assert_eq!((child.mode.as_str(), &child.cause), ("tunnel", &None));
    assert_eq!(child.ts_local, ["10.1.0.0/24"]);
    assert_eq!(child.ts_remote, ["10.2.0.0/24"]);
    assert!(child.packets_in >= 1 && child.packets_out >= 1);
    assert!(child.bytes_in >= 28 && child.bytes_out >= 28);
    assert!(later(&child.rekey_at, &instant(&child.last_in)));

    // What one side sends with, the other receives with.
    let theirs = east.tunnel().unwrap();
    let mirrored = theirs.children.first().unwrap();
    assert_eq!(child.spi_in, mirrored.spi_out);
    assert_eq!(child.spi_out, mirrored.spi_in);
    assert!(child.spi_in.is_some() && child.spi_in != child.spi_out);
    assert_eq!(child.proposal, mirrored.proposal);
    assert_eq!(ike.proposal, theirs.ike.unwrap().proposal);

    // Every field of the contract is in the document, also where its value is null.
    let document: Value = ran.json();
    let entry = &document["tunnels"][0];
    for (object, keys) in [
        (entry, &["name", "state", "cause", "ike", "children"][..]),
        (
            &entry["ike"],
            &[
                "version",
                "local",
                "remote",
                "local_id",
                "remote_id",
                "proposal",
                "established",
                "rekey_at",
            ],
        ),
        (
            &entry["children"][0],
            &[
                "name",
                "state",
                "cause",
                "mode",
                "spi_in",
                "spi_out",
                "proposal",
                "ts_local",
                "ts_remote",
                "bytes_in",
                "bytes_out",
                "packets_in",
                "packets_out",
                "last_in",
                "rekey_at",
            ],
        ),
    ] {
        for key in keys {
            assert!(object.get(key).is_some(), "{key} in {object}");
        }
    }

    let verdict: Verdict = west
        .adit(&["why", "office", "--json"])
        .ends_with(DONE)
        .json();
    assert_eq!(verdict.verdict, Answer::Healthy);
    assert!(verdict.findings.is_empty() && verdict.missing.is_empty());
    west.adit(&["status", "nowhere"])
        .ends_with(USAGE)
        .only_complains();
    west.adit(&["why", "nowhere"])
        .ends_with(USAGE)
        .only_complains();
}

#[test]
fn down_disables_and_blocks_until_up_or_unblock() {
    if !permitted("down, up and unblock") {
        return;
    }
    let sites = Sites::new("down");
    let (west, mut east) = sites.pair();
    assert!(sites.connected());

    let ran = west.adit(&["down", "office", "--json"]).ends_with(DONE);
    let status: Status = ran.json();
    assert_eq!(status.tunnels.first().unwrap().state, TunnelState::Disabled);
    assert!(status.tunnels.first().unwrap().block.is_some());
    assert!(!sites.connected(), "traffic passed in clear");
    east.wait_for(TunnelState::Down);
    // That an operator took it down is no finding.
    west.adit(&["status"]).ends_with(DONE);

    let ran = west.adit(&["up", "office", "--json"]).ends_with(DONE);
    assert_eq!(
        ran.json::<Status>().tunnels.first().unwrap().state,
        TunnelState::Up
    );
    assert!(sites.connected());
    // Only what was taken down can be let out in clear.
    west.adit(&["unblock", "office"])
        .ends_with(USAGE)
        .only_complains();

    west.adit(&["down", "office"]).ends_with(DONE);
    west.adit(&["unblock", "office"]).ends_with(DONE);
    assert_eq!(west.tunnel().unwrap().block, None);
    east.adit(&["down", "office"]).ends_with(DONE);
    east.adit(&["unblock", "office"]).ends_with(DONE);
    assert!(sites.connected(), "in clear, as was asked for");
}

#[test]
fn a_second_gateway_learns_who_is_in_its_way() {
    if !permitted("two gateways on one host") {
        return;
    }
    let sites = Sites::new("second");
    let mut west = sites.start(At::West, KEY);
    west.answers();
    let config = sites.configure(At::West, KEY);
    let pid = west.pid().to_string();

    // The same ports.
    let other = sites.dir.at("other-state");
    let ran = sites.run(
        At::West,
        &["run", "-c", &config, "--state", &other, "--tun", "adit1"],
    );
    let ran = ran.ends_with(CANNOT_OBSERVE).only_complains();
    assert!(
        ran.err.contains(&pid) && ran.err.contains("adit"),
        "{}",
        ran.err
    );
    assert!(
        ran.err.contains(":500") || ran.err.contains("port 500"),
        "{}",
        ran.err
    );

    // The same state directory, from another network.
    let ran = sites.run(At::East, &["run", "-c", &config, "--state", &west.state]);
    let ran = ran.ends_with(CANNOT_OBSERVE).only_complains();
    assert!(
        ran.err.contains(&pid) && ran.err.contains(&west.state),
        "{}",
        ran.err
    );

    // Neither attempt hurt the first.
    west.answers();
}

/// Four are told at a time; the others have their turn before the gateway is gone.
#[test]
fn the_hook_is_told_of_every_tunnel_that_goes_down_with_the_gateway() {
    const TUNNELS: usize = 7;
    if !permitted("a gateway that stops with a hook") {
        return;
    }
    let sites = Sites::new("hook-stop");
    let told = sites.dir.at("told");
    let hook = sites.dir.write(
        "hook",
        &format!("#!/bin/sh\nsleep 0.2\necho \"$ADIT_EVENT $ADIT_TUNNEL\" >> {told}\n"),
    );
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&hook, mode).unwrap();
    let configure = |at: At, (us, peer): (u8, u8), start: &str, head: &str| {
        let file = sites.configure(at, KEY);
        let psk = file.replace(".toml", ".psk");
        let mut text = head.to_owned();
        for n in 1..=TUNNELS {
            text.push_str(&format!(
                "[tunnel.t{n}]\nlocal = \"192.0.2.{us}\"\nremote = \"192.0.2.{peer}\"\nlocal_id = \"gw{us}-{n}.example\"\nremote_id = \"gw{peer}-{n}.example\"\nauth = {{ psk_file = \"{psk}\" }}\nstart = \"{start}\"\n[tunnel.t{n}.child.lan]\nlocal_net = [\"10.{us}.{n}.0/24\"]\nremote_net = [\"10.{peer}.{n}.0/24\"]\n"
            ));
        }
        std::fs::write(&file, text).unwrap();
        file
    };
    let east = configure(At::East, (2, 1), "passive", "");
    let head = format!("[gateway]\nhook = [\"{hook}\"]\n");
    let west = configure(At::West, (1, 2), "auto", &head);
    let _east = sites.start_with(At::East, &east, &sites.state(At::East));
    let mut west = sites.start_with(At::West, &west, &sites.state(At::West));
    let lines = |event: &str| {
        let text = std::fs::read_to_string(&told).unwrap_or_default();
        let mut found: Vec<String> = text
            .lines()
            .filter_map(|line| line.strip_prefix(event))
            .map(str::to_owned)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    let up = eventually(2 * SOON, || (lines("up ").len() == TUNNELS).then_some(()));
    assert!(up.is_some(), "{:?}: {}", lines("up "), west.log());
    west.signal(Signal::TERM);
    west.ended();
    assert_eq!(lines("down ").len(), TUNNELS, "{}", west.log());
}

/// Not only after the peers of all of them were asked.
#[test]
fn of_several_tunnels_one_has_to_be_named_before_anything_is_asked() {
    if !permitted("a gateway with two tunnels") {
        return;
    }
    let sites = Sites::new("several");
    let config = sites.configure(At::West, KEY);
    let text = std::fs::read_to_string(&config).unwrap();
    let second = text
        .replace("tunnel.office", "tunnel.branch")
        .replace("192.0.2.2", "192.0.2.3")
        .replace("10.2.0.0", "10.3.0.0");
    std::fs::write(&config, format!("{text}{second}")).unwrap();
    let west = sites.start_with(At::West, &config, &sites.state(At::West));
    let ran = eventually(SOON, || {
        let ran = west.adit(&["status", "--json"]);
        serde_json::from_str::<Value>(&ran.out).ok()
    });
    assert!(ran.is_some(), "{}", west.log());
    let ran = west.adit(&["why", "--ask-peer"]).ends_with(USAGE);
    assert!(
        ran.err.contains("which tunnel?") && ran.err.contains("branch"),
        "{}",
        ran.err
    );
    assert!(!ran.err.contains("letting the peer begin"), "{}", ran.err);
}

#[test]
fn what_one_side_can_not_know_the_other_sides_case_decides() {
    if !permitted("a wrong key between two gateways") {
        return;
    }
    let sites = Sites::new("psk");
    let mut east = sites.start(At::East, "another key\n");
    east.answers();
    let west = sites.start(At::West, KEY);
    let refused = eventually(SOON, || {
        let tunnel = west.tunnel()?;
        tunnel
            .summary
            .contains("AUTHENTICATION_FAILED")
            .then_some(tunnel)
    });
    let refused = refused.unwrap_or_else(|| panic!("{}", west.log()));
    assert_ne!(refused.state, TunnelState::Up);
    west.adit(&["status"]).ends_with(FINDINGS);
    assert!(!sites.connected(), "traffic passed in clear");

    let alone: Verdict = west
        .adit(&["why", "office", "--json"])
        .ends_with(FINDINGS)
        .json();
    assert_eq!(alone.verdict, Answer::Undecided);
    assert!(alone.names("psk-mismatch") && alone.names("id-mismatch"));
    assert!(!alone.missing.is_empty());

    let exported = east
        .adit(&["why", "office", "--export"])
        .ends_with(DONE)
        .out;
    for key in [KEY, "another key\n"] {
        assert!(!exported.contains(key.trim()), "a key was exported");
    }
    let file = sites.dir.write("east.json", &exported);
    let args = ["why", "office", "--remote", &file];
    let both: Verdict = west
        .adit(&[&args[..], &["--json"]].concat())
        .ends_with(FINDINGS)
        .json();
    assert_eq!(both.cause(), Some("psk-mismatch"));
    let finding = both.findings.first().unwrap();
    assert_eq!(finding.side, AtFault::Both);
    let sides: Vec<_> = finding.evidence.iter().filter_map(|e| e.side).collect();
    assert!(
        sides.contains(&Side::Local) && sides.contains(&Side::Remote),
        "{finding:#?}"
    );
    let text = west.adit(&args).ends_with(FINDINGS).out;
    for word in ["psk-mismatch", "here ", "there "] {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn an_ordered_end_is_told_to_the_peer_at_once() {
    if !permitted("the end of a gateway") {
        return;
    }
    let sites = Sites::new("term");
    let (mut west, mut east) = sites.pair();
    west.signal(Signal::TERM);
    assert_eq!(west.ended().code(), Some(DONE), "{}", west.log());
    let took = east.wait_for(TunnelState::Down);
    assert!(
        took < Duration::from_secs(2),
        "{took:?}: silence, not a farewell"
    );
    west.adit(&["status"]).ends_with(CANNOT_OBSERVE);
    let verdict: Verdict = west.adit(&["why", "--json"]).ends_with(FINDINGS).json();
    assert_eq!(verdict.cause(), Some("daemon-not-running"));
    assert!(!sites.connected(), "traffic passed in clear");
}

#[test]
fn after_a_crash_nothing_leaks_and_the_tunnel_is_back_in_three_seconds() {
    if !permitted("a killed gateway") {
        return;
    }
    let sites = Sites::new("kill");
    let (west, _east) = sites.pair();
    assert!(sites.connected());
    let state = west.state.clone();
    west.kill();
    assert!(!sites.connected(), "traffic passed in clear");

    let began = Instant::now();
    let mut west = sites.start(At::West, KEY);
    let back = eventually(Duration::from_secs(3), || sites.connected().then_some(()));
    assert!(back.is_some(), "{}", west.log());
    assert!(began.elapsed() < Duration::from_secs(3));
    west.wait_for(TunnelState::Up);

    // Killed for good, and its block is lifted by hand.
    let blocks = || {
        sites
            .west
            .run(|| block_counters().is_ok_and(|rules| !rules.is_empty()))
            .unwrap()
    };
    west.kill();
    assert!(!sites.connected() && blocks());
    sites
        .run(At::West, &["unblock", "--state", &state])
        .ends_with(DONE);
    assert!(!blocks());
}
