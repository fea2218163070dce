//! Messages as real gateways exchange them, and a reader for captures.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods)] // reads captures from disk

pub mod capture;

use adit_wire::iana::{
    AuthMethod, CertEncoding, CfgAttribute, CfgType, EncrId, EsnId, ExchangeType, IdType, IntegId,
    KeMethod, NotifyType, PayloadType, PrfId, ProtocolId, V1NotifyType,
};
use adit_wire::v1::{V1Content, V1Message, V1Notify, V1Payload, V1Proposal, V1Sa, V1Transform};
use adit_wire::v2::{
    Attribute, AttributeValue, AuthPayload, CertPayload, CertReqPayload, CpPayload, Delete,
    EapPayload, Flags, FragmentHeader, Header, IdPayload, IkeSpi, KePayload, Nonce, Notify,
    Payload, PayloadList, Proposal, SaPayload, SealLayout, SkFrame, TrafficSelector, Transform,
    TsPayload, VendorId, Version, emit_plain,
};

pub const SPI_I: IkeSpi = IkeSpi(0x0102_0304_0506_0708);
pub const SPI_R: IkeSpi = IkeSpi(0x1112_1314_1516_1718);
pub const GCM: SealLayout = SealLayout {
    iv: 8,
    block: 1,
    icv: 16,
};
pub const CBC_SHA256: SealLayout = SealLayout {
    iv: 16,
    block: 16,
    icv: 16,
};

pub fn header(exchange: ExchangeType, initiator: bool, response: bool, message_id: u32) -> Header {
    Header::v2(
        SPI_I,
        SPI_R,
        exchange,
        Flags::new(initiator, response),
        message_id,
    )
}

pub fn ike_offer() -> SaPayload {
    SaPayload {
        proposals: vec![
            Proposal {
                number: 1,
                protocol: ProtocolId::IKE,
                spi: vec![],
                transforms: vec![
                    Transform::encr(EncrId::ENCR_AES_CBC, Some(128)),
                    Transform::encr(EncrId::ENCR_AES_CBC, Some(256)),
                    Transform::integ(IntegId::AUTH_HMAC_SHA2_256_128),
                    Transform::prf(PrfId::PRF_HMAC_SHA2_256),
                    Transform::ke(KeMethod::CURVE25519),
                    Transform::ke(KeMethod::MODP_2048),
                ],
            },
            Proposal {
                number: 2,
                protocol: ProtocolId::IKE,
                spi: vec![],
                transforms: vec![
                    Transform::encr(EncrId::ENCR_AES_GCM_16, Some(256)),
                    Transform::encr(EncrId::ENCR_CHACHA20_POLY1305, None),
                    Transform::prf(PrfId::PRF_HMAC_SHA2_384),
                    Transform::ke(KeMethod::ECP_384),
                ],
            },
        ],
    }
}

pub fn esp_offer(spi: u32) -> SaPayload {
    SaPayload {
        proposals: vec![Proposal {
            number: 1,
            protocol: ProtocolId::ESP,
            spi: spi.to_be_bytes().to_vec(),
            transforms: vec![
                Transform::encr(EncrId::ENCR_AES_GCM_16, Some(128)),
                Transform::esn(EsnId::NO_ESN),
                Transform::esn(EsnId::ESN),
            ],
        }],
    }
}

pub fn ke() -> KePayload {
    KePayload {
        method: KeMethod::CURVE25519,
        data: (0..32).collect(),
    }
}

pub fn selectors() -> TsPayload {
    TsPayload {
        selectors: vec![
            TrafficSelector::Ipv4 {
                protocol: 0,
                start_port: 0,
                end_port: 65535,
                start: [10, 1, 0, 0].into(),
                end: [10, 1, 255, 255].into(),
            },
            TrafficSelector::Ipv6 {
                protocol: 17,
                start_port: 53,
                end_port: 53,
                start: "2001:db8::".parse().unwrap(),
                end: "2001:db8::ffff".parse().unwrap(),
            },
        ],
    }
}

