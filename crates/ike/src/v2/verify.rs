//! Checks that leave a witness: who holds one has made the check.

use adit_model::Secret;
use adit_model::certificate_reason::{CertificateReason, RefusedCertificate};
use adit_model::connection::AuthKind;
use adit_model::identity::Identity;
use adit_model::reason::Refusal;
use adit_wire::iana::{AuthMethod, CertEncoding};
use adit_wire::v2::{AuthPayload, CertPayload, IdPayload, PayloadList};

use crate::cx::Cx;
use crate::head::Head;
use crate::output::{KeyAnswer, KeyRequest, KeyRequestId, PeerSupport, Signed, ToSign, ToVerify};
use crate::settings::Settings;
use crate::v2::transcript::identity;

/// A peer whose proof holds. There is no other way to make one than [`Claim::verified`].
pub(crate) struct VerifiedPeer {
    identity: Identity,
}

impl VerifiedPeer {
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

/// Whom a peer claims to be, until the key holder has looked at its proof.
pub(crate) struct Claim {
    identity: Identity,
}

/// A proof that is still to be looked at.
#[derive(Clone)]
pub(crate) struct Proof {
    method: AuthMethod,
    data: Vec<u8>,
    certificates: Vec<CertPayload>,
}

impl Proof {
    /// The proof in a message with this AUTH payload.
    pub fn new(auth: &AuthPayload, payloads: &PayloadList) -> Self {
        Self {
            method: auth.method,
            data: auth.data.clone(),
            certificates: payloads.certs().cloned().collect(),
        }
    }

    /// Another proof, made in the same way, is to be looked at instead.
    pub fn replace(&mut self, data: Vec<u8>) {
        self.data = data;
    }

    /// Whether there are no more certificates than are looked at.
    pub fn is_bounded(&self, settings: &Settings, peer: &Identity) -> Result<(), Refusal> {
        let (count, octets) = (
            self.certificates.len(),
            self.certificates
                .iter()
                .map(|c| c.data.len())
                .sum::<usize>(),
        );
        let (limit, most) = (settings.certificate_limit, settings.certificate_octets);
        if count > limit {
            let limit = u32::try_from(limit).unwrap_or(u32::MAX);
            return Err(unread(peer, CertificateReason::TooMany { limit }));
        }
        if octets > most {
            let problem = format!("{octets} octets of certificates, at most {most} are taken");
            return Err(unread(peer, CertificateReason::Unreadable { problem }));
        }
        Ok(())
    }

    /// Whether the certificate with the peer's key comes first (RFC 7296 3.6), in an encoding that is read here. CRLs and
    /// OCSP's answers may stand anywhere.
    pub fn is_readable(&self, kind: AuthKind, peer: &Identity) -> Result<(), Refusal> {
        let wanted = match kind {
            AuthKind::Psk => return Ok(()),
            AuthKind::Certificate => CertEncoding::X509_SIGNATURE,
            AuthKind::PublicKey => CertEncoding::RAW_PUBLIC_KEY,
        };
        let beside = [CertEncoding::CRL, CertEncoding::OCSP_CONTENT];
        let mut keys = self.certificates.iter().map(|c| c.encoding);
        match keys.find(|encoding| !beside.contains(encoding)) {
            Some(encoding) if encoding != wanted => Err(unread(
                peer,
                CertificateReason::Encoding {
                    encoding: encoding.0,
                },
            )),
            _ => Ok(()),
        }
    }

