//! Messages on the wire: what they carry, whence and whither, in how many pieces.

use super::Said;
use crate::charon::value;

/// `generating IKE_SA_INIT request 0 [ SA KE No N(NATD_S_IP) ]`
pub(super) fn packet(text: &str) -> Option<Said> {
    let (received, rest) = match text.strip_prefix("parsed ") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix("generating ")?),
    };
    let (head, list) = rest.split_once(" [ ").or_else(|| rest.split_once(" ["))?;
    let mut words = head.split(' ');
    let (exchange, kind, id) = (words.next()?, words.next()?, words.next()?);
    let response = match kind {
        "request" => false,
        "response" => true,
        _ => return None,
    };
    // A list that was cut off counts as far as it goes.
    let list = list.split(']').next().unwrap_or(list);
    Some(Said::Packet {
        received,
        exchange: exchange.trim_end_matches([',', ':']).to_owned(),
        response,
        id: id.parse().ok()?,
        payloads: list.split_whitespace().map(payload).collect(),
    })
}

/// `received packet: from 192.0.2.1[500] to 198.51.100.1[500] (36 bytes)`
pub(super) fn datagram(text: &str) -> Option<Said> {
    let (received, rest) = match text.strip_prefix("received packet: from ") {
        Some(rest) => (true, rest),
        None => (
            false,
            text.strip_prefix("sending packet: from ")
                .or_else(|| text.strip_prefix("sending packet from "))?,
        ),
    };
    let (from, rest) = rest.split_once(" to ")?;
    let (to, rest) = rest.split_once(" (").unwrap_or((rest, ""));
    Some(Said::Datagram {
        received,
        from: value::endpoint(from),
        to: value::endpoint(to),
        octets: rest
            .split(' ')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0),
    })
}

/// `received fragment #1 of 3, waiting for complete IKE message`
pub(super) fn fragment(text: &str) -> Option<Said> {
    let rest = text.strip_prefix("received fragment #")?;
    let (count, rest) = rest.split_once(", ")?;
    let (number, of) = match count.split_once(" of ") {
        Some((number, of)) => (number, of.parse().ok()),
        None => (count, None),
    };
    Some(Said::Fragment {
        number: number.parse().ok()?,
        of,
        whole: rest.starts_with("reassembl"),
    })
}

/// `N(NO_PROP)` with the notify's full name; other payloads as they are.
fn payload(word: &str) -> String {
    word.strip_prefix("N(")
        .and_then(|w| w.strip_suffix(')'))
        .and_then(value::notify)
        .map_or_else(
            || word.to_owned(),
            |n| match n.known_name() {
                Some(name) => ["N(", name, ")"].concat(),
                None => format!("N({n})"),
            },
        )
}
