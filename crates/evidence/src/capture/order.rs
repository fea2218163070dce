//! What it means when a sequence number comes again: the capture saw the packet twice, the network carried it twice,
//! somebody sent it again, or another packet bears the same number, because its sender counts anew.

use serde::Serialize;

/// Packets whose number had been there, by what they are; and packets that came very late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Again {
    /// The same packet at the same time, or one hop on: captured twice, or doubled by the link.
    pub at_once: u64,
    /// The same packet later: replayed by somebody, or held back by the network.
    pub later: u64,
    /// Another packet with the same number: its sender, or a second one, counts anew under the same SA.
    pub other: u64,
    /// Packets that came more than 64 numbers late, which most replay windows drop.
    pub very_late: u64,
    /// The number from which the sender fell back to the beginning under the same SA.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarted_at: Option<u32>,
    /// Packets of the higher count that came after it began anew: two senders use one SA.
    pub interleaved: u64,
}

/// A packet as far as it tells itself from another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    /// The first octets behind the sequence number; 0 where they aren't known.
    pub(super) contents: u32,
    /// Hops that it had left.
    pub(super) hops: u8,
    /// Which way the capturing host saw it go: 0 unknown, 1 sent, 2 received.
    pub(super) way: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Slot {
    mark: Mark,
    /// Milliseconds since the flow began.
    ms: u32,
}

const SLOTS: u32 = 64;
/// A packet that comes again within this time was doubled rather than sent again, milliseconds.
const AT_ONCE: u32 = 2;
/// Packets in order that make a new count.
const RUN: u64 = 3;
/// A new count begins at most here.
const BEGINNING: u32 = 16;

/// Remembers a flow's latest packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    slots: Vec<Slot>,
    /// A count below the highest number: where it began, its next number, how many of it came.
    second: Option<(u32, u32, u64)>,
    pub(super) again: Again,
}

impl Order {
    fn slot(&mut self, number: u32) -> Option<&mut Slot> {
        if self.slots.is_empty() {
            self.slots = vec![Slot::default(); SLOTS as usize];
        }
        self.slots.get_mut((number % SLOTS) as usize)
    }

    /// A number that is the highest so far, or fills a gap.
    pub(super) fn new_number(&mut self, number: u32, mark: Mark, since: u64) {
        if let Some(slot) = self.slot(number) {
            *slot = Slot {
                mark,
                ms: millis(since),
            };
        }
        // The count that began anew has caught up.
        if self
            .second
            .is_some_and(|(_, next, _)| number.wrapping_sub(next) < SLOTS)
        {
            self.second = None;
        } else if self.again.restarted_at.is_some() && self.second.is_some() {
            self.again.interleaved += 1;
        }
    }

    /// A number that lies `behind` the highest, and was `seen` or not, as far as that is known.
    pub(super) fn old_number(
        &mut self,
        number: u32,
        behind: u32,
        seen: Option<bool>,
        new: (Mark, u64),
    ) {
        let (mark, since) = new;
        if behind > SLOTS && seen != Some(true) {
            self.again.very_late += u64::from(seen == Some(false));
        }
        let slot = (behind < SLOTS && seen == Some(true))
            .then(|| self.slot(number).copied())
            .flatten();
        match slot {
            Some(old) if mark.contents != 0 && old.mark.contents == mark.contents => {
                let moved = old.mark.hops != mark.hops || old.mark.way != mark.way;
                let wait = millis(since).saturating_sub(old.ms);
                if moved || wait <= AT_ONCE {
                    self.again.at_once += 1;
                } else {
                    self.again.later += 1;
                }
                return;
            }
            Some(old) if mark.contents != 0 && old.mark.contents != 0 => self.again.other += 1,
            // Of text nothing but the number is known: one that comes twice in a row was printed twice.
            _ if mark.contents == 0 && behind < BEGINNING => return,
            _ => {}
        }
        self.second = match self.second {
            Some((start, next, run)) if number.wrapping_sub(next) < 4 => {
                Some((start, number.wrapping_add(1), run + 1))
            }
            _ => Some((number, number.wrapping_add(1), 1)),
        };
        if let Some((start, next, RUN)) = self.second
            && start <= BEGINNING
        {
            let highest = next.wrapping_sub(1).wrapping_add(behind);
            self.again.restarted_at.get_or_insert(highest);
        }
    }
}

