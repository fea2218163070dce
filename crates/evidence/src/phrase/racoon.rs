//! Sentences of racoon and of what was made of it (macOS, RouterOS, Meraki, Alibaba Cloud).

use adit_model::sign::Sign;

use super::{Phrase, any, by};

/// Whether the line is RouterOS' own where it says no more than that a policy wasn't found: nothing stands behind it, and
/// before it at most a time and topics. Tools of clouds and filters have policies of that name, too.
pub(super) fn is_its_own(shape: &str, program: Option<&str>, body: &str) -> bool {
    if shape != "ipsec policy not found" {
        return true;
    }
    let Some(head) = body.trim_end_matches(['.', ' ']).strip_suffix(shape) else {
        return false;
    };
    program.is_none()
        && head
            .split_whitespace()
            .all(|w| w.bytes().any(|b| b.is_ascii_digit()) || w.contains(','))
}

pub(super) static PHRASES: &[Phrase] = &[
    // Debian's racoon-tool makes it, unless the package was configured for `direct`.
    any(
        Sign::GeneratedConfigRead,
        "Reading configuration from \"/var/lib/racoon/{path:w}",
    ),
    // Phase 1.
    any(
        Sign::IkeProposalsRefused,
        "can't agree on IKE proposal, my config",
    ),
    any(Sign::IkeProposalsRefused, "failed to get valid proposal"),
    any(
        Sign::IkeProposalsRefused,
        "no acceptable proposal found for phase 1",
    ),
    by(
        &["racoon", "ipsec"],
        Sign::EspProposalRefused,
        "no suitable policy found.",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "rejected authmethod: DB({}):Peer({}) = {expected}:{received}",
    ),
    // Each pair of offers is compared, attribute by attribute; a line may end before the pair.
    any(
        Sign::IkeOfferDiffers,
        "rejected enctype: DB({}):Peer({}) = {ours}:{theirs}",
    ),
    any(
        Sign::IkeOfferDiffers,
        "rejected hashtype: DB({}):Peer({}) = {ours}:{theirs}",
    ),
    any(
        Sign::IkeOfferDiffers,
        "rejected dh_group: DB({}):Peer({}) = {ours}:{theirs}",
    ),
    any(Sign::IkeOfferTaken, "an acceptable proposal found."),
    any(Sign::IkeOfferDiffers, "rejected enctype:"),
    any(Sign::IkeOfferDiffers, "rejected hashtype:"),
    any(Sign::IkeOfferDiffers, "rejected dh_group:"),
    any(
        Sign::NoConnectionForPeer,
        "configuration is not found for peer",
    ),
    any(
        Sign::NegotiationTimedOut,
        "phase2 negotiation failed due to time up waiting for phase1",
    ),
    any(
        Sign::NegotiationTimedOut,
        "phase 1 negotiation failed due to time up",
    ),
    any(
        Sign::ChildFailed,
        "give up to get IPsec-SA due to time up to wait",
    ),
    any(
        Sign::ChildFailed,
        "phase2 negotiation failed due to time up. {}",
    ),
    // What comes protected is about the second phase, and what comes in the clear about the first.
    any(
        Sign::EspProposalRefused,
        "notification NO-PROPOSAL-CHOSEN received in informational exchange",
    ),
    any(
        Sign::FirstProposalsRefusedByPeer,
        "notification NO-PROPOSAL-CHOSEN received in unencrypted",
    ),
    any(Sign::FirstPhaseDone, "ISAKMP-SA established"),
    any(Sign::SecondPhaseDone, "IPsec-SA established: {what}"),
    any(Sign::FirstPhaseDone, "phase-1 negotiation is succeeded"),
    any(
        Sign::AuthenticationRefusedByPeer,
        "notification AUTHENTICATION-FAILED received",
    ),
    any(
        Sign::TrafficRefused,
        "notification INVALID-ID-INFORMATION received",
    ),
    any(Sign::TrafficRefused, "fatal INVALID-ID-INFORMATION notify"),
    any(
        Sign::AuthenticationRefusedByPeer,
        "fatal AUTHENTICATION-FAILED notify",
    ),
    // Keys and identities. What doesn't decrypt has lengths that can't be.
    by(
        &["racoon", "ipsec"],
        Sign::DecryptedToNonsense,
        "the length in the isakmp header is too big",
    ),
    any(Sign::PskDiffers, "HASH mismatched, possible wrong"),
    any(
        Sign::PrivateKeyMissing,
        "Private RSA key not found for {identity:w}",
    ),
    any(
        Sign::IssuerUnknown,
        "Public RSA key not found for {subject:w}",
    ),
    any(
        Sign::IssuerUnknown,
        "unable to get issuer certificate{}at depth",
    ),
    // Phase 2.
    any(
        Sign::PfsDiffers,
        "PFS is specified, but peer doesn't sends KE",
    ),
    any(Sign::PfsDiffers, "no PFS is specified, but peer sends KE"),
    any(
        Sign::PfsDiffers,
        "pfs_group mismatch. mine:{ours:n} peer:{theirs:n}",
    ),
    any(Sign::TrafficRefused, "no policy/template found"),
    any(Sign::TrafficRefused, "no policy found/generated"),
    any(Sign::TrafficRefused, "mismatched IDci was returned"),
    any(Sign::TrafficRefused, "mismatched IDcr was returned"),
    any(
        Sign::PoliciesAbsent,
        "X_SPDDUMP failed: No such file or directory",
    ),
    any(Sign::PoliciesAbsent, "No SPD entries."),
    // The peer looks for a NAT, and this one was built without.
    any(
        Sign::NatTraversalOff,
        "received unexpecting payload type 130",
    ),
    any(
        Sign::NatTraversalOff,
        "received unexpecting payload type 20",
    ),
    any(
        Sign::IkeGroupRefused,
        "received KE type {offered:n},expected {wanted:n}",
    ),
    // The rest.
    any(Sign::PeerDeclaredDead, "seems to be dead"),
    any(
        Sign::NegotiationFailed,
        "phase1 negotiation failed due to send error",
    ),
    any(Sign::NetworkUnreachable, "sendmsg (Network is unreachable)"),
    any(Sign::HostUnreachable, "sendto (No route to host)"),
    any(Sign::HostUnreachable, "sendmsg (No route to host)"),
    any(Sign::HostUnreachable, "sendto (Host is down)"),
    any(Sign::HostUnreachable, "sendmsg (Host is down)"),
    any(Sign::SendForbidden, "sendto (Permission denied)"),
    any(Sign::SendForbidden, "sendmsg (Operation not permitted)"),
    any(Sign::SendForbidden, "sendmsg (Permission denied)"),
    any(
        Sign::LocalAddressMissing,
        "failed to bind to address {address:w} (Can't assign requested address)",
    ),
    any(Sign::AddressPoolExhausted, "No more addresses available"),
    any(Sign::UserServerUnreachable, "rad_send_request failed"),
    any(
        Sign::UserAuthenticationFailed,
        "No password was found for login {peer:w}",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "pam_authenticate failed: {method}",
    ),
    any(Sign::UserAuthenticationFailed, "is not a member of group"),
    any(
        Sign::UserAuthenticationFailed,
        "Hybrid auth negotiated but peer did not succeed Xauth exchange",
    ),
    any(
        Sign::PayloadDefect,
        "isakmp_{payload:w} invalid length of isakmp data, expected",
    ),
    any(Sign::IkeFragmentsIncomplete, "Packet reassembly failed"),
    any(
        Sign::PskNotFound,
        "failed to open pre_share_key file {path:w}",
    ),
    any(Sign::PskNotFound, "{path:w} is not safe (code {:n})"),
    any(
        Sign::CertificateNameMismatch,
        "ID type mismatched. ID: {} CERT: {}",
    ),
    any(
        Sign::KernelSupportMissing,
        "algorithm {what:w} not supported by the kernel",
    ),
    // A pair of offers for the second phase: one line, one attribute.
    any(
        Sign::EspProposalRefused,
        "key length mismatched, mine:{ours:n} peer:{theirs:n}",
    ),
    any(
        Sign::EspProposalRefused,
        "low key length proposed, mine:{ours:n} peer:{theirs:n}",
    ),
    by(
        &["racoon", "ipsec"],
        Sign::ChildRequestRefused,
        "ERROR: no proposal chosen.",
    ),
    by(
        &["racoon", "ipsec"],
        Sign::ChildFailed,
        "failed to get proposal for responder",
    ),
    // The file that it reads, and what it was built with.
    any(
        Sign::ConfigSyntax,
        "ERROR: {path:w}racoon.conf:{line:n}: \"{problem}",
    ),
    by(
        &["racoon", "ipsec"],
        Sign::ConfigSyntax,
        "ERROR: fatal parse failure.",
    ),
    by(
        &["racoon", "ipsec"],
        Sign::ConfigSyntax,
        "failed to expand isakmp proposal.",
    ),
    any(
        Sign::ConfigSyntax,
        "could not read configuration file \"{path:w}racoon.conf\"",
    ),
    any(
        Sign::ConfigSyntax,
        "privilege separation require path cert and path script in the config file",
    ),
    any(
        Sign::DaemonNotRunning,
        "racoonctl: kmpstat: Connection refused",
    ),
    any(Sign::DaemonNotRunning, "racoonctl: kmpstat: No such file"),
    // The kernel has nobody behind PF_KEY, or can't carry ESP in UDP.
    any(Sign::KernelSupportMissing, "failed to regist any protocol."),
    // Keys, certificates, users.
    any(
        Sign::PrivateKeyMissing,
        "Too slack permissions on private key '{path:w}'",
    ),
    by(
        &["racoon", "ipsec"],
        Sign::UserAuthenticationFailed,
        "Xauth performed with no login supplied",
    ),
    by(
        &["racoon", "ipsec"],
        Sign::UserAuthenticationFailed,
        "pam_acct_mgmt failed: {method}",
    ),
    by(
        &["racoon", "ipsec"],
        Sign::UserAuthenticationFailed,
        "ldap_sasl_bind_s (search) failed: Invalid credentials",
    ),
    by(
        &["racoon", "ipsec"],
        Sign::UserAuthenticationFailed,
        "no ldap results for filter",
    ),
    by(
        &["racoon", "ipsec"],
        Sign::UserServerUnreachable,
        "ldap_sasl_bind_s (search) failed: Can't contact LDAP",
    ),
    // The first message of IKEv2.
    any(
        Sign::IkeVersionRefused,
        "Invalid exchange type 34 from {peer:w}",
    ),
    // RouterOS.
    any(
        Sign::VirtualAddressRefused,
        "got fatal error: INTERNAL_ADDRESS_FAILURE",
    ),
    any(
        Sign::NoConnectionForIdentity,
        "identity not found for server:{local:w} peer: {remote}",
    ),
    any(Sign::TrafficRefused, "ipsec policy not found"),
    any(Sign::TrafficRefused, "ipsec,debug policy not found"),
    any(Sign::TrafficRefused, "ipsec,error policy not found"),
];
