//! Messages that come and go, and what comes up in the end.

use adit_model::identity::Identity;

use super::super::line::Message;
use super::super::{proposal, step, value};
use super::Said;
use crate::text::split_at_rare;
use value::after;

pub(super) fn said(message: &Message<'_>) -> Option<Said> {
    let text = message.text;
    up(text)
        .or_else(|| begins(text))
        .or_else(|| repeats(message))
        .or_else(|| comes(text))
        .or_else(|| reached(message))
}

/// An SA is up.
fn up(text: &str) -> Option<Said> {
    const NEAR: usize = 60;
    if text.starts_with("deleting")
        || text.starts_with("encountered")
        || text.contains("rejected Child SA")
    {
        return None;
    }
    if let Some(rest) = text.strip_prefix("negotiated connection ") {
        let (ours, theirs) = networks(rest)?;
        return Some(Said::Negotiated { ours, theirs });
    }
    // Of other products: `ike 0: no established IKE SA for exchange-type Informational`.
    let near = |mark: &str| {
        split_at_rare(text, mark)
            .is_some_and(|(head, _)| head.len() < NEAR && !head.ends_with("no "))
    };
    if near("IPsec SA established") || near("established Child SA") || near("rekeyed Child SA") {
        return Some(child_up(text));
    }
    let rekeyed = near("rekeyed IKE SA");
    let ike = rekeyed
        || near("ISAKMP SA established")
        || near("PARENT SA established")
        || near("established IKE SA")
        || text.starts_with("IKE SA established {");
    ike.then(|| Said::IkeUp {
        suite: proposal::ike_suite(text),
        peer: authenticated(text),
        rekeyed,
    })
}

/// `; authenticated peer using authby=secret and ID_FQDN '@east'`.
fn authenticated(text: &str) -> Option<Identity> {
    let (_, rest) = split_at_rare(text, "authenticated ")?;
    let (_, id) = rest.rsplit_once(" and ").unwrap_or(("", rest));
    (id.starts_with("ID_")
        || ["FQDN", "IPV4", "IPV6", "DER", "USER", "NULL", "KEY"]
            .iter()
            .any(|k| id.starts_with(k)))
    .then(|| value::quoted(id).and_then(value::identity))
    .flatten()
}

/// `IPsec SA established tunnel mode {ESP=>0xc1a2b3c4 <0xcd5e6f70 xfrm=… NATD=none}`.
fn child_up(text: &str) -> Said {
    let spi = |mark: &str| {
        let rest = after(text, mark)?;
        let hex = rest
            .split(|c: char| !c.is_ascii_hexdigit())
            .next()
            .filter(|h| !h.is_empty())?;
        u32::from_str_radix(hex, 16).ok()
    };
    let (ours, theirs) = networks(text).unwrap_or_default();
    Said::ChildUp {
        suite: proposal::esp_suite(text),
        spi_out: spi("=>0x"),
        spi_in: spi("<0x"),
        ours,
        theirs,
        udp: text.contains("ESPinUDP") || text.contains("/NAT"),
    }
}

/// `[10.1.0.0/24===10.2.0.0/24]` of version 5, `[10.1.0.0-10.1.0.255:0-65535 0] -> […]` before it.
fn networks(
    text: &str,
) -> Option<(
    Vec<adit_model::selector::Selector>,
    Vec<adit_model::selector::Selector>,
)> {
    let inside = |part: &str| {
        let (_, rest) = part.split_once('[')?;
        let list = rest.split(']').next()?;
        Some(value::selectors(list))
    };
    if let Some((ours, theirs)) = split_at_rare(text, "] -> [") {
        return Some((
            inside(&format!("{ours}]"))?,
            value::selectors(theirs.split(']').next()?),
        ));
    }
    let (_, rest) = text.split_once('[')?;
    let both = rest.split(']').next()?;
    let (ours, theirs) = both.split_once("===")?;
    Some((value::selectors(ours), value::selectors(theirs)))
}

