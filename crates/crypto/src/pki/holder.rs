//! Whether a certificate holds an identity (RFC 7296 4, RFC 4945 3): by type, never by what a text looks like.

use adit_model::certificate_reason::{CertificateReason, RefusedCertificate};
use adit_model::identity::Identity;

use super::cert::Cert;
use super::extensions::Name;
use super::signing::SigningKey;

/// ID_FQDN is a dNSName, ID_RFC822_ADDR an rfc822Name, ID_IPV4_ADDR and ID_IPV6_ADDR an iPAddress, ID_DER_ASN1_DN the
/// subject or a directoryName, and ID_KEY_ID the subject key identifier.
pub(super) fn holds(cert: &Cert, claimed: &Identity) -> Result<(), Box<RefusedCertificate>> {
    let names = &cert.extensions().names;
    let held = match claimed {
        Identity::Name(name) => {
            (!name.is_empty() && name == cert.subject())
                || names.contains(&Name::Directory(name.clone()))
        }
        Identity::KeyId(id) => {
            let own = cert.extensions().key_id.as_deref() == Some(id);
            own || cert.key().is_ok_and(|key| key.key_id()[..] == id[..])
        }
        other => names
            .iter()
            .filter_map(Name::identity)
            .any(|name| same(&name, other)),
    };
    if held {
        return Ok(());
    }
    Err(cert.refused(CertificateReason::Identity {
        claimed: claimed.clone(),
        holds: names_of(cert),
    }))
}

/// A star in a certificate is a star: what a CA certifies is one name, not all below it.
fn same(held: &Identity, claimed: &Identity) -> bool {
    held == claimed || (!held.is_pattern() && held.admits(claimed))
}

fn names_of(cert: &Cert) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    if !cert.subject().is_empty() {
        out.push(format!("DN:{}", cert.subject()));
    }
    out.extend(cert.extensions().names.iter().map(Name::to_string));
    out
}

impl Cert {
    /// Whether it holds the identity that somebody claims.
    ///
    /// # Errors
    /// `Identity`, with the names that it holds.
    pub fn holds(&self, claimed: &Identity) -> Result<(), Box<RefusedCertificate>> {
        holds(self, claimed)
    }

    /// The identities that whoever has it can claim: its alternative names, then its subject in its own encoding.
    #[must_use]
    pub fn identities(&self) -> Vec<Identity> {
        let names = &self.extensions().names;
        let mut out: Vec<Identity> = names.iter().filter_map(Name::identity).collect();
        if !self.subject().is_empty() {
            out.push(Identity::Name(self.subject().clone()));
        }
        out
    }

    /// Whether `key` is the private half of its key.
    ///
    /// # Errors
    /// `KeyMismatch`, or why its key can't be used.
    pub fn belongs_to(&self, key: &SigningKey) -> Result<(), Box<RefusedCertificate>> {
        let own = self.key().map_err(|reason| self.refused(reason.clone()))?;
        if own.is_same(key.public()) {
            return Ok(());
        }
        Err(self.refused(CertificateReason::KeyMismatch {
            certificate: own.kind().to_string(),
            key: key.public().kind().to_string(),
        }))
    }
}
