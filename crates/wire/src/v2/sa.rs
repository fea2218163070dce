//! Security Association payload: proposals, transforms, attributes (RFC 7296 3.3).

use crate::error::{Reason, WireError};
use crate::iana::{EncrId, EsnId, IntegId, KeMethod, PrfId, ProtocolId, TransformType};
use crate::view::{Cursor, length_u8, length_u16, patch_length_u16};

/// Proposals in order of preference, or the one proposal chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaPayload {
    /// The proposals.
    pub proposals: Vec<Proposal>,
}

/// One way to protect one SA: for each transform type, alternatives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Number, from 1 in an offer; the chosen one's in an answer.
    pub number: u8,
    /// What the SA is for.
    pub protocol: ProtocolId,
    /// The sender's SPI for it: nothing in IKE_SA_INIT, 8 bytes for an IKE rekey, 4 for ESP and AH.
    pub spi: Vec<u8>,
    /// The transforms.
    pub transforms: Vec<Transform>,
}

/// One algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transform {
    /// What the algorithm is for, which says how to read `id`.
    pub kind: TransformType,
    /// The algorithm: an [`EncrId`], [`PrfId`], [`IntegId`], [`KeMethod`] or [`EsnId`].
    pub id: u16,
    /// Parameters.
    pub attributes: Vec<Attribute>,
}

/// One parameter of a transform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Type, 15 bits; the only one defined is [`Attribute::KEY_LENGTH`].
    pub kind: u16,
    /// Value.
    pub value: AttributeValue,
}

/// A parameter's value, in one of its two encodings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttributeValue {
    /// Type/value form.
    Short(u16),
    /// Type/length/value form.
    Long(Vec<u8>),
}

impl Attribute {
    /// Key length in bits, always in the short form (RFC 7296 3.3.5).
    pub const KEY_LENGTH: u16 = 14;

    const SHORT_FORM: u16 = 0x8000;

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, WireError> {
        let head = cursor.u16("SA attribute type")?;
        let kind = head & !Self::SHORT_FORM;
        let value = if head & Self::SHORT_FORM != 0 {
            AttributeValue::Short(cursor.u16("SA attribute value")?)
        } else {
            let length = cursor.u16("SA attribute length")?;
            AttributeValue::Long(
                cursor
                    .take(usize::from(length), "SA attribute value")?
                    .to_vec(),
            )
        };
        Ok(Self { kind, value })
    }

    pub(crate) fn emit(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        if self.kind & Self::SHORT_FORM != 0 {
            let reason = Reason::BadValue {
                value: u64::from(self.kind),
                expected: "15 bits",
            };
            return Err(WireError::new(out.len(), "SA attribute type", reason));
        }
        match &self.value {
            AttributeValue::Short(value) => {
                out.extend_from_slice(&(self.kind | Self::SHORT_FORM).to_be_bytes());
                out.extend_from_slice(&value.to_be_bytes());
            }
            AttributeValue::Long(value) => {
                let length = length_u16(value.len(), out, "SA attribute length")?;
                out.extend_from_slice(&self.kind.to_be_bytes());
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(value);
            }
        }
        Ok(())
    }
}

impl Transform {
    /// Value of the first byte when another transform follows.
    const MORE: u8 = 3;

    /// A transform without parameters.
    #[must_use]
    pub const fn new(kind: TransformType, id: u16) -> Self {
        Self {
            kind,
            id,
            attributes: Vec::new(),
        }
    }

    /// A cipher, with its key length in bits where it has several.
    #[must_use]
    pub fn encr(id: EncrId, key_bits: Option<u16>) -> Self {
        let length = key_bits.map(|bits| Attribute {
            kind: Attribute::KEY_LENGTH,
            value: AttributeValue::Short(bits),
        });
        Self {
            kind: TransformType::ENCR,
            id: id.0,
            attributes: length.into_iter().collect(),
        }
    }

    /// A pseudo-random function.
    #[must_use]
    pub const fn prf(id: PrfId) -> Self {
        Self::new(TransformType::PRF, id.0)
    }

