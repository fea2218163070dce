//! A key that is mixed into the keys besides (RFC 8784).

use adit_crypto::{Provider, prf_plus};
use adit_model::Secret;
use adit_model::reason::{PpkProblem, Refusal};

use crate::output::{DerivedKeys, KeyAnswer, ToMix};

/// `prf+(PPK, key)` for each key.
pub(super) fn mix(provider: &Provider, ppk: &Secret, request: &ToMix) -> KeyAnswer {
    let prf = match provider.prf(request.prf) {
        Ok(prf) => prf,
        Err(error) => {
            let problem = error.to_string();
            return KeyAnswer::Refused(Refusal::Local { problem });
        }
    };
    let mixed = |key: &Secret| prf_plus(prf, ppk.expose(), &[key.expose()], key.len());
    KeyAnswer::Mixed(DerivedKeys {
        sk_d: mixed(&request.keys.sk_d),
        sk_p_ours: mixed(&request.keys.sk_p_ours),
        sk_p_peer: mixed(&request.keys.sk_p_peer),
    })
}

/// There is no such key.
pub(super) fn missing(request: &ToMix) -> KeyAnswer {
    KeyAnswer::Refused(Refusal::Ppk {
        theirs: None,
        ours: Some(request.ppk.clone()),
        problem: PpkProblem::NoKey,
    })
}
