//! Tunnel and transport mode (RFC 7296 1.3.1): agreed on only where both sides want it and no NAT is between them.

use crate::common;

use adit_ike::ChildSaState;
use adit_model::carriage::Tfc;
use adit_model::connection::{Connection, Leeway, Mode, Remote};
use adit_model::event::Happening;
use adit_model::feature::Feature;
use adit_model::reason::Refusal;
use common::*;

/// One side with its child between the two hosts, in transport mode.
fn host(who: Who, local: &str, remote: &str) -> Connection {
    let mut connection = connection(who);
    let child = &mut connection.children[0];
    child.mode = Mode::Transport;
    child.local_ts = selectors(&[local]);
    child.remote_ts = selectors(&[remote]);
    connection
}

fn west() -> Connection {
    host(Who::West, WEST, EAST)
}

fn east() -> Connection {
    host(Who::East, EAST, WEST)
}

/// The same in tunnel mode.
fn tunnel(mut connection: Connection) -> Connection {
    connection.children[0].mode = Mode::Tunnel;
    connection
}

/// The same, content with tunnel mode.
fn lenient(mut connection: Connection) -> Connection {
    connection.children[0].leeway = Leeway {
        tunnel_instead: true,
        ..Leeway::default()
    };
    connection
}

fn assert_mode(lab: &Lab, mode: Mode) {
    for side in [&lab.west, &lab.east] {
        let installed: Vec<Mode> = side.installed.iter().map(|sa| sa.mode).collect();
        assert_eq!(installed, [mode]);
        assert_eq!(side.ike_sa().children[0].mode, mode);
        assert_eq!(side.ike_sa().children[0].state, ChildSaState::Installed);
    }
    lab.assert_tunnel();
}

/// ```text
/// SK { IDi, … SA, TSi, TSr, N(USE_TRANSPORT_MODE) } ──►
///             ◄── SK { IDr, … SA, TSi, TSr, N(USE_TRANSPORT_MODE) }
/// ```
#[test]
fn both_want_transport_mode() {
    let mut lab = Lab::with(west(), east());
    lab.up();
    let shown = ladder(&lab.west).split_off(2);
    assert!(shown[0].contains("TSr N(USE_TRANSPORT_MODE)"), "{shown:?}");
    assert!(shown[1].contains("TSr N(USE_TRANSPORT_MODE)"), "{shown:?}");
    assert_mode(&lab, Mode::Transport);
    assert_eq!(lab.west.installed[0].ts_local, selectors(&[WEST]));
}

/// RFC 7296 1.3.1: who can't cut filling off again says so, and gets none.
#[test]
fn packets_are_filled_up_only_for_peers_that_take_it() {
    let filling = |mut connection: Connection| {
        connection.children[0].carriage.tfc = Tfc::Mtu;
        connection
    };
    let agreed = |west, east| {
        let mut lab = Lab::with(filling(west), filling(east));
        lab.up();
        let rekeyed = {
            let now = lab.now;
            let endpoint = &mut lab.west.endpoint;
            endpoint.rekey_child(now, "site", "lan").unwrap();
            lab.drain();
            lab.run();
            [&lab.west, &lab.east].map(|side| side.installed.last().unwrap().carriage.tfc)
        };
        let first = [&lab.west, &lab.east].map(|side| side.installed[0].carriage.tfc);
        assert_eq!(first, rekeyed);
        first
    };
    assert_eq!(agreed(tunnel(west()), tunnel(east())), [Tfc::Mtu, Tfc::Mtu]);
    // West hopes for transport mode, in which it couldn't.
    let hoping = agreed(lenient(west()), tunnel(east()));
    assert_eq!(hoping, [Tfc::Mtu, Tfc::Off]);
}

#[test]
fn a_rekeyed_child_keeps_its_mode() {
    for (starts, other) in [(Who::West, Who::East), (Who::East, Who::West)] {
        let mut lab = Lab::with(west(), east());
        lab.up();
        let now = lab.now;
        let endpoint = &mut lab.side(starts).endpoint;
        endpoint.rekey_child(now, "site", "lan").unwrap();
        lab.drain();
        lab.run();
        assert_mode(&lab, Mode::Transport);
        assert!(
            lab.side(other)
                .saw(|h| matches!(h, Happening::ChildRekeyed { .. }))
        );
    }
}

/// What is configured more widely is cut down to the two hosts; protocol and port stay.
#[test]
fn the_traffic_is_that_of_the_two_hosts() {
    let wide = host(Who::West, "192.0.2.0/24", "0.0.0.0/0[tcp/22]");
    let mut lab = Lab::with(
        wide,
        host(Who::East, "192.0.2.2[tcp]", "192.0.2.0-192.0.2.9"),
    );
    lab.up();
    assert_mode(&lab, Mode::Transport);
    let sa = &lab.west.installed[0];
    assert_eq!(sa.ts_local, selectors(&[WEST]));
    assert_eq!(sa.ts_remote, selectors(&["192.0.2.2[tcp/22]"]));
}

