//! Policies that go before all tunnels (RFC 4301 4.4.1).

use serde::{Deserialize, Serialize};

use crate::selector::Selector;

/// What becomes of traffic, whatever tunnels would do with it. The first policy that takes a packet decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// What becomes of the traffic.
    pub action: Action,
    /// Our side of it.
    pub local: Vec<Selector>,
    /// The other side.
    pub remote: Vec<Selector>,
}

/// What becomes of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It goes in clear, in both directions, and through no tunnel.
    Bypass,
    /// It goes nowhere, in clear or otherwise, in both directions.
    Drop,
}

impl Policy {
    /// Every pair of a local and a remote selector that one packet can match: of one family, and of one protocol.
    pub fn pairs(&self) -> impl Iterator<Item = (Selector, Selector)> {
        let fits = |local: &Selector, remote: &Selector| {
            local.start.is_ipv4() == remote.start.is_ipv4()
                && (local.protocol == remote.protocol
                    || local.protocol == 0
                    || remote.protocol == 0)
        };
        self.local.iter().flat_map(move |local| {
            let remotes = self.remote.iter().filter(move |remote| fits(local, remote));
            remotes.map(|remote| (*local, *remote))
        })
    }
}
