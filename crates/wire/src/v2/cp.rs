//! Configuration payload (RFC 7296 3.15).

use crate::error::{Reason, WireError};
use crate::iana::{CfgAttribute, CfgType};
use crate::view::{Cursor, length_u16};

/// Addresses, name servers and the like, asked for or given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpPayload {
    /// Request, reply, set or acknowledgement.
    pub kind: CfgType,
    /// Attributes in the order of the message, values unchecked; an empty value asks for any.
    pub attributes: Vec<(CfgAttribute, Vec<u8>)>,
}

impl CpPayload {
    /// Attribute types have 15 bits; the top bit is reserved.
    const TYPE_MASK: u16 = 0x7fff;

    /// Reads a payload body.
    ///
    /// # Errors
    /// The body ends inside the fixed part or an attribute.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        Self::read(Cursor::new(body))
    }

    pub(crate) fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        let kind = CfgType(cursor.u8("CP type")?);
        cursor.array::<3>("CP reserved")?;
        let mut attributes = Vec::new();
        while !cursor.is_empty() {
            let attribute = CfgAttribute(cursor.u16("CP attribute type")? & Self::TYPE_MASK);
            let length = cursor.u16("CP attribute length")?;
            attributes.push((
                attribute,
                cursor
                    .take(usize::from(length), "CP attribute value")?
                    .to_vec(),
            ));
        }
        Ok(Self { kind, attributes })
    }

    /// Appends the payload body to `out`.
    ///
    /// # Errors
    /// An attribute type above 15 bits, or a value above 65535 bytes.
    pub fn emit(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        out.extend_from_slice(&[self.kind.0, 0, 0, 0]);
        for (attribute, value) in &self.attributes {
            if attribute.0 > Self::TYPE_MASK {
                let reason = Reason::BadValue {
                    value: u64::from(attribute.0),
                    expected: "15 bits",
                };
                return Err(WireError::new(out.len(), "CP attribute type", reason));
            }
            let length = length_u16(value.len(), out, "CP attribute length")?;
            out.extend_from_slice(&attribute.0.to_be_bytes());
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(value);
        }
        Ok(())
    }
}
