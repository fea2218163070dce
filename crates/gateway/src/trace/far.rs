//! The far side of a packet's way: what a peer of our own kind says about it, inside the IKE SA, and what we say when we are
//! asked (`answer_trace`).
//!
//! A question names one flow. Who is asked answers only about flows within the tunnel's own selectors, with what concerns it
//! alone: the pairs of SAs of that child with their counters, its drops by reason, and what this host's own tests find in the
//! way of that flow (routes, forwarding, filters). Nothing is sent for it, and nothing else of the host is told.

use std::time::Duration;

use adit_ike::{PeerQuestion, Topic};
use adit_model::drops::DropReason;
use adit_model::probed::Outcome;
use adit_model::selector::Selector;
use adit_model::traced::{Far, FarDrops, FarFinding, FarSa, Stop, Traced};
use serde::{Deserialize, Serialize};

use super::Asked;
use crate::asking::{Asker, MOST_PAIRS as MOST, Sa};
use crate::attempt::TaskDone;
use crate::gateway::Gateway;
use crate::probing::Networks;

/// What is asked.
#[derive(Serialize, Deserialize)]
struct Question {
    from: std::net::IpAddr,
    to: std::net::IpAddr,
    protocol: Option<u8>,
}

/// What is answered.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Reply {
    /// The flow is within the tunnel's selectors there; the rest is empty if it isn't.
    within: bool,
    #[serde(default)]
    child: String,
    #[serde(default)]
    sas: Vec<Sa>,
    #[serde(default)]
    drops: Vec<(DropReason, u64)>,
    #[serde(default)]
    findings: Vec<FarFinding>,
}

/// An answer with our own counters.
#[derive(Debug)]
pub(crate) struct Heard {
    reply: Reply,
    before: Vec<Sa>,
    after: Vec<Sa>,
}

/// Asks, beside the loop, and waits a moment for the answer; `None` if the peer isn't of our kind, or is silent.
pub(super) fn ask(asker: &Asker, asked: &Asked) -> Option<Heard> {
    let question = Question {
        from: asked.from,
        to: asked.to,
        protocol: asked.protocol,
    };
    let answered = asker.ask(Topic::Way, &question, PATIENCE).ok()?;
    Some(Heard {
        reply: serde_json::from_slice(&answered.text).ok()?,
        before: answered.before,
        after: answered.after,
    })
}

impl Gateway {
    /// A peer asks about a packet's way.
    pub(crate) fn peer_asks_of_way(&mut self, asked: PeerQuestion) {
        let Ok(question) = serde_json::from_slice::<Question>(&asked.text) else {
            return;
        };
        let Some(tunnel) = self.tunnels.get(&asked.by.connection) else {
            return;
        };
        let mut situation = self.situation(tunnel);
        let Question { from, to, protocol } = question;
        let ends = [(to, from), (from, to)]
            .into_iter()
            .find(|(local, remote)| situation.takes(*local, *remote, protocol));
        let Some((local, remote)) = ends else {
            return self.answer_far(&asked.by, &Reply::default());
        };
        let child = situation.child_of(local, remote);
        situation.children = vec![Networks {
            child: child.clone(),
            local: vec![Selector::host(local)],
            remote: vec![Selector::host(remote)],
        }];
        let reports = self.backend.children();
        let report = reports.iter().find(|report| {
            *report.child.connection == *asked.by.connection && *report.child.child == *child
        });
        let drops = |report: &adit_esp::ChildReport| {
            let all = DropReason::ALL.iter();
            all.map(|reason| (*reason, report.drops.of(*reason)))
                .filter(|(_, count)| *count > 0)
                .take(MOST)
                .collect()
        };
        let mut reply = Reply {
            within: true,
            sas: self.pairs_of(&asked.by.connection, Some(&child)),
            drops: report.map(drops).unwrap_or_default(),
            child,
            findings: Vec::new(),
        };
        let tasks = self.tasks.clone();
        tokio::task::spawn_blocking(move || {
            let found = situation.host_checks();
            let found = found.into_iter().filter(|c| c.outcome == Outcome::Finding);
            reply.findings = found
                .take(MOST / 2)
                .map(|check| FarFinding {
                    id: check.id,
                    summary: short(check.summary),
                    fix: check.fix.map(short),
                })
                .collect();
            let told = TaskDone::AnswerFar {
                asked: asked.by,
                reply,
            };
            // The loop is gone when the gateway stops.
            let _ = tasks.blocking_send(told);
        });
    }
}

/// Puts what the far side says into what was seen here.
pub(super) fn join(traced: &mut Traced, heard: Heard) {
    let Heard {
        reply,
        before,
        after,
    } = heard;
    if !reply.within {
        traced.far = Some(Far {
            within: false,
            ..Far::default()
        });
        return;
    }
    let sas = compared(&reply.sas, &before, &after);
    let names_it = |stop: &Stop| stop.by == "beyond" && stop.stage == "wire-in";
    if traced.stopped.as_ref().is_some_and(names_it) {
        let stop = reply.findings.first().map_or_else(
            || lost(&sas),
            |found| {
                let reason = format!("at the peer: {}", found.summary);
                let fix = found.fix.as_ref();
                Some((
                    "far-side",
                    reason,
                    fix.map(|fix| format!("at the peer: {fix}")),
                ))
            },
        );
        if let (Some((by, reason, fix)), Some(stopped)) = (stop, &mut traced.stopped) {
            traced.summary = traced.summary.replace(&stopped.reason, &reason);
            (stopped.by, stopped.reason, stopped.fix) = (by.to_owned(), reason, fix);
        }
    }
    traced.far = Some(Far {
        within: true,
        child: reply.child,
        sas,
        drops: reply
            .drops
            .into_iter()
            .map(|(reason, packets)| FarDrops { reason, packets })
            .collect(),
        findings: reply.findings,
    });
}

