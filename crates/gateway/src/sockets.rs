//! The sockets of the gateway: IKE on two UDP ports, ESP on one of them and on protocol 50, in both families. Where threads
//! carry ESP ([`crate::dataplane`]), they have the second port and protocol 50, and pass IKE on.
//!
//! Reading is non-blocking and one packet at a time, so that the loop can stop after a budget; waiting is
//! [`Sockets::readable`]. What the network says about packets of ours comes out of the same slots as packets do.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use adit_kernel::{PathError, Received, UdpPort};
use adit_wire::udp_encap::{self, NAT_KEEPALIVE};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::dataplane::Carrier;
use crate::error::GatewayError;
use crate::watched::{Owner, watch};

/// All sockets.
#[derive(Debug)]
pub struct Sockets {
    ike: Pair<UdpPort>,
    /// Where IKE is received beside ESP, unless threads that carry packets do that.
    nat: Pair<UdpPort>,
    /// One of those threads' sockets, to send IKE from the same port.
    lent: [Option<Arc<UdpPort>>; 2],
    ike_port: u16,
    nat_port: u16,
}

/// Bound sockets that aren't known to a runtime yet.
#[derive(Debug)]
pub struct Bound {
    ike: [Option<UdpPort>; 2],
    nat: [Option<UdpPort>; 2],
    carriers: Vec<Carrier>,
    ike_port: u16,
    nat_port: u16,
}

/// Who receives ESP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EspBy {
    /// So many threads of their own (one at least), in bundles or not.
    Threads(u32, bool),
    /// The kernel: what arrives here passes its policies, and ESP in UDP is taken out by it.
    Kernel,
    /// Nobody: IKE alone is received beside it.
    Nobody,
}

/// One socket among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// UDP for IKE alone; true for IPv6.
    Ike(bool),
    /// UDP for IKE and ESP; true for IPv6.
    Nat(bool),
    /// Protocol 50; true for IPv6. Never the loop's own.
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
    /// Binds all sockets, or none.
    ///
    /// # Errors
    /// [`GatewayError::Port`] with who holds a port; [`GatewayError::Kernel`] where raw sockets aren't allowed.
    pub fn bind(ike_port: u16, nat_port: u16, esp: EspBy) -> Result<Self, GatewayError> {
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
        let ike = udp(ike_port)?;
        let (nat, carriers) = match esp {
            EspBy::Threads(threads, bundles) => {
                let carriers = Carrier::bind(nat_port, threads, bundles)?;
                ([None, None], carriers)
            }
            EspBy::Kernel | EspBy::Nobody => (udp(nat_port)?, Vec::new()),
        };
        if esp == EspBy::Kernel {
            for socket in ike.iter().chain(&nat).flatten() {
                socket.bypass_ipsec()?;
            }
            for socket in nat.iter().flatten() {
                socket.open_esp_in_udp()?;
            }
        }
        Ok(Self {
            ike,
            nat,
            carriers,
            ike_port,
            nat_port,
        })
    }

    /// The sockets of the threads that carry packets, which they are to be given.
    pub fn carriers(&mut self) -> Vec<Carrier> {
        std::mem::take(&mut self.carriers)
    }
}

impl Sockets {
    /// Makes the sockets known to the runtime that this is called in.
    ///
    /// # Errors
    /// When the runtime can't watch one more descriptor.
    pub fn register(bound: &mut Bound) -> io::Result<Self> {
        let lender = bound.carriers.first();
        Ok(Self {
            lent: lender.map_or_else(Default::default, |carrier| carrier.nat.clone()),
            ike: Pair::register(std::mem::take(&mut bound.ike))?,
            nat: Pair::register(std::mem::take(&mut bound.nat))?,
            ike_port: bound.ike_port,
            nat_port: bound.nat_port,
        })
    }

    /// Waits until a socket has something.
    pub async fn readable(&self) -> Slot {
        tokio::select! {
            () = ready(&self.nat.v4) => Slot::Nat(false),
            () = ready(&self.nat.v6) => Slot::Nat(true),
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
            Slot::Esp(_) => None,
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
            self.send_beside_esp(local.ip(), remote, &marked)
        } else {
            let socket = self.ike.of(remote.is_ipv6()).ok_or_else(no_family)?;
            let from = Some(local.ip());
            socket.get_ref().send(message, remote, from).map(drop)
        }
    }

    /// Sends a NAT keepalive (RFC 3948 2.3).
    ///
    /// # Errors
    /// As [`Self::send_ike`].
    pub fn send_keepalive(&self, local: SocketAddr, remote: SocketAddr) -> io::Result<()> {
        self.send_beside_esp(local.ip(), remote, &NAT_KEEPALIVE)
    }

    fn send_beside_esp(&self, from: IpAddr, to: SocketAddr, payload: &[u8]) -> io::Result<()> {
        let [v4, v6] = &self.lent;
        let lent = if to.is_ipv6() { v6 } else { v4 };
        let socket = match lent {
            Some(lent) => lent,
            None => self.nat.of(to.is_ipv6()).ok_or_else(no_family)?.get_ref(),
        };
        socket.send(payload, to, Some(from)).map(drop)
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
