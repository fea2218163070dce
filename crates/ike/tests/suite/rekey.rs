//! The peer rekeys: CHILD SAs (RFC 7296 1.3.3, 2.8) and the IKE SA (1.3.2, 2.18). The peer is scripted.

use crate::common;

use std::sync::Arc;
use std::time::Duration;

use adit_crypto::{ChildKeys, IkeKeyInputs, IkeKeys};
use adit_ike::{ChildSaState, IkeSaState};
use adit_model::Secret;
use adit_model::drops::DropReason;
use adit_model::event::{Happening, Party};
use adit_model::reason::Refusal;
use adit_wire::iana::{EncrId, ExchangeType, KeMethod, NotifyType, ProtocolId};
use adit_wire::v2::{Delete, IkeSpi, KePayload, Nonce, Notify, Payload, PayloadList};
use common::peer::{Peer, esp_sa, ike_sa, notify, suite, ts};
use common::*;

fn rekey_notify(spi: u32) -> Payload {
    Payload::Notify(Notify::about_child(
        NotifyType::REKEY_SA,
        ProtocolId::ESP,
        spi,
        Vec::new(),
    ))
}

/// `[N(REKEY_SA),] SA, Ni, [KEi,] TSi, TSr`
pub fn child_request(old: Option<u32>, new: u32, ke: Option<(KeMethod, Vec<u8>)>) -> Vec<Payload> {
    old.map(rekey_notify)
        .into_iter()
        .chain([
            Payload::Sa(esp_sa(new, ke.as_ref().map(|(method, _)| *method))),
            Payload::Nonce(Nonce(vec![0xcc; 32])),
        ])
        .chain(ke.map(|(method, data)| Payload::Ke(KePayload { method, data })))
        .chain([
            Payload::TsI(ts("10.1.0.0/24")),
            Payload::TsR(ts("10.2.0.0/24")),
        ])
        .collect()
}

/// The keys that the peer derives for a CHILD SA of its own exchange.
fn child_keys(peer: &Peer, shared: Option<&Secret>, answer: &PayloadList) -> ChildKeys {
    let protection = peer
        .provider
        .protection(EncrId::ENCR_AES_GCM_16, Some(128), None)
        .unwrap();
    let prf = suite(&peer.provider).prf;
    let nr = &answer.nonce().unwrap().0;
    ChildKeys::derive(
        &protection,
        prf,
        &peer.keys.sk_d,
        shared,
        &[0xcc; 32],
        nr,
        &[],
    )
}

/// ```text
/// SK { N(REKEY_SA), SA, Ni, TSi, TSr } ──►
///                ◄── SK { SA, Nr, TSi, TSr }
/// SK { D(old) } ──►
///                ◄── SK { D(old) }
/// ```
#[test]
fn a_child_is_rekeyed() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    let old_in = lab.east.installed[0].spi_in;
    let answer = peer.ask(
        &mut lab,
        ExchangeType::CREATE_CHILD_SA,
        child_request(Some(0x1000), 0x1001, None),
    );
    let new_in = answer.sa().unwrap().proposals[0].child_spi().unwrap();
    assert!(answer.ke().is_none());
    let states: Vec<_> = lab.east.ike_sa().children;
    let states: Vec<_> = states
        .iter()
        .map(|c| (c.spi_in, c.spi_out, c.state))
        .collect();
    assert_eq!(
        states,
        [
            (old_in, 0x1000, ChildSaState::Rekeyed),
            (new_in, 0x1001, ChildSaState::Installed)
        ]
    );
    // Both pairs receive until the old one is deleted.
    assert_eq!(lab.east.installed.len(), 2);
    let keys = child_keys(&peer, None, &answer);
    assert!(lab.east.installed[1].key_in.expose() == keys.initiator.expose());
    assert!(lab.east.installed[1].key_out.expose() == keys.responder.expose());

    let delete = vec![Payload::Delete(Delete::child(ProtocolId::ESP, [0x1000]))];
    let answer = peer.ask(&mut lab, ExchangeType::INFORMATIONAL, delete);
    assert_eq!(
        answer.deletes().collect::<Vec<_>>(),
        [&Delete::child(ProtocolId::ESP, [old_in])]
    );
    assert_eq!(lab.east.installed.len(), 1);
    assert_eq!(lab.east.installed[0].spi_in, new_in);
    assert!(lab.east.is_up());
}

