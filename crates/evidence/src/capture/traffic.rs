//! The traffic of a capture as facts: what flows, what comes in pieces, what goes in clear.

use std::net::IpAddr;

use adit_model::fact::{Fact, Known, Side, Source, Wire};
use adit_model::now::Wall;
use adit_wire::ip::protocol;

use super::again;
use super::clear::is_overlay;
use super::facts::PATIENCE;
use super::{Capture, Clear, Flow, Stall, Stamp, Vantage};

/// Facts about packets in clear, at most.
const MOST_CLEAR: usize = 40;

/// The facts, as the gateway at the vantage point would tell them.
pub(super) fn facts(capture: &Capture, vantage: &Vantage<'_>) -> Vec<Fact> {
    let ends = (vantage.local, vantage.peer);
    let outbound = |from: IpAddr, to: IpAddr| {
        if (from, to) == ends {
            Some(true)
        } else if (to, from) == ends {
            Some(false)
        } else {
            None
        }
    };
    let mut facts = Vec::new();
    for f in &capture.flows {
        if let Some(outbound) = outbound(f.from.ip(), f.to.ip()) {
            facts.push(fact(
                vantage,
                (f.first_frame, f.last),
                flow_text(capture, f),
                Wire::Flow {
                    protocol: f.protocol.to_owned(),
                    spi: f.spi,
                    outbound,
                    udp: f.udp,
                    packets: f.packets,
                    missing: f.missing,
                    duplicates: f.duplicates,
                    replayed: f.again.later,
                    reused: f.again.other,
                    very_late: f.again.very_late,
                    classes: f.classes.count_ones(),
                    restarted_at: f.again.restarted_at,
                    interleaved: f.again.interleaved,
                    first: Wall::from(f.first),
                    last: Wall::from(f.last),
                },
            ));
        }
    }
    facts.extend(rebound(capture, vantage, false));
    facts.extend(rebound(capture, vantage, true));
    let astray = again::repeated(capture, vantage)
        .into_iter()
        .chain(again::port(capture, vantage));
    facts.extend(astray.map(|a| fact(vantage, (a.frame, a.at), a.text, a.seen)));
    for f in &capture.fragments {
        if let Some(outbound) = outbound(f.from, f.to) {
            let text = format!(
                "{} → {} {} in IP fragments: {} whole, {} with fragments missing",
                capture.name(f.from),
                capture.name(f.to),
                protocol_name(f.protocol, None),
                f.complete,
                f.incomplete
            );
            facts.push(fact(
                vantage,
                (f.first_frame, f.last),
                text,
                Wire::Fragments {
                    protocol: f.protocol,
                    outbound,
                    complete: f.complete,
                    incomplete: f.incomplete,
                    only_first: f.only_first,
                },
            ));
        }
    }
    for s in &capture.stalls {
        if let Some(outbound) = outbound(s.from, s.to) {
            facts.push(stalled(capture, vantage, s, outbound));
        }
    }
    let mut clear: Vec<&Clear> = capture.clear.iter().filter(|c| !is_service(c)).collect();
    clear.sort_by_key(|c| std::cmp::Reverse(c.packets));
    for c in clear.into_iter().take(MOST_CLEAR) {
        facts.push(clear_fact(capture, vantage, c));
    }
    facts
}

/// Whether what goes to a host behind a NAT went on to a port that it had left; the host is ours or the peer.
fn rebound(capture: &Capture, vantage: &Vantage<'_>, ours: bool) -> Option<Fact> {
    let (moved, other) = if ours {
        (vantage.local, vantage.peer)
    } else {
        (vantage.peer, vantage.local)
    };
    let between = |from: IpAddr, to: IpAddr| {
        capture
            .flows
            .iter()
            .filter(move |f| f.udp && (f.from.ip(), f.to.ip()) == (from, to))
    };
    let came = || between(moved, other);
    let mut from: Vec<_> = came()
        .flat_map(|f| f.ports.iter().map(move |p| (p, f)))
        .collect();
    from.sort_by_key(|(p, _)| p.since);
    let (before, (now, flow)) = from.windows(2).rev().find_map(|pair| match pair {
        // One that comes back to a port it had isn't settled.
        [(old, _), (new, f)] if old.from != new.from && new.packets > 1 => {
            Some((old.from, (*new, *f)))
        }
        _ => None,
    })?;
    if from
        .iter()
        .any(|(p, _)| p.from == before && p.until > now.since)
    {
        return None;
    }
    let astray: u64 = between(other, moved)
        .flat_map(|f| &f.ports)
        .filter(|p| p.to == before && p.until.since(now.since) > PATIENCE)
        .map(|p| p.packets)
        .sum();
    let text = format!(
        "{}: ESP in UDP comes from port {} since, not from {before}; {astray} packets are in runs that went to {before} after that",
        capture.name(moved),
        now.from,
    );
    (astray > 0).then(|| {
        fact(
            vantage,
            (flow.first_frame, now.since),
            text,
            Wire::Rebound {
                ours,
                before,
                now: now.from,
                astray,
            },
        )
    })
}