/// A side begins.
fn begins(text: &str) -> Option<Said> {
    if let Some(rest) = text.strip_prefix("initiating ") {
        let aggressive = rest.contains("Aggressive Mode");
        if rest.starts_with("Quick Mode") {
            return Some(Said::QuickMode {
                initiating: true,
                isakmp: after(rest, "isakmp").and_then(value::number),
                proposals: after(rest, "proposal=")
                    .map(|p| p.split(" pfsgroup").next().unwrap_or(p))
                    .map(|p| proposal::configured(p, false))
                    .unwrap_or_default(),
            });
        }
        if aggressive || rest.contains("Main Mode") && !rest.contains("Quick Mode") {
            return Some(Said::Initiating {
                v1: true,
                aggressive,
                to: None,
            });
        }
        let v2 = ["v2 parent SA", "IKEv2 IKE SA", "IKEv2 connection"]
            .iter()
            .any(|head| rest.starts_with(head));
        return v2.then(|| Said::Initiating {
            v1: false,
            aggressive: false,
            to: after(rest, " to ").and_then(value::address),
        });
    }
    let rest = text.strip_prefix("responding to ")?;
    if rest.starts_with("Quick Mode") {
        return Some(Said::QuickMode {
            initiating: false,
            isakmp: after(rest, "ISAKMP SA").and_then(value::number),
            proposals: Vec::new(),
        });
    }
    let aggressive = rest.starts_with("Aggressive Mode");
    (aggressive || rest.starts_with("Main Mode")).then(|| Said::Responding {
        aggressive,
        translated: after(rest, "from unknown peer ")
            .and_then(asking_port)
            .is_some_and(|port| ![500, 4500].contains(&port)),
    })
}

/// `192.0.2.1 on port 1027`, in version 4 `192.0.2.1:1027`; the address may be blacked out.
fn asking_port(peer: &str) -> Option<u16> {
    let port = after(peer, " on port ").or_else(|| {
        let endpoint = peer.split_whitespace().next()?;
        let (_, port) = endpoint
            .rsplit_once(':')
            .filter(|(host, _)| !host.contains(':') || host.ends_with(']'))?;
        Some(port)
    })?;
    value::number(port)
}

/// Messages sent and received again, and the end of it.
fn repeats(message: &Message<'_>) -> Option<Said> {
    let text = message.text;
    if text.starts_with("retransmission") {
        return Some(Said::Retransmission);
    }
    if text.starts_with("retransmitting in response to duplicate")
        || text.starts_with("discarding duplicate packet")
        || text.starts_with("discarding initial packet; already ")
        || ((text.contains("duplicate Message ID") || text.starts_with("received duplicate"))
            && text.contains("retransmitting response"))
    {
        let first = text.starts_with("received duplicate IKE_SA_INIT message request");
        let proof = text.ends_with("already STATE_MAIN_R3") || text.ends_with("already MAIN_R3");
        return Some(Said::Duplicate { first, proof });
    }
    let first = |text: &str| {
        if text.contains("first Quick Mode message") {
            Some("QI1")
        } else if text.contains("first IKEv2 message") {
            Some("IKE_SA_INIT")
        } else if text.contains("first IKEv1 message") || text.contains("first IKE message") {
            Some("MI1")
        } else {
            None
        }
    };
    if let Some(rest) = text.strip_prefix("max number of retransmissions (") {
        let reached = after(rest, "reached ")
            .and_then(|r| r.split([' ', '.', ';']).next())
            .and_then(step::state)
            .and_then(|s| s.sent)
            .map(|(name, _)| name);
        return Some(Said::GaveUp {
            retransmits: value::number(rest).unwrap_or(0),
            waited_ms: after(rest, "after ").map_or(0, seconds),
            message: reached.or_else(|| first(rest)),
        });
    }
    let (waited, rest) = split_at_rare(text, " second timeout exce")?;
    Some(Said::GaveUp {
        retransmits: after(rest, "after ").and_then(value::number).unwrap_or(0),
        waited_ms: seconds(waited),
        message: first(rest),
    })
}

