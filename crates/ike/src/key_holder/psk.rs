//! A key that both sides have (RFC 7296 2.15).

use adit_crypto::auth::psk_auth;
use adit_crypto::{Provider, constant_time_eq};
use adit_model::Secret;
use adit_model::reason::Refusal;
use adit_wire::iana::{AuthMethod, PrfId};

use crate::output::{KeyAnswer, Signed, ToSign, ToVerify};

/// Proves who we are.
pub(super) fn sign(provider: &Provider, key: &Secret, request: &ToSign) -> KeyAnswer {
    match mac(provider, request.prf, key, &request.octets) {
        Ok(proof) => KeyAnswer::Signed(Signed {
            method: AuthMethod::SHARED_KEY_MIC,
            proof,
            certificates: Vec::new(),
        }),
        Err(refusal) => KeyAnswer::Refused(refusal),
    }
}

/// Compares the peer's proof with the one that the common key makes, in constant time.
pub(super) fn verify(provider: &Provider, key: &Secret, request: &ToVerify) -> KeyAnswer {
    match mac(provider, request.prf, key, &request.octets) {
        Ok(expected) if constant_time_eq(&expected, &request.proof) => KeyAnswer::Verified,
        Ok(_) => KeyAnswer::Refused(Refusal::AuthValue {
            claimed: request.remote_id.clone(),
            method: request.method.0,
        }),
        Err(refusal) => KeyAnswer::Refused(refusal),
    }
}

fn mac(provider: &Provider, prf: PrfId, key: &Secret, octets: &Secret) -> Result<Vec<u8>, Refusal> {
    let prf = provider.prf(prf).map_err(|error| Refusal::Local {
        problem: error.to_string(),
    })?;
    Ok(psk_auth(prf, key, octets.expose()))
}
