//! Abuse that has no place among the other tests: what strangers, impostors and peers that lost their minds send. The
//! numbers are those of docs/abuse-cases.md.

use crate::common;

use std::time::Duration;

use adit_ike::{IkeSaState, Settings};
use adit_model::drops::DropReason;
use adit_model::event::Happening;
use adit_model::reason::Refusal;
use adit_wire::iana::{
    EncrId, ExchangeType, IntegId, KeMethod, NotifyType, PayloadType, PrfId, ProtocolId,
    TransformType,
};
use adit_wire::v2::{
    Delete, Flags, Header, IkeSpi, Message, Notify, Payload, PayloadList, Proposal, SaPayload,
    Transform, VendorId, emit_plain,
};
use common::peer::{Peer, exchange_raw, ike_sa, notify};
use common::*;

/// The first request of a lab's west side, not yet delivered.
fn first_request(lab: &mut Lab) -> Datagram {
    lab.initiate();
    lab.intercept().pop().unwrap()
}

/// The first request with its payloads changed, as octets.
fn changed(request: &Datagram, change: impl FnOnce(&mut Header, &mut PayloadList)) -> Vec<u8> {
    let parsed = Message::parse(&request.payload).unwrap();
    let (mut header, mut payloads) = (parsed.header, parsed.payloads);
    change(&mut header, &mut payloads);
    emit_plain(&header, &payloads).unwrap()
}

/// What east makes of octets that come from west's address: the answer, if there is one.
fn put(lab: &mut Lab, octets: &[u8]) -> Option<Vec<u8>> {
    exchange_raw(lab, at(WEST, 500), at(EAST, 500), octets)
}

fn untouched(lab: &Lab) {
    assert!(lab.east.endpoint.snapshot().is_empty());
    assert!(lab.east.endpoint.poll_timeout().is_none());
}

/// Four thousand payloads in one message are read in one pass; they take no room afterwards.
#[test]
fn abuse_05_a_message_of_tiny_payloads() {
    let mut lab = Lab::new();
    let request = first_request(&mut lab);
    let octets = changed(&request, |_, payloads| {
        for _ in 0..4000 {
            payloads.0.push(Payload::Unknown {
                kind: PayloadType(200),
                critical: false,
                body: Vec::new(),
            });
        }
    });
    let answer = put(&mut lab, &octets).unwrap();
    assert!(answer.len() < 400);
    assert_eq!(lab.east.ike_sa().state, IkeSaState::Connecting);
    let longest = lab.east.events.iter().map(|e| e.to_string().len()).max();
    assert!(longest.unwrap() < 4096);
}

#[test]
fn abuse_06_payloads_that_may_come_once_come_twice() {
    for kind in [PayloadType::SA, PayloadType::KE, PayloadType::NONCE] {
        let mut lab = Lab::new();
        let request = first_request(&mut lab);
        let octets = changed(&request, |_, payloads| {
            let twice = payloads.0.iter().find(|p| p.kind() == kind).cloned();
            payloads.0.extend(twice);
        });
        assert_eq!(put(&mut lab, &octets), None, "{kind}");
        assert_eq!(lab.east.drops(), [(DropReason::IkeMalformed, 1)]);
        untouched(&lab);
    }
    // Under protection it is the peer's fault that is answered.
    let mut lab = Lab::new();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let mut auth = peer.authenticate(&opening, b"a shared secret");
    auth.push(auth[0].clone());
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    assert!(answer.notify(NotifyType::INVALID_SYNTAX).is_some());
    assert!(!lab.east.is_up());
}

/// Numbers of IKEv1 payloads mean nothing in an IKEv2 message.
#[test]
fn abuse_08_payloads_of_the_other_version() {
    let mut lab = Lab::new();
    let request = first_request(&mut lab);
    // SA, KE and nonce as IKEv1 numbers them.
    let octets = changed(&request, |_, payloads| {
        for payload in &mut payloads.0 {
            let number = match payload.kind() {
                PayloadType::SA => 1,
                PayloadType::KE => 4,
                PayloadType::NONCE => 10,
                _ => continue,
            };
            *payload = Payload::Unknown {
                kind: PayloadType(number),
                critical: false,
                body: vec![0; 32],
            };
        }
    });
    assert_eq!(put(&mut lab, &octets), None);
    assert_eq!(lab.east.drops(), [(DropReason::IkeMalformed, 1)]);
    untouched(&lab);
}

