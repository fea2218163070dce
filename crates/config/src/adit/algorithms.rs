//! Proposals: which algorithms may be written, and which hold when none are.

use adit_model::keywords::{self, TABLE, Word as Meaning};
use adit_model::proposal::{Proposal, ProposalError, SaKind};
use adit_wire::iana::{EncrId, EsnId, IntegId, KeMethod, PrfId};

use crate::adit::reader::{Reader, Table, Word};

/// What a tunnel offers that names no IKE algorithms: AEAD first, nothing weak, groups of at least 112 bits. The first one
/// adds ML-KEM where the peer can; who doesn't know additional key exchanges passes it over (RFC 9370 2.2.1).
const DEFAULT_IKE: [&str; 3] = [
    "aes128gcm16-aes256gcm16-chacha20poly1305-prfsha256-prfsha384-prfsha512-x25519-ecp256-ecp384-ecp521-modp3072-modp4096-modp2048-ke1_mlkem768",
    "aes128gcm16-aes256gcm16-chacha20poly1305-prfsha256-prfsha384-prfsha512-x25519-ecp256-ecp384-ecp521-modp3072-modp4096-modp2048",
    "aes128-aes256-sha256-sha384-sha512-prfsha256-prfsha384-prfsha512-x25519-ecp256-ecp384-ecp521-modp3072-modp4096-modp2048",
];

/// What a child offers that names no ESP algorithms. The last two take a peer that rekeys without a key exchange of
/// the child's own.
const DEFAULT_ESP: [&str; 5] = [
    "aes128gcm16-aes256gcm16-chacha20poly1305-x25519-ecp256-ecp384-ecp521-modp3072-modp4096-modp2048-ke1_mlkem768",
    "aes128gcm16-aes256gcm16-chacha20poly1305-x25519-ecp256-ecp384-ecp521-modp3072-modp4096-modp2048",
    "aes128-aes256-sha256-sha384-sha512-x25519-ecp256-ecp384-ecp521-modp3072-modp4096-modp2048",
    "aes128gcm16-aes256gcm16-chacha20poly1305",
    "aes128-aes256-sha256-sha384-sha512",
];

/// IKE proposals of a tunnel that names none, most wanted first.
#[must_use]
pub fn default_ike() -> Vec<Proposal> {
    read_all(&DEFAULT_IKE, SaKind::Ike)
}

/// ESP proposals of a child that names none, most wanted first.
#[must_use]
pub fn default_esp() -> Vec<Proposal> {
    read_all(&DEFAULT_ESP, SaKind::Esp)
}

fn read_all(texts: &[&str], kind: SaKind) -> Vec<Proposal> {
    texts
        .iter()
        .filter_map(|t| Proposal::parse(t, kind).ok())
        .collect()
}

/// The proposals of a key, or the default list.
pub(super) fn of(
    reader: &mut Reader<'_>,
    table: &Table<'_>,
    name: &str,
    kind: SaKind,
    allow_weak: bool,
) -> Vec<Proposal> {
    let Some(words) = reader.words(table, name) else {
        return match kind {
            SaKind::Ike => default_ike(),
            SaKind::Esp => default_esp(),
        };
    };
    let mut out = Vec::new();
    for word in words {
        match Proposal::parse(word.text, kind) {
            Ok(proposal) => {
                if runnable(reader, &word, &proposal, kind)
                    && strong(reader, &word, &proposal, allow_weak)
                    && !out.contains(&proposal)
                {
                    out.push(proposal);
                }
            }
            Err(error) => unreadable(reader, name, &word, &error, kind),
        }
    }
    out
}

