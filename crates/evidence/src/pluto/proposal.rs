//! Proposals and suites as pluto prints them: in braces, in brackets, and in IKEv2's lists.

use adit_model::keywords::{self, Word};
use adit_model::proposal::{Proposal, Suite};
use adit_wire::iana::{EsnId, KeMethod};

/// What an algorithm is named for in a list that doesn't say so by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Encryption,
    Prf,
    Integrity,
    Group,
}

/// `{auth=PRESHARED_KEY cipher=AES_CBC_256 integ=HMAC_SHA2_256 group=MODP2048}` and its forms since Openswan 2.
pub(crate) fn ike_suite(text: &str) -> Option<Suite> {
    let inside = braces(text).find(|b| b.contains("cipher="))?;
    let mut out = Proposal::default();
    let v2 = inside.contains("prf=") && inside.contains("integ=");
    for word in inside.split_whitespace() {
        let Some((key, value)) = word.split_once('=') else {
            continue;
        };
        match key {
            "cipher" => add(&mut out, Kind::Encryption, value),
            "integ" => {
                add(&mut out, Kind::Integrity, value);
                if !v2 {
                    add(&mut out, Kind::Prf, value);
                }
            }
            "prf" => {
                add(&mut out, Kind::Prf, value);
                if !v2 {
                    add(&mut out, Kind::Integrity, value);
                }
            }
            "group" | "ke" | "dh" => add(&mut out, Kind::Group, value),
            _ => {}
        }
    }
    suite(&out)
}

/// `xfrm=AES_CBC_128-HMAC_SHA1_96` of an established CHILD SA.
pub(crate) fn esp_suite(text: &str) -> Option<Suite> {
    let (_, rest) = text.split_once("xfrm=")?;
    let word = rest.split([' ', '}']).next()?;
    let mut out = Proposal::default();
    for (at, part) in word.split('-').enumerate() {
        let kind = match at {
            0 => Kind::Encryption,
            1 => Kind::Integrity,
            _ => Kind::Group,
        };
        add(&mut out, kind, part);
    }
    if text.contains("/ESN") {
        out.esn.push(EsnId::ESN);
    }
    suite(&out)
}

/// `[AES_CBC (256), HMAC_SHA1, MODP1024]` of a transform that was refused.
pub(crate) fn transform(text: &str) -> Option<Proposal> {
    let (_, rest) = text.split_once('[')?;
    let inside = rest.split(']').next()?;
    let mut out = Proposal::default();
    for (at, part) in inside.split(',').map(str::trim).enumerate() {
        match at {
            0 => add(&mut out, Kind::Encryption, part),
            1 => {
                add(&mut out, Kind::Integrity, part);
                add(&mut out, Kind::Prf, part);
            }
            _ => add(&mut out, Kind::Group, part),
        }
    }
    (!out.encr.is_empty() || !out.integ.is_empty()).then_some(out)
}

/// `1:IKE:ENCR=AES_CBC_256;PRF=HMAC_SHA2_256;INTEG=HMAC_SHA2_256_128;DH=MODP2048 2:…`; whether they are for an IKE SA.
pub(crate) fn list(text: &str) -> (bool, Vec<Proposal>) {
    let mut out = Vec::new();
    let mut ike = false;
    for item in text.split_whitespace() {
        let Some((head, transforms)) = item.split_once("ENCR=") else {
            continue;
        };
        ike |= head.contains("IKE:");
        let mut one = Proposal::default();
        for (at, part) in transforms.split(';').enumerate() {
            let (key, values) = part.split_once('=').unwrap_or(("ENCR", part));
            let kind = match key {
                _ if at == 0 => Kind::Encryption,
                "PRF" => Kind::Prf,
                "INTEG" => Kind::Integrity,
                "DH" | "KEM" | "KE" => Kind::Group,
                "ESN" => {
                    esn(&mut one, values);
                    continue;
                }
                _ => continue,
            };
            for value in values.split(',') {
                add(&mut one, kind, value.split('[').next().unwrap_or(value));
            }
        }
        const MOST: usize = 64;
        if !one.encr.is_empty() && out.len() < MOST {
            out.push(one);
        }
    }
    (ike, out)
}