/// With a key exchange of its own ("perfect forward secrecy", 1.3.1).
#[test]
fn a_child_is_rekeyed_with_a_key_exchange() {
    let mut east = connection(Who::East);
    east.children[0].esp = vec![esp("aes128gcm16-x25519")];
    let mut lab = Lab::with(connection(Who::West), east);
    let mut peer = Peer::connect(&mut lab);
    let exchange = peer.provider.ke(KeMethod::CURVE25519).unwrap();
    let (ephemeral, public) = exchange.start(&*peer.provider.random);
    let answer = peer.ask(
        &mut lab,
        ExchangeType::CREATE_CHILD_SA,
        child_request(Some(0x1000), 0x1001, Some((KeMethod::CURVE25519, public))),
    );
    let shared = ephemeral.finish(&answer.ke().unwrap().data).unwrap();
    let keys = child_keys(&peer, Some(&shared), &answer);
    assert!(lab.east.installed[1].key_in.expose() == keys.initiator.expose());
    assert_eq!(lab.east.installed[1].suite.ke, Some(KeMethod::CURVE25519));
}

/// The answer that names the method wanted; the old pair stays.
#[test]
fn another_method_is_asked_for_when_rekeying_too() {
    let mut east = connection(Who::East);
    east.children[0].esp = vec![esp("aes128gcm16-ecp256")];
    let mut lab = Lab::with(connection(Who::West), east);
    let mut peer = Peer::connect(&mut lab);
    let mut request = child_request(
        Some(0x1000),
        0x1001,
        Some((KeMethod::CURVE25519, vec![9; 32])),
    );
    if let Payload::Sa(sa) = &mut request[1] {
        sa.proposals[0]
            .transforms
            .push(adit_wire::v2::Transform::ke(KeMethod::ECP_256));
    }
    let answer = peer.ask(&mut lab, ExchangeType::CREATE_CHILD_SA, request);
    let notify = answer.error_notify().unwrap();
    assert_eq!(notify.kind, NotifyType::INVALID_KE_PAYLOAD);
    assert_eq!(notify.data_u16(), Some(KeMethod::ECP_256.0));
    assert_eq!(lab.east.installed.len(), 1);
    assert!(lab.east.is_up());
}

/// PFS here, none there: that is a mismatch that shows only when rekeying.
#[test]
fn a_mismatch_that_shows_only_when_rekeying() {
    let mut east = connection(Who::East);
    east.children[0].esp = vec![esp("aes128gcm16-x25519")];
    let mut lab = Lab::with(connection(Who::West), east);
    let mut peer = Peer::connect(&mut lab);
    let answer = peer.ask(
        &mut lab,
        ExchangeType::CREATE_CHILD_SA,
        child_request(Some(0x1000), 0x1001, None),
    );
    assert_eq!(
        answer.error_notify().unwrap().kind,
        NotifyType::NO_PROPOSAL_CHOSEN
    );
    let (what, refusal, _) = lab.east.refusals().pop().unwrap();
    assert_eq!(what, "CHILD_SA lan (rekeying)");
    assert!(matches!(refusal, Refusal::NoEspProposal { differs, .. }
        if differs == [adit_model::proposal::TransformKind::KeyExchange]));
    assert!(lab.east.is_up());
}

/// A peer that doesn't delete what it replaced is told to.
#[test]
fn a_replaced_child_that_nobody_deletes() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    peer.ask(
        &mut lab,
        ExchangeType::CREATE_CHILD_SA,
        child_request(Some(0x1000), 0x1001, None),
    );
    let old_in = lab.east.installed[0].spi_in;
    let now = lab.now.plus(Duration::from_secs(40));
    lab.now = now;
    lab.east.endpoint.handle_timeout(now);
    lab.drain();
    let request = lab.intercept().pop().unwrap();
    let (header, payloads) = peer.unseal(&request.payload);
    assert_eq!(
        payloads.deletes().collect::<Vec<_>>(),
        [&Delete::child(ProtocolId::ESP, [old_in])]
    );
    assert_eq!(lab.east.ike_sa().children[0].state, ChildSaState::Deleting);
    // The peer's own deletion crosses ours (1.4.1): the pair goes once, and isn't named in our answer.
    let crossing = vec![Payload::Delete(Delete::child(ProtocolId::ESP, [0x1000]))];
    let answer = peer.ask(&mut lab, ExchangeType::INFORMATIONAL, crossing);
    assert!(answer.0.is_empty());
    assert_eq!(lab.east.installed.len(), 1);
    let response = peer.header(ExchangeType::INFORMATIONAL, true, header.message_id);
    let sealed = peer.seal(response, Vec::new());
    lab.deliver(&Datagram {
        from: request.to,
        to: request.from,
        payload: sealed,
    });
    assert_eq!(lab.east.installed.len(), 1);
    assert_eq!(lab.east.drops(), []);
}

