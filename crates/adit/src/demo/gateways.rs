//! The two gateways of the demo: this very program's `adit run`, one process each, in its own namespace.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use adit_gateway::client::Client;
use adit_kernel::netns::NetNs;
use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::plan::{SidePlan, TUNNEL};

/// A running gateway; dropping it ends the process.
pub struct Gateway {
    name: &'static str,
    child: Child,
    dir: PathBuf,
}

impl Gateway {
    /// Writes the side's files under `dir` and starts it in `ns`.
    pub fn start(name: &'static str, ns: &NetNs, plan: &SidePlan, dir: &Path) -> Result<Self> {
        let dir = dir.join(name);
        fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
        let config = dir.join("adit.toml");
        fs::write(&config, &plan.config)
            .with_context(|| format!("writing {}", config.display()))?;
        write_secret(&dir.join(format!("{TUNNEL}.psk")), &plan.psk)?;
        let log = File::create(dir.join("log")).context("making the gateway's log")?;
        let mut command = Command::new("/proc/self/exe");
        command
            // The same on every machine, and its story is one of TUN devices.
            .args(["run", "--backend", "user", "--config"])
            .arg(&config)
            .arg("--state")
            .arg(&dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("sharing the gateway's log")?)
            .stderr(log);
        ns.start_inside(&mut command)?;
        let child = command
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        let mut gateway = Self { name, child, dir };
        gateway.wait_for_control()?;
        Ok(gateway)
    }

    /// A conversation with the gateway.
    pub fn client(&self) -> Result<Client> {
        Client::connect(&self.dir).with_context(|| format!("talking to {}", self.name))
    }

    /// Ends the process as an operator would, and waits until its sockets are free again.
    pub fn stop(&mut self) {
        self.signal(Signal::TERM);
        let until = Instant::now() + Duration::from_secs(4);
        while Instant::now() < until {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
    }

    /// Ends the process without a chance to say goodbye.
    pub fn kill(&mut self) {
        // Fails only when the process has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Process id, for `--keep`.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its files are, for `--keep`.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // As above: no process, nothing to end.
            let _ = kill_process(pid, signal);
        }
    }

    fn wait_for_control(&mut self) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                bail!(
                    "{} ended at once ({status}):\n{}",
                    self.name,
                    self.log_tail()
                );
            }
            if Client::connect(&self.dir).is_ok() {
                return Ok(());
            }
            if Instant::now() > until {
                bail!(
                    "{} doesn't answer on its control socket:\n{}",
                    self.name,
                    self.log_tail()
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn log_tail(&self) -> String {
        let text = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.stop();
        }
    }
}

/// Writes a key so that only its owner can read it.
fn write_secret(path: &Path, secret: &str) -> Result<()> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| writeln!(file, "{secret}"))
        .with_context(|| format!("writing {}", path.display()))
}
