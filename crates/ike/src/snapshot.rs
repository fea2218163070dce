//! The state of IKE SAs as others may see it: values, no keys.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use adit_model::announced::Announced;
use adit_model::connection::Mode;
use adit_model::event::Role;
use adit_model::identity::Identity;
use adit_model::proposal::Suite;
use adit_model::selector::Selector;
use adit_model::{Mono, Wall};
use ipnet::IpNet;

/// One IKE SA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IkeSaSnapshot {
    /// The configured connection, once it is known.
    pub connection: Option<String>,
    /// How far it is.
    pub state: IkeSaState,
    /// The part we play.
    pub role: Role,
    /// Our address and port.
    pub local: SocketAddr,
    /// The peer's address and port.
    pub remote: SocketAddr,
    /// Our identity, once it is settled.
    pub local_id: Option<Identity>,
    /// The peer's identity, once it has authenticated.
    pub remote_id: Option<Identity>,
    /// The algorithms, once agreed.
    pub suite: Option<Suite>,
    /// SPIs, the original initiator's first; the second is zero until it is known.
    pub spis: (u64, u64),
    /// What NAT detection found, once it is done.
    pub nat: Option<NatStatus>,
    /// Name of the post-quantum pre-shared key that both sides mixed into the keys, if they did (RFC 8784).
    pub ppk: Option<String>,
    /// How the peer says that we may prove to it who we are (RFC 9593); empty where it hasn't said.
    pub announced: Arc<Announced>,
    /// Whether both sides can move to other addresses (RFC 4555).
    pub mobike: bool,
    /// Addresses inside the tunnel that one side gave the other.
    pub inner: Inner,
    /// When both sides had authenticated.
    pub established: Option<Wall>,
    /// When we'll begin to rekey it, or to authenticate anew, if we will.
    pub rekey_at: Option<Mono>,
    /// When both sides authenticate anew.
    pub reauth: Reauth,
    /// CHILD SAs, oldest first.
    pub children: Vec<ChildSnapshot>,
}

/// When both sides have to authenticate anew, and who begins it: whoever set the IKE SA up (RFC 7296 2.8.3, RFC 4478).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reauth {
    /// When both sides had proved who they are, which a rekey leaves as it is.
    pub proved: Option<Mono>,
    /// For how many seconds the peer says that it keeps what was authenticated (AUTH_LIFETIME), and when they are over.
    pub told: Option<(u32, Mono)>,
    /// When we begin.
    pub ours: Option<Mono>,
    /// When we would by our configuration alone, as it was when both sides had proved themselves.
    pub planned: Option<Mono>,
    /// When the time is over that we have told the peer to authenticate anew in.
    pub given: Option<Mono>,
    /// When we end the IKE SA unless the peer has authenticated anew.
    pub end: Option<Mono>,
    /// Whether we are who set it up.
    pub began: bool,
}

/// Addresses inside a tunnel that one side gave the other, and what it told along with them (RFC 7296 3.15).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inner {
    /// Those that the peer gave us.
    pub ours: Vec<IpAddr>,
    /// Those that we gave the peer.
    pub theirs: Vec<IpAddr>,
    /// Name servers that the peer told us of.
    pub dns: Vec<IpAddr>,
    /// Networks that are reached through the tunnel, if the side that gave addresses says so.
    pub split: Vec<IpNet>,
}

/// How far an IKE SA is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IkeSaState {
    /// Being set up.
    Connecting,
    /// Both sides have authenticated.
    Established,
    /// Another IKE SA is in its place; it is about to be deleted.
    Replaced,
    /// We are deleting it.
    Closing,
}

/// What NAT detection found (RFC 7296 2.23).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NatStatus {
    /// The peer supports NAT traversal.
    pub peer_supports: bool,
    /// Our own address is translated.
    pub local_behind_nat: bool,
    /// The peer's address is translated.
    pub remote_behind_nat: bool,
}

impl NatStatus {
    /// Whether there is any translation on the path.
    #[must_use]
    pub fn found(self) -> bool {
        self.local_behind_nat || self.remote_behind_nat
    }
}

/// One CHILD SA pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChildSnapshot {
    /// Configured name.
    pub name: String,
    /// How far it is.
    pub state: ChildSaState,
    /// SPI of what we receive.
    pub spi_in: u32,
    /// SPI of what we send.
    pub spi_out: u32,
    /// Tunnel or transport, as agreed.
    pub mode: Mode,
    /// The algorithms.
    pub suite: Suite,
    /// Negotiated selectors, ours.
    pub ts_local: Vec<Selector>,
    /// Negotiated selectors, theirs.
    pub ts_remote: Vec<Selector>,
    /// Whether ESP travels in UDP.
    pub udp_encap: bool,
    /// When we'll begin to rekey it, if we will.
    pub rekey_at: Option<Mono>,
}

/// How far a CHILD SA is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildSaState {
    /// Carries traffic in both directions.
    Installed,
    /// Another pair has taken its place; it still receives until it is deleted.
    Rekeyed,
    /// We have asked the peer to delete it.
    Deleting,
    /// Gone.
    Closed,
}
