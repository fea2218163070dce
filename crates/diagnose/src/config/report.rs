//! The `adit.check/1` document.

use adit_model::credential::Credential;
use adit_model::fact::{Side, Source};
use adit_model::now::Wall;
use adit_model::peer_config::{Dialect, Lint, PeerConnection, Weight};
use serde::{Deserialize, Serialize};

use super::difference::{Difference, Outcome, Value};
use super::{compare, credential, lint, pair};
use crate::verdict::{AtFault, Evidence, Fix};

/// One end's configuration.
#[derive(Clone, Debug, Default)]
pub struct End {
    /// Its files.
    pub name: String,
    /// In whose language, for a person.
    pub dialect: String,
    /// Its connections.
    pub connections: Vec<PeerConnection>,
    /// What its readers found wrong with it.
    pub lints: Vec<Lint>,
    /// Files of certificates and keys that it names.
    pub credentials: Vec<Credential>,
}

/// The whole document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Always [`CheckReport::SCHEMA`].
    pub schema: String,
    /// What will happen with the two ends' configurations, the gravest of all pairs; `None` if nothing stands in the
    /// way, or with one end.
    pub prediction: Option<Outcome>,
    /// What was read.
    pub checked: Vec<Checked>,
    /// Which connection was compared with which, with two ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<PairReport>,
    /// What was found, the gravest first.
    pub findings: Vec<CheckFinding>,
    /// What couldn't be compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl CheckReport {
    /// The schema name and major version.
    pub const SCHEMA: &'static str = "adit.check/1";

    /// Whether somebody has to do something.
    #[must_use]
    pub fn has_findings(&self) -> bool {
        self.findings.iter().any(|f| f.outcome < Outcome::Hint)
    }
}

/// A configuration that was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// Its file.
    pub file: String,
    /// In whose language.
    pub dialect: String,
    /// Names of its connections.
    pub connections: Vec<String>,
}

/// Two connections that were compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairReport {
    /// Ours.
    pub local: String,
    /// Theirs.
    pub remote: String,
    /// What will happen; `None` if nothing stands in the way.
    pub prediction: Option<Outcome>,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckFinding {
    /// Cause id, as `adit explain` takes it.
    pub cause: String,
    /// How it shows.
    pub outcome: Outcome,
    /// How sure that is, from 0 to 1.
    pub confidence: f64,
    /// Who should change something.
    pub side: AtFault,
    /// The connection it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// In one sentence.
    pub summary: String,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub explanation: String,
    /// Our value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<Value>,
    /// Theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<Value>,
    /// The lines that it rests on.
    pub evidence: Vec<Evidence>,
    /// What to change.
    pub fix: Fix,
    /// Text for the other administrator; empty for what is ours alone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message_for_peer: String,
}

/// Checks one end by itself, or two against each other. Without `now` nothing is said of what has expired.
#[must_use]
pub fn check(ours: &End, theirs: Option<&End>, now: Option<Wall>) -> CheckReport {
    let mut report = CheckReport {
        schema: CheckReport::SCHEMA.to_owned(),
        prediction: None,
        checked: core::iter::once(ours)
            .chain(theirs)
            .map(|end| Checked {
                file: end.name.clone(),
                dialect: end.dialect.clone(),
                connections: end.connections.iter().map(|c| c.name.clone()).collect(),
            })
            .collect(),
        pairs: Vec::new(),
        findings: Vec::new(),
        notes: Vec::new(),
    };
    if let Some(theirs) = theirs {
        two(ours, theirs, &mut report);
    }
    for (end, side) in [(Some(ours), AtFault::Local), (theirs, AtFault::Remote)] {
        let Some(end) = end else {
            continue;
        };
        let mut own = lint::lints(&end.connections);
        own.extend(credential::lints(&end.connections, &end.credentials, now));
        for lint in end.lints.iter().chain(&own) {
            // What the comparison says better isn't said twice.
            let told = report
                .findings
                .iter()
                .any(|f| f.cause == lint.cause && !f.message_for_peer.is_empty());
            if !told {
                report.findings.push(finding(lint, side));
            }
        }
    }
    if let Some(theirs) = theirs {
        trust(ours, theirs, &mut report);
        predict(&mut report);
    }
    report.findings.sort_by_key(|f| f.outcome);
    report
}

