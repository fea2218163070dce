//! Peers that prove something else than what is asked for. The numbers are those of docs/abuse-cases.md.

use crate::common;

use adit_model::event::Happening;
use adit_model::reason::Refusal;
use adit_wire::iana::{
    AuthMethod, ExchangeType, HashAlgorithm, IdType, IntegId, NotifyType, PayloadType, PrfId,
    TransformType,
};
use adit_wire::v2::{AuthPayload, EapPayload, IdPayload, Message, Payload, PayloadList, Transform};
use common::peer::{Opening, Peer, esp_sa, id, ike_sa, notify, ts};
use common::*;

const KEY: &[u8] = b"a shared secret";

fn child() -> [Payload; 3] {
    [
        Payload::Sa(esp_sa(0x1000, None)),
        Payload::TsI(ts("10.1.0.0/24")),
        Payload::TsR(ts("10.2.0.0/24")),
    ]
}

/// What east answers to the IKE_AUTH of a stranger that `change` has had a hand in.
fn asked(lab: &mut Lab, change: impl FnOnce(&Peer, &Opening, &mut Vec<Payload>)) -> PayloadList {
    let (mut peer, opening) = Peer::open(lab, Vec::new());
    let mut auth = peer.authenticate(&opening, KEY);
    change(&peer, &opening, &mut auth);
    auth.extend(child());
    peer.ask(lab, ExchangeType::IKE_AUTH, auth)
}

fn refused(answer: &PayloadList) {
    assert!(answer.notify(NotifyType::AUTHENTICATION_FAILED).is_some());
    assert_eq!(answer.0.len(), 1, "a reason and no more: {answer:?}");
}

/// RFC 7619: who authenticates as nobody satisfies no connection, under whatever name, and does no harm to who is there.
#[test]
fn abuse_52_null_authentication_satisfies_nobody() {
    let null = |peer: &Peer, opening: &Opening, auth: &mut Vec<Payload>| {
        // RFC 7619 2.1: as with a pre-shared key, which is SK_pi.
        let proof = peer.authenticate(opening, peer.keys.sk_pi.expose());
        *auth = proof;
        for payload in auth.iter_mut() {
            if let Payload::Auth(auth) = payload {
                auth.method = AuthMethod::NULL;
            }
        }
        auth.push(notify(NotifyType::INITIAL_CONTACT));
    };
    let nobody = || Payload::IdI(IdPayload::new(IdType::NULL, Vec::new()));
    for anonymous in [false, true] {
        let mut lab = Lab::new();
        lab.up();
        let contact = |lab: &Lab| {
            lab.east
                .count(|h| matches!(h, Happening::InitialContact { .. }))
        };
        let (before, contacts) = (lab.east.ike_sa(), contact(&lab));
        let answer = asked(&mut lab, |peer, opening, auth| {
            null(peer, opening, auth);
            if anonymous {
                auth[0] = nobody();
            }
        });
        refused(&answer);
        let refusals = lab.east.refusals();
        let by_method = matches!(
            refusals[..],
            [(_, Refusal::AuthMethod { received: 13, .. }, _)]
        );
        let by_name = matches!(refusals[..], [(_, Refusal::PeerIdentity { .. }, _)]);
        assert!(if anonymous { by_name } else { by_method }, "{refusals:?}");
        let there = lab.east.endpoint.snapshot();
        assert!(there.contains(&before), "who is there stays");
        assert_eq!(contact(&lab), contacts);
    }
}

/// RFC 7296 2.16: there is no EAP here, so no message of it, whole or cut, leads anywhere.
#[test]
fn abuse_63_eap_leads_nowhere() {
    let eap = |code, data: &[u8]| {
        Payload::Eap(EapPayload {
            code,
            identifier: 1,
            data: data.to_vec(),
        })
    };
    for payload in [
        // Success and failure of what never began, an answer to no request, a request of the wrong side's.
        eap(3, &[]),
        eap(4, &[]),
        eap(2, &[1, b'a']),
        eap(1, &[1]),
    ] {
        for beside in [false, true] {
            let mut lab = Lab::new();
            let answer = asked(&mut lab, |_, _, auth| {
                if !beside {
                    auth.retain(|p| p.kind() != PayloadType::AUTH);
                }
                auth.push(payload.clone());
            });
            assert!(answer.auth().is_none());
            assert!(answer.error_notify().is_some());
            assert_eq!(lab.east.refusals().len(), 1);
            assert!(lab.east.installed.is_empty());
        }
    }
}

