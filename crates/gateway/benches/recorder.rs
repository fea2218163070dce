//! What the flight recorder costs: `cargo bench -p adit-gateway --bench recorder`.
//!
//! Two gateways of this process on the loopback device, without privileges and without packets inside. West sets one tunnel up and
//! takes it down again, as often as `SETUPS` says (1,000), with its recorder off, on, and on with keys; east's is off. That goes round `ROUNDS` times
//! (3), so that a machine that is busy for a while is so for all three, and the medians are told: time from the command to the tunnel
//! that is up, processor time of both gateways for a set-up and its end, memory in use behind the last, and what is on disk.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]
#![allow(clippy::print_stdout)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use adit_evidence::recording::{Record, Recording};
use adit_gateway::client::Client;
use adit_gateway::options::BackendChoice;
use adit_gateway::{ExitReason, GatewayError, Options};

/// Octets that are allocated now.
static LIVE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call is handed to the system's allocator as it came; only its size is counted.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How west records.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Off,
    On,
    WithKeys,
}

impl Mode {
    const ALL: [Mode; 3] = [Mode::Off, Mode::On, Mode::WithKeys];

    fn name(self) -> &'static str {
        match self {
            Mode::Off => "off",
            Mode::On => "on",
            Mode::WithKeys => "on, with keys",
        }
    }

    fn lines(self) -> &'static str {
        match self {
            Mode::Off => "record = false\n",
            Mode::On => "record = true\n",
            Mode::WithKeys => "record = true\nrecord_keys = true\n",
        }
    }
}

/// What one round has shown.
#[derive(Clone, Copy, Default)]
struct Figures {
    /// From the command to the tunnel that is up, the median, in microseconds.
    setup_us: f64,
    /// Processor time of the process for a set-up and its end, in microseconds.
    processor_us: f64,
    /// Octets that are allocated behind the last, by all that is in the process.
    live: f64,
    /// Octets on disk for a set-up and its end.
    disk: f64,
    /// Records for one.
    records: f64,
    /// Records that were lost, of all.
    lost: f64,
}

