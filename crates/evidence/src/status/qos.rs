//! What bears on order and size of packets: queues of `tc`, marks and segment sizes that tcpdump prints, what a network
//! card does (`ethtool -k`).

use std::collections::{BTreeMap, BTreeSet};

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::{command, sign};
use crate::reading::Place;
use crate::text::Line;

/// So many SAs are followed.
const KEPT: usize = 32;
/// So many beginnings of connections are told.
const SYNS: usize = 16;

/// One SA's packets in the order in which they were seen.
#[derive(Debug, Default)]
struct Order {
    marks: BTreeSet<u8>,
    last: u32,
    late: u32,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Qos {
    mark: Option<u8>,
    sas: BTreeMap<u32, (Order, Place)>,
    syns: usize,
    card: Option<String>,
}

impl Qos {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if let Some((_, rest)) = body.split_once("(tos 0x") {
            self.mark = rest
                .get(..2)
                .and_then(|h| u8::from_str_radix(h.trim_end_matches(','), 16).ok());
        }
        if let Some((_, rest)) = body.split_once("ESP(spi=0x") {
            self.esp(rest, place);
        } else if let Some(rest) = body.strip_prefix("qdisc ") {
            facts.extend(queue(rest, place));
        } else if body.contains("Flags [S") && self.syns < SYNS {
            if let Some((mss, from, to)) = syn(body) {
                self.syns += 1;
                let values = [("mss", mss), ("source", from), ("destination", to)];
                facts.push(sign(place(), Sign::SynMss, &values));
            }
        } else if let Some(card) = body.strip_prefix("crypto offload parameters: dev ") {
            // `dev eth7 dir out`, and with newer tools `mode packet`, below a state of the kernel.
            let card = card.split(' ').next().unwrap_or_default();
            let values = [("feature", "the SA is the card's"), ("device", card)];
            facts.push(sign(place(), Sign::OffloadOn, &values));
        } else if let Some(feature) = body.strip_suffix(": on") {
            if matches!(
                feature,
                "esp-hw-offload" | "esp-tx-csum-hw-offload" | "tx-esp-segmentation"
            ) && self.card.as_deref() != Some("lo")
            {
                facts.push(sign(place(), Sign::OffloadOn, &[("feature", feature)]));
            }
        } else if let Some(typed) = command(body)
            && let Some((_, card)) = typed.split_once("ethtool -k ")
        {
            self.card = Some(card.trim().to_owned());
        }
    }

    /// `cd5e6f70,seq=0x1), length 132`.
    fn esp(&mut self, rest: &str, place: &dyn Fn() -> Place) {
        let Some(mark) = self.mark.take() else {
            return;
        };
        let hex = |text: &str| {
            let end = text
                .find(|c: char| !c.is_ascii_hexdigit())
                .unwrap_or(text.len());
            u32::from_str_radix(text.get(..end)?, 16).ok()
        };
        let (Some(spi), Some(seq)) = (
            hex(rest),
            rest.split_once("seq=0x").and_then(|(_, seq)| hex(seq)),
        ) else {
            return;
        };
        if self.sas.len() >= KEPT && !self.sas.contains_key(&spi) {
            return;
        }
        let (order, _) = self
            .sas
            .entry(spi)
            .or_insert_with(|| (Order::default(), place()));
        // The two lowest bits are for congestion.
        order.marks.insert(mark >> 2);
        if seq < order.last {
            order.late += 1;
        } else {
            order.last = seq;
        }
    }

    /// SAs whose packets are marked differently and come out of order.
    pub(super) fn finish(self, facts: &mut Vec<Fact>) {
        for (spi, (order, place)) in self.sas {
            if order.marks.len() > 1 && order.late > 0 {
                let spi = format!("{spi:08x}");
                facts.push(sign(place, Sign::ClassesDiffer, &[("spi", spi.as_str())]));
            }
        }
    }
}

/// `htb 1: dev eth0 root refcnt 2 …`: a discipline that sorts by class.
fn queue(rest: &str, place: &dyn Fn() -> Place) -> Option<Fact> {
    let mut words = rest.split_ascii_whitespace();
    let kind = words.next()?;
    let sorts = matches!(kind, "prio" | "htb" | "hfsc" | "cbq" | "drr" | "ets")
        || kind == "cake" && rest.contains("diffserv");
    words.find(|w| *w == "dev")?;
    let interface = words.next()?;
    sorts.then(|| {
        sign(
            place(),
            Sign::QueuesSorted,
            &[("interface", interface), ("kind", kind)],
        )
    })
}

/// `IP 10.1.0.5.40112 > 10.2.0.9.443: Flags [S], seq 1, win 64240, options [mss 1460,sackOK,…], length 0`.
fn syn(body: &str) -> Option<(&str, &str, &str)> {
    let (ends, rest) = body.split_once(": Flags [S")?;
    let (_, mss) = rest.split_once("mss ")?;
    let end = mss.find(|c: char| !c.is_ascii_digit())?;
    let mut words = ends.rsplit(' ');
    let (to, arrow, from) = (words.next()?, words.next()?, words.next()?);
    let host = |word: &'_ str| -> Option<usize> { word.rfind('.') };
    (arrow == ">").then_some(())?;
    Some((
        mss.get(..end)?,
        from.get(..host(from)?)?,
        to.get(..host(to)?)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_connection_tells_its_segments() {
        assert_eq!(
            syn(
                "IP 10.1.0.5.40112 > 10.2.0.9.443: Flags [S], seq 1, win 64240, options [mss 1460,sackOK], length 0"
            ),
            Some(("1460", "10.1.0.5", "10.2.0.9"))
        );
    }
}
