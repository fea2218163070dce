//! Network namespaces held by descriptors: no names, no mounts, gone when the last holder is.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::Command;
use std::thread;

use crate::error::{KernelError, Result};
use crate::sys::process;

/// A network namespace.
#[derive(Debug)]
pub struct NetNs {
    fd: OwnedFd,
}

impl NetNs {
    /// Makes an empty namespace with only a loopback device (down). The caller's own namespace doesn't change.
    ///
    /// # Errors
    /// When CAP_SYS_ADMIN is missing; enter a [`crate::sandbox`] first.
    pub fn create() -> Result<Self> {
        let what = "create a network namespace";
        on_thread(what, || {
            process::unshare(libc::CLONE_NEWNET).map_err(|error| {
                let permission = error.raw_os_error() == Some(libc::EPERM);
                let error = KernelError::new(what, "", error);
                if permission {
                    error.with_hint("needs CAP_SYS_ADMIN in the process's user namespace")
                } else {
                    error
                }
            })?;
            Self::current()
        })?
    }

    /// The calling thread's namespace.
    ///
    /// # Errors
    /// When `/proc` isn't mounted.
    pub fn current() -> Result<Self> {
        let path = "/proc/thread-self/ns/net";
        File::open(path)
            .map(|file| Self { fd: file.into() })
            .map_err(|error| {
                KernelError::new("open the network namespace", path, error).with_hint("needs /proc")
            })
    }

    /// Runs `work` on a thread of its own inside the namespace and returns its result. Sockets and devices opened
    /// there stay in the namespace wherever they are used later.
    ///
    /// # Errors
    /// When the namespace can't be joined, or `work` panicked.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let what = "work in the network namespace";
        on_thread(what, || {
            process::join_network(self.fd.as_fd())
                .map_err(|error| KernelError::new(what, "", error))?;
            Ok(work())
        })?
    }

    /// Moves the calling thread (threads it starts later included) into the namespace for good.
    ///
    /// # Errors
    /// When CAP_SYS_ADMIN is missing.
    pub fn join(&self) -> Result<()> {
        process::join_network(self.fd.as_fd())
            .map_err(|error| KernelError::new("join the network namespace", "", error))
    }

    /// Has `command` start its program inside the namespace.
    ///
    /// # Errors
    /// When no descriptor is left to hold the namespace for the child.
    pub fn start_inside(&self, command: &mut Command) -> Result<()> {
        let fd = self.try_clone()?.fd;
        process::join_before_exec(command, fd);
        Ok(())
    }

    /// Another holder of the same namespace.
    ///
    /// # Errors
    /// When no descriptor is left.
    pub fn try_clone(&self) -> Result<Self> {
        self.fd
            .try_clone()
            .map(|fd| Self { fd })
            .map_err(|error| KernelError::new("hold the network namespace", "", error))
    }
}

impl AsFd for NetNs {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Runs `work` on a fresh thread, which a change of namespace may then spoil.
fn on_thread<T: Send>(what: &'static str, work: impl FnOnce() -> T + Send) -> Result<T> {
    thread::scope(|scope| {
        let worker = thread::Builder::new()
            .name("netns".to_owned())
            .spawn_scoped(scope, work)
            .map_err(|error| KernelError::new("start a thread to", what, error))?;
        worker
            .join()
            .map_err(|_| KernelError::own(what, "", "the work there panicked"))
    })
}