#[test]
fn abuse_10_spis_that_a_first_request_cannot_have() {
    let mut lab = Lab::new();
    let request = first_request(&mut lab);
    let zero = changed(&request, |header, _| header.spi_i = IkeSpi::ZERO);
    let known = changed(&request, |header, _| header.spi_r = IkeSpi(7));
    assert_eq!(put(&mut lab, &zero), None);
    assert_eq!(put(&mut lab, &known), None);
    assert_eq!(
        lab.east.drops(),
        [
            (DropReason::IkeMalformed, 1),
            (DropReason::IkeUnknownSpi, 1)
        ]
    );
    untouched(&lab);
}

/// In the first message, and in one under protection, which is authentic otherwise.
#[test]
fn abuse_12_the_initiator_flag_contradicts_the_role() {
    let mut lab = Lab::new();
    let request = first_request(&mut lab);
    let octets = changed(&request, |header, _| header.flags.initiator = false);
    assert_eq!(put(&mut lab, &octets), None);
    assert_eq!(lab.east.drops(), [(DropReason::IkeBadFlags, 1)]);
    untouched(&lab);

    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    let mut header = peer.header(ExchangeType::INFORMATIONAL, false, peer.next_request);
    header.flags.initiator = false;
    let octets = peer.seal(header, vec![Payload::Delete(Delete::ike())]);
    assert_eq!(put(&mut lab, &octets), None);
    assert_eq!(lab.east.endpoint.drops().total(), 1);
    assert!(lab.east.is_up());
}

/// Proposals that mean nothing, beside one that does: the sound one is taken. Alone they are refused with both lists.
#[test]
fn abuse_13_proposals_that_mean_nothing() {
    let gcm = |bits| Transform::encr(EncrId::ENCR_AES_GCM_16, bits);
    let rest = || {
        vec![
            Transform::prf(PrfId::PRF_HMAC_SHA2_256),
            Transform::ke(KeMethod::CURVE25519),
        ]
    };
    let with = |encr: Transform| {
        let mut transforms = rest();
        transforms.push(encr);
        transforms
    };
    let mut two_lengths = gcm(Some(128));
    two_lengths.attributes.extend(gcm(Some(256)).attributes);
    let unknown_type = Transform {
        kind: TransformType(241),
        id: 1,
        attributes: Vec::new(),
    };
    let mut strange = with(gcm(Some(128)));
    strange.push(unknown_type);
    let broken: Vec<(&str, Vec<Transform>)> = vec![
        ("no transform", Vec::new()),
        ("no key length", with(gcm(None))),
        ("key length 0", with(gcm(Some(0)))),
        ("key length 129", with(gcm(Some(129)))),
        ("key length 65535", with(gcm(Some(65_535)))),
        ("two key lengths", with(two_lengths)),
        (
            "a key length where there is none to choose",
            with(Transform::encr(EncrId::ENCR_CHACHA20_POLY1305, Some(256))),
        ),
        ("an unknown type", strange),
    ];
    for (what, transforms) in broken {
        let proposal = Proposal {
            number: 1,
            protocol: ProtocolId::IKE,
            spi: Vec::new(),
            transforms,
        };
        let mut sound = ike_sa(&[]).proposals.remove(0);
        sound.number = 2;
        for (proposals, answered) in [
            (vec![proposal.clone()], false),
            (vec![proposal.clone(), sound], true),
        ] {
            let mut lab = Lab::new();
            let request = first_request(&mut lab);
            let octets = changed(&request, |_, payloads| {
                for payload in &mut payloads.0 {
                    if let Payload::Sa(sa) = payload {
                        *sa = SaPayload {
                            proposals: proposals.clone(),
                        };
                    }
                }
            });
            let answer = put(&mut lab, &octets);
            let chosen = answer
                .as_deref()
                .and_then(|octets| Message::parse(octets).unwrap().payloads.sa().cloned());
            assert_eq!(chosen.is_some(), answered, "{what}");
            assert!(chosen.is_none_or(|sa| sa.proposals[0].number == 2));
            // Either it couldn't even be read, or it was refused by name.
            let refused = lab.east.refusals().len();
            let dropped = lab.east.endpoint.drops().total();
            assert_eq!(refused as u64 + dropped, u64::from(!answered), "{what}");
        }
    }
}

