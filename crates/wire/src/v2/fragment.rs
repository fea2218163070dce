//! Encrypted Fragment payload SKF (RFC 7383 2.5).

use crate::error::{Reason, WireError};
use crate::view::Cursor;

/// What stands between the generic header and the IV of an SKF payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentHeader {
    /// Number of this fragment, from 1 to `total`.
    pub number: u16,
    /// How many fragments the message has; grows when the sender retries with smaller ones.
    pub total: u16,
}

impl FragmentHeader {
    /// Length in bytes.
    pub const LEN: usize = 4;

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, WireError> {
        let at = cursor.clone();
        let number = cursor.u16("SKF fragment number")?;
        let total = cursor.u16("SKF total fragments")?;
        if number == 0 || number > total {
            let reason = Reason::BadValue {
                value: u64::from(number),
                expected: "1 to the total",
            };
            return Err(at.error("SKF fragment number", reason));
        }
        Ok(Self { number, total })
    }

    pub(crate) fn emit(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.number.to_be_bytes());
        out.extend_from_slice(&self.total.to_be_bytes());
    }
}