/// `AES_CBC_256-HMAC_SHA2_256-MODP2048, 3DES_CBC-…` as connections and status output list them. Behind the cipher of an
/// IKE SA stands the PRF, and where it isn't made of the same hash the integrity algorithm.
pub(crate) fn configured(text: &str, ike: bool) -> Vec<Proposal> {
    text.split([',', ' '])
        .map(str::trim)
        .filter(|w| w.contains('-'))
        .filter_map(|word| one_configured(word, ike))
        .collect()
}

fn one_configured(word: &str, ike: bool) -> Option<Proposal> {
    let mut out = Proposal::default();
    let mut parts = word.split('-');
    for cipher in parts.next()?.split('+') {
        add(&mut out, Kind::Encryption, cipher);
    }
    for part in parts.flat_map(|p| p.split('+')) {
        match part {
            "ENABLED" => size_of_numbers(&mut out, EsnId::ESN),
            "DISABLED" => size_of_numbers(&mut out, EsnId::NO_ESN),
            _ if keyword(Kind::Group, part).is_some() => add(&mut out, Kind::Group, part),
            _ if ike && !truncated(part) => add(&mut out, Kind::Prf, part),
            _ => add(&mut out, Kind::Integrity, part),
        }
    }
    if out.esn == [EsnId::NO_ESN] {
        out.esn.clear();
    }
    let aead = out.encr.iter().any(|e| e.is_aead());
    if ike && out.integ.is_empty() && !aead {
        for part in word.split('-').skip(1).filter(|p| !truncated(p)) {
            add(&mut out, Kind::Integrity, part);
        }
    }
    (!out.encr.is_empty()).then_some(out)
}

/// An integrity algorithm is named with the bits that are left of the hash: `HMAC_SHA2_256_128`, `HMAC_SHA1_96`.
fn truncated(part: &str) -> bool {
    part.ends_with("_96")
        || ["_256_128", "_384_192", "_512_256"]
            .iter()
            .any(|end| part.ends_with(end))
}

/// The suite that a list of one proposal is.
pub(crate) fn only(list: &[Proposal]) -> Option<Suite> {
    list.first().and_then(suite)
}

/// A group as pluto names it, by keyword.
pub(crate) fn group(text: &str) -> String {
    let mut out = Proposal::default();
    add(&mut out, Kind::Group, text);
    out.ke
        .first()
        .map_or_else(|| text.trim().to_owned(), |ke| keywords::ke_name(*ke))
}

fn suite(one: &Proposal) -> Option<Suite> {
    Some(Suite {
        encr: *one.encr.first()?,
        prf: one.prf.first().copied(),
        integ: one.integ.first().copied(),
        ke: one.ke.first().copied(),
        addke: one.first_additional(),
        esn: one.esn.first() == Some(&EsnId::ESN),
    })
}

fn esn(to: &mut Proposal, values: &str) {
    for value in values.split(',') {
        let wide = value.starts_with('Y') || value == "ENABLED";
        size_of_numbers(to, if wide { EsnId::ESN } else { EsnId::NO_ESN });
    }
    if to.esn == [EsnId::NO_ESN] {
        to.esn.clear();
    }
}

fn size_of_numbers(to: &mut Proposal, size: EsnId) {
    if !to.esn.contains(&size) {
        to.esn.push(size);
    }
}

fn braces(text: &str) -> impl Iterator<Item = &str> {
    text.split('{')
        .skip(1)
        .map(|rest| rest.split('}').next().unwrap_or(rest))
}

