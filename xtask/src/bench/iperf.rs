//! One run of iperf3 through a subject.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::world::{CLIENT, SERVER, TARGET, World};
use crate::interop::patience;

/// How much longer than asked for a run may take.
const GRACE: u32 = 8;

/// Octets of a socket's buffer for datagrams, where so many are permitted.
const BUFFER: u64 = 2 << 20;

/// What iperf3 is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Load {
    /// So many streams.
    Tcp { streams: u32 },
    /// Datagrams of this many octets, so many a second.
    Udp { octets: u32, rate: f64 },
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Tcp {
        gbit_per_second: f64,
        retransmits: u64,
    },
    Udp {
        /// That were sent.
        sent_per_second: f64,
        /// That arrived.
        received_per_second: f64,
        lost_percent: f64,
    },
    /// Not even iperf3's own connection got through, or it didn't last: why, in iperf3's words or by how it ended.
    Collapsed(String),
}

/// The client's command, as a reader of the figures would type it.
pub fn shown(load: Load, seconds: u32) -> String {
    format!("iperf3 {}", arguments(load, seconds).join(" "))
}

/// Runs a server and a client to their end.
pub fn run(world: &World, load: Load, seconds: u32) -> Result<Outcome> {
    Flow::start(world, load, seconds)?.end()
}

/// A client at work.
pub struct Flow {
    load: Load,
    client: Child,
    _server: Server,
}

impl Flow {
    /// Starts a server and a client.
    pub fn start(world: &World, load: Load, seconds: u32) -> Result<Self> {
        let server = Server::start(world, seconds)?;
        let mut client = world.hosts.command(CLIENT, "timeout");
        client
            .args(limited(seconds + GRACE))
            .args(arguments(load, seconds))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        Ok(Self {
            load,
            client: client.spawn().context("cannot run iperf3")?,
            _server: server,
        })
    }

    /// Waits for the client's report.
    pub fn end(self) -> Result<Outcome> {
        let done = self.client.wait_with_output()?;
        let document: Value = serde_json::from_slice(&done.stdout).unwrap_or_default();
        let end = &document["end"];
        if !done.status.success() || !end["sum"].is_object() && !end["sum_received"].is_object() {
            let said = document["error"].as_str().map(str::to_owned);
            let why = said.unwrap_or_else(|| {
                format!(
                    "no report of it, {} octets; {}",
                    done.stdout.len(),
                    done.status
                )
            });
            return Ok(Outcome::Collapsed(why));
        }
        read(self.load, end)
    }
}

/// What follows `timeout`. Its child has to be told to die with it.
fn limited(seconds: u32) -> Vec<String> {
    format!("--kill-after=1 {seconds} setpriv --pdeathsig KILL iperf3")
        .split(' ')
        .map(str::to_owned)
        .collect()
}

fn arguments(load: Load, seconds: u32) -> Vec<String> {
    let mut arguments = format!("-c {TARGET} -J -t {seconds}");
    match load {
        Load::Tcp { streams } => arguments += &format!(" -P {streams}"),
        Load::Udp { octets, rate } => {
            let bits = rate * f64::from(octets) * 8.0;
            arguments += &format!(" -u -l {octets} -b {bits:.0} -w {}", buffer());
        }
    }
    arguments.split(' ').map(str::to_owned).collect()
}

/// Room for what comes while the receiver has no processor: that is not what is measured. No more than everybody may have.
fn buffer() -> u64 {
    let limits = ["rmem_max", "wmem_max"].map(|name| {
        let text = std::fs::read_to_string(format!("/proc/sys/net/core/{name}"));
        text.ok().and_then(|text| text.trim().parse().ok())
    });
    limits.into_iter().flatten().fold(BUFFER, u64::min)
}

fn read(load: Load, end: &Value) -> Result<Outcome> {
    let number = |value: &Value| value.as_f64().context("iperf3's report lacks a number");
    Ok(match load {
        Load::Tcp { .. } => Outcome::Tcp {
            gbit_per_second: number(&end["sum_received"]["bits_per_second"])? / 1e9,
            retransmits: end["sum_sent"]["retransmits"].as_u64().unwrap_or(0),
        },
        Load::Udp { .. } => {
            let sum = &end["sum"];
            let (packets, lost) = (number(&sum["packets"])?, number(&sum["lost_packets"])?);
            let seconds = number(&sum["seconds"])?.max(0.001);
            if packets == 0.0 {
                return Ok(Outcome::Collapsed("not one packet was sent".to_owned()));
            }
            Outcome::Udp {
                sent_per_second: packets / seconds,
                received_per_second: (packets - lost) / seconds,
                lost_percent: number(&sum["lost_percent"])?,
            }
        }
    })
}

/// A server for one client.
struct Server(Child);

impl Server {
    fn start(world: &World, seconds: u32) -> Result<Self> {
        let mut command = world.hosts.command(SERVER, "timeout");
        command
            .args(limited(seconds + 2 * GRACE))
            // Without a report each second, which would fill the pipe in minutes and hold up the streams.
            .args(["-s", "-1", "-i", "0", "--forceflush"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = command.spawn().context("cannot run iperf3")?;
        let stdout = process.stdout.take().context("iperf3 has no output")?;
        let mut reader = BufReader::new(stdout);
        let mut line = String::new();
        while !line.contains("listening") {
            line.clear();
            anyhow::ensure!(reader.read_line(&mut line)? > 0, "iperf3 -s doesn't listen");
        }
        // What it says from now on is read by nobody, and little enough to stay in the pipe.
        process.stdout = Some(reader.into_inner());
        Ok(Self(process))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = patience::wait("iperf3 to end", Duration::from_millis(300), || {
            Ok(self.0.try_wait()?.is_some())
        });
        if ended.is_err() {
            patience::end(&mut self.0, Duration::from_secs(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_of_datagrams_is_read() {
        let end: Value = serde_json::from_str(
            r#"{"sum": {"seconds": 2.0, "packets": 1000, "lost_packets": 5, "lost_percent": 0.5}}"#,
        )
        .unwrap();
        let load = Load::Udp {
            octets: 64,
            rate: 500.0,
        };
        assert_eq!(
            read(load, &end).unwrap(),
            Outcome::Udp {
                sent_per_second: 500.0,
                received_per_second: 497.5,
                lost_percent: 0.5
            }
        );
        let begin = "iperf3 -c 10.2.0.2 -J -t 2 -u -l 64 -b 256000 -w ";
        assert!(shown(load, 2).starts_with(begin));
    }
}
