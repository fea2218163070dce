//! Faults as data: `interop/faults/*.toml`.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::act::Act;
use crate::interop::relay::Meddling;
use crate::interop::scenario::{Nat, Overrides, Tunnel};
use crate::interop::{Kind, Role};
use crate::workspace;

/// One thing that is wrong, and what must be found.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Unique, `group/what`.
    pub name: String,
    /// The line of the catalogue of causes, `C1` to `C32`.
    pub shows: String,
    /// It is one of those that every change is checked with.
    #[serde(default)]
    pub sampled: bool,
    /// Our gateway's roles.
    #[serde(default = "both_roles")]
    pub roles: Vec<Role>,
    /// What the peer is.
    #[serde(default = "both_peers")]
    pub peers: Vec<Kind>,
    #[serde(default = "router")]
    pub nat: Nat,
    pub meddling: Option<Meddling>,
    #[serde(default)]
    pub tunnel: Tunnel,
    #[serde(default)]
    pub peer: Overrides,
    /// Further keys of strongSwan's connection and child, or of Adit's, where the peer is that.
    #[serde(default)]
    pub strongswan: Words,
    #[serde(default)]
    pub adit: Words,
    /// The address at which we look for the peer, or the peer for us, where that isn't the right one.
    pub near_remote: Option<String>,
    pub far_remote: Option<String>,
    /// The address that we are told to use, where it isn't one of ours.
    pub near_local: Option<String>,
    /// Nobody begins.
    #[serde(default)]
    pub nobody_begins: bool,
    /// Gateways whose clock is wrong.
    #[serde(default)]
    pub clocks: BTreeMap<String, String>,
    /// The tunnel that is asked about: `gw`, or `gw2` with a third gateway.
    #[serde(default = "first")]
    pub asks: String,
    /// It takes all that the processors have, so no other row is played beside it.
    #[serde(default)]
    pub alone: bool,
    /// Done before the gateways are started.
    #[serde(default)]
    pub before: Vec<Act>,
    /// Done once the tunnel is up and packets go through it; without any the tunnel isn't expected to come up.
    #[serde(default)]
    pub then: Vec<Act>,
    /// No pings go both ways while what is in `then` happens.
    #[serde(default)]
    pub quiet: bool,
    /// The question is asked so many seconds after all that.
    #[serde(default = "soon")]
    pub after: u64,
    /// Causes of which any is the right answer, and the sides.
    pub want: Vec<String>,
    pub side: Vec<String>,
    /// The tunnel carries both ways what our side sends; what is wrong lies behind the peer, so that `healthy` is right too.
    #[serde(default)]
    pub tunnel_is_fine: bool,
    /// Why our side alone can't know it. Then `undecided` with one of the causes among what is possible is right too.
    pub one_side_cannot_know: Option<String>,
    /// In which roles that holds; in both, if none is named.
    #[serde(default)]
    pub cannot_know_as: Vec<Role>,
}

/// Keys of a tunnel and of its children, in a product's own words.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Words {
    pub keys: crate::interop::Keys,
    pub child_keys: crate::interop::Keys,
}

impl Fault {
    /// Whether `undecided` is an answer in this role.
    pub fn cannot_be_known(&self, role: Role) -> bool {
        self.one_side_cannot_know.is_some()
            && (self.cannot_know_as.is_empty() || self.cannot_know_as.contains(&role))
    }
}

fn both_roles() -> Vec<Role> {
    vec![Role::Initiator, Role::Responder]
}

fn both_peers() -> Vec<Kind> {
    vec![Kind::StrongSwan, Kind::Adit]
}

fn router() -> Nat {
    Nat::Router
}

fn first() -> String {
    "gw".to_owned()
}

fn soon() -> u64 {
    3
}

/// All faults, in the order of the files and within them.
pub fn all() -> Result<Vec<Fault>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        fault: Vec<Fault>,
    }
    let folder = workspace::root().join("interop/faults");
    let entries =
        std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "toml"));
    files.sort();
    let mut faults = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file)?;
        let parsed: File =
            toml_edit::de::from_str(&text).with_context(|| file.display().to_string())?;
        faults.extend(parsed.fault);
    }
    Ok(faults)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_fault_reads_has_its_own_name_and_says_what_is_wanted() {
        let faults = all().unwrap();
        let mut names: Vec<_> = faults.iter().map(|fault| &fault.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), faults.len());
        for fault in &faults {
            assert!(
                !fault.want.is_empty() && !fault.side.is_empty(),
                "{}",
                fault.name
            );
            let number = fault
                .shows
                .strip_prefix('C')
                .and_then(|n| n.parse::<u8>().ok());
            assert!(
                number.is_some_and(|n| (1..=32).contains(&n)),
                "{}",
                fault.name
            );
            let page = workspace::root().join("docs/causes.md");
            let pages = std::fs::read_to_string(page).unwrap();
            for cause in &fault.want {
                assert!(
                    pages.contains(&format!("`{cause}`")),
                    "{}: {cause}",
                    fault.name
                );
            }
        }
    }
}
