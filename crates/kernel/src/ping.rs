//! One echo: is the host there, and if not, who says so?

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::error::{KernelError, Result};
use crate::esp_socket::ipv4_header_length;
use crate::path_error::{self, PathError};
use crate::sys::{address, socket};

/// How to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingOptions {
    /// Our address to ask from; `None`: routing chooses.
    pub source: Option<IpAddr>,
    /// How long to wait for an answer.
    pub timeout: Duration,
    /// Bytes of payload after the 8 of the ICMP header.
    pub size: usize,
    /// Whether routers may not fragment the request.
    pub dont_fragment: bool,
    /// The only interface that it leaves by and that its answer comes in by, whatever the routes say; `None`: any.
    pub device: Option<String>,
    /// Whether it passes the kernel's IPsec policies as it is, where that is permitted.
    pub bypass_ipsec: bool,
}

impl Default for PingOptions {
    fn default() -> Self {
        Self {
            source: None,
            timeout: Duration::from_secs(1),
            size: 56,
            dont_fragment: false,
            device: None,
            bypass_ipsec: false,
        }
    }
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PingOutcome {
    /// The host answered.
    Reply {
        /// Round-trip time.
        rtt: Duration,
    },
    /// The network answered instead.
    Error(PathError),
    /// Nobody answered in time.
    Timeout,
}

/// Sends one echo request from the calling thread's network namespace and waits for what comes back. Works without
/// privileges where `net.ipv4.ping_group_range` allows.
///
/// # Errors
/// When neither CAP_NET_RAW nor the sysctl permits it, when there is no route, or a packet filter of this host drops
/// the request (`EPERM`).
pub fn ping(destination: IpAddr, options: &PingOptions) -> Result<PingOutcome> {
    let fail = |error: io::Error| KernelError::new("ping", destination, error);
    let v6 = destination.is_ipv6();
    let (fd, raw) = open(v6).map_err(|error| {
        let error = fail(error);
        if error.is_permission() {
            error.with_hint("needs CAP_NET_RAW, or this group in net.ipv4.ping_group_range")
        } else {
            error
        }
    })?;
    path_error::enable(fd.as_fd(), v6).map_err(fail)?;
    let cutting = if options.dont_fragment {
        crate::datagram::set_dont_fragment(fd.as_fd(), v6, true)
    } else {
        // What this host remembers of the path isn't what is asked about.
        crate::datagram::mind_the_path(fd.as_fd(), v6, false)
    };
    cutting.map_err(fail)?;
    if let Some(device) = &options.device {
        let level = libc::SOL_SOCKET;
        socket::set_option(fd.as_fd(), level, libc::SO_BINDTODEVICE, device.as_bytes())
            .map_err(fail)?;
    }
    if options.bypass_ipsec {
        // Without XFRM, or without CAP_NET_ADMIN, it is an echo like any other.
        let _ = crate::xfrm::policy::let_pass(fd.as_fd(), v6);
    }
    if let Some(source) = options.source {
        socket::bind(fd.as_fd(), &address::encode(SocketAddr::new(source, 0))).map_err(fail)?;
    }
    socket::connect(
        fd.as_fd(),
        &address::encode(SocketAddr::new(destination, 0)),
    )
    .map_err(fail)?;

    let mark = Mark::fresh(raw);
    let started = Instant::now();
    match socket::send(fd.as_fd(), &request(v6, &mark, options.size), &[], None, 0) {
        Ok(_) => {}
        Err(error) if error.raw_os_error() == Some(libc::EMSGSIZE) => {
            if let Some((error, _)) =
                path_error::receive_error_with(fd.as_fd(), &mut [0; 64]).map_err(fail)?
            {
                return Ok(PingOutcome::Error(error));
            }
            return Err(fail(error));
        }
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => {
            return Err(fail(error).with_hint("a packet filter of this host drops the request"));
        }
        Err(error) => return Err(fail(error)),
    }
    wait(&fd, v6, &mark, started, options.timeout).map_err(fail)
}

/// What tells our echo from everybody else's.
#[derive(Debug)]
struct Mark {
    /// The identifier; `None` where the kernel sets and checks it (ping sockets).
    identifier: Option<u16>,
    sequence: u16,
}

impl Mark {
    fn fresh(raw: bool) -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(1);
        Self {
            identifier: raw.then(|| std::process::id() as u16),
            sequence: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Whether an ICMP message of type `kind` bears this mark.
    fn is_on(&self, message: &[u8], kind: u8) -> bool {
        let field = |at: usize| -> Option<u16> {
            Some(u16::from_be_bytes(
                message.get(at..at + 2)?.try_into().ok()?,
            ))
        };
        message.first() == Some(&kind)
            && self
                .identifier
                .is_none_or(|wanted| field(4) == Some(wanted))
            && field(6) == Some(self.sequence)
    }
}

/// A raw socket, or the kernel's ping socket for those without privileges; whether it is raw.
fn open(v6: bool) -> io::Result<(OwnedFd, bool)> {
    let (family, protocol) = if v6 {
        (libc::AF_INET6, libc::IPPROTO_ICMPV6)
    } else {
        (libc::AF_INET, libc::IPPROTO_ICMP)
    };
    match socket::socket(family, libc::SOCK_RAW | libc::SOCK_NONBLOCK, protocol) {
        Ok(fd) => Ok((fd, true)),
        Err(refused) => socket::socket(family, libc::SOCK_DGRAM | libc::SOCK_NONBLOCK, protocol)
            .map(|fd| (fd, false))
            .map_err(|_| refused),
    }
}

fn request(v6: bool, mark: &Mark, size: usize) -> Vec<u8> {
    let mut message = vec![if v6 { ECHO_V6 } else { ECHO_V4 }, 0, 0, 0];
    message.extend(mark.identifier.unwrap_or(0).to_be_bytes());
    message.extend(mark.sequence.to_be_bytes());
    message.extend((0..size).map(|at| at as u8));
    // The kernel fills in the ICMPv6 checksum, which covers the addresses.
    if !v6 {
        let sum = checksum(&message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    message
}

fn wait(
    fd: &OwnedFd,
    v6: bool,
    mark: &Mark,
    started: Instant,
    timeout: Duration,
) -> io::Result<PingOutcome> {
    let (asked, answered) = if v6 {
        (ECHO_V6, REPLY_V6)
    } else {
        (ECHO_V4, REPLY_V4)
    };
    let mut buffer = vec![0u8; 65_536];
    loop {
        match socket::receive(fd.as_fd(), &mut buffer, 0) {
            Ok(received) => {
                let packet = buffer.get(..received.length).unwrap_or_default();
                // An IPv4 raw socket shows the IP header; an ICMP message never begins with 0x4*.
                let header = if v6 {
                    0
                } else {
                    ipv4_header_length(packet).unwrap_or(0)
                };
                if mark.is_on(packet.get(header..).unwrap_or_default(), answered) {
                    return Ok(PingOutcome::Reply {
                        rtt: started.elapsed(),
                    });
                }
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if path_error::may_be_pending(&error) => {}
            Err(error) => return Err(error),
        }
        while let Some((error, length)) = path_error::receive_error_with(fd.as_fd(), &mut buffer)? {
            if mark.is_on(buffer.get(..length).unwrap_or_default(), asked) {
                return Ok(PingOutcome::Error(error));
            }
        }
        let left = timeout.saturating_sub(started.elapsed());
        if left.is_zero() {
            return Ok(PingOutcome::Timeout);
        }
        let left = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        match poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&left)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for pair in bytes.chunks(2) {
        let high = u32::from(pair.first().copied().unwrap_or(0));
        let low = u32::from(pair.get(1).copied().unwrap_or(0));
        sum += high << 8 | low;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

const ECHO_V4: u8 = 8;
const REPLY_V4: u8 = 0;
const ECHO_V6: u8 = 128;
const REPLY_V6: u8 = 129;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_checks_and_bears_its_mark() {
        let mark = Mark {
            identifier: Some(0x1234),
            sequence: 7,
        };
        let message = request(false, &mark, 9);
        assert_eq!(message.len(), 17);
        // A message with its checksum in place sums up to zero.
        assert_eq!(checksum(&message), 0);
        assert!(mark.is_on(&message, ECHO_V4));
        assert!(!mark.is_on(&message, REPLY_V4));
        assert!(!mark.is_on(&message[..7], ECHO_V4));
        let other = Mark {
            identifier: Some(0x1234),
            sequence: 8,
        };
        assert!(!other.is_on(&message, ECHO_V4));
    }
}
