//! What an operator configured: tunnels and their children, neutral of any dialect.

use core::fmt;
use core::time::Duration;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::carriage::Carriage;
use crate::identity::Identity;
use crate::inner::InnerAddresses;
use crate::life::{ChildLife, Life};
use crate::monitored::Monitor;
use crate::proposal::Proposal;
use crate::selector::Selector;

/// One tunnel to one peer. Keys aren't part of it: whoever runs the tunnel holds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// The name that commands, events and findings use.
    pub name: String,
    /// Our address: `None` for any, and while `local_interface` hasn't been looked up.
    pub local: Option<IpAddr>,
    /// The interface whose address is ours, where the configuration names one instead of the address. Whoever runs the
    /// connection looks it up and sets `local`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_interface: Option<String>,
    /// The peer's address, name, or any.
    pub remote: Remote,
    /// Who we say we are.
    pub local_id: Identity,
    /// Who the peer must be; `None` accepts any identity that authenticates.
    pub remote_id: Option<Identity>,
    /// A pre-shared key that is mixed into the keys besides, against a quantum computer (RFC 8784).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ppk: Option<Ppk>,
    /// How both sides authenticate.
    pub auth: Authentication,
    /// IKE proposals, most wanted first.
    pub ike: Vec<Proposal>,
    /// Who starts.
    pub start: Start,
    /// CHILD SAs.
    pub children: Vec<Child>,
    /// Idle time after which the peer is asked whether it lives; zero never asks.
    pub dpd_delay: Duration,
    /// Retransmission schedule.
    pub retransmit: Retransmit,
    /// How many requests of the peer we take at the same time once it has authenticated, and keep the answers to
    /// (SET_WINDOW_SIZE, RFC 7296 2.3). One is what every peer expects, and isn't announced.
    #[serde(default = "one")]
    pub window: u32,
    /// Encapsulate ESP in UDP even without a NAT.
    pub force_encap: bool,
    /// Follow address changes of either side without setting the tunnel up anew (RFC 4555).
    #[serde(default)]
    pub mobike: bool,
    /// UDP port the peer's IKE listens on; 500 unless a test or a forwarder says otherwise.
    pub remote_port: u16,
    /// Addresses inside the tunnel that one side gives to the other.
    #[serde(default)]
    pub inner: InnerAddresses,
    /// How long its IKE SA lives, and what happens at the end.
    #[serde(default)]
    pub life: Life,
    /// What becomes of its traffic while there is no SA.
    #[serde(default)]
    pub protection: Protection,
    /// Its own network interface. What is routed into that is its traffic; without one its selectors alone decide, and it
    /// shares a device with other tunnels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<TunnelInterface>,
    /// How it is monitored; `None`: only its counters are watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monitor: Option<Monitor>,
}

fn one() -> u32 {
    1
}

impl Connection {
    /// Whether an IKE SA that was set up as `other` says can go on as this one: they differ at most in children, and in what
    /// isn't agreed on with the peer.
    #[must_use]
    pub fn goes_on_from(&self, other: &Connection) -> bool {
        let as_other = Connection {
            start: other.start,
            children: other.children.clone(),
            dpd_delay: other.dpd_delay,
            retransmit: other.retransmit,
            life: other.life.clone(),
            protection: other.protection,
            interface: other.interface.clone(),
            monitor: other.monitor.clone(),
            ..self.clone()
        };
        as_other == *other
    }
}

/// What becomes of a tunnel's traffic while there is no SA for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protection {
    /// It is stopped (RFC 4301 4.4.1: what policy says to protect is protected or discarded).
    #[default]
    Required,
    /// It passes in clear, both ways, until there is an SA: for the time in which one end after the other gets its tunnel.
    Optional,
}

/// The network interface of one tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TunnelInterface {
    /// Its name, at most 15 octets.
    pub name: String,
    /// Its own addresses, with the length of their networks.
    pub addresses: Vec<IpNet>,
    /// Its MTU in octets; `None` derives it from the tunnel's algorithms and the link to the peer.
    pub mtu: Option<u32>,
    /// What is routed into it. Other routes may be added beside the configuration.
    pub routes: Vec<IpNet>,
}

impl TunnelInterface {
    /// The number that ties kernel states and policies to this interface (`if_id` of an XFRM interface): never zero, and the
    /// same for the same name, so that what an earlier process installed is found again.
    #[must_use]
    pub fn if_id(&self) -> u32 {
        // FNV-1a.
        let hash = self.name.bytes().fold(0x811c_9dc5, |hash: u32, octet| {
            (hash ^ u32::from(octet)).wrapping_mul(0x0100_0193)
        });
        hash.max(1)
    }
}

