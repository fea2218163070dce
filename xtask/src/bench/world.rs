//! The four hosts of one subject.

use std::path::PathBuf;
use std::process::{Child, Stdio};

use anyhow::{Context, Result};

use crate::namespaces::Namespaces;
use crate::{exec, workspace};

/// The host that sends.
pub const CLIENT: &str = "westlan";
/// The host that receives.
pub const SERVER: &str = "eastlan";
/// Its address.
pub const TARGET: &str = "10.2.0.2";

/// A side: its gateway, its number in addresses, and the other's.
pub const SIDES: [(&str, u8, u8); 2] = [("west", 1, 2), ("east", 2, 1)];

/// Two gateways, a host behind each, and nothing that leads from one LAN to the other.
pub struct World {
    pub hosts: Namespaces,
    /// Sockets; short, because a socket's path may have no more than 107 characters.
    pub state: PathBuf,
    /// Configurations and logs, kept for reading.
    pub kept: PathBuf,
}

impl World {
    /// Makes the network. The name is the subject's.
    pub fn new(name: &str) -> Result<Self> {
        let hosts = Namespaces::new(name);
        let state = std::env::temp_dir().join(hosts.name());
        let kept = workspace::target_dir().join("bench").join(name);
        let _ = std::fs::remove_dir_all(&kept);
        let world = Self { hosts, state, kept };
        for folder in [&world.kept, &world.state] {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        for (gateway, own, _) in SIDES {
            let lan = format!("{gateway}lan");
            world.hosts.add(gateway, true)?;
            world.hosts.add(&lan, false)?;
            world.hosts.link(gateway, "lan", &lan, "eth0")?;
            let near = format!("addr add 10.{own}.0.1/24 dev lan");
            world.hosts.ip(gateway, &[&near, "link set lan up"])?;
            let address = format!("addr add 10.{own}.0.2/24 dev eth0");
            let route = format!("route add default via 10.{own}.0.1");
            world
                .hosts
                .ip(&lan, &[&address, "link set eth0 up", &route])?;
        }
        world.hosts.link("west", "wan", "east", "wan")?;
        for (gateway, own, _) in SIDES {
            let address = format!("addr add 192.168.0.{own}/24 dev wan");
            world.hosts.ip(gateway, &[&address, "link set wan up"])?;
        }
        Ok(world)
    }

    /// Starts a program in a host; what it says is kept.
    pub fn spawn(&self, host: &str, command: &mut std::process::Command) -> Result<Child> {
        let log = std::fs::File::create(self.kept.join(format!("{host}.log")))?;
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let shown = exec::shown(command);
        command
            .spawn()
            .with_context(|| format!("cannot run {shown}"))
    }

    /// Whether one host's ping to the other's is answered.
    pub fn connected(&self) -> Result<bool> {
        let mut ping = self.hosts.command(CLIENT, "ping");
        ping.args(["-n", "-q", "-c", "1", "-W", "1", TARGET]);
        Ok(exec::output(&mut ping)?.success)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.state);
    }
}
