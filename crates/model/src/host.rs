//! What listings show of a host: its routes, its links, and what its pings came to.

use serde::{Deserialize, Serialize};

/// One thing that a listing shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "host", rename_all = "kebab-case")]
pub enum HostState {
    /// A route of a table.
    Route(Route),
    /// What the host answered when it was asked for the way to an address.
    Way {
        /// The address that was asked for.
        to: String,
        /// The way.
        route: Route,
    },
    /// A rule that chooses a table: its words without the priority.
    Rule {
        /// Priority; the lower is asked first.
        priority: u32,
        /// `from all lookup 220`.
        words: String,
    },
    /// A link.
    Link {
        /// Its name.
        name: String,
        /// Largest packet, in octets.
        mtu: u32,
    },
    /// A series of echo requests and what came of it.
    Ping {
        /// To whom.
        to: String,
        /// From which address or interface, where that was asked for.
        from: Option<String>,
        /// Octets of payload; 8 of ICMP and 20 of IP come to it.
        size: u32,
        /// Fragments were forbidden.
        whole: bool,
        /// Requests.
        sent: u64,
        /// Answers.
        received: u64,
    },
    /// A measurement of throughput.
    Throughput {
        /// Bits in a second.
        bits: u64,
        /// Segments that were sent again, where that is told.
        retransmissions: Option<u64>,
    },
}

/// A route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The network, `0.0.0.0/0` for the default route.
    pub network: String,
    /// Next hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<String>,
    /// Interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Preferred source address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Table, where it isn't the main one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Packets are thrown away: `unreachable`, `blackhole`, `prohibit`.
    #[serde(default)]
    pub dead: bool,
}
