//! Whole IKEv2 messages: the chain, the encrypted payload, fragments, the critical bit.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use adit_wire::iana::{ExchangeType, NotifyType, PayloadType};
use adit_wire::v2::*;
use adit_wire::{Reason, WireError};
use common::*;

#[test]
fn a_message_in_clear_round_trips() {
    let payloads = sa_init_request();
    let datagram = emit_plain(
        &header(ExchangeType::IKE_SA_INIT, true, false, 0),
        &payloads,
    )
    .unwrap();
    let message = Message::parse(&datagram).unwrap();
    assert_eq!(message.payloads, payloads);
    assert_eq!(message.encrypted, None);
    assert_eq!(message.header.next_payload, PayloadType::SA);
    assert_eq!(message.header.length as usize, datagram.len());
    assert_eq!(
        emit_plain(&message.header, &message.payloads).unwrap(),
        datagram
    );
}

#[test]
fn payloads_are_found_by_kind() {
    let list = auth_request();
    assert_eq!(list.sa(), Some(&esp_offer(0xc0de_0001)));
    assert_eq!(list.id_i().unwrap().data, b"east.example");
    assert_eq!(list.id_r().unwrap().data, [192, 0, 2, 1]);
    assert_eq!(list.ts_i(), Some(&selectors()));
    assert!(list.notify(NotifyType::INITIAL_CONTACT).is_some());
    assert!(list.error_notify().is_none());
    assert_eq!(list.count(PayloadType::TS_R), 1);
    assert!(list.ke().is_none());
    assert_eq!(informational().deletes().count(), 2);
    assert_eq!(
        sa_init_request().vendor_ids().next(),
        Some(&VendorId(b"adit".to_vec()))
    );
    assert_eq!(
        sa_init_response()
            .cert_requests()
            .next()
            .unwrap()
            .key_hashes()
            .count(),
        2
    );
}

/// RFC 5282 5.1: the associated data ends behind the generic header of the SK payload. RFC 7296 3.14: the ICV covers
/// everything in front of it.
#[test]
fn sk_ranges_are_where_the_keys_need_them() {
    for layout in [GCM, CBC_SHA256] {
        let frame = SkFrame::sk(
            &header(ExchangeType::IKE_AUTH, true, false, 1),
            &auth_request(),
            layout,
        )
        .unwrap();
        assert_eq!(frame.aad, 0..Header::LEN + 4);
        assert_eq!(frame.iv, 32..32 + layout.iv);
        assert_eq!(frame.ciphertext.start, frame.iv.end);
        assert_eq!(frame.ciphertext.len() % layout.block, 0);
        assert_eq!(frame.icv, frame.ciphertext.end..frame.datagram.len());
        assert_eq!(frame.icv.len(), layout.icv);

        let message = Message::parse(&frame.datagram).unwrap();
        assert!(message.payloads.0.is_empty());
        assert_eq!(message.header.next_payload, PayloadType::SK);
        let encrypted = message.encrypted.unwrap();
        assert_eq!(encrypted.first_inner(), PayloadType::ID_I);
        assert_eq!(encrypted.aad(), frame.aad);
        assert_eq!(encrypted.body(), frame.iv.start..frame.icv.end);
        assert_eq!(encrypted.fragment(), None);
        let plaintext = &frame.datagram[frame.ciphertext];
        assert_eq!(
            open_inner(encrypted.first_inner(), plaintext).unwrap(),
            auth_request()
        );
    }
}

#[test]
fn an_empty_encrypted_message_has_only_padding() {
    let layout = CBC_SHA256;
    let frame = SkFrame::sk(
        &header(ExchangeType::INFORMATIONAL, true, false, 7),
        &PayloadList::default(),
        layout,
    )
    .unwrap();
    assert_eq!(frame.ciphertext.len(), 16);
    assert_eq!(frame.datagram[frame.ciphertext.clone()][15], 15);
    assert_eq!(
        open_inner(PayloadType::NONE, &frame.datagram[frame.ciphertext]).unwrap(),
        PayloadList::default()
    );
}

