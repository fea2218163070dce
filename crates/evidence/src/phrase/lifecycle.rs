//! Sentences about daemons that come and go.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

pub(super) static PHRASES: &[Phrase] = &[
    // The `ipsec` command of FreeS/WAN and of its children.
    any(
        Sign::ControlCommandUnknown,
        "unknown option {command} (perhaps command name was omitted?)",
    ),
    any(
        Sign::ControlCommandUnknown,
        "unknown IPsec command {command} (`ipsec --help' for list)",
    ),
    any(
        Sign::ControlCommandUnknown,
        "unknown command {command} (`ipsec --help' for list)",
    ),
    any(
        Sign::ControlCommandUnknown,
        "unknown command {command} (\"ipsec --help\" for list)",
    ),
    any(Sign::DaemonNotRunning, "Process 'ipsec' not monitored"),
    any(Sign::DaemonNotRunning, "Process 'ipsec' Does not exist"),
    any(Sign::DaemonNotRunning, "Process 'ipsec' Execution failed"),
    any(Sign::DaemonNotRunning, "charon.ctl) failed: No such file"),
    // ── nobody at the control socket ──
    // `ipsec verify`, whack, `ipsec status`
    any(
        Sign::DaemonNotRunning,
        "Checking that pluto is running [FAILED]",
    ),
    any(Sign::DaemonNotRunning, "Pluto is not running"),
    any(Sign::DaemonNotRunning, "pluto is stopped"),
    any(
        Sign::DaemonNotRunning,
        "connect() for \"{}pluto.ctl\" failed",
    ),
    any(Sign::DaemonNotRunning, "connect(pluto_ctl) failed"),
    any(Sign::DaemonNotRunning, "pluto.ctl: {}refused"),
    any(Sign::DaemonNotRunning, "ipsec not running"),
    any(Sign::DaemonNotRunning, "IPsec not initialized"),
    any(Sign::DaemonNotRunning, "IPsec is not initialized"),
    any(Sign::DaemonNotRunning, "IPSec Process NOT Running"),
    any(Sign::DaemonNotRunning, "VPN is not running"),
    any(Sign::DaemonNotRunning, "IPSec not running"),
    any(Sign::DaemonNotRunning, "IPsec BOSH job is not running"),
    any(Sign::DaemonNotRunning, "IPsec process is not running"),
    // strongSwan
    any(
        Sign::DaemonNotRunning,
        "connecting to '{}.vici' failed: {problem}",
    ),
    any(
        Sign::DaemonNotRunning,
        "connecting to 'default' URI failed: {problem}",
    ),
    any(Sign::DaemonNotRunning, "charon.vici: connect: {problem}"),
    any(Sign::DaemonNotRunning, "charon.vici doesn't exist"),
    any(Sign::DaemonNotRunning, "charon.vici does not exist"),
    any(Sign::DaemonNotRunning, "charon.vici not found"),
    any(Sign::DaemonNotRunning, "charon.vici is missing"),
    any(Sign::DaemonNotRunning, "no charon.vici"),
    any(Sign::DaemonNotRunning, "charon.vici: No such file"),
    any(Sign::DaemonNotRunning, "charon.ctl: No such file"),
    any(Sign::DaemonNotRunning, "charon.ctl does not exist"),
    any(Sign::DaemonNotRunning, "charon.ctl doesn't exist"),
    any(Sign::DaemonNotRunning, "charon.ctl' failed: {problem}"),
    any(Sign::DaemonNotRunning, "failed to connect to stroke socket"),
    any(Sign::DaemonNotRunning, "unable to connect to vici socket"),
    any(Sign::DaemonNotRunning, "strongSwan is not running"),
    any(Sign::DaemonNotRunning, "charon: no process found"),
    any(Sign::DaemonNotRunning, "charon is not running"),
    any(
        Sign::DaemonNotRunning,
        "connect to {}vici socket (connection refused)",
    ),
    any(Sign::DaemonNotRunning, "vici socket: connection refused"),
    any(Sign::DaemonNotRunning, "pluto: no process found"),
    any(Sign::DaemonNotRunning, "racoon is not running"),
    any(
        Sign::DaemonNotRunning,
        "racoonctl: send: Connection refused",
    ),
    any(Sign::DaemonNotRunning, "libreswan{}service is not running"),
    any(Sign::DaemonNotRunning, "failed to start charon"),
    any(
        Sign::DaemonNotRunning,
        "Job for ipsec.service failed because {problem}",
    ),
    any(
        Sign::DaemonNotRunning,
        "Job for strongswan{}.service failed because {problem}",
    ),
    any(
        Sign::DaemonNotRunning,
        "Job for strongswan.service failed because {problem}",
    ),
    any(
        Sign::DaemonNotRunning,
        "Unable to start service ipsec: {problem}",
    ),
    any(
        Sign::DaemonNotRunning,
        "Unable to start service strongswan: {problem}",
    ),
    any(
        Sign::DaemonNotRunning,
        "strongswan{}Main process exited, code=exited, status={problem}",
    ),
    any(
        Sign::DaemonNotRunning,
        "ipsec.service{}Main process exited, code=exited, status={problem}",
    ),
    any(
        Sign::DaemonNotRunning,
        "ipsec.service: Failed with result '{problem}'",
    ),
    any(
        Sign::DaemonNotRunning,
        "strongswan{}Failed with result '{problem}'",
    ),
    // What systemd says of a daemon that ended by itself.
    any(
        Sign::DaemonNotRunning,
        "ExecStart={}/pluto{}(code=exited, status={problem:n}/FAILURE)",
    ),
    any(
        Sign::DaemonNotRunning,
        "ExecStart={}/pluto{}(code=exited, status={problem:n}/INVALIDARGUMENT)",
    ),
    any(
        Sign::DaemonNotRunning,
        "ExecStart={}/pluto{}(code=exited, status={problem:n}/n/a)",
    ),
    any(
        Sign::DaemonNotRunning,
        "ExecStart={}/pluto{}(code=exited, status={problem:n}/EXEC)",
    ),
    any(
        Sign::DaemonNotRunning,
        "ExecStart={}/charon{}(code=exited, status={problem:n}/FAILURE)",
    ),
    any(
        Sign::DaemonNotRunning,
        "ExecStart={}/charon{}(code=exited, status={problem:n}/INVALIDARGUMENT)",
    ),
    any(
        Sign::DaemonNotRunning,
        "ExecStart={}/charon{}(code=exited, status={problem:n}/n/a)",
    ),
    any(
        Sign::DaemonNotRunning,
        "ExecStart={}/charon{}(code=exited, status={problem:n}/EXEC)",
    ),
    any(
        Sign::DaemonNotRunning,
        "ExecStart={}/starter{}(code=exited, status={problem:n}/FAILURE)",
    ),
    any(
        Sign::DaemonNotRunning,
        "ExecStart={}/starter{}(code=exited, status={problem:n}/INVALIDARGUMENT)",
    ),
    any(
        Sign::DaemonNotRunning,
        "ExecStart={}/starter{}(code=exited, status={problem:n}/n/a)",
    ),
    any(
        Sign::DaemonNotRunning,
        "ExecStart={}/starter{}(code=exited, status={problem:n}/EXEC)",
    ),
    any(
        Sign::DaemonNotRunning,
        "ExecStart={}charon-systemd{}(code=exited, status={problem:n}/FAILURE)",
    ),
    any(
        Sign::DaemonNotRunning,
        "ExecStart={}charon-systemd{}(code=exited, status={problem:n}/INVALIDARGUMENT)",
    ),
    any(
        Sign::DaemonNotRunning,
        "ExecStart={}charon-systemd{}(code=exited, status={problem:n}/n/a)",
    ),
    any(
        Sign::DaemonNotRunning,
        "ExecStart={}charon-systemd{}(code=exited, status={problem:n}/EXEC)",
    ),
    any(
        Sign::DaemonNotRunning,
        "charon has quit: integrity test of {} failed",
    ),
    any(
        Sign::DaemonNotRunning,
        "charon too long to start... - kill kill",
    ),
    any(
        Sign::DaemonNotRunning,
        "can't execv({}charon,...): {problem}",
    ),
    any(Sign::DaemonNotRunning, "charon refused to be started"),
    any(
        Sign::DaemonNotRunning,
        "charon has quit: initialization failed",
    ),
    // illumos
    any(
        Sign::DaemonNotRunning,
        "maintenance {}svc:/network/ipsec/{name:w}",
    ),
    any(Sign::DaemonNotRunning, "disabled {}svc:/network/ipsec/ike"),
    any(Sign::DaemonNotRunning, "offline {}svc:/network/ipsec/ike"),
    any(
        Sign::DaemonNotRunning,
        "ikeadm: Unable to communicate with in.iked",
    ),
    any(Sign::DaemonNotRunning, "in.iked is not running"),
    // OpenBSD, Windows, Juniper, PAN-OS
    any(
        Sign::DaemonNotRunning,
        "ikectl: connect: /var/run/iked.sock",
    ),
    any(Sign::DaemonNotRunning, "iked(failed)"),
    any(
        Sign::DaemonNotRunning,
        "error: the {name:w} subsystem is not running",
    ),
    any(
        Sign::DaemonNotRunning,
        "IKE and AuthIP IPsec Keying Modules service {}stopped",
    ),
    // ── crash and restart ──
    any(Sign::DaemonCrashed, "ASSERTION FAILED: {problem}"),
    any(Sign::DaemonRestarts, "charon has died -- restart scheduled"),
    any(
        Sign::DaemonCrashed,
        "killing ourself, received critical signal",
    ),
    any(Sign::DaemonKilled, "Out of memory: Kill process {} (charon"),
    any(
        Sign::DaemonKilled,
        "Out of memory: Killed process {} (charon",
    ),
    any(Sign::DaemonKilled, "Out of memory: Kill process {} (pluto"),
    any(
        Sign::DaemonKilled,
        "Out of memory: Killed process {} (pluto",
    ),
    any(Sign::DaemonKilled, "pluto killed by SIG{problem}"),
    any(Sign::DaemonCrashed, "/pluto: {} Aborted{}(core dumped)"),
    any(Sign::DaemonCrashed, "pluto{}Segmentation fault"),
    any(Sign::DaemonCrashed, "charon{}Segmentation fault"),
    // strongSwan's starter says with which signal its child ended.
    any(Sign::DaemonCrashed, "(charon) has been killed by {problem}"),
    any(Sign::DaemonCrashed, "(pluto) has been killed by {problem}"),
    any(Sign::DaemonCrashed, "(code=killed, signal=SEGV"),
    any(Sign::DaemonCrashed, "(code=killed, signal=ABRT"),
    any(Sign::DaemonCrashed, "charon dies"),
    any(Sign::DaemonCrashed, "charon crashes"),
    any(Sign::DaemonCrashed, "charon crashed"),
    any(Sign::DaemonCrashed, "charon daemon crashes"),
    any(Sign::DaemonCrashed, "pluto crashes"),
    any(Sign::DaemonCrashed, "pluto crashed"),
    any(Sign::DaemonCrashed, "racoon crashes"),
    any(Sign::DaemonCrashed, "racoon crashed"),
    any(Sign::DaemonCrashed, "iked crashes"),
    any(Sign::DaemonCrashed, "iked crashed"),
    any(Sign::DaemonCrashed, "ikemgr crashed"),
    any(Sign::DaemonCrashed, "vpp crashes"),
    any(Sign::DaemonCrashed, "vpp crashed"),
    any(Sign::DaemonCrashed, "barrier_sync: worker thread deadlock"),
    any(Sign::DaemonCrashed, "charon daemon crashed"),
    any(Sign::DaemonCrashed, "charon daemon crash (SIG{problem:w}"),
    any(Sign::DaemonCrashed, "iked{}core dumped"),
    any(Sign::DaemonCrashed, "crypto chip {}reset"),
    any(Sign::DaemonRestarts, "IPsec service restarting after {}"),
    any(Sign::DaemonRestarts, "Pluto subsystem abend"),
    any(Sign::DaemonRestarts, "ipsec-{} CrashLoopBackOff"),
    any(Sign::DaemonRestarts, "ipsec{} is in CrashLoopBackOff"),
    any(Sign::DaemonRestarts, "strongswan{} CrashLoopBackOff"),
    any(Sign::DaemonRestarts, "libreswan{} CrashLoopBackOff"),
    any(
        Sign::DaemonRestarts,
        "submariner-gateway-{} CrashLoopBackOff",
    ),
    any(Sign::DaemonRestarts, "!pluto failure!: {problem}"),
    any(Sign::DaemonRestarts, "restarting IPsec after pause"),
    any(
        Sign::DaemonRestarts,
        "strongswan{}Start request repeated too quickly",
    ),
    any(
        Sign::DaemonRestarts,
        "strongswan{}Scheduled restart job, restart counter is at {problem}",
    ),
    any(
        Sign::DaemonRestarts,
        "ipsec.service{}Scheduled restart job, restart counter is at {problem}",
    ),
    any(
        Sign::DaemonRestarts,
        "ipsec.service{}Start request repeated too quickly",
    ),
    any(
        Sign::DaemonKilled,
        "strongswan{}Main process exited, code=killed, status={problem}",
    ),
    any(
        Sign::DaemonKilled,
        "ipsec.service{}Main process exited, code=killed, status={problem}",
    ),
    // ── what is loaded ──
    any(Sign::ConnectionNotLoaded, "no config named '{name}'"),
    any(
        Sign::ConnectionNotLoaded,
        "unable to find connection '{name}'",
    ),
    any(Sign::ConnectionNotLoaded, "no connection named \"{name}\""),
    any(
        Sign::ConnectionNotLoaded,
        "no connection or alias named \"{name}\"",
    ),
    any(Sign::ConnectionNotLoaded, "no connection or alias '{name}'"),
    any(
        Sign::ConnectionNotLoaded,
        "CHILD_SA config '{name}' not found",
    ),
    any(
        Sign::ConnectionNotLoaded,
        "no connection config found for '{name}'",
    ),
    any(
        Sign::ConnectionNotLoaded,
        "initiating '{name}' failed: no config",
    ),
    any(
        Sign::ConnectionLoadFailed,
        "connection \"{name}\" failed to load",
    ),
    any(Sign::ConnectionLoadFailed, "loading conn '{name}' failed"),
    any(
        Sign::ConnectionLoadFailed,
        "addconn: {} loading config file '{name}' failed",
    ),
    any(
        Sign::ConnectionLoadFailed,
        "loading config file '{name}' failed",
    ),
    any(
        Sign::ConnectionLoadFailed,
        "could not open '{name}.conf': No such file or directory",
    ),
    any(Sign::ConnectionLoadFailed, "can't load config '{name}'"),
    any(
        Sign::ConnectionLoadFailed,
        "ipsec.conf{}No such file or directory",
    ),
    any(
        Sign::ConnectionLoadFailed,
        "unable to add connection '{name}'",
    ),
    any(
        Sign::ConnectionLoadFailed,
        "swanctl.conf: No such file or directory",
    ),
    any(Sign::ConfigPending, "uncommitted changes"),
    // What was committed is in force; a restart loses it.
    any(
        Sign::ConfigVolatile,
        "configuration changes have not been saved",
    ),
    any(Sign::ConfigPending, "You have pending changes"),
    any(Sign::ConfigPending, "shows me the previous configuration"),
    any(
        Sign::ConfigPending,
        "still shows the previous configuration",
    ),
    any(
        Sign::ConfigVolatile,
        "persistent copies in /opt/custom/etc/ipsec",
    ),
    // ── the peer's death ──
    any(
        Sign::PeerDeclaredDead,
        "DPD: No response from peer - declaring peer dead",
    ),
    any(
        Sign::PeerDeclaredDead,
        "DPD check timed out, enforcing DPD action",
    ),
    any(
        Sign::PeerDeclaredDead,
        "liveness_check - peer {} has not responded in {}",
    ),
    any(Sign::PeerDeclaredDead, "liveness action - {}"),
    any(Sign::PeerDeclaredDead, "dpd: remote peer declared dead"),
    any(
        Sign::PeerDeclaredDead,
        "DPD: remote (ISAKMP-SA spi={}) seems to be dead",
    ),
    any(Sign::PeerDeclaredDead, "DPD failed{}peer"),
    any(Sign::PeerDeclaredDead, "DPD failure count exceeded"),
    any(Sign::PeerDeclaredDead, "peer is not responding to DPD"),
    any(
        Sign::PeerDeclaredDead,
        "IKE lost contact with remote peer, deleting connection",
    ),
    any(Sign::PeerDeclaredDead, "KMD_DPD_PEER_DOWN"),
    any(Sign::PeerDeclaredDead, "DPD detected peer dead"),
    any(Sign::PeerDeclaredDead, "IKE DPD peer {} is dead"),
    any(Sign::PeerDeclaredDead, "IPsec DPD failed"),
    any(Sign::PeerDeclaredDead, "peer is dead, failing over"),
    any(Sign::PeerDeclaredDead, "AWS tunnel{}DPD timed out"),
    any(
        Sign::PeerDeclaredDead,
        "Peer is not responsive - Declaring peer dead",
    ),
    any(Sign::PeerDeclaredDead, "DPD has detected that peer is dead"),
    any(
        Sign::DeathEndsTunnel,
        "DPD action - putting connection into hold",
    ),
    // An instance is of a peer that dials in: it comes again by itself.
    any(
        Sign::PeerDeclaredDead,
        "action - clearing connection kind CK_INSTANCE",
    ),
    any(
        Sign::DeathEndsTunnel,
        "DPD action - clearing connection kind CK_PERMANENT",
    ),
    any(Sign::DeathEndsTunnel, "DPD: Clearing Connection"),
    any(
        Sign::DeathEndsTunnel,
        "action clear: Clearing Connection {}CK_PERMANENT",
    ),
    any(
        Sign::DeathEndsTunnel,
        "DPD: Putting connection {}into %trap",
    ),
    any(Sign::DeathEndsTunnel, "DPD: Putting connection into hold"),
    any(
        Sign::DeathEndsTunnel,
        "liveness action - clearing connection kind CK_PERMANENT",
    ),
    any(
        Sign::DeathEndsTunnel,
        "liveness action - putting connection into hold",
    ),
    any(Sign::DeathEndsTunnel, "DPD timeout action Clear"),
    any(
        Sign::DeathUndetectable,
        "DPD not supported by peer, disabled",
    ),
    any(
        Sign::DeathUndetectable,
        "not enabled because peer did not advertise it",
    ),
    any(
        Sign::DeathUndetectable,
        "support not enabled because remote peer did not advertise DPD support",
    ),
    any(
        Sign::DeathUndetectable,
        "DPD: Peer does not support Dead Peer Detection",
    ),
    any(Sign::DeathUndetectable, "remote doesn't support DPD"),
    any(Sign::DeathDetectionOff, "liveness: passive; dpddelay:0s"),
    any(Sign::DeathDetectionOff, "dpd: action:{} delay:0; timeout:0"),
    any(
        Sign::DeathDetectionOff,
        "dpd: passive; delay:0s; timeout:0s",
    ),
    any(Sign::DeathDetectionOff, "eroute owner; {} nodpd"),
    any(Sign::DeathDetectionOff, "dpd enable no"),
    any(Sign::DeathDetectionOff, "set dpd disable"),
    any(Sign::DeathDetectionOff, "no crypto isakmp keepalive"),
    any(Sign::DeathDetectionOff, "no dead-peer-detection"),
    any(Sign::DeathDetectionOff, "dpd-interval=disable-dpd"),
    // ── idle, monitors ──
    any(
        Sign::IdleClosed,
        "deleting CHILD_SA after {seconds:n} seconds of inactivity",
    ),
    any(
        Sign::IdleClosed,
        "deleting IKE_SA after {seconds:n} seconds of CHILD_SA inactivity",
    ),
    any(Sign::IdleClosed, "Reason: Idle Timeout"),
    any(Sign::IdleClosed, "due to idle timeout"),
    any(Sign::IdleClosed, "idle timeout{}deleting"),
    any(
        Sign::IdleClosed,
        "not replacing stale {} SA: inactive for {seconds:n}s",
    ),
    any(Sign::IdleClosed, "inactive for {seconds:n}s; not replacing"),
    any(Sign::IdleClosed, "%CRYPTO-{}IPSec SA idle timer"),
    any(Sign::IdleClosed, "IPSEC idle timer expired"),
    any(Sign::IdleClosed, "has been idle for more than {seconds:n}s"),
    any(Sign::IdleClosed, "IPsec idle-timeout"),
    any(Sign::MonitorDown, "Tunnel {name} is down{}monitor"),
    any(Sign::MonitorDown, "tunnel-monitor{}down"),
    any(Sign::MonitorDown, "monitor status: down"),
    any(Sign::MonitorDown, "monitor: down"),
    any(Sign::MonitorDown, "KMD_VPN_DOWN_ALARM_USER{}vpn-monitor"),
    any(Sign::MonitorDown, "VPN monitoring{}down"),
    any(Sign::MonitorDown, "VPN monitor{}detected{}down"),
    // ── identities that push each other out ──
    any(
        Sign::DuplicateRemoved,
        "deleting duplicate IKE_SA for peer '{peer}' due to uniqueness policy",
    ),
    any(
        Sign::DuplicateRemoved,
        "schedule delete of duplicate IKE_SA for peer '{peer}' due to uniqueness policy and suspected reauthentication",
    ),
    any(
        Sign::DuplicateRemoved,
        "canceling IKE_SA setup due to uniqueness policy",
    ),
    any(
        Sign::DuplicateRemoved,
        "canceling {} due to uniqueness policy",
    ),
    any(
        Sign::DuplicateRemoved,
        "cancelling {} due to uniqueness policy",
    ),
    any(
        Sign::DuplicateRemoved,
        "cancelling IKE_SA setup due uniqueness policy",
    ),
    any(
        Sign::DuplicateRemoved,
        "deleting connection instance with peer {peer:w} {}due to new",
    ),
    any(
        Sign::DuplicateRemoved,
        "user already logged in, disconnecting previous",
    ),
    any(
        Sign::DuplicateRemoved,
        "Existing session preempted by new user",
    ),
    any(
        Sign::DuplicateRemoved,
        "terminating SAs using duplicated{}identity",
    ),
    // ── restarts ──
    any(
        Sign::PeerRestarted,
        "destroying duplicate IKE_SA for peer '{peer}', received INITIAL_CONTACT",
    ),
    any(Sign::PeerRestarted, "crashed; replacing"),
    any(
        Sign::SaForgotten,
        "IKE message from {peer:w} has no SA and is not an initialization offer",
    ),
    any(
        Sign::SaForgotten,
        "Quick Mode message is for a non-existent (expired{}ISAKMP SA",
    ),
    any(
        Sign::SaForgotten,
        "the packet is retransmitted by {peer}, unknown cookie",
    ),
    any(
        Sign::SaForgotten,
        "can't start the quick mode, there is no ISAKMP-SA",
    ),
    // ── the peer takes it down ──
    any(
        Sign::PeerDeleted,
        "received Delete SA payload: {}IPSEC State {child}",
    ),
    any(
        Sign::PeerDeleted,
        "received Delete SA(0x{}) payload: deleting IPSEC State {child}",
    ),
    any(
        Sign::PeerDeleted,
        "received Delete SA payload: {}deleting {what}",
    ),
    any(
        Sign::PeerDeleted,
        "received Delete SA(0x{}) payload: deleting {what}",
    ),
    any(Sign::PeerDeleted, "received Delete SA payload via"),
    any(Sign::PeerDeleted, "received DELETE for IKE_SA {what}"),
    any(
        Sign::PeerDeleted,
        "Connection terminated for peer {}. Reason: Peer Terminate",
    ),
    any(Sign::PeerDeleted, "Reason: User Requested"),
    any(Sign::PeerDeleted, "Received delete notification for IKE SA"),
    any(Sign::PeerDeleted, "purged ISAKMP-SA {}by peer"),
    any(
        Sign::PeerDeleted,
        "received Delete/Notify but must remain up",
    ),
    any(
        Sign::PeerDeleted,
        "received a Delete/Notify but must remain up",
    ),
    any(Sign::ChildShortLived, "(STATE_QUICK_R2) aged 0."),
    any(Sign::ChildShortLived, "(STATE_QUICK_R2) aged 1."),
    any(Sign::ChildShortLived, "(STATE_QUICK_R2) aged 2."),
    any(Sign::ChildShortLived, "(STATE_QUICK_R2) aged 3."),
    any(Sign::ChildShortLived, "(STATE_QUICK_R2) aged 4."),
    any(Sign::ChildShortLived, "(STATE_QUICK_I2) aged 0."),
    any(Sign::ChildShortLived, "(STATE_QUICK_I2) aged 1."),
    any(Sign::ChildShortLived, "(STATE_QUICK_I2) aged 2."),
    any(Sign::ChildShortLived, "(STATE_QUICK_I2) aged 3."),
    any(Sign::ChildShortLived, "(STATE_QUICK_I2) aged 4."),
    any(
        Sign::ChildShortLived,
        "(STATE_V2_ESTABLISHED_CHILD_SA) aged 0.",
    ),
    any(
        Sign::ChildShortLived,
        "(STATE_V2_ESTABLISHED_CHILD_SA) aged 1.",
    ),
    any(
        Sign::ChildShortLived,
        "(STATE_V2_ESTABLISHED_CHILD_SA) aged 2.",
    ),
    any(
        Sign::ChildShortLived,
        "(STATE_V2_ESTABLISHED_CHILD_SA) aged 3.",
    ),
    any(
        Sign::ChildShortLived,
        "(STATE_V2_ESTABLISHED_CHILD_SA) aged 4.",
    ),
    // ── addresses ──
    any(
        Sign::AddressChanged,
        "local endpoint changed from {from:w} to {to:w}",
    ),
    any(
        Sign::AddressChanged,
        "remote endpoint changed from {from:w} to {to:w}",
    ),
    any(
        Sign::AddressChanged,
        "old path is not available anymore, try to find another",
    ),
    any(
        Sign::AddressChanged,
        "MOBIKE update local address {from:w} -> {to:w}",
    ),
    any(
        Sign::AddressChanged,
        "reauthenticating IKE_SA due to address change",
    ),
    any(Sign::AddressChanged, "IKEv2 local address change"),
    any(
        Sign::AddressChanged,
        "dyndns{}address changed from {from:w} to {to:w}",
    ),
    // ── providers, platforms ──
    any(Sign::EndpointReplaced, "endpoint replacement"),
    any(Sign::EndpointReplaced, "Tunnel endpoint {}maintenance"),
    any(Sign::EndpointReplaced, "AWS_VPN_{}TUNNEL_REPLACEMENT"),
    any(
        Sign::StopCutsNetwork,
        "Stopping service ipsec: Sending stop request to Monit: Request failed",
    ),
    any(
        Sign::ClearUntilStarted,
        "from networking start to IPsec connection",
    ),
    by(
        &["systemd"],
        Sign::DaemonNotRunning,
        "Failed to start strongSwan",
    ),
    by(
        &["systemd"],
        Sign::DaemonNotRunning,
        "Failed to start Internet Key Exchange (IKE) Protocol Daemon for IPsec",
    ),
    any(
        Sign::DaemonNotRunning,
        "Failed to start ipsec.service - Internet Key Exchange",
    ),
];
