//! The keyword table of proposals: one row per algorithm, with the other spellings that configurations use.

use adit_wire::iana::{EncrId, EsnId, IntegId, KeMethod, PrfId};

use crate::proposal::{Encr, Proposal};

/// What a keyword stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// An encryption algorithm.
    Encr(Encr),
    /// A pseudo-random function.
    Prf(PrfId),
    /// An integrity algorithm.
    Integ(IntegId),
    /// A key exchange method.
    Ke(KeMethod),
    /// A method of an additional key exchange, which is counted from 0 (RFC 9370): `ke1_mlkem768`, `ke1_none`.
    AddKe(u8, KeMethod),
    /// A sequence number size.
    Esn(EsnId),
}

/// A keyword, its meaning, and whether Adit holds it to be too weak to offer unasked.
#[derive(Clone, Copy, Debug)]
pub struct Keyword {
    /// The spelling that Adit writes.
    pub text: &'static str,
    /// Other spellings that are read.
    pub also: &'static [&'static str],
    /// What it stands for.
    pub word: Word,
    /// Needs `allow_weak`.
    pub weak: bool,
}

const fn encr(
    text: &'static str,
    also: &'static [&'static str],
    id: EncrId,
    bits: u16,
    weak: bool,
) -> Keyword {
    let key_bits = if bits == 0 { None } else { Some(bits) };
    Keyword {
        text,
        also,
        word: Word::Encr(Encr { id, key_bits }),
        weak,
    }
}

