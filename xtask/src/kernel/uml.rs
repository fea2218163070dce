//! User-Mode Linux: a real kernel with ESP as one ordinary process, without virtualisation.
//!
//! Debian's package is unpacked below `target`. The guest sees the host's files read-only, but for one folder that it
//! shares; `/run`, `/etc` and `/var/tmp` are its own. It runs one command and powers off.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use crate::{exec, workspace};

/// An unpacked kernel.
pub struct Kernel {
    binary: PathBuf,
    /// Where `modprobe -d` looks.
    modules: PathBuf,
    version: String,
}

/// A guest that was started; dropped, it ends.
pub struct Guest {
    process: Child,
    own: PathBuf,
}

impl Guest {
    /// Whether it hasn't ended.
    pub fn runs(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// Ends it, and all that runs in it.
    pub fn end(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// What its command has said, or where to look if it hasn't come to that.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.own.join("output")).unwrap_or_else(|_| {
            let console = self.own.join("console");
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

/// The processors that this process may use.
pub fn processors() -> Vec<usize> {
    let allowed = rustix::thread::sched_getaffinity(None);
    let is = |n: &usize| allowed.as_ref().is_ok_and(|set| set.is_set(*n));
    let found: Vec<usize> = (0..rustix::thread::CpuSet::MAX_CPU).filter(is).collect();
    if found.is_empty() { vec![0] } else { found }
}

impl Kernel {
    /// Debian's `user-mode-linux`, downloaded and unpacked if need be; `ADIT_UML` names a folder where it is already.
    ///
    /// # Errors
    /// That it can't be had.
    pub fn get() -> Result<Self> {
        let folder = match std::env::var_os("ADIT_UML") {
            Some(there) => PathBuf::from(there),
            None => unpacked().context("Debian's package user-mode-linux can't be had")?,
        };
        let binary = folder.join("usr/bin/linux.uml");
        let of_package = folder.join("usr/lib/uml/modules");
        let version = std::fs::read_dir(&of_package)
            .with_context(|| format!("cannot read {}", of_package.display()))?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .next()
            .context("the package has no modules")?;
        let modules = folder.join("root");
        let link = modules.join("lib/modules").join(&version);
        if !link.exists() {
            std::fs::create_dir_all(modules.join("lib/modules"))?;
            std::os::unix::fs::symlink(of_package.join(&version), &link)?;
        }
        if !link.join("modules.dep.bin").exists() {
            let depmod = workspace::find_program("depmod").context("no program `depmod` (kmod)")?;
            exec::checked(Command::new(depmod).arg("-b").arg(&modules).arg(&version))?;
        }
        Ok(Self {
            binary,
            modules,
            version,
        })
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Boots a guest on one processor; it runs `command` as root and powers off. `share` is what it may write to.
    ///
    /// # Errors
    /// That it can't be started.
    pub fn boot(
        &self,
        share: &Path,
        number: usize,
        processor: usize,
        command: &[String],
    ) -> Result<Guest> {
        let own = share.join(format!("guest-{number}"));
        std::fs::create_dir_all(&own)?;
        let load = executable(
            &own.join("modprobe"),
            &format!(
                "#!/bin/sh\nPATH=/usr/sbin:/sbin:/usr/bin:/bin exec modprobe -d '{}' \"$@\"\n",
                self.modules.display()
            ),
        )?;
        let init = executable(&own.join("init"), &self.init(share, &own, &load, command))?;
        let console = std::fs::File::create(own.join("console"))?;
        // The kernel and its processes take turns, which is much quicker on one processor. They are alone among themselves
        // (`unshare`), so that all of them end with the first one, and that one with us, however we end.
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "taskset", "-c"])
            .arg(processor.to_string())
            .args([
                "unshare",
                "--pid",
                "--fork",
                "--kill-child=KILL",
                "--mount-proc",
                "sh",
                "-c",
                "\"$@\"; exit $?",
                "guest",
            ])
            .arg(&self.binary)
            .args([
                "mem=768M",
                "rootfstype=hostfs",
                "rootflags=/",
                "ro",
                "con=null",
                "con0=null,fd:1",
                "umid=guest",
            ])
            .arg(format!("init={}", init.display()))
            .arg(format!("uml_dir={}", own.display()))
            .stdin(Stdio::null())
            .stdout(console.try_clone()?)
            .stderr(console)
            .spawn()
            .context("cannot start User-Mode Linux")?;
        Ok(Guest { process, own })
    }

    /// The guest's first process.
    fn init(&self, share: &Path, own: &Path, load: &Path, command: &[String]) -> String {
        let (share, own) = (share.display(), own.display());
        let mut words = String::new();
        for word in command {
            let _ = write!(words, " '{}'", word.replace('\'', "'\\''"));
        }
        format!(
            "#!/bin/sh
export TMPDIR=/var/tmp HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export CARGO_TARGET_DIR='{share}' {iptables}=1 {patience}={PATIENCE}
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t tmpfs none /run; mount -t tmpfs none /var/tmp
mkdir -p /run/netns /run/lock /dev/pts /run/etc
[ -d /dev/shm ] || mkdir /dev/shm
mount -t tmpfs none /dev/shm; mount -t devpts none /dev/pts
cp -a /etc/. /run/etc/ 2>/dev/null; mount --bind /run/etc /etc
echo '{load}' > /proc/sys/kernel/modprobe
mount -t hostfs -o '{share}' none '{share}'
for module in ipv6 veth tun; do '{load}' $module; done
'{load}' -a xfrm_user esp4 esp6 seqiv echainiv gcm ghash-generic ctr cbc authenc authencesn hmac sha256_generic sha512_generic sha1_generic chacha20poly1305 chacha_generic poly1305_generic iptable_mangle ip6table_mangle xt_policy xt_u32 xt_multiport xt_comment xt_length 2>/dev/null
ip link set lo up
cd '{share}'
{words} </dev/null >'{own}/output' 2>&1
sync
echo o >/proc/sysrq-trigger
sleep 10
",
            load = load.display(),
            iptables = crate::interop::IPTABLES,
            patience = crate::interop::PATIENCE,
        )
    }
}

/// The package, below `target`.
fn unpacked() -> Result<PathBuf> {
    let folder = workspace::target_dir().join("uml");
    if folder.join("usr/bin/linux.uml").exists() {
        return Ok(folder);
    }
    eprintln!(
        "downloading Debian's package user-mode-linux into {}",
        folder.display()
    );
    let being_filled = folder.with_extension("new");
    for folder in [&folder, &being_filled] {
        let _ = std::fs::remove_dir_all(folder);
    }
    std::fs::create_dir_all(&being_filled)?;
    let fetch = "apt-get download -qq user-mode-linux || { apt-get update -qq && apt-get download -qq user-mode-linux; }
        dpkg -x user-mode-linux_*.deb .";
    exec::checked(
        Command::new("sh")
            .args(["-ec", fetch])
            .current_dir(&being_filled),
    )?;
    std::fs::rename(&being_filled, &folder)?;
    Ok(folder)
}

/// One slow processor for everything: waits are so many times as long.
const PATIENCE: u32 = 4;

fn executable(path: &Path, text: &str) -> Result<PathBuf> {
    std::fs::write(path, text)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
    Ok(path.to_owned())
}
