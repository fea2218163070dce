//! The anti-replay window (RFC 4303 3.4.3), as a ring of blocks of bits (RFC 6479), and the high half of extended sequence
//! numbers (RFC 4303 A2).
//!
//! Any number of threads use one window without a lock. RFC 6479 clears the blocks that the window moves over; between
//! clearing and setting another thread could get in. So here a block says itself which numbers its bits are about: 32 bits
//! in one atomic word with 32 bits of the number of the lap around the ring. A bit is set, or a block taken over for a
//! later lap, by one exchange of that word.
//!
//! The highest number isn't kept: it is the highest bit of the newest block. What is kept is the number by which that block
//! was *entered*, the first of its block that came. So a packet costs one exchange, and one in 32 enters a block besides. Numbers
//! of one block that come together ([`Together`]) cost one exchange for all of them.
//!
//! # Why that is right
//!
//! A thread enters a number's block before it sets a bit there, and reads what was entered after it has read a block. Hence:
//!
//! 1. *No block is ahead of what was entered*, as a thread reads the two: whoever wrote the block had seen its number or a
//!    later one entered, and released the block after that. So the whole number of a block's lap is told from the half that the
//!    block has: it is the last such lap up to the one that was entered.
//! 2. *Each number is accepted once at most.* An exchange succeeds only if the word is still the one that was judged. Laps of
//!    a word never go back, and bits of one lap never vanish. So once a number's bit is set, whoever judges that word
//!    later finds the bit, or a later lap, and then the number is too old for ever.
//! 3. *Nothing below the window is accepted.* Say `m` was accepted before a thread begins with `n`. The thread reads that
//!    `m`'s block or a later one was entered. A later one was entered by a higher number than `m`. In the same block the thread
//!    finds `m`'s bit, or a later lap, and then it reads again what was entered. So the top that it comes to is not below `m`.
//! 4. *Nothing is refused without a reason.* The top that a thread comes to has been received: either it was entered, which
//!    only authentic numbers are, or its bit was there. And a block is at a later lap only when a number has come that is ahead by
//!    more than the window, since the ring has a block more than the window needs.
//!
//! Numbers that come together are judged by the lowest of them, which is the one that could be too old, and it is the lowest that
//! enters their block: so none of them pushes another out of the narrowest window, as none would if they came one by one.
//!
//! Packets that threads open while the window moves are judged by where it was at one moment of that. All this takes for granted
//! that numbers don't jump over 2^32 laps, which is 2^38 packets at least: after such a jump an old block could seem newer
//! than it is, and numbers would be refused; and while a thread judges one packet, no word comes round to the same half of
//! a lap again.

use std::cmp::Ordering;
#[cfg(not(test))]
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use adit_model::drops::DropReason;
#[cfg(test)]
use interleaved::AtomicU64;

#[cfg(test)]
mod interleaved;

/// Largest window, in packets.
pub const MAX_WINDOW: u32 = 4096;

/// Smallest window with extended sequence numbers, whose high half can't be told without one.
const MIN_ESN_WINDOW: u32 = 32;

/// Bits of a block, the lower half of its word. The upper half is the lap.
const BLOCK_BITS: u64 = 32;

/// A lap as blocks know it.
const LAP_MASK: u64 = 0xffff_ffff;

/// Which sequence numbers of one inbound SA were received.
#[derive(Debug)]
pub struct ReplayWindow {
    /// The number by which the newest block was entered; 0 before the first packet, as numbers start at 1. Without a
    /// window, the highest number received.
    entered: AtomicU64,
    /// In packets; 0 accepts everything.
    window: u64,
    esn: bool,
    /// A power of two of blocks: enough for the window wherever it begins within a block.
    ring: Box<[AtomicU64]>,
    /// How far to shift a block's number for that of its lap.
    lap_shift: u32,
}

/// Numbers of one block, ascending: what a run of packets mostly has.
#[derive(Clone, Copy, Debug)]
pub struct Together {
    first: u64,
    last: u64,
    bits: u64,
}

