//! Algorithm names: strongSwan's state and proposal keywords, brought to one spelling.

use std::collections::BTreeSet;

/// The keywords of a negotiated suite, such as `aes128gcm16`, `prfsha256`, `x25519`.
pub type Suite = BTreeSet<String>;

/// From proposal keywords joined by `-`.
pub fn from_keywords(proposal: &str) -> Suite {
    let words = proposal
        .split('-')
        .filter(|word| !word.is_empty() && *word != "noesn");
    words
        .map(|word| {
            if word == "curve25519" {
                "x25519".to_owned()
            } else {
                word.to_lowercase()
            }
        })
        .collect()
}

/// From the names in strongSwan's list of SAs.
pub fn from_names(
    encr: Option<&str>,
    bits: Option<&str>,
    integ: Option<&str>,
    prf: Option<&str>,
    group: Option<&str>,
) -> Suite {
    let mut suite = Suite::new();
    let bits = bits.unwrap_or_default();
    match encr {
        Some("AES_CBC") => suite.insert(format!("aes{bits}")),
        Some(gcm) if gcm.starts_with("AES_GCM_") => {
            suite.insert(format!("aes{bits}gcm{}", &gcm["AES_GCM_".len()..]))
        }
        Some("3DES_CBC") => suite.insert("3des".into()),
        Some("CHACHA20_POLY1305") => suite.insert("chacha20poly1305".into()),
        Some(other) => suite.insert(other.to_lowercase()),
        None => false,
    };
    if let Some(hash) = integ.and_then(|name| name.strip_prefix("HMAC_")) {
        suite.insert(hash_word(hash));
    }
    if let Some(hash) = prf.and_then(|name| name.strip_prefix("PRF_HMAC_")) {
        suite.insert(format!("prf{}", hash_word(hash)));
    }
    if let Some(group) = group {
        suite.insert(match group {
            "CURVE_25519" => "x25519".into(),
            other => other.replace('_', "").to_lowercase(),
        });
    }
    suite
}

/// `SHA2_256_128` and `SHA2_256` → `sha256`; `SHA1_96` and `SHA1` → `sha1`.
fn hash_word(name: &str) -> String {
    match name.strip_prefix("SHA2_") {
        Some(rest) => format!("sha{}", rest.split('_').next().unwrap_or_default()),
        None => name.split('_').next().unwrap_or_default().to_lowercase(),
    }
}

/// Whether two sides tell of the same algorithms. One side may leave out what follows from the rest, such as a PRF
/// that equals the hash of the integrity algorithm; what both name must be equal, and both must name a cipher.
pub fn agree(near: &Suite, far: &Suite) -> bool {
    let cipher = |suite: &Suite| suite.iter().find(|word| is_cipher(word)).cloned();
    cipher(near).is_some()
        && cipher(near) == cipher(far)
        && (near.is_subset(far) || far.is_subset(near))
}

/// Whether a configuration with these keywords can have led to this suite. A PRF that isn't configured follows from
/// the rest.
pub fn allows(configured: &Suite, negotiated: &Suite) -> bool {
    let has_prf = configured.iter().any(|word| word.starts_with("prf"));
    negotiated
        .iter()
        .all(|word| configured.contains(word) || !has_prf && word.starts_with("prf"))
}

fn is_cipher(word: &str) -> bool {
    word.starts_with("aes") || word.starts_with("chacha") || word == "3des" || word == "null"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_meet() {
        let gcm = from_names(
            Some("AES_GCM_16"),
            Some("128"),
            None,
            Some("PRF_HMAC_SHA2_256"),
            Some("CURVE_25519"),
        );
        assert_eq!(gcm, from_keywords("aes128gcm16-prfsha256-curve25519"));
        let cbc = from_names(
            Some("AES_CBC"),
            Some("256"),
            Some("HMAC_SHA2_256_128"),
            Some("PRF_HMAC_SHA2_256"),
            Some("MODP_2048"),
        );
        assert!(agree(&from_keywords("aes256-sha256-modp2048"), &cbc));
        assert!(!agree(&from_keywords("aes128-sha256-modp2048"), &cbc));
        assert!(!agree(&from_keywords("aes256-sha384-modp2048"), &cbc));
        assert!(!agree(&Suite::new(), &cbc));
        assert!(allows(
            &from_keywords("aes256-sha256-modp2048-x25519"),
            &cbc
        ));
        assert!(!allows(&from_keywords("aes256-sha256-x25519"), &cbc));
        assert_eq!(
            from_names(
                Some("AES_CBC"),
                Some("128"),
                Some("HMAC_SHA1_96"),
                None,
                None
            ),
            from_keywords("aes128-sha1")
        );
    }
}
