//! The sockets of the gateway: IKE on two UDP ports, ESP on one of them and on protocol 50, in both families.
//!
//! Reading is non-blocking and one packet at a time, so that the loop can stop after a budget; waiting is
//! [`Sockets::readable`]. What the network says about packets of ours comes out of the same slots as packets do.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use adit_kernel::{EspSocket, PathError, Received, UdpPort};
use adit_model::dataplane::Path;
use adit_wire::udp_encap::{self, NAT_KEEPALIVE};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::error::GatewayError;
use crate::watched::{Owner, watch};

/// All sockets.
#[derive(Debug)]
pub struct Sockets {
    ike: Pair<UdpPort>,
    nat: Pair<UdpPort>,
    esp: Pair<EspSocket>,
    ike_port: u16,
    nat_port: u16,
}

/// Bound sockets that aren't known to a runtime yet.
#[derive(Debug)]
pub struct Bound {
    ike: [Option<UdpPort>; 2],
    nat: [Option<UdpPort>; 2],
    esp: [Option<EspSocket>; 2],
    ike_port: u16,
    nat_port: u16,
}

/// One socket among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// UDP for IKE alone; true for IPv6.
    Ike(bool),
    /// UDP for IKE and ESP; true for IPv6.
    Nat(bool),
    /// Protocol 50; true for IPv6.
    Esp(bool),
}

/// What a socket had.
#[derive(Clone, Copy, Debug)]
pub enum Arrival {
    /// A packet, in the buffer that was handed in.
    Packet(Received),
    /// The network's word about an earlier packet of ours.
    Error(PathError),
}

/// IPv4 and IPv6 of one kind.
#[derive(Debug)]
struct Pair<T: Owner> {
    v4: Option<AsyncFd<T>>,
    v6: Option<AsyncFd<T>>,
}

impl Bound {
    /// Binds all sockets, or none; those of protocol 50 only with `raw_esp`.
    ///
    /// # Errors
    /// [`GatewayError::Port`] with who holds a port; [`GatewayError::Kernel`] where raw sockets aren't allowed.
    pub fn bind(ike_port: u16, nat_port: u16, raw_esp: bool) -> Result<Self, GatewayError> {
        let v4 = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let v6 = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let udp = |port: u16| -> Result<_, GatewayError> {
            let bind = |address| match UdpPort::bind(SocketAddr::new(address, port)) {
                Ok(socket) => Ok(Some(socket)),
                // A host without IPv6 (or IPv4) works with the other alone.
                Err(error) if error.is_unsupported() => Ok(None),
                Err(cause) => Err(GatewayError::Port { cause }),
            };
            let sockets = [bind(v4)?, bind(v6)?];
            for socket in sockets.iter().flatten() {
                // Bursts arrive while the loop works on others; the kernel caps what it doesn't want to give.
                let _ = socket.set_receive_buffer(RECEIVE_BUFFER);
            }
            Ok(sockets)
        };
        let esp = |address| match EspSocket::bind(address) {
            _ if !raw_esp => Ok(None),
            Ok(socket) => {
                let _ = socket.set_receive_buffer(RECEIVE_BUFFER);
                Ok(Some(socket))
            }
            Err(error) if error.is_unsupported() => Ok(None),
            Err(error) => Err(GatewayError::from(error)),
        };
        Ok(Self {
            ike: udp(ike_port)?,
            nat: udp(nat_port)?,
            esp: [esp(v4)?, esp(v6)?],
            ike_port,
            nat_port,
        })
    }
}

impl Sockets {
    /// Makes the sockets known to the runtime that this is called in.
    ///
    /// # Errors
    /// When the runtime can't watch one more descriptor.
    pub fn register(bound: Bound) -> io::Result<Self> {
        Ok(Self {
            ike: Pair::register(bound.ike)?,
            nat: Pair::register(bound.nat)?,
            esp: Pair::register(bound.esp)?,
            ike_port: bound.ike_port,
            nat_port: bound.nat_port,
        })
    }

    /// Waits until a socket has something.
    pub async fn readable(&self) -> Slot {
        tokio::select! {
            () = ready(&self.nat.v4) => Slot::Nat(false),
            () = ready(&self.nat.v6) => Slot::Nat(true),
            () = ready(&self.esp.v4) => Slot::Esp(false),
            () = ready(&self.esp.v6) => Slot::Esp(true),
            () = ready(&self.ike.v4) => Slot::Ike(false),
            () = ready(&self.ike.v6) => Slot::Ike(true),
        }
    }

