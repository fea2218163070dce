//! Issuing: a CA of one's own, certificates for hosts, and lists of those that were revoked (RFC 5280).

use std::net::IpAddr;

use adit_model::Wall;
use adit_model::dn::{DistinguishedName, undotted};
use adit_model::identity::Identity;

use super::cert::Cert;
use super::der::{self, BIT_STRING, BOOLEAN, ENUMERATED, GENERALIZED_TIME, INTEGER};
use super::der::{OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, UTC_TIME, context, implicit, write};
use super::extensions::KeyUsage;
use super::method::{Hash, SignatureMethod};
use super::signing::{SignError, SigningKey};
use super::verifying::{KeyKind, VerifyingKey};
use crate::random::Random;

/// What a certificate is to say.
#[derive(Clone, Debug)]
pub struct Template {
    /// Whose it is.
    pub subject: DistinguishedName,
    /// Alternative names; the identities that its owner can claim beside the subject.
    pub names: Vec<Identity>,
    /// Valid from; whole seconds.
    pub not_before: Wall,
    /// Valid up to; whole seconds.
    pub not_after: Wall,
    /// A CA's, and how many intermediate CAs may follow it.
    pub authority: Option<Option<u32>>,
    /// Key usage.
    pub key_usage: KeyUsage,
    /// Extended key usages, as object identifiers; none leaves the extension out.
    pub purposes: Vec<&'static str>,
    /// Where its issuer's revocation list is.
    pub crl_urls: Vec<String>,
    /// Where its issuer's responder is.
    pub ocsp_urls: Vec<String>,
    /// Further extensions: object identifier, whether critical, and the value in DER.
    pub further: Vec<(&'static str, bool, Vec<u8>)>,
}

impl Template {
    /// For a CA that issues certificates of hosts and nothing below it.
    #[must_use]
    pub fn authority(subject: DistinguishedName, not_before: Wall, not_after: Wall) -> Self {
        Self {
            subject,
            names: Vec::new(),
            not_before,
            not_after,
            authority: Some(Some(0)),
            key_usage: KeyUsage::CERTIFY.and(KeyUsage::REVOKE),
            purposes: Vec::new(),
            crl_urls: Vec::new(),
            ocsp_urls: Vec::new(),
            further: Vec::new(),
        }
    }

    /// For a gateway, as Windows, Apple, strongSwan and Libreswan want it: serverAuth, clientAuth and ipsecIKE.
    #[must_use]
    pub fn host(
        subject: DistinguishedName,
        names: Vec<Identity>,
        not_before: Wall,
        not_after: Wall,
    ) -> Self {
        Self {
            names,
            authority: None,
            key_usage: KeyUsage::SIGN,
            purposes: vec![
                "1.3.6.1.5.5.7.3.1",
                "1.3.6.1.5.5.7.3.2",
                "1.3.6.1.5.5.7.3.17",
            ],
            ..Self::authority(subject, not_before, not_after)
        }
    }
}

/// Why nothing was issued.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// An identity that can't stand in a certificate.
    #[error(
        "{0} can't stand in a certificate: a host name, user@host, an IP address or a distinguished name can"
    )]
    Name(Identity),
    /// What was made can't be read again.
    #[error("the certificate would be unreadable: {0}")]
    Unreadable(String),
}

/// A revoked certificate in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Its serial number, as the certificate encodes it.
    pub serial: Vec<u8>,
    /// Since when.
    pub at: Wall,
    /// CRLReason (RFC 5280 5.3.1); 0 says nothing.
    pub reason: u8,
}

/// A CA that issues.
#[derive(Clone, Copy)]
pub struct Issuer<'a> {
    /// Its certificate.
    pub cert: &'a Cert,
    /// The key of it.
    pub key: &'a SigningKey,
}

/// Makes a certificate that signs itself. Its serial number is drawn from `random`.
///
/// # Errors
/// [`IssueError`].
pub fn self_signed(
    key: &SigningKey,
    template: &Template,
    random: &dyn Random,
) -> Result<Cert, IssueError> {
    let id = key.public().key_id();
    certificate(template, key.public(), &template.subject, &id, key, random)
}

