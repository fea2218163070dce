//! IKE_SA_INIT and IKE_AUTH as RFC 7296 1.2 draws them.

use crate::common;

use std::sync::Arc;

use adit_ike::{CommandError, IkeSaState, TimerReason};
use adit_model::connection::{Connection, Remote};
use adit_model::event::{Happening, Role};
use adit_model::proposal::Proposal;
use common::*;

/// ```text
/// west                                                  east
/// SAi1, KEi, Ni, N(NAT…), N(FRAG) ──────────────────────►
///        ◄────────────────────── SAr1, KEr, Nr, N(NAT…), N(FRAG)
/// SK { IDi, N(INITIAL_CONTACT), IDr, AUTH, SAi2, TSi, TSr } ►
///        ◄──────────────────── SK { IDr, AUTH, SAr2, TSi, TSr }
/// ```
#[test]
fn two_exchanges_make_a_tunnel() {
    let mut lab = Lab::new();
    lab.initiate();
    lab.run();
    assert_eq!(
        ladder(&lab.west),
        [
            "--> IKE_SA_INIT request 0 [ SA KE Nonce N(NAT_DETECTION_SOURCE_IP) \
             N(NAT_DETECTION_DESTINATION_IP) N(IKEV2_FRAGMENTATION_SUPPORTED) ]",
            "<-- IKE_SA_INIT response 0 [ SA KE Nonce N(NAT_DETECTION_SOURCE_IP) \
             N(NAT_DETECTION_DESTINATION_IP) N(IKEV2_FRAGMENTATION_SUPPORTED) \
             N(CHILDLESS_IKEV2_SUPPORTED) ]",
            "--> IKE_AUTH request 1 [ IDi N(INITIAL_CONTACT) IDr AUTH SA TSi TSr ]",
            "<-- IKE_AUTH response 1 [ IDr AUTH SA TSi TSr ]",
        ]
    );
    let mirrored: Vec<String> = ladder(&lab.west)
        .iter()
        .map(|l| match l.split_at(3) {
            ("-->", rest) => format!("<--{rest}"),
            (_, rest) => format!("-->{rest}"),
        })
        .collect();
    assert_eq!(ladder(&lab.east), mirrored);

    lab.assert_tunnel();
    let (west, east) = (lab.west.ike_sa(), lab.east.ike_sa());
    assert_eq!(
        (west.state, east.state),
        (IkeSaState::Established, IkeSaState::Established)
    );
    assert_eq!((west.role, east.role), (Role::Initiator, Role::Responder));
    assert_eq!(west.spis, east.spis);
    assert_eq!(west.suite, east.suite);
    assert_eq!(west.local_id, Some(fqdn("west.lab")));
    assert_eq!(west.remote_id, Some(fqdn("east.lab")));
    assert_eq!(
        (east.local_id, east.remote_id),
        (west.remote_id.clone(), west.local_id.clone())
    );
    assert_eq!(east.connection.as_deref(), Some("site"));
    assert!(lab.west.drops().is_empty() && lab.east.drops().is_empty());
    for side in [&lab.west, &lab.east] {
        assert!(side.saw(|h| matches!(
            h,
            Happening::ChildEstablished {
                narrowed: false,
                udp_encap: false,
                ..
            }
        )));
    }
    // The one timer left is for renewal: no liveness checks are configured, no NAT is there.
    for side in [&lab.west, &lab.east] {
        let (_, reason) = side.endpoint.poll_timeout().unwrap();
        assert_eq!(reason, TimerReason::Renewal);
    }
}

#[test]
fn ipv6_works_alike() {
    let (mut west, mut east) = (connection(Who::West), connection(Who::East));
    let (w, e) = ("2001:db8::1", "2001:db8::2");
    (west.local, west.remote) = (Some(ip(w)), Remote::Address(ip(e)));
    (east.local, east.remote) = (Some(ip(e)), Remote::Address(ip(w)));
    let (lan_w, lan_e) = (
        selectors(&["10.1.0.0/24", "fd00:1::/64"]),
        selectors(&["fd00:2::/64", "10.2.0.0/24"]),
    );
    west.children[0].local_ts.clone_from(&lan_w);
    west.children[0].remote_ts.clone_from(&lan_e);
    east.children[0].local_ts = lan_e;
    east.children[0].remote_ts = lan_w;
    let mut lab = Lab::with(west, east);
    lab.west.address = ip(w);
    lab.east.address = ip(e);
    lab.up();
    lab.assert_tunnel();
    assert_eq!(lab.west.installed[0].ts_remote.len(), 2);
    assert!(!lab.west.installed[0].path.udp_encap);
}

/// Every combination of algorithms that is offered by default, and the order in which the responder chooses.
#[test]
fn suites_of_all_kinds() {
    for (ike_text, esp_text) in [
        ("aes256gcm16-prfsha384-ecp384", "aes256gcm16"),
        ("chacha20poly1305-prfsha256-x25519", "chacha20poly1305"),
        ("aes128-sha256-modp2048", "aes128-sha256"),
        ("aes256-sha512-ecp521", "aes256-sha512"),
        ("aes256-sha384-modp3072", "aes256-sha384"),
        ("aes128-sha1-modp4096", "aes128-sha1"),
        ("aes128gcm16-prfsha1-ecp256", "aes128gcm16-esn"),
    ] {
        let (mut west, mut east) = (connection(Who::West), connection(Who::East));
        for side in [&mut west, &mut east] {
            side.ike = vec![ike(ike_text)];
            side.children[0].esp = vec![esp(esp_text)];
        }
        let mut lab = Lab::with(west, east);
        lab.up();
        lab.assert_tunnel();
        let suite = lab.west.ike_sa().suite.unwrap();
        assert_eq!(Proposal::from(suite), ike(ike_text), "{ike_text}");
        assert_eq!(lab.west.installed[0].suite.esn, esp_text.ends_with("esn"));
    }
}

