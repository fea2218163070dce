//! The user-space data plane: inner IP packets in, ESP packets out, and back (RFC 4303, RFC 4301 5).
//!
//! # The way of a packet
//!
//! **Out.** A packet comes from a TUN device: the one that tunnels share, or the one of a single tunnel ([`Door`]). The
//! policies of that device, in the order of the configuration, say which child it belongs to; the newest pair of SAs of that child takes it. [`DataPlane::seal`]
//! claims a sequence number, appends header, packet, padding and trailer to the caller's buffer and encrypts them
//! there. What has a policy and no SA is refused, never passed: the tunnel is down, the traffic stays.
//!
//! **In.** A packet comes from the wire, without UDP encapsulation. [`DataPlane::open`] finds the SA by its SPI, looks
//! whether its sequence number may still come ([`replay`]), checks and decrypts it in place, checks padding, next
//! header and inner IP header, and then whether the packet belongs to the selectors of *this* SA, so that a peer can't
//! speak for networks that were never agreed upon (RFC 4301 5.2). The replay window learns of a packet once it is
//! authentic, never before.
//!
//! **Between.** [`DataPlane::apply`] carries out what the key exchange asks for. After a rekey both inbound SAs are
//! valid until the older one is removed; sending moves to the newer one at once when we asked for it, else as soon as the
//! peer has shown that it has it. A removed pair that a newer one took over from still opens, for two seconds after its
//! last packet, what was under way. What comes under an SPI that no SA has yet may be kept for a moment ([`Early`]).
//!
//! **Transport mode** protects a host's own packets without a second IP header: the payload is sealed, and the packet is
//! put together again around it on the other side.
//!
//! **Dummies** are sealed as packets are, mean nothing, and are no traffic ([`DataPlane::dummies`]).
//!
//! # What is absent
//!
//! No socket, TUN, clock, thread or log. The outer IP header is the kernel's: what leaves is the payload of UDP 4500
//! or of protocol 50. Nothing here touches the inner packet's time to live, which forwarding has already counted down.
//!
//! # Threads
//!
//! [`DataPlane`] is the control side and belongs to one thread. After each change it publishes a [`View`], which never
//! changes, through [`Shared`]; any number of threads seal and open with the newest one, without a lock. See [`view`] for
//! what happens to those who still hold an older one.
//!
//! A thread looks up the way of a flow once for a run of its packets ([`View::outgoing_by`] with a [`FlowCache`] of its
//! own, [`View::incoming`]), claims sequence numbers for all of them at once, seals from one buffer straight into another,
//! and counts in its [`Lane`] when the run ends. None of this takes a lock or touches the heap with the ciphers offered by
//! default; `tests/no_allocation.rs` counts. Threads that send under one SA at once take turns ([`Turn`]), so that a peer with
//! the narrowest replay window takes what they send. What a thread needs to know beyond that is sampled ([`latency`]) or asked for
//! ([`walk`]).
//!
//! Every packet that is refused counts under exactly one `DropReason`, in all and for its child where that is known.
//!
//! `unsafe` appears in one module, `offload::wide`, which calls what is compiled for a processor that was asked before.

#![deny(unsafe_code)]

mod budget;
mod chunked;
mod counters;
mod door;
mod dress;
mod dummy;
mod early;
mod fragment;
mod icmp;
mod index;
mod lane;
pub mod latency;
mod links;
mod lookup;
mod mss;
mod mtu;
pub mod offload;
mod open;
mod plane;
mod pmtu;
mod policy;
pub mod replay;
mod run;
mod sa;
mod seal;
mod sequence;
mod spi;
mod traffic_class;
mod transport;
mod tuple;
mod turn;
pub mod view;
pub mod walk;

pub use counters::{ChildName, ChildReport, DropCounts, PairReport, Rejected};
pub use door::Door;
pub use dummy::Dummy;
pub use early::{Early, Kept};
pub use icmp::{Allowance, too_big};
pub use lane::Lane;
pub use latency::{Direction, Histogram, Sampler};
pub use lookup::FlowCache;
pub use mtu::Overhead;
pub use open::{Incoming, Inner, Opened};
pub use plane::{ApplyError, DataPlane};
pub use pmtu::Word;
pub use policy::{flow, is_between};
pub use run::Lying;
pub use seal::{Outgoing, Sealed};
pub use turn::Turn;
pub use view::{Held, Shared, View};
pub use walk::{Stage, Step, Steps, WalkFilter};
