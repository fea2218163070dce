//! What a rule is.

use crate::signals::Signals;
use crate::verdict::{AtFault, Finding, Fix};

/// One cause: its page, and how to tell it.
#[derive(Debug)]
pub struct Rule {
    /// Kebab-case cause id.
    pub id: &'static str,
    /// What it does comes and goes: that the tunnel is up at the end of the evidence says nothing against it.
    pub recurs: bool,
    /// The page that `adit explain` shows.
    pub page: Page,
    /// Evidence that decides for or against it.
    pub needs: &'static [Need],
    /// Causes that bring this one about: when one of them is found too, this is only a consequence.
    pub depends_on: &'static [&'static str],
    /// Judges the evidence.
    pub(crate) judge: fn(&Signals<'_>) -> Judgement,
}

/// A cause in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The cause in a few words.
    pub title: &'static str,
    /// What it is.
    pub what: &'static str,
    /// What the initiator sees.
    pub initiator: &'static str,
    /// What the responder sees.
    pub responder: &'static str,
    /// Causes that look like it, each with the question that separates them.
    pub look_alikes: &'static [(&'static str, &'static str)],
    /// What to do, by product; `any` goes for all.
    pub fix: &'static [(&'static str, &'static str)],
    /// Where the protocol says so.
    pub source: &'static str,
}

/// A kind of evidence, the cheapest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// An attempt to judge.
    Attempt,
    /// Whether the peer's host answers at all.
    Echo,
    /// Whether IKE answers on UDP 500 and on UDP 4500.
    IkeProbe,
    /// What the side that refused says about it: its events or its log.
    RefusingSideLog,
    /// Whether the peer's IKE daemon runs and listens.
    PeerDaemon,
    /// Whether anything of ours arrives there, and whether anything is sent back.
    PeerReceives,
    /// What passes through the tunnel: both ends' packet counters around a few pings.
    Counters,
    /// Captures on both outside interfaces at the same time.
    TwoSidedCapture,
}

/// What a rule says about the evidence.
#[derive(Debug)]
pub(crate) enum Judgement {
    /// Nothing speaks for it or against it.
    Silent,
    /// This is it.
    Found(Box<Found>),
    /// It may be; weight orders the candidates, higher first.
    Possible {
        weight: u8,
        because: String,
        separated_by: &'static str,
    },
    /// It can't be.
    RuledOut(String),
}

/// A finding as a rule makes it; the engine adds what all findings have in common.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) confidence: f64,
    pub(crate) side: AtFault,
    pub(crate) summary: String,
    pub(crate) explanation: String,
    pub(crate) evidence: Vec<crate::verdict::Evidence>,
    pub(crate) fix: Fix,
    pub(crate) message_for_peer: String,
    pub(crate) next: Vec<String>,
}

impl Found {
    pub(crate) fn into_finding(self, cause: &str, subject: &str) -> Finding {
        Finding {
            subject: subject.to_owned(),
            cause: cause.to_owned(),
            confidence: self.confidence,
            side: self.side,
            summary: self.summary,
            explanation: self.explanation,
            evidence: self.evidence,
            fix: self.fix,
            message_for_peer: self.message_for_peer,
            next: self.next,
            notes: Vec::new(),
            consequences: Vec::new(),
        }
    }
}

impl From<Found> for Judgement {
    fn from(found: Found) -> Self {
        Judgement::Found(Box::new(found))
    }
}
