//! Certificates and keys in files, as far as anybody may know them: the public parts.
//!
//! `crypto` reads them from octets; the edge says which file they are from and who names it; `diagnose` judges.

use core::fmt;

use crate::fact::Source;
use crate::identity::Identity;
use crate::now::Wall;

/// What a key is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// RSA, with the size of its modulus in bits.
    Rsa(usize),
    /// ECDSA, on this curve.
    Ec(String),
    /// Ed25519 or Ed448.
    Edwards(&'static str),
    /// Another one, by object identifier.
    Other(String),
}

impl KeyAlgorithm {
    /// Its kind as `ipsec.secrets` names it: `RSA`, `ECDSA`, or none.
    #[must_use]
    pub fn kind(&self) -> Option<&'static str> {
        match self {
            KeyAlgorithm::Rsa(_) => Some("RSA"),
            KeyAlgorithm::Ec(_) => Some("ECDSA"),
            KeyAlgorithm::Edwards(_) | KeyAlgorithm::Other(_) => None,
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyAlgorithm::Rsa(bits) => write!(f, "RSA {bits}"),
            KeyAlgorithm::Ec(curve) => write!(f, "ECDSA {curve}"),
            KeyAlgorithm::Edwards(name) => f.write_str(name),
            KeyAlgorithm::Other(oid) => write!(f, "algorithm {oid}"),
        }
    }
}

/// A public key: equal digests are equal keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey {
    /// What it is of.
    pub algorithm: KeyAlgorithm,
    /// SHA-256 of the subjectPublicKey's octets (RFC 5280 4.1).
    pub digest: [u8; 32],
}

/// A certificate (RFC 5280).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// SHA-256 of the whole.
    pub digest: [u8; 32],
    /// Subject, `C=CH, O=Lab, CN=gw` in the order of its encoding.
    pub subject: String,
    /// Issuer, in the same form.
    pub issuer: String,
    /// Its alternative names that an IKE identity can be.
    pub names: Vec<Identity>,
    /// Valid from.
    pub not_before: Wall,
    /// Valid up to.
    pub not_after: Wall,
    /// It may issue others (basicConstraints).
    pub authority: bool,
    /// Its key.
    pub key: PublicKey,
    /// Digests of the certificates at hand whose key verifies its signature.
    pub signed_by: Vec<[u8; 32]>,
}

/// One thing in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A certificate.
    Certificate(Box<Certificate>),
    /// A private key.
    PrivateKey {
        /// A passphrase opens it, so nothing more is known.
        encrypted: bool,
        /// Its public half.
        public: Option<PublicKey>,
        /// What it is of, where only that is known.
        kind: Option<&'static str>,
    },
    /// A public key by itself.
    PublicKey,
    /// A request for a certificate.
    Request,
    /// A list of revoked certificates.
    RevocationList,
    /// Something else, by the name that it has in the file.
    Other(String),
    /// Something that says what it is and is cut or changed.
    Broken(String),
    /// Something of a kind that isn't read, by the name that it has in the file.
    Unread(String),
    /// More things, or more about them, than were looked at.
    More,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Certificate(c) if c.authority => f.write_str("a CA's certificate"),
            Item::Certificate(_) => f.write_str("a certificate"),
            Item::PrivateKey {
                encrypted: true, ..
            } => f.write_str("a private key under a passphrase"),
            Item::PrivateKey { .. } => f.write_str("a private key"),
            Item::PublicKey => f.write_str("a public key"),
            Item::Request => f.write_str("a request for a certificate"),
            Item::RevocationList => f.write_str("a list of revoked certificates"),
            Item::Other(label) | Item::Broken(label) if label.is_empty() => {
                f.write_str("something in PEM form without a name")
            }
            Item::Other(label) => write!(f, "{label}"),
            Item::Broken(label) => write!(f, "a damaged {label}"),
            Item::Unread(label) => write!(f, "a {label} of a kind that isn't read here"),
            Item::More => f.write_str("more than was looked at"),
        }
    }
}

