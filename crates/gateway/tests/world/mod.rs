//! Two gateways with a host behind each, in private network namespaces; gateways are processes, so that they can be
//! killed. Nothing here can reach the machine's own network.
//!
//! ```text
//! west_lan 10.1.0.2 ── 10.1.0.1 west 192.0.2.1 ── 192.0.2.2 east 10.2.0.1 ── 10.2.0.2 east_lan
//!       fd00:1::2      fd00:1::1                             fd00:2::1       fd00:2::2
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use std::ffi::OsString;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use adit_gateway::client::Client;
use adit_gateway::options::BackendChoice;
use adit_kernel::netlink::{Route, VethEnd};
use adit_kernel::{NetNs, Netlink, PingOptions, PingOutcome, closed, ping, sysctl};
use adit_model::status::TunnelState;

/// The environment variable that makes the test program a gateway; it names the directory with its files.
const GATEWAY_DIR: &str = "ADIT_TEST_GATEWAY";

/// Names the state directory within it.
const GATEWAY_STATE: &str = "ADIT_TEST_GATEWAY_STATE";

/// Names what carries packets: `user`, `kernel`; the best that works, if it isn't there.
const BACKEND: &str = "ADIT_TEST_BACKEND";

/// Names an `adit` that is started instead of the gateway within the test program.
const PROGRAM: &str = "ADIT_TEST_PROGRAM";

/// The file with the MTU of a side's TUN device, beside its configuration.
const TUN_MTU: &str = "tun-mtu";

/// How many times as long as usual everything may take: for machines that are slow. `ADIT_TEST_PATIENCE`.
pub fn patience() -> u32 {
    let set = std::env::var("ADIT_TEST_PATIENCE").ok();
    set.map_or(1, |factor| factor.parse().unwrap())
}

