//! Vendor ID payload (RFC 7296 3.12).

use core::fmt;

/// Bytes by which an implementation recognises its own kind. Prints as text where it is text, else as hex.
#[derive(Clone, PartialEq, Eq)]
pub struct VendorId(
    /// The bytes.
    pub Vec<u8>,
);

impl fmt::Display for VendorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match core::str::from_utf8(&self.0) {
            Ok(text)
                if !text.is_empty() && text.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) =>
            {
                write!(f, "\"{text}\"")
            }
            _ => self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

impl fmt::Debug for VendorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VendorId({self})")
    }
}
