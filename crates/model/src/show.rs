//! The state of a gateway in detail, as people and scripts are shown it: the `adit.show.*` documents.
//!
//! Each topic is one document; text and JSON are made from it. Where what was negotiated isn't simply what was configured, a
//! [`Difference`] says so.

use serde::{Deserialize, Serialize};

use crate::certificate::{CertificateDetail, CertificateUse};
use crate::drops::{DropReason, Layer, Severity};
use crate::event::Event;

/// What can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// IKE SAs.
    IkeSa,
    /// Pairs of ESP SAs.
    IpsecSa,
    /// What is protected, what passes by, what is blocked.
    Policy,
    /// Certificates of ours and of CAs.
    Certs,
    /// Every drop counter.
    Drops,
    /// What happened.
    Log,
}

/// The document of a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "topic", content = "document", rename_all = "kebab-case")]
pub enum Shown {
    /// IKE SAs.
    IkeSa(IkeSas),
    /// Pairs of ESP SAs.
    IpsecSa(IpsecSas),
    /// Policies.
    Policy(Policies),
    /// Certificates.
    Certs(Certificates),
    /// Drop counters.
    Drops(Drops),
    /// Events.
    Log(Log),
}

/// Something negotiated that isn't simply what was configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What differs: `proposal`, `peer-identity`, `peer-address`, `port`, `key-exchange`, `local-selectors`,
    /// `remote-selectors`, `encapsulation`.
    pub what: String,
    /// As configured.
    pub configured: String,
    /// As negotiated, or found.
    pub negotiated: String,
    /// How that comes, in one sentence.
    pub meaning: String,
}

/// The document of [`Topic::IkeSa`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IkeSas {
    /// Always [`IkeSas::SCHEMA`].
    pub schema: String,
    /// Every IKE SA, by tunnel; those of peers that haven't authenticated come last.
    pub ike_sas: Vec<IkeSaDetail>,
}

impl IkeSas {
    /// The schema name and major version.
    pub const SCHEMA: &'static str = "adit.show.ike-sa/1";
}

/// One IKE SA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IkeSaDetail {
    /// The tunnel; `None` until a peer has said who it is.
    pub tunnel: Option<String>,
    /// `connecting`, `established`, `replaced` or `closing`.
    pub state: String,
    /// Major version.
    pub version: u8,
    /// `initiator` or `responder`.
    pub role: String,
    /// SPI in hex of the original initiator.
    pub spi_initiator: String,
    /// SPI in hex of the responder; zeros until it is known.
    pub spi_responder: String,
    /// Our address and port.
    pub local: String,
    /// The peer's address and port.
    pub remote: String,
    /// Our identity, once settled.
    pub local_id: Option<String>,
    /// The peer's identity, once it has authenticated.
    pub remote_id: Option<String>,
    /// How we authenticate.
    pub local_auth: Option<String>,
    /// How the peer has to.
    pub remote_auth: Option<String>,
    /// How the peer says that we may prove to it who we are (RFC 9593); empty where it hasn't said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peer_auth_methods: Vec<String>,
    /// What NAT detection found: `none`, `local`, `remote` or `both`; `None` before it is done.
    pub nat: Option<String>,
    /// Whether both sides can move to other addresses (RFC 4555).
    pub mobike: bool,
    /// Name of the post-quantum pre-shared key that both sides mixed into the keys, if they did (RFC 8784).
    #[serde(default)]
    pub ppk: Option<String>,
    /// Addresses inside the tunnel that the peer gave us.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local_virtual_ips: Vec<String>,
    /// Addresses inside the tunnel that we gave the peer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remote_virtual_ips: Vec<String>,
    /// Name servers that the peer told us of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<String>,
    /// Networks that the side which gave addresses has told, if it did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub split: Vec<String>,
    /// Negotiated algorithms, once agreed.
    pub proposal: Option<String>,
    /// The place of the proposal that was negotiated among the configured ones, from 1; `None` before, and when none of them
    /// holds it any more.
    pub proposal_number: Option<usize>,
    /// Additional key exchanges (RFC 9370), in order.
    pub additional_key_exchanges: Vec<String>,
    /// When both sides had authenticated (RFC 3339).
    pub established: Option<String>,
    /// When we begin to rekey it or to authenticate anew (RFC 3339), if we will.
    pub rekey_at: Option<String>,
    /// Names of its children that carry traffic.
    pub children: Vec<String>,
    /// Where it isn't simply what was configured.
    pub differences: Vec<Difference>,
}

/// The document of [`Topic::IpsecSa`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpsecSas {
    /// Always [`IpsecSas::SCHEMA`].
    pub schema: String,
    /// Every pair of ESP SAs, by tunnel, then by age.
    pub ipsec_sas: Vec<IpsecSaDetail>,
}

impl IpsecSas {
    /// The schema name and major version.
    pub const SCHEMA: &'static str = "adit.show.ipsec-sa/1";
}