fn add(to: &mut Proposal, kind: Kind, name: &str) {
    let Some(word) = keyword(kind, name) else {
        return;
    };
    match word {
        Word::Encr(e) if !to.encr.contains(&e) => to.encr.push(e),
        Word::Prf(p) if !to.prf.contains(&p) => to.prf.push(p),
        Word::Integ(i) if !to.integ.contains(&i) => to.integ.push(i),
        Word::Ke(k) if !to.ke.contains(&k) => to.ke.push(k),
        _ => {}
    }
}

fn keyword(kind: Kind, name: &str) -> Option<Word> {
    let name = name
        .trim()
        .to_ascii_uppercase()
        .replace(['(', ')', ' '], "_");
    let name = [
        "OAKLEY_GROUP_",
        "OAKLEY_",
        "ESP_",
        "AUTH_ALGORITHM_",
        "AUTH_",
        "PRF_",
    ]
    .iter()
    .fold(name.as_str(), |n, head| n.strip_prefix(head).unwrap_or(n));
    let name = name.trim_matches('_');
    match kind {
        Kind::Encryption => encryption(name),
        Kind::Integrity => keywords::find(hash(name)?),
        Kind::Prf => keywords::find(&format!("prf{}", hash(name)?)),
        Kind::Group => diffie_hellman(name),
    }
}

/// `AES_CBC_256`, `AES_256`, `AES_GCM_16_256`, `AES_GCM_C_256`, `3DES_CBC_192`.
fn encryption(name: &str) -> Option<Word> {
    let parts: Vec<&str> = name.split('_').filter(|p| !p.is_empty()).collect();
    let last = parts.last().and_then(|p| p.parse::<u16>().ok());
    let bits = last.filter(|b| [128, 192, 256].contains(b)).unwrap_or(128);
    let word = match (*parts.first()?, parts.get(1).copied()) {
        ("3DES", _) => "3des".to_owned(),
        ("DES", _) => "des".to_owned(),
        ("NULL", _) => "null".to_owned(),
        ("CHACHA20", _) => "chacha20poly1305".to_owned(),
        ("CAMELLIA", _) => format!("camellia{bits}"),
        ("AES", Some("CTR")) => format!("aes{bits}ctr"),
        ("AES", Some(mode @ ("GCM" | "CCM"))) => {
            let icv = match parts.get(2).copied() {
                Some("A" | "8") => 8,
                Some("B" | "12") => 12,
                _ => 16,
            };
            format!("aes{bits}{}{icv}", mode.to_lowercase())
        }
        ("AES", _) => format!("aes{bits}"),
        _ => return None,
    };
    keywords::find(&word)
}

/// The hash in the name of a PRF or an integrity algorithm.
fn hash(name: &str) -> Option<&'static str> {
    let name = name.strip_prefix("HMAC_").unwrap_or(name);
    [
        ("SHA2_256", "sha256"),
        ("SHA2_384", "sha384"),
        ("SHA2_512", "sha512"),
        ("SHA256", "sha256"),
        ("SHA384", "sha384"),
        ("SHA512", "sha512"),
        ("SHA2", "sha256"),
        ("SHA", "sha1"),
        ("MD5", "md5"),
        ("AES_XCBC", "aesxcbc"),
    ]
    .iter()
    .find(|(head, _)| name.starts_with(head))
    .map(|(_, word)| *word)
}

