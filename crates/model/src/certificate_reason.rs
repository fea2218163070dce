//! Why a certificate isn't accepted, with the values that decide it.
//!
//! A log of another product often tells no more than a [`CertificateProblem`]; who judges the certificate itself, as our
//! gateway does, knows which certificate of the chain it was, and by how much it missed.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::identity::Identity;
use crate::now::Wall;
use crate::reason::CertificateProblem;
use crate::reason_text::list;

/// A certificate that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedCertificate {
    /// Its subject, `C=CH, O=Lab, CN=gw`; empty when it couldn't be read.
    pub subject: String,
    /// Its serial number in hex; empty when it couldn't be read.
    pub serial: String,
    /// Why.
    pub reason: CertificateReason,
}

/// What is wrong with one certificate of a chain, or with the chain at this certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum CertificateReason {
    /// The peer was to send a certificate and sent none that can be used.
    Missing,
    /// A CERT payload of an encoding that isn't carried out (RFC 7296 3.6), hash and URL among them.
    Encoding {
        /// The encoding octet.
        encoding: u8,
    },
    /// It can't be read.
    Unreadable {
        /// What is wrong with it.
        problem: String,
    },
    /// It is past its end (RFC 5280 4.1.2.5).
    Expired {
        /// Its end.
        not_after: Wall,
        /// The verifier's clock.
        now: Wall,
    },
    /// Its time hasn't begun.
    NotYetValid {
        /// Its begin.
        not_before: Wall,
        /// The verifier's clock.
        now: Wall,
    },
    /// Neither a trusted CA nor a certificate that came along has its issuer's name.
    UntrustedIssuer {
        /// The issuer's name.
        issuer: String,
    },
    /// The chain ends with a certificate that signed itself and that isn't trusted.
    UntrustedRoot,
    /// None of those that have its issuer's name has the key that signed it.
    BadSignature {
        /// The issuer's name.
        issuer: String,
    },
    /// It was revoked.
    Revoked {
        /// Its serial number in hex.
        serial: String,
        /// Since when.
        at: Wall,
        /// For what reason, in the words of RFC 5280 5.3.1.
        cause: String,
        /// Who says so: `CRL` or `OCSP`.
        by: String,
    },
    /// Whether it is revoked must be known and isn't.
    StatusUnknown {
        /// What was in the way, one for each source that was asked.
        why: Vec<String>,
    },
    /// Its key usage doesn't allow what it is used for (RFC 5280 4.2.1.3).
    KeyUsage {
        /// Any of these would do.
        needs: Vec<String>,
        /// What it has.
        has: Vec<String>,
    },
    /// Its extended key usage isn't for IKE (RFC 4945 5.1.3.12).
    ExtendedKeyUsage {
        /// Any of these would do.
        needs: Vec<String>,
        /// What it has.
        has: Vec<String>,
    },
    /// It issued another certificate and is no CA's (RFC 5280 4.2.1.9).
    NotAnAuthority,
    /// More intermediate CAs follow it than it allows (RFC 5280 4.2.1.9).
    PathLength {
        /// How many it allows.
        limit: u32,
        /// How many follow.
        follow: u32,
    },
    /// A name that a CA above it doesn't allow (RFC 5280 4.2.1.10).
    NameConstraint {
        /// The name.
        name: String,
        /// The CA that constrains it.
        authority: String,
        /// Forbidden by name, or outside of what is permitted.
        excluded: bool,
    },
    /// It isn't issued under a policy that is required (RFC 5280 4.2.1.4).
    Policy {
        /// The policies that are required, as object identifiers.
        needs: Vec<String>,
        /// Those under which the chain is valid.
        has: Vec<String>,
    },
    /// An extension that must be understood and isn't (RFC 5280 4.2).
    CriticalExtension {
        /// Its object identifier.
        oid: String,
    },
    /// Its key is too weak, or no proper key at all.
    WeakKey {
        /// What the key is.
        key: String,
        /// What is asked for at least.
        needs: String,
    },
    /// It is signed with a method that is too weak.
    WeakSignature {
        /// The method.
        method: String,
    },
    /// It has a key or is signed with a method that isn't known here.
    UnknownAlgorithm {
        /// The object identifier.
        oid: String,
    },
    /// The key that is held beside it, or that signed, isn't its key.
    KeyMismatch {
        /// The certificate's key.
        certificate: String,
        /// The other key.
        key: String,
    },
    /// It doesn't hold the identity that the peer claims (RFC 4945 5.1.1).
    Identity {
        /// The identity.
        claimed: Identity,
        /// The names that it holds.
        holds: Vec<String>,
    },
    /// More certificates, or more ways between them, than are looked at.
    TooMany {
        /// The limit.
        limit: u32,
    },
}

