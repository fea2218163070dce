//! Messages of another major version (RFC 7296 2.5).

use adit_wire::iana::{ExchangeType, NotifyType};
use adit_wire::v1::{V1Content, V1Message, V1Payload};
use adit_wire::v2::{Flags, Header, Notify, Payload, PayloadList, Version, emit_plain};

/// The error that an IKEv1 message notifies in clear. The error types of both versions agree in the numbers that
/// matter here: 5 is INVALID_MAJOR_VERSION, 14 NO_PROPOSAL_CHOSEN, 24 AUTHENTICATION_FAILED.
pub(crate) fn v1_error(datagram: &[u8]) -> Option<NotifyType> {
    match V1Message::parse(datagram).ok()?.content {
        V1Content::Clear(payloads) => payloads.iter().find_map(|payload| match payload {
            V1Payload::Notify(notify) => {
                Some(NotifyType(notify.kind.0)).filter(|kind| kind.is_error())
            }
            _ => None,
        }),
        V1Content::Encrypted(_) => None,
    }
}

/// The answer to a request of a higher version: INVALID_MAJOR_VERSION in a message of our version, outside of any IKE
/// SA. There is none for version 1, whose speakers wouldn't understand it, nor for responses.
pub(crate) fn answer(header: &Header) -> Option<Vec<u8>> {
    if header.version.major <= Version::V2.major || header.flags.response {
        return None;
    }
    let exchange = match header.exchange {
        ExchangeType::IKE_SA_INIT => ExchangeType::IKE_SA_INIT,
        _ => ExchangeType::INFORMATIONAL,
    };
    let flags = Flags::new(false, true);
    let reply = Header::v2(
        header.spi_i,
        header.spi_r,
        exchange,
        flags,
        header.message_id,
    );
    let notify = Notify::new(NotifyType::INVALID_MAJOR_VERSION);
    emit_plain(&reply, &PayloadList(vec![Payload::Notify(notify)])).ok()
}
