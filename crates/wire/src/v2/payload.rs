//! The payload chain: generic header, payload after payload (RFC 7296 3.2).

use super::{
    AuthPayload, CertPayload, CertReqPayload, CpPayload, Delete, EapPayload, IdPayload, KePayload,
    Nonce, Notify, SaPayload, TsPayload, VendorId,
};
use crate::error::{Reason, WireError};
use crate::iana::{NotifyType, PayloadType};
use crate::view::{Cursor, patch_length_u16};

/// One payload, except the encrypted ones ([`super::Encrypted`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Security Association.
    Sa(SaPayload),
    /// Key Exchange.
    Ke(KePayload),
    /// Identification of the initiator.
    IdI(IdPayload),
    /// Identification of the responder.
    IdR(IdPayload),
    /// Certificate.
    Cert(CertPayload),
    /// Certificate Request.
    CertReq(CertReqPayload),
    /// Authentication.
    Auth(AuthPayload),
    /// Nonce.
    Nonce(Nonce),
    /// Notify.
    Notify(Notify),
    /// Delete.
    Delete(Delete),
    /// Vendor ID.
    Vendor(VendorId),
    /// Traffic Selectors of the initiator.
    TsI(TsPayload),
    /// Traffic Selectors of the responder.
    TsR(TsPayload),
    /// Configuration.
    Cp(CpPayload),
    /// Extensible Authentication.
    Eap(EapPayload),
    /// A payload of a type without a parser here, as it came.
    Unknown {
        /// Its type.
        kind: PayloadType,
        /// Its critical bit: who does not know the type must refuse the message (RFC 7296 2.5).
        critical: bool,
        /// Its body.
        body: Vec<u8>,
    },
}

impl Payload {
    /// The payload's type.
    #[must_use]
    pub const fn kind(&self) -> PayloadType {
        match self {
            Self::Sa(_) => PayloadType::SA,
            Self::Ke(_) => PayloadType::KE,
            Self::IdI(_) => PayloadType::ID_I,
            Self::IdR(_) => PayloadType::ID_R,
            Self::Cert(_) => PayloadType::CERT,
            Self::CertReq(_) => PayloadType::CERTREQ,
            Self::Auth(_) => PayloadType::AUTH,
            Self::Nonce(_) => PayloadType::NONCE,
            Self::Notify(_) => PayloadType::NOTIFY,
            Self::Delete(_) => PayloadType::DELETE,
            Self::Vendor(_) => PayloadType::VENDOR,
            Self::TsI(_) => PayloadType::TS_I,
            Self::TsR(_) => PayloadType::TS_R,
            Self::Cp(_) => PayloadType::CP,
            Self::Eap(_) => PayloadType::EAP,
            Self::Unknown { kind, .. } => *kind,
        }
    }

    fn read(kind: PayloadType, critical: bool, mut body: Cursor<'_>) -> Result<Self, WireError> {
        Ok(match kind {
            PayloadType::SA => Self::Sa(SaPayload::read(body)?),
            PayloadType::KE => Self::Ke(KePayload::read(body)?),
            PayloadType::ID_I => Self::IdI(IdPayload::read(body)?),
            PayloadType::ID_R => Self::IdR(IdPayload::read(body)?),
            PayloadType::CERT => Self::Cert(CertPayload::read(body)?),
            PayloadType::CERTREQ => Self::CertReq(CertReqPayload::read(body)?),
            PayloadType::AUTH => Self::Auth(AuthPayload::read(body)?),
            PayloadType::NONCE => Self::Nonce(Nonce::read(body)?),
            PayloadType::NOTIFY => Self::Notify(Notify::read(body)?),
            PayloadType::DELETE => Self::Delete(Delete::read(body)?),
            PayloadType::VENDOR => Self::Vendor(VendorId(body.rest().to_vec())),
            PayloadType::TS_I => Self::TsI(TsPayload::read(body)?),
            PayloadType::TS_R => Self::TsR(TsPayload::read(body)?),
            PayloadType::CP => Self::Cp(CpPayload::read(body)?),
            PayloadType::EAP => Self::Eap(EapPayload::read(body)?),
            _ => Self::Unknown {
                kind,
                critical,
                body: body.rest().to_vec(),
            },
        })
    }

