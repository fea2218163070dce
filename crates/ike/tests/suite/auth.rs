//! Who are you? IKE_AUTH when the answer is wrong, late or missing (RFC 7296 2.15, 2.21.2).

use crate::common;

use std::sync::Arc;
use std::time::Duration;

use adit_ike::IkeSaState;
use adit_model::connection::{AuthKind, Connection, Remote};
use adit_model::drops::DropReason;
use adit_model::event::Happening;
use adit_model::identity::Identity;
use adit_model::reason::Refusal;
use adit_wire::iana::{AuthMethod, ExchangeType, NotifyType};
use adit_wire::v2::{AuthPayload, Payload};
use common::peer::{Peer, esp_sa, id, ike_sa, ts};
use common::*;

/// Runs a handshake that fails at the responder; west learns AUTHENTICATION_FAILED and no more.
fn refused_by_east(mut lab: Lab) -> Refusal {
    lab.initiate();
    lab.run();
    let (what, refusal, notify) = lab.east.refusals().pop().expect("east refused nothing");
    assert_eq!(what, "IKE_AUTH");
    assert_eq!(notify.as_deref(), Some("AUTHENTICATION_FAILED"));
    assert_eq!(
        lab.west.peer_refusals(),
        [("IKE_AUTH".into(), "AUTHENTICATION_FAILED".into())]
    );
    assert!(
        lab.west
            .saw(|h| matches!(h, Happening::PeerRefused { asked, .. }
        if asked.local_id.is_some() && asked.remote_id.is_some()))
    );
    assert_eq!(lab.west.closed(), ["failed"]);
    assert_eq!(lab.east.closed(), ["failed"]);
    assert!(lab.west.installed.is_empty() && lab.east.installed.is_empty());
    assert!(lab.west.endpoint.is_idle() && lab.east.endpoint.is_idle());
    refusal
}

#[test]
fn different_keys() {
    let mut lab = Lab::new();
    lab.west.keys = Keys::Holds(b"another secret");
    assert_eq!(
        refused_by_east(lab),
        Refusal::AuthValue {
            claimed: fqdn("west.lab"),
            method: 2
        }
    );
}

#[test]
fn an_initiator_with_an_unexpected_identity() {
    let mut west = connection(Who::West);
    west.local_id = fqdn("somebody.else");
    let lab = Lab::with(west, connection(Who::East));
    assert_eq!(
        refused_by_east(lab),
        Refusal::PeerIdentity {
            received: fqdn("somebody.else"),
            expected: vec![fqdn("west.lab")]
        }
    );
}

/// Types count: the key id `west.lab` isn't the FQDN.
#[test]
fn abuse_54_an_identity_of_another_type_is_another_identity() {
    let mut west = connection(Who::West);
    west.local_id = Identity::KeyId(b"west.lab".to_vec());
    let lab = Lab::with(west, connection(Who::East));
    assert!(matches!(refused_by_east(lab), Refusal::PeerIdentity { .. }));
}

#[test]
fn an_initiator_that_wants_somebody_else() {
    let mut west = connection(Who::West);
    west.remote_id = Some(fqdn("north.lab"));
    let lab = Lab::with(west, connection(Who::East));
    assert_eq!(
        refused_by_east(lab),
        Refusal::OurIdentity {
            requested: fqdn("north.lab"),
            ours: vec![fqdn("east.lab")]
        }
    );
}

#[test]
fn a_responder_without_a_key() {
    let mut lab = Lab::new();
    lab.east.keys = Keys::HasNone;
    assert_eq!(
        refused_by_east(lab),
        Refusal::NoKey {
            local: fqdn("east.lab"),
            remote: fqdn("west.lab")
        }
    );
}

#[test]
fn a_responder_whose_key_holder_fails() {
    let mut lab = Lab::new();
    lab.east.keys = Keys::Fails;
    assert!(matches!(refused_by_east(lab), Refusal::Local { .. }));
}