/// `MODP2048`, `DH14`, `DH19`, `ECP_256`, `CURVE25519`.
fn diffie_hellman(name: &str) -> Option<Word> {
    let number = name
        .strip_prefix("DH")
        .map(|n| n.trim_matches('_'))
        .filter(|n| !n.is_empty())
        .unwrap_or(name);
    if let Ok(id) = number.parse::<u16>() {
        return (id > 0).then_some(Word::Ke(KeMethod(id)));
    }
    let compact: String = name.chars().filter(|c| *c != '_').collect();
    match compact.as_str() {
        "CURVE25519" => keywords::find("x25519"),
        other => match keywords::find(&other.to_lowercase()) {
            Some(word @ Word::Ke(_)) => Some(word),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn notation_of_all_versions_becomes_keywords() {
        for (text, want) in [
            (
                "{auth=OAKLEY_PRESHARED_KEY cipher=oakley_3des_cbc_192 prf=oakley_md5 group=modp1024}",
                "3des-md5-prfmd5-modp1024",
            ),
            (
                "{auth=PRESHARED_KEY cipher=aes_256 integ=sha group=MODP1024}",
                "aes256-sha1-prfsha1-modp1024",
            ),
            (
                "{auth=IKEv2 cipher=AES_CBC_256 integ=HMAC_SHA2_256_128 prf=HMAC_SHA2_256 group=MODP1536}",
                "aes256-sha256-prfsha256-modp1536",
            ),
            (
                "{cipher=AES_GCM_16_256 integ=n/a prf=HMAC_SHA2_512 ke=DH19}",
                "aes256gcm16-prfsha512-ecp256",
            ),
        ] {
            assert_eq!(ike_suite(text).unwrap().to_string(), want, "{text}");
        }
        for (text, want) in [
            (
                "{ESP=>0xc1a2b3c4 <0xcd5e6f70 xfrm=AES_128-HMAC_SHA1 NATOA=none}",
                "aes128-sha1",
            ),
            (
                "{ESP/ESN=>0x1 <0x2 xfrm=AES_GCM_16_256-NONE-DH19 DPD=passive}",
                "aes256gcm16-ecp256-esn",
            ),
        ] {
            assert_eq!(esp_suite(text).unwrap().to_string(), want, "{text}");
        }
    }

    #[test]
    fn offers_and_lists() {
        assert_eq!(
            transform("Oakley Transform [AES_CBC (256), HMAC_SHA1, DH20] refused")
                .unwrap()
                .to_string(),
            "aes256-sha1-prfsha1-ecp384"
        );
        assert_eq!(
            transform("[OAKLEY_3DES_CBC (192), OAKLEY_MD5, OAKLEY_GROUP_MODP1024] refused")
                .unwrap()
                .to_string(),
            "3des-md5-prfmd5-modp1024"
        );
        let (ike, all) = list(
            "1:IKE:ENCR=AES_CBC_256;PRF=HMAC_SHA2_256,HMAC_SHA1;INTEG=HMAC_SHA2_256_128;DH=MODP2048[first-match] 2:IKE:ENCR=3DES;PRF=HMAC_SHA1;INTEG=HMAC_SHA1_96;DH=MODP1024",
        );
        assert!(ike);
        assert_eq!(
            all.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "aes256-sha256-prfsha256-prfsha1-modp2048",
                "3des-sha1-prfsha1-modp1024"
            ]
        );
        let (ike, all) = list("1:ESP:ENCR=AES_CBC_256;INTEG=HMAC_SHA1_96;ESN=NO,YES");
        assert!(!ike);
        assert_eq!(all[0].to_string(), "aes256-sha1-noesn-esn");
        assert_eq!(
            configured(
                "AES_CBC_256-HMAC_SHA2_256-MODP2048, 3DES_CBC-HMAC_SHA1-DH5",
                true
            )
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
            [
                "aes256-sha256-prfsha256-modp2048",
                "3des-sha1-prfsha1-modp1536"
            ]
        );
        for (word, ike, want) in [
            (
                "AES_CBC_256-HMAC_SHA1-HMAC_SHA1_96-MODP1536",
                true,
                "aes256-sha1-prfsha1-modp1536",
            ),
            (
                "AES_GCM_C_128-HMAC_SHA2_256-CURVE25519",
                true,
                "aes128gcm16-prfsha256-x25519",
            ),
            (
                "AES_GCM_C_128-NONE-NONE-ENABLED+DISABLED",
                false,
                "aes128gcm16-esn-noesn",
            ),
            ("AES_CBC_256-HMAC_SHA2_256_128", false, "aes256-sha256"),
        ] {
            assert_eq!(configured(word, ike)[0].to_string(), want);
        }
    }
}
