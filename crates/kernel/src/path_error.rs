//! What the network answers instead of the peer: ICMP errors, read from a socket's error queue.
//!
//! ICMP isn't authenticated (RFC 7296 section 2.4): these are clues for a diagnosis, never a reason to take a tunnel down.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::BorrowedFd;

use crate::sys::address;
use crate::sys::socket::{self, Control};

/// The meaning of an error report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PathErrorKind {
    /// Nothing listens on the port.
    PortUnreachable,
    /// The host doesn't answer on its last link.
    HostUnreachable,
    /// No route to its network.
    NetUnreachable,
    /// The host doesn't speak the protocol (plain ESP refused).
    ProtocolUnreachable,
    /// A filter refused the packet and says so.
    AdminProhibited,
    /// The packet was too big for a link.
    FragNeeded {
        /// The largest that fits, bytes; 0 when the router didn't say.
        mtu: u32,
    },
    /// Time to live or hop limit ran out: a routing loop.
    TimeExceeded,
    /// Anything else, as numbers.
    Other {
        /// ICMP or ICMPv6 type; 0 for errors of this host.
        icmp_type: u8,
        /// ICMP or ICMPv6 code.
        icmp_code: u8,
        /// The kernel's translation.
        errno: i32,
    },
}

/// One error report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathError {
    /// What it means.
    pub kind: PathErrorKind,
    /// Who sent the ICMP message; `None` when this host itself found the error.
    pub offender: Option<IpAddr>,
    /// Where the packet was going; the port is 0 for protocols without ports.
    pub destination: Option<SocketAddr>,
    /// The first four octets of the packet's payload, as far as they are quoted: the SPI of an ESP packet.
    pub quoted: Option<[u8; 4]>,
}

/// The oldest report in the error queue of a socket that asked for reports (as [`crate::udp::UdpPort`],
/// [`crate::esp_socket::EspSocket`] and pings do); `None` when the queue is empty.
///
/// # Errors
/// When the descriptor isn't a socket.
pub fn receive_error(fd: BorrowedFd<'_>) -> io::Result<Option<PathError>> {
    let mut original = [0u8; 64];
    Ok(
        receive_error_with(fd, &mut original)?.map(|(mut error, length)| {
            let payload = original.get(..length).unwrap_or_default();
            error.quoted = payload.first_chunk().copied();
            error
        }),
    )
}

/// As [`receive_error`]; the beginning of the packet's payload goes to `original`, and its length is returned too.
pub(crate) fn receive_error_with(
    fd: BorrowedFd<'_>,
    original: &mut [u8],
) -> io::Result<Option<(PathError, usize)>> {
    loop {
        let received = match socket::receive(fd, original, libc::MSG_ERRQUEUE | libc::MSG_DONTWAIT)
        {
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let destination = address::decode(received.address());
        if let Some(error) = received.control().find_map(|item| parse(item, destination)) {
            return Ok(Some((error, received.length)));
        }
    }
}

/// Asks the kernel to queue error reports for a socket.
pub(crate) fn enable(fd: BorrowedFd<'_>, v6: bool) -> io::Result<()> {
    if v6 {
        socket::set_option_int(fd, libc::SOL_IPV6, libc::IPV6_RECVERR, 1)
    } else {
        socket::set_option_int(fd, libc::SOL_IP, libc::IP_RECVERR, 1)
    }
}

/// Whether `error` may be an ICMP report of an earlier packet, which the kernel hands to the next call on the socket.
pub(crate) fn may_be_pending(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::ECONNREFUSED
                | libc::EHOSTUNREACH
                | libc::ENETUNREACH
                | libc::EHOSTDOWN
                | libc::ENOPROTOOPT
                | libc::EMSGSIZE
                | libc::EPROTO
                | libc::EACCES
        )
    )
}