#[test]
fn fragments_carry_the_message_in_pieces() {
    let mut inner = Vec::new();
    let first_inner = auth_request().emit(&mut inner).unwrap();
    for layout in [GCM, CBC_SHA256] {
        let size = layout.fragment_capacity(200);
        let total = inner.len().div_ceil(size) as u16;
        assert!(total > 1);
        let mut joined = Vec::new();
        for (number, part) in (1..).zip(inner.chunks(size)) {
            let fragment = FragmentHeader { number, total };
            let head = header(ExchangeType::IKE_AUTH, true, false, 1);
            let frame = SkFrame::skf(&head, first_inner, fragment, part, layout).unwrap();
            assert!(
                frame.datagram.len() <= 200,
                "{} bytes",
                frame.datagram.len()
            );
            // RFC 7383 2.5: the AEAD covers the fragment number too.
            assert_eq!(frame.aad, 0..Header::LEN + 4 + FragmentHeader::LEN);
            let encrypted = Message::parse(&frame.datagram).unwrap().encrypted.unwrap();
            assert_eq!(encrypted.fragment(), Some(fragment));
            assert_eq!(
                encrypted.first_inner(),
                if number == 1 {
                    first_inner
                } else {
                    PayloadType::NONE
                }
            );
            joined.extend_from_slice(strip_padding(&frame.datagram[frame.ciphertext]).unwrap());
        }
        assert_eq!(
            PayloadList::parse(first_inner, &joined).unwrap(),
            auth_request()
        );
    }
}

#[test]
fn fragment_capacity_is_exact() {
    let head = header(ExchangeType::IKE_AUTH, true, false, 1);
    let one = FragmentHeader {
        number: 1,
        total: 1,
    };
    for layout in [GCM, CBC_SHA256] {
        for limit in 120..200 {
            let most = layout.fragment_capacity(limit);
            let length = |inner| {
                SkFrame::skf(&head, PayloadType::SA, one, &vec![0; inner], layout)
                    .unwrap()
                    .datagram
                    .len()
            };
            assert!(length(most) <= limit);
            assert!(length(most + 1) > limit);
        }
    }
}

#[test]
fn abuse_31_fragment_numbers_are_checked() {
    let head = header(ExchangeType::IKE_AUTH, true, false, 1);
    let one = FragmentHeader {
        number: 1,
        total: 1,
    };
    let frame = SkFrame::skf(&head, PayloadType::SA, one, &[], GCM).unwrap();
    for (number, total) in [(0u16, 0u16), (0, 1), (2, 1)] {
        let mut datagram = frame.datagram.clone();
        datagram[32..34].copy_from_slice(&number.to_be_bytes());
        datagram[34..36].copy_from_slice(&total.to_be_bytes());
        assert_eq!(
            Message::parse(&datagram).unwrap_err().field,
            "SKF fragment number"
        );
        assert!(
            SkFrame::skf(
                &head,
                PayloadType::SA,
                FragmentHeader { number, total },
                &[],
                GCM
            )
            .is_err()
        );
    }
}

/// RFC 7296 2.5: skipped when not critical, refused when critical; either way nothing is lost here.
#[test]
fn unknown_payloads_survive_and_critical_ones_are_reported() {
    let unknown = |critical| Payload::Unknown {
        kind: PayloadType(200),
        critical,
        body: vec![1, 2, 3],
    };
    for critical in [false, true] {
        let list = PayloadList(vec![
            unknown(critical),
            Payload::Notify(Notify::new(NotifyType::INITIAL_CONTACT)),
        ]);
        let mut out = Vec::new();
        let first = list.emit(&mut out).unwrap();
        assert_eq!(out[..4], [41, if critical { 0x80 } else { 0 }, 0, 7]);
        let again = PayloadList::parse(first, &out).unwrap();
        assert_eq!(again, list);
        assert_eq!(
            again.first_unsupported_critical(),
            critical.then_some(PayloadType(200))
        );
    }
}

