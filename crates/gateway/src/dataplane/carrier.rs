//! The sockets of one thread that carries packets.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use adit_kernel::batch::{Outer, Run, send_runs};
use adit_kernel::{EspSocket, PathError, UdpPort};
use adit_model::dataplane::Path;

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
}

impl Carrier {
    /// Binds sockets for `threads` threads, or none.
    ///
    /// # Errors
    /// [`GatewayError::Port`] with who holds the port; [`GatewayError::Kernel`] where raw sockets aren't allowed.
    pub fn bind(nat_port: u16, threads: u32, bundles: bool) -> Result<Vec<Self>, GatewayError> {
        let mut carriers = Vec::new();
        for this in 0..threads {
            carriers.push(Self {
                nat: [
                    bind_udp(unspecified(false), nat_port, bundles)?,
                    bind_udp(unspecified(true), nat_port, bundles)?,
                ],
                esp: [
                    bind_esp(unspecified(false), this, threads)?,
                    bind_esp(unspecified(true), this, threads)?,
                ],
            });
        }
        for socket in carriers.first().iter().flat_map(|c| c.nat.iter().flatten()) {
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
        let socket = self.descriptor(path).ok_or_else(no_family)?;
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
        if !way.df {
            return send_runs(socket, &envelope, octets, runs);
        }
        // There is no such thing for a single packet. The loop's messages may be cut, so it doesn't stay.
        self.set_dont_fragment(path, true)?;
        let sent = send_runs(socket, &envelope, octets, runs);
        self.set_dont_fragment(path, false)?;
        sent
    }

    fn set_dont_fragment(&self, path: &Path, on: bool) -> io::Result<()> {
        let [nat4, nat6] = &self.nat;
        let [esp4, esp6] = &self.esp;
        let (nat, esp) = if path.remote.is_ipv6() {
            (nat6, esp6)
        } else {
            (nat4, esp4)
        };
        let set = if path.udp_encap {
            nat.as_ref().map(|socket| socket.set_dont_fragment(on))
        } else {
            esp.as_ref().map(|socket| socket.set_dont_fragment(on))
        };
        set.unwrap_or(Ok(())).map_err(io::Error::other)
    }

    /// The socket that packets of `path` leave by.
    pub fn descriptor(&self, path: &Path) -> Option<BorrowedFd<'_>> {
        self.socket(if path.udp_encap {
            Slot::Nat(path.remote.is_ipv6())
        } else {
            Slot::Esp(path.remote.is_ipv6())
        })
    }

    /// The socket of a slot; `None` when this host doesn't have the family, or for a slot of the loop's.
    pub fn socket(&self, slot: Slot) -> Option<BorrowedFd<'_>> {
        let [nat4, nat6] = &self.nat;
        let [esp4, esp6] = &self.esp;
        match slot {
            Slot::Nat(v6) => Some((if v6 { nat6 } else { nat4 }).as_ref()?.as_fd()),
            Slot::Esp(v6) => Some((if v6 { esp6 } else { esp4 }).as_ref()?.as_fd()),
            Slot::Ike(_) => None,
        }
    }

    /// The oldest word of the network about what was sent from a slot.
    pub fn receive_error(&self, slot: Slot) -> Option<PathError> {
        let socket = self.socket(slot)?;
        adit_kernel::path_error::receive_error(socket)
            .ok()
            .flatten()
    }
}

fn bind_udp(
    address: IpAddr,
    port: u16,
    bundles: bool,
) -> Result<Option<Arc<UdpPort>>, GatewayError> {
    let socket = match UdpPort::bind_shared(SocketAddr::new(address, port)) {
        Ok(socket) => socket,
        // A host without IPv6 (or IPv4) works with the other alone.
        Err(error) if error.is_unsupported() => return Ok(None),
        Err(cause) => return Err(GatewayError::Port { cause }),
    };
    // The kernel caps what it doesn't want to give.
    let _ = socket.set_receive_buffer(BUFFER);
    let _ = socket.set_send_buffer(BUFFER);
    if bundles && let Err(error) = socket.set_coalescing(true) {
        tracing::info!("{error}");
    }
    Ok(Some(Arc::new(socket)))
}

fn bind_esp(address: IpAddr, this: u32, threads: u32) -> Result<Option<EspSocket>, GatewayError> {
    let socket = match EspSocket::bind(address) {
        Ok(socket) => socket,
        Err(error) if error.is_unsupported() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let _ = socket.set_receive_buffer(BUFFER);
    let _ = socket.set_send_buffer(BUFFER);
    if threads > 1 {
        socket.take_share(this, threads)?;
    }
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
