//! Translators between the two (RFC 7296 2.23, RFC 3948 4).

use crate::common;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use adit_ike::{NatStatus, TimerReason};
use adit_model::connection::Remote;
use adit_model::dataplane::DataPlaneRequest;
use adit_model::drops::DropReason;
use adit_model::event::Happening;
use common::*;

const OUTSIDE: &str = "198.51.100.7";

fn status(local: bool, remote: bool) -> Option<NatStatus> {
    Some(NatStatus {
        peer_supports: true,
        local_behind_nat: local,
        remote_behind_nat: remote,
    })
}

/// West behind a translator that changes ports too.
fn west_behind_nat() -> Lab {
    let mut east = connection(Who::East);
    east.remote = Remote::Any;
    let mut lab = Lab::with(connection(Who::West), east);
    lab.nats.push(Nat {
        inside: ip(WEST),
        outside: ip(OUTSIDE),
        shift: 20_000,
    });
    lab
}

#[test]
fn an_initiator_behind_a_nat_floats_and_keeps_it_open() {
    let mut lab = west_behind_nat();
    lab.up();
    assert_eq!(lab.west.ike_sa().nat, status(true, false));
    assert_eq!(lab.east.ike_sa().nat, status(false, true));
    let ports: Vec<(u16, u16)> = lab
        .history
        .iter()
        .map(|d| (d.from.port(), d.to.port()))
        .collect();
    assert_eq!(
        ports,
        [(500, 500), (500, 20_500), (4500, 4500), (4500, 24_500)]
    );
    for side in [&lab.west, &lab.east] {
        assert!(side.saw(|h| *h == Happening::Floated));
        assert!(!side.saw(|h| matches!(h, Happening::PeerMoved { .. })));
    }
    lab.assert_tunnel();
    let path = lab.east.installed[0].path;
    assert!(path.udp_encap);
    assert_eq!(path.remote, at(OUTSIDE, 24_500));
    assert_eq!(lab.west.installed[0].path.remote, at(EAST, 4500));

    assert!(matches!(
        lab.west.endpoint.poll_timeout(),
        Some((_, TimerReason::Keepalive))
    ));
    lab.pass(Duration::from_secs(65));
    assert_eq!(
        lab.west.keepalives,
        vec![(at(WEST, 4500), at(EAST, 4500)); 3]
    );
    assert!(lab.east.keepalives.is_empty());
}

#[test]
fn a_responder_behind_a_nat() {
    let mut west = connection(Who::West);
    west.remote = Remote::Address(ip(OUTSIDE));
    let mut lab = Lab::with(west, connection(Who::East));
    lab.nats.push(Nat {
        inside: ip(EAST),
        outside: ip(OUTSIDE),
        shift: 0,
    });
    lab.up();
    lab.assert_tunnel();
    assert_eq!(lab.west.ike_sa().nat, status(false, true));
    assert_eq!(lab.east.ike_sa().nat, status(true, false));
    assert_eq!(lab.west.installed[0].path.remote, at(OUTSIDE, 4500));
    lab.pass(Duration::from_secs(21));
    assert_eq!(lab.east.keepalives.len(), 1);
}

/// Without a NAT nothing moves.
#[test]
fn no_nat_no_float() {
    let mut lab = Lab::new();
    lab.up();
    assert_eq!(lab.west.ike_sa().nat, status(false, false));
    assert!(lab.history.iter().all(|d| d.from.port() == 500));
}

/// Whoever wants encapsulation without a NAT pretends to be behind one; the other side believes it.
#[test]
fn encapsulation_can_be_forced_by_either_side() {
    for forces in [Who::West, Who::East] {
        let (mut west, mut east) = (connection(Who::West), connection(Who::East));
        west.force_encap = forces == Who::West;
        east.force_encap = forces == Who::East;
        let mut lab = Lab::with(west, east);
        lab.up();
        lab.assert_tunnel();
        assert!(lab.west.installed[0].path.udp_encap, "{forces:?}");
        assert_eq!(lab.west.installed[0].path.local, at(WEST, 4500));
        assert_eq!(lab.east.installed[0].path.local, at(EAST, 4500));
    }
}

/// The translator forgets its mapping and makes another: east follows the next authentic message.
#[test]
fn a_new_mapping_is_followed() {
    let mut lab = west_behind_nat();
    lab.up();
    lab.nats[0].shift = 30_000;
    let now = lab.now;
    lab.west.endpoint.terminate(now, "site").unwrap();
    lab.drain();
    // A forged message from elsewhere moves nothing.
    let request = lab.wire.front().cloned().unwrap();
    let mut forged = request.clone();
    *forged.payload.last_mut().unwrap() ^= 1;
    lab.deliver(&forged);
    assert_eq!(lab.east.drops(), [(DropReason::IkeAuthenticity, 1)]);
    assert_eq!(lab.east.ike_sa().remote, at(OUTSIDE, 24_500));
    lab.run();
    assert!(lab.east.saw(|h| *h
        == Happening::PeerMoved {
            from: at(OUTSIDE, 24_500),
            to: at(OUTSIDE, 34_500)
        }));
    assert!(lab.east.data_plane.iter().any(
        |r| matches!(r, DataPlaneRequest::MovePath { path, .. } if path.remote == at(OUTSIDE, 34_500))
    ));
    assert_eq!(lab.east.closed(), ["deleted"]);
}

/// A peer that isn't behind a NAT doesn't move by itself, and a replayed message moves nobody.
#[test]
fn abuse_48_only_peers_behind_a_nat_move() {
    let mut lab = Lab::new();
    lab.up();
    let now = lab.now;
    lab.west.endpoint.terminate(now, "site").unwrap();
    lab.drain();
    let request = lab.intercept().pop().unwrap();
    let elsewhere: SocketAddr = at("203.0.113.5", 500);
    lab.east
        .endpoint
        .handle_datagram(now, request.to, elsewhere, &request.payload);
    lab.drain();
    assert!(!lab.east.saw(|h| matches!(h, Happening::PeerMoved { .. })));
    // The answer goes to where the request came from (2.11).
    assert_eq!(lab.intercept().pop().unwrap().to, elsewhere);
}

#[test]
fn abuse_49_replayed_messages_move_nobody() {
    let mut lab = west_behind_nat();
    lab.up();
    let auth = lab.history[2].clone();
    let now = lab.now;
    let elsewhere = at("203.0.113.5", 4500);
    lab.east
        .endpoint
        .handle_datagram(now, auth.to, elsewhere, &auth.payload);
    lab.drain();
    assert_eq!(lab.east.drops(), [(DropReason::IkeDuplicate, 1)]);
    assert_eq!(lab.east.ike_sa().remote, at(OUTSIDE, 24_500));
}

/// A peer on an unusual port is found there, before and after the move.
#[test]
fn an_unusual_port_is_kept() {
    let mut west = connection(Who::West);
    west.remote_port = 5500;
    let mut lab = Lab::with(west, connection(Who::East));
    let now = lab.now;
    let mut forced = connection(Who::East);
    forced.force_encap = true;
    lab.east.endpoint.set_connection(now, Arc::new(forced));
    lab.initiate();
    assert_eq!(lab.wire.front().unwrap().to, at(EAST, 5500));
    lab.step();
    lab.step();
    let auth = lab.wire.front().unwrap();
    assert_eq!((auth.from, auth.to), (at(WEST, 4500), at(EAST, 5500)));
}
