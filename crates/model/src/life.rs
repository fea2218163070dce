//! How long SAs live, and what happens at the end: renewal, limits, and what becomes of a tunnel whose peer is gone.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::connection::Start;

/// The life of a connection's IKE SA. `Default` gives what a gateway should use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// After so long, less up to [`JITTER_PERCENT`], we begin to rekey the IKE SA; zero never.
    pub rekey: Duration,
    /// After so long, less up to [`JITTER_PERCENT`], both sides authenticate anew; zero never.
    pub reauth: Duration,
    /// After so long without rekeying the IKE SA is deleted; zero never.
    pub lifetime: Duration,
    /// When authenticating anew: the new IKE SA is up before the old one goes.
    pub make_before_break: bool,
    /// What a second IKE SA of the same peer means.
    pub unique: Unique,
    /// What follows when the peer is dead; `None` is what [`Start`] says: who starts by
    /// itself restarts, who starts on demand waits for a packet, who is passive waits for the peer.
    pub dpd_action: Option<Action>,
    /// What follows when the peer deletes the IKE SA or its last child; `None` as above.
    pub close_action: Option<Action>,
    /// Whether the IKE SA is set up without a first child (RFC 6023).
    pub childless: Childless,
    /// How long after the tunnel has come up each child is rekeyed on trial, so that what a rekey would fail of is known
    /// before it is needed; zero never.
    #[serde(default = "test_rekey")]
    pub test_rekey: Duration,
}

fn test_rekey() -> Duration {
    Duration::from_secs(30)
}

/// The life of one CHILD SA. `Default` gives what a gateway should use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildLife {
    /// After so long, less up to [`JITTER_PERCENT`], we begin to rekey; zero never.
    pub rekey: Duration,
    /// After so long without rekeying it is deleted; zero never.
    pub lifetime: Duration,
    /// After so many octets in either direction, less up to [`JITTER_PERCENT`], we begin to rekey; zero never.
    pub rekey_bytes: u64,
    /// After so many octets in either direction it is deleted; zero never.
    pub lifetime_bytes: u64,
    /// After so many packets in either direction, less up to [`JITTER_PERCENT`], we begin to rekey; zero never.
    pub rekey_packets: u64,
    /// After so many packets in either direction it is deleted; zero never.
    pub lifetime_packets: u64,
    /// After so long without a packet in either direction it is closed; zero never.
    pub inactivity: Duration,
}

/// By how much a renewal may come sooner than configured, so that many tunnels, and both ends of one, don't renew in
/// the same moment.
pub const JITTER_PERCENT: u32 = 10;

impl Default for Life {
    fn default() -> Self {
        Self {
            rekey: 4 * HOUR,
            reauth: Duration::ZERO,
            lifetime: with_margin(4 * HOUR),
            make_before_break: true,
            unique: Unique::Replace,
            dpd_action: None,
            close_action: None,
            childless: Childless::Allow,
            test_rekey: test_rekey(),
        }
    }
}

impl Default for ChildLife {
    fn default() -> Self {
        Self {
            rekey: HOUR,
            lifetime: with_margin(HOUR),
            rekey_bytes: 0,
            lifetime_bytes: 0,
            rekey_packets: 0,
            lifetime_packets: 0,
            inactivity: Duration::ZERO,
        }
    }
}

const HOUR: Duration = Duration::from_secs(3600);

/// The lifetime that goes with a time of rekeying when none is configured: a tenth more.
#[must_use]
pub fn with_margin(rekey: Duration) -> Duration {
    rekey + rekey / 10
}

/// What a new IKE SA means for an older one of the same peer, that is between the same two identities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unique {
    /// It takes the older one's place.
    #[default]
    Replace,
    /// It is refused while the older one is up, unless it comes from the same address: that may be the same peer
    /// authenticating anew.
    Keep,
    /// Nothing: there may be many, and INITIAL_CONTACT is ignored.
    Never,
}

/// What follows the end of an IKE SA that we didn't want to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Nothing: its policy still protects its traffic, which waits for the peer or the operator.
    Clear,
    /// We set it up again.
    Restart,
    /// We set it up again when a packet wants through.
    Trap,
}

impl Life {
    /// What follows when the IKE SA has ended through the peer: it was `dead`, or it deleted it.
    #[must_use]
    pub fn after_the_end(&self, dead: bool, start: Start) -> Action {
        let configured = if dead {
            self.dpd_action
        } else {
            self.close_action
        };
        configured.unwrap_or(match start {
            Start::Auto => Action::Restart,
            Start::OnDemand => Action::Trap,
            Start::Passive => Action::Clear,
        })
    }
}

/// Whether an IKE SA is set up without a first child (RFC 6023).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Childless {
    /// When the peer wants to.
    #[default]
    Allow,
    /// By us whenever the peer can, so that the first child too has a key exchange of its own.
    Prefer,
    /// Always; a peer that can't is refused.
    Force,
    /// Never.
    Never,
}
