//! What Libreswan and Openswan offer when nothing is written, by version.

use adit_model::proposal::Proposal;
use adit_wire::iana::{IntegId, KeMethod, PrfId};

use super::super::algorithm::group_number;

pub(super) fn default_hashes(v1: bool) -> Vec<IntegId> {
    let mut out = vec![
        IntegId::AUTH_HMAC_SHA2_512_256,
        IntegId::AUTH_HMAC_SHA2_256_128,
    ];
    if v1 {
        out.push(IntegId::AUTH_HMAC_SHA1_96);
    }
    out
}

pub(super) fn default_groups(v1: bool) -> Vec<KeMethod> {
    let numbers: &[u16] = if v1 {
        &[14, 15, 16, 5, 19, 20, 21, 31]
    } else {
        &[19, 20, 21, 31, 16, 15, 14, 18]
    };
    numbers.iter().filter_map(|n| group_number(*n)).collect()
}

/// Versions whose defaults stand in tables of their own: from 3.30 to 4, and from 5.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tabled {
    Four,
    Five,
}

impl Tabled {
    fn of(version: Option<(u16, u16)>) -> Option<Self> {
        match version? {
            v if v >= (5, 0) => Some(Tabled::Five),
            v if v >= (3, 30) => Some(Tabled::Four),
            _ => None,
        }
    }

    fn ike(self, v1: bool) -> Vec<Proposal> {
        const KE: &str = "ecp256-ecp384-ecp521-curve25519-modp4096-modp3072-modp2048-modp8192";
        match (v1, self) {
            (true, Tabled::Four) => parse(&[
                "aes256-aes192-aes128-3des-sha256-sha512-sha1-prfsha256-prfsha512-prfsha1-modp2048-modp1536",
            ]),
            (true, Tabled::Five) => parse(&[
                "aes256-aes192-aes128-3des-sha256-sha512-sha1-prfsha256-prfsha512-prfsha1-modp2048-modp1536-ecp256-curve25519",
            ]),
            (false, _) => {
                let chacha = self.chacha();
                parse(&[
                    &format!("aes256gcm16-aes128gcm16{chacha}-prfsha512-prfsha256-{KE}"),
                    &format!("aes256-aes128-sha512-sha256-prfsha512-prfsha256-{KE}"),
                ])
            }
        }
    }

    fn esp(self, v1: bool) -> Vec<Proposal> {
        match (v1, self) {
            (true, Tabled::Four) => parse(&["aes128-aes192-aes256-sha1"]),
            (true, Tabled::Five) => parse(&[
                "aes128-aes192-aes256-3des-sha1-sha512-sha256",
                "aes128gcm16-aes256gcm16",
            ]),
            (false, _) => parse(&[
                &format!("aes256gcm16-aes128gcm16{}-esn-noesn", self.chacha()),
                "aes256-aes128-sha512-sha256-esn-noesn",
            ]),
        }
    }

    fn chacha(self) -> &'static str {
        match self {
            Tabled::Four => "",
            Tabled::Five => "-chacha20poly1305",
        }
    }
}

fn parse(texts: &[&str]) -> Vec<Proposal> {
    texts.iter().filter_map(|t| t.parse().ok()).collect()
}

/// What is offered for IKE when nothing is written.
pub(super) fn default_ike(v1: bool, old: bool, version: Option<(u16, u16)>) -> Vec<Proposal> {
    if let Some(tabled) = Tabled::of(version) {
        return tabled.ike(v1);
    }
    let ke = default_groups(v1);
    let mut integ = default_hashes(v1 || old);
    if old {
        integ.push(IntegId::AUTH_HMAC_MD5_96);
    }
    let classic = if v1 || old {
        "aes256-aes128-3des"
    } else {
        "aes256-aes128"
    };
    let prf: Vec<PrfId> = integ
        .iter()
        .filter_map(|i| adit_model::keywords::prf_of_integ(*i))
        .collect();
    let mut out = Vec::new();
    if !v1 && let Ok(p) = "aes256gcm16-aes128gcm16-chacha20poly1305".parse::<Proposal>() {
        out.push(Proposal {
            prf: prf.clone(),
            ke: ke.clone(),
            ..p
        });
    }
    if let Ok(p) = classic.parse::<Proposal>() {
        out.push(Proposal {
            prf,
            integ,
            ke,
            ..p
        });
    }
    out
}

/// What is offered for ESP when nothing is written.
pub(super) fn default_esp(v1: bool, old: bool, version: Option<(u16, u16)>) -> Vec<Proposal> {
    if let Some(tabled) = Tabled::of(version) {
        return tabled.esp(v1);
    }
    let texts: &[&str] = if old {
        &["aes256-aes128-3des-sha1-md5-sha512-sha256"]
    } else if v1 {
        &["aes128-aes256-3des-sha1-sha512-sha256"]
    } else {
        &[
            "aes256gcm16-aes128gcm16-chacha20poly1305-esn-noesn",
            "aes256-aes128-sha512-sha256-sha1-esn-noesn",
        ]
    };
    texts.iter().filter_map(|t| t.parse().ok()).collect()
}
