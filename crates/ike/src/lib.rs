//! IKEv2 (RFC 7296) as pure state machines.
//!
//! # The picture
//!
//! One [`Endpoint`] serves a whole gateway. It is handed datagrams, points in time and the answers of a key holder;
//! it hands out datagrams, the next deadline, events, and requests to the data plane and to the key holder. It opens
//! no socket, reads no clock, starts no thread and draws no entropy except through its provider, so the same inputs
//! give the same outputs: a recording of a day's work is a test.
//!
//! ```text
//!   handle_datagram ─┐                        ┌─ Output::Transmit, Keepalive
//!   handle_answer,  ─┤                        ├─ Output::DataPlane
//!   handle_lease    ─┤                        ├─ Output::LeaseRequest, LeaseEnd
//!   handle_timeout  ─┼──►  Endpoint  ──────►  ├─ Output::KeyRequest
//!   initiate, …     ─┘   (one per gateway)    └─ Output::Event          poll_timeout: the next deadline
//! ```
//!
//! After every input, drain [`Endpoint::poll_output`] until it gives `None`, carry the outputs out in order, then ask
//! [`Endpoint::poll_timeout`] when to call [`Endpoint::handle_timeout`] if nothing comes before.

//!
//! # The life of an IKE SA
//!
//! 1. **IKE_SA_INIT.** The initiator ([`v2::init_sent`]) offers algorithms and a key exchange; a responder
//!    ([`v2::init_answer`]) may first want a cookie ([`cookie`]) or another key exchange method, finds the connections
//!    that the addresses may belong to, and answers. Both look for a NAT between them ([`nat`]).
//!    Additional key exchanges, such as ML-KEM, follow under the first keys ([`v2::intermediate`]).
//! 2. **IKE_AUTH.** From here on every message passes the window and the keys ([`secured`], [`window`], [`channel`],
//!    [`fragments`]). Who authenticates needs a long-term key, which is never here: the key holder is asked, and the
//!    phase waits ([`v2::auth_initiator`], [`v2::auth_responder`], [`v2::verify`]). The first CHILD SA comes along
//!    ([`v2::child`], [`v2::proposals`], [`v2::narrow`]).
//! 3. **Established.** A queue of exchanges ([`v2::established`]): deletions and signs of life
//!    ([`v2::informational`]), new and rekeyed CHILD SAs ([`v2::create_child`]), a new IKE SA ([`v2::rekey`]); with more than
//!    one key exchange where that is agreed on ([`v2::followup`]).
//! 4. **The end.** A DELETE and its answer, or nothing but the memory of our last answer ([`v2::closing`]).
//!
//! Every phase is a type that is consumed by its input and returns the next ([`v2`]). Phases emit into a sink
//! ([`output`], [`cx`]) and never reach up. A refusal is a [`Refusal`](adit_model::reason::Refusal); which notify the
//! peer gets for it is derived in [`notify`] alone. A rejected packet counts under exactly one
//! [`DropReason`](adit_model::drops::DropReason), gives one `Dropped` event, and changes nothing.
#![allow(rustdoc::private_intra_doc_links)]

mod channel;
mod cookie;
mod counters;
mod cx;
mod describe;
mod endpoint;
mod error;
mod fragments;
mod head;
pub mod key_holder;
pub mod lease;
mod nat;
mod notify;
mod output;
mod plain;
pub mod pools;
pub mod probe;
pub mod scan;
mod secured;
mod settings;
mod snapshot;
mod timers;
mod v2;
mod versions;
mod window;

pub use counters::DropCounters;
pub use endpoint::Endpoint;
pub use endpoint::holdings::Holdings;
pub use error::CommandError;
pub use notify::for_refusal as notify_for;
pub use output::{
    AskedBy, DerivedKeys, KeyAnswer, KeyRequest, KeyRequestId, Output, PeerQuestion, PeerSupport,
    Signed, ToMix, ToSign, ToVerify, ToldKeys, Topic, Unanswered,
};
pub use plain::PlainMessage;
pub use settings::Settings;
pub use snapshot::{
    ChildSaState, ChildSnapshot, IkeSaSnapshot, IkeSaState, Inner, NatStatus, Reauth,
};
pub use timers::TimerReason;
