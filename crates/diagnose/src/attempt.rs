//! Which of a side's happenings belong to the attempt in question.
//!
//! A log holds many attempts, some of them from before a correction. Only the latest counts, and with it what the same
//! side did in its other role meanwhile; what lies before a success is history.

use adit_model::drops::DropReason;
use adit_model::event::{Happening, Party, Role};
use adit_model::fact::{Case, Fact, Known, Probe, ProbeOutcome, Side};
use adit_model::reason::{CertificateProblem, Refusal};

use crate::stranger::without_strangers;

/// What became of a side's tunnel, and the happenings that tell why.
#[derive(Debug, Default)]
pub(crate) struct Course<'a> {
    /// A child is up, as far as this side's happenings tell.
    pub(crate) up: bool,
    /// Happenings of the attempt in question, in order.
    pub(crate) facts: Vec<&'a Fact>,
    /// The last happening with which a child came up.
    pub(crate) success: Option<&'a Fact>,
}

struct Attempt<'a> {
    role: Role,
    begin: usize,
    facts: Vec<(usize, &'a Fact)>,
}

/// What became of both sides' tunnel: our course, and the peer's as far as it belongs to ours.
pub(crate) fn courses(case: &Case) -> [Course<'_>; 2] {
    let local = course(case, Side::Local, |_| true);
    let outcome = Outcome::of(case, &local);
    let remote = course(case, Side::Remote, |attempt| outcome.fits(attempt));
    if older(&remote.facts, &local.facts) {
        return [local, Course::default()];
    }
    [local, remote]
}

fn course<'a>(case: &'a Case, side: Side, fits: impl Fn(&Attempt<'_>) -> bool) -> Course<'a> {
    let all: Vec<&Fact> = case
        .of(side)
        .filter(|f| matches!(f.what, Known::Happened { .. }))
        .collect();
    let all = without_strangers(all);
    let (up, since) = success(&all);
    let rest = all.get(since..).unwrap_or_default();
    let success = all.iter().rev().copied().find(|f| {
        matches!(
            &f.what,
            Known::Happened {
                happening: Happening::ChildEstablished { .. }
            }
        )
    });
    if up {
        return Course {
            up,
            facts: rest.to_vec(),
            success,
        };
    }
    let mut attempts = split(&all, since);
    if attempts.is_empty() {
        return Course {
            up,
            facts: rest.to_vec(),
            success,
        };
    }
    attempts.retain(fits);
    let Some(newest) = newest(&attempts) else {
        return Course {
            success,
            ..Course::default()
        };
    };
    // What the side did in its other role counts when it isn't older than the attempt before.
    let like = |a: &&Attempt<'_>| a.tells() == newest.tells();
    let before = attempts
        .iter()
        .filter(like)
        .filter(|a| a.role == newest.role && a.begin < newest.begin)
        .map(|a| a.begin)
        .max();
    let other = attempts
        .iter()
        .filter(like)
        .filter(|a| a.role != newest.role && before.is_none_or(|b| a.begin > b))
        .max_by_key(|a| a.begin);
    let mut chosen: Vec<&Attempt<'_>> = core::iter::once(newest).chain(other).collect();
    // Two gateways that agreed on a proposal in one direction do so in the other: what was refused as early as that
    // was somebody's probe.
    if chosen.iter().any(|a| a.agreed()) {
        chosen.retain(|a| !a.refused_early());
    }
    let mut facts: Vec<(usize, &Fact)> = chosen
        .iter()
        .flat_map(|a| a.facts.iter().copied())
        .collect();
    facts.sort_by_key(|(at, _)| *at);
    Course {
        up,
        facts: facts.into_iter().map(|(_, f)| f).collect(),
        success,
    }
}

/// Whether all of `a` lies before all of `b`, by more than clocks of two hosts may differ.
fn older(a: &[&Fact], b: &[&Fact]) -> bool {
    const SKEW_MS: u64 = 120_000;
    let last = a.iter().filter_map(|f| f.at).max();
    let first = b.iter().filter_map(|f| f.at).min();
    matches!((last, first), (Some(last), Some(first)) if last.0.saturating_add(SKEW_MS) < first.0)
}

/// How our requests ended, as far as the peer's attempts must agree with it.
///
/// The peer's evidence also shows what wasn't the tunnel's: probes and scans come from the same address.
struct Outcome<'a> {
    /// Names of the notifies that we were told.
    told: Vec<&'a str>,
    /// A proposal was agreed.
    agreed: bool,
    /// Requests went unanswered.
    silent: bool,
    /// A probe of ours was answered.
    probed: bool,
}

