//! The distribution's own kernel in QEMU: nothing is lacking that servers have, and with KVM nothing is slow.
//!
//! Debian's packages are unpacked below `target`. The guest's root is the host's, read through 9p, under a layer in memory
//! that takes what is written.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::initial::Archive;
use super::machine::{self, Guest, Start};
use crate::{exec, peers, workspace};

/// An unpacked kernel.
pub struct Kernel {
    program: PathBuf,
    image: PathBuf,
    initial: PathBuf,
    /// Where `modprobe -d` looks.
    modules: PathBuf,
    version: String,
}

/// What executes a guest's instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// The processor.
    Kvm,
    /// QEMU, one by one.
    Tcg,
}

/// Why no guest can run on this machine's processor; `None` when one perhaps can.
pub fn no_kvm() -> Option<String> {
    let device = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/kvm");
    if let Err(error) = device {
        return Some(format!("/dev/kvm can't be opened ({error})"));
    }
    // Others than the processor's own take only kernels that were made for them.
    let hardware = ["kvm_intel", "kvm_amd"];
    let loaded = |name: &&str| Path::new("/sys/module").join(name).exists();
    (!hardware.iter().any(loaded))
        .then(|| "/dev/kvm here isn't the processor's own virtualisation".to_owned())
}

impl Kernel {
    /// Debian's kernel, downloaded and unpacked if need be; `ADIT_KERNEL` names a folder where it is already.
    ///
    /// # Errors
    /// That it can't be had.
    pub fn get() -> Result<Self> {
        peers::qemu()?;
        let program = workspace::find_program(PROGRAM).context("no QEMU")?;
        let folder = match std::env::var_os("ADIT_KERNEL") {
            Some(there) => PathBuf::from(there),
            None => unpacked().context("Debian's kernel can't be had")?,
        };
        let of_package = folder.join("lib/modules");
        let version = std::fs::read_dir(&of_package)
            .with_context(|| format!("cannot read {}", of_package.display()))?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .next()
            .context("the package has no modules")?;
        if !of_package.join(&version).join("modules.dep.bin").exists() {
            let depmod = workspace::find_program("depmod").context("no program `depmod` (kmod)")?;
            exec::checked(Command::new(depmod).arg("-b").arg(&folder).arg(&version))?;
        }
        let initial = workspace::target_dir().join("qemu-initial.cpio");
        std::fs::write(&initial, first_files(&folder, &version)?)?;
        Ok(Self {
            program,
            image: folder.join("boot").join(format!("vmlinuz-{version}")),
            initial,
            modules: folder,
            version,
        })
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Boots a guest; it runs `command` as root and powers off. `share` is what it may write to.
    ///
    /// # Errors
    /// That it can't be started.
    pub fn boot(
        &self,
        accelerator: Accelerator,
        share: &Path,
        number: usize,
        command: &[String],
    ) -> Result<Guest> {
        let own = share.join(format!("guest-{number}"));
        std::fs::create_dir_all(&own)?;
        let load = machine::loader(&own, &self.modules)?;
        let patience = match accelerator {
            Accelerator::Kvm => 1,
            Accelerator::Tcg => PATIENCE,
        };
        let start = Start {
            share,
            own: &own,
            load: &load,
            modules: MODULES,
            mount: format!(
                "mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=none share '{}'",
                share.display()
            ),
            variables: format!("{}={patience}", crate::interop::PATIENCE),
            command,
        };
        let init = machine::executable(&own.join("init"), &start.script())?;
        let console = std::fs::File::create(own.join(machine::CONSOLE))?;
        let (accelerated, processor) = match accelerator {
            Accelerator::Kvm => ("kvm", "host"),
            Accelerator::Tcg => ("tcg", "max"),
        };
        // One process, which ends with us, however we end.
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL"])
            .arg(&self.program)
            .args(["-machine", "q35", "-accel", accelerated, "-cpu", processor])
            .args(["-m", MEMORY, "-nodefaults", "-no-user-config", "-no-reboot"])
            .args(["-display", "none", "-monitor", "none", "-serial", "stdio"])
            .arg("-kernel")
            .arg(&self.image)
            .arg("-initrd")
            .arg(&self.initial)
            .arg("-append")
            .arg(format!(
                "console=ttyS0 quiet panic=-1 mitigations=off adit_start={}",
                init.display()
            ))
            .args(folder_of_the_host("host", Path::new("/"), true))
            .args(folder_of_the_host("share", share, false))
            .args(["-device", "virtio-rng-pci"])
            .stdin(Stdio::null())
            .stdout(console.try_clone()?)
            .stderr(console)
            .spawn()
            .context("cannot start QEMU")?;
        Ok(Guest::new(process, own))
    }
}

/// QEMU's arguments for a folder that the guest mounts by `name`.
fn folder_of_the_host(name: &str, folder: &Path, read_only: bool) -> [String; 4] {
    let read_only = if read_only { "on" } else { "off" };
    // A comma begins the next option, unless it is doubled.
    let folder = folder.display().to_string().replace(',', ",,");
    [
        "-fsdev".to_owned(),
        format!(
            "local,id={name},path={folder},security_model=none,multidevs=remap,readonly={read_only}"
        ),
        "-device".to_owned(),
        format!("virtio-9p-pci,fsdev={name},mount_tag={name}"),
    ]
}

/// What the kernel starts with: it mounts the host's root and goes on there.
fn first_files(folder: &Path, version: &str) -> Result<Vec<u8>> {
    let busybox = folder.join("bin/busybox");
    let busybox =
        std::fs::read(&busybox).with_context(|| format!("cannot read {}", busybox.display()))?;
    let mut archive = Archive::default();
    for name in ["bin", "modules", "proc", "dev", "host", "layer", "root"] {
        archive.folder(name);
    }
    archive.program("bin/busybox", &busybox);
    let mut inserted = Vec::new();
    for module in ["virtio_pci", "virtio_rng", "9pnet_virtio", "9p", "overlay"] {
        let plan = exec::checked(
            Command::new("modprobe")
                .arg("--show-depends")
                .arg("-d")
                .arg(folder)
                .args(["-S", version, module]),
        )?;
        for file in plan.stdout.lines().filter_map(|line| {
            let file = line.strip_prefix("insmod ")?;
            Some(Path::new(file.trim()).to_owned())
        }) {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if !inserted.contains(&name.to_string()) {
                archive.program(&format!("modules/{name}"), &std::fs::read(&file)?);
                inserted.push(name.into_owned());
            }
        }
    }
    let mut init = "#!/bin/busybox sh\nb=/bin/busybox\n".to_owned();
    for name in inserted {
        init += &format!("$b insmod /modules/{name}\n");
    }
    init += "$b mount -t proc proc /proc
$b mount -t tmpfs none /layer; $b mkdir /layer/upper /layer/work
$b mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,ro,cache=loose host /host
$b mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work none /root
$b mount -t devtmpfs dev /root/dev
$b umount /proc
exec $b switch_root /root /bin/sh \"$adit_start\"
";
    archive.program("init", init.as_bytes());
    Ok(archive.finish())
}

/// The packages, as far as they are needed, below `target`.
fn unpacked() -> Result<PathBuf> {
    let folder = workspace::target_dir().join("qemu");
    if folder.join("bin/busybox").exists() {
        return Ok(folder);
    }
    eprintln!("downloading Debian's kernel into {}", folder.display());
    let being_filled = folder.with_extension("new");
    for folder in [&folder, &being_filled] {
        let _ = std::fs::remove_dir_all(folder);
    }
    std::fs::create_dir_all(&being_filled)?;
    // Most of the package is drivers of devices that no guest has.
    let fetch = "apt-cache show linux-image-amd64 >/dev/null 2>&1 || apt-get update -qq
        image=$(apt-cache show linux-image-amd64 | sed -n 's/^Depends: \\(linux-image-[^ ,]*\\).*/\\1/p' | head -n 1)
        apt-get download -qq \"$image\" busybox-static || { apt-get update -qq; apt-get download -qq \"$image\" busybox-static; }
        dpkg --fsys-tarfile linux-image-*.deb | tar -x --wildcards --no-wildcards-match-slash './boot/vmlinuz-*' './lib/modules/*/modules.*' \\
            './lib/modules/*/kernel/arch' './lib/modules/*/kernel/crypto' './lib/modules/*/kernel/fs/9p' \\
            './lib/modules/*/kernel/fs/fscache' './lib/modules/*/kernel/fs/netfs' './lib/modules/*/kernel/fs/overlayfs' \\
            './lib/modules/*/kernel/lib' './lib/modules/*/kernel/net' './lib/modules/*/kernel/drivers/char/hw_random' \\
            './lib/modules/*/kernel/drivers/crypto' './lib/modules/*/kernel/drivers/net/*.ko' \\
            './lib/modules/*/kernel/drivers/virtio'
        dpkg -x busybox-static_*.deb .
        rm ./*.deb";
    exec::checked(
        Command::new("sh")
            .args(["-ec", fetch])
            .current_dir(&being_filled),
    )?;
    std::fs::rename(&being_filled, &folder)?;
    Ok(folder)
}

/// The program.
pub const PROGRAM: &str = "qemu-system-x86_64";
/// Of one guest.
const MEMORY: &str = "1G";
/// Without KVM everything takes so many times as long.
const PATIENCE: u32 = 4;
/// The packet filter and what else servers have.
const MODULES: &str = "nf_tables nft_ct nft_masq nft_nat nft_compat nft_counter nft_log nft_reject_inet xfrm_interface";
