//! What comes out of an endpoint, and the sink that its parts emit into.

use std::collections::VecDeque;
use std::net::SocketAddr;

use adit_model::dataplane::DataPlaneRequest;
use adit_model::drops::DropReason;
use adit_model::event::{Event, Happening, Role};
use adit_model::identity::Identity;
use adit_model::{Now, Secret};
use adit_wire::iana::PrfId;

use crate::counters::DropCounters;

/// One thing to carry out. Outputs are to be carried out in the order in which they come.
#[derive(Clone)]
pub enum Output {
    /// Send a datagram: an IKE message without the non-ESP marker, which belongs in front of it when `local`'s port is
    /// [`Settings::nat_port`](crate::Settings::nat_port).
    Transmit {
        /// From our address and port.
        local: SocketAddr,
        /// To this address and port.
        remote: SocketAddr,
        /// The IKE message.
        payload: Vec<u8>,
    },
    /// Send a NAT keepalive, the single octet 0xff (RFC 3948 2.3).
    Keepalive {
        /// From our address and port.
        local: SocketAddr,
        /// To this address and port.
        remote: SocketAddr,
    },
    /// Change the data plane.
    DataPlane(DataPlaneRequest),
    /// Ask the holder of long-term keys; answer with [`Endpoint::handle_answer`](crate::Endpoint::handle_answer).
    KeyRequest {
        /// Names the request in its answer.
        id: KeyRequestId,
        /// What is asked.
        request: KeyRequest,
    },
    /// Something happened.
    Event(Event),
}

/// Number of a request to the key holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyRequestId(pub u64);

/// What the key holder is asked for.
#[derive(Clone)]
pub enum KeyRequest {
    /// The AUTH value of `octets` under the key that these two identities share:
    /// `prf(prf(key, "Key Pad for IKEv2"), octets)` (RFC 7296 2.15).
    PskAuth {
        /// Configured connection.
        connection: String,
        /// Who we are.
        local_id: Identity,
        /// Who the peer says it is.
        remote_id: Identity,
        /// The negotiated pseudo-random function.
        prf: PrfId,
        /// What is to be authenticated.
        octets: Secret,
        /// What the value is for.
        purpose: Purpose,
    },
}

/// What an AUTH value is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It goes to the peer.
    Sign,
    /// The peer's own value is compared with it.
    Verify,
}

/// The key holder's answer.
#[derive(Clone)]
pub enum KeyAnswer {
    /// The AUTH value.
    Auth(Secret),
    /// No key is held for these identities.
    NoKey,
    /// The key holder failed; why.
    Failed(String),
}

/// Where events come from, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    pub connection: Option<String>,
    pub role: Option<Role>,
    pub local: Option<SocketAddr>,
    pub remote: Option<SocketAddr>,
}

/// The sink: everything that states emit, in order.
#[derive(Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Output>,
    drops: DropCounters,
}

impl Outbox {
    pub fn pop(&mut self) -> Option<Output> {
        self.queue.pop_front()
    }

    pub fn drops(&self) -> &DropCounters {
        &self.drops
    }

    pub fn push(&mut self, output: Output) {
        self.queue.push_back(output);
    }

    pub fn event(&mut self, now: Now, subject: &Subject, what: Happening) {
        self.push(Output::Event(Event {
            at: now,
            connection: subject.connection.clone(),
            role: subject.role,
            local: subject.local,
            remote: subject.remote,
            what,
        }));
    }

    /// Counts a rejected packet and tells so: the only place where either happens.
    pub fn drop(&mut self, now: Now, subject: &Subject, reason: DropReason, detail: String) {
        self.drops.count(reason);
        self.event(now, subject, Happening::Dropped { reason, detail });
    }
}
