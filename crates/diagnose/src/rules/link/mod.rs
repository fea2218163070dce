//! The path between the gateways.

pub(crate) mod peer_unreachable;
