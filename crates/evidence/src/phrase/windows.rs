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
    // The other's.
    any(
        Sign::IssuerUnknown,
        "a certificate that validates the server certificate was not found in the Trusted Root",
    ),
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
    any(Sign::NegotiationTimedOut, "ERROR_IPSEC_IKE_TIMED_OUT"),
    any(Sign::HalfOpenLimit, "ERROR_IPSEC_IKE_MM_LIMIT"),
    any(
        Sign::HalfOpenLimit,
        "Max number of established MM SAs to peer exceeded",
    ),
    any(
        Sign::VirtualAddressRefused,
        "ERROR_IPSEC_IKE_INNER_IP_ASSIGNMENT_FAILURE",
    ),
    any(
        Sign::VirtualAddressMissing,
        "ERROR_IPSEC_IKE_REQUIRE_CP_PAYLOAD_MISSING",
    ),
    any(Sign::KeyUsageRefused, "ERROR_IPSEC_IKE_INVALID_CERT_KEYLEN"),
    any(
        Sign::KeyUsageRefused,
        "Key length in certificate is too small for configured security",
    ),
    any(
        Sign::KeyUsageRefused,
        "Failure Reason: Invalid certificate key usage",
    ),
    any(Sign::RevocationRequired, "ERROR_IPSEC_IKE_PEER_CRL_FAILED"),
    any(
        Sign::RevocationRequired,
        "Failure Reason: Certificate Revocation Check failed",
    ),
    any(
        Sign::RevocationRequired,
        "Revocation Check of peer's certificate failed",
    ),
    any(
        Sign::PeerCertificateMissing,
        "Peer failed to send valid machine certificate",
    ),
    any(
        Sign::NegotiationFailed,
        "IPsec main mode negotiation failed",
    ),
    // Its answers, as charon prints the notify that carries a code.
    any(Sign::AuthenticationRefusedByPeer, "N(MS_STATUS(13801))"),
    any(Sign::ProposalsRefusedByPeer, "N(MS_STATUS(13868))"),
    // Users.
    any(
        Sign::UserAuthenticationFailed,
        "prevented because of a policy configured on your RAS/VPN server",
    ),
    any(
        Sign::PluginMissing,
        "Extensible Authentication Protocol type required for authentication of the remote access connection is not installed",
    ),
    // Names, silence, ends.
    any(
        Sign::NegotiationFailed,
        "security layer encountered a processing error during initial negotiations",
    ),
    any(
        Sign::NegotiationFailed,
        "security policy for the connection was not found",
    ),
    any(Sign::NegotiationTimedOut, "security negotiation timed out"),
    any(
        Sign::NegotiationTimedOut,
        "network connection between your computer and the VPN server could not be established because the remote server is not responding",
    ),
    any(
        Sign::NegotiationTimedOut,
        "Failure Reason: Negotiation timed out",
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
    any(
        Sign::VirtualAddressRefused,
        "Automatic Private IP Address {} will be assigned to dial-in clients",
    ),
    any(
        Sign::PrivateKeyMissing,
        "No private key associated with machine certificate",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "because certificate validation on the remote computer failed",
    ),
    any(
        Sign::NegotiationFailed,
        "because an error occurred while negotiating security",
    ),
    any(
        Sign::NegotiationFailed,
        "connection was not made because the attempted VPN tunnels failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "because the user name and password combination you provided is not recognized",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "account does not have permission to dial in",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "account does not have Remote Access permission",
    ),
    any(
        Sign::PrivateKeyMissing,
        "certificate could not be found that can be used with this Extensible",
    ),
    any(
        Sign::IssuerUnknown,
        "certificate chain was issued by an authority that is not trusted",
    ),
    any(
        Sign::IssuerUnknown,
        "chain to a trusted root in IPsec policy",
    ),
    any(
        Sign::IkeVersionRefused,
        "cannot handle version of IKE specified in the header",
    ),
    any(
        Sign::PeerDeclaredDead,
        "assumed to be invalid because peer stopped responding",
    ),
    any(
        Sign::NegotiationTimedOut,
        "Failure Reason: No response from peer",
    ),
    any(
        Sign::SignatureRefused,
        "Failure Reason: Failed to verify signature",
    ),
    any(
        Sign::NoConnectionForPeer,
        "no available Main Mode IKE policy",
    ),
    // Its server for users (NPS), and what a server has for them.
    any(
        Sign::UserAuthenticationFailed,
        "Authentication failed due to a user credentials mismatch",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Network Access Permission setting in the dial-in properties",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "connection request did not match any configured network policy",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Protocol (EAP) Type cannot be processed by the server",
    ),
    any(
        Sign::AddressPoolExhausted,
        "No IP address is available to hand out to the dial-in client",
    ),
    // What it says in other languages.
    any(Sign::PrivateKeyMissing, "无法找到有效的计算机证书"),
    any(Sign::PrivateKeyMissing, "找不到有效的電腦憑證"),
    any(Sign::PrivateKeyMissing, "kein gültiges Computerzertifikat"),
    any(
        Sign::PrivateKeyMissing,
        "не удалось найти действительный сертификат",
    ),
    any(
        Sign::PrivateKeyMissing,
        "no encontró un certificado de equipo válido",
    ),
    any(Sign::IkeProposalsRefused, "策略匹配错误"),
    any(Sign::IkeProposalsRefused, "原則比對錯誤"),
    any(
        Sign::IkeProposalsRefused,
        "Richtlinienübereinstimmungsfehler",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Ошибка сопоставления групповой политики",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Error de coincidencia de directiva",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Erreur de correspondance de stratégie",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Erro de correspondência de política",
    ),
    any(
        Sign::IkeProposalsRefused,
        "Errore di corrispondenza dei criteri",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "IKE 身份验证凭证不可接受",
    ),
    any(Sign::AuthenticationRefusedByPeer, "IKE身份验证凭证不可接受"),
    any(
        Sign::AuthenticationRefusedByPeer,
        "Недопустимые учетные данные проверки подлинности IKE",
    ),
    any(
        Sign::AuthenticationRefusedByPeer,
        "credenciales de autenticación IKE no son aceptables",
    ),
];

