//! Certificates: which of ours a peer takes, and whether a peer's leads to an authority that is trusted (RFC 7296 3.6, RFC
//! 4945, RFC 5280).

use std::sync::Arc;

use adit_crypto::pki::auth::AuthPolicy;
use adit_crypto::pki::{
    Cert, Chain, ChainPolicy, Documents, RevocationList, RevocationPolicy, SigningKey, StatusNeed,
    StatusResponse, Trust, to_send,
};
use adit_model::Wall;
use adit_model::certificate_reason::{CertificateReason, RefusedCertificate};
use adit_model::reason::Refusal;
use adit_wire::iana::CertEncoding;
use adit_wire::v2::CertPayload;

use super::signature;
use crate::output::{KeyAnswer, ToSign, ToVerify};

/// A certificate of ours.
#[derive(Clone)]
pub struct OwnCertificate {
    /// Its private key.
    pub key: Arc<SigningKey>,
    /// The certificate, and the intermediate CAs above it that peers are sent.
    pub chain: Vec<Cert>,
    /// SHA-1 of the keys of the authorities above it, as far as they are known: peers name by them whom they trust.
    pub authorities: Vec<[u8; 20]>,
}

/// Whose certificates are accepted.
#[derive(Clone, Default)]
pub struct Authorities {
    /// CAs that are trusted, and CAs that lead to them.
    pub trust: Trust,
    /// What is asked of a chain.
    pub policy: ChainPolicy,
    /// Revocation lists at hand.
    pub documents: Documents,
    /// What follows when it isn't known whether a certificate is revoked.
    pub revocation: RevocationPolicy,
}

/// Signs with the certificate that suits the peer best: the first one whose chain leads to an authority that the peer
/// names, else the first one whose key makes a signature that the peer takes.
pub(super) fn sign(
    certificates: &[OwnCertificate],
    policy: &AuthPolicy,
    request: &ToSign,
) -> KeyAnswer {
    let usable = || {
        certificates.iter().filter_map(|own| {
            let scheme = signature::scheme(&own.key, policy, &request.peer)?;
            Some((own, scheme))
        })
    };
    let wanted = usable().find(|(own, _)| own.is_below(&request.peer.authorities));
    let Some((own, scheme)) = wanted.or_else(|| usable().next()) else {
        let keys: Vec<&SigningKey> = certificates.iter().map(|own| &*own.key).collect();
        return KeyAnswer::Refused(signature::no_signature(&keys, policy, request));
    };
    let chain = own.chain.iter().map(|certificate| CertPayload {
        encoding: CertEncoding::X509_SIGNATURE,
        data: certificate.to_der().to_vec(),
    });
    signature::sign(&own.key, scheme, request, chain.collect())
}

impl OwnCertificate {
    /// A certificate with its key. Of the certificates `at_hand`, those that lead up from it are sent along, but a root.
    ///
    /// # Errors
    /// The key isn't the certificate's.
    pub fn new(
        certificate: &Cert,
        key: Arc<SigningKey>,
        at_hand: &[Cert],
    ) -> Result<Self, Box<RefusedCertificate>> {
        certificate.belongs_to(&key)?;
        let chain: Vec<Cert> = to_send(certificate, at_hand).into_iter().cloned().collect();
        let above = at_hand.iter().filter(|authority| {
            chain.contains(authority)
                || chain
                    .last()
                    .is_some_and(|last| last.issuer() == authority.subject())
        });
        let authorities = above.filter_map(|authority| Some(authority.key().ok()?.key_hash()));
        Ok(Self {
            key,
            authorities: authorities.collect(),
            chain,
        })
    }

    fn is_below(&self, authorities: &[[u8; 20]]) -> bool {
        authorities
            .iter()
            .any(|hash| self.authorities.contains(hash))
    }
}

/// Verifies the peer's proof with the key of its certificate, and its certificate; `fetched` is what was fetched for it.
///
/// The signature goes first: who hasn't the key makes us look at nothing else.
pub(super) fn verify(
    authorities: &Authorities,
    policy: &AuthPolicy,
    now: Wall,
    request: &ToVerify,
    fetched: &Documents,
) -> KeyAnswer {
    let verdict = trusted(authorities, policy, now, request).and_then(|chain| {
        let documents = at_hand(authorities, request, fetched);
        chain
            .revocation(&documents, now, authorities.revocation)
            .map_err(|refused| Refusal::certificate(request.remote_id.clone(), *refused))
    });
    match verdict {
        Ok(()) => KeyAnswer::Verified,
        Err(refusal) => KeyAnswer::Refused(refusal),
    }
}

/// The certificates whose status has to be known and isn't, when nothing else speaks against the peer.
pub(super) fn needs(
    authorities: &Authorities,
    policy: &AuthPolicy,
    now: Wall,
    request: &ToVerify,
    fetched: &Documents,
) -> Vec<StatusNeed> {
    if authorities.revocation == RevocationPolicy::Relaxed {
        return Vec::new();
    }
    let documents = at_hand(authorities, request, fetched);
    trusted(authorities, policy, now, request)
        .map(|chain| chain.needs(&documents, now))
        .unwrap_or_default()
}

/// The chain of a peer that has the key of its certificate, and is whom it says it is.
fn trusted(
    authorities: &Authorities,
    policy: &AuthPolicy,
    now: Wall,
    request: &ToVerify,
) -> Result<Chain, Refusal> {
    let refused = |refused: Box<RefusedCertificate>| {
        Refusal::certificate(request.remote_id.clone(), *refused)
    };
    let mut sent = request
        .certificates
        .iter()
        .filter(|c| c.encoding == CertEncoding::X509_SIGNATURE);
    let Some(first) = sent.next() else {
        return Err(refused(Box::new(nameless(CertificateReason::Missing))));
    };
    let leaf = Cert::from_der(&first.data).map_err(refused)?;
    let key = leaf
        .key()
        .map_err(|reason| refused(leaf.refused(reason.clone())))?;
    signature::verify(key, policy, request)?;
    // What else came along only helps; what can't be read of it doesn't.
    let others: Vec<Cert> = sent.filter_map(|c| Cert::from_der(&c.data).ok()).collect();
    let chain = authorities
        .trust
        .chain(&leaf, &others, now, &authorities.policy)
        .map_err(refused)?;
    chain.holds(&request.remote_id).map_err(refused)?;
    Ok(chain)
}

/// The documents at hand, those that were fetched, and those that came along. Each is signed by a certificate's issuer, or says nothing.
fn at_hand(authorities: &Authorities, request: &ToVerify, fetched: &Documents) -> Documents {
    let mut documents = authorities.documents.clone();
    documents.lists.extend(fetched.lists.iter().cloned());
    documents
        .responses
        .extend(fetched.responses.iter().cloned());
    documents.failures.extend(fetched.failures.iter().cloned());
    for sent in &request.certificates {
        match sent.encoding {
            CertEncoding::CRL => documents
                .lists
                .extend(RevocationList::from_file(&sent.data)),
            CertEncoding::OCSP_CONTENT => documents
                .responses
                .extend(StatusResponse::from_der(&sent.data).map(|answer| (answer, None))),
            _ => {}
        }
    }
    documents
}

pub(super) fn nameless(reason: CertificateReason) -> RefusedCertificate {
    RefusedCertificate {
        subject: String::new(),
        serial: String::new(),
        reason,
    }
}