pub fn sa_init_request() -> PayloadList {
    PayloadList(vec![
        Payload::Sa(ike_offer()),
        Payload::Ke(ke()),
        Payload::Nonce(Nonce((0..32).collect())),
        Payload::Notify(Notify::with_data(
            NotifyType::NAT_DETECTION_SOURCE_IP,
            vec![0xa5; 20],
        )),
        Payload::Notify(Notify::with_data(
            NotifyType::NAT_DETECTION_DESTINATION_IP,
            vec![0x5a; 20],
        )),
        Payload::Notify(Notify::new(NotifyType::IKEV2_FRAGMENTATION_SUPPORTED)),
        Payload::Notify(Notify::with_data(
            NotifyType::SIGNATURE_HASH_ALGORITHMS,
            vec![0, 2, 0, 3, 0, 4, 0, 5],
        )),
        Payload::Vendor(VendorId(b"adit".to_vec())),
    ])
}

pub fn sa_init_response() -> PayloadList {
    let mut chosen = ike_offer();
    chosen.proposals.truncate(1);
    PayloadList(vec![
        Payload::Sa(chosen),
        Payload::Ke(ke()),
        Payload::Nonce(Nonce(vec![7; 32])),
        Payload::CertReq(CertReqPayload {
            encoding: CertEncoding::X509_SIGNATURE,
            authorities: vec![0x11; 40],
        }),
    ])
}

pub fn auth_request() -> PayloadList {
    PayloadList(vec![
        Payload::IdI(IdPayload::new(IdType::FQDN, b"east.example".to_vec())),
        Payload::Cert(CertPayload {
            encoding: CertEncoding::X509_SIGNATURE,
            data: vec![0x30, 0x03, 2, 1, 1],
        }),
        Payload::Notify(Notify::new(NotifyType::INITIAL_CONTACT)),
        Payload::IdR(IdPayload::new(IdType::IPV4_ADDR, vec![192, 0, 2, 1])),
        Payload::Auth(AuthPayload {
            method: AuthMethod::SHARED_KEY_MIC,
            data: vec![9; 32],
        }),
        Payload::Cp(CpPayload {
            kind: CfgType::CFG_REQUEST,
            attributes: vec![
                (CfgAttribute::INTERNAL_IP4_ADDRESS, vec![]),
                (CfgAttribute::INTERNAL_IP4_DNS, vec![192, 0, 2, 53]),
            ],
        }),
        Payload::Sa(esp_offer(0xc0de_0001)),
        Payload::TsI(selectors()),
        Payload::TsR(selectors()),
        Payload::Unknown {
            kind: PayloadType(200),
            critical: false,
            body: vec![1, 2, 3],
        },
    ])
}

pub fn auth_response() -> PayloadList {
    PayloadList(vec![
        Payload::IdR(IdPayload::new(IdType::IPV4_ADDR, vec![192, 0, 2, 1])),
        Payload::Auth(AuthPayload {
            method: AuthMethod::SHARED_KEY_MIC,
            data: vec![8; 32],
        }),
        Payload::Sa(esp_offer(0xc0de_0002)),
        Payload::TsI(selectors()),
        Payload::TsR(selectors()),
    ])
}

pub fn rekey_child_request() -> PayloadList {
    PayloadList(vec![
        Payload::Notify(Notify::about_child(
            NotifyType::REKEY_SA,
            ProtocolId::ESP,
            0xc0de_0001,
            vec![],
        )),
        Payload::Sa(esp_offer(0xc0de_0003)),
        Payload::Nonce(Nonce(vec![3; 32])),
        Payload::Ke(ke()),
        Payload::TsI(selectors()),
        Payload::TsR(selectors()),
    ])
}

