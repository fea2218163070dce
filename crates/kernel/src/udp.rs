//! UDP ports for IKE and for ESP in UDP.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use crate::datagram::{self, Received};
use crate::error::{KernelError, Result};
use crate::path_error::{self, PathError};
use crate::port_holder;
use crate::spread;
use crate::sys::{address, socket};
use crate::xfrm::policy::let_pass;

/// A bound, non-blocking UDP port that knows the local address of each datagram and keeps the network's error reports.
#[derive(Debug)]
pub struct UdpPort {
    fd: OwnedFd,
    local: SocketAddr,
}

impl UdpPort {
    /// Binds a port in the calling thread's network namespace. An IPv6 address takes IPv6 only; the two families are
    /// bound side by side.
    ///
    /// # Errors
    /// A taken port says who holds it; a low port without CAP_NET_BIND_SERVICE says so.
    pub fn bind(local: SocketAddr) -> Result<Self> {
        Self::bind_with(local, false)
    }

    /// Binds so many sockets, one at least, to one port that nobody else has. What arrives is spread over them; see
    /// [`Self::share_by_spi`].
    ///
    /// # Errors
    /// As [`Self::bind`], also where the holder would share the port.
    pub fn bind_several(local: SocketAddr, sockets: usize) -> Result<Vec<Self>> {
        // Sockets that share a port take in any other of the same user that wants to share it, and it takes in them. So
        // the first comes as one that doesn't share, and only then opens to the others.
        let first = Self::bind(local)?;
        let local = first.local;
        if sockets > 1 {
            socket::set_option_int(first.as_fd(), libc::SOL_SOCKET, libc::SO_REUSEPORT, 1)
                .map_err(|error| KernelError::new("share the UDP port", local, error))?;
        }
        let others = (1..sockets).map(|_| Self::bind_with(local, true));
        std::iter::once(Ok(first)).chain(others).collect()
    }

    fn bind_with(local: SocketAddr, shared: bool) -> Result<Self> {
        let what = "bind the UDP port";
        let fail = |error: io::Error| {
            let errno = error.raw_os_error();
            let error = KernelError::new(what, local, error);
            match errno {
                Some(libc::EADDRINUSE) => match port_holder::describe(local.port()) {
                    Some(holder) => error.with_hint(format!("held by {holder}")),
                    None => error,
                },
                Some(libc::EACCES) => error.with_hint("ports below 1024 need CAP_NET_BIND_SERVICE"),
                _ => error,
            }
        };
        let family = if local.is_ipv6() {
            libc::AF_INET6
        } else {
            libc::AF_INET
        };
        let kind = libc::SOCK_DGRAM | libc::SOCK_NONBLOCK;
        let fd = socket::socket(family, kind, libc::IPPROTO_UDP).map_err(fail)?;
        if local.is_ipv6() {
            socket::set_option_int(fd.as_fd(), libc::SOL_IPV6, libc::IPV6_V6ONLY, 1)
                .map_err(fail)?;
        }
        datagram::prepare(fd.as_fd(), local.is_ipv6()).map_err(fail)?;
        if shared {
            socket::set_option_int(fd.as_fd(), libc::SOL_SOCKET, libc::SO_REUSEPORT, 1)
                .map_err(fail)?;
        }
        socket::bind(fd.as_fd(), &address::encode(local)).map_err(fail)?;
        let bound = socket::local_address(fd.as_fd()).map_err(fail)?;
        let local = address::decode(&bound).unwrap_or(local);
        Ok(Self { fd, local })
    }

    /// The address and port it is bound to.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Forbids (or allows again) fragmentation of what is sent; a datagram beyond the known path MTU then fails with
    /// `EMSGSIZE`.
    ///
    /// # Errors
    /// When the kernel refuses the option.
    pub fn set_dont_fragment(&self, on: bool) -> Result<()> {
        datagram::set_dont_fragment(self.fd.as_fd(), self.local.is_ipv6(), on).map_err(|error| {
            KernelError::new("set don't-fragment on the UDP port", self.local, error)
        })
    }

    /// Has the sender mind how long packets may be on the path, which [`Self::receive_error`] tells. What routers have said
    /// counts for nothing here: IPv4 packets are cut by what the link takes, and with `uncut` by nobody. Over IPv6 only
    /// senders cut, so the kernel goes on to do so.
    ///
    /// # Errors
    /// When the kernel refuses the option.
    pub fn mind_the_path(&self, uncut: bool) -> Result<()> {
        datagram::mind_the_path(self.fd.as_fd(), self.local.is_ipv6(), uncut).map_err(|error| {
            KernelError::new("set path MTU discovery on the UDP port", self.local, error)
        })
    }

