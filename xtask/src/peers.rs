//! The programs that interop needs and Cargo cannot bring.

use std::process::Command;

use anyhow::{Context, Result};

use crate::{exec, workspace};

/// Debian's packages: an unmodified strongSwan with its user-space ESP, and the tools that build and watch a network.
const PACKAGES: &[&str] = &[
    "strongswan-swanctl",
    "strongswan-charon",
    "libcharon-extra-plugins",
    "libstrongswan-extra-plugins",
    "libstrongswan-standard-plugins",
    "nftables",
    "iproute2",
    "iputils-ping",
    "tcpdump",
    "openssl",
    "kmod",
    "iptables",
    "libfaketime",
];

/// Where Debian puts strongSwan's daemon; it isn't in PATH.
pub const CHARON: &str = "/usr/lib/ipsec/charon";

/// What is missing to run interop, in words; empty when everything is there.
pub fn missing() -> Vec<String> {
    let mut missing = lacking(&[
        "ip",
        "nft",
        "ping",
        "swanctl",
        "unshare",
        "setpriv",
        "tcpdump",
        "openssl",
        "modprobe",
        "iptables-legacy",
    ]);
    for file in [
        CHARON,
        "/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so",
        "/usr/lib/ipsec/plugins/libstrongswan-curl.so",
    ] {
        if !std::path::Path::new(file).exists() {
            missing.push(format!("file {file}"));
        }
    }
    missing
}

fn lacking(programs: &[&str]) -> Vec<String> {
    programs
        .iter()
        .filter(|program| workspace::find_program(program).is_none())
        .map(|program| format!("program `{program}`"))
        .collect()
}

/// Makes interop possible where it can: as root on Debian by installing its packages, which is said.
///
/// # Errors
/// One sentence on what is missing and how to get it.
pub fn ensure() -> Result<()> {
    privileged("interop")?;
    provide("interop", PACKAGES, missing)
}

/// The same for `bench`.
///
/// # Errors
/// One sentence on what is missing and how to get it.
pub fn ensure_bench(strongswan: bool) -> Result<()> {
    privileged("bench")?;
    if strongswan {
        provide("bench", PACKAGES, missing)?;
    }
    let packages = [
        "iperf3",
        "iproute2",
        "iputils-ping",
        "nftables",
        "util-linux",
    ];
    provide("bench", &packages, || {
        lacking(&["iperf3", "ip", "ping", "nft", "setpriv"])
    })
}

/// Debian's wireguard-go.
///
/// # Errors
/// One sentence on what is missing and how to get it.
pub fn wireguard_go() -> Result<std::path::PathBuf> {
    let packages = ["wireguard-go", "wireguard-tools"];
    provide("bench", &packages, || lacking(&["wireguard-go", "wg"]))?;
    workspace::find_program("wireguard-go").context("wireguard-go has gone")
}

/// The kernel's profiler.
///
/// # Errors
/// One sentence on what is missing and how to get it.
pub fn ensure_perf() -> Result<()> {
    provide("a profile", &["linux-perf"], || lacking(&["perf"]))
}

/// QEMU, for guests with the distribution's kernel.
///
/// # Errors
/// One sentence on what is missing and how to get it.
pub fn qemu() -> Result<()> {
    provide("guests", &["qemu-system-x86"], || {
        lacking(&["qemu-system-x86_64"])
    })
}

fn privileged(what: &str) -> Result<()> {
    anyhow::ensure!(
        workspace::is_root(),
        "{what} needs root: it makes network namespaces and TUN devices"
    );
    anyhow::ensure!(
        std::path::Path::new("/dev/net/tun").exists(),
        "{what} needs /dev/net/tun (modprobe tun)"
    );
    Ok(())
}

/// Installs packages, if something is missing and this is Debian.
fn provide(what: &str, packages: &[&str], missing: impl Fn() -> Vec<String>) -> Result<()> {
    if missing().is_empty() {
        return Ok(());
    }
    if workspace::find_program("apt-get").is_some() {
        eprintln!(
            "installing Debian packages for {what}: {}",
            packages.join(" ")
        );
        let apt = || {
            let mut command = Command::new("apt-get");
            command.env("DEBIAN_FRONTEND", "noninteractive");
            command
        };
        let updated = exec::output(apt().args(["update", "-qq"]))?;
        let installed = exec::output(
            apt()
                .args(["install", "-qq", "-y", "--no-install-recommends"])
                .args(packages),
        )?;
        if !installed.success {
            eprintln!("{}\n{}", updated.text(), installed.text());
        }
    }
    let still = missing();
    anyhow::ensure!(
        still.is_empty(),
        "{what} lacks {}; on Debian: apt-get install {}",
        still.join(", "),
        packages.join(" ")
    );
    Ok(())
}

/// Debian's Libreswan, unpacked below `target`: its package can't be installed beside strongSwan's. What it depends on is installed.
///
/// # Errors
/// That it can't be had.
pub fn libreswan() -> Result<std::path::PathBuf> {
    if let Some(there) = std::env::var_os("ADIT_LIBRESWAN") {
        return Ok(there.into());
    }
    let folder = workspace::target_dir().join("libreswan");
    let pluto = folder.join("usr/libexec/ipsec/pluto");
    let in_folder = |script: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(&folder);
        exec::checked(&mut command)
    };
    if !pluto.exists() {
        std::fs::create_dir_all(&folder)?;
        in_folder("apt-get download libreswan && dpkg -x libreswan_*.deb .")?;
    }
    let lacks = || {
        let mut lacks = lacking(&["certutil"]);
        let linked = Command::new("ldd").arg(&pluto).output();
        let linked = linked.map(|found| String::from_utf8_lossy(&found.stdout).into_owned());
        let linked = linked.unwrap_or_default();
        let absent = linked.lines().filter(|line| line.contains("not found"));
        lacks.extend(absent.map(|line| line.trim().to_owned()));
        lacks
    };
    if !lacks().is_empty() {
        // The first of alternatives, of whatever version there is.
        let names = "s/([^)]*)//g; s/|[^,]*//g; s/,/ /g";
        let depends = in_folder(&format!(
            "dpkg-deb -f libreswan_*.deb Depends | sed '{names}'"
        ))?;
        let packages: Vec<&str> = depends.stdout.split_whitespace().collect();
        provide("Libreswan", &packages, lacks)?;
    }
    Ok(folder)
}
