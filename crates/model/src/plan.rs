//! What a command will cut, told before it does: the `adit.plan/1` document.

use serde::{Deserialize, Serialize};

/// What a reset or a reload does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Always [`Plan::SCHEMA`].
    pub schema: String,
    /// `reset` or `reload`.
    pub command: String,
    /// Whether it has begun; otherwise nothing has changed.
    pub done: bool,
    /// What ends.
    pub cuts: Vec<Cut>,
    /// Tunnels that are new, and new children (`office/voice`) of tunnels that go on.
    pub added: Vec<String>,
    /// Tunnels, and children, whose settings change without cutting anything.
    pub adjusted: Vec<String>,
    /// Tunnels that aren't touched.
    pub kept: Vec<String>,
    /// Policies that come, go or change.
    #[serde(default)]
    pub policies: Vec<String>,
}

impl Plan {
    /// The schema name and major version.
    pub const SCHEMA: &'static str = "adit.plan/1";
}

/// A tunnel or a child that ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The tunnel.
    pub tunnel: String,
    /// The child; `None` for the tunnel as a whole.
    pub child: Option<String>,
    /// Why it ends.
    pub why: String,
    /// Whether it is set up again.
    pub again: bool,
    /// IKE SAs that end.
    pub ike_sas: usize,
    /// Pairs of ESP SAs that end.
    pub ipsec_sas: usize,
    /// Packets that these pairs have received.
    pub packets_in: u64,
    /// Packets that they have sent.
    pub packets_out: u64,
    /// Packets of both directions within the last second, where that was measured.
    pub packets_last_second: Option<u64>,
}
