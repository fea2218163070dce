//! Addresses that change while the tunnel is up (RFC 4555).

use crate::common;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use adit_ike::pools::Pools;
use adit_ike::{NatStatus, Settings, TimerReason};
use adit_model::connection::{Connection, Remote};
use adit_model::dataplane::{DataPlaneRequest, Path};
use adit_model::event::Happening;
use adit_model::inner::Pool;
use adit_model::life::Unique;
use common::*;

pub(crate) const NEW: &str = "198.51.100.77";
pub(crate) const NEWER: &str = "198.51.100.78";
pub(crate) const OUTSIDE: &str = "203.0.113.7";

/// Both sides can move, and take whatever address they have.
pub(crate) fn mobile(who: Who) -> Connection {
    Connection {
        mobike: true,
        local: None,
        ..connection(who)
    }
}

pub(crate) fn lab() -> Lab {
    let mut lab = Lab::with(mobile(Who::West), mobile(Who::East));
    has(&mut lab, Who::West, &[WEST]);
    has(&mut lab, Who::East, &[EAST]);
    lab
}

pub(crate) fn up() -> Lab {
    let mut lab = lab();
    lab.up();
    forget(&mut lab);
    lab
}

/// Forgets what has happened so far.
pub(crate) fn forget(lab: &mut Lab) {
    lab.history.clear();
    for who in [Who::West, Who::East] {
        lab.side(who).events.clear();
        lab.side(who).data_plane.clear();
    }
}

/// A side has these addresses from now on; the first one is where it is reached.
pub(crate) fn has(lab: &mut Lab, who: Who, addresses: &[&str]) {
    let now = lab.now;
    let side = lab.side(who);
    side.address = ip(addresses[0]);
    let addresses = addresses.iter().map(|a| ip(a)).collect();
    side.endpoint
        .local_addresses_changed(now, addresses, BTreeMap::new());
    lab.drain();
}

pub(crate) fn path(side: &Side) -> (SocketAddr, SocketAddr) {
    let Path { local, remote, .. } = side.installed[0].path;
    (local, remote)
}

/// Both sides' IKE SA and children use these ends.
pub(crate) fn assert_between(lab: &Lab, west: SocketAddr, east: SocketAddr) {
    let (w, e) = (lab.west.ike_sa(), lab.east.ike_sa());
    assert_eq!((w.local, w.remote), (west, east));
    assert_eq!((e.local, e.remote), (east, west));
    assert_eq!(path(&lab.west), (west, east));
    assert_eq!(path(&lab.east), (east, west));
    lab.assert_tunnel();
}

pub(crate) fn moves(side: &Side) -> usize {
    let moves = |r: &&DataPlaneRequest| matches!(r, DataPlaneRequest::MovePath { .. });
    side.data_plane.iter().filter(moves).count()
}

pub(crate) fn told(ladder: &[String], name: &str) -> usize {
    ladder.iter().filter(|line| line.contains(name)).count()
}

/// 3.2, 3.3: both say that they can, and IKE uses port 4500 although no NAT is there.
#[test]
fn both_sides_say_that_they_can_move() {
    let mut lab = lab();
    has(
        &mut lab,
        Who::East,
        &[EAST, "203.0.113.1", "10.2.0.1", "2001:db8::2"],
    );
    lab.up();
    let west = ladder(&lab.west);
    assert!(west[2].contains("N(MOBIKE_SUPPORTED)"), "{west:#?}");
    assert!(!west[2].contains("N(NO_NATS_ALLOWED)"), "{west:#?}");
    // What the tunnel protects isn't told.
    assert!(
        west[3]
            .ends_with("N(MOBIKE_SUPPORTED) N(ADDITIONAL_IP4_ADDRESS) N(ADDITIONAL_IP6_ADDRESS) ]"),
        "{west:#?}"
    );
    assert!(lab.west.ike_sa().mobike && lab.east.ike_sa().mobike);
    assert_between(&lab, at(WEST, 4500), at(EAST, 4500));
    assert!(!lab.west.installed[0].path.udp_encap);
}

