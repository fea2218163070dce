//! Additional key exchanges after CREATE_CHILD_SA: RFC 9370 2.2.4.

use crate::common;
use crate::renewal::assert_one;

use std::time::Duration;

use adit_crypto::{ChildKeys, IkeKeyInputs, IkeKeys, Secret};
use adit_model::connection::Connection;
use adit_model::event::{Happening, Party};
use adit_model::proposal::Proposal;
use adit_model::reason::Refusal;
use adit_wire::iana::{EncrId, ExchangeType, KeMethod, NotifyType, TransformType};
use adit_wire::v2::{KePayload, Nonce, Notify, Payload, PayloadList, Transform};
use common::peer::{Peer, esp_sa, ike_sa, suite, ts};
use common::*;

const HYBRID: &str = "aes128gcm16-x25519-ke1_mlkem768-ke3_mlkem512";
const PLAIN: &str = "aes128gcm16-x25519";
const LONG: Duration = Duration::from_secs(100);

/// These proposals for IKE SA and CHILD SA.
fn offering(who: Who, proposals: &[&str]) -> Connection {
    let mut connection = connection(who);
    let with_prf = |text: &&str| ike(&text.replace("-x25519", "-prfsha256-x25519"));
    connection.ike = proposals.iter().map(with_prf).collect();
    connection.children[0].esp = proposals.iter().map(|text| esp(text)).collect();
    connection
}

fn up(west: &[&str], east: &[&str]) -> Lab {
    let mut lab = Lab::with(offering(Who::West, west), offering(Who::East, east));
    lab.up();
    lab
}

fn rekey_child(lab: &mut Lab, who: Who) {
    let now = lab.now;
    let endpoint = &mut lab.side(who).endpoint;
    endpoint.rekey_child(now, "site", "lan").unwrap();
    lab.drain();
}

fn rekey_ike(lab: &mut Lab, who: Who) {
    let now = lab.now;
    let endpoint = &mut lab.side(who).endpoint;
    endpoint.rekey_ike(now, "site").unwrap();
    lab.drain();
}

/// ```text
/// SK { N(REKEY_SA), SA, Ni, KEi, TSi, TSr } ─────────────►
///    ◄── SK { SA, Nr, KEr, TSi, TSr, N(ADDITIONAL_KEY_EXCHANGE) }
/// SK { KEi(1), N(ADDITIONAL_KEY_EXCHANGE) } ─────────────►
///    ◄────────── SK { KEr(1), N(ADDITIONAL_KEY_EXCHANGE) }
/// SK { KEi(2), N(ADDITIONAL_KEY_EXCHANGE) } ─────────────►
///    ◄──────────────────────────────────────── SK { KEr(2) }
/// ```
#[test]
fn a_child_is_rekeyed_with_several_key_exchanges() {
    let mut lab = up(&[HYBRID], &[HYBRID]);
    let (before, said) = (lab.west.installed[0].spi_in, ladder(&lab.west).len());
    rekey_child(&mut lab, Who::West);
    lab.run();
    assert_one(&lab);
    assert_ne!(lab.west.installed[0].spi_in, before);
    let suite = lab.west.installed[0].suite;
    assert_eq!(Proposal::from(suite), esp(HYBRID));
    let said = &ladder(&lab.west)[said..];
    let link = "N(ADDITIONAL_KEY_EXCHANGE)";
    assert!(
        said[0].starts_with("--> CREATE_CHILD_SA request"),
        "{said:#?}"
    );
    assert!(said[1].contains(link));
    for (line, start, linked) in [
        (2, "--> IKE_FOLLOWUP_KE request", true),
        (3, "<-- IKE_FOLLOWUP_KE response", true),
        (4, "--> IKE_FOLLOWUP_KE request", true),
        (5, "<-- IKE_FOLLOWUP_KE response", false),
    ] {
        assert!(said[line].starts_with(start), "{said:#?}");
        assert_eq!(said[line].contains(link), linked, "{said:#?}");
    }
    assert!(lab.west.drops().is_empty() && lab.east.drops().is_empty());
}

#[test]
fn the_ike_sa_is_rekeyed_with_several_key_exchanges() {
    for who in [Who::West, Who::East] {
        let mut lab = up(&[HYBRID], &[HYBRID]);
        let before = lab.west.ike_sa().spis;
        rekey_ike(&mut lab, who);
        lab.run();
        assert_one(&lab);
        assert_ne!(lab.west.ike_sa().spis, before);
        assert_eq!(lab.west.ike_sa().suite.unwrap().additional().count(), 2);
        // The new keys are good for the next one, of either kind.
        rekey_child(&mut lab, who);
        lab.run();
        assert_one(&lab);
    }
}