/// A post-quantum pre-shared key (RFC 8784). The key itself isn't part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ppk {
    /// Its name, which both sides have for it (PPK_ID).
    pub id: String,
    /// Whether a peer that doesn't have it is refused.
    pub required: bool,
}

/// Where the peer is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Remote {
    /// At this address.
    Address(IpAddr),
    /// Wherever this name resolves to.
    Name(String),
    /// Anywhere; such a connection only responds.
    Any,
}

/// How the two sides authenticate. They needn't do it the same way (RFC 7296 2.15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// How we do.
    pub local: AuthKind,
    /// How the peer has to.
    pub remote: AuthKind,
}

impl Authentication {
    /// A pre-shared key on both sides.
    pub const PSK: Self = Self::both(AuthKind::Psk);

    /// The same on both sides.
    #[must_use]
    pub const fn both(kind: AuthKind) -> Self {
        Self {
            local: kind,
            remote: kind,
        }
    }
}

/// How one side authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthKind {
    /// By a key that both sides have.
    Psk,
    /// By a private key whose public half is in a certificate (RFC 7296 3.6).
    Certificate,
    /// By a private key whose public half the other side knows (RFC 7670).
    PublicKey,
}

impl fmt::Display for AuthKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AuthKind::Psk => "a pre-shared key",
            AuthKind::Certificate => "a certificate",
            AuthKind::PublicKey => "a raw public key",
        })
    }
}

/// Who starts a tunnel, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// As soon as the gateway runs, and again whenever it is down.
    Auto,
    /// When a packet wants through.
    OnDemand,
    /// Never by us.
    Passive,
}

/// Retransmission with exponential back-off (RFC 7296 2.1 leaves the numbers open).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retransmit {
    /// Wait before the first retransmission.
    pub initial: Duration,
    /// Each wait is the previous one times this many hundredths.
    pub backoff_percent: u32,
    /// Longest wait.
    pub max: Duration,
    /// Retransmissions before giving up.
    pub tries: u32,
}

impl Default for Retransmit {
    fn default() -> Self {
        Self {
            initial: Duration::from_millis(500),
            backoff_percent: 180,
            max: Duration::from_secs(30),
            tries: 6,
        }
    }
}

impl Retransmit {
    /// The wait after transmission number `sent` (1 is the first transmission).
    #[must_use]
    pub fn wait_after(&self, sent: u32) -> Duration {
        let mut wait = self.initial;
        for _ in 1..sent {
            wait = (wait * self.backoff_percent / 100).min(self.max);
        }
        wait.min(self.max)
    }

    /// How long it takes to give up on a peer that never answers.
    #[must_use]
    pub fn total(&self) -> Duration {
        (1..=self.tries + 1).map(|n| self.wait_after(n)).sum()
    }
}

/// One CHILD SA of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Child {
    /// Name, unique within the connection.
    pub name: String,
    /// Our side's traffic.
    pub local_ts: Vec<Selector>,
    /// The peer's side's traffic.
    pub remote_ts: Vec<Selector>,
    /// ESP proposals, most wanted first.
    pub esp: Vec<Proposal>,
    /// Tunnel or transport.
    pub mode: Mode,
    /// Anti-replay window in packets (RFC 4303 3.4.3).
    pub replay_window: u32,
    /// How long it lives.
    #[serde(default)]
    pub life: ChildLife,
    /// How far what is agreed with the peer may differ from what is configured.
    #[serde(default)]
    pub leeway: Leeway,
    /// How its packets are dressed for the way.
    #[serde(default)]
    pub carriage: Carriage,
}

impl Child {
    /// Whether a CHILD SA that was agreed on as `other` says is good for this one too: they differ at most in how long it
    /// lives.
    #[must_use]
    pub fn has_terms_of(&self, other: &Child) -> bool {
        let as_other = Child {
            life: other.life.clone(),
            ..self.clone()
        };
        as_other == *other
    }
}

/// How far a CHILD SA may differ from its configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leeway {
    /// Whether it may carry less traffic than is configured, or than the peer asks for (narrowing, RFC 7296 2.9).
    pub narrow: bool,
    /// Whether tunnel mode will do where transport mode is wanted and the peer declines it, or a NAT forbids it
    /// (RFC 7296 1.3.1).
    pub tunnel_instead: bool,
}

impl Default for Leeway {
    fn default() -> Self {
        Self {
            narrow: true,
            tunnel_instead: false,
        }
    }
}

/// How inner packets are carried (RFC 4301 3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A whole IP packet inside another.
    #[default]
    Tunnel,
    /// Only the payload; the peers are the ends of the traffic.
    Transport,
}