/// As many proposals of as many transforms as there can be, none of them known: one pass, one refusal.
#[test]
fn abuse_13_the_largest_offer_there_can_be() {
    let mut lab = Lab::new();
    let request = first_request(&mut lab);
    let proposals: Vec<Proposal> = (1..=20)
        .map(|number| Proposal {
            number,
            protocol: ProtocolId::IKE,
            spi: Vec::new(),
            transforms: (0..255)
                .map(|n| Transform::encr(EncrId(2000 + n), Some(128)))
                .collect(),
        })
        .collect();
    let octets = changed(&request, |_, payloads| {
        for payload in &mut payloads.0 {
            if let Payload::Sa(sa) = payload {
                sa.proposals.clone_from(&proposals);
            }
        }
    });
    assert!(octets.len() > 60_000);
    assert!(put(&mut lab, &octets).unwrap().len() < 100);
    assert_eq!(lab.east.refusals().len(), 1);
    untouched(&lab);
}

/// RFC 7296 3.3.3, RFC 5282 8.
#[test]
fn abuse_15_ciphers_without_what_they_need() {
    let full = || ike_sa(&[]).proposals.remove(0).transforms;
    let without = |kind: TransformType| {
        let mut transforms = full();
        transforms.retain(|t| t.kind != kind);
        transforms
    };
    let mut doubly = full();
    doubly.push(Transform::integ(IntegId::AUTH_HMAC_SHA2_256_128));
    let mut bare = without(TransformType::ENCR);
    bare.push(Transform::encr(EncrId::ENCR_AES_CBC, Some(128)));
    for transforms in [
        doubly,
        bare,
        without(TransformType::PRF),
        without(TransformType::KE),
        without(TransformType::ENCR),
    ] {
        let mut lab = Lab::new();
        let request = first_request(&mut lab);
        let octets = changed(&request, |_, payloads| {
            for payload in &mut payloads.0 {
                if let Payload::Sa(sa) = payload {
                    sa.proposals[0].transforms.clone_from(&transforms);
                }
            }
        });
        let answer = put(&mut lab, &octets).unwrap();
        let parsed = Message::parse(&answer).unwrap();
        let refused = parsed.payloads.notify(NotifyType::NO_PROPOSAL_CHOSEN);
        assert!(refused.is_some());
        assert!(matches!(
            lab.east.refusals().as_slice(),
            [(_, Refusal::NoIkeProposal { .. }, _)]
        ));
        untouched(&lab);
    }
}

/// RFC 7296 3.9: 16 to 256 octets.
#[test]
fn abuse_17_nonces_of_impossible_length() {
    for length in [0_usize, 1, 15, 257, 1000] {
        let mut lab = Lab::new();
        let request = first_request(&mut lab);
        let mut octets = request.payload.clone();
        // Not by our own writer, which refuses to make one.
        let at = nonce_at(&octets);
        let old = usize::from(u16::from_be_bytes([octets[at + 2], octets[at + 3]]));
        octets.splice(at + 4..at + old, vec![7; length]);
        let new = u16::try_from(length + 4).unwrap();
        octets[at + 2..at + 4].copy_from_slice(&new.to_be_bytes());
        let total = u32::try_from(octets.len()).unwrap();
        octets[24..28].copy_from_slice(&total.to_be_bytes());
        assert_eq!(put(&mut lab, &octets), None, "{length}");
        assert_eq!(lab.east.drops(), [(DropReason::IkeMalformed, 1)]);
        untouched(&lab);
    }
}

/// Where the nonce payload of a message begins.
fn nonce_at(message: &[u8]) -> usize {
    let mut kind = message[16];
    let mut at = 28;
    while kind != PayloadType::NONCE.0 {
        kind = message[at];
        at += usize::from(u16::from_be_bytes([message[at + 2], message[at + 3]]));
    }
    at
}