const fn row(text: &'static str, also: &'static [&'static str], word: Word, weak: bool) -> Keyword {
    Keyword {
        text,
        also,
        word,
        weak,
    }
}

/// Every keyword, canonical spelling first.
pub const TABLE: &[Keyword] = &[
    encr(
        "aes128",
        &["aes128cbc", "aes"],
        EncrId::ENCR_AES_CBC,
        128,
        false,
    ),
    encr("aes192", &["aes192cbc"], EncrId::ENCR_AES_CBC, 192, false),
    encr("aes256", &["aes256cbc"], EncrId::ENCR_AES_CBC, 256, false),
    encr("aes128ctr", &[], EncrId::ENCR_AES_CTR, 128, true),
    encr("aes192ctr", &[], EncrId::ENCR_AES_CTR, 192, true),
    encr("aes256ctr", &[], EncrId::ENCR_AES_CTR, 256, true),
    encr(
        "aes128gcm16",
        &["aes128gcm128", "aes128gcm", "aesgcm16"],
        EncrId::ENCR_AES_GCM_16,
        128,
        false,
    ),
    encr(
        "aes192gcm16",
        &["aes192gcm128", "aes192gcm"],
        EncrId::ENCR_AES_GCM_16,
        192,
        false,
    ),
    encr(
        "aes256gcm16",
        &["aes256gcm128", "aes256gcm"],
        EncrId::ENCR_AES_GCM_16,
        256,
        false,
    ),
    encr(
        "aes128gcm12",
        &["aes128gcm96"],
        EncrId::ENCR_AES_GCM_12,
        128,
        true,
    ),
    encr(
        "aes192gcm12",
        &["aes192gcm96"],
        EncrId::ENCR_AES_GCM_12,
        192,
        true,
    ),
    encr(
        "aes256gcm12",
        &["aes256gcm96"],
        EncrId::ENCR_AES_GCM_12,
        256,
        true,
    ),
    encr(
        "aes128gcm8",
        &["aes128gcm64"],
        EncrId::ENCR_AES_GCM_8,
        128,
        true,
    ),
    encr(
        "aes192gcm8",
        &["aes192gcm64"],
        EncrId::ENCR_AES_GCM_8,
        192,
        true,
    ),
    encr(
        "aes256gcm8",
        &["aes256gcm64"],
        EncrId::ENCR_AES_GCM_8,
        256,
        true,
    ),
    encr(
        "aes128ccm16",
        &["aes128ccm128", "aes128ccm"],
        EncrId::ENCR_AES_CCM_16,
        128,
        true,
    ),
    encr(
        "aes192ccm16",
        &["aes192ccm128", "aes192ccm"],
        EncrId::ENCR_AES_CCM_16,
        192,
        true,
    ),
    encr(
        "aes256ccm16",
        &["aes256ccm128", "aes256ccm"],
        EncrId::ENCR_AES_CCM_16,
        256,
        true,
    ),
    encr(
        "aes128ccm12",
        &["aes128ccm96"],
        EncrId::ENCR_AES_CCM_12,
        128,
        true,
    ),
    encr(
        "aes192ccm12",
        &["aes192ccm96"],
        EncrId::ENCR_AES_CCM_12,
        192,
        true,
    ),
    encr(
        "aes256ccm12",
        &["aes256ccm96"],
        EncrId::ENCR_AES_CCM_12,
        256,
        true,
    ),
    encr(
        "aes128ccm8",
        &["aes128ccm64"],
        EncrId::ENCR_AES_CCM_8,
        128,
        true,
    ),
    encr(
        "aes192ccm8",
        &["aes192ccm64"],
        EncrId::ENCR_AES_CCM_8,
        192,
        true,
    ),
    encr(
        "aes256ccm8",
        &["aes256ccm64"],
        EncrId::ENCR_AES_CCM_8,
        256,
        true,
    ),
    encr(
        "aes128gmac",
        &[],
        EncrId::ENCR_NULL_AUTH_AES_GMAC,
        128,
        true,
    ),
    encr(
        "aes192gmac",
        &[],
        EncrId::ENCR_NULL_AUTH_AES_GMAC,
        192,
        true,
    ),
    encr(
        "aes256gmac",
        &[],
        EncrId::ENCR_NULL_AUTH_AES_GMAC,
        256,
        true,
    ),
    encr(
        "chacha20poly1305",
        &["chacha20poly1305compat"],
        EncrId::ENCR_CHACHA20_POLY1305,
        0,
        false,
    ),
    encr("3des", &[], EncrId::ENCR_3DES, 0, true),
    encr("null", &[], EncrId::ENCR_NULL, 0, true),
    encr(
        "camellia128",
        &["camellia"],
        EncrId::ENCR_CAMELLIA_CBC,
        128,
        true,
    ),
    encr("camellia256", &[], EncrId::ENCR_CAMELLIA_CBC, 256, true),
    row(
        "sha256",
        &["sha2_256", "sha2256"],
        Word::Integ(IntegId::AUTH_HMAC_SHA2_256_128),
        false,
    ),
    row(
        "sha384",
        &["sha2_384", "sha2384"],
        Word::Integ(IntegId::AUTH_HMAC_SHA2_384_192),
        false,
    ),
    row(
        "sha512",
        &["sha2_512", "sha2512"],
        Word::Integ(IntegId::AUTH_HMAC_SHA2_512_256),
        false,
    ),
    row(
        "sha1",
        &["sha"],
        Word::Integ(IntegId::AUTH_HMAC_SHA1_96),
        true,
    ),
    row("md5", &[], Word::Integ(IntegId::AUTH_HMAC_MD5_96), true),
    row("aesxcbc", &[], Word::Integ(IntegId::AUTH_AES_XCBC_96), true),
    row("aescmac", &[], Word::Integ(IntegId::AUTH_AES_CMAC_96), true),
    row("prfsha256", &[], Word::Prf(PrfId::PRF_HMAC_SHA2_256), false),
    row("prfsha384", &[], Word::Prf(PrfId::PRF_HMAC_SHA2_384), false),
    row("prfsha512", &[], Word::Prf(PrfId::PRF_HMAC_SHA2_512), false),
    row("prfsha1", &[], Word::Prf(PrfId::PRF_HMAC_SHA1), true),
    row("prfmd5", &[], Word::Prf(PrfId::PRF_HMAC_MD5), true),
    row("prfaesxcbc", &[], Word::Prf(PrfId::PRF_AES128_XCBC), true),
    row("prfaescmac", &[], Word::Prf(PrfId::PRF_AES128_CMAC), true),
    row(
        "x25519",
        &["curve25519"],
        Word::Ke(KeMethod::CURVE25519),
        false,
    ),
    row("x448", &["curve448"], Word::Ke(KeMethod::CURVE448), false),
    row("ecp256", &[], Word::Ke(KeMethod::ECP_256), false),
    row("ecp384", &[], Word::Ke(KeMethod::ECP_384), false),
    row("ecp521", &[], Word::Ke(KeMethod::ECP_521), false),
    row("modp2048", &[], Word::Ke(KeMethod::MODP_2048), false),
    row("modp3072", &[], Word::Ke(KeMethod::MODP_3072), false),
    row("modp4096", &[], Word::Ke(KeMethod::MODP_4096), false),
    row("modp6144", &[], Word::Ke(KeMethod::MODP_6144), false),
    row("modp8192", &[], Word::Ke(KeMethod::MODP_8192), false),
    row("modp768", &[], Word::Ke(KeMethod::MODP_768), true),
    row("modp1024", &[], Word::Ke(KeMethod::MODP_1024), true),
    row("modp1536", &[], Word::Ke(KeMethod::MODP_1536), true),
    row("modp1024s160", &[], Word::Ke(KeMethod::MODP_1024_160), true),
    row("modp2048s224", &[], Word::Ke(KeMethod::MODP_2048_224), true),
    row("modp2048s256", &[], Word::Ke(KeMethod::MODP_2048_256), true),
    row("ecp192", &[], Word::Ke(KeMethod::ECP_192), true),
    row("ecp224", &[], Word::Ke(KeMethod::ECP_224), true),
    row("ecp224bp", &[], Word::Ke(KeMethod::BRAINPOOL_224), true),
    row("ecp256bp", &[], Word::Ke(KeMethod::BRAINPOOL_256), false),
    row("ecp384bp", &[], Word::Ke(KeMethod::BRAINPOOL_384), false),
    row("ecp512bp", &[], Word::Ke(KeMethod::BRAINPOOL_512), false),
    row("mlkem512", &[], Word::Ke(KeMethod::ML_KEM_512), false),
    row("mlkem768", &[], Word::Ke(KeMethod::ML_KEM_768), false),
    row("mlkem1024", &[], Word::Ke(KeMethod::ML_KEM_1024), false),
    row("esn", &[], Word::Esn(EsnId::ESN), false),
    row("noesn", &[], Word::Esn(EsnId::NO_ESN), false),
];

/// The meaning of one keyword, case ignored. Values without a keyword are read in the form that the `*_name`
/// functions write: `encr1024:77`, `prf99`, `integ99`, `ke60000`, `esn7`.
#[must_use]
pub fn find(word: &str) -> Option<Word> {
    let word = word.to_ascii_lowercase();
    if let Some(k) = TABLE
        .iter()
        .find(|k| k.text == word || k.also.contains(&word.as_str()))
    {
        return Some(k.word);
    }
    if let Some((at, method)) = word.strip_prefix("ke").and_then(|w| w.split_once('_')) {
        let at = at.parse::<u8>().ok().filter(|at| (1..=7).contains(at))?;
        return match (method, find(method)) {
            ("none", _) => Some(Word::AddKe(at - 1, KeMethod::NONE)),
            (_, Some(Word::Ke(method))) => Some(Word::AddKe(at - 1, method)),
            _ => None,
        };
    }
    let number = |prefix: &str| {
        word.strip_prefix(prefix)
            .and_then(|n| n.parse::<u16>().ok())
    };
    if let Some((id, bits)) = word.strip_prefix("encr").and_then(|w| w.split_once(':')) {
        return Some(Word::Encr(Encr {
            id: EncrId(id.parse().ok()?),
            key_bits: Some(bits.parse().ok()?),
        }));
    }
    number("encr")
        .map(|n| {
            Word::Encr(Encr {
                id: EncrId(n),
                key_bits: None,
            })
        })
        .or_else(|| number("prf").map(|n| Word::Prf(PrfId(n))))
        .or_else(|| number("integ").map(|n| Word::Integ(IntegId(n))))
        .or_else(|| number("ke").map(|n| Word::Ke(KeMethod(n))))
        .or_else(|| number("esn").map(|n| Word::Esn(EsnId(n))))
}

/// The keyword closest to a misspelt one: at most two edits away, or a third of its length.
#[must_use]
pub fn nearest(word: &str) -> Option<&'static str> {
    let lower = word.to_ascii_lowercase();
    // Of an additional key exchange the method is what may be misspelt; only whole keywords are static.
    let word = match lower.strip_prefix("ke").and_then(|w| w.split_once('_')) {
        Some((_, method)) => method,
        None => &lower,
    };
    TABLE
        .iter()
        .map(|k| (crate::text::distance(word, k.text), k.text))
        .min()
        .filter(|(d, _)| *d <= (word.len() / 3).clamp(1, 3))
        .map(|(_, text)| text)
}

