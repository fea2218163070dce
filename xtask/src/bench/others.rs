//! Other people's gateways in user space.

use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::Result;

use super::subject::{KEY, secret};
use super::world::{SIDES, World};
use crate::interop::patience::wait;
use crate::{exec, peers};

const PLUGINS: &str = "random nonce openssl aes sha1 sha2 hmac kdf gcm curve25519 pubkey pem kernel-libipsec kernel-netlink \
    socket-default updown vici";

/// charon with kernel-libipsec on both gateways, and its tunnel set up.
pub fn strongswan(world: &World) -> Result<Vec<Child>> {
    let mut processes = Vec::new();
    for (gateway, own, peer) in SIDES {
        let folder = world.kept.join(gateway);
        std::fs::create_dir_all(folder.join("swanctl"))?;
        let socket = world.state.join(format!("{gateway}.vici"));
        std::fs::write(
            folder.join("strongswan.conf"),
            format!(
                "charon {{
  load = {PLUGINS}
  plugins {{
    vici {{ socket = unix://{socket} }}
    kernel-libipsec {{ allow_peer_ts = yes }}
    # What the daemon itself sends must not go into its own tunnel.
    kernel-netlink {{ fwmark = !0x42 }}
    socket-default {{ fwmark = 0x42 }}
  }}
}}
swanctl {{
  socket = unix://{socket}
  load = random nonce openssl pem pubkey sha1 sha2 hmac aes
}}
",
                socket = socket.display()
            ),
        )?;
        let connection = format!(
            "connections {{
  gw {{
    version = 2
    local_addrs = 192.168.0.{own}
    remote_addrs = 192.168.0.{peer}
    proposals = aes128gcm16-prfsha256-curve25519
    local {{ auth = psk
      id = gw{own}.example }}
    remote {{ auth = psk
      id = gw{peer}.example }}
    children {{ net {{
      local_ts = 10.{own}.0.0/24
      remote_ts = 10.{peer}.0.0/24
      esp_proposals = aes128gcm16
    }} }}
  }}
}}
secrets {{ ike-gw {{ secret = \"{KEY}\" }} }}
"
        );
        secret(&folder.join("swanctl/swanctl.conf"), &connection)?;
        // charon's process id file is compiled in below /run: every daemon gets its own /run.
        let mut command = world.hosts.command(gateway, "unshare");
        let script = "mount -t tmpfs none /run && exec \"$0\"";
        command
            .args([
                "-m",
                "--propagation",
                "private",
                "sh",
                "-c",
                script,
                peers::CHARON,
            ])
            .env("STRONGSWAN_CONF", folder.join("strongswan.conf"));
        processes.push(world.spawn(gateway, &mut command)?);
        wait(
            "charon to load its connection",
            Duration::from_secs(10),
            || {
                let loaded = exec::output(&mut swanctl(&folder, &["--load-all", "--noprompt"]))?;
                Ok(loaded.success)
            },
        )?;
    }
    let initiate = ["--initiate", "--child", "net", "--timeout", "10"];
    exec::checked(&mut swanctl(&world.kept.join("west"), &initiate))?;
    Ok(processes)
}

fn swanctl(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("swanctl");
    command
        .args(args)
        .env("SWANCTL_DIR", folder.join("swanctl"))
        .env("STRONGSWAN_CONF", folder.join("strongswan.conf"));
    command
}

/// wireguard-go on both gateways.
pub fn wireguard_go(world: &World, binary: &Path) -> Result<Vec<Child>> {
    let mut processes = Vec::new();
    let mut keys = Vec::new();
    for (gateway, ..) in SIDES {
        let private = exec::checked(Command::new("wg").arg("genkey"))?.stdout;
        let public = exec::fed(Command::new("wg").arg("pubkey"), &private)?.stdout;
        let file = world.kept.join(format!("{gateway}.key"));
        secret(&file, &private)?;
        keys.push((file, public.trim().to_owned()));
    }
    for (at, (gateway, _, peer)) in SIDES.into_iter().enumerate() {
        let (Some((private, _)), Some((_, public))) = (keys.get(at), keys.get(1 - at)) else {
            anyhow::bail!("two gateways have two keys");
        };
        // Its socket is in a folder of the whole machine, so its device has a name of its own. Names of devices have
        // no more than 15 characters.
        let letters = public.chars().filter(char::is_ascii_alphanumeric);
        let device: String = "wg".chars().chain(letters.take(10)).collect();
        let mut command = world.hosts.command(gateway, binary);
        command.args(["-f", &device]);
        processes.push(world.spawn(gateway, &mut command)?);
        let set = format!(
            "listen-port 51820 private-key {} peer {public} allowed-ips 10.{peer}.0.0/24 endpoint 192.168.0.{peer}:51820",
            private.display()
        );
        wait(
            "wireguard-go to take its keys",
            Duration::from_secs(5),
            || {
                let mut wg = world.hosts.command(gateway, "wg");
                Ok(exec::output(wg.args(["set", &device]).args(set.split(' ')))?.success)
            },
        )?;
        let up = format!("link set {device} up");
        let route = format!("route add 10.{peer}.0.0/24 dev {device}");
        world.hosts.ip(gateway, &[&up, &route])?;
    }
    Ok(processes)
}

/// A bare relay on both gateways, called with `DEVICE OWN:PORT PEER:PORT gso aes`: it makes the TUN device, and carries
/// what comes out of it to the peer, sealed with a fixed key, and back. It knows no policies, SAs, windows and counters, so
/// it is what nobody who does can surpass by much.
pub fn relay(world: &World, binary: &Path) -> Result<Vec<Child>> {
    let mut processes = Vec::new();
    for (gateway, own, peer) in SIDES {
        let device = format!("relay{own}");
        let mut command = world.hosts.command(gateway, binary);
        let ends = [own, peer].map(|host| format!("192.168.0.{host}:4500"));
        command.arg(&device).args(ends).args(["gso", "aes"]);
        processes.push(world.spawn(gateway, &mut command)?);
        wait(
            "the relay to make its device",
            Duration::from_secs(5),
            || {
                let mut ip = world.hosts.command(gateway, "ip");
                Ok(exec::output(ip.args(["link", "show", &device]))?.success)
            },
        )?;
        // What ESP in UDP with AES-GCM leaves of 1500 octets.
        let up = format!("link set {device} mtu 1438 up");
        let route = format!("route add 10.{peer}.0.0/24 dev {device}");
        world.hosts.ip(gateway, &[&up, &route])?;
    }
    Ok(processes)
}
