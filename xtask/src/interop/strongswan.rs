//! An unmodified strongSwan in a namespace of the lab: charon with its user-space ESP, driven by swanctl.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::credentials::Credentials;
use super::lab::Lab;
use super::patience::{self, wait};
use super::scenario::Tunnel;
use super::setting::Backend;
use super::side::End;
use super::state::Snapshot;
use super::{callers, children, play, sas};
use crate::{exec, peers};

/// With its own ESP, or with the kernel's.
fn plugins(backend: Backend) -> String {
    let carrier = match backend {
        Backend::User => "kernel-libipsec kernel-netlink",
        Backend::Kernel => "kernel-netlink",
    };
    format!("{PLUGINS} {carrier} socket-default updown vici")
}

/// swanctl's settings for what needs no keys.
const PLAIN: &str = "swanctl-plain.conf";

const PLUGINS: &str = "random nonce openssl aes sha1 sha2 hmac kdf gcm ctr chapoly cmac curve25519 x509 constraints pubkey pem \
    pkcs1 pkcs8 curl revocation";

/// A running daemon; dropped, it is stopped.
pub struct StrongSwan {
    process: Child,
    host: &'static str,
    folder: PathBuf,
    socket: PathBuf,
    /// The first of its children.
    first: String,
}

impl StrongSwan {
    /// Writes its settings, with the connection `gw` and its child `net`: the folder, and the socket that it will have.
    pub fn write(lab: &Lab, end: &End, tunnel: &Tunnel) -> Result<(PathBuf, PathBuf)> {
        let folder = lab.kept.join(end.host);
        let swanctl = folder.join("swanctl");
        std::fs::create_dir_all(&swanctl)?;
        let socket = lab.state.join(format!("{}.vici", end.host));
        std::fs::write(
            folder.join("strongswan.conf"),
            daemon_settings(
                &folder.join("charon.log"),
                &socket,
                tunnel,
                lab.setting.backend(end.host),
            ),
        )?;
        // Without keys to load swanctl needs no plugin, and loading them is most of its work.
        std::fs::write(
            folder.join(PLAIN),
            format!(
                "swanctl {{\n  socket = unix://{}\n  load =\n}}\n",
                socket.display()
            ),
        )?;
        let tunnels = callers::tunnels(lab, end, tunnel);
        let sections = tunnels.iter().map(|(end, t)| connection(end, t));
        let text = sections.collect::<String>() + &tunnel.swanctl_pools(end);
        std::fs::write(swanctl.join("swanctl.conf"), text)?;
        let credentials = Credentials::of(&lab.kept, tunnel)?;
        for (end, tunnel) in &tunnels {
            credentials.for_swanctl(&swanctl, end, tunnel)?;
        }
        Ok((folder, socket))
    }

    /// Starts the daemon and loads its connection.
    pub fn start(lab: &Lab, end: &End, tunnel: &Tunnel) -> Result<Self> {
        let (folder, socket) = Self::write(lab, end, tunnel)?;
        let daemon = Self {
            process: spawn(lab, end.host, &folder)?,
            host: end.host,
            folder,
            socket,
            first: tunnel
                .children()
                .first()
                .map_or_else(String::new, |child| child.name.clone()),
        };
        daemon.listening()?;
        Ok(daemon)
    }