    /// An integrity algorithm.
    #[must_use]
    pub const fn integ(id: IntegId) -> Self {
        Self::new(TransformType::INTEG, id.0)
    }

    /// A key exchange method.
    #[must_use]
    pub const fn ke(id: KeMethod) -> Self {
        Self::new(TransformType::KE, id.0)
    }

    /// Sequence numbers.
    #[must_use]
    pub const fn esn(id: EsnId) -> Self {
        Self::new(TransformType::ESN, id.0)
    }

    /// The key length in bits, if one is given in its proper form.
    #[must_use]
    pub fn key_length(&self) -> Option<u16> {
        self.attributes
            .iter()
            .find_map(|attribute| match attribute {
                Attribute {
                    kind: Attribute::KEY_LENGTH,
                    value: AttributeValue::Short(bits),
                } => Some(*bits),
                _ => None,
            })
    }

    /// Whether the transform has no parameter but a well-formed key length. A transform with another one
    /// must not be chosen (RFC 7296 3.3.6).
    #[must_use]
    pub fn is_understood(&self) -> bool {
        self.attributes.iter().all(|attribute| {
            attribute.kind == Attribute::KEY_LENGTH
                && matches!(attribute.value, AttributeValue::Short(_))
        })
    }

    fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        let kind = TransformType(cursor.u8("SA transform type")?);
        cursor.u8("SA transform reserved")?;
        let id = cursor.u16("SA transform ID")?;
        let mut attributes = Vec::new();
        while !cursor.is_empty() {
            attributes.push(Attribute::read(&mut cursor)?);
        }
        Ok(Self {
            kind,
            id,
            attributes,
        })
    }

    fn emit(&self, last: bool, out: &mut Vec<u8>) -> Result<(), WireError> {
        let start = out.len();
        out.extend_from_slice(&[if last { 0 } else { Self::MORE }, 0, 0, 0, self.kind.0, 0]);
        out.extend_from_slice(&self.id.to_be_bytes());
        self.attributes
            .iter()
            .try_for_each(|attribute| attribute.emit(out))?;
        patch_length_u16(out, start, start + 2, "SA transform length")
    }
}

impl TransformType {
    /// The seven additional key exchanges, in the order in which they take place (RFC 9370 2.2.1).
    pub const ADDITIONAL: [Self; 7] = [
        Self::ADDKE1,
        Self::ADDKE2,
        Self::ADDKE3,
        Self::ADDKE4,
        Self::ADDKE5,
        Self::ADDKE6,
        Self::ADDKE7,
    ];
}

impl Proposal {
    /// Value of the first byte when another proposal follows.
    const MORE: u8 = 2;

    /// The transforms of one type.
    pub fn of_type(&self, kind: TransformType) -> impl Iterator<Item = &Transform> {
        self.transforms
            .iter()
            .filter(move |transform| transform.kind == kind)
    }

    /// The SPI, when it is the four bytes of an ESP or AH SA.
    #[must_use]
    pub fn child_spi(&self) -> Option<u32> {
        <[u8; 4]>::try_from(self.spi.as_slice())
            .ok()
            .map(u32::from_be_bytes)
    }

    /// The SPI, when it is the eight bytes of an IKE SA.
    #[must_use]
    pub fn ike_spi(&self) -> Option<super::IkeSpi> {
        <[u8; 8]>::try_from(self.spi.as_slice())
            .ok()
            .map(super::IkeSpi::from_bytes)
    }

    fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        let number = cursor.u8("SA proposal number")?;
        let protocol = ProtocolId(cursor.u8("SA proposal protocol")?);
        let spi_size = cursor.u8("SA proposal SPI size")?;
        let at = cursor.clone();
        let count = usize::from(cursor.u8("SA proposal number of transforms")?);
        let spi = cursor
            .take(usize::from(spi_size), "SA proposal SPI")?
            .to_vec();
        let mut transforms = Vec::with_capacity(count.min(cursor.remaining() / 8));
        while let Some(body) = next_substructure(&mut cursor, Transform::MORE, &TRANSFORM)? {
            transforms.push(Transform::read(body)?);
        }
        if transforms.len() != count {
            let reason = Reason::BadLength {
                value: count,
                expected: "the number of transforms that follow",
            };
            return Err(at.error("SA proposal number of transforms", reason));
        }
        Ok(Self {
            number,
            protocol,
            spi,
            transforms,
        })
    }

    fn emit(&self, last: bool, out: &mut Vec<u8>) -> Result<(), WireError> {
        let start = out.len();
        let spi_size = length_u8(self.spi.len(), out, "SA proposal SPI size")?;
        let count = length_u8(
            self.transforms.len(),
            out,
            "SA proposal number of transforms",
        )?;
        out.extend_from_slice(&[if last { 0 } else { Self::MORE }, 0, 0, 0]);
        out.extend_from_slice(&[self.number, self.protocol.0, spi_size, count]);
        out.extend_from_slice(&self.spi);
        for (index, transform) in self.transforms.iter().enumerate() {
            transform.emit(index + 1 == self.transforms.len(), out)?;
        }
        patch_length_u16(out, start, start + 2, "SA proposal length")
    }
}

impl SaPayload {
    /// Reads a payload body.
    ///
    /// # Errors
    /// A length, count or "more follows" mark contradicts the bytes, or there is no proposal at all.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        Self::read(Cursor::new(body))
    }

    pub(crate) fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        if cursor.is_empty() {
            return Err(cursor.error(
                "SA proposals",
                Reason::BadLength {
                    value: 0,
                    expected: "at least one",
                },
            ));
        }
        let mut proposals = Vec::new();
        while let Some(body) = next_substructure(&mut cursor, Proposal::MORE, &PROPOSAL)? {
            proposals.push(Proposal::read(body)?);
        }
        Ok(Self { proposals })
    }

    /// Appends the payload body to `out`.
    ///
    /// # Errors
    /// A part too long for its length or count field.
    pub fn emit(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        for (index, proposal) in self.proposals.iter().enumerate() {
            proposal.emit(index + 1 == self.proposals.len(), out)?;
        }
        Ok(())
    }
}

/// Field names of a substructure's head.
pub(crate) struct Names {
    mark: &'static str,
    reserved: &'static str,
    length: &'static str,
}

pub(crate) const PROPOSAL: Names = Names {
    mark: "SA proposal last mark",
    reserved: "SA proposal reserved",
    length: "SA proposal length",
};
pub(crate) const TRANSFORM: Names = Names {
    mark: "SA transform last mark",
    reserved: "SA transform reserved",
    length: "SA transform length",
};

/// The next proposal or transform after its four-byte head, or nothing at the end.
///
/// The mark repeats what the lengths say; a contradiction means that one of them is wrong, so it is refused.
pub(crate) fn next_substructure<'a>(
    cursor: &mut Cursor<'a>,
    more: u8,
    names: &Names,
) -> Result<Option<Cursor<'a>>, WireError> {
    if cursor.is_empty() {
        return Ok(None);
    }
    let start = cursor.clone();
    let mark = cursor.u8(names.mark)?;
    cursor.u8(names.reserved)?;
    let at = cursor.clone();
    let length = usize::from(cursor.u16(names.length)?);
    let Some(body_length) = length.checked_sub(4) else {
        return Err(at.error(
            names.length,
            Reason::BadLength {
                value: length,
                expected: "at least 4",
            },
        ));
    };
    let body = cursor.sub(body_length, names.length)?;
    let expected = if cursor.is_empty() { 0 } else { more };
    if mark != expected {
        let expected = if expected == 0 {
            "0 on the last one"
        } else {
            "the mark of one that is not the last"
        };
        return Err(start.error(
            names.mark,
            Reason::BadValue {
                value: u64::from(mark),
                expected,
            },
        ));
    }
    Ok(Some(body))
}