fn stalled(capture: &Capture, vantage: &Vantage<'_>, s: &Stall, outbound: bool) -> Fact {
    let end = capture.last.unwrap_or_default();
    let later = || {
        capture
            .conversations
            .iter()
            .flat_map(|c| c.messages.iter().map(move |m| (c, m)))
            .filter(|(_, m)| m.at >= s.since)
    };
    let unanswered = later()
        .filter(|(c, m)| {
            (m.from.ip(), m.to.ip()) == (s.from, s.to)
                && m.response == Some(false)
                && end.since(m.at) > PATIENCE
                && c.response_to(m).is_none()
        })
        .count() as u64;
    let heard = later().filter(|(_, m)| m.from.ip() == s.to).count() as u64;
    let text = format!(
        "{} → {}: {} packets of ESP since the last one came back, and {unanswered} IKE requests without an answer",
        capture.name(s.from),
        capture.name(s.to),
        s.packets
    );
    fact(
        vantage,
        (s.first_frame, s.since),
        text,
        Wire::Stalled {
            outbound,
            packets: s.packets,
            since: Wall::from(s.since),
            unanswered_requests: unanswered,
            heard,
        },
    )
}

fn clear_fact(capture: &Capture, vantage: &Vantage<'_>, c: &Clear) -> Fact {
    let own = |a| a == vantage.local;
    let outbound = match (c.sent, c.received) {
        (1.., 0) => Some(true),
        (0, 1..) => Some(false),
        _ if own(c.from) => Some(true),
        _ if own(c.to) => Some(false),
        _ => None,
    };
    let decrypted = if c.esp_from.is_some_and(|a| !own(a)) {
        c.behind_esp
    } else {
        0
    };
    let behind = match decrypted {
        0 => String::new(),
        n => format!(", {n} of them right behind an ESP packet"),
    };
    let text = format!(
        "{} → {} {}: {} packets in clear{behind}",
        capture.name(c.from),
        capture.name(c.to),
        protocol_name(c.protocol, c.port),
        c.packets
    );
    let gateways = [vantage.local, vantage.peer];
    fact(
        vantage,
        (c.first_frame, c.last),
        text,
        Wire::Clear {
            protocol: c.protocol,
            port: c.port,
            from: c.from,
            to: c.to,
            outbound,
            packets: c.packets,
            decrypted,
            encrypted: c.before_esp,
            between_gateways: gateways.contains(&c.from) && gateways.contains(&c.to),
        },
    )
}

/// What every host does in clear.
fn is_service(c: &Clear) -> bool {
    c.protocol == protocol::UDP && matches!(c.port, Some(53 | 67 | 68 | 123 | 5353 | 1900))
}

fn flow_text(capture: &Capture, f: &Flow) -> String {
    let mut text = format!(
        "{} → {} {}{} {:08x}: {} packets",
        capture.name(f.from.ip()),
        capture.name(f.to.ip()),
        f.protocol.to_uppercase(),
        if f.udp { " in UDP" } else { "" },
        f.spi,
        f.packets
    );
    let notes = [
        (f.missing, "missing"),
        (f.again.later, "the same again later"),
        (f.again.other, "with a number that another packet had"),
        (f.again.at_once, "captured twice"),
        (f.late, "out of order"),
        (f.again.very_late, "more than 64 numbers late"),
    ];
    for (n, what) in notes.into_iter().filter(|(n, _)| *n > 0) {
        text.push_str(&format!(", {n} {what}"));
    }
    if let Some(from) = f.again.restarted_at {
        text.push_str(&format!(", counting anew after {from}"));
    }
    text
}

/// What people call a protocol.
pub(super) fn protocol_name(number: u8, port: Option<u16>) -> String {
    let name = match number {
        protocol::ICMP => "ICMP".to_owned(),
        protocol::ICMPV6 => "ICMPv6".to_owned(),
        protocol::TCP => "TCP".to_owned(),
        protocol::UDP => "UDP".to_owned(),
        protocol::ESP => "ESP".to_owned(),
        protocol::AH => "AH".to_owned(),
        protocol::IPV4 => "IP in IP".to_owned(),
        47 => "GRE".to_owned(),
        other => format!("IP protocol {other}"),
    };
    match port {
        Some(port) if number == protocol::UDP && is_overlay(port) => {
            format!("{name} port {port} (overlay)")
        }
        Some(port) => format!("{name} port {port}"),
        None => name,
    }
}

fn fact(vantage: &Vantage<'_>, (frame, at): (u64, Stamp), text: String, seen: Wire) -> Fact {
    Fact {
        source: Source {
            name: vantage.file.to_owned(),
            line: Some(frame),
            text,
        },
        at: at.told(),
        side: Side::Local,
        subject: None,
        role: None,
        what: Known::Wire { seen },
    }
}