impl<'a> Outcome<'a> {
    fn of(case: &'a Case, local: &Course<'a>) -> Self {
        let happenings = || {
            local
                .facts
                .iter()
                .filter(|f| f.role != Some(Role::Responder))
                .filter_map(|f| match &f.what {
                    Known::Happened { happening } => Some(happening),
                    _ => None,
                })
        };
        Self {
            told: happenings()
                .filter_map(|h| match h {
                    Happening::PeerRefused { name, .. }
                    | Happening::UnprotectedNotify { name, .. } => Some(name.as_str()),
                    _ => None,
                })
                .collect(),
            agreed: happenings().any(|h| matches!(h, Happening::IkeProposalChosen { .. })),
            silent: happenings().any(|h| {
                matches!(
                    h,
                    Happening::GaveUp { .. } | Happening::Retransmitted { .. }
                )
            }),
            probed: case.of(Side::Local).any(|f| {
                matches!(
                    &f.what,
                    Known::Probed {
                        probe: Probe::IkeInit {
                            outcome: ProbeOutcome::Answered(_) | ProbeOutcome::AnsweredVersion(_),
                            ..
                        }
                    }
                )
            }),
        }
    }

    /// Whether an attempt of the peer's may be the other end of ours.
    fn fits(&self, theirs: &Attempt<'_>) -> bool {
        if theirs.role != Role::Responder {
            return true;
        }
        if self.agreed && theirs.refused_early() {
            return false;
        }
        theirs.notified().all(|name| {
            if self.told.is_empty() {
                // It told somebody; our probe heard it, or nobody did.
                !(self.silent && self.probed)
            } else {
                self.told.contains(&name)
            }
        })
    }
}

/// Whether a child is up at the end, and from which happening on the rest is to be judged.
fn success(all: &[&Fact]) -> (bool, usize) {
    let mut children: Vec<(&str, u32)> = Vec::new();
    let mut since = 0;
    // What came up with the newest IKE SA, and where `since` was before.
    let mut fresh: Vec<u32> = Vec::new();
    let mut before = 0;
    let mut denied: Vec<u32> = Vec::new();
    let mut refused_child = false;
    let mut silent_since = None;
    let mut distrusted = None;
    let mut no_successor: Option<(usize, String)> = None;
    for (at, fact) in all.iter().enumerate() {
        let Known::Happened { happening } = &fact.what else {
            continue;
        };
        match happening {
            Happening::IkeEstablished { .. } => {
                fresh.clear();
                before = since;
            }
            Happening::ChildEstablished { child, spi_in, .. } => {
                children.push((child, *spi_in));
                fresh.push(*spi_in);
                no_successor = None;
                since = at;
                refused_child = false;
            }
            Happening::ChildClosed { child, spi_in, by } => {
                children.retain(|(_, spi)| spi != spi_in);
                let last = children.is_empty() && !denied.contains(spi_in);
                // What ran out because its successor was refused ended with that.
                let of_itself = *by == Party::Us && ran_out(&fact.source.text);
                let refused = no_successor
                    .clone()
                    .filter(|(_, of)| of_itself && of == child);
                since = match refused {
                    Some((refused, _)) if last => refused,
                    _ if last => at,
                    _ => since,
                };
            }
            Happening::IkeClosed { cause, .. } if cause != "replaced" => {
                if cause == "revoked" {
                    // Why the peer lost everything was told of the new IKE SA.
                    since = distrusted.unwrap_or(at);
                } else if cause == "dead-peer" {
                    // What a dead peer died of begins with its silence.
                    since = silent_since.unwrap_or(at);
                } else if cause != "failed" && !children.is_empty() {
                    since = at;
                }
                // An IKE SA that never carried anything was no success that could end.
                children.clear();
            }
            // The initiator of an IKE SA doesn't believe who we are: what came up with it never was of use.
            Happening::PeerRefused { what, .. }
                if what == "IKE_AUTH" && fact.role == Some(Role::Responder) =>
            {
                children.retain(|(_, spi)| !fresh.contains(spi));
                since = if children.is_empty() { before } else { since };
                denied.append(&mut fresh);
            }
            Happening::Refused {
                refusal:
                    Refusal::Certificate {
                        problem: CertificateProblem::Revoked,
                        ..
                    },
                ..
            } => distrusted = Some(at),
            Happening::Refused { what, .. } | Happening::PeerRefused { what, .. } => {
                let child = what.strip_prefix("CHILD_SA ");
                if let Some(name) = child
                    && matches!(happening, Happening::Refused { .. })
                {
                    let of = name.strip_suffix(" (rekeying)").unwrap_or(name);
                    no_successor = Some((at, of.to_owned()));
                }
                refused_child |=
                    child.is_some_and(|name| !children.iter().any(|(have, _)| *have == name));
            }
            Happening::GaveUp { .. }
            | Happening::Retransmitted { .. }
            | Happening::PathFailed { .. } => {
                silent_since.get_or_insert(at);
            }
            Happening::Received(_) => silent_since = None,
            _ => {}
        }
    }
    (!children.is_empty() && !refused_child, since)
}

/// Whether an SA was closed at the end of its lifetime. pluto tells only its age, and lifetimes are of whole minutes.
fn ran_out(text: &str) -> bool {
    const SHORTEST_S: u64 = 300;
    let aged = || {
        let (_, rest) = text.split_once(" aged ")?;
        rest.split_once('.')?.0.parse::<u64>().ok()
    };
    text.contains("expired") || aged().is_some_and(|s| s >= SHORTEST_S && s % 60 == 0)
}

