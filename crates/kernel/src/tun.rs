//! The TUN device: the door between the host's routing and the user-space data plane.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;

use crate::closed;
use crate::error::{KernelError, Result};
use crate::netlink::Netlink;
use crate::sys::device;

/// How a TUN device is made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TunConfig {
    /// Interface name, at most 15 bytes; with `%d` the kernel numbers it.
    pub name: String,
    /// Largest inner packet, bytes.
    pub mtu: u32,
    /// Whether the interface stays when the process ends (its routes then stay too).
    pub persistent: bool,
    /// Whether to bring it up at once.
    pub up: bool,
}

impl TunConfig {
    /// A device called `name` that goes with its process, is brought up at once and takes packets of 1400 bytes.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            mtu: 1400,
            persistent: false,
            up: true,
        }
    }

    /// The same with another MTU, bytes.
    #[must_use]
    pub fn with_mtu(mut self, mtu: u32) -> Self {
        self.mtu = mtu;
        self
    }

    /// The same, outliving the process.
    #[must_use]
    pub fn persistent(mut self) -> Self {
        self.persistent = true;
        self
    }
}

/// An open TUN device. Its descriptor is non-blocking; one read or write is one IP packet without any header.
#[derive(Debug)]
pub struct Tun {
    fd: OwnedFd,
    name: String,
    index: u32,
}

impl Tun {
    /// Creates the device in the calling thread's network namespace, or attaches to a persistent one of that name.
    ///
    /// # Errors
    /// Says which setting closes `/dev/net/tun`, that CAP_NET_ADMIN is missing, or that another process has the device.
    pub fn create(config: &TunConfig) -> Result<Self> {
        let what = "create the TUN device";
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(closed::TUN_NODE)
            .map_err(|error| {
                let closed = closed::tun_closed(closed::TUN_NODE, &error);
                KernelError::new(what, &config.name, error).with_hint(closed.to_string())
            })?;
        let fd = OwnedFd::from(file);
        let fail = |error: io::Error| {
            let hint = match error.raw_os_error() {
                Some(libc::EBUSY) => {
                    "another process has this device; is a second gateway running?"
                }
                // The name is too long, or a bridge, a TAP or whatever else has it.
                Some(libc::EINVAL) => {
                    "a device of another kind has this name, or it can't be a name. Fix: give another one, of at most 15 characters, with --tun"
                }
                _ => return KernelError::new(what, &config.name, error),
            };
            KernelError::new(what, &config.name, error).with_hint(hint)
        };
        let flags = (libc::IFF_TUN | libc::IFF_NO_PI) as i16;
        let name = device::attach_tun(fd.as_fd(), &config.name, flags).map_err(fail)?;
        device::set_tun_persistent(fd.as_fd(), config.persistent).map_err(fail)?;
        let mut netlink = Netlink::open()?;
        let index = netlink.link(&name)?.index;
        netlink.set_link_mtu(index, config.mtu)?;
        // A router solicitation of the kernel's own would be one more packet without a policy. Refused only where
        // IPv6 is off, and then there is nothing to disable.
        let _ = netlink.disable_link_local(index);
        if config.up {
            netlink.set_link_up(index, true)?;
        }
        Ok(Self { fd, name, index })
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The interface's index.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Takes one packet that the host routed into the tunnel; returns its length. A packet longer than `buffer` is
    /// cut, so give it the MTU at least.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when none waits.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(&self.fd, buffer)?)
    }

    /// Hands one packet that came out of the tunnel to the host.
    ///
    /// # Errors
    /// `EINVAL` when it isn't an IPv4 or IPv6 packet, `EIO` when the device is down.
    pub fn write(&self, packet: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(&self.fd, packet)?)
    }
}

impl AsFd for Tun {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Tun {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}
