//! Signatures: which one our key makes for a peer, and whether the peer's is its key's (RFC 7296 2.15, RFC 7427).

use adit_crypto::pki::auth::{self, AuthPolicy, AuthProblem, AuthScheme};
use adit_crypto::pki::{SigningKey, VerifyingKey};
use adit_model::certificate_reason::CertificateReason;
use adit_model::reason::Refusal;
use adit_wire::iana::{AuthMethod, CertEncoding};
use adit_wire::v2::CertPayload;

use super::certificate::nameless;
use crate::output::{KeyAnswer, PeerSupport, Signed, ToSign, ToVerify};
use crate::v2::support;

/// Signs with a key whose public half the peer knows; it goes along if the peer asks for it (RFC 7670 3).
pub(super) fn with_public_key(
    key: &SigningKey,
    policy: &AuthPolicy,
    request: &ToSign,
) -> KeyAnswer {
    let Some(scheme) = scheme(key, policy, &request.peer) else {
        return KeyAnswer::Refused(no_signature(&[key], policy, request));
    };
    let raw = request.peer.raw_keys.then(|| CertPayload {
        encoding: CertEncoding::RAW_PUBLIC_KEY,
        data: key.public().spki().to_vec(),
    });
    sign(key, scheme, request, raw.into_iter().collect())
}

/// The best signature that the key makes and the peer takes.
pub(super) fn scheme(
    key: &SigningKey,
    policy: &AuthPolicy,
    peer: &PeerSupport,
) -> Option<AuthScheme> {
    let hashes: Vec<u16> = peer.hashes.iter().map(|h| h.0).collect();
    let all = key.schemes((!hashes.is_empty()).then_some(&hashes), policy);
    all.into_iter().find(|scheme| takes(peer, *scheme))
}

/// Whether the peer announces the method (RFC 9593), or announces none.
fn takes(peer: &PeerSupport, scheme: AuthScheme) -> bool {
    let signs = |a: &&adit_wire::v2::Announcement| a.authority.is_some();
    let mut methods = peer.methods.iter().filter(signs).peekable();
    methods.peek().is_none()
        || methods.any(|a| {
            a.method.0 == scheme.method()
                && match scheme {
                    AuthScheme::Digital(method) => a.algorithm == method.to_der(),
                    AuthScheme::Rsa(_) | AuthScheme::Ecdsa(_) => true,
                }
        })
}

/// Why none of our keys will do.
pub(super) fn no_signature(keys: &[&SigningKey], policy: &AuthPolicy, request: &ToSign) -> Refusal {
    let every: Vec<u16> = (1..=5).collect();
    let makes = keys
        .iter()
        .flat_map(|key| key.schemes(Some(&every), policy));
    let mut takes: Vec<String> = request
        .peer
        .hashes
        .iter()
        .map(ToString::to_string)
        .collect();
    if takes.is_empty() {
        takes.push("the methods from before RFC 7427".to_owned());
    }
    let announced = support::announced(&request.peer.methods);
    takes.extend(
        (!announced.methods.is_empty()).then(|| format!("of what these sign only {announced}")),
    );
    Refusal::NoSignature {
        identity: request.local_id.clone(),
        makes: makes.map(|scheme| scheme.to_string()).collect(),
        takes,
    }
}

/// Signs, with these certificates beside.
pub(super) fn sign(
    key: &SigningKey,
    scheme: AuthScheme,
    request: &ToSign,
    certificates: Vec<CertPayload>,
) -> KeyAnswer {
    match key.auth(scheme, request.octets.expose()) {
        Ok(proof) => KeyAnswer::Signed(Signed {
            method: AuthMethod(scheme.method()),
            proof,
            certificates,
        }),
        Err(error) => KeyAnswer::Refused(Refusal::Local {
            problem: error.to_string(),
        }),
    }
}

/// Verifies with the keys that are configured for the peer. Which of them it is, a raw key that comes along says; it adds
/// nothing to the trust in it.
pub(super) fn by_public_key(
    keys: &[VerifyingKey],
    policy: &AuthPolicy,
    request: &ToVerify,
) -> KeyAnswer {
    let raw = request
        .certificates
        .iter()
        .find(|c| c.encoding == CertEncoding::RAW_PUBLIC_KEY);
    let sent = match raw
        .map(|raw| VerifyingKey::from_spki(&raw.data))
        .transpose()
    {
        Ok(sent) => sent,
        Err(reason) => return KeyAnswer::Refused(refused(request, reason)),
    };
    let fitting = keys
        .iter()
        .filter(|key| sent.as_ref().is_none_or(|sent| sent.is_same(key)));
    let mut problem = None;
    for key in fitting {
        match verify(key, policy, request) {
            Ok(()) => return KeyAnswer::Verified,
            Err(refusal) => problem = problem.or(Some(refusal)),
        }
    }
    KeyAnswer::Refused(problem.unwrap_or_else(|| match (sent, keys) {
        (Some(sent), [known, ..]) => refused(
            request,
            CertificateReason::KeyMismatch {
                certificate: sent.kind().to_string(),
                key: known.kind().to_string(),
            },
        ),
        _ => Refusal::NoKey {
            local: request.local_id.clone(),
            remote: request.remote_id.clone(),
        },
    }))
}

/// Whether the proof is this key's.
pub(super) fn verify(
    key: &VerifyingKey,
    policy: &AuthPolicy,
    request: &ToVerify,
) -> Result<(), Refusal> {
    let octets = request.octets.expose();
    auth::verify(key, request.method.0, &request.proof, octets, policy)
        .map(drop)
        .map_err(|problem| signature(request, &problem))
}

fn signature(request: &ToVerify, problem: &AuthProblem) -> Refusal {
    Refusal::Signature {
        claimed: request.remote_id.clone(),
        method: request.method.0,
        problem: problem.to_string(),
    }
}

fn refused(request: &ToVerify, reason: CertificateReason) -> Refusal {
    Refusal::certificate(request.remote_id.clone(), nameless(reason))
}