/// The PRF that strongSwan derives from an integrity algorithm where a proposal names none.
#[must_use]
pub fn prf_of_integ(integ: IntegId) -> Option<PrfId> {
    Some(match integ {
        IntegId::AUTH_HMAC_MD5_96 => PrfId::PRF_HMAC_MD5,
        IntegId::AUTH_HMAC_SHA1_96 => PrfId::PRF_HMAC_SHA1,
        IntegId::AUTH_HMAC_SHA2_256_128 => PrfId::PRF_HMAC_SHA2_256,
        IntegId::AUTH_HMAC_SHA2_384_192 => PrfId::PRF_HMAC_SHA2_384,
        IntegId::AUTH_HMAC_SHA2_512_256 => PrfId::PRF_HMAC_SHA2_512,
        IntegId::AUTH_AES_XCBC_96 => PrfId::PRF_AES128_XCBC,
        IntegId::AUTH_AES_CMAC_96 => PrfId::PRF_AES128_CMAC,
        _ => return None,
    })
}

/// All keywords that `proposal` is written with, as far as the table has them.
#[must_use]
pub fn words(proposal: &Proposal) -> Vec<&'static Keyword> {
    TABLE
        .iter()
        .filter(|k| match k.word {
            Word::Encr(e) => proposal.encr.contains(&e),
            Word::Prf(x) => proposal.prf.contains(&x),
            Word::Integ(x) => proposal.integ.contains(&x),
            Word::Ke(x) => {
                proposal.ke.contains(&x)
                    || proposal.addke.iter().any(|methods| methods.contains(&x))
            }
            Word::AddKe(..) => false,
            Word::Esn(x) => proposal.esn.contains(&x),
        })
        .collect()
}

