//! Seeing what crosses the wire: frames of one interface or of a whole network namespace.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::{Duration, SystemTime};

use crate::error::{KernelError, Result};
use crate::netlink::Netlink;
use crate::sys::socket::{self, Control};

/// A non-blocking packet socket.
#[derive(Debug)]
pub struct Capture {
    fd: OwnedFd,
}

/// One frame; its bytes are in the buffer given to [`Capture::receive`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Bytes in the buffer.
    pub length: usize,
    /// Bytes on the wire, which are more when the buffer was too small.
    pub wire_length: usize,
    /// The interface.
    pub interface: u32,
    /// EtherType: 0x0800 IPv4, 0x86dd IPv6, 0x0806 ARP.
    pub protocol: u16,
    /// `ARPHRD_*` link type of the interface: 1 Ethernet, 772 loopback, 65534 bare IP (TUN).
    pub hardware: u16,
    /// Whether this host sent it.
    pub outgoing: bool,
    /// When the kernel saw it.
    pub at: SystemTime,
}

impl Frame {
    /// The frame within its buffer.
    pub fn bytes<'a>(&self, buffer: &'a [u8]) -> &'a [u8] {
        buffer.get(..self.length).unwrap_or_default()
    }

    /// The IP packet inside; `None` for ARP and other protocols.
    pub fn ip_packet<'a>(&self, buffer: &'a [u8]) -> Option<&'a [u8]> {
        if !matches!(self.protocol, ETHERTYPE_IPV4 | ETHERTYPE_IPV6) {
            return None;
        }
        let header = match self.hardware {
            libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => ETHERNET_HEADER,
            _ => 0,
        };
        self.bytes(buffer).get(header..)
    }
}

impl Capture {
    /// Starts capturing on `interface` (`None`: all) of the calling thread's network namespace, both directions.
    ///
    /// # Errors
    /// When CAP_NET_RAW is missing or there is no such interface.
    pub fn open(interface: Option<&str>) -> Result<Self> {
        let object = interface.unwrap_or("all interfaces");
        let index = match interface {
            Some(name) => Netlink::open()?.link(name)?.index,
            None => 0,
        };
        let fail = |error: io::Error| {
            let error = KernelError::new("capture on", object, error);
            if error.is_permission() {
                error.with_hint("needs CAP_NET_RAW")
            } else {
                error
            }
        };
        // Opened for no protocol and then bound, so that no frame of another interface slips in between.
        let fd = socket::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_NONBLOCK, 0)
            .map_err(fail)?;
        socket::set_option_int(fd.as_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)
            .map_err(fail)?;
        // A burst must not be lost while the reader is busy. Beyond the limit of unprivileged users only root gets it.
        for option in [libc::SO_RCVBUFFORCE, libc::SO_RCVBUF] {
            if socket::set_option_int(fd.as_fd(), libc::SOL_SOCKET, option, RECEIVE_BUFFER).is_ok()
            {
                break;
            }
        }
        socket::bind(fd.as_fd(), &link_address(index)).map_err(fail)?;
        Ok(Self { fd })
    }

    /// The next frame.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when none waits; `ENETDOWN` once after the interface went down.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Frame> {
        let received = socket::receive(self.fd.as_fd(), buffer, libc::MSG_TRUNC)?;
        parse(&received).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::InvalidData,
                "a frame without a link-layer address",
            )
        })
    }

    /// How many frames were captured and how many were lost for want of buffer space since the last call.
    ///
    /// # Errors
    /// When the descriptor is broken.
    pub fn statistics(&self) -> io::Result<(u32, u32)> {
        let bytes =
            socket::option_bytes::<8>(self.fd.as_fd(), libc::SOL_PACKET, libc::PACKET_STATISTICS)?;
        let (packets, drops) = bytes.split_at(4);
        let number = |bytes: &[u8]| u32::from_ne_bytes(bytes.try_into().unwrap_or_default());
        Ok((number(packets), number(drops)))
    }
}

impl AsFd for Capture {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Capture {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// `struct sockaddr_ll` for all protocols of an interface.
fn link_address(index: u32) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes[..2].copy_from_slice(&(libc::AF_PACKET as u16).to_ne_bytes());
    bytes[2..4].copy_from_slice(&(libc::ETH_P_ALL as u16).to_be_bytes());
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes
}

fn parse(received: &socket::Received) -> Option<Frame> {
    let address = received.address();
    let two = |at: usize| -> Option<[u8; 2]> { address.get(at..at + 2)?.try_into().ok() };
    Some(Frame {
        length: received.length,
        wire_length: received.wire_length,
        protocol: u16::from_be_bytes(two(2)?),
        interface: u32::from_ne_bytes(address.get(4..8)?.try_into().ok()?),
        hardware: u16::from_ne_bytes(two(8)?),
        outgoing: *address.get(10)? == libc::PACKET_OUTGOING,
        at: received
            .control()
            .find_map(timestamp)
            .unwrap_or_else(SystemTime::now),
    })
}

fn timestamp(item: Control<'_>) -> Option<SystemTime> {
    if (item.level, item.kind) != (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) {
        return None;
    }
    let number = |at: usize| -> Option<u64> {
        Some(u64::from_ne_bytes(
            item.data.get(at..at + 8)?.try_into().ok()?,
        ))
    };
    let nanoseconds = u32::try_from(number(8)?).ok()?;
    Some(
        SystemTime::UNIX_EPOCH
            + Duration::from_secs(number(0)?)
            + Duration::from_nanos(nanoseconds.into()),
    )
}

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERNET_HEADER: usize = 14;
const RECEIVE_BUFFER: i32 = 8 << 20;