fn unreadable(
    reader: &mut Reader<'_>,
    name: &str,
    word: &Word<'_>,
    error: &ProposalError,
    kind: SaKind,
) {
    let text = word.text.trim();
    let fix = match error {
        ProposalError::UnknownKeyword { word, near } => {
            // Of an additional key exchange the method is what was misspelt.
            let method = match word.strip_prefix("ke").and_then(|w| w.split_once('_')) {
                Some((_, method)) => method,
                None => word.as_str(),
            };
            near.map(|near| text.replacen(method, near, 1))
        }
        ProposalError::NoIntegrity(_) => Some(format!("{text}-sha256")),
        ProposalError::NoKeyExchange(_) => Some(format!("{text}-x25519")),
        ProposalError::NoPrf(_) => Some(format!("{text}-prfsha256")),
        ProposalError::NoEncryption(_) => Some(format!("aes128gcm16-{text}")),
        ProposalError::MixedAead(_) => split(text, kind),
        ProposalError::AdditionalAlone(_) => Some(text.replacen("-ke", "-x25519-ke", 1)),
        ProposalError::AdditionalTwice(_) => None,
    };
    let d = reader.error("bad-proposal", &word.at, error.to_string());
    d.expected(match kind {
        SaKind::Ike => "keywords joined by `-`: encryption, integrity or PRF, key exchange; such as aes128gcm16-prfsha256-x25519",
        SaKind::Esp => "keywords joined by `-`: encryption, integrity unless the cipher brings its own; such as aes128gcm16",
    });
    // Only what reads is offered as a fix.
    let reads = |fix: &String| {
        fix.trim_matches('"')
            .split("\", \"")
            .all(|p| Proposal::parse(p, kind).is_ok())
    };
    if let Some(fix) = fix.map(|f| format!("\"{f}\"")).filter(reads) {
        d.fix(format!("{name} = [{fix}]"));
    }
}

/// A proposal that mixes both kinds of cipher, as two proposals.
fn split(text: &str, kind: SaKind) -> Option<String> {
    let whole: Proposal = text.parse().ok()?;
    let aead = Proposal {
        encr: whole.encr.iter().copied().filter(|e| e.is_aead()).collect(),
        prf: match kind {
            SaKind::Ike if whole.prf.is_empty() => whole
                .integ
                .iter()
                .filter_map(|i| keywords::prf_of_integ(*i))
                .collect(),
            _ => whole.prf.clone(),
        },
        integ: Vec::new(),
        ..whole.clone()
    };
    let classic = Proposal {
        encr: whole
            .encr
            .iter()
            .copied()
            .filter(|e| !e.is_aead())
            .collect(),
        ..whole
    };
    Some(format!("{aead}\", \"{classic}"))
}

/// Whether Adit can carry out every algorithm of the proposal. Reading more than that is what other dialects and logs
/// need.
fn runnable(reader: &mut Reader<'_>, word: &Word<'_>, proposal: &Proposal, kind: SaKind) -> bool {
    let mut cannot: Vec<(String, &str, Vec<&str>)> = Vec::new();
    let supported = |of: fn(&Meaning) -> bool| -> Vec<&'static str> {
        TABLE
            .iter()
            .filter(|k| !k.weak && of(&k.word) && runs(&k.word, SaKind::Ike))
            .map(|k| k.text)
            .collect()
    };
    for e in proposal
        .encr
        .iter()
        .filter(|e| !runs(&Meaning::Encr(**e), kind))
    {
        cannot.push((
            keywords::encr_name(*e),
            "encryption",
            supported(|w| matches!(w, Meaning::Encr(_))),
        ));
    }
    for p in proposal
        .prf
        .iter()
        .filter(|p| !runs(&Meaning::Prf(**p), kind))
    {
        cannot.push((
            keywords::prf_name(*p),
            "PRF",
            supported(|w| matches!(w, Meaning::Prf(_))),
        ));
    }
    for i in proposal
        .integ
        .iter()
        .filter(|i| !runs(&Meaning::Integ(**i), kind))
    {
        cannot.push((
            keywords::integ_name(*i),
            "integrity",
            supported(|w| matches!(w, Meaning::Integ(_))),
        ));
    }
    for k in proposal
        .ke
        .iter()
        .filter(|k| !runs(&Meaning::Ke(**k), kind))
    {
        cannot.push((
            keywords::ke_name(*k),
            "key exchange",
            supported(|w| matches!(w, Meaning::Ke(_))),
        ));
    }
    for (at, k) in (0..)
        .zip(&proposal.addke)
        .flat_map(|(at, methods)| methods.iter().map(move |k| (at, k)))
    {
        if !runs(&Meaning::AddKe(at, *k), kind) {
            cannot.push((
                keywords::addke_name(at, *k),
                "additional key exchange",
                vec!["ke1_mlkem768"],
            ));
        }
    }
    for (name, what, instead) in &cannot {
        let additional = (kind == SaKind::Ike && name.starts_with("mlkem"))
            .then(|| format!("x25519-ke1_{name}"));
        let d = reader
            .error(
                "unsupported-algorithm",
                &word.at,
                format!("`{name}` can't be run for {}", sa(kind)),
            )
            .found(format!("{what} {name}"))
            .expected(format!("{what} {}", instead.join(", ")));
        if let Some(instead) = additional {
            d.note(format!(
                "its messages don't fit IKE_SA_INIT; it may follow another method: {instead}"
            ));
        }
    }
    cannot.is_empty()
}