fn name(word: Word) -> Option<String> {
    TABLE
        .iter()
        .find(|k| k.word == word)
        .map(|k| k.text.to_owned())
}

/// Keyword of an encryption algorithm, or `encrID[:BITS]`.
#[must_use]
pub fn encr_name(e: Encr) -> String {
    name(Word::Encr(e)).unwrap_or_else(|| match e.key_bits {
        Some(bits) => format!("encr{}:{bits}", e.id.0),
        None => format!("encr{}", e.id.0),
    })
}

/// Keyword of a PRF, or `prfID`.
#[must_use]
pub fn prf_name(id: PrfId) -> String {
    name(Word::Prf(id)).unwrap_or_else(|| format!("prf{}", id.0))
}

/// Keyword of an integrity algorithm, or `integID`.
#[must_use]
pub fn integ_name(id: IntegId) -> String {
    name(Word::Integ(id)).unwrap_or_else(|| format!("integ{}", id.0))
}

/// Keyword of a key exchange method, or `keID`.
#[must_use]
pub fn ke_name(id: KeMethod) -> String {
    name(Word::Ke(id)).unwrap_or_else(|| format!("ke{}", id.0))
}

/// Keyword of a method of additional key exchange `at`, counted from 0: `ke1_mlkem768`, `ke2_none`.
#[must_use]
pub fn addke_name(at: u8, id: KeMethod) -> String {
    let method = match id {
        KeMethod::NONE => "none".to_owned(),
        id => ke_name(id),
    };
    format!("ke{}_{method}", u16::from(at) + 1)
}

/// Keyword of a sequence number size, or `esnID`.
#[must_use]
pub fn esn_name(id: EsnId) -> String {
    name(Word::Esn(id)).unwrap_or_else(|| format!("esn{}", id.0))
}
