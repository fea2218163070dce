//! User-Mode Linux: a real kernel with ESP as one ordinary process, without virtualisation.
//!
//! Debian's package is unpacked below `target`. `/run`, `/etc` and `/var/tmp` are the guest's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::machine::{self, Guest, Start};
use crate::{exec, workspace};

/// An unpacked kernel.
pub struct Kernel {
    binary: PathBuf,
    /// Where `modprobe -d` looks.
    modules: PathBuf,
    version: String,
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
        let load = machine::loader(&own, &self.modules)?;
        let start = Start {
            share,
            own: &own,
            load: &load,
            modules: MODULES,
            mount: format!("mount -t hostfs -o '{0}' none '{0}'", share.display()),
            variables: format!(
                "{}=1 {}={PATIENCE}",
                crate::interop::IPTABLES,
                crate::interop::PATIENCE
            ),
            command,
        };
        let init = machine::executable(&own.join("init"), &start.script())?;
        let console = std::fs::File::create(own.join(machine::CONSOLE))?;
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
        Ok(Guest::new(process, own))
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

/// The packet filter, which is iptables.
const MODULES: &str =
    "iptable_mangle ip6table_mangle xt_policy xt_u32 xt_multiport xt_comment xt_length";