    /// Has what is sent here go the way of this host's other packets, into tunnels too, and not that of the gateway's own.
    ///
    /// # Errors
    /// When the kernel refuses the option.
    pub fn go_with_others(&self) -> Result<()> {
        socket::set_option_int(self.fd.as_fd(), libc::SOL_SOCKET, libc::SO_MARK, 0)
            .map_err(|error| KernelError::new("take the mark off the UDP port", self.local, error))
    }

    /// Asks for a receive buffer of `bytes`; without CAP_NET_ADMIN the kernel caps it at `net.core.rmem_max`. Returns
    /// what it granted.
    ///
    /// # Errors
    /// When the kernel refuses the option.
    pub fn set_receive_buffer(&self, bytes: u32) -> Result<u32> {
        datagram::set_receive_buffer(self.fd.as_fd(), bytes).map_err(|error| {
            KernelError::new("size the receive buffer of UDP port", self.local, error)
        })
    }

    /// Has what is sent and received here pass as it is, whatever the kernel's IPsec policies say: key exchange isn't
    /// caught by the tunnels that it makes.
    ///
    /// # Errors
    /// When the kernel has no XFRM, or CAP_NET_ADMIN is missing.
    pub fn bypass_ipsec(&self) -> Result<()> {
        let_pass(self.fd.as_fd(), self.local.is_ipv6()).map_err(|error| {
            KernelError::new("let IKE pass IPsec policies on UDP port", self.local, error)
        })
    }

    /// Has the kernel take ESP in UDP (RFC 3948) out of what arrives here and open it by its own states; only IKE
    /// is received then, still with its marker.
    ///
    /// # Errors
    /// When the kernel doesn't encapsulate ESP in UDP of this address family (IPv6: before Linux 5.8).
    pub fn open_esp_in_udp(&self) -> Result<()> {
        socket::set_option_int(self.fd.as_fd(), libc::SOL_UDP, UDP_ENCAP, ESP_IN_UDP).map_err(
            |error| KernelError::new("have the kernel open ESP in UDP on port", self.local, error),
        )
    }

    /// Asks for a send buffer of `bytes`, under the same conditions.
    ///
    /// # Errors
    /// When the kernel refuses the option.
    pub fn set_send_buffer(&self, bytes: u32) -> Result<u32> {
        datagram::set_send_buffer(self.fd.as_fd(), bytes).map_err(|error| {
            KernelError::new("size the send buffer of UDP port", self.local, error)
        })
    }

    /// Has the kernel put datagrams of one sender together (`UDP_GRO`), or not any more. They have to be received with
    /// [`crate::batch::Inbox`] then.
    ///
    /// # Errors
    /// When the kernel doesn't know the option.
    pub fn set_coalescing(&self, on: bool) -> Result<()> {
        socket::set_option_int(self.fd.as_fd(), libc::SOL_UDP, libc::UDP_GRO, i32::from(on))
            .map_err(|error| KernelError::new("set UDP_GRO on the UDP port", self.local, error))
    }

    /// Spreads what arrives for a port that `sockets` share by the first four octets, which are the SPI of ESP: one SA
    /// has one socket, whoever sends. IKE (RFC 3948's marker of zeroes) and keepalives have the first that was bound; those
    /// bound after the first `sockets` have nothing.
    /// Without this the kernel spreads by addresses and ports. To be called on one of them when all are bound.
    ///
    /// # Errors
    /// When the kernel doesn't know the option.
    pub fn share_by_spi(&self, sockets: u32) -> Result<()> {
        spread::share_by_spi(self.fd.as_fd(), sockets)
            .map_err(|error| KernelError::new("spread by SPI the UDP port", self.local, error))
    }

    /// Receives one datagram.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when none waits. Error reports never surface here; see [`Self::receive_error`].
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        datagram::receive(self.fd.as_fd(), buffer)
    }

    /// Sends one datagram, from our address `from` if given.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when the send buffer is full; `ENETUNREACH` without a route; `EMSGSIZE`; `EPERM`
    /// when a packet filter of this host drops it.
    pub fn send(&self, payload: &[u8], to: SocketAddr, from: Option<IpAddr>) -> io::Result<usize> {
        datagram::send(self.fd.as_fd(), payload, to, from)
    }

    /// The oldest error report about something sent from here; `None` when there is none. A descriptor with reports
    /// polls as readable with an error.
    ///
    /// # Errors
    /// Only when the descriptor is broken.
    pub fn receive_error(&self) -> io::Result<Option<PathError>> {
        path_error::receive_error(self.fd.as_fd())
    }
}

impl AsFd for UdpPort {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for UdpPort {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

const UDP_ENCAP: i32 = 100;
/// UDP_ENCAP_ESPINUDP.
const ESP_IN_UDP: i32 = 2;
