//! The programs that interop needs and Cargo cannot bring.

use std::process::Command;

use anyhow::Result;

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
];

/// Where Debian puts strongSwan's daemon; it isn't in PATH.
pub const CHARON: &str = "/usr/lib/ipsec/charon";

/// What is missing to run interop, in words; empty when everything is there.
pub fn missing() -> Vec<String> {
    let mut missing: Vec<String> = [
        "ip", "nft", "ping", "swanctl", "unshare", "setpriv", "tcpdump", "openssl",
    ]
    .into_iter()
    .filter(|program| workspace::find_program(program).is_none())
    .map(|program| format!("program `{program}`"))
    .collect();
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

/// Makes interop possible where it can: as root on Debian by installing its packages, which is said.
///
/// # Errors
/// One sentence on what is missing and how to get it.
pub fn ensure() -> Result<()> {
    anyhow::ensure!(
        workspace::is_root(),
        "interop needs root: it makes network namespaces and TUN devices"
    );
    anyhow::ensure!(
        std::path::Path::new("/dev/net/tun").exists(),
        "interop needs /dev/net/tun (modprobe tun)"
    );
    if missing().is_empty() {
        return Ok(());
    }
    if workspace::find_program("apt-get").is_some() {
        eprintln!(
            "installing Debian packages for interop: {}",
            PACKAGES.join(" ")
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
                .args(PACKAGES),
        )?;
        if !installed.success {
            eprintln!("{}\n{}", updated.text(), installed.text());
        }
    }
    let still = missing();
    anyhow::ensure!(
        still.is_empty(),
        "interop lacks {}; on Debian: apt-get install {}",
        still.join(", "),
        PACKAGES.join(" ")
    );
    Ok(())
}

/// Debian's Libreswan, unpacked below `target`: its package can't be installed beside strongSwan's.
///
/// # Errors
/// That it can't be had.
pub fn libreswan() -> Result<std::path::PathBuf> {
    if let Some(there) = std::env::var_os("ADIT_LIBRESWAN") {
        return Ok(there.into());
    }
    let folder = workspace::target_dir().join("libreswan");
    if folder.join("usr/libexec/ipsec/pluto").exists() {
        return Ok(folder);
    }
    std::fs::create_dir_all(&folder)?;
    let fetch = "apt-get download libreswan && dpkg -x libreswan_*.deb .";
    exec::checked(Command::new("sh").args(["-c", fetch]).current_dir(&folder))?;
    Ok(folder)
}