#[test]
fn the_responder_chooses_by_its_own_order() {
    let (mut west, mut east) = (connection(Who::West), connection(Who::East));
    west.ike = vec![
        ike("aes128-sha256-x25519"),
        ike("aes256gcm16-aes128gcm16-prfsha256-x25519"),
    ];
    east.ike = vec![
        ike("aes128gcm16-prfsha256-x25519"),
        ike("aes128-sha256-x25519"),
    ];
    west.children[0].esp = vec![esp("aes128-sha256"), esp("aes128gcm16-aes256gcm16")];
    east.children[0].esp = vec![esp("aes256gcm16")];
    let mut lab = Lab::with(west, east);
    lab.up();
    let suite = lab.east.ike_sa().suite.unwrap();
    assert_eq!(Proposal::from(suite), ike("aes128gcm16-prfsha256-x25519"));
    assert_eq!(
        Proposal::from(lab.east.installed[0].suite),
        esp("aes256gcm16")
    );
    lab.assert_tunnel();
}

/// The same inputs give the same octets: a recording is a test.
#[test]
fn handshakes_can_be_repeated() {
    let run = || {
        let mut lab = Lab::new();
        lab.up();
        lab.history
    };
    assert_eq!(run(), run());
}

#[test]
fn commands_that_make_no_sense_are_refused_and_change_nothing() {
    let mut lab = Lab::new();
    let now = lab.now;
    let endpoint = &mut lab.west.endpoint;
    let (w, e) = (ip(WEST), ip(EAST));
    assert_eq!(
        endpoint.initiate(now, "nowhere", w, e),
        Err(CommandError::UnknownConnection("nowhere".into()))
    );
    assert!(matches!(
        endpoint.initiate(now, "site", w, ip("2001:db8::2")),
        Err(CommandError::AddressFamilies { .. })
    ));
    assert_eq!(
        endpoint.terminate(now, "site"),
        Err(CommandError::NotActive("site".into()))
    );
    let mut childless = connection(Who::West);
    childless.children.clear();
    endpoint.set_connection(
        now,
        Arc::new(Connection {
            name: "a".into(),
            ..childless
        }),
    );
    let mut exotic = connection(Who::West);
    exotic.ike = vec!["camellia128-sha256-prfsha256-x25519".parse().unwrap()];
    endpoint.set_connection(
        now,
        Arc::new(Connection {
            name: "b".into(),
            ..exotic
        }),
    );
    for name in ["a", "b"] {
        assert!(matches!(
            endpoint.initiate(now, name, w, e),
            Err(CommandError::Unusable { .. })
        ));
    }
    assert!(endpoint.poll_output().is_none());
    assert!(endpoint.is_idle());

    endpoint.initiate(now, "site", w, e).unwrap();
    assert_eq!(
        endpoint.initiate(now, "site", w, e),
        Err(CommandError::AlreadyActive("site".into()))
    );
    assert!(!endpoint.is_idle());
}

/// Whoever keeps a recording is told every message that an event speaks of, in clear, and nobody else is.
#[test]
fn every_message_is_told_in_clear_to_who_asks() {
    let telling = adit_ike::Settings {
        tell_messages: true,
        ..adit_ike::Settings::default()
    };
    let mut lab = Lab::bare(telling, adit_ike::Settings::default());
    let now = lab.now;
    let (west, east) = (connection(Who::West), connection(Who::East));
    lab.west.endpoint.set_connection(now, Arc::new(west));
    lab.east.endpoint.set_connection(now, Arc::new(east));
    lab.up();
    assert!(lab.east.messages.is_empty());
    assert!(lab.west.told_keys.is_empty(), "keys are another matter");
    let told: Vec<(bool, Vec<String>)> = lab
        .west
        .messages
        .iter()
        .map(|message| {
            let read = adit_wire::v2::Message::parse(&message.plain).unwrap();
            assert!(read.encrypted.is_none());
            let kinds = read.payloads.iter().map(|p| p.kind().to_string());
            (message.sent, kinds.collect())
        })
        .collect();
    let events: Vec<(bool, usize, usize)> = lab
        .west
        .events
        .iter()
        .filter_map(|event| match &event.what {
            Happening::Sent(m) => Some((true, m.payloads.len(), m.octets)),
            Happening::Received(m) => Some((false, m.payloads.len(), m.octets)),
            _ => None,
        })
        .collect();
    assert_eq!(told.len(), 4);
    assert_eq!(
        told[3],
        (
            false,
            ["IDr", "AUTH", "SA", "TSi", "TSr"]
                .map(str::to_owned)
                .to_vec()
        )
    );
    let numbers = lab.west.messages.iter().zip(&told);
    let numbers: Vec<_> = numbers
        .map(|(m, (sent, p))| (*sent, p.len(), m.octets))
        .collect();
    assert_eq!(numbers, events);
}