/// The initiator proves itself first: somebody between may have led it to a responder that it didn't mean. It says whom it
/// means (IDr), and each side goes by that; a responder that was taken for another is told so, and keeps nothing.
#[test]
fn abuse_67_who_meant_another_gateway_is_not_served() {
    let mut lab = Lab::new();
    let answer = asked(&mut lab, |_, _, auth| {
        auth.push(Payload::IdR(id("other.lab")));
    });
    refused(&answer);
    let refusals = lab.east.refusals();
    assert!(matches!(
        refusals[..],
        [(_, Refusal::OurIdentity { .. }, _)]
    ));
    assert!(lab.east.installed.is_empty());

    // The initiator says whom it means, and looks at who answers, whose proof is right otherwise.
    let mut lab = Lab::new();
    lab.initiate();
    let request = lab.intercept().pop().unwrap();
    let (mut peer, opening) = Peer::answer(&mut lab, &request.payload, ike_sa(&[]));
    let request = lab.intercept().pop().unwrap();
    let (_, asked) = peer.unseal(&request.payload);
    assert_eq!(asked.id_r(), Some(&id("east.lab")));
    let payloads = peer.authenticate_responder(&opening, "other.lab", KEY);
    peer.respond(&mut lab, &request, payloads);
    let refusals = lab.west.refusals();
    assert!(matches!(
        refusals[..],
        [(_, Refusal::PeerIdentity { .. }, _)]
    ));
    let farewell = lab.intercept().pop().unwrap();
    let (_, told) = peer.unseal(&farewell.payload);
    assert!(told.notify(NotifyType::AUTHENTICATION_FAILED).is_some());

    // A responder that is told so ends what it believed in.
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    assert!(lab.east.is_up());
    let disowned = vec![notify(NotifyType::AUTHENTICATION_FAILED)];
    peer.ask(&mut lab, ExchangeType::INFORMATIONAL, disowned);
    assert!(!lab.east.is_up());
    assert!(lab.east.installed.is_empty());
}

/// MD5 and SHA-1, which weren't offered: not as PRF, not as integrity, and not as the hash of a signature.
#[test]
fn abuse_68_weak_hashes_that_were_not_offered() {
    let weak: [(TransformType, Transform); 2] = [
        (TransformType::PRF, Transform::prf(PrfId::PRF_HMAC_MD5)),
        (TransformType::PRF, Transform::prf(PrfId::PRF_HMAC_SHA1)),
    ];
    for (kind, transform) in weak {
        let mut lab = Lab::new();
        lab.initiate();
        let request = lab.intercept().pop().unwrap();
        let mut sa = ike_sa(&[]);
        sa.proposals[0].transforms.retain(|t| t.kind != kind);
        sa.proposals[0].transforms.push(transform);
        Peer::answer(&mut lab, &request.payload, sa);
        assert!(
            lab.intercept().is_empty(),
            "nothing is sent under such keys"
        );
        assert_eq!(lab.west.endpoint.drops().total(), 1);
    }
    let mut lab = Lab::new();
    lab.initiate();
    let request = lab.intercept().pop().unwrap();
    let mut sa = ike_sa(&[]);
    let integrity = Transform::integ(IntegId::AUTH_HMAC_MD5_96);
    sa.proposals[0].transforms.push(integrity);
    Peer::answer(&mut lab, &request.payload, sa);
    assert!(lab.intercept().is_empty());

    let mut west = connection(Who::West);
    west.auth = adit_model::connection::Authentication {
        local: adit_model::connection::AuthKind::Certificate,
        remote: adit_model::connection::AuthKind::Certificate,
    };
    let mut lab = Lab::with(west, connection(Who::East));
    lab.initiate();
    let request = lab.intercept().pop().unwrap();
    let payloads = Message::parse(&request.payload).unwrap().payloads;
    let hashes = payloads.notify(NotifyType::SIGNATURE_HASH_ALGORITHMS);
    let (pairs, _) = hashes.unwrap().data.as_chunks::<2>();
    let hashes: Vec<_> = pairs.iter().map(|p| u16::from_be_bytes(*p)).collect();
    assert!(!hashes.is_empty() && !hashes.contains(&HashAlgorithm::SHA1.0));
}

/// Nobody finds out by the answer which names there are: an unknown one, a wrong key, another method, a key that is missing
/// and one that can't be used give the same answer, to the octet in clear and in length under protection. Keys are
/// compared in constant time; that an unknown name is refused without asking for a key takes microseconds less.
#[test]
fn abuse_70_unknown_names_and_wrong_keys_look_alike() {
    type Change = fn(&Peer, &Opening, &mut Vec<Payload>);
    let unknown: Change = |_, _, auth| auth[0] = Payload::IdI(id("nobody.lab"));
    let wrong: Change = |peer, opening, auth| *auth = peer.authenticate(opening, b"another");
    let method: Change = |_, _, auth| {
        if let Some(Payload::Auth(AuthPayload { method, .. })) = auth.get_mut(1) {
            *method = AuthMethod::DIGITAL_SIGNATURE;
        }
    };
    let right: Change = |_, _, _| {};
    let mut seen = Vec::new();
    for (change, keys) in [
        (unknown, Keys::Holds(KEY)),
        (wrong, Keys::Holds(KEY)),
        (method, Keys::Holds(KEY)),
        (right, Keys::HasNone),
        (right, Keys::Fails),
    ] {
        let mut lab = Lab::new();
        lab.east.keys = keys;
        let answer = asked(&mut lab, change);
        refused(&answer);
        let octets = lab.history.last().unwrap().payload.len();
        seen.push((answer, octets));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
}