/// RFC 7296 2.25: what REKEY_SA names must be there.
#[test]
fn abuse_42_rekeying_what_is_not_there() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    let our_own = lab.east.installed[0].spi_in;
    let named = |protocol, spi: Vec<u8>| {
        Payload::Notify(Notify {
            protocol,
            spi,
            kind: NotifyType::REKEY_SA,
            data: Vec::new(),
        })
    };
    for wrong in [
        rekey_notify(0x7777),
        rekey_notify(0),
        rekey_notify(our_own),
        named(ProtocolId::AH, 0x1000_u32.to_be_bytes().to_vec()),
        named(ProtocolId::NONE, Vec::new()),
        named(ProtocolId::IKE, vec![1; 8]),
    ] {
        let mut request = child_request(None, 0x1001, None);
        request.insert(0, wrong);
        let answer = peer.ask(&mut lab, ExchangeType::CREATE_CHILD_SA, request);
        assert_eq!(
            answer.error_notify().unwrap().kind,
            NotifyType::CHILD_SA_NOT_FOUND
        );
        assert_eq!(lab.east.installed.len(), 1);
    }
    assert!(lab.east.is_up());
}

/// Rekeying what is being replaced already (2.25.1).
#[test]
fn rekeying_twice() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    peer.ask(
        &mut lab,
        ExchangeType::CREATE_CHILD_SA,
        child_request(Some(0x1000), 0x1001, None),
    );
    let answer = peer.ask(
        &mut lab,
        ExchangeType::CREATE_CHILD_SA,
        child_request(Some(0x1000), 0x1002, None),
    );
    assert_eq!(
        answer.error_notify().unwrap().kind,
        NotifyType::TEMPORARY_FAILURE
    );
    assert_eq!(lab.east.installed.len(), 2);
}

/// Another CHILD SA without REKEY_SA (1.3.1), up to a limit.
#[test]
fn abuse_30_more_children_up_to_a_limit() {
    let mut lab = Lab::bare(
        adit_ike::Settings::default(),
        adit_ike::Settings {
            child_limit: 3,
            ..adit_ike::Settings::default()
        },
    );
    let now = lab.now;
    lab.east
        .endpoint
        .set_connection(now, Arc::new(connection(Who::East)));
    let mut peer = Peer::connect(&mut lab);
    for (n, fits) in [(1, true), (2, true), (3, false)] {
        let answer = peer.ask(
            &mut lab,
            ExchangeType::CREATE_CHILD_SA,
            child_request(None, 0x1000 + n, None),
        );
        assert_eq!(answer.sa().is_some(), fits);
        if !fits {
            assert_eq!(
                answer.error_notify().unwrap().kind,
                NotifyType::NO_ADDITIONAL_SAS
            );
        }
    }
    assert_eq!(lab.east.installed.len(), 3);
}

#[test]
fn other_traffic_needs_configuration() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    let mut request = child_request(None, 0x1001, None);
    request.pop();
    request.push(Payload::TsR(ts("10.99.0.0/16")));
    let answer = peer.ask(&mut lab, ExchangeType::CREATE_CHILD_SA, request);
    assert_eq!(
        answer.error_notify().unwrap().kind,
        NotifyType::TS_UNACCEPTABLE
    );
}

/// The new IKE SA that comes of rekeying, as the peer has it.
fn rekey_ike(lab: &mut Lab, peer: &mut Peer) -> Peer {
    let exchange = peer.provider.ke(KeMethod::CURVE25519).unwrap();
    let (ephemeral, data) = exchange.start(&*peer.provider.random);
    let spi_i = IkeSpi(0x9999_0000_0000_0000 | u64::from(peer.next_request));
    let ni = vec![0xdd; 32];
    let request = vec![
        Payload::Sa(ike_sa(&spi_i.to_bytes())),
        Payload::Nonce(Nonce(ni.clone())),
        Payload::Ke(KePayload {
            method: KeMethod::CURVE25519,
            data,
        }),
    ];
    let answer = peer.ask(lab, ExchangeType::CREATE_CHILD_SA, request);
    let spi_r = answer.sa().unwrap().proposals[0].ike_spi().unwrap();
    let nr = answer.nonce().unwrap().0.clone();
    let shared = ephemeral.finish(&answer.ke().unwrap().data).unwrap();
    let suite = suite(&peer.provider);
    let inputs = IkeKeyInputs {
        ni: &ni,
        nr: &nr,
        shared: &shared,
        spi_i: spi_i.to_bytes(),
        spi_r: spi_r.to_bytes(),
    };
    let keys = IkeKeys::derive_rekeyed(&suite, suite.prf, &peer.keys.sk_d, &inputs, &[]);
    let mut new = Peer::new(true, spi_i, spi_r, keys);
    new.next_request = 0;
    new
}

