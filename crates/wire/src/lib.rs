//! Bytes and code points.
pub mod iana;
