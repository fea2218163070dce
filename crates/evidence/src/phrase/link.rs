//! Sentences about the line to the peer and its address.

use adit_model::sign::Sign;

use super::{Phrase, any, by};

const PLUTO: &[&str] = &["pluto", "ipsec", "whack", "addconn"];

pub(super) static PHRASES: &[Phrase] = &[
    // Names: charon, starter.
    any(
        Sign::PeerNameUnresolved,
        "unable to resolve {name:w}, initiate aborted",
    ),
    any(
        Sign::PeerNameUnresolved,
        "unable to resolve {name:w}, retrying in",
    ),
    any(
        Sign::PeerNameUnresolved,
        "resolving '{name}' failed: {problem}",
    ),
    // ifconfig on BSD.
    any(
        Sign::PeerNameUnresolved,
        "error in parsing address string: Name does not resolve",
    ),
    // pluto, whack and addconn of all families.
    any(
        Sign::ConnectionRejected,
        "at load time: IPv4 address may not contain",
    ),
    any(
        Sign::PeerNameUnresolved,
        "failed to convert '{name}' at load time: {problem}",
    ),
    any(
        Sign::PeerNameUnresolved,
        "failed to resolve '{name}' at load time: {problem}",
    ),
    any(
        Sign::PeerNameUnresolved,
        "does not look numeric and name lookup failed",
    ),
    any(Sign::PeerNameUnresolved, "={name:w} [name lookup failed"),
    any(
        Sign::PeerNameUnresolved,
        "cannot initiate connection without resolved dynamic peer IP address",
    ),
    any(
        Sign::PeerNameUnresolved,
        "dns resolution for {name:w} not yet complete, still trying",
    ),
    any(
        Sign::PeerNameUnresolved,
        "no remote address available (yet)",
    ),
    // Resolvers of all systems, whoever asked.
    any(Sign::PeerNameUnresolved, "getaddrinfo for {name:w} failed"),
    any(
        Sign::PeerNameUnresolved,
        "{name:w}: Temporary failure in name resolution",
    ),
    any(
        Sign::PeerNameUnresolved,
        "Temporary failure in name resolution",
    ),
    any(
        Sign::PeerNameUnresolved,
        "{name:w}: Name or service not known",
    ),
    any(
        Sign::PeerNameUnresolved,
        "nodename nor servname provided, or not known",
    ),
    any(Sign::PeerNameUnresolved, "getaddrinfo failing"),
    any(Sign::PeerNameUnresolved, "ping: unknown host {name:w}"),
    // Windows 868, PAN-OS, FortiGate, RouterOS, Junos.
    any(
        Sign::PeerNameUnresolved,
        "because the name of the remote access server did not resolve",
    ),
    any(Sign::PeerNameUnresolved, "failed to resolve FQDN {name:w}"),
    any(Sign::PeerNameUnresolved, "failed to resolve peer {name:w}"),
    any(
        Sign::PeerNameUnresolved,
        "failed to resolve remote gateway {name:w}",
    ),
    any(Sign::PeerNameUnresolved, "could not resolve dns name"),
    // No way to the address.
    any(
        Sign::NetworkUnreachable,
        "error writing to socket: Network is unreachable",
    ),
    any(
        Sign::NetworkUnreachable,
        "to {address:w} failed in {}. Errno 101: Network is unreachable",
    ),
    any(
        Sign::NetworkUnreachable,
        "to {address:w} using UDP failed in {}: Network is unreachable (errno 101)",
    ),
    any(
        Sign::NetworkUnreachable,
        "Errno 101: Network is unreachable",
    ),
    by(
        PLUTO,
        Sign::NetworkUnreachable,
        "Network is unreachable (errno 101)",
    ),
    any(
        Sign::NetworkUnreachable,
        "for message to {address:w} port {port:n}, complainant {by:w}: Network is unreachable [errno 101",
    ),
    any(Sign::NetworkUnreachable, "sendto (Network is unreachable)"),
    // Reported by ICMP: codes of filters have words of their own.
    any(
        Sign::HostUnreachable,
        "for message to {address:w} port {port:n}, complainant {by:w}: No route to host [errno 113, origin ICMP type 3 code 1 ",
    ),
    any(
        Sign::HostUnreachable,
        "for message to {address:w} port {port:n}, complainant {by:w}: No route to host [errno 113, origin ICMP6 type 1 code 3 ",
    ),
    any(
        Sign::HostUnreachable,
        "for message to {address:w} port {port:n}, complainant {by:w}: No route to host [errno 113, origin ICMP6 type 1 code 0 ",
    ),
    any(
        Sign::HostUnreachable,
        ", complainant {by:w}: No route to host [errno 113, origin ICMP type 3 code 1 ",
    ),
    any(
        Sign::HostUnreachable,
        "error writing to socket: No route to host",
    ),
    any(
        Sign::HostUnreachable,
        "to {address:w} failed in {}. Errno 113: No route to host",
    ),
    any(
        Sign::HostUnreachable,
        "to {address:w} using UDP failed in {}: No route to host (errno 113)",
    ),
    any(Sign::HostUnreachable, "Errno 113: No route to host"),
    // The own address.
    any(
        Sign::LocalAddressMissing,
        "cannot identify ourselves with either end",
    ),
    any(
        Sign::LocalAddressMissing,
        "connection no longer oriented - system interface change?",
    ),
    any(
        Sign::LocalAddressMissing,
        "we cannot identify ourselves with either end of this connection. {address:w} or {other:w} are not usable",
    ),
    any(
        Sign::LocalAddressMissing,
        "no local source address to reach remote",
    ),
    any(
        Sign::LocalAddressMissing,
        "added unoriented {}connection (neither {address:w} nor {other:w} match an interface)",
    ),
    any(Sign::LocalAddressMissing, "added unoriented "),
    any(Sign::LocalAddressMissing, ": unoriented; my_ip"),
    any(Sign::LocalAddressMissing, "; unoriented; "),
    any(
        Sign::LocalAddressMissing,
        "%defaultroute requested but not known",
    ),
    any(
        Sign::LocalAddressMissing,
        "no default route - cannot cope with %defaultroute",
    ),
    // VyOS leaves a peer out whose interface has no lease.
    any(
        Sign::LocalAddressMissing,
        "Failed to get address from dhcp-interface on site-to-site peer",
    ),
    any(
        Sign::LocalAddressMissing,
        "no default route, %defaultroute cannot cope",
    ),
    any(
        Sign::LocalAddressMissing,
        "error writing to socket: Cannot assign requested address",
    ),
    any(
        Sign::LocalAddressMissing,
        "Errno 99: Cannot assign requested address",
    ),
    any(
        Sign::LocalAddressMissing,
        "listen tcp {address:w}: bind: cannot assign requested address",
    ),
    any(
        Sign::LocalAddressMissing,
        "listen udp {address:w}: bind: cannot assign requested address",
    ),
    any(
        Sign::LocalAddressMissing,
        "listen udp4 {address:w}: bind: cannot assign requested address",
    ),
    any(
        Sign::LocalAddressMissing,
        "Cannot assign requested address (errno 99)",
    ),
    any(
        Sign::LocalAddressMissing,
        "failed to bind to address {address:w} (Cannot assign requested address)",
    ),
    any(
        Sign::LocalAddressMissing,
        "failed to bind ({address:w} Can't assign requested address)",
    ),
    any(
        Sign::AddressNotHere,
        "{address:w} is not a local address or the interface is down",
    ),
    any(
        Sign::AddressNotHere,
        "left nor right host is our side, assuming left=local",
    ),
    // Interfaces. charon says "deactivated"; kernels and IOS speak of the link.
    by(
        &["charon", "ipsec", "strongswan"],
        Sign::LinkDown,
        "interface {interface:w} deactivated",
    ),
    any(Sign::LinkDown, "{interface:w} NIC Link is Down"),
    any(Sign::LinkDown, "{interface:w}: Link is Down"),
    any(Sign::LinkDown, "{interface:w}: Lost carrier"),
    any(Sign::LinkDown, "{interface:w}: carrier lost"),
    any(
        Sign::LinkDown,
        "%LINEPROTO-5-UPDOWN: Line protocol on Interface {interface:w} changed state to down",
    ),
    any(
        Sign::LinkDown,
        "SNMP_TRAP_LINK_DOWN: {}snmp-interface-index {:n}, {}ifName {interface:w}",
    ),
    // Silence, as products say it that print no exchanges.
    any(
        Sign::FirstMessageUnanswered,
        ":0000000000000000 due to timeout",
    ),
    any(
        Sign::FirstMessageUnanswered,
        "retransmitting phase 1 MM_NO_STATE",
    ),
    any(
        Sign::FirstMessageUnanswered,
        "retransmitting phase 1 AG_INIT_EXCH",
    ),
    any(Sign::FirstMessageUnanswered, "MM_WAIT_MSG2"),
    any(
        Sign::FirstMessageUnanswered,
        "0 returned handshake; 0 returned notify",
    ),
    any(
        Sign::FirstMessageUnanswered,
        "Current state is SENT FIRST MSG (SA)",
    ),
    any(
        Sign::LaterMessageUnanswered,
        "retransmitting phase 1 MM_KEY_EXCH",
    ),
    any(
        Sign::LaterMessageUnanswered,
        "retransmitting phase 1 MM_SA_SETUP",
    ),
    any(Sign::LaterMessageUnanswered, "MM_WAIT_MSG3"),
    any(Sign::LaterMessageUnanswered, "MM_WAIT_MSG4"),
    any(Sign::LaterMessageUnanswered, "MM_WAIT_MSG5"),
    any(Sign::LaterMessageUnanswered, "MM_WAIT_MSG6"),
    any(
        Sign::NegotiationTimedOut,
        "negotiation failed due to time up",
    ),
    any(
        Sign::NegotiationTimedOut,
        "phase-1 negotiation is failed as {}due to timeout",
    ),
    any(
        Sign::NegotiationTimedOut,
        "SA negotiation is failed as {}due to timeout",
    ),
    any(
        Sign::NegotiationTimedOut,
        "IKE negotiation failed with error: Timed out",
    ),
    any(
        Sign::NegotiationTimedOut,
        "IKE negotiation fail for local:{}with status: Timed out",
    ),
    any(
        Sign::NegotiationTimedOut,
        "Timeout: deleting un-established Phase 1",
    ),
    any(Sign::NegotiationTimedOut, "negotiation timeout, deleting"),
    any(
        Sign::NegotiationTimedOut,
        "retransmission count exceeded the limit",
    ),
    any(
        Sign::NegotiationTimedOut,
        "because the remote server is not responding",
    ),
    any(Sign::NegotiationTimedOut, "VPN server did not respond"),
    any(
        Sign::NegotiationTimedOut,
        "Maximum number of retransmissions reached",
    ),
    any(
        Sign::NegotiationTimedOut,
        "Reached Maximum retransmits limit",
    ),
    any(Sign::NegotiationTimedOut, "reached max retries for"),
    // tcpdump, at its end.
    any(Sign::NothingCaptured, "0 packets received by filter"),
];
