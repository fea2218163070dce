//! Authentication.

pub(crate) mod auth_method_mismatch;
pub(crate) mod id_mismatch;
pub(crate) mod large_ike_auth_fragment_lost;
pub(crate) mod psk_mismatch;
pub(crate) mod psk_not_found;
