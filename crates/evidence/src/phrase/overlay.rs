//! Sentences about overlay networks.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    any(Sign::OverlayInClear, "overlay traffic is not encrypted"),
    // snoop of illumos: VXLAN and its neighbours by port.
    any(Sign::OverlayInClear, "UDP D=4790 S={:n} LEN="),
    any(Sign::OverlayInClear, "UDP D=4789 S={:n} LEN="),
    any(Sign::OverlayInClear, "VXLAN, flags [I] (0x08), vni"),
    any(Sign::OverlayInClear, "VXLAN-GPE, flags ["),
    // ipmon of illumos: `b` is a block.
    any(Sign::OverlayBlocked, " b {},{:n} -> {},4790 PR udp"),
    any(Sign::OverlayBlocked, " b {},{:n} -> {},4789 PR udp"),
    // in.iked's configuration.
    any(Sign::LifetimeShort, "p2_lifetime_secs {seconds:n}"),
    any(Sign::LifetimeShort, "p2_softlife_secs {seconds:n}"),
];
