//! Proof that the crate computes what the standards say, in the order of a key's life: primitives, key exchange, key
//! schedule, protected IKE messages and ESP packets, and one whole recorded handshake.
//!
//! Vectors with an RFC number are typed in or kept as fixtures. The large public sets (NIST CAVP and ACVP, Wycheproof)
//! are read in place from a folder beside the workspace, or where `ADIT_SHARED` points; without it those tests say
//! that they were skipped.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]
// Tests read vectors and settings, and prove that keys may be shared between threads.
#![allow(clippy::disallowed_methods)]

mod acvp;
mod captures;
mod cavp;
mod compliance;
mod esp_oracle;
mod handshake;
mod kdf;
mod ml_kem;
mod pki;
mod refusals;
mod rfc_examples;
mod rfc_typed;
mod signatures;
mod support;
mod wycheproof;
