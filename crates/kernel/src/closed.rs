//! Which setting of the machine closes a door: user namespaces or the TUN device.
//!
//! A refusal alone (`EPERM`) has half a dozen authors. The settings are read to name the one at work; what can't be
//! told apart is said as such.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;

use crate::error::Result;
use crate::netlink::loopback_up_request;
use crate::sys::process::{self, TrialStep};

/// The device node behind every TUN interface.
pub(crate) const TUN_NODE: &str = "/dev/net/tun";

/// A door the machine keeps closed, and how its owner opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// What is closed: `user namespaces`, `TUN`.
    pub what: &'static str,
    /// The setting at work: a sysctl's name, a path, a profile.
    pub setting: String,
    /// Its value now.
    pub value: String,
    /// What the owner of the machine can do.
    pub remedy: String,
}

impl Closed {
    fn new(
        what: &'static str,
        setting: &str,
        value: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            what,
            setting: setting.to_owned(),
            value: value.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} closed by {} ({}); {}",
            self.what, self.setting, self.value, self.remedy
        )
    }
}

impl std::error::Error for Closed {}

/// Whether this process can make a private user and network namespace and administer it. Tried in a short-lived child;
/// nothing changes for the caller.
///
/// # Errors
/// The outer error is a failed trial (no fork); the inner one names the setting.
pub fn namespaces() -> Result<std::result::Result<(), Closed>> {
    let flags = if can_administer() {
        libc::CLONE_NEWNET
    } else {
        libc::CLONE_NEWUSER | libc::CLONE_NEWNET
    };
    let (step, errno) = process::try_namespaces(flags, &loopback_up_request())
        .map_err(|error| crate::KernelError::new("try namespaces in a child process", "", error))?;
    if errno == 0 {
        return Ok(Ok(()));
    }
    let error = io::Error::from_raw_os_error(errno);
    Ok(Err(match step {
        TrialStep::Unshare => unshare_closed(&error),
        TrialStep::Use => powerless(&error),
    }))
}

/// Whether this process can open the TUN device node.
///
/// # Errors
/// Names the missing node, its mode, or the missing module.
pub fn tun() -> std::result::Result<(), Closed> {
    fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(TUN_NODE)
        .map(drop)
        .map_err(|error| tun_closed(TUN_NODE, &error))
}

/// Whether the process has the capabilities (as root has) to make network namespaces without a user namespace.
pub fn can_administer() -> bool {
    use rustix::thread::CapabilitySet;
    rustix::thread::capabilities(None).is_ok_and(|sets| {
        sets.effective
            .contains(CapabilitySet::SYS_ADMIN | CapabilitySet::NET_ADMIN | CapabilitySet::NET_RAW)
    })
}

/// Why opening the TUN node failed.
pub(crate) fn tun_closed(node: &str, error: &io::Error) -> Closed {
    let what = "TUN is";
    match (error.raw_os_error(), fs::metadata(node)) {
        (Some(libc::ENOENT), _) | (_, Err(_)) => Closed::new(
            what,
            node,
            "missing",
            "load the module (modprobe tun), or give the container the device (--device /dev/net/tun)",
        ),
        (Some(libc::EACCES), Ok(found)) => Closed::new(
            what,
            node,
            format!("mode {:04o}, owner {}", found.mode() & 0o7777, found.uid()),
            "its usual mode is 0666 (chmod 0666 /dev/net/tun), or run as its owner",
        ),
        (Some(libc::ENODEV | libc::ENXIO), Ok(_)) => Closed::new(
            what,
            "the kernel module tun",
            "not loaded",
            "load it with: modprobe tun",
        ),
        (Some(libc::EPERM), Ok(_)) => Closed::new(
            what,
            "the container's device policy",
            "refuses character device 10:200",
            "allow the device (--device /dev/net/tun)",
        ),
        _ => Closed::new(what, node, error.to_string(), "no remedy is known"),
    }
}

