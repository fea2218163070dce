//! The network of one scenario: private namespaces, wires between them, a NAT if asked for, and the leak guard.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::scenario::{Nat, Role, Scenario};
use crate::{exec, workspace};

/// Namespaces of all runs start like this, followed by the process id.
const PREFIX: &str = "adit-it-";

/// A network that lives as long as this value.
pub struct Lab {
    prefix: String,
    /// Sockets and keys; short, because a socket's path may have no more than 107 characters.
    pub state: PathBuf,
    /// Configurations and logs, kept for reading.
    pub kept: PathBuf,
    /// Address of the near gateway's own interface.
    pub west_own: String,
    /// Address under which the far gateway sees the near one.
    pub west_seen: String,
    pub east_own: String,
    pub east_seen: String,
}

impl Lab {
    /// Makes the network.
    pub fn new(index: usize, scenario: &Scenario, role: Role) -> Result<Self> {
        let prefix = format!("{PREFIX}{}-{index}-", std::process::id());
        let kept = workspace::target_dir()
            .join("interop")
            .join(format!("{}-{role}", scenario.name.replace('/', "-")));
        let state = std::env::temp_dir().join(prefix.trim_end_matches('-'));
        let _ = std::fs::remove_dir_all(&kept);
        for folder in [&kept, &state] {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let (mut west, mut east) = ("192.168.0.1", "192.168.0.2");
        if scenario.tunnel.outer_v6 {
            (west, east) = ("fd00:c0::1", "fd00:c0::2");
        }
        let mut lab = Self {
            prefix,
            state,
            kept,
            west_own: west.into(),
            west_seen: west.into(),
            east_own: east.into(),
            east_seen: east.into(),
        };
        lab.lans()?;
        match scenario.nat {
            Nat::None => lab.wire()?,
            Nat::Near => {
                lab.west_own = "192.168.1.1".into();
                lab.router(
                    "west",
                    "192.168.1",
                    "192.168.0.1",
                    "east",
                    "192.168.0.2",
                    role == Role::Responder,
                )?;
            }
            Nat::Both => {
                for (gateway, nat, inside) in
                    [("west", "nat", "192.168.1"), ("east", "nat2", "192.168.2")]
                {
                    lab.add(nat)?;
                    lab.link(gateway, "wan", nat, "in")?;
                    lab.outside(gateway, &format!("{inside}.1"), &format!("{inside}.254"))?;
                }
            }
            Nat::Far => {
                lab.east_own = "192.168.2.1".into();
                lab.router(
                    "east",
                    "192.168.2",
                    "192.168.0.2",
                    "west",
                    "192.168.0.1",
                    role == Role::Initiator,
                )?;
            }
        }
        if scenario.nat == Nat::Both {
            (lab.west_own, lab.east_own) = ("192.168.1.1".into(), "192.168.2.1".into());
            lab.link("nat", "out", "nat2", "out")?;
            lab.translate("nat", "192.168.1", "192.168.0.1", role == Role::Responder)?;
            lab.translate("nat2", "192.168.2", "192.168.0.2", role == Role::Initiator)?;
        }
        for gateway in ["west", "east"] {
            lab.guard(gateway)?;
        }
        Ok(lab)
    }

    /// The full name of a namespace.
    pub fn namespace(&self, host: &str) -> String {
        format!("{}{host}", self.prefix)
    }

    /// A command that runs in a namespace, and dies with this process.
    pub fn command(&self, host: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "ip", "netns", "exec"])
            .arg(self.namespace(host))
            .arg(program);
        command
    }

    /// How many packets of the LANs wanted to leave a gateway in clear.
    pub fn leaked(&self, gateway: &str) -> Result<u64> {
        let listing = exec::checked(
            self.command(gateway, "nft")
                .args(["-j", "list", "counter", "inet", "guard", "leak"]),
        )?;
        let document: serde_json::Value =
            serde_json::from_str(&listing.stdout).context("nft -j printed no JSON")?;
        let counter = document["nftables"]
            .as_array()
            .into_iter()
            .flatten()
            .find_map(|entry| entry["counter"]["packets"].as_u64());
        counter.context("nft shows no leak counter")
    }

    /// Gives a gateway another address in place of the one that it has outside, and returns it.
    pub fn readdress(&self, gateway: &str) -> Result<&'static str> {
        let (old, new, next) = if gateway == "west" {
            ("192.168.0.1", "192.168.0.11", "192.168.0.2")
        } else {
            ("192.168.0.2", "192.168.0.12", "192.168.0.1")
        };
        exec::checked(
            self.command(gateway, "sysctl")
                .args(["-qw", "net.ipv4.conf.wan.promote_secondaries=1"]),
        )?;
        self.ip(
            gateway,
            &[
                &format!("addr add {new}/24 dev wan"),
                &format!("addr del {old}/24 dev wan"),
                &format!("route replace default via {next}"),
            ],
        )?;
        // Who stays sends what isn't tunnelled to where the other one went.
        let other = if gateway == "west" { "east" } else { "west" };
        self.ip(other, &[&format!("route replace default via {new}")])?;
        Ok(new)
    }

    /// Makes the NAT forget: masquerading gives its mappings up when the outer link goes down.
    pub fn forget_mappings(&self) -> Result<()> {
        self.ip("nat", &["link set out down", "link set out up"])
    }

    /// Sets the leak counters to zero.
    pub fn reset_guard(&self) -> Result<()> {
        for gateway in ["west", "east"] {
            exec::checked(
                self.command(gateway, "nft")
                    .args(["reset", "counters", "table", "inet", "guard"]),
            )?;
        }
        Ok(())
    }

    fn lans(&self) -> Result<()> {
        for (gateway, net) in [("west", 1), ("east", 2)] {
            let lan = format!("{gateway}lan");
            self.add(gateway)?;
            self.add(&lan)?;
            self.link(gateway, "lan", &lan, "eth0")?;
            self.ip(
                gateway,
                &[
                    &format!("addr add 10.{net}.0.1/24 dev lan"),
                    &format!("addr add fd00:{net}::1/64 dev lan nodad"),
                    "link set lan up",
                ],
            )?;
            self.ip(
                &lan,
                &[
                    &format!("addr add 10.{net}.0.2/24 dev eth0"),
                    &format!("addr add fd00:{net}::2/64 dev eth0 nodad"),
                    "link set eth0 up",
                    &format!("route add default via 10.{net}.0.1"),
                    &format!("route add default via fd00:{net}::1"),
                ],
            )?;
        }
        Ok(())
    }

    fn wire(&self) -> Result<()> {
        self.link("west", "wan", "east", "wan")?;
        for (gateway, own, other) in [("west", 1, 2), ("east", 2, 1)] {
            self.ip(
                gateway,
                &[
                    &format!("addr add 192.168.0.{own}/24 dev wan"),
                    &format!("addr add fd00:c0::{own}/64 dev wan nodad"),
                    "link set wan up",
                    // What is not tunnelled would go to the other side in clear: the guard must have something to catch.
                    &format!("route add default via 192.168.0.{other}"),
                    &format!("route add default via fd00:c0::{other}"),
                ],
            )?;
        }
        Ok(())
    }

    /// Puts `hidden` behind a masquerading router; `forward` maps the IKE ports inwards, for a hidden responder.
    fn router(
        &self,
        hidden: &str,
        inside: &str,
        outside: &str,
        open: &str,
        open_address: &str,
        forward: bool,
    ) -> Result<()> {
        self.add("nat")?;
        self.link(hidden, "wan", "nat", "in")?;
        self.link(open, "wan", "nat", "out")?;
        for (gateway, address, next) in [
            (hidden, format!("{inside}.1"), format!("{inside}.254")),
            (open, open_address.into(), outside.into()),
        ] {
            self.outside(gateway, &address, &next)?;
        }
        self.translate("nat", inside, outside, forward)
    }

    /// Gives a gateway its address outside, and the router that everything goes to.
    fn outside(&self, gateway: &str, address: &str, next: &str) -> Result<()> {
        self.ip(
            gateway,
            &[
                &format!("addr add {address}/24 dev wan"),
                // There is no NAT for IPv6 here; a default route all the same gives the guard something to catch.
                "addr add fd00:c1::1/64 dev wan nodad",
                "link set wan up",
                &format!("route add default via {next}"),
                "route add default via fd00:c1::fe",
            ],
        )
    }

    /// Makes `nat` masquerade what comes from `inside`; `forward` maps the IKE ports inwards.
    fn translate(&self, nat: &str, inside: &str, outside: &str, forward: bool) -> Result<()> {
        self.ip(
            nat,
            &[
                &format!("addr add {inside}.254/24 dev in"),
                &format!("addr add {outside}/24 dev out"),
                "link set in up",
                "link set out up",
            ],
        )?;
        let inwards = format!(
            "chain pre {{ type nat hook prerouting priority dstnat; iifname \"out\" udp dport {{ 500, 4500 }} dnat to {inside}.1; }}"
        );
        let rules = format!(
            "table ip nat {{\nchain post {{ type nat hook postrouting priority srcnat; oifname \"out\" masquerade{}; }}\n{}\n}}\n",
            // Other source ports than 500 and 4500, as a busy router would give.
            if forward { "" } else { " random" },
            if forward { inwards.as_str() } else { "" }
        );
        exec::fed(self.command(nat, "nft").args(["-f", "-"]), &rules)?;
        Ok(())
    }

    fn guard(&self, gateway: &str) -> Result<()> {
        let rules = "table inet guard {
            counter leak { }
            chain post {
                type filter hook postrouting priority 100; policy accept;
                oifname \"wan\" ip daddr { 10.1.0.0/16, 10.2.0.0/16 } counter name leak drop
                oifname \"wan\" ip6 daddr { fd00:1::/64, fd00:2::/64 } counter name leak drop
            }
        }";
        exec::fed(self.command(gateway, "nft").args(["-f", "-"]), rules)?;
        Ok(())
    }

    fn add(&self, host: &str) -> Result<()> {
        let name = self.namespace(host);
        exec::checked(Command::new("ip").args(["netns", "add", &name]))?;
        self.ip(host, &["link set lo up"])?;
        if ["west", "east", "nat", "nat2"].contains(&host) {
            exec::checked(self.command(host, "sysctl").args([
                "-qw",
                "net.ipv4.ip_forward=1",
                "net.ipv6.conf.all.forwarding=1",
                "net.ipv4.conf.all.rp_filter=0",
                "net.ipv4.conf.default.rp_filter=0",
                "net.ipv4.conf.all.send_redirects=0",
            ]))?;
        }
        Ok(())
    }

    fn link(&self, host: &str, interface: &str, other: &str, other_interface: &str) -> Result<()> {
        let (here, there) = (self.namespace(host), self.namespace(other));
        let mut command = Command::new("ip");
        command.args([
            "link",
            "add",
            interface,
            "netns",
            &here,
            "type",
            "veth",
            "peer",
            "name",
            other_interface,
            "netns",
            &there,
        ]);
        exec::checked(&mut command)?;
        Ok(())
    }

    fn ip(&self, host: &str, lines: &[&str]) -> Result<()> {
        let batch = lines.join("\n") + "\n";
        exec::fed(
            Command::new("ip").args(["-n", &self.namespace(host), "-batch", "-"]),
            &batch,
        )?;
        Ok(())
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        remove(&self.prefix);
        let _ = std::fs::remove_dir_all(&self.state);
    }
}

/// Removes what runs left behind that were killed: namespaces, and folders of sockets and keys.
pub fn remove_leftovers() -> Result<()> {
    let dead = |name: &str| {
        let owner = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').next());
        owner.is_some_and(|pid| !is_running(pid))
    };
    for name in namespaces()?.iter().filter(|name| dead(name)) {
        remove(name);
    }
    for entry in std::fs::read_dir(std::env::temp_dir())?.flatten() {
        if dead(&entry.file_name().to_string_lossy()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// A process that ended and waits to be noticed does not run any more.
fn is_running(pid: &str) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid).join("status"));
    status.is_ok_and(|text| !text.lines().any(|line| line.starts_with("State:\tZ")))
}

fn namespaces() -> Result<Vec<String>> {
    let listing = exec::checked(Command::new("ip").args(["netns", "list"]))?.stdout;
    Ok(listing
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect())
}

fn remove(prefix: &str) {
    for name in namespaces()
        .unwrap_or_default()
        .iter()
        .filter(|name| name.starts_with(prefix))
    {
        let _ = exec::output(Command::new("ip").args(["netns", "del", name]));
    }
}
