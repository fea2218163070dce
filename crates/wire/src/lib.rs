//! Bytes and code points: the only crate that knows how things look on the wire.

mod error;
pub mod iana;
pub mod v2;
pub mod view;

pub use error::{Reason, WireError};
