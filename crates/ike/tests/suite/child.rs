//! The first CHILD SA: algorithms and traffic that fit, fit partly, or don't (RFC 7296 1.2, 2.9, 2.21.2).

use crate::common;

use std::time::Duration;

use adit_ike::IkeSaState;
use adit_model::event::Happening;
use adit_model::proposal::TransformKind;
use adit_model::reason::Refusal;
use adit_wire::iana::{ExchangeType, KeMethod, NotifyType};
use adit_wire::v2::{Payload, SaPayload, TsPayload};
use common::peer::{Peer, esp_sa, ike_sa, notify, ts};
use common::*;

/// The CHILD SA is refused and the IKE SA stands; west has no use for it and deletes it.
fn refused_by_east(
    west: adit_model::connection::Connection,
    east: adit_model::connection::Connection,
    notify: &str,
) -> Refusal {
    let mut lab = Lab::with(west, east);
    lab.initiate();
    for _ in 0..4 {
        lab.step();
    }
    assert_eq!(lab.east.ike_sa().state, IkeSaState::Established);
    assert!(lab.east.ike_sa().children.is_empty());
    assert_eq!(
        lab.west.peer_refusals(),
        [("CHILD_SA lan".into(), notify.into())]
    );
    assert!(
        lab.west
            .saw(|h| matches!(h, Happening::PeerRefused { asked, .. }
        if !asked.proposals.is_empty() && !asked.ts_local.is_empty()))
    );
    lab.run();
    assert_eq!(lab.west.closed(), ["failed"]);
    assert_eq!(lab.east.closed(), ["deleted"]);
    assert!(lab.west.data_plane.is_empty() && lab.east.data_plane.is_empty());
    assert!(lab.west.endpoint.is_idle() && lab.east.endpoint.is_idle());
    let (what, refusal, told) = lab.east.refusals().pop().unwrap();
    assert_eq!(what, "CHILD_SA lan");
    assert_eq!(told.as_deref(), Some(notify));
    refusal
}

#[test]
fn no_esp_proposal_in_common() {
    let mut east = connection(Who::East);
    east.children[0].esp = vec![esp("aes256gcm16"), esp("aes128-sha256")];
    assert_eq!(
        refused_by_east(connection(Who::West), east, "NO_PROPOSAL_CHOSEN"),
        Refusal::NoEspProposal {
            offered: vec![esp("aes128gcm16")],
            configured: vec![esp("aes256gcm16"), esp("aes128-sha256")],
            differs: vec![TransformKind::Encryption],
        }
    );
}

#[test]
fn no_traffic_in_common() {
    let mut east = connection(Who::East);
    east.children[0].local_ts = selectors(&["10.9.0.0/24"]);
    assert_eq!(
        refused_by_east(connection(Who::West), east, "TS_UNACCEPTABLE"),
        Refusal::TrafficSelectors {
            offered_local: selectors(&["10.2.0.0/24"]),
            offered_remote: selectors(&["10.1.0.0/24"]),
            configured_local: selectors(&["10.9.0.0/24"]),
            configured_remote: selectors(&["10.1.0.0/24"]),
        }
    );
}

/// Groups of ESP proposals are for rekeying: the first CHILD SA doesn't look at them (1.2).
#[test]
fn the_first_child_ignores_groups() {
    let (mut west, mut east) = (connection(Who::West), connection(Who::East));
    west.children[0].esp = vec![esp("aes128gcm16-x25519")];
    east.children[0].esp = vec![esp("aes128gcm16-modp2048")];
    let mut lab = Lab::with(west, east);
    lab.up();
    assert_eq!(lab.west.installed[0].suite.ke, None);
}

#[test]
fn the_responder_narrows() {
    let (mut west, mut east) = (connection(Who::West), connection(Who::East));
    west.children[0].remote_ts = selectors(&["10.0.0.0/8", "fd00::/16"]);
    east.children[0].remote_ts = selectors(&["10.1.0.0/25", "10.1.0.200/32"]);
    let mut lab = Lab::with(west, east);
    lab.up();
    lab.assert_tunnel();
    let sa = &lab.west.installed[0];
    assert_eq!(sa.ts_local, selectors(&["10.1.0.0/25", "10.1.0.200/32"]));
    assert_eq!(sa.ts_remote, selectors(&["10.2.0.0/24"]));
    for side in [&lab.west, &lab.east] {
        let narrowed = |h: &Happening| match h {
            Happening::ChildEstablished { narrowed, .. } => Some(*narrowed),
            _ => None,
        };
        let told: Vec<bool> = side.happenings().filter_map(narrowed).collect();
        // East's own configuration is all there.
        assert_eq!(told, [side.address == lab.west.address]);
    }
}

#[test]
fn the_child_whose_traffic_fits_is_taken() {
    let mut east = connection(Who::East);
    let mut other = east.children[0].clone();
    other.name = "printers".into();
    other.local_ts = selectors(&["10.77.0.0/24"]);
    east.children.insert(0, other);
    let mut lab = Lab::with(connection(Who::West), east);
    lab.up();
    assert_eq!(lab.east.installed[0].child, "lan");
}

