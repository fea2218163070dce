//! Two gateways with a host behind each, in private network namespaces; the gateways are the real program. Nothing
//! here can reach the machine's own network.
//!
//! ```text
//! west_lan 10.1.0.2 ── 10.1.0.1 west 192.0.2.1 ── 192.0.2.2 east 10.2.0.1 ── 10.2.0.2 east_lan
//! ```

use std::net::IpAddr;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use adit_kernel::netlink::{Route, VethEnd};
use adit_kernel::{NetNs, Netlink, PingOptions, PingOutcome, closed, ping, sysctl};
use adit_model::status::{Status, Tunnel, TunnelState};
use rustix::process::{Pid, Signal, kill_process};

use crate::program::{Dir, Ran, adit, command, eventually};

pub const KEY: &str = "correct horse battery staple\n";
/// How long anything may take that takes milliseconds on an idle machine.
pub const SOON: Duration = Duration::from_secs(10);

/// Whether private namespaces and TUN are open to this process. If not, says which setting closes them; with
/// `ADIT_REQUIRE_NET=1` that is a failure.
pub fn permitted(what: &str) -> bool {
    let obstacle = if !closed::can_administer() {
        Some("no CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_NET_RAW; run as root".to_owned())
    } else if let Err(closed) = closed::namespaces().unwrap() {
        Some(closed.to_string())
    } else {
        closed::tun().err().map(|closed| closed.to_string())
    };
    let Some(obstacle) = obstacle else {
        return true;
    };
    assert!(
        std::env::var("ADIT_REQUIRE_NET").is_err(),
        "{what} can't be tested: {obstacle}"
    );
    eprintln!("skipped: {what}: {obstacle}");
    false
}

/// The four hosts.
pub struct Sites {
    pub west_lan: NetNs,
    pub west: NetNs,
    pub east: NetNs,
    pub east_lan: NetNs,
    pub dir: Dir,
}

/// One of the two gateways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    West,
    East,
}

impl At {
    fn name(self) -> &'static str {
        match self {
            At::West => "west",
            At::East => "east",
        }
    }
}

impl Sites {
    /// Wired, routed, and without gateways.
    pub fn new(name: &str) -> Self {
        let sites = Self {
            west_lan: host(),
            west: host(),
            east: host(),
            east_lan: host(),
            dir: Dir::new(name),
        };
        cable((&sites.west_lan, "eth0"), (&sites.west, "lan"));
        cable((&sites.west, "wan"), (&sites.east, "wan"));
        cable((&sites.east, "lan"), (&sites.east_lan, "eth0"));
        address(&sites.west_lan, "eth0", "10.1.0.2/24");
        address(&sites.west, "lan", "10.1.0.1/24");
        address(&sites.west, "wan", "192.0.2.1/24");
        address(&sites.east, "wan", "192.0.2.2/24");
        address(&sites.east, "lan", "10.2.0.1/24");
        address(&sites.east_lan, "eth0", "10.2.0.2/24");
        default_route(&sites.west_lan, "10.1.0.1");
        default_route(&sites.east_lan, "10.2.0.1");
        // Without a tunnel everything would find its way in clear: only so does a leak show.
        default_route(&sites.west, "192.0.2.2");
        default_route(&sites.east, "192.0.2.1");
        for gateway in [&sites.west, &sites.east] {
            gateway
                .run(|| sysctl::enable_forwarding().unwrap())
                .unwrap();
        }
        sites
    }

    fn ns(&self, at: At) -> &NetNs {
        match at {
            At::West => &self.west,
            At::East => &self.east,
        }
    }

    /// The state directory of a side.
    pub fn state(&self, at: At) -> String {
        self.dir.at(&format!("{}-state", at.name()))
    }

    /// Writes a side's files; the path of its configuration. West begins, East waits.
    pub fn configure(&self, at: At, key: &str) -> String {
        let (us, peer, start) = match at {
            At::West => (1, 2, "auto"),
            At::East => (2, 1, "passive"),
        };
        let name = at.name();
        self.dir.write(&format!("{name}.psk"), key);
        self.dir.write(
            &format!("{name}.toml"),
            &format!(
                r#"
[tunnel.office]
local = "192.0.2.{us}"
remote = "192.0.2.{peer}"
local_id = "gw{us}.example"
remote_id = "gw{peer}.example"
auth = {{ psk_file = "{name}.psk" }}
start = "{start}"
retransmit = {{ initial = "250ms", tries = 4 }}

[tunnel.office.child.lan]
local_net = ["10.{us}.0.0/24"]
remote_net = ["10.{peer}.0.0/24"]
"#
            ),
        )
    }