#[test]
fn a_side_that_must_not_move_says_nothing() {
    for stays in [Who::West, Who::East] {
        let (mut west, mut east) = (mobile(Who::West), mobile(Who::East));
        west.mobike = stays != Who::West;
        east.mobike = stays != Who::East;
        let mut lab = Lab::with(west, east);
        lab.up();
        assert!(!lab.west.ike_sa().mobike && !lab.east.ike_sa().mobike);
        let answer = ladder(&lab.west).pop().unwrap();
        assert!(!answer.contains("MOBIKE"), "{answer}");
        forget(&mut lab);
        has(&mut lab, Who::West, &[NEW]);
        lab.run();
        assert!(lab.history.is_empty());
    }
}

/// ```text
/// west (198.51.100.77)                        east
/// N(UPDATE_SA_ADDRESSES), N(NAT_DETECTION_*) →
///                                           ← N(NAT_DETECTION_*)
///                                           ← N(COOKIE2)
/// N(COOKIE2)                                →
/// ```
#[test]
fn the_initiator_moves() {
    let mut lab = up();
    let (spi_in, spi_out) = (lab.west.installed[0].spi_in, lab.west.installed[0].spi_out);
    has(&mut lab, Who::West, &[NEW]);
    assert_eq!(path(&lab.west), (at(NEW, 4500), at(EAST, 4500)), "at once");
    lab.step();
    assert_eq!(path(&lab.east).1, at(WEST, 4500), "not before the check");
    lab.run();
    assert_between(&lab, at(NEW, 4500), at(EAST, 4500));
    assert_eq!(
        ladder(&lab.west),
        [
            "--> INFORMATIONAL request 2 [ N(UPDATE_SA_ADDRESSES) N(NAT_DETECTION_SOURCE_IP) \
             N(NAT_DETECTION_DESTINATION_IP) ]",
            "<-- INFORMATIONAL response 2 [ N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP) ]",
            "<-- INFORMATIONAL request 0 [ N(COOKIE2) ]",
            "--> INFORMATIONAL response 0 [ N(COOKIE2) ]",
        ]
    );
    assert!(lab.west.saw(|h| *h
        == Happening::Moved {
            from: at(WEST, 4500),
            to: at(NEW, 4500)
        }));
    assert!(lab.east.saw(|h| *h
        == Happening::PeerMoved {
            from: at(WEST, 4500),
            to: at(NEW, 4500)
        }));
    assert!(lab.east.saw(|h| *h
        == Happening::PathVerified {
            remote: at(NEW, 4500)
        }));
    let sa = &lab.west.installed[0];
    assert_eq!((sa.spi_in, sa.spi_out), (spi_in, spi_out), "the same pair");
}

/// The responder's address changes: it tells, and the initiator decides.
#[test]
fn the_responder_moves() {
    let mut lab = up();
    has(&mut lab, Who::East, &[NEW]);
    assert_eq!(path(&lab.east).0, at(NEW, 4500), "the old address is gone");
    lab.run();
    assert_between(&lab, at(WEST, 4500), at(NEW, 4500));
    assert_eq!(
        ladder(&lab.east),
        [
            "--> INFORMATIONAL request 0 [ N(NO_ADDITIONAL_ADDRESSES) ]",
            "<-- INFORMATIONAL response 0 [  ]",
            "<-- INFORMATIONAL request 2 [ N(UPDATE_SA_ADDRESSES) N(NAT_DETECTION_SOURCE_IP) \
             N(NAT_DETECTION_DESTINATION_IP) N(COOKIE2) ]",
            "--> INFORMATIONAL response 2 [ N(NAT_DETECTION_SOURCE_IP) N(NAT_DETECTION_DESTINATION_IP) N(COOKIE2) ]",
        ]
    );
    assert_eq!(moves(&lab.west), 1, "after the check, not before");
}

