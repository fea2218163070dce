//! The sockets of one thread that carries packets.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use adit_kernel::batch::{Outer, Run, send_runs};
use adit_kernel::{EspSocket, PathError, UdpPort};

use crate::dataplane::outbox::Way;
use crate::error::GatewayError;
use crate::sockets::Slot;

/// A thread's sockets for ESP in UDP and for plain ESP, IPv4 first. All threads' sockets share the ports, and each gets
/// the packets of its SPIs.
#[derive(Debug)]
pub struct Carrier {
    /// ESP in UDP, with IKE beside it; the loop sends IKE from the first thread's.
    pub nat: [Option<Arc<UdpPort>>; 2],
    /// Plain ESP.
    pub esp: [Option<EspSocket>; 2],
    /// ESP in UDP that routers must not cut.
    nat_uncut: Option<UdpPort>,
    /// Plain ESP that routers must not cut.
    esp_uncut: Option<EspSocket>,
    /// Whether it is the first thread's.
    first: bool,
}

/// One of a thread's sockets. Whether routers may cut a packet (DF of IPv4) is a matter of the socket that it leaves by, and
/// not of the packet, so there is one of each kind; in IPv6 no router cuts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Socket {
    /// What it is for.
    pub slot: Slot,
    /// What leaves by it mustn't be cut. Nothing arrives there but reports of errors, unless the kernel can't spread by SPI.
    pub uncut: bool,
}

impl Socket {
    /// All that a thread has.
    pub const ALL: [Self; 6] = [
        Self::new(Slot::Nat(false), false),
        Self::new(Slot::Nat(true), false),
        Self::new(Slot::Esp(false), false),
        Self::new(Slot::Esp(true), false),
        Self::new(Slot::Nat(false), true),
        Self::new(Slot::Esp(false), true),
    ];

    const fn new(slot: Slot, uncut: bool) -> Self {
        Self { slot, uncut }
    }

    /// The one that packets going this way leave by.
    fn of(way: &Way) -> Self {
        let v6 = way.path.remote.is_ipv6();
        let slot = if way.path.udp_encap {
            Slot::Nat(v6)
        } else {
            Slot::Esp(v6)
        };
        Self::new(slot, way.df && !v6)
    }
}

impl Carrier {
    /// With one socket, for ESP in UDP over IPv6.
    #[cfg(test)]
    pub fn of_v6(nat: UdpPort) -> Self {
        Self {
            nat: [None, Some(Arc::new(nat))],
            esp: [None, None],
            nat_uncut: None,
            esp_uncut: None,
            first: true,
        }
    }

    /// Binds sockets for `threads` threads, or none.
    ///
    /// # Errors
    /// [`GatewayError::Port`] with who holds the port; [`GatewayError::Kernel`] where raw sockets aren't allowed.
    pub fn bind(nat_port: u16, threads: u32, bundles: bool) -> Result<Vec<Self>, GatewayError> {
        let count = usize::try_from(threads).unwrap_or(1);
        let mut v4 = bind_udp(unspecified(false), nat_port, 2 * count, bundles)?.into_iter();
        let mut v6 = bind_udp(unspecified(true), nat_port, count, bundles)?.into_iter();
        let mut carriers = Vec::new();
        for this in 0..threads {
            carriers.push(Self {
                nat: [v4.next().map(Arc::new), v6.next().map(Arc::new)],
                esp: [
                    bind_esp(unspecified(false), this, threads)?,
                    bind_esp(unspecified(true), this, threads)?,
                ],
                nat_uncut: None,
                esp_uncut: bind_esp_uncut(unspecified(false))?,
                first: this == 0,
            });
        }
        for (carrier, socket) in carriers.iter_mut().zip(v4) {
            socket.mind_the_path(true)?;
            carrier.nat_uncut = Some(socket);
        }
        // IPv4 has two sockets of each thread. A socket that is alone shares nothing, and the kernel refuses to spread.
        let shared = |socket: &&Arc<UdpPort>| threads > 1 || !socket.local().is_ipv6();
        let first = carriers.first();
        for socket in first
            .iter()
            .flat_map(|c| c.nat.iter().flatten())
            .filter(shared)
        {
            // Else the kernel spreads by addresses and ports, which is as right, if less even.
            if let Err(error) = socket.share_by_spi(threads) {
                tracing::info!("{error}");
            }
        }
        Ok(carriers)
    }

    /// Sends `runs` of sealed packets on their way; returns how many were taken.
    ///
    /// # Errors
    /// As [`send_runs`]; `EAFNOSUPPORT` when the host doesn't have the family.
    pub fn send(&self, way: &Way, octets: &[u8], runs: &[Run]) -> io::Result<usize> {
        let path = &way.path;
        let socket = self.way_out(way).ok_or_else(no_family)?;
        let port = if path.udp_encap {
            path.remote.port()
        } else {
            0
        };
        let envelope = Outer {
            to: SocketAddr::new(path.remote.ip(), port),
            from: Some(path.local.ip()),
            tos: way.tos,
        };
        send_runs(socket, &envelope, octets, runs)
    }

