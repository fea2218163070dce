//! What was wrong with some bytes, precisely enough to be shown to a person.

/// Why bytes were refused, or why a value cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} at byte {offset}: {reason}")]
pub struct WireError {
    /// Bytes from the start of what was handed to `parse` (or of the output, for `emit`).
    pub offset: usize,
    /// The field, named `payload field` or `header field`.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// The bytes end inside the field.
    #[error("needs {needed} bytes, {available} are left")]
    Truncated {
        /// Bytes that the field needs.
        needed: usize,
        /// Bytes that are there.
        available: usize,
    },
    /// A length or count contradicts what it counts.
    #[error("length {value}, but {expected} expected")]
    BadLength {
        /// The length found.
        value: usize,
        /// What would have been right.
        expected: &'static str,
    },
    /// A field holds a value that its definition forbids.
    #[error("value {value}, but {expected} expected")]
    BadValue {
        /// The value found.
        value: u64,
        /// What would have been right.
        expected: &'static str,
    },
    /// Bytes follow where the structure has ended.
    #[error("{count} bytes too many")]
    TrailingBytes {
        /// How many bytes are left over.
        count: usize,
    },
    /// A checksum does not match.
    #[error("checksum {found:#06x}, but {computed:#06x} computed")]
    BadChecksum {
        /// The checksum in the packet.
        found: u16,
        /// The checksum over the packet.
        computed: u16,
    },
    /// The value is too long for the length or count field that has to carry it.
    #[error("length {length} does not fit, {max} is the most")]
    TooLong {
        /// The length of the value.
        length: usize,
        /// The most that fits.
        max: usize,
    },
}

impl WireError {
    pub(crate) const fn new(offset: usize, field: &'static str, reason: Reason) -> Self {
        Self {
            offset,
            field,
            reason,
        }
    }

    /// The same error, seen from a place `base` bytes before the one it was counted from.
    #[must_use]
    pub const fn shifted(mut self, base: usize) -> Self {
        self.offset = self.offset.saturating_add(base);
        self
    }
}
