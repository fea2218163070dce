//! IKE messages that belong together.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use adit_model::proposal::Proposal;
use serde::Serialize;

use super::message::Message;

/// The messages of one IKE SA, or of the attempt to set one up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conversation {
    /// Who began it, as far as the capture tells: the sender of the first request, or of the message that carries the
    /// initiator flag.
    pub initiator: SocketAddr,
    /// The other one.
    pub responder: SocketAddr,
    /// Major version of IKE in the first message.
    pub version: u8,
    /// SPI (cookie) of the initiator, 16 hex digits.
    pub spi_initiator: String,
    /// SPI (cookie) of the responder, once there is one.
    pub spi_responder: Option<String>,
    /// The capture has its first message.
    pub from_the_start: bool,
    /// The messages in the order of the file.
    pub messages: Vec<Message>,
    /// First frame of every message's octets, to tell retransmissions.
    #[serde(skip)]
    seen: BTreeMap<(u64, SocketAddr), u64>,
}

impl Conversation {
    pub(super) fn new(first: &Message) -> Self {
        let from_the_start = first.spi_responder == 0;
        // A response comes from the responder in a set-up; behind that, nothing in clear says who began.
        let reversed = first.response == Some(true);
        let (initiator, responder) = if reversed {
            (first.to, first.from)
        } else {
            (first.from, first.to)
        };
        Self {
            initiator,
            responder,
            version: first.version,
            spi_initiator: format!("{:016x}", first.spi_initiator),
            spi_responder: None,
            from_the_start: from_the_start && !reversed,
            messages: Vec::new(),
            seen: BTreeMap::new(),
        }
    }

    /// Takes in a message whose octets hash to `octets`.
    pub(super) fn add(&mut self, mut message: Message, octets: u64) {
        if message.spi_responder != 0 {
            self.spi_responder
                .get_or_insert_with(|| format!("{:016x}", message.spi_responder));
        }
        match self.seen.get(&(octets, message.from)) {
            Some(first) => message.retransmission_of = Some(*first),
            None => {
                self.seen.insert((octets, message.from), message.frame);
            }
        }
        self.messages.push(message);
    }

    /// The proposal of the IKE SA, as far as the capture has the answer that chose it.
    #[must_use]
    pub fn chosen(&self) -> Option<&Proposal> {
        self.messages
            .iter()
            .rev()
            .filter(|m| m.exchange == "IKE_SA_INIT" && m.response == Some(true))
            .find_map(|m| match m.proposals.as_slice() {
                [one] => Some(one),
                _ => None,
            })
    }

    /// Whether a message came from the host that began.
    #[must_use]
    pub fn from_initiator(&self, message: &Message) -> bool {
        // Two ends at one address (a test on one host) differ by port.
        if self.initiator.ip() == self.responder.ip() {
            message.from == self.initiator
        } else {
            message.from.ip() == self.initiator.ip()
        }
    }

    /// The response to a request of IKEv2, if the capture has it.
    #[must_use]
    pub fn response_to(&self, request: &Message) -> Option<&Message> {
        let behind = self.messages.partition_point(|m| m.frame <= request.frame);
        self.messages.get(behind..)?.iter().find(|m| {
            m.response == Some(true)
                && m.message_id == request.message_id
                && m.from.ip() != request.from.ip()
                // The version that refuses may be an older one, with its own names.
                && (m.exchange == request.exchange || m.version != request.version)
        })
    }
}
