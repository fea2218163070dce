//! Chains: from a peer's certificate over intermediate CAs to one that is trusted (RFC 5280 6, RFC 4945 5).
//!
//! [`Trust::chain`] needs nothing but what is at hand and a clock. Where the status of certificates must be known, the
//! [`Chain`] then says what would tell it, and judges the documents that were fetched: nothing is fetched for a
//! certificate before a chain to a trusted CA stands.

use adit_model::Wall;
use adit_model::certificate_reason::{CertificateReason, RefusedCertificate};
use adit_model::identity::Identity;

use super::cert::{Cert, Unsigned};
use super::extensions::KeyUsage;
use super::verifying::VerifyingKey;
use super::{constrained, holder, policies};

/// A chain has at most this many certificates.
const MOST_DEEP: usize = 10;
/// This many signatures are verified at most in the search for one chain, whatever a peer sends.
const MOST_SIGNATURES: u32 = 100;

/// What is trusted, and what helps to get there.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// CAs that are trusted.
    pub anchors: Vec<Cert>,
    /// Certificates of peers that are trusted by themselves, whoever issued them.
    pub pinned: Vec<Cert>,
    /// Intermediate CAs at hand, which peers needn't send.
    pub intermediates: Vec<Cert>,
}

/// What is asked of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainPolicy {
    /// Policies (object identifiers) one of which the chain must be valid under; empty asks for none.
    pub policies: Vec<String>,
    /// Extended key usages (object identifiers) one of which a peer's certificate must have, if it has any.
    pub purposes: Vec<String>,
}

impl Default for ChainPolicy {
    /// No policies; any, serverAuth, clientAuth, ipsecIKE (RFC 4945 5.1.3.12), and the older ones that products wrote.
    fn default() -> Self {
        Self {
            policies: Vec::new(),
            purposes: [
                "2.5.29.37.0",
                "1.3.6.1.5.5.7.3.1",
                "1.3.6.1.5.5.7.3.2",
                "1.3.6.1.5.5.7.3.17",
                "1.3.6.1.5.5.7.3.5",
                "1.3.6.1.5.5.7.3.6",
                "1.3.6.1.5.5.7.3.7",
                "1.3.6.1.5.5.8.2.2",
            ]
            .map(str::to_owned)
            .into(),
        }
    }
}

/// A chain that stands: every signature, every date and every rule is checked but revocation, which
/// [`Chain::revocation`] judges.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The peer's certificate first, the trusted one last; a pinned one is alone.
    certificates: Vec<Cert>,
}

impl Trust {
    /// Finds a chain for `leaf`, with the help of `others` that came along.
    ///
    /// # Errors
    /// The certificate at which the way that led furthest ends, and why.
    pub fn chain(
        &self,
        leaf: &Cert,
        others: &[Cert],
        now: Wall,
        policy: &ChainPolicy,
    ) -> Result<Chain, Box<RefusedCertificate>> {
        if self.pinned.contains(leaf) {
            in_time(leaf, now)?;
            usable(leaf, policy)?;
            return Ok(Chain {
                certificates: vec![leaf.clone()],
            });
        }
        let mut search = Search {
            trust: self,
            others,
            now,
            policy,
            left: MOST_SIGNATURES,
            best: None,
        };
        let found = search.from(vec![leaf]);
        let untrusted = || {
            leaf.refused(CertificateReason::UntrustedIssuer {
                issuer: leaf.issuer().to_string(),
            })
        };
        match found {
            Some(certificates) => Ok(Chain { certificates }),
            None => Err(search.best.map_or_else(untrusted, |(_, refused)| refused)),
        }
    }

    /// SHA-1 of the keys of trusted CAs, as CERTREQ payloads name them (RFC 7296 3.7).
    #[must_use]
    pub fn key_hashes(&self) -> Vec<[u8; 20]> {
        let keys = self.anchors.iter().filter_map(|a| a.key().ok());
        let mut out: Vec<[u8; 20]> = keys.map(VerifyingKey::key_hash).collect();
        out.sort_unstable();
        out.dedup();
        out
    }
}

/// The certificates that belong in our CERT payloads (leaf first, the root left out), from those at hand. A chain that
/// doesn't end is given as far as it goes.
#[must_use]
pub fn to_send<'a>(leaf: &'a Cert, at_hand: &'a [Cert]) -> Vec<&'a Cert> {
    let mut out = vec![leaf];
    while let Some(last) = out.last().copied()
        && !last.is_self_issued()
        && out.len() < MOST_DEEP
    {
        let issuer = at_hand.iter().find(|c| {
            c.subject() == last.issuer()
                && !c.is_self_issued()
                && !out.contains(c)
                && c.key().is_ok_and(|key| last.signed().is_by(key).is_ok())
        });
        match issuer {
            Some(issuer) => out.push(issuer),
            None => break,
        }
    }
    out
}

