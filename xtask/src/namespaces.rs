//! Network namespaces that belong to one run, and what runs leave behind that were killed.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::exec;

/// Namespaces of all runs start like this, followed by the process id.
const PREFIX: &str = "adit-it-";

/// Hosts of one network; dropped, they go with everything in them.
pub struct Namespaces {
    prefix: String,
}

impl Namespaces {
    /// None yet. The name tells several networks of one process apart.
    pub fn new(name: impl std::fmt::Display) -> Self {
        Self {
            prefix: format!("{PREFIX}{}-{name}-", std::process::id()),
        }
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
            .args(["--pdeathsig", "KILL", "ip", "netns", "exec"])
            .arg(self.namespace(host))
            .arg(program);
        command
    }

    /// A new host, that forwards or doesn't.
    pub fn add(&self, host: &str, forwards: bool) -> Result<()> {
        let name = self.namespace(host);
        exec::checked(Command::new("ip").args(["netns", "add", &name]))?;
        self.ip(host, &["link set lo up"])?;
        if forwards {
            exec::checked(self.command(host, "sysctl").args([
                "-qw",
                "net.ipv4.ip_forward=1",
                "net.ipv6.conf.all.forwarding=1",
                "net.ipv4.conf.all.rp_filter=0",
                "net.ipv4.conf.default.rp_filter=0",
                "net.ipv4.conf.all.send_redirects=0",
            ]))?;
        }
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
        let mut command = Command::new("ip");
        command.args([
            "link",
            "add",
            interface,
            "netns",
            &here,
            "type",
            "veth",
            "peer",
            "name",
            other_interface,
            "netns",
            &there,
        ]);
        exec::checked(&mut command)?;
        Ok(())
    }

    /// Lines for `ip -batch` in a host.
    pub fn ip(&self, host: &str, lines: &[&str]) -> Result<()> {
        let batch = lines.join("\n") + "\n";
        exec::fed(
            Command::new("ip").args(["-n", &self.namespace(host), "-batch", "-"]),
            &batch,
        )?;
        Ok(())
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        remove(&self.prefix);
    }
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
    for name in there_are()
        .unwrap_or_default()
        .iter()
        .filter(|name| name.starts_with(prefix))
    {
        let _ = exec::output(Command::new("ip").args(["netns", "del", name]));
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
