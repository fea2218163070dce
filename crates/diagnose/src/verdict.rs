//! What diagnosis returns: the `adit.why/1` document.

use adit_model::announced::Announced;
use adit_model::fact::{Fact, Side};
use serde::{Deserialize, Serialize};

/// The whole document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Always [`Verdict::SCHEMA`].
    pub schema: String,
    /// The answer.
    pub verdict: Answer,
    /// The tunnel or peer that was asked about.
    pub subject: String,
    /// The answer in one sentence.
    pub summary: String,
    /// What was found, the root cause first. Empty unless the answer is [`Answer::Cause`].
    pub findings: Vec<Finding>,
    /// What remains possible, likeliest first. Empty unless the answer is [`Answer::Undecided`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub possible: Vec<Possible>,
    /// What speaks for an undecided answer. A finding has its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// What can't be it, and why.
    pub ruled_out: Vec<RuledOut>,
    /// What would decide, and how to get it. Never empty when undecided.
    pub missing: Vec<Missing>,
    /// Circumstances that aren't a fault, such as a NAT on the path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Which proofs of who we are a side has announced that it takes (RFC 9593), where one has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub announced: Vec<AnnouncedBy>,
    /// What will fail and hasn't yet. It changes nothing of the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ahead: Vec<crate::ahead::Forewarning>,
}

impl Verdict {
    /// The schema name and major version.
    pub const SCHEMA: &'static str = "adit.why/1";

    /// The cause id of the root cause, where there is one.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.findings.first().map(|f| f.cause.as_str())
    }

    /// Whether the verdict names `cause`, decided or among what remains possible.
    #[must_use]
    pub fn names(&self, cause: &str) -> bool {
        self.findings.iter().any(|f| f.cause == cause)
            || self.possible.iter().any(|p| p.cause == cause)
    }
}

/// Which proofs a side takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncedBy {
    /// Who says so.
    pub by: Side,
    /// What it says.
    #[serde(flatten)]
    pub what: Announced,
}

/// The three answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The cause is known.
    Cause,
    /// Nothing is wrong.
    Healthy,
    /// The evidence fits more than one cause, or there is none.
    Undecided,
}

/// Where the fault lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AtFault {
    /// Here.
    Local,
    /// At the peer.
    Remote,
    /// Each side is right by itself and they don't fit; either can change.
    Both,
    /// Between the two.
    Path,
    /// Not known.
    Unknown,
}

impl From<Side> for AtFault {
    fn from(side: Side) -> Self {
        match side {
            Side::Local => AtFault::Local,
            Side::Remote => AtFault::Remote,
        }
    }
}

/// A cause that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The tunnel or peer the finding is about.
    pub subject: String,
    /// Cause id, as `adit explain` takes it.
    pub cause: String,
    /// How sure, from 0 to 1.
    pub confidence: f64,
    /// Where the fault lies.
    pub side: AtFault,
    /// The cause in one sentence, with the values.
    pub summary: String,
    /// How the evidence leads to it.
    pub explanation: String,
    /// The lines it rests on.
    pub evidence: Vec<Evidence>,
    /// What to change.
    pub fix: Fix,
    /// Text for the other administrator, ready to be sent. Never holds a secret.
    pub message_for_peer: String,
    /// What to do next.
    pub next: Vec<String>,
    /// Circumstances that bear on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What follows from it and needs no care of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consequences: Vec<Consequence>,
}

/// Something that goes away with its root cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consequence {
    /// Cause id.
    pub cause: String,
    /// In one sentence.
    pub summary: String,
}

/// A quoted line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Whose evidence it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<Side>,
    /// File, host or component.
    pub source: String,
    /// Line or record number, from 1.
    pub line: Option<u64>,
    /// The line.
    pub text: String,
}

impl From<&Fact> for Evidence {
    fn from(fact: &Fact) -> Self {
        Self {
            side: Some(fact.side),
            source: fact.source.name.clone(),
            line: fact.source.line,
            text: fact.source.text.clone(),
        }
    }
}

impl Evidence {
    /// Whether this is that fact. Without lines, as of states and probes, only the text tells facts of a source apart.
    pub(crate) fn is_of(&self, fact: &Fact) -> bool {
        self.source == fact.source.name
            && self.line == fact.source.line
            && (self.line.is_some() || self.text == fact.source.text)
    }
}

/// What each side can do; empty where there is nothing to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fix {
    /// Here.
    pub local: String,
    /// At the peer.
    pub remote: String,
}

/// A cause that the evidence leaves open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Possible {
    /// Cause id.
    pub cause: String,
    /// Why it is possible.
    pub because: String,
    /// Which evidence would tell it from the others.
    pub separated_by: String,
}

/// A cause that can't be it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuledOut {
    /// Cause id.
    pub cause: String,
    /// Why not.
    pub because: String,
}

/// Evidence that would decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// What it is.
    pub evidence: String,
    /// Command to run, and where.
    pub collect: String,
}
