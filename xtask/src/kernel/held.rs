//! Which files a guest keeps open, because it would read them from the host anew for each process that it starts.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{exec, peers, workspace};

/// The programs that scenarios start, `adit` among them, with the libraries that each needs, and strongSwan's plugins.
pub fn files(adit: &Path) -> BTreeSet<PathBuf> {
    let mut programs: Vec<PathBuf> = PROGRAMS
        .iter()
        .filter_map(|name| workspace::find_program(name))
        .collect();
    programs.extend([adit.to_owned(), PathBuf::from(peers::CHARON)]);
    let mut files = BTreeSet::new();
    for program in programs {
        files.extend(libraries(&program));
        files.insert(program);
    }
    for plugin in std::fs::read_dir(PLUGINS).into_iter().flatten().flatten() {
        files.extend(libraries(&plugin.path()));
        files.insert(plugin.path());
    }
    files
}

/// What a program or library is linked with.
fn libraries(file: &Path) -> Vec<PathBuf> {
    let Ok(listing) = exec::output(Command::new("ldd").arg(file)) else {
        return Vec::new();
    };
    let words = listing.stdout.split_whitespace();
    words
        .filter(|word| word.starts_with('/'))
        .map(|word| PathBuf::from(word.trim_end_matches(':')))
        .collect()
}

const PLUGINS: &str = "/usr/lib/ipsec/plugins";
const PROGRAMS: &[&str] = &[
    "ip",
    "ip6tables-legacy",
    "iptables-legacy",
    "mount",
    "nsenter",
    "ping",
    "setpriv",
    "sh",
    "swanctl",
    "sysctl",
    "timeout",
    "unshare",
];
