//! What each side tells the other that it can verify: hash algorithms (RFC 7427 4), methods (RFC 9593), and from whom a
//! certificate may be (RFC 7296 3.7).
//!
//! ```text
//!                       IKE_SA_INIT request   response             IKE_AUTH request
//! hash algorithms       both                  both
//! methods, CERTREQ                            the responder's      the initiator's
//! ```
//!
//! Connections whose both sides have a pre-shared key say nothing of all this.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adit_crypto::pki::{Hash, SignatureMethod};
use adit_model::announced::{Announced, AnnouncedMethod};
use adit_model::connection::{AuthKind, Connection};
use adit_model::event::Happening;
use adit_wire::iana::{AuthMethod, CertEncoding, HashAlgorithm, NotifyType};
use adit_wire::v2::{Announcement, CertReqPayload, Notify, Payload, PayloadList};

use crate::cx::Cx;
use crate::head::Head;
use crate::output::PeerSupport;

/// Authorities that peers' certificates may come from, by connection.
#[derive(Default)]
pub(crate) struct Trust(BTreeMap<String, Vec<[u8; 20]>>);

/// Hash algorithms that our key holders verify signatures over, most wanted first (RFC 7427 4, RFC 8420 2). SHA-1 isn't
/// among them (RFC 8247 4.2).
pub(crate) const HASHES: [HashAlgorithm; 4] = [
    HashAlgorithm::SHA2_256,
    HashAlgorithm::SHA2_384,
    HashAlgorithm::SHA2_512,
    HashAlgorithm::IDENTITY,
];

/// Methods from before RFC 7427 that our key holders verify. RSA's isn't announced: it is mostly made over SHA-1.
const CLASSIC: [AuthMethod; 3] = [
    AuthMethod::ECDSA_SHA256_P256,
    AuthMethod::ECDSA_SHA384_P384,
    AuthMethod::ECDSA_SHA512_P521,
];

/// What they verify with method 14 (RFC 7427), most wanted first.
const DIGITAL: [SignatureMethod; 10] = [
    SignatureMethod::Ed25519,
    SignatureMethod::Ecdsa(Hash::Sha256),
    SignatureMethod::Ecdsa(Hash::Sha384),
    SignatureMethod::Ecdsa(Hash::Sha512),
    SignatureMethod::RsaPss(Hash::Sha256),
    SignatureMethod::RsaPss(Hash::Sha384),
    SignatureMethod::RsaPss(Hash::Sha512),
    SignatureMethod::RsaPkcs1(Hash::Sha256),
    SignatureMethod::RsaPkcs1(Hash::Sha384),
    SignatureMethod::RsaPkcs1(Hash::Sha512),
];

/// Most hash algorithms, methods or authorities of a peer that are kept.
const MOST_KEPT: usize = 256;

/// Most authorities that a peer is told: 2 KiB of an answer to somebody who hasn't authenticated yet would be many.
const MOST_TOLD: usize = 32;

impl Trust {
    pub fn set(&mut self, connection: &str, key_hashes: Vec<[u8; 20]>) {
        if key_hashes.is_empty() {
            self.0.remove(connection);
        } else {
            self.0.insert(connection.to_owned(), key_hashes);
        }
    }

    fn of(&self, connection: &Connection) -> &[[u8; 20]] {
        self.0.get(&connection.name).map_or(&[], Vec::as_slice)
    }
}

/// N(SIGNATURE_HASH_ALGORITHMS), if one of the connections has a side that signs.
pub(crate) fn hashes<'a>(mut of: impl Iterator<Item = &'a Connection>) -> Option<Payload> {
    let signs = of.any(|c| c.auth.local != AuthKind::Psk || c.auth.remote != AuthKind::Psk);
    let data = || HASHES.iter().flat_map(|h| h.0.to_be_bytes()).collect();
    signs.then(|| {
        Payload::Notify(Notify::with_data(
            NotifyType::SIGNATURE_HASH_ALGORITHMS,
            data(),
        ))
    })
}

/// CERTREQ and N(SUPPORTED_AUTH_METHODS), for what these connections want of their peers.
pub(crate) fn wishes<'a>(
    trust: &Trust,
    of: impl Iterator<Item = &'a Connection> + Clone,
) -> Vec<Payload> {
    let want = |kind| of.clone().any(|c| c.auth.remote == kind);
    let mut out = Vec::new();
    if want(AuthKind::Certificate) {
        let certificates = of
            .clone()
            .filter(|c| c.auth.remote == AuthKind::Certificate);
        let hashes: BTreeSet<_> = certificates.flat_map(|c| trust.of(c)).collect();
        out.push(Payload::CertReq(CertReqPayload {
            encoding: CertEncoding::X509_SIGNATURE,
            authorities: hashes
                .into_iter()
                .take(MOST_TOLD)
                .flatten()
                .copied()
                .collect(),
        }));
    }
    if want(AuthKind::PublicKey) {
        out.push(Payload::CertReq(CertReqPayload {
            encoding: CertEncoding::RAW_PUBLIC_KEY,
            authorities: Vec::new(),
        }));
    }
    if out.is_empty() {
        return out;
    }
    out.extend(methods(want(AuthKind::Psk)));
    out
}

