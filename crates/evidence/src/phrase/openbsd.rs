//! Sentences of OpenBSD's `iked` and `isakmpd`, wherever they run.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

pub(super) static PHRASES: &[Phrase] = &[
    // iked: why an SA was given up stands behind `sa_free:`.
    by(
        &["iked"],
        Sign::ProposalsRefusedByPeer,
        "sa_free: no proposal chosen",
    ),
    by(
        &["iked"],
        Sign::AuthenticationRefusedByPeer,
        "sa_free: authentication failed notification from peer",
    ),
    by(
        &["iked"],
        Sign::NegotiationTimedOut,
        "sa_free: retransmit limit reached",
    ),
    by(
        &["iked"],
        Sign::NegotiationTimedOut,
        "sa_free: SA_INIT timeout",
    ),
    by(&["iked"], Sign::PeerDeleted, "sa_free: received delete"),
    by(
        &["iked"],
        Sign::DuplicateRemoved,
        "sa_free: address re-use (identical dstid)",
    ),
    by(
        &["iked"],
        Sign::UserAuthenticationFailed,
        "sa_free: EAP failed",
    ),
    by(
        &["iked"],
        Sign::IkeGroupNotOffered,
        "sa_free: unsupported group in INVALID_KE message",
    ),
    by(
        &["iked"],
        Sign::IkeGroupNotOffered,
        "sa_free: unable to select DH group",
    ),
    by(
        &["iked"],
        Sign::IkeProposalsRefused,
        "ikev2_sa_negotiate_common: no proposal chosen",
    ),
    by(
        &["iked"],
        Sign::IkeProposalsRefused,
        "ikev2_resp_ike_sa_init: no proposal chosen",
    ),
    by(
        &["iked"],
        Sign::EspProposalRefused,
        "no proposal chosen (CHILD SA)",
    ),
    any(
        Sign::NoConnectionForPeer,
        "ikev2_resp_recv: no compatible policy found",
    ),
    by(
        &["iked"],
        Sign::NoConnectionForPeer,
        "no compatible policy found",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "unexpected auth method {received:w} was expecting {expected:w}",
    ),
    any(
        Sign::PrivateKeyMissing,
        "no valid local certificate found for {identity:w}",
    ),
    any(
        Sign::PrivateKeyMissing,
        "found cert with matching ID but without matching key",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "ikev2_dispatch_cert: peer certificate is invalid",
    ),
    by(
        &["iked"],
        Sign::UserAuthenticationFailed,
        "ikev2_{:w} '{peer}' authentication failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "eap_mschap: '{peer}' authentication failed",
    ),
    by(&["iked"], Sign::AddressPoolExhausted, "addrpool error"),
    any(
        Sign::DuplicateRemoved,
        "replaced by IKESA {} (identical DSTID)",
    ),
    // isakmpd: a message that decrypts to nonsense has payloads that can't be.
    any(
        Sign::DecryptedToNonsense,
        "due to notification type PAYLOAD_MALFORMED",
    ),
    any(
        Sign::DecryptedToNonsense,
        "due to notification type INVALID_PAYLOAD_TYPE",
    ),
    any(
        Sign::TrafficRefused,
        "due to notification type INVALID_ID_INFORMATION",
    ),
    any(
        Sign::ExchangeModeRefused,
        "exchange_setup_p1: expected exchange type {} got {mode:w}",
    ),
    any(
        Sign::ExchangeModeRefused,
        "expected exchange type {} got {mode:w}",
    ),
    any(
        Sign::IkeProposalsRefused,
        "attribute_unacceptable: {what:w} got {offered}, expected",
    ),
    any(
        Sign::NegotiationTimedOut,
        "transport_send_messages: giving up on {}no response from peer",
    ),
    any(
        Sign::NegotiationTimedOut,
        "transport_send_messages: giving up on",
    ),
    any(Sign::PskNotFound, "pre_shared_gen_skeyid: no key found"),
    any(
        Sign::PeerIdentityUnexpected,
        "ike_phase_1_recv_ID: received remote ID other than expected",
    ),
    any(
        Sign::IssuerUnknown,
        "rsa_sig_decode_hash: no public key found",
    ),
    any(
        Sign::PrivateKeyMissing,
        "rsa_sig_encode_hash: could not get private key",
    ),
    any(
        Sign::CertificateNameMismatch,
        "rsa_sig_decode_hash: no CERT subject match the ID",
    ),
    any(
        Sign::PeerDeclaredDead,
        "dpd_check_event: peer not responding",
    ),
    any(Sign::ConfigSyntax, "/etc/iked.conf: {line:n}: {problem}"),
    any(
        Sign::ConfigSyntax,
        "/etc/ipsec.conf: {line:n}: syntax error",
    ),
    // What it has no name for towards the kernel.
    any(
        Sign::AlgorithmUnavailable,
        "pfkey_sa: unsupported encryption algorithm {algorithm}",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "pfkey_sa: unsupported integrity algorithm {algorithm}",
    ),
    // What can't be read, bound to or opened.
    by(
        &["iked"],
        Sign::PrivateKeyMissing,
        "failed to open private key",
    ),
    any(
        Sign::KernelSupportMissing,
        "pfkey_socket: failed to open PF_KEY socket",
    ),
    any(
        Sign::KernelSupportMissing,
        "pf_key_v2_open: socket (PF_KEY, SOCK_RAW, PF_KEY_V2) failed",
    ),
    any(
        Sign::PskNotFound,
        "ike_auth_get_key: no key found for peer \"{remote}\" or local ID \"{local}\"",
    ),
    any(
        Sign::PrivateKeyMissing,
        "ike_auth_get_key: failed opening \"{path}\"",
    ),
    any(
        Sign::PrivateKeyMissing,
        "not loading /etc/isakmpd/private/{path:w} - ",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "rsa_sig_decode_hash: received CERT can't be validated",
    ),
    any(
        Sign::LocalAddressMissing,
        "udp_make: bind ({:w} {address:w} {:n}): Can't assign requested address",
    ),
    any(
        Sign::PortInUse,
        "udp_make: bind ({}): Address already in use",
    ),
    any(
        Sign::ConfigSyntax,
        "conf_parse_line: {line:n}: syntax error",
    ),
    // isakmpd: messages that it can't be meant by, and attributes that differ.
    any(
        Sign::IkeVersionRefused,
        "message_recv: invalid version major {version:n}",
    ),
    any(
        Sign::DecryptedToNonsense,
        "in ISAKMP header (check passphrases",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "attribute_unacceptable: AUTHENTICATION_METHOD: got {received:w} expected {expected:w}",
    ),
    any(
        Sign::IkeGroupRefused,
        "attribute_unacceptable: GROUP_DESCRIPTION: got {offered:w} expected {wanted:w}",
    ),
    any(Sign::PfsDiffers, "recv_HASH_SA_NONCE: disagreement on PFS"),
    any(
        Sign::PfsDiffers,
        "KEY_EXCH payload without a group desc. attribute",
    ),
    by(
        &["iked"],
        Sign::UserAuthenticationFailed,
        ": unknown user '{peer}'",
    ),
    // Where a proposal is looked for tells of what: the IKE SA's, or that of a CHILD SA.
    any(
        Sign::IkeProposalsRefused,
        "ikev2_sa_responder: no proposal chosen",
    ),
    any(
        Sign::EspProposalRefused,
        "ikev2_ike_auth_recv: no proposal chosen",
    ),
    any(
        Sign::EspProposalRefused,
        "ikev2_init_create_child_sa: no proposal chosen",
    ),
    any(
        Sign::EspProposalRefused,
        "ikev2_resp_create_child_sa: no proposal chosen",
    ),
    // The peer's answer to IKE_AUTH, which is about the first CHILD SA.
    any(
        Sign::ChildRequestRefused,
        "sa_free: no proposal chosen (IKE SA)",
    ),
    // Of keys and certificates.
    any(Sign::PskNotFound, "ikev2_msg_auth: no pre-shared key found"),
    any(
        Sign::IssuerUnknown,
        "ca_validate_cert: {subject} unable to get issuer certificate",
    ),
    any(
        Sign::CertificateNameMismatch,
        "ca_validate_cert: {identity} invalid subjectAltName extension",
    ),
    any(
        Sign::CertificateNameMismatch,
        "ca_validate_cert: {identity} ASN1_DN identifier mismatch",
    ),
    by(
        &["iked"],
        Sign::PrivateKeyMissing,
        "config_setkeys: failed to read private key",
    ),
    // Its file, the kernel, the network.
    any(
        Sign::ConfigSyntax,
        "{path:w}iked.conf: group writable or world readable",
    ),
    any(
        Sign::ConfigSyntax,
        "{path:w}ipsec.conf: group writable or world readable",
    ),
    any(
        Sign::ConfigSyntax,
        "not loading {path:w}isakmpd.conf - {problem}",
    ),
    any(
        Sign::KernelSupportMissing,
        "kernel has no support for extended sequence numbers",
    ),
    by(
        &["iked"],
        Sign::LocalAddressMissing,
        "failed to bind UDP socket: Can't assign requested address",
    ),
    by(
        &["iked"],
        Sign::LocalAddressMissing,
        "failed to bind UDP socket: Cannot assign requested address",
    ),
    any(
        Sign::VirtualAddressMissing,
        "pool configured, but IKEV2_CP_REQUEST missing",
    ),
    by(
        &["iked"],
        Sign::HostUnreachable,
        "sendtofrom: No route to host",
    ),
    by(&["iked"], Sign::HostUnreachable, "sendtofrom: Host is down"),
    by(
        &["iked"],
        Sign::NetworkUnreachable,
        "sendtofrom: Network is unreachable",
    ),
    by(
        &["iked"],
        Sign::SendForbidden,
        "sendtofrom: Permission denied",
    ),
    by(
        &["isakmpd"],
        Sign::HostUnreachable,
        "sendmsg ({:n}, {}): No route to host",
    ),
    by(
        &["isakmpd"],
        Sign::HostUnreachable,
        "sendmsg ({:n}, {}): Host is down",
    ),
    by(
        &["isakmpd"],
        Sign::NetworkUnreachable,
        "sendmsg ({:n}, {}): Network is unreachable",
    ),
    by(
        &["isakmpd"],
        Sign::SendForbidden,
        "sendmsg ({:n}, {}): Permission denied",
    ),
    any(Sign::SecondPhaseDone, "isakmpd: quick mode done"),
    // In IKEv2 the first SA for the traffic comes with the IKE SA.
    by(
        &["iked"],
        Sign::SecondPhaseDone,
        ": established peer {what:w}",
    ),
];
