//! One rule per file, by layer. Each layer registers its own.

pub(crate) mod child;
pub(crate) mod config;
pub(crate) mod esp_dataplane;
pub(crate) mod firewall;
pub(crate) mod ha;
pub(crate) mod host;
pub(crate) mod ike_auth;
pub(crate) mod ike_sa_init;
pub(crate) mod kernel;
pub(crate) mod lifecycle;
pub(crate) mod link;
pub(crate) mod nat;
pub(crate) mod overlay;
pub(crate) mod performance;
pub(crate) mod rekey;
pub(crate) mod route;