    /// Appends the payload body, without the generic header, to `out`.
    ///
    /// # Errors
    /// A part too long for its length or count field.
    pub fn emit_body(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
        match self {
            Self::Sa(payload) => payload.emit(out)?,
            Self::Ke(payload) => payload.emit(out),
            Self::IdI(payload) | Self::IdR(payload) => payload.emit(out),
            Self::Cert(payload) => payload.emit(out),
            Self::CertReq(payload) => payload.emit(out),
            Self::Auth(payload) => payload.emit(out),
            Self::Nonce(payload) => payload.emit(out),
            Self::Notify(payload) => payload.emit(out)?,
            Self::Delete(payload) => payload.emit(out)?,
            Self::Vendor(payload) => out.extend_from_slice(&payload.0),
            Self::TsI(payload) | Self::TsR(payload) => payload.emit(out)?,
            Self::Cp(payload) => payload.emit(out)?,
            Self::Eap(payload) => payload.emit(out)?,
            Self::Unknown { body, .. } => out.extend_from_slice(body),
        }
        Ok(())
    }
}

/// Length of the generic payload header in bytes.
pub const GENERIC_HEADER_LEN: usize = 4;

const CRITICAL: u8 = 0x80;

/// A generic payload header, read; the type it announces is of the payload after it.
pub(crate) struct Generic {
    pub(crate) next: PayloadType,
    pub(crate) critical: bool,
    pub(crate) body_length: usize,
}

impl Generic {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, WireError> {
        let next = PayloadType(cursor.u8("payload next payload")?);
        let critical = cursor.u8("payload critical bit")? & CRITICAL != 0;
        let at = cursor.clone();
        let length = usize::from(cursor.u16("payload length")?);
        match length.checked_sub(GENERIC_HEADER_LEN) {
            Some(body_length) => Ok(Self {
                next,
                critical,
                body_length,
            }),
            None => Err(at.error(
                "payload length",
                Reason::BadLength {
                    value: length,
                    expected: "at least 4",
                },
            )),
        }
    }
}

/// Payloads in the order of the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PayloadList(
    /// The payloads.
    pub Vec<Payload>,
);

impl PayloadList {
    /// Reads the chain whose first payload has type `first` and which fills `bytes`.
    ///
    /// # Errors
    /// A payload is malformed, the chain does not end where the bytes do, or an encrypted payload is in it.
    pub fn parse(first: PayloadType, bytes: &[u8]) -> Result<Self, WireError> {
        let mut cursor = Cursor::new(bytes);
        let mut list = Self::default();
        let stopped = list.read_until_encrypted(first, &mut cursor)?;
        if stopped != PayloadType::NONE {
            let reason = Reason::BadValue {
                value: u64::from(stopped.0),
                expected: "no encrypted payload here",
            };
            return Err(cursor.error("payload next payload", reason));
        }
        cursor.finish("payload chain")?;
        Ok(list)
    }

    /// Reads payloads up to the end of the chain or to an encrypted payload, and returns that one's type or `NONE`.
    pub(crate) fn read_until_encrypted(
        &mut self,
        first: PayloadType,
        cursor: &mut Cursor<'_>,
    ) -> Result<PayloadType, WireError> {
        let mut kind = first;
        while !matches!(kind, PayloadType::NONE | PayloadType::SK | PayloadType::SKF) {
            let generic = Generic::read(cursor)?;
            let body = cursor.sub(generic.body_length, "payload body")?;
            self.0.push(Payload::read(kind, generic.critical, body)?);
            kind = generic.next;
        }
        Ok(kind)
    }

    /// Appends the chain to `out` and returns the type of the first payload, which belongs into whatever
    /// precedes the chain.
    ///
    /// # Errors
    /// A part too long for its length or count field.
    pub fn emit(&self, out: &mut Vec<u8>) -> Result<PayloadType, WireError> {
        self.emit_before(PayloadType::NONE, out)
    }

    /// As [`PayloadList::emit`], with a payload of type `next` to follow the last one.
    pub(crate) fn emit_before(
        &self,
        next: PayloadType,
        out: &mut Vec<u8>,
    ) -> Result<PayloadType, WireError> {
        for (index, payload) in self.0.iter().enumerate() {
            let start = out.len();
            let following = self.0.get(index + 1).map_or(next, Payload::kind);
            let critical = matches!(payload, Payload::Unknown { critical: true, .. });
            out.extend_from_slice(&[following.0, if critical { CRITICAL } else { 0 }, 0, 0]);
            payload.emit_body(out)?;
            patch_length_u16(out, start, start + 2, "payload length")?;
        }
        Ok(self.first_kind().unwrap_or(next))
    }

