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
//!   handle_answer   ─┤                        ├─ Output::DataPlane
//!   handle_timeout  ─┼──►  Endpoint  ──────►  ├─ Output::KeyRequest
//!   initiate, …     ─┘   (one per gateway)    └─ Output::Event          poll_timeout: the next deadline
//! ```
//!
//! After every input, drain [`Endpoint::poll_output`] until it gives `None`, carry the outputs out in order, then ask
//! [`Endpoint::poll_timeout`] when to call [`Endpoint::handle_timeout`] if nothing comes before.

mod counters;
mod endpoint;
mod error;
mod output;
mod settings;
mod snapshot;
mod timers;

pub use counters::DropCounters;
pub use endpoint::Endpoint;
pub use error::CommandError;
pub use output::{KeyAnswer, KeyRequest, KeyRequestId, Output, Purpose};
pub use settings::Settings;
pub use snapshot::{ChildSaState, ChildSnapshot, IkeSaSnapshot, IkeSaState, NatStatus};
pub use timers::TimerReason;