/// One pair of ESP SAs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpsecSaDetail {
    /// The tunnel.
    pub tunnel: String,
    /// The child.
    pub child: String,
    /// `installed`; `rekeyed` while another pair has taken its place; `deleting`.
    pub state: String,
    /// `tunnel` or `transport`.
    pub mode: String,
    /// SPI in hex of what we receive.
    pub spi_in: String,
    /// SPI in hex of what we send.
    pub spi_out: String,
    /// SPI in hex that we chose for the IKE SA that it belongs to.
    pub ike_spi: String,
    /// Negotiated algorithms.
    pub proposal: String,
    /// The place of the proposal that was negotiated among the configured ones, from 1; `None` when none of them holds it any
    /// more.
    pub proposal_number: Option<usize>,
    /// Additional key exchanges (RFC 9370) of its own, in order.
    pub additional_key_exchanges: Vec<String>,
    /// `udp` or `esp`: how packets travel.
    pub encapsulation: String,
    /// Our address and port of the path.
    pub local: String,
    /// The peer's address and port of the path.
    pub remote: String,
    /// Negotiated selectors of our side.
    pub ts_local: Vec<String>,
    /// Negotiated selectors of the peer's side.
    pub ts_remote: Vec<String>,
    /// Inner octets received by this pair.
    pub bytes_in: u64,
    /// Inner octets sent.
    pub bytes_out: u64,
    /// Packets received.
    pub packets_in: u64,
    /// Packets sent.
    pub packets_out: u64,
    /// When a packet was last received (RFC 3339).
    pub last_in: Option<String>,
    /// When we begin to rekey it (RFC 3339), if we will.
    pub rekey_at: Option<String>,
    /// Where it isn't simply what was configured.
    pub differences: Vec<Difference>,
}

/// The document of [`Topic::Policy`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policies {
    /// Always [`Policies::SCHEMA`].
    pub schema: String,
    /// What stops packets of tunnels that would pass in clear: `nftables`, `routes`; `None` where nothing does.
    pub block: Option<String>,
    /// Configured policies, in the order in which they are looked up; then what is protected; then what passes by.
    pub policies: Vec<PolicyEntry>,
}

impl Policies {
    /// The schema name and major version.
    pub const SCHEMA: &'static str = "adit.show.policy/1";
}

/// What becomes of the packets that a policy takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyAction {
    /// They are protected, and held back while there is no SA.
    Protect,
    /// They pass as they are.
    Bypass,
    /// They go nowhere.
    Drop,
}

/// What becomes of them now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyNow {
    /// They are protected.
    Protected,
    /// They are dropped: there is no SA, or a policy says so.
    Dropped,
    /// They pass in clear.
    Clear,
}

/// One policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyEntry {
    /// What is configured to become of the packets.
    pub action: PolicyAction,
    /// What becomes of them now.
    pub now: PolicyNow,
    /// The configured policy (`[policy.NAME]`); those go before all tunnels.
    pub policy: Option<String>,
    /// The tunnel, for what is protected.
    pub tunnel: Option<String>,
    /// The child, for what is protected.
    pub child: Option<String>,
    /// Our side's packets.
    pub local: Vec<String>,
    /// The peer's side's.
    pub remote: Vec<String>,
    /// What that means, in one sentence.
    pub meaning: String,
}

/// The document of [`Topic::Certs`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificates {
    /// Always [`Certificates::SCHEMA`].
    pub schema: String,
    /// Those that the running gateway has read, what ends first before others.
    pub certificates: Vec<LoadedCertificate>,
}

impl Certificates {
    /// The schema name and major version.
    pub const SCHEMA: &'static str = "adit.show.certs/1";
}

/// A certificate that the gateway has read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedCertificate {
    /// What it is for.
    #[serde(rename = "use")]
    pub used_as: CertificateUse,
    /// The tunnels that it is configured for.
    pub tunnels: Vec<String>,
    /// What it says.
    #[serde(flatten)]
    pub certificate: CertificateDetail,
}

/// The document of [`Topic::Drops`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drops {
    /// Always [`Drops::SCHEMA`].
    pub schema: String,
    /// The tunnel whose packets are counted; `None` counts all that this gateway dropped.
    pub tunnel: Option<String>,
    /// Every counter, also those that stand at zero.
    pub drops: Vec<DropCounter>,
}

impl Drops {
    /// The schema name and major version.
    pub const SCHEMA: &'static str = "adit.show.drops/1";
}

/// One drop counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropCounter {
    /// Its name.
    pub reason: DropReason,
    /// Where packets are dropped for that.
    pub layer: Layer,
    /// How alarming it is.
    pub severity: Severity,
    /// How many packets, since the gateway started.
    pub packets: u64,
    /// What it means.
    pub meaning: String,
    /// Of these, the packets that are known to belong to a child.
    pub by_child: Vec<ChildDrops>,
}

/// The packets of a child that a counter has counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildDrops {
    /// The tunnel.
    pub tunnel: String,
    /// The child.
    pub child: String,
    /// How many packets.
    pub packets: u64,
}

/// The document of [`Topic::Log`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// Always [`Log::SCHEMA`].
    pub schema: String,
    /// What is kept of what happened, oldest first.
    pub events: Vec<LogEntry>,
}

impl Log {
    /// The schema name and major version.
    pub const SCHEMA: &'static str = "adit.show.log/1";
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Counts from 1 over all tunnels.
    pub number: u64,
    /// When (RFC 3339).
    pub at: String,
    /// It in one line.
    pub text: String,
    /// It in every detail.
    pub event: Event,
}