    /// The type of the first payload.
    #[must_use]
    pub fn first_kind(&self) -> Option<PayloadType> {
        self.0.first().map(Payload::kind)
    }

    /// Iterates over the payloads.
    pub fn iter(&self) -> core::slice::Iter<'_, Payload> {
        self.0.iter()
    }

    /// How many payloads have the type.
    #[must_use]
    pub fn count(&self, kind: PayloadType) -> usize {
        self.0
            .iter()
            .filter(|payload| payload.kind() == kind)
            .count()
    }

    /// Type of the first payload that has its critical bit set and that this implementation does not
    /// understand: the request is to be answered with UNSUPPORTED_CRITICAL_PAYLOAD, a response is to be
    /// refused (RFC 7296 2.5).
    #[must_use]
    pub fn first_unsupported_critical(&self) -> Option<PayloadType> {
        self.0.iter().find_map(|payload| match payload {
            Payload::Unknown {
                kind,
                critical: true,
                ..
            } => Some(*kind),
            _ => None,
        })
    }

    /// The Notify payloads.
    pub fn notifies(&self) -> impl Iterator<Item = &Notify> {
        self.0.iter().filter_map(|payload| match payload {
            Payload::Notify(notify) => Some(notify),
            _ => None,
        })
    }

    /// The first Notify payload of a type.
    #[must_use]
    pub fn notify(&self, kind: NotifyType) -> Option<&Notify> {
        self.notifies().find(|notify| notify.kind == kind)
    }

    /// The first Notify payload that reports an error.
    #[must_use]
    pub fn error_notify(&self) -> Option<&Notify> {
        self.notifies().find(|notify| notify.kind.is_error())
    }

    /// The Delete payloads.
    pub fn deletes(&self) -> impl Iterator<Item = &Delete> {
        self.0.iter().filter_map(|payload| match payload {
            Payload::Delete(delete) => Some(delete),
            _ => None,
        })
    }

    /// The Certificate payloads.
    pub fn certs(&self) -> impl Iterator<Item = &CertPayload> {
        self.0.iter().filter_map(|payload| match payload {
            Payload::Cert(cert) => Some(cert),
            _ => None,
        })
    }

    /// The Certificate Request payloads.
    pub fn cert_requests(&self) -> impl Iterator<Item = &CertReqPayload> {
        self.0.iter().filter_map(|payload| match payload {
            Payload::CertReq(request) => Some(request),
            _ => None,
        })
    }

    /// The Vendor ID payloads.
    pub fn vendor_ids(&self) -> impl Iterator<Item = &VendorId> {
        self.0.iter().filter_map(|payload| match payload {
            Payload::Vendor(vendor) => Some(vendor),
            _ => None,
        })
    }
}

macro_rules! first_of {
    ($($(#[$doc:meta])* $name:ident: $variant:ident($payload:ty);)*) => {
        impl PayloadList {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(&self) -> Option<&$payload> {
                    self.0.iter().find_map(|payload| match payload {
                        Payload::$variant(found) => Some(found),
                        _ => None,
                    })
                }
            )*
        }
    };
}

first_of! {
    /// The first Security Association payload.
    sa: Sa(SaPayload);
    /// The first Key Exchange payload.
    ke: Ke(KePayload);
    /// The first Nonce payload.
    nonce: Nonce(Nonce);
    /// The first IDi payload.
    id_i: IdI(IdPayload);
    /// The first IDr payload.
    id_r: IdR(IdPayload);
    /// The first Authentication payload.
    auth: Auth(AuthPayload);
    /// The first TSi payload.
    ts_i: TsI(TsPayload);
    /// The first TSr payload.
    ts_r: TsR(TsPayload);
    /// The first Configuration payload.
    cp: Cp(CpPayload);
    /// The first EAP payload.
    eap: Eap(EapPayload);
}

impl FromIterator<Payload> for PayloadList {
    fn from_iter<I: IntoIterator<Item = Payload>>(payloads: I) -> Self {
        Self(payloads.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a PayloadList {
    type Item = &'a Payload;
    type IntoIter = core::slice::Iter<'a, Payload>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
