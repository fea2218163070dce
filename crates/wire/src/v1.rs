//! IKEv1 (ISAKMP, RFC 2408, RFC 2407), as far as needed to recognise it, to read and refuse an offer, and to read a
//! refusal: header, SA, Notification and Vendor ID payloads.
//!
//! The header has the layout of version 2, so [`Header`] serves both; its SPIs are the cookies here.

use crate::error::{Reason, WireError};
use crate::iana::{PayloadType, V1NotifyType};
use crate::v2::message::finish_header;
use crate::v2::payload::Generic;
use crate::v2::sa::{PROPOSAL, TRANSFORM, next_substructure};
use crate::v2::{Attribute, Header, VendorId};
use crate::view::{Cursor, length_u8, patch_length_u16};

/// Flag of an encrypted message, in [`crate::v2::Flags::reserved`].
pub const FLAG_ENCRYPTED: u8 = 0x01;

/// The IPsec domain of interpretation (RFC 2407 4.2).
pub const DOI_IPSEC: u32 = 1;

/// Situation "identity only" (RFC 2407 4.2.1), the only one in use.
pub const SITUATION_IDENTITY_ONLY: u32 = 1;

/// Whether a datagram (without the non-ESP marker) starts like an IKEv1 message.
#[must_use]
pub fn is_v1(datagram: &[u8]) -> bool {
    Header::parse(datagram).is_ok_and(|header| header.version.major == 1)
}

/// An IKEv1 message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct V1Message {
    /// The header. [`V1Message::emit`] computes `next_payload` (except of encrypted content) and `length`.
    pub header: Header,
    /// What follows.
    pub content: V1Content,
}

/// What follows an IKEv1 header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum V1Content {
    /// Payloads in clear.
    Clear(Vec<V1Payload>),
    /// Ciphertext, as it came.
    Encrypted(Vec<u8>),
}

/// One payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum V1Payload {
    /// Security Association.
    Sa(V1Sa),
    /// Notification.
    Notify(V1Notify),
    /// Vendor ID.
    Vendor(VendorId),
    /// Any other payload, as it came.
    Other {
        /// Its type.
        kind: PayloadType,
        /// Its body.
        body: Vec<u8>,
    },
}

/// A Security Association payload of the IPsec DOI with situation "identity only".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct V1Sa {
    /// The proposals.
    pub proposals: Vec<V1Proposal>,
}

/// One proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct V1Proposal {
    /// Number.
    pub number: u8,
    /// Protocol: 1 ISAKMP, 2 AH, 3 ESP, 4 IPCOMP (RFC 2407 4.4.1).
    pub protocol: u8,
    /// The sender's SPI.
    pub spi: Vec<u8>,
    /// Alternatives, each a whole suite.
    pub transforms: Vec<V1Transform>,
}

/// One transform: in phase 1 a whole suite, told by its attributes (RFC 2409 appendix A).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct V1Transform {
    /// Number.
    pub number: u8,
    /// Transform identifier of the protocol; 1 (KEY_IKE) in phase 1.
    pub id: u8,
    /// Attributes.
    pub attributes: Vec<Attribute>,
}

/// A Notification payload (RFC 2408 3.14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct V1Notify {
    /// Domain of interpretation; 0 for ISAKMP itself.
    pub doi: u32,
    /// Protocol, numbered as in [`V1Proposal::protocol`].
    pub protocol: u8,
    /// SPI, or in phase 1 both cookies, or nothing.
    pub spi: Vec<u8>,
    /// What is notified.
    pub kind: V1NotifyType,
    /// Data.
    pub data: Vec<u8>,
}

