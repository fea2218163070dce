//! Whatever value is written and fits is read back as the same value.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use adit_wire::iana::{
    AuthMethod, CertEncoding, CfgAttribute, CfgType, ExchangeType, IdType, KeMethod, NotifyType,
    PayloadType, ProtocolId, TransformType, TsType,
};
use adit_wire::v2::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..most)
}

fn attribute() -> impl Strategy<Value = Attribute> {
    let value = prop_oneof![
        any::<u16>().prop_map(AttributeValue::Short),
        bytes(20).prop_map(AttributeValue::Long)
    ];
    (0..0x8000u16, value).prop_map(|(kind, value)| Attribute { kind, value })
}

fn transform() -> impl Strategy<Value = Transform> {
    (any::<u8>(), any::<u16>(), vec(attribute(), 0..3)).prop_map(|(kind, id, attributes)| {
        Transform {
            kind: TransformType(kind),
            id,
            attributes,
        }
    })
}

fn proposal() -> impl Strategy<Value = Proposal> {
    (any::<u8>(), any::<u8>(), bytes(10), vec(transform(), 0..6)).prop_map(
        |(number, protocol, spi, transforms)| Proposal {
            number,
            protocol: ProtocolId(protocol),
            spi,
            transforms,
        },
    )
}

fn selector() -> impl Strategy<Value = TrafficSelector> {
    prop_oneof![
        any::<(u8, u16, u16, [u8; 4], [u8; 4])>().prop_map(
            |(protocol, start_port, end_port, start, end)| {
                TrafficSelector::Ipv4 {
                    protocol,
                    start_port,
                    end_port,
                    start: start.into(),
                    end: end.into(),
                }
            }
        ),
        any::<(u8, u16, u16, [u8; 16], [u8; 16])>().prop_map(
            |(protocol, start_port, end_port, start, end)| {
                TrafficSelector::Ipv6 {
                    protocol,
                    start_port,
                    end_port,
                    start: start.into(),
                    end: end.into(),
                }
            }
        ),
        (9u8.., any::<u8>(), bytes(40)).prop_map(|(kind, protocol, body)| {
            TrafficSelector::Unknown {
                kind: TsType(kind),
                protocol,
                body,
            }
        }),
    ]
}

fn delete() -> impl Strategy<Value = Delete> {
    prop_oneof![
        Just(Delete::ike()),
        vec(any::<u32>(), 0..5).prop_map(|spis| Delete::child(ProtocolId::ESP, spis)),
        (4u8.., vec(any::<[u8; 3]>(), 1..4)).prop_map(|(protocol, spis)| Delete {
            protocol: ProtocolId(protocol),
            spis: spis.into_iter().map(Vec::from).collect()
        }),
    ]
}

fn payload() -> impl Strategy<Value = Payload> {
    let id = || {
        (any::<u8>(), any::<[u8; 3]>(), bytes(40)).prop_map(|(kind, reserved, data)| IdPayload {
            kind: IdType(kind),
            reserved,
            data,
        })
    };
    let ts = || vec(selector(), 1..5).prop_map(|selectors| TsPayload { selectors });
    prop_oneof![
        vec(proposal(), 1..4).prop_map(|proposals| Payload::Sa(SaPayload { proposals })),
        (any::<u16>(), bytes(100)).prop_map(|(method, data)| Payload::Ke(KePayload {
            method: KeMethod(method),
            data
        })),
        id().prop_map(Payload::IdI),
        id().prop_map(Payload::IdR),
        (any::<u8>(), bytes(100)).prop_map(|(encoding, data)| Payload::Cert(CertPayload {
            encoding: CertEncoding(encoding),
            data
        })),
        (any::<u8>(), bytes(60)).prop_map(|(encoding, authorities)| Payload::CertReq(
            CertReqPayload {
                encoding: CertEncoding(encoding),
                authorities
            }
        )),
        (any::<u8>(), bytes(100)).prop_map(|(method, data)| Payload::Auth(AuthPayload {
            method: AuthMethod(method),
            data
        })),
        vec(any::<u8>(), 16..=256).prop_map(|data| Payload::Nonce(Nonce(data))),
        (any::<u8>(), bytes(10), any::<u16>(), bytes(50)).prop_map(
            |(protocol, spi, kind, data)| Payload::Notify(Notify {
                protocol: ProtocolId(protocol),
                spi,
                kind: NotifyType(kind),
                data
            })
        ),
        delete().prop_map(Payload::Delete),
        bytes(40).prop_map(|id| Payload::Vendor(VendorId(id))),
        ts().prop_map(Payload::TsI),
        ts().prop_map(Payload::TsR),
        (any::<u8>(), vec((0..0x8000u16, bytes(20)), 0..5)).prop_map(|(kind, attributes)| {
            Payload::Cp(CpPayload {
                kind: CfgType(kind),
                attributes: attributes
                    .into_iter()
                    .map(|(kind, value)| (CfgAttribute(kind), value))
                    .collect(),
            })
        }),
        (any::<u8>(), any::<u8>(), bytes(40)).prop_map(|(code, identifier, data)| Payload::Eap(
            EapPayload {
                code,
                identifier,
                data
            }
        )),
        (54u8.., any::<bool>(), bytes(40)).prop_map(|(kind, critical, body)| Payload::Unknown {
            kind: PayloadType(kind),
            critical,
            body
        }),
    ]
}

fn header() -> impl Strategy<Value = Header> {
    any::<(u64, u64, u8, u8, u32)>().prop_map(|(spi_i, spi_r, exchange, flags, message_id)| {
        Header::v2(
            IkeSpi(spi_i),
            IkeSpi(spi_r),
            ExchangeType(exchange),
            Flags::from_byte(flags),
            message_id,
        )
    })
}

proptest! {
    // Failures print their input; integration tests have no place to keep them.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages_in_clear(header in header(), payloads in vec(payload(), 0..8)) {
        let payloads = PayloadList(payloads);
        let datagram = emit_plain(&header, &payloads).unwrap();
        let parsed = Message::parse(&datagram).unwrap();
        prop_assert_eq!(&parsed.payloads, &payloads);
        prop_assert_eq!(parsed.encrypted, None);
        prop_assert_eq!(emit_plain(&parsed.header, &parsed.payloads).unwrap(), datagram);
    }

    #[test]
    fn encrypted_messages(
        header in header(), payloads in vec(payload(), 0..8), iv in 0..17usize, power in 0..5u32, icv in 0..33usize,
    ) {
        let payloads = PayloadList(payloads);
        let layout = SealLayout { iv, block: 1 << power, icv };
        let frame = SkFrame::sk(&header, &payloads, layout).unwrap();
        let encrypted = Message::parse(&frame.datagram).unwrap().encrypted.unwrap();
        prop_assert_eq!(encrypted.body(), frame.iv.start..frame.icv.end);
        prop_assert_eq!(frame.ciphertext.len() % layout.block, 0);
        let plaintext = &frame.datagram[frame.ciphertext];
        prop_assert_eq!(open_inner(encrypted.first_inner(), plaintext).unwrap(), payloads);
    }

    #[test]
    fn headers(bytes in any::<[u8; 28]>()) {
        let mut out = Vec::new();
        Header::parse(&bytes).unwrap().emit(&mut out);
        prop_assert_eq!(out, bytes);
    }
}