impl CertificateReason {
    /// The kind of it that other products' logs tell as well.
    #[must_use]
    pub fn problem(&self) -> CertificateProblem {
        use CertificateProblem as P;
        match self {
            Self::UntrustedIssuer { .. } | Self::UntrustedRoot | Self::BadSignature { .. } => {
                P::Untrusted
            }
            Self::Expired { .. } => P::Expired,
            Self::NotYetValid { .. } => P::NotYetValid,
            Self::Revoked { .. } => P::Revoked,
            Self::StatusUnknown { .. } => P::StatusUnknown,
            Self::Identity { .. } => P::Name,
            Self::KeyUsage { .. }
            | Self::ExtendedKeyUsage { .. }
            | Self::NotAnAuthority
            | Self::PathLength { .. }
            | Self::NameConstraint { .. }
            | Self::Policy { .. }
            | Self::CriticalExtension { .. }
            | Self::WeakKey { .. }
            | Self::WeakSignature { .. }
            | Self::UnknownAlgorithm { .. } => P::Usage,
            Self::Missing
            | Self::Encoding { .. }
            | Self::Unreadable { .. }
            | Self::KeyMismatch { .. }
            | Self::TooMany { .. } => P::Unknown,
        }
    }
}

impl fmt::Display for RefusedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.subject.as_str(), self.serial.as_str()) {
            ("", _) => write!(f, "{}", self.reason),
            (subject, "") => write!(f, "`{subject}`: {}", self.reason),
            (subject, serial) => write!(f, "`{subject}` (serial {serial}): {}", self.reason),
        }
    }
}

impl fmt::Display for CertificateReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("no certificate came that can be used"),
            Self::Encoding { encoding } => {
                write!(f, "its encoding ({encoding}) isn't one that is read here")
            }
            Self::Unreadable { problem } => write!(f, "it can't be read: {problem}"),
            Self::Expired { not_after, now } => {
                write!(f, "it expired at {not_after}; our clock says {now}")
            }
            Self::NotYetValid { not_before, now } => {
                write!(f, "it is valid from {not_before} on; our clock says {now}")
            }
            Self::UntrustedIssuer { issuer } => write!(
                f,
                "its issuer `{issuer}` is no trusted CA, and no certificate of it came along"
            ),
            Self::UntrustedRoot => f.write_str("it signed itself and isn't trusted"),
            Self::BadSignature { issuer } => {
                write!(f, "its signature isn't of the `{issuer}` that is at hand")
            }
            Self::Revoked {
                serial,
                at,
                cause,
                by,
            } => write!(
                f,
                "serial number {serial} was revoked at {at} ({cause}), says {by}"
            ),
            Self::StatusUnknown { why } => {
                write!(f, "whether it is revoked isn't known: {}", list(why))
            }
            Self::KeyUsage { needs, has } => write!(
                f,
                "its key usage is {}; it needs one of {}",
                list(has),
                list(needs)
            ),
            Self::ExtendedKeyUsage { needs, has } => write!(
                f,
                "its extended key usage is {}; it needs none, or one of {}",
                list(has),
                list(needs)
            ),
            Self::NotAnAuthority => {
                f.write_str("it issued the next certificate of the chain and is no CA's")
            }
            Self::PathLength { limit, follow } => write!(
                f,
                "it allows {limit} intermediate CAs below it and {follow} follow"
            ),
            Self::NameConstraint {
                name,
                authority,
                excluded: true,
            } => write!(f, "the CA `{authority}` forbids the name {name}"),
            Self::NameConstraint {
                name, authority, ..
            } => write!(
                f,
                "the name {name} is outside of what the CA `{authority}` may certify"
            ),
            Self::Policy { needs, has } => write!(
                f,
                "it is valid under the policies {}; {} is required",
                list(has),
                list(needs)
            ),
            Self::CriticalExtension { oid } => write!(
                f,
                "its extension {oid} must be understood and isn't known here"
            ),
            Self::WeakKey { key, needs } => write!(f, "its key is {key}; {needs} is required"),
            Self::WeakSignature { method } => {
                write!(f, "it is signed with {method}, which isn't safe")
            }
            Self::UnknownAlgorithm { oid } => {
                write!(f, "the algorithm {oid} isn't known here")
            }
            Self::KeyMismatch { certificate, key } => {
                write!(f, "its key ({certificate}) isn't the one in use ({key})")
            }
            Self::Identity { claimed, holds } => {
                write!(f, "it doesn't hold {claimed}; it holds {}", list(holds))
            }
            Self::TooMany { limit } => {
                write!(f, "no more than {limit} certificates are looked at")
            }
        }
    }
}
