//! Letting the peer begin for once, and telling a program of the operator's what happens.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod pair;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use adit_diagnose::{Answer, diagnose};
use adit_gateway::client::Client;
use adit_model::event::{Event, Happening, UnderWay};
use adit_model::fact::{Case, Known, OfferOutcome, Probe};
use adit_model::status::TunnelState;
use pair::{At, Pair, Running, eventually};

fn events(running: &mut Running) -> Vec<Event> {
    let records = running.client.events(Some("office")).unwrap();
    records.into_iter().map(|r| r.event).collect()
}

/// Each time that the peer was waited for: how many milliseconds, whether it began, what became of an attempt of ours.
fn held(events: &[Event]) -> Vec<(u64, bool, Option<UnderWay>)> {
    let of = |event: &Event| match event.what {
        Happening::HeldBack {
            ms,
            peer_began,
            under_way,
        } => Some((ms, peer_began, under_way)),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

fn until(running: &mut Running, happened: impl Fn(&Event) -> bool) {
    let seen = eventually(|| events(running).iter().any(&happened).then_some(()));
    assert!(seen.is_some(), "{:#?}", events(running));
}

/// Attempts of ours.
fn begins(event: &Event) -> bool {
    matches!(event.what, Happening::Initiating { .. })
}

fn gave_up(event: &Event) -> bool {
    matches!(event.what, Happening::GaveUp { .. })
}

/// An attempt of ours was ended for the peer.
fn gave_way(event: &Event) -> bool {
    matches!(&event.what, Happening::IkeClosed { cause, .. } if cause == "gave-way")
}

/// What is known once the peer was let begin, and how long that took: within bounds, whatever there was.
fn ask_peer(client: &mut Client) -> (Vec<Case>, Duration) {
    let begun = Instant::now();
    let cases = client.cases_after(Some("office"), false, true).unwrap();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    (cases, took)
}

/// The same beside the test.
fn asking(pair: &Pair) -> JoinHandle<(Vec<Case>, Duration)> {
    let state = pair.dir.join("West-state");
    std::thread::spawn(move || ask_peer(&mut Client::connect(&state).unwrap()))
}

/// West alone: whom it asks isn't there, and it has just given up.
fn west_alone(pair: &Pair) -> Running {
    pair.configure(At::West, &[pair.tunnel(At::West, "office", 0)]);
    let mut west = pair.start(At::West);
    until(&mut west, gave_up);
    west
}

/// Both configured to begin, with different keys, and with this many messages of west's before it gives up.
fn with_other_keys(pair: &Pair, tries: u32) {
    pair.write_key("other.psk", "another key for the test\n");
    let west = pair.tunnel(At::West, "office", 0);
    let east = pair.tunnel(At::East, "office", 0);
    let east = east
        .replace("office.psk", "other.psk")
        .replace("\"passive\"", "\"auto\"");
    let west = west.replace("tries = 4", &format!("tries = {tries}"));
    pair.configure(At::West, &[west]);
    pair.configure(At::East, &[east]);
}

/// Both are refused by the other; each is told no more than that it was. West stops trying, and then knows why.
#[test]
fn a_peer_that_begins_is_refused_for_a_reason_that_we_know() {
    let pair = Pair::new("asked");
    with_other_keys(&pair, 4);
    let (mut west, east) = pair.start_both();
    let (cases, _) = ask_peer(&mut west.client);
    let verdict = diagnose(&cases[0]);
    assert_eq!(verdict.cause(), Some("psk-mismatch"));
    let told = cases[0].happenings();
    assert!(
        told.into_iter().any(|(_, h)| matches!(
            h,
            Happening::HeldBack {
                peer_began: true,
                ..
            }
        )),
        "the answer says what was done"
    );
    // West goes on by itself.
    let tries = |events: &[Event]| events.iter().filter(|e| begins(e)).count();
    let before = tries(&events(&mut west));
    assert!(eventually(|| (tries(&events(&mut west)) > before).then_some(())).is_some());
    west.end();
    east.end();
}

/// The peer waits and says no more than that it takes nothing of ours. What it would take is found out.
#[test]
fn a_peer_that_refuses_every_proposal_is_asked_about_others() {
    let pair = Pair::new("offered");
    let west = pair.tunnel(At::West, "office", 0);
    let east = pair.tunnel(At::East, "office", 0);
    let east = east.replace("aes128gcm16-prfsha256-x25519", "aes256-sha256-modp2048");
    pair.configure(At::West, &[west]);
    pair.configure(At::East, &[east]);
    let (mut west, east) = pair.start_both();
    let refused = |e: &Event| matches!(e.what, Happening::PeerRefused { .. });
    until(&mut west, refused);
    let alone = west
        .client
        .cases_after(Some("office"), false, false)
        .unwrap();
    assert_eq!(diagnose(&alone[0]).verdict, Answer::Undecided);
    let (cases, _) = ask_peer(&mut west.client);
    let verdict = diagnose(&cases[0]);
    assert_eq!(
        verdict.cause(),
        Some("ike-proposal-mismatch"),
        "{verdict:?}"
    );
    let fix = &verdict.findings[0].fix.local;
    assert!(fix.contains("modp2048"), "{fix}");
    let offers: Vec<OfferOutcome> = cases[0]
        .facts
        .iter()
        .filter_map(|f| match &f.what {
            Known::Probed {
                probe: Probe::IkeOffer { outcome, .. },
            } => Some(*outcome),
            _ => None,
        })
        .collect();
    assert!(
        offers.len() <= 10 && offers[0] == OfferOutcome::Taken,
        "{offers:?}"
    );
    west.end();
    east.end();
}

#[test]
fn a_peer_that_does_not_begin_is_waited_for_in_bounds_and_nothing_is_tried() {
    let pair = Pair::new("waited");
    let mut west = west_alone(&pair);
    let (_, took) = ask_peer(&mut west.client);
    assert!(took < Duration::from_secs(9), "{took:?}");
    let all = events(&mut west);
    let [(ms, false, _)] = held(&all)[..] else {
        panic!("{all:?}");
    };
    assert!((6000..9000).contains(&ms));
    let end = all
        .iter()
        .rposition(|e| matches!(e.what, Happening::HeldBack { .. }))
        .unwrap();
    let from = all[end].at.mono.0 - Duration::from_millis(ms).as_nanos() as u64;
    let tried = all
        .iter()
        .filter(|e| begins(e) && (from..all[end].at.mono.0).contains(&e.at.mono.0));
    assert_eq!(tried.count(), 0);
    west.end();
}

/// What the command begins is nobody's to wait for: it isn't held back, nor ended for the peer, and who has asked is told.
#[test]
fn a_command_to_set_it_up_ends_the_waiting() {
    let pair = Pair::new("commanded");
    let mut west = west_alone(&pair);
    let before = events(&mut west).len();
    let asked = asking(&pair);
    std::thread::sleep(Duration::from_millis(2500));
    let waiting = events(&mut west);
    assert!(held(&waiting).is_empty() && !asked.is_finished());
    let wait = Duration::from_secs(10);
    let up = west.client.up("office", wait, |_| {}).unwrap();
    assert!(!up.reached, "nobody is there");
    let (cases, took) = asked.join().unwrap();
    assert!(took < Duration::from_secs(4), "{took:?}");
    let all = events(&mut west);
    let [(ms, false, _)] = held(&all)[..] else {
        panic!("{all:#?}");
    };
    assert!((500..4000).contains(&ms), "{ms}");
    let of_it = |what: &Happening| matches!(what, Happening::HeldBack { .. });
    assert!(cases[0].happenings().any(|(_, what)| of_it(what)));
    // After it, our attempt, which has all the time that it needs.
    let at = all.iter().position(|e| of_it(&e.what)).unwrap();
    assert!(!all[before..at].iter().any(begins), "{all:#?}");
    assert!(all[at..].iter().any(begins), "{all:#?}");
    assert!(all[at..].iter().any(gave_up), "{all:#?}");
    assert!(!all[at..].iter().any(gave_way), "{all:#?}");
    west.end();
}

/// However many ask, one after the other, the tunnel is held back once and for no longer than for one.
#[test]
fn who_asks_while_the_peer_is_waited_for_waits_along() {
    let pair = Pair::new("along");
    let mut west = west_alone(&pair);
    let first = asking(&pair);
    std::thread::sleep(Duration::from_secs(3));
    let second = asking(&pair);
    std::thread::sleep(Duration::from_millis(1500));
    let third = asking(&pair);
    let (_, took) = first.join().unwrap();
    assert!((6000..9000).contains(&took.as_millis()), "{took:?}");
    let before = events(&mut west).len();
    for (other, most) in [(second, 6000), (third, 4500)] {
        let (cases, took) = other.join().unwrap();
        assert!(took < Duration::from_millis(most), "{took:?}");
        let of_it = |what: &Happening| matches!(what, Happening::HeldBack { ms: 6000.., .. });
        assert!(cases[0].happenings().any(|(_, what)| of_it(what)));
    }
    // It goes on at once, and nobody holds it back again.
    assert!(eventually(|| events(&mut west)[before..].iter().any(begins).then_some(())).is_some());
    let all = events(&mut west);
    assert_eq!(held(&all).len(), 1, "{all:#?}");
    west.end();
}

/// West keeps asking a peer that isn't there yet. That is ended in order, the peer begins in the time that it is given, and west
/// knows why it refuses.
#[test]
fn an_attempt_under_way_has_a_moment_and_is_ended_for_the_peer() {
    let pair = Pair::new("gives-way");
    with_other_keys(&pair, 20);
    let mut west = pair.start(At::West);
    until(&mut west, |e| {
        matches!(e.what, Happening::Retransmitted { .. })
    });
    let asked = asking(&pair);
    until(&mut west, gave_way);
    let east = pair.start(At::East);
    let (cases, _) = asked.join().unwrap();
    let all = events(&mut west);
    let [(_, true, Some(UnderWay::Ended)), ..] = held(&all)[..] else {
        panic!("{all:#?}");
    };
    assert_eq!(diagnose(&cases[0]).cause(), Some("psk-mismatch"));
    west.end();
    east.end();
}

/// It comes to its own end within the moment that it has.
#[test]
fn an_attempt_that_ends_by_itself_is_waited_for() {
    let pair = Pair::new("waits-for");
    let west = pair.tunnel(At::West, "office", 0);
    let west = west.replace("tries = 4", "tries = 2");
    pair.configure(At::West, &[west]);
    let mut west = pair.start(At::West);
    until(&mut west, begins);
    ask_peer(&mut west.client);
    let all = events(&mut west);
    let [(_, _, Some(UnderWay::WaitedFor)), ..] = held(&all)[..] else {
        panic!("{all:#?}");
    };
    assert!(all.iter().any(gave_up), "{all:#?}");
    west.end();
}

#[test]
fn a_tunnel_that_is_up_is_not_held_back() {
    let pair = Pair::new("unheld");
    pair.configure(At::West, &[pair.tunnel(At::West, "office", 0)]);
    pair.configure(At::East, &[pair.tunnel(At::East, "office", 0)]);
    let (mut west, east) = pair.start_both();
    west.wait_for("office", TunnelState::Up);
    let before = (west.tunnel("office"), events(&mut west).len());
    let begun = Instant::now();
    west.client.cases_after(Some("office"), true, true).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(held(&events(&mut west)).is_empty());
    let after = (west.tunnel("office"), events(&mut west).len());
    assert_eq!(before.0.children[0].spi_in, after.0.children[0].spi_in);
    assert_eq!(before.1, after.1, "nothing has happened to it");
    west.end();
    east.end();
}

fn with_hook(pair: &Pair, script: &str) -> PathBuf {
    let path = pair.dir.join("hook");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    let text = std::fs::read_to_string(pair.file(At::West)).unwrap();
    let told = pair.dir.join("told");
    let hook = format!("[gateway]\nhook = [{path:?}, {told:?}]\n");
    std::fs::write(pair.file(At::West), text.replace("[gateway]\n", &hook)).unwrap();
    told
}

#[test]
fn a_program_is_told_when_a_tunnel_comes_up_gets_keys_and_goes_down() {
    let pair = Pair::new("hooked");
    pair.configure(At::West, &[pair.tunnel(At::West, "office", 0)]);
    pair.configure(At::East, &[pair.tunnel(At::East, "office", 0)]);
    let told = with_hook(
        &pair,
        "echo \"$ADIT_EVENT $ADIT_TUNNEL $ADIT_PEER $ADIT_CHILD\" >> \"$1\"",
    );
    let (mut west, east) = pair.start_both();
    west.wait_for("office", TunnelState::Up);
    let lines = || -> Vec<String> {
        let text = std::fs::read_to_string(&told).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    };
    let has = |line: &str| eventually(|| lines().contains(&line.to_owned()).then_some(()));
    assert!(has("up office 127.0.0.1 ").is_some(), "{:?}", lines());
    let renewal = adit_gateway::protocol::Renewal::Child("lan".to_owned());
    let wait = Duration::from_secs(5);
    west.client.rekey("office", renewal, wait, |_| {}).unwrap();
    assert!(
        has("rekeyed office 127.0.0.1 lan").is_some(),
        "{:?}",
        lines()
    );
    west.client.down("office", wait, |_| {}).unwrap();
    assert!(has("down office 127.0.0.1 ").is_some(), "{:?}", lines());
    west.end();
    east.end();
}

#[test]
fn a_program_that_fails_is_an_event_and_stops_nothing() {
    let pair = Pair::new("hook-fails");
    pair.configure(At::West, &[pair.tunnel(At::West, "office", 0)]);
    pair.configure(At::East, &[pair.tunnel(At::East, "office", 0)]);
    with_hook(&pair, "exit 7");
    let (mut west, east) = pair.start_both();
    west.wait_for("office", TunnelState::Up);
    let failed = eventually(|| {
        let events = events(&mut west);
        events.iter().find_map(|e| match &e.what {
            Happening::HookFailed { on, problem } => Some((on.clone(), problem.clone())),
            _ => None,
        })
    });
    let (on, problem) = failed.unwrap();
    assert_eq!(on, "up");
    assert!(problem.contains("exit status: 7"), "{problem}");
    assert_eq!(west.tunnel("office").state, TunnelState::Up);
    west.end();
    east.end();
}
