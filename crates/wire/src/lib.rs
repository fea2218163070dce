//! Bytes and code points: the only crate that knows how things look on the wire.
//!
//! A datagram arrives. [`udp_encap`] says what a packet on port 4500 is (RFC 3948); [`esp`] reads the outside
//! of an ESP packet (RFC 4303); [`v2`] turns an IKEv2 message (RFC 7296, RFC 7383) into a header, the payloads
//! in clear and the place of the encrypted one; [`v1`] recognises version 1 well enough to say so. Packets
//! inside the tunnel are [`ip`], [`udp`], [`icmp`] and [`tcp`].
//!
//! Reading goes through one bounds-checked [`view::Cursor`], so nothing here panics on any input, and fails
//! with a [`WireError`]: offset, field, reason. What was read is a small owned value: `parse` gives it, `emit`
//! writes it back. After `parse`, lengths and counts need no second look; whether a value makes sense in a
//! conversation is decided elsewhere, except for which payloads a message must carry ([`v2::rules`]).
//!
//! Code points ([`iana`]) are numbers with names. A number without a name, and a payload without a parser,
//! survive a round trip unchanged.

#![forbid(unsafe_code)]

pub mod checksum;
mod error;
pub mod esp;
pub mod iana;
pub mod icmp;
pub mod ip;
pub mod tcp;
pub mod udp;
pub mod udp_encap;
pub mod v1;
pub mod v2;
pub mod view;

pub use error::{Reason, WireError};
