//! For whoever holds long-term keys: what to answer to a [`KeyRequest`].
//!
//! An endpoint never sees such a key and calls nothing here. Gateways, real and virtual, keep the [`Credentials`] of each
//! connection and answer with them.

mod certificate;
mod ppk;
mod psk;
mod signature;

use std::sync::Arc;

use adit_crypto::Provider;
use adit_crypto::pki::auth::AuthPolicy;
use adit_crypto::pki::{Documents, SigningKey, StatusNeed, VerifyingKey};
use adit_model::connection::{AuthKind, Authentication};
use adit_model::identity::Identity;
use adit_model::reason::Refusal;
use adit_model::{Secret, Wall};

use crate::output::{KeyAnswer, KeyRequest, ToSign, ToVerify};
use crate::v2::support;

pub use certificate::{Authorities, OwnCertificate};

/// What a connection's two sides prove and accept.
#[derive(Clone)]
pub struct Credentials {
    /// With what we prove who we are.
    pub own: Own,
    /// What proves who the peer is.
    pub peer: Accepted,
    /// What is mixed into the keys besides (RFC 8784).
    pub ppk: Option<Secret>,
    /// RSA signatures over SHA-1 (method 1) are made and taken, for peers that know nothing else.
    pub sha1: bool,
}

/// With what we prove who we are.
#[derive(Clone)]
pub enum Own {
    /// A key that the peer has as well.
    Psk(Secret),
    /// A private key whose public half the peer knows.
    PublicKey(Arc<SigningKey>),
    /// Certificates, the preferred one first.
    Certificates(Vec<OwnCertificate>),
}

/// What proves who the peer is.
#[derive(Clone)]
pub enum Accepted {
    /// A key that it has as well.
    Psk(Secret),
    /// One of these keys.
    PublicKeys(Vec<VerifyingKey>),
    /// A certificate from one of these authorities.
    Certificates(Arc<Authorities>),
}

impl Credentials {
    /// The same pre-shared key on both sides.
    #[must_use]
    pub fn psk(key: Secret) -> Self {
        Self {
            own: Own::Psk(key.clone()),
            peer: Accepted::Psk(key),
            ppk: None,
            sha1: false,
        }
    }

    /// How the two sides authenticate.
    #[must_use]
    pub fn authentication(&self) -> Authentication {
        Authentication {
            local: match self.own {
                Own::Psk(_) => AuthKind::Psk,
                Own::PublicKey(_) => AuthKind::PublicKey,
                Own::Certificates(_) => AuthKind::Certificate,
            },
            remote: match self.peer {
                Accepted::Psk(_) => AuthKind::Psk,
                Accepted::PublicKeys(_) => AuthKind::PublicKey,
                Accepted::Certificates(_) => AuthKind::Certificate,
            },
        }
    }

    /// Authorities that the peer is asked for, for [`Endpoint::set_authorities`](crate::Endpoint::set_authorities).
    #[must_use]
    pub fn key_hashes(&self) -> Vec<[u8; 20]> {
        match &self.peer {
            Accepted::Certificates(authorities) => authorities.trust.key_hashes(),
            Accepted::Psk(_) | Accepted::PublicKeys(_) => Vec::new(),
        }
    }

    /// Answers a request about this connection. Certificates are judged by the time `now`.
    #[must_use]
    pub fn answer(&self, provider: &Provider, now: Wall, request: &KeyRequest) -> KeyAnswer {
        self.answer_knowing(provider, now, request, &Documents::default())
    }

    /// As [`Credentials::answer`], with what was fetched about the peer's certificate ([`Credentials::needs`]).
    #[must_use]
    pub fn answer_knowing(
        &self,
        provider: &Provider,
        now: Wall,
        request: &KeyRequest,
        fetched: &Documents,
    ) -> KeyAnswer {
        match request {
            KeyRequest::Sign(request) => self.sign(provider, request),
            KeyRequest::Verify(request) => self.verify(provider, now, request, fetched),
            KeyRequest::Mix(request) => match &self.ppk {
                Some(ppk) => ppk::mix(provider, ppk, request),
                None => ppk::missing(request),
            },
        }
    }

    fn sign(&self, provider: &Provider, request: &ToSign) -> KeyAnswer {
        match (&self.own, request.kind) {
            (Own::Psk(key), AuthKind::Psk) => psk::sign(provider, key, request),
            (Own::PublicKey(key), AuthKind::PublicKey) => {
                signature::with_public_key(key, &self.policy(), request)
            }
            (Own::Certificates(certificates), AuthKind::Certificate) => {
                certificate::sign(certificates, &self.policy(), request)
            }
            _ => without_key(request.kind, &request.local_id, &request.remote_id),
        }
    }

    /// The certificates whose status has to be found out before a request can be answered: there are some only when the
    /// configuration asks for it, the chain leads to a trusted CA, and the peer has the key. Whoever can't fetch answers
    /// at once; what isn't known is then refused as unknown.
    #[must_use]
    pub fn needs(&self, now: Wall, request: &KeyRequest, fetched: &Documents) -> Vec<StatusNeed> {
        match (&self.peer, request) {
            (Accepted::Certificates(authorities), KeyRequest::Verify(request))
                if request.kind == AuthKind::Certificate =>
            {
                certificate::needs(authorities, &self.policy(), now, request, fetched)
            }
            _ => Vec::new(),
        }
    }

    fn verify(
        &self,
        provider: &Provider,
        now: Wall,
        request: &ToVerify,
        fetched: &Documents,
    ) -> KeyAnswer {
        match (&self.peer, request.kind) {
            (Accepted::Psk(key), AuthKind::Psk) => psk::verify(provider, key, request),
            (Accepted::PublicKeys(keys), AuthKind::PublicKey) => {
                signature::by_public_key(keys, &self.policy(), request)
            }
            (Accepted::Certificates(authorities), AuthKind::Certificate) => {
                certificate::verify(authorities, &self.policy(), now, request, fetched)
            }
            _ => KeyAnswer::Refused(Refusal::NoKey {
                local: request.local_id.clone(),
                remote: request.remote_id.clone(),
            }),
        }
    }

    fn policy(&self) -> AuthPolicy {
        AuthPolicy {
            hashes: support::HASHES.iter().map(|hash| hash.0).collect(),
            sha1: self.sha1,
        }
    }
}

/// Answers a request about a connection that no credentials are held for.
#[must_use]
pub fn without_credentials(request: &KeyRequest) -> KeyAnswer {
    match request {
        KeyRequest::Sign(to) => without_key(to.kind, &to.local_id, &to.remote_id),
        KeyRequest::Verify(to) => KeyAnswer::Refused(Refusal::NoKey {
            local: to.local_id.clone(),
            remote: to.remote_id.clone(),
        }),
        KeyRequest::Mix(to) => ppk::missing(to),
    }
}

fn without_key(kind: AuthKind, local: &Identity, remote: &Identity) -> KeyAnswer {
    KeyAnswer::Refused(match kind {
        AuthKind::Psk => Refusal::NoKey {
            local: local.clone(),
            remote: remote.clone(),
        },
        AuthKind::Certificate | AuthKind::PublicKey => Refusal::NoPrivateKey {
            identity: local.clone(),
        },
    })
}