/// Whichever message is lost, the tunnel arrives.
#[test]
fn either_move_survives_the_loss_of_any_message() {
    for who in [Who::West, Who::East] {
        for lost in 0..4 {
            let mut lab = up();
            lab.lose = vec![lost];
            has(&mut lab, who, &[NEW]);
            lab.pass(Duration::from_secs(10));
            let (west, east) = match who {
                Who::West => (NEW, EAST),
                Who::East => (WEST, NEW),
            };
            assert_between(&lab, at(west, 4500), at(east, 4500));
            assert!(lab.west.closed().is_empty() && lab.east.closed().is_empty());
        }
    }
}

/// 3.5: another change while the first one is under way starts over; the answer to the first means nothing.
#[test]
fn a_second_move_overtakes_the_first() {
    let mut lab = up();
    has(&mut lab, Who::West, &[NEW]);
    // East has it, but its answer goes to where west isn't any more.
    lab.step();
    has(&mut lab, Who::West, &[NEWER]);
    lab.run();
    lab.pass(Duration::from_secs(5));
    assert_between(&lab, at(NEWER, 4500), at(EAST, 4500));
    assert_eq!(told(&ladder(&lab.west), "--> INFORMATIONAL request"), 2);
    assert_eq!(
        lab.east
            .count(|h| matches!(h, Happening::PathVerified { .. })),
        1
    );
}

/// 3.5: what was asked before goes on over the new path, at once.
#[test]
fn pending_requests_take_the_new_path() {
    let mut lab = up();
    let now = lab.now;
    lab.cut = true;
    lab.west.endpoint.rekey_child(now, "site", "lan").unwrap();
    lab.drain();
    lab.cut = false;
    has(&mut lab, Who::West, &[NEW]);
    let again = lab.wire.front().unwrap();
    assert_eq!(again.from, at(NEW, 4500));
    assert_eq!(again.payload, lab.history[0].payload, "the same octets");
    lab.run();
    assert_eq!(
        lab.west
            .count(|h| matches!(h, Happening::ChildRekeyed { .. })),
        1
    );
    let last = |side: &Side| side.installed.last().unwrap().path;
    assert_eq!(last(&lab.east).remote, at(NEW, 4500));
    lab.assert_tunnel();
}

/// The answer to a rekeying is lost, and its sender moves: the one that waits for it knows only the old IKE SA, and has to
/// be told under that one.
#[test]
fn a_move_after_an_answer_that_was_lost() {
    for (rekeys, moves) in [(Who::West, Who::East), (Who::East, Who::West)] {
        let mut lab = up();
        let now = lab.now;
        lab.side(rekeys).endpoint.rekey_ike(now, "site").unwrap();
        lab.drain();
        lab.step();
        assert_eq!(lab.intercept().len(), 1, "the answer");
        has(&mut lab, moves, &[NEW]);
        lab.pass(Duration::from_secs(60));
        let (west, east) = match moves {
            Who::West => (NEW, EAST),
            Who::East => (WEST, NEW),
        };
        assert_between(&lab, at(west, 4500), at(east, 4500));
        for side in [&lab.west, &lab.east] {
            assert_eq!(side.closed(), ["replaced"]);
        }
    }
}

/// Both sides rekey the IKE SA at once, one answer is lost, and its sender moves before the other answer comes: whichever
/// IKE SA stays, the peer that still waits is told under the one that it knows.
#[test]
fn a_move_amid_rekeyings_from_both_sides() {
    for moves in [Who::West, Who::East] {
        let mut lab = up();
        let now = lab.now;
        for who in [Who::West, Who::East] {
            lab.side(who).endpoint.rekey_ike(now, "site").unwrap();
        }
        lab.drain();
        lab.step();
        lab.step();
        let from = lab.side(moves).address;
        lab.wire.retain(|datagram| datagram.from.ip() != from);
        assert_eq!(lab.wire.len(), 1, "the other answer");
        has(&mut lab, moves, &[NEW]);
        lab.pass(Duration::from_secs(60));
        let (west, east) = match moves {
            Who::West => (NEW, EAST),
            Who::East => (WEST, NEW),
        };
        assert_between(&lab, at(west, 4500), at(east, 4500));
        for side in [&lab.west, &lab.east] {
            assert!(side.closed().iter().all(|cause| cause == "replaced"));
        }
    }
}

