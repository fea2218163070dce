//! What strongSwan's programs say when they start and when they read what they are told: starter, charon, swanctl, stroke.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

const CHARON: &[&str] = &["charon", "ipsec", "strongswan", "swanctl"];

pub(super) static PHRASES: &[Phrase] = &[
    // ── the daemon ──
    any(
        Sign::DaemonNotRunning,
        "unable to create pidfile '{problem}'",
    ),
    any(Sign::DaemonNotRunning, "invalid uid/gid - aborting charon"),
    any(Sign::DaemonNotRunning, "integrity check of charon failed"),
    any(
        Sign::DaemonNotRunning,
        "integrity check of charon-systemd failed",
    ),
    any(
        Sign::FeatureMissing,
        "failed to load {:n} feature in critical plugin '{feature}'",
    ),
    any(
        Sign::FeatureMissing,
        "failed to load {:n} features in critical plugin '{feature}'",
    ),
    any(
        Sign::PluginMissing,
        "Disabling charonstart option, '{plugin}' not found",
    ),
    // Sockets that see every packet, of the plugins that answer for clients.
    any(
        Sign::Denied,
        "opening {operation:w} receive socket failed: Operation not permitted",
    ),
    any(
        Sign::Denied,
        "opening {operation:w} packet socket failed: Operation not permitted",
    ),
    any(
        Sign::Denied,
        "binding socket 'unix://{path}' failed: Permission denied",
    ),
    // Windows: the address is in use, or somebody holds it for himself alone.
    any(Sign::PortInUse, "[NET] unable to bind socket: 10048"),
    any(Sign::PortInUse, "[NET] unable to bind socket: 10013"),
    any(
        Sign::KernelSupportMissing,
        "encryption algorithm {what:w} not supported by WFP",
    ),
    any(
        Sign::KernelSupportMissing,
        "integrity algorithm {what:w} not supported by WFP",
    ),
    // ── stroke of 4.x and 5.0: nobody at the socket ──
    any(
        Sign::DaemonNotRunning,
        "connect(charon_ctl) failed: No such file",
    ),
    any(
        Sign::DaemonNotRunning,
        "connect(charon_ctl) failed: Connection refused",
    ),
    any(
        Sign::DaemonNotRunning,
        "Connect to socket failed: No such file",
    ),
    any(
        Sign::DaemonNotRunning,
        "Connect to socket failed: Connection refused",
    ),
    // ── ipsec.conf, as the starter reads it ──
    any(
        Sign::ConfigValueInvalid,
        "# bad addr: {keyword:w}={value} [does not look numeric and name lookup forbidden",
    ),
    any(
        Sign::ConfigValueInvalid,
        "# bad addr: {keyword:w}={value} [syntax error",
    ),
    any(
        Sign::ConfigValueInvalid,
        "# bad addr: {keyword:w}={value} [non-digit in",
    ),
    any(
        Sign::ConfigValueInvalid,
        "# bad addr: {keyword:w}={value} [byte overflow",
    ),
    any(
        Sign::ConfigValueInvalid,
        "# bad subnet: {keyword:w}={value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "# unknown EAP type: {keyword:w}={value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "# invalid EAP type: {keyword:w}={value}",
    ),
    // RADIUS servers and supplicants say so of a peer's or a network's.
    by(
        CHARON,
        Sign::ConfigValueInvalid,
        "unknown EAP method: {value:w}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "unknown or invalid EAP method: {value:w}",
    ),
    any(Sign::ConfigValueInvalid, "invalid EAP vendor: {value:w}"),
    any(Sign::ConfigValueInvalid, "invalid mark value: {value:w}"),
    any(Sign::ConfigValueInvalid, "invalid mark mask: {value:w}"),
    any(Sign::ConfigValueInvalid, "invalid interface ID: {value:w}"),
    any(Sign::ConfigValueInvalid, "# duplicate '{keyword}' option"),
    any(Sign::ConfigSyntax, "# also '{problem}' not found"),
    any(Sign::ConfigSyntax, "# detected also loop"),
    any(
        Sign::ConfigSyntax,
        "section '{problem}' referenced in section '{}' causes a loop",
    ),
    any(
        Sign::ConnectionRejected,
        "natip and sourceip cannot be defined at the same time",
    ),
    any(
        Sign::ConfigValueInvalid,
        "an integrity algorithm is mandatory in {} proposals",
    ),
    any(
        Sign::ConfigValueInvalid,
        "an encryption algorithm is mandatory in {} proposals",
    ),
    any(Sign::ConfigValueInvalid, "IP pool address family mismatch"),
    any(
        Sign::ConfigValueInvalid,
        "IP address range too large: {value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "unrecognized phase2 method \"{value}\"",
    ),
    any(
        Sign::ConfigValueInvalid,
        "Unknown XAuth-EAP method: {value:w}",
    ),
    // ── the parser of strongswan.conf and swanctl.conf ──
    any(
        Sign::ConfigSyntax,
        "{path:w}:{line:n}: unterminated string detected",
    ),
    any(
        Sign::ConfigSyntax,
        "{path:w}:{line:n}: unexpected string detected",
    ),
    any(
        Sign::ConfigSyntax,
        "{path:w}:{line:n}: section name missing",
    ),
    any(
        Sign::ConfigSyntax,
        "{path:w}:{line:n}: setting name can't be empty",
    ),
    any(
        Sign::ConfigSyntax,
        "{path:w}:{line:n}: missing value for setting '{problem}'",
    ),
    any(Sign::ConfigSyntax, "parsing subsection '{problem}' failed"),
    any(
        Sign::ConfigSyntax,
        "[LIB] parsing value failed near {problem}",
    ),
    any(Sign::ConfigSyntax, "parsing '{path:w}swanctl.conf' failed"),
    // ── what swanctl and charon-cmd are asked for ──
    any(
        Sign::ConnectionNotLoaded,
        "IKE_SA config '{name}' not found",
    ),
    any(
        Sign::KeyUsageRefused,
        "certificate without CA flag, rejected",
    ),
    any(
        Sign::KeyUsageRefused,
        "certificate misses required flag, rejected",
    ),
    any(
        Sign::PrivateKeyMissing,
        "loading private key from token failed",
    ),
    any(
        Sign::PrivateKeyMissing,
        "loading PKCS#12 file '{path}' failed",
    ),
    // ── ipsec.secrets, and what is asked for at a terminal ──
    any(
        Sign::PrivateKeyMissing,
        "loading credentials from '{path}' failed",
    ),
    any(Sign::PrivateKeyMissing, "Passphrase invalid, giving up"),
    any(Sign::PrivateKeyMissing, "PIN invalid, giving up"),
    any(Sign::PrivateKeyMissing, "PIN invalid, aborting"),
    any(
        Sign::SecretMalformed,
        "line {line:n}: missing ':' separator",
    ),
    any(Sign::SecretMalformed, "line {line:n}: empty filename"),
    any(
        Sign::SecretMalformed,
        "line {line:n}: expected %smartcard specifier",
    ),
    any(Sign::SecretMalformed, "line {line:n}: expected PIN"),
    any(Sign::SecretMalformed, "line {line:n}: malformed ID:"),
    any(
        Sign::ConfigUnreadable,
        "loading public key for {} from '{path}' failed",
    ),
];
