//! What a comparison finds.

use core::fmt;

use adit_model::peer_config::{Dialect, Origin, Setting};
use serde::{Deserialize, Serialize};

use crate::verdict::{AtFault, Evidence, Fix};
use adit_model::fact::{Side, Source};

/// How a difference shows, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The IKE SA is never set up.
    FailsAtIke,
    /// The IKE SA comes up and a CHILD SA doesn't.
    FailsAtChild,
    /// Neither end begins.
    NeverStarts,
    /// It comes up, and traffic passes in one direction at most.
    OneWay,
    /// It comes up and dies when the CHILD SA is first replaced.
    FailsAtFirstRekey,
    /// It comes up and goes down again and again.
    Flaps,
    /// It works in part, or is unsafe, or may go wrong.
    Warning,
    /// Worth knowing.
    Hint,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::FailsAtIke => "fails at IKE",
            Outcome::FailsAtChild => "fails at the CHILD SA",
            Outcome::NeverStarts => "never starts",
            Outcome::OneWay => "comes up without traffic",
            Outcome::FailsAtFirstRekey => "dies at the first rekeying",
            Outcome::Flaps => "flaps",
            Outcome::Warning => "warning",
            Outcome::Hint => "hint",
        })
    }
}

impl Outcome {
    /// Whether the tunnel doesn't work with it.
    #[must_use]
    pub fn breaks(self) -> bool {
        self < Outcome::Warning
    }
}

/// One end's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// The value in neutral words; never a secret.
    pub value: String,
    /// It is written; otherwise it is the product's default.
    pub written: bool,
    /// The file, where it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The line in it, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The line itself, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Value {
    /// The value of a setting, in the words of `text`.
    pub(crate) fn of<T>(setting: &Setting<T>, text: impl Into<String>) -> Self {
        Self::at(&setting.origin, text)
    }

    /// A value with an origin.
    pub(crate) fn at(origin: &Origin, text: impl Into<String>) -> Self {
        match origin {
            Origin::Written(source) => Self::from_source(source, text),
            Origin::Default => Self {
                value: text.into(),
                written: false,
                source: None,
                line: None,
                text: None,
            },
        }
    }

    /// A value on a line.
    pub(crate) fn from_source(source: &Source, text: impl Into<String>) -> Self {
        Self {
            value: text.into(),
            written: true,
            source: Some(source.name.clone()),
            line: source.line,
            text: Some(source.text.clone()),
        }
    }

    /// `file:line`, or that it is a default.
    #[must_use]
    pub fn place(&self, dialect: Dialect) -> String {
        match (&self.source, self.line) {
            (Some(name), Some(line)) => format!("{name}:{line}"),
            (Some(name), None) => name.clone(),
            (None, _) => format!("default of {dialect}"),
        }
    }
}

/// One difference that matters.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Cause id of the catalogue.
    pub cause: &'static str,
    /// How it shows.
    pub outcome: Outcome,
    /// How sure that is, from 0 to 1.
    pub confidence: f64,
    /// Who should change something.
    pub side: AtFault,
    /// In one sentence, with the values.
    pub summary: String,
    /// Why the two don't fit.
    pub explanation: String,
    /// Our value.
    pub ours: Option<Value>,
    /// Theirs.
    pub theirs: Option<Value>,
    /// What to change.
    pub fix: Fix,
    /// What to tell the other administrator.
    pub message_for_peer: String,
}

impl Difference {
    /// The lines that it rests on.
    #[must_use]
    pub fn evidence(&self) -> Vec<Evidence> {
        let line = |value: &Option<Value>, side| {
            let value = value.as_ref()?;
            Some(Evidence {
                side: Some(side),
                source: value.source.clone()?,
                line: value.line,
                text: value.text.clone()?,
            })
        };
        line(&self.ours, Side::Local)
            .into_iter()
            .chain(line(&self.theirs, Side::Remote))
            .collect()
    }

    /// Lower confidence where a value isn't written: defaults depend on versions and plugins.
    pub(crate) fn with_defaults(mut self) -> Self {
        const LEAST: f64 = 0.72;
        let defaults = [&self.ours, &self.theirs]
            .into_iter()
            .flatten()
            .filter(|v| !v.written)
            .count();
        if defaults > 0 {
            self.confidence = (self.confidence - 0.12).max(LEAST);
        }
        self
    }
}

/// A value in the words of a sentence.
pub(crate) fn quoted<T: fmt::Display>(items: &[T]) -> String {
    crate::compare::list(items)
}
