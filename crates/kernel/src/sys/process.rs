//! Namespaces of threads and children.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::check;

/// Moves the calling thread (for `CLONE_NEWUSER`: the whole, single-threaded process) into new namespaces.
pub(crate) fn unshare(flags: i32) -> io::Result<()> {
    // SAFETY: no pointers. `CLONE_FILES` and `CLONE_FS`, which could upset other threads, are never passed.
    check(unsafe { libc::unshare(flags) }).map(drop)
}

/// Moves the calling thread into the network namespace behind `fd`.
pub(crate) fn join_network(fd: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: no pointers; the kernel checks what kind of descriptor it is.
    check(unsafe { libc::setns(fd.as_raw_fd(), libc::CLONE_NEWNET) }).map(drop)
}

/// Has the child of `command` join the network namespace behind `fd` before it starts its program.
pub(crate) fn join_before_exec(command: &mut Command, fd: OwnedFd) {
    // SAFETY: the closure runs after fork in the child and makes one system call, which is async-signal-safe; it
    // allocates nothing (the error is a bare number) and the descriptor lives in the closure.
    unsafe {
        command.pre_exec(move || check(libc::setns(fd.as_raw_fd(), libc::CLONE_NEWNET)).map(drop));
    }
}

/// Tries, in a short-lived child, to make new namespaces and to bring up the loopback device there with the
/// prepared netlink `request`. Returns 0, or the error number of the step that failed: `(step, errno)`.
///
/// A child is needed because a process that has made itself a user namespace can't go back.
pub(crate) fn try_namespaces(flags: i32, request: &[u8]) -> io::Result<(TrialStep, i32)> {
    // SAFETY: the child only makes system calls (async-signal-safe) on memory prepared before the fork, and ends
    // with `_exit`; it never returns into Rust code that could take a lock held by another thread.
    unsafe {
        let child = check(libc::fork())?;
        if child == 0 {
            let status = match trial(flags, request) {
                Ok(()) => 0,
                Err((TrialStep::Unshare, errno)) => errno & 0x7f,
                Err((TrialStep::Use, errno)) => 0x80 | (errno & 0x7f),
            };
            libc::_exit(status);
        }
        let mut status = 0;
        while libc::waitpid(child, &raw mut status, 0) < 0 {
            let error = io::Error::last_os_error();
            if error.raw_os_error() != Some(libc::EINTR) {
                return Err(error);
            }
        }
        let code = if libc::WIFEXITED(status) {
            libc::WEXITSTATUS(status)
        } else {
            // Killed by a signal: a seccomp profile that kills instead of refusing.
            libc::EPERM
        };
        let step = if code & 0x80 != 0 {
            TrialStep::Use
        } else {
            TrialStep::Unshare
        };
        Ok((step, code & 0x7f))
    }
}

/// The step of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TrialStep {
    /// Making the namespaces.
    Unshare,
    /// Using the privileges that come with them.
    Use,
}

/// # Safety
/// To be called between fork and `_exit`; makes system calls only.
unsafe fn trial(flags: i32, request: &[u8]) -> Result<(), (TrialStep, i32)> {
    // SAFETY: pointers refer to `request` and a local array, with their true lengths.
    unsafe {
        if libc::unshare(flags) < 0 {
            return Err((TrialStep::Unshare, *libc::__errno_location()));
        }
        let fd = libc::socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE);
        if fd < 0 {
            return Err((TrialStep::Use, *libc::__errno_location()));
        }
        if libc::send(fd, request.as_ptr().cast(), request.len(), 0) < 0 {
            return Err((TrialStep::Use, *libc::__errno_location()));
        }
        let mut answer = [0u8; 512];
        let length = libc::recv(fd, answer.as_mut_ptr().cast(), answer.len(), 0);
        if length < 20 {
            return Err((TrialStep::Use, libc::EIO));
        }
        // nlmsgerr: the negated error number follows the 16-byte header.
        let errno = -i32::from_ne_bytes([answer[16], answer[17], answer[18], answer[19]]);
        if errno != 0 {
            return Err((TrialStep::Use, errno));
        }
        Ok(())
    }
}
