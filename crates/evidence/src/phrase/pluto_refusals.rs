//! What only pluto says of what it can't do or doesn't take, in all versions.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

pub(super) static PHRASES: &[Phrase] = &[
    // The group of the proposal that was chosen isn't the one whose public value came.
    any(
        Sign::PfsDiffers,
        "KE has {got:n} byte DH public value; {want:n} required",
    ),
    // Connections that it doesn't load.
    any(
        Sign::ConnectionRejected,
        "failed to add IKEv1 connection: {problem}",
    ),
    // Another version's options.
    any(
        Sign::ConnectionRejected,
        "ipsec/whack: unrecognized option '{problem}'",
    ),
    any(
        Sign::ConnectionRejected,
        "For usage information: {}pluto --help",
    ),
    any(
        Sign::ConnectionRejected,
        "pluto: unrecognized option '{problem}'",
    ),
    any(
        Sign::ConnectionRejected,
        "pluto{}exits{}unknown option {problem:w}",
    ),
    any(
        Sign::ConnectionRejected,
        "VTI requires tunnel mode but connection specifies type=transport",
    ),
    any(
        Sign::PeerNotNamed,
        "cannot initiate connection with ID wildcards (kind=CK_TEMPLATE",
    ),
    any(
        Sign::PeerNotNamed,
        "cannot initiate connection without knowing peer IP address (kind=CK_TEMPLATE",
    ),
    any(
        Sign::PeerNotNamed,
        "cannot initiate connection without knowing peer IP address (kind=TEMPLATE",
    ),
    any(
        Sign::PeerNotNamed,
        "cannot initiate connection with narrowing=no and (kind=CK_TEMPLATE",
    ),
    any(
        Sign::PeerNotNamed,
        "cannot initiate connection (serial {}) without knowing peer IP address",
    ),
    // Its kernel and its interfaces.
    any(
        Sign::KernelSupportMissing,
        "kernel appears to lack {what:w} support (neither CONFIG_KLIPS",
    ),
    // FreeS/WAN's own module; the line may be wrapped before its name.
    any(Sign::KernelSupportMissing, "kernel appears to lack KLIPS"),
    by(
        &["ipsec_setup", "ipsec"],
        Sign::KernelSupportMissing,
        "Fatal error, kernel appears to lack",
    ),
    any(
        Sign::KernelSupportMissing,
        "Even {what:w} support is not there, aborting",
    ),
    any(
        Sign::KernelSupportMissing,
        "Both KLIPS and NETKEY IPsec code is present in kernel",
    ),
    any(
        Sign::KernelSupportMissing,
        "No {what:w} kernel interface detected",
    ),
    any(
        Sign::KernelSupportMissing,
        "No Kernel {what:w} interface detected",
    ),
    any(
        Sign::InterfaceIdMissing,
        "conflict {name:w} already exist cannot support xfrm-interface",
    ),
    any(
        Sign::InterfaceIdMissing,
        "conflict {name:w} already exist can not support xfrm-interface",
    ),
    any(
        Sign::InterfaceIdMissing,
        "vti interface \"{name}\" already exists with conflicting setting",
    ),
    any(
        Sign::InterfaceIdMissing,
        "vti-interface option ignored because no mark was configured",
    ),
    // What updown scripts print.
    any(
        Sign::UpdownFailed,
        "{command:w} output: need at least a destination address",
    ),
    any(
        Sign::UpdownFailed,
        "{command:w}-host output: Error: {problem}",
    ),
    any(
        Sign::UpdownFailed,
        "{command:w}-host output: {problem}Permission denied",
    ),
    any(
        Sign::UpdownFailed,
        "{command:w} output: Cannot find device {problem}",
    ),
    // Routes.
    any(Sign::RecursiveRouting, "peer is within its client"),
    any(
        Sign::NetworksOverlap,
        "leftsubnet == rightsubnet = {network:w} cannot add route",
    ),
    // Messages that don't fit.
    any(
        Sign::MessageUnexpected,
        "dropping unexpected {exchange:w} message{}; unexpected payloads: {payloads:w}",
    ),
    any(
        Sign::MessageUnexpected,
        "unexpected {exchange:w} message containing{}; unexpected payloads: {payloads:w}",
    ),
    // Another version of the protocol.
    any(
        Sign::IkeVersionRefused,
        "sending notification INVALID_MAJOR_VERSION to {peer:w}",
    ),
    // Users and addresses.
    any(
        Sign::VirtualAddressRefused,
        "ERROR: malformed CP attribute: {}",
    ),
    any(
        Sign::VirtualAddressRefused,
        "ERROR malformed INTERNAL_IP4_ADDRESS attribute",
    ),
    any(
        Sign::VirtualAddressRefused,
        "ERROR malformed INTERNAL_IP6_ADDRESS attribute",
    ),
    any(
        Sign::VirtualAddressRefused,
        "ERROR INTERNAL_IP4_ADDRESS {:w} is invalid",
    ),
    any(
        Sign::VirtualAddressRefused,
        "ERROR INTERNAL_IP6_ADDRESS {:w} is invalid",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAUTH: unable to open password file ({path}) for verification",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAUTH: authentication for {user} failed, but policy is set to soft fail",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "XAUTH: Username or password request was received, but XAUTH client mode not enabled",
    ),
    any(
        Sign::VirtualAddressRefused,
        "peer requested lease of {address:w} but it is unavailable",
    ),
    // Keys and certificates.
    any(
        Sign::AuthMethodUnexpected,
        "authentication failed: peer authentication requires policy {expected}",
    ),
    any(
        Sign::SignatureRefused,
        "peer authentication requires hash algorithm {scheme}",
    ),
    any(
        Sign::SignatureRefused,
        "no acceptable ECDSA/RSA-PSS ASN.1 signature hash proposal included for {scheme}",
    ),
    any(
        Sign::SignatureRefused,
        "digital signature scheme not supported for hash algorithm {scheme}",
    ),
    any(
        Sign::SignatureRefused,
        "DigSig: no compatible DigSig hash algo",
    ),
    any(Sign::PeerCertificateMissing, "X509: no EE-cert in chain"),
    // Traffic.
    any(
        Sign::TrafficRefused,
        "client ID payload {} bad subnet in Quick I1 ({asked})",
    ),
    // A peer's own network that the list of virtual ones doesn't have.
    any(
        Sign::TrafficRefused,
        "peer proposal was reject in a virtual connection policy",
    ),
    any(
        Sign::TrafficRefused,
        "network virtual IP was required, but {}virtual-private=)",
    ),
    any(
        Sign::TrafficRefused,
        "network virtual IP was required, but {}virtual_private=)",
    ),
    any(
        Sign::TrafficRefused,
        "the proposed IP did not match our list (subnet=vhost:list)",
    ),
    any(Sign::TrafficRefused, "only virtual host IPs are allowed"),
    any(
        Sign::TrafficRefused,
        "only virtual host single IPs are allowed",
    ),
    any(
        Sign::TrafficRefused,
        "Quick Mode request rejected, peer requested lease but proposed local selector {remote:w} does not match connection {local:w}",
    ),
    any(
        Sign::EspProposalRefused,
        "AUTH_ALGORITHM attribute missing in AH Transform",
    ),
    any(
        Sign::EspProposalRefused,
        "AH in IKEv1 mode is not supported. Proposal rejected",
    ),
    any(Sign::EspProposalRefused, "ESP_NULL requires auth algorithm"),
    any(Sign::PfsDiffers, "OAKLEY_GROUP_MODP1536 supported for PFS"),
    any(
        Sign::ModeDiffers,
        "{theirs:w} must only be used with old IETF drafts",
    ),
    any(
        Sign::ModeDiffers,
        "{theirs:w} must only be used with NAT-T RFC",
    ),
    any(Sign::IkeProposalsRefused, "No PARENT proposal selected"),
    any(Sign::HalfOpenLimit, "too many half open IKE SAs"),
    any(
        Sign::FirstExchangeLoops,
        "DH group retries exhausted after {rounds:n} attempts",
    ),
    any(
        Sign::CookieRefused,
        "COOKIE notify payload too big - packet dropped",
    ),
    any(
        Sign::CookieRefused,
        "COOKIE notify payload too small - packet dropped",
    ),
    any(
        Sign::CookieRefused,
        "COOKIE must be only notification in packet",
    ),
    any(
        Sign::PpkMissing,
        "N(PPK_IDENTITY) not received and connection insists on PPK",
    ),
    any(
        Sign::PpkMissing,
        "(PPK_ID, PPK) found and connection requires PPK",
    ),
    // Certificates, as Openswan checked them itself.
    any(
        Sign::CertificateRevoked,
        "certificate was revoked on {reason}",
    ),
    any(
        Sign::IssuerUnknown,
        "invalid certificate signature from \"{}\" on \"{subject}\"",
    ),
    any(
        Sign::IssuerUnknown,
        "end certificate with identical subject and issuer not accepted",
    ),
    any(
        Sign::RevocationRequired,
        "no crl from issuer \"{}\" found (strict=yes)",
    ),
    // Without `strictcrlpolicy` the peer is let in all the same.
    any(
        Sign::RevocationUnavailable,
        "crl update for \"{uri}\" is overdue since",
    ),
    any(
        Sign::RevocationUnavailable,
        "crl update is overdue since {problem}",
    ),
    any(
        Sign::RevocationRequired,
        "missing or expired CRL in strict mode",
    ),
    any(Sign::RevocationRequired, "SEC_ERROR_CRL_EXPIRED"),
    any(Sign::RevocationRequired, "SEC_ERROR_CRL_NOT_YET_VALID"),
    any(Sign::RevocationRequired, "SEC_ERROR_OCSP_UNKNOWN_CERT"),
    any(Sign::RevocationRequired, "SEC_ERROR_OCSP_OLD_RESPONSE"),
    any(Sign::PeerKeyUntrusted, "SEC_ERROR_CERT_NOT_IN_NAME_SPACE"),
    any(
        Sign::RevocationRequired,
        "Certificate Revocation List (CRL) is expired or missing",
    ),
    // Users.
    any(
        Sign::UserAuthenticationFailed,
        "XAUTH: PAM auth chain failed with",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "creation of PAM-process for user '{peer}' failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "creation of PAM authentication process for user '{peer}' failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAUTH: {path:w} missing password hash field",
    ),
    any(
        Sign::VirtualAddressRefused,
        "XAUTH IP addresspool {} cannot start at address zero",
    ),
    any(
        Sign::VirtualAddressRefused,
        "XAUTH: connection addresspool {} cannot start at address zero",
    ),
    any(
        Sign::VirtualAddressRefused,
        "XAUTH: connection addresspool {} is invalid,",
    ),
    any(
        Sign::SaForgotten,
        "CREATE_CHILD_SA message request has no corresponding IKE SA",
    ),
    any(
        Sign::PeerDeclaredDead,
        "DPD action - restarting all connections that share this peer",
    ),
    any(Sign::PeerDeclaredDead, "DPD: Restarting Connection"),
    any(
        Sign::PeerDeclaredDead,
        "DPD: Restarting all connections that share this peer",
    ),
    any(Sign::PeerDeclaredDead, "DPD: Putting connection into %trap"),
    any(
        Sign::ConnectionRejected,
        "no IKE proposal policy specified in config!",
    ),
    any(
        Sign::PrivateKeyMissing,
        "private key matching {} certificate '{identity}' not found",
    ),
    any(
        Sign::SignatureRefused,
        "signed using a signature algorithm that is disabled",
    ),
    // Only the error that is sent: what for, the lines before tell.
    any(
        Sign::FirstExchangeRefused,
        "sending notification NO_PROPOSAL_CHOSEN to {peer:w}",
    ),
    any(
        Sign::FirstExchangeRefused,
        "sending unencrypted notification NO_PROPOSAL_CHOSEN to {peer:w}",
    ),
    any(
        Sign::FirstExchangeRefused,
        "sending unencrypted notification v2N_NO_PROPOSAL_CHOSEN to {peer:w}",
    ),
    any(
        Sign::FirstExchangeRefused,
        "with unencrypted notification NO_PROPOSAL_CHOSEN",
    ),
    any(
        Sign::ChildRequestRefused,
        "sending encrypted notification NO_PROPOSAL_CHOSEN to {peer:w}",
    ),
    any(
        Sign::ChildRequestRefused,
        "responding to CREATE_CHILD_SA{}with encrypted notification NO_PROPOSAL_CHOSEN",
    ),
    // In users' words.
    any(Sign::TrafficRefused, "TS_UNACCEPTABLE error"),
    any(Sign::TrafficRefused, "get TS_UNACCEPTABLE"),
    any(Sign::TrafficRefused, "getting TS_UNACCEPTABLE"),
    any(Sign::TrafficRefused, "TS_UNACCEPTABLE from"),
    any(
        Sign::EspProposalRefused,
        "phase 2 fails with NO_PROPOSAL_CHOSEN",
    ),
    any(
        Sign::EspProposalRefused,
        "quick mode fails with NO_PROPOSAL_CHOSEN",
    ),
    any(
        Sign::IkeProposalsRefused,
        "phase 1 fails with NO_PROPOSAL_CHOSEN",
    ),
    any(
        Sign::IkeProposalsRefused,
        "main mode fails with NO_PROPOSAL_CHOSEN",
    ),
    any(
        Sign::VirtualAddressRefused,
        "with encrypted notification INTERNAL_ADDRESS_FAILURE",
    ),
    // Without AUTH an initiator asks for EAP.
    any(
        Sign::AuthMethodUnexpected,
        "missing payload(s) (ISAKMP_NEXT_v2AUTH)",
    ),
    any(
        Sign::TrafficChanged,
        "Received TSi payload does not contain existing IPsec SA traffic Selectors",
    ),
    any(
        Sign::TrafficChanged,
        "Received TSr payload(s) does not contain existing IPsec SA Traffic Selectors",
    ),
    any(
        Sign::CompressionRefused,
        "compression proposed by {}, but kernel has no IPCOMP support",
    ),
    any(
        Sign::ChildFailed,
        "IKE_AUTH response missing {payloads}: not attempting to setup CHILD SA",
    ),
    any(
        Sign::ChildFailed,
        "IKE_AUTH response missing at least {payloads}",
    ),
    // Users' own words.
    any(Sign::ConnectionNotLoaded, "connection is silently ignored"),
    any(
        Sign::ConnectionNotLoaded,
        "connection silently fails to load",
    ),
    any(Sign::AddressPoolExhausted, "exhausted address pool"),
    any(Sign::AddressPoolExhausted, "addresspool is full"),
    any(Sign::AddressPoolExhausted, "addresspool would be full"),
    any(Sign::AddressPoolExhausted, "addresspool goes full"),
    any(Sign::AddressPoolExhausted, "address pool is full"),
    any(Sign::AddressPoolExhausted, "address pool is exhausted"),
];