/// RFC 7296 3.2: the critical bit is ignored on a payload that the recipient understands.
#[test]
fn abuse_07_the_critical_bit_of_a_known_payload_is_ignored() {
    let list = PayloadList(vec![Payload::Notify(Notify::new(
        NotifyType::INITIAL_CONTACT,
    ))]);
    let mut out = Vec::new();
    let first = list.emit(&mut out).unwrap();
    out[1] = 0xff;
    assert_eq!(PayloadList::parse(first, &out).unwrap(), list);
}

#[test]
fn lengths_and_versions_are_named_when_wrong() {
    let good = common::datagrams().swap_remove(0);
    let with = |at: usize, value: u8| {
        let mut datagram = good.clone();
        datagram[at] = value;
        Message::parse(&datagram).unwrap_err()
    };
    assert_eq!(
        with(17, 0x10),
        WireError {
            offset: 17,
            field: "IKE header version",
            reason: Reason::BadValue {
                value: 1,
                expected: "major version 2"
            },
        }
    );
    assert_eq!(with(24, 0xff).field, "IKE header length");
    let mut longer = good.clone();
    longer.push(0);
    assert_eq!(
        Message::parse(&longer).unwrap_err().field,
        "IKE header length"
    );
    assert_eq!(with(31, 3).field, "payload length");
    // A minor version above ours is to be accepted (RFC 7296 2.5).
    let mut minor = good;
    minor[17] = 0x21;
    assert_eq!(Message::parse(&minor).unwrap().header.version.minor, 1);
}

#[test]
fn nothing_follows_an_encrypted_payload_and_none_is_inside() {
    let frame = SkFrame::sk(
        &header(ExchangeType::IKE_AUTH, true, false, 1),
        &auth_request(),
        GCM,
    )
    .unwrap();
    let mut datagram = frame.datagram.clone();
    datagram.extend_from_slice(&[0, 0, 0, 4]);
    let length = datagram.len() as u32;
    datagram[24..28].copy_from_slice(&length.to_be_bytes());
    assert_eq!(
        Message::parse(&datagram).unwrap_err().reason,
        Reason::TrailingBytes { count: 4 }
    );
    assert!(PayloadList::parse(PayloadType::SK, &frame.datagram[28..]).is_err());
}

#[test]
fn padding_may_hold_anything_but_must_fit() {
    let list = PayloadList(vec![Payload::Notify(Notify::new(
        NotifyType::INITIAL_CONTACT,
    ))]);
    let mut plaintext = Vec::new();
    let first = list.emit(&mut plaintext).unwrap();
    plaintext.extend_from_slice(&[0xde, 0xad, 2]);
    assert_eq!(open_inner(first, &plaintext).unwrap(), list);
    assert!(strip_padding(&[]).is_err());
    assert_eq!(
        strip_padding(&[0, 0, 3]).unwrap_err().field,
        "SK pad length"
    );
    assert_eq!(strip_padding(&[0, 0, 2]).unwrap(), [0u8; 0]);
}

#[test]
fn what_does_not_fit_is_refused_when_written() {
    let head = header(ExchangeType::IKE_AUTH, true, false, 1);
    let big = PayloadList(vec![Payload::Vendor(VendorId(vec![0; 65_532]))]);
    let error = emit_plain(&head, &big).unwrap_err();
    assert_eq!(
        error.reason,
        Reason::TooLong {
            length: 65_536,
            max: 65_535
        }
    );
    let mut notify = Notify::new(NotifyType::REKEY_SA);
    notify.spi = vec![0; 256];
    assert!(SkFrame::sk(&head, &PayloadList(vec![Payload::Notify(notify)]), GCM).is_err());
}
