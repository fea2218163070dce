//! A private world: the process leaves the host's network for an empty one in which it may do everything.
//!
//! Without root this takes a user namespace, and the kernel makes one only for a process with a single thread; with
//! root, other threads would stay in the host's network. So [`enter`] comes before any runtime. From then on [`NetNs::create`] works, and nothing the process does to links,
//! routes or packet filters can reach the host.

use std::fs;
use std::io;

use crate::closed::{self, Closed};
use crate::error::KernelError;
use crate::netlink::Netlink;
use crate::netns::NetNs;
use crate::sys::process;

/// Proof that the process is in its private world.
#[derive(Debug)]
pub struct Sandbox {
    /// The private namespace the process itself is in.
    pub here: NetNs,
    /// Whether a user namespace was needed (the process lacked the capabilities).
    pub unprivileged: bool,
}

/// Why the private world can't be entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A setting of the machine is in the way.
    Closed(Closed),
    /// The process isn't fit: it has several threads, or a step failed that no setting explains.
    Failed(KernelError),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed(closed) => closed.fmt(f),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<KernelError> for Refusal {
    fn from(error: KernelError) -> Self {
        Self::Failed(error)
    }
}

/// Leaves the host's network for a private one, with a user namespace where the process has no capabilities.
///
/// After an error the process is still where it was, except after [`Refusal::Closed`] by a security module that
/// strips the new namespace of its powers: then it sits in an empty network. Ask [`closed::namespaces`] first to
/// avoid that.
///
/// # Errors
/// The setting that closes namespaces, or the failed step.
pub fn enter() -> Result<Sandbox, Refusal> {
    only_thread()?;
    let unprivileged = !closed::can_administer();
    if unprivileged {
        // Read before the change: inside, they are the overflow ids.
        let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
        process::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET)
            .map_err(|error| Refusal::Closed(closed::unshare_closed(&error)))?;
        // A group map may be written without privileges only once setgroups is given up.
        write_map("/proc/self/setgroups", "deny")?;
        write_map("/proc/self/uid_map", &format!("0 {} 1", user.as_raw()))?;
        write_map("/proc/self/gid_map", &format!("0 {} 1", group.as_raw()))?;
    } else {
        process::unshare(libc::CLONE_NEWNET)
            .map_err(|error| Refusal::Closed(closed::unshare_closed(&error)))?;
    }
    let mut netlink = Netlink::open()?;
    netlink.set_link_up(LOOPBACK, true).map_err(|error| {
        let errno = error.errno.unwrap_or(libc::EPERM);
        Refusal::Closed(closed::powerless(&io::Error::from_raw_os_error(errno)))
    })?;
    Ok(Sandbox {
        here: NetNs::current()?,
        unprivileged,
    })
}

fn only_thread() -> Result<(), KernelError> {
    let what = "enter a private network";
    let threads = fs::read_dir("/proc/self/task")
        .map_err(|error| KernelError::new(what, "", error).with_hint("needs /proc"))?
        .count();
    if threads == 1 {
        Ok(())
    } else {
        Err(KernelError::own(
            what,
            "",
            format!(
                "the process has {threads} threads and may have one only; enter before starting a runtime"
            ),
        ))
    }
}

fn write_map(path: &str, content: &str) -> Result<(), KernelError> {
    fs::write(path, content).map_err(|error| KernelError::new("write", path, error))
}

/// The loopback device is the first of every namespace.
const LOOPBACK: u32 = 1;
