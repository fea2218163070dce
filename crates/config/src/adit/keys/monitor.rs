//! The keys of a tunnel's monitor.

use super::{Key, Section, key};

pub(super) const KEYS: &[Key] = &[
    key(
        Section::Monitor,
        "target",
        "\"auto\" or list of addresses",
        "\"auto\"",
        "\"auto\"",
        "Hosts behind the peer that answer echoes. The first that answers is asked from then on, another one when it is silent; a host that never answered proves nothing. \"auto\" tries the far end of the interface, hosts that were seen to answer, and the first addresses of `remote_net`.",
    ),
    key(
        Section::Monitor,
        "source",
        "address or \"auto\"",
        "\"auto\"",
        "\"auto\"",
        "The address of this host that echoes leave from; one that the tunnel takes.",
    ),
    key(
        Section::Monitor,
        "interval",
        "duration",
        "\"3s\"",
        "\"3s\"",
        "From one echo to the next: 500 ms to an hour.",
    ),
    key(
        Section::Monitor,
        "failures",
        "number from 2 to 100",
        "5",
        "5",
        "Unanswered echoes in a row before it is found out whether it is the target or the tunnel.",
    ),
    key(
        Section::Monitor,
        "recover",
        "number from 1 to 100",
        "3",
        "3",
        "Answered echoes in a row before the tunnel counts as well again.",
    ),
    key(
        Section::Monitor,
        "hold_down",
        "duration",
        "\"60s\"",
        "\"60s\"",
        "The least time between two actions, doubled up to sixteen times it while they don't help; and how long the tunnel has to be well before its routes lead into it again.",
    ),
    key(
        Section::Monitor,
        "action",
        "\"wait-recover\", \"rekey\", \"re-initiate\" or \"fail-over\"",
        "\"re-initiate\"; with `fail_over` \"fail-over\"",
        "\"rekey\"",
        "What may be done where the tunnel is at fault: tell and wait; new keys for the child; where they don't help, the tunnel anew; or its routes lead into another tunnel at once, and it is repaired meanwhile.",
    ),
    key(
        Section::Monitor,
        "fail_over",
        "name of a tunnel",
        "none",
        "\"backup\"",
        "The tunnel whose interface takes the `routes` of this one while it is at fault. Both need an `interface`.",
    ),
];
