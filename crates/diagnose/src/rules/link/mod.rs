//! The path between the gateways.

pub(crate) mod local_address_missing;
pub(crate) mod peer_dns_unresolvable;
pub(crate) mod peer_unreachable;
