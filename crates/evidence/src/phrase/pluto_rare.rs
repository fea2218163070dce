//! What pluto says seldom: sentences that few logs hold, gathered from the sources of all versions from 2.6 to 5.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    // Connections that aren't there, or not loaded.
    any(
        Sign::ConnectionNotLoaded,
        "no connection named alias {name}",
    ),
    any(
        Sign::ConnectionNotLoaded,
        "no such connection or aliased connection named \"{name}\"",
    ),
    any(
        Sign::ConnectionNotLoaded,
        "conn '{name}': not found (tried aliases)",
    ),
    any(
        Sign::ConnectionNotLoaded,
        "conn {name:w} not found (tried aliases)",
    ),
    any(
        Sign::ConnectionNotLoaded,
        "ignoring message from whack with bad magic",
    ),
    any(
        Sign::ConnectionRejected,
        "ikev1 connection must use authby= of rsasig, secret or never",
    ),
    any(
        Sign::ConnectionRejected,
        "also= is not valid in section '{name}'",
    ),
    any(
        Sign::ConnectionRejected,
        "connection must specify host IP address for our side",
    ),
    any(
        Sign::ConnectionRejected,
        "connection {name} must specify host IP address for our side",
    ),
    any(
        Sign::ConnectionRejected,
        "Must do at AH or ESP, not neither",
    ),
    any(
        Sign::ConnectionRejected,
        "Can only do AH, or ESP, not AH+ESP",
    ),
    any(
        Sign::ConnectionLoadFailed,
        "cannot load config file '{path}'",
    ),
    any(
        Sign::LocalAddressMissing,
        "we have no ipsecN interface for either end of this connection",
    ),
    any(
        Sign::LocalAddressMissing,
        "cannot send packet - interface vanished!",
    ),
    // A second daemon, or the rest of a first.
    any(
        Sign::DaemonNotRunning,
        "pluto: lock file \"{path}\" already exists",
    ),
    any(
        Sign::DaemonNotRunning,
        "NSS readonly initialization (\"{path}\") failed",
    ),
    any(
        Sign::DaemonNotRunning,
        "timeout waiting on pluto socket {path} - aborted",
    ),
    any(
        Sign::PortInUse,
        "bind UDP {interface:w} endpoint {} failed, Address already in use",
    ),
    any(
        Sign::PortInUse,
        "bind UDP endpoint {} failed, Address already in use",
    ),
    any(
        Sign::PortInUse,
        "bind {:w} UDP endpoint {} failed, bind(): Address already in use",
    ),
    any(
        Sign::Denied,
        "bind {:w} {:w} endpoint {} failed, bind(): Permission denied",
    ),
    // Its kernel.
    any(
        Sign::StateNotInstalled,
        "bad response: {errno} (errno {:n})",
    ),
    any(
        Sign::StateNotInstalled,
        "Installing IPsec SA failed - check logs or dmesg",
    ),
    any(
        Sign::PolicyNotInstalled,
        "PF_KEY {} response for configure_mast_device included errno {errno}",
    ),
    any(
        Sign::KernelSupportMissing,
        "Can not run with both NETKEY and KLIPS in the kernel",
    ),
    any(Sign::KernelSupportMissing, "KLIPS not loaded or enabled"),
    any(
        Sign::KernelSupportMissing,
        "requested kernel enc ealg_id={what} not present",
    ),
    any(
        Sign::InterfaceIdMissing,
        "existing ipsec-interface {name:w} is not valid",
    ),
    any(
        Sign::AcquireForForeignPolicy,
        "opportunistically initiate for {policy}: no routed template covers this pair",
    ),
    any(
        Sign::AcquireUnserved,
        "opportunistically initiate for {}: no routed template",
    ),
    any(
        Sign::NextHopMissing,
        "cannot route connection without knowing our nexthop",
    ),
    any(
        Sign::Denied,
        "selinux polmatch within_range: {operation}: Permission denied",
    ),
    // What updown scripts print.
    any(
        Sign::UpdownFailed,
        "{command:w} output: {}: cannot create /{problem}",
    ),
    any(
        Sign::UpdownFailed,
        "{command:w} output: {}: cannot open {problem}",
    ),
    any(
        Sign::UpdownFailed,
        "Error: inet prefix is expected rather than",
    ),
    any(
        Sign::UpdownFailed,
        "Error: inet6 prefix is expected rather than",
    ),
    any(
        Sign::UpdownFailed,
        "Error: any valid prefix is expected rather than",
    ),
    // Modes and encapsulations that differ.
    any(
        Sign::ModeDiffers,
        "{theirs:w} must only be used if NAT-Traversal is detected",
    ),
    any(
        Sign::ModeDiffers,
        "{theirs:w} must only be used if NAT-Traversal is not detected",
    ),
    any(
        Sign::ModeDiffers,
        "policy dictates Tunnel Mode, {remark} peer's request for Transport Mode",
    ),
    any(
        Sign::ModeDiffers,
        "Local policy is tunnel mode - {remark} request for transport mode",
    ),
    any(
        Sign::CompressionRefused,
        "Unexpected IPCOMP request as our connection policy did not indicate support for it",
    ),
    any(
        Sign::CompressionRefused,
        "compression proposed by {}, but policy for {} forbids it",
    ),
    // Networks.
    any(
        Sign::TrafficRefused,
        "Traffic Selector range {asked:w} is not supported",
    ),
    any(
        Sign::TrafficRefused,
        "incompatible with TRANSPORT mode -- refusing",
    ),
    any(
        Sign::TrafficRefused,
        "Virtual IP {asked} overlaps with connection {}(kind=",
    ),
    any(
        Sign::PolicyInUse,
        "cannot install kernel policy {policy:w} in use by {owner} with routing",
    ),
    any(
        Sign::PolicyInUse,
        "cannot install kernel policy {policy:w} in use by {}Child SA \"{owner}\"",
    ),
    any(
        Sign::PolicyInUse,
        "Virtual IP {policy:w} overlapping {owner} from {} is forbidden (neither agrees)",
    ),
    any(
        Sign::EspProposalRefused,
        "expecting {} but remote's accepted proposal includes {ours}",
    ),
    any(
        Sign::PfsDiffers,
        "OAKLEY_GROUP {theirs:w} not supported for PFS",
    ),
    any(
        Sign::PfsDiffers,
        "new KE in DH for PFS is not yet supported",
    ),
    any(
        Sign::RekeyRefused,
        "{} no such IPsec SA to rekey SA({what:w} Protocol",
    ),
    any(
        Sign::ChildFailed,
        "no pending SAs found, PARENT SA keyed only",
    ),
    any(Sign::ChildFailed, "missing payload(s) (ISAKMP_NEXT_v2SA"),
    // Keys, signatures, users.
    any(Sign::PskNotFound, "cannot find PSK"),
    any(
        Sign::SecretMalformed,
        "connection PSK length of {} bytes is too short for",
    ),
    any(
        Sign::SignatureRefused,
        "rejecting received zero-length signature",
    ),
    any(
        Sign::SignatureRefused,
        "rejecting received zero-length RSA signature",
    ),
    any(
        Sign::SignatureRefused,
        "Digsig: No valid hash algorithm is negotiated between peers",
    ),
    any(
        Sign::SignatureRefused,
        "local policy does not allow legacy RSA-SHA1 but connection allows no other hash policy",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "authentication method {received:w} not supported",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "authentication method: {received:w} not supported",
    ),
    any(
        Sign::AuthMethodUnexpected,
        "Pluto does not support {received:w} authentication",
    ),
    any(Sign::PpkMissing, "PPK_ID did not match any loaded PPK"),
    any(
        Sign::IdentityTypeUnexpected,
        "Unsupported identity type ({received}) in Phase 1",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "certificate {} failed IPsec verification",
    ),
    any(
        Sign::PeerKeyUntrusted,
        "certificate {} failed TLS verification",
    ),
    any(Sign::PeerKeyUntrusted, "NSS: end certificate invalid"),
    any(
        Sign::CertificateNameMismatch,
        "No matching subjectAltName found",
    ),
    any(
        Sign::PrivateKeyMissing,
        "with nick name '{identity}' in NSS DB",
    ),
    any(
        Sign::PrivateKeyMissing,
        "could not find cert with nickname '{identity}' in NSS",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "responding with EAP termination code",
    ),
    any(Sign::UserAuthenticationFailed, "EAP Code 4 unexpected"),
    any(
        Sign::UserAuthenticationFailed,
        "XAUTH: No username or password request was received",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAUTH {} requested, but no file descriptor available for prompt",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "XAUTH: unknown authentication method requested to authenticate",
    ),
    any(
        Sign::VirtualAddressRefused,
        "expected IKEv2_CP_CFG_REQUEST got a",
    ),
    any(
        Sign::VirtualAddressRefused,
        "expected IKEv2_CP_CFG_REPLY got a",
    ),
    any(
        Sign::VirtualAddressRefused,
        "XAUTH: invalid addresspool for the conn",
    ),
    any(
        Sign::VirtualAddressRefused,
        "XAUTH IP addresspool {} is not valid",
    ),
    any(Sign::AddressPoolExhausted, "leasing IPv4 address failed"),
    any(Sign::AddressPoolExhausted, "leasing IPv6 address failed"),
    // The first messages.
    any(
        Sign::CookieRefused,
        "DOS cookie failed as Ni payload invalid",
    ),
    any(Sign::CookieRefused, "mismatch in DOS COOKIE"),
    any(
        Sign::IkeGroupRefused,
        "rejecting I1 from {}, invalid DH group={offered:n}",
    ),
    any(
        Sign::IkeGroupRefused,
        "DH group of {} Payload has an unknown value: {offered:n}",
    ),
    // What the parser says of a payload's form: octets that make no sense, where they were decrypted with another key,
    // and the peer's way to write where they can't have been.
    any(
        Sign::PayloadDefect,
        "of ISAKMP {payload} Payload must be zero, but is not",
    ),
    any(
        Sign::PayloadDefect,
        "of 'ISAKMP {payload} Payload'.'{field}' is {:w} but should have been zero",
    ),
    any(
        Sign::PayloadDefect,
        "of ISAKMP {payload} Payload has an unknown value",
    ),
    any(
        Sign::PayloadDefect,
        "of IKEv2 {payload} Payload must be zero, but is not",
    ),
    any(
        Sign::PayloadDefect,
        "of IKEv2 {payload} Payload has an unknown value",
    ),
    // Some clients write the key's length before the cipher; pluto wants it behind.
    any(
        Sign::VendorDiffers,
        "OAKLEY_KEY_LENGTH attribute not preceded by OAKLEY_ENCRYPTION_ALGORITHM",
    ),
    // RFC 7296 3.3.1: the first proposal of a list is number 1, and each further one is one more.
    any(
        Sign::ProposalListBroken,
        "proposal number was {number:n} but {expected:n} expected",
    ),
    any(
        Sign::ProposalListBroken,
        "proposal number was {number:n} but {expected:n} or {:n} expected",
    ),
    // Quick mode is over for its initiator with its second message. Who hears the first answer again didn't get it.
    any(
        Sign::RepetitionNotTaken,
        "message ignored because it contains an unexpected payload type (ISAKMP_NEXT_HASH)",
    ),
    any(
        Sign::IkeProposalsRefused,
        "OAKLEY proposal refused: missing",
    ),
    any(
        Sign::IkeFragmentsIncomplete,
        "fragmentation not allowed by local policy (ike_frag=no)",
    ),
    any(
        Sign::IkeFragmentsIncomplete,
        "ignoring fragment as not allowed by local policy",
    ),
    any(
        Sign::IkeFragmentsIncomplete,
        "ignoring fragment as peer never proposed fragmentation",
    ),
    any(
        Sign::NatTraversalOff,
        "cannot switch to NAT port and interface {} does not support NAT",
    ),
    any(
        Sign::MessageUnexpected,
        "authentication failed: responder did not include IDr payload",
    ),
    any(
        Sign::MessageUnexpected,
        "authentication failed: initiator did not include IDi payload",
    ),
    any(
        Sign::MessageUnexpected,
        "authentication failed: responder did not include ID payload",
    ),
    any(
        Sign::MessageUnexpected,
        "authentication failed: initiator did not include ID payload",
    ),
    any(
        Sign::MessageUnexpected,
        "IKE SA authentication failed, unrecognized IKE_AUTH response",
    ),
    any(
        Sign::VendorDiffers,
        "message response contained an unknown critical payload type",
    ),
    // Since version 5, and before version 3.
    any(
        Sign::TrafficRefused,
        "Traffic Selector response {} does not fit the proposal",
    ),
    any(Sign::TrafficRefused, "CHILD SA failed: TS_UNACCEPTABLE"),
    any(
        Sign::TrafficRefused,
        "peer rejected Child SA {}(TS_UNACCEPTABLE)",
    ),
    any(
        Sign::EspProposalRefused,
        "CHILD SA failed: NO_PROPOSAL_CHOSEN",
    ),
    any(
        Sign::EspProposalRefused,
        "peer rejected Child SA {}(NO_PROPOSAL_CHOSEN)",
    ),
    any(Sign::PeerNameUnresolved, "failed to resolve 'right={name}'"),
    any(Sign::PeerNameUnresolved, "failed to resolve 'left={name}'"),
    any(
        Sign::InterfaceIdMissing,
        "exists but is invalid, IFLA_XFRM_LINK attribute is zero",
    ),
    any(
        Sign::CertificateNameMismatch,
        "certificate does not contain subjectAltName={identity}",
    ),
    any(
        Sign::CertificateNameMismatch,
        "certificate does not contain ID_IP subjectAltName={identity}",
    ),
    any(
        Sign::CertificateNameMismatch,
        "certificate does not contain ID_USER_FQDN subjectAltName={identity}",
    ),
    any(Sign::RevocationUnavailable, "SEC_ERROR_OCSP_SERVER_ERROR"),
    any(
        Sign::PrivateKeyMissing,
        "error loading RSA private key file",
    ),
    any(
        Sign::UserServerUnreachable,
        "PAM: authentication of user {} ABORTED (timeout)",
    ),
    // What its scripts print.
    any(Sign::DaemonCrashed, "pluto yielded no exit status!?!"),
    any(
        Sign::DaemonNotRunning,
        "pluto appears to be running already ({}), will not start another",
    ),
    any(Sign::DaemonNotRunning, "cannot start Pluto, system lacks"),
    any(
        Sign::DaemonNotRunning,
        "failed to start openswan IKE daemon",
    ),
    any(
        Sign::DaemonNotRunning,
        "failed to initialize NSS, unable to proceed",
    ),
    any(
        Sign::DaemonNotRunning,
        "NSS database in {path} not initialized",
    ),
    any(Sign::DaemonNotRunning, "Failed to initialize nss database"),
    any(
        Sign::DaemonNotRunning,
        "NSS upgrade failed. You should run certutil",
    ),
    any(Sign::DaemonNotRunning, "Initializing NSS OCSP failed"),
    any(Sign::Denied, "on nss operation (must be superuser)"),
    any(
        Sign::KernelSupportMissing,
        "no KLIPS or {what:w} support detected",
    ),
    any(
        Sign::KernelSupportMissing,
        "FAILURE in loading XFRM IPsec stack",
    ),
    any(Sign::KernelSupportMissing, "FAILURE to load KLIPS module"),
    any(
        Sign::KernelSupportMissing,
        "FAILURE to load KLIPS/MAST module",
    ),
    any(
        Sign::LocalAddressMissing,
        "no default route found and no interfaces= option set",
    ),
    any(Sign::UpdownFailed, "Could not execute {path}/_updown."),
    any(
        Sign::UpdownFailed,
        "(incorrect or missing nexthop setting??)",
    ),
    any(
        Sign::PrivateKeyMissing,
        "NSS database files are missing, import aborted",
    ),
    // Secrets and keys in its files.
    any(Sign::SecretMalformed, "PSK data malformed: {problem}"),
    any(Sign::SecretMalformed, "RSA data malformed ({problem})"),
    any(Sign::SecretMalformed, "PPK data malformed ({problem})"),
    any(
        Sign::SecretMalformed,
        "RSA keyword {problem:w} not recognised",
    ),
    any(Sign::SecretMalformed, "unexpected end of record in PSK"),
    any(
        Sign::PrivateKeyMissing,
        "connection's {} private key not found",
    ),
    any(Sign::ConnectionRejected, "rsasigkey malformed [{problem}]"),
    any(
        Sign::ConfigValueInvalid,
        "'{value}' is not a subnet declaration",
    ),
    any(
        Sign::PeerNameUnresolved,
        "cannot instantiate connection: resolution of \"{name}\" failed",
    ),
    any(
        Sign::PeerNameUnresolved,
        "cannot instantiate connection: \"{name}\" resolved to the unspecified address",
    ),
    any(
        Sign::RevocationUnavailable,
        "OCSP responder cert \"{}\" not found in NSS",
    ),
];