#[test]
fn an_initiator_without_a_key_sends_nothing_more() {
    for keys in [Keys::HasNone, Keys::Fails] {
        let mut lab = Lab::new();
        lab.west.keys = keys;
        lab.initiate();
        lab.run();
        let (what, refusal, notify) = lab.west.refusals().pop().unwrap();
        assert_eq!((what.as_str(), notify), ("IKE_AUTH", None));
        assert!(matches!(
            refusal,
            Refusal::NoKey { .. } | Refusal::Local { .. }
        ));
        assert_eq!(lab.west.closed(), ["failed"]);
        assert_eq!(lab.history.len(), 2);
    }
}

/// The key holder takes its time: retransmissions are counted, nothing is sent twice, and in the end all is well.
#[test]
fn slow_key_holders() {
    let mut lab = Lab::new();
    lab.west.keys = Keys::Slow(b"a shared secret");
    lab.east.keys = Keys::Slow(b"a shared secret");
    lab.initiate();
    lab.run();
    assert_eq!(lab.history.len(), 2);
    assert_eq!(lab.west.ike_sa().state, IkeSaState::Connecting);
    lab.answer_keys(Who::West);
    lab.run();
    lab.pass(Duration::from_millis(600));
    assert_eq!(lab.east.drops(), [(DropReason::IkeBusy, 1)]);
    lab.answer_keys(Who::East);
    lab.pass(Duration::from_millis(1000));
    assert_eq!(lab.east.drops(), [(DropReason::IkeBusy, 2)]);
    lab.answer_keys(Who::East);
    lab.run();
    assert!(lab.east.is_up() && !lab.west.is_up());
    lab.answer_keys(Who::West);
    lab.run();
    lab.assert_tunnel();
}

#[test]
fn key_holders_that_never_answer() {
    // The initiator's.
    let mut lab = Lab::new();
    lab.west.keys = Keys::Slow(b"");
    lab.initiate();
    lab.run();
    lab.pass(Duration::from_secs(11));
    assert!(matches!(
        lab.west.refusals().pop(),
        Some((_, Refusal::Local { .. }, None))
    ));
    assert!(lab.west.endpoint.is_idle());
    // A late answer is to nobody.
    lab.answer_keys(Who::West);
    assert!(lab.intercept().is_empty());

    // The responder's.
    let mut lab = Lab::new();
    lab.east.keys = Keys::Slow(b"");
    lab.initiate();
    lab.pass(Duration::from_secs(11));
    assert!(matches!(
        lab.east.refusals().pop(),
        Some((_, Refusal::Local { .. }, Some(_)))
    ));
    assert_eq!(lab.west.closed(), ["failed"]);
}

/// The responder proves nothing, or proves to be somebody else. The initiator tells it (RFC 7296 2.21.2).
#[test]
fn a_responder_that_is_not_whom_we_want() {
    for (name, key) in [
        ("east.lab", b"another secret".as_slice()),
        ("mallory.lab", b"a shared secret"),
    ] {
        let mut lab = Lab::new();
        lab.initiate();
        let init = lab.intercept().pop().unwrap();
        let (mut peer, opening) = Peer::answer(&mut lab, &init.payload, ike_sa(&[]));
        let request = lab.intercept().pop().unwrap();
        let (header, payloads) = peer.unseal(&request.payload);
        let spi = payloads.sa().unwrap().proposals[0].child_spi().unwrap();
        assert_ne!(spi, 0);
        let mut answer = peer.authenticate_responder(&opening, name, key);
        answer.extend([
            Payload::Sa(esp_sa(0x2000, None)),
            Payload::TsI(ts("10.1.0.0/24")),
            Payload::TsR(ts("10.2.0.0/24")),
        ]);
        let response = peer.header(ExchangeType::IKE_AUTH, true, header.message_id);
        let sealed = peer.seal(response, answer);
        lab.deliver(&Datagram {
            from: request.to,
            to: request.from,
            payload: sealed,
        });
        assert!(lab.west.installed.is_empty());
        let (_, refusal, notify) = lab.west.refusals().pop().unwrap();
        assert!(matches!(
            refusal,
            Refusal::AuthValue { .. } | Refusal::PeerIdentity { .. }
        ));
        assert_eq!(notify.as_deref(), Some("AUTHENTICATION_FAILED"));
        let farewell = lab.intercept().pop().unwrap();
        let (header, payloads) = peer.unseal(&farewell.payload);
        assert_eq!(header.exchange, ExchangeType::INFORMATIONAL);
        assert_eq!(
            payloads.error_notify().unwrap().kind,
            NotifyType::AUTHENTICATION_FAILED
        );
        lab.pass(Duration::from_secs(10));
        assert_eq!(lab.west.closed(), ["failed"]);
        assert!(lab.west.endpoint.is_idle());
    }
}

