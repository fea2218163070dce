//! Which sequence numbers were seen, so that captures of two sides can be compared packet by packet.

/// Runs of sequence numbers that follow each other, in order. Gaps are few, so this stays small.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Runs {
    /// First and last of each run.
    runs: Vec<(u32, u32)>,
    /// There were more gaps than are kept; nothing is known any more.
    lost: bool,
}

impl Runs {
    const MOST: usize = 16_384;

    pub(super) fn add(&mut self, number: u32) {
        if self.lost {
            return;
        }
        // Nearly always the next number comes.
        if let Some(last) = self.runs.last_mut() {
            if last.1.checked_add(1) == Some(number) {
                last.1 = number;
                return;
            }
            if number > last.1 {
                return self.insert(self.runs.len(), number);
            }
        }
        let at = self.runs.partition_point(|(_, end)| *end < number);
        if self.runs.get(at).is_some_and(|(start, _)| *start <= number) {
            return;
        }
        let joins_before = at
            .checked_sub(1)
            .and_then(|i| self.runs.get(i))
            .is_some_and(|(_, end)| end.checked_add(1) == Some(number));
        let joins_after = self
            .runs
            .get(at)
            .is_some_and(|(start, _)| number.checked_add(1) == Some(*start));
        match (joins_before, joins_after) {
            (true, true) => {
                let (_, end) = self.runs.remove(at);
                if let Some(run) = self.runs.get_mut(at - 1) {
                    run.1 = end;
                }
            }
            (true, false) => {
                if let Some(run) = self.runs.get_mut(at - 1) {
                    run.1 = number;
                }
            }
            (false, true) => {
                if let Some(run) = self.runs.get_mut(at) {
                    run.0 = number;
                }
            }
            (false, false) => self.insert(at, number),
        }
    }

    fn insert(&mut self, at: usize, number: u32) {
        if self.runs.len() >= Self::MOST {
            self.lost = true;
            self.runs = Vec::new();
            return;
        }
        self.runs.insert(at, (number, number));
    }

    /// How many numbers of `from..=to` there are, and how many of these `other` has too. `None` when either isn't known.
    pub(super) fn compare(&self, other: &Runs, from: u32, to: u32) -> Option<(u64, u64)> {
        if self.lost || other.lost {
            return None;
        }
        let (mut have, mut both) = (0, 0);
        let mut theirs = other.runs.as_slice();
        for (start, end) in &self.runs {
            let (start, end) = ((*start).max(from), (*end).min(to));
            if start > end {
                continue;
            }
            have += u64::from(end - start) + 1;
            while let [(_, last), rest @ ..] = theirs
                && *last < start
            {
                theirs = rest;
            }
            for (s, e) in theirs.iter().take_while(|(s, _)| *s <= end) {
                both += u64::from((*e).min(end) - (*s).max(start)) + 1;
            }
        }
        Some((have, both))
    }
}

#[cfg(test)]
mod tests {
    use super::Runs;

    fn runs(numbers: &[u32]) -> Runs {
        let mut runs = Runs::default();
        numbers.iter().for_each(|n| runs.add(*n));
        runs
    }

    #[test]
    fn numbers_in_any_order_are_the_same_runs() {
        let all = runs(&[1, 2, 3, 5, 6, 9]);
        assert_eq!(all, runs(&[9, 5, 6, 3, 1, 2, 2, 9]));
        assert_eq!(all.runs, [(1, 3), (5, 6), (9, 9)]);
        assert_eq!(runs(&[u32::MAX, 0, u32::MAX]).runs.len(), 2);
    }

    #[test]
    fn what_left_and_what_arrived() {
        let sent = runs(&[1, 2, 3, 4, 5, 6, 7, 8]);
        let arrived = runs(&[1, 2, 4, 7, 8]);
        assert_eq!(sent.compare(&arrived, 0, u32::MAX), Some((8, 5)));
        assert_eq!(sent.compare(&arrived, 3, 6), Some((4, 1)));
        assert_eq!(sent.compare(&runs(&[]), 0, u32::MAX), Some((8, 0)));
    }
}