fn sa(kind: SaKind) -> &'static str {
    match kind {
        SaKind::Ike => "an IKE SA",
        SaKind::Esp => "a child",
    }
}

/// Whether Adit has the algorithm.
fn runs(word: &Meaning, kind: SaKind) -> bool {
    match word {
        Meaning::Encr(e) => {
            let integrity_only =
                matches!(e.id, EncrId::ENCR_NULL | EncrId::ENCR_NULL_AUTH_AES_GMAC);
            let known = matches!(
                e.id,
                EncrId::ENCR_AES_CBC
                    | EncrId::ENCR_AES_CTR
                    | EncrId::ENCR_AES_CCM_8
                    | EncrId::ENCR_AES_CCM_12
                    | EncrId::ENCR_AES_CCM_16
                    | EncrId::ENCR_AES_GCM_8
                    | EncrId::ENCR_AES_GCM_12
                    | EncrId::ENCR_AES_GCM_16
                    | EncrId::ENCR_NULL_AUTH_AES_GMAC
                    | EncrId::ENCR_CHACHA20_POLY1305
                    | EncrId::ENCR_3DES
                    | EncrId::ENCR_NULL
            );
            known
                && TABLE.iter().any(|k| k.word == *word)
                && (kind == SaKind::Esp || !integrity_only)
        }
        Meaning::Prf(p) => matches!(
            *p,
            PrfId::PRF_HMAC_SHA1
                | PrfId::PRF_HMAC_SHA2_256
                | PrfId::PRF_HMAC_SHA2_384
                | PrfId::PRF_HMAC_SHA2_512
                | PrfId::PRF_AES128_XCBC
                | PrfId::PRF_AES128_CMAC
        ),
        Meaning::Integ(i) => matches!(
            *i,
            IntegId::AUTH_HMAC_SHA1_96
                | IntegId::AUTH_HMAC_SHA2_256_128
                | IntegId::AUTH_HMAC_SHA2_384_192
                | IntegId::AUTH_HMAC_SHA2_512_256
                | IntegId::AUTH_AES_XCBC_96
                | IntegId::AUTH_AES_CMAC_96
        ),
        Meaning::Ke(k) => {
            matches!(
                *k,
                KeMethod::MODP_2048
                    | KeMethod::MODP_3072
                    | KeMethod::MODP_4096
                    | KeMethod::ECP_256
                    | KeMethod::ECP_384
                    | KeMethod::ECP_521
                    | KeMethod::CURVE25519
            ) || kind == SaKind::Esp && is_ml_kem(*k)
        }
        Meaning::AddKe(_, k) => {
            *k == KeMethod::NONE || is_ml_kem(*k) || runs(&Meaning::Ke(*k), kind)
        }
        Meaning::Esn(e) => matches!(*e, EsnId::ESN | EsnId::NO_ESN),
    }
}

fn is_ml_kem(method: KeMethod) -> bool {
    matches!(
        method,
        KeMethod::ML_KEM_512 | KeMethod::ML_KEM_768 | KeMethod::ML_KEM_1024
    )
}

fn strong(reader: &mut Reader<'_>, word: &Word<'_>, proposal: &Proposal, allow_weak: bool) -> bool {
    let weak = proposal.weak();
    if weak.is_empty() || allow_weak {
        return true;
    }
    reader
        .error(
            "weak-algorithm",
            &word.at,
            format!(
                "{} too weak to be offered unasked",
                match weak.as_slice() {
                    [one] => format!("`{one}` is"),
                    more => format!("`{}` are", more.join("`, `")),
                }
            ),
        )
        .found(word.text)
        .expected("strong algorithms, or `allow_weak = true` in the tunnel")
        .fix("allow_weak = true")
        .note("better: agree on aes128gcm16 and x25519 or modp2048 with the peer");
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_read_are_strong_and_run() {
        assert_eq!(default_ike().len(), DEFAULT_IKE.len());
        assert_eq!(default_esp().len(), DEFAULT_ESP.len());
        for p in default_ike().iter().chain(&default_esp()) {
            assert!(p.weak().is_empty(), "{p}");
            for k in keywords::words(p) {
                // What may only follow another method has a place of its own.
                let word = match k.word {
                    Meaning::Ke(method) if is_ml_kem(method) => Meaning::AddKe(0, method),
                    word => word,
                };
                assert!(runs(&word, SaKind::Ike), "{}", k.text);
            }
        }
    }
}