/// Why `unshare` refused new namespaces.
pub(crate) fn unshare_closed(error: &io::Error) -> Closed {
    let what = "user namespaces are";
    for (name, limit) in LIMITS {
        if let Some(value) = setting(name).filter(|value| value == "0") {
            return Closed::new(
                what,
                name,
                value,
                format!("allow them with: sysctl -w {name}={limit}"),
            );
        }
    }
    match error.raw_os_error() {
        Some(libc::ENOSPC | libc::EUSERS) => {
            let name = "user.max_user_namespaces";
            let value = setting(name).unwrap_or_else(|| "unknown".to_owned());
            Closed::new(
                what,
                name,
                format!("{value}, all in use or nested too deep"),
                "end what uses them or raise the limit",
            )
        }
        Some(libc::EINVAL) => Closed::new(
            what,
            "CONFIG_USER_NS or CONFIG_NET_NS",
            "not built into this kernel, or this process has several threads",
            "use a kernel with both; ask before starting threads",
        ),
        Some(libc::EPERM) if setting(APPARMOR).is_some_and(|value| value == "1") => apparmor(what),
        Some(libc::EPERM) => match seccomp_mode() {
            Some(mode) if mode != "0" => Closed::new(
                what,
                "a seccomp filter on this process",
                format!("mode {mode}; unshare gives EPERM"),
                "in a container, add --security-opt seccomp=unconfined or --privileged",
            ),
            _ => Closed::new(
                what,
                "an access rule",
                "unshare gives EPERM; the process is in a chroot, or a security module refuses",
                "run outside of it, or as root",
            ),
        },
        _ => Closed::new(what, "the kernel", error.to_string(), "no remedy is known"),
    }
}

/// Why a new namespace gives no power: it could be made, but its devices can't be administered.
pub(crate) fn powerless(error: &io::Error) -> Closed {
    let what = "user namespaces are";
    if setting(APPARMOR).is_some_and(|value| value == "1") {
        return apparmor(what);
    }
    Closed::new(
        what,
        "a security module",
        format!("namespaces can be made but not administered: {error}"),
        "run as root",
    )
}

fn apparmor(what: &'static str) -> Closed {
    Closed::new(
        what,
        APPARMOR,
        "1",
        format!(
            "allow them with: sysctl -w {APPARMOR}=0, or give the program an AppArmor profile with `userns,`"
        ),
    )
}

fn setting(name: &str) -> Option<String> {
    crate::sysctl::read(name).ok()
}

fn seccomp_mode() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("Seccomp:"))?;
    Some(line.trim().to_owned())
}

const APPARMOR: &str = "kernel.apparmor_restrict_unprivileged_userns";

/// Switches that close namespaces when they are 0, with a usual open value.
const LIMITS: [(&str, &str); 3] = [
    ("user.max_user_namespaces", "10000"),
    ("user.max_net_namespaces", "10000"),
    ("kernel.unprivileged_userns_clone", "1"),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_closed_door_is_said_in_one_line() {
        let closed = Closed::new(
            "TUN is",
            TUN_NODE,
            "mode 0600, owner 0",
            "chmod 0666 /dev/net/tun",
        );
        assert_eq!(
            closed.to_string(),
            "TUN is closed by /dev/net/tun (mode 0600, owner 0); chmod 0666 /dev/net/tun"
        );
    }

    #[test]
    fn a_tun_node_is_missing_or_has_the_wrong_mode() {
        let refused = |errno| io::Error::from_raw_os_error(errno);
        let missing = tun_closed("/nonexistent/tun", &refused(libc::ENOENT));
        assert_eq!(missing.value, "missing");
        assert!(missing.remedy.contains("modprobe tun"));
        let node = std::env::temp_dir().join(format!("adit-closed-{}", std::process::id()));
        fs::write(&node, "").unwrap();
        fs::set_permissions(&node, fs::Permissions::from_mode(0o600)).unwrap();
        let closed = tun_closed(node.to_str().unwrap(), &refused(libc::EACCES));
        fs::remove_file(&node).unwrap();
        assert!(closed.value.starts_with("mode 0600, owner "), "{closed}");
        assert!(closed.remedy.contains("0666"));
    }
}
