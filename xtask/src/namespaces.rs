//! Network namespaces that belong to one run, and what runs leave behind that were killed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Result;

use crate::exec;

/// Namespaces of all runs start like this, followed by the process id.
const PREFIX: &str = "adit-it-";

/// Hosts of one network; dropped, they go with everything in them.
pub struct Namespaces {
    prefix: String,
    /// What is to be made at once, between [`Self::gather`] and [`Self::settle`].
    gathered: Mutex<Option<Gathered>>,
}

/// Lines for `ip -batch`, because each process takes its time.
#[derive(Default)]
struct Gathered {
    /// Those that make hosts and wires.
    first: Vec<String>,
    /// Hosts that forward.
    forwards: Vec<String>,
    /// Those of each host.
    then: BTreeMap<String, Vec<String>>,
}

impl Namespaces {
    /// None yet. The name tells several networks of one process apart.
    pub fn new(name: impl std::fmt::Display) -> Self {
        Self {
            prefix: format!("{PREFIX}{}-{name}-", std::process::id()),
            gathered: Mutex::default(),
        }
    }

    /// From now on hosts, wires and lines for `ip` are only noted, until they are to be there.
    pub fn gather(&self) {
        *self.noted() = Some(Gathered::default());
    }

    /// Makes what was noted: all hosts, then all wires, then what each host is told.
    pub fn settle(&self) -> Result<()> {
        let Some(gathered) = self.noted().take() else {
            return Ok(());
        };
        batch(&mut Command::new("ip"), &gathered.first)?;
        for host in &gathered.forwards {
            self.forward(host)?;
        }
        for (host, lines) in &gathered.then {
            batch(
                Command::new("ip").args(["-n", &self.namespace(host)]),
                lines,
            )?;
        }
        Ok(())
    }

    fn noted(&self) -> MutexGuard<'_, Option<Gathered>> {
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the names of its hosts have in common, and nobody else's.
    pub fn name(&self) -> &str {
        self.prefix.trim_end_matches('-')
    }

    /// The full name of a namespace.
    pub fn namespace(&self, host: &str) -> String {
        format!("{}{host}", self.prefix)
    }

    /// A command that runs in a namespace, and dies with this process.
    pub fn command(&self, host: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "nsenter"])
            .arg(format!("--net=/run/netns/{}", self.namespace(host)))
            .arg(program);
        command
    }

    /// A command that ends soon by itself.
    pub fn brief(&self, host: &str, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/run/netns/{}", self.namespace(host)))
            .arg(program);
        command
    }

    /// A new host, that forwards or doesn't.
    pub fn add(&self, host: &str, forwards: bool) -> Result<()> {
        let line = format!("netns add {}", self.namespace(host));
        let noted = match &mut *self.noted() {
            Some(gathered) => {
                gathered.first.push(line.clone());
                if forwards {
                    gathered.forwards.push(host.to_owned());
                }
                true
            }
            None => false,
        };
        if !noted {
            batch(&mut Command::new("ip"), &[line])?;
            if forwards {
                self.forward(host)?;
            }
        }
        self.ip(host, &["link set lo up"])
    }

    fn forward(&self, host: &str) -> Result<()> {
        exec::checked(self.brief(host, "sysctl").args([
            "-qw",
            "net.ipv4.ip_forward=1",
            "net.ipv6.conf.all.forwarding=1",
            "net.ipv4.conf.all.rp_filter=0",
            "net.ipv4.conf.default.rp_filter=0",
            "net.ipv4.conf.all.send_redirects=0",
        ]))?;
        Ok(())
    }

    /// A wire between two hosts.
    pub fn link(
        &self,
        host: &str,
        interface: &str,
        other: &str,
        other_interface: &str,
    ) -> Result<()> {
        let (here, there) = (self.namespace(host), self.namespace(other));
        let line = format!(
            "link add {interface} netns {here} type veth peer name {other_interface} netns {there}"
        );
        if let Some(gathered) = &mut *self.noted() {
            gathered.first.push(line);
            return Ok(());
        }
        batch(&mut Command::new("ip"), &[line])
    }

    /// Lines for `ip -batch` in a host.
    pub fn ip(&self, host: &str, lines: &[&str]) -> Result<()> {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        if let Some(gathered) = &mut *self.noted() {
            gathered
                .then
                .entry(host.to_owned())
                .or_default()
                .extend(lines);
            return Ok(());
        }
        batch(
            Command::new("ip").args(["-n", &self.namespace(host)]),
            &lines,
        )
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        remove(&self.prefix);
    }
}

fn batch(ip: &mut Command, lines: &[String]) -> Result<()> {
    exec::fed(ip.args(["-batch", "-"]), &(lines.join("\n") + "\n"))?;
    Ok(())
}

/// Removes what runs left behind that were killed: namespaces, and folders of sockets and keys.
pub fn remove_leftovers() -> Result<()> {
    let dead = |name: &str| {
        let owner = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').next());
        owner.is_some_and(|pid| !is_running(pid))
    };
    for name in there_are()?.iter().filter(|name| dead(name)) {
        remove(name);
    }
    for entry in std::fs::read_dir(std::env::temp_dir())?.flatten() {
        if dead(&entry.file_name().to_string_lossy()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

/// Removes every namespace whose name begins like that.
fn remove(prefix: &str) {
    let lines: Vec<String> = there_are()
        .unwrap_or_default()
        .iter()
        .filter(|name| name.starts_with(prefix))
        .map(|name| format!("netns del {name}"))
        .collect();
    if !lines.is_empty() {
        let _ = batch(Command::new("ip").arg("-force"), &lines);
    }
}

/// A process that ended and waits to be noticed does not run any more.
fn is_running(pid: &str) -> bool {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid).join("status"));
    status.is_ok_and(|text| !text.lines().any(|line| line.starts_with("State:\tZ")))
}

fn there_are() -> Result<Vec<String>> {
    let listing = exec::checked(Command::new("ip").args(["netns", "list"]))?.stdout;
    Ok(listing
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect())
}
