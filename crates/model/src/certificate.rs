//! Certificates that a gateway is configured with, as people are told of them.

use serde::{Deserialize, Serialize};

/// What a certificate is to this gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateUse {
    /// It says who we are.
    Own,
    /// It leads from ours up to its CA, and is sent along.
    Intermediate,
    /// It is a CA that peers' certificates have to lead to.
    Authority,
}

/// `our certificate`, `an intermediate CA of ours`, `the CA`.
impl core::fmt::Display for CertificateUse {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            CertificateUse::Own => "our certificate",
            CertificateUse::Intermediate => "an intermediate CA of ours",
            CertificateUse::Authority => "the CA",
        })
    }
}

/// What is wrong with the time of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExpiryProblem {
    /// It ends soon.
    Expires,
    /// Its end has passed.
    Expired,
    /// It isn't valid yet.
    NotYetValid,
}

/// What there is to show of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateDetail {
    /// Subject.
    pub subject: String,
    /// Issuer.
    pub issuer: String,
    /// Serial number in hex.
    pub serial: String,
    /// Its alternative names, each with its type (`DNS:gw.example.org`).
    pub names: Vec<String>,
    /// Valid from (RFC 3339).
    pub not_before: String,
    /// Valid up to (RFC 3339).
    pub not_after: String,
    /// Days that are left, the begun one included; 0 or less when it has expired.
    pub days_left: i64,
    /// `expired`, `not-yet-valid`, `1`, `7`, `14`, `30`, or `ok`.
    pub expiry: String,
    /// Whether it may issue others.
    pub authority: bool,
    /// Kind of its key.
    pub key: String,
    /// SHA-256 of the whole, in hex.
    pub sha256: String,
}