/// Plays a responder that answers IKE_AUTH with this CHILD SA.
fn answered_with(sa: SaPayload, ts_i: TsPayload, ts_r: TsPayload, more: Vec<Payload>) -> Lab {
    let mut lab = Lab::new();
    lab.initiate();
    let init = lab.intercept().pop().unwrap();
    let (mut peer, opening) = Peer::answer(&mut lab, &init.payload, ike_sa(&[]));
    let request = lab.intercept().pop().unwrap();
    let (header, _) = peer.unseal(&request.payload);
    let mut answer = peer.authenticate_responder(&opening, "east.lab", b"a shared secret");
    answer.extend([Payload::Sa(sa), Payload::TsI(ts_i), Payload::TsR(ts_r)]);
    answer.extend(more);
    let response = peer.header(ExchangeType::IKE_AUTH, true, header.message_id);
    let payload = peer.seal(response, answer);
    lab.deliver(&Datagram {
        from: request.to,
        to: request.from,
        payload,
    });
    lab
}

#[test]
fn an_initiator_takes_less_than_it_asked_for() {
    let lab = answered_with(
        esp_sa(0x2000, None),
        ts("10.1.0.0/25"),
        ts("10.2.0.128/25[tcp/443]"),
        Vec::new(),
    );
    let sa = &lab.west.installed[0];
    assert_eq!(sa.ts_local, selectors(&["10.1.0.0/25"]));
    assert_eq!(sa.ts_remote, selectors(&["10.2.0.128/25[tcp/443]"]));
    assert_eq!(sa.spi_out, 0x2000);
    assert!(
        lab.west
            .saw(|h| matches!(h, Happening::ChildEstablished { narrowed: true, .. }))
    );
}

#[test]
fn an_initiator_takes_nothing_else() {
    let mut other_cipher = esp_sa(0x2000, None);
    other_cipher.proposals[0].transforms[0] =
        adit_wire::v2::Transform::encr(adit_wire::iana::EncrId::ENCR_AES_GCM_16, Some(256));
    let (here, there) = (|| ts("10.1.0.0/24"), || ts("10.2.0.0/24"));
    let cases = [
        // Wider than asked for.
        (esp_sa(0x2000, None), ts("10.0.0.0/8"), there(), vec![]),
        (esp_sa(0x2000, None), here(), ts("0.0.0.0/0"), vec![]),
        // Other than offered.
        (other_cipher, here(), there(), vec![]),
        (
            esp_sa(0x2000, Some(KeMethod::CURVE25519)),
            here(),
            there(),
            vec![notify(NotifyType::USE_TRANSPORT_MODE)],
        ),
        // A reserved SPI.
        (esp_sa(0, None), here(), there(), vec![]),
        (esp_sa(255, None), here(), there(), vec![]),
        // A mode that wasn't asked for.
        (
            esp_sa(0x2000, None),
            here(),
            there(),
            vec![notify(NotifyType::USE_TRANSPORT_MODE)],
        ),
    ];
    for (sa, ts_i, ts_r, more) in cases {
        let mut lab = answered_with(sa, ts_i, ts_r, more);
        assert!(lab.west.data_plane.is_empty());
        let (what, refusal, _) = lab.west.refusals().pop().unwrap();
        assert_eq!(what, "CHILD_SA lan");
        assert!(matches!(
            refusal,
            Refusal::AnswerMismatch { .. } | Refusal::Mode { .. }
        ));
        lab.cut = true;
        lab.pass(Duration::from_secs(5));
        assert_eq!(lab.west.closed(), ["failed"]);
    }
}

/// What peers ask besides: it is ignored or simply not confirmed.
#[test]
fn requests_that_are_not_for_us() {
    use adit_wire::iana::{CertEncoding, CfgType};
    use adit_wire::v2::{CertReqPayload, CpPayload};
    let mut lab = Lab::new();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let mut auth = peer.authenticate(&opening, b"a shared secret");
    auth.extend([
        Payload::CertReq(CertReqPayload {
            encoding: CertEncoding::X509_SIGNATURE,
            authorities: vec![0; 20],
        }),
        Payload::Cp(CpPayload {
            kind: CfgType::CFG_REQUEST,
            attributes: Vec::new(),
        }),
        notify(NotifyType::USE_TRANSPORT_MODE),
        notify(NotifyType::MOBIKE_SUPPORTED),
        notify(NotifyType(40_000)),
        Payload::Sa(esp_sa(0x1000, None)),
        Payload::TsI(ts("10.1.0.0/24")),
        Payload::TsR(ts("10.2.0.0/24")),
    ]);
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    assert!(answer.sa().is_some());
    let told: Vec<_> = answer.notifies().map(|n| n.kind).collect();
    assert!(told.is_empty(), "{told:?}");
    assert!(answer.cp().is_none());
    assert!(lab.east.is_up());
}

/// RFC 6023: a peer that wants no CHILD SA yet.
#[test]
fn an_ike_sa_without_a_child() {
    let mut lab = Lab::new();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let auth = peer.authenticate(&opening, b"a shared secret");
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    assert!(answer.auth().is_some() && answer.sa().is_none());
    assert_eq!(lab.east.ike_sa().state, IkeSaState::Established);
    assert!(lab.east.refusals().is_empty());
}
