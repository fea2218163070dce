//! What isn't carried out here: what a peer asks for in vain is refused by its name, or left out where silence declines
//! it, and the tunnel goes on without.

use crate::common;

use adit_model::drops::DropReason;
use adit_model::feature::Feature;
use adit_model::reason::Refusal;
use adit_wire::iana::{ExchangeType, NotifyType, PayloadType, ProtocolId, TransformType};
use adit_wire::v2::{
    EapPayload, Flags, Header, IkeSpi, Message, Nonce, Notify, Payload, PayloadList, emit_plain,
};
use common::peer::{Peer, esp_sa, exchange_raw, ike_sa, notify, ts};
use common::*;

const KEY: &[u8] = b"a shared secret";

fn child() -> [Payload; 3] {
    [
        Payload::Sa(esp_sa(0x1000, None)),
        Payload::TsI(ts("10.1.0.0/24")),
        Payload::TsR(ts("10.2.0.0/24")),
    ]
}

/// East refused one thing for this one, and said so with this notify.
fn east_refused(lab: &Lab, about: &str, feature: Feature, told: Option<NotifyType>) {
    let told = told.map(|kind| kind.to_string());
    let expected = (
        about.to_owned(),
        Refusal::Unsupported { what: feature },
        told,
    );
    assert_eq!(lab.east.refusals(), [expected]);
}

/// RFC 7296 2.16: who leaves AUTH out wants EAP.
#[test]
fn eap_is_refused_by_name() {
    let mut lab = Lab::new();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let mut auth = peer.authenticate(&opening, KEY);
    auth.retain(|p| p.kind() != PayloadType::AUTH);
    auth.extend(child());
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    assert!(answer.notify(NotifyType::AUTHENTICATION_FAILED).is_some());
    let told = Some(NotifyType::AUTHENTICATION_FAILED);
    east_refused(&lab, "IKE_AUTH", Feature::Eap, told);
    assert!(!lab.east.is_up());
}

/// A responder that answers our proof with EAP hasn't proved anything, and gets no answer to it.
#[test]
fn a_responder_that_begins_eap_is_left() {
    let mut lab = Lab::new();
    lab.initiate();
    let request = lab.intercept().pop().unwrap();
    let (mut peer, _) = Peer::answer(&mut lab, &request.payload, ike_sa(&[]));
    let request = lab.intercept().pop().unwrap();
    // Request 1: identity.
    let identity = EapPayload {
        code: 1,
        identifier: 1,
        data: vec![1],
    };
    peer.respond(&mut lab, &request, vec![Payload::Eap(identity)]);
    let west = lab.west.refusals();
    let eap = Refusal::Unsupported { what: Feature::Eap };
    assert_eq!(west.len(), 1);
    assert_eq!(west[0].1, eap);
    assert!(!lab.west.is_up());
}

/// RFC 4739 2.1: that a peer could authenticate twice is no reason to refuse it; that it is about to is one, because it
/// was never agreed on.
#[test]
fn several_authentications() {
    let mut lab = Lab::new();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let mut auth = peer.authenticate(&opening, KEY);
    auth.push(notify(NotifyType::MULTIPLE_AUTH_SUPPORTED));
    auth.extend(child());
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    assert!(answer.notify(NotifyType::MULTIPLE_AUTH_SUPPORTED).is_none());
    assert!(lab.east.is_up());

    let mut lab = Lab::new();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let mut auth = peer.authenticate(&opening, KEY);
    auth.push(notify(NotifyType::ANOTHER_AUTH_FOLLOWS));
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    assert!(answer.auth().is_none());
    let told = Some(NotifyType::AUTHENTICATION_FAILED);
    east_refused(&lab, "IKE_AUTH", Feature::FurtherAuthentication, told);
}