/// The IKE SA is replaced while its new path is being tried: the peer, which has gone on under the new one, acknowledges the
/// old request without its cookie, and that is no offence.
#[test]
fn a_path_that_is_tried_while_the_ike_sa_is_replaced() {
    let mut lab = up();
    has(&mut lab, Who::East, &[NEW]);
    lab.drain();
    // East says that it has moved, West begins to try the new path, and that doesn't arrive yet.
    lab.step();
    let west = lab.side(Who::West).address;
    let is_request = |d: &&Datagram| {
        let message = d.payload.strip_prefix(&[0; 4]).unwrap_or(&d.payload);
        d.from.ip() == west && message[19] & 0x20 == 0
    };
    let tried: Vec<_> = lab.wire.iter().filter(is_request).cloned().collect();
    assert_eq!(tried.len(), 1, "UPDATE_SA_ADDRESSES with COOKIE2");
    lab.wire.retain(|d| d.payload != tried[0].payload);
    lab.run();
    let now = lab.now;
    lab.side(Who::East).endpoint.rekey_ike(now, "site").unwrap();
    lab.drain();
    // The request and its answer; then the old request overtakes the DELETE of the old IKE SA.
    lab.step();
    lab.step();
    lab.wire.retain(|d| d.from.ip() == west);
    lab.wire.push_front(tried[0].clone());
    lab.pass(Duration::from_secs(30));
    assert_between(&lab, at(WEST, 4500), at(NEW, 4500));
    for side in [&lab.west, &lab.east] {
        assert_eq!(side.closed(), ["replaced"]);
    }
}

/// We move while we authenticate anew, after the peer has taken our request and before its answer has come: it learns of
/// our move under the new IKE SA too.
#[test]
fn a_move_while_authenticating_anew() {
    let mut lab = up();
    let now = lab.now;
    lab.west.endpoint.reauthenticate(now, "site").unwrap();
    lab.drain();
    for _ in 0..3 {
        lab.step();
    }
    assert_eq!(lab.intercept().len(), 1, "the answer to IKE_AUTH");
    has(&mut lab, Who::West, &[NEW]);
    lab.pass(Duration::from_secs(60));
    assert_between(&lab, at(NEW, 4500), at(EAST, 4500));
    assert_eq!(lab.west.closed(), ["replaced"]);
    assert_eq!(lab.east.closed(), ["replaced"]);
}

/// A goodbye takes the new path as well: nobody is left waiting for an address that is gone.
#[test]
fn a_goodbye_takes_the_new_path() {
    let mut lab = up();
    let now = lab.now;
    lab.west.endpoint.terminate(now, "site").unwrap();
    lab.drain();
    lab.intercept();
    has(&mut lab, Who::West, &[NEW]);
    assert_eq!(lab.wire.front().unwrap().from, at(NEW, 4500));
    lab.run();
    assert_eq!(lab.east.closed(), ["deleted"]);
    assert_eq!(lab.west.closed(), ["deleted"]);
}

