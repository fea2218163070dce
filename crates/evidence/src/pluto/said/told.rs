//! Errors that the peer sent, and errors that we send.

use super::super::value;
use super::Said;
use super::exchange::exchange;
use crate::text::split_at_rare;
use value::{after, first_error};

pub(super) fn said(text: &str) -> Option<Said> {
    ike_v2(text).or_else(|| ike_v1(text)).or_else(|| ours(text))
}

fn ike_v1(text: &str) -> Option<Said> {
    if text.starts_with("received ") && text.contains("malformed payload notifies") {
        return Some(Said::Told {
            notify: (16, "PAYLOAD_MALFORMED"),
            protected: None,
        });
    }
    let (rest, protected) = if let Some(rest) = text.strip_prefix("ignoring informational payload")
    {
        (rest, None)
    } else if let Some(rest) = text.strip_prefix("ignoring secured informational payload") {
        (rest, Some(true))
    } else if let Some(rest) = text.strip_prefix("ignoring unsecured informational payload") {
        (rest, Some(false))
    } else {
        (
            text.strip_prefix("received and ignored notification payload")?,
            None,
        )
    };
    first_error(rest).map(|notify| Said::Told { notify, protected })
}

fn ike_v2(text: &str) -> Option<Said> {
    let told =
        |rest: &str, exchange| first_error(rest).map(|notify| Said::ToldV2 { notify, exchange });
    if let Some(rest) = text.strip_prefix("received unauthenticated ") {
        // A group that is asked for has words of its own. Only the first exchange goes without protection.
        return told(rest, Some("IKE_SA_INIT")).filter(|_| !rest.starts_with("INVALID_KE_PAYLOAD"));
    }
    if text.starts_with("dropping unexpected ")
        || text.starts_with("unexpected ")
        || text.starts_with("ignoring ")
    {
        let (head, rest) = split_at_rare(text, " containing ")?;
        return told(rest.split("notification").next()?, Some(exchange(head)?));
    }
    let rejected = after(text, "authentication request rejected by peer: ")
        .or_else(|| text.strip_prefix("IKE SA authentication request rejected: "));
    if let Some(rest) = rejected {
        return told(rest, Some("IKE_AUTH"));
    }
    if let Some(rest) = after(text, "rejected Child SA with ") {
        return told(rest, Some("CHILD"));
    }
    if let Some(rest) = after(text, "contains the Child SA error notification ") {
        return told(rest, Some("CHILD"));
    }
    if text.starts_with("response for Child SA") {
        return told(after(text, "rejected with ")?, Some("CHILD"));
    }
    if let Some(rest) = text.strip_prefix("CREATE_CHILD_SA failed with error notification ") {
        return told(rest, Some("CREATE_CHILD_SA"));
    }
    let contained = text.strip_prefix("IKE_").unwrap_or(text);
    if contained.starts_with("AUTH response contained the") && text.contains("error notification") {
        return told(after(text, "error notification")?, Some("CHILD"));
    }
    if let Some(rest) = text.strip_prefix("received ERROR NOTIFY") {
        return told(rest, None);
    }
    // `STATE_PARENT_I2: received v2N_AUTHENTICATION_FAILED`, `… v2N_NO_PROPOSAL_CHOSEN`.
    let rest = text.strip_prefix("received ").unwrap_or(text);
    rest.starts_with("v2N_").then(|| told(rest, None)).flatten()
}

fn ours(text: &str) -> Option<Said> {
    // What becomes of a CHILD SA, in the name of the notify that tells it.
    if let Some(rest) = text
        .strip_prefix("CHILD SA failed: ")
        .or_else(|| text.strip_prefix("CHILD SA encountered fatal error: "))
        .or_else(|| after(text, "process IKE_AUTH response' failed with "))
    {
        return first_error(rest).map(|notify| Said::Sending {
            notify,
            exchange: None,
            protected: None,
        });
    }
    if !text.starts_with("sending ") && !text.starts_with("responding to ") {
        return None;
    }
    let (head, rest) = split_at_rare(text, "notification ")?;
    let word = rest.split([' ', ',', ';', '/']).next()?;
    let notify = value::notify(word)
        .filter(|(number, _)| *number < 8192)
        .or_else(|| first_error(rest))?;
    Some(Said::Sending {
        notify,
        exchange: head.strip_prefix("responding to ").and_then(|h| {
            exchange(h).or_else(|| h.starts_with("SA_INIT").then_some("IKE_SA_INIT"))
        }),
        protected: Some(head.ends_with(" encrypted ")),
    })
}

/// `00 00 00 10  00 00 00 01  03 04 00 0e`: the notification payload that the line before was about. Its ninth octet is
/// the protocol (RFC 2408 3.14).
pub(super) fn dumped(text: &str) -> Option<Said> {
    let octets: Vec<u8> = text
        .split_whitespace()
        .take(12)
        .map(|word| (word.len() == 2).then(|| u8::from_str_radix(word, 16).ok())?)
        .collect::<Option<_>>()?;
    match octets.as_slice() {
        // Next payload, reserved, length, domain of interpretation IPSEC, protocol, SPI size, type.
        [_, 0, _, _, 0, 0, 0, 1, protocol, ..] => Some(Said::Dump(*protocol)),
        _ => None,
    }
}