/// ```text
/// SK { SA, Ni, KEi } ──►
///                ◄── SK { SA, Nr, KEr }
/// SK { D(IKE) } ──►                       (on the old one)
///                ◄── SK { }
/// ```
#[test]
fn the_ike_sa_is_rekeyed_and_children_are_inherited() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    let data_plane = lab.east.data_plane.len();
    let mut new = rekey_ike(&mut lab, &mut peer);

    let mut states: Vec<_> = lab
        .east
        .endpoint
        .snapshot()
        .iter()
        .map(|s| (s.spis.0, s.state, s.children.len()))
        .collect();
    states.sort_by_key(|(spi, _, _)| *spi);
    assert_eq!(
        states,
        [
            (peer.our_spi.0, IkeSaState::Replaced, 0),
            (new.our_spi.0, IkeSaState::Established, 1)
        ]
    );
    // Traffic goes on undisturbed.
    assert_eq!(lab.east.data_plane.len(), data_plane);

    let delete = vec![Payload::Delete(Delete::ike())];
    assert!(
        peer.ask(&mut lab, ExchangeType::INFORMATIONAL, delete)
            .0
            .is_empty()
    );
    assert!(lab.east.saw(|h| *h
        == Happening::IkeClosed {
            by: Party::Peer,
            cause: "replaced".into()
        }));
    assert!(lab.east.is_up());
    assert_eq!(lab.east.data_plane.len(), data_plane);

    // Message IDs begin at 0 again, and CHILD SAs come from the new SK_d.
    assert!(
        new.ask(&mut lab, ExchangeType::INFORMATIONAL, vec![])
            .0
            .is_empty()
    );
    let answer = new.ask(
        &mut lab,
        ExchangeType::CREATE_CHILD_SA,
        child_request(Some(0x1000), 0x1001, None),
    );
    let keys = child_keys(&new, None, &answer);
    assert!(lab.east.installed[1].key_in.expose() == keys.initiator.expose());

    // And once more.
    let mut third = rekey_ike(&mut lab, &mut new);
    assert!(
        third
            .ask(&mut lab, ExchangeType::INFORMATIONAL, vec![])
            .0
            .is_empty()
    );
    assert_eq!(lab.east.endpoint.drops().total(), 0);
}

/// The old IKE SA takes nothing new, and goes when the peer forgets it.
#[test]
fn a_replaced_ike_sa() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    rekey_ike(&mut lab, &mut peer);
    let answer = peer.ask(
        &mut lab,
        ExchangeType::CREATE_CHILD_SA,
        child_request(None, 0x1001, None),
    );
    assert_eq!(
        answer.error_notify().unwrap().kind,
        NotifyType::TEMPORARY_FAILURE
    );
    lab.pass(Duration::from_secs(90));
    let left = lab.east.endpoint.snapshot();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].state, IkeSaState::Established);
    assert_eq!(lab.east.closed(), ["replaced"]);
}