/// Both rekey at once, with or without additional key exchanges on either side, and any one message may be lost: one
/// stays.
#[test]
fn whatever_meets_and_is_lost_one_stays() {
    // Who answers chooses by its own order: what west begins goes by east's list.
    let lists: [(&[&str], &[&str]); 3] = [
        (&[HYBRID], &[HYBRID]),
        (&[HYBRID, PLAIN], &[PLAIN, HYBRID]),
        (&[PLAIN, HYBRID], &[HYBRID, PLAIN]),
    ];
    for (west, east) in lists {
        for what in 0..6 {
            for lost in 0..14 {
                let mut lab = up(west, east);
                lab.lose = vec![lab.history.len() + lost];
                if what != 4 && what != 5 {
                    match what & 1 {
                        0 => rekey_child(&mut lab, Who::West),
                        _ => rekey_ike(&mut lab, Who::West),
                    }
                }
                match what {
                    0 | 3 | 4 => rekey_child(&mut lab, Who::East),
                    _ => rekey_ike(&mut lab, Who::East),
                }
                lab.run();
                lab.pass(LONG);
                assert_one(&lab);
            }
        }
    }
}

/// RFC 9370 2.2.4: who began with the lowest of the four nonces stops, and nothing is there to be deleted.
#[test]
fn of_two_that_begin_one_stops() {
    for ike in [false, true] {
        let mut lab = up(&[HYBRID], &[HYBRID]);
        let mut wins = [0, 0];
        for _ in 0..12 {
            for who in [Who::West, Who::East] {
                match ike {
                    true => rekey_ike(&mut lab, who),
                    false => rekey_child(&mut lab, who),
                }
            }
            let sent = lab.history.len();
            lab.run();
            let followups = lab.history.len() - sent;
            // Two answers, two more exchanges, and the deletion of what was there before.
            assert!(followups <= 2 + 4 + 2 + 2, "{followups}");
            assert_one(&lab);
            let kept = |side: &Side| {
                let said = side.happenings().filter_map(|h| match h {
                    Happening::RekeyCollision { kept, .. } => Some(*kept),
                    _ => None,
                });
                said.last()
            };
            match (kept(&lab.west), kept(&lab.east)) {
                (Some(Party::Us), Some(Party::Peer)) => wins[0] += 1,
                (Some(Party::Peer), Some(Party::Us)) => wins[1] += 1,
                other => panic!("{other:?}"),
            }
            lab.pass(LONG);
            assert_one(&lab);
        }
        assert!(wins[0] > 0 && wins[1] > 0, "{wins:?}");
    }
}

/// RFC 9370 2.2.4: the peer's request comes when ours was answered and its further exchanges are under way.
#[test]
fn a_rekey_that_comes_during_ours_has_to_wait() {
    for ike in [false, true] {
        let mut lab = up(&[HYBRID], &[HYBRID]);
        let rekey = |lab: &mut Lab, who| match ike {
            true => rekey_ike(lab, who),
            false => rekey_child(lab, who),
        };
        rekey(&mut lab, Who::East);
        let late = lab.intercept();
        rekey(&mut lab, Who::West);
        // West's request and east's answer; then east's own request comes at last.
        lab.step();
        lab.step();
        for datagram in late {
            lab.deliver(&datagram);
        }
        lab.run();
        let busy = lab.west.refusals().into_iter().any(|(_, refusal, notify)| {
            matches!(refusal, Refusal::Local { .. })
                && notify.as_deref() == Some("TEMPORARY_FAILURE")
        });
        assert!(busy, "{:#?}", lab.west.refusals());
        lab.pass(LONG);
        assert_one(&lab);
    }
}

fn hybrid(mut sa: adit_wire::v2::SaPayload) -> adit_wire::v2::SaPayload {
    for (kind, method) in [
        (TransformType::ADDKE1, KeMethod::ML_KEM_768),
        (TransformType::ADDKE3, KeMethod::ML_KEM_512),
    ] {
        sa.proposals[0]
            .transforms
            .push(Transform::new(kind, method.0));
    }
    sa
}

/// A scripted initiator whose IKE SA with east is up.
fn connected() -> (Lab, Peer) {
    let east = offering(Who::East, &[HYBRID, PLAIN]);
    let mut lab = Lab::with(connection(Who::West), east);
    let peer = Peer::connect(&mut lab);
    (lab, peer)
}

fn key(method: KeMethod, data: Vec<u8>) -> Payload {
    Payload::Ke(KePayload { method, data })
}

fn link_of(answer: &PayloadList) -> Vec<u8> {
    let notify = answer.notify(NotifyType::ADDITIONAL_KEY_EXCHANGE);
    notify.expect("no link").data.clone()
}

