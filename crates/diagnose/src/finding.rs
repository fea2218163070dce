//! Findings that rest on what a line says, made in few words.
//!
//! How sure a finding is comes from what kind of evidence it rests on, not from how its rule is written: the scale is
//! here, and rules take from it.

use adit_model::fact::Fact;

use crate::rule::{Found, Judgement};
use crate::seen::Seen;
use crate::signals::quote;
use crate::verdict::{AtFault, Fix};

/// The side that refused, or that it happened to, says so itself.
pub(crate) const SAID: f64 = 0.97;
/// Both sides' evidence, or a capture of both sides, shows it.
pub(crate) const BOTH_SIDES: f64 = 0.94;
/// A counter or a state that nothing else brings about.
pub(crate) const COUNTED: f64 = 0.9;
/// The configurations of both sides differ there, and an attempt failed.
pub(crate) const CONFIGURED: f64 = 0.87;
/// The symptom fits this cause better than any other.
pub(crate) const SYMPTOM: f64 = 0.78;
/// A condition that breaks tunnels, and nothing else is known to be wrong.
pub(crate) const CONDITION: f64 = 0.72;

impl Found {
    /// A finding about the side whose line it is.
    pub(crate) fn by(seen: Seen<'_>, confidence: f64, summary: impl Into<String>) -> Found {
        Found::on(seen.fact, confidence, seen.side().into(), summary)
    }

    /// A finding that rests on any fact.
    pub(crate) fn on(
        fact: &Fact,
        confidence: f64,
        side: AtFault,
        summary: impl Into<String>,
    ) -> Found {
        Found {
            confidence,
            side,
            summary: summary.into(),
            explanation: String::new(),
            evidence: quote([fact]),
            fix: Fix::default(),
            message_for_peer: String::new(),
            next: Vec::new(),
        }
    }

    /// Whose fault it is, where it isn't the side's that says it.
    pub(crate) fn at(mut self, side: AtFault) -> Found {
        self.side = side;
        self
    }

    /// How the evidence leads to it.
    pub(crate) fn because(mut self, explanation: impl Into<String>) -> Found {
        self.explanation = explanation.into();
        self
    }

    /// Further lines that it rests on.
    pub(crate) fn with<'x>(mut self, facts: impl IntoIterator<Item = &'x Fact>) -> Found {
        for line in quote(facts) {
            if !self.evidence.contains(&line) {
                self.evidence.push(line);
            }
        }
        self
    }

    /// What the side at fault changes; where the fault is both sides' or the path's, each side looks at its own end.
    pub(crate) fn fix(mut self, change: impl Into<String>) -> Found {
        let change = change.into();
        self.fix = match self.side {
            AtFault::Local => Fix {
                local: change,
                remote: String::new(),
            },
            AtFault::Remote => Fix {
                local: String::new(),
                remote: change,
            },
            AtFault::Both | AtFault::Path | AtFault::Unknown => Fix {
                local: change.clone(),
                remote: change,
            },
        };
        self
    }

    /// What to tell the other administrator; without it a message is made of the summary and the fix.
    pub(crate) fn tell(mut self, message: impl Into<String>) -> Found {
        self.message_for_peer = message.into();
        self
    }

    /// What to do next.
    pub(crate) fn then(mut self, step: impl Into<String>) -> Found {
        self.next.push(step.into());
        self
    }

    /// Done, with a message for the other side.
    pub(crate) fn done(mut self) -> Judgement {
        if self.message_for_peer.is_empty() {
            self.message_for_peer = match self.side {
                AtFault::Local => format!(
                    "The tunnel fails because of our side: {}. We are mending it; there is nothing for you to change.",
                    self.summary
                ),
                AtFault::Remote => format!(
                    "The tunnel fails because of your side: {}. Please {}.",
                    self.summary, self.fix.remote
                ),
                AtFault::Both | AtFault::Path | AtFault::Unknown => format!(
                    "What we see: {}. On your side, please {}.",
                    self.summary, self.fix.remote
                ),
            };
        }
        self.into()
    }
}