/// Notifies with data that can't be theirs are no use and no harm.
#[test]
fn abuse_18_notifies_with_the_wrong_data() {
    let mut lab = Lab::new();
    let request = first_request(&mut lab);
    let odd = [
        (NotifyType::SIGNATURE_HASH_ALGORITHMS, vec![0, 2, 0]),
        (NotifyType::NAT_DETECTION_SOURCE_IP, vec![1; 3]),
        (NotifyType::NAT_DETECTION_DESTINATION_IP, vec![1; 64]),
        (NotifyType::SET_WINDOW_SIZE, vec![]),
        (NotifyType::INVALID_KE_PAYLOAD, vec![1]),
    ];
    let octets = changed(&request, |_, payloads| {
        for (kind, data) in odd {
            payloads
                .0
                .push(Payload::Notify(Notify::with_data(kind, data)));
        }
    });
    let answer = put(&mut lab, &octets);
    match answer {
        Some(_) => assert_eq!(lab.east.ike_sa().state, IkeSaState::Connecting),
        None => assert_eq!(lab.east.drops(), [(DropReason::IkeMalformed, 1)]),
    }
}

#[test]
fn abuse_19_vendor_ids_of_all_sizes() {
    let mut lab = Lab::new();
    let request = first_request(&mut lab);
    let octets = changed(&request, |_, payloads| {
        for n in 0..200 {
            let body = vec![n; usize::from(n)];
            payloads.0.push(Payload::Vendor(VendorId(body)));
        }
        payloads.0.push(Payload::Vendor(VendorId(vec![1; 30_000])));
    });
    assert!(put(&mut lab, &octets).is_some());
    assert_eq!(lab.east.ike_sa().state, IkeSaState::Connecting);
}

/// RFC 7296 2.6: who hasn't shown a cookie gets one answer for each message, no repetition by a timer, and never more
/// than a few octets beyond what he sent.
#[test]
fn abuse_21_nobody_is_an_amplifier() {
    let mut lab = Lab::new();
    let request = first_request(&mut lab);
    let mut refused = Lab::new();
    for (lab, octets) in [
        (&mut lab, request.payload.clone()),
        (
            &mut refused,
            changed(&request, |_, payloads| {
                for payload in &mut payloads.0 {
                    if let Payload::Sa(sa) = payload {
                        sa.proposals[0].transforms.pop();
                    }
                }
            }),
        ),
    ] {
        let sent = lab.history.len();
        let answer = put(lab, &octets).unwrap();
        // N(CHILDLESS_IKEV2_SUPPORTED) is the responder's alone.
        assert!(answer.len() <= octets.len() + 8);
        lab.west = Side::new(WEST, 1, Settings::default());
        lab.pass(Duration::from_secs(120));
        assert_eq!(lab.history.len(), sent + 1, "no retransmission by itself");
    }
}

/// RFC 8019 4.4: the keys of a half-open IKE SA are computed once, junk doesn't end it, and the right IKE_AUTH still
/// gets through; without it the IKE SA is forgotten after half a minute.
#[test]
fn abuse_28_junk_after_the_first_exchange() {
    let mut lab = Lab::new();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let header = peer.header(ExchangeType::IKE_AUTH, false, 1);
    let mut junk = peer.seal(header, vec![notify(NotifyType::INITIAL_CONTACT)]);
    let last = junk.len() - 1;
    let right = junk[last];
    for n in 0..100_u8 {
        junk[last] = right ^ (n + 1);
        assert_eq!(put(&mut lab, &junk), None);
    }
    assert_eq!(lab.east.drops(), [(DropReason::IkeAuthenticity, 100)]);
    let auth = peer.authenticate(&opening, b"a shared secret");
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    assert!(answer.auth().is_some());

    let mut lab = Lab::new();
    let (mut peer, _) = Peer::open(&mut lab, Vec::new());
    let header = peer.header(ExchangeType::IKE_AUTH, false, 1);
    let mut junk = peer.seal(header, Vec::new());
    junk[40] ^= 1;
    for _ in 0..29 {
        put(&mut lab, &junk);
        lab.pass(Duration::from_secs(1));
    }
    assert_eq!(lab.east.endpoint.snapshot().len(), 1);
    lab.pass(Duration::from_secs(2));
    assert!(lab.east.endpoint.snapshot().is_empty(), "junk is no life");
}

