//! One record, in the words of events and configurations. Nothing in it is secret, but for [`Record::Keys`] and
//! [`Record::Datagram`], which are written only where the operator has asked for it.

use std::net::SocketAddr;

use adit_model::Now;
use adit_model::connection::Connection;
use adit_model::drops::DropReason;
use adit_model::event::Event;
use adit_model::fact::Probe;
use serde::{Deserialize, Serialize};

use super::key_line::KeyLine;

/// One record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum Record {
    /// A gateway has started; or goes on in this segment, when the number is that of the run before.
    Began {
        /// When it started.
        at: Now,
        /// Tells runs apart.
        run: u64,
        /// Version of the gateway.
        version: String,
    },
    /// What is configured from now on, without keys.
    Configured {
        /// Since when.
        at: Now,
        /// Every tunnel.
        connections: Vec<Connection>,
    },
    /// Something happened.
    Event {
        /// Its place in the order of all events of the run.
        number: u64,
        /// What.
        event: Box<Event>,
    },
    /// An IKE message was sent or taken in, right behind its event.
    Message {
        /// When.
        at: Now,
        /// The configured connection, once it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        connection: Option<String>,
        /// Whether the gateway sent it.
        sent: bool,
        /// Its own address and port.
        local: SocketAddr,
        /// The peer's.
        remote: SocketAddr,
        /// Octets that it had on the wire, without UDP header and marker.
        octets: usize,
        /// The message in clear, without contents of secret payloads.
        #[serde(with = "hex")]
        plain: Vec<u8>,
    },
    /// What the data plane has counted up to now.
    Sample {
        /// When.
        at: Now,
        /// Each child's traffic.
        children: Vec<ChildSample>,
        /// Packets dropped in all, by reason.
        drops: Vec<(DropReason, u64)>,
    },
    /// A peer was probed.
    Probed {
        /// When.
        at: Now,
        /// The tunnel.
        tunnel: String,
        /// What was found.
        probes: Vec<Probe>,
    },
    /// Records are missing here: there was no room for them.
    Lost {
        /// When it was noticed.
        at: Now,
        /// How many.
        records: u64,
        /// Why.
        why: String,
    },
    /// A datagram of IKE as it was on the wire, without the non-ESP marker; only where keys are kept.
    Datagram {
        /// When.
        at: Now,
        /// Whether the gateway sent it.
        sent: bool,
        /// Its own address and port.
        local: SocketAddr,
        /// The peer's.
        remote: SocketAddr,
        /// Its octets.
        #[serde(with = "hex")]
        octets: Vec<u8>,
    },
    /// Keys of an IKE SA as a line of Wireshark's `ikev2_decryption_table`; only where keys are kept.
    Keys {
        /// When they were derived.
        at: Now,
        /// The line.
        line: KeyLine,
    },
    /// The gateway has ended in order.
    Ended {
        /// When.
        at: Now,
    },
}

/// What one child has carried since its gateway started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildSample {
    /// Tunnel and child, as `office/lan`.
    pub child: String,
    /// Live pairs of SAs.
    pub pairs: u64,
    /// Packets that came out of the tunnel.
    pub packets_in: u64,
    /// Packets that went in.
    pub packets_out: u64,
    /// Their octets.
    pub octets_in: u64,
    /// Their octets.
    pub octets_out: u64,
    /// Its packets that were dropped, by reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drops: Vec<(DropReason, u64)>,
}

impl Record {
    /// When.
    #[must_use]
    pub fn at(&self) -> Now {
        match self {
            Record::Began { at, .. }
            | Record::Configured { at, .. }
            | Record::Message { at, .. }
            | Record::Sample { at, .. }
            | Record::Probed { at, .. }
            | Record::Lost { at, .. }
            | Record::Datagram { at, .. }
            | Record::Keys { at, .. }
            | Record::Ended { at } => *at,
            Record::Event { event, .. } => event.at,
        }
    }
}

/// Octets as two hex digits each.
mod hex {
    use std::fmt::Write;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(octets: &[u8], to: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(octets.len() * 2);
        for octet in octets {
            // Writing to a string doesn't fail.
            let _ = write!(text, "{octet:02x}");
        }
        to.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let digit = |digit: u8| char::from(digit).to_digit(16);
        let octets = pairs.iter().map(|[high, low]| {
            let octet = digit(*high)? << 4 | digit(*low)?;
            u8::try_from(octet).ok()
        });
        octets
            .collect::<Option<Vec<u8>>>()
            .filter(|_| rest.is_empty())
            .ok_or_else(|| D::Error::custom("not an even number of hex digits"))
    }
}