impl Chain {
    /// The peer's certificate first, the trusted one last.
    #[must_use]
    pub fn certificates(&self) -> &[Cert] {
        &self.certificates
    }

    /// The peer's certificate.
    #[must_use]
    pub fn leaf(&self) -> Option<&Cert> {
        self.certificates.first()
    }

    /// The earliest end of all of its certificates: an SA that rests on it should be authenticated anew by then.
    #[must_use]
    pub fn not_after(&self) -> Wall {
        let ends = self.certificates.iter().map(Cert::not_after);
        ends.min().unwrap_or_default()
    }

    /// Whether the peer's certificate holds the identity that the peer claims.
    ///
    /// # Errors
    /// `Identity`, with the names that it holds.
    pub fn holds(&self, claimed: &Identity) -> Result<(), Box<RefusedCertificate>> {
        self.leaf()
            .map_or(Ok(()), |leaf| holder::holds(leaf, claimed))
    }
}

struct Search<'a> {
    trust: &'a Trust,
    others: &'a [Cert],
    now: Wall,
    policy: &'a ChainPolicy,
    left: u32,
    /// How far it got, and why it didn't get further.
    best: Option<(usize, Box<RefusedCertificate>)>,
}

/// A way that led to a trusted CA tells more than any that didn't.
const COMPLETE: usize = 1000;

impl<'a> Search<'a> {
    fn failed(&mut self, far: usize, refused: Box<RefusedCertificate>) {
        if self.best.as_ref().is_none_or(|(best, _)| far > *best) {
            self.best = Some((far, refused));
        }
    }

    /// Goes on from the last certificate of `path`.
    fn from(&mut self, path: Vec<&'a Cert>) -> Option<Vec<Cert>> {
        let last = *path.last()?;
        if let Err(reason) = last.key() {
            self.failed(2 * path.len(), last.refused(reason.clone()));
            return None;
        }
        let trust = self.trust;
        let is_issuer = |c: &&Cert| c.subject() == last.issuer();
        // Of several with one name, those whose key identifier fits come first.
        let unfit = |c: &Cert| match (&last.extensions().issuer_key_id, &c.extensions().key_id) {
            (Some(wanted), Some(has)) => wanted != has,
            _ => false,
        };
        let mut anchors: Vec<&Cert> = trust.anchors.iter().filter(is_issuer).collect();
        anchors.sort_by_key(|c| unfit(c));
        let between = self.others.iter().chain(&trust.intermediates);
        let mut between: Vec<&Cert> = between
            .filter(is_issuer)
            // A loop, or the same CA again under another certificate.
            .filter(|c| {
                let same = |p: &&Cert| p.subject() == c.subject() && p.key().ok() == c.key().ok();
                !path.iter().any(same)
            })
            .collect();
        between.sort_by_key(|c| unfit(c));
        let mut tried = 0;
        for issuer in anchors {
            tried += 1;
            if !self.signed(last, issuer, path.len()) {
                continue;
            }
            let mut whole = path.clone();
            // A trusted CA that the peer sent as its own certificate isn't there twice.
            if last != issuer {
                whole.push(issuer);
            }
            match sound(&whole, self.now, self.policy) {
                Ok(()) => return Some(whole.into_iter().cloned().collect()),
                Err(refused) => self.failed(COMPLETE, refused),
            }
        }
        if path.len() >= MOST_DEEP {
            let limit = u32::try_from(MOST_DEEP).unwrap_or(u32::MAX);
            self.failed(
                2 * path.len(),
                last.refused(CertificateReason::TooMany { limit }),
            );
            return None;
        }
        for issuer in between {
            tried += 1;
            if !self.signed(last, issuer, path.len()) {
                continue;
            }
            let mut longer = path.clone();
            longer.push(issuer);
            if let Some(found) = self.from(longer) {
                return Some(found);
            }
        }
        if tried == 0 {
            let reason = if last.is_self_issued() {
                CertificateReason::UntrustedRoot
            } else {
                CertificateReason::UntrustedIssuer {
                    issuer: last.issuer().to_string(),
                }
            };
            self.failed(2 * path.len(), last.refused(reason));
        }
        None
    }