    /// Kills the daemon, and starts another one with the same settings.
    pub fn start_again(&mut self, lab: &Lab) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        std::fs::remove_file(&self.socket)?;
        self.process = spawn(lab, self.host, &self.folder)?;
        self.listening()
    }

    /// Waits until the daemon has its connection.
    fn listening(&self) -> Result<()> {
        wait("charon's control socket", Duration::from_secs(10), || {
            Ok(self.socket.exists())
        })?;
        // The socket's file appears a moment before the daemon listens on it.
        wait(
            "charon to load its connection",
            Duration::from_secs(5),
            || {
                let loaded = exec::output(&mut self.swanctl(&["--load-all", "--noprompt"]))?;
                let refused = loaded
                    .text()
                    .lines()
                    .find(|line| line.contains("invalid value for"))
                    .map(str::to_owned);
                refused.map_or(Ok(loaded.success), |line| {
                    Err(play::Unsupported(line).into())
                })
            },
        )
    }

    /// A swanctl command.
    pub fn swanctl(&self, args: &[&str]) -> Command {
        let loads = args.iter().any(|word| word.starts_with("--load"));
        let settings = if loads { "strongswan.conf" } else { PLAIN };
        let mut command = Command::new("swanctl");
        command
            .args(args)
            .env("SWANCTL_DIR", self.folder.join("swanctl"))
            .env("STRONGSWAN_CONF", self.folder.join(settings));
        command
    }

    /// Starts the connection, without waiting for the outcome to be good.
    pub fn initiate(&self) -> Result<exec::Outcome> {
        self.initiate_child(&self.first)
    }

    /// Starts one of several children.
    pub fn initiate_child(&self, child: &str) -> Result<exec::Outcome> {
        exec::output(&mut self.swanctl(&["--initiate", "--child", child, "--timeout", "10"]))
    }

    /// Starts the connection, and leaves it to itself.
    pub fn initiate_unwatched(&self) -> Result<Child> {
        let mut command = self.swanctl(&["--initiate", "--child", &self.first, "--timeout", "60"]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Ok(command.stderr(Stdio::null()).spawn()?)
    }

    /// The daemon itself.
    pub fn process(&mut self) -> &mut Child {
        &mut self.process
    }

    /// Its log.
    pub fn said(&self) -> String {
        let log = self.folder.join("charon.log");
        std::fs::read_to_string(log).unwrap_or_default()
    }

    /// What there is of connection `gw`.
    pub fn snapshot(&self) -> Result<Snapshot> {
        self.snapshot_of("gw")
    }

    /// What there is of another connection.
    pub fn snapshot_of(&self, connection: &str) -> Result<Snapshot> {
        let listing = exec::checked(&mut self.swanctl(&["--list-sas", "--pretty"]))?.stdout;
        Ok(sas::snapshot(&listing, connection))
    }

    pub fn run(&self, args: &[&str]) -> Result<()> {
        exec::checked(&mut self.swanctl(args)).map(|_| ())
    }
}

impl Drop for StrongSwan {
    fn drop(&mut self) {
        patience::end(&mut self.process, Duration::from_secs(3));
    }
}

fn spawn(lab: &Lab, host: &str, folder: &std::path::Path) -> Result<Child> {
    // charon's process id file is compiled in below /run: every daemon gets its own /run.
    let output = std::fs::File::create(folder.join("stdout"))?;
    let mut command = lab.command(host, "unshare");
    command
        .args([
            "-m",
            "--propagation",
            "private",
            "sh",
            "-c",
            "mount -t tmpfs none /run && exec \"$0\"",
            peers::CHARON,
        ])
        .env("STRONGSWAN_CONF", folder.join("strongswan.conf"))
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    lab.setting.clock(host, &mut command);
    command.spawn().context("cannot start charon")
}

fn daemon_settings(
    log: &std::path::Path,
    socket: &std::path::Path,
    tunnel: &Tunnel,
    backend: Backend,
) -> String {
    format!(
        "charon {{
  load = {}
  install_virtual_ip = {}
  rsa_pss = {}
  signature_authentication = {}
  reuse_ikesa = {}
  retransmit_tries = 3
  keep_alive = 3s
  retransmit_timeout = 1.0
  retransmit_base = 1.4
  filelog {{
    file {{
      path = {}
      time_format = %b %e %T
      time_add_ms = yes
      flush_line = yes
      append = no
      default = 1
      ike = 2
      cfg = 2
      knl = 2
    }}
  }}
  plugins {{
    vici {{ socket = unix://{socket} }}
    kernel-libipsec {{ allow_peer_ts = yes }}
    {}
  }}
}}
swanctl {{
  socket = unix://{socket}
  load = random nonce openssl pem pkcs1 pkcs8 x509 pubkey sha1 sha2 hmac aes
}}
",
        plugins(backend),
        if tunnel.pool.is_some() { "yes" } else { "no" },
        if tunnel.pss { "yes" } else { "no" },
        if tunnel.classic { "no" } else { "yes" },
        // What may be there twice is set up twice.
        if tunnel.keys.contains_key("unique") {
            "no"
        } else {
            "yes"
        },
        log.display(),
        match backend {
            // What the daemon itself sends must not go into its own tunnel.
            Backend::User =>
                "kernel-netlink { fwmark = !0x42 }\n    socket-default { fwmark = 0x42 }",
            Backend::Kernel => "",
        },
        socket = socket.display()
    )
}

