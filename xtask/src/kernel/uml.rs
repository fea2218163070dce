//! User-Mode Linux: a real kernel with ESP as one ordinary process, without virtualisation.
//!
//! Debian's package is unpacked below `target`. The guest sees the host's files read-only, but for one folder that it
//! shares; `/run`, `/etc` and `/var/tmp` are its own. It runs one command and powers off.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::{exec, workspace};

/// An unpacked kernel.
pub struct Kernel {
    binary: PathBuf,
    /// Where `modprobe -d` looks.
    modules: PathBuf,
    version: String,
}

/// What a guest came to.
pub struct Ended {
    /// The status of its command.
    pub status: i32,
    /// What the command said.
    pub output: String,
}

impl Kernel {
    /// Debian's `user-mode-linux`, downloaded and unpacked if need be; `ADIT_UML` names a folder where it is already.
    ///
    /// # Errors
    /// That it can't be had.
    pub fn get() -> Result<Self> {
        let folder = match std::env::var_os("ADIT_UML") {
            Some(there) => PathBuf::from(there),
            None => workspace::target_dir().join("uml"),
        };
        let binary = folder.join("usr/bin/linux.uml");
        if !binary.exists() {
            std::fs::create_dir_all(&folder)?;
            let fetch = "apt-get download user-mode-linux && dpkg -x user-mode-linux_*.deb .";
            exec::checked(Command::new("sh").args(["-c", fetch]).current_dir(&folder))
                .context("User-Mode Linux can't be had")?;
        }
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

    /// Boots, runs `command` as root and powers off, all within `limit`. `share` is what the guest may write to.
    ///
    /// # Errors
    /// That it didn't come to an end by itself.
    pub fn run(&self, share: &Path, command: &[String], limit: Duration) -> Result<Ended> {
        std::fs::create_dir_all(share)?;
        let share = share.canonicalize()?;
        let own = share.join("uml");
        std::fs::create_dir_all(&own)?;
        let (status, output) = (share.join("status"), share.join("output"));
        for file in [&status, &output] {
            let _ = std::fs::remove_file(file);
        }
        let load = executable(
            &own.join("modprobe"),
            &format!(
                "#!/bin/sh\nPATH=/usr/sbin:/sbin:/usr/bin:/bin exec modprobe -d '{}' \"$@\"\n",
                self.modules.display()
            ),
        )?;
        let init = executable(&own.join("init"), &self.init(&share, &load, command))?;
        let console = std::fs::File::create(own.join("console"))?;
        let mut guest = Command::new(&self.binary)
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
        let end = Instant::now() + limit;
        while guest.try_wait()?.is_none() {
            if Instant::now() >= end {
                let _ = guest.kill();
                let _ = guest.wait();
                anyhow::bail!(
                    "the guest did not end within {} s; its console is in {}",
                    limit.as_secs(),
                    own.join("console").display()
                );
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let output = std::fs::read_to_string(&output).unwrap_or_default();
        let status = std::fs::read_to_string(&status)
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .with_context(|| {
                format!(
                    "the guest ended before its command did; its console is in {}",
                    own.join("console").display()
                )
            })?;
        Ok(Ended { status, output })
    }

    /// The guest's first process.
    fn init(&self, share: &Path, load: &Path, command: &[String]) -> String {
        let share = share.display();
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
{words} </dev/null >'{share}/output' 2>&1
echo $? >'{share}/status'
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

/// One slow processor for everything: waits are so many times as long.
const PATIENCE: u32 = 4;

fn executable(path: &Path, text: &str) -> Result<PathBuf> {
    std::fs::write(path, text)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))?;
    Ok(path.to_owned())
}
