//! The network of one scenario: private namespaces, what lies between them, and the leak guard.
//!
//! Every gateway has a LAN with one host. A third gateway, `south`, is there where a scenario has a second caller.

pub mod filter;
mod outside;
mod paths;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::scenario::{Role, Scenario};
use super::setting::Setting;
use crate::namespaces::Namespaces;
use crate::workspace;

/// A network that lives as long as this value.
pub struct Lab {
    hosts: Namespaces,
    /// Sockets and keys; short, because a socket's path may have no more than 107 characters.
    pub state: PathBuf,
    /// Configurations and logs, kept for reading.
    pub kept: PathBuf,
    /// What carries packets.
    pub setting: Setting,
    /// Addresses inside tunnels that gateways are given.
    given: Vec<(&'static str, String)>,
    /// By gateway.
    places: BTreeMap<&'static str, Place>,
}

/// Where a gateway is.
#[derive(Default)]
struct Place {
    /// Address of its own interface.
    own: String,
    /// Address under which others see it.
    seen: String,
}

impl Lab {
    /// Makes the network.
    pub fn new(index: usize, scenario: &Scenario, role: Role) -> Result<Self> {
        let hosts = Namespaces::new(index);
        let kept = workspace::target_dir()
            .join("interop")
            .join(&scenario.setting.name)
            .join(format!("{}-{role}", scenario.name.replace('/', "-")));
        let state = std::env::temp_dir().join(hosts.name());
        let _ = std::fs::remove_dir_all(&kept);
        for folder in [&kept, &state] {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let mut lab = Self {
            hosts,
            state,
            kept,
            setting: scenario.setting.clone(),
            given: scenario.tunnel.given(role),
            places: BTreeMap::new(),
        };
        lab.hosts.gather();
        let third = scenario.tunnel.third();
        for gateway in ["west", "east"].into_iter().chain(third) {
            lab.lan(gateway)?;
            lab.places.insert(gateway, Place::default());
        }
        match scenario.meddling {
            Some(_) => lab.through_relay()?,
            None => lab.outside(scenario.nat, role, &scenario.tunnel)?,
        }
        lab.hosts.settle()?;
        let themselves = scenario
            .tunnel
            .nets()
            .any(|net| lab.gateway_at(net).is_some() && lab.given.is_empty());
        for gateway in lab.gateways() {
            lab.guard(gateway, themselves)?;
        }
        Ok(lab)
    }

    /// The folders and addresses alone, without any network: for whoever only reads what the gateways are configured with.
    pub fn on_paper(kept: PathBuf, scenario: &Scenario, role: Role) -> Result<Self> {
        let _ = std::fs::remove_dir_all(&kept);
        std::fs::create_dir_all(&kept)?;
        let mut lab = Self {
            hosts: Namespaces::new("paper"),
            state: kept.join("state"),
            kept,
            setting: scenario.setting.clone(),
            given: scenario.tunnel.given(role),
            places: BTreeMap::new(),
        };
        let third = scenario.tunnel.third();
        for gateway in ["west", "east"].into_iter().chain(third) {
            lab.places.insert(gateway, Place::default());
        }
        lab.addresses(scenario.nat, role, &scenario.tunnel);
        Ok(lab)
    }

    /// The gateways that there are.
    pub fn gateways(&self) -> Vec<&'static str> {
        self.places.keys().copied().collect()
    }

    /// Address of a gateway's own interface outside.
    pub fn own(&self, gateway: &str) -> &str {
        self.places.get(gateway).map_or("", |place| &place.own)
    }

    /// Address under which others see a gateway.
    pub fn seen(&self, gateway: &str) -> &str {
        self.places.get(gateway).map_or("", |place| &place.seen)
    }

    /// Who speaks for a network of a tunnel, a host of a LAN or a gateway itself: the namespace, and its address.
    pub fn speaker(&self, net: &str) -> Option<(String, String)> {
        if let Some(gateway) = self.gateway_at(net) {
            return Some((gateway.to_owned(), net.split('/').next()?.to_owned()));
        }
        let gateway = self.gateways().into_iter().find(|gateway| {
            let [v4, v6] = lan(gateway);
            net.starts_with(&v4) || net.starts_with(&v6)
        })?;
        let [v4, v6] = lan(gateway);
        let address = if net.contains(':') {
            format!("{v6}:2")
        } else {
            format!("{v4}0.2")
        };
        Some((format!("{gateway}lan"), address))
    }

    /// The gateway whose own address the network is.
    fn gateway_at(&self, net: &str) -> Option<&'static str> {
        let (address, length) = net.split_once('/')?;
        if let Some((gateway, _)) = self.given.iter().find(|(_, given)| given == address) {
            return Some(gateway);
        }
        self.gateways()
            .into_iter()
            .find(|gateway| ["32", "128"].contains(&length) && self.own(gateway) == address)
    }

    /// The full name of a namespace.
    pub fn namespace(&self, host: &str) -> String {
        self.hosts.namespace(host)
    }

    /// A command that runs in a namespace, and dies with this process.
    pub fn command(&self, host: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
        self.hosts.command(host, program)
    }

    /// A command that ends soon by itself.
    pub fn brief(&self, host: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
        self.hosts.brief(host, program)
    }

    fn lan(&self, gateway: &str) -> Result<()> {
        let host = format!("{gateway}lan");
        let [v4, v6] = lan(gateway);
        self.add(gateway)?;
        self.add(&host)?;
        self.link(gateway, "lan", &host, "eth0")?;
        self.ip(
            gateway,
            &[
                &format!("addr add {v4}0.1/24 dev lan"),
                &format!("addr add {v6}:1/64 dev lan nodad"),
                "link set lan up",
            ],
        )?;
        self.ip(
            &host,
            &[
                &format!("addr add {v4}0.2/24 dev eth0"),
                &format!("addr add {v6}:2/64 dev eth0 nodad"),
                "link set eth0 up",
                &format!("route add default via {v4}0.1"),
                &format!("route add default via {v6}:1"),
            ],
        )
    }

    pub(super) fn add(&self, host: &str) -> Result<()> {
        // Hosts of LANs don't forward.
        self.hosts.add(host, !host.ends_with("lan"))
    }

    pub(super) fn link(
        &self,
        host: &str,
        interface: &str,
        other: &str,
        other_interface: &str,
    ) -> Result<()> {
        self.hosts.link(host, interface, other, other_interface)
    }

    pub(super) fn ip(&self, host: &str, lines: &[&str]) -> Result<()> {
        self.hosts.ip(host, lines)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.state);
    }
}

/// How the addresses of a gateway's LAN begin.
fn lan(gateway: &str) -> [String; 2] {
    let number = match gateway {
        "west" => 1,
        "east" => 2,
        _ => 3,
    };
    [format!("10.{number}."), format!("fd00:{number}:")]
}
