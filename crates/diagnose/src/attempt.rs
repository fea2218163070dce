//! Which of a side's happenings belong to the attempt in question.
//!
//! A log holds many attempts, some of them from before a correction. Only the latest counts, and with it what the same
//! side did in its other role meanwhile; what lies before a success is history.

use adit_model::drops::DropReason;
use adit_model::event::{Happening, MessageInfo, Role};
use adit_model::fact::{Case, Fact, Known, Side};
use adit_model::reason::Refusal;

/// What became of a side's tunnel, and the happenings that tell why.
#[derive(Debug, Default)]
pub(crate) struct Course<'a> {
    /// A child is up, as far as this side's happenings tell.
    pub(crate) up: bool,
    /// Happenings of the attempt in question, in order.
    pub(crate) facts: Vec<&'a Fact>,
}

struct Attempt<'a> {
    role: Role,
    begin: usize,
    facts: Vec<(usize, &'a Fact)>,
}

pub(crate) fn course(case: &Case, side: Side) -> Course<'_> {
    let all: Vec<&Fact> = case
        .of(side)
        .filter(|f| matches!(f.what, Known::Happened { .. }))
        .collect();
    let (up, since) = success(&all);
    if up {
        return Course {
            up,
            facts: all.get(since..).unwrap_or_default().to_vec(),
        };
    }
    let attempts = split(&all, since);
    let Some(newest) = newest(&attempts) else {
        return Course {
            up,
            facts: all.get(since..).unwrap_or_default().to_vec(),
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
    let mut facts: Vec<(usize, &Fact)> = newest.facts.clone();
    facts.extend(other.into_iter().flat_map(|a| a.facts.iter().copied()));
    facts.sort_by_key(|(at, _)| *at);
    Course {
        up,
        facts: facts.into_iter().map(|(_, f)| f).collect(),
    }
}

/// Whether a child is up at the end, and from which happening on the rest is to be judged.
fn success(all: &[&Fact]) -> (bool, usize) {
    let mut children: Vec<(&str, u32)> = Vec::new();
    let mut since = 0;
    let mut refused_child = false;
    let mut silent_since = None;
    for (at, fact) in all.iter().enumerate() {
        let Known::Happened { happening } = &fact.what else {
            continue;
        };
        match happening {
            Happening::ChildEstablished { child, spi_in, .. } => {
                children.push((child, *spi_in));
                since = at;
                refused_child = false;
            }
            Happening::ChildClosed { spi_in, .. } => {
                children.retain(|(_, spi)| spi != spi_in);
                since = if children.is_empty() { at } else { since };
            }
            Happening::IkeClosed { cause, .. } if cause != "replaced" => {
                children.clear();
                match cause.as_str() {
                    // A failed attempt closes an IKE SA too; that is no end of a success.
                    "failed" => {}
                    // What a dead peer died of begins with its silence.
                    "dead-peer" => since = silent_since.unwrap_or(at),
                    _ => since = at,
                }
            }
            Happening::Refused { what, .. } | Happening::PeerRefused { what, .. } => {
                let child = what.strip_prefix("CHILD_SA ");
                refused_child |=
                    child.is_some_and(|name| !children.iter().any(|(have, _)| *have == name));
            }
            Happening::GaveUp { .. } => silent_since = Some(at),
            Happening::Received(_) => silent_since = None,
            _ => {}
        }
    }
    (!children.is_empty() && !refused_child, since)
}

fn split<'a>(all: &[&'a Fact], since: usize) -> Vec<Attempt<'a>> {
    let mut attempts: Vec<Attempt<'a>> = Vec::new();
    // Whether the peer was told to come again, so that its next request is no new attempt.
    let mut again = false;
    for (at, fact) in all.iter().enumerate().skip(since) {
        let Known::Happened { happening } = &fact.what else {
            continue;
        };
        let begins = match happening {
            Happening::Initiating { .. } => Some(Role::Initiator),
            Happening::Received(m) if opening(m) && !again => Some(Role::Responder),
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
            Happening::Received(m) if opening(m) => again = false,
            Happening::Cookie { .. }
            | Happening::KeRetry { .. }
            | Happening::Refused {
                refusal: Refusal::KeMethod { .. },
                ..
            } => again = true,
            _ => {}
        }
        if let Some(role) = begins {
            attempts.push(Attempt {
                role,
                begin: at,
                facts: Vec::new(),
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

fn opening(m: &MessageInfo) -> bool {
    m.exchange == "IKE_SA_INIT" && !m.response
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
