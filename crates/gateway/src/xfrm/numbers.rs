//! Numbers that are given out and come back.

use std::collections::BTreeSet;

/// The numbers from a first one on. A number that came back is given out again only after all the others.
#[derive(Debug)]
pub struct Numbers {
    first: u32,
    count: u32,
    next: u32,
    used: BTreeSet<u32>,
}

impl Numbers {
    /// `count` numbers from `first` on, without those that are `used` already.
    pub fn new(first: u32, count: u32, used: impl IntoIterator<Item = u32>) -> Self {
        Self {
            first,
            count,
            next: 0,
            used: used.into_iter().collect(),
        }
    }

    /// A number that nobody has; `None` when all are in use.
    pub fn take(&mut self) -> Option<u32> {
        if self.used.len() >= self.count as usize {
            return None;
        }
        for _ in 0..self.count {
            let number = self.first + self.next;
            self.next = (self.next + 1) % self.count;
            if self.used.insert(number) {
                return Some(number);
            }
        }
        None
    }

    /// Takes a number back.
    pub fn give_back(&mut self, number: u32) {
        self.used.remove(&number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_owner_also_after_the_last_one() {
        let mut numbers = Numbers::new(10, 4, [11]);
        let taken: Vec<_> = std::iter::from_fn(|| numbers.take()).collect();
        assert_eq!(taken, [10, 12, 13]);
        numbers.give_back(12);
        assert_eq!((numbers.take(), numbers.take()), (Some(12), None));
    }
}