/// What a configuration takes a file for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileRole {
    /// Our certificate.
    Certificate,
    /// The peer's certificate.
    PeerCertificate,
    /// The peer's public key without a certificate, in a file or written out.
    PeerKey,
    /// A CA that is trusted.
    Authority,
    /// It lies in a folder all of whose CAs are trusted, and of which all was looked at.
    Store,
    /// Our private key.
    PrivateKey {
        /// `RSA` or `ECDSA`, where the configuration says so.
        kind: Option<String>,
        /// A passphrase is given with it.
        passphrase: bool,
    },
    /// Our private key, where it can't be looked at: on a card, or in a PKCS #12 container.
    KeyStore,
    /// Pre-shared keys, one on each line.
    SharedKeys,
    /// Nothing says what it is for: it lies beside, or was given beside.
    Beside,
}

/// A file that a configuration names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFile {
    /// What for.
    pub role: FileRole,
    /// As written.
    pub path: String,
    /// By which connection; `None` for all.
    pub connection: Option<String>,
    /// Where.
    pub source: Source,
}

/// What became of a named file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// It isn't there, and the folder where it would be is.
    Missing,
    /// It is there and can't be read.
    Unreadable(String),
    /// This is in it.
    Holds(Vec<Item>),
}

/// A file of certificates or keys, looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Who names it.
    pub named: NamedFile,
    /// Where it was looked for.
    pub path: String,
    /// What was found.
    pub look: Look,
}

/// Types of attributes of distinguished names (RFC 4519): object identifier, the name that is shown, and other names
/// in capitals. Only those that mean the same to every product: SN and S don't.
const ATTRIBUTES: &[(&str, &str, &[&str])] = &[
    ("2.5.4.3", "CN", &["COMMONNAME"]),
    ("2.5.4.5", "serialNumber", &[]),
    ("2.5.4.6", "C", &["COUNTRYNAME"]),
    ("2.5.4.7", "L", &["LOCALITYNAME"]),
    ("2.5.4.8", "ST", &["STATEORPROVINCENAME"]),
    ("2.5.4.10", "O", &["ORGANIZATIONNAME"]),
    ("2.5.4.11", "OU", &["ORGANIZATIONALUNITNAME"]),
    ("2.5.4.12", "T", &["TITLE"]),
    ("2.5.4.42", "G", &["GN", "GIVENNAME"]),
    ("0.9.2342.19200300.100.1.25", "DC", &["DOMAINCOMPONENT"]),
    ("0.9.2342.19200300.100.1.1", "UID", &["USERID"]),
    ("1.2.840.113549.1.9.1", "E", &["EMAIL", "EMAILADDRESS"]),
];

/// The one name of a type of attribute, from its object identifier or any of its names. `None` when it isn't known,
/// or isn't the same everywhere.
#[must_use]
pub fn attribute(kind: &str) -> Option<&'static str> {
    let kind = kind.trim();
    ATTRIBUTES
        .iter()
        .find(|(oid, name, others)| {
            let upper = kind.to_ascii_uppercase();
            *oid == kind || name.eq_ignore_ascii_case(kind) || others.contains(&upper.as_str())
        })
        .map(|(_, name, _)| *name)
}

/// The object identifier behind one of the names that [`attribute`] gives.
#[must_use]
pub fn attribute_oid(name: &str) -> Option<&'static str> {
    ATTRIBUTES
        .iter()
        .find(|(_, known, _)| *known == name)
        .map(|(oid, ..)| *oid)
}

#[cfg(test)]
mod tests {
    use super::Item;

    #[test]
    fn whatever_lies_in_a_file_has_a_name() {
        for item in [Item::Other(String::new()), Item::Broken(String::new())] {
            assert!(!item.to_string().is_empty(), "{item:?}");
            assert!(!item.to_string().ends_with(' '), "{item:?}");
        }
    }
}
