//! What charon puts before a message.

/// A message with its head: `09[IKE1] <gw-b|3> retransmit 1 of request with message ID 0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// The thread that wrote it.
    pub(crate) thread: Option<u8>,
    /// The group, such as `IKE`; `None` where the log leaves it out.
    pub(crate) group: Option<&'a str>,
    /// The connection's name, once it is known, and the IKE SA's number.
    pub(crate) sa: Option<(Option<&'a str>, u32)>,
    /// The message.
    pub(crate) text: &'a str,
}

fn is_group(word: &[u8]) -> bool {
    matches!(
        word,
        b"ASN"
            | b"APP"
            | b"CFG"
            | b"CHD"
            | b"DMN"
            | b"ENC"
            | b"ESP"
            | b"IKE"
            | b"IMC"
            | b"IMV"
            | b"JOB"
            | b"KNL"
            | b"LIB"
            | b"MGR"
            | b"NET"
            | b"PTS"
            | b"TLS"
            | b"TNC"
    )
}

/// How far into a line a head is looked for, when something unknown stands before it.
const FAR: usize = 160;

/// Reads the head, wherever it begins. A line without one is all message.
pub(crate) fn message(body: &str) -> Message<'_> {
    head(body)
        .or_else(|| somewhere(body))
        .or_else(|| spelled(body))
        .unwrap_or_else(|| {
            let (sa, text) = ike_sa(body.split_once("msg: ").map_or(body, |(_, told)| told));
            Message {
                thread: None,
                group: None,
                sa,
                text,
            }
        })
}

fn head(text: &str) -> Option<Message<'_>> {
    let (thread, rest) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(0) => (None, text),
        Some(at @ 1..=3) => (text.get(..at)?.parse().ok(), text.get(at..)?),
        _ => return None,
    };
    let rest = rest.strip_prefix('[')?;
    let end = match *rest.as_bytes() {
        [_, _, _, b']', ..] => 3,
        [_, _, _, b'0'..=b'9', b']', ..] => 4,
        _ => return None,
    };
    let group = rest.get(..3).filter(|group| is_group(group.as_bytes()))?;
    let rest = rest.get(end + 1..)?;
    let (sa, text) = ike_sa(rest.strip_prefix(' ').unwrap_or(rest));
    Some(Message {
        thread,
        group: Some(group),
        sa,
        text,
    })
}

/// `IKE 15     : initiating`, as some gateways have their syslog put it.
fn spelled(body: &str) -> Option<Message<'_>> {
    let (before, text) = body.split_once(" : ")?;
    let mut words = before.split_whitespace().rev();
    let thread = words.next()?.parse().ok()?;
    let group = words.next().filter(|word| is_group(word.as_bytes()))?;
    let (sa, text) = ike_sa(text);
    Some(Message {
        thread: Some(thread),
        group: Some(group),
        sa,
        text,
    })
}

/// Where heads begin in a line, as far as blanks stand before them.
pub(crate) fn heads(text: &str) -> impl Iterator<Item = usize> + '_ {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'[', bytes).filter_map(move |bracket| {
        let group = bytes.get(bracket + 1..bracket + 4)?;
        let (first, second) = (bytes.get(bracket + 4)?, bytes.get(bracket + 5)?);
        let ends =
            (*first == b']' && *second == b' ') || (first.is_ascii_digit() && *second == b']');
        if !ends || !is_group(group) {
            return None;
        }
        let before = text.get(..bracket)?;
        let begin = before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let apart = begin == 0 || before.get(..begin)?.ends_with(' ');
        apart.then_some(begin)
    })
}

/// Sentences that begin a line of what `ipsec up` prints.
const BEGINNINGS: [&str; 22] = [
    " initiating Main Mode IKE_SA ",
    " initiating Aggressive Mode IKE_SA ",
    " initiating IKE_SA ",
    " generating ",
    " sending packet: from ",
    " received packet: from ",
    " parsed ",
    " received NAT-T ",
    " received XAuth ",
    " received DPD ",
    " received FRAGMENTATION ",
    " received NO_PROPOSAL_CHOSEN ",
    " received AUTHENTICATION_FAILED ",
    " received INVALID_",
    " received TS_UNACCEPTABLE ",
    " selected proposal: ",
    " local host is behind NAT",
    " remote host is behind NAT",
    " authentication of '",
    " sending retransmit ",
    " giving up after ",
    " establishing ",
];

/// Where sentences without a head begin in a line that lost its line breaks. One message names one packet at most.
pub(crate) fn sentences(text: &str) -> Vec<usize> {
    const SHORTEST: usize = 120;
    if text.len() < SHORTEST || text.matches("packet: from ").take(2).count() < 2 {
        return Vec::new();
    }
    let mut begins: Vec<usize> = BEGINNINGS
        .iter()
        .flat_map(|words| text.match_indices(words).map(|(at, _)| at + 1))
        .collect();
    begins.sort_unstable();
    begins
}

fn somewhere(body: &str) -> Option<Message<'_>> {
    let mut from = 0;
    while let Some(at) = body.get(from..)?.find('[') {
        let bracket = from + at;
        if bracket > FAR {
            return None;
        }
        let before = body.get(..bracket)?;
        let begin = before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let ahead = body.get(..begin)?;
        // Some collectors of logs put their time before it without a blank: `11:44:40 PM06[IKE]`.
        let apart = begin == 0
            || ahead.ends_with([' ', ':', '\t', '|', '`', '"', ','])
            || ahead.ends_with("AM")
            || ahead.ends_with("PM");
        if let Some(mut found) = apart.then(|| head(body.get(begin..)?)).flatten() {
            found.text = unwrapped(found.text, ahead);
            return Some(found);
        }
        from = bracket + 1;
    }
    None
}

/// The message without what closes the cell of a table or the field of a list that it stands in.
fn unwrapped<'a>(text: &'a str, ahead: &str) -> &'a str {
    let close = match ahead.trim_end().chars().next_back() {
        Some(mark @ ('|' | '"')) => mark,
        _ => return text,
    };
    match text.trim_end().strip_suffix(close) {
        // A quote that the message itself opens is its own.
        Some(within) if !within.contains(close) => within.trim_end(),
        _ => text,
    }
}

/// `<gw-b|3> `, `<3> `.
fn ike_sa(text: &str) -> (Option<(Option<&str>, u32)>, &str) {
    let parse = || {
        let (inside, rest) = text.strip_prefix('<')?.split_once('>')?;
        let (name, number) = match inside.rsplit_once('|') {
            Some((name, number)) => (Some(name), number),
            None => (None, inside),
        };
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        Some(((name, number.parse().ok()?), rest))
    };
    match parse() {
        Some((sa, rest)) => (Some(sa), rest),
        None => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_every_setting() {
        let want = |thread, group, sa, text| Message {
            thread,
            group,
            sa,
            text,
        };
        for (line, message_is) in [
            (
                "09[IKE] <gw-b|3> initiating",
                want(Some(9), Some("IKE"), Some((Some("gw-b"), 3)), "initiating"),
            ),
            (
                "16[NET1] <1>  received",
                want(Some(16), Some("NET"), Some((None, 1)), " received"),
            ),
            (
                "[IKE] initiating",
                want(None, Some("IKE"), None, "initiating"),
            ),
            (
                "gateway-1 | east: 09[CFG] x",
                want(Some(9), Some("CFG"), None, "x"),
            ),
            (
                "sent packet from 1.2.3.4[500] to you",
                want(None, None, None, "sent packet from 1.2.3.4[500] to you"),
            ),
        ] {
            assert_eq!(message(line), message_is, "{line}");
        }
    }
}
