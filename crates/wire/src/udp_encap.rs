//! What shares UDP port 4500: IKE, ESP and keepalives (RFC 3948 2).

use crate::error::{Reason, WireError};
use crate::esp::EspHeader;

/// The four zero bytes in front of an IKE message on port 4500, where ESP has its SPI.
pub const NON_ESP_MARKER: [u8; 4] = [0; 4];

/// The content of a NAT keepalive.
pub const NAT_KEEPALIVE: [u8; 1] = [0xff];

/// The content of a UDP datagram on port 4500, told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encapsulated<'a> {
    /// A NAT keepalive, to be ignored.
    Keepalive,
    /// An IKE message, without the marker.
    Ike(&'a [u8]),
    /// An ESP packet with at least its header.
    Esp(&'a [u8]),
}

/// Tells what a datagram received on port 4500 is.
///
/// # Errors
/// It is too short to be any of the three.
pub fn classify(datagram: &[u8]) -> Result<Encapsulated<'_>, WireError> {
    if datagram == NAT_KEEPALIVE {
        return Ok(Encapsulated::Keepalive);
    }
    match datagram.split_first_chunk::<4>() {
        None => {
            let reason = Reason::Truncated {
                needed: NON_ESP_MARKER.len(),
                available: datagram.len(),
            };
            Err(WireError::new(0, "UDP encapsulation SPI", reason))
        }
        Some((&NON_ESP_MARKER, message)) => Ok(Encapsulated::Ike(message)),
        Some(_) => EspHeader::parse(datagram).map(|_| Encapsulated::Esp(datagram)),
    }
}

/// An IKE message as it goes out on port 4500.
#[must_use]
pub fn mark_ike(message: &[u8]) -> Vec<u8> {
    [&NON_ESP_MARKER, message].concat()
}