fn split<'a>(all: &[&'a Fact], since: usize) -> Vec<Attempt<'a>> {
    let mut attempts: Vec<Attempt<'a>> = Vec::new();
    // Whether the peer was told to come again, so that its next request is no new attempt.
    let mut again = false;
    // Answers that a log cut off at its head gives before it shows what they answer.
    let mut orphans: Vec<(usize, &'a Fact)> = Vec::new();
    for (at, fact) in all.iter().enumerate().skip(since) {
        let Known::Happened { happening } = &fact.what else {
            continue;
        };
        let begins = match happening {
            Happening::Initiating { .. } => Some(Role::Initiator),
            Happening::Received(m) if m.opens() && !again => Some(Role::Responder),
            // A refusal without the message that was refused.
            Happening::Refused { .. } if attempts.is_empty() => {
                Some(fact.role.unwrap_or(Role::Responder))
            }
            Happening::PeerRefused { .. } if attempts.is_empty() => {
                Some(fact.role.unwrap_or(Role::Initiator))
            }
            _ => None,
        };
        match happening {
            Happening::Received(m) if m.opens() => again = false,
            Happening::Cookie { .. }
            | Happening::KeRetry { .. }
            | Happening::Refused {
                refusal: Refusal::KeMethod { .. },
                ..
            } => again = true,
            _ => {}
        }
        if attempts.is_empty() && matches!(happening, Happening::UnprotectedNotify { .. }) {
            orphans.push((at, fact));
        }
        if let Some(role) = begins {
            attempts.push(Attempt {
                role,
                begin: at,
                facts: match role {
                    Role::Initiator => core::mem::take(&mut orphans),
                    Role::Responder => Vec::new(),
                },
            });
        }
        let owner = match fact.role {
            Some(role) => attempts.iter_mut().rev().find(|a| a.role == role),
            None => attempts.last_mut(),
        };
        if let Some(owner) = owner {
            owner.facts.push((at, fact));
        }
    }
    attempts
}

/// The newest attempt that tells something; an attempt that has only just begun tells nothing yet.
///
/// Attempts that came to nothing (the other side asked and never went on) may be its probes. They outweigh a failure
/// for a reason only when there are several of them, and time has passed.
fn newest<'x, 'a>(attempts: &'x [Attempt<'a>]) -> Option<&'x Attempt<'a>> {
    const SEVERAL: usize = 3;
    const PASSED_MS: u64 = 60_000;
    let abandoned =
        |a: &&Attempt<'_>| !a.tells() && a.any(|h| matches!(h, Happening::IkeClosed { .. }));
    let Some(failed) = attempts.iter().rev().find(|a| a.tells()) else {
        return attempts.iter().rev().find(abandoned).or(attempts.last());
    };
    let since: Vec<&Attempt<'_>> = attempts
        .iter()
        .filter(|a| a.begin > failed.begin)
        .filter(abandoned)
        .collect();
    match since.last() {
        Some(last)
            if since.len() >= SEVERAL
                && last.ended().saturating_sub(failed.ended()) >= PASSED_MS =>
        {
            Some(last)
        }
        _ => Some(failed),
    }
}

impl Attempt<'_> {
    fn any(&self, pick: impl Fn(&Happening) -> bool) -> bool {
        self.facts.iter().any(|(_, f)| match &f.what {
            Known::Happened { happening } => pick(happening),
            _ => false,
        })
    }

    /// Whether something in it tells why it failed.
    fn tells(&self) -> bool {
        self.any(|h| {
            matches!(
                h,
                Happening::Refused { .. }
                    | Happening::PeerRefused { .. }
                    | Happening::GaveUp { .. }
                    | Happening::PathFailed { .. }
                    | Happening::UnprotectedNotify { .. }
                    | Happening::Retransmitted { .. }
                    | Happening::Dropped {
                        reason: DropReason::IkeVersion
                            | DropReason::IkeNoConnection
                            | DropReason::IkeDuplicate,
                        ..
                    }
            )
        })
    }

    /// A proposal was agreed in it.
    fn agreed(&self) -> bool {
        self.any(|h| matches!(h, Happening::IkeProposalChosen { .. }))
    }

    /// It was refused before a proposal was agreed.
    fn refused_early(&self) -> bool {
        self.any(|h| {
            matches!(
                h,
                Happening::Refused {
                    refusal: Refusal::NoIkeProposal { .. }
                        | Refusal::NoConnection { .. }
                        | Refusal::MajorVersion { .. },
                    ..
                }
            )
        })
    }

    /// Names of the notifies that its side sent.
    fn notified(&self) -> impl Iterator<Item = &str> {
        self.facts.iter().filter_map(|(_, f)| match &f.what {
            Known::Happened {
                happening:
                    Happening::Refused {
                        notify: Some(name), ..
                    },
            } => Some(name.as_str()),
            _ => None,
        })
    }

    /// When its last happening was, in milliseconds of the wall clock.
    fn ended(&self) -> u64 {
        self.facts
            .iter()
            .filter_map(|(_, f)| f.at)
            .map(|at| at.0)
            .max()
            .unwrap_or(0)
    }
}
