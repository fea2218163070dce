//! Opening packets that came together, with few questions to the replay window.
//!
//! Where threads may share an SA, the window takes a number by an exchange that lets nothing overtake it: the processor
//! can't begin the next packet before the last one's plaintext is stored. So packets of a run are all decrypted first, and
//! the numbers of one block of the window are recorded together. Nothing is handed on before its number is recorded.

use adit_model::drops::DropReason;

use crate::counters::Rejected;
use crate::open::{By, Incoming, Inner};
use crate::replay::Together;

/// Where a packet of a run lies in the buffer that is handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lying {
    /// Where it begins, with its SPI.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// DSCP and ECN of its outer header: see [`View::open_under`](crate::View::open_under).
    pub tos: u8,
}

/// Most packets that are opened before the replay window is asked.
const MOST: usize = 64;

/// A packet that was opened, and that the replay window doesn't know of yet.
#[derive(Clone, Copy)]
struct Unsettled {
    /// Its whole number; 0, which is never sent, where it isn't authentic.
    sequence: u64,
    /// Where the inner packet lies in the buffer, and how long it is.
    inner: Result<(usize, usize), DropReason>,
}

impl Incoming<'_> {
    /// Opens packets of this SPI where they lie in `buffer`, and tells `each` in their order which of `run` came to what;
    /// [`Inner::Within`] is a place in `buffer`. What passes is what [`open_under`](Self::open_under) one by one would let pass, for
    /// less; what is refused for two reasons may be refused for the other one, as the window doesn't know yet what came just before.
    #[inline]
    pub fn open_run(
        &mut self,
        buffer: &mut [u8],
        run: &[Lying],
        mut each: impl FnMut(&mut [u8], usize, Result<Inner, Rejected>),
    ) {
        if self.is_rare() || run.len() < 2 {
            for (position, lying) in run.iter().enumerate() {
                let packet = buffer.get_mut(lying.start..lying.end);
                let opened = self.open_under(lying.tos, packet.unwrap_or_default());
                each(buffer, position, opened.map(|inner| lying.lifted(inner)));
            }
            return;
        }
        let mut position = 0;
        for some in run.chunks(MOST) {
            let mut opened = [Unsettled::refused(DropReason::EspTooShort); MOST];
            for (opened, lying) in opened.iter_mut().zip(some) {
                *opened = Unsettled::open(self.by, *lying, buffer);
            }
            let mut rest = opened.get(..some.len()).unwrap_or_default();
            while !rest.is_empty() {
                let block = Block::of(rest);
                let (now, later) = rest.split_at(block.packets);
                let settled = block.record(self.by);
                for opened in now {
                    let inner = self.settle(opened, settled);
                    each(buffer, position, inner);
                    position += 1;
                }
                rest = later;
            }
        }
    }

    /// What a packet came to, whose number was `recorded` with others or is to be asked for by itself.
    #[inline]
    fn settle(&mut self, opened: &Unsettled, recorded: bool) -> Result<Inner, Rejected> {
        let by = self.by;
        let window = &by.pair.inbound.window;
        let taken = match opened.sequence {
            0 => Ok(()),
            _ if recorded => Ok(()),
            sequence => window.accept(sequence),
        };
        let inner = taken.and(opened.inner).and_then(|(start, length)| {
            by.spend(length)?;
            Ok(start..start + length)
        });
        match inner {
            Ok(place) => {
                self.received.add(place.len());
                Ok(Inner::Within(place))
            }
            Err(reason) => Err(by.refused(self.lane, reason)),
        }
    }
}

impl Lying {
    /// An inner packet, seen from the beginning of the buffer.
    fn lifted(self, inner: Inner) -> Inner {
        match inner {
            Inner::Within(at) => Inner::Within(self.start + at.start..self.start + at.end),
            rebuilt @ Inner::Rebuilt(_) => rebuilt,
        }
    }
}

impl Unsettled {
    const fn refused(reason: DropReason) -> Self {
        Self {
            sequence: 0,
            inner: Err(reason),
        }
    }

    #[inline]
    fn open(by: By<'_>, lying: Lying, buffer: &mut [u8]) -> Self {
        let packet = buffer.get_mut(lying.start..lying.end);
        match by.open_unsettled(lying.tos, packet.unwrap_or_default()) {
            Ok((sequence, place)) => Self {
                sequence,
                inner: place.map(|place| (lying.start + place.start, place.len())),
            },
            Err(reason) => Self::refused(reason),
        }
    }
}

/// The first packets of some, whose numbers are in one block of the window and ascend.
struct Block {
    packets: usize,
    numbers: Option<Together>,
}

impl Block {
    #[inline]
    fn of(opened: &[Unsettled]) -> Self {
        let mut numbers: Option<Together> = None;
        let packets = opened.iter().take_while(|opened| match &mut numbers {
            _ if opened.sequence == 0 => true,
            Some(numbers) => numbers.add(opened.sequence),
            none => {
                *none = Some(Together::of(opened.sequence));
                true
            }
        });
        Self {
            packets: packets.count(),
            numbers,
        }
    }

    /// Whether the window took all of them at once.
    #[inline]
    fn record(&self, by: By<'_>) -> bool {
        let window = &by.pair.inbound.window;
        let numbers = self.numbers.as_ref();
        numbers.is_some_and(|numbers| window.accept_all(numbers).is_ok())
    }
}
