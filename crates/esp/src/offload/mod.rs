//! Work that the kernel leaves to us on one side of the TUN device, and that we leave to it on the other.
//!
//! **Out.** A host's TCP, and UDP where it asks for it, hand over packets of up to 64 KiB with a [`PacketHeader`] that says
//! how they are to be cut. [`Segments`] gives each piece, complete with lengths, identification, sequence number, flags
//! and checksums, in two parts that are put together where they are sealed: what comes out of the tunnel is what the kernel would have sent. One packet costs one
//! walk through the host's stack instead of forty.
//!
//! **In.** What came out of the tunnel goes the other way: [`Coalescer`] finds segments of one flow that follow each other
//! and makes one packet of them, by a header of its own and the places where the payloads lie. Nothing is copied but headers.
//! The checksum of each segment is verified before, because nobody can do it after: the kernel computes it anew if the packet
//! is ever cut again. What is out of the ordinary (a fragment, an option that changed, a flag) goes by itself, as it
//! came, behind what came before it.
//!
//! Cutting what was put together gives the segments again, but for the identification of packets that must not be
//! fragmented, which means nothing (RFC 6864 4.1).

mod checksum;
mod coalesce;
mod header;
mod split;
#[allow(unsafe_code)]
mod wide;

pub use coalesce::{Coalescer, Part, Whole};
pub use header::PacketHeader;
pub use split::{Malformed, Room, Segments};