fn millis(since: u64) -> u32 {
    u32::try_from(since / 1_000_000).unwrap_or(u32::MAX)
}

/// The first octets of a packet's contents as a number.
pub(super) fn contents(packet: &[u8]) -> u32 {
    if packet.len() < 24 {
        return 0;
    }
    let word = |at: usize| {
        packet
            .get(at..at + 4)
            .and_then(|w| w.try_into().ok())
            .map_or(0, u32::from_be_bytes)
    };
    // Counted initialisation vectors differ in their last octets, random ones anywhere; what follows is ciphertext.
    word(8) ^ word(12).rotate_left(7) ^ word(16).rotate_left(13) ^ word(20).rotate_left(19)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers with contents, 100 ms apart; through a flow, which knows what is behind.
    fn told(packets: &[(u32, u32)]) -> Again {
        use super::super::flow::{Flow, Seen};
        use super::super::stamp::Stamp;
        let ends = (([10, 0, 0, 1], 0).into(), ([10, 0, 0, 2], 0).into());
        let seen = |at: usize, (sequence, contents): (u32, u32)| Seen {
            frame: 1,
            at: Stamp(at as u64 * 100_000_000),
            sequence,
            octets: 100,
            mark: Mark {
                contents,
                hops: 64,
                way: 0,
            },
            class: 0,
            readable: false,
        };
        let mut flow = Flow::new("esp", 1, ends, false, seen(0, packets[0]));
        for (at, packet) in packets.iter().enumerate().skip(1) {
            flow.add(ends, seen(at, *packet));
        }
        flow.again
    }

    fn count(numbers: std::ops::RangeInclusive<u32>, salt: u32) -> Vec<(u32, u32)> {
        numbers.map(|n| (n, n ^ salt)).collect()
    }

    #[test]
    fn the_same_packet_later_is_a_replay_and_another_one_is_not() {
        let mut packets = count(1..=40, 0xaaaa_0000);
        packets.push((30, 30 ^ 0xaaaa_0000));
        let again = told(&packets);
        assert_eq!((again.later, again.other), (1, 0));
        packets.push((31, 7));
        let again = told(&packets);
        assert_eq!((again.later, again.other, again.restarted_at), (1, 1, None));
    }

    #[test]
    fn a_sender_that_counts_anew_and_two_that_count_side_by_side() {
        let anew = [count(1..=40, 0xaaaa_0000), count(1..=90, 0xbbbb_0000)].concat();
        let again = told(&anew);
        assert_eq!((again.restarted_at, again.interleaved), (Some(40), 0));
        let far = [count(900..=5000, 0xaaaa_0000), count(1..=90, 0xbbbb_0000)].concat();
        assert_eq!(told(&far).restarted_at, Some(5000));
        let mut both = count(900..=1000, 0xaaaa_0000);
        for n in 1..=20 {
            both.push((n, n ^ 0xbbbb_0000));
            both.push((1000 + n, (1000 + n) ^ 0xaaaa_0000));
        }
        let again = told(&both);
        assert!(again.interleaved > 10, "{again:?}");
    }

    /// tcpdump prints numbers only; with `-i any` it prints a packet twice.
    #[test]
    fn text_that_has_each_packet_twice_tells_no_new_count() {
        let twice: Vec<_> = (1..=40).flat_map(|n| [(n, 0), (n, 0)]).collect();
        assert_eq!(told(&twice), Again::default());
        let anew: Vec<_> = (100..=300).chain(1..=9).map(|n| (n, 0)).collect();
        assert_eq!(told(&anew).restarted_at, Some(300));
    }

    #[test]
    fn packets_that_windows_drop() {
        let late: Vec<_> = (1..=10)
            .chain(12..=100)
            .chain([11])
            .map(|n| (n, n))
            .collect();
        assert_eq!(told(&late).very_late, 1);
    }
}