/// RFC 7296 2.21.2, seen by the responder: the initiator could not authenticate it, so there is no IKE SA.
#[test]
fn an_initiator_that_disowns_us_afterwards() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    assert!(lab.east.is_up());
    let answer = peer.ask(
        &mut lab,
        ExchangeType::INFORMATIONAL,
        vec![common::peer::notify(NotifyType::AUTHENTICATION_FAILED)],
    );
    assert!(answer.0.is_empty());
    assert_eq!(lab.east.closed(), ["failed"]);
    assert!(lab.east.installed.is_empty());
    assert_eq!(
        lab.east.peer_refusals(),
        [("IKE_AUTH".into(), "AUTHENTICATION_FAILED".into())]
    );
    // What was refused is our proof, so the event tells of what kind it was.
    let asked = lab.east.happenings().find_map(|h| match h {
        Happening::PeerRefused { asked, .. } => asked.auth,
        _ => None,
    });
    assert_eq!(asked, Some(AuthKind::Psk));
}

#[test]
fn other_methods_of_authentication() {
    let cases: [fn(&mut Vec<Payload>); 3] = [
        // A signature.
        |payloads| {
            payloads[1] = Payload::Auth(AuthPayload {
                method: AuthMethod::DIGITAL_SIGNATURE,
                data: vec![0; 64],
            });
        },
        // No AUTH at all: EAP is wanted (2.16).
        |payloads| {
            payloads.remove(1);
        },
        // The right length, the wrong octets.
        |payloads| {
            payloads[1] = Payload::Auth(AuthPayload {
                method: AuthMethod::SHARED_KEY_MIC,
                data: vec![0; 32],
            });
        },
    ];
    for change in cases {
        let mut lab = Lab::new();
        let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
        let mut auth = peer.authenticate(&opening, b"a shared secret");
        change(&mut auth);
        auth.extend([
            Payload::Sa(esp_sa(0x1000, None)),
            Payload::TsI(ts("10.1.0.0/24")),
            Payload::TsR(ts("10.2.0.0/24")),
        ]);
        let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
        assert_eq!(answer.0.len(), 1);
        assert_eq!(
            answer.error_notify().unwrap().kind,
            NotifyType::AUTHENTICATION_FAILED
        );
        assert_eq!(lab.east.closed(), ["failed"]);
        assert!(lab.east.installed.is_empty());
    }
}

/// Abuse: the key that authenticates one identity doesn't authenticate another one.
#[test]
fn abuse_55_the_signed_identity_counts() {
    let mut lab = Lab::new();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let mut auth = peer.authenticate(&opening, b"a shared secret");
    // Authenticated as west.lab, sent as somebody else whom east would take.
    let mut any = connection(Who::East);
    any.remote_id = None;
    let now = lab.now;
    lab.east.endpoint.set_connection(now, Arc::new(any));
    auth[0] = Payload::IdI(id("north.lab"));
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    assert_eq!(
        answer.error_notify().unwrap().kind,
        NotifyType::AUTHENTICATION_FAILED
    );
}

/// An identity ends up in events, so a stranger's has to be of a sensible length.
#[test]
fn abuse_54_an_endless_identity_is_malformed() {
    let mut lab = Lab::new();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let mut auth = peer.authenticate(&opening, b"a shared secret");
    auth[0] = Payload::IdI(id(&"x".repeat(5000)));
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    assert_eq!(
        answer.error_notify().unwrap().kind,
        NotifyType::INVALID_SYNTAX
    );
    assert!(lab.east.events.iter().all(|e| e.to_string().len() < 4096));
}

