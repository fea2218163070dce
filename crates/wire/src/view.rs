//! A cursor over borrowed bytes: every read is checked and every error knows its offset.

use crate::error::{Reason, WireError};

/// Reads big-endian fields from a slice, front to back.
///
/// Offsets in errors count from the start of the outermost slice, also through [`Cursor::sub`].
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of `bytes`.
    #[inline]
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            offset: 0,
        }
    }

    /// Bytes from the start of the outermost slice to the next unread byte.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// How many bytes are unread.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether everything is read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// [`Reason::Truncated`] when fewer are left.
    #[inline]
    pub fn take(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], WireError> {
        match self.rest.split_at_checked(count) {
            Some((head, tail)) => {
                self.rest = tail;
                self.offset += count;
                Ok(head)
            }
            None => Err(self.error(
                field,
                Reason::Truncated {
                    needed: count,
                    available: self.rest.len(),
                },
            )),
        }
    }

    /// A cursor over the next `count` bytes, which are read here.
    ///
    /// # Errors
    /// [`Reason::Truncated`] when fewer are left.
    pub fn sub(&mut self, count: usize, field: &'static str) -> Result<Cursor<'a>, WireError> {
        let offset = self.offset;
        Ok(Cursor {
            rest: self.take(count, field)?,
            offset,
        })
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// [`Reason::Truncated`] when fewer are left.
    #[inline]
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], WireError> {
        match self.rest.split_first_chunk::<N>() {
            Some((head, tail)) => {
                self.rest = tail;
                self.offset += N;
                Ok(*head)
            }
            None => Err(self.error(
                field,
                Reason::Truncated {
                    needed: N,
                    available: self.rest.len(),
                },
            )),
        }
    }

    /// The next byte.
    ///
    /// # Errors
    /// [`Reason::Truncated`] at the end.
    #[inline]
    pub fn u8(&mut self, field: &'static str) -> Result<u8, WireError> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    /// The next two bytes, big-endian.
    ///
    /// # Errors
    /// [`Reason::Truncated`] when fewer are left.
    #[inline]
    pub fn u16(&mut self, field: &'static str) -> Result<u16, WireError> {
        self.array(field).map(u16::from_be_bytes)
    }

    /// The next four bytes, big-endian.
    ///
    /// # Errors
    /// [`Reason::Truncated`] when fewer are left.
    #[inline]
    pub fn u32(&mut self, field: &'static str) -> Result<u32, WireError> {
        self.array(field).map(u32::from_be_bytes)
    }

    /// The next eight bytes, big-endian.
    ///
    /// # Errors
    /// [`Reason::Truncated`] when fewer are left.
    pub fn u64(&mut self, field: &'static str) -> Result<u64, WireError> {
        self.array(field).map(u64::from_be_bytes)
    }

    /// All unread bytes, which are read thereby.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = core::mem::take(&mut self.rest);
        self.offset += rest.len();
        rest
    }

    /// Demands that everything was read.
    ///
    /// # Errors
    /// [`Reason::TrailingBytes`] when something is left.
    pub fn finish(self, field: &'static str) -> Result<(), WireError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.error(
                field,
                Reason::TrailingBytes {
                    count: self.rest.len(),
                },
            ))
        }
    }

    /// An error about `field` at the next unread byte.
    #[must_use]
    pub const fn error(&self, field: &'static str, reason: Reason) -> WireError {
        WireError::new(self.offset, field, reason)
    }
}

/// `length` as a 16-bit field of `out`, or the error that says that it does not fit.
pub(crate) fn length_u16(length: usize, out: &[u8], field: &'static str) -> Result<u16, WireError> {
    u16::try_from(length).map_err(|_| {
        WireError::new(
            out.len(),
            field,
            Reason::TooLong {
                length,
                max: usize::from(u16::MAX),
            },
        )
    })
}

/// `length` as an 8-bit field of `out`, or the error that says that it does not fit.
pub(crate) fn length_u8(length: usize, out: &[u8], field: &'static str) -> Result<u8, WireError> {
    u8::try_from(length).map_err(|_| {
        WireError::new(
            out.len(),
            field,
            Reason::TooLong {
                length,
                max: usize::from(u8::MAX),
            },
        )
    })
}

/// Overwrites the 16-bit field at `at` with the count of bytes from `start` to the end of `out`.
pub(crate) fn patch_length_u16(
    out: &mut [u8],
    start: usize,
    at: usize,
    field: &'static str,
) -> Result<(), WireError> {
    let length = length_u16(out.len().saturating_sub(start), out, field)?;
    if let Some(place) = out.get_mut(at..at + 2) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}
