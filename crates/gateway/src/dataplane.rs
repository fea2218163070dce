//! The user-space data path: TUN device, ESP, wire.
//!
//! It knows nothing of IKE, so that it can move to threads of its own. What the rest of the gateway must learn is
//! collected in a [`Report`] per batch.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;

use adit_esp::{ChildName, DataPlane, Door, flow};
use adit_kernel::Tun;
use adit_model::connection::Connection;
use adit_model::dataplane::Trigger;
use adit_model::drops::DropReason;
use adit_model::now::Mono;
use adit_wire::ip::IpPacket;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::interfaces::Opened;
use crate::sockets::Sockets;
use crate::watched::watch;

/// A data plane with its TUN device and buffers.
pub struct UserSpace {
    /// Policies and SAs.
    pub plane: DataPlane,
    /// The host's doors to the tunnels; the first that was opened is asked first.
    doors: Vec<(Door, AsyncFd<Tun>)>,
    inner: Vec<u8>,
    sealed: Vec<u8>,
    edge: BTreeMap<DropReason, u64>,
}

/// What a batch of packets has to tell.
#[derive(Debug, Default)]
pub struct Report {
    /// SPIs that packets were received on.
    pub seen: BTreeSet<u32>,
    /// Packets under SPIs that nobody knows: from where, to where, SPI.
    pub strays: Vec<(SocketAddr, SocketAddr, u32)>,
    /// The first packet of each child that no SA takes.
    pub wanted: BTreeMap<Arc<ChildName>, Trigger>,
    /// Packets that were dropped, one entry per reason and child.
    pub dropped: BTreeMap<(DropReason, Option<Arc<ChildName>>), Dropped>,
}

/// Dropped packets of one kind within a batch.
#[derive(Debug)]
pub struct Dropped {
    /// How many.
    pub packets: u64,
    /// The first of them, for a person.
    pub detail: String,
    /// Who sent it, where it came from the wire.
    pub from: Option<SocketAddr>,
}

impl UserSpace {
    /// A data path without policies.
    ///
    /// # Errors
    /// When the runtime can't watch the device.
    pub fn new(plane: DataPlane, opened: Vec<Opened>) -> io::Result<Self> {
        let mut user = Self {
            plane,
            doors: Vec::new(),
            inner: vec![0; BUFFER],
            sealed: Vec::with_capacity(BUFFER),
            edge: BTreeMap::new(),
        };
        user.open_doors(opened)?;
        Ok(user)
    }

    /// Takes more devices, such as those of tunnels that are new.
    ///
    /// # Errors
    /// When the runtime can't watch one.
    pub fn open_doors(&mut self, opened: Vec<Opened>) -> io::Result<()> {
        for Opened { door, tun } in opened {
            let tun = watch(tun, Interest::READABLE)?;
            self.doors.retain(|(other, _)| *other != door);
            self.doors.push((door, tun));
        }
        Ok(())
    }

    /// Protects these connections from now on; devices that belong to none of them are closed.
    pub fn set_policy(&mut self, connections: &[Arc<Connection>]) {
        self.doors.retain(|(door, _)| {
            *door == Door::SHARED || connections.iter().any(|c| Door::of(c) == *door)
        });
        self.plane.set_policy(connections);
    }

