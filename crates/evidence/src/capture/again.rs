//! Answers of IKE that don't get where they should, as far as one capture shows it: a first message that comes again though
//! it was answered, and a port that answers go to and no request comes from.

use std::collections::BTreeSet;
use std::net::IpAddr;

use adit_model::fact::Wire;

use super::message::Message;
use super::{Capture, IKE_PORT, NAT_T_PORT, Stamp, Vantage};

/// Nanoseconds after which a first message isn't the reaction to an answer (a cookie, another group): those come at once.
const LATE: u64 = 1_900_000_000;
/// A response of IKEv1 that chooses a proposal has so many octets at least, and one of IKEv2 that holds a key exchange.
const LEAST_ANSWER: [usize; 2] = [76, 100];
/// So many repetitions say that it is no single packet that was lost.
const SEVERAL: usize = 2;

/// What one capture tells, and at which frame.
pub(super) struct Astray {
    pub(super) frame: u64,
    pub(super) at: Stamp,
    pub(super) text: String,
    pub(super) seen: Wire,
}

/// The messages between two hosts, in their order.
fn between<'c>(capture: &'c Capture, vantage: &Vantage<'_>) -> Vec<&'c Message> {
    let ends = [vantage.local, vantage.peer];
    let mut all: Vec<&Message> = capture
        .conversations
        .iter()
        .flat_map(|c| &c.messages)
        .filter(|m| ends.contains(&m.from.ip()) && ends.contains(&m.to.ip()))
        .collect();
    all.sort_by_key(|m| m.frame);
    all
}

/// A first message that came again and again, each time some seconds after it had been answered.
pub(super) fn repeated(capture: &Capture, vantage: &Vantage<'_>) -> Option<Astray> {
    let all = between(capture, vantage);
    let first = all.first()?;
    let asks = first.from;
    // In aggressive mode an answer that doesn't satisfy ends the attempt without a word, and another one begins.
    let first_exchange = |m: &&&Message| matches!(m.exchange.as_str(), "IKE_SA_INIT" | "ID_PROT");
    if !all.iter().all(|m| first_exchange(&m) && !m.encrypted)
        || all.iter().any(|m| m.error().is_some())
        || first.response == Some(true)
    {
        return None;
    }
    let (questions, answers): (Vec<&Message>, Vec<&Message>) =
        all.iter().partition(|m| m.from.ip() == asks.ip());
    let least = |m: &Message| LEAST_ANSWER[usize::from(m.version == 2)];
    let refuses = |m: &&Message| (1..least(m)).contains(&m.octets);
    if answers.is_empty() || answers.iter().any(refuses) {
        return None;
    }
    let answered_before = |m: &Message| {
        let before = answers.partition_point(|a| a.frame < m.frame);
        before.checked_sub(1).and_then(|last| answers.get(last))
    };
    // One at once behind an answer goes on with it.
    let late = |m: &&&Message| answered_before(m).is_some_and(|a| m.at.since(a.at) >= LATE);
    let (again, others): (Vec<&Message>, Vec<&Message>) = questions.iter().partition(|m| late(m));
    let went_on = others
        .iter()
        .any(|m| answered_before(m).is_some() && m.retransmission_of.is_none());
    if went_on || again.len() < SEVERAL || !is_one(&questions, &again) {
        return None;
    }
    let last = again.last()?;
    let ours = asks.ip() == vantage.local;
    Some(Astray {
        frame: last.frame,
        at: last.at,
        text: format!(
            "{} → {} {}: came again {} times, seconds after it had been answered",
            capture.end(first.from),
            capture.end(first.to),
            first.exchange,
            again.len()
        ),
        seen: Wire::RepeatedInVain {
            ours,
            known: is_beside(capture, vantage),
            times: again.len() as u64,
        },
    })
}

/// Whether what was asked is one message each time. Where no cookie or SPI is told, waits that grow say so, as do
/// sizes.
fn is_one(questions: &[&Message], again: &[&Message]) -> bool {
    const MADE_UP: u64 = 0xfff0_0000_0000_0000;
    let told = |m: &&Message| m.spi_initiator < MADE_UP;
    if questions.iter().all(told) {
        let same = |m: &&Message| {
            questions
                .first()
                .is_some_and(|f| f.spi_initiator == m.spi_initiator)
        };
        return again.iter().filter(|m| same(m)).count() >= SEVERAL;
    }
    let sized = |m: &&Message| m.octets > 0;
    let waits: Vec<u64> = questions
        .windows(2)
        .filter_map(|w| match w {
            [a, b] => Some(b.at.since(a.at)),
            _ => None,
        })
        .collect();
    let grows = |w: &[u64]| matches!(w, [a, b] if *b > *a + *a / 4);
    questions.iter().all(sized)
        || waits.windows(2).any(grows) && waits.windows(2).all(|w| grows(w) || w.first() > w.last())
}

/// Whether it is known beside which of the two the capture was made.
fn is_beside(capture: &Capture, vantage: &Vantage<'_>) -> bool {
    let seen = |a: IpAddr| capture.own_addresses.get(&a).copied().unwrap_or(0);
    seen(vantage.local) != seen(vantage.peer)
}

/// What goes to a host goes to a port of IKE that none of its messages comes from: something on the way gave them another.
pub(super) fn port(capture: &Capture, vantage: &Vantage<'_>) -> Vec<Astray> {
    let all = between(capture, vantage);
    [(vantage.local, vantage.peer), (vantage.peer, vantage.local)]
        .into_iter()
        .filter_map(|(host, other)| {
            let from = || all.iter().filter(|m| m.from.ip() == host);
            let ports: BTreeSet<u16> = from().map(|f| f.from.port()).collect();
            let astray: Vec<&&Message> = all
                .iter()
                .filter(|m| m.from.ip() == other && is_ike(m.to.port()))
                .filter(|m| !ports.contains(&m.to.port()))
                .collect();
            let last = astray.last()?;
            let now = from().find(|f| !is_ike(f.from.port()))?.from.port();
            let follows = all
                .iter()
                .any(|m| m.from.ip() == other && m.to.port() == now);
            (astray.len() >= SEVERAL && !follows && host != other).then(|| Astray {
                frame: last.frame,
                at: last.at,
                text: format!(
                    "{}: IKE comes from port {now}; {} messages went to port {}",
                    capture.name(host),
                    astray.len(),
                    last.to.port()
                ),
                seen: Wire::WrongPort {
                    ours: host == vantage.local,
                    from: now,
                    to: last.to.port(),
                    packets: astray.len() as u64,
                },
            })
        })
        .collect()
}

fn is_ike(port: u16) -> bool {
    matches!(port, IKE_PORT | NAT_T_PORT)
}