/// RFC 5685 3: only who said REDIRECT_SUPPORTED is sent elsewhere. We never do, so who sends us elsewhere in clear is as
/// believable as any error in clear: a better answer is awaited, and counts.
#[test]
fn abuse_46_a_redirect_is_not_followed() {
    let elsewhere = || {
        let mut data = vec![1, 4, 203, 0, 113, 9];
        data.extend([0xcc; 32]);
        Payload::Notify(Notify::with_data(NotifyType::REDIRECT, data))
    };
    let redirect = Refusal::Unsupported {
        what: Feature::Redirect {
            to: "203.0.113.9".to_owned(),
        },
    };
    let mut lab = Lab::new();
    lab.initiate();
    let request = lab.intercept().pop().unwrap();
    assert!(
        Message::parse(&request.payload)
            .unwrap()
            .payloads
            .notify(NotifyType::REDIRECT_SUPPORTED)
            .is_none()
    );
    let header = Header::v2(
        Message::parse(&request.payload).unwrap().header.spi_i,
        IkeSpi::ZERO,
        ExchangeType::IKE_SA_INIT,
        Flags::new(false, true),
        0,
    );
    let answer = emit_plain(&header, &PayloadList(vec![elsewhere()])).unwrap();
    lab.deliver(&Datagram {
        from: request.to,
        to: request.from,
        payload: answer,
    });
    assert_eq!(lab.west.drops(), [(DropReason::IkeUnexpectedResponse, 1)]);
    assert_eq!(lab.intercept(), [], "nothing goes to the other gateway");
    // The genuine answer still comes in time.
    lab.deliver(&request);
    lab.run();
    assert!(lab.west.is_up());

    // Without one the attempt is over, with the reason.
    let mut lab = Lab::new();
    lab.initiate();
    let request = lab.intercept().pop().unwrap();
    let spi_i = Message::parse(&request.payload).unwrap().header.spi_i;
    let header = Header { spi_i, ..header };
    lab.deliver(&Datagram {
        from: request.to,
        to: request.from,
        payload: emit_plain(&header, &PayloadList(vec![elsewhere()])).unwrap(),
    });
    lab.cut = true;
    lab.pass(std::time::Duration::from_secs(2));
    let refused = ("IKE_SA_INIT".to_owned(), redirect.clone(), None);
    assert_eq!(lab.west.refusals(), [refused]);

    // From a peer that proves who it is, in IKE_AUTH (section 6).
    let mut lab = Lab::new();
    lab.initiate();
    let request = lab.intercept().pop().unwrap();
    let (mut peer, opening) = Peer::answer(&mut lab, &request.payload, ike_sa(&[]));
    let request = lab.intercept().pop().unwrap();
    let mut payloads = peer.authenticate_responder(&opening, "east.lab", KEY);
    payloads.push(elsewhere());
    peer.respond(&mut lab, &request, payloads);
    assert_eq!(lab.west.refusals().len(), 1);
    assert_eq!(lab.west.refusals()[0].1, redirect);
    assert!(!lab.west.is_up());
}

/// RFC 5685 3: an initiator that would go elsewhere, or was sent here by another gateway, is served.
#[test]
fn who_would_go_elsewhere_is_served_here() {
    let mut lab = Lab::new();
    let from = Notify::with_data(NotifyType::REDIRECTED_FROM, vec![1, 4, 192, 0, 2, 9]);
    let behind = vec![
        notify(NotifyType::REDIRECT_SUPPORTED),
        Payload::Notify(from),
    ];
    let (mut peer, opening) = Peer::open_offering(&mut lab, Vec::new(), ike_sa(&[]), behind);
    let mut auth = peer.authenticate(&opening, KEY);
    auth.extend(child());
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    assert!(answer.sa().is_some());
    assert!(lab.east.is_up());
}

fn resume(ticket: usize, spi_i: IkeSpi) -> Vec<u8> {
    let header = Header::v2(
        spi_i,
        IkeSpi::ZERO,
        ExchangeType::IKE_SESSION_RESUME,
        Flags::new(true, false),
        0,
    );
    let ticket = Notify::with_data(NotifyType::TICKET_OPAQUE, vec![7; ticket]);
    let payloads = PayloadList(vec![
        Payload::Nonce(Nonce(vec![1; 32])),
        Payload::Notify(ticket),
    ]);
    emit_plain(&header, &payloads).unwrap()
}