    /// The socket that packets going this way leave by.
    pub fn way_out(&self, way: &Way) -> Option<BorrowedFd<'_>> {
        self.socket(Socket::of(way))
    }

    /// One of the sockets; `None` when this host doesn't have the family, or for a slot of the loop's.
    pub fn socket(&self, socket: Socket) -> Option<BorrowedFd<'_>> {
        let [nat4, nat6] = &self.nat;
        let [esp4, esp6] = &self.esp;
        Some(match (socket.slot, socket.uncut) {
            (Slot::Nat(false), false) => nat4.as_ref()?.as_fd(),
            (Slot::Nat(false), true) => self.nat_uncut.as_ref()?.as_fd(),
            (Slot::Nat(true), _) => nat6.as_ref()?.as_fd(),
            (Slot::Esp(false), false) => esp4.as_ref()?.as_fd(),
            (Slot::Esp(false), true) => self.esp_uncut.as_ref()?.as_fd(),
            (Slot::Esp(true), _) => esp6.as_ref()?.as_fd(),
            (Slot::Ike(_), _) => return None,
        })
    }

    /// The oldest word of the network about what was sent from a socket.
    pub fn receive_error(&self, socket: Socket) -> Option<PathError> {
        let socket = self.socket(socket)?;
        adit_kernel::path_error::receive_error(socket)
            .ok()
            .flatten()
    }

    /// Whether such a word is to be passed on. What routers say about plain ESP the kernel tells every socket of the
    /// protocol, and one is enough; what this host itself finds it tells only the socket that sent.
    pub fn passes_on(&self, socket: Socket, error: &PathError) -> bool {
        let is_told_all = matches!(socket.slot, Slot::Esp(_)) && error.offender.is_some();
        !is_told_all || (self.first && !socket.uncut)
    }
}

/// So many sockets on one port; none where the host doesn't have the family: it works with the other alone.
fn bind_udp(
    address: IpAddr,
    port: u16,
    count: usize,
    bundles: bool,
) -> Result<Vec<UdpPort>, GatewayError> {
    let sockets = match UdpPort::bind_several(SocketAddr::new(address, port), count) {
        Ok(sockets) => sockets,
        Err(error) if error.is_unsupported() => return Ok(Vec::new()),
        Err(cause) => return Err(GatewayError::Port { cause }),
    };
    for socket in &sockets {
        // The kernel caps what it doesn't want to give.
        let _ = socket.set_receive_buffer(BUFFER);
        let _ = socket.set_send_buffer(BUFFER);
        socket.mind_the_path(false)?;
        if bundles && let Err(error) = socket.set_coalescing(true) {
            tracing::info!("{error}");
        }
    }
    Ok(sockets)
}

fn bind_esp(address: IpAddr, this: u32, threads: u32) -> Result<Option<EspSocket>, GatewayError> {
    let socket = match EspSocket::bind(address) {
        Ok(socket) => socket,
        Err(error) if error.is_unsupported() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let _ = socket.set_receive_buffer(BUFFER);
    let _ = socket.set_send_buffer(BUFFER);
    socket.mind_the_path(false)?;
    if threads > 1 {
        socket.take_share(this, threads)?;
    }
    Ok(Some(socket))
}

fn bind_esp_uncut(address: IpAddr) -> Result<Option<EspSocket>, GatewayError> {
    let socket = match EspSocket::bind(address) {
        Ok(socket) => socket,
        Err(error) if error.is_unsupported() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let _ = socket.set_send_buffer(BUFFER);
    socket.take_nothing()?;
    socket.mind_the_path(true)?;
    Ok(Some(socket))
}

fn unspecified(v6: bool) -> IpAddr {
    if v6 {
        std::net::Ipv6Addr::UNSPECIFIED.into()
    } else {
        std::net::Ipv4Addr::UNSPECIFIED.into()
    }
}

fn no_family() -> io::Error {
    io::Error::from_raw_os_error(libc::EAFNOSUPPORT)
}

/// Octets that may wait in a socket, each way: bursts arrive while a thread works on others.
const BUFFER: u32 = 8 << 20;

#[cfg(test)]
mod tests {
    use adit_kernel::PathErrorKind;

    use super::*;

    #[test]
    fn a_word_that_every_socket_hears_is_passed_on_once() {
        let words = |offender: Option<IpAddr>, slot| {
            let error = PathError {
                kind: PathErrorKind::HostUnreachable,
                offender,
                destination: None,
                quoted: None,
            };
            let carriers = [true, false, false].map(|first| Carrier {
                nat: [None, None],
                esp: [None, None],
                nat_uncut: None,
                esp_uncut: None,
                first,
            });
            let of_slot = || Socket::ALL.into_iter().filter(|s| s.slot == slot);
            let each = carriers.iter().flat_map(|c| of_slot().map(move |s| (c, s)));
            each.filter(|(c, s)| c.passes_on(*s, &error)).count()
        };
        let router = Some(unspecified(false));
        assert_eq!(words(router, Slot::Esp(false)), 1);
        assert_eq!(words(router, Slot::Esp(true)), 1);
        assert_eq!(words(None, Slot::Esp(false)), 6);
        assert_eq!(words(router, Slot::Nat(false)), 6, "one of them is told");
    }
}
