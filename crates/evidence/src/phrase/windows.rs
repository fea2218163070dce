//! Sentences of Windows: the dialler, IKEEXT, and the names of its error codes.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // The machine's own certificate.
    any(
        Sign::PrivateKeyMissing,
        "there is no valid machine certificate on your computer",
    ),
    any(
        Sign::PrivateKeyMissing,
        "The encryption attempt failed because no valid certificate was found",
    ),
    any(
        Sign::PrivateKeyMissing,
        "require the installation of a machine certificate",
    ),
    any(
        Sign::PrivateKeyMissing,
        "machine certificate used does not have a private key",
    ),
    any(Sign::PrivateKeyMissing, "ERROR_IPSEC_IKE_NO_CERT"),
    any(Sign::PrivateKeyMissing, "ERROR_IPSEC_IKE_NO_PRIVATE_KEY"),
    any(
        Sign::PrivateKeyMissing,
        "error code returned on failure is 13820",
    ),
    any(
        Sign::PrivateKeyMissing,
        "error code returned on failure is 766",
    ),
    any(
        Sign::PrivateKeyMissing,
        "error code returned on failure is 786",
    ),
    any(
        Sign::PrivateKeyMissing,
        "error code returned on failure is 781",
    ),
    // The other's.
    any(
        Sign::IssuerUnknown,
        "a certificate that validates the server certificate was not found in the Trusted Root",
    ),
    any(Sign::IssuerUnknown, "error code returned on failure is 864"),
    any(
        Sign::IssuerUnknown,
        "terminated in a root certificate which is not trusted",
    ),
    any(Sign::IssuerUnknown, "CERT_E_UNTRUSTEDROOT"),
    any(
        Sign::IssuerUnknown,
        "error code returned on failure is -2146762487",
    ),
    any(
        Sign::CertificateNameMismatch,
        "could not be validated as belonging to the target destination",
    ),
    any(
        Sign::CertificateNameMismatch,
        "error code returned on failure is 835",
    ),
    any(Sign::CertificateNameMismatch, "CERT_E_CN_NO_MATCH"),
    any(
        Sign::CertificateNameMismatch,
        "certificate's CN name does not match the passed value",
    ),
    any(
        Sign::CertificateExpired,
        "error code returned on failure is -2146762495",
    ),
    any(Sign::CertificateExpired, "CERT_E_EXPIRED"),
    any(
        Sign::RevocationRequired,
        "error code returned on failure is 13817",
    ),
    any(Sign::RevocationRequired, "ERROR_IPSEC_IKE_CRL_FAILED"),
    any(
        Sign::RevocationRequired,
        "unable to check revocation because the revocation server was offline",
    ),
    any(Sign::RevocationRequired, "CRYPT_E_REVOCATION_OFFLINE"),
    any(
        Sign::RevocationRequired,
        "error code returned on failure is -2146885613",
    ),
    any(
        Sign::KeyUsageRefused,
        "error code returned on failure is 13818",
    ),
    any(Sign::KeyUsageRefused, "ERROR_IPSEC_IKE_INVALID_KEY_USAGE"),
    // Proposals and policies.
    any(Sign::IkeProposalsRefused, "ERROR_IPSEC_IKE_POLICY_MATCH"),
    any(Sign::IkeProposalsRefused, "Policy match error"),
    any(
        Sign::NoConnectionForPeer,
        "Failure Reason: No policy configured",
    ),
    any(Sign::NoConnectionForPeer, "ERROR_IPSEC_IKE_NO_POLICY"),
    any(Sign::RekeyCollision, "ERROR_IPSEC_IKE_SIMULTANEOUS_REKEY"),
    // Users.
    any(
        Sign::UserAuthenticationFailed,
        "prevented because of a policy configured on your RAS/VPN server",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "error code returned on failure is 691",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "error code returned on failure is 812",
    ),
    any(
        Sign::PluginMissing,
        "Extensible Authentication Protocol type required for authentication of the remote access connection is not installed",
    ),
    // Names, silence, ends.
    any(
        Sign::PeerNameUnresolved,
        "error code returned on failure is 868",
    ),
    any(
        Sign::NegotiationTimedOut,
        "error code returned on failure is 809",
    ),
    any(
        Sign::NegotiationTimedOut,
        "error code returned on failure is 13805",
    ),
    any(Sign::NegotiationTimedOut, "security negotiation timed out"),
    any(
        Sign::NegotiationTimedOut,
        "Failure Reason: Negotiation timed out",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "error code returned on failure is 13801",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "ERROR_IPSEC_IKE_AUTH_FAIL",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "security layer could not authenticate the remote computer",
    ),
    any(
        Sign::ProposalsRefusedByPeer,
        "security layer could not negotiate compatible parameters",
    ),
    any(
        Sign::IdleClosed,
        "connection was terminated because of idle timeout",
    ),
    any(Sign::IdleClosed, "error code returned on failure is 828"),
];
