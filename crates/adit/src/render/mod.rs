//! One struct, two renderers: text here, JSON by serde.

pub mod ahead;
pub mod capture;
pub mod certificate;
pub mod check;
pub mod plan;
pub mod probe;
pub mod recording;
pub mod rehearse;
pub mod scan;
pub mod show;
pub mod status;
pub mod style;
pub mod timeline;
pub mod trace;
pub mod verdict;
pub mod verify;
mod wrap;

pub use wrap::{MARGIN, labelled, paragraph};