    /// The next thing that a socket has; `None` when it is empty.
    pub fn take(&self, slot: Slot, buffer: &mut [u8]) -> Option<Arrival> {
        match slot {
            Slot::Ike(v6) => self
                .ike
                .of(v6)
                .and_then(|s| take(s, |s| s.receive(buffer), UdpPort::receive_error)),
            Slot::Nat(v6) => self
                .nat
                .of(v6)
                .and_then(|s| take(s, |s| s.receive(buffer), UdpPort::receive_error)),
            Slot::Esp(v6) => self
                .esp
                .of(v6)
                .and_then(|s| take(s, |s| s.receive(buffer), EspSocket::receive_error)),
        }
    }

    /// Our port behind a slot; 0 for protocol 50.
    #[must_use]
    pub fn port(&self, slot: Slot) -> u16 {
        match slot {
            Slot::Ike(_) => self.ike_port,
            Slot::Nat(_) => self.nat_port,
            Slot::Esp(_) => 0,
        }
    }

    /// Sends an IKE message from `local`, with the non-ESP marker where `local`'s port has ESP beside it.
    ///
    /// # Errors
    /// As of `sendmsg`; `EAFNOSUPPORT` when the host doesn't have the family.
    pub fn send_ike(
        &self,
        local: SocketAddr,
        remote: SocketAddr,
        message: &[u8],
    ) -> io::Result<()> {
        if local.port() == self.nat_port {
            let marked = udp_encap::mark_ike(message);
            self.send_udp(&self.nat, local.ip(), remote, &marked)
        } else {
            self.send_udp(&self.ike, local.ip(), remote, message)
        }
    }

    /// Sends a NAT keepalive (RFC 3948 2.3).
    ///
    /// # Errors
    /// As [`Self::send_ike`].
    pub fn send_keepalive(&self, local: SocketAddr, remote: SocketAddr) -> io::Result<()> {
        self.send_udp(&self.nat, local.ip(), remote, &NAT_KEEPALIVE)
    }

    /// Sends an ESP packet on its path.
    ///
    /// # Errors
    /// As [`Self::send_ike`].
    pub fn send_esp(&self, path: &Path, packet: &[u8]) -> io::Result<()> {
        let from = path.local.ip();
        if path.udp_encap {
            return self.send_udp(&self.nat, from, path.remote, packet);
        }
        let to = path.remote.ip();
        let socket = self.esp.of(to.is_ipv6()).ok_or_else(no_family)?;
        socket.get_ref().send(packet, to, Some(from)).map(drop)
    }

    fn send_udp(
        &self,
        pair: &Pair<UdpPort>,
        from: IpAddr,
        to: SocketAddr,
        payload: &[u8],
    ) -> io::Result<()> {
        let socket = pair.of(to.is_ipv6()).ok_or_else(no_family)?;
        socket.get_ref().send(payload, to, Some(from)).map(drop)
    }
}

impl<T: Owner> Pair<T> {
    fn register([v4, v6]: [Option<T>; 2]) -> io::Result<Self> {
        let watch = |socket: Option<T>| socket.map(|s| watch(s, READ_OR_ERROR)).transpose();
        Ok(Self {
            v4: watch(v4)?,
            v6: watch(v6)?,
        })
    }

    fn of(&self, v6: bool) -> Option<&AsyncFd<T>> {
        if v6 {
            self.v6.as_ref()
        } else {
            self.v4.as_ref()
        }
    }
}

async fn ready<T: Owner>(socket: &Option<AsyncFd<T>>) {
    let Some(socket) = socket else {
        return std::future::pending().await;
    };
    if socket.ready(READ_OR_ERROR).await.is_err() {
        // The runtime is going down.
        std::future::pending::<()>().await;
    }
}

fn take<T: Owner>(
    socket: &AsyncFd<T>,
    mut receive: impl FnMut(&T) -> io::Result<Received>,
    error: impl Fn(&T) -> io::Result<Option<PathError>>,
) -> Option<Arrival> {
    let report = socket.try_io(Interest::ERROR, |s| match error(s) {
        Ok(Some(report)) => Ok(report),
        Ok(None) => Err(io::ErrorKind::WouldBlock.into()),
        Err(problem) => Err(problem),
    });
    if let Ok(report) = report {
        return Some(Arrival::Error(report));
    }
    loop {
        match socket.try_io(Interest::READABLE, &mut receive) {
            Ok(received) if received.truncated => {}
            Ok(received) => return Some(Arrival::Packet(received)),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return None,
            // A packet that can't be one (see EspSocket); the next may be.
            Err(e) if e.kind() == io::ErrorKind::InvalidData => {}
            Err(e) => {
                tracing::warn!("receiving failed: {e}");
                return None;
            }
        }
    }
}

fn no_family() -> io::Error {
    io::Error::from_raw_os_error(libc::EAFNOSUPPORT)
}

const READ_OR_ERROR: Interest = Interest::READABLE.add(Interest::ERROR);
const RECEIVE_BUFFER: u32 = 4 << 20;