#[test]
fn networks_behind_the_hosts_have_no_transport_mode() {
    let mut lab = Lab::with(host(Who::West, "10.1.0.0/24", "10.2.0.0/24"), east());
    lab.initiate();
    lab.run();
    let (what, refusal, notify) = lab.west.refusals().pop().unwrap();
    assert_eq!((what.as_str(), notify), ("IKE_AUTH", None));
    assert!(matches!(refusal, Refusal::Local { problem } if problem.contains("peers' own")));

    // As responder they are simply not what is asked for.
    let mut lab = Lab::with(west(), host(Who::East, "10.2.0.0/24", "10.1.0.0/24"));
    lab.initiate();
    lab.run();
    assert!(lab.east.refusals().iter().any(|(_, r, notify)| {
        matches!(r, Refusal::TrafficSelectors { .. })
            && notify.as_deref() == Some("TS_UNACCEPTABLE")
    }));
}

/// RFC 7296 1.3.1: an initiator that finds tunnel mode unacceptable deletes the SA.
#[test]
fn a_responder_that_wants_tunnel_mode() {
    let mut lab = Lab::with(west(), tunnel(east()));
    lab.initiate();
    lab.run();
    let (what, refusal, _) = lab.west.refusals().pop().unwrap();
    assert_eq!(what, "CHILD_SA lan");
    assert_eq!(
        refusal,
        Refusal::Mode {
            requested_transport: false
        }
    );
    assert!(lab.west.installed.is_empty() && lab.east.installed.is_empty());
    assert_eq!(lab.west.closed(), ["failed"]);

    let mut lab = Lab::with(lenient(west()), tunnel(east()));
    lab.up();
    assert_mode(&lab, Mode::Tunnel);
}

#[test]
fn an_initiator_that_wants_tunnel_mode() {
    let mut lab = Lab::with(tunnel(west()), east());
    lab.initiate();
    lab.run();
    let (what, refusal, notify) = lab.east.refusals().pop().unwrap();
    assert_eq!(what, "CHILD_SA lan");
    assert_eq!(
        refusal,
        Refusal::Mode {
            requested_transport: false
        }
    );
    assert_eq!(notify.as_deref(), Some("NO_PROPOSAL_CHOSEN"));
    assert!(lab.west.installed.is_empty() && lab.east.installed.is_empty());

    let mut lab = Lab::with(tunnel(west()), lenient(east()));
    lab.up();
    assert_mode(&lab, Mode::Tunnel);
}

/// Checksums of TCP and UDP cover addresses that a NAT replaces (RFC 3948 3.1.2): no transport mode there.
#[test]
fn no_transport_mode_through_a_nat() {
    let translated = |west: Connection, mut east: Connection| {
        east.remote = Remote::Any;
        let mut lab = Lab::with(west, east);
        lab.nats.push(Nat {
            inside: ip(WEST),
            outside: ip("198.51.100.7"),
            shift: 20_000,
        });
        lab.initiate();
        lab.run();
        lab
    };
    let is_nat = |refusal: &Refusal| {
        *refusal
            == Refusal::Unsupported {
                what: Feature::TransportBehindNat,
            }
    };
    let lab = translated(west(), east());
    assert!(is_nat(&lab.west.refusals().pop().unwrap().1));
    // Nothing of ours was asked for, so the peer needn't refuse it.
    assert!(lab.east.refusals().is_empty());
    assert!(lab.west.installed.is_empty() && lab.east.installed.is_empty());

    let lab = translated(tunnel(west()), east());
    let (_, refusal, notify) = lab.east.refusals().pop().unwrap();
    assert!(is_nat(&refusal));
    assert_eq!(notify.as_deref(), Some("NO_PROPOSAL_CHOSEN"));

    let lab = translated(lenient(west()), lenient(east()));
    assert_mode(&lab, Mode::Tunnel);
}

/// Forced encapsulation tells the peer of a NAT, so that it encapsulates too; it can't know better.
#[test]
fn no_transport_mode_with_forced_encapsulation() {
    let forced = Connection {
        force_encap: true,
        ..west()
    };
    let mut lab = Lab::with(forced, east());
    lab.initiate();
    lab.run();
    let (_, _, notify) = lab.east.refusals().pop().unwrap();
    assert_eq!(notify.as_deref(), Some("NO_PROPOSAL_CHOSEN"));
    assert!(lab.west.installed.is_empty() && lab.east.installed.is_empty());
}
