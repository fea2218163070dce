//! Sentences about size and speed.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    any(
        Sign::PacketTooBig,
        "error writing to socket: Message too long",
    ),
    // What a router told, and what the own stack remembers of it.
    any(
        Sign::FragmentationNeeded,
        "(sport={:n}) for message to {peer:w} port {port:n}, complainant {by:w} Message too long",
    ),
    any(
        Sign::FragmentationNeeded,
        "asynchronous network error report on {port:w} {}complainant {by:w} Message too long",
    ),
    any(Sign::FragmentationNeeded, "ping: sendto: Message too long"),
    any(Sign::FragmentationNeeded, "ping: sendmsg: Message too long"),
    any(
        Sign::FragmentationNeeded,
        "From {by:w} {:w} Frag needed and DF set (mtu = {mtu:n})",
    ),
    any(
        Sign::FragmentationNeeded,
        "Frag needed and DF set (mtu = {mtu:n})",
    ),
    any(
        Sign::FragmentationNeeded,
        "frag needed and DF set (MTU {mtu:n})",
    ),
    any(
        Sign::FragmentationNeeded,
        "local error: Message too long, mtu={mtu:n}",
    ),
    any(
        Sign::FragmentationNeeded,
        "local error: message too long, mtu: {mtu:n}",
    ),
    any(
        Sign::FragmentationNeeded,
        "Packet needs to be fragmented but DF set",
    ),
    any(
        Sign::FragmentationNeeded,
        "ICMP {by:w} unreachable - need to frag (mtu {mtu:n})",
    ),
    any(
        Sign::FragmentationNeeded,
        "{by:w} > {:w} ICMP {:w} unreachable - need to frag (mtu {mtu:n})",
    ),
    any(
        Sign::FragmentationNeeded,
        "unreachable - need to frag (mtu {mtu:n})",
    ),
    any(
        Sign::FragmentationNeeded,
        "ICMP: dst ({:w} frag. needed and DF set unreachable",
    ),
    any(
        Sign::FragmentationNeeded,
        "ICMP6, packet too big, mtu {mtu:n}",
    ),
    any(
        Sign::FragmentationNeeded,
        "PMTU-D packet {:n} bytes greater than effective mtu {mtu:n}",
    ),
    // Ciphers of traffic.
    any(Sign::SlowCipher, "selected proposal: ESP:{algorithm:w}_CBC"),
    any(Sign::SlowCipher, "xfrm=3DES_{algorithm:w}"),
    any(Sign::SlowCipher, "enc cbc({algorithm:w}) 0x"),
    any(Sign::SlowCipher, "transform: esp-3des {algorithm:w}"),
    // Limits.
    any(Sign::LimitReached, "{what:w}_allowance_exceeded: {count:n}"),
    any(
        Sign::LimitReached,
        "CERM-4-TX_BW_LIMIT: Maximum Tx Bandwidth limit of {what} reached",
    ),
    any(
        Sign::LimitReached,
        "CERM-4-RX_BW_LIMIT: Maximum Rx Bandwidth limit of {what} reached",
    ),
    any(
        Sign::LimitReached,
        "Maximum {what} Bandwidth limit of {} reached for Crypto functionality",
    ),
];
