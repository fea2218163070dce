//! Algorithms by the names that products give them.

use adit_model::keywords::{self, Word};
use adit_model::proposal::{Encr, Proposal};
use adit_wire::iana::{EncrId, IntegId, KeMethod, PrfId};

/// The algorithm of a name in any product's spelling: `aes_gcm_c256`, `AES-256-CBC`, `hmac-sha-256-128`, `group14`,
/// `sha2_512`. An encryption algorithm without a key length has `key_bits` none although it takes several.
pub(crate) fn algorithm(name: &str) -> Option<Word> {
    let lower = name.trim().to_ascii_lowercase();
    // Strip in the same way what stands between the parts in any spelling.
    let plain: String = lower.chars().filter(char::is_ascii_alphanumeric).collect();
    if let Some(group) = group(&plain) {
        return Some(Word::Ke(group));
    }
    if let Some(prf) = plain.strip_prefix("prf") {
        return integrity(prf)
            .and_then(keywords::prf_of_integ)
            .map(Word::Prf);
    }
    if let Some(integ) = integrity(&plain) {
        return Some(Word::Integ(integ));
    }
    encryption(&plain)
        .map(Word::Encr)
        .or_else(|| keywords::find(&lower))
}

/// An encryption algorithm by a name without marks.
pub(crate) fn encryption(plain: &str) -> Option<Encr> {
    let fixed = |id| Some(Encr { id, key_bits: None });
    match plain {
        "3des" | "3descbc" | "esp3des" | "des3" | "tripledes" | "des3ede" => {
            return fixed(EncrId::ENCR_3DES);
        }
        "des" | "descbc" | "espdes" => return fixed(EncrId::ENCR_DES),
        "null" | "espnull" => return fixed(EncrId::ENCR_NULL),
        "chacha20poly1305" | "chacha20" => return fixed(EncrId::ENCR_CHACHA20_POLY1305),
        _ => {}
    }
    let (family, rest) = if let Some(rest) = plain.strip_prefix("aes") {
        ("aes", rest)
    } else if let Some(rest) = plain.strip_prefix("camellia") {
        ("camellia", rest)
    } else if let Some(rest) = plain.strip_prefix("rijndael") {
        ("aes", rest)
    } else {
        return None;
    };
    let (mode, key_bits, icv) = shape(rest)?;
    let id = match (family, mode, icv) {
        ("aes", "cbc", _) => EncrId::ENCR_AES_CBC,
        ("aes", "ctr", _) => EncrId::ENCR_AES_CTR,
        ("aes", "gcm", 16) => EncrId::ENCR_AES_GCM_16,
        ("aes", "gcm", 12) => EncrId::ENCR_AES_GCM_12,
        ("aes", "gcm", 8) => EncrId::ENCR_AES_GCM_8,
        ("aes", "ccm", 16) => EncrId::ENCR_AES_CCM_16,
        ("aes", "ccm", 12) => EncrId::ENCR_AES_CCM_12,
        ("aes", "ccm", 8) => EncrId::ENCR_AES_CCM_8,
        ("aes", "gmac", _) => EncrId::ENCR_NULL_AUTH_AES_GMAC,
        ("camellia", "cbc", _) => EncrId::ENCR_CAMELLIA_CBC,
        _ => return None,
    };
    Some(Encr { id, key_bits })
}

const MODES: [&str; 5] = ["cbc", "ctr", "gcm", "ccm", "gmac"];

