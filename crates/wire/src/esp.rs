//! ESP, outside and inside of the encryption (RFC 4303 2).
//!
//! Outside: SPI and sequence number. Inside: the protected packet, padding, pad length, next header. IV and ICV
//! belong to the algorithm and are not cut out here.

use crate::error::{Reason, WireError};
use crate::view::Cursor;

/// The fields in clear at the front of an ESP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EspHeader {
    /// SPI. Zero never stands on the wire, 1 to 255 are reserved; the lookup decides.
    pub spi: u32,
    /// The low 32 bits of the sequence number.
    pub sequence: u32,
}

impl EspHeader {
    /// Length in bytes.
    pub const LEN: usize = 8;

    /// Reads the front of an ESP packet.
    ///
    /// # Errors
    /// Fewer than [`EspHeader::LEN`] bytes.
    #[inline]
    pub fn parse(packet: &[u8]) -> Result<Self, WireError> {
        let mut cursor = Cursor::new(packet);
        Ok(Self {
            spi: cursor.u32("ESP SPI")?,
            sequence: cursor.u32("ESP sequence number")?,
        })
    }

    /// Appends the header to `out`.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_bytes());
    }

    /// The header's bytes.
    #[inline]
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 8] {
        let [a, b, c, d] = self.spi.to_be_bytes();
        let [e, f, g, h] = self.sequence.to_be_bytes();
        [a, b, c, d, e, f, g, h]
    }
}

/// Next header of an IPv4 packet in tunnel mode.
pub const NEXT_HEADER_IPV4: u8 = 4;
/// Next header of an IPv6 packet in tunnel mode.
pub const NEXT_HEADER_IPV6: u8 = 41;
/// Next header of a dummy packet, to be dropped without a word (RFC 4303 2.6).
pub const NEXT_HEADER_NONE: u8 = 59;

/// Length of pad length and next header.
pub const TRAILER_LEN: usize = 2;

/// What stands behind the protected packet: padding 1, 2, 3, …, its length, the next header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EspTrailer {
    /// Bytes of padding.
    pub pad_length: u8,
    /// Protocol of the protected packet.
    pub next_header: u8,
}

impl EspTrailer {
    /// The trailer that fills `payload` bytes up to a multiple of `block`, and of 4 (RFC 4303 2.4). `block` is at
    /// most 256.
    #[inline]
    #[must_use]
    pub const fn for_payload(payload: usize, block: usize, next_header: u8) -> Self {
        let block = if block < 4 { 4 } else { block };
        // Blocks of every cipher are powers of two, and a division takes as long as much of the rest.
        let over = if block.is_power_of_two() {
            (payload + TRAILER_LEN) & (block - 1)
        } else {
            (payload + TRAILER_LEN) % block
        };
        let padding = if over == 0 { 0 } else { block - over };
        let pad_length = if padding > 255 { 255 } else { padding as u8 };
        Self {
            pad_length,
            next_header,
        }
    }

    /// Length of padding and trailer.
    #[inline]
    #[must_use]
    pub const fn length(self) -> usize {
        self.pad_length as usize + TRAILER_LEN
    }

    /// Appends padding and trailer to `out`.
    pub fn emit(self, out: &mut Vec<u8>) {
        out.extend(1..=self.pad_length);
        out.extend_from_slice(&[self.pad_length, self.next_header]);
    }

    /// Writes padding and trailer to the front of `out`, as far as it has room.
    #[inline]
    pub fn write(self, out: &mut [u8]) {
        let padding = (1..=self.pad_length).chain([self.pad_length, self.next_header]);
        for (place, octet) in out.iter_mut().zip(padding) {
            *place = octet;
        }
    }

    /// Splits a decrypted and authenticated plaintext into the protected packet and its trailer, and checks that
    /// the padding counts 1, 2, 3, … as RFC 4303 2.4 demands of the sender.
    ///
    /// # Errors
    /// The plaintext is shorter than its trailer says, or the padding is not what it must be.
    #[inline]
    pub fn split(plaintext: &[u8]) -> Result<(&[u8], Self), WireError> {
        let Some((rest, &[pad_length, next_header])) = plaintext.split_last_chunk::<TRAILER_LEN>()
        else {
            let reason = Reason::Truncated {
                needed: TRAILER_LEN,
                available: plaintext.len(),
            };
            return Err(WireError::new(0, "ESP trailer", reason));
        };
        let split = rest
            .len()
            .checked_sub(usize::from(pad_length))
            .and_then(|at| rest.split_at_checked(at));
        let Some((payload, padding)) = split else {
            let reason = Reason::BadLength {
                value: usize::from(pad_length),
                expected: "at most the bytes in front of it",
            };
            return Err(WireError::new(rest.len(), "ESP pad length", reason));
        };
        match padding
            .iter()
            .zip(1u8..=255)
            .position(|(found, expected)| *found != expected)
        {
            None => Ok((
                payload,
                Self {
                    pad_length,
                    next_header,
                },
            )),
            Some(at) => {
                let value = padding.get(at).copied().map_or(0, u64::from);
                let reason = Reason::BadValue {
                    value,
                    expected: "padding 1, 2, 3, …",
                };
                Err(WireError::new(payload.len() + at, "ESP padding", reason))
            }
        }
    }
}
