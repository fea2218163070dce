//! What only pluto says, beyond its exchanges: its start, its configuration, its keys, its kernel.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // Configuration that is refused.
    any(
        Sign::ConnectionRejected,
        "Failed to add connection \"{name}\" : {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "Cannot insist on IKEv2 while forbidding it",
    ),
    any(
        Sign::ConnectionRejected,
        "Connection without either AH or ESP cannot negotiate",
    ),
    any(
        Sign::ConnectionRejected,
        "IKEv1 DPD requres both dpddelay and dpdtimeout",
    ),
    any(
        Sign::ConnectionRejected,
        "virtual IP must only be used with %any and without client",
    ),
    any(
        Sign::ConnectionRejected,
        "phase2alg string error: {problem}",
    ),
    any(Sign::ConnectionRejected, "esp string error: {problem}"),
    any(Sign::ConnectionRejected, "ike string error: {problem}"),
    any(
        Sign::ConnectionRejected,
        "while loading conn '{name}', too many also= used",
    ),
    any(
        Sign::ConnectionRejected,
        "the protocol must be the same for leftport and rightport",
    ),
    any(
        Sign::ConfigValueInvalid,
        "{} bad entries in virtual-private - none loaded",
    ),
    any(
        Sign::ConfigValueInvalid,
        "{} bad entries in virtual_private - none loaded",
    ),
    any(
        Sign::ConfigValueInvalid,
        "is missing \"vhost:\" or \"vnet:\" - virtual selection is disabled for connection",
    ),
    any(Sign::ConfigValueInvalid, "include pathname too long"),
    // Start.
    any(
        Sign::DaemonNotRunning,
        "unable to create lock dir: \"{path}\"",
    ),
    any(
        Sign::DaemonNotRunning,
        "unable to create lock file \"{path}\"",
    ),
    any(
        Sign::DaemonCrashed,
        "FATAL: FIPS integrity verification test failed",
    ),
    any(
        Sign::DaemonCrashed,
        "ABORT: pluto in FIPS mode but NSS library is not",
    ),
    any(
        Sign::DaemonCrashed,
        "ABORT: pluto FIPS mode could not be determined",
    ),
    any(Sign::DaemonCrashed, "Failed to open any source of random"),
    any(
        Sign::DaemonCrashed,
        "pluto received SIGSYS - seccomp={} - aborting",
    ),
    any(Sign::Denied, "selinux denied {operation} scontext"),
    // Names and addresses.
    any(
        Sign::PeerNameUnresolved,
        "DNS lookup for '{name}' rejected address {problem}",
    ),
    any(
        Sign::PeerNameUnresolved,
        "unbound resolve call failed for {name}",
    ),
    any(
        Sign::PortRefused,
        "some IKE message we sent has been rejected with ECONNREFUSED",
    ),
    // Algorithms.
    any(
        Sign::AlgorithmUnavailable,
        "ENCRYPT algorithm {algorithm} is not supported",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "INTEG algorithm {algorithm} is not supported",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "IKEv2 proposal contains unsupported INTEG algorithm {algorithm}",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "IKEv2 proposal contains unsupported PRF algorithm {algorithm}",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "IKE initiator proposed an unsupported algorithm",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "IKE responder accepted an unsupported algorithm",
    ),
    any(
        Sign::EspProposalRefused,
        "{what:w} IPsec Transform refused: {ours}",
    ),
    any(
        Sign::EspProposalRefused,
        "Did not find valid ESP encrypter for {what} - refusing proposal",
    ),
    // Said of ESP's transforms alone.
    any(
        Sign::EspProposalRefused,
        "1DES was proposed, it is insecure and was rejected",
    ),
    any(
        Sign::EspProposalRefused,
        "IPsec encryption transform rejected: {what}",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "unsupported IPsec encryption algorithm {algorithm}",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "unsupported ESP Transform {algorithm} from",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "unsupported ESP auth alg {algorithm} from",
    ),
    // Keys and certificates.
    any(
        Sign::SignatureRefused,
        "FIPS: Rejecting peer cert with key size {scheme:n} under",
    ),
    any(
        Sign::SignatureRefused,
        "received and ignored unknown hash algorithm {scheme}",
    ),
    any(Sign::SignatureRefused, "AUTH signature calculation failed"),
    any(
        Sign::PrivateKeyMissing,
        "Can't find the private key from the certificate",
    ),
    any(
        Sign::PrivateKeyMissing,
        "private key matching {} \"{identity}\" not found in NSS DB",
    ),
    any(
        Sign::PrivateKeyMissing,
        "reloading {}cert='{identity}' failed: not found in the NSS database",
    ),
    any(Sign::IssuerUnknown, "self-signed cacert rejected"),
    any(
        Sign::AuthenticationRefusedByPeer,
        "IKE SA authentication request rejected by peer: AUTHENTICATION_FAILED",
    ),
    // Children.
    any(
        Sign::ChildFailed,
        "response for Child SA {} was rejected with {problem:w}; initiating delete of Child SA",
    ),
    any(
        Sign::ChildFailed,
        "IKE_AUTH response rejected Child SA with {problem}",
    ),
    any(
        Sign::ChildFailed,
        "IKE SA established but initiator rejected Child SA response",
    ),
    any(
        Sign::TrafficChanged,
        "rekey: received Traffic Selectors does not contain existing IPsec SA Traffic Selectors",
    ),
    any(
        Sign::TrafficOwnedByOther,
        "subnet \"{}\", source {}, already \"{other}\"",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Cannot do Quick Mode until XAUTH done",
    ),
    // The reply to the question for a user's name and password.
    any(
        Sign::UserAuthenticationFailed,
        "Expected MODE_CFG_REPLY is missing{}attribute",
    ),
    any(
        Sign::VirtualAddressRefused,
        "Expected MODE_CFG_REPLY did not contain",
    ),
    any(
        Sign::VirtualAddressRefused,
        "ERROR INTERNAL_IP4_ADDRESS malformed",
    ),
    any(
        Sign::VirtualAddressRefused,
        "ERROR: no valid internal address request",
    ),
    any(
        Sign::ConnectionRejected,
        "new addresspool {problem} INEXACTLY OVERLAPS with existing one",
    ),
    // The kernel and its interfaces.
    any(
        Sign::InterfaceIdMissing,
        "device {name:w} exist and do not match expected type xfrm or xfrm_if_id",
    ),
    any(
        Sign::KernelSupportMissing,
        "xfrmi is not supported, failed to create {what:w}",
    ),
    any(Sign::StateNotInstalled, "failed to setup incoming SA"),
    any(Sign::StateNotInstalled, "failed to setup outgoing SA"),
    any(
        Sign::PolicyNotInstalled,
        "raw_eroute() in setup_half_ipsec_sa() failed to add inbound",
    ),
    any(
        Sign::PolicyNotInstalled,
        "raw_policy() in setup_half_ipsec_sa() failed to add inbound",
    ),
    any(
        Sign::KernelError,
        "no response to our PF_KEY {} message for",
    ),
    any(
        Sign::NetworksOverlap,
        "Virtual IP {network:w} overlapping {other}",
    ),
    any(
        Sign::PolicyInUse,
        "Virtual IP {policy:w} is already used by {owner}",
    ),
    any(Sign::OffloadFailed, "poke_ipsec_offload_policy_hole failed"),
    // Lives.
    // Mostly a delete that crossed another one.
    any(
        Sign::DeleteForUnknown,
        "Informational Exchange is for an unknown (expired?) SA",
    ),
    any(
        Sign::DeleteForUnknown,
        "received delete request for {} SA(0x{spi:w}) but corresponding state not found",
    ),
    any(
        Sign::ClearOnFailure,
        "ignored failureshunt={} - packets MUST be blocked in FIPS mode",
    ),
];