impl Together {
    /// One number.
    #[inline]
    #[must_use]
    pub fn of(sequence: u64) -> Self {
        Self {
            first: sequence,
            last: sequence,
            bits: bit(sequence),
        }
    }

    /// One more, if it is of the same block and comes after the others; whether it is.
    #[inline]
    #[must_use]
    pub fn add(&mut self, sequence: u64) -> bool {
        let fits = sequence > self.last && sequence / BLOCK_BITS == self.first / BLOCK_BITS;
        if fits {
            self.last = sequence;
            self.bits |= bit(sequence);
        }
        fits
    }
}

/// Of a number, within its block.
#[inline]
fn bit(sequence: u64) -> u64 {
    1 << (sequence % BLOCK_BITS)
}

/// Where the bit of a number is, or those of several.
struct Place<'a> {
    word: &'a AtomicU64,
    /// The number of the block, of all that there ever are.
    block: u64,
    lap: u64,
    bits: u64,
}

impl ReplayWindow {
    /// A window of `packets`, at most [`MAX_WINDOW`]. 0 turns the check off, except with extended sequence numbers,
    /// which can't do without.
    #[must_use]
    pub fn new(packets: u32, esn: bool) -> Self {
        let window = if esn {
            packets.clamp(MIN_ESN_WINDOW, MAX_WINDOW)
        } else {
            packets.min(MAX_WINDOW)
        };
        let blocks = (window.div_ceil(BLOCK_BITS as u32) + 1).next_power_of_two();
        Self {
            entered: AtomicU64::new(0),
            window: u64::from(window),
            esn,
            ring: (0..blocks).map(|_| AtomicU64::new(0)).collect(),
            lap_shift: blocks.trailing_zeros(),
        }
    }

    /// Highest sequence number received so far; 0 before the first packet.
    #[must_use]
    pub fn top(&self) -> u64 {
        self.top_from(self.entered.load(Relaxed))
    }

    /// The whole sequence number of a packet whose header shows `low`. Whether the guess of the high half is right
    /// is for the integrity check to say.
    ///
    /// # Errors
    /// [`DropReason::EspTooOld`] for a number below the very first.
    #[inline]
    pub fn extend(&self, low: u32) -> Result<u64, DropReason> {
        if self.esn {
            self.extend_by(self.top(), low)
        } else {
            Ok(u64::from(low))
        }
    }

    fn extend_by(&self, top: u64, low: u32) -> Result<u64, DropReason> {
        let (top_low, top_high) = (top & 0xffff_ffff, top >> 32);
        // RFC 4303 A2.2: in case A the window lies within one run of low halves, in case B it spans two.
        let (bottom_low, in_window, beyond) = if top_low >= self.window - 1 {
            (
                top_low - (self.window - 1),
                Some(top_high),
                top_high.checked_add(1),
            )
        } else {
            (
                (1 << 32) + top_low - (self.window - 1),
                top_high.checked_sub(1),
                Some(top_high),
            )
        };
        let high = if u64::from(low) >= bottom_low {
            in_window
        } else {
            beyond
        };
        high.filter(|high| u32::try_from(*high).is_ok())
            .map(|high| high << 32 | u64::from(low))
            .ok_or(DropReason::EspTooOld)
    }

    /// Whether a packet with this whole number may still come. Changes nothing.
    ///
    /// # Errors
    /// [`DropReason::EspReplay`] when it came before, [`DropReason::EspTooOld`] when nobody can tell any more, or for 0,
    /// which is never sent.
    #[inline]
    pub fn check(&self, sequence: u64) -> Result<(), DropReason> {
        if self.window == 0 {
            return Ok(());
        }
        let place = self.place(sequence).ok_or(DropReason::EspTooOld)?;
        let word = place.word.load(Acquire);
        // After the block, so that the block isn't ahead.
        let entered = self.entered.load(Relaxed);
        if place.block > entered / BLOCK_BITS {
            return Ok(());
        }
        self.judge(&place, sequence, word, entered).map(|_| ())
    }

