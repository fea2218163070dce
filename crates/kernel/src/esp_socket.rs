//! Plain ESP: IP protocol 50 without UDP around it (RFC 4303).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use crate::datagram::{self, Received};
use crate::error::{KernelError, Result};
use crate::path_error::{self, PathError};
use crate::spread;
use crate::sys::{address, socket};

/// A non-blocking socket that gets every ESP packet sent to `local` and sends ESP packets from it.
#[derive(Debug)]
pub struct EspSocket {
    fd: OwnedFd,
    local: IpAddr,
}

impl EspSocket {
    /// Opens a socket in the calling thread's network namespace; the unspecified address stands for all of its family.
    ///
    /// # Errors
    /// When CAP_NET_RAW is missing or no interface has the address.
    pub fn bind(local: IpAddr) -> Result<Self> {
        let fail = |error: io::Error| {
            let error = KernelError::new("open the ESP socket on", local, error);
            if error.is_permission() {
                error.with_hint("needs CAP_NET_RAW")
            } else {
                error
            }
        };
        let family = if local.is_ipv6() {
            libc::AF_INET6
        } else {
            libc::AF_INET
        };
        let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK;
        let fd = socket::socket(family, kind, libc::IPPROTO_ESP).map_err(fail)?;
        datagram::prepare(fd.as_fd(), local.is_ipv6()).map_err(fail)?;
        socket::bind(fd.as_fd(), &address::encode(SocketAddr::new(local, 0))).map_err(fail)?;
        Ok(Self { fd, local })
    }

    /// The address it is bound to.
    pub fn local(&self) -> IpAddr {
        self.local
    }

    /// Asks for a receive buffer of `bytes`; without CAP_NET_ADMIN the kernel caps it at `net.core.rmem_max`. Returns
    /// what it granted.
    ///
    /// # Errors
    /// When the kernel refuses the option.
    pub fn set_receive_buffer(&self, bytes: u32) -> Result<u32> {
        datagram::set_receive_buffer(self.fd.as_fd(), bytes).map_err(|error| {
            KernelError::new(
                "size the receive buffer of the ESP socket on",
                self.local,
                error,
            )
        })
    }

    /// Asks for a send buffer of `bytes`, under the same conditions.
    ///
    /// # Errors
    /// When the kernel refuses the option.
    pub fn set_send_buffer(&self, bytes: u32) -> Result<u32> {
        datagram::set_send_buffer(self.fd.as_fd(), bytes).map_err(|error| {
            KernelError::new(
                "size the send buffer of the ESP socket on",
                self.local,
                error,
            )
        })
    }

    /// Takes only the SPIs that are `this` modulo `sockets`: every socket of this kind would get every packet else.
    ///
    /// # Errors
    /// When the kernel refuses the filter.
    pub fn take_share(&self, this: u32, sockets: u32) -> Result<()> {
        spread::take_share(self.fd.as_fd(), self.local.is_ipv6(), this, sockets)
            .map_err(|error| KernelError::new("filter by SPI the ESP socket on", self.local, error))
    }

    /// Receives one ESP packet; [`Received::payload`] begins at its SPI.
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when none waits; [`io::ErrorKind::InvalidData`] for an impossible IPv4 header.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<Received> {
        let mut received = datagram::receive(self.fd.as_fd(), buffer)?;
        if received.from.is_ipv4() {
            received.start = ipv4_header_length(received.payload(buffer)).ok_or_else(|| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    "an IPv4 header longer than its packet",
                )
            })?;
        }
        received.from.set_port(0);
        Ok(received)
    }

    /// Sends one ESP packet, from our address `from` if given.
    ///
    /// # Errors
    /// As for [`crate::udp::UdpPort::send`].
    pub fn send(&self, packet: &[u8], to: IpAddr, from: Option<IpAddr>) -> io::Result<usize> {
        datagram::send(self.fd.as_fd(), packet, SocketAddr::new(to, 0), from)
    }

    /// As [`crate::UdpPort::mind_the_path`].
    ///
    /// # Errors
    /// When the kernel refuses the option.
    pub fn mind_the_path(&self, uncut: bool) -> Result<()> {
        datagram::mind_the_path(self.fd.as_fd(), self.local.is_ipv6(), uncut).map_err(|error| {
            KernelError::new(
                "set path MTU discovery on the ESP socket on",
                self.local,
                error,
            )
        })
    }

    /// Takes no packets, only reports of errors: every socket of this kind would get every packet else.
    ///
    /// # Errors
    /// When the kernel refuses the filter.
    pub fn take_nothing(&self) -> Result<()> {
        spread::take_nothing(self.fd.as_fd())
            .map_err(|error| KernelError::new("filter out the ESP socket on", self.local, error))
    }

    /// The oldest error report about something sent from here; `None` when there is none.
    ///
    /// # Errors
    /// Only when the descriptor is broken.
    pub fn receive_error(&self) -> io::Result<Option<PathError>> {
        path_error::receive_error(self.fd.as_fd())
    }
}

impl AsFd for EspSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for EspSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

/// Length of the IPv4 header that Linux leaves before a raw packet's payload.
#[must_use]
pub fn ipv4_header_length(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    let length = usize::from(first & 0x0f) * 4;
    (first >> 4 == 4 && length >= 20 && length <= packet.len()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_ipv4_header_is_stripped() {
        let mut packet = [0u8; 28];
        packet[0] = 0x46;
        assert_eq!(ipv4_header_length(&packet), Some(24));
        assert_eq!(ipv4_header_length(&packet[..23]), None);
        packet[0] = 0x44;
        assert_eq!(ipv4_header_length(&packet), None);
        packet[0] = 0x65;
        assert_eq!(ipv4_header_length(&packet), None);
        assert_eq!(ipv4_header_length(&[]), None);
    }
}