impl Issuer<'_> {
    /// Issues a certificate for `public`.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue(
        &self,
        public: &VerifyingKey,
        template: &Template,
        random: &dyn Random,
    ) -> Result<Cert, IssueError> {
        let id = self.cert.extensions().key_id.clone();
        let id = id.unwrap_or_else(|| self.key.public().key_id().to_vec());
        let issuer = self.cert.subject();
        certificate(template, public, issuer, &id, self.key, random)
    }

    /// Issues a revocation list, in DER.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn revocation_list(
        &self,
        number: u64,
        revoked: &[Revocation],
        this_update: Wall,
        next_update: Wall,
    ) -> Result<Vec<u8>, IssueError> {
        let entries = revoked.iter().flat_map(|entry| {
            let mut body = [write(INTEGER, &entry.serial), time(entry.at)].concat();
            if entry.reason != 0 {
                let reason = write(ENUMERATED, &[entry.reason]);
                let list = extension("2.5.29.21", false, &reason);
                body.extend(write(SEQUENCE, &list));
            }
            write(SEQUENCE, &body)
        });
        let entries: Vec<u8> = entries.collect();
        let id = self.cert.extensions().key_id.clone();
        let id = id.unwrap_or_else(|| self.key.public().key_id().to_vec());
        let extensions = [
            extension(
                "2.5.29.35",
                false,
                &write(SEQUENCE, &write(implicit(0), &id)),
            ),
            extension("2.5.29.20", false, &der::number(&number.to_be_bytes())),
        ];
        let method = method(self.key);
        let mut body = [
            write(INTEGER, &[1]),
            method.to_der(),
            self.cert.subject_der().to_vec(),
            time(this_update),
            time(next_update),
        ]
        .concat();
        if !entries.is_empty() {
            body.extend(write(SEQUENCE, &entries));
        }
        body.extend(write(context(0), &write(SEQUENCE, &extensions.concat())));
        Ok(signed(&write(SEQUENCE, &body), self.key)?)
    }
}

/// A revocation list in PEM.
#[must_use]
pub fn revocation_list_pem(der: &[u8]) -> String {
    super::pem::write("X509 CRL", der)
}

fn certificate(
    template: &Template,
    public: &VerifyingKey,
    issuer: &DistinguishedName,
    issuer_key_id: &[u8],
    key: &SigningKey,
    random: &dyn Random,
) -> Result<Cert, IssueError> {
    // Positive, and unforeseeable: it is what makes the signed octets so (RFC 5280 4.1.2.2).
    let mut serial = [0; 16];
    random.fill(&mut serial);
    serial[0] = serial[0] & 0x7f | 0x40;
    let validity = [time(template.not_before), time(template.not_after)].concat();
    let body = [
        write(context(0), &write(INTEGER, &[2])),
        write(INTEGER, &serial),
        method(key).to_der(),
        issuer.to_der().to_vec(),
        write(SEQUENCE, &validity),
        template.subject.to_der().to_vec(),
        public.spki().to_vec(),
        write(
            context(3),
            &write(SEQUENCE, &extensions(template, public, issuer_key_id)?),
        ),
    ];
    let der = signed(&write(SEQUENCE, &body.concat()), key)?;
    Cert::from_der(&der).map_err(|refused| IssueError::Unreadable(refused.to_string()))
}