/// Behind one NAT are two peers of one connection. When one moves, what the other had before it rekeyed stays where it
/// is, whether we delete that or the other does: also where the NAT gave a port to both in turn, and where both have one
/// identity.
#[test]
fn nothing_of_another_peer_behind_the_nat_goes_along() {
    let peer = |name: &str, shift| {
        let mut connection = mobile(Who::West);
        connection.local_id = name.parse().unwrap();
        let nat = Nat {
            inside: ip(WEST),
            outside: ip(OUTSIDE),
            shift,
        };
        (connection, nat)
    };
    let cases = [("b.lab", 20_000), ("west.lab", 30_000), ("b.lab", 30_000)];
    for ((name, shift), rekeys) in cases
        .into_iter()
        .flat_map(|case| [(case, Who::West), (case, Who::East)])
    {
        let mut east = mobile(Who::East);
        (east.remote, east.remote_id) = (Remote::Any, None);
        east.life.unique = Unique::Never;
        let (other, nat) = peer(name, shift);
        let mut lab = Lab::with(other, east);
        lab.nats.push(nat);
        has(&mut lab, Who::West, &[WEST]);
        has(&mut lab, Who::East, &[EAST]);
        lab.up();
        let now = lab.now;
        lab.side(rekeys).endpoint.rekey_ike(now, "site").unwrap();
        lab.drain();
        lab.step();
        lab.step();
        assert_eq!(lab.intercept().len(), 1, "the goodbye");
        let (mover, nat) = peer("west.lab", 20_000);
        lab.nats = vec![nat];
        lab.west = Side::new(WEST, 3, Settings::default());
        lab.west.endpoint.set_connection(now, Arc::new(mover));
        has(&mut lab, Who::West, &[WEST]);
        lab.up();
        has(&mut lab, Who::West, &[NEW]);
        lab.run();
        let sas = lab.east.endpoint.snapshot();
        let moved = sas.iter().filter(|sa| sa.remote == at(NEW, 4500)).count();
        assert_eq!(
            (sas.len(), moved),
            (3, 1),
            "{name} {shift} {rekeys:?} {sas:#?}"
        );
    }
}

/// Who was given an address asks for anything on its own side, and maybe on the other: its addresses outside aren't inside
/// the tunnel for that, those of the server neither. Without a hint where packets leave from they move, and so do goodbyes.
#[test]
fn a_tunnel_with_a_given_address_moves() {
    for everything in [false, true] {
        let behind = if everything {
            "0.0.0.0/0"
        } else {
            "10.2.0.0/24"
        };
        let (mut west, mut east) = (mobile(Who::West), mobile(Who::East));
        west.inner.wanted = vec![ip("0.0.0.0")];
        west.children[0].local_ts = selectors(&["0.0.0.0/0"]);
        west.children[0].remote_ts = selectors(&[behind]);
        east.inner.pools = vec!["guests".to_owned()];
        east.children[0].local_ts = selectors(&[behind]);
        east.children[0].remote_ts = selectors(&["10.3.0.0/24"]);
        let mut lab = Lab::with(west, east);
        lab.east.pools = Some(Pools::new(vec![Pool {
            name: "guests".to_owned(),
            addresses: vec!["10.3.0.0/24".parse().unwrap()],
            dns: Vec::new(),
            split: Vec::new(),
            per_identity: 1,
        }]));
        has(&mut lab, Who::West, &[WEST]);
        has(&mut lab, Who::East, &[EAST]);
        lab.up();
        let goes = |lab: &mut Lab, who: Who, to: &str, inside: &str| {
            let now = lab.now;
            lab.side(who).address = ip(to);
            lab.side(who).endpoint.local_addresses_changed(
                now,
                vec![ip(inside), ip(to)],
                BTreeMap::new(),
            );
            lab.drain();
        };
        goes(&mut lab, Who::West, NEW, "10.3.0.1");
        lab.run();
        assert_between(&lab, at(NEW, 4500), at(EAST, 4500));
        goes(&mut lab, Who::East, OUTSIDE, "10.3.0.9");
        lab.run();
        assert_between(&lab, at(NEW, 4500), at(OUTSIDE, 4500));
        let now = lab.now;
        lab.west.endpoint.terminate(now, "site").unwrap();
        lab.drain();
        lab.intercept();
        goes(&mut lab, Who::West, NEWER, "10.3.0.1");
        assert_eq!(lab.wire.front().unwrap().from, at(NEWER, 4500));
        lab.run();
        assert_eq!(lab.east.closed(), ["deleted"]);
        assert_eq!(lab.west.closed(), ["deleted"]);
    }
}