    /// Whether it was made in the way that the connection wants of the peer.
    pub fn fits(&self, kind: AuthKind) -> Result<(), Refusal> {
        let fits = match kind {
            AuthKind::Psk => self.method == AuthMethod::SHARED_KEY_MIC,
            AuthKind::Certificate | AuthKind::PublicKey => SIGNATURES.contains(&self.method),
        };
        if fits {
            return Ok(());
        }
        let expected = match kind {
            AuthKind::Psk => AuthMethod::SHARED_KEY_MIC,
            AuthKind::Certificate | AuthKind::PublicKey => AuthMethod::DIGITAL_SIGNATURE,
        };
        Err(Refusal::AuthMethod {
            received: self.method.0.into(),
            expected: expected.0.into(),
        })
    }
}

impl Claim {
    pub fn new(id: &IdPayload) -> Result<Self, Refusal> {
        Ok(Self {
            identity: identity(id)?,
        })
    }

    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What the key holder makes of the proof.
    pub fn verified(&self, answer: KeyAnswer) -> Result<VerifiedPeer, Refusal> {
        match answer {
            KeyAnswer::Verified => Ok(VerifiedPeer {
                identity: self.identity.clone(),
            }),
            KeyAnswer::Refused(refusal) => Err(refusal),
            KeyAnswer::Signed(_) | KeyAnswer::Mixed(_) => Err(besides_the_question()),
        }
    }
}

/// Methods that sign with a private key (RFC 7296 3.8, RFC 4754, RFC 7427).
const SIGNATURES: [AuthMethod; 5] = [
    AuthMethod::RSA_SIGNATURE,
    AuthMethod::ECDSA_SHA256_P256,
    AuthMethod::ECDSA_SHA384_P384,
    AuthMethod::ECDSA_SHA512_P521,
    AuthMethod::DIGITAL_SIGNATURE,
];

/// Asks the key holder to prove who we are.
pub(crate) fn ask_sign(
    cx: &mut Cx<'_>,
    head: &Head,
    remote_id: Identity,
    octets: Secret,
    peer: PeerSupport,
) -> Option<KeyRequestId> {
    let request = ToSign {
        connection: head.connection.name.clone(),
        kind: head.connection.auth.local,
        local_id: head.connection.local_id.clone(),
        remote_id,
        prf: head.suite?.prf?,
        octets,
        peer,
    };
    Some(cx.ask(KeyRequest::Sign(request)))
}

/// Asks the key holder whether the peer's proof holds.
pub(crate) fn ask_verify(
    cx: &mut Cx<'_>,
    head: &Head,
    claim: &Claim,
    octets: Secret,
    proof: Proof,
) -> Option<KeyRequestId> {
    let request = ToVerify {
        connection: head.connection.name.clone(),
        kind: head.connection.auth.remote,
        local_id: head.connection.local_id.clone(),
        remote_id: claim.identity.clone(),
        prf: head.suite?.prf?,
        octets,
        method: proof.method,
        proof: proof.data,
        certificates: proof.certificates,
    };
    Some(cx.ask(KeyRequest::Verify(request)))
}

/// Our proof out of the key holder's answer.
pub(crate) fn signed(answer: KeyAnswer) -> Result<Signed, Refusal> {
    match answer {
        KeyAnswer::Signed(signed) => Ok(signed),
        KeyAnswer::Refused(refusal) => Err(refusal),
        KeyAnswer::Verified | KeyAnswer::Mixed(_) => Err(besides_the_question()),
    }
}

/// The refusal of who waited for the key holder in vain.
pub(crate) fn key_holder_silent() -> Refusal {
    Refusal::Local {
        problem: "the key holder didn't answer in time".to_owned(),
    }
}

/// The refusal of certificates that nobody looked into.
fn unread(peer: &Identity, reason: CertificateReason) -> Refusal {
    let nobody = RefusedCertificate {
        subject: String::new(),
        serial: String::new(),
        reason,
    };
    Refusal::certificate(peer.clone(), nobody)
}

/// The refusal of who got the answer to something else.
pub(crate) fn besides_the_question() -> Refusal {
    Refusal::Local {
        problem: "the key holder answered another question".to_owned(),
    }
}

/// Whom we expect, as far as it is configured: for requests to the key holder before the peer has told its identity.
pub(crate) fn expected_identity(head: &Head) -> Identity {
    match &head.connection.remote_id {
        Some(id) => id.clone(),
        None => Identity::Address(head.path.remote.ip()),
    }
}
