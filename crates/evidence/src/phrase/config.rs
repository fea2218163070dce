//! Sentences about configuration that isn't what its author thinks.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

pub(super) static PHRASES: &[Phrase] = &[
    // Parsers that name the file and the line: addconn of Libreswan and Openswan, starter and the settings of
    // strongSwan, iked of OpenBSD, racoon.
    any(
        Sign::ConfigSyntax,
        "cannot load config '{}': {path:w}:{line:n}: syntax error {problem}",
    ),
    any(
        Sign::ConfigSyntax,
        "{path:w}:{line:n}: syntax error{problem}",
    ),
    any(Sign::ConfigSyntax, "{path:w}:{line:n}: syntax error"),
    any(
        Sign::ConfigSyntax,
        "{path:w}:{line:n}: \"{problem}\" syntax error",
    ),
    any(
        Sign::ConfigSyntax,
        "syntax error at line {line:n} of {path:w}",
    ),
    any(Sign::ConfigSyntax, "parse error at line {line:n} of"),
    any(
        Sign::ConfigSyntax,
        "can not load config '{path}': {problem}",
    ),
    any(Sign::ConfigSyntax, "cannot load config '{path}': {problem}"),
    any(Sign::ConfigSyntax, "addconn, in config '{path}', {problem}"),
    any(
        Sign::ConfigSyntax,
        "failed to parse configuration file{path}",
    ),
    any(Sign::ConfigSyntax, "failed to parse configuration file"),
    any(Sign::ConfigSyntax, "fatal parse failure ({problem})"),
    any(Sign::ConfigSyntax, "failed to parse settings '{path}'"),
    any(Sign::ConfigSyntax, "invalid config file '{path}'"),
    any(
        Sign::ConfigSyntax,
        "unable to start strongSwan -- fatal errors in config",
    ),
    any(Sign::ConfigSyntax, "can't reload config file due to errors"),
    any(Sign::ConfigSyntax, "parsing error (1 fatal)"),
    any(Sign::ConfigSyntax, "parsing errors (1 fatal)"),
    any(Sign::ConfigSyntax, "parsing errors (2 fatal)"),
    any(Sign::ConfigSyntax, "parsing errors (3 fatal)"),
    any(Sign::ConfigSyntax, "parsing errors (4 fatal)"),
    any(
        Sign::ConfigSyntax,
        "section '{problem}' referenced in section '{}' not found",
    ),
    any(
        Sign::ConfigSyntax,
        "cannot find conn '{problem}' needed by conn '{}'",
    ),
    any(
        Sign::ConfigSyntax,
        "duplicate key '{problem}' in conn {} while processing def",
    ),
    any(
        Sign::ConfigSyntax,
        "Pluto ipsec.conf syntax [{problem} ERROR]",
    ),
    any(Sign::ConfigSyntax, "Pluto ipsec.conf syntax [FAILED]"),
    any(
        Sign::ConfigSyntax,
        "Pluto ipsec.secret syntax [PARSE ERROR]",
    ),
    any(
        Sign::ConfigSyntax,
        "setkey: line {line:n}: syntax error at {problem}",
    ),
    any(Sign::ConfigSyntax, "{path:w}: No rules found"),
    any(Sign::ConfigSyntax, "has wrong number of fields in line"),
    any(Sign::ConfigSyntax, "ipsecconf: {problem} on line {line:n}"),
    any(
        Sign::ConfigSyntax,
        "Error before or at line {line:n}: {problem}",
    ),
    any(Sign::ConfigSyntax, "Configuration file {path:w} has errors"),
    any(
        Sign::ConfigSyntax,
        "addconn --config {path:w} --checkconfig (code=exited, status=1",
    ),
    any(
        Sign::ConfigSyntax,
        "addconn --config {path:w} --checkconfig (code=exited, status=3",
    ),
    // Files that can't be read.
    any(
        Sign::ConfigUnreadable,
        "addconn: ERROR: could not open '{path}': {problem}",
    ),
    any(
        Sign::ConfigUnreadable,
        "loading config file '{path}' failed",
    ),
    any(Sign::ConfigUnreadable, "can't load file '{path}'"),
    any(
        Sign::ConfigUnreadable,
        "failed to open config file '{path}'",
    ),
    any(
        Sign::ConfigUnreadable,
        "opening secrets file '{path}' failed: {problem}",
    ),
    any(
        Sign::ConfigUnreadable,
        "ipsec.conf not found at compiled-in location '{path}'",
    ),
    any(
        Sign::ConfigUnreadable,
        "no secrets filename matched \"{path}\"",
    ),
    // Words that aren't known.
    any(
        Sign::ConfigKeywordUnknown,
        "{path:w}:{line:n}: unrecognized keyword '{keyword}'",
    ),
    any(
        Sign::ConfigKeywordUnknown,
        "unrecognized '{}' keyword '{keyword}'",
    ),
    any(
        Sign::ConfigKeywordUnknown,
        "warning: unknown keyword '{keyword}'",
    ),
    any(Sign::ConfigKeywordUnknown, "# unknown keyword '{keyword}'"),
    any(
        Sign::ConfigKeywordUnknown,
        "{path:w}:{line:n}: unknown keyword '{keyword}'",
    ),
    any(
        Sign::ConfigKeywordUnknown,
        "keyword '{keyword}' is not valid in a conn",
    ),
    any(
        Sign::ConfigKeywordUnknown,
        "unknown option: {keyword}, config discarded",
    ),
    any(Sign::ConfigKeywordUnknown, "unknown option: {keyword:w},"),
    // Values that aren't allowed.
    any(
        Sign::ConfigValueInvalid,
        "invalid value for: {keyword}, config discarded",
    ),
    any(
        Sign::ConfigValueInvalid,
        "{path:w}: {line:n}: keyword {keyword:w}, invalid value: {value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "keyword {keyword:w}, invalid value: {value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "keyword {keyword:w} accepts only one value, not {value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "bad duration value {keyword:w}={value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "bad percent value {keyword:w}={value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "# bad {} value: {keyword:w}={value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "bad argument value in conn '{value}'",
    ),
    any(
        Sign::ConfigValueInvalid,
        "bad argument value in config setup",
    ),
    any(
        Sign::ConfigValueInvalid,
        "bad value for {keyword:w}={value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "valid keyword, but value is not a number",
    ),
    any(
        Sign::ConfigValueInvalid,
        "skipped invalid proposal string: {value}",
    ),
    any(
        Sign::ConfigValueInvalid,
        "ignored invalid subnet token: {value}",
    ),
    any(Sign::ConfigValueInvalid, "invalid subnet: {value}, skipped"),
    any(
        Sign::ConfigValueInvalid,
        "a DH group is mandatory in IKE proposals",
    ),
    any(
        Sign::ConfigValueInvalid,
        "a key exchange method is mandatory in IKE proposals",
    ),
    any(
        Sign::ConfigValueInvalid,
        "an encryption algorithm is mandatory in IKE proposals",
    ),
    any(
        Sign::ConfigValueInvalid,
        "a PRF algorithm is mandatory in IKE proposals",
    ),
    any(
        Sign::ConfigValueInvalid,
        "classic and combined-mode (AEAD) encryption algorithms can't be contained in the same IKE proposal",
    ),
    any(
        Sign::ConfigValueInvalid,
        "connection authby= value is unknown",
    ),
    any(
        Sign::ConfigValueInvalid,
        "IKE proposal contains unexpected '{value}'",
    ),
    any(
        Sign::ConfigValueInvalid,
        "ESP proposal contains unexpected '{value}'",
    ),
    any(
        Sign::ConfigValueInvalid,
        "Encryption Algorithm (cipher) '{value}' is not recognized",
    ),
    any(
        Sign::ConfigValueInvalid,
        "Integrity Algorithm '{value}' is not recognized",
    ),
    any(
        Sign::ConfigValueInvalid,
        "Pseudorandom Function (KDF) '{value}' is not recognized",
    ),
    any(
        Sign::ConfigValueInvalid,
        "Pseudorandom Function (PRF) '{value}' is not recognized",
    ),
    any(
        Sign::ConfigValueInvalid,
        "Key Exchange Method (DH) '{value}' is not recognized",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "Encryption Algorithm (cipher) '{algorithm}' is not supported",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "Integrity Algorithm '{algorithm}' is not supported",
    ),
    any(
        Sign::AlgorithmUnavailable,
        "Key Exchange Method (DH) '{algorithm}' is not supported",
    ),
    any(
        Sign::ConfigValueInvalid,
        "with key length {value:n} invalid; valid key lengths:",
    ),
    any(
        Sign::ConfigValueInvalid,
        "cannot have '{value}' as the integrity algorithm",
    ),
    any(
        Sign::ConfigValueInvalid,
        "proposal missing encrypt transform",
    ),
    any(
        Sign::ConfigValueInvalid,
        "proposals do not support multiple transforms of the same type",
    ),
    any(
        Sign::ConfigValueInvalid,
        "either all or no ESP proposals should specify",
    ),
    // Connections that are refused when they are loaded.
    any(
        Sign::ConnectionRejected,
        "loading connection '{name}' failed: {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "\"{name}\": failed to add connection: {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "failed to add connection: {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "loading pool '{name}' failed: {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "loading authority '{name}' failed: {problem}",
    ),
    any(Sign::ConnectionRejected, "connections, 1 failed to load"),
    any(Sign::ConnectionRejected, "connections, 2 failed to load"),
    any(Sign::ConnectionRejected, "connections, 3 failed to load"),
    any(
        Sign::ConnectionRejected,
        "ignored conn '{name}' due to {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "Failed to add connection \"{name}\"{:w} {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "Failed to load connection \"{name}\"{:w} {problem}",
    ),
    // Of parts that can't go together: pluto since version 3, starter.
    any(
        Sign::ConnectionRejected,
        "loading secret '{name}' failed: {problem}",
    ),
    any(Sign::ConnectionRejected, "pools, {:n} failed to load"),
    any(Sign::ConnectionRejected, "authorities, {:n} failed to load"),
    any(
        Sign::ConnectionRejected,
        "ignored ca '{name}' due to {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "can't have both 'ah' and 'esp' options",
    ),
    any(
        Sign::ConnectionRejected,
        "cannot have both {}firewall and {}updown",
    ),
    any(
        Sign::ConnectionRejected,
        "ID cannot be specified as %fromcert if PSK or AUTH-NULL is used",
    ),
    any(
        Sign::ConnectionRejected,
        "IKEv1 does not support Labeled IPsec",
    ),
    any(
        Sign::ConnectionRejected,
        "cannot specify aggressive mode with IKEv2",
    ),
    any(
        Sign::ConnectionRejected,
        "cannot specify aggressive mode without ike= to set algorithm",
    ),
    any(
        Sign::ConnectionRejected,
        "can not specify aggressive mode without ike= to set algorithm",
    ),
    any(
        Sign::ConnectionRejected,
        "cannot have protoports with wildcard (%any) ports on both sides",
    ),
    any(
        Sign::ConnectionRejected,
        "cannot mix PSK and NULL authentication (",
    ),
    any(
        Sign::ConnectionRejected,
        "cannot specify both {}addresspool= and {}subnet",
    ),
    any(
        Sign::ConnectionRejected,
        "cannot specify both ms-dh-downgrade=yes and pfs-rekey-workaround=yes",
    ),
    any(
        Sign::ConnectionRejected,
        "connection missing --host after --to",
    ),
    any(
        Sign::ConnectionRejected,
        "connection missing --host before --to",
    ),
    any(
        Sign::ConnectionRejected,
        "connection with encap_proto=ah cannot specify tfc=",
    ),
    any(
        Sign::ConnectionRejected,
        "connection with type=transport cannot specify tfc=",
    ),
    any(
        Sign::ConnectionRejected,
        "dpddelay specified, but dpdtimeout is zero, both should be specified",
    ),
    any(
        Sign::ConnectionRejected,
        "dpdtimeout specified, but dpddelay is zero, both should be specified",
    ),
    any(
        Sign::ConnectionRejected,
        "address family {} conflicts with {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "hosts cannot both be 0.0.0.0 or 0::0",
    ),
    any(
        Sign::ConnectionRejected,
        "shunt connection must have shunt policy (eg --pass, --drop or --reject)",
    ),
    any(
        Sign::ConnectionRejected,
        "connection cannot specify --ikev2 and --aggressive",
    ),
    any(
        Sign::ConnectionRejected,
        "connection cannot specify --ecdsa and --ikev1-allow",
    ),
    any(
        Sign::ConnectionRejected,
        "connection cannot specify --ikev1-allow and --ecdsa-sha2 or --rsa-sha2",
    ),
    any(
        Sign::ConnectionRejected,
        "nic-offload=packet cannot specify encapsulation=yes",
    ),
    any(
        Sign::ConnectionRejected,
        "more than one IKEv1 {} algorithm ({problem}) is not allowed in quick mode",
    ),
    any(
        Sign::ConnectionRejected,
        "does not support {}subnet= with multiple selectors without cisco-split=yes",
    ),
    any(
        Sign::ConnectionRejected,
        "never-negotiate connection cannot have authby=",
    ),
    any(Sign::ConfigValueInvalid, "# bad port: {keyword:w}={value}"),
    any(
        Sign::ConfigValueInvalid,
        "# bad protocol: {keyword:w}={value}",
    ),
    any(Sign::ConfigValueInvalid, "# bad value: {keyword:w}={value}"),
    any(
        Sign::ConfigValueInvalid,
        "bad argument value in ca '{value}'",
    ),
    any(
        Sign::ConfigValueInvalid,
        "{keyword:w}addresspool={value} invalid,",
    ),
    any(
        Sign::ConfigValueInvalid,
        "{keyword:w}sourceip={value} invalid,",
    ),
    any(
        Sign::ConfigValueInvalid,
        "{keyword:w}protoport={value} invalid,",
    ),
    any(Sign::ConfigValueInvalid, "sourceip={value} invalid, {}"),
    any(
        Sign::ConfigValueInvalid,
        "IKE DH algorithm 'none' not permitted",
    ),
    any(
        Sign::ConfigValueInvalid,
        "IKE Key Exchange algorithm 'NONE' not permitted",
    ),
    any(
        Sign::ConfigValueInvalid,
        "authby=ecdsa cannot use sha1, only sha2",
    ),
    any(
        Sign::ConfigValueInvalid,
        "additional {keyword:w} in authby={value} is not supported by IKEv1",
    ),
    any(
        Sign::ConfigValueInvalid,
        "virtual {}subnet={value} invalid, missing \"vhost:\" or \"vnet:\"",
    ),
    any(
        Sign::ConfigValueInvalid,
        "wrong encryption key length - key size must be 128 (default), 192 or 256",
    ),
    any(Sign::ConfigValueInvalid, "ipsec-interface={value} invalid:"),
    any(
        Sign::ConfigKeywordUnknown,
        "unsupported keyword '{keyword}' in conn '{}'",
    ),
    any(
        Sign::ConfigKeywordUnknown,
        "unsupported keyword '{keyword}' in ca '{}'",
    ),
    any(
        Sign::ConfigKeywordUnknown,
        "unsupported keyword '{keyword}' in config setup",
    ),
    any(
        Sign::ConfigKeywordUnknown,
        "ignoring unsupported secret '{keyword}'",
    ),
    any(
        Sign::ConnectionRejected,
        "attempt to load incomplete connection",
    ),
    any(
        Sign::ConnectionRejected,
        "conn {name:w} did not load properly",
    ),
    any(
        Sign::ConnectionRejected,
        "while loading '{name}': {problem}",
    ),
    any(
        Sign::ConnectionRejected,
        "WARNING: connection {name:w} marked as INVALID_CONFIG",
    ),
    any(
        Sign::ConnectionRejected,
        "This new crypto map will remain disabled until {problem}",
    ),
    any(Sign::ConnectionRejected, "crypto map {name} is incomplete"),
    // The same thing twice.
    any(
        Sign::ConnectionDuplicate,
        "attempt to redefine connection \"{name}\"",
    ),
    any(
        Sign::ConnectionDuplicate,
        "not establishing CHILD_SA {name:w} due to existing duplicate {other}",
    ),
    any(
        Sign::ConnectionDuplicate,
        "CHILD_SA '{name}' is already being routed",
    ),
    any(
        Sign::ConnectionDuplicate,
        "duplicate {other} with SPIs {} and TS {name}",
    ),
    any(Sign::ConnectionDuplicate, "duplicate conn name '{name}'"),
    // Vyatta and VyOS.
    by(
        &["vyatta", "vyos", "vbash", "cli-shell-api"],
        Sign::CommandNotTaken,
        "Invalid command: [{command}]",
    ),
    any(
        Sign::CommandNotTaken,
        "Configuration path: [{command}] is not valid",
    ),
    any(
        Sign::CommandNotTaken,
        "Configuration path: {command} is not valid",
    ),
    any(
        Sign::CommandNotTaken,
        "Configuration path [{command}] is not valid",
    ),
    any(
        Sign::CommandNotTaken,
        "Configuration path: [{command}] isn't valid",
    ),
    any(
        Sign::CommandNotTaken,
        "% Invalid input detected at '^' marker",
    ),
    any(Sign::CommandNotTaken, "% Incomplete command"),
    any(Sign::CommandNotTaken, "% Ambiguous command: \"{command}\""),
    any(
        Sign::CommandNotTaken,
        "command parse error before '{command}'",
    ),
    any(Sign::CommandNotTaken, "Command fail. Return code {:n}"),
    any(Sign::CommandNotTaken, "bad command name {command:w} (line"),
    any(Sign::CommandNotTaken, "expected end of command (line"),
    any(Sign::ConnectionRejected, "VPN configuration error{problem}"),
    any(Sign::ConnectionRejected, "VPN commit error{problem}"),
    any(Sign::ConnectionRejected, "[[vpn]] failed"),
    any(Sign::ConnectionRejected, "[[vpn ipsec]] failed"),
    any(Sign::ConnectionRejected, "[ vpn ipsec ] {problem}"),
    any(
        Sign::ConnectionRejected,
        "error: configuration check-out failed",
    ),
    // Plugins and packages.
    any(
        Sign::PluginMissing,
        "plugin '{plugin}' failed to load: {problem}",
    ),
    any(
        Sign::PluginMissing,
        "plugin '{plugin}': failed to load - {problem}",
    ),
    any(Sign::PluginMissing, "could not bind XML socket: {problem}"),
    any(
        Sign::PluginMissing,
        "could not listen on XML socket: {problem}",
    ),
    any(
        Sign::PluginMissing,
        "changing XML socket permissions failed: {problem}",
    ),
    any(
        Sign::FeatureMissing,
        "loading critical plugin '{feature}' failed",
    ),
    any(
        Sign::FeatureMissing,
        "feature {feature} in critical plugin '{}' has unmet dependency: {needs}",
    ),
    any(
        Sign::FeatureMissing,
        "feature {feature} in critical plugin '{}' failed to load",
    ),
    any(
        Sign::FeatureMissing,
        "failed to load {:n} critical plugin feature",
    ),
    any(Sign::FeatureMissing, "no socket implementation registered"),
    any(Sign::FeatureMissing, "socket implementation {needs} failed"),
    any(Sign::FeatureNotLoaded, "no capable {feature:w} found"),
    any(Sign::FeatureNotLoaded, "loading {feature:w} method failed"),
    any(
        Sign::FeatureNotLoaded,
        "loading vendor specific EAP method {feature:w} failed",
    ),
    any(
        Sign::FeatureNotLoaded,
        "no XAuth method found for '{feature}'",
    ),
    any(
        Sign::FeatureNotLoaded,
        "creating EAP-GTC XAuth backend '{feature}' failed",
    ),
    any(
        Sign::FeatureNotLoaded,
        "building {feature} failed, tried 0 builders",
    ),
    any(
        Sign::FeatureNotLoaded,
        "no nonce generator found to create nonce",
    ),
    any(
        Sign::FeatureNotLoaded,
        "no RNG found, unable to create IKE_SA",
    ),
    any(
        Sign::FeatureNotLoaded,
        "creating cookie hasher failed, no hashers supported",
    ),
    any(
        Sign::FeatureNotLoaded,
        "no hasher available to build {feature}",
    ),
    any(
        Sign::FeatureNotLoaded,
        "EAP-{feature} failed, {} not supported",
    ),
    any(
        Sign::FeatureNotLoaded,
        "EAP-MS-CHAPv2 failed, no {feature} available",
    ),
    any(Sign::PluginMissing, "unknown VPN plugin \"{plugin}\""),
    any(
        Sign::PluginMissing,
        "The VPN service provider '{plugin}' was not",
    ),
    any(
        Sign::PluginMissing,
        "VPN plugin '{plugin}' was not installed",
    ),
    any(
        Sign::PluginMissing,
        "The '{plugin}' plugin was not installed",
    ),
    any(Sign::PluginMissing, "Could not find {plugin} binary"),
    any(Sign::PluginMissing, "ipsec: command not found"),
    any(Sign::PluginMissing, "ipsec: not found"),
    any(Sign::PluginMissing, "IKE daemon '{plugin}' not found"),
    any(
        Sign::PluginMissing,
        "pluto: error while loading shared libraries: {problem}",
    ),
    any(
        Sign::PluginMissing,
        "Could not find the required binaries: {plugin}",
    ),
    any(
        Sign::PluginMissing,
        "exec: \"ipsec\": executable file not found",
    ),
    any(
        Sign::PluginMissing,
        "exec: \"swanctl\": executable file not found",
    ),
    any(
        Sign::ConnectionRejected,
        "{problem} on site-to-site peer {name:w}",
    ),
    any(
        Sign::PluginMissing,
        "Failed at step EXEC spawning {plugin:w}: No such file",
    ),
    any(
        Sign::PluginMissing,
        "error while loading shared libraries: {problem}",
    ),
    any(Sign::PluginMissing, "symbol lookup error: {problem}"),
    any(
        Sign::PluginMissing,
        "opening PKCS#11 library failed: {problem}",
    ),
    any(
        Sign::FeatureNotLoaded,
        "engine '{feature}' is not available",
    ),
    any(Sign::PluginMissing, "swanctl: command not found"),
    any(
        Sign::PluginMissing,
        "Version check and ipsec on-path [FAILED]",
    ),
    any(Sign::PluginMissing, "strongswan: command not found"),
    any(Sign::PluginMissing, "Unit strongswan.service not found"),
    any(
        Sign::PluginMissing,
        "Unit strongswan.service could not be found",
    ),
    any(Sign::PluginMissing, "Unit ipsec.service not found"),
    any(Sign::PluginMissing, "Unit ipsec.service could not be found"),
    any(Sign::PluginMissing, "Unit libreswan.service not found"),
    any(Sign::PluginMissing, "ipsec: unrecognized service"),
    any(
        Sign::PluginMissing,
        "charon: error while loading shared libraries: {problem}",
    ),
    any(
        Sign::PluginMissing,
        "swanctl: error while loading shared libraries: {problem}",
    ),
    any(Sign::FeatureNotLoaded, "no XAuth method found"),
    // Deployments.
    any(
        Sign::TemplateBroken,
        "Error filling in template '{path}' ({problem})",
    ),
    any(Sign::TemplateBroken, "Error filling in template"),
    any(Sign::TemplateBroken, "undefined method `{problem}' for"),
    any(
        Sign::TemplateBroken,
        "template error while templating string: {problem}",
    ),
    any(Sign::TemplateBroken, "AnsibleUndefinedVariable: {problem}"),
    any(
        Sign::TemplateBroken,
        "The task includes an option with an undefined variable{problem}",
    ),
    any(Sign::TemplateBroken, "jinja2.exceptions.{problem}"),
    any(
        Sign::TemplateBroken,
        "mapping values are not allowed {problem}",
    ),
    any(Sign::TemplateBroken, "yaml: line {line:n}: {problem}"),
    any(
        Sign::TemplateBroken,
        "error converting YAML to JSON: {problem}",
    ),
    any(
        Sign::TemplateBroken,
        "Syntax Error while loading YAML{problem}",
    ),
    // Traffic beside the tunnel.
    any(
        Sign::ClearTrafficArrived,
        "Received a non-IPSec packet ({}) from {source:w} to {destination:w}",
    ),
    any(Sign::ClearTrafficArrived, "Received a non-IPSec packet"),
    any(
        Sign::ClearTrafficArrived,
        "RECVD_PKT_NOT_IPSEC: Rec'd packet not an IPSEC packet{}dest_addr= {destination:w} src_addr= {source:w}",
    ),
    any(
        Sign::ClearTrafficArrived,
        "Rec'd packet not an IPSEC packet",
    ),
    any(Sign::ClearTrafficArrived, "RECVD_PKT_NOT_IPSEC"),
    any(
        Sign::ClearTrafficArrived,
        "communication is not encrypted between",
    ),
    any(
        Sign::HostLeftOut,
        "IPsec BOSH job is not running on either VM",
    ),
    any(
        Sign::HostLeftOut,
        "Dropping the datagram because the incoming packet is not secure",
    ),
    any(
        Sign::HostLeftOut,
        "Policy Failure for the incoming packet (not secure)",
    ),
    any(Sign::HostLeftOut, "subnet configuration is incorrect"),
    any(Sign::ClearOnFailure, "failureshunt: PASS"),
    any(Sign::ClearOnFailure, "failureshunt=passthrough"),
    any(Sign::ClearOnFailure, "+failurePASS"),
    any(Sign::ClearOnFailure, "%pass bare shunt {name}"),
    any(Sign::ClearOnFailure, "=> %pass {:n} oe-failing"),
    any(Sign::ClearOnFailure, "=> %pass oe-failing"),
    any(
        Sign::TestSettingOn,
        "Testing port for debugging IPSec connections {what}",
    ),
    any(Sign::TestSettingOn, "IMPAIR: {what}"),
    any(Sign::DefaultOverridden, "p2_pfs=true (group {setting:n})"),
    any(Sign::DefaultOverridden, "p2_pfs {setting:n}"),
    any(Sign::VendorDiffers, "vendor incompatibilities{what}"),
    any(Sign::VendorDiffers, "vendor incompatibility"),
];