/// Who began the first IKE SA decides, whoever has rekeyed it since.
#[test]
fn rekeying_changes_nothing_about_who_decides() {
    let mut lab = up();
    let now = lab.now;
    lab.east.endpoint.rekey_ike(now, "site").unwrap();
    lab.drain();
    lab.run();
    forget(&mut lab);
    has(&mut lab, Who::West, &[NEW]);
    lab.run();
    assert_between(&lab, at(NEW, 4500), at(EAST, 4500));
    assert_eq!(
        told(
            &ladder(&lab.west),
            "--> INFORMATIONAL request 0 [ N(UPDATE_SA_ADDRESSES)"
        ),
        1
    );
}

/// An IKE SA is rekeyed by the peer before it has heard of the move: the heir tells it.
#[test]
fn a_move_survives_the_rekeying_that_it_meets() {
    let mut lab = up();
    let now = lab.now;
    lab.east.endpoint.rekey_ike(now, "site").unwrap();
    lab.drain();
    let rekeying = lab.intercept();
    has(&mut lab, Who::West, &[NEW]);
    lab.intercept();
    lab.west
        .endpoint
        .handle_datagram(now, at(NEW, 4500), at(EAST, 4500), &rekeying[0].payload);
    lab.drain();
    // The old one is forgotten once its last request has had its time.
    lab.pass(Duration::from_secs(150));
    assert_between(&lab, at(NEW, 4500), at(EAST, 4500));
}

pub(crate) fn west_behind_nat() -> Lab {
    let mut east = mobile(Who::East);
    east.remote = Remote::Any;
    let mut west = mobile(Who::West);
    west.dpd_delay = Duration::from_secs(5);
    let mut lab = Lab::with(west, east);
    has(&mut lab, Who::West, &[WEST]);
    has(&mut lab, Who::East, &[EAST]);
    lab.nats.push(Nat {
        inside: ip(WEST),
        outside: ip(OUTSIDE),
        shift: 20_000,
    });
    lab.up();
    // The first sign of life settles how the peer sees us.
    lab.pass(Duration::from_secs(6));
    forget(&mut lab);
    lab
}

/// 3.8: the NAT forgets; signs of life show it, and the initiator has the responder follow.
#[test]
fn a_new_mapping_is_found_by_signs_of_life() {
    let mut lab = west_behind_nat();
    lab.pass(Duration::from_secs(20));
    assert_eq!(told(&ladder(&lab.west), "UPDATE"), 0, "nothing has changed");
    lab.nats[0].shift = 30_000;
    lab.pass(Duration::from_secs(6));
    assert_eq!(told(&ladder(&lab.west), "UPDATE"), 1);
    assert_eq!(path(&lab.east).1, at(OUTSIDE, 34_500));
    assert_eq!(lab.east.ike_sa().remote, at(OUTSIDE, 34_500));
    lab.pass(Duration::from_secs(20));
    assert_eq!(told(&ladder(&lab.west), "UPDATE"), 1, "and once only");
}

/// The same with 4555's caveat: after a rekeying the hashes differ, which costs an exchange and changes nothing.
#[test]
fn a_rekeying_may_cost_an_update() {
    let mut lab = west_behind_nat();
    let now = lab.now;
    lab.west.endpoint.rekey_ike(now, "site").unwrap();
    lab.drain();
    lab.pass(Duration::from_secs(30));
    assert_eq!(
        told(&ladder(&lab.west), "--> INFORMATIONAL request 0 [ N(UPDATE"),
        0
    );
    assert_eq!(told(&ladder(&lab.west), "UPDATE"), 1);
    assert!(
        lab.east
            .events
            .iter()
            .all(|e| !matches!(e.what, Happening::PeerMoved { .. }))
    );
}

