//! What the fuzz targets do with their input, one module per crate under test.
//!
//! The functions take any bytes, panic when a property does not hold, and are used twice: by the targets
//! in `targets/`, and by tests of the crates, which replay the committed corpora without instrumentation.

pub mod chain;
pub mod compare;
pub mod config;
pub mod esp;
pub mod evidence;
pub mod ike;
pub mod pki;
pub mod wire;
