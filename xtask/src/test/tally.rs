//! Counting what passed, failed and was skipped.

use std::fmt;

/// The outcome of one stage, or of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub passed: usize,
    pub failed: usize,
    pub skipped: usize,
    /// What failed and what was skipped, for people.
    pub notes: Vec<String>,
}

impl Tally {
    pub fn passed(count: usize) -> Self {
        Self {
            passed: count,
            ..Self::default()
        }
    }

    pub fn failure(note: String) -> Self {
        Self {
            failed: 1,
            notes: vec![format!("FAILED {note}")],
            ..Self::default()
        }
    }

    pub fn skipped(note: String) -> Self {
        let mut tally = Self::default();
        tally.skip(note);
        tally
    }

    pub fn skip(&mut self, note: String) {
        self.skipped += 1;
        self.notes.push(format!("skipped {note}"));
    }

    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.notes.extend(other.notes);
    }
}

/// The summary line that scripts look for.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}
