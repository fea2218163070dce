//! A capture as text: each IKE SA as a ladder, then the flows, then what isn't shown.

use std::fmt::Write as _;
use std::net::SocketAddr;

use adit_evidence::capture::{Capture, Conversation, Flow, Message, PathError, Tally};

use super::paragraph;
use super::style::Palette;

/// Where the text behind the arrows begins.
const TEXT: usize = 26;
/// Nanoseconds between two messages that are worth a line of their own.
const GAP: u64 = 1_000_000_000;

/// Everything.
pub fn text(name: &str, capture: &Capture, p: Palette) -> String {
    let mut out = head(name, capture, p);
    for conversation in &capture.conversations {
        out.push('\n');
        ladder(&mut out, capture, conversation, p);
    }
    if !capture.flows.is_empty() {
        let _ = writeln!(out, "\n{}", p.bold("Protected traffic"));
        capture.flows.iter().for_each(|f| flow(&mut out, f, p));
    }
    if !capture.keepalives.is_empty() {
        let _ = writeln!(out, "\n{}", p.bold("NAT keepalives"));
        for k in &capture.keepalives {
            let span = seconds(k.last.since(k.first));
            let _ = writeln!(out, "  {} → {}: {} in {span} s", k.from, k.to, k.packets);
        }
    }
    if !capture.icmp_errors.is_empty() {
        let _ = writeln!(out, "\n{}", p.bold("ICMP errors"));
        capture
            .icmp_errors
            .iter()
            .for_each(|e| icmp_error(&mut out, capture, e, p));
    }
    tally(&mut out, "Not IPsec", &capture.other, p);
    tally(&mut out, "Couldn't be read", &capture.unread, p);
    out
}

fn head(name: &str, capture: &Capture, p: Palette) -> String {
    let when = match (capture.first, capture.last) {
        (Some(first), Some(last)) => format!(" in {} s from {first}", seconds(last.since(first))),
        _ => String::new(),
    };
    format!(
        "{}: {}{when}; {}, {}\n",
        p.value(name),
        count(capture.packets, "packet", "packets"),
        count(capture.messages() as u64, "IKE message", "IKE messages"),
        count(
            capture.flows.len() as u64,
            "flow of ESP or AH",
            "flows of ESP or AH"
        ),
    )
}

fn ladder(out: &mut String, capture: &Capture, c: &Conversation, p: Palette) {
    let responder = c.spi_responder.as_deref().unwrap_or("none yet");
    let _ = writeln!(
        out,
        "{}  {} → {}  {}",
        p.bold(&format!("IKEv{}", c.version)),
        p.value(&c.initiator.to_string()),
        p.value(&c.responder.to_string()),
        p.dim(&format!("SPIs {} and {responder}", c.spi_initiator)),
    );
    if !c.from_the_start {
        let _ = writeln!(out, "  {}", p.dim("the capture doesn't have its beginning"));
    }
    let mut before: Option<&Message> = None;
    let mut ends = (c.initiator, c.responder);
    for m in &c.messages {
        if let Some(gap) = before.map(|b| m.at.since(b.at)).filter(|gap| *gap >= GAP) {
            let _ = writeln!(
                out,
                "{:TEXT$}{}",
                "",
                p.dim(&format!("… {} s later", seconds(gap)))
            );
        }
        rung(out, capture, c, m, &mut ends, p);
        before = Some(m);
    }
    unanswered(out, capture, c, p);
}

/// One message.
fn rung(
    out: &mut String,
    capture: &Capture,
    c: &Conversation,
    m: &Message,
    ends: &mut (SocketAddr, SocketAddr),
    p: Palette,
) {
    let forth = c.from_initiator(m);
    let at = capture.first.map_or(0, |first| m.at.since(first));
    let kind = match m.response {
        Some(true) => " response",
        Some(false) => " request",
        None => "",
    };
    let _ = writeln!(
        out,
        "{:>7} {:>11}  {} {}{kind} {}, {} octets{}",
        m.frame,
        format!("+{}", seconds(at)),
        if forth { "──▶" } else { "◀──" },
        p.value(&m.exchange),
        m.message_id,
        m.octets,
        m.retransmission_of
            .map_or(String::new(), |first| p.open(&format!("  repeats {first}")))
    );
    let say = |out: &mut String, text: &str| out.push_str(&paragraph(TEXT, text));
    let now = if forth {
        (m.from, m.to)
    } else {
        (m.to, m.from)
    };
    if now != *ends {
        say(out, &format!("now between {} and {}", now.0, now.1));
        *ends = now;
    }
    if m.retransmission_of.is_some() {
        return;
    }
    say(out, &m.payloads.join(" "));
    if let Some(inside) = &m.inside {
        say(out, &format!("inside: {}", inside.payloads.join(" ")));
        inside.details.iter().for_each(|detail| say(out, detail));
    }
    if m.version != c.version {
        say(out, &format!("answered in IKEv{}", m.version));
    }
    let asks = m.response == Some(false) || m.response.is_none() && forth;
    for proposal in &m.proposals {
        let verb = if asks { "offers" } else { "chooses" };
        say(out, &format!("{verb} {proposal}"));
    }
    if let Some(method) = &m.key_exchange {
        say(out, &format!("key exchange {method}"));
    }
    for notice in m.notifies.iter().filter(|n| n.error && !n.data.is_empty()) {
        say(out, &format!("{} with data {}", notice.name, notice.data));
    }
    if let Some(nat) = m.nat_detection {
        let text = match (nat.source_translated, nat.destination_translated) {
            (false, false) => "NAT detection: no address is translated on the way to here",
            (true, false) => "NAT detection: the sender's address isn't the one it hashed",
            (false, true) => "NAT detection: the receiver's address isn't the one hashed",
            (true, true) => "NAT detection: neither address is the one hashed",
        };
        say(out, text);
    }
    if let Some(fragments) = m.ip_fragments {
        say(out, &format!("in {fragments} IP fragments"));
    }
    if let Some(problem) = &m.problem {
        say(out, &format!("not read in full: {problem}"));
    }
}

