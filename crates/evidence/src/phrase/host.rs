//! Sentences about the host that the daemon runs on.

use std::collections::BTreeMap;

use adit_model::sign::Sign;

use super::{Phrase, any, by};

/// Programs whose sockets are those of IKE.
const IKE: &[&str] = &[
    "charon",
    "pluto",
    "racoon",
    "iked",
    "isakmpd",
    "ipsec",
    "strongswan",
];

/// Whether what was denied changes nothing: in permissive mode it is only reported.
pub(super) fn is_harmless(line: &str) -> bool {
    line.contains("permissive=1")
        || line
            .split_once("SELinux is preventing ")
            .is_some_and(|(_, rest)| !is_of_tunnels(rest))
}

/// Whether a denial that names its program is of one that tunnels need, or of their files.
fn is_of_tunnels(rest: &str) -> bool {
    const PARTS: [&str; 11] = [
        "ipsec", "swan", "charon", "pluto", "racoon", "iked", "updown", "vpn", "whack", "addconn",
        "xl2tpd",
    ];
    let rest = rest.to_ascii_lowercase();
    let tool = rest
        .split(' ')
        .next()
        .and_then(|path| path.rsplit('/').next())
        .is_some_and(|name| matches!(name, "ip" | "certutil" | "pppd" | "sysctl"));
    tool || PARTS.iter().any(|part| rest.contains(part))
}

/// Whether it is a log that may not be written, by the path that was heard or by a field of an audit record: a daemon does
/// the same without it.
pub(super) fn is_of_a_log(values: &BTreeMap<String, String>, body: &str) -> bool {
    let log = |path: &str| {
        let path = path.trim_matches('"');
        path.ends_with(".log") || path.starts_with("/var/log/")
    };
    let record = body.contains("denied") || body.contains("DENIED");
    let prevented = body
        .split_once("SELinux is preventing ")
        .and_then(|(_, rest)| rest.split_once(" on the file "))
        .and_then(|(_, rest)| rest.split(' ').next());
    body.contains(" for logging failed")
        || values.get("path").is_some_and(|path| log(path))
        || prevented.is_some_and(|path| log(path.trim_end_matches('.')))
        || record
            && body.split(' ').any(|field| {
                let path = field
                    .strip_prefix("path=")
                    .or_else(|| field.strip_prefix("name="));
                path.is_some_and(log)
            })
}

/// Whether it is a daemon of tunnels, or a file of theirs, for which a disk has no room.
pub(super) fn writes_for_tunnels(program: Option<&str>, body: &str) -> bool {
    program.is_some_and(super::crash::is_ours) || super::crash::names_ours(body)
}

/// Whether it is L2TP's daemon that speaks, also in NetworkManager's name.
pub(super) fn is_of_l2tp(line: &str, program: Option<&str>) -> bool {
    program.is_some_and(|p| p.starts_with("xl2tpd") || p.starts_with("l2tpd"))
        || line.starts_with("xl2tpd[")
        || line.contains("init_network: ")
}

const CHARON: &[&str] = &["charon", "ipsec", "strongswan"];

