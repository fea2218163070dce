//! What an endpoint was told: with this and the same configuration it does the same again.

use std::net::{IpAddr, SocketAddr};

use adit_model::Now;
use adit_model::dataplane::{PairCounters, Trigger};
use adit_model::event::PathProblem;
use serde::{Deserialize, Serialize};

/// One input of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// When.
    pub at: Now,
    /// What.
    #[serde(flatten)]
    pub told: Told,
}

/// What an endpoint can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "kebab-case")]
pub enum Told {
    /// The daemon started: a new endpoint with these seeds and all connections.
    Started {
        /// Of the fake crypto provider.
        provider_seed: u64,
        /// Of the endpoint.
        seed: [u8; 32],
    },
    /// An IKE message came, without the non-ESP marker.
    Datagram {
        /// To where.
        local: SocketAddr,
        /// From where.
        remote: SocketAddr,
        /// Its octets.
        #[serde(with = "hex")]
        message: Vec<u8>,
    },
    /// A datagram didn't get through.
    PathError {
        /// From where it had been sent.
        local: SocketAddr,
        /// To where.
        remote: SocketAddr,
        /// What was reported.
        problem: PathProblem,
        /// By whom.
        offender: IpAddr,
    },
    /// Its deadline passed.
    Timeout,
    /// A packet came on a CHILD SA.
    Esp {
        /// Its SPI.
        spi_in: u32,
    },
    /// A packet came under an SPI that the data plane doesn't know.
    UnknownEsp {
        /// To where.
        local: SocketAddr,
        /// From where.
        remote: SocketAddr,
        /// Its SPI.
        spi: u32,
    },
    /// The data plane has counted, by the SPI that a pair receives under.
    Usage {
        /// What it has counted.
        counters: Vec<(u32, PairCounters)>,
    },
    /// Its addresses are these now.
    Addresses {
        /// All of them.
        addresses: Vec<IpAddr>,
    },
    /// It has to set up a connection.
    Initiate {
        /// Which.
        connection: String,
        /// From this address.
        local: IpAddr,
        /// To this address.
        remote: IpAddr,
        /// Because of this packet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        trigger: Option<Trigger>,
    },
    /// A packet wants through a connection that is up.
    Wanted {
        /// Which connection.
        connection: String,
        /// Because of this packet.
        trigger: Trigger,
    },
    /// It has to authenticate anew.
    Reauthenticate {
        /// Which connection.
        connection: String,
    },
    /// It has to take a connection down.
    Terminate {
        /// Which.
        connection: String,
    },
    /// It has to take everything down.
    Shutdown,
}

/// Octets as two hex digits each.
mod hex {
    use std::fmt::Write;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(octets: &[u8], to: S) -> Result<S::Ok, S::Error> {
        let text = octets.iter().fold(String::new(), |mut text, octet| {
            // Writing to a string doesn't fail.
            let _ = write!(text, "{octet:02x}");
            text
        });
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
