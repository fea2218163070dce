//! `dpd-too-aggressive`: the peer is declared dead while it lives.

use adit_model::event::Happening;
use adit_model::fact::Fact;
use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rhythm::span;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "dpd-too-aggressive",
    recurs: true,
    page: Page {
        title: "The peer is declared dead while it lives: dead peer detection is too quick",
        what: "Timers shorter than a hiccup of the path, or than what a busy peer needs to answer, take tunnels down that would have been fine.",
        initiator: "\"declaring peer dead\", \"DPD check timed out\", and the peer answers the next attempt at once.",
        responder: "It never noticed anything.",
        look_alikes: &[
            ("underlay-loss-or-flap", "Does ESP pass at that moment?"),
            ("peer-unreachable", "Does the next attempt succeed at once?"),
        ],
        fix: &[
            ("any", "A longer delay and more tries."),
            (
                "strongswan",
                "`dpd_delay = 30s`; `charon.retransmit_tries`, `retransmit_timeout`; IKEv1: `dpd_timeout = 150s`",
            ),
            (
                "libreswan",
                "`dpddelay=30`, `dpdtimeout=120`; `retransmit-timeout=60s`",
            ),
            ("panos", "a longer tunnel monitor interval and threshold"),
        ],
        source: "RFC 7296 2.4; RFC 3706 5",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["underlay-loss-or-flap"],
    judge,
};

/// A tunnel that is back so soon wasn't cut off by its path.
const AT_ONCE_MS: u64 = 15_000;

fn judge(s: &Signals<'_>) -> Judgement {
    const SEVERAL: usize = 3;
    let deaths = s.ever(Sign::PeerDeclaredDead);
    let ups: Vec<u64> = s
        .case
        .happenings()
        .filter(|(_, h)| matches!(h, Happening::IkeEstablished { .. }))
        .filter_map(|(f, _)| f.at)
        .map(|at| at.0)
        .collect();
    let back_at_once: Vec<&Fact> = deaths
        .iter()
        .map(|x| x.fact)
        .filter(|f| {
            f.at.is_some_and(|died| {
                ups.iter()
                    .any(|up| *up >= died.0 && up - died.0 <= AT_ONCE_MS)
            })
        })
        .collect();
    let (Some(last), true) = (back_at_once.last(), back_at_once.len() >= SEVERAL) else {
        return match deaths.last() {
            Some(seen) if !s.up => Judgement::Possible {
                weight: 20,
                because: format!("the peer was declared dead: {}", seen.fact.source.text),
                separated_by: "whether anything of the peer's arrives at that time",
            },
            _ => Judgement::Silent,
        };
    };
    Found::on(
        last,
        SYMPTOM,
        last.side.into(),
        format!("the peer was declared dead {} times and answered the next attempt at once: dead peer detection is too quick", back_at_once.len()),
    )
    .with(back_at_once.iter().copied())
    .because(format!("Each time the tunnel was up again within {}, so the peer and the path were there.", span(AT_ONCE_MS)))
    .fix("give dead peer detection a longer delay and more tries (30 s, and two minutes in all)")
    .done()
}