/// Where packets stay by the counters of both sides.
fn lost(sas: &[FarSa]) -> Option<(&'static str, String, Option<String>)> {
    let missing = sas.iter().find_map(|sa| sa.problem.clone());
    if let Some(problem) = missing {
        let fix = "adit rekey of the tunnel; if it comes again, adit reset".to_owned();
        return Some(("far-side", problem, Some(fix)));
    }
    let worst = sas
        .iter()
        .filter(|sa| sa.lost > 0)
        .max_by_key(|sa| sa.lost)?;
    let (from, at) = if worst.outbound {
        ("this gateway sealed", "the peer opened")
    } else {
        ("the peer sealed", "this gateway opened")
    };
    let reason = format!(
        "{from} {} packets under SPI {} and {at} {}: {} were lost on the way, or dropped where they arrived",
        worst.sent, worst.spi, worst.opened, worst.lost
    );
    let fix = "adit probe of the tunnel tells what the path does with ESP".to_owned();
    Some(("path", reason, Some(fix)))
}

/// The SAs of both sides, direction by direction.
fn compared(theirs: &[Sa], before: &[Sa], after: &[Sa]) -> Vec<FarSa> {
    let mut out = Vec::new();
    for our in before {
        let there = theirs.iter().find(|sa| sa.spi_in == our.spi_out);
        out.push(sa(
            our.spi_out,
            true,
            our.packets_out,
            there.map(|sa| sa.packets_in),
        ));
    }
    for our in after {
        let there = theirs.iter().find(|sa| sa.spi_out == our.spi_in);
        let mut one = sa(our.spi_in, false, 0, Some(our.packets_in));
        match there {
            Some(there) => {
                one.sent = there.packets_out;
                // What was sealed after the answer is none.
                one.lost = one.sent.saturating_sub(one.opened);
            }
            None => one.problem = Some(one_sided(our.spi_in, "this gateway")),
        }
        out.push(one);
    }
    // What only the peer has.
    let known = |spi: u32| before.iter().chain(after).any(|our| our.spi_in == spi);
    for there in theirs.iter().filter(|sa| !known(sa.spi_out)) {
        let mut one = sa(there.spi_out, false, there.packets_out, Some(0));
        one.problem = Some(one_sided(there.spi_out, "the peer"));
        out.push(one);
    }
    out
}

fn sa(spi: u32, outbound: bool, sent: u64, opened: Option<u64>) -> FarSa {
    FarSa {
        spi: format!("{spi:08x}"),
        outbound,
        sent,
        opened: opened.unwrap_or_default(),
        lost: opened.map_or(0, |opened| sent.saturating_sub(opened)),
        problem: opened.is_none().then(|| one_sided(spi, "this gateway")),
    }
}

fn one_sided(spi: u32, who: &str) -> String {
    format!("only {who} has the SA with SPI {spi:08x}: what is sent under it is opened by nobody")
}

/// A sentence, not a book.
fn short(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or_default());
    }
    text
}

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Octets of one sentence.
const LONGEST: usize = 240;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pair(spi_in: u32, spi_out: u32, packets_in: u64, packets_out: u64) -> Sa {
        Sa {
            spi_in,
            spi_out,
            packets_in,
            packets_out,
        }
    }

    #[test]
    fn what_was_sent_and_not_opened_is_lost_in_its_direction() {
        let sas = compared(
            &[pair(2, 1, 7, 5)],
            &[pair(1, 2, 5, 10)],
            &[pair(1, 2, 5, 11)],
        );
        let told: Vec<_> = sas
            .iter()
            .map(|sa| (sa.outbound, sa.sent, sa.opened, sa.lost))
            .collect();
        assert_eq!(told, [(true, 10, 7, 3), (false, 5, 5, 0)]);
        assert!(lost(&sas).unwrap().1.contains("3 were lost"));
        // Packets under way are nobody's loss: the peer counts later than we do what we send, earlier what we get.
        let sas = compared(
            &[pair(2, 1, 12, 5)],
            &[pair(1, 2, 4, 10)],
            &[pair(1, 2, 6, 12)],
        );
        assert!(
            sas.iter().all(|sa| sa.lost == 0 && sa.problem.is_none()),
            "{sas:?}"
        );
        assert_eq!(lost(&sas), None);
    }

    #[test]
    fn an_sa_of_one_side_alone_is_told_whosever_it_is() {
        let here = compared(&[], &[pair(1, 2, 0, 9)], &[pair(1, 2, 0, 9)]);
        assert!(
            here.iter()
                .all(|sa| sa.problem.as_ref().unwrap().contains("only this gateway"))
        );
        let there = compared(&[pair(4, 3, 0, 1)], &[], &[]);
        assert!(there[0].problem.as_ref().unwrap().contains("only the peer"));
        assert_eq!(lost(&there).unwrap().0, "far-side");
    }

    #[test]
    fn answers_are_bounded() {
        let finding = FarFinding {
            id: "x".repeat(24),
            summary: short("é".repeat(1000)),
            fix: Some(short("y".repeat(1000))),
        };
        let reply = Reply {
            within: true,
            child: "lan".repeat(20),
            sas: vec![pair(u32::MAX, u32::MAX, u64::MAX, u64::MAX); MOST],
            drops: DropReason::ALL
                .iter()
                .take(MOST)
                .map(|r| (*r, u64::MAX))
                .collect(),
            findings: vec![finding; 4],
        };
        assert!(serde_json::to_vec(&reply).unwrap().len() < 4096);
    }
}
