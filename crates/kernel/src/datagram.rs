//! What UDP and raw sockets share: knowing, and choosing, the local address of each packet.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::BorrowedFd;

use crate::path_error;
use crate::sys::address;
use crate::sys::socket::{self, Control};

/// What came with a received packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// Where in the buffer the payload begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Who sent it; the port is 0 for protocols without ports.
    pub from: SocketAddr,
    /// The address of ours it was sent to.
    pub to: IpAddr,
    /// The interface it arrived on.
    pub interface: u32,
    /// Whether it was longer than the buffer, and so is cut.
    pub truncated: bool,
}

impl Received {
    /// The payload within the buffer that was given to the receiving call.
    pub fn payload<'a>(&self, buffer: &'a [u8]) -> &'a [u8] {
        buffer.get(self.start..self.end).unwrap_or_default()
    }
}

/// Marks what leaves by `fd` as the gateway's own, so that routing rules can tell it from what belongs into a tunnel.
/// Without CAP_NET_ADMIN nothing is marked, and nothing has such rules.
pub(crate) fn mark_as_own(fd: BorrowedFd<'_>) {
    let mark = i32::try_from(OWN_MARK).unwrap_or_default();
    let _ = socket::set_option_int(fd, libc::SOL_SOCKET, libc::SO_MARK, mark);
}

/// The mark of packets that the gateway itself sends: IKE, ESP, and probes of the path.
pub const OWN_MARK: u32 = 0x0ad1_7000;

/// Has the kernel report local addresses, traffic classes and path errors, and fragment what is too big for the path: a lost first
/// message costs a retransmission time-out, fragments cost little.
pub(crate) fn prepare(fd: BorrowedFd<'_>, v6: bool) -> io::Result<()> {
    if v6 {
        socket::set_option_int(fd, libc::SOL_IPV6, libc::IPV6_RECVPKTINFO, 1)?;
        socket::set_option_int(fd, libc::SOL_IPV6, libc::IPV6_RECVTCLASS, 1)?;
    } else {
        socket::set_option_int(fd, libc::SOL_IP, libc::IP_PKTINFO, 1)?;
        socket::set_option_int(fd, libc::SOL_IP, libc::IP_RECVTOS, 1)?;
    }
    mark_as_own(fd);
    set_dont_fragment(fd, v6, false)?;
    path_error::enable(fd, v6)
}

/// Asks for a receive buffer of `bytes` and returns what the kernel granted: all of it to those with CAP_NET_ADMIN, up
/// to `net.core.rmem_max` to others.
pub(crate) fn set_receive_buffer(fd: BorrowedFd<'_>, bytes: u32) -> io::Result<u32> {
    let wanted = i32::try_from(bytes).unwrap_or(i32::MAX);
    if socket::set_option_int(fd, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, wanted).is_err() {
        socket::set_option_int(fd, libc::SOL_SOCKET, libc::SO_RCVBUF, wanted)?;
    }
    let granted = socket::option_int(fd, libc::SOL_SOCKET, libc::SO_RCVBUF)?;
    // The kernel reports twice what it grants, to account for its own overhead.
    Ok(u32::try_from(granted / 2).unwrap_or(0))
}

/// The same for the send buffer.
pub(crate) fn set_send_buffer(fd: BorrowedFd<'_>, bytes: u32) -> io::Result<u32> {
    let wanted = i32::try_from(bytes).unwrap_or(i32::MAX);
    if socket::set_option_int(fd, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, wanted).is_err() {
        socket::set_option_int(fd, libc::SOL_SOCKET, libc::SO_SNDBUF, wanted)?;
    }
    let granted = socket::option_int(fd, libc::SOL_SOCKET, libc::SO_SNDBUF)?;
    Ok(u32::try_from(granted / 2).unwrap_or(0))
}

/// Sets "don't fragment": packets larger than the known path MTU are then refused with `EMSGSIZE`.
pub(crate) fn set_dont_fragment(fd: BorrowedFd<'_>, v6: bool, on: bool) -> io::Result<()> {
    if v6 {
        let mode = if on {
            libc::IPV6_PMTUDISC_DO
        } else {
            libc::IPV6_PMTUDISC_DONT
        };
        socket::set_option_int(fd, libc::SOL_IPV6, libc::IPV6_MTU_DISCOVER, mode)
    } else {
        let mode = if on {
            libc::IP_PMTUDISC_DO
        } else {
            libc::IP_PMTUDISC_DONT
        };
        socket::set_option_int(fd, libc::SOL_IP, libc::IP_MTU_DISCOVER, mode)
    }
}

