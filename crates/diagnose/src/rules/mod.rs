//! One rule per file, by layer.

pub(crate) mod child;
pub(crate) mod firewall;
pub(crate) mod ike_auth;
pub(crate) mod ike_sa_init;
pub(crate) mod lifecycle;
pub(crate) mod link;
