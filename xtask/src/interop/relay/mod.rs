//! Somebody between the gateways who changes, repeats, loses or forges IKE messages.
//!
//! To each gateway the relay is its peer: it has an address of its own on either side and hands every datagram on from
//! the port that it came to. For the gateways that is a NAT on both sides. [`meddle`] decides what becomes of a message;
//! here are the sockets, the log, and the host `mid` with its addresses.

mod meddle;
mod step;

use std::fs::OpenOptions;
use std::io::Write;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use super::lab::Lab;
use super::patience::{self, wait};
pub use meddle::Meddling;
use meddle::{Meddler, Toward};

/// The relay's address for the gateway in `west`, which takes it for its peer's, and for the one in `east`.
pub const FOR_WEST: &str = "192.168.0.254";
pub const FOR_EAST: &str = "192.168.0.253";
const WEST: &str = "192.168.0.1";
const EAST: &str = "192.168.0.2";
const PORTS: [u16; 2] = [500, 4500];

/// Forged requests come from so many addresses, and so many from each.
const SOURCES: u8 = 15;
const EACH: u8 = 10;
/// Longest datagram.
const LONGEST: usize = 65_535;

#[derive(clap::Args)]
pub struct Args {
    /// What becomes of messages
    meddling: String,
    /// Where each message is noted
    log: PathBuf,
}

/// `cargo xtask relay`, which `interop` calls.
pub fn run(args: &Args) -> Result<ExitCode> {
    let meddling = Meddling::named(&args.meddling).context("no such meddling")?;
    let meddler = Arc::new(Mutex::new(Meddler::new(meddling)));
    let log = Arc::new(args.log.clone());
    let mut threads = Vec::new();
    for port in PORTS {
        let west = Arc::new(UdpSocket::bind((FOR_WEST, port))?);
        let east = Arc::new(UdpSocket::bind((FOR_EAST, port))?);
        for (here, there, gateway, toward) in [
            (&west, &east, EAST, Toward::East),
            (&east, &west, WEST, Toward::West),
        ] {
            let (here, there) = (Arc::clone(here), Arc::clone(there));
            let (meddler, log) = (Arc::clone(&meddler), Arc::clone(&log));
            threads.push(std::thread::spawn(move || -> Result<()> {
                let mut buffer = vec![0; LONGEST];
                loop {
                    let (length, _) = here.recv_from(&mut buffer)?;
                    let datagram = buffer.get(..length).unwrap_or_default();
                    let mut meddler = meddler.lock().map_err(|_| anyhow!("poisoned"))?;
                    if let Some(forged) = meddler.forged(port, datagram) {
                        forge(&log, toward, &forged)?;
                    }
                    let passed = meddler.pass(port, toward, datagram);
                    note(&log, &passed.notes)?;
                    drop(meddler);
                    let (there, delay) = (Arc::clone(&there), passed.delay);
                    let send = move || {
                        std::thread::sleep(delay);
                        for datagram in passed.datagrams {
                            // A gateway that isn't there yet is no reason to end.
                            let _ = there.send_to(&datagram, (gateway, port));
                        }
                    };
                    if delay.is_zero() {
                        send();
                    } else {
                        std::thread::spawn(send);
                    }
                }
            }));
        }
    }
    note(&log, &["listening".to_owned()])?;
    for thread in threads {
        thread.join().map_err(|_| anyhow!("a thread ended"))??;
    }
    Ok(ExitCode::SUCCESS)
}

/// Sends requests that nobody made, each batch from an address of its own, and notes how they are answered.
fn forge(log: &Path, toward: Toward, requests: &[Vec<u8>]) -> Result<()> {
    let (net, gateway) = match toward {
        Toward::East => (EAST_NET, EAST),
        Toward::West => (WEST_NET, WEST),
    };
    for (batch, source) in requests.chunks(usize::from(EACH)).zip(1..) {
        let socket = UdpSocket::bind(format!("{net}.{source}:500"))?;
        socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        for request in batch {
            socket.send_to(request, (gateway, 500))?;
            let mut answer = vec![0; LONGEST];
            let length = socket.recv(&mut answer).unwrap_or(0);
            let what = meddle::describe(500, answer.get(..length).unwrap_or_default());
            note(log, &[format!("forged: {what}")])?;
        }
    }
    Ok(())
}

const WEST_NET: &str = "192.168.101";
const EAST_NET: &str = "192.168.102";

fn note(log: &Path, lines: &[String]) -> Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(log)?;
    for line in lines {
        writeln!(file, "{line}")?;
    }
    Ok(())
}

/// The relay of a running lab; dropped, it is stopped.
pub struct Relay {
    process: Child,
    log: PathBuf,
}

impl Relay {
    /// Starts it on the host `mid`.
    pub fn start(lab: &Lab, meddling: Meddling) -> Result<Self> {
        for (gateway, net) in [("west", WEST_NET), ("east", EAST_NET)] {
            let addresses =
                (1..=SOURCES).map(|last| format!("addr add {net}.{last}/32 dev {gateway}"));
            let addresses: Vec<String> = addresses.collect();
            let lines: Vec<&str> = addresses.iter().map(String::as_str).collect();
            lab.ip("mid", &lines)?;
        }
        let log = lab.kept.join("relay.log");
        let output = std::fs::File::create(lab.kept.join("relay.out"))?;
        let mut command = lab.command("mid", std::env::current_exe()?);
        command.arg("relay").arg(meddling.name()).arg(&log);
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let process = command.spawn().context("cannot start the relay")?;
        let relay = Self { process, log };
        wait("the relay", Duration::from_secs(3), || {
            Ok(relay.notes().contains("listening"))
        })?;
        Ok(relay)
    }

    /// What passed, a line per message.
    pub fn notes(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        patience::end(&mut self.process, Duration::from_secs(1));
    }
}