impl V1Message {
    /// Reads a datagram as an IKEv1 message.
    ///
    /// # Errors
    /// Header, version, length or a payload in clear is malformed.
    pub fn parse(datagram: &[u8]) -> Result<Self, WireError> {
        let mut cursor = Cursor::new(datagram);
        let header = Header::read(&mut cursor)?;
        if header.version.major != 1 {
            let reason = Reason::BadValue {
                value: u64::from(header.version.major),
                expected: "major version 1",
            };
            return Err(WireError::new(17, "IKE header version", reason));
        }
        if usize::try_from(header.length) != Ok(datagram.len()) {
            let value = usize::try_from(header.length).unwrap_or(usize::MAX);
            let reason = Reason::BadLength {
                value,
                expected: "the datagram's length",
            };
            return Err(WireError::new(24, "IKE header length", reason));
        }
        if header.flags.reserved & FLAG_ENCRYPTED != 0 {
            return Ok(Self {
                header,
                content: V1Content::Encrypted(cursor.rest().to_vec()),
            });
        }
        let mut payloads = Vec::new();
        let mut kind = header.next_payload;
        while kind != PayloadType::NONE {
            let generic = Generic::read(&mut cursor)?;
            payloads.push(V1Payload::read(
                kind,
                cursor.sub(generic.body_length, "payload body")?,
            )?);
            kind = generic.next;
        }
        cursor.finish("payload chain")?;
        Ok(Self {
            header,
            content: V1Content::Clear(payloads),
        })
    }

    /// The message as a datagram.
    ///
    /// # Errors
    /// A part too long for its length or count field.
    pub fn emit(&self) -> Result<Vec<u8>, WireError> {
        let mut out = Vec::new();
        self.header.emit(&mut out);
        let next_payload = match &self.content {
            V1Content::Encrypted(ciphertext) => {
                out.extend_from_slice(ciphertext);
                self.header.next_payload
            }
            V1Content::Clear(payloads) => {
                for (index, payload) in payloads.iter().enumerate() {
                    let start = out.len();
                    let next = payloads
                        .get(index + 1)
                        .map_or(PayloadType::NONE, V1Payload::kind);
                    out.extend_from_slice(&[next.0, 0, 0, 0]);
                    payload.emit_body(&mut out)?;
                    patch_length_u16(&mut out, start, start + 2, "payload length")?;
                }
                payloads.first().map_or(PayloadType::NONE, V1Payload::kind)
            }
        };
        finish_header(&self.header, next_payload, &mut out)?;
        Ok(out)
    }

    /// The first Notification payload in clear.
    #[must_use]
    pub fn notify(&self) -> Option<&V1Notify> {
        self.payloads().iter().find_map(|payload| match payload {
            V1Payload::Notify(notify) => Some(notify),
            _ => None,
        })
    }

    /// The first Security Association payload in clear.
    #[must_use]
    pub fn sa(&self) -> Option<&V1Sa> {
        self.payloads().iter().find_map(|payload| match payload {
            V1Payload::Sa(sa) => Some(sa),
            _ => None,
        })
    }

    /// The payloads in clear.
    #[must_use]
    pub fn payloads(&self) -> &[V1Payload] {
        match &self.content {
            V1Content::Clear(payloads) => payloads,
            V1Content::Encrypted(_) => &[],
        }
    }
}

impl V1Payload {
    /// The payload's type.
    #[must_use]
    pub const fn kind(&self) -> PayloadType {
        match self {
            Self::Sa(_) => PayloadType::V1_SA,
            Self::Notify(_) => PayloadType::V1_NOTIFY,
            Self::Vendor(_) => PayloadType::V1_VENDOR,
            Self::Other { kind, .. } => *kind,
        }
    }

    fn read(kind: PayloadType, mut body: Cursor<'_>) -> Result<Self, WireError> {
        Ok(match kind {
            PayloadType::V1_SA => Self::Sa(V1Sa::read(body)?),
            PayloadType::V1_NOTIFY => Self::Notify(V1Notify::read(body)?),
            PayloadType::V1_VENDOR => Self::Vendor(VendorId(body.rest().to_vec())),
            _ => Self::Other {
                kind,
                body: body.rest().to_vec(),
            },
        })
    }

    fn emit_body(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        match self {
            Self::Sa(sa) => sa.emit(out)?,
            Self::Notify(notify) => notify.emit(out)?,
            Self::Vendor(vendor) => out.extend_from_slice(&vendor.0),
            Self::Other { body, .. } => out.extend_from_slice(body),
        }
        Ok(())
    }
}