/// Whether a line begins an event about a quick mode (4654), or one about a main mode (4653).
pub(super) fn is_of_quick_mode(body: &str) -> Option<bool> {
    let body = body.to_ascii_lowercase();
    let (head, _) = body.split_once(" mode negotiation failed")?;
    Some(head.ends_with("quick"))
}

/// What a reason means in an event about a quick mode.
pub(super) fn in_quick_mode(sign: Sign, body: &str) -> Sign {
    match sign {
        Sign::IkeProposalsRefused if body.contains("Failure Reason:") => Sign::EspProposalRefused,
        other => other,
    }
}

/// Whether the number that ends a sentence is a whole one, and `error` a word: `XfrmInError 809` counts.
pub(super) fn stands_alone(shape: &str, body: &str) -> bool {
    if !shape.ends_with(|c: char| c.is_ascii_digit()) || shape.contains('{') {
        return true;
    }
    let (shape, body) = (shape.to_ascii_lowercase(), body.to_ascii_lowercase());
    let is_word = shape.starts_with("error");
    body.match_indices(&shape).any(|(at, words)| {
        let before = body.get(..at).and_then(|b| b.chars().next_back());
        let after = body.get(at + words.len()..).and_then(|b| b.chars().next());
        !(after.is_some_and(|c| c.is_ascii_digit())
            || is_word && before.is_some_and(char::is_alphanumeric))
    })
}

/// A code of the dialler or of IKEEXT as people and events tell it: the word for an error, and the number.
macro_rules! codes {
    ($($sign:ident $number:literal),+ $(,)?) => {
        &[$(
            any(Sign::$sign, concat!("returned on failure is ", $number)),
            any(Sign::$sign, concat!("error ", $number)),
            any(Sign::$sign, concat!("error: ", $number)),
            any(Sign::$sign, concat!("error code ", $number)),
            any(Sign::$sign, concat!("error code: ", $number)),
            any(Sign::$sign, concat!("error code is ", $number)),
            any(Sign::$sign, concat!("Fehler ", $number)),
            any(Sign::$sign, concat!("Fehlercode ", $number)),
            any(Sign::$sign, concat!("erreur ", $number)),
            any(Sign::$sign, concat!("ошибка ", $number)),
            any(Sign::$sign, concat!("ошибки ", $number)),
            any(Sign::$sign, concat!("错误 ", $number)),
            any(Sign::$sign, concat!("错误", $number)),
            any(Sign::$sign, concat!("错误代码 ", $number)),
            any(Sign::$sign, concat!("错误代码为 ", $number)),
        )+]
    };
}

pub(super) static CODES: &[Phrase] = codes![
    UserAuthenticationFailed "646",
    UserAuthenticationFailed "647",
    UserAuthenticationFailed "648",
    UserAuthenticationFailed "649",
    UserAuthenticationFailed "691",
    PrivateKeyMissing "766",
    PrivateKeyMissing "781",
    PrivateKeyMissing "786",
    AuthenticationRefusedByPeer "787",
    ProposalsRefusedByPeer "788",
    NegotiationFailed "789",
    AuthenticationRefusedByPeer "790",
    NegotiationFailed "791",
    NegotiationTimedOut "792",
    NegotiationFailed "793",
    PrivateKeyMissing "798",
    NegotiationFailed "800",
    NegotiationTimedOut "809",
    UserAuthenticationFailed "812",
    IdleClosed "828",
    CertificateNameMismatch "835",
    PluginMissing "850",
    IssuerUnknown "864",
    PeerNameUnresolved "868",
    AuthenticationRefusedByPeer "13801",
    NegotiationTimedOut "13805",
    PrivateKeyMissing "13806",
    NegotiationTimedOut "13813",
    RevocationRequired "13817",
    KeyUsageRefused "13818",
    PrivateKeyMissing "13820",
    RekeyCollision "13821",
    NoConnectionForPeer "13825",
    SignatureRefused "13826",
    PeerCertificateMissing "13847",
    RevocationRequired "13848",
    NoConnectionForPeer "13850",
    IkeProposalsRefused "13868",
    IkeVersionRefused "13880",
    KeyUsageRefused "13881",
    HalfOpenLimit "13882",
    PeerDeclaredDead "13886",
    IssuerUnknown "13887",
    VirtualAddressRefused "13899",
    VirtualAddressMissing "13900",
];
