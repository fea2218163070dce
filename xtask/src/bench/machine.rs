//! What the machine does meanwhile: its cores, its load, and the time that processes take.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;

/// A quiet machine is no busier than this when nothing is measured.
const QUIET: f64 = 0.10;

/// In what the kernel tells times of processors (USER_HZ), whatever its own clock does.
const TICKS_PER_SECOND: f64 = 100.0;

/// What is said of the machine in a report.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    pub cores: usize,
    pub processor: String,
    pub kernel: String,
    /// How TCP decides how much to send: plain forwarding and tunnels gain from one or the other very differently.
    pub congestion_control: String,
    /// Seconds since 1970 at the beginning.
    pub began: u64,
    /// Averages over one, five and fifteen minutes, before anything was measured.
    pub load_average: [f64; 3],
    /// The part of all cores that others took in a second in which nothing was measured.
    pub busy_at_rest: f64,
}

impl Machine {
    /// Looks at it for a second.
    pub fn look() -> Result<Self> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let cpuinfo = fs::read_to_string("/proc/cpuinfo")?;
        let processor = cpuinfo
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or("unknown", |(_, name)| name);
        let clock = Clock::start(&[])?;
        thread::sleep(Duration::from_secs(1));
        Ok(Self {
            cores: thread::available_parallelism()?.get(),
            processor: processor.to_owned(),
            kernel: line("/proc/sys/kernel/osrelease")?,
            congestion_control: line("/proc/sys/net/ipv4/tcp_congestion_control")?,
            began: now.as_secs(),
            load_average: load_average()?,
            busy_at_rest: clock.stop()?.machine,
        })
    }

    /// Why the figures may be too low.
    pub fn warning(&self) -> Option<String> {
        (self.busy_at_rest > QUIET).then(|| {
            format!(
                "others take {:.0} % of this machine (load average {:.2}): the figures are lower bounds",
                self.busy_at_rest * 100.0,
                self.load_average[0],
            )
        })
    }
}

/// Counts processor time of processes, and of the whole machine.
pub struct Clock {
    began: Instant,
    machine: (u64, u64),
    processes: Vec<(u32, u64)>,
}

/// How much of the time was worked.
#[derive(Clone, Debug, Serialize)]
pub struct Worked {
    /// By process, in cores: 1.5 is one and a half.
    pub cores: Vec<f64>,
    /// The part of all cores that was busy, whoever did it.
    pub machine: f64,
}

impl Clock {
    /// Begins to count.
    pub fn start(processes: &[u32]) -> Result<Self> {
        let processes = processes.iter().map(|pid| Ok((*pid, ticks(*pid)?)));
        Ok(Self {
            processes: processes.collect::<Result<_>>()?,
            machine: machine()?,
            began: Instant::now(),
        })
    }

    /// What was worked since.
    pub fn stop(self) -> Result<Worked> {
        let seconds = self.began.elapsed().as_secs_f64();
        let (busy, all) = machine()?;
        let cores = self.processes.iter().map(|(pid, before)| {
            // What has ended worked no more.
            let worked = ticks(*pid).map_or(0, |now| now.saturating_sub(*before));
            worked as f64 / TICKS_PER_SECOND / seconds
        });
        Ok(Worked {
            cores: cores.collect(),
            machine: (busy - self.machine.0) as f64 / ((all - self.machine.1) as f64).max(1.0),
        })
    }
}

fn line(path: &str) -> Result<String> {
    Ok(fs::read_to_string(path)?.trim().to_owned())
}

/// Averages over one, five and fifteen minutes.
pub fn load_average() -> Result<[f64; 3]> {
    let text = fs::read_to_string("/proc/loadavg")?;
    let numbers: Vec<f64> = text.split(' ').take(3).flat_map(str::parse).collect();
    <[f64; 3]>::try_from(numbers).map_err(|_| anyhow::anyhow!("/proc/loadavg is {text}"))
}

/// Resident memory of a process, in KiB.
pub fn resident(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("no VmRSS")?.parse()?)
}

/// Processor time of a process and all its threads, in clock ticks.
fn ticks(pid: u32) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in brackets may hold anything.
    let fields = stat
        .rsplit_once(") ")
        .context("/proc/PID/stat has no name")?
        .1;
    let numbers: Vec<u64> = fields
        .split(' ')
        .skip(11)
        .take(2)
        .flat_map(str::parse)
        .collect();
    Ok(numbers.iter().sum())
}

/// Busy ticks of all cores, and all ticks.
fn machine() -> Result<(u64, u64)> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().context("/proc/stat is empty")?;
    // user, nice, system, idle, iowait, irq, softirq, steal
    let numbers: Vec<u64> = line
        .split_whitespace()
        .skip(1)
        .take(8)
        .flat_map(str::parse)
        .collect();
    let all: u64 = numbers.iter().sum();
    let idle: u64 = numbers.iter().skip(3).take(2).sum();
    Ok((all - idle, all))
}
