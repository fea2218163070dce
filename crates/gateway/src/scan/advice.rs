//! What to think of what a peer accepts (RFC 8247 for IKE, RFC 8221 for what is said of ciphers, RFC 9395 for version 1).

use adit_ike::scan::Algorithm;
use adit_model::scanned::{Grade, Scanned, ScannedAlgorithm};
use adit_wire::iana::{EncrId, IntegId, KeMethod, PrfId, TransformType};
use adit_wire::v2::Transform;

/// An algorithm with what is to be thought of it.
pub(super) fn judged(algorithm: Algorithm, accepted: Option<bool>) -> ScannedAlgorithm {
    let (kind, name) = match algorithm {
        Algorithm::Cipher(id, bits) => (
            "cipher",
            bits.map_or_else(|| id.to_string(), |bits| format!("{id} {bits}")),
        ),
        Algorithm::Prf(id) => ("prf", id.to_string()),
        Algorithm::Integrity(id) => ("integrity", id.to_string()),
        Algorithm::Group(id) => ("group", id.to_string()),
    };
    let (grade, reason) = grade(algorithm);
    ScannedAlgorithm {
        kind: kind.to_owned(),
        name,
        accepted,
        grade,
        reason: reason.to_owned(),
    }
}

fn grade(algorithm: Algorithm) -> (Grade, &'static str) {
    match algorithm {
        Algorithm::Cipher(id, _) => match id {
            EncrId::ENCR_AES_GCM_16 | EncrId::ENCR_CHACHA20_POLY1305 => (
                Grade::Good,
                "authenticates by itself (RFC 8247 2.1: SHOULD)",
            ),
            EncrId::ENCR_AES_CBC => (Grade::Good, "with SHA-2 (RFC 8247 2.1: MUST)"),
            EncrId::ENCR_CAMELLIA_CBC => (
                Grade::Fair,
                "sound, and in few products (RFC 8247 2.1 doesn't name it)",
            ),
            EncrId::ENCR_3DES => (
                Grade::Weak,
                "blocks of 64 bits: what one key protects must stay below some gigabytes (Sweet32; RFC 8247 2.1: MAY, RFC 8221 5: SHOULD NOT)",
            ),
            _ => (
                Grade::Broken,
                "56 bits of key are found by trying (RFC 8247 2.1: MUST NOT)",
            ),
        },
        Algorithm::Prf(id) => match id {
            PrfId::PRF_HMAC_SHA2_256 => (Grade::Good, "RFC 8247 2.2: MUST"),
            PrfId::PRF_HMAC_SHA2_384 | PrfId::PRF_HMAC_SHA2_512 => {
                (Grade::Good, "RFC 8247 2.2: SHOULD+ for 512 bits")
            }
            PrfId::PRF_AES128_XCBC => (Grade::Fair, "for small devices (RFC 8247 2.2: SHOULD)"),
            PrfId::PRF_HMAC_SHA1 => (
                Grade::Weak,
                "SHA-1 is to go (RFC 8247 2.2: MUST-); as HMAC it isn't broken",
            ),
            _ => (Grade::Broken, "MD5 (RFC 8247 2.2: MUST NOT)"),
        },
        Algorithm::Integrity(id) => match id {
            IntegId::AUTH_HMAC_SHA2_256_128 => (Grade::Good, "RFC 8247 2.3: MUST"),
            IntegId::AUTH_HMAC_SHA2_384_192 | IntegId::AUTH_HMAC_SHA2_512_256 => {
                (Grade::Good, "RFC 8247 2.3: SHOULD for 512 bits")
            }
            IntegId::AUTH_AES_XCBC_96 => (Grade::Fair, "for small devices (RFC 8247 2.3: SHOULD)"),
            IntegId::AUTH_HMAC_SHA1_96 => (
                Grade::Weak,
                "SHA-1 is to go (RFC 8247 2.3: MUST-); as HMAC it isn't broken",
            ),
            _ => (Grade::Broken, "MD5 (RFC 8247 2.3: MUST NOT)"),
        },
        Algorithm::Group(id) => match id {
            KeMethod::CURVE25519 | KeMethod::CURVE448 => (Grade::Good, "RFC 8031"),
            KeMethod::ECP_256 => (Grade::Good, "RFC 8247 2.4: SHOULD"),
            KeMethod::ECP_384 | KeMethod::ECP_521 => (Grade::Good, "RFC 5903"),
            KeMethod::MODP_2048 => (
                Grade::Fair,
                "the least that is enough today (RFC 8247 2.4: MUST)",
            ),
            KeMethod::MODP_3072 | KeMethod::MODP_4096 | KeMethod::MODP_8192 => {
                (Grade::Good, "RFC 3526, slow")
            }
            KeMethod::MODP_1536 => (
                Grade::Weak,
                "too short for what is to last (RFC 8247 2.4: SHOULD NOT)",
            ),
            KeMethod::MODP_1024 => (
                Grade::Broken,
                "within reach of who can compute much (Logjam; RFC 8247 2.4: SHOULD NOT)",
            ),
            KeMethod::MODP_2048_256 => (
                Grade::Weak,
                "its subgroup isn't from a safe prime (RFC 8247 2.4: SHOULD NOT)",
            ),
            _ => (Grade::Broken, "RFC 8247 2.4: MUST NOT"),
        },
    }
}

