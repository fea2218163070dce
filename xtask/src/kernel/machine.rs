//! A kernel of another's as an ordinary process of ours: what all kinds of guests have in common.
//!
//! A guest sees the host's files read-only, but for one folder that it shares; what it writes elsewhere is gone with it. It
//! runs one command as root and powers off.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Child;

use anyhow::Result;

/// A guest that was started; dropped, it ends.
pub struct Guest {
    process: Child,
    own: PathBuf,
}

impl Guest {
    /// The guest that runs as `process`, whose console and output are in the folder `own`.
    pub fn new(process: Child, own: PathBuf) -> Self {
        Self { process, own }
    }

    /// Whether it hasn't ended.
    pub fn runs(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Whether its command was begun.
    pub fn is_up(&self) -> bool {
        self.own.join(OUTPUT).exists()
    }

    /// Ends it, and all that runs in it.
    pub fn end(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// What its command has said, or where to look if it hasn't come to that.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.own.join(OUTPUT)).unwrap_or_else(|_| {
            let console = self.own.join(CONSOLE);
            format!(
                "a guest didn't start; its console is in {}\n",
                console.display()
            )
        })
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a guest's first process does once it sees the host's files, as a script.
pub struct Start<'a> {
    /// The folder that it shares.
    pub share: &'a Path,
    /// Where its output goes, below `share`.
    pub own: &'a Path,
    /// Loads modules.
    pub load: &'a Path,
    /// Modules beside those that every guest has.
    pub modules: &'a str,
    /// Mounts `share`.
    pub mount: String,
    /// Variables, as `NAME=VALUE NAME=VALUE`.
    pub variables: String,
    /// What it is for.
    pub command: &'a [String],
}

impl Start<'_> {
    /// The script's text.
    pub fn script(&self) -> String {
        let mut words = String::new();
        for word in self.command {
            let _ = write!(words, " '{}'", word.replace('\'', "'\\''"));
        }
        format!(
            "#!/bin/sh
export TMPDIR=/var/tmp HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export CARGO_TARGET_DIR='{share}' {variables}
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t tmpfs none /run; mount -t tmpfs none /var/tmp
mkdir -p /run/netns /run/lock /dev/pts /run/etc
[ -d /dev/shm ] || mkdir /dev/shm
mount -t tmpfs none /dev/shm; mount -t devpts none /dev/pts
cp -a /etc/. /run/etc/ 2>/dev/null; mount --bind /run/etc /etc
echo '{load}' > /proc/sys/kernel/modprobe
{mount}
for module in ipv6 veth tun; do '{load}' $module; done
'{load}' -a {MODULES} {modules} 2>/dev/null
ip link set lo up
cd '{share}'
{words} </dev/null >'{own}/{OUTPUT}' 2>&1
sync
echo o >/proc/sysrq-trigger
sleep 10
",
            share = self.share.display(),
            own = self.own.display(),
            load = self.load.display(),
            mount = self.mount,
            modules = self.modules,
            variables = self.variables,
        )
    }
}

/// The processors that this process may use.
pub fn processors() -> Vec<usize> {
    let allowed = rustix::thread::sched_getaffinity(None);
    let is = |n: &usize| allowed.as_ref().is_ok_and(|set| set.is_set(*n));
    let found: Vec<usize> = (0..rustix::thread::CpuSet::MAX_CPU).filter(is).collect();
    if found.is_empty() { vec![0] } else { found }
}

/// A script that loads modules from the folder `modules`.
pub fn loader(own: &Path, modules: &Path) -> Result<PathBuf> {
    executable(
        &own.join("modprobe"),
        &format!(
            "#!/bin/sh\nPATH=/usr/sbin:/sbin:/usr/bin:/bin exec modprobe -d '{}' \"$@\"\n",
            modules.display()
        ),
    )
}

/// Writes a script.
pub fn executable(path: &Path, text: &str) -> Result<PathBuf> {
    std::fs::write(path, text)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
    Ok(path.to_owned())
}

/// The file in a guest's folder with what its kernel says.
pub const CONSOLE: &str = "console";
/// The file in a guest's folder with what its command says.
const OUTPUT: &str = "output";
/// IPsec and what it is made of.
const MODULES: &str = "xfrm_user esp4 esp6 seqiv echainiv gcm ghash-generic ctr cbc authenc authencesn hmac sha256_generic sha512_generic sha1_generic chacha20poly1305 chacha_generic poly1305_generic";