fn seconds(text: &str) -> u64 {
    value::number::<u64>(text.rsplit(' ').next().unwrap_or(text))
        .or_else(|| value::number(text))
        .map_or(0, |s| s.saturating_mul(1000))
}

/// Exchanges of IKEv2, as versions from 4 on name them.
const EXCHANGES: [&str; 5] = [
    "IKE_SA_INIT",
    "IKE_AUTH",
    "CREATE_CHILD_SA",
    "INFORMATIONAL",
    "IKE_INTERMEDIATE",
];

/// The exchange that a text names.
pub(super) fn exchange(text: &str) -> Option<&'static str> {
    EXCHANGES.iter().copied().find(|name| text.contains(name))
}

fn comes(text: &str) -> Option<Said> {
    let rest = text
        .strip_prefix("processing ")
        .or_else(|| text.strip_prefix("processed "))?;
    let rest = rest.strip_prefix("decrypted ").unwrap_or(rest);
    let mut words = rest.splitn(3, ' ');
    let exchange = exchange(words.next()?)?;
    let kind = words.next()?;
    let rest = words.next().unwrap_or_default();
    let response = match kind.trim_end_matches(':') {
        "request" => false,
        "response" | "reply" => true,
        _ => return None,
    };
    // What was processed was answered.
    if !response && exchange == "IKE_SA_INIT" && text.starts_with("processed ") {
        return step::state("PARENT_R1").map(|state| Said::Reached { state, to: None });
    }
    let list = after(rest, "containing ").or_else(|| kind.ends_with(':').then_some(rest));
    Some(Said::Came {
        exchange,
        response,
        payloads: list.map(payloads).unwrap_or_default(),
        from: after(rest, "from ")
            .or_else(|| rest.strip_prefix("from "))
            .and_then(|r| value::endpoint(r.split(' ').next()?)),
    })
}

/// `SK{IDr,AUTH,N(TS_UNACCEPTABLE)}`, `SA,KE,Ni`.
fn payloads(list: &str) -> Vec<String> {
    let list = list.split_whitespace().next().unwrap_or(list);
    let list = list.strip_prefix("SK{").unwrap_or(list);
    list.split([',', '}', ';'])
        .filter(|p| !p.is_empty())
        .map(|p| match p {
            "Ni" | "Nr" => "No".to_owned(),
            p => p.replace("N(v2N_", "N("),
        })
        .collect()
}

/// A state was reached, by its name or by its story.
fn reached(message: &Message<'_>) -> Option<Said> {
    let text = message.text;
    if let Some(rest) = text.strip_prefix("transition from state ") {
        let (_, to) = rest.split_once(" to state ")?;
        let state = step::state(to.split([' ', ';', '.']).next()?)?;
        return Some(Said::Reached { state, to: None });
    }
    if let Some(state) = step::told(text) {
        let to = after(text, " to ").and_then(|r| value::endpoint(r.split([' ', ';']).next()?));
        return Some(Said::Reached { state, to });
    }
    if let Some(rest) = text.strip_prefix("proposal ") {
        let (one, _) = rest.split_once(" chosen from")?;
        let (_, algorithms) = one.split_once("IKE=")?;
        let all = proposal::configured(algorithms.split(' ').next()?, true);
        return super::super::proposal::only(&all).map(Said::Chosen);
    }
    if text.starts_with("I am sending my cert") {
        return Some(Said::SendsCertificate);
    }
    let begun = text == "initiate" || text.starts_with("initiate,");
    begun
        .then(|| message.state.and_then(step::state))
        .flatten()
        .map(|state| Said::Reached { state, to: None })
}