/// What a man in the middle changes in IKE_SA_INIT is found out in IKE_AUTH.
#[test]
fn abuse_53_a_downgrade_is_found_out() {
    let (mut west, mut east) = (connection(Who::West), connection(Who::East));
    for side in [&mut west, &mut east] {
        side.ike = vec![
            ike("aes256gcm16-prfsha384-x25519"),
            ike("aes128gcm16-prfsha256-x25519"),
        ];
    }
    let mut lab = Lab::with(west, east);
    lab.initiate();
    let mut request = lab.intercept().pop().unwrap();
    let parsed = adit_wire::v2::Message::parse(&request.payload).unwrap();
    let mut payloads = parsed.payloads;
    if let Some(Payload::Sa(sa)) = payloads.0.first_mut() {
        sa.proposals.remove(0);
    }
    request.payload = adit_wire::v2::emit_plain(&parsed.header, &payloads).unwrap();
    lab.wire.push_back(request);
    lab.run();
    assert!(!lab.west.is_up() && !lab.east.is_up());
    assert!(matches!(
        lab.east.refusals().pop(),
        Some((_, Refusal::AuthValue { .. }, _))
    ));
}

/// Several connections for the same addresses: the identities decide.
#[test]
fn identities_choose_the_connection() {
    let mut lab = Lab::new();
    let now = lab.now;
    let named = |name: &str, remote_id: &str, lan: &str| {
        let mut c = connection(Who::East);
        c.name = name.into();
        c.remote_id = Some(fqdn(remote_id));
        c.children[0].local_ts = selectors(&[lan]);
        Arc::new(c)
    };
    let wild = Connection {
        name: "anybody".into(),
        remote: Remote::Any,
        remote_id: None,
        ..connection(Who::East)
    };
    lab.east.endpoint.remove_connection(now, "site");
    let connections = [
        named("first", "north.lab", "10.7.0.0/24"),
        named("second", "west.lab", "10.2.0.0/24"),
        Arc::new(wild),
    ];
    for c in connections {
        lab.east.endpoint.set_connection(now, c);
    }
    lab.up();
    assert_eq!(lab.east.ike_sa().connection.as_deref(), Some("second"));
    assert_eq!(lab.east.installed[0].connection, "second");

    // Without it, the one for anybody takes over.
    let mut lab2 = Lab::new();
    let now = lab2.now;
    lab2.east.endpoint.remove_connection(now, "site");
    lab2.east
        .endpoint
        .set_connection(now, named("first", "north.lab", "10.7.0.0/24"));
    let wild = Connection {
        name: "anybody".into(),
        remote: Remote::Any,
        remote_id: None,
        ..connection(Who::East)
    };
    lab2.east.endpoint.set_connection(now, Arc::new(wild));
    lab2.up();
    assert_eq!(lab2.east.ike_sa().connection.as_deref(), Some("anybody"));
}

/// RFC 7296 2.4: a peer that lost its memory says so, and its old IKE SA goes at once.
#[test]
fn initial_contact_closes_what_was_before() {
    let mut lab = Lab::new();
    lab.up();
    // West starts anew.
    let fresh = Lab::new();
    lab.west = fresh.west;
    lab.up();
    assert!(
        lab.east
            .saw(|h| *h == Happening::InitialContact { closed: 1 })
    );
    assert_eq!(lab.east.closed(), ["replaced"]);
    assert_eq!(lab.east.installed.len(), 1);
    lab.assert_tunnel();
}