    fn signed(&mut self, cert: &Cert, issuer: &Cert, far: usize) -> bool {
        let Some(left) = self.left.checked_sub(1) else {
            let limit = MOST_SIGNATURES;
            self.failed(
                COMPLETE - 1,
                cert.refused(CertificateReason::TooMany { limit }),
            );
            return false;
        };
        self.left = left;
        let key = match issuer.key() {
            Ok(key) => key,
            Err(reason) => {
                self.failed(2 * far + 1, issuer.refused(reason.clone()));
                return false;
            }
        };
        match cert.signed().is_by(key) {
            Ok(()) => true,
            Err(Unsigned::Method(reason)) => {
                self.failed(2 * far + 1, cert.refused(reason));
                false
            }
            Err(Unsigned::Signature) => {
                let issuer = cert.issuer().to_string();
                let reason = CertificateReason::BadSignature { issuer };
                self.failed(2 * far + 1, cert.refused(reason));
                false
            }
        }
    }
}

/// Everything about a path, leaf first, whose signatures are verified.
fn sound(path: &[&Cert], now: Wall, policy: &ChainPolicy) -> Result<(), Box<RefusedCertificate>> {
    for cert in path {
        in_time(cert, now)?;
        understood(cert)?;
    }
    let mut follow = 0;
    for (below, authority) in path.iter().enumerate().skip(1) {
        may_issue(authority, below == path.len() - 1)?;
        let limit = authority.extensions().authority.and_then(|c| c.path_length);
        if let Some(limit) = limit
            && follow > limit
        {
            return Err(authority.refused(CertificateReason::PathLength { limit, follow }));
        }
        if !authority.is_self_issued() {
            follow += 1;
        }
    }
    constrained::check(path)?;
    if let Some((_, below)) = path.split_last()
        && !below.is_empty()
    {
        policies::check(below, &policy.policies)?;
    }
    path.first().map_or(Ok(()), |leaf| usable(leaf, policy))
}

fn in_time(cert: &Cert, now: Wall) -> Result<(), Box<RefusedCertificate>> {
    // Valid through its last second.
    if now.0 / 1000 > cert.not_after().0 / 1000 {
        return Err(cert.refused(CertificateReason::Expired {
            not_after: cert.not_after(),
            now,
        }));
    }
    if now < cert.not_before() {
        return Err(cert.refused(CertificateReason::NotYetValid {
            not_before: cert.not_before(),
            now,
        }));
    }
    Ok(())
}

fn understood(cert: &Cert) -> Result<(), Box<RefusedCertificate>> {
    match &cert.extensions().unknown_critical {
        Some(oid) => Err(cert.refused(CertificateReason::CriticalExtension { oid: oid.clone() })),
        None => Ok(()),
    }
}

fn may_issue(authority: &Cert, anchor: bool) -> Result<(), Box<RefusedCertificate>> {
    let by_version = anchor && authority.is_version_1();
    if !authority.is_authority() || (authority.is_version_1() && !by_version) {
        return Err(authority.refused(CertificateReason::NotAnAuthority));
    }
    needs_usage(authority, KeyUsage::CERTIFY)
}

pub(super) fn needs_usage(cert: &Cert, needs: KeyUsage) -> Result<(), Box<RefusedCertificate>> {
    match cert.extensions().key_usage {
        Some(has) if !has.has(needs) => Err(cert.refused(CertificateReason::KeyUsage {
            needs: needs.names(),
            has: has.names(),
        })),
        _ => Ok(()),
    }
}

/// Of a peer's own certificate: it may sign (RFC 4945 5.1.3.2), and is meant for this.
fn usable(leaf: &Cert, policy: &ChainPolicy) -> Result<(), Box<RefusedCertificate>> {
    understood(leaf)?;
    if let Err(reason) = leaf.key() {
        return Err(leaf.refused(reason.clone()));
    }
    needs_usage(leaf, KeyUsage::SIGN.and(KeyUsage::NON_REPUDIATION))?;
    let Some(has) = &leaf.extensions().extended else {
        return Ok(());
    };
    if has.iter().any(|oid| policy.purposes.contains(oid)) {
        return Ok(());
    }
    let name = |oid: &String| {
        let known = super::extensions::purpose_name(oid);
        known.map_or_else(|| oid.clone(), str::to_owned)
    };
    Err(leaf.refused(CertificateReason::ExtendedKeyUsage {
        needs: policy.purposes.iter().map(name).collect(),
        has: leaf.extensions().purposes(),
    }))
}
