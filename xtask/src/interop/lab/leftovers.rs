//! What runs leave behind, and what a lab takes away with it.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::PREFIX;
use crate::exec;

/// Removes what runs left behind that were killed: namespaces, and folders of sockets and keys.
pub fn remove_leftovers() -> Result<()> {
    let dead = |name: &str| {
        let owner = name
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.split('-').next());
        owner.is_some_and(|pid| !is_running(pid))
    };
    for name in namespaces()?.iter().filter(|name| dead(name)) {
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
pub fn remove(prefix: &str) {
    for name in namespaces()
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

fn namespaces() -> Result<Vec<String>> {
    let listing = exec::checked(Command::new("ip").args(["netns", "list"]))?.stdout;
    Ok(listing
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect())
}
