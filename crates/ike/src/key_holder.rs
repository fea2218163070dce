//! For whoever holds long-term keys: what to answer to a [`KeyRequest`].
//!
//! An endpoint never sees such a key and calls nothing here. Gateways, real and virtual, keep the keys and answer with
//! the same functions.

use adit_crypto::auth::psk_auth;
use adit_crypto::{Provider, constant_time_eq};
use adit_model::Secret;
use adit_model::connection::AuthKind;
use adit_model::reason::Refusal;
use adit_wire::iana::{AuthMethod, PrfId};

use crate::output::{KeyAnswer, KeyRequest, Signed, ToSign, ToVerify};

/// Answers a request where all that is held is a key that both sides have, or not even that.
#[must_use]
pub fn with_psk(provider: &Provider, key: Option<&Secret>, request: &KeyRequest) -> KeyAnswer {
    match request {
        KeyRequest::Sign(request) => sign_with_psk(provider, key, request),
        KeyRequest::Verify(request) => verify_with_psk(provider, key, request),
    }
}

/// Proves who we are with a key that both sides have (RFC 7296 2.15).
#[must_use]
pub fn sign_with_psk(provider: &Provider, key: Option<&Secret>, request: &ToSign) -> KeyAnswer {
    let Some(key) = key.filter(|_| request.kind == AuthKind::Psk) else {
        return KeyAnswer::Refused(match request.kind {
            AuthKind::Psk => Refusal::NoKey {
                local: request.local_id.clone(),
                remote: request.remote_id.clone(),
            },
            AuthKind::Certificate | AuthKind::PublicKey => Refusal::NoPrivateKey {
                identity: request.local_id.clone(),
            },
        });
    };
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
#[must_use]
pub fn verify_with_psk(provider: &Provider, key: Option<&Secret>, request: &ToVerify) -> KeyAnswer {
    let Some(key) = key.filter(|_| request.kind == AuthKind::Psk) else {
        return KeyAnswer::Refused(Refusal::NoKey {
            local: request.local_id.clone(),
            remote: request.remote_id.clone(),
        });
    };
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
