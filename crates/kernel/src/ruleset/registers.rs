//! What a register holds, and how it compares: yes, no or perhaps.

use super::packet::Bits;

/// Whether something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Yes,
    No,
    Perhaps,
}

impl Holds {
    pub(super) fn of(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }

    pub(super) fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Perhaps => Self::Perhaps,
        }
    }
}

/// The kernel's registers: sixteen of four octets, of which older kernels' four of sixteen are groups.
#[derive(Default)]
pub(super) struct Registers {
    octets: Vec<Bits>,
}

impl Registers {
    fn at(register: u32) -> usize {
        let words = match register {
            1..=4 => (register - 1) * 4,
            8..=23 => register - 8,
            // Nothing is there.
            _ => 64,
        };
        usize::try_from(words).unwrap_or(usize::MAX / 8) * 4
    }

    pub(super) fn write(&mut self, register: u32, bits: &[Bits]) {
        let at = Self::at(register);
        // Whole words are written.
        let length = bits.len().next_multiple_of(4);
        if self.octets.len() < at + length {
            self.octets.resize(at + length, Bits::OPEN);
        }
        for place in 0..length {
            let octet = bits.get(place).copied().unwrap_or(Bits::of(0));
            if let Some(slot) = self.octets.get_mut(at + place) {
                *slot = octet;
            }
        }
    }

    pub(super) fn read(&self, register: u32, length: usize) -> Vec<Bits> {
        let at = Self::at(register);
        (at..at + length)
            .map(|at| self.octets.get(at).copied().unwrap_or(Bits::OPEN))
            .collect()
    }
}

pub(super) fn compared(bits: &[Bits], operator: u32, value: &[u8]) -> Holds {
    match operator {
        0 => equal(bits, value),
        1 => equal(bits, value).not(),
        2..=5 => {
            let Some(octets) = all_known(bits) else {
                return Holds::Perhaps;
            };
            let order = octets.as_slice().cmp(value);
            Holds::of(match operator {
                2 => order.is_lt(),
                3 => order.is_le(),
                4 => order.is_gt(),
                _ => order.is_ge(),
            })
        }
        _ => Holds::Perhaps,
    }
}

fn equal(bits: &[Bits], value: &[u8]) -> Holds {
    let mut all = true;
    for (bits, value) in bits.iter().zip(value) {
        if (bits.value ^ value) & bits.known != 0 {
            return Holds::No;
        }
        all &= bits.known == 0xff;
    }
    if all { Holds::Yes } else { Holds::Perhaps }
}

pub(super) fn within(bits: &[Bits], first: &[u8], last: &[u8]) -> Holds {
    match all_known(bits) {
        Some(octets) => Holds::of(octets.as_slice() >= first && octets.as_slice() <= last),
        None if first == last => equal(bits, first),
        None => {
            let least: Vec<u8> = bits.iter().map(|b| b.value & b.known).collect();
            let most: Vec<u8> = bits.iter().map(|b| b.value | !b.known).collect();
            if most.as_slice() < first || least.as_slice() > last {
                Holds::No
            } else if least.as_slice() >= first && most.as_slice() <= last {
                Holds::Yes
            } else {
                Holds::Perhaps
            }
        }
    }
}

/// Keys made of several fields are within when each field is. Fields fill whole words; one of 16 octets is an address.
pub(super) fn within_fields(bits: &[Bits], first: &[u8], last: &[u8]) -> Holds {
    if bits.len() <= 4 || bits.len() == 16 || first == last {
        return within(bits, first, last);
    }
    // An address of IPv6 among them is several words, which don't count one by one.
    let has_long_field = bits.len() > 16;
    let words = bits.chunks(4).zip(first.chunks(4).zip(last.chunks(4)));
    let mut all = Holds::Yes;
    for (bits, (first, last)) in words {
        match within(bits, first, last) {
            Holds::Yes => {}
            Holds::No if !has_long_field => return Holds::No,
            Holds::No | Holds::Perhaps => all = Holds::Perhaps,
        }
    }
    all
}

pub(super) fn all_known(bits: &[Bits]) -> Option<Vec<u8>> {
    bits.iter()
        .map(|bits| (bits.known == 0xff).then_some(bits.value))
        .collect()
}
