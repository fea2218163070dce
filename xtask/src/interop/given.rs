//! Addresses inside the tunnel: whoever calls asks for one, and whoever is called has a pool. The callers' networks are
//! then the addresses that they are to be given, in the order in which they come.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::patience::wait;
use super::play::{SETTLE, Stage};
use super::scenario::{Role, Scenario, Tunnel};
use super::side::{End, Side};
use crate::exec;

/// What the called one gives.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// A network; its first address is the first caller's.
    pub addresses: String,
    #[serde(default)]
    pub dns: Vec<String>,
    /// Networks that are reached through the tunnel.
    #[serde(default)]
    pub split: Vec<String>,
}

impl Pool {
    /// The address that is given at this place, from 1.
    fn nth(&self, n: u32) -> Result<String> {
        let (network, _) = self
            .addresses
            .split_once('/')
            .context("a pool is a network")?;
        let first: Ipv4Addr = network.parse()?;
        Ok(Ipv4Addr::from_bits(first.to_bits() + n).to_string())
    }
}

impl Scenario {
    /// The scenario with what callers are to be given as their networks.
    pub fn with_given(&self, role: Role) -> Result<Self> {
        let mut scenario = self.clone();
        let tunnel = &mut scenario.tunnel;
        if let Some(pool) = &tunnel.pool {
            let caller = match role {
                Role::Initiator => &mut tunnel.west_net,
                Role::Responder => &mut tunnel.east_net,
            };
            *caller = vec![format!("{}/32", pool.nth(1)?)];
            if let Some(second) = &mut tunnel.second {
                second.net = vec![format!("{}/32", pool.nth(2)?)];
            }
        }
        Ok(scenario)
    }
}

impl Tunnel {
    /// The callers and the addresses that they are to be given.
    pub fn given(&self, role: Role) -> Vec<(&'static str, String)> {
        if self.pool.is_none() {
            return Vec::new();
        }
        let (caller, net) = match role {
            Role::Initiator => ("west", &self.west_net),
            Role::Responder => ("east", &self.east_net),
        };
        let second = self.second.iter().map(|second| ("south", &second.net));
        let all = [(caller, net)].into_iter().chain(second);
        all.filter_map(|(who, nets)| {
            let address = nets.first()?.split('/').next()?;
            Some((who, address.to_owned()))
        })
        .collect()
    }

    /// Adit's lines about it, of the tunnel.
    pub fn native_pool(&self, end: &End) -> String {
        match (&self.pool, end.initiates) {
            (None, _) => String::new(),
            (Some(_), true) => "virtual_ip = true\n".to_owned(),
            (Some(_), false) => "pool = [\"guests\"]\n".to_owned(),
        }
    }

    /// Adit's table of the pool.
    pub fn native_pools(&self, end: &End) -> String {
        // JSON writes lists as TOML does.
        let list = |key: &str, items: &[String]| match items {
            [] => String::new(),
            items => format!("{key} = {}\n", serde_json::json!(items)),
        };
        match &self.pool {
            Some(pool) if !end.initiates => format!(
                "\n[pool.guests]\naddresses = [\"{}\"]\n{}{}",
                pool.addresses,
                list("dns", &pool.dns),
                list("split", &pool.split)
            ),
            _ => String::new(),
        }
    }

    /// swanctl's lines about it, of the connection.
    pub fn swanctl_pool(&self, end: &End) -> &'static str {
        match (&self.pool, end.initiates) {
            (None, _) => "",
            (Some(_), true) => "vips = 0.0.0.0\n",
            (Some(_), false) => "pools = guests\n",
        }
    }

    /// swanctl's section of pools.
    pub fn swanctl_pools(&self, end: &End) -> String {
        match &self.pool {
            Some(pool) if !end.initiates => format!(
                "pools {{\n  guests {{\n    addrs = {}\n    dns = {}\n    subnet = {}\n  }}\n}}\n",
                pool.addresses,
                pool.dns.join(", "),
                pool.split.join(", ")
            ),
            _ => String::new(),
        }
    }
}

impl Stage<'_> {
    /// Each caller has the address that is its turn, on an interface of its host, with what comes along; the called one's
    /// table says who has which.
    pub(super) fn given(&self) -> Result<()> {
        let tunnel = &self.scenario.tunnel;
        let pool = tunnel.pool.as_ref().context("the scenario has no pool")?;
        let given = tunnel.given(self.role);
        for (who, address) in &given {
            let mut command = self.lab.brief(who, "ip");
            let shown = exec::checked(command.args(["-o", "addr", "show"]))?.stdout;
            anyhow::ensure!(
                shown.contains(&format!("inet {address}/32 ")),
                "{who} doesn't have {address}: {shown}"
            );
        }
        let (caller, called) = match self.role {
            Role::Initiator => (&self.near, self.far()?),
            Role::Responder => (self.far()?, &self.near),
        };
        match caller {
            Side::Adit(adit) => {
                let shown = adit.show("ike-sa")?;
                let sa = &shown["ike_sas"][0];
                let list = |key: &str| -> Vec<&str> {
                    let items = sa[key].as_array().into_iter().flatten();
                    items.filter_map(|item| item.as_str()).collect()
                };
                anyhow::ensure!(
                    list("local_virtual_ips") == [&given[0].1] && list("dns") == pool.dns,
                    "to be given {} and {:?}, shown {sa}",
                    given[0].1,
                    pool.dns
                );
            }
            Side::StrongSwan(daemon) => {
                let said = daemon.said();
                anyhow::ensure!(
                    said.contains(&format!("installing new virtual IP {}", given[0].1)),
                    "strongSwan wasn't given {}",
                    given[0].1
                );
            }
        }
        let first = match self.role {
            Role::Initiator => &tunnel.west_id,
            Role::Responder => &tunnel.east_id,
        };
        let second = tunnel.second.as_ref().map(|second| &second.id);
        let wanted: Vec<(String, String)> = given
            .iter()
            .zip([Some(first), second].into_iter().flatten())
            .map(|((_, address), id)| (address.clone(), id.clone()))
            .collect();
        let mut last = Vec::new();
        let there = wait("the table of leases", SETTLE, || {
            last = called.leases()?;
            Ok(last == wanted)
        });
        there.map_err(|error| error.context(format!("leases {last:?}, not {wanted:?}")))
    }
}

impl Side<'_> {
    /// Addresses in use, with who has them, in order.
    fn leases(&self) -> Result<Vec<(String, String)>> {
        let mut leases = Vec::new();
        match self {
            Self::Adit(adit) => {
                let status = adit.status()?;
                let pools = status["pools"].as_array().into_iter().flatten();
                let all = pools.flat_map(|pool| pool["leases"].as_array().into_iter().flatten());
                for lease in all.filter(|lease| lease["in_use"] == true) {
                    let text = |key: &str| lease[key].as_str().unwrap_or_default().to_owned();
                    leases.push((text("address"), text("identity")));
                }
            }
            Self::StrongSwan(daemon) => {
                let listed = daemon.swanctl(&["--list-pools", "--leases"]).output()?;
                let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
                for line in listed.lines() {
                    let mut words = line.split_whitespace();
                    if let (Some(address), Some("online"), Some(id)) =
                        (words.next(), words.next(), words.next())
                    {
                        leases.push((address.to_owned(), id.trim_matches('\'').to_owned()));
                    }
                }
            }
        }
        leases.sort();
        Ok(leases)
    }
}
