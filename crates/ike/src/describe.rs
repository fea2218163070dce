//! Messages as events speak of them.

use adit_model::event::MessageInfo;
use adit_wire::v2::{Header, Notify, Payload, PayloadList};

/// What an event tells of a message of `octets` octets in all.
pub(crate) fn message(header: &Header, payloads: &PayloadList, octets: usize) -> MessageInfo {
    MessageInfo {
        exchange: header.exchange.to_string(),
        message_id: header.message_id,
        response: header.flags.response,
        payloads: payloads.iter().map(payload).collect(),
        octets,
    }
}

/// A payload by its name; notifies as `N(NAME)`.
fn payload(payload: &Payload) -> String {
    match payload {
        Payload::Notify(Notify { kind, .. }) => format!("N({kind})"),
        other => other.kind().to_string(),
    }
}

/// Octets in hex.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|o| format!("{o:02x}")).collect()
}