/// Leaves it to the sender to mind the path: see [`crate::UdpPort::mind_the_path`]. A socket that forbids cutting no packet
/// wouldn't be told of packets that were too long, so an ICMP error that is handed to another one of a shared port would
/// be lost; these two modes are both told.
pub(crate) fn mind_the_path(fd: BorrowedFd<'_>, v6: bool, uncut: bool) -> io::Result<()> {
    if v6 {
        return set_dont_fragment(fd, true, false);
    }
    let mode = if uncut {
        libc::IP_PMTUDISC_PROBE
    } else {
        libc::IP_PMTUDISC_OMIT
    };
    socket::set_option_int(fd, libc::SOL_IP, libc::IP_MTU_DISCOVER, mode)
}

/// Receives one packet.
pub(crate) fn receive(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    let received = retry(|| socket::receive(fd, buffer, 0))?;
    let from = address::decode(received.address())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a packet without a sender"))?;
    let unknown = match from {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let (to, interface) = received
        .control()
        .find_map(local_side)
        .unwrap_or((unknown, 0));
    Ok(Received {
        start: 0,
        end: received.length,
        from,
        to,
        interface,
        truncated: received.flags & libc::MSG_TRUNC != 0,
    })
}

/// Sends one packet to `to`, from our address `from` if given.
pub(crate) fn send(
    fd: BorrowedFd<'_>,
    payload: &[u8],
    to: SocketAddr,
    from: Option<IpAddr>,
) -> io::Result<usize> {
    let address = address::encode(to);
    let from = from.map(Source::new);
    retry(|| socket::send(fd, payload, &address, from.as_ref().map(Source::control), 0))
}

/// Repeats a call that was interrupted or that was handed the ICMP error of an earlier packet. That error is also in
/// the error queue, so nothing is lost; the second failure is the call's own.
pub(crate) fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut pending = 0;
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if pending < PENDING_LIMIT && path_error::may_be_pending(&error) => {
                pending += 1
            }
            outcome => return outcome,
        }
    }
}

/// `IP_PKTINFO` or `IPV6_PKTINFO` as received.
pub(crate) fn local_side(item: Control<'_>) -> Option<(IpAddr, u32)> {
    let index = |at: usize| -> Option<u32> {
        Some(u32::from_ne_bytes(
            item.data.get(at..at + 4)?.try_into().ok()?,
        ))
    };
    match (item.level, item.kind) {
        (libc::SOL_IP, libc::IP_PKTINFO) => {
            let octets: [u8; 4] = item.data.get(8..12)?.try_into().ok()?;
            Some((octets.into(), index(0)?))
        }
        (libc::SOL_IPV6, libc::IPV6_PKTINFO) => {
            let octets: [u8; 16] = item.data.get(..16)?.try_into().ok()?;
            Some((octets.into(), index(16)?))
        }
        _ => None,
    }
}

/// `IP_PKTINFO` or `IPV6_PKTINFO` that chooses a source address and leaves the interface to routing.
#[derive(Debug)]
pub(crate) struct Source {
    v6: bool,
    data: [u8; 20],
}

impl Source {
    pub(crate) fn new(address: IpAddr) -> Self {
        let mut data = [0; 20];
        match address {
            IpAddr::V4(v4) => data[4..8].copy_from_slice(&v4.octets()),
            IpAddr::V6(v6) => data[..16].copy_from_slice(&v6.octets()),
        }
        Self {
            v6: address.is_ipv6(),
            data,
        }
    }

    pub(crate) fn control(&self) -> Control<'_> {
        let (level, kind, length) = if self.v6 {
            (libc::SOL_IPV6, libc::IPV6_PKTINFO, 20)
        } else {
            (libc::SOL_IP, libc::IP_PKTINFO, 12)
        };
        Control {
            level,
            kind,
            data: self.data.get(..length).unwrap_or_default(),
        }
    }
}

const PENDING_LIMIT: usize = 4;
