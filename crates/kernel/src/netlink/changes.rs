//! Being told when links, addresses or routes change, instead of asking again and again.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use crate::error::{KernelError, Result};
use crate::sys::socket as sys;

/// A socket that has something to read when links, addresses or routes of its network namespace have changed.
#[derive(Debug)]
pub struct NetworkChanges {
    fd: OwnedFd,
}

impl NetworkChanges {
    /// Is told from now on about the calling thread's network namespace. Never blocks.
    ///
    /// # Errors
    /// When the kernel refuses the socket (a seccomp profile without netlink).
    pub fn open() -> Result<Self> {
        let what = "be told about changes of the network";
        let fail = |error: io::Error| KernelError::new(what, "", error);
        let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK;
        let fd = sys::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE).map_err(fail)?;
        // struct sockaddr_nl: family, padding, port (the kernel chooses), groups.
        let mut address = [0u8; 12];
        address[..2].copy_from_slice(&(libc::AF_NETLINK as u16).to_ne_bytes());
        address[8..].copy_from_slice(&GROUPS.to_ne_bytes());
        sys::bind(fd.as_fd(), &address).map_err(fail)?;
        Ok(Self { fd })
    }

    /// Takes what has come; says whether anything has.
    #[must_use]
    pub fn take(&self) -> bool {
        let mut buffer = [0; BUFFER];
        let mut any = false;
        loop {
            match sys::receive(self.fd.as_fd(), &mut buffer, 0) {
                Ok(_) => any = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // What didn't fit into the socket's buffer is lost, and was a change.
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => any = true,
                Err(_) => return any,
            }
        }
    }
}

impl AsRawFd for NetworkChanges {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// RTMGRP_LINK, RTMGRP_IPV4_IFADDR, RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_IFADDR, RTMGRP_IPV6_ROUTE (rtnetlink(7)).
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;
/// What is in a notification doesn't matter, so it may be cut.
const BUFFER: usize = 4096;