/// Each end's certificates under the other's CAs.
fn trust(ours: &End, theirs: &End, report: &mut CheckReport) {
    let pairs = report.pairs.iter();
    let here: Vec<(&str, &str)> = pairs
        .map(|p| (p.local.as_str(), p.remote.as_str()))
        .collect();
    let there: Vec<(&str, &str)> = here.iter().map(|(a, b)| (*b, *a)).collect();
    let mut findings = Vec::new();
    for (end, other, side, pairs) in [
        (ours, theirs, AtFault::Local, &here),
        (theirs, ours, AtFault::Remote, &there),
    ] {
        let folder = [Dialect::Swanctl, Dialect::StrongswanStroke]
            .iter()
            .any(|d| other.dialect == d.to_string());
        let untrusted = credential::untrusted(&end.credentials, &other.credentials, pairs, folder);
        for (own, weight) in untrusted {
            let seen = match weight {
                Weight::Error => "",
                _ => " that were seen",
            };
            let lint = Lint {
                cause: "ca-not-trusted".to_owned(),
                weight,
                connection: own.named.connection.clone(),
                message: format!(
                    "none of the CAs of {}{seen} issued the certificate in {}",
                    other.name, own.path
                ),
                fix: "a certificate of a CA that the other side has".to_owned(),
                source: own.named.source.clone(),
            };
            let mut found = finding(&lint, side);
            let trusting = "trust the CA that issued the other side's certificate".to_owned();
            match side {
                AtFault::Local => found.fix.remote = trusting,
                _ => found.fix.local = trusting,
            }
            found.side = AtFault::Both;
            findings.push(found);
        }
    }
    report.findings.extend(findings);
}

/// What is wrong with one end by itself stands in the way of its pair as well.
fn predict(report: &mut CheckReport) {
    for pair in &mut report.pairs {
        let own = |f: &&CheckFinding| {
            let side = f.evidence.first().and_then(|e| e.side);
            let name = match side {
                Some(Side::Remote) => &pair.remote,
                _ => &pair.local,
            };
            f.outcome.breaks() && f.subject.as_ref() == Some(name)
        };
        let worst = report.findings.iter().filter(own).map(|f| f.outcome).min();
        pair.prediction = pair.prediction.into_iter().chain(worst).min();
    }
    report.prediction = report.pairs.iter().filter_map(|p| p.prediction).min();
}

fn two(ours: &End, theirs: &End, report: &mut CheckReport) {
    let pairs = pair(&ours.connections, &theirs.connections);
    let paired = |name: &str, local: bool| {
        pairs.iter().any(|(a, b)| {
            if local {
                a.name == name
            } else {
                b.name == name
            }
        })
    };
    for (end, local) in [(ours, true), (theirs, false)] {
        for c in &end.connections {
            if !paired(&c.name, local) {
                report.notes.push(format!(
                    "{}: nothing on the other side fits {}",
                    end.name, c.name
                ));
            }
        }
    }
    for (a, b) in &pairs {
        let differences = compare(a, b);
        let worst = differences
            .iter()
            .map(|d| d.outcome)
            .filter(|o| o.breaks())
            .min();
        report.pairs.push(PairReport {
            local: a.name.clone(),
            remote: b.name.clone(),
            prediction: worst,
        });
        report
            .findings
            .extend(differences.into_iter().map(|d| from_difference(d, &a.name)));
        for (c, other) in [(a, b), (b, a)] {
            if c.psk.as_ref().is_some_and(|k| k.digest.is_none())
                && other.psk.as_ref().is_some_and(|k| k.digest.is_some())
            {
                report.notes.push(format!(
                    "{}: its key isn't readable, so keys weren't compared",
                    c.name
                ));
            }
        }
    }
    if pairs.is_empty() {
        report
            .notes
            .push("no connection of the one side fits any of the other".to_owned());
    }
}

fn from_difference(d: Difference, subject: &str) -> CheckFinding {
    let evidence = d.evidence();
    CheckFinding {
        cause: d.cause.to_owned(),
        outcome: d.outcome,
        confidence: d.confidence,
        side: d.side,
        subject: Some(subject.to_owned()),
        summary: d.summary,
        explanation: d.explanation,
        local: d.ours,
        remote: d.theirs,
        evidence,
        fix: d.fix,
        message_for_peer: d.message_for_peer,
    }
}

fn finding(lint: &Lint, side: AtFault) -> CheckFinding {
    let outcome = match (lint.weight, lint.cause.as_str()) {
        (
            Weight::Error,
            "psk-not-found"
            | "private-key-missing"
            | "ca-not-trusted"
            | "cert-expired"
            | "cert-not-yet-valid",
        ) => Outcome::FailsAtIke,
        (Weight::Error, "nothing-triggers-initiation") => Outcome::NeverStarts,
        (Weight::Error | Weight::Warning, _) => Outcome::Warning,
        (Weight::Hint, _) => Outcome::Hint,
    };
    let fix = if side == AtFault::Local {
        Fix {
            local: lint.fix.clone(),
            remote: String::new(),
        }
    } else {
        Fix {
            local: String::new(),
            remote: lint.fix.clone(),
        }
    };
    CheckFinding {
        cause: lint.cause.clone(),
        outcome,
        confidence: match lint.weight {
            Weight::Error => 0.9,
            Weight::Warning => 0.75,
            Weight::Hint => 0.6,
        },
        side,
        subject: lint.connection.clone(),
        summary: lint.message.clone(),
        explanation: String::new(),
        local: None,
        remote: None,
        evidence: vec![line(&lint.source, side)],
        fix,
        message_for_peer: String::new(),
    }
}

fn line(source: &Source, side: AtFault) -> Evidence {
    Evidence {
        side: match side {
            AtFault::Local => Some(Side::Local),
            _ => Some(Side::Remote),
        },
        source: source.name.clone(),
        line: source.line,
        text: source.text.clone(),
    }
}
