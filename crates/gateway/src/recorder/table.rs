//! Keys of an IKE SA as other tools read them: a line of Wireshark's `ikev2_decryption_table`.

use std::fmt::Write;

use adit_ike::ToldKeys;
use adit_model::Secret;
use adit_wire::iana::{EncrId, IntegId};

/// SPIs, SK_ei, SK_er, the cipher, SK_ai, SK_ar, the integrity algorithm.
pub(super) fn line(keys: &ToldKeys) -> String {
    let (ei, er) = (hex(&keys.encryption.0), hex(&keys.encryption.1));
    let (ai, ar) = (hex(&keys.integrity.0), hex(&keys.integrity.1));
    let (spi_i, spi_r) = keys.spis;
    let (cipher, integrity) = (
        cipher(keys.suite.encr.id, keys.suite.encr.key_bits),
        integrity(keys.suite.integ),
    );
    format!("{spi_i:016x},{spi_r:016x},{ei},{er},\"{cipher}\",{ai},{ar},\"{integrity}\"")
}

fn hex(secret: &Secret) -> String {
    let mut out = String::with_capacity(secret.expose().len() * 2);
    for octet in secret.expose() {
        // Writing to a string doesn't fail.
        let _ = write!(out, "{octet:02x}");
    }
    out
}

/// The names that Wireshark has for them.
fn cipher(id: EncrId, bits: Option<u16>) -> String {
    let bits = bits.map_or_else(String::new, |bits| format!("-{bits}"));
    let (name, suffix) = match id {
        EncrId::ENCR_3DES => ("3DES", " [RFC2451]"),
        EncrId::ENCR_AES_CBC => ("AES-CBC", " [RFC3602]"),
        EncrId::ENCR_AES_CTR => ("AES-CTR", " [RFC5930]"),
        EncrId::ENCR_AES_GCM_8 => ("AES-GCM", " with 8 octet ICV [RFC5282]"),
        EncrId::ENCR_AES_GCM_12 => ("AES-GCM", " with 12 octet ICV [RFC5282]"),
        EncrId::ENCR_AES_GCM_16 => ("AES-GCM", " with 16 octet ICV [RFC5282]"),
        EncrId::ENCR_AES_CCM_8 => ("AES-CCM", " with 8 octet ICV [RFC5282]"),
        EncrId::ENCR_AES_CCM_12 => ("AES-CCM", " with 12 octet ICV [RFC5282]"),
        EncrId::ENCR_AES_CCM_16 => ("AES-CCM", " with 16 octet ICV [RFC5282]"),
        EncrId::ENCR_CHACHA20_POLY1305 => return "ChaCha20-Poly1305 [RFC7634]".to_owned(),
        other => return other.to_string(),
    };
    format!("{name}{bits}{suffix}")
}

fn integrity(id: Option<IntegId>) -> String {
    match id {
        None | Some(IntegId::NONE) => "NONE [RFC4306]".to_owned(),
        Some(IntegId::AUTH_HMAC_MD5_96) => "HMAC_MD5_96 [RFC2403]".to_owned(),
        Some(IntegId::AUTH_HMAC_SHA1_96) => "HMAC_SHA1_96 [RFC2404]".to_owned(),
        Some(IntegId::AUTH_HMAC_SHA2_256_128) => "HMAC_SHA2_256_128 [RFC4868]".to_owned(),
        Some(IntegId::AUTH_HMAC_SHA2_384_192) => "HMAC_SHA2_384_192 [RFC4868]".to_owned(),
        Some(IntegId::AUTH_HMAC_SHA2_512_256) => "HMAC_SHA2_512_256 [RFC4868]".to_owned(),
        Some(other) => other.to_string(),
    }
}
