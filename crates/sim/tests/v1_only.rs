//! A peer that speaks only IKEv1, in the manners of those that do.

#![allow(clippy::unwrap_used)]

use adit_sim::{V1Manner, V1Only};
use adit_wire::iana::{ExchangeType, NotifyType, V1NotifyType};
use adit_wire::v1::{V1Content, V1Message, V1Payload, V1Proposal, V1Sa, V1Transform};
use adit_wire::v2::{Flags, Header, IkeSpi, Message, Payload, PayloadList, Version, emit_plain};

fn ike_sa_init() -> Vec<u8> {
    let flags = Flags::new(true, false);
    let header = Header::v2(IkeSpi(7), IkeSpi::ZERO, ExchangeType::IKE_SA_INIT, flags, 0);
    emit_plain(&header, &PayloadList::default()).unwrap()
}

#[test]
fn version_2_is_answered_with_a_notify_of_version_1() {
    let answer = V1Only::default().answer(&ike_sa_init()).unwrap();
    let message = V1Message::parse(&answer).unwrap();
    assert_eq!(message.header.spi_i, IkeSpi(7));
    assert_eq!(message.header.exchange, ExchangeType::INFORMATIONAL_V1);
    assert_eq!(
        message.notify().unwrap().kind,
        V1NotifyType::INVALID_MAJOR_VERSION
    );
}

/// 36 octets, as strongSwan 5.9.8 with a `version = 1` connection sends.
#[test]
fn version_2_is_refused_for_want_of_a_connection() {
    let peer = V1Only {
        manner: V1Manner::NoProposalChosen,
    };
    let answer = peer.answer(&ike_sa_init()).unwrap();
    assert_eq!(answer.len(), 36);
    let message = Message::parse(&answer).unwrap();
    assert!(message.header.flags.response && !message.header.flags.initiator);
    assert!(matches!(
        message.payloads.0.as_slice(),
        [Payload::Notify(notify)] if notify.kind == NotifyType::NO_PROPOSAL_CHOSEN
    ));
}

#[test]
fn version_2_is_ignored() {
    let peer = V1Only {
        manner: V1Manner::Silent,
    };
    assert_eq!(peer.answer(&ike_sa_init()), None);
}

#[test]
fn main_mode_is_begun_and_the_first_offer_taken() {
    let transform = |number| V1Transform {
        number,
        id: 1,
        attributes: Vec::new(),
    };
    let proposal = V1Proposal {
        number: 1,
        protocol: 1,
        spi: Vec::new(),
        transforms: vec![transform(1), transform(2)],
    };
    let request = V1Message {
        header: Header {
            version: Version::V1,
            ..Header::v2(
                IkeSpi(9),
                IkeSpi::ZERO,
                ExchangeType::IDENTITY_PROTECTION,
                Flags::default(),
                0,
            )
        },
        content: V1Content::Clear(vec![V1Payload::Sa(V1Sa {
            proposals: vec![proposal],
        })]),
    };
    let answer = V1Only::default().answer(&request.emit().unwrap()).unwrap();
    let answer = V1Message::parse(&answer).unwrap();
    assert_eq!(answer.header.exchange, ExchangeType::IDENTITY_PROTECTION);
    assert!(!answer.header.spi_r.is_zero());
    assert_eq!(answer.sa().unwrap().proposals[0].transforms, [transform(1)]);
}

#[test]
fn anything_else_is_ignored() {
    let peer = V1Only::default();
    for n in 0..28 {
        assert_eq!(peer.answer(&ike_sa_init()[..n]), None);
    }
    let mut response = ike_sa_init();
    response[19] |= 0x20;
    assert_eq!(
        peer.answer(&response),
        None,
        "two such peers would talk for ever"
    );
}