    /// Records an authentic packet. Of all calls with one number, from whatever threads, one at most succeeds.
    ///
    /// # Errors
    /// As [`check`](Self::check); nothing changes then.
    #[inline]
    pub fn accept(&self, sequence: u64) -> Result<(), DropReason> {
        self.accept_all(&Together::of(sequence))
    }

    /// The same for several at once, of which either all are recorded or none.
    ///
    /// # Errors
    /// As [`check`](Self::check) for one of them; what holds for the others isn't said, so each has to be asked for by itself
    /// then, in their order.
    #[inline]
    pub fn accept_all(&self, run: &Together) -> Result<(), DropReason> {
        let sequence = run.first;
        if self.window == 0 {
            if run.last > self.entered.load(Relaxed) {
                self.entered.fetch_max(run.last, Relaxed);
            }
            return Ok(());
        }
        let mut place = self.place(sequence).ok_or(DropReason::EspTooOld)?;
        place.bits = run.bits;
        let mut word = place.word.load(Acquire);
        loop {
            // After the block, so that the block isn't ahead.
            let mut entered = self.entered.load(Relaxed);
            if place.block > entered / BLOCK_BITS {
                let before = self.entered.fetch_max(sequence, Relaxed);
                entered = before.max(sequence);
            }
            let bits = self.judge(&place, sequence, word, entered)?;
            let new = place.lap << BLOCK_BITS | bits | place.bits;
            // Release: who sees this block sees it, or a later one, entered.
            match place
                .word
                .compare_exchange_weak(word, new, Release, Acquire)
            {
                Ok(_) => return Ok(()),
                Err(changed) => word = changed,
            }
        }
    }

    /// What the block of `sequence` shows of the lap that the number is in, where `word` was read before `entered`: no
    /// bits if it is still at an earlier one.
    #[inline]
    fn judge(
        &self,
        place: &Place<'_>,
        sequence: u64,
        word: u64,
        entered: u64,
    ) -> Result<u64, DropReason> {
        let newest = entered / BLOCK_BITS;
        // Mostly the number is in the newest block. An earlier lap shows no top but what was entered.
        let top = if place.block == newest {
            self.highest(entered, word).unwrap_or(entered)
        } else {
            self.top_from(entered)
        };
        if sequence == 0 || top.saturating_sub(sequence) >= self.window {
            return Err(DropReason::EspTooOld);
        }
        let newest_lap = newest >> self.lap_shift;
        let behind = newest_lap.wrapping_sub(word >> BLOCK_BITS) & LAP_MASK;
        let lap = newest_lap.saturating_sub(behind);
        let bits = word & 0xffff_ffff;
        match lap.cmp(&place.lap) {
            Ordering::Less => Ok(0),
            Ordering::Equal if bits & place.bits == 0 => Ok(bits),
            Ordering::Equal => Err(DropReason::EspReplay),
            Ordering::Greater => Err(DropReason::EspTooOld),
        }
    }

    /// The highest number received, not below what it was when `entered` was read.
    #[inline]
    fn top_from(&self, mut entered: u64) -> u64 {
        while let Some(place) = self.place(entered) {
            let word = place.word.load(Acquire);
            if let Some(top) = self.highest(entered, word) {
                return top;
            }
            // Nobody has set a bit there yet, or the block is at a later lap already: then that was entered before.
            let now = self.entered.load(Relaxed);
            if now == entered {
                break;
            }
            entered = now;
        }
        entered
    }

    /// The highest number that is known by the block that was `entered`, if its word is at that lap.
    #[inline]
    fn highest(&self, entered: u64, word: u64) -> Option<u64> {
        let lap = (entered / BLOCK_BITS) >> self.lap_shift;
        let first = entered & !(BLOCK_BITS - 1);
        let bits = word & 0xffff_ffff;
        let last = first + u64::from((bits | 1).ilog2());
        (lap & LAP_MASK == word >> BLOCK_BITS).then(|| last.max(entered))
    }

