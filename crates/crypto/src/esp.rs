//! Protection of ESP packets (RFC 4303, RFC 4106, RFC 7634, RFC 3602, RFC 4868).

use std::ops::Range;

use crate::error::{BadKey, OpenError, SealError};
use crate::packet::{PacketCipher, Shape};
use crate::suite::Protection;

/// SPI and sequence number.
const HEADER_LEN: usize = 8;

/// One direction of one ESP SA: its keys, ready for the hot path.
///
/// Neither sealing nor opening allocates (for the ciphers offered by default), and both take `&self`, so threads may
/// share one. A packet is `SPI | sequence number | IV | payload, padding, pad length, next header | ICV`; the
/// sequence number's high half, where extended numbers are in use, is passed beside it because it is not sent.
pub struct EspCipher(PacketCipher);

impl EspCipher {
    /// Octets in front of the IV.
    pub const HEADER_LEN: usize = HEADER_LEN;

    /// Takes one direction's keying material: [`Protection::keymat_len`] octets, such as
    /// [`ChildKeys`](crate::ChildKeys) holds.
    ///
    /// # Errors
    /// [`BadKey`] when the length differs.
    pub fn new(protection: &Protection, keymat: &[u8]) -> Result<Self, BadKey> {
        let (encr_key, integ_key) =
            keymat
                .split_at_checked(protection.encr_key_len())
                .ok_or(BadKey {
                    expected: protection.keymat_len(),
                    got: keymat.len(),
                })?;
        PacketCipher::new(protection, encr_key, integ_key).map(Self)
    }

    /// IV, ICV and block length. The encrypted part is padded to a multiple of 4 and of the block length.
    #[inline]
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.0.shape()
    }

    /// Seals in place. The caller has written SPI, sequence number, payload and ESP trailer, and left room for IV and
    /// ICV; `esn_high` is the high half of the sequence number if the SA uses extended ones.
    ///
    /// `counter` must never repeat under one key; the 64-bit sequence number will do. It becomes the explicit IV of
    /// counter modes. For CBC the IV is the counter block encrypted under the same key, which makes it unpredictable
    /// (NIST SP 800-38A, appendix C) without drawing randomness for each packet.
    ///
    /// # Errors
    /// [`SealError::Layout`] when the buffer has no room for IV and ICV or the body is not padded.
    #[inline]
    pub fn seal(
        &self,
        packet: &mut [u8],
        esn_high: Option<u32>,
        counter: u64,
    ) -> Result<(), SealError> {
        self.0.seal_numbered(packet, HEADER_LEN, esn_high, counter)
    }

    /// Seals from one buffer into another: `payload` and ESP `trailer` go, encrypted, to their place in `packet`, in which
    /// the caller has written SPI and sequence number. `packet` is just as long as header, IV, both of them and ICV. The
    /// ciphers offered by default copy nothing on the way.
    ///
    /// `counter` and `esn_high` are as for [`seal`](Self::seal).
    ///
    /// # Errors
    /// [`SealError::Layout`] when the lengths don't fit each other or the body is not padded.
    #[inline]
    pub fn seal_from(
        &self,
        packet: &mut [u8],
        payload: &[u8],
        trailer: &[u8],
        esn_high: Option<u32>,
        counter: u64,
    ) -> Result<(), SealError> {
        let parts = [payload, trailer];
        self.0
            .seal_numbered_from(packet, HEADER_LEN, parts, esn_high, counter)
    }

    /// Seals with an IV that the caller has written behind the header: for known-answer tests.
    ///
    /// # Errors
    /// As [`seal`](Self::seal).
    pub fn dangerous_seal_with_iv(
        &self,
        packet: &mut [u8],
        esn_high: Option<u32>,
    ) -> Result<(), SealError> {
        self.0.seal(packet, HEADER_LEN, esn_high)
    }

    /// Checks the ICV and decrypts in place. Returns where payload, padding, pad length and next header lie.
    ///
    /// # Errors
    /// [`OpenError`]; the packet's content is worthless then.
    #[inline]
    pub fn open(
        &self,
        packet: &mut [u8],
        esn_high: Option<u32>,
    ) -> Result<Range<usize>, OpenError> {
        self.0.open(packet, HEADER_LEN, esn_high)
    }
}
