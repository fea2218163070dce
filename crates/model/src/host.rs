//! What listings show of a host: its routes, its links, and what its pings came to.

use serde::{Deserialize, Serialize};

use crate::now::Wall;

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
    /// A link that belongs to another one: of a VRF, a bridge or a bond.
    Member {
        /// Its name.
        name: String,
        /// The other one's.
        of: String,
    },
    /// A series of echo requests, or of TCP segments of one size, and what came of it.
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
    /// A security association of Linux (`ip xfrm state`).
    Sa(KernelSa),
    /// A policy of Linux (`ip xfrm policy`).
    Policy(KernelPolicy),
    /// A list was shown from its command to what came after it, so that what isn't in it isn't there.
    Listed {
        /// Of what.
        what: Listing,
        /// Entries.
        entries: u32,
    },
    /// An address of the host.
    Address {
        /// The interface; empty where it isn't told.
        interface: String,
        /// The address, with the length of its network where it is told.
        address: String,
    },
    /// A tunnel's interface and the number that binds policies to it.
    TunnelInterface {
        /// Its name.
        name: String,
        /// `xfrm` or `vti`.
        kind: String,
        /// `if_id`, or the key of a VTI.
        number: u32,
    },
    /// Which hardware address an address is at.
    Hardware {
        /// The address.
        address: String,
        /// Twelve digits.
        hardware: String,
        /// It is the host's own interface; otherwise what somebody knows of a neighbour.
        own: bool,
    },
    /// The largest packet that a path takes, as tracepath found it.
    PathMtu {
        /// Octets.
        mtu: u32,
    },
    /// A filter's memory of a flow of UDP (`conntrack -L`).
    Flow(Flow),
    /// A certificate that a tool printed.
    Certificate(Certificate),
    /// The host's clock, as `date` printed it.
    Clock {
        /// What it said.
        at: Wall,
    },
    /// The latest event of a log whose time is told with its year: others may have got a wrong one.
    Dated {
        /// When it was.
        at: Wall,
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

/// What a list has the entries of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Listing {
    /// The kernel's security associations.
    Sas,
    /// The kernel's policies.
    Policies,
    /// The host's addresses.
    Addresses,
    /// The host's routes: no other network is known to it, by a default route either.
    Routes,
    /// The flows that a filter remembers.
    Flows,
    /// The host's routes under their heading, a default route among them or not.
    Table,
    /// The routes of all tables of a Linux host.
    Tables,
}

/// A security association as the kernel has it. What the listing doesn't show is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelSa {
    /// Outer source address.
    pub from: String,
    /// Outer destination address.
    pub to: String,
    /// SPI; 0 for one that waits for a daemon to negotiate it.
    pub spi: u32,
    /// Which policies it serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reqid: Option<u32>,
    /// `tunnel`, `transport`.
    #[serde(default)]
    pub mode: String,
    /// Mark with its mask, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// Number of the interface that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_id: Option<u32>,
    /// It is encapsulated in UDP.
    #[serde(default)]
    pub in_udp: bool,
    /// The window in which late packets are taken; 0 checks nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<u32>,
    /// `in` or `out`, where the kernel tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// Octets and packets carried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried: Option<(u64, u64)>,
    /// The kernel tells when it was used, so something went through it (`lastused`, `use` with a date).
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub used: bool,
}

/// A policy as the kernel has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelPolicy {
    /// Inner source network.
    pub from: String,
    /// Inner destination network.
    pub to: String,
    /// Protocol and ports, as written; empty for all.
    #[serde(default)]
    pub ports: String,
    /// The device that its selector names: it is only for packets that this one carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// `in`, `out` or `fwd`.
    pub direction: String,
    /// What it catches is thrown away.
    #[serde(default)]
    pub blocks: bool,
    /// The lower is taken first.
    pub priority: u32,
    /// Mark with its mask, as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// Number of the interface that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_id: Option<u32>,
    /// Which SAs it wants; without any, what it catches passes in clear.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub templates: Vec<Template>,
}

/// The SA that a policy wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Outer source address; `0.0.0.0` for any.
    pub from: String,
    /// Outer destination address.
    pub to: String,
    /// `reqid` of the SA; 0 for any.
    pub reqid: u32,
    /// `tunnel`, `transport`.
    pub mode: String,
}

/// A flow of UDP as a filter remembers it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Whence its first packet came.
    pub from: String,
    /// Where it went.
    pub to: String,
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub port: u16,
    /// Whence the answers come: another address than `to` where the destination is translated.
    pub answers_from: String,
    /// Where the answers go: another address than `from` where the source is translated.
    pub answers_to: String,
    /// The port that the answers go to.
    pub answers_port: u16,
    /// No answer was seen.
    pub unanswered: bool,
}

/// A certificate as a tool prints it. What isn't printed is empty or `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Subject, as written.
    pub subject: String,
    /// Issuer, as written.
    pub issuer: String,
    /// Begin of its validity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Wall>,
    /// End of its validity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Wall>,
    /// Its subjectAltNames without their types; `None` where extensions weren't printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<Vec<String>>,
    /// It is an authority's.
    #[serde(default)]
    pub authority: bool,
}
