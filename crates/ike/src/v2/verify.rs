//! Checks that leave a witness: who holds one has made the check.

use adit_crypto::constant_time_eq;
use adit_model::Secret;
use adit_model::identity::Identity;
use adit_model::reason::Refusal;
use adit_wire::iana::AuthMethod;
use adit_wire::v2::AuthPayload;

use crate::cx::Cx;
use crate::head::Head;
use crate::output::{KeyAnswer, KeyRequest, KeyRequestId, Purpose};
use crate::v2::transcript::identity;

/// A peer whose AUTH value was verified. There is no other way to make one than [`verify`].
pub(crate) struct VerifiedPeer {
    identity: Identity,
}

impl VerifiedPeer {
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

/// What a peer claims, until the key holder has said what its AUTH value should be.
pub(crate) struct Claim {
    identity: Identity,
    received: Vec<u8>,
}

impl Claim {
    /// Reads the peer's identity and AUTH payloads; only shared keys are understood.
    pub fn new(id: &adit_wire::v2::IdPayload, auth: &AuthPayload) -> Result<Self, Refusal> {
        if auth.method != AuthMethod::SHARED_KEY_MIC {
            return Err(Refusal::AuthMethod {
                received: auth.method.0.into(),
                expected: AuthMethod::SHARED_KEY_MIC.0.into(),
            });
        }
        Ok(Self {
            identity: identity(id)?,
            received: auth.data.clone(),
        })
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Compares the received AUTH value with the one it should be, in constant time.
    pub fn verify(self, expected: &Secret) -> Result<VerifiedPeer, Refusal> {
        if constant_time_eq(expected.expose(), &self.received) {
            Ok(VerifiedPeer {
                identity: self.identity,
            })
        } else {
            Err(Refusal::AuthValue {
                claimed: self.identity,
                method: AuthMethod::SHARED_KEY_MIC.0,
            })
        }
    }
}

/// Asks the key holder for an AUTH value.
pub(crate) fn ask_auth(
    cx: &mut Cx<'_>,
    head: &Head,
    remote_id: &Identity,
    octets: Secret,
    purpose: Purpose,
) -> Option<KeyRequestId> {
    let prf = head.suite?.prf?;
    Some(cx.ask(KeyRequest::PskAuth {
        connection: head.connection.name.clone(),
        local_id: head.connection.local_id.clone(),
        remote_id: remote_id.clone(),
        prf,
        octets,
        purpose,
    }))
}

/// The AUTH value out of the key holder's answer.
pub(crate) fn auth_value(
    answer: KeyAnswer,
    head: &Head,
    remote_id: &Identity,
) -> Result<Secret, Refusal> {
    match answer {
        KeyAnswer::Auth(value) => Ok(value),
        KeyAnswer::NoKey => Err(Refusal::NoKey {
            local: head.connection.local_id.clone(),
            remote: remote_id.clone(),
        }),
        KeyAnswer::Failed(problem) => Err(Refusal::Local { problem }),
    }
}

/// The refusal of who waited for the key holder in vain.
pub(crate) fn key_holder_silent() -> Refusal {
    Refusal::Local {
        problem: "the key holder didn't answer in time".to_owned(),
    }
}

/// Whom we expect, as far as it is configured: for requests to the key holder before the peer has told its identity.
pub(crate) fn expected_identity(head: &Head) -> Identity {
    match &head.connection.remote_id {
        Some(id) => id.clone(),
        None => Identity::Address(head.path.remote.ip()),
    }
}
