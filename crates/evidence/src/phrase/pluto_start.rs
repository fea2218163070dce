//! What only pluto and its scripts say of what they find on their own host: databases, files, sockets, the kernel, the
//! interfaces they make, the scripts they run.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

pub(super) static PHRASES: &[Phrase] = &[
    // Its configuration.
    any(
        Sign::ConfigSyntax,
        "ipsec addconn: ERROR: {path:w}:{line:n}: {problem}",
    ),
    any(
        Sign::ConfigSyntax,
        "ipsec add: ERROR: {path:w}:{line:n}: {problem}",
    ),
    any(
        Sign::ConfigSyntax,
        "ipsec pluto: ERROR: {path:w}:{line:n}: {problem}",
    ),
    any(
        Sign::ConfigSyntax,
        "ERROR: ipsec pluto: {path:w}:{line:n}: {problem}",
    ),
    any(
        Sign::ConfigSyntax,
        "ERROR: ipsec addconn: {path:w}:{line:n}: {problem}",
    ),
    any(
        Sign::ConfigSyntax,
        "{path:w}:{line:n}: keyword \"{problem:w}\" requires \"left\" or \"right\" prefix",
    ),
    any(
        Sign::ConfigSyntax,
        "{path:w}:{line:n}: 'config setup' keyword '{problem:w}' invalid; use command line option",
    ),
    any(Sign::ConnectionRejected, "rsakey malformed [{problem}]"),
    any(
        Sign::ConnectionRejected,
        "Connection without AH or ESP cannot negotiate",
    ),
    any(
        Sign::LocalAddressMissing,
        "unable to determine address of `{address:w}'",
    ),
    // Its lock, its database, its sockets.
    any(Sign::DaemonNotRunning, "FATAL: audit_open() failed"),
    any(Sign::DaemonNotRunning, "FATAL ERROR: audit_open() failed"),
    any(
        Sign::DaemonNotRunning,
        "The ipsec service should be started before running 'ipsec verify'",
    ),
    any(
        Sign::DaemonNotRunning,
        "lock file \"{path}pluto.pid\" already exists",
    ),
    any(
        Sign::DaemonNotRunning,
        "lock file \"{path}pluto.pid\" could not be created",
    ),
    any(
        Sign::DaemonNotRunning,
        "pluto apparently already running (?!?), giving up",
    ),
    any(
        Sign::DaemonNotRunning,
        "unable to start {} IPsec, no /{path}!",
    ),
    any(
        Sign::DaemonNotRunning,
        "destination directory \"{path}\" is missing or permission denied",
    ),
    any(
        Sign::DaemonNotRunning,
        "Initialization of NSS with {} database \"{path}\" failed",
    ),
    any(
        Sign::DaemonNotRunning,
        "initialization using {} database \"{path}\" failed",
    ),
    any(
        Sign::PrivateKeyMissing,
        "NSS Password file \"{path}\" does not contain token \"{identity}\"",
    ),
    any(
        Sign::PrivateKeyMissing,
        "authentication of \"NSS {identity}\" failed",
    ),
    any(
        Sign::PrivateKeyMissing,
        "Name of file with Password to NSS DB is not provided",
    ),
    any(
        Sign::PrivateKeyMissing,
        "File with Password to NSS DB is not provided",
    ),
    by(
        &["pluto", "ipsec"],
        Sign::ListensInsideOnly,
        "no public interfaces found",
    ),
    // pluto uses neither of two interfaces with one address.
    any(
        Sign::ListensInsideOnly,
        "IP interfaces {:w} and {:w} share address {shared:w}",
    ),
    // Its kernel.
    any(
        Sign::NatTraversalOff,
        "NAT-Traversal is turned OFF due to lack of KERNEL support",
    ),
    any(
        Sign::NatTraversalOff,
        "does not support ESPINUDP encapsulation; NAT-traversal is turned OFF",
    ),
    any(
        Sign::NatTraversalOff,
        "KLIPS does not have NAT-Traversal built in",
    ),
    any(
        Sign::KernelSupportMissing,
        "setsockopt {what:w} {} (errno 95)",
    ),
    any(
        Sign::KernelSupportMissing,
        "setsockopt {what:w} {} (errno 92)",
    ),
    any(
        Sign::KernelSupportMissing,
        "{what:w} for this kernel not supported or not found for family IPv4",
    ),
    any(
        Sign::KernelSupportMissing,
        "Perhaps kernel has no {what:w} support",
    ),
    any(
        Sign::KernelSupportMissing,
        "socket() in init_netlink(). Errno {errno:n}",
    ),
    any(
        Sign::KernelSupportMissing,
        "socket() in init_netlink() (errno {errno:n})",
    ),
    any(Sign::KernelSupportMissing, "{what:w} fail got ENOPROTOOPT"),
    any(
        Sign::KernelSupportMissing,
        "missing {what:w} support in kernel",
    ),
    any(
        Sign::KernelSupportMissing,
        "requires option CONFIG_XFRM{what:w}",
    ),
    any(
        Sign::KernelSupportMissing,
        "missing kernel support CONFIG_XFRM{what:w}",
    ),
    any(
        Sign::KernelSupportMissing,
        "requires kernel with {what} support",
    ),
    any(
        Sign::KernelSupportMissing,
        "stack does not support {what:w}=yes",
    ),
    any(Sign::KernelSupportMissing, "sha2 trunc bug not fixable"),
    any(
        Sign::AlgorithmUnavailable,
        "XFRM: unknown authentication algorithm: {algorithm}",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "XFRM: unknown encryption algorithm: {algorithm}",
    ),
    by(
        &["pluto"],
        Sign::AlgorithmUnavailable,
        "unknown encryption algorithm: {algorithm}",
    ),
    any(
        Sign::CompressionRefused,
        "IPCOMP transform {} not implemented",
    ),
    any(
        Sign::CompressionRefused,
        "unsupported IPsec IPcomp algorithm",
    ),
    any(
        Sign::CompressionRefused,
        "but KLIPS is not configured with IPCOMP",
    ),
    any(
        Sign::OffloadFailed,
        "connection cannot be NAT'ed and use nic-offload=packet",
    ),
    // Said of each interface that is passed over; another one may do.
    any(
        Sign::OffloadFailed,
        "interface search skipped interface {skipped:w} as it does not have nic-offload support",
    ),
    any(
        Sign::KernelSupportMissing,
        "FAILURE in loading NETKEY/XFRM stack",
    ),
    any(
        Sign::KernelSupportMissing,
        "FAILURE in loading NETKEY stack",
    ),
    any(
        Sign::KernelSupportMissing,
        "no XFRM kernel support detected, missing {what:w}",
    ),
    any(
        Sign::OffloadFailed,
        "connection is NATed but nic-offload=packet does not support NAT",
    ),
    // Its interfaces.
    any(
        Sign::InterfaceIdMissing,
        "ipsec-interface {name:w} exists but is invalid",
    ),
    any(
        Sign::InterfaceIdMissing,
        "does not match ipsec-interface ID {name:w}",
    ),
    any(
        Sign::InterfaceIdMissing,
        "setting up ipsec-interface={name:w} failed",
    ),
    // Its scripts.
    any(
        Sign::UpdownFailed,
        "{command:w} command exited with unknown status",
    ),
    any(
        Sign::UpdownFailed,
        "fgets failed on output of {command:w} command",
    ),
    any(Sign::UpdownFailed, "unable to popen {command:w} command"),
    any(Sign::UpdownFailed, "{command:w}-client command too long!"),
    any(Sign::UpdownFailed, "{command:w}-host command too long!"),
    any(
        Sign::UpdownFailed,
        "command \"{command}\": fork() failed: {problem}",
    ),
    any(
        Sign::UpdownFailed,
        "command \"{command}\": execve() failed: {problem}",
    ),
    any(
        Sign::UpdownFailed,
        "{command:w} output: {}: resolver unrecognized",
    ),
    // Its files.
    by(
        &["pluto", "ipsec"],
        Sign::SecretMalformed,
        "\"{path}.secrets\" line {line:n}: WARNING: ignored unrecognized keyword: {problem}",
    ),
    any(
        Sign::SecretMalformed,
        "\"{path}\" line {line:n}: malformed end of RSA private key",
    ),
    any(
        Sign::SecretMalformed,
        "\"{path}\" line {line:n}: {}bad RSA key syntax",
    ),
    any(
        Sign::SecretMalformed,
        "\"{path}.secrets\" line {line:n}: unrecognized key format",
    ),
    any(
        Sign::SecretMalformed,
        "unexpected end of record in static PPK",
    ),
    any(
        Sign::SecretMalformed,
        "unexpected end of record in dynamic PPK",
    ),
    any(
        Sign::PrivateKeyMissing,
        "certificate with {} '{identity}' not found in NSS DB",
    ),
    any(
        Sign::CertificateOutsideValidity,
        "certificate '{subject}' is expired/invalid",
    ),
    any(
        Sign::PrivateKeyMissing,
        "the certificate found using NSS CKAID has no matching private key",
    ),
    any(
        Sign::PrivateKeyMissing,
        "can't find the private key matching the NSS CKAID",
    ),
    any(Sign::PrivateKeyMissing, "NSS: cert private key not found"),
    any(
        Sign::PrivateKeyMissing,
        "connection {:w}'s {} private key not found",
    ),
    any(
        Sign::ConfigValueInvalid,
        "virtual string \"{value}\" is missing prefix - virtual selection is disabled",
    ),
    any(
        Sign::ConfigValueInvalid,
        "virtual string \"{value}\" missing prefix - virtual selection disabled",
    ),
    any(
        Sign::ConfigValueInvalid,
        "invalid virtual string \"{value}\" - virtual selection is disabled",
    ),
    any(
        Sign::ConfigValueInvalid,
        "invalid virtual string [{value}] - virtual selection disabled",
    ),
    any(
        Sign::ConnectionRejected,
        "cannot initiate an authby=never connection",
    ),
    // Names.
    any(
        Sign::PeerNameUnresolved,
        "{name:w} failed DNSSEC validation",
    ),
    any(Sign::PeerNameUnresolved, "{name:w} failed DNSSEC valdation"),
    any(
        Sign::PeerNameUnresolved,
        "domain '{name}' does not exist: {problem} (rcode",
    ),
    any(
        Sign::PeerNameUnresolved,
        "domain '{name}' does not exist, proved by validated reply",
    ),
    any(
        Sign::PeerNameUnresolved,
        "domain '{name}' has no data: {problem} (rcode",
    ),
];