/// Encapsulation and keepalives begin where a NAT is, and end where none is.
#[test]
fn a_move_behind_a_nat_and_back() {
    let mut lab = up();
    lab.nats.push(Nat {
        inside: ip(NEW),
        outside: ip(OUTSIDE),
        shift: 20_000,
    });
    has(&mut lab, Who::West, &[NEW]);
    lab.run();
    let (west, east) = (lab.west.installed[0].path, lab.east.installed[0].path);
    assert!(west.udp_encap && east.udp_encap);
    assert_eq!(
        (east.local, east.remote),
        (at(EAST, 4500), at(OUTSIDE, 24_500))
    );
    let behind = |local, remote| {
        Some(NatStatus {
            peer_supports: true,
            local_behind_nat: local,
            remote_behind_nat: remote,
        })
    };
    assert_eq!(lab.west.ike_sa().nat, behind(true, false));
    assert_eq!(lab.east.ike_sa().nat, behind(false, true));
    assert!(matches!(
        lab.west.endpoint.poll_timeout(),
        Some((_, TimerReason::Keepalive))
    ));
    has(&mut lab, Who::West, &[WEST]);
    lab.run();
    assert_between(&lab, at(WEST, 4500), at(EAST, 4500));
    assert!(!lab.west.installed[0].path.udp_encap && !lab.east.installed[0].path.udp_encap);
    assert!(!matches!(
        lab.west.endpoint.poll_timeout(),
        Some((_, TimerReason::Keepalive))
    ));
}

/// An address of the other family, where the peer has told one.
#[test]
fn a_move_from_ipv4_to_ipv6() {
    let mut lab = lab();
    has(&mut lab, Who::East, &[EAST, "2001:db8::2"]);
    lab.up();
    // East answers at its other address too.
    lab.east.address = ip("2001:db8::2");
    has(&mut lab, Who::West, &["2001:db8::1"]);
    assert_eq!(
        path(&lab.west).1,
        at(EAST, 4500),
        "the peer's other address is tried first"
    );
    lab.run();
    assert_between(&lab, at("2001:db8::1", 4500), at("2001:db8::2", 4500));
}

/// The gateway knows another way to the peer, although the old address is still there. Only who decides takes it: the
/// other side is where it was found.
#[test]
fn another_source_is_taken_by_who_decides() {
    let sources = BTreeMap::from([("site".to_owned(), ip(NEW))]);
    for who in [Who::West, Who::East] {
        let mut lab = up();
        let now = lab.now;
        let old = lab.side(who).address;
        let ours = vec![old, ip(NEW)];
        let endpoint = &mut lab.side(who).endpoint;
        endpoint.local_addresses_changed(now, ours, sources.clone());
        if who == Who::West {
            lab.west.address = ip(NEW);
        }
        lab.drain();
        lab.run();
        let west = if who == Who::West { NEW } else { WEST };
        assert_between(&lab, at(west, 4500), at(EAST, 4500));
        let told = told(&ladder(&lab.west), "N(ADDITIONAL_IP4_ADDRESS)");
        assert_eq!(told, 1, "and the other address is told");
    }
}

/// The interface that the configuration names has another address: that is the source then.
#[test]
fn a_configured_address_gives_way_to_its_source() {
    let mut west = mobile(Who::West);
    west.local = Some(ip(WEST));
    let mut lab = Lab::with(west, mobile(Who::East));
    has(&mut lab, Who::East, &[EAST]);
    lab.up();
    let now = lab.now;
    let sources = BTreeMap::from([("site".to_owned(), ip(NEW))]);
    lab.west.address = ip(NEW);
    let ours = vec![ip(NEW), ip(NEWER)];
    lab.west
        .endpoint
        .local_addresses_changed(now, ours, sources);
    lab.drain();
    lab.run();
    assert_between(&lab, at(NEW, 4500), at(EAST, 4500));
}

/// A configured address is the one to use: without it the tunnel waits.
#[test]
fn a_configured_address_is_not_given_up() {
    let mut west = mobile(Who::West);
    west.local = Some(ip(WEST));
    let mut lab = Lab::with(west, mobile(Who::East));
    has(&mut lab, Who::West, &[WEST, "203.0.113.1"]);
    lab.up();
    assert!(!ladder(&lab.west)[2].contains("ADDITIONAL"));
    forget(&mut lab);
    has(&mut lab, Who::West, &[NEW]);
    lab.run();
    assert!(lab.history.is_empty());
    assert_eq!(lab.west.ike_sa().local, at(WEST, 4500));
}
