//! Proposals on the wire as the proposals of configurations.

use adit_model::proposal::{Encr, Proposal};
use adit_wire::iana::{EncrId, EsnId, IntegId, KeMethod, PrfId, TransformType};
use adit_wire::v1::V1Transform;
use adit_wire::v2::{self, Attribute, AttributeValue};

/// A proposal of IKEv2.
pub(super) fn v2(proposal: &v2::Proposal) -> Proposal {
    let ids = |kind| proposal.of_type(kind).map(|t| t.id);
    let esn: Vec<EsnId> = ids(TransformType::ESN).map(EsnId).collect();
    Proposal {
        encr: proposal
            .of_type(TransformType::ENCR)
            .map(|t| Encr {
                id: EncrId(t.id),
                key_bits: t.key_length(),
            })
            .collect(),
        prf: ids(TransformType::PRF).map(PrfId).collect(),
        integ: ids(TransformType::INTEG)
            .map(IntegId)
            .filter(|i| *i != IntegId::NONE)
            .collect(),
        ke: ids(TransformType::KE)
            .map(KeMethod)
            .filter(|k| *k != KeMethod::NONE)
            .collect(),
        addke: TransformType::ADDITIONAL.map(|kind| ids(kind).map(KeMethod).collect()),
        esn: if esn == [EsnId::NO_ESN] {
            Vec::new()
        } else {
            esn
        },
    }
}

/// What has no number in IKEv2 gets one of the private range, so that it shows and fits nothing.
const fn private(number: u16) -> u16 {
    0xf000 | number
}

fn short(transform: &V1Transform, kind: u16) -> Option<u16> {
    transform.attributes.iter().find_map(|a| match a {
        Attribute {
            kind: k,
            value: AttributeValue::Short(v),
        } if *k == kind => Some(*v),
        _ => None,
    })
}

/// A transform of IKEv1's phase 2 (RFC 2407 4.4 and 4.5): the cipher is its identifier, the rest are attributes.
pub(super) fn v1_child(protocol: u8, transform: &V1Transform) -> Proposal {
    const GROUP: u16 = 3;
    const AUTHENTICATION: u16 = 5;
    const KEY_LENGTH: u16 = 6;
    const ESP: u8 = 3;
    // The numbers of ESP are those of IKEv2.
    let encr = (protocol == ESP).then(|| Encr {
        id: EncrId(u16::from(transform.id)),
        key_bits: short(transform, KEY_LENGTH),
    });
    let integ = short(transform, AUTHENTICATION).map(|a| match a {
        1 => IntegId::AUTH_HMAC_MD5_96,
        2 => IntegId::AUTH_HMAC_SHA1_96,
        5 => IntegId::AUTH_HMAC_SHA2_256_128,
        6 => IntegId::AUTH_HMAC_SHA2_384_192,
        7 => IntegId::AUTH_HMAC_SHA2_512_256,
        other => IntegId(private(other)),
    });
    Proposal {
        encr: encr.into_iter().collect(),
        prf: Vec::new(),
        integ: integ.into_iter().collect(),
        ke: short(transform, GROUP).map(KeMethod).into_iter().collect(),
        ..Proposal::default()
    }
}

/// The encapsulation mode of a transform of phase 2 (RFC 2407 4.5, RFC 3947 5.1).
pub(super) fn v1_mode(transform: &V1Transform) -> Option<&'static str> {
    Some(match short(transform, 4)? {
        1 => "tunnel mode",
        2 => "transport mode",
        3 | 61443 => "tunnel mode in UDP",
        4 | 61444 => "transport mode in UDP",
        _ => return None,
    })
}

/// A transform of IKEv1's phase 1, which is a whole suite (RFC 2409 appendix A). The hash is written as the integrity
/// algorithm made of it, as configurations do.
pub(super) fn v1(transform: &V1Transform) -> Proposal {
    const CIPHER: u16 = 1;
    const HASH: u16 = 2;
    const GROUP: u16 = 4;
    const KEY_LENGTH: u16 = 14;
    let value = |kind| short(transform, kind);
    let cipher = value(CIPHER).map(|c| match c {
        1 => EncrId::ENCR_DES,
        3 => EncrId(7),
        5 => EncrId::ENCR_3DES,
        6 => EncrId(6),
        7 => EncrId::ENCR_AES_CBC,
        8 => EncrId(23),
        other => EncrId(private(other)),
    });
    let hash = value(HASH).map(|h| match h {
        1 => IntegId::AUTH_HMAC_MD5_96,
        2 => IntegId::AUTH_HMAC_SHA1_96,
        4 => IntegId::AUTH_HMAC_SHA2_256_128,
        5 => IntegId::AUTH_HMAC_SHA2_384_192,
        6 => IntegId::AUTH_HMAC_SHA2_512_256,
        other => IntegId(private(other)),
    });
    Proposal {
        encr: cipher
            .map(|id| Encr {
                id,
                key_bits: value(KEY_LENGTH),
            })
            .into_iter()
            .collect(),
        prf: Vec::new(),
        integ: hash.into_iter().collect(),
        ke: value(GROUP).map(KeMethod).into_iter().collect(),
        ..Proposal::default()
    }
}
