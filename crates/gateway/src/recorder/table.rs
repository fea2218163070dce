//! Keys of an IKE SA as other tools read them: a line of Wireshark's `ikev2_decryption_table`.

use std::fmt::Write;

use adit_evidence::recording::KeyLine;
use adit_ike::ToldKeys;
use adit_model::Secret;
use adit_wire::iana::{EncrId, IntegId};
use zeroize::Zeroizing;

/// SPIs, SK_ei, SK_er, the cipher, SK_ai, SK_ar, the integrity algorithm.
pub(super) fn line(keys: &ToldKeys) -> KeyLine {
    let secrets = [
        &keys.encryption.0,
        &keys.encryption.1,
        &keys.integrity.0,
        &keys.integrity.1,
    ];
    let (cipher, integrity) = (
        cipher(keys.suite.encr.id, keys.suite.encr.key_bits),
        integrity(keys.suite.integ),
    );
    // All at once: a string that grows leaves what it held before.
    let octets: usize = secrets.iter().map(|secret| 2 * secret.len()).sum();
    let mut out = Zeroizing::new(String::with_capacity(
        octets + cipher.len() + integrity.len() + PUNCTUATION,
    ));
    let (spi_i, spi_r) = keys.spis;
    // Writing to a string doesn't fail.
    let _ = write!(out, "{spi_i:016x},{spi_r:016x},");
    let [ei, er, ai, ar] = secrets;
    hex(ei, &mut out);
    out.push(',');
    hex(er, &mut out);
    let _ = write!(out, ",\"{cipher}\",");
    hex(ai, &mut out);
    out.push(',');
    hex(ar, &mut out);
    let _ = write!(out, ",\"{integrity}\"");
    KeyLine::new(out)
}

fn hex(secret: &Secret, out: &mut String) {
    for octet in secret.expose() {
        // As above.
        let _ = write!(out, "{octet:02x}");
    }
}

/// SPIs, commas and quotes.
const PUNCTUATION: usize = 2 * 16 + 7 + 4;

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

#[cfg(test)]
mod tests {
    use super::*;
    use adit_model::Now;

    #[test]
    fn a_line_is_what_wireshark_reads_and_never_grows() {
        let key = |octet: u8, octets: usize| Secret::new(vec![octet; octets]);
        let suite = "aes256-sha256-prfsha256-x25519".to_owned().try_into();
        let keys = ToldKeys {
            at: Now::default(),
            spis: (1, 2),
            suite: suite.unwrap_or_else(|e| panic!("{e:?}")),
            encryption: (key(1, 32), key(2, 32)),
            integrity: (key(3, 32), key(4, 32)),
        };
        let line = line(&keys);
        let (ei, er, ai, ar) = (
            "01".repeat(32),
            "02".repeat(32),
            "03".repeat(32),
            "04".repeat(32),
        );
        let whole = format!(
            "0000000000000001,0000000000000002,{ei},{er},\"AES-CBC-256 [RFC3602]\",{ai},{ar},\"HMAC_SHA2_256_128 [RFC4868]\""
        );
        assert_eq!(line.expose(), whole);
        let octets = 8 * 32 + "AES-CBC-256 [RFC3602]".len() + "HMAC_SHA2_256_128 [RFC4868]".len();
        assert_eq!(whole.len(), octets + PUNCTUATION);
    }
}
