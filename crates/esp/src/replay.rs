//! The anti-replay window (RFC 4303 3.4.3), as a ring of bits (RFC 6479), and the high half of extended sequence
//! numbers (RFC 4303 A2).

use adit_model::drops::DropReason;

/// Largest window, in packets.
pub const MAX_WINDOW: u32 = 4096;

/// Smallest window with extended sequence numbers, whose high half can't be told without one.
const MIN_ESN_WINDOW: u32 = 32;

const WORD_BITS: u64 = u64::BITS as u64;

/// Which sequence numbers of one inbound SA were received.
///
/// Bits live in a ring of words that is one word longer than the window, so moving the window on clears whole words
/// and shifts nothing (RFC 6479 2).
#[derive(Clone, Debug)]
pub struct ReplayWindow {
    /// Highest number received; 0 before the first packet, as numbers start at 1.
    top: u64,
    /// In packets; 0 accepts everything.
    window: u64,
    esn: bool,
    /// A power of two of them.
    ring: Box<[u64]>,
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
        let words = (u64::from(window).div_ceil(WORD_BITS) + 1).next_power_of_two();
        Self {
            top: 0,
            window: u64::from(window),
            esn,
            ring: vec![0; usize::try_from(words).unwrap_or(128)].into_boxed_slice(),
        }
    }

    /// Highest sequence number received so far; 0 before the first packet.
    #[must_use]
    pub fn top(&self) -> u64 {
        self.top
    }

    /// The whole sequence number of a packet whose header shows `low`. Whether the guess of the high half is right
    /// is for the integrity check to say.
    ///
    /// # Errors
    /// [`DropReason::EspTooOld`] for a number below the very first.
    pub fn extend(&self, low: u32) -> Result<u64, DropReason> {
        if !self.esn {
            return Ok(u64::from(low));
        }
        let top_low = self.top & 0xffff_ffff;
        let top_high = self.top >> 32;
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
    pub fn check(&self, sequence: u64) -> Result<(), DropReason> {
        if self.window == 0 {
            return Ok(());
        }
        if sequence == 0 {
            return Err(DropReason::EspTooOld);
        }
        if sequence > self.top {
            return Ok(());
        }
        if self.top - sequence >= self.window {
            return Err(DropReason::EspTooOld);
        }
        let (word, bit) = self.place(sequence);
        match self.ring.get(word) {
            Some(bits) if bits & bit == 0 => Ok(()),
            _ => Err(DropReason::EspReplay),
        }
    }

    /// Records an authentic packet. Checks again, because another thread may have recorded the same number since.
    ///
    /// # Errors
    /// As [`check`](Self::check); nothing changes then.
    pub fn accept(&mut self, sequence: u64) -> Result<(), DropReason> {
        self.check(sequence)?;
        if self.window == 0 {
            self.top = self.top.max(sequence);
            return Ok(());
        }
        if sequence > self.top {
            let words = self.ring.len() as u64;
            let (from, to) = (self.top / WORD_BITS, sequence / WORD_BITS);
            for word in (from + 1..=to).take(self.ring.len()) {
                let at = usize::try_from(word % words).unwrap_or(0);
                if let Some(bits) = self.ring.get_mut(at) {
                    *bits = 0;
                }
            }
            self.top = sequence;
        }
        let (word, bit) = self.place(sequence);
        if let Some(bits) = self.ring.get_mut(word) {
            *bits |= bit;
        }
        Ok(())
    }

    fn place(&self, sequence: u64) -> (usize, u64) {
        let word = (sequence / WORD_BITS) % self.ring.len() as u64;
        (
            usize::try_from(word).unwrap_or(0),
            1 << (sequence % WORD_BITS),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use DropReason::{EspReplay, EspTooOld};

    #[test]
    fn each_number_is_accepted_once() {
        let mut w = ReplayWindow::new(64, false);
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
            let mut w = ReplayWindow::new(packets, false);
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
        let mut w = ReplayWindow::new(128, false);
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
        let mut w = ReplayWindow::new(0, false);
        assert_eq!(w.accept(5), Ok(()));
        assert_eq!(w.accept(5), Ok(()));
        assert_eq!(w.top(), 5);
    }

    /// RFC 4303 A2.2, both cases and both sides of the bottom.
    #[test]
    fn the_high_half_follows_the_window() {
        let mut w = ReplayWindow::new(64, true);
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
        let mut w = ReplayWindow::new(64, true);
        assert_eq!(w.accept(u64::MAX), Ok(()));
        assert_eq!(w.accept(u64::MAX), Err(EspReplay));
        assert_eq!(w.extend(5), Err(EspTooOld), "nothing comes after the last");
        assert_eq!(w.extend(u32::MAX - 1), Ok(u64::MAX - 1));
    }
}
