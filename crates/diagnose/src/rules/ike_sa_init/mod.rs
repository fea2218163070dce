//! The first exchange.

pub(crate) mod ike_dh_group_mismatch;
pub(crate) mod ike_proposal_mismatch;
pub(crate) mod ike_version_mismatch;
pub(crate) mod no_matching_connection_on_responder;