pub fn informational() -> PayloadList {
    PayloadList(vec![
        Payload::Delete(Delete::child(ProtocolId::ESP, [0xc0de_0001, 0xc0de_0002])),
        Payload::Delete(Delete::ike()),
        Payload::Eap(EapPayload {
            code: 1,
            identifier: 5,
            data: vec![1, b'h', b'i'],
        }),
    ])
}

/// Every message above as a datagram, the encrypted ones laid out with their plaintext in place of ciphertext.
pub fn datagrams() -> Vec<Vec<u8>> {
    let init = ExchangeType::IKE_SA_INIT;
    let auth = ExchangeType::IKE_AUTH;
    let create = ExchangeType::CREATE_CHILD_SA;
    let info = ExchangeType::INFORMATIONAL;
    let sk = |header, payloads: &PayloadList, layout| {
        SkFrame::sk(&header, payloads, layout).unwrap().datagram
    };
    let mut inner = Vec::new();
    let first_inner = auth_request().emit(&mut inner).unwrap();
    let fragment = FragmentHeader {
        number: 1,
        total: 3,
    };
    vec![
        emit_plain(&header(init, true, false, 0), &sa_init_request()).unwrap(),
        emit_plain(&header(init, false, true, 0), &sa_init_response()).unwrap(),
        sk(header(auth, true, false, 1), &auth_request(), GCM),
        sk(header(auth, false, true, 1), &auth_response(), CBC_SHA256),
        SkFrame::skf(
            &header(auth, true, false, 1),
            first_inner,
            fragment,
            &inner[..100],
            GCM,
        )
        .unwrap()
        .datagram,
        sk(header(create, true, false, 2), &rekey_child_request(), GCM),
        sk(header(info, false, false, 0), &informational(), GCM),
        sk(
            header(info, true, true, 0),
            &PayloadList::default(),
            CBC_SHA256,
        ),
        // In clear what is never in clear, so that every parser is reached.
        emit_plain(&header(auth, true, false, 1), &auth_request()).unwrap(),
        emit_plain(&header(info, true, false, 2), &informational()).unwrap(),
    ]
}

pub fn v1_header(exchange: ExchangeType) -> Header {
    Header {
        version: Version::V1,
        ..Header::v2(SPI_I, IkeSpi::ZERO, exchange, Flags::default(), 0)
    }
}

/// Main mode message 1: AES-128, SHA-256, PSK, group 14, 28800 seconds.
pub fn v1_offer() -> V1Message {
    let short = |kind, value| Attribute {
        kind,
        value: AttributeValue::Short(value),
    };
    let attributes = vec![
        short(1, 7),
        short(14, 128),
        short(2, 4),
        short(3, 1),
        short(4, 14),
        short(11, 1),
        Attribute {
            kind: 12,
            value: AttributeValue::Long(vec![0, 0, 0x70, 0x80]),
        },
    ];
    V1Message {
        header: v1_header(ExchangeType::IDENTITY_PROTECTION),
        content: V1Content::Clear(vec![
            V1Payload::Sa(V1Sa {
                proposals: vec![V1Proposal {
                    number: 1,
                    protocol: 1,
                    spi: vec![],
                    transforms: vec![
                        V1Transform {
                            number: 1,
                            id: 1,
                            attributes: attributes.clone(),
                        },
                        V1Transform {
                            number: 2,
                            id: 1,
                            attributes,
                        },
                    ],
                }],
            }),
            V1Payload::Vendor(VendorId(vec![0xaf, 0xca, 0xd7, 0x13])),
            V1Payload::Other {
                kind: PayloadType::V1_NONCE,
                body: vec![4; 16],
            },
        ]),
    }
}

pub fn v1_refusal() -> V1Message {
    V1Message {
        header: v1_header(ExchangeType::INFORMATIONAL_V1),
        content: V1Content::Clear(vec![V1Payload::Notify(V1Notify {
            doi: 1,
            protocol: 1,
            spi: SPI_I.to_bytes().to_vec(),
            kind: V1NotifyType::NO_PROPOSAL_CHOSEN,
            data: vec![],
        })]),
    }
}