fn main() {
    let number = |name: &str, otherwise: usize| {
        let given = std::env::var(name).ok().and_then(|n| n.parse().ok());
        given.unwrap_or(otherwise).max(1)
    };
    let (setups, rounds) = (number("SETUPS", 1000), number("ROUNDS", 3));
    let mut all: [Vec<Figures>; 3] = Default::default();
    for round in 0..rounds {
        for (of, mode) in all.iter_mut().zip(Mode::ALL) {
            of.push(play(mode, setups, round));
        }
    }
    println!("{setups} set-ups, {rounds} rounds, medians\n");
    println!(
        "{:<14} {:>12} {:>16} {:>12} {:>14} {:>10} {:>6}",
        "recorder", "set-up, us", "processor, us", "memory, KiB", "on disk, B", "records", "lost"
    );
    for (figures, mode) in all.iter().zip(Mode::ALL) {
        let of = |pick: fn(&Figures) -> f64| median(figures.iter().map(pick).collect());
        println!(
            "{:<14} {:>12.0} {:>16.0} {:>12.0} {:>14.0} {:>10.1} {:>6.0}",
            mode.name(),
            of(|f| f.setup_us),
            of(|f| f.processor_us),
            of(|f| f.live) / 1024.0,
            of(|f| f.disk),
            of(|f| f.records),
            of(|f| f.lost),
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn play(mode: Mode, setups: usize, round: usize) -> Figures {
    let pair = Pair::new(mode, round);
    let east = pair.start("east", 0);
    let mut west = pair.start("west", 1);
    let wait = Duration::from_secs(20);
    let cycle = |client: &mut Client| {
        let begun = Instant::now();
        let up = client.up("office", wait, |_| {}).unwrap();
        assert!(up.reached, "{}", up.summary);
        let took = begun.elapsed();
        client.down("office", wait, |_| {}).unwrap();
        took.as_secs_f64() * 1e6
    };
    for _ in 0..setups.div_ceil(20) {
        cycle(&mut west.client);
    }
    // What is warm is written.
    std::thread::sleep(SETTLED);
    let (before, disk_before) = (processor(), pair.recorded());
    let times: Vec<f64> = (0..setups).map(|_| cycle(&mut west.client)).collect();
    let processor_us = (processor() - before).as_secs_f64() * 1e6 / setups as f64;
    let live = LIVE.load(Ordering::Relaxed) as f64;
    std::thread::sleep(SETTLED);
    let disk_after = pair.recorded();
    west.end();
    east.end();
    Figures {
        setup_us: median(times),
        processor_us,
        live,
        disk: (disk_after.octets - disk_before.octets) / setups as f64,
        records: (disk_after.records - disk_before.records) / setups as f64,
        lost: disk_after.lost,
    }
}

/// What is on disk.
struct OnDisk {
    octets: f64,
    records: f64,
    lost: f64,
}

/// Processor time of this process so far, by the kernel's ticks.
fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The name in brackets may hold anything.
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: u64 = [11, 12]
        .map(|at| fields[at].parse::<u64>().unwrap())
        .iter()
        .sum();
    Duration::from_millis(ticks * 10)
}

struct Pair {
    dir: PathBuf,
    ports: [u16; 4],
}

impl Pair {
    fn new(mode: Mode, round: usize) -> Self {
        let name = format!(
            "adit-recorder-{}-{}-{round}",
            std::process::id(),
            mode as u8
        );
        let dir = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        let key = dir.join("office.psk");
        std::fs::write(&key, "a key for the measurement\n").unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let sockets: Vec<_> = (0..4)
            .map(|_| UdpSocket::bind("0.0.0.0:0").unwrap())
            .collect();
        let ports = [0, 1, 2, 3].map(|n: usize| sockets[n].local_addr().unwrap().port());
        let pair = Self { dir, ports };
        pair.configure("east", 0, Mode::Off);
        pair.configure("west", 1, mode);
        pair
    }

    fn configure(&self, name: &str, side: usize, mode: Mode) {
        let [ike, nat, ..] = [self.ports[2 * side], self.ports[2 * side + 1]];
        let peer = self.ports[2 * (1 - side)];
        let (us, them) = (side + 1, 2 - side);
        let text = format!(
            r#"[gateway]
ike_port = {ike}
nat_t_port = {nat}
{}
[tunnel.office]
local = "any"
remote = "127.0.0.1"
remote_port = {peer}
local_id = "gw{us}.example"
remote_id = "gw{them}.example"
auth = {{ psk_file = "office.psk" }}
ike = ["aes128gcm16-prfsha256-x25519"]
start = "passive"
mobike = false
test_rekey = "off"

[tunnel.office.child.lan]
local_net = ["10.{us}.0.0/24"]
remote_net = ["10.{them}.0.0/24"]
esp = ["aes128gcm16-x25519"]
"#,
            mode.lines()
        );
        std::fs::write(self.dir.join(format!("{name}.toml")), text).unwrap();
    }

    fn start(&self, name: &str, side: usize) -> Running {
        let file = self.dir.join(format!("{name}.toml"));
        let text = std::fs::read_to_string(&file).unwrap();
        let (config, problems) = adit_config::adit::parse("adit.toml", &text);
        let config = config.unwrap_or_else(|| panic!("{problems:?}"));
        let mut options = Options::new(config, self.dir.clone());
        options.state_dir = self.dir.join(format!("state-{side}"));
        options.source = Some(file);
        options.backend = BackendChoice::Fake;
        let state = options.state_dir.clone();
        let thread = std::thread::spawn(move || adit_gateway::run(options));
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            if let Ok(client) = Client::connect(&state) {
                return Running { thread, client };
            }
            assert!(Instant::now() < deadline && !thread.is_finished());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What west has recorded.
    fn recorded(&self) -> OnDisk {
        let dir = self.dir.join("state-1/flight");
        let mut recording = Recording::default();
        let mut octets = 0.0;
        for (name, segment) in segments(&dir) {
            octets += segment.len() as f64;
            recording.add(&name, &segment);
        }
        let (mut records, mut lost) = (0.0, 0.0);
        for entry in recording.runs.iter().flat_map(|run| &run.entries) {
            records += 1.0;
            if let Record::Lost { records, .. } = &entry.record {
                lost += *records as f64;
            }
        }
        OnDisk {
            octets,
            records,
            lost,
        }
    }
}

fn segments(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut all: Vec<_> = files
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let octets = std::fs::read(entry.path()).ok()?;
            name.ends_with(".rec").then_some((name, octets))
        })
        .collect();
    all.sort();
    all
}

impl Drop for Pair {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

struct Running {
    thread: JoinHandle<Result<ExitReason, GatewayError>>,
    client: Client,
}

impl Running {
    fn end(mut self) {
        self.client.shutdown().unwrap();
        self.thread.join().unwrap().unwrap();
    }
}

/// How long until what was recorded is on disk.
const SETTLED: Duration = Duration::from_millis(300);