    /// Waits until the host has a packet for a tunnel.
    pub async fn readable(&self) {
        std::future::poll_fn(|context| {
            let ready = |(_, tun): &(Door, AsyncFd<Tun>)| {
                // An error means that the runtime is going down.
                matches!(tun.poll_read_ready(context), Poll::Ready(Ok(_)))
            };
            if self.doors.iter().any(ready) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// Seals and sends what the host has, at most `budget` packets of each device.
    pub fn drain_tun(&mut self, sockets: &Sockets, budget: usize, report: &mut Report) {
        for at in 0..self.doors.len() {
            self.drain(at, sockets, budget, report);
        }
    }

    fn drain(&mut self, at: usize, sockets: &Sockets, budget: usize, report: &mut Report) {
        let view = self.plane.shared().load();
        for _ in 0..budget {
            let Some((door, tun)) = self.doors.get(at) else {
                return;
            };
            let read = {
                let inner = &mut self.inner;
                tun.try_io(Interest::READABLE, |tun| tun.read(inner))
            };
            let length = match read {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    let name = tun.get_ref().name();
                    tracing::warn!("reading the device {name} failed: {error}");
                    if error.raw_os_error() == Some(libc::EBADFD) {
                        // It was taken away; its descriptor would be ready for ever.
                        self.doors.remove(at);
                    }
                    return;
                }
            };
            let packet = self.inner.get(..length).unwrap_or_default();
            if is_kernels_own(packet) {
                continue;
            }
            self.sealed.clear();
            match view.seal(*door, packet, &mut self.sealed) {
                Ok(sealed) => {
                    if let Err(error) = sockets.send_esp(&sealed.path, &self.sealed) {
                        *self.edge.entry(DropReason::OutSend).or_default() += 1;
                        report.drop(DropReason::OutSend, None, Some(sealed.path.remote), || {
                            format!("sending to {}: {error}", sealed.path.remote)
                        });
                    }
                }
                Err(rejected) => {
                    if let (DropReason::OutNoSa, Some(child)) = (rejected.reason, &rejected.child) {
                        report.want(child, packet);
                    }
                    report.drop(rejected.reason, rejected.child, None, || describe(packet));
                }
            }
        }
    }

    /// Opens an ESP packet that came from `from` and hands its content to the host.
    /// It came to our `local` address and port.
    pub fn arrived(
        &mut self,
        now: Mono,
        (from, local): (SocketAddr, SocketAddr),
        packet: &mut [u8],
        report: &mut Report,
    ) {
        let spi = packet
            .first_chunk::<4>()
            .map_or(0, |spi| u32::from_be_bytes(*spi));
        let opened = match self.plane.open(now, packet) {
            Ok(opened) => opened,
            Err(rejected) => {
                if rejected.reason == DropReason::EspUnknownSpi && report.strays.len() < MOST_STRAYS
                {
                    report.strays.push((from, local, spi));
                }
                report.drop(rejected.reason, rejected.child, Some(from), || {
                    format!("SPI {spi:08x} from {from}")
                });
                return;
            }
        };
        report.seen.insert(opened.spi_in);
        let inner = opened.inner.of(packet);
        let door = opened.door;
        let tun = self.doors.iter().find(|(of, _)| *of == door);
        let written = tun.map_or_else(
            || Err(io::Error::from_raw_os_error(libc::ENODEV)),
            |(_, tun)| tun.get_ref().write(inner),
        );
        if let Err(error) = written {
            *self.edge.entry(DropReason::TunWrite).or_default() += 1;
            let child = Some(Arc::clone(opened.child));
            report.drop(DropReason::TunWrite, child, Some(from), || {
                format!("{}: {error}", describe(inner))
            });
        }
    }

    /// All drops of the data path since it exists.
    #[must_use]
    pub fn drops(&self) -> BTreeMap<DropReason, u64> {
        let mut all = self.edge.clone();
        for (reason, count) in self.plane.drops().iter() {
            *all.entry(reason).or_default() += count;
        }
        all
    }
}

impl Report {
    fn want(&mut self, child: &Arc<ChildName>, packet: &[u8]) {
        if self.wanted.contains_key(child) {
            return;
        }
        if let Ok(packet) = IpPacket::parse(packet) {
            let (local, remote) = flow(&packet);
            let trigger = Trigger {
                child: child.child.clone(),
                local,
                remote,
            };
            self.wanted.insert(Arc::clone(child), trigger);
        }
    }

    /// Notes a dropped packet; `detail` is asked for only for the first of its kind.
    pub fn drop(
        &mut self,
        reason: DropReason,
        child: Option<Arc<ChildName>>,
        from: Option<SocketAddr>,
        detail: impl FnOnce() -> String,
    ) {
        self.dropped
            .entry((reason, child))
            .and_modify(|dropped| dropped.packets += 1)
            .or_insert_with(|| Dropped {
                packets: 1,
                detail: detail(),
                from,
            });
    }
}

/// Whether the kernel speaks to the link as such (membership reports, solicitations): IPv6 to a multicast group of
/// link scope. Nobody is on this link, and no tunnel carries such packets, so they are no drops.
fn is_kernels_own(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first >> 4 == 6) && packet.get(24..26) == Some(&[0xff, 0x02])
}

fn describe(packet: &[u8]) -> String {
    match IpPacket::parse(packet) {
        Ok(ip) => format!(
            "{} to {}, protocol {}, {} octets",
            ip.source,
            ip.destination,
            ip.protocol,
            ip.total_length()
        ),
        Err(_) => format!("{} octets that aren't an IP packet", packet.len()),
    }
}

const BUFFER: usize = 65_536;
/// Most unknown SPIs of a batch that are told of.
const MOST_STRAYS: usize = 8;