/// Mode, key length and octets of ICV out of `256gcm16`, `gcm16256`, `gcmc256`, `cbc128`, `256`.
fn shape(rest: &str) -> Option<(&'static str, Option<u16>, u16)> {
    let digits_end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (lead, after) = rest.split_at(digits_end);
    if !lead.is_empty() {
        let key = key_length(lead)?;
        if after.is_empty() {
            return Some(("cbc", Some(key), 0));
        }
        let mode = MODES.into_iter().find(|m| after.starts_with(m))?;
        let tail = after.get(mode.len()..)?;
        return Some((mode, Some(key), icv(tail)?));
    }
    if after.is_empty() {
        return Some(("cbc", None, 0));
    }
    let mode = MODES.into_iter().find(|m| after.starts_with(m))?;
    let tail = after.get(mode.len()..)?;
    let (tag, tail) = match tail.chars().next() {
        Some('a') => (Some(8), tail.get(1..)?),
        Some('b') => (Some(12), tail.get(1..)?),
        Some('c') => (Some(16), tail.get(1..)?),
        _ => (None, tail),
    };
    if tail.is_empty() {
        return Some((mode, None, tag.unwrap_or(16)));
    }
    if let Some(key) = key_length(tail) {
        return Some((mode, Some(key), tag.unwrap_or(16)));
    }
    // Tag length, then key length.
    for (written, octets) in [("16", 16), ("12", 12), ("8", 8)] {
        if let Some(key) = tail.strip_prefix(written) {
            let key = if key.is_empty() {
                None
            } else {
                Some(key_length(key)?)
            };
            return Some((mode, key, octets));
        }
    }
    None
}

fn key_length(text: &str) -> Option<u16> {
    match text {
        "128" => Some(128),
        "192" => Some(192),
        "256" => Some(256),
        _ => None,
    }
}

/// The number after `gcm` is octets or bits of ICV.
fn icv(text: &str) -> Option<u16> {
    match text {
        "" | "16" | "128" => Some(16),
        "12" | "96" => Some(12),
        "8" | "64" => Some(8),
        _ => None,
    }
}

/// An integrity algorithm by a name without marks.
pub(crate) fn integrity(plain: &str) -> Option<IntegId> {
    let plain = plain.strip_prefix("hmac").unwrap_or(plain);
    let plain = plain.strip_suffix("hmac").unwrap_or(plain);
    let plain = plain.strip_prefix("esp").unwrap_or(plain);
    Some(match plain {
        "md5" | "md596" => IntegId::AUTH_HMAC_MD5_96,
        "sha" | "sha1" | "sha196" => IntegId::AUTH_HMAC_SHA1_96,
        "sha2" | "sha256" | "sha2256" | "sha256128" | "sha2256128" => {
            IntegId::AUTH_HMAC_SHA2_256_128
        }
        "sha384" | "sha2384" | "sha384192" | "sha2384192" => IntegId::AUTH_HMAC_SHA2_384_192,
        "sha512" | "sha2512" | "sha512256" | "sha2512256" => IntegId::AUTH_HMAC_SHA2_512_256,
        "aesxcbc" | "aesxcbc96" | "aesxcbcmac" => IntegId::AUTH_AES_XCBC_96,
        "aescmac" | "aescmac96" => IntegId::AUTH_AES_CMAC_96,
        _ => return None,
    })
}

/// A key exchange method by a name without marks: `modp2048`, `group14`, `dh14`, `dhgroup14`, `ecp256`.
pub(crate) fn group(plain: &str) -> Option<KeMethod> {
    for prefix in ["dhgroup", "group", "dh", "oakleygroup", "grp"] {
        if let Some(number) = plain.strip_prefix(prefix).and_then(|n| n.parse().ok()) {
            return group_number(number);
        }
    }
    if matches!(plain, "curve25519" | "x25519" | "dh31") {
        return Some(KeMethod::CURVE25519);
    }
    let find = |name: &str| match keywords::find(name) {
        Some(Word::Ke(ke)) => Some(ke),
        _ => None,
    };
    (plain.starts_with("modp")
        || plain.starts_with("ecp")
        || plain.starts_with("mlkem")
        || plain.starts_with("curve")
        || plain.starts_with('x'))
    .then(|| find(plain))
    .flatten()
}

/// A key exchange method by its number.
pub(crate) fn group_number(number: u16) -> Option<KeMethod> {
    KeMethod::KNOWN.iter().copied().find(|ke| ke.0 == number)
}

/// A proposal out of algorithms of any kind.
pub(crate) fn add(to: &mut Proposal, word: Word) {
    fn push<T: PartialEq>(list: &mut Vec<T>, item: T) {
        if !list.contains(&item) {
            list.push(item);
        }
    }
    match word {
        Word::Encr(e) => every_key_length(e)
            .into_iter()
            .for_each(|e| push(&mut to.encr, e)),
        Word::Prf(p) => push(&mut to.prf, p),
        Word::Integ(i) => push(&mut to.integ, i),
        Word::Ke(k) => push(&mut to.ke, k),
        Word::AddKe(at, k) => {
            if let Some(methods) = to.addke.get_mut(usize::from(at)) {
                push(methods, k);
            }
        }
        Word::Esn(e) => push(&mut to.esn, e),
    }
}