impl V1Notify {
    fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        let doi = cursor.u32("N(v1) DOI")?;
        let protocol = cursor.u8("N(v1) protocol")?;
        let spi_size = cursor.u8("N(v1) SPI size")?;
        let kind = V1NotifyType(cursor.u16("N(v1) type")?);
        let spi = cursor.take(usize::from(spi_size), "N(v1) SPI")?.to_vec();
        Ok(Self {
            doi,
            protocol,
            spi,
            kind,
            data: cursor.rest().to_vec(),
        })
    }

    fn emit(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        let spi_size = length_u8(self.spi.len(), out, "N(v1) SPI size")?;
        out.extend_from_slice(&self.doi.to_be_bytes());
        out.extend_from_slice(&[self.protocol, spi_size]);
        out.extend_from_slice(&self.kind.0.to_be_bytes());
        out.extend_from_slice(&self.spi);
        out.extend_from_slice(&self.data);
        Ok(())
    }
}

impl V1Sa {
    fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        for (field, expected, value) in [
            ("SA(v1) DOI", "1 (IPsec)", DOI_IPSEC),
            (
                "SA(v1) situation",
                "1 (identity only)",
                SITUATION_IDENTITY_ONLY,
            ),
        ] {
            let at = cursor.clone();
            let found = cursor.u32(field)?;
            if found != value {
                return Err(at.error(
                    field,
                    Reason::BadValue {
                        value: u64::from(found),
                        expected,
                    },
                ));
            }
        }
        let mut proposals = Vec::new();
        while let Some(body) = next_substructure(&mut cursor, V1Proposal::MORE, &PROPOSAL)? {
            proposals.push(V1Proposal::read(body)?);
        }
        Ok(Self { proposals })
    }

    fn emit(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        out.extend_from_slice(&DOI_IPSEC.to_be_bytes());
        out.extend_from_slice(&SITUATION_IDENTITY_ONLY.to_be_bytes());
        for (index, proposal) in self.proposals.iter().enumerate() {
            proposal.emit(index + 1 == self.proposals.len(), out)?;
        }
        Ok(())
    }
}

impl V1Proposal {
    const MORE: u8 = 2;

    fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        let number = cursor.u8("SA(v1) proposal number")?;
        let protocol = cursor.u8("SA(v1) proposal protocol")?;
        let spi_size = cursor.u8("SA(v1) proposal SPI size")?;
        let at = cursor.clone();
        let count = usize::from(cursor.u8("SA(v1) number of transforms")?);
        let spi = cursor
            .take(usize::from(spi_size), "SA(v1) proposal SPI")?
            .to_vec();
        let mut transforms = Vec::new();
        while let Some(body) = next_substructure(&mut cursor, V1Transform::MORE, &TRANSFORM)? {
            transforms.push(V1Transform::read(body)?);
        }
        if transforms.len() != count {
            let reason = Reason::BadLength {
                value: count,
                expected: "the number of transforms that follow",
            };
            return Err(at.error("SA(v1) number of transforms", reason));
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
        let spi_size = length_u8(self.spi.len(), out, "SA(v1) proposal SPI size")?;
        let count = length_u8(self.transforms.len(), out, "SA(v1) number of transforms")?;
        out.extend_from_slice(&[if last { 0 } else { Self::MORE }, 0, 0, 0]);
        out.extend_from_slice(&[self.number, self.protocol, spi_size, count]);
        out.extend_from_slice(&self.spi);
        for (index, transform) in self.transforms.iter().enumerate() {
            transform.emit(index + 1 == self.transforms.len(), out)?;
        }
        patch_length_u16(out, start, start + 2, "SA(v1) proposal length")
    }
}

impl V1Transform {
    const MORE: u8 = 3;

    fn read(mut cursor: Cursor<'_>) -> Result<Self, WireError> {
        let number = cursor.u8("SA(v1) transform number")?;
        let id = cursor.u8("SA(v1) transform ID")?;
        cursor.u16("SA(v1) transform reserved")?;
        let mut attributes = Vec::new();
        while !cursor.is_empty() {
            attributes.push(Attribute::read(&mut cursor)?);
        }
        Ok(Self {
            number,
            id,
            attributes,
        })
    }

    fn emit(&self, last: bool, out: &mut Vec<u8>) -> Result<(), WireError> {
        let start = out.len();
        out.extend_from_slice(&[
            if last { 0 } else { Self::MORE },
            0,
            0,
            0,
            self.number,
            self.id,
            0,
            0,
        ]);
        self.attributes
            .iter()
            .try_for_each(|attribute| attribute.emit(out))?;
        patch_length_u16(out, start, start + 2, "SA(v1) transform length")
    }
}
