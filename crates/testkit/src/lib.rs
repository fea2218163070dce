//! For tests: what an endpoint was told, written down and told again.
//!
//! A gateway of the virtual world can be recorded ([`adit_sim::World::record`]). [`recording`] writes that as JSON lines
//! and reads it back, so a recording can be kept. [`replay::Replay`] tells it to a fresh endpoint, which does the same
//! again, to the octet; and between two inputs a test can tell it something else, such as a forged message, and see
//! that nothing changes.

pub mod recording;
pub mod replay;
