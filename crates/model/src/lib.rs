//! The shared words of Adit.
//!
//! An operator configures a [`connection::Connection`] with its children, proposals and selectors. The key
//! exchange turns it into IKE and CHILD SAs; what it does on the way are [`event::Event`]s, what it asks of the data
//! plane are [`dataplane::DataPlaneRequest`]s, and where it says no it gives a [`reason::Refusal`] with both sides'
//! values. Packets that are dropped count under a [`drops::DropReason`].
//!
//! Whatever is known about a tunnel, from whomever, becomes a [`fact::Fact`]; facts about one subject make a
//! [`fact::Case`], which is all that diagnosis reads. Here and nowhere else the river of traffic and keys and the
//! river of evidence and verdicts meet.
//!
//! Values only: no I/O, no clock ([`now::Now`] is handed in), no behaviour beyond reading, printing and comparing.

pub mod address;
pub mod ahead;
mod ahead_text;
pub mod announced;
pub mod carriage;
pub mod certificate;
pub mod certificate_reason;
pub mod complaint;
pub mod connection;
pub mod credential;
pub mod culprit;
pub mod dataplane;
pub mod dn;
pub mod drops;
pub mod event;
mod event_text;
pub mod fact;
pub mod feature;
pub mod host;
pub mod identity;
pub mod inner;
pub mod keywords;
pub mod life;
pub mod limits;
pub mod listed;
pub mod monitored;
pub mod now;
pub mod peer_config;
pub mod phase;
pub mod plan;
pub mod policy;
pub mod probed;
pub mod product;
pub mod proposal;
pub mod reason;
mod reason_text;
pub mod scanned;
pub mod secret;
pub mod selector;
pub mod show;
pub mod sign;
pub mod status;
pub mod text;
pub mod traced;
pub mod traffic;

pub use now::{Mono, Now, Wall};
pub use secret::Secret;