fn linked(link: &[u8]) -> Payload {
    let kind = NotifyType::ADDITIONAL_KEY_EXCHANGE;
    Payload::Notify(Notify::with_data(kind, link.to_vec()))
}

/// What a series of exchanges has come to.
struct Done {
    first: PayloadList,
    secrets: Vec<Secret>,
}

/// CREATE_CHILD_SA and what follows it, with `payloads` around the key exchange.
fn create(lab: &mut Lab, peer: &mut Peer, payloads: Vec<Payload>) -> Done {
    let exchange = peer.provider.ke(KeMethod::CURVE25519).unwrap();
    let (ephemeral, data) = exchange.start(&*peer.provider.random);
    let mut request = payloads;
    request.push(key(KeMethod::CURVE25519, data));
    request.push(Payload::Nonce(Nonce(vec![0xcc; 32])));
    let first = peer.ask(lab, ExchangeType::CREATE_CHILD_SA, request);
    let mut secrets = vec![ephemeral.finish(&first.ke().unwrap().data).unwrap()];
    let mut link = link_of(&first);
    for (method, more) in [(KeMethod::ML_KEM_768, true), (KeMethod::ML_KEM_512, false)] {
        let exchange = peer.provider.ke(method).unwrap();
        let (ephemeral, data) = exchange.start(&*peer.provider.random);
        let request = vec![key(method, data), linked(&link)];
        let answer = peer.ask(lab, ExchangeType::IKE_FOLLOWUP_KE, request);
        secrets.push(ephemeral.finish(&answer.ke().unwrap().data).unwrap());
        if more {
            let next = link_of(&answer);
            assert_ne!(next, link);
            link = next;
        }
    }
    Done { first, secrets }
}

fn for_child(spi: u32) -> Vec<Payload> {
    vec![
        Payload::Sa(hybrid(esp_sa(spi, Some(KeMethod::CURVE25519)))),
        Payload::TsI(ts("10.1.0.0/24")),
        Payload::TsR(ts("10.2.0.0/24")),
    ]
}

/// KEYMAT = prf+(SK_d, SK(0) | Ni | Nr | SK(1) | … SK(n)).
#[test]
fn keys_of_a_child_come_of_all_secrets() {
    let (mut lab, mut peer) = connected();
    let done = create(&mut lab, &mut peer, for_child(0x2000));
    let nr = &done.first.nonce().unwrap().0;
    let suite = suite(&peer.provider);
    let esp = peer
        .provider
        .protection(EncrId::ENCR_AES_GCM_16, Some(128), None)
        .unwrap();
    let [first, additional @ ..] = done.secrets.as_slice() else {
        panic!("no secret")
    };
    let keys = ChildKeys::derive(
        &esp,
        suite.prf,
        &peer.keys.sk_d,
        Some(first),
        &[0xcc; 32],
        nr,
        additional,
    );
    let installed = lab.east.installed.last().unwrap();
    assert_eq!(installed.spi_out, 0x2000);
    assert!(installed.key_in.expose() == keys.initiator.expose());
    assert!(installed.key_out.expose() == keys.responder.expose());
    // By hand: the secrets of the additional exchanges stand behind the nonces.
    let seed: Vec<&[u8]> = [first.expose(), &[0xcc; 32], nr]
        .into_iter()
        .chain(additional.iter().map(Secret::expose))
        .collect();
    let by_hand = adit_crypto::prf_plus(suite.prf, peer.keys.sk_d.expose(), &seed, 40);
    assert_eq!(&by_hand.expose()[..20], installed.key_in.expose());
}

/// SKEYSEED = prf(SK_d, SK(0) | Ni | Nr | SK(1) | … SK(n)).
#[test]
fn keys_of_an_ike_sa_come_of_all_secrets() {
    let (mut lab, mut peer) = connected();
    let spi_i = adit_wire::v2::IkeSpi(0x9999_0000_0000_0001);
    let sa = Payload::Sa(hybrid(ike_sa(&spi_i.to_bytes())));
    let done = create(&mut lab, &mut peer, vec![sa]);
    let spi_r = done.first.sa().unwrap().proposals[0].ike_spi().unwrap();
    let [first, additional @ ..] = done.secrets.as_slice() else {
        panic!("no secret")
    };
    let suite = suite(&peer.provider);
    let inputs = IkeKeyInputs {
        ni: &[0xcc; 32],
        nr: &done.first.nonce().unwrap().0,
        shared: first,
        spi_i: spi_i.to_bytes(),
        spi_r: spi_r.to_bytes(),
    };
    let sk_d = &peer.keys.sk_d;
    let keys = IkeKeys::derive_rekeyed(&suite, suite.prf, sk_d, &inputs, additional);
    let mut new = Peer::new(true, spi_i, spi_r, keys);
    new.next_request = 0;
    let alive = new.ask(&mut lab, ExchangeType::INFORMATIONAL, Vec::new());
    assert!(alive.0.is_empty());
}

