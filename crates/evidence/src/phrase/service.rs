//! What the programs say that install, start and confine an IKE daemon: systemd, package managers, containers, clusters.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

pub(super) static PHRASES: &[Phrase] = &[
    // OpenWrt's procd, in its own spelling.
    any(
        Sign::DaemonRestarts,
        "Instance ipsec::{:w} s in a crash loop {problem}",
    ),
    any(
        Sign::DaemonRestarts,
        "Instance swanctl::{:w} s in a crash loop {problem}",
    ),
    any(
        Sign::DaemonRestarts,
        "Instance strongswan::{:w} s in a crash loop {problem}",
    ),
    any(
        Sign::DaemonRestarts,
        "Instance libreswan::{:w} s in a crash loop {problem}",
    ),
    any(
        Sign::DaemonRestarts,
        "Instance xl2tpd::{:w} s in a crash loop {problem}",
    ),
    // nhrpd asks charon.
    any(
        Sign::DaemonNotRunning,
        "failure connecting VICI socket: No such file",
    ),
    any(
        Sign::DaemonNotRunning,
        "failure connecting VICI socket: Connection refused",
    ),
    // ── the `ipsec` command of strongSwan; without a starter there is nothing to stop at every first start ──
    any(
        Sign::DaemonNotRunning,
        "Reloading strongSwan IPsec failed: {problem}",
    ),
    any(
        Sign::DaemonNotRunning,
        "Updating strongSwan IPsec failed: {problem}",
    ),
    // A script in Python, of VyOS or another, that finds nobody.
    any(
        Sign::DaemonNotRunning,
        "sock.connect(\"/var/run/charon.vici\")",
    ),
    // ── systemd ──
    any(
        Sign::Denied,
        "Unable to locate executable '{path}': Permission denied",
    ),
    any(Sign::DaemonNotRunning, "ipsec.service is masked"),
    any(Sign::DaemonNotRunning, "strongswan.service is masked"),
    // The script that starts it isn't one that this shell understands.
    by(
        &["ipsec"],
        Sign::DaemonNotRunning,
        "syntax error: `{problem}",
    ),
    any(
        Sign::DaemonNotRunning,
        "strongswan-starter.service is masked",
    ),
    any(
        Sign::PluginMissing,
        "Unit strongswan-{plugin:w}.service not found",
    ),
    any(
        Sign::PluginMissing,
        "Unit strongswan-{plugin:w}.service could not be found",
    ),
    any(
        Sign::PluginMissing,
        "Unit libreswan.service could not be found",
    ),
    any(Sign::PluginMissing, "Unit openswan.service not found"),
    any(Sign::PluginMissing, "ipsec.service: Unit not found"),
    any(Sign::PluginMissing, "strongswan.service: Unit not found"),
    any(
        Sign::PluginMissing,
        "Unit ipsec.service failed to load: No such file",
    ),
    any(
        Sign::PluginMissing,
        "Unit strongswan.service failed to load: No such file",
    ),
    // ── package managers ──
    any(
        Sign::PluginMissing,
        "Unable to locate package strongswan{plugin:w}",
    ),
    any(Sign::PluginMissing, "Unable to locate package strongswan"),
    any(Sign::PluginMissing, "Unable to locate package libreswan"),
    any(Sign::PluginMissing, "Unable to locate package openswan"),
    any(Sign::PluginMissing, "Unable to locate package libcharon-"),
    any(Sign::PluginMissing, "Unable to locate package charon-"),
    any(
        Sign::PluginMissing,
        "Package 'openswan' has no installation candidate",
    ),
    any(
        Sign::PluginMissing,
        "Package openswan is not available, but is referred to",
    ),
    any(
        Sign::PluginMissing,
        "No package matching '{plugin:w}swan' found available",
    ),
    any(Sign::PluginMissing, "No package strongswan available"),
    any(Sign::PluginMissing, "No package libreswan available"),
    any(Sign::PluginMissing, "No package openswan available"),
    any(Sign::PluginMissing, "Unable to find a match: strongswan"),
    any(Sign::PluginMissing, "Unable to find a match: libreswan"),
    any(Sign::PluginMissing, "target not found: strongswan"),
    // ── containers and clusters ──
    any(
        Sign::PortInUse,
        "exposing port UDP {port:w}:500 -> {}address already in use",
    ),
    any(
        Sign::PortInUse,
        "exposing port UDP {port:w}:500 -> {}Only one usage of each socket address",
    ),
    any(
        Sign::PortInUse,
        "exposing port UDP {port:w}:4500 -> {}address already in use",
    ),
    any(
        Sign::PortInUse,
        "exposing port UDP {port:w}:4500 -> {}Only one usage of each socket address",
    ),
    any(
        Sign::Denied,
        "swan{}is forbidden: unable to validate against any {operation}: ",
    ),
    any(
        Sign::Denied,
        "ipsec{}is forbidden: unable to validate against any {operation}: ",
    ),
    any(
        Sign::Denied,
        "vpn{}is forbidden: unable to validate against any {operation}: ",
    ),
    any(
        Sign::Denied,
        "charon{}is forbidden: unable to validate against any {operation}: ",
    ),
    any(
        Sign::Denied,
        "submariner{}is forbidden: unable to validate against any {operation}: ",
    ),
    any(Sign::Denied, "forbidden sysctl: \"{path}\""),
    any(Sign::ModuleMissing, "Error: {what:w} VPS is not supported"),
    any(
        Sign::DaemonRestarts,
        "Back-off restarting failed container strongswan",
    ),
    any(
        Sign::DaemonRestarts,
        "Back-off restarting failed container libreswan",
    ),
    any(
        Sign::DaemonRestarts,
        "Back-off restarting failed container charon",
    ),
    any(
        Sign::DaemonRestarts,
        "Back-off restarting failed container ipsec",
    ),
    any(
        Sign::DaemonRestarts,
        "Back-off restarting failed container ovn-ipsec",
    ),
    any(
        Sign::DaemonRestarts,
        "Back-off restarting failed container submariner-gateway",
    ),
    // ── confinement of what stands around: L2TP, PPP, NetworkManager's plugins ──
    any(
        Sign::Denied,
        "apparmor=\"DENIED\" operation=\"{operation}\"{}name=\"{path}\"{}comm=\"xl2tpd\"",
    ),
    any(
        Sign::Denied,
        "apparmor=\"DENIED\" operation=\"{operation}\"{}name=\"{path}\"{}comm=\"pppd\"",
    ),
    any(
        Sign::Denied,
        "apparmor=\"DENIED\" operation=\"{operation}\"{}name=\"{path}\"{}comm=\"nm-l2tp",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}comm=\"xl2tpd\" {}name=\"{path}\"",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}scontext={}:l2tpd_t:",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}comm=\"pppd\" {}name=\"{path}\"",
    ),
    // ── Submariner ──
    any(Sign::DaemonNotRunning, "] Pluto exited: {problem}"),
    any(
        Sign::NetworksOverlap,
        "Skip processing the remote endpoint {}subnets are overlapping",
    ),
    any(Sign::NetworksOverlap, "overlaps with remote cluster"),
    // ── Open vSwitch ──
    any(
        Sign::PluginMissing,
        "ovs-monitor-ipsec | ERR | IKE daemon is not installed",
    ),
    any(
        Sign::ConfigValueInvalid,
        "ovs-monitor-ipsec | WARN | {value:w} contains invalid configuration",
    ),
    any(
        Sign::ConfigValueInvalid,
        "ovs-monitor-ipsec | WARN | The cert and key configuration is not valid",
    ),
    // ── Cilium ──
    any(
        Sign::SecretMalformed,
        "unable to setup encryption: missing IPSec key or invalid format",
    ),
    any(
        Sign::PskNotFound,
        "unable to setup encryption: open {}ipsec{}: no such file",
    ),
    any(
        Sign::ConfigValueInvalid,
        "invalid SPI: changing IPSec keys requires incrementing the key id",
    ),
    any(
        Sign::KernelSupportMissing,
        "\"IPsec enable failed\" error=\"{what}: function not implemented\"",
    ),
    any(
        Sign::PolicyInUse,
        "\"IPsec enable failed\" error=\"{}: file exists\"",
    ),
    // ── keepalived ──
    any(
        Sign::TransitionHookOld,
        "Disabling notify script {script:w} {problem}",
    ),
    by(
        &["Keepalived"],
        Sign::TransitionHookOld,
        "notify script {script:w} exited with {problem}",
    ),
];