/// Somebody else's INITIAL_CONTACT touches nobody.
#[test]
fn abuse_44_initial_contact_is_about_one_identity() {
    let mut lab = Lab::new();
    lab.up();
    let now = lab.now;
    let other = Connection {
        name: "other".into(),
        remote: Remote::Any,
        remote_id: Some(fqdn("north.lab")),
        ..connection(Who::East)
    };
    lab.east.endpoint.set_connection(now, Arc::new(other));
    let mut north = connection(Who::West);
    north.local = Some(ip("192.0.2.3"));
    north.local_id = fqdn("north.lab");
    let mut side = Side::new("192.0.2.3", 3, adit_ike::Settings::default());
    side.endpoint.set_connection(now, Arc::new(north));
    lab.west = side;
    lab.initiate();
    lab.run();
    assert_eq!(lab.east.endpoint.snapshot().len(), 2);
    assert!(
        lab.east
            .saw(|h| *h == Happening::InitialContact { closed: 0 })
    );
}

/// Who holds the key of one connection can't close what came to be under the key of another, whatever identity it
/// claims.
#[test]
fn initial_contact_is_about_one_connection() {
    let mut lab = Lab::new();
    lab.up();
    let now = lab.now;
    let anybody = Connection {
        name: "anybody".into(),
        remote: Remote::Any,
        remote_id: None,
        ..connection(Who::East)
    };
    lab.east.endpoint.set_connection(now, Arc::new(anybody));
    // It comes from where `site` isn't, and says that it is west.lab.
    let mut intruder = connection(Who::West);
    intruder.local = Some(ip("192.0.2.3"));
    let mut side = Side::new("192.0.2.3", 3, adit_ike::Settings::default());
    side.endpoint.set_connection(now, Arc::new(intruder));
    lab.west = side;
    lab.initiate();
    lab.run();
    assert!(
        lab.east
            .saw(|h| *h == Happening::InitialContact { closed: 0 })
    );
    let mut up: Vec<_> = lab.east.endpoint.snapshot();
    up.sort_by(|a, b| a.connection.cmp(&b.connection));
    let names: Vec<_> = up.iter().map(|sa| sa.connection.as_deref()).collect();
    assert_eq!(names, [Some("anybody"), Some("site")]);
}

/// A connection that names the peer goes before one that takes anybody: the keys differ.
#[test]
fn the_connection_that_names_the_peer_goes_first() {
    let mut lab = Lab::new();
    let now = lab.now;
    lab.east.endpoint.remove_connection(now, "site");
    for (name, remote_id) in [("anybody", None), ("west", Some(fqdn("west.lab")))] {
        let connection = Connection {
            name: name.into(),
            remote: Remote::Any,
            remote_id,
            ..connection(Who::East)
        };
        lab.east.endpoint.set_connection(now, Arc::new(connection));
    }
    lab.up();
    assert_eq!(lab.east.ike_sa().connection.as_deref(), Some("west"));
}

/// A connection that was removed during the handshake isn't set up by it.
#[test]
fn a_connection_removed_meanwhile() {
    let mut lab = Lab::new();
    lab.initiate();
    lab.step();
    let now = lab.now;
    lab.east.endpoint.remove_connection(now, "site");
    lab.run();
    assert!(!lab.east.is_up());
    assert_eq!(lab.east.closed(), ["failed"]);
    assert_eq!(
        lab.west.peer_refusals(),
        [("IKE_AUTH".into(), "AUTHENTICATION_FAILED".into())]
    );
}

/// Failing on purpose is no way around the limit of half-open IKE SAs.
#[test]
fn failed_attempts_count_as_half_open_for_a_while() {
    let mut lab = Lab::bare(
        adit_ike::Settings::default(),
        adit_ike::Settings {
            half_open_limit: 1,
            ..adit_ike::Settings::default()
        },
    );
    let now = lab.now;
    for who in [Who::West, Who::East] {
        lab.side(who)
            .endpoint
            .set_connection(now, Arc::new(connection(who)));
    }
    lab.east.keys = Keys::HasNone;
    lab.initiate();
    lab.run();
    assert_eq!(lab.west.closed(), ["failed"]);
    lab.initiate();
    lab.run();
    assert_eq!(lab.east.drops(), [(DropReason::IkeHalfOpenLimit, 1)]);
    lab.east.keys = Keys::Holds(b"a shared secret");
    lab.pass(Duration::from_secs(35));
    let now = lab.now;
    let _ = lab.west.endpoint.terminate(now, "site");
    lab.up();
}