/// The first exchange of a series: the link to the next one.
fn begin(lab: &mut Lab, peer: &mut Peer) -> Vec<u8> {
    let exchange = peer.provider.ke(KeMethod::CURVE25519).unwrap();
    let (_, data) = exchange.start(&*peer.provider.random);
    let mut request = for_child(0x2000);
    request.push(key(KeMethod::CURVE25519, data));
    request.push(Payload::Nonce(Nonce(vec![0xcc; 32])));
    link_of(&peer.ask(lab, ExchangeType::CREATE_CHILD_SA, request))
}

/// A link that is none, that was used, or whose time is over: nothing is known, and nothing else happens.
#[test]
fn abuse_74_links_that_lead_nowhere() {
    let (mut lab, mut peer) = connected();
    let link = begin(&mut lab, &mut peer);
    let public = |peer: &Peer, method| {
        let exchange = peer.provider.ke(method).unwrap();
        exchange.start(&*peer.provider.random).1
    };
    let follow = |lab: &mut Lab, peer: &mut Peer, method, link: Option<&[u8]>| {
        let mut request = vec![key(method, public(peer, method))];
        request.extend(link.map(linked));
        peer.ask(lab, ExchangeType::IKE_FOLLOWUP_KE, request)
    };
    let lost = |answer: &PayloadList| answer.error_notify().map(|n| n.kind);
    for nowhere in [None, Some(&b""[..]), Some(b"12345678"), Some(&[0; 300])] {
        let answer = follow(&mut lab, &mut peer, KeMethod::ML_KEM_768, nowhere);
        assert_eq!(lost(&answer), Some(NotifyType::STATE_NOT_FOUND));
    }
    // The right one still leads on, once.
    let answer = follow(&mut lab, &mut peer, KeMethod::ML_KEM_768, Some(&link));
    assert!(answer.ke().is_some());
    let next = link_of(&answer);
    let answer = follow(&mut lab, &mut peer, KeMethod::ML_KEM_768, Some(&link));
    assert_eq!(lost(&answer), Some(NotifyType::STATE_NOT_FOUND));
    // Nobody goes on: it is forgotten, and told so.
    let pairs = lab.east.installed.len();
    lab.pass(Duration::from_secs(21));
    let answer = follow(&mut lab, &mut peer, KeMethod::ML_KEM_512, Some(&next));
    assert_eq!(lost(&answer), Some(NotifyType::STATE_NOT_FOUND));
    assert_eq!(lab.east.installed.len(), pairs);
    assert!(lab.east.refusals().iter().any(|(what, refusal, _)| {
        what == "CHILD_SA lan" && matches!(refusal, Refusal::Local { .. })
    }));

    // Values that are none end the series, not the IKE SA.
    for (method, data) in [
        (KeMethod::ML_KEM_768, vec![2; 7]),
        (KeMethod::ML_KEM_512, vec![2; 800]),
    ] {
        let link = begin(&mut lab, &mut peer);
        let request = vec![key(method, data), linked(&link)];
        let answer = peer.ask(&mut lab, ExchangeType::IKE_FOLLOWUP_KE, request);
        assert_eq!(lost(&answer), Some(NotifyType::INVALID_SYNTAX));
        let answer = follow(&mut lab, &mut peer, KeMethod::ML_KEM_768, Some(&link));
        assert_eq!(lost(&answer), Some(NotifyType::STATE_NOT_FOUND));
    }
    let alive = peer.ask(&mut lab, ExchangeType::INFORMATIONAL, Vec::new());
    assert!(alive.0.is_empty());
}

/// A peer that begins over and over keeps no more than a few at a time.
#[test]
fn abuse_30_series_that_nobody_goes_on_with() {
    let (mut lab, mut peer) = connected();
    let links: Vec<Vec<u8>> = (0..20).map(|_| begin(&mut lab, &mut peer)).collect();
    let known = |lab: &mut Lab, peer: &mut Peer, link: &[u8]| {
        let exchange = peer.provider.ke(KeMethod::ML_KEM_768).unwrap();
        let (_, data) = exchange.start(&*peer.provider.random);
        let request = vec![key(KeMethod::ML_KEM_768, data), linked(link)];
        let answer = peer.ask(lab, ExchangeType::IKE_FOLLOWUP_KE, request);
        answer.ke().is_some()
    };
    let alive = links
        .iter()
        .filter(|link| known(&mut lab, &mut peer, link))
        .count();
    assert_eq!(alive, 4);
    lab.pass(Duration::from_secs(60));
    assert_eq!(lab.east.ike_sa().children.len(), 1);
}