/// An algorithm that is named without its key length may be used with any that daemons offer then.
fn every_key_length(e: Encr) -> Vec<Encr> {
    let several = e.key_bits.is_none()
        && (e.is_aead() && e.id != EncrId::ENCR_CHACHA20_POLY1305
            || matches!(
                e.id,
                EncrId::ENCR_AES_CBC | EncrId::ENCR_AES_CTR | EncrId::ENCR_CAMELLIA_CBC
            ));
    if several {
        [256, 128]
            .map(|bits| Encr {
                id: e.id,
                key_bits: Some(bits),
            })
            .to_vec()
    } else {
        vec![e]
    }
}

/// Completes a proposal for an IKE SA: the PRFs follow the integrity algorithms, AEAD does without these. The hash that
/// stands beside an AEAD cipher is its PRF.
pub(crate) fn complete_ike(p: &mut Proposal) {
    if p.prf.is_empty() {
        p.prf = p
            .integ
            .iter()
            .filter_map(|i| keywords::prf_of_integ(*i))
            .collect::<Vec<PrfId>>();
    }
    drop_integrity_of_aead(p);
}

/// AEAD ciphers have no integrity algorithm.
pub(crate) fn drop_integrity_of_aead(p: &mut Proposal) {
    if !p.encr.is_empty() && p.encr.iter().all(|e| e.is_aead()) {
        p.integ.clear();
    }
}

/// A proposal that mixes AEAD and other ciphers, as two.
pub(crate) fn split_aead(p: Proposal) -> Vec<Proposal> {
    let (aead, classic): (Vec<Encr>, Vec<Encr>) = p.encr.iter().partition(|e| e.is_aead());
    if aead.is_empty() || classic.is_empty() {
        return vec![p];
    }
    let first_is_aead = p.encr.first().is_some_and(|e| e.is_aead());
    let mut with_aead = Proposal {
        encr: aead,
        ..p.clone()
    };
    drop_integrity_of_aead(&mut with_aead);
    let with_classic = Proposal { encr: classic, ..p };
    if first_is_aead {
        vec![with_aead, with_classic]
    } else {
        vec![with_classic, with_aead]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_algorithm_in_the_words_of_many() {
        for (names, keyword) in [
            (
                &[
                    "aes256",
                    "AES-CBC-256",
                    "aes-256-cbc",
                    "aes_cbc256",
                    "aes256cbc",
                    "AES_CBC_256",
                ][..],
                "aes256",
            ),
            (
                &[
                    "aes256gcm16",
                    "aes_gcm256",
                    "aes_gcm_c256",
                    "aes-gcm-256",
                    "aes-256-gcm",
                    "aes256gcm128",
                    "AES_GCM_16_256",
                ],
                "aes256gcm16",
            ),
            (&["aes_gcm_a128", "aes128gcm64"], "aes128gcm8"),
            (&["3des", "3des-cbc", "3DES_CBC"], "3des"),
            (
                &[
                    "sha2_256",
                    "sha256",
                    "hmac-sha-256-128",
                    "SHA-256",
                    "HMAC_SHA2_256_128",
                ],
                "sha256",
            ),
            (&["sha", "sha1", "hmac-sha1-96"], "sha1"),
            (
                &["group14", "dh14", "dh-group14", "modp2048", "MODP2048"],
                "modp2048",
            ),
            (&["group19", "DH19", "ecp256"], "ecp256"),
            (&["curve25519", "group31", "x25519"], "x25519"),
            (&["prfsha256", "prf-sha256"], "prfsha256"),
        ] {
            for name in names {
                let mut p = Proposal::default();
                add(&mut p, algorithm(name).unwrap_or_else(|| panic!("{name}")));
                assert_eq!(p.to_string(), *keyword, "{name}");
            }
        }
        for wrong in ["", "sha3", "aes257", "group", "banana"] {
            assert_eq!(algorithm(wrong), None, "{wrong}");
        }
    }
}
