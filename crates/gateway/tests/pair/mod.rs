//! Two gateways in one process on the loopback device, without privileges: everything but the carrying of packets.
#![allow(dead_code)]

use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use adit_gateway::client::Client;
use adit_gateway::options::BackendChoice;
use adit_gateway::{ExitReason, GatewayError, Options};
use adit_model::status::{Tunnel, TunnelState};

/// A side of the pair: west begins, east waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    West,
    East,
}

impl At {
    pub fn number(self) -> u8 {
        match self {
            At::West => 1,
            At::East => 2,
        }
    }
}

/// A gateway on its own thread.
pub struct Running {
    thread: Option<JoinHandle<Result<ExitReason, GatewayError>>>,
    pub client: Client,
}

impl Running {
    /// Ends it in order.
    pub fn end(mut self) {
        self.client.shutdown().unwrap();
        let thread = self.thread.take().unwrap();
        thread.join().unwrap().unwrap();
    }

    pub fn tunnel(&mut self, name: &str) -> Tunnel {
        let status = self.client.status(Some(name)).unwrap();
        status.tunnels.into_iter().next().unwrap()
    }

    pub fn wait_for(&mut self, name: &str, state: TunnelState) {
        let reached = eventually(|| (self.tunnel(name).state == state).then_some(()));
        assert!(reached.is_some(), "{:?}", self.tunnel(name));
    }
}

/// The two gateways' files and ports.
pub struct Pair {
    pub dir: PathBuf,
    ports: [u16; 4],
}

impl Pair {
    pub fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("adit-pair-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let sockets: Vec<_> = (0..4)
            .map(|_| UdpSocket::bind("0.0.0.0:0").unwrap())
            .collect();
        let port = |n: usize| sockets[n].local_addr().unwrap().port();
        let pair = Self {
            dir,
            ports: [port(0), port(1), port(2), port(3)],
        };
        pair.write_key("office.psk", "a key for the test\n");
        pair
    }

    pub fn write_key(&self, name: &str, content: &str) {
        let path = self.dir.join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The configuration file of a side.
    pub fn file(&self, at: At) -> PathBuf {
        self.dir.join(format!("{at:?}.toml").to_lowercase())
    }

    /// Writes a side's configuration of these tunnels.
    pub fn configure(&self, at: At, tunnels: &[String]) {
        let [west, west_nat, east, east_nat] = self.ports;
        let (ike, nat) = match at {
            At::West => (west, west_nat),
            At::East => (east, east_nat),
        };
        let text = format!(
            "[gateway]\nike_port = {ike}\nnat_t_port = {nat}\n{}",
            tunnels.concat()
        );
        std::fs::write(self.file(at), text).unwrap();
    }

    /// One side's tunnel `name`, whose networks are `10.US.NET.0/24` and `10.PEER.NET.0/24`.
    pub fn tunnel(&self, at: At, name: &str, net: u8) -> String {
        let (us, peer) = (at.number(), 3 - at.number());
        let (start, port) = match at {
            At::West => ("auto", self.ports[2]),
            At::East => ("passive", self.ports[0]),
        };
        format!(
            r#"
[tunnel.{name}]
local = "any"
remote = "127.0.0.1"
remote_port = {port}
local_id = "gw{us}.{name}.example"
remote_id = "gw{peer}.{name}.example"
auth = {{ psk_file = "office.psk" }}
ike = ["aes128gcm16-prfsha256-x25519"]
start = "{start}"
mobike = false
retransmit = {{ initial = "200ms", tries = 4 }}

[tunnel.{name}.child.lan]
local_net = ["10.{us}.{net}.0/24"]
remote_net = ["10.{peer}.{net}.0/24"]
esp = ["aes128gcm16-x25519"]
"#
        )
    }

    /// Starts the gateway of a side.
    pub fn start(&self, at: At) -> Running {
        let text = std::fs::read_to_string(self.file(at)).unwrap();
        let (config, problems) = adit_config::adit::parse("adit.toml", &text);
        let config = config.unwrap_or_else(|| panic!("{problems:?}"));
        let mut options = Options::new(config, self.dir.clone());
        options.state_dir = self.dir.join(format!("{at:?}-state"));
        options.source = Some(self.file(at));
        options.backend = BackendChoice::Fake;
        let state = options.state_dir.clone();
        let thread = std::thread::spawn(move || adit_gateway::run(options));
        let client = eventually(|| match Client::connect(&state) {
            Ok(client) => Some(client),
            Err(_) if thread.is_finished() => panic!("it ended at once"),
            Err(_) => None,
        });
        Running {
            thread: Some(thread),
            client: client.expect("no control socket"),
        }
    }

    /// Starts both, east first.
    pub fn start_both(&self) -> (Running, Running) {
        let east = self.start(At::East);
        (self.start(At::West), east)
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Asks again and again until there is an answer or ten seconds are over.
pub fn eventually<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if start.elapsed() > Duration::from_secs(10) {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
