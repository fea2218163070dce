//! The state of tunnels as scripts see it: the `adit.status/1` document.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::drops::DropReason;

/// The whole document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Always [`Status::SCHEMA`].
    pub schema: String,
    /// Every configured tunnel, broken first.
    pub tunnels: Vec<Tunnel>,
    /// Every pool of addresses for peers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<PoolStatus>,
    /// What carries packets, and how that goes; `None` where nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_plane: Option<Box<DataPlaneStatus>>,
}

/// What carries packets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataPlaneStatus {
    /// `user` for our own data plane, `kernel` for the kernel's IPsec.
    pub backend: String,
    /// Why that: half a sentence, which for our own says why not the kernel's IPsec unless it is configured so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// How long packets were in the gateway on their way to a peer, from samples. The kernel doesn't tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_out: Option<Latency>,
    /// The same for packets from peers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_in: Option<Latency>,
    /// The threads of our own data plane.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub threads: Vec<ThreadStatus>,
}

/// Sampled times in nanoseconds, each rounded up by at most a quarter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// How many samples there are: one batch of packets of 256.
    pub samples: u64,
    /// What half of them didn't exceed.
    pub p50_ns: u64,
    /// What 90 % of them didn't exceed.
    pub p90_ns: u64,
    /// What 99 % of them didn't exceed.
    pub p99_ns: u64,
    /// The longest.
    pub longest_ns: u64,
    /// All of them, in ranges of which each begins where the one before ends, the shortest first.
    pub histogram: Vec<LatencyRange>,
}

/// Samples that were about as long as each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencyRange {
    /// The longest time that belongs here.
    pub up_to_ns: u64,
    /// How many.
    pub samples: u64,
}

/// What one thread has carried since the gateway started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadStatus {
    /// Its number, from 0.
    pub thread: u16,
    /// ESP packets that it sealed.
    pub packets_out: u64,
    /// Octets of these.
    pub bytes_out: u64,
    /// ESP packets that it opened.
    pub packets_in: u64,
    /// Octets of the packets within.
    pub bytes_in: u64,
    /// Packets that it dropped, by reason.
    pub drops: BTreeMap<DropReason, u64>,
}

/// A pool of addresses for peers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolStatus {
    /// Configured name.
    pub name: String,
    /// Its ranges.
    pub addresses: Vec<String>,
    /// How many addresses it can give.
    pub size: u64,
    /// How many are in use.
    pub leased: u64,
    /// Every address that was given, in their order.
    pub leases: Vec<LeaseStatus>,
}

/// An address that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseStatus {
    /// To whom.
    pub identity: String,
    /// Which.
    pub address: String,
    /// Whether it is in use; otherwise it is free and kept for the same identity while nobody else needs it.
    pub in_use: bool,
}

impl Status {
    /// The schema name and major version.
    pub const SCHEMA: &'static str = "adit.status/1";
}

/// State of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TunnelState {
    /// Not up, and not being set up.
    Down,
    /// Being set up.
    Connecting,
    /// IKE SA and every child are up.
    Up,
    /// Taken down by the operator.
    Disabled,
}

/// State of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChildState {
    /// Has SAs.
    Up,
    /// Has SAs that are being replaced.
    Rekeying,
    /// Has none.
    Down,
}

/// One configured tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnel {
    /// Configured name.
    pub name: String,
    /// Its state.
    pub state: TunnelState,
    /// Cause id of why it isn't up, where a verdict exists.
    pub cause: Option<String>,
    /// The cause, or what is going on, in one sentence.
    pub summary: String,
    /// Whether traffic without SAs is blocked, and by what: `nftables`, `routes`, `tun`.
    pub block: Option<String>,
    /// What becomes of its traffic while there is no SA: `required` (it is stopped) or `optional` (it passes in clear).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub policy: String,
    /// What will fail, as far as it is foreseen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ahead: Vec<ForeseenStatus>,
    /// What has passed in clear because the tunnel is optional, since it is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clear: Option<ClearTraffic>,
    /// The newest time without an SA since the gateway has the tunnel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<GapStatus>,
    /// Its own network interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// What its monitor says; `None` where none is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<MonitorStatus>,
    /// The IKE SA, while there is one.
    pub ike: Option<IkeSa>,
    /// Every configured child.
    pub children: Vec<ChildSaStatus>,
}

/// Something that will fail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeseenStatus {
    /// Cause id that the failure will have.
    pub cause: String,
    /// The child that it is about, where it is one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<String>,
    /// What is so, in one sentence.
    pub summary: String,
    /// What will come of it.
    pub consequence: String,
}

/// What passes in clear of an optional tunnel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearTraffic {
    /// Children without an SA, whose traffic passes now.
    pub children: Vec<String>,
    /// Packets that have left.
    pub packets_out: u64,
    /// Packets that were let in.
    pub packets_in: u64,
}