/// RFC 8019: we solve none and ask for none.
#[test]
fn abuse_29_puzzles_are_ignored() {
    let mut lab = Lab::new();
    let request = first_request(&mut lab);
    let header = Message::parse(&request.payload).unwrap().header;
    let header = Header::v2(
        header.spi_i,
        IkeSpi::ZERO,
        ExchangeType::IKE_SA_INIT,
        Flags::new(false, true),
        0,
    );
    let puzzle = Notify::with_data(NotifyType::PUZZLE, vec![0, 2, 20]);
    let cookie = Notify::with_data(NotifyType::COOKIE, vec![5; 16]);
    let asked = PayloadList(vec![Payload::Notify(puzzle), Payload::Notify(cookie)]);
    lab.deliver(&Datagram {
        from: request.to,
        to: request.from,
        payload: emit_plain(&header, &asked).unwrap(),
    });
    // The cookie is returned, at no other cost.
    let again = lab.intercept().pop().unwrap();
    let payloads = Message::parse(&again.payload).unwrap().payloads;
    assert!(payloads.notify(NotifyType::COOKIE).is_some());
    assert!(payloads.notify(NotifyType::PUZZLE).is_none());
}

/// Message IDs that no honest peer would use next.
#[test]
fn abuse_34_message_ids_outside_the_window() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    let next = peer.next_request;
    for id in [next + 1, next + 1000, 0x7fff_ffff, u32::MAX] {
        let header = peer.header(ExchangeType::INFORMATIONAL, false, id);
        let octets = peer.seal(header, vec![Payload::Delete(Delete::ike())]);
        assert_eq!(put(&mut lab, &octets), None);
    }
    assert_eq!(lab.east.drops(), [(DropReason::IkeUnexpectedMessageId, 4)]);
    assert!(lab.east.is_up());
    let answer = peer.ask(&mut lab, ExchangeType::INFORMATIONAL, Vec::new());
    assert!(answer.0.is_empty());
}

/// RFC 7296 2.16, 2.15: without AUTH it would be EAP, which isn't done here; half of the payloads is no offer at all.
#[test]
fn abuse_40_an_ike_auth_that_does_not_authenticate() {
    let mut lab = Lab::new();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let mut auth = peer.authenticate(&opening, b"a shared secret");
    auth.retain(|p| p.kind() != PayloadType::AUTH);
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    assert!(answer.error_notify().is_some(), "{answer:?}");
    assert_eq!(
        answer.0.len(),
        1,
        "who isn't known gets a reason and no more"
    );
    assert_eq!(lab.east.refusals().len(), 1);
    assert_eq!(lab.east.closed(), ["failed"]);
    assert!(lab.east.installed.is_empty());
}

/// RFC 7296 2.3: a window that is smaller than one, or shrinks, is none.
#[test]
fn abuse_45_windows_of_impossible_size() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    for size in [0_u32, u32::MAX, 1] {
        let window = Notify::with_data(NotifyType::SET_WINDOW_SIZE, size.to_be_bytes().to_vec());
        let answer = peer.ask(
            &mut lab,
            ExchangeType::INFORMATIONAL,
            vec![Payload::Notify(window)],
        );
        assert!(answer.error_notify().is_none());
    }
    assert!(lab.east.is_up());
    let now = lab.now;
    lab.east.endpoint.terminate(now, "site").unwrap();
    lab.drain();
    assert_eq!(lab.intercept().len(), 1, "one request, whatever was said");
}

/// RFC 7296 2.15: the responder's proof doesn't prove the initiator: SK_pi isn't SK_pr, and the nonces differ.
#[test]
fn abuse_56_a_proof_is_good_in_one_direction() {
    // East proves itself to a first peer; a second one shows the very same value.
    let mut lab = Lab::new();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let auth = peer.authenticate(&opening, b"a shared secret");
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    let stolen = answer.auth().unwrap().clone();

    let mut lab = Lab::new();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let mut auth = peer.authenticate(&opening, b"not the secret");
    for payload in &mut auth {
        if let Payload::Auth(auth) = payload {
            *auth = stolen.clone();
        }
    }
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    assert!(answer.notify(NotifyType::AUTHENTICATION_FAILED).is_some());
    assert!(lab.east.saw(|h| matches!(
        h,
        Happening::Refused {
            refusal: Refusal::AuthValue { .. },
            ..
        }
    )));
    assert!(!lab.east.is_up());
}