/// What to change at the peer.
pub(super) fn of(scanned: &Scanned) -> Vec<String> {
    let mut bad: Vec<&ScannedAlgorithm> = scanned
        .algorithms
        .iter()
        .filter(|a| a.accepted == Some(true) && a.grade >= Grade::Weak)
        .collect();
    bad.sort_by_key(|a| std::cmp::Reverse(a.grade));
    let mut advice: Vec<String> = bad
        .iter()
        .map(|a| {
            let grade = if a.grade == Grade::Broken {
                "broken"
            } else {
                "weak"
            };
            format!(
                "take {} ({}) out of its proposals: {grade}, {}",
                a.name, a.kind, a.reason
            )
        })
        .collect();
    if scanned.ike_v1.answers == Some(true) && scanned.ike_v1.refused.is_none() {
        advice.push(format!(
            "switch IKE version 1 off ({}): it isn't maintained any more (RFC 9395)",
            scanned.ike_v1.chosen
        ));
    }
    advice
}

/// A transform of an answer, in words.
pub(super) fn transform(transform: &Transform) -> String {
    let name = match transform.kind {
        TransformType::ENCR => EncrId(transform.id).to_string(),
        TransformType::PRF => PrfId(transform.id).to_string(),
        TransformType::INTEG => IntegId(transform.id).to_string(),
        TransformType::KE => KeMethod(transform.id).to_string(),
        kind => format!("{kind} {}", transform.id),
    };
    match transform.key_length() {
        Some(bits) => format!("{name} {bits}"),
        None => name,
    }
}

/// A hash of SIGNATURE_HASH_ALGORITHMS (RFC 7427 7).
pub(super) fn hash(number: &[u8]) -> String {
    match number {
        [0, 1] => "SHA1".to_owned(),
        [0, 2] => "SHA2-256".to_owned(),
        [0, 3] => "SHA2-384".to_owned(),
        [0, 4] => "SHA2-512".to_owned(),
        [0, 5] => "identity".to_owned(),
        other => other
            .iter()
            .fold(0u32, |n, o| n << 8 | u32::from(*o))
            .to_string(),
    }
}

/// A suite of version 1 by its attributes (RFC 2409 appendix A).
pub(super) fn v1_suite(chosen: &[(u16, u16)]) -> String {
    let value = |kind| chosen.iter().find(|(of, _)| *of == kind).map(|(_, v)| *v);
    let cipher = match (value(1), value(14)) {
        (Some(7), Some(bits)) => format!("AES-CBC {bits}"),
        (Some(7), None) => "AES-CBC".to_owned(),
        (Some(5), _) => "3DES".to_owned(),
        (Some(1), _) => "DES".to_owned(),
        (other, _) => format!("cipher {}", other.unwrap_or(0)),
    };
    let hash = match value(2) {
        Some(1) => "MD5",
        Some(2) => "SHA-1",
        Some(4) => "SHA2-256",
        Some(5) => "SHA2-384",
        Some(6) => "SHA2-512",
        _ => "another hash",
    };
    let authentication = match value(3) {
        Some(1) => "pre-shared keys",
        Some(3) => "RSA signatures",
        _ => "another authentication",
    };
    let group = KeMethod(value(4).unwrap_or(0));
    format!("{cipher}, {hash}, {group}, {authentication}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_that_is_asked_about_is_judged_with_a_reference() {
        for algorithm in adit_ike::scan::algorithms() {
            let judged = judged(algorithm, None);
            assert!(judged.reason.contains("RFC "), "{judged:?}");
        }
        assert_eq!(
            grade(Algorithm::Group(KeMethod::MODP_1024)).0,
            Grade::Broken
        );
        assert_eq!(
            grade(Algorithm::Cipher(EncrId::ENCR_3DES, None)).0,
            Grade::Weak
        );
    }

    #[test]
    fn suites_of_version_1_are_told_in_words() {
        let chosen = [(1, 7), (14, 256), (2, 4), (3, 1), (4, 14)];
        assert_eq!(
            v1_suite(&chosen),
            "AES-CBC 256, SHA2-256, modp2048, pre-shared keys"
        );
    }
}