/// Reads `struct sock_extended_err` and the offender's address behind it.
fn parse(item: Control<'_>, destination: Option<SocketAddr>) -> Option<PathError> {
    let report = matches!(
        (item.level, item.kind),
        (libc::SOL_IP, libc::IP_RECVERR) | (libc::SOL_IPV6, libc::IPV6_RECVERR)
    );
    if !report {
        return None;
    }
    let number = |at: usize| -> Option<u32> {
        Some(u32::from_ne_bytes(
            item.data.get(at..at + 4)?.try_into().ok()?,
        ))
    };
    let errno = number(0)?.cast_signed();
    let (origin, icmp_type, icmp_code) =
        (*item.data.get(4)?, *item.data.get(5)?, *item.data.get(6)?);
    let info = number(8)?;
    let other = PathErrorKind::Other {
        icmp_type,
        icmp_code,
        errno,
    };
    let kind = match origin {
        ORIGIN_LOCAL if errno == libc::EMSGSIZE => PathErrorKind::FragNeeded { mtu: info },
        ORIGIN_LOCAL if errno == libc::EHOSTUNREACH => PathErrorKind::HostUnreachable,
        ORIGIN_LOCAL if errno == libc::ENETUNREACH => PathErrorKind::NetUnreachable,
        ORIGIN_ICMP => match (icmp_type, icmp_code) {
            (3, 0 | 6 | 11) => PathErrorKind::NetUnreachable,
            (3, 1 | 5 | 7 | 8 | 12) => PathErrorKind::HostUnreachable,
            (3, 2) => PathErrorKind::ProtocolUnreachable,
            (3, 3) => PathErrorKind::PortUnreachable,
            (3, 4) => PathErrorKind::FragNeeded { mtu: info },
            (3, 9 | 10 | 13) => PathErrorKind::AdminProhibited,
            (11, _) => PathErrorKind::TimeExceeded,
            _ => other,
        },
        ORIGIN_ICMP6 => match (icmp_type, icmp_code) {
            (1, 0 | 2) => PathErrorKind::NetUnreachable,
            (1, 1 | 5 | 6) => PathErrorKind::AdminProhibited,
            (1, 3) => PathErrorKind::HostUnreachable,
            (1, 4) => PathErrorKind::PortUnreachable,
            (2, _) => PathErrorKind::FragNeeded { mtu: info },
            (3, _) => PathErrorKind::TimeExceeded,
            (4, 1) => PathErrorKind::ProtocolUnreachable,
            _ => other,
        },
        _ => other,
    };
    Some(PathError {
        kind,
        offender: item
            .data
            .get(16..)
            .and_then(address::decode)
            .map(|offender| offender.ip()),
        destination,
        quoted: None,
    })
}

const ORIGIN_LOCAL: u8 = 1;
const ORIGIN_ICMP: u8 = 2;
const ORIGIN_ICMP6: u8 = 3;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn report(origin: u8, icmp_type: u8, icmp_code: u8, info: u32) -> Vec<u8> {
        let mut data = libc::ECONNREFUSED.to_ne_bytes().to_vec();
        data.extend([origin, icmp_type, icmp_code, 0]);
        data.extend(info.to_ne_bytes());
        data.extend([0; 4]);
        data.extend(&*address::encode("192.0.2.9:0".parse().unwrap()));
        data
    }

    fn read(data: &[u8]) -> Option<PathError> {
        let item = Control {
            level: libc::SOL_IP,
            kind: libc::IP_RECVERR,
            data,
        };
        parse(item, None)
    }

    #[test]
    fn icmp_types_get_their_meaning() {
        let kind = |origin, icmp_type, icmp_code, info| {
            read(&report(origin, icmp_type, icmp_code, info))
                .unwrap()
                .kind
        };
        assert_eq!(kind(ORIGIN_ICMP, 3, 3, 0), PathErrorKind::PortUnreachable);
        let big = PathErrorKind::FragNeeded { mtu: 1280 };
        assert_eq!(kind(ORIGIN_ICMP, 3, 4, 1280), big);
        assert_eq!(kind(ORIGIN_ICMP, 3, 13, 0), PathErrorKind::AdminProhibited);
        assert_eq!(kind(ORIGIN_ICMP6, 1, 3, 0), PathErrorKind::HostUnreachable);
        assert_eq!(kind(ORIGIN_ICMP6, 2, 0, 1280), big);
    }

    #[test]
    fn the_offender_is_named_and_short_reports_are_ignored() {
        let full = report(ORIGIN_ICMP, 3, 1, 0);
        let offender = read(&full).unwrap().offender;
        assert_eq!(offender, Some("192.0.2.9".parse().unwrap()));
        for end in 0..12 {
            assert_eq!(read(&full[..end]), None);
        }
    }
}