fn extensions(
    template: &Template,
    public: &VerifyingKey,
    issuer_key_id: &[u8],
) -> Result<Vec<u8>, IssueError> {
    let mut constraints = Vec::new();
    if let Some(path_length) = template.authority {
        constraints.extend(write(BOOLEAN, &[0xff]));
        if let Some(limit) = path_length {
            constraints.extend(der::number(&limit.to_be_bytes()));
        }
    }
    let mut out = extension("2.5.29.19", true, &write(SEQUENCE, &constraints));
    out.extend(extension("2.5.29.15", true, &bits(template.key_usage)));
    if !template.purposes.is_empty() {
        let list: Vec<u8> = template
            .purposes
            .iter()
            .flat_map(|oid| oid_element(oid))
            .collect();
        out.extend(extension("2.5.29.37", false, &write(SEQUENCE, &list)));
    }
    if !template.names.is_empty() {
        let mut list = Vec::new();
        for name in &template.names {
            list.extend(general_name(name).ok_or_else(|| IssueError::Name(name.clone()))?);
        }
        // Critical when it alone says whose it is (RFC 5280 4.2.1.6).
        let critical = template.subject.is_empty();
        out.extend(extension("2.5.29.17", critical, &write(SEQUENCE, &list)));
    }
    out.extend(extension(
        "2.5.29.14",
        false,
        &write(OCTET_STRING, &public.key_id()),
    ));
    let authority = write(SEQUENCE, &write(implicit(0), issuer_key_id));
    out.extend(extension("2.5.29.35", false, &authority));
    let url = |url: &String| write(implicit(6), url.as_bytes());
    if !template.crl_urls.is_empty() {
        let points = template.crl_urls.iter().flat_map(|u| {
            let full = write(context(0), &url(u));
            write(SEQUENCE, &write(context(0), &full))
        });
        let points: Vec<u8> = points.collect();
        out.extend(extension("2.5.29.31", false, &write(SEQUENCE, &points)));
    }
    if !template.ocsp_urls.is_empty() {
        let responders = template.ocsp_urls.iter().flat_map(|u| {
            write(
                SEQUENCE,
                &[oid_element("1.3.6.1.5.5.7.48.1"), url(u)].concat(),
            )
        });
        let responders: Vec<u8> = responders.collect();
        let value = write(SEQUENCE, &responders);
        out.extend(extension("1.3.6.1.5.5.7.1.1", false, &value));
    }
    for (oid, critical, value) in &template.further {
        out.extend(extension(oid, *critical, value));
    }
    Ok(out)
}

pub(super) fn extension(oid: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let mut body = oid_element(oid);
    if critical {
        body.extend(write(BOOLEAN, &[0xff]));
    }
    body.extend(write(OCTET_STRING, value));
    write(SEQUENCE, &body)
}

fn oid_element(oid: &str) -> Vec<u8> {
    write(OBJECT_IDENTIFIER, &undotted(oid).unwrap_or_default())
}

fn bits(usage: KeyUsage) -> Vec<u8> {
    let unused = usage.0.trailing_zeros().min(16);
    let count = (16 - unused).div_ceil(8) as usize;
    let octets = usage.0.to_be_bytes();
    let mut content = vec![u8::try_from(unused % 8).unwrap_or(0)];
    content.extend(octets.iter().take(count));
    write(BIT_STRING, &content)
}

fn general_name(name: &Identity) -> Option<Vec<u8>> {
    Some(match name {
        Identity::Fqdn(text) if text.is_ascii() => write(implicit(2), text.as_bytes()),
        Identity::Email(text) if text.is_ascii() => write(implicit(1), text.as_bytes()),
        Identity::Address(IpAddr::V4(a)) => write(implicit(7), &a.octets()),
        Identity::Address(IpAddr::V6(a)) => write(implicit(7), &a.octets()),
        Identity::Name(name) => write(context(4), name.to_der()),
        _ => return None,
    })
}

/// UTCTime up to 2049, then GeneralizedTime (RFC 5280 4.1.2.5).
fn time(at: Wall) -> Vec<u8> {
    let digits: String = at
        .to_string()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    let short = ("1950".."2050").contains(&digits.get(..4).unwrap_or_default());
    let (tag, from) = if short {
        (UTC_TIME, 2)
    } else {
        (GENERALIZED_TIME, 0)
    };
    let text = format!("{}Z", digits.get(from..).unwrap_or_default());
    write(tag, text.as_bytes())
}

/// What every product reads.
pub(super) fn method(key: &SigningKey) -> SignatureMethod {
    match key.public().kind() {
        KeyKind::Rsa { pss_only: true, .. } => SignatureMethod::RsaPss(Hash::Sha256),
        KeyKind::Rsa { .. } => SignatureMethod::RsaPkcs1(Hash::Sha256),
        KeyKind::Ec(curve) => SignatureMethod::Ecdsa(curve.hash()),
        KeyKind::Ed25519 => SignatureMethod::Ed25519,
    }
}

fn signed(body: &[u8], key: &SigningKey) -> Result<Vec<u8>, SignError> {
    let method = method(key);
    let signature = key.sign(method, body)?;
    let bits = [&[0][..], &signature].concat();
    let all = [body.to_vec(), method.to_der(), write(BIT_STRING, &bits)];
    Ok(write(SEQUENCE, &all.concat()))
}
