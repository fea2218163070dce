//! What `adit probe` tells: each test with what it sent and what came of it, and the facts that a verdict makes of it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::fact::{Fact, Known, Side, Source};
use crate::now::Wall;

/// The document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// [`SCHEMA`].
    pub schema: String,
    /// The tunnel.
    pub tunnel: String,
    /// The peer's address, where one is known.
    pub peer: Option<IpAddr>,
    /// Whether the tunnel was up when it was asked.
    pub up: bool,
    /// How long all of it took, in milliseconds.
    pub took_ms: u64,
    /// What all tests sent.
    pub sent: Sent,
    /// The tests, in the order of a packet's way: the host, the path, the peer, the inside.
    pub checks: Vec<Check>,
}

/// The schema of [`Probed`].
pub const SCHEMA: &str = "adit.probe/1";

/// Packets that a test has put on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// How many.
    pub packets: u64,
    /// Their octets, with IP headers, before any protection.
    pub octets: u64,
}

impl Sent {
    /// One packet more.
    pub fn add(&mut self, octets: usize) {
        self.packets += 1;
        self.octets += octets as u64;
    }

    /// Both.
    #[must_use]
    pub fn plus(self, other: Sent) -> Sent {
        Sent {
            packets: self.packets + other.packets,
            octets: self.octets + other.octets,
        }
    }
}

/// What a test came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As it should be.
    Well,
    /// It stops or harms the tunnel.
    Finding,
    /// Worth knowing; it may be meant so.
    Note,
    /// It can't be told; the summary says why.
    Unknown,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was tested: `routes-inside`.
    pub id: String,
    /// What it came to.
    pub outcome: Outcome,
    /// In one sentence, with the values.
    pub summary: String,
    /// What to change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// What it sent.
    pub sent: Sent,
    /// Values by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// What a verdict makes of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Known>,
}

impl Check {
    /// A test that has sent nothing.
    #[must_use]
    pub fn new(id: &str, outcome: Outcome, summary: impl Into<String>) -> Self {
        Self {
            id: id.to_owned(),
            outcome,
            summary: summary.into(),
            fix: None,
            sent: Sent::default(),
            values: BTreeMap::new(),
            facts: Vec::new(),
        }
    }

    /// With what to change.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// With a value.
    #[must_use]
    pub fn value(mut self, name: &str, value: impl ToString) -> Self {
        self.values.insert(name.to_owned(), value.to_string());
        self
    }

    /// With a fact.
    #[must_use]
    pub fn fact(mut self, known: Known) -> Self {
        self.facts.push(known);
        self
    }

    /// With what it sent.
    #[must_use]
    pub fn sent(mut self, sent: Sent) -> Self {
        self.sent = sent;
        self
    }

    /// Its facts about `tunnel`, as a case holds them. Each test is a source of its own.
    pub fn told_of<'a>(&'a self, tunnel: &'a str, at: Wall) -> impl Iterator<Item = Fact> + 'a {
        self.facts.iter().map(move |known| Fact {
            source: Source {
                name: format!("probe {}", self.id),
                line: None,
                text: self.summary.clone(),
            },
            at: Some(at),
            side: Side::Local,
            subject: Some(tunnel.to_owned()),
            role: None,
            what: known.clone(),
        })
    }
}

impl Probed {
    /// The document of these tests.
    #[must_use]
    pub fn new(
        tunnel: &str,
        peer: Option<IpAddr>,
        up: bool,
        took_ms: u64,
        checks: Vec<Check>,
    ) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            tunnel: tunnel.to_owned(),
            peer,
            up,
            took_ms,
            sent: checks
                .iter()
                .fold(Sent::default(), |sum, check| sum.plus(check.sent)),
            checks,
        }
    }

    /// Whether anything was found that stops or harms the tunnel.
    #[must_use]
    pub fn has_findings(&self) -> bool {
        self.checks.iter().any(|c| c.outcome == Outcome::Finding)
    }
}
