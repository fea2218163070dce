//! What is agreed on for traffic, and the life of the SAs and of the daemon.

use super::{Said, numbered};
use crate::charon::value;

pub(super) fn traffic(text: &str) -> Option<Said> {
    if let Some(rest) = text.strip_prefix("looking for a child config for ") {
        let (ours, theirs) = value::both_selectors(rest)?;
        return Some(Said::LookingForChild { ours, theirs });
    }
    if let Some(rest) = text.strip_prefix("found matching child config \"") {
        return Some(Said::ChildFound(rest.split('"').next()?.to_owned()));
    }
    if let Some(whose) = text.strip_prefix("proposing traffic selectors for ") {
        return Some(Said::Proposing {
            ours: whose.starts_with("us"),
        });
    }
    if let Some(rest) = text.strip_prefix("traffic selectors ") {
        let pair = rest
            .strip_suffix(" unacceptable")
            .or_else(|| rest.strip_suffix(" inacceptable"))?;
        let (ours, theirs) = value::both_selectors(pair)?;
        return Some(Said::TrafficRefused { ours, theirs });
    }
    let rest = text.strip_prefix("no matching CHILD_SA config found")?;
    let (ours, theirs) = rest
        .strip_prefix(" for ")
        .and_then(value::both_selectors)
        .unwrap_or_default();
    Some(Said::TrafficRefused { ours, theirs })
}

pub(super) fn life(text: &str) -> Option<Said> {
    if let Some(rest) = text.strip_prefix("IKE_SA ") {
        if rest.starts_with("deleted") {
            return None;
        }
        if let Some((named, _)) = rest.split_once(" rekeyed between ") {
            let (_, number) = numbered(named, '[', ']');
            return Some(Said::Rekeyed { number });
        }
        let (named, pair) = rest.split_once(" established between ")?;
        let (name, number) = numbered(named, '[', ']');
        let [(_, ours), (_, theirs)] = value::pair(pair).unwrap_or_default();
        return Some(Said::IkeUp {
            name,
            number,
            ours,
            theirs,
        });
    }
    if let Some(rest) = text.strip_prefix("establishing CHILD_SA ") {
        return numbered(rest, '{', '}').0.map(Said::EstablishingChild);
    }
    let up = text.strip_prefix("inbound ").unwrap_or(text);
    if let Some(rest) = up.strip_prefix("CHILD_SA ") {
        return child_up(rest);
    }
    let closing = ["closing CHILD_SA ", "closing expired CHILD_SA "];
    if let Some(rest) = closing.iter().find_map(|words| text.strip_prefix(words)) {
        let (named, rest) = rest.split_once(" with SPIs ")?;
        let spi_in = spi(rest.split(' ').next()?, "_i")?;
        return Some(Said::ChildDown {
            name: numbered(named, '{', '}').0?,
            spi_in,
        });
    }
    if let Some(rest) = text.strip_prefix("received DELETE for ") {
        return Some(Said::DeleteReceived {
            child: rest.contains("CHILD_SA"),
        });
    }
    let starts = |heads: &[&str]| heads.iter().any(|h| text.starts_with(h));
    Some(
        if starts(&["deleting IKE_SA ", "sending DELETE for IKE_SA"]) {
            Said::Deleting
        } else if starts(&[
            "destroying IKE_SA in state CONNECTING",
            "deleting half open IKE_SA",
        ]) {
            Said::Abandoned
        } else if starts(&["local host is behind NAT"]) {
            Said::BehindNat { us: true }
        } else if starts(&["remote host is behind NAT"]) {
            Said::BehindNat { us: false }
        } else if starts(&["faking NAT situation"]) {
            Said::ForcedEncapsulation
        } else if starts(&[
            "Starting IKE charon daemon",
            "Starting IKEv2 charon daemon",
            "Starting charon",
        ]) {
            Said::Started
        } else if starts(&[
            "SIGTERM received, shutting down",
            "SIGINT received, shutting down",
        ]) {
            Said::Stopping
        } else if let Some(rest) = text.strip_prefix("error writing to socket: ") {
            Said::SendFailed(errno(rest)?)
        } else if let Some(rest) = text.strip_prefix("unable to resolve ") {
            let name = rest.split(',').next()?.trim();
            // A connection for anybody has no name to look up.
            if name.starts_with('%') || name == "0.0.0.0" {
                return None;
            }
            Said::Unresolved(name.to_owned())
        } else {
            return None;
        },
    )
}

/// `net{7} established with SPIs c1a2b3c4_i cd5e6f70_o and TS 10.1.0.0/24 === 10.2.0.0/24`
fn child_up(text: &str) -> Option<Said> {
    let (named, rest) = text.split_once(" established with SPIs ")?;
    let (spis, ts) = rest.split_once(" and TS ").unwrap_or((rest, ""));
    let mut spis = spis.split(' ');
    let (ours, theirs) = value::both_selectors(ts).unwrap_or_default();
    Some(Said::ChildUp {
        name: numbered(named, '{', '}').0?,
        spi_in: spi(spis.next()?, "_i")?,
        spi_out: spis.next().and_then(|s| spi(s, "_o")).unwrap_or(0),
        ours,
        theirs,
    })
}

fn spi(text: &str, mark: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_suffix(mark)?, 16).ok()
}

/// The numbers of the errors that tell where a packet got stuck.
fn errno(text: &str) -> Option<i32> {
    Some(match text.trim() {
        "Operation not permitted" => 1,
        "Invalid argument" => 22,
        "Message too long" => 90,
        "Cannot assign requested address" => 99,
        "Network is down" => 100,
        "Network is unreachable" => 101,
        "Connection refused" => 111,
        "No route to host" => 113,
        _ => return None,
    })
}