#[test]
fn rekeying_the_ike_sa_needs_a_proposal_in_common() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    let mut sa = ike_sa(&[7; 8]);
    sa.proposals[0].transforms[0] =
        adit_wire::v2::Transform::encr(EncrId::ENCR_AES_GCM_16, Some(256));
    let ke = |method| {
        Payload::Ke(KePayload {
            method,
            data: vec![9; 32],
        })
    };
    let nonce = || Payload::Nonce(Nonce(vec![1; 32]));
    let answer = peer.ask(
        &mut lab,
        ExchangeType::CREATE_CHILD_SA,
        vec![Payload::Sa(sa), nonce(), ke(KeMethod::CURVE25519)],
    );
    assert_eq!(
        answer.error_notify().unwrap().kind,
        NotifyType::NO_PROPOSAL_CHOSEN
    );
    // A value for another group than the one in the proposal.
    let answer = peer.ask(
        &mut lab,
        ExchangeType::CREATE_CHILD_SA,
        vec![Payload::Sa(ike_sa(&[7; 8])), nonce(), ke(KeMethod::ECP_256)],
    );
    assert_eq!(
        answer.error_notify().unwrap().kind,
        NotifyType::INVALID_KE_PAYLOAD
    );
    // A proposal without the new SPI.
    let answer = peer.ask(
        &mut lab,
        ExchangeType::CREATE_CHILD_SA,
        vec![Payload::Sa(ike_sa(&[])), nonce(), ke(KeMethod::CURVE25519)],
    );
    assert_eq!(
        answer.error_notify().unwrap().kind,
        NotifyType::NO_PROPOSAL_CHOSEN
    );
    assert!(lab.east.is_up());
    assert_eq!(lab.east.endpoint.snapshot().len(), 1);
}

/// A request that was executed isn't executed again, whatever its octets.
#[test]
fn abuse_33_repeated_requests_are_not_executed_again() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    let header = peer.header(ExchangeType::CREATE_CHILD_SA, false, peer.next_request);
    let first = peer.seal(header, child_request(Some(0x1000), 0x1001, None));
    let other = peer.seal(header, child_request(None, 0x1002, None));
    let (from, to) = (at(WEST, 500), at(EAST, 500));
    let answer = common::peer::exchange_raw(&mut lab, from, to, &first);
    assert!(answer.is_some());
    assert_eq!(
        common::peer::exchange_raw(&mut lab, from, to, &first),
        answer
    );
    assert_eq!(
        common::peer::exchange_raw(&mut lab, from, to, &other),
        answer
    );
    assert_eq!(lab.east.installed.len(), 2);
    assert_eq!(lab.east.drops(), [(DropReason::IkeDuplicate, 2)]);
}

/// Exchanges that don't belong here: counted, and nothing else.
#[test]
fn exchanges_out_of_place() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    let before = lab.east.endpoint.snapshot();
    let (from, to) = (at(WEST, 500), at(EAST, 500));
    for (exchange, id) in [
        (35, 2),
        (34, 2),
        (38, 2),
        (43, 2),
        (0, 2),
        (255, 2),
        (37, 3),
        (37, 0),
        (37, u32::MAX),
    ] {
        let header = peer.header(ExchangeType(exchange), false, id);
        let message = peer.seal(header, vec![notify(NotifyType::INITIAL_CONTACT)]);
        let counted = lab.east.endpoint.drops().total();
        assert_eq!(
            common::peer::exchange_raw(&mut lab, from, to, &message),
            None
        );
        assert_eq!(lab.east.endpoint.drops().total(), counted + 1);
    }
    // Responses to nothing.
    for exchange in [34, 35, 36, 37] {
        let header = peer.header(ExchangeType(exchange), true, 0);
        let message = peer.seal(header, vec![]);
        assert_eq!(
            common::peer::exchange_raw(&mut lab, from, to, &message),
            None
        );
    }
    assert_eq!(
        lab.east.drops(),
        [
            (DropReason::IkeUnexpectedExchange, 6),
            (DropReason::IkeUnexpectedMessageId, 3),
            (DropReason::IkeUnexpectedResponse, 4)
        ]
    );
    assert_eq!(lab.east.endpoint.snapshot(), before);
    assert!(
        peer.ask(&mut lab, ExchangeType::INFORMATIONAL, vec![])
            .0
            .is_empty()
    );
}

/// Before the peer has authenticated it can do nothing but that (abuse: CVE-2019-12312).
#[test]
fn abuse_39_nothing_before_authentication() {
    let mut lab = Lab::new();
    let (mut peer, _) = Peer::open(&mut lab, Vec::new());
    let (from, to) = (at(WEST, 500), at(EAST, 500));
    for exchange in [
        ExchangeType::INFORMATIONAL,
        ExchangeType::CREATE_CHILD_SA,
        ExchangeType::IKE_INTERMEDIATE,
    ] {
        let header = peer.header(exchange, false, 1);
        let message = peer.seal(header, vec![Payload::Delete(Delete::ike())]);
        assert_eq!(
            common::peer::exchange_raw(&mut lab, from, to, &message),
            None
        );
    }
    assert_eq!(lab.east.drops(), [(DropReason::IkeUnexpectedExchange, 3)]);
    assert_eq!(lab.east.ike_sa().state, IkeSaState::Connecting);
}