/// RFC 5723 4.3.2: whoever comes with a ticket, of whatever kind, is told at once that it is none, and nothing is
/// remembered; strangers are told nothing, and nobody more often than ten times a second.
#[test]
fn abuse_47_no_ticket_is_taken() {
    for ticket in [0, 1, 200, 20_000] {
        let mut lab = Lab::new();
        let octets = resume(ticket, IkeSpi(9));
        let answer = exchange_raw(&mut lab, at(WEST, 500), at(EAST, 500), &octets).unwrap();
        assert!(answer.len() <= octets.len());
        let answer = Message::parse(&answer).unwrap();
        assert_eq!(answer.header.exchange, ExchangeType::IKE_SESSION_RESUME);
        assert!(answer.payloads.notify(NotifyType::TICKET_NACK).is_some());
        assert_eq!(lab.east.drops(), [(DropReason::IkeUnexpectedExchange, 1)]);
        let told = Some(NotifyType::TICKET_NACK);
        east_refused(&lab, "IKE_SESSION_RESUME", Feature::SessionResumption, told);
        assert!(lab.east.endpoint.snapshot().is_empty());
    }
    let mut lab = Lab::new();
    let stranger = exchange_raw(
        &mut lab,
        at("203.0.113.5", 500),
        at(EAST, 500),
        &resume(9, IkeSpi(9)),
    );
    assert_eq!(stranger, None);
    let cut = Header::v2(
        IkeSpi(9),
        IkeSpi::ZERO,
        ExchangeType::IKE_SESSION_RESUME,
        Flags::new(true, false),
        0,
    );
    let bare = emit_plain(&cut, &PayloadList::default()).unwrap();
    assert_eq!(
        exchange_raw(&mut lab, at(WEST, 500), at(EAST, 500), &bare),
        None
    );
    let told = (0..50)
        .filter(|n| {
            exchange_raw(
                &mut lab,
                at(WEST, 500),
                at(EAST, 500),
                &resume(9, IkeSpi(10 + n)),
            )
            .is_some()
        })
        .count();
    assert_eq!(told, 10);
    assert_eq!(lab.east.drops(), [(DropReason::IkeUnexpectedExchange, 52)]);
}

/// RFC 5723 4.1, RFC 6290 4.2: no ticket and no token are given to who asks for them, and the tunnel is none the worse.
#[test]
fn tickets_and_tokens_are_not_given() {
    let mut lab = Lab::new();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let mut auth = peer.authenticate(&opening, KEY);
    let token = Notify::with_data(NotifyType::QUICK_CRASH_DETECTION, vec![5; 32]);
    auth.push(Payload::Notify(token));
    auth.push(notify(NotifyType::TICKET_REQUEST));
    auth.extend(child());
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    assert!(answer.sa().is_some());
    for kind in [
        NotifyType::QUICK_CRASH_DETECTION,
        NotifyType::TICKET_LT_OPAQUE,
        NotifyType::TICKET_ACK,
    ] {
        assert!(answer.notify(kind).is_none(), "{kind}");
    }
    assert!(lab.east.is_up());
}

/// RFC 6290 4.4: a token in clear would end an IKE SA. Here none is known, so none does, not even the one that the peer
/// itself gave; and nothing is answered that could be tried out.
#[test]
fn abuse_50_no_token_ends_an_ike_sa() {
    let mut lab = Lab::new();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let token = vec![5; 32];
    let given = Notify::with_data(NotifyType::QUICK_CRASH_DETECTION, token.clone());
    let mut auth = peer.authenticate(&opening, KEY);
    auth.push(Payload::Notify(given));
    auth.extend(child());
    peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    for token in [token, vec![6; 32], Vec::new()] {
        let header = peer.header(ExchangeType::INFORMATIONAL, true, 0);
        let crash = Notify::with_data(NotifyType::QUICK_CRASH_DETECTION, token);
        let payloads = PayloadList(vec![
            notify(NotifyType::INVALID_IKE_SPI),
            Payload::Notify(crash),
        ]);
        let octets = emit_plain(&header, &payloads).unwrap();
        let now = lab.now;
        lab.east
            .endpoint
            .handle_datagram(now, at(EAST, 500), at(WEST, 500), &octets);
        lab.drain();
        // It may ask the peer for a sign of life, under protection, once.
        lab.intercept();
        assert!(lab.east.is_up());
    }
    assert_eq!(lab.east.endpoint.drops().total(), 3);
    assert!(lab.east.is_up());
}