fn connection(end: &End, tunnel: &Tunnel) -> String {
    let (west, east) = (&tunnel.west_id, &tunnel.east_id);
    let auth = (tunnel.west_auth, tunnel.east_auth);
    let (own, other, auth) = if end.side == "west" {
        (west, east, auth)
    } else {
        (east, west, (auth.1, auth.0))
    };
    let by_ca = callers::by_ca(end, tunnel);
    format!(
        "connections {{
  {} {{
    version = {}
    local_addrs = {}
    remote_addrs = {}
    proposals = {}
    dpd_delay = {}
    {}
    fragmentation = {}
    {}
    local {{
      {}
      id = \"{}\"
    }}
    remote {{
      {}
      id = \"{}\"{}{}
    }}
    {}children {{
{}    }}
  }}
}}
secrets {{
  {}
  {}
}}
",
        end.name,
        end.version,
        if tunnel.roaming { "%any" } else { &end.local },
        if tunnel.anyone && !end.initiates {
            "%any"
        } else {
            &end.remote
        },
        strongswan_words(&tunnel.ike),
        if end.liveness { "1s" } else { "0s" },
        tunnel.ppk.as_ref().map_or_else(String::new, |ppk| format!(
            "ppk_id = {}\n    ppk_required = {}",
            ppk.id,
            if ppk.required { "yes" } else { "no" }
        )),
        if tunnel.unfragmented { "no" } else { "yes" },
        tunnel.trust.connection(),
        auth.0.swanctl(true),
        strongswan_id(own),
        auth.1.swanctl(false),
        by_ca.map_or_else(|| strongswan_id(other), |_| callers::ANYBODY.to_owned()),
        by_ca.map_or_else(String::new, |ca| format!("\n      cacerts = {ca}")),
        tunnel.trust.swanctl(end.side),
        tunnel.swanctl_pool(end).to_owned() + &children::lines(&tunnel.keys, " = ", false),
        tunnel
            .children()
            .iter()
            .map(|child| section(end, tunnel, child))
            .collect::<String>(),
        match tunnel.psk.as_str() {
            "" => String::new(),
            psk => {
                // Where there are two, each is somebody's.
                let second = end.name == "gw2" || tunnel.second.is_some() && !end.initiates;
                let of = match second {
                    true => format!("\n    id = \"{other}\""),
                    false => String::new(),
                };
                format!("ike-{} {{\n    secret = \"{psk}\"{of}\n  }}", end.name)
            }
        },
        tunnel.ppk.as_ref().map_or_else(String::new, |ppk| format!(
            "ppk-1 {{\n    id = {}\n    secret = \"{}\"\n  }}",
            ppk.id, ppk.key
        )),
    )
}

fn section(end: &End, tunnel: &Tunnel, child: &children::Child) -> String {
    let (own, other) = match end.side {
        "west" => (&child.west_net, &child.east_net),
        _ => (&child.east_net, &child.west_net),
    };
    let given = tunnel.pool.is_some();
    format!(
        "{} {{\nlocal_ts = {}\nremote_ts = {}\nesp_proposals = {}\nmode = {}\nstart_action = {}\ndpd_action = clear\n{}}}\n",
        child.name,
        if given && end.initiates {
            "dynamic".to_owned()
        } else {
            own.join(",")
        },
        if given && !end.initiates {
            "dynamic".to_owned()
        } else {
            other.join(",")
        },
        strongswan_words(child.esp.as_deref().unwrap_or("default")),
        tunnel.mode.as_deref().unwrap_or("tunnel"),
        if tunnel.on_demand && end.initiates {
            "trap"
        } else {
            "none"
        },
        children::lines(&child.keys, " = ", false),
    )
}

/// It has its own way to write a key identifier in hex.
fn strongswan_id(id: &str) -> String {
    match id.strip_prefix("keyid:0x") {
        Some(hex) => format!("@#{hex}"),
        None => id.to_owned(),
    }
}

/// strongSwan 5.9 knows X25519 by one name only.
fn strongswan_words(proposal: &str) -> String {
    proposal.replace("x25519", "curve25519")
}
