//! Transforms as tcpdump prints them: `t: #1 type=encr id=aes (type=keylen value=0100)`, and of IKEv1
//! `t: #1 id=ike (type=enc value=aes)(type=keylen value=0080)(type=hash value=sha2-256)(type=group desc value=modp2048)`.

use adit_model::proposal::{Encr, Proposal};
use adit_wire::iana::{EncrId, IntegId, KeMethod, PrfId};

/// The proposal that one line of transforms is, or is a part of.
pub(super) fn read(text: &str, v1: bool) -> Option<Proposal> {
    let mut proposal = Proposal::default();
    if v1 {
        suite(text, &mut proposal);
    } else {
        // Some versions print several in one line.
        for part in text.split("(t: ").filter(|p| !p.is_empty()) {
            transform(part, &mut proposal);
        }
    }
    let empty = proposal.encr.is_empty()
        && proposal.prf.is_empty()
        && proposal.integ.is_empty()
        && proposal.ke.is_empty();
    (!empty).then_some(proposal)
}

/// Adds what a further line has.
pub(super) fn join(have: &mut Proposal, more: Proposal) {
    have.encr.extend(more.encr);
    have.prf.extend(more.prf);
    have.integ.extend(more.integ);
    have.ke.extend(more.ke);
}

fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let rest = text.get(text.find(name)? + name.len()..)?;
    rest.split([')', ' ', '(']).next()
}

fn hex(text: &str) -> Option<u16> {
    u16::from_str_radix(text, 16).ok()
}

/// Its number: `#20`, or its place in a list of names.
fn id(text: &str, names: &[&str]) -> Option<u16> {
    match text.strip_prefix('#') {
        Some(number) => number.parse().ok(),
        None => names
            .iter()
            .position(|n| *n == text)
            .and_then(|at| u16::try_from(at).ok()),
    }
}

const GROUPS: [&str; 19] = [
    "", "modp768", "modp1024", "", "", "modp1536", "", "", "", "", "", "", "", "", "modp2048",
    "modp3072", "modp4096", "modp6144", "modp8192",
];

fn transform(text: &str, proposal: &mut Proposal) {
    const ENCR: [&str; 13] = [
        "", "des-iv64", "1des", "3des", "rc5", "idea", "cast", "blowfish", "3idea", "des-iv32",
        "rc4", "null", "aes",
    ];
    const PRF: [&str; 5] = ["", "hmac-md5", "hmac-sha", "hmac-tiger", "aes128_xcbc"];
    const INTEG: [&str; 6] = ["", "hmac-md5", "hmac-sha", "des-mac", "kpdk-md5", "xcbc-96"];
    let (Some(kind), Some(name)) = (value(text, "type="), value(text, " id=")) else {
        return;
    };
    match kind {
        "encr" => {
            if let Some(id) = id(name, &ENCR) {
                proposal.encr.push(Encr {
                    id: EncrId(id),
                    key_bits: value(text, "keylen value=").and_then(hex),
                });
            }
        }
        "prf" => proposal.prf.extend(id(name, &PRF).map(PrfId)),
        "integ" => proposal.integ.extend(id(name, &INTEG).map(IntegId)),
        "dh" => proposal.ke.extend(id(name, &GROUPS).map(KeMethod)),
        _ => {}
    }
}

fn suite(text: &str, proposal: &mut Proposal) {
    let key_bits = value(text, "keylen value=").and_then(hex);
    let encr = match value(text, "type=enc value=") {
        Some("1des") => Some(EncrId::ENCR_DES),
        Some("3des") => Some(EncrId::ENCR_3DES),
        Some("blowfish") => Some(EncrId(7)),
        Some("cast") => Some(EncrId(6)),
        Some("aes") => Some(EncrId::ENCR_AES_CBC),
        _ => None,
    };
    proposal.encr.extend(encr.map(|id| Encr { id, key_bits }));
    proposal
        .integ
        .extend(match value(text, "type=hash value=") {
            Some("md5") => Some(IntegId::AUTH_HMAC_MD5_96),
            Some("sha1") => Some(IntegId::AUTH_HMAC_SHA1_96),
            Some("sha2-256") => Some(IntegId::AUTH_HMAC_SHA2_256_128),
            Some("sha2-384") => Some(IntegId::AUTH_HMAC_SHA2_384_192),
            Some("sha2-512") => Some(IntegId::AUTH_HMAC_SHA2_512_256),
            _ => None,
        });
    let group = value(text, "group desc value=")
        .and_then(|name| id(name, &GROUPS).or_else(|| hex(name).filter(|_| name.len() == 4)));
    proposal.ke.extend(group.map(KeMethod));
}