/// Whether private namespaces and TUN are open to this process. If not, says which setting closes them; with
/// `ADIT_REQUIRE_NET=1` that is a failure.
pub fn permitted(what: &str) -> bool {
    let obstacle = if !closed::can_administer() {
        Some(
            "no CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_NET_RAW; run as root or under `unshare -Urn`"
                .to_owned(),
        )
    } else if let Err(closed) = closed::namespaces().unwrap() {
        Some(closed.to_string())
    } else if std::env::var(BACKEND).is_ok_and(|backend| backend == "kernel") {
        None
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
pub struct World {
    pub west_lan: NetNs,
    pub west: NetNs,
    pub east: NetNs,
    pub east_lan: NetNs,
    dir: PathBuf,
}

/// A side of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    West,
    East,
}

impl World {
    pub fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("adit-world-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let host = || {
            let ns = NetNs::create().unwrap();
            ns.run(|| {
                sysctl::skip_duplicate_address_detection().unwrap();
                Netlink::open().unwrap().set_link_up(1, true).unwrap();
            })
            .unwrap();
            ns
        };
        let world = Self {
            west_lan: host(),
            west: host(),
            east: host(),
            east_lan: host(),
            dir,
        };
        cable((&world.west_lan, "eth0"), (&world.west, "lan"));
        cable((&world.west, "wan"), (&world.east, "wan"));
        cable((&world.east, "lan"), (&world.east_lan, "eth0"));
        address(&world.west_lan, "eth0", &["10.1.0.2/24", "fd00:1::2/64"]);
        address(&world.west, "lan", &["10.1.0.1/24", "fd00:1::1/64"]);
        address(&world.west, "wan", &["192.0.2.1/24", "2001:db8::1/64"]);
        address(&world.east, "wan", &["192.0.2.2/24", "2001:db8::2/64"]);
        address(&world.east, "lan", &["10.2.0.1/24", "fd00:2::1/64"]);
        address(&world.east_lan, "eth0", &["10.2.0.2/24", "fd00:2::2/64"]);
        default_routes(&world.west_lan, &["10.1.0.1", "fd00:1::1"]);
        default_routes(&world.east_lan, &["10.2.0.1", "fd00:2::1"]);
        // Without a tunnel everything would find its way in clear: only so does a leak show.
        default_routes(&world.west, &["192.0.2.2", "2001:db8::2"]);
        default_routes(&world.east, &["192.0.2.1", "2001:db8::1"]);
        for gateway in [&world.west, &world.east] {
            gateway
                .run(|| sysctl::enable_forwarding().unwrap())
                .unwrap();
        }
        world
    }

    pub fn ns(&self, at: At) -> &NetNs {
        match at {
            At::West => &self.west,
            At::East => &self.east,
        }
    }

    /// The directory with a side's files.
    pub fn dir(&self, at: At) -> PathBuf {
        let dir = self.dir.join(format!("{at:?}").to_lowercase());
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    /// Writes a side's configuration and key. West begins, East waits.
    pub fn configure(&self, at: At, key: &str) {
        self.configure_with(at, key, |text| text);
    }

    /// The same with a change to the configuration's text.
    pub fn configure_with(&self, at: At, key: &str, change: impl Fn(String) -> String) {
        let (us, peer, start) = match at {
            At::West => (1, 2, "auto"),
            At::East => (2, 1, "passive"),
        };
        let text = format!(
            r#"
[tunnel.office]
local = "192.0.2.{us}"
remote = "192.0.2.{peer}"
local_id = "gw{us}.example"
remote_id = "gw{peer}.example"
auth = {{ psk_file = "office.psk" }}
ike = ["aes128gcm16-prfsha256-x25519"]
start = "{start}"

[tunnel.office.child.lan]
local_net = ["10.{us}.0.0/24", "fd00:{us}::/64"]
remote_net = ["10.{peer}.0.0/24", "fd00:{peer}::/64"]
esp = ["aes128gcm16"]
"#
        );
        let dir = self.dir(at);
        std::fs::write(dir.join("adit.toml"), change(text)).unwrap();
        let path = dir.join("office.psk");
        std::fs::write(&path, key).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Has a side's gateway be started with `--tun-mtu`.
    pub fn set_tun_mtu(&self, at: At, octets: u32) {
        std::fs::write(self.dir(at).join(TUN_MTU), octets.to_string()).unwrap();
    }

    /// Starts a side's gateway. If there is a file `hosts` beside its configuration, that is its `/etc/hosts`.
    pub fn start(&self, at: At) -> Running {
        self.start_with_state(at, "state")
    }

    /// The same with another state directory beside its files.
    pub fn start_with_state(&self, at: At, state: &str) -> Running {
        let dir = self.dir(at);
        let log = std::fs::File::create(dir.join("log")).unwrap();
        let (program, arguments) = program(&dir, &dir.join(state));
        let hosts = dir.join("hosts");
        let mut command = if hosts.exists() {
            let mut command = Command::new("unshare");
            let script = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";
            command.args(["--mount", "sh", "-c", script]);
            command.args([hosts, program]);
            command
        } else {
            Command::new(program)
        };
        command
            .args(arguments)
            .env(GATEWAY_DIR, &dir)
            .env(GATEWAY_STATE, state)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.ns(at).start_inside(&mut command).unwrap();
        let process = command.spawn().unwrap();
        let state = dir.join(state);
        Running {
            process,
            dir,
            state,
        }
    }

    /// Whether `from` reaches `to`.
    pub fn reaches(&self, from: &NetNs, to: &str) -> bool {
        let options = PingOptions {
            timeout: Duration::from_millis(400) * patience(),
            ..PingOptions::default()
        };
        let to: IpAddr = to.parse().unwrap();
        // A packet filter that refuses the request is a no too.
        from.run(|| matches!(ping(to, &options), Ok(PingOutcome::Reply { .. })))
            .unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A gateway process; killed when dropped.
pub struct Running {
    process: Child,
    dir: PathBuf,
    state: PathBuf,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// A client, as soon as the gateway listens.
    pub fn client(&mut self) -> Client {
        let state = self.state.clone();
        let client = eventually(Duration::from_secs(10) * patience(), || {
            if let Some(status) = self.process.try_wait().unwrap() {
                panic!("the gateway ended with {status}: {}", self.log());
            }
            Client::connect(&state).ok()
        });
        let client = client.unwrap_or_else(|| panic!("the gateway doesn't listen: {}", self.log()));
        client.slowed(patience()).unwrap()
    }

    /// Waits for a tunnel state.
    pub fn wait_for(&mut self, state: TunnelState) {
        let mut client = self.client();
        let reached = eventually(Duration::from_secs(10) * patience(), || {
            let status = client.status(Some("office")).unwrap();
            (status.tunnels.first().unwrap().state == state).then_some(())
        });
        assert!(reached.is_some(), "not {state:?}: {}", self.log());
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Waits for the process to end by itself; its exit code.
    pub fn ended(&mut self) -> Option<i32> {
        eventually(Duration::from_secs(10), || {
            self.process.try_wait().unwrap().map(|status| status.code())
        })
        .unwrap_or_else(|| panic!("the gateway goes on: {}", self.log()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What is run as a gateway, with which arguments.
fn program(dir: &Path, state: &Path) -> (PathBuf, Vec<OsString>) {
    let Some(program) = std::env::var_os(PROGRAM) else {
        let itself = [
            "world::gateway_process",
            "--exact",
            "--ignored",
            "--nocapture",
        ];
        let arguments = itself.map(OsString::from);
        return (std::env::current_exe().unwrap(), arguments.into());
    };
    let mut arguments: Vec<OsString> = vec!["run".into(), "-c".into()];
    arguments.push(dir.join("adit.toml").into());
    arguments.extend(["--state".into(), state.into()]);
    if let Some(octets) = tun_mtu(dir) {
        arguments.extend(["--tun-mtu".into(), octets.to_string().into()]);
    }
    let text = std::fs::read_to_string(dir.join("adit.toml")).unwrap_or_default();
    match std::env::var_os(BACKEND) {
        Some(backend) => arguments.extend(["--backend".into(), backend]),
        None if !text.contains("backend =") => {
            arguments.extend(["--backend".into(), "user".into()]);
        }
        None => {}
    }
    (program.into(), arguments)
}

/// The MTU that its device is to have, if it is said.
fn tun_mtu(dir: &Path) -> Option<u32> {
    let said = std::fs::read_to_string(dir.join(TUN_MTU)).ok()?;
    Some(said.parse().unwrap())
}

/// Asks again and again until there is an answer or time is up.
pub fn eventually<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if start.elapsed() >= limit {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Not a test: the program that the tests start.
#[test]
#[ignore = "the gateway process that the tests start"]
fn gateway_process() {
    let Some(dir) = std::env::var_os(GATEWAY_DIR) else {
        return;
    };
    if let Err(problem) = be_a_gateway(Path::new(&dir)) {
        eprintln!("error: {problem}");
        std::process::exit(2);
    }
}

/// Runs the gateway of the directory in [`GATEWAY_DIR`], as the test program's other life.
fn be_a_gateway(dir: &Path) -> Result<(), String> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .init();
    let path = dir.join("adit.toml");
    let text = std::fs::read_to_string(&path).map_err(|e| e.to_string())?;
    let (config, problems) = adit_config::adit::parse("adit.toml", &text);
    let config = config.ok_or_else(|| format!("{problems:?}"))?;
    let mut options = adit_gateway::Options::new(config, dir.to_owned());
    options.source = Some(path);
    // Where there is one, its mounts and logins are those of this host.
    let root = dir.join("root");
    if root.exists() {
        options.root = root;
    }
    options.state_dir = dir.join(std::env::var(GATEWAY_STATE).map_err(|e| e.to_string())?);
    options.tun_mtu = tun_mtu(dir);
    options.backend = match std::env::var(BACKEND).as_deref() {
        Ok("user") => BackendChoice::User,
        Ok("kernel") => BackendChoice::Kernel,
        Ok(other) => return Err(format!("{BACKEND}={other}")),
        // The same on every machine.
        Err(_) => match options.config.gateway.backend {
            adit_config::Backend::Auto => BackendChoice::User,
            configured => configured.into(),
        },
    };
    adit_gateway::run(options)
        .map(drop)
        .map_err(|e| e.to_string())
}

pub fn cable(near: (&NetNs, &str), far: (&NetNs, &str)) {
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

pub fn address(ns: &NetNs, device: &str, nets: &[&str]) {
    ns.run(|| {
        let mut netlink = Netlink::open().unwrap();
        let index = netlink.link(device).unwrap().index;
        for net in nets {
            netlink.add_address(index, net.parse().unwrap()).unwrap();
        }
        let ready = netlink.wait_until_ready(index, Duration::from_secs(5));
        assert!(ready.unwrap(), "{device} has no carrier");
    })
    .unwrap();
}

pub fn default_routes(ns: &NetNs, gateways: &[&str]) {
    ns.run(|| {
        let mut netlink = Netlink::open().unwrap();
        for gateway in gateways {
            let via: IpAddr = gateway.parse().unwrap();
            let all = if via.is_ipv4() { "0.0.0.0/0" } else { "::/0" };
            let route = Route::to_gateway(all.parse().unwrap(), via);
            assert!(netlink.add_route(&route).unwrap());
        }
    })
    .unwrap();
}