    #[inline]
    fn place(&self, sequence: u64) -> Option<Place<'_>> {
        let block = sequence / BLOCK_BITS;
        let at = usize::try_from(block).ok()? & (self.ring.len() - 1);
        Some(Place {
            word: self.ring.get(at)?,
            block,
            lap: block >> self.lap_shift,
            bits: bit(sequence),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DropReason::{EspReplay, EspTooOld};

    #[test]
    fn each_number_is_accepted_once() {
        let w = ReplayWindow::new(64, false);
        assert_eq!(w.accept(1), Ok(()));
        assert_eq!(w.accept(1), Err(EspReplay));
        assert_eq!(w.accept(3), Ok(()));
        assert_eq!(w.accept(2), Ok(()));
        assert_eq!(w.accept(2), Err(EspReplay));
        assert_eq!(w.accept(0), Err(EspTooOld), "zero is never sent");
    }

    #[test]
    fn the_window_is_exactly_as_wide_as_asked() {
        for packets in [1, 32, 63, 64, 65, 1024, 4096] {
            let w = ReplayWindow::new(packets, false);
            let top = 10_000;
            w.accept(top).unwrap_or_else(|e| panic!("{e}"));
            let last = top - u64::from(packets) + 1;
            assert_eq!(w.check(last - 1), Err(EspTooOld), "{packets}");
            if packets > 1 {
                assert_eq!(w.accept(last), Ok(()), "{packets}");
                assert_eq!(w.accept(last), Err(EspReplay), "{packets}");
            }
        }
    }

    #[test]
    fn a_jump_clears_what_it_passes() {
        let w = ReplayWindow::new(128, false);
        for n in 1..=128 {
            assert_eq!(w.accept(n), Ok(()));
        }
        assert_eq!(w.accept(1_000_000), Ok(()));
        for n in 1_000_000 - 127..1_000_000 {
            assert_eq!(w.accept(n), Ok(()), "{n}");
        }
        assert_eq!(w.check(1_000_000 - 128), Err(EspTooOld));
    }

    #[test]
    fn zero_turns_the_check_off() {
        let w = ReplayWindow::new(0, false);
        assert_eq!(w.accept(5), Ok(()));
        assert_eq!(w.accept(5), Ok(()));
        assert_eq!(w.top(), 5);
    }

    /// RFC 4303 A2.2, both cases and both sides of the bottom.
    #[test]
    fn the_high_half_follows_the_window() {
        let w = ReplayWindow::new(64, true);
        assert_eq!(w.extend(1), Ok(1));
        assert_eq!(w.extend(0xffff_fff0), Err(EspTooOld), "below the first");
        w.accept(5 << 32 | 1000).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(w.extend(1000 - 63), Ok(5 << 32 | (1000 - 63)));
        assert_eq!(w.extend(1000 - 64), Ok(6 << 32 | (1000 - 64)));
        assert_eq!(w.extend(u32::MAX), Ok(5 << 32 | 0xffff_ffff));
        w.accept(6 << 32 | 10).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(w.extend(10), Ok(6 << 32 | 10));
        assert_eq!(
            w.extend(0u32.wrapping_sub(53)),
            Ok(5 << 32 | (0xffff_ffff - 52))
        );
        assert_eq!(
            w.extend(0u32.wrapping_sub(54)),
            Ok(6 << 32 | (0xffff_ffff - 53))
        );
    }

    #[test]
    fn the_last_number_of_all_is_no_trap() {
        let w = ReplayWindow::new(64, true);
        assert_eq!(w.accept(u64::MAX), Ok(()));
        assert_eq!(w.accept(u64::MAX), Err(EspReplay));
        assert_eq!(w.extend(5), Err(EspTooOld), "nothing comes after the last");
        assert_eq!(w.extend(u32::MAX - 1), Ok(u64::MAX - 1));
    }
}
