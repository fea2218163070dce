//! How SAs and the daemon come and go, and what the path tells.

use adit_model::event::PathProblem;

use super::super::value;
use super::Said;
use value::after;

pub(super) fn said(text: &str) -> Option<Said> {
    daemon(text)
        .or_else(|| nat(text))
        .or_else(|| deletes(text))
        .or_else(|| network(text))
        .or_else(|| names(text))
}

/// Debugging lines that say what nothing else does.
pub(super) fn debugging(text: &str) -> Option<Said> {
    (text.starts_with("NAT-T: floating") || text.contains("NAT-T: new mapping"))
        .then_some(Said::Floated)
}

fn daemon(text: &str) -> Option<Said> {
    if text.starts_with("Starting Pluto") {
        return Some(Said::Started);
    }
    if text.starts_with("listening for IKE messages") {
        return Some(Said::Listening);
    }
    let stops = text.starts_with("shutting down") && !text.starts_with("shutting down interface");
    (stops || text.starts_with("Pluto is shutting down")).then_some(Said::Stopping)
}

fn nat(text: &str) -> Option<Said> {
    if text.starts_with("NAT-T detected, moving to port") {
        return Some(Said::Floated);
    }
    if text.starts_with("detected that I am NATed") {
        return Some(Said::Nat {
            us: true,
            peer: false,
        });
    }
    if text.starts_with("detected that they are NATed") {
        return Some(Said::Nat {
            us: false,
            peer: true,
        });
    }
    let result = text.strip_prefix("NAT-Traversal: Result using ")?;
    let lower = result.to_ascii_lowercase();
    if lower.contains("no nat detected") {
        return Some(Said::Nat {
            us: false,
            peer: false,
        });
    }
    let both = lower.contains("both");
    let us = both || lower.contains("i am ");
    let peer = both || lower.contains("peer ");
    (us || peer).then_some(Said::Nat { us, peer })
}

fn deletes(text: &str) -> Option<Said> {
    if text.starts_with("deleting incomplete state") {
        return Some(Said::Incomplete);
    }
    if let Some(rest) = text.strip_prefix("received Delete SA") {
        if rest.contains("already replac") {
            return None;
        }
        let child = [
            "IPSEC State",
            "IPsec State",
            "CHILD SA",
            "IPsec SA",
            "Child SA",
        ]
        .iter()
        .find(|w| rest.contains(**w));
        let ike = ["ISAKMP State", "ISAKMP SA", "IKE SA", "PARENT"]
            .iter()
            .find(|w| rest.contains(**w));
        let mark = child.or(ike)?;
        return Some(Said::DeleteReceived {
            child: child.is_some(),
            serial: after(rest, mark).and_then(value::number),
        });
    }
    let rest = text.strip_prefix("deleting ")?;
    let of_state = [
        "state ",
        "other state ",
        "ISAKMP SA ",
        "IKE SA ",
        "IPsec SA ",
        "Child SA ",
    ]
    .iter()
    .find_map(|head| rest.strip_prefix(head))?;
    let (before, name) = of_state.split_once('(')?;
    let serial = before.trim().strip_prefix('#').and_then(value::number);
    let name = name.split(')').next()?;
    Some(Said::Gone {
        serial,
        state: Some(name.to_owned()),
    })
}

fn network(text: &str) -> Option<Said> {
    if text.contains("declaring peer dead")
        || (text.contains("liveness") && text.contains("has not responded"))
        || text.contains("should declare it dead")
    {
        return Some(Said::DeadPeer);
    }
    if text.contains("asynchronous network error report") {
        let to = after(text, "for message to ").unwrap_or_default();
        let errno: i32 = after(text, "[errno ").and_then(value::number).unwrap_or(0);
        let kind = after(text, "origin ICMP type ").and_then(|r| {
            Some((
                value::number::<u8>(r)?,
                after(r, "code ").and_then(value::number::<u8>)?,
            ))
        });
        let problem = match (kind, errno) {
            (Some((3, 0)), _) => PathProblem::NetUnreachable,
            (Some((3, 1)), _) => PathProblem::HostUnreachable,
            (Some((3, 3)), _) | (None, 111) => PathProblem::PortUnreachable,
            (Some((3, 4)), _) => PathProblem::FragmentationNeeded(0),
            (Some((3, 9 | 10 | 13)), _) => PathProblem::AdminProhibited,
            (Some((a, b)), _) => PathProblem::Other(a, b),
            (None, errno) => PathProblem::LocalSend(errno),
        };
        return Some(Said::PathFailed {
            problem,
            offender: after(text, "complainant ").and_then(value::address),
            port: after(to, "port ")
                .and_then(value::number)
                .or_else(|| value::address(to).and(after(to, ":").and_then(value::number))),
        });
    }
    let sent =
        (text.contains("sendto on ") || text.starts_with("send on ")) && text.contains("failed in");
    if sent {
        let errno = after(text, "Errno ")
            .or_else(|| after(text, "(errno "))
            .and_then(value::number)?;
        return Some(Said::PathFailed {
            problem: PathProblem::LocalSend(errno),
            offender: None,
            port: None,
        });
    }
    None
}

fn names(text: &str) -> Option<Said> {
    if let Some(rest) = text.strip_prefix("switched from ") {
        let (_, to) = rest.split_once(" to ")?;
        return value::quoted(to).map(|name| Said::Switched(name.to_owned()));
    }
    let failed = after(text, "failed to convert '").or_else(|| after(text, "failed to resolve '"));
    if let Some(rest) = failed.filter(|rest| rest.contains("at load time")) {
        let name = rest.split('\'').next()?;
        let name = name.rsplit('=').next().unwrap_or(name);
        // What isn't a name can't be looked up: it is refused for another reason.
        if name.starts_with('%') || name.parse::<core::net::IpAddr>().is_ok() {
            return None;
        }
        return Some(Said::Unresolved(name.to_owned()));
    }
    text.contains("without resolved dynamic peer IP address")
        .then(|| Said::Unresolved("(not in the log)".to_owned()))
}
