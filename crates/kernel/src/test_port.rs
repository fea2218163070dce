//! What looks like ESP and belongs to no SA: test packets that show what a path lets through.
//!
//! A socket of this kind gets copies of what comes under one SPI, plain or in UDP, behind all packet filters and beside whoever
//! has the port; and it sends packets that are as long as wanted, which nobody cuts, from the port that ESP in UDP leaves by.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::datagram;
use crate::error::{KernelError, Result};
use crate::esp_socket::ipv4_header_length;
use crate::path_error::{self, PathError};
use crate::spread;
use crate::sys::{address, socket};
use crate::xfrm::policy::let_pass;

/// A non-blocking raw socket for test packets of one SPI.
#[derive(Debug)]
pub struct TestPort {
    fd: OwnedFd,
    local: IpAddr,
    /// Our port of ESP in UDP; `None` for plain ESP.
    port: Option<u16>,
    spi: u32,
}

impl TestPort {
    /// Opens a socket in the calling thread's network namespace for what is sent to `local` under `spi`: in UDP to `port`, or
    /// plain without one. The kernel's IPsec lets what is sent here pass as it is.
    ///
    /// # Errors
    /// When CAP_NET_RAW is missing or no interface has the address.
    pub fn open(local: IpAddr, port: Option<u16>, spi: u32) -> Result<Self> {
        Self::try_open(local, port, spi).map_err(|error| {
            let error = KernelError::new("open a socket for test packets on", local, error);
            if error.is_permission() {
                error.with_hint("needs CAP_NET_RAW")
            } else {
                error
            }
        })
    }

    fn try_open(local: IpAddr, port: Option<u16>, spi: u32) -> io::Result<Self> {
        let v6 = local.is_ipv6();
        let family = if v6 { libc::AF_INET6 } else { libc::AF_INET };
        let protocol = if port.is_some() {
            libc::IPPROTO_UDP
        } else {
            libc::IPPROTO_ESP
        };
        let fd = socket::socket(family, libc::SOCK_RAW | libc::SOCK_NONBLOCK, protocol)?;
        // Nothing is to wait here that isn't meant for it, so the filter comes before the address.
        spread::take_one(fd.as_fd(), v6, port, spi)?;
        datagram::prepare(fd.as_fd(), v6)?;
        if v6 && port.is_some() {
            // A datagram of IPv6 has a checksum over its addresses, which the kernel knows.
            socket::set_option_int(fd.as_fd(), libc::SOL_IPV6, libc::IPV6_CHECKSUM, 6)?;
        }
        // Where there is no IPsec of the kernel's, there is nothing to pass.
        let _ = let_pass(fd.as_fd(), v6);
        socket::bind(fd.as_fd(), &address::encode(SocketAddr::new(local, 0)))?;
        let this = Self {
            fd,
            local,
            port,
            spi,
        };
        this.forbid_cutting(true)?;
        Ok(this)
    }

    /// Whether nobody may cut what is sent from now on, whatever is known of the path (DF); on an IPv4 path routers may else.
    ///
    /// # Errors
    /// When the kernel refuses the option.
    pub fn forbid_cutting(&self, on: bool) -> io::Result<()> {
        let (level, option, mode) = match (self.local.is_ipv6(), on) {
            (true, true) => (
                libc::SOL_IPV6,
                libc::IPV6_MTU_DISCOVER,
                libc::IPV6_PMTUDISC_PROBE,
            ),
            (true, false) => (
                libc::SOL_IPV6,
                libc::IPV6_MTU_DISCOVER,
                libc::IPV6_PMTUDISC_DONT,
            ),
            (false, true) => (libc::SOL_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE),
            (false, false) => (libc::SOL_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_OMIT),
        };
        socket::set_option_int(self.fd.as_fd(), level, option, mode)
    }

    /// Octets of the headers around what is sent: IP, and UDP.
    #[must_use]
    pub fn headers(&self) -> usize {
        let ip = if self.local.is_ipv6() { 40 } else { 20 };
        ip + if self.port.is_some() { UDP_HEADER } else { 0 }
    }

    /// Sends `content` behind the SPI to `to`; its port counts in UDP only.
    ///
    /// # Errors
    /// `EMSGSIZE` when it is longer than the link takes, `EPERM` when a packet filter of this host drops it.
    pub fn send(&self, content: &[u8], to: SocketAddr) -> io::Result<()> {
        let mut packet = Vec::with_capacity(UDP_HEADER + SPI + content.len());
        if let Some(port) = self.port {
            let length = u16::try_from(UDP_HEADER + SPI + content.len())
                .map_err(|_| io::Error::from_raw_os_error(libc::EMSGSIZE))?;
            packet.extend(port.to_be_bytes());
            packet.extend(to.port().to_be_bytes());
            packet.extend(length.to_be_bytes());
            // None over IPv4, as ESP in UDP has it (RFC 3948 2.1).
            packet.extend([0; 2]);
        }
        packet.extend(self.spi.to_be_bytes());
        packet.extend(content);
        // The port of a raw socket's address is its protocol.
        let to = SocketAddr::new(to.ip(), 0);
        datagram::send(self.fd.as_fd(), &packet, to, Some(self.local)).map(drop)
    }

    /// Receives what has come: who sent it, and the content behind the SPI.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when nothing waits.
    pub fn receive<'b>(&self, buffer: &'b mut [u8]) -> io::Result<(IpAddr, &'b [u8])> {
        let received = datagram::receive(self.fd.as_fd(), buffer)?;
        let packet = received.payload(buffer);
        let header = if self.local.is_ipv6() {
            0
        } else {
            ipv4_header_length(packet).unwrap_or(0)
        };
        let udp = if self.port.is_some() { UDP_HEADER } else { 0 };
        let content = packet.get(header + udp + SPI..).unwrap_or_default();
        Ok((received.from.ip(), content))
    }

    /// The oldest word of the network about a packet of this kind that went from here to `to`; `None` when there is none. The
    /// kernel tells every raw socket of the protocol, so words about others are passed over.
    ///
    /// # Errors
    /// Only when the descriptor is broken.
    pub fn receive_error(&self, to: SocketAddr) -> io::Result<Option<PathError>> {
        let mut original = [0; 64];
        while let Some((error, length)) =
            path_error::receive_error_with(self.fd.as_fd(), &mut original)?
        {
            let quoted = original.get(..length).unwrap_or_default();
            if error.destination.is_some_and(|d| d.ip() == to.ip()) && self.is_ours(quoted, to) {
                return Ok(Some(error));
            }
        }
        Ok(None)
    }

    /// Whether a quoted packet is one of this socket's. Routers that quote eight octets don't show the SPI in UDP.
    fn is_ours(&self, quoted: &[u8], to: SocketAddr) -> bool {
        let spi = self.spi.to_be_bytes();
        match self.port {
            None => quoted.starts_with(&spi),
            Some(port) => {
                let ports = [port.to_be_bytes(), to.port().to_be_bytes()].concat();
                quoted.starts_with(&ports)
                    && quoted
                        .get(UDP_HEADER..UDP_HEADER + SPI)
                        .is_none_or(|quoted| quoted == spi)
            }
        }
    }
}

impl AsFd for TestPort {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

const UDP_HEADER: usize = 8;
const SPI: usize = 4;
