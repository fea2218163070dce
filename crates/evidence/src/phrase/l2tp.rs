//! What stands around an L2TP connection within IPsec: xl2tpd, pppd, and NetworkManager with its plugins.
//!
//! Under NetworkManager all of them write in its name, so what only they say isn't asked for their names.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

const PPP: &[&str] = &["pppd", "NetworkManager", "xl2tpd", "nm-l2tp"];
const L2TP: &[&str] = &["xl2tpd", "NetworkManager", "l2tpd"];

/// Whether the number with which pppd ended stands there whole: `code 110` isn't 11.
pub(super) fn is_whole(shape: &str, body: &str) -> bool {
    if !shape.starts_with("pppd exited for call ") {
        return true;
    }
    let number = |text: &str| {
        let (_, rest) = text.rsplit_once(" with code ")?;
        let end = rest.find(|c: char| !c.is_ascii_digit());
        Some(rest[..end.unwrap_or(rest.len())].to_owned())
    };
    number(shape) == number(body)
}

pub(super) static PHRASES: &[Phrase] = &[
    // ── pppd: who may come in ──
    any(
        Sign::UserAuthenticationFailed,
        "LCP TermReq id={:w} \"peer refused to {problem}\"",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "No CHAP secret found for authenticating {peer:w}",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "CHAP peer authentication failed for {peer:w}",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "PAP peer authentication failed for {peer:w}",
    ),
    by(
        PPP,
        Sign::UserAuthenticationFailed,
        "MS-CHAP authentication failed: {problem}",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "but I couldn't find any suitable secret (password)",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "but I couldn't find any secret (password) which would let it",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "authentication required but no authentication files accessible",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "LCP terminated by peer (peer refused to authenticate",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "Peer is not authorized to use remote address",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "[CHAP Failure id={:w} \"E=691 ",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "MS-CHAPv2 mutual authentication failed",
    ),
    by(
        PPP,
        Sign::UserAuthenticationFailed,
        "no CHAP secret entry for this user",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "No secret found for PAP login",
    ),
    by(
        PPP,
        Sign::UserAuthenticationFailed,
        "no PAP secret found for {peer:w}",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "required to authenticate us but no suitable secrets",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "[CHAP Failure id={:w} \"E=646 ",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "[CHAP Failure id={:w} \"E=647 ",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "[CHAP Failure id={:w} \"E=648 ",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "[CHAP Failure id={:w} \"E=649 ",
    ),
    any(Sign::UserAuthenticationFailed, "[PAP AuthNak id="),
    by(
        PPP,
        Sign::CertificateExpired,
        "EAP-TLS: Your certificate has expired",
    ),
    by(PPP, Sign::UserLetIn, "CHAP authentication succeeded"),
    by(PPP, Sign::UserLetIn, "PAP authentication succeeded"),
    any(Sign::UserLetIn, ": authentication succeeded"),
    // Windows' Routing and Remote Access.
    any(Sign::UserLetIn, "CoId={}has connected on port"),
    by(&["pppd"], Sign::UserLetIn, "remote IP address {:w}"),
    // The numbers with which pppd ends: 11, the peer didn't prove itself; 19, we didn't.
    any(
        Sign::UserAuthenticationFailed,
        "pppd exited for call {:n} with code 19",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "pppd exited for call {:n} with code 11",
    ),
    // 4: the kernel has no PPP.
    any(Sign::ModuleMissing, "pppd exited for call {:n} with code 4"),
    // ── accel-ppp (VyOS), RouterOS ──
    any(
        Sign::UserAuthenticationFailed,
        "mschap-v2: authentication error",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "mschap-v1: authentication error",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "l2tp,ppp,error <{}>: user {peer:w} authentication failed",
    ),
    any(
        Sign::UserAuthenticationFailed,
        "l2tp,ppp,info <{}>: terminating... - user {peer:w} authentication failed",
    ),
    any(
        Sign::UserServerUnreachable,
        "rc_send_server: no reply from RADIUS server",
    ),
    // accel-ppp by itself.
    any(Sign::UserServerUnreachable, "radius: no available servers"),
    any(Sign::UserServerUnreachable, "radius: no servers available"),
    any(Sign::UserAuthenticationFailed, "mschap-v2: user not found"),
    any(Sign::UserAuthenticationFailed, "mschap-v1: user not found"),
    any(Sign::AddressPoolExhausted, "ppp: no free IPv4 address"),
    // ── pppd: what it needs ──
    any(
        Sign::ModuleMissing,
        "This system lacks kernel support for {what:w}. This could be",
    ),
    any(
        Sign::ModuleMissing,
        "Linux kernel driver does not support {what:w}.",
    ),
    any(
        Sign::ModuleMissing,
        "Couldn't open the {what:w} device: No such ",
    ),
    any(
        Sign::ModuleMissing,
        "{what:w} required, but kernel has no support",
    ),
    any(
        Sign::Denied,
        "Couldn't open the {path:w} device: Operation not permitted",
    ),
    any(
        Sign::Denied,
        "Couldn't open the {path:w} device: Permission denied",
    ),
    any(Sign::ModuleMissing, "this system lacks PPP kernel support"),
    any(Sign::ModuleMissing, "PPPoL2TP kernel driver not installed"),
    any(
        Sign::ModuleMissing,
        "Kernel doesn't support {what:w} - needed for PPPoL2TP",
    ),
    any(
        Sign::Denied,
        "must be root to run {path:w} since it is not setuid-root",
    ),
    any(
        Sign::PluginMissing,
        "/pppd/{plugin:w}: cannot open shared object file",
    ),
    any(Sign::PluginMissing, "Couldn't load plugin {plugin:w}"),
    any(
        Sign::PluginMissing,
        "Plugin {plugin:w} is for pppd version {problem}",
    ),
    any(
        Sign::ConfigSyntax,
        "In file {path:w}: unrecognized option '{problem}'",
    ),
    any(
        Sign::ConfigSyntax,
        "In file {path:w}: too few parameters for option {problem}",
    ),
    any(
        Sign::ConnectionLoadFailed,
        "Can't open options file {name:w}: No such",
    ),
    by(
        PPP,
        Sign::IdleClosed,
        "Terminating connection due to lack of activity",
    ),
    // ── xl2tpd ──
    // Its control socket is there as long as it runs.
    by(
        L2TP,
        Sign::DaemonNotRunning,
        "Unable to open {:w}l2tp-control for reading",
    ),
    by(
        L2TP,
        Sign::PeerNameUnresolved,
        "Host name lookup failed for {name:w}",
    ),
    by(
        L2TP,
        Sign::UserAuthenticationFailed,
        "No secret for authenticating to '{peer}'",
    ),
    by(
        L2TP,
        Sign::UserAuthenticationFailed,
        "No secret key for authenticating '{peer}'",
    ),
    by(
        L2TP,
        Sign::AddressPoolExhausted,
        "Out of local IP addresses on tunnel",
    ),
    by(
        L2TP,
        Sign::AddressPoolExhausted,
        "Out of IP addresses on tunnel",
    ),
    by(
        L2TP,
        Sign::AddressPoolExhausted,
        "No available local IP addresses",
    ),
    by(L2TP, Sign::AddressPoolExhausted, "No available IP address"),
    any(Sign::PluginMissing, "start_pppd: Exec of {plugin:w} failed"),
    any(Sign::ConfigSyntax, "parse_config: line {line:n}: {problem}"),
    by(
        L2TP,
        Sign::ConnectionLoadFailed,
        "Unable to open config file {name:w} or",
    ),
    by(
        L2TP,
        Sign::ModuleMissing,
        "Unable to allocate {what:w} socket.",
    ),
    // ── scripts that set a server up ──
    any(
        Sign::ModuleMissing,
        "custom device \"/dev/ppp\": no such file",
    ),
    any(
        Sign::KernelSupportMissing,
        "kernel module '{what:w}' appears to be disabled by modprobe config",
    ),
    any(
        Sign::ModuleMissing,
        "Required netfilter kernel modules are unavailable for the running kernel",
    ),
    any(
        Sign::ModuleMissing,
        "Error: /dev/{what:w} is missing. LXC containers require",
    ),
    // ── NetworkManager ──
    any(Sign::PluginMissing, "Could not find ipsec binary"),
    any(Sign::PluginMissing, "Could not find pluto binary"),
    // A user's password, or the peer's keys.
    any(Sign::AuthenticationRefusedByPeer, "login-failed (0)"),
    any(
        Sign::PluginMissing,
        "start VPN service: Failed to execute child process {plugin:w} (No such file",
    ),
    any(
        Sign::Denied,
        "start VPN service: Failed to execute child process {path:w} (Permission denied",
    ),
    any(
        Sign::PluginMissing,
        "The VPN service '{plugin:w}' was not installed",
    ),
    any(
        Sign::PluginMissing,
        "the VPN plugin {plugin:w} was not found",
    ),
];

#[cfg(test)]
mod tests {
    use super::is_whole;

    #[test]
    fn the_number_with_which_pppd_ended_is_read_whole() {
        let shape = "pppd exited for call {:n} with code 11";
        assert!(is_whole(
            shape,
            "child_handler : pppd exited for call 33 with code 11"
        ));
        assert!(is_whole(
            shape,
            "pppd exited for call 33 with code 11, retry"
        ));
        assert!(!is_whole(
            shape,
            "child_handler : pppd exited for call 33 with code 110"
        ));
        assert!(is_whole(
            "CHAP authentication succeeded",
            "CHAP authentication succeeded: Welcome"
        ));
    }
}