/// Requests of IKEv2 without a response; each once, with how often it was sent.
fn unanswered(out: &mut String, capture: &Capture, c: &Conversation, p: Palette) {
    let requests = c
        .messages
        .iter()
        .filter(|m| m.response == Some(false) && m.retransmission_of.is_none());
    for m in requests.filter(|m| c.response_to(m).is_none()) {
        // The other fragments of a message say nothing new.
        if m.fragment.is_some_and(|(number, _)| number > 1) {
            continue;
        }
        let sent: Vec<&Message> = c
            .messages
            .iter()
            .filter(|x| x.frame == m.frame || x.retransmission_of == Some(m.frame))
            .collect();
        let times = match sent.len() {
            1 => String::new(),
            n => format!(", sent {n} times"),
        };
        let waited = sent
            .last()
            .zip(capture.last)
            .map_or(0, |(last, end)| end.since(last.at));
        let _ = writeln!(
            out,
            "  {} {} request {} of frame {}{times}; the capture goes on for {} s",
            p.bad("no answer:"),
            m.exchange,
            m.message_id,
            m.frame,
            seconds(waited)
        );
    }
}

fn flow(out: &mut String, f: &Flow, p: Palette) {
    let name = if f.udp {
        format!("{} in UDP", f.protocol)
    } else {
        f.protocol.to_owned()
    };
    let (from, to) = if f.udp {
        (f.from.to_string(), f.to.to_string())
    } else {
        (f.from.ip().to_string(), f.to.ip().to_string())
    };
    let _ = writeln!(
        out,
        "  {}  {name}  {from} → {to}: {}, {} octets in {} s",
        p.value(&format!("{:08x}", f.spi)),
        count(f.packets, "packet", "packets"),
        f.octets,
        seconds(f.last.since(f.first))
    );
    let mut notes: Vec<String> = Vec::new();
    let mut note = |n: u64, what: &str| {
        if n > 0 {
            notes.push(format!("{n} {what}"));
        }
    };
    note(f.missing, "missing");
    note(f.again.at_once, "captured twice");
    note(f.again.later, "the same again later (replayed)");
    note(f.again.other, "with a number that another packet had");
    note(
        f.duplicates
            .saturating_sub(f.again.at_once + f.again.later + f.again.other),
        "seen before",
    );
    note(f.again.very_late, "more than 64 numbers late");
    note(f.late, "out of order");
    note(f.stale, "far behind the others");
    if let Some(from) = f.again.restarted_at {
        notes.push(format!("its sender counts anew after {from}"));
    }
    if f.again.interleaved > 0 {
        notes.push("two senders count under it".to_owned());
    }
    if f.one_way {
        notes.push("nothing in the other direction".to_owned());
    }
    if !notes.is_empty() {
        let _ = writeln!(out, "            {}", p.open(&notes.join("; ")));
    }
    for (carried, packets) in &f.inside {
        let _ = writeln!(out, "            inside: {packets} × {carried}");
    }
}

fn icmp_error(out: &mut String, capture: &Capture, e: &PathError, p: Palette) {
    let at = capture.first.map_or(0, |first| e.at.since(first));
    let _ = writeln!(
        out,
        "{:>7} {:>11}  {} says: {}, about {} {} → {}",
        e.frame,
        format!("+{}", seconds(at)),
        p.value(&e.reporter.to_string()),
        e.problem,
        e.about,
        e.from,
        e.to
    );
}

fn tally(out: &mut String, title: &str, tally: &Tally, p: Palette) {
    if tally.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", p.bold(title));
    for (what, n) in tally.iter() {
        let _ = writeln!(out, "  {n} × {what}");
    }
}

fn count(n: u64, one: &str, more: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { more })
}

/// Nanoseconds as seconds with three places.
fn seconds(nanos: u64) -> String {
    format!("{}.{:03}", nanos / 1_000_000_000, nanos / 1_000_000 % 1000)
}