pub(super) static PHRASES: &[Phrase] = &[
    // Ports.
    any(
        Sign::PortInUse,
        "unable to bind socket: Address already in use",
    ),
    any(Sign::PortInUse, "unable to bind socket: 10048"),
    any(
        Sign::PortInUse,
        "calling bind({port}): Address already in use",
    ),
    any(Sign::PortInUse, "bind() failed in {}Address already in use"),
    any(
        Sign::PortInUse,
        "bind() for {port} in {}Address already in use",
    ),
    any(
        Sign::PortInUse,
        "bind {:w} endpoint {port:w} failed{}Address already in use",
    ),
    any(
        Sign::PortInUse,
        "bind({port}) failed in {}Address already in use",
    ),
    any(
        Sign::PortInUse,
        "failed to bind to address {port} (Address already in use)",
    ),
    any(Sign::PortInUse, "failed to bind (Address already in use)"),
    any(
        Sign::PortInUse,
        "{port:w}:500: bind: address already in use",
    ),
    any(
        Sign::PortInUse,
        "{port:w}:4500: bind: address already in use",
    ),
    any(
        Sign::PortInUse,
        "Bind for {port:w}:500 failed: port is already allocated",
    ),
    any(
        Sign::PortInUse,
        "Bind for {port:w}:4500 failed: port is already allocated",
    ),
    any(
        Sign::PortInUse,
        "cannot listen to the UDP port {port:n}: {} already in use",
    ),
    by(IKE, Sign::PortInUse, "bind: Address already in use"),
    by(IKE, Sign::PortInUse, "udp_bind: {} Address already in use"),
    any(Sign::SocketsMissing, "could not create any sockets"),
    any(
        Sign::NotListening,
        "Pluto listening for IKE on udp 500 [FAILED]",
    ),
    // Rights: what a container wasn't given.
    any(
        Sign::Denied,
        "netlink response for {operation} included errno 1: Operation not permitted",
    ),
    // Rights: mandatory access control.
    any(
        Sign::Denied,
        "apparmor=\"DENIED\" operation=\"{operation}\"{}name=\"{path}\"{}comm=\"charon",
    ),
    any(
        Sign::Denied,
        "apparmor=\"DENIED\" operation=\"{operation}\"{}comm=\"charon",
    ),
    any(
        Sign::Denied,
        "apparmor=\"DENIED\" operation=\"{operation}\"{}name=\"{path}\"{}comm=\"swanctl\"",
    ),
    any(
        Sign::Denied,
        "apparmor=\"DENIED\" operation=\"{operation}\"{}comm=\"swanctl\"",
    ),
    any(
        Sign::Denied,
        "apparmor=\"DENIED\" operation=\"{operation}\"{}name=\"{path}\"{}comm=\"stroke\"",
    ),
    any(
        Sign::Denied,
        "apparmor=\"DENIED\" operation=\"{operation}\"{}comm=\"stroke\"",
    ),
    any(
        Sign::Denied,
        "apparmor=\"DENIED\" operation=\"{operation}\"{}name=\"{path}\"{}comm=\"starter\"",
    ),
    any(
        Sign::Denied,
        "apparmor=\"DENIED\" operation=\"{operation}\"{}name=\"{path}\"{}comm=\"pluto\"",
    ),
    any(
        Sign::Denied,
        "apparmor=\"DENIED\" operation=\"{operation}\"{}comm=\"pluto\"",
    ),
    any(
        Sign::Denied,
        "apparmor=\"DENIED\" operation=\"{operation}\"{}name=\"{path}\"{}comm=\"racoon\"",
    ),
    any(
        Sign::Denied,
        "apparmor=\"DENIED\" operation=\"{operation}\"{}profile=\"/usr/lib/ipsec/",
    ),
    any(
        Sign::Denied,
        "apparmor=\"DENIED\" operation=\"{operation}\"{}profile=\"/usr/sbin/charon",
    ),
    any(
        Sign::Denied,
        "apparmor=\"DENIED\" operation=\"{operation}\"{}profile=\"/usr/sbin/swanctl\"",
    ),
    any(
        Sign::Denied,
        "apparmor=\"DENIED\" operation=\"{operation}\"{}profile=\"/usr/{}/ipsec/pluto\"",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}comm=\"pluto\" {}name=\"{path}\"",
    ),
    any(
        Sign::Denied,
        "is not allowed to own the service \"{path}\" due to security policies",
    ),
    any(Sign::Denied, "avc: denied {operation} for {}comm=\"pluto\""),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}comm=\"charon{}name=\"{path}\"",
    ),
    any(Sign::Denied, "avc: denied {operation} for {}comm=\"charon"),
    // As `ausearch -i` prints it.
    any(
        Sign::Denied,
        "avc: denied {operation} for {}comm=pluto name={path:w} ",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}comm=pluto path={path:w} ",
    ),
    any(Sign::Denied, "avc: denied {operation} for {}comm=pluto "),
    any(Sign::Denied, "avc: denied {operation} for {}comm=charon"),
    any(Sign::Denied, "avc: denied {operation} for {}comm=swanctl "),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}scontext={}:ipsec_mgmt_t:",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}comm=\"addconn\"",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}comm=\"starter\"",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}comm=\"swanctl\"",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}comm=\"racoon\"",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}scontext={}:ipsec_t:",
    ),
    // Who starts or sets the daemon up for others (a controller, a desktop) may not touch its files.
    any(
        Sign::Denied,
        "avc: denied {operation} for {}path=\"{path}\" {}tcontext={}:ipsec_mgmt_exec_t:",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}name=\"{path}\" {}tcontext={}:ipsec_mgmt_exec_t:",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}path=\"{path}\" {}tcontext={}:ipsec_exec_t:",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}name=\"{path}\" {}tcontext={}:ipsec_exec_t:",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}path=\"{path}\" {}tcontext={}:ipsec_key_file_t:",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}name=\"{path}\" {}tcontext={}:ipsec_key_file_t:",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}path=\"{path}\" {}tcontext={}:ipsec_conf_file_t:",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}name=\"{path}\" {}tcontext={}:ipsec_conf_file_t:",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}path=\"{path}\" {}tcontext={}:ipsec_var_run_t:",
    ),
    any(
        Sign::Denied,
        "avc: denied {operation} for {}name=\"{path}\" {}tcontext={}:ipsec_var_run_t:",
    ),
    // Programs that the daemon runs inherit its log.
    any(
        Sign::Denied,
        "avc: denied {operation} for {}path={path:w} {}tcontext={}:ipsec_log_t:",
    ),
    any(
        Sign::Denied,
        "SELinux is preventing {path:w} from {operation} access",
    ),
    // Rights: capabilities, users, files.
    any(
        Sign::Denied,
        "{path:w} plugin requires {operation:w} capability",
    ),
    any(
        Sign::Denied,
        "{path:w} plugin might require {operation:w} capability",
    ),
    any(
        Sign::Denied,
        "{path:w} requires {operation:w} capability to",
    ),
    any(Sign::Denied, "unable to bind socket: Permission denied"),
    any(
        Sign::Denied,
        "could not open socket: Operation not permitted",
    ),
    any(Sign::Denied, "could not open socket: Permission denied"),
    any(
        Sign::Denied,
        "unable to create netlink socket: Permission denied",
    ),
    any(
        Sign::Denied,
        "unable to create netlink socket: Operation not permitted",
    ),
    any(
        Sign::Denied,
        "unable to create netlink event socket: Permission denied",
    ),
    any(
        Sign::Denied,
        "unable to bind {operation} event socket: Operation not permitted",
    ),
    any(
        Sign::Denied,
        "failed to open /dev/net/tun: Operation not permitted",
    ),
    any(
        Sign::Denied,
        "failed to open /dev/net/tun: Permission denied",
    ),
    any(Sign::Denied, "capability dropping failed"),
    any(Sign::Denied, "change to unprivileged {operation} failed"),
    any(Sign::Denied, "dropping capabilities failed: {operation}"),
    any(
        Sign::Denied,
        "cannot change ownership of socket '{path}' without {operation:w} capability",
    ),
    any(Sign::Denied, "permission denied (must be superuser)"),
    any(
        Sign::Denied,
        "opening secrets file '{path}' failed: Permission denied",
    ),
    any(
        Sign::Denied,
        "failed to open config file '{path}': Permission denied",
    ),
    any(Sign::Denied, "could not open '{path}': Permission denied"),
    any(
        Sign::Denied,
        "\"{path}\" failed: Permission denied (errno 13)",
    ),
    any(Sign::Denied, "unable to create lock file \"{path}\" (13"),
    any(
        Sign::Denied,
        "unable to create lock file \"{path}\": Permission denied",
    ),
    any(Sign::Denied, "RTNETLINK answers: Operation not permitted"),
    any(Sign::Denied, "sysctl: permission denied on key {path:w}"),
    any(
        Sign::Denied,
        "Can't open socket to ipset{operation}: Operation not permitted",
    ),
    any(
        Sign::Denied,
        "can't initialize iptables table `{path}': Permission denied",
    ),
    any(
        Sign::Denied,
        "libcap-ng capng_apply failed to apply changes, {operation}",
    ),
    any(
        Sign::Denied,
        "Could not fetch rule set generation id: Permission denied",
    ),
    any(Sign::Denied, "Racoon must be run as root"),
    any(Sign::Denied, "Permission denied (you must be root)"),
    by(IKE, Sign::Denied, "{operation} failed: Permission denied"),
    // systemd gives up before the daemon's first instruction.
    any(Sign::Denied, "Failed at step NAMESPACE spawning {path:w}"),
    any(
        Sign::Denied,
        "Failed at step CAPABILITIES spawning {path:w}",
    ),
    any(Sign::Denied, "Failed at step APPARMOR spawning {path:w}"),
    any(Sign::Denied, "Failed at step SECCOMP spawning {path:w}"),
    // SIGSYS: a filter of system calls ended the script.
    any(Sign::Denied, "{operation:w} command exited with signal 31"),
    any(Sign::Denied, "Failed at step USER spawning {path:w}"),
    any(
        Sign::Denied,
        "Failed to set up mount namespacing: {operation}",
    ),
    // Tables and disks.
    any(
        Sign::ConntrackFull,
        "nf_conntrack: table full, dropping packet",
    ),
    any(
        Sign::ConntrackFull,
        "ip_conntrack: table full, dropping packet",
    ),
    any(Sign::ConntrackFull, "conntrack: table full"),
    any(
        Sign::DiskFull,
        "writing crl file '{path}' failed: No space left on device",
    ),
    any(Sign::DiskFull, "{path:w}: No space left on device"),
    any(Sign::DiskFull, "No space left on device"),
    any(Sign::DiskFull, "Disk quota exceeded"),
    // Scripts that are run for a tunnel.
    any(
        Sign::UpdownFailed,
        "nm-libreswan-helper{}Could not call the plugin: {problem}",
    ),
    any(Sign::UpdownFailed, "error reading from updown script"),
    any(
        Sign::UpdownFailed,
        "error reading output from updown script",
    ),
    any(
        Sign::UpdownFailed,
        "could not execute updown script '{command}'",
    ),
    any(Sign::UpdownFailed, "updown: {command}: command not found"),
    any(Sign::UpdownFailed, "updown: {command}: not found"),
    any(
        Sign::UpdownFailed,
        "updown: {command}: No such file or directory",
    ),
    any(Sign::UpdownFailed, "updown: {command}: Permission denied"),
    any(Sign::UpdownFailed, "updown: iptables{problem}"),
    any(Sign::UpdownFailed, "updown: ip6tables{problem}"),
    any(Sign::UpdownFailed, "updown: RTNETLINK answers: {problem}"),
    any(
        Sign::UpdownFailed,
        "updown: Another app is currently holding the xtables lock{problem}",
    ),
    any(Sign::UpdownFailed, "updown: Error: {problem}"),
    any(
        Sign::UpdownFailed,
        "updown: Cannot find device \"{problem}\"",
    ),
    any(
        Sign::UpdownFailed,
        "{command:w}-client command exited with status {problem:n}",
    ),
    any(
        Sign::UpdownFailed,
        "{command:w}-host command exited with status {problem:n}",
    ),
    any(
        Sign::UpdownFailed,
        "{command:w}-client-v6 command exited with status {problem:n}",
    ),
    any(
        Sign::UpdownFailed,
        "{command:w}-host-v6 command exited with status {problem:n}",
    ),
    any(
        Sign::UpdownFailed,
        "{command:w}-client command exited with signal {problem:n}",
    ),
    any(
        Sign::UpdownFailed,
        "{command:w}-host command exited with signal {problem:n}",
    ),
    any(
        Sign::UpdownFailed,
        "command \"{command}\" exited with status {problem:n}",
    ),
    any(
        Sign::UpdownFailed,
        "command \"{command}\" output: {problem}not found",
    ),
    any(
        Sign::UpdownFailed,
        "{command:w}-client output: {problem}not found",
    ),
    any(
        Sign::UpdownFailed,
        "{command:w}-host output: {problem}not found",
    ),
    any(
        Sign::UpdownFailed,
        "{command:w}-client output: {problem}Permission denied",
    ),
    any(
        Sign::UpdownFailed,
        "{command:w}-client output: Error: {problem}",
    ),
    any(
        Sign::UpdownFailed,
        "{command:w}-client output: RTNETLINK answers: {problem}",
    ),
    any(
        Sign::UpdownFailed,
        "command \"{command}\" output: {problem}Permission denied",
    ),
    any(
        Sign::UpdownFailed,
        "command \"prepare{}\" output: RTNETLINK answers: {problem}",
    ),
    any(
        Sign::UpdownFailed,
        "command \"prepare\" output: RTNETLINK answers: {problem}",
    ),
    any(
        Sign::UpdownFailed,
        "command \"route{}\" output: RTNETLINK answers: {problem}",
    ),
    any(
        Sign::UpdownFailed,
        "command \"route\" output: RTNETLINK answers: {problem}",
    ),
    any(
        Sign::UpdownFailed,
        "command \"up{}\" output: RTNETLINK answers: {problem}",
    ),
    any(
        Sign::UpdownFailed,
        "command \"up\" output: RTNETLINK answers: {problem}",
    ),
    any(
        Sign::UpdownFailed,
        "route-host output: RTNETLINK answers: {problem}",
    ),
    any(
        Sign::UpdownFailed,
        "up-host output: RTNETLINK answers: {problem}",
    ),
    any(
        Sign::UpdownFailed,
        "prepare-host output: RTNETLINK answers: {problem}",
    ),
    any(
        Sign::UpdownFailed,
        "unable to popen {command:w}-client command",
    ),
    any(
        Sign::UpdownFailed,
        "unable to popen {command:w}-host command",
    ),
    any(Sign::UpdownFailed, "doroute `{command}' failed ({problem})"),
    any(
        Sign::UpdownFailed,
        "doroute \"{command}\" failed ({problem})",
    ),
    any(Sign::UpdownFailed, "dorule `{command}' failed ({problem})"),
    any(
        Sign::UpdownFailed,
        "addsource `{command}' failed ({problem})",
    ),
    any(
        Sign::UpdownFailed,
        "addsource \"{command}\" failed ({problem})",
    ),
    any(Sign::UpdownFailed, "{command:w} command returned an error"),
    // Names that a tunnel brings.
    any(
        Sign::ResolverNotSet,
        "resolvconf: Failed to set DNS configuration: {problem}",
    ),
    any(Sign::AttributeNotTaken, "adding DNS server failed"),
    any(
        Sign::ResolverNotSet,
        "resolvconf: {problem}command not found",
    ),
    any(Sign::ResolverNotSet, "error reading from resolvconf"),
    any(
        Sign::AttributeNotTaken,
        "handling INTERNAL_{attribute:w}_DNS attribute failed",
    ),
    // Clusters of applications.
    any(
        Sign::ApplicationSplit,
        "getaddrinfo failing; peers.json null",
    ),
    any(Sign::ApplicationSplit, "peers.json null"),
    any(
        Sign::ApplicationSplit,
        "diego_database-partition{what}is not running after update",
    ),
    any(
        Sign::ApplicationSplit,
        "agent: failed to sync remote state: No cluster leader",
    ),
    any(Sign::ApplicationSplit, "No cluster leader"),
    any(Sign::ApplicationSplit, "request cluster ID mismatch"),
    any(
        Sign::ApplicationSplit,
        "rafthttp: request sent was ignored ({what})",
    ),
    // Daemons that contradict themselves.
    any(Sign::ContradictionSurvived, "EXPECTATION FAILED: {problem}"),
    any(
        Sign::ContradictionSurvived,
        "EXPECTATION FAILED at {problem}",
    ),
    // Nothing a peer sends has a part in what is encrypted; decryption fails for a peer's sake as well.
    any(
        Sign::ContradictionSurvived,
        "NSS: AEAD encryption using {problem}",
    ),
    any(Sign::DaemonCrashed, "ASSERTION FAILED at {problem}"),
    any(
        Sign::DaemonCrashed,
        "exited with error status {} (signal {problem:n})",
    ),
    any(Sign::DaemonCrashed, "because a fatal signal was delivered"),
    any(Sign::DaemonCrashed, "failed (Result: signal)"),
    any(Sign::DaemonCrashed, "Core was generated by `{problem}"),
    any(Sign::DaemonCrashed, "PASSERT FAILED{problem}"),
    any(Sign::DaemonCrashed, "(gdb) bt"),
    // The kernel's own.
    // charon's own words for the signals of a crash: SIGSEGV, SIGABRT, SIGILL, SIGBUS.
    by(CHARON, Sign::DaemonCrashed, "thread {:n} received 11"),
    by(CHARON, Sign::DaemonCrashed, "thread {:n} received 6"),
    by(CHARON, Sign::DaemonCrashed, "thread {:n} received 4"),
    by(CHARON, Sign::DaemonCrashed, "thread {:n} received 7"),
    // The trace that it prints before it ends; a paste may begin after the signal.
    by(
        CHARON,
        Sign::DaemonCrashed,
        "dumping {:n} stack frame addresses",
    ),
    // A fault of the kernel, in whose process it happened.
    any(Sign::DaemonCrashed, "Process pluto (pid: {:n}, stack limit"),
    any(
        Sign::DaemonCrashed,
        "Process charon (pid: {:n}, stack limit",
    ),
    any(Sign::DaemonCrashed, "kernel BUG at {problem}"),
    any(
        Sign::DaemonCrashed,
        "BUG: kernel NULL pointer dereference{problem}",
    ),
    any(
        Sign::DaemonCrashed,
        "BUG: unable to handle kernel {problem}",
    ),
    any(Sign::DaemonCrashed, "WARNING: {} at net/xfrm/{problem}"),
    any(Sign::DaemonCrashed, "BUG: soft lockup - {problem}"),
    any(Sign::Denied, "xfrm {operation} operation not permitted"),
    any(Sign::DaemonCrashed, "Stack trace of thread {:n}"),
    any(
        Sign::DaemonNotRunning,
        "Could not restart the ipsec service",
    ),
    // What pluto ends with.
    any(
        Sign::DaemonCrashed,
        "FATAL ERROR: unable to malloc {problem}",
    ),
    // As titles of reports have it.
    any(Sign::DaemonCrashed, "charon signal 11"),
    any(Sign::DaemonCrashed, "pluto signal 11"),
    any(Sign::DaemonNotRunning, "FATAL ERROR: NSS{problem}"),
    any(Sign::DaemonNotRunning, "FATAL ERROR: could not {problem}"),
    any(Sign::DaemonNotRunning, "FATAL ERROR: unable to {problem}"),
    any(Sign::DaemonNotRunning, "FATAL ERROR: failed to {problem}"),
    any(Sign::DaemonNotRunning, "FATAL ERROR: bind{problem}"),
    any(Sign::DaemonNotRunning, "pluto: FATAL: {problem}"),
    any(Sign::DaemonNotRunning, "FATAL: NSS {problem}"),
    any(
        Sign::DaemonNotRunning,
        "NSS initialization failed {problem}",
    ),
    any(
        Sign::DaemonNotRunning,
        "ipsec --checknss (code=exited, status=1",
    ),
    any(
        Sign::DaemonNotRunning,
        "NSS Password file \"{problem}\" for token {} could not be opened",
    ),
    any(
        Sign::DaemonNotRunning,
        "initialization failed - aborting charon",
    ),
    any(
        Sign::DaemonNotRunning,
        "unable to start strongSwan IPsec -- no {problem}!",
    ),
    any(Sign::DaemonCrashed, "killing ourself SIGABRT{problem}"),
    any(
        Sign::DaemonCrashed,
        "[DMN] thread {:n} received {problem:n}",
    ),
    any(Sign::DaemonCrashed, "charon[{:n}]: segfault at {problem}"),
    any(Sign::DaemonCrashed, "pluto[{:n}]: segfault at {problem}"),
    any(Sign::DaemonCrashed, "segfault at {problem} ip"),
    any(
        Sign::DaemonCrashed,
        "general protection {problem} in charon",
    ),
    any(Sign::DaemonCrashed, "general protection {problem} in pluto"),
    any(Sign::DaemonCrashed, "(code=dumped, signal={problem})"),
    any(Sign::DaemonCrashed, "code=dumped, status={problem}"),
    any(Sign::DaemonCrashed, "code=killed, status=11/{problem}"),
    any(Sign::DaemonCrashed, "code=killed, status=6/{problem}"),
    any(Sign::DaemonCrashed, "Failed with result 'core-dump'"),
    any(Sign::DaemonCrashed, "failed (Result: core-dump)"),
    any(Sign::DaemonCrashed, "entered failed state. (core dump)"),
    any(Sign::DaemonCrashed, "double free or corruption"),
    any(Sign::DaemonCrashed, "stack smashing detected"),
    any(Sign::DaemonCrashed, "free(): invalid {problem:w}"),
    any(Sign::DaemonCrashed, "malloc(): {problem} corrupt"),
    any(Sign::DaemonCrashed, "corrupted double-linked list"),
    any(Sign::DaemonCrashed, "ERROR: AddressSanitizer: {problem}"),
    any(Sign::DaemonCrashed, "Segmentation fault"),
    any(Sign::DaemonCrashed, "(core dumped)"),
    any(Sign::DaemonCrashed, "dumped core"),
    any(
        Sign::DaemonCrashed,
        "Program received signal SIG{problem:w}",
    ),
    any(
        Sign::DaemonCrashed,
        "Program terminated with signal {problem}",
    ),
    any(Sign::DaemonCrashed, "bad_case(): unexpected {problem}"),
];