/// RFC 6311 5: counters are brought together under protection with message ID 0, and only where both have agreed to it.
#[test]
fn abuse_51_message_ids_are_not_set_by_anybody() {
    let mut lab = Lab::new();
    let mut peer = Peer::connect(&mut lab);
    let sync = || Notify::with_data(NotifyType::IKEV2_MESSAGE_ID_SYNC, vec![9; 12]);
    // In clear.
    let header = peer.header(ExchangeType::INFORMATIONAL, false, 0);
    let clear = emit_plain(&header, &PayloadList(vec![Payload::Notify(sync())])).unwrap();
    assert_eq!(
        exchange_raw(&mut lab, at(WEST, 500), at(EAST, 500), &clear),
        None
    );
    // Under protection, with the message ID that such a request has: one that was answered long ago.
    let sealed = peer.seal(header, vec![Payload::Notify(sync())]);
    assert_eq!(
        exchange_raw(&mut lab, at(WEST, 500), at(EAST, 500), &sealed),
        None
    );
    assert_eq!(lab.east.endpoint.drops().total(), 2);
    // In its turn it is a notify without meaning.
    let answer = peer.ask(
        &mut lab,
        ExchangeType::INFORMATIONAL,
        vec![Payload::Notify(sync())],
    );
    assert_eq!(answer, PayloadList::default());
    assert!(lab.east.is_up());
}

/// RFC 7296 3.3.1: AH alone is refused by its name; beside ESP it is passed over.
#[test]
fn ah_is_refused_by_name() {
    let ah = |number: u8| {
        let mut proposal = esp_sa(0x1000, None).proposals.remove(0);
        proposal.number = number;
        proposal.protocol = ProtocolId::AH;
        proposal
            .transforms
            .retain(|t| t.kind != TransformType::ENCR);
        proposal
    };
    let ask = |lab: &mut Lab, esp: bool| {
        let mut peer = Peer::connect(lab);
        let mut sa = esp_sa(0x2000, None);
        if esp {
            sa.proposals[0].number = 2;
            sa.proposals.insert(0, ah(1));
        } else {
            sa.proposals = vec![ah(1)];
        }
        let request = vec![
            Payload::Sa(sa),
            Payload::Nonce(Nonce(vec![3; 32])),
            Payload::TsI(ts("10.1.0.0/24")),
            Payload::TsR(ts("10.2.0.0/24")),
        ];
        peer.ask(lab, ExchangeType::CREATE_CHILD_SA, request)
    };
    let mut lab = Lab::new();
    let answer = ask(&mut lab, false);
    assert!(answer.notify(NotifyType::NO_PROPOSAL_CHOSEN).is_some());
    let told = Some(NotifyType::NO_PROPOSAL_CHOSEN);
    east_refused(&lab, "CHILD_SA lan", Feature::Ah, told);
    let mut lab = Lab::new();
    let answer = ask(&mut lab, true);
    assert_eq!(answer.sa().unwrap().proposals[0].protocol, ProtocolId::ESP);
}

/// RFC 7296 2.22: compression that isn't answered isn't used.
#[test]
fn compression_is_declined_by_silence() {
    let mut lab = Lab::new();
    let (mut peer, opening) = Peer::open(&mut lab, Vec::new());
    let mut auth = peer.authenticate(&opening, KEY);
    // CPI 0x1234, DEFLATE.
    let offer = Notify::with_data(NotifyType::IPCOMP_SUPPORTED, vec![0x12, 0x34, 2]);
    auth.push(Payload::Notify(offer));
    auth.extend(child());
    let answer = peer.ask(&mut lab, ExchangeType::IKE_AUTH, auth);
    assert!(answer.sa().is_some());
    assert!(answer.notify(NotifyType::IPCOMP_SUPPORTED).is_none());
    assert!(lab.east.is_up());
}

/// RFC 9329 3: what begins a stream over TCP means nothing in a datagram, with a message behind it or without.
#[test]
fn abuse_36_the_prefix_of_a_stream_is_no_message() {
    let mut lab = Lab::new();
    lab.initiate();
    let request = lab.intercept().pop().unwrap().payload;
    let length = u16::try_from(request.len() + 6).unwrap().to_be_bytes();
    let framed = [b"IKETCP".as_slice(), &length, &[0; 4], &request].concat();
    for octets in [b"IKETCP".as_slice(), &framed, &framed[6..]] {
        let answer = exchange_raw(&mut lab, at(WEST, 500), at(EAST, 500), octets);
        assert_eq!(answer, None);
    }
    assert_eq!(lab.east.endpoint.drops().total(), 3);
    assert!(lab.east.endpoint.snapshot().is_empty());
}
