//! The rows of what can be wrong with a certificate, as the side says that judged it.

use adit_diagnose::AtFault::{Both, Local, Remote};
use adit_model::Wall;
use adit_model::certificate_reason::{CertificateReason, RefusedCertificate};
use adit_model::event::Role;
use adit_model::reason::Refusal;

use crate::Said::Is;
use crate::{Row, Said};

const NOW: Wall = Wall(1_700_000_000_000);

macro_rules! reasons {
    ($($name:ident { $($field:ident: $value:expr),* $(,)? } => $said:expr;)*) => {
        pub fn rows() -> Vec<Row> {
            vec![$(row(CertificateReason::$name { $($field: $value),* }, $said)),*]
        }

        #[allow(unreachable_patterns, dead_code)]
        fn every_reason(reason: &CertificateReason) {
            match reason {
                $(CertificateReason::$name { .. } => {})*
            }
        }
    };
}

fn row(reason: CertificateReason, said: Said) -> Row {
    let refused = RefusedCertificate {
        subject: "C=CH, O=Lab, CN=west.lab".into(),
        serial: "2a".into(),
        reason,
    };
    Row {
        refusal: Refusal::certificate("west.lab".parse().unwrap(), refused),
        about: "IKE_AUTH",
        by: Role::Responder,
        told: "AUTHENTICATION_FAILED",
        said,
        heard: "psk-mismatch",
    }
}

fn one(text: &str) -> Vec<String> {
    vec![text.to_owned()]
}

reasons! {
    Missing {} => Is("ca-not-trusted", Local);
    Encoding { encoding: 12 } => Is("signature-or-keyusage-rejected", Both);
    Unreadable { problem: "no DER".into() } => Is("signature-or-keyusage-rejected", Both);
    Expired { not_after: Wall(1), now: NOW } => Is("cert-expired", Remote);
    NotYetValid { not_before: Wall(1_800_000_000_000), now: NOW } => Is("cert-not-yet-valid", Remote);
    UntrustedIssuer { issuer: "CN=Other".into() } => Is("ca-not-trusted", Local);
    UntrustedRoot {} => Is("ca-not-trusted", Local);
    BadSignature { issuer: "CN=Lab CA".into() } => Is("ca-not-trusted", Local);
    Revoked { serial: "2a".into(), at: Wall(1), cause: "keyCompromise".into(), by: "CRL".into() }
        => Is("cert-revoked", Remote);
    StatusUnknown { why: one("no list") } => Is("crl-unreachable", Local);
    KeyUsage { needs: one("digitalSignature"), has: one("keyAgreement") }
        => Is("signature-or-keyusage-rejected", Both);
    ExtendedKeyUsage { needs: one("ipsecIKE"), has: one("emailProtection") }
        => Is("signature-or-keyusage-rejected", Both);
    NotAnAuthority {} => Is("signature-or-keyusage-rejected", Both);
    PathLength { limit: 0, follow: 1 } => Is("signature-or-keyusage-rejected", Both);
    NameConstraint { name: "west.lab".into(), authority: "CN=Lab CA".into(), excluded: true }
        => Is("signature-or-keyusage-rejected", Both);
    Policy { needs: one("1.2.3"), has: one("1.2.4") } => Is("signature-or-keyusage-rejected", Both);
    CriticalExtension { oid: "1.2.3".into() } => Is("signature-or-keyusage-rejected", Both);
    WeakKey { key: "RSA 1024".into(), needs: "RSA 2048".into() }
        => Is("signature-or-keyusage-rejected", Both);
    WeakSignature { method: "sha1WithRSAEncryption".into() }
        => Is("signature-or-keyusage-rejected", Both);
    UnknownAlgorithm { oid: "1.2.3".into() } => Is("signature-or-keyusage-rejected", Both);
    KeyMismatch { certificate: "RSA aa".into(), key: "RSA bb".into() }
        => Is("signature-or-keyusage-rejected", Both);
    Identity { claimed: "west.lab".parse().unwrap(), holds: one("gw.lab") }
        => Is("cert-san-mismatch", Remote);
    TooMany { limit: 16 } => Is("signature-or-keyusage-rejected", Both);
}
