//! Every mistake gets its own diagnostic, at its own place, with something to copy.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

mod half_open;
mod interfaces;
mod mistakes;
mod monitors;
mod pools;
mod traffic;
mod whole;
