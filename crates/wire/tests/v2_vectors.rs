//! IKEv2 payloads byte by byte, as the figures of RFC 7296 section 3 draw them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use adit_wire::iana::{
    CfgAttribute, CfgType, EncrId, ExchangeType, IdType, KeMethod, NotifyType, PayloadType,
    ProtocolId, TransformType, TsType,
};
use adit_wire::v2::*;
use adit_wire::{Reason, WireError};
use common::SPI_I;

/// Bytes from hex digits, spaces ignored.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|c| c.to_digit(16))
        .map(|d| d as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn emitted(emit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    emit(&mut out);
    out
}

#[test]
fn header_figure_4() {
    let bytes = hex("0102030405060708 1112131415161718 21 20 22 08 00000000 0000001c");
    let header = Header::parse(&bytes).unwrap();
    assert_eq!(header.spi_i.to_string(), "0102030405060708");
    assert_eq!(header.spi_r, IkeSpi(0x1112_1314_1516_1718));
    assert_eq!(header.next_payload, PayloadType::SA);
    assert_eq!(header.version, Version::V2);
    assert_eq!(header.exchange, ExchangeType::IKE_SA_INIT);
    assert_eq!(header.flags, Flags::new(true, false));
    assert_eq!((header.message_id, header.length), (0, 28));
    assert_eq!(emitted(|out| header.emit(out)), bytes);
}

#[test]
fn header_keeps_what_it_does_not_know() {
    let bytes = hex("0000000000000001 0000000000000002 ff 3f fe ff 12345678 ffffffff");
    let header = Header::parse(&bytes).unwrap();
    assert_eq!(
        header.version,
        Version {
            major: 3,
            minor: 15
        }
    );
    assert_eq!(header.exchange.to_string(), "ExchangeType(254)");
    assert_eq!(header.flags.reserved, 0b1100_0111);
    assert_eq!(emitted(|out| header.emit(out)), bytes);
}

#[test]
fn sa_figures_6_to_9() {
    let bytes = hex("02000028 01030403 c0de0001
           0300000c 01000014 800e0100
           03000008 0500 0000
           00000008 0500 0001
         00000014 02010001
           0000000c 0100000c 800e0080");
    let sa = SaPayload::parse(&bytes).unwrap();
    let [esp, ike] = sa.proposals.as_slice() else {
        panic!("{sa:?}")
    };
    assert_eq!(
        (esp.number, esp.protocol, esp.child_spi()),
        (1, ProtocolId::ESP, Some(0xc0de_0001))
    );
    assert_eq!(
        esp.transforms[0],
        Transform::encr(EncrId::ENCR_AES_GCM_16, Some(256))
    );
    assert_eq!(esp.transforms[0].key_length(), Some(256));
    assert_eq!(
        esp.of_type(TransformType::ESN)
            .map(|esn| esn.id)
            .collect::<Vec<_>>(),
        [0, 1]
    );
    assert_eq!(
        (ike.number, ike.protocol, ike.spi.len()),
        (2, ProtocolId::IKE, 0)
    );
    assert_eq!((ike.ike_spi(), ike.child_spi()), (None, None));
    let rekey = Proposal {
        spi: SPI_I.to_bytes().to_vec(),
        ..ike.clone()
    };
    assert_eq!(rekey.ike_spi(), Some(SPI_I));
    assert_eq!(emitted(|out| sa.emit(out).unwrap()), bytes);
}

#[test]
fn sa_keeps_unknown_transforms_and_attributes() {
    let bytes = hex("00000018 01 fe 00 01 00000010 f0 00 ffff 0011 0004 deadbeef".trim());
    let sa = SaPayload::parse(&bytes).unwrap();
    let transform = &sa.proposals[0].transforms[0];
    assert_eq!(transform.kind.to_string(), "TransformType(240)");
    assert_eq!(
        transform.attributes[0].value,
        AttributeValue::Long(hex("deadbeef"))
    );
    assert!(!transform.is_understood());
    assert_eq!(transform.key_length(), None);
    assert_eq!(emitted(|out| sa.emit(out).unwrap()), bytes);
}

#[test]
fn abuse_03_sa_contradictions_are_named() {
    for (what, bytes, field, offset) in [
        ("nothing", "", "SA proposals", 0),
        (
            "a last mark on the first of two",
            "00000008 01010000 00000008 02010000",
            "SA proposal last mark",
            0,
        ),
        (
            "a more mark on the last",
            "02000008 01010000",
            "SA proposal last mark",
            0,
        ),
        (
            "a proposal shorter than its head",
            "00000003 01010000",
            "SA proposal length",
            2,
        ),
        (
            "a proposal longer than the payload",
            "00000009 01010000",
            "SA proposal length",
            4,
        ),
        (
            "two transforms announced, one there",
            "00000010 01010002 00000008 02000005",
            "SA proposal number of transforms",
            7,
        ),
        (
            "an SPI that reaches into nothing",
            "00000008 01010400",
            "SA proposal SPI",
            8,
        ),
        (
            "an attribute cut off",
            "00000013 01010001 0000000b 0100000c 800e01",
            "SA attribute value",
            18,
        ),
    ] {
        let error = SaPayload::parse(&hex(bytes)).expect_err(what);
        assert_eq!(
            (error.field, error.offset),
            (field, offset),
            "{what}: {error}"
        );
    }
}

#[test]
fn ke_figure_10_and_nonce_figure_15() {
    let ke = KePayload::parse(&hex("001f0000 aabbcc")).unwrap();
    assert_eq!(
        ke,
        KePayload {
            method: KeMethod::CURVE25519,
            data: hex("aabbcc")
        }
    );
    assert_eq!(emitted(|out| ke.emit(out)), hex("001f0000 aabbcc"));

    assert_eq!(Nonce::parse(&[1; 16]).unwrap().0, [1; 16]);
    assert_eq!(Nonce::parse(&[1; 256]).unwrap().0.len(), 256);
    for length in [0, 15, 257] {
        let error = Nonce::parse(&vec![1; length]).unwrap_err();
        assert_eq!(
            error.reason,
            Reason::BadLength {
                value: length,
                expected: "16 to 256"
            }
        );
    }
}

/// The peer computes AUTH over the body it sent, reserved bytes and all (RFC 7296 2.15).
#[test]
fn id_figure_11_keeps_reserved_bytes() {
    let bytes = hex("02 010203 65617374");
    let id = IdPayload::parse(&bytes).unwrap();
    assert_eq!(
        (id.kind, id.data.as_slice()),
        (IdType::FQDN, b"east".as_slice())
    );
    assert_eq!(emitted(|out| id.emit(out)), bytes);
}

#[test]
fn notify_figure_16() {
    let invalid_ke = Notify::parse(&hex("00 00 0011 000e")).unwrap();
    assert_eq!(invalid_ke.kind, NotifyType::INVALID_KE_PAYLOAD);
    assert_eq!(invalid_ke.data_u16(), Some(14));
    let rekey = Notify::parse(&hex("03 04 4009 c0de0001")).unwrap();
    assert_eq!(
        rekey,
        Notify::about_child(NotifyType::REKEY_SA, ProtocolId::ESP, 0xc0de_0001, vec![])
    );
    assert_eq!(rekey.child_spi(), Some(0xc0de_0001));
    let unknown = Notify::parse(&hex("00 00 9fff 01")).unwrap();
    assert_eq!(unknown.kind.to_string(), "NotifyType(40959)");
    assert_eq!(
        emitted(|out| unknown.emit(out).unwrap()),
        hex("00 00 9fff 01")
    );
    assert_eq!(
        Notify::parse(&hex("03 04 4009 c0de")),
        Err(WireError {
            offset: 4,
            field: "N SPI",
            reason: Reason::Truncated {
                needed: 4,
                available: 2
            }
        })
    );
}

#[test]
fn delete_figure_17_checks_the_spi_size() {
    let child = Delete::parse(&hex("03 04 0002 00000001 00000002")).unwrap();
    assert_eq!(child, Delete::child(ProtocolId::ESP, [1, 2]));
    assert_eq!(child.child_spis().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(Delete::parse(&hex("01 00 0000")).unwrap(), Delete::ike());
    for (what, bytes) in [
        ("IKE with an SPI", "01 08 0001 0000000000000001"),
        ("IKE that counts SPIs of no size", "01 00 0001"),
        ("ESP with a long SPI", "03 08 0001 0000000000000001"),
        ("ESP without a size", "03 00 0001"),
        ("fewer SPIs than announced", "03 04 0002 00000001"),
        ("more SPIs than announced", "03 04 0001 00000001 00000002"),
    ] {
        assert!(Delete::parse(&hex(bytes)).is_err(), "{what}");
    }
    let mixed = Delete {
        protocol: ProtocolId(200),
        spis: vec![vec![1], vec![1, 2]],
    };
    assert!(mixed.emit(&mut Vec::new()).is_err());
}

#[test]
fn ts_figures_19_and_20() {
    let bytes = hex("02000000
         07 06 0010 0050 0050 0a010000 0a01ffff
         08 00 0028 0000 ffff 20010db8000000000000000000000000 20010db800000000ffffffffffffffff");
    let ts = TsPayload::parse(&bytes).unwrap();
    assert_eq!(
        ts.selectors[0],
        TrafficSelector::Ipv4 {
            protocol: 6,
            start_port: 80,
            end_port: 80,
            start: [10, 1, 0, 0].into(),
            end: [10, 1, 255, 255].into(),
        }
    );
    assert_eq!(ts.selectors[1].kind(), TsType::TS_IPV6_ADDR_RANGE);
    assert_eq!(emitted(|out| ts.emit(out).unwrap()), bytes);
}

#[test]
fn ts_keeps_unknown_selectors_and_refuses_wrong_lengths() {
    let label = hex("01000000 0a 00 0009 6c6162656c");
    let ts = TsPayload::parse(&label).unwrap();
    assert_eq!(
        ts.selectors,
        [TrafficSelector::Unknown {
            kind: TsType::TS_SECLABEL,
            protocol: 0,
            body: b"label".to_vec()
        }]
    );
    assert_eq!(emitted(|out| ts.emit(out).unwrap()), label);
    for (what, bytes) in [
        ("none", "00000000"),
        (
            "IPv4 with a longer body",
            "01000000 07 00 0014 0000ffff 0a010000 0a01ffff 00000000",
        ),
        ("a selector shorter than its head", "01000000 0a 00 0003"),
        ("one announced, two there", "01000000 0a000004 0a000004"),
        ("two announced, one there", "02000000 0a000004"),
    ] {
        assert!(TsPayload::parse(&hex(bytes)).is_err(), "{what}");
    }
}

#[test]
fn cp_figures_21_and_22_and_eap_figure_24() {
    let bytes = hex("01000000 0001 0000 0003 0004 c0000235");
    let cp = CpPayload::parse(&bytes).unwrap();
    assert_eq!(cp.kind, CfgType::CFG_REQUEST);
    assert_eq!(
        cp.attributes[1],
        (CfgAttribute::INTERNAL_IP4_DNS, vec![192, 0, 2, 53])
    );
    assert_eq!(emitted(|out| cp.emit(out).unwrap()), bytes);

    let identity = EapPayload::parse(&hex("01 07 0006 01 68")).unwrap();
    assert_eq!(
        (identity.code, identity.identifier, identity.kind()),
        (1, 7, Some(1))
    );
    assert_eq!(EapPayload::parse(&hex("03 07 0004")).unwrap().kind(), None);
    assert_eq!(
        EapPayload::parse(&hex("03 07 0005")).unwrap_err().field,
        "EAP length"
    );
}

#[test]
fn vendor_ids_print_as_what_they_are() {
    assert_eq!(
        VendorId(b"strongSwan".to_vec()).to_string(),
        "\"strongSwan\""
    );
    assert_eq!(VendorId(vec![0x88, 0x2f]).to_string(), "882f");
}

#[test]
fn errors_read_like_sentences_and_count_from_the_datagram() {
    let mut datagram = common::datagrams().swap_remove(0);
    datagram[28 + 4] = 9; // the first proposal's mark, behind both headers
    let error = Message::parse(&datagram).unwrap_err();
    assert_eq!(
        error.to_string(),
        "SA proposal last mark at byte 32: value 9, but the mark of one that is not the last expected"
    );
}