fn methods(psk: bool) -> Option<Payload> {
    let classic = CLASSIC.map(|method| Announcement {
        method,
        authority: Some(0),
        algorithm: Vec::new(),
    });
    let signatures = DIGITAL.iter().map(|method| Announcement {
        method: AuthMethod::DIGITAL_SIGNATURE,
        authority: Some(0),
        algorithm: method.to_der(),
    });
    let psk = psk.then(|| Announcement {
        method: AuthMethod::SHARED_KEY_MIC,
        authority: None,
        algorithm: Vec::new(),
    });
    let mut data = Vec::new();
    for announcement in signatures.chain(classic).chain(psk) {
        announcement.emit(&mut data).ok()?;
    }
    let notify = Notify::with_data(NotifyType::SUPPORTED_AUTH_METHODS, data);
    Some(Payload::Notify(notify))
}

/// Keeps and tells what the peer announces, if it does.
pub(crate) fn tell(cx: &mut Cx<'_>, head: &mut Head, peer: &PeerSupport) {
    if peer.methods.is_empty() {
        return;
    }
    let announced = announced(&peer.methods);
    head.announced = Arc::new(announced.clone());
    cx.event(head, Happening::AuthMethodsAnnounced { announced });
}

/// In words. The same method for several authorities counts once.
pub(crate) fn announced(methods: &[Announcement]) -> Announced {
    let mut seen = BTreeSet::new();
    let mut told = Announced::default();
    let first = |a: &&Announcement| seen.insert((a.method.0, a.algorithm.clone()));
    for announcement in methods.iter().filter(first) {
        if told.methods.len() < Announced::MOST {
            told.methods.push(AnnouncedMethod {
                method: announcement.method.0,
                name: name(announcement),
            });
        } else {
            told.left_out = told.left_out.saturating_add(1);
        }
    }
    told
}

fn name(announcement: &Announcement) -> String {
    match announcement.method {
        AuthMethod::SHARED_KEY_MIC => "a pre-shared key".to_owned(),
        AuthMethod::RSA_SIGNATURE => "an RSA signature".to_owned(),
        AuthMethod::DSS_SIGNATURE => "a DSS signature".to_owned(),
        AuthMethod::ECDSA_SHA256_P256 => "ECDSA on P-256".to_owned(),
        AuthMethod::ECDSA_SHA384_P384 => "ECDSA on P-384".to_owned(),
        AuthMethod::ECDSA_SHA512_P521 => "ECDSA on P-521".to_owned(),
        AuthMethod::NULL => "no proof at all".to_owned(),
        AuthMethod::DIGITAL_SIGNATURE if announcement.algorithm.is_empty() => {
            "a digital signature".to_owned()
        }
        AuthMethod::DIGITAL_SIGNATURE => SignatureMethod::from_der(&announcement.algorithm)
            .map_or_else(
                |_| "a digital signature that isn't known here".to_owned(),
                |method| method.to_string(),
            ),
        other => other.to_string(),
    }
}

/// Adds what a message tells of its sender. Each kind of thing is told once; what can't be read tells nothing.
pub(crate) fn learn(peer: &mut PeerSupport, payloads: &PayloadList) {
    if let Some(hashes) = payloads.notify(NotifyType::SIGNATURE_HASH_ALGORITHMS) {
        let (pairs, _) = hashes.data.as_chunks::<2>();
        peer.hashes = pairs
            .iter()
            .map(|pair| HashAlgorithm(u16::from_be_bytes(*pair)))
            .take(MOST_KEPT)
            .collect();
    }
    if let Some(notify) = payloads.notify(NotifyType::SUPPORTED_AUTH_METHODS)
        && let Ok(mut methods) = Announcement::parse_all(&notify.data)
    {
        methods.truncate(MOST_KEPT);
        peer.methods = methods;
    }
    for request in payloads.cert_requests() {
        match request.encoding {
            CertEncoding::X509_SIGNATURE => {
                let room = MOST_KEPT.saturating_sub(peer.authorities.len());
                peer.authorities.extend(request.key_hashes().take(room));
            }
            CertEncoding::RAW_PUBLIC_KEY => peer.raw_keys = true,
            _ => {}
        }
    }
}
