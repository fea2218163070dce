//! Sentences about what a configuration was rolled out with: plugins, packages, templates, hosts that were left out.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

pub(super) static PHRASES: &[Phrase] = &[
    // Plugins and packages.
    any(
        Sign::PluginMissing,
        "plugin '{plugin}' failed to load: {problem}",
    ),
    any(
        Sign::PluginMissing,
        "{thread:n}[LIB] plugin '{plugin}' failed to load: {problem}",
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
    any(
        Sign::FeatureMissing,
        "no {feature} registered, sending failed",
    ),
    any(
        Sign::FeatureMissing,
        "no {feature} registered, receiving failed",
    ),
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
    any(Sign::PluginMissing, "swanctl: not found"),
    any(Sign::PluginMissing, "/ipsec/starter: not found"),
    any(Sign::PluginMissing, "/ipsec/stroke: not found"),
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
    by(
        &["ipsec", "strongswan", "libreswan", "openswan"],
        Sign::PluginMissing,
        "unrecognized service",
    ),
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
