//! Messages that a gateway of ours has recorded in clear, put into ladders as if they had been captured and opened.

use std::net::SocketAddr;

use adit_wire::v2::Message as V2;

use super::message::{Message, Place};
use super::{Capture, Sorter, Stamp, keys};

/// A message as it was recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recorded<'a> {
    pub(crate) at: Stamp,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    /// What it had on the wire.
    pub(crate) octets: usize,
    /// The message, its payloads in clear.
    pub(crate) plain: &'a [u8],
}

/// The ladders while they grow.
#[derive(Debug, Default)]
pub(crate) struct Rungs {
    sorter: Sorter,
    messages: u64,
}

impl Rungs {
    /// Adds a message; one that was added before counts as repeated. Gives exchange and message ID of a request.
    pub(crate) fn message(&mut self, recorded: Recorded<'_>) -> Option<(String, u32)> {
        self.messages += 1;
        let capture = &mut self.sorter.capture;
        capture.first.get_or_insert(recorded.at);
        capture.last = Some(recorded.at);
        let place = Place {
            frame: self.messages,
            at: recorded.at,
            from: recorded.from,
            to: recorded.to,
            marked: recorded.from.port() != super::IKE_PORT
                && recorded.to.port() != super::IKE_PORT,
            ip_fragments: None,
            cut: false,
        };
        let Some(mut message) = Message::read(recorded.plain, place) else {
            capture.unread.add("IKE: shorter than its header");
            return None;
        };
        message.octets = recorded.octets;
        if message.exchange != "IKE_SA_INIT"
            && let Ok(parsed) = V2::parse(recorded.plain)
        {
            message.payloads = vec!["SK".to_owned()];
            message.notifies.clear();
            message.proposals.clear();
            message.encrypted = true;
            keys::show_inside(&mut message, &parsed.payloads);
        }
        let request = (message.response == Some(false))
            .then(|| (message.exchange.clone(), message.message_id));
        let digest = super::digest_of(recorded.plain);
        self.sorter.message(message, digest);
        request
    }

    /// All of them.
    pub(crate) fn finish(self) -> Capture {
        self.sorter.finish(self.messages, &super::Tally::default())
    }
}
