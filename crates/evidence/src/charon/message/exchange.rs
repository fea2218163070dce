//! How the exchanges go: who begins, what is proposed and refused, what is repeated.

use std::sync::LazyLock;

use adit_model::proposal::TransformKind;
use memchr::memmem::Finder;

use super::{Said, numbered};
use crate::charon::{proposal, value};
use crate::text::split_at;

pub(super) fn exchange(text: &str) -> Option<Said> {
    if let Some(rest) = text.strip_prefix("initiating ") {
        let v1 = ["Main Mode ", "Aggressive Mode "]
            .iter()
            .find_map(|mode| rest.strip_prefix(mode));
        let (named, to) = v1
            .unwrap_or(rest)
            .strip_prefix("IKE_SA ")?
            .split_once(" to ")?;
        let (name, number) = numbered(named, '[', ']');
        return Some(Said::Initiating {
            name,
            number,
            to: value::address(to),
            v1: v1.is_some(),
        });
    }
    static PEER_INITIATES: LazyLock<Finder<'static>> =
        LazyLock::new(|| Finder::new(" is initiating "));
    if let Some((_, what)) = split_at(text, &PEER_INITIATES) {
        // Newer versions name what is initiated: `IKE_SA gw-b[3]`.
        let initiates = what.ends_with("IKE_SA") || what.starts_with("IKE_SA ");
        return initiates.then_some(Said::PeerInitiates {
            v1: what.contains(" Mode "),
        });
    }
    if let Some(rest) = text
        .strip_prefix("retransmit ")
        .or_else(|| text.strip_prefix("sending retransmit "))
    {
        let (attempt, rest) = rest.split_once(" of ")?;
        // IKEv2 names the message after `with message ID`, IKEv1 after `message ID`.
        let id = rest
            .split_once("message ID ")
            .and_then(|(_, id)| id.split([',', ' ']).next()?.parse().ok());
        let step = step(rest, id);
        // IKEv2 repeats only requests. IKEv1's responder repeats its answer until the next message comes.
        return (rest.starts_with("request") || step.is_some()).then_some(Said::Retransmit {
            attempt: attempt.parse().ok()?,
            id,
            step,
        });
    }
    if let Some(rest) = text.strip_prefix("giving up after ") {
        let retransmits = rest.split(' ').next()?.parse().ok()?;
        return Some(Said::GivingUp { retransmits });
    }
    if let Some(rest) = text.strip_prefix("received ") {
        if let Some((name, rest)) = rest.split_once(' ')
            && (rest.starts_with("notify error")
                || rest.starts_with("error notify")
                || rest.starts_with("notify, no CHILD_SA built"))
        {
            return value::notify(name).map(|notify| Said::Told {
                notify,
                child: rest.starts_with("notify, no CHILD_SA built"),
            });
        }
        if let Some(version) = rest.strip_prefix("unsupported IKE version ") {
            let version = version.split_whitespace().next()?;
            if !crate::phrase::is_ike_version(version) {
                return None;
            }
            let major = version.split('.').next()?.parse().ok()?;
            return Some(Said::VersionRefused(major));
        }
    }
    // People put anything into the place of the addresses, or nothing.
    if let Some(rest) = text.strip_prefix("no IKE config found") {
        let (pair, _) = rest.split_once(", sending ").unwrap_or((rest, ""));
        let [local, remote] = value::pair(pair.trim_start_matches(" for").trim_start())
            .map_or([None, None], |pair| pair.map(|(end, _)| end));
        return Some(Said::NoConfig { local, remote });
    }
    if text.starts_with("received retransmit of request with ID")
        && text.contains("retransmitting response")
    {
        return Some(Said::Duplicate);
    }
    (text.starts_with("establishing IKE_SA failed, peer not responding")
        || text.starts_with("peer not responding, trying again"))
    .then_some(Said::NotResponding)
}

pub(super) fn proposals(text: &str) -> Option<Said> {
    if let Some(list) = text.strip_prefix("received proposals: ") {
        return proposal::list(list).map(Said::Received);
    }
    if let Some(list) = text.strip_prefix("configured proposals: ") {
        return proposal::list(list).map(Said::Configured);
    }
    if let Some(one) = text.strip_prefix("selected proposal: ") {
        return proposal::list(one).map(Said::Selected);
    }
    match text.trim() {
        "received proposals unacceptable" | "received proposals inacceptable" => {
            return Some(Said::NoIkeProposal);
        }
        "no proposal found" => return Some(Said::NoProposal),
        "proposal matches" => return Some(Said::Fits),
        _ => {}
    }
    if let Some(kind) = text.strip_prefix("no acceptable ").and_then(lacking) {
        return Some(Said::Lacks(kind));
    }
    if text.starts_with("no acceptable proposal found")
        || text.starts_with("no matching proposal found, sending ")
        || text
            .strip_prefix("no matching proposal found")
            .is_some_and(|rest| rest.trim_end().is_empty())
    {
        return Some(Said::NoChildProposal);
    }
    group_wanted(text)
}

/// The kind of algorithm that two proposals have none of in common; charon compares in this order and stops there.
fn lacking(rest: &str) -> Option<TransformKind> {
    Some(match rest.split_once(" found")?.0 {
        "ENCRYPTION_ALGORITHM" => TransformKind::Encryption,
        "PSEUDO_RANDOM_FUNCTION" => TransformKind::Prf,
        "INTEGRITY_ALGORITHM" => TransformKind::Integrity,
        "DIFFIE_HELLMAN_GROUP" | "KEY_EXCHANGE_METHOD" => TransformKind::KeyExchange,
        "EXTENDED_SEQUENCE_NUMBERS" => TransformKind::Esn,
        kind if kind.starts_with("ADDITIONAL_KEY_EXCHANGE") => TransformKind::AdditionalKeyExchange,
        _ => return None,
    })
}

/// Both sides' words about a key exchange method that has to be another.
fn group_wanted(text: &str) -> Option<Said> {
    static BY_PEER: LazyLock<Finder<'static>> =
        LazyLock::new(|| Finder::new("peer didn't accept "));
    let by_peer = split_at(text, &BY_PEER);
    for what in ["DH group ", "key exchange method "] {
        if let Some((_, rest)) = by_peer.filter(|(_, rest)| rest.starts_with(what)) {
            let (from, to) = rest.strip_prefix(what)?.split_once(", it requested ")?;
            return Some(wanted(from, to, true));
        }
        if let Some(rest) = text.strip_prefix(what) {
            let (from, rest) = rest.split_once(' ')?;
            let to = rest
                .strip_prefix("unacceptable, requesting ")
                .or_else(|| rest.strip_prefix("inacceptable, requesting "))?;
            return Some(wanted(from, to, false));
        }
    }
    None
}

fn wanted(from: &str, to: &str, by_peer: bool) -> Said {
    let name = |word: &str| {
        let word = word.trim();
        proposal::group(word).map_or_else(|| word.to_owned(), |ke| ke.to_string())
    };
    Said::GroupWanted {
        from: name(from),
        to: name(to),
        by_peer,
    }
}

/// The message of main mode that is repeated: `request message ID 0, seq 3` is the initiator's third.
fn step(rest: &str, id: Option<u32>) -> Option<&'static str> {
    let (_, seq) = rest.split_once(", seq ")?;
    let seq: usize = seq.split([' ', ',']).next()?.parse().ok()?;
    let names = if rest.starts_with("request") {
        ["MI1", "MI2", "MI3"]
    } else {
        ["MR1", "MR2", "MR3"]
    };
    let at = seq.checked_sub(1).filter(|_| id == Some(0))?;
    names.get(at).copied()
}
