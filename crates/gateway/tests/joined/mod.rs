//! Two gateways of a [`World`] with a tunnel between them: how they are configured, what their packet filters are given, and what
//! they are asked.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use adit_diagnose::diagnose;
use adit_gateway::client::Client;
use adit_kernel::NetNs;
use adit_model::drops::DropReason;
use adit_model::monitored::Judged;
use adit_model::probed::{Check, Outcome, Probed};
use adit_model::status::{MonitorStatus, Tunnel, TunnelState};

use crate::world::{At, Running, World, eventually, patience};

pub const KEY: &str = "correct horse battery staple\n";

/// Echoes of a monitor twice a second, so that a test is over soon.
pub const QUICK: &str = "interval = \"500ms\"\nfailures = 3\nrecover = 2\nhold_down = \"3s\"\n";

/// Both gateways up, as they are usually configured.
pub fn up(name: &str) -> (World, Running, Running) {
    let world = World::new(name);
    let (west, east) = up_with(&world, |_, text| text);
    (world, west, east)
}

/// Both up in this world, with a change to each one's configuration.
pub fn up_with(world: &World, change: impl Fn(At, String) -> String) -> (Running, Running) {
    for at in [At::West, At::East] {
        world.configure_with(at, KEY, |text| change(at, text));
    }
    both_up(world)
}

/// Both up, as they are configured.
pub fn both_up(world: &World) -> (Running, Running) {
    let mut east = world.start(At::East);
    east.client().status(None).unwrap();
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    (west, east)
}

/// As many tunnels as that, `t0` and so on, each of which is the one of this text, for other networks.
pub fn many(text: &str, count: usize) -> String {
    let named = |number| {
        text.replace("tunnel.office", &format!("tunnel.t{number}"))
            .replace("gw1.example", &format!("gw1.t{number}.example"))
            .replace("gw2.example", &format!("gw2.t{number}.example"))
            .replace(".0.0/24", &format!(".{number}.0/24"))
            .replace("::/64", &format!(":{number}::/64"))
    };
    (0..count).map(named).collect()
}

/// Waits until as many tunnels as that are up, and there is no other.
pub fn all_up(running: &mut Running, count: usize) {
    let mut client = running.client();
    let up = eventually(Duration::from_secs(15) * patience(), || {
        let status = client.status(None).unwrap();
        let up = |tunnel: &Tunnel| tunnel.state == TunnelState::Up;
        (status.tunnels.len() == count && status.tunnels.iter().all(up)).then_some(())
    });
    assert!(up.is_some(), "{}", running.log());
}

/// One side's tunnel over the network `net`, for everything that routes lead into its interface. `more` are further keys of the
/// tunnel, and what follows the interface's own in `interface` are tables of their own. `PEER` is the other side's number.
pub fn through_interface(at: At, name: &str, net: &str, more: &str, interface: &str) -> String {
    let (us, peer, start) = match at {
        At::West => (1, 2, "auto"),
        At::East => (2, 1, "passive"),
    };
    let text = format!(
        r#"
[tunnel.{name}]
local = "{net}.{us}"
remote = "{net}.{peer}"
local_id = "gw{us}.{name}.example"
remote_id = "gw{peer}.{name}.example"
auth = {{ psk_file = "office.psk" }}
ike = ["aes128gcm16-prfsha256-x25519"]
start = "{start}"
{more}

[tunnel.{name}.interface]
{interface}

[tunnel.{name}.child.all]
esp = ["aes128gcm16"]
"#
    );
    text.replace("PEER", &peer.to_string())
}

/// The same with an interface of the tunnel's name in `10.255.LINK.0/30`, these routes, and a monitor.
pub fn monitored_tunnel(
    at: At,
    name: &str,
    (net, link): (&str, u8),
    routes: &str,
    monitor: &str,
) -> String {
    let us = match at {
        At::West => 1,
        At::East => 2,
    };
    let interface = format!(
        "name = \"{name}0\"\naddresses = [\"10.255.{link}.{us}/30\"]\n{routes}\n\n{monitor}\n"
    );
    through_interface(at, name, net, "", &interface)
}

/// Loads rules; `false` where this machine has no `nft`.
pub fn filter(at: &NetNs, rules: &str) -> bool {
    let mut command = Command::new("nft");
    command.args(["-f", "-"]).stdin(Stdio::piped());
    at.start_inside(&mut command).unwrap();
    let Ok(mut child) = command.spawn() else {
        eprintln!("skipped: rules of nft: there is no nft");
        return false;
    };
    let mut input = child.stdin.take().unwrap();
    input.write_all(rules.as_bytes()).unwrap();
    drop(input);
    assert!(child.wait().unwrap().success(), "{rules}");
    true
}

/// What a test of a tunnel has found wrong.
pub fn findings(probed: &Probed) -> Vec<&Check> {
    let checks = probed.checks.iter();
    checks.filter(|c| c.outcome == Outcome::Finding).collect()
}

/// The only finding.
pub fn only(probed: &Probed, id: &str) -> Check {
    let found = findings(probed);
    assert!(!found.is_empty(), "{probed:#?}");
    assert!(found.iter().all(|c| c.id == id), "{found:#?}");
    found[0].clone()
}

pub fn check(probed: &Probed, id: &str) -> Check {
    let mut checks = probed.checks.iter();
    let found = checks.find(|check| check.id == id);
    found
        .unwrap_or_else(|| panic!("no {id}: {probed:#?}"))
        .clone()
}

/// The cause that `adit why` finds, waiting until what was tested is fresh.
pub fn cause(client: &mut Client) -> Option<String> {
    let mut told = String::new();
    let found = eventually(Duration::from_secs(9), || {
        let case = client.cases(Some("office"), true).unwrap().pop().unwrap();
        let verdict = diagnose(&case);
        told = format!("{verdict:#?}");
        verdict.findings.first().map(|f| f.cause.clone())
    });
    if found.is_none() {
        eprintln!("no finding: {told}");
    }
    found
}

/// The SPIs of all children.
pub fn spis(running: &mut Running) -> Vec<String> {
    let status = running.client().status(None).unwrap();
    let children = status.tunnels.iter().flat_map(|t| &t.children);
    children
        .flat_map(|child| [child.spi_in.clone(), child.spi_out.clone()])
        .flatten()
        .collect()
}

/// How many packets were dropped for this reason.
pub fn dropped(running: &mut Running, reason: DropReason) -> u64 {
    if reason == DropReason::EspUnknownSpi {
        // A packet may have come before its SA, and counts when it has waited for it.
        std::thread::sleep(Duration::from_millis(400));
    }
    let drops = running.client().drops().unwrap();
    let found = drops.iter().find(|drop| drop.reason == reason);
    found.map_or(0, |drop| drop.packets)
}

/// What the monitor of a tunnel says.
pub fn monitor_status(client: &mut Client, tunnel: &str) -> MonitorStatus {
    let status = client.status(Some(tunnel)).unwrap();
    status.tunnels.into_iter().next().unwrap().monitor.unwrap()
}

/// Waits until the monitor of a tunnel has come to this.
pub fn judged(running: &mut Running, tunnel: &str, wanted: Judged) {
    let mut client = running.client();
    let limit = Duration::from_secs(20) * patience();
    let reached = eventually(limit, || {
        (monitor_status(&mut client, tunnel).judged == wanted.word()).then_some(())
    });
    assert!(
        reached.is_some(),
        "not {wanted:?} but {:?}\n{}",
        monitor_status(&mut client, tunnel),
        running.log()
    );
}
