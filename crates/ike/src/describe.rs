//! Messages as events speak of them.

use adit_model::event::MessageInfo;
use adit_wire::v2::{Header, Notify, Payload, PayloadList};

/// What an event tells of a message of `octets` octets in all.
pub(crate) fn message(header: &Header, payloads: &PayloadList, octets: usize) -> MessageInfo {
    MessageInfo {
        exchange: header.exchange.to_string(),
        message_id: header.message_id,
        response: header.flags.response,
        payloads: names(payloads),
        octets,
    }
}

/// Most payloads of a message that are named. A stranger's message may have thousands, and events are kept.
const MOST_NAMED: usize = 40;

/// Most octets that are shown of data.
const MOST_SHOWN: usize = 256;

fn names(payloads: &PayloadList) -> Vec<String> {
    let mut names: Vec<String> = payloads.iter().take(MOST_NAMED).map(payload).collect();
    let more = payloads.0.len().saturating_sub(MOST_NAMED);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names
}

/// A payload by its name; notifies as `N(NAME)`.
fn payload(payload: &Payload) -> String {
    match payload {
        Payload::Notify(Notify { kind, .. }) => format!("N({kind})"),
        other => other.kind().to_string(),
    }
}

/// Octets in hex, the first ones where there are many.
pub(crate) fn hex(octets: &[u8]) -> String {
    let shown = octets.iter().take(MOST_SHOWN);
    shown.map(|o| format!("{o:02x}")).collect()
}
