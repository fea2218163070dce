//! What the key exchange asks of the data plane, and what the data plane tells back.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::carriage::{Carriage, HardLimits};
use crate::connection::Mode;
use crate::proposal::Suite;
use crate::secret::Secret;
use crate::selector::Selector;

/// How protected packets travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// Our address and IKE port (4500 when encapsulated).
    pub local: SocketAddr,
    /// The peer's address and IKE port.
    pub remote: SocketAddr,
    /// ESP inside UDP (RFC 3948), or plain protocol 50.
    pub udp_encap: bool,
}

/// A pair of unidirectional SAs with their selectors: all that a backend needs.
#[derive(Clone)]
pub struct ChildSa {
    /// Configured connection.
    pub connection: String,
    /// Configured child.
    pub child: String,
    /// SPI of received packets; chosen by us.
    pub spi_in: u32,
    /// SPI of sent packets; chosen by the peer.
    pub spi_out: u32,
    /// Algorithms.
    pub suite: Suite,
    /// Keying material of received packets: encryption key (with salt), then integrity key (RFC 7296 2.17).
    pub key_in: Secret,
    /// Keying material of sent packets.
    pub key_out: Secret,
    /// Tunnel or transport.
    pub mode: Mode,
    /// Our side's traffic.
    pub ts_local: Vec<Selector>,
    /// The peer's side's traffic.
    pub ts_remote: Vec<Selector>,
    /// How packets travel.
    pub path: Path,
    /// Anti-replay window in packets.
    pub replay_window: u32,
    /// How packets are dressed for the way.
    pub carriage: Carriage,
    /// What it may carry.
    pub limits: HardLimits,
    /// `spi_in` of the pair that this one replaces at the peer's wish. The peer cannot receive on the new pair before it
    /// has our answer, so sending stays with the old one until a packet arrives on the new one or the old one is
    /// removed (RFC 7296 2.8).
    pub replaces: Option<u32>,
}

/// A change that the data plane must carry out, in order.
#[derive(Clone)]
pub enum DataPlaneRequest {
    /// Install both SAs of a child. An older pair of the same child stays for receiving until it is removed;
    /// sending moves to the new pair at once, or as [`ChildSa::replaces`] says.
    Install(Box<ChildSa>),
    /// Remove both SAs of a pair.
    Remove {
        /// Configured connection.
        connection: String,
        /// Configured child.
        child: String,
        /// SPI of received packets.
        spi_in: u32,
    },
    /// Send on this pair only when no other pair of the child takes the packet; it still receives. It is about to be
    /// deleted, and the peer may have removed its half before it says so.
    Retire {
        /// Configured connection.
        connection: String,
        /// Configured child.
        child: String,
        /// SPI of received packets.
        spi_in: u32,
    },
    /// The path of every pair of a connection changed.
    MovePath {
        /// Configured connection.
        connection: String,
        /// SPIs of received packets of the pairs that move.
        spis_in: Vec<u32>,
        /// The new path.
        path: Path,
    },
}

/// A packet that wants through and that no SA takes. Its selectors go first in the request for one (RFC 7296 2.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// The configured child whose packet it is.
    pub child: String,
    /// Where it comes from: a host, with protocol and port where the packet shows them.
    pub local: Selector,
    /// Where it goes.
    pub remote: Selector,
}

/// Traffic counters of one pair of SAs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairCounters {
    /// Inner octets received.
    pub bytes_in: u64,
    /// Inner octets sent.
    pub bytes_out: u64,
    /// Packets received.
    pub packets_in: u64,
    /// Packets sent.
    pub packets_out: u64,
    /// When a packet was last received.
    pub last_in: Option<crate::now::Mono>,
    /// Sequence numbers of the sending SA that are used up. They may be more than packets: those claimed for packets that
    /// weren't sent after all are never given out again.
    #[serde(default)]
    pub numbers_out: u64,
}
