//! The TUN device: the door between the host's routing and the user-space data plane.

use std::fs::OpenOptions;
use std::io::{self, IoSlice};
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
    /// What the kernel may leave to the reader. It is asked for less until it accepts.
    pub offload: Offload,
}

/// Work that the kernel leaves to the reader of a TUN device: packets longer than the MTU, to be cut, and checksums to
/// be completed, as the header before each packet says. Each step includes those before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Offload {
    /// None.
    #[default]
    None,
    /// TCP segmentation over IPv4 and IPv6, and checksums.
    Tcp,
    /// Segmentation of UDP too (Linux 6.2).
    TcpAndUdp,
}

impl TunConfig {
    /// A device called `name` that goes with its process, is brought up at once and takes packets of 1400 bytes.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            mtu: 1400,
            persistent: false,
            up: true,
            offload: Offload::None,
        }
    }

    /// The same, with work left to the reader.
    #[must_use]
    pub fn with_offload(mut self, offload: Offload) -> Self {
        self.offload = offload;
        self
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

/// An open TUN device, or one queue of it. Its descriptor is non-blocking; one read or write is one IP packet behind a
/// header of [`HEADER_LENGTH`] octets (`struct virtio_net_hdr` in the machine's byte order), which says how a packet
/// longer than the MTU is to be cut and which checksum is to be completed. A header of zeroes says neither.
#[derive(Debug)]
pub struct Tun {
    fd: OwnedFd,
    name: String,
    index: u32,
    offload: Offload,
}

/// Octets in front of each packet.
pub const HEADER_LENGTH: usize = 10;

impl Tun {
    /// Creates the device in the calling thread's network namespace, or attaches to a persistent one of that name.
    ///
    /// # Errors
    /// Says which setting closes `/dev/net/tun`, that CAP_NET_ADMIN is missing, or that another process has the device.
    pub fn create(config: &TunConfig) -> Result<Self> {
        let mut queues = Self::create_queues(config, 1)?;
        queues
            .pop()
            .ok_or_else(|| KernelError::own("create the TUN device", &config.name, "no queue"))
    }

    /// As [`Self::create`], with at most `queues` queues (one at least): the kernel keeps each flow to one of them. A
    /// kernel that can't have several gives one. All of them have to be read, and the device ends with the last.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn create_queues(config: &TunConfig, queues: usize) -> Result<Vec<Self>> {
        let (first, several) = match Queue::open(config, queues > 1) {
            Err(error) if queues > 1 && error.errno == Some(libc::EINVAL) => {
                (Queue::open(config, false)?, false)
            }
            first => (first?, queues > 1),
        };
        let fail = |error| KernelError::new(WHAT, &config.name, error);
        device::set_tun_persistent(first.fd.as_fd(), config.persistent).map_err(fail)?;
        let offload = first.set_offload(config.offload);
        let mut netlink = Netlink::open()?;
        let index = netlink.link(&first.name)?.index;
        netlink.set_link_mtu(index, config.mtu)?;
        netlink.set_link_queue(index, QUEUE)?;
        // A router solicitation of the kernel's own would be one more packet without a policy. Refused only where
        // IPv6 is off, and then there is nothing to disable.
        let _ = netlink.disable_link_local(index);
        if config.up {
            netlink.set_link_up(index, true)?;
        }
        let mut all = vec![first];
        let named = TunConfig {
            name: all.first().map_or_else(String::new, |q| q.name.clone()),
            ..config.clone()
        };
        while several && all.len() < queues {
            all.push(Queue::open(&named, true)?);
        }
        let tun = |Queue { fd, name }| Self {
            fd,
            name,
            index,
            offload,
        };
        Ok(all.into_iter().map(tun).collect())
    }

    /// What the kernel leaves to the reader.
    pub fn offload(&self) -> Offload {
        self.offload
    }

    /// The interface's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The interface's index.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Takes one packet that the host routed into the tunnel; returns its length with the header. A packet longer than
    /// `buffer` is cut, so give it [`LONGEST`] octets, or the MTU and the header without offload.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when none waits.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(&self.fd, buffer)?)
    }

    /// Hands one packet that came out of the tunnel to the host: `parts` are header and packet, in order, at most 1024.
    ///
    /// # Errors
    /// `EINVAL` when it isn't an IPv4 or IPv6 packet or contradicts the header, `EIO` when the device is down.
    pub fn write(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(rustix::io::writev(&self.fd, parts)?)
    }

    /// Hands one packet to the host that is as it has to be: no header is to be said anything in.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_packet(&self, packet: &[u8]) -> io::Result<usize> {
        let parts = [IoSlice::new(&[0; HEADER_LENGTH]), IoSlice::new(packet)];
        Ok(self.write(&parts)?.saturating_sub(HEADER_LENGTH))
    }
}

/// Longest packet with its header.
pub const LONGEST: usize = HEADER_LENGTH + 65_535;

/// A descriptor that is attached to a device.
struct Queue {
    fd: OwnedFd,
    name: String,
}

impl Queue {
    fn open(config: &TunConfig, several: bool) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(closed::TUN_NODE)
            .map_err(|error| {
                let closed = closed::tun_closed(closed::TUN_NODE, &error);
                KernelError::new(WHAT, &config.name, error).with_hint(closed.to_string())
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
                _ => return KernelError::new(WHAT, &config.name, error),
            };
            KernelError::new(WHAT, &config.name, error).with_hint(hint)
        };
        let mut flags = libc::IFF_TUN | libc::IFF_NO_PI | libc::IFF_VNET_HDR;
        if several {
            flags |= libc::IFF_MULTI_QUEUE;
        }
        let name = device::attach_tun(fd.as_fd(), &config.name, flags as i16).map_err(fail)?;
        // A persistent device may have been given another length by whoever had it before.
        device::set_header_length(fd.as_fd(), HEADER_LENGTH as i32).map_err(fail)?;
        Ok(Self { fd, name })
    }

    /// Asks for less until the kernel accepts.
    fn set_offload(&self, wanted: Offload) -> Offload {
        let tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
        let steps = [
            (Offload::TcpAndUdp, tcp | TUN_F_USO4 | TUN_F_USO6),
            (Offload::Tcp, tcp),
            (Offload::None, 0),
        ];
        let mut possible = steps.iter().filter(|(offload, _)| *offload <= wanted);
        possible
            .find(|(_, features)| device::set_tun_offload(self.fd.as_fd(), *features).is_ok())
            .map_or(Offload::None, |(offload, _)| *offload)
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

const WHAT: &str = "create the TUN device";
/// Packets that wait for the reader of a queue, which drops what is more. The kernel's 500 are 4 ms at 130,000 packets a
/// second, and on a busy machine a thread waits longer than that for its processor.
const QUEUE: u32 = 2000;
// `linux/if_tun.h`
const TUN_F_CSUM: u32 = 0x01;
const TUN_F_TSO4: u32 = 0x02;
const TUN_F_TSO6: u32 = 0x04;
const TUN_F_TSO_ECN: u32 = 0x08;
const TUN_F_USO4: u32 = 0x20;
const TUN_F_USO6: u32 = 0x40;
