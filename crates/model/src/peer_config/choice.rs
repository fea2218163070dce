//! What a configuration chooses from: versions, methods, who starts, what becomes of the dead.

use core::fmt;

use adit_wire::iana::KeMethod;
use serde::{Deserialize, Serialize};

use crate::proposal::Proposal;

/// Which IKE versions a connection uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Versions {
    /// It takes part in IKEv1.
    pub v1: bool,
    /// It takes part in IKEv2.
    pub v2: bool,
    /// The version that it starts with as initiator.
    pub initiates: u8,
}

impl Versions {
    /// IKEv1 alone.
    pub const V1: Versions = Versions {
        v1: true,
        v2: false,
        initiates: 1,
    };
    /// IKEv2 alone.
    pub const V2: Versions = Versions {
        v1: false,
        v2: true,
        initiates: 2,
    };
    /// Both; IKEv2 is begun.
    pub const BOTH: Versions = Versions {
        v1: true,
        v2: true,
        initiates: 2,
    };
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.v1, self.v2) {
            (true, false) => "IKEv1",
            (false, true) => "IKEv2",
            (true, true) => "IKEv1 and IKEv2",
            (false, false) => "no IKE version",
        })
    }
}
/// How an end authenticates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthMethod {
    /// By a pre-shared key.
    Psk,
    /// By a certificate or a raw key.
    PublicKey,
    /// By EAP (IKEv2).
    Eap,
    /// By XAuth after the first method (IKEv1).
    Xauth,
    /// Not at all (RFC 7619).
    Null,
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AuthMethod::Psk => "pre-shared key",
            AuthMethod::PublicKey => "certificate or public key",
            AuthMethod::Eap => "EAP",
            AuthMethod::Xauth => "XAuth",
            AuthMethod::Null => "no authentication",
        })
    }
}

/// Who starts, and whether at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Starts {
    /// At once.
    Now,
    /// When traffic asks for it.
    OnDemand,
    /// Only answers.
    #[default]
    Passive,
    /// Isn't loaded at all.
    NotLoaded,
}

impl fmt::Display for Starts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Starts::Now => "starts at once",
            Starts::OnDemand => "starts on traffic",
            Starts::Passive => "only answers",
            Starts::NotLoaded => "isn't loaded",
        })
    }
}

/// What is done when the peer is dead, or has closed the SA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhenDead {
    /// Nothing, or the peer isn't asked.
    #[default]
    Nothing,
    /// The SAs are removed.
    Clear,
    /// A trap waits for traffic.
    Trap,
    /// It is set up anew.
    Restart,
}

impl fmt::Display for WhenDead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WhenDead::Nothing => "does nothing",
            WhenDead::Clear => "clears",
            WhenDead::Trap => "waits for traffic",
            WhenDead::Restart => "restarts",
        })
    }
}

/// Key exchange when a CHILD SA is replaced (with IKEv1: when it is made).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pfs {
    /// None.
    Off,
    /// With one of the key exchange methods of this proposal, most wanted first; nothing else is in it. Where `none` is
    /// among them, some of the proposals have no method: without one is right too.
    Groups(Box<Proposal>),
    /// Whatever group the IKE SA has.
    AsIke,
    /// Taken as the peer proposes it.
    AsPeer,
}

impl Pfs {
    /// The groups of a list of proposals, of which some may have none.
    #[must_use]
    pub fn of_list(list: &[Proposal]) -> Self {
        let mut ke: Vec<KeMethod> = Vec::new();
        for method in list.iter().flat_map(|p| p.ke.iter().copied()) {
            if !ke.contains(&method) {
                ke.push(method);
            }
        }
        let without = list.iter().any(|p| p.ke.is_empty());
        if without && !ke.is_empty() && !ke.contains(&KeMethod::NONE) {
            ke.push(KeMethod::NONE);
        }
        Self::of(ke)
    }

    /// Whether no group at all is right for who has these.
    #[must_use]
    pub fn may_lack(groups: &Proposal) -> bool {
        groups.ke.is_empty() || groups.ke.contains(&KeMethod::NONE)
    }

    /// These groups, or none.
    #[must_use]
    pub fn of(ke: Vec<KeMethod>) -> Self {
        if ke.is_empty() {
            Pfs::Off
        } else {
            Pfs::Groups(Box::new(Proposal {
                ke,
                ..Proposal::default()
            }))
        }
    }
}

impl fmt::Display for Pfs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pfs::Off => f.write_str("no PFS"),
            Pfs::AsIke => f.write_str("the IKE SA's group"),
            Pfs::AsPeer => f.write_str("as the peer proposes"),
            Pfs::Groups(groups) => {
                let names: Vec<String> = groups
                    .ke
                    .iter()
                    .map(|g| crate::keywords::ke_name(*g))
                    .collect();
                f.write_str(&names.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_proposal_without_a_group_makes_groups_optional() {
        let list = |texts: &[&str]| -> Vec<Proposal> {
            texts.iter().map(|t| t.parse().unwrap()).collect()
        };
        let groups = |pfs: Pfs| match pfs {
            Pfs::Groups(groups) => *groups,
            _ => Proposal::default(),
        };
        let always = groups(Pfs::of_list(&list(&["aes256-sha256-modp2048"])));
        let optional = groups(Pfs::of_list(&list(&[
            "aes256-sha256-modp2048",
            "aes256-sha256",
        ])));
        let never = groups(Pfs::of_list(&list(&["aes256-sha256"])));
        assert!(!Pfs::may_lack(&always));
        assert!(Pfs::may_lack(&optional) && Pfs::may_lack(&never));
        assert_eq!(optional.ke, [KeMethod::MODP_2048, KeMethod::NONE]);
    }
}
