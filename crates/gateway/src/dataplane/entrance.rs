//! Where a thread meets the host: a queue of a TUN device.

use std::io::{self, IoSlice};
use std::sync::Arc;

use adit_esp::Door;
use adit_esp::offload::{Coalescer, Part, Whole};
use adit_kernel::{Offload, Tun};

/// A queue of the device behind a door, and what waits to be written to it.
pub struct Entrance {
    /// Whose packets these are.
    pub door: Door,
    /// The queue.
    pub tun: Arc<Tun>,
    coalescer: Option<Coalescer>,
}

/// Packets that the device refused.
#[derive(Debug)]
pub struct Refused {
    /// How many.
    pub packets: u64,
    /// Why.
    pub error: io::Error,
}

impl Entrance {
    /// For packets in bundles, or one by one.
    pub fn new(door: Door, tun: Arc<Tun>, bundles: bool) -> Self {
        let takes_udp = tun.offload() == Offload::TcpAndUdp;
        Self {
            door,
            tun,
            coalescer: bundles.then(|| Coalescer::new(takes_udp)),
        }
    }

    /// What there is to say of a packet for a door that isn't there.
    pub fn none() -> Refused {
        Refused {
            packets: 1,
            error: io::Error::from_raw_os_error(libc::ENODEV),
        }
    }

    /// Takes the packet at `place` of `slab`. It may wait there until [`Self::finish`].
    pub fn push(
        &mut self,
        slab: &[u8],
        place: std::ops::Range<usize>,
        refused: &mut impl FnMut(Refused),
    ) {
        let (tun, mut spoiled) = (&self.tun, false);
        match &mut self.coalescer {
            Some(coalescer) => coalescer.push(slab, place, 0, &mut |whole| {
                spoiled |= !write(tun, slab, &whole, refused);
            }),
            None => self.push_alone(slab.get(place).unwrap_or_default(), refused),
        }
        self.settle(spoiled);
    }

    /// Writes a packet that lies elsewhere.
    pub fn push_alone(&self, packet: &[u8], refused: &mut impl FnMut(Refused)) {
        if let Err(error) = self.tun.write_packet(packet) {
            refused(Refused { packets: 1, error });
        }
    }

    /// Writes everything that waits; `slab` may be used for others then.
    pub fn finish(&mut self, slab: &[u8], refused: &mut impl FnMut(Refused)) {
        let (tun, mut spoiled) = (&self.tun, false);
        if let Some(coalescer) = &mut self.coalescer {
            coalescer.finish(&mut |whole| spoiled |= !write(tun, slab, &whole, refused));
        }
        self.settle(spoiled);
    }

    /// A kernel that refuses one bundle would refuse the next.
    fn settle(&mut self, spoiled: bool) {
        if spoiled && let Some(coalescer) = &mut self.coalescer {
            tracing::info!(
                "{} takes no packets that were put together; they go one by one",
                self.tun.name()
            );
            coalescer.stop();
        }
    }
}

/// Writes a packet; says whether the kernel takes packets of its kind. Segments of one that it doesn't take are written
/// one by one.
fn write(tun: &Tun, slab: &[u8], whole: &Whole<'_>, refused: &mut impl FnMut(Refused)) -> bool {
    let mut slices = [IoSlice::new(&[]); 1 + Coalescer::MOST_PARTS];
    let octets = std::iter::once(whole.head).chain(whole.parts.iter().map(|p| p.of_slab(slab)));
    let mut used = 0;
    for (slice, octets) in slices.iter_mut().zip(octets) {
        *slice = IoSlice::new(octets);
        used += 1;
    }
    let Err(error) = tun.write(slices.get(..used).unwrap_or_default()) else {
        return true;
    };
    let spoiled = whole.segments > 1 && error.raw_os_error() == Some(libc::EINVAL);
    if spoiled {
        for segment in whole.originals().map(|part: Part| part.of_slab(slab)) {
            if let Err(error) = tun.write_packet(segment) {
                refused(Refused { packets: 1, error });
            }
        }
    } else {
        let packets = whole.segments as u64;
        refused(Refused { packets, error });
    }
    !spoiled
}
