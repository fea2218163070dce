//! IKEv1, as far as it is read here (RFC 2408 3, RFC 2409 appendix A).

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use adit_wire::iana::{ExchangeType, PayloadType, V1NotifyType};
use adit_wire::v1::{FLAG_ENCRYPTED, V1Content, V1Message, is_v1};
use adit_wire::v2::Message;
use common::*;

#[test]
fn an_offer_round_trips() {
    let offer = v1_offer();
    let datagram = offer.emit().unwrap();
    assert!(is_v1(&datagram));
    assert_eq!(
        Message::parse(&datagram).unwrap_err().field,
        "IKE header version"
    );
    let parsed = V1Message::parse(&datagram).unwrap();
    assert_eq!(parsed.content, offer.content);
    assert_eq!(parsed.header.next_payload, PayloadType::V1_SA);
    assert_eq!(parsed.sa().unwrap().proposals[0].transforms.len(), 2);
    assert_eq!(parsed.emit().unwrap(), datagram);
}

#[test]
fn a_refusal_is_read_from_its_bytes() {
    let mut datagram = Vec::new();
    datagram.extend_from_slice(&SPI_I.to_bytes());
    datagram.extend_from_slice(&[0; 8]);
    datagram.extend_from_slice(&[11, 0x10, 5, 0, 0xaa, 0xbb, 0xcc, 0xdd, 0, 0, 0, 40]);
    datagram.extend_from_slice(&[0, 0, 0, 12, 0, 0, 0, 1, 1, 0, 0, 14]);
    let message = V1Message::parse(&datagram).unwrap();
    assert_eq!(message.header.exchange, ExchangeType::INFORMATIONAL_V1);
    assert_eq!(
        message.notify().unwrap().kind,
        V1NotifyType::NO_PROPOSAL_CHOSEN
    );
    assert_eq!(
        message.notify().unwrap().kind.to_string(),
        "NO-PROPOSAL-CHOSEN"
    );
    assert_eq!(message.emit().unwrap(), datagram);
}

#[test]
fn encrypted_content_stays_as_it_is() {
    let mut message = v1_refusal();
    message.header.flags.reserved = FLAG_ENCRYPTED;
    message.header.next_payload = PayloadType::V1_HASH;
    message.content = V1Content::Encrypted(vec![0x5a; 48]);
    let datagram = message.emit().unwrap();
    let parsed = V1Message::parse(&datagram).unwrap();
    assert_eq!(parsed.content, message.content);
    assert_eq!(parsed.header.next_payload, PayloadType::V1_HASH);
    assert!(parsed.payloads().is_empty());
}

#[test]
fn what_is_not_version_1_is_refused() {
    let datagram = common::datagrams().swap_remove(0);
    assert!(!is_v1(&datagram));
    assert_eq!(
        V1Message::parse(&datagram).unwrap_err().field,
        "IKE header version"
    );
    let mut offer = v1_offer().emit().unwrap();
    offer[28 + 4 + 3] = 2;
    assert_eq!(V1Message::parse(&offer).unwrap_err().field, "SA(v1) DOI");
}