    /// Starts a gateway on one side with a configuration and a state directory.
    pub fn start_with(&self, at: At, config: &str, state: &str) -> Gateway {
        let log = self.dir.at(&format!("{}.log", at.name()));
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        // The same on every machine.
        let mut command = command(&[
            "run",
            "--backend",
            "user",
            "--config",
            config,
            "--state",
            state,
        ]);
        command.stdout(Stdio::null()).stderr(file);
        self.ns(at).start_inside(&mut command).unwrap();
        Gateway {
            process: command.spawn().unwrap(),
            state: state.to_owned(),
            log,
        }
    }

    /// Writes a side's files and starts its gateway.
    pub fn start(&self, at: At, key: &str) -> Gateway {
        let config = self.configure(at, key);
        self.start_with(at, &config, &self.state(at))
    }

    /// Runs the program to its end on one side.
    pub fn run(&self, at: At, args: &[&str]) -> Ran {
        let mut command = command(args);
        self.ns(at).start_inside(&mut command).unwrap();
        command.output().unwrap().into()
    }

    /// Both gateways, with the tunnel up.
    pub fn pair(&self) -> (Gateway, Gateway) {
        let mut east = self.start(At::East, KEY);
        east.answers();
        let mut west = self.start(At::West, KEY);
        west.wait_for(TunnelState::Up);
        east.wait_for(TunnelState::Up);
        (west, east)
    }

    /// Whether the hosts behind the gateways reach each other.
    pub fn connected(&self) -> bool {
        let options = PingOptions {
            timeout: Duration::from_millis(500),
            ..PingOptions::default()
        };
        let to: IpAddr = [10, 2, 0, 2].into();
        // A packet filter that refuses the request is a no too.
        self.west_lan
            .run(|| matches!(ping(to, &options), Ok(PingOutcome::Reply { .. })))
            .unwrap()
    }
}

/// A running `adit run`; killed when dropped.
pub struct Gateway {
    process: Child,
    pub state: String,
    log: String,
}

impl Gateway {
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// A command on this gateway.
    pub fn adit(&self, args: &[&str]) -> Ran {
        adit(&[args, &["--state", &self.state]].concat())
    }

    /// The entry of its only tunnel.
    pub fn tunnel(&self) -> Option<Tunnel> {
        let ran = self.adit(&["status", "--json"]);
        let status: Status = serde_json::from_str(&ran.out).ok()?;
        assert_eq!(status.schema, "adit.status/1");
        assert_eq!(status.tunnels.len(), 1);
        status.tunnels.into_iter().next()
    }

    /// Waits for the control socket.
    #[track_caller]
    pub fn answers(&mut self) {
        let there = eventually(SOON, || {
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none(), "{ended:?}: {}", self.log());
            self.tunnel()
        });
        assert!(there.is_some(), "no answer: {}", self.log());
    }

    /// Waits for a state of its tunnel; how long it took.
    #[track_caller]
    pub fn wait_for(&mut self, state: TunnelState) -> Duration {
        let began = Instant::now();
        let reached = eventually(SOON, || self.tunnel().filter(|t| t.state == state));
        assert!(reached.is_some(), "not {state:?}: {}", self.log());
        began.elapsed()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for the end.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        eventually(SOON, || self.process.try_wait().unwrap())
            .unwrap_or_else(|| panic!("it goes on: {}", self.log()))
    }

    /// Ends it as a crash would.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        assert_eq!(self.process.wait().unwrap().signal(), Some(9));
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn host() -> NetNs {
    let ns = NetNs::create().unwrap();
    ns.run(|| {
        sysctl::skip_duplicate_address_detection().unwrap();
        Netlink::open().unwrap().set_link_up(1, true).unwrap();
    })
    .unwrap();
    ns
}

fn cable(near: (&NetNs, &str), far: (&NetNs, &str)) {
    let (name, namespace) = (near.1, Some(near.0.as_fd()));
    let start = VethEnd { name, namespace };
    let (name, namespace) = (far.1, Some(far.0.as_fd()));
    let end = VethEnd { name, namespace };
    Netlink::open().unwrap().add_veth(start, end).unwrap();
    for (ns, name) in [near, far] {
        ns.run(|| {
            let mut netlink = Netlink::open().unwrap();
            let index = netlink.link(name).unwrap().index;
            netlink.set_link_up(index, true).unwrap();
        })
        .unwrap();
    }
}

fn address(ns: &NetNs, device: &str, net: &str) {
    ns.run(|| {
        let mut netlink = Netlink::open().unwrap();
        let index = netlink.link(device).unwrap().index;
        netlink.add_address(index, net.parse().unwrap()).unwrap();
        let ready = netlink.wait_until_ready(index, Duration::from_secs(5));
        assert!(ready.unwrap(), "{device} has no carrier");
    })
    .unwrap();
}

fn default_route(ns: &NetNs, via: &str) {
    ns.run(|| {
        let route = Route::to_gateway("0.0.0.0/0".parse().unwrap(), via.parse().unwrap());
        assert!(Netlink::open().unwrap().add_route(&route).unwrap());
    })
    .unwrap();
}