/// A time without an SA, and what became of the tunnel's packets meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapStatus {
    /// When it began (RFC 3339): the tunnel went down, or the gateway began to have it.
    pub since: String,
    /// When it ended (RFC 3339); `None` while it lasts.
    pub until: Option<String>,
    /// How long it was, or has been.
    pub seconds: u64,
    /// Packets that were held back for want of an SA; `None` with the kernel's IPsec, which counts them for the whole host.
    pub held_back: Option<u64>,
    /// Packets that were led round the tunnel, and stopped by the block; `None` with the kernel's IPsec, whose policies stop
    /// them first.
    pub stopped: Option<u64>,
    /// Packets that left in clear, which only those of an optional tunnel do; `None` where it was too short to be counted.
    pub left_in_clear: Option<u64>,
}

/// What a tunnel's monitor says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonitorStatus {
    /// What it makes of the tunnel ([`Judged`](crate::monitored::Judged)): `carries`, `no-target`, `no-source`,
    /// `target-silent`, `not-sent`, `one-sided`, `peer-silent`, `down`, `not-helped`; `unknown` before it knows anything.
    pub judged: String,
    /// Since when (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Whom it asks inside the tunnel; `None` as long as nobody has answered.
    pub target: Option<String>,
    /// Our address that it asks from.
    pub source: Option<String>,
    /// When the target last answered (RFC 3339).
    pub last_answer: Option<String>,
    /// How long that answer took, in microseconds.
    pub rtt_us: Option<u64>,
    /// Unanswered echoes since.
    pub unanswered: u32,
    /// The tunnel that the routes lead into instead of this one now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<String>,
}

/// An IKE SA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IkeSa {
    /// Major version.
    pub version: u8,
    /// `initiator` or `responder`.
    pub role: String,
    /// Our address and port.
    pub local: String,
    /// The peer's address and port.
    pub remote: String,
    /// Our identity.
    pub local_id: String,
    /// The peer's identity; `None` before it is known.
    pub remote_id: Option<String>,
    /// Negotiated algorithms; `None` before they are.
    pub proposal: Option<String>,
    /// SPIs in hex, initiator's first.
    pub spis: (String, String),
    /// Whether it goes on when an address changes (RFC 4555).
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub mobike: bool,
    /// How the peer says that we may prove to it who we are (RFC 9593); empty where it hasn't said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peer_auth_methods: Vec<String>,
    /// A NAT was found, and on whose side: `none`, `local`, `remote`, `both`.
    pub nat: Option<String>,
    /// Addresses inside the tunnel that the peer gave us.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub virtual_ips: Vec<String>,
    /// Name servers that it told along with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<String>,
    /// When it was established (RFC 3339).
    pub established: Option<String>,
    /// When it will be rekeyed (RFC 3339), if it will.
    pub rekey_at: Option<String>,
}

/// A child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildSaStatus {
    /// Configured name.
    pub name: String,
    /// Its state.
    pub state: ChildState,
    /// Cause id of why it is down, where a verdict exists.
    pub cause: Option<String>,
    /// `tunnel` or `transport`.
    pub mode: String,
    /// SPI in hex of what we receive.
    pub spi_in: Option<String>,
    /// SPI in hex of what we send.
    pub spi_out: Option<String>,
    /// Negotiated algorithms.
    pub proposal: Option<String>,
    /// `udp` or `esp`: how packets travel.
    pub encapsulation: Option<String>,
    /// What a network device does of it; `None` where none is asked (`hw_offload`), and while there are no SAs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offload: Option<OffloadStatus>,
    /// Selectors of our side: negotiated when up, else configured.
    pub ts_local: Vec<String>,
    /// Selectors of the peer's side.
    pub ts_remote: Vec<String>,
    /// Inner octets received since the gateway started, over all SAs of this child.
    pub bytes_in: u64,
    /// Inner octets sent.
    pub bytes_out: u64,
    /// Packets received.
    pub packets_in: u64,
    /// Packets sent.
    pub packets_out: u64,
    /// When a packet was last received (RFC 3339).
    pub last_in: Option<String>,
    /// When it will be rekeyed (RFC 3339), if it will.
    pub rekey_at: Option<String>,
}

/// What a network device does of a child's newest pair of SAs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffloadStatus {
    /// What is configured: `crypto` or `packet`.
    pub wanted: String,
    /// Who works on what we receive, as the kernel tells; `None` is the kernel itself.
    #[serde(rename = "in")]
    pub inward: Option<OffloadedTo>,
    /// Who works on what we send.
    #[serde(rename = "out")]
    pub outward: Option<OffloadedTo>,
    /// Why it isn't all as wanted, and what goes on instead; `None` where it is.
    pub instead: Option<String>,
}

/// A device that works for a state of the kernel's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffloadedTo {
    /// Its name.
    pub device: String,
    /// `crypto` or `packet`.
    pub does: String,
}
