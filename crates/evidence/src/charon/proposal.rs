//! Proposals as charon prints them: `IKE:AES_GCM_16_128/PRF_HMAC_SHA2_256/CURVE_25519`.

use std::collections::HashMap;
use std::sync::LazyLock;

use adit_model::proposal::{Encr, Proposal, Suite};
use adit_wire::iana::{EncrId, EsnId, IntegId, KeMethod, PrfId};

/// Proposals of one protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listed {
    /// They are for an IKE SA, not for ESP.
    pub(crate) ike: bool,
    /// In their order.
    pub(crate) proposals: Vec<Proposal>,
}

/// Reads `ESP:AES_CBC_128/HMAC_SHA1_96/NO_EXT_SEQ, ESP:…`. `None` when nothing in it is a proposal for IKE or ESP.
pub(crate) fn list(text: &str) -> Option<Listed> {
    let mut out = Listed::default();
    for item in text.split(',').map(str::trim) {
        let Some((protocol, transforms)) = item.split_once(':') else {
            continue;
        };
        match protocol {
            "IKE" => out.ike = true,
            "ESP" => out.ike = false,
            _ => continue,
        }
        let one = proposal(transforms);
        if !one.encr.is_empty() {
            out.proposals.push(one);
        }
    }
    (!out.proposals.is_empty()).then_some(out)
}

/// The suite that a proposal of one algorithm per kind is.
pub(crate) fn suite(one: &Proposal) -> Option<Suite> {
    Some(Suite {
        encr: *one.encr.first()?,
        prf: one.prf.first().copied(),
        integ: one.integ.first().copied(),
        ke: one.ke.first().copied(),
        addke: one.first_additional(),
        esn: one.esn.first() == Some(&EsnId::ESN),
    })
}

fn proposal(transforms: &str) -> Proposal {
    let mut out = Proposal::default();
    for word in transforms.split('/').map(str::trim) {
        add(&mut out, word);
    }
    // That there is one size of sequence numbers only is what the absence says too.
    if out.esn == [EsnId::NO_ESN] {
        out.esn.clear();
    }
    out
}

fn add(to: &mut Proposal, word: &str) {
    if word.starts_with("PRF_") {
        to.prf
            .extend(PrfId::KNOWN.iter().filter(|p| p.known_name() == Some(word)));
    } else if let Some(integ) = integrity(word) {
        to.integ.push(integ);
    } else if let Some((at, ke)) = additional(word) {
        if let Some(methods) = to.addke.get_mut(at) {
            methods.push(ke);
        }
    } else if let Some(ke) = group(word) {
        to.ke.push(ke);
    } else if let Some(encr) = encryption(word) {
        to.encr.push(encr);
    } else {
        match word {
            "NO_EXT_SEQ" => to.esn.push(EsnId::NO_ESN),
            "EXT_SEQ" => to.esn.push(EsnId::ESN),
            _ => {}
        }
    }
}

/// `AES_GCM_16_128`, `3DES_CBC`; status output has `-` before the key length.
fn encryption(word: &str) -> Option<Encr> {
    static KNOWN: LazyLock<HashMap<&'static str, EncrId>> = LazyLock::new(|| {
        let known = EncrId::KNOWN.iter().rev();
        let named = |e: &EncrId| Some((e.known_name()?.strip_prefix("ENCR_")?, *e));
        known.filter_map(named).collect()
    });
    let named = |name: &str| {
        let name = match name {
            "3DES_CBC" => "3DES",
            "DES_CBC" => "DES",
            "BLOWFISH_CBC" => "BLOWFISH",
            "CAST_CBC" => "CAST",
            "NULL_AES_GMAC" => "NULL_AUTH_AES_GMAC",
            name => name,
        };
        KNOWN.get(name).copied()
    };
    if let Some(id) = named(word) {
        return Some(Encr { id, key_bits: None });
    }
    let (name, bits) = word.rsplit_once(['_', '-'])?;
    Some(Encr {
        id: named(name)?,
        key_bits: Some(bits.parse().ok()?),
    })
}

fn integrity(word: &str) -> Option<IntegId> {
    static KNOWN: LazyLock<HashMap<&'static str, IntegId>> = LazyLock::new(|| {
        let known = IntegId::KNOWN.iter().rev();
        let named = |i: &IntegId| Some((i.known_name()?.strip_prefix("AUTH_")?, *i));
        known.filter_map(named).collect()
    });
    KNOWN.get(word).copied()
}

/// An additional key exchange (RFC 9370), counted from 0: `KE1_ML_KEM_768`, `KE2_NONE`.
fn additional(word: &str) -> Option<(usize, KeMethod)> {
    let (at, method) = word.strip_prefix("KE")?.split_once('_')?;
    let at = at.parse::<usize>().ok()?.checked_sub(1)?;
    let method = match method {
        "NONE" => KeMethod::NONE,
        name => group(name)?,
    };
    Some((at, method))
}

/// A key exchange method by charon's name, as in proposals and in messages about groups.
pub(crate) fn group(word: &str) -> Option<KeMethod> {
    let name = match word {
        "CURVE_25519" => "x25519".to_owned(),
        "CURVE_448" => "x448".to_owned(),
        _ => {
            let mut parts = word.split('_');
            let (family, size, kind) = (parts.next()?, parts.next()?, parts.next());
            match (family, size, kind) {
                ("MODP" | "ECP", size, None) => format!("{}{size}", family.to_lowercase()),
                ("MODP", size, Some(subgroup)) => format!("modp{size}s{subgroup}"),
                ("ECP", size, Some("BP")) => format!("ecp{size}bp"),
                ("ML", "KEM", Some(size)) => format!("mlkem{size}"),
                _ => return None,
            }
        }
    };
    KeMethod::KNOWN
        .iter()
        .copied()
        .find(|k| k.known_name() == Some(&name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn notation_becomes_keywords() {
        for (text, want) in [
            (
                "IKE:AES_GCM_16_128/PRF_HMAC_SHA2_256/CURVE_25519",
                "aes128gcm16-prfsha256-x25519",
            ),
            (
                "IKE:AES_CBC_256/AES_CBC_128/HMAC_SHA2_512_256/PRF_HMAC_SHA2_512/ECP_384/MODP_2048_256/ECP_256_BP/KE1_ML_KEM_768",
                "aes256-aes128-sha512-prfsha512-ecp384-modp2048s256-ecp256bp-ke1_mlkem768",
            ),
            (
                "ESP:3DES_CBC/HMAC_MD5_96/MODP_1024/NO_EXT_SEQ",
                "3des-md5-modp1024",
            ),
            (
                "ESP:CHACHA20_POLY1305/EXT_SEQ/NO_EXT_SEQ",
                "chacha20poly1305-esn-noesn",
            ),
            ("ESP:AES_GCM_16-256", "aes256gcm16"),
        ] {
            let got = list(text).unwrap();
            assert_eq!(got.ike, text.starts_with("IKE"));
            assert_eq!(got.proposals[0].to_string(), want);
        }
        let two = list(
            "ESP:AES_CBC_128/HMAC_SHA1_96/NO_EXT_SEQ, ESP:AES_CBC_256/HMAC_SHA1_96/NO_EXT_SEQ",
        );
        assert_eq!(two.unwrap().proposals.len(), 2);
        assert_eq!(list("AH:HMAC_SHA1_96"), None);
    }
}
