//! What is measured: plain forwarding, and gateways that protect what they forward.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, Result};

use super::others;
use super::world::{SIDES, World};
use crate::interop::patience::{self, wait};

/// Everybody's key.
pub const KEY: &str = "a key for measuring";

/// How long gateways may take until packets go through.
const PATIENCE: Duration = Duration::from_secs(15);

/// What runs on both gateways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The kernel forwards in clear.
    Plain,
    /// This executable.
    Adit(Adit),
    /// charon with its user-space ESP.
    StrongSwan,
    /// This executable.
    WireGuardGo(PathBuf),
    /// This executable, a bare relay: what the machine gives at best.
    Relay(PathBuf),
}

/// An Adit to be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adit {
    pub binary: PathBuf,
    /// Lines for `[gateway]`.
    pub gateway: Vec<String>,
    /// Lines for the child.
    pub child: Vec<String>,
    /// Whether ESP goes in UDP, as WireGuard does: only UDP leaves in bundles (`UDP_SEGMENT`).
    pub in_udp: bool,
}

impl Adit {
    /// A command about a running gateway.
    pub fn command(&self, world: &World, gateway: &str, args: &[&str]) -> Command {
        let mut command = world.hosts.command(gateway, &self.binary);
        command.args(args).arg("--state").arg(state(world, gateway));
        command
    }
}

/// Two running gateways in a world of their own; dropped, they are stopped.
pub struct Subject {
    pub name: String,
    pub kind: Kind,
    /// West's and east's; none where the kernel forwards.
    processes: Vec<Child>,
    pub world: World,
}

impl Subject {
    /// Starts both gateways and waits until packets go through.
    pub fn start(name: &str, kind: &Kind) -> Result<Self> {
        let mut subject = Self {
            name: name.to_owned(),
            kind: kind.clone(),
            processes: Vec::new(),
            world: World::new(name)?,
        };
        subject.start_gateways().with_context(|| name.to_owned())?;
        wait("a ping to come back", PATIENCE, || {
            for process in &mut subject.processes {
                if let Some(status) = process.try_wait()? {
                    anyhow::bail!("a gateway ended with {status}");
                }
            }
            subject.world.connected()
        })
        .with_context(|| format!("{name} (logs in {})", subject.world.kept.display()))?;
        Ok(subject)
    }

    /// Process ids of west's and east's gateway.
    pub fn pids(&self) -> Vec<u32> {
        self.processes.iter().map(Child::id).collect()
    }

    fn start_gateways(&mut self) -> Result<()> {
        let world = &self.world;
        match &self.kind {
            Kind::Plain => {
                for (gateway, _, peer) in SIDES {
                    let route = format!("route add 10.{peer}.0.0/24 via 192.168.0.{peer}");
                    world.hosts.ip(gateway, &[&route])?;
                }
            }
            Kind::Adit(settings) => {
                // Who answers is there before who asks.
                for (gateway, own, peer) in SIDES.into_iter().rev() {
                    let process = adit(world, settings, (gateway, own, peer))?;
                    self.processes.insert(0, process);
                }
            }
            Kind::StrongSwan => self.processes = others::strongswan(world)?,
            Kind::WireGuardGo(binary) => self.processes = others::wireguard_go(world, binary)?,
            Kind::Relay(binary) => self.processes = others::relay(world, binary)?,
        }
        Ok(())
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        for process in &mut self.processes {
            patience::end(process, Duration::from_secs(3));
        }
    }
}

/// Where a gateway of Adit has its control socket.
fn state(world: &World, gateway: &str) -> PathBuf {
    world.state.join(gateway)
}

fn adit(world: &World, settings: &Adit, (gateway, own, peer): (&str, u8, u8)) -> Result<Child> {
    let folder = world.kept.join(gateway);
    std::fs::create_dir_all(&folder)?;
    secret(&folder.join("gw.psk"), KEY)?;
    let keys = match &settings.gateway[..] {
        [] => String::new(),
        keys => format!("[gateway]\n{}\n\n", keys.join("\n")),
    };
    let child = settings.child.join("\n");
    let start = if gateway == "west" { "auto" } else { "passive" };
    let in_udp = settings.in_udp;
    let text = format!(
        r#"{keys}[tunnel.gw]
local = "192.168.0.{own}"
remote = "192.168.0.{peer}"
local_id = "gw{own}.example"
remote_id = "gw{peer}.example"
auth = {{ psk_file = "gw.psk" }}
ike = ["aes128gcm16-prfsha256-x25519"]
start = "{start}"
force_encap = {in_udp}

[tunnel.gw.child.net]
local_net = ["10.{own}.0.0/24"]
remote_net = ["10.{peer}.0.0/24"]
esp = ["aes128gcm16"]
{child}
"#
    );
    let config = folder.join("adit.toml");
    std::fs::write(&config, text)?;
    let mut command = world.hosts.command(gateway, &settings.binary);
    command.args(["run", "-c"]).arg(config);
    // What is measured is our own data plane, unless somebody asks for another.
    if !settings
        .gateway
        .iter()
        .any(|line| line.starts_with("backend"))
    {
        command.args(["--backend", "user"]);
    }
    command.arg("--state").arg(state(world, gateway));
    world.spawn(gateway, &mut command)
}

/// Writes a key so that only its owner can read it.
pub fn secret(path: &Path, key: &str) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    std::io::Write::write_all(&mut options.open(path)?, key.as_bytes())?;
    Ok(())
}
