//! The report itself: sections of text behind a table of contents, and how it is read again.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use adit_evidence::pseudonym::{Kind, Pseudonyms};
use adit_gateway::clock::rfc3339;
use adit_model::fact::Case;
use anyhow::Context;
use serde_json::Value;

use super::super::evidence;
use super::gather::{Gathered, document};
use crate::exit::Failure;

/// A report, redacted.
pub struct Report {
    parts: Vec<Part>,
    without: Vec<String>,
    tunnels: Vec<String>,
    made: String,
}

struct Part {
    kind: String,
    name: String,
    text: String,
    /// How many values were replaced in it.
    replaced: BTreeMap<Kind, u64>,
    secrets: usize,
}

impl Report {
    /// Replaces every value in what was gathered.
    pub fn of(gathered: &Gathered, names: &mut Pseudonyms) -> Result<Self, Failure> {
        names.know(&gathered.host, Kind::Host);
        let cases = gathered
            .cases
            .iter()
            .map(document)
            .collect::<Result<Vec<Value>, _>>()?;
        for document in gathered.documents.iter().chain(&cases) {
            names.learn(document);
        }
        let mut parts = Vec::new();
        let mut tunnels = Vec::new();
        for mut document in cases {
            let before = names.counts().clone();
            names.document(&mut document);
            let subject = document["case"]["subject"].as_str().unwrap_or_default();
            tunnels.push(subject.to_owned());
            parts.push(Part {
                kind: "case".to_owned(),
                name: subject.to_owned(),
                text: format!("{document}\n"),
                replaced: grown(&before, names.counts()),
                secrets: 0,
            });
        }
        for section in &gathered.sections {
            let before = names.counts().clone();
            let name = names.text(&section.name);
            let lines = section.text.lines().map(|line| names.text(line) + "\n");
            let text: String = lines.collect();
            parts.push(Part {
                kind: section.kind.clone(),
                name,
                secrets: text.matches("[secret ").count(),
                text,
                replaced: grown(&before, names.counts()),
            });
        }
        let without = gathered.without.iter().map(|l| names.text(l)).collect();
        Ok(Self {
            parts,
            without,
            tunnels,
            made: rfc3339(evidence::now()),
        })
    }

    /// The whole file.
    pub fn text(&self) -> String {
        let mut out = format!(
            "{FIRST}\nadit {}, made {}. Read by: adit why FILE\n",
            env!("CARGO_PKG_VERSION"),
            self.made
        );
        out.push_str(&self.contents());
        for part in &self.parts {
            let _ = writeln!(out, "==== {}: {} ====", part.kind, part.name);
            out.push_str(&part.text);
        }
        out
    }

    fn contents(&self) -> String {
        let mut out = String::from("Contents, with how many values were replaced:\n");
        for part in &self.parts {
            let (octets, counts) = (part.text.len(), counts(&part.replaced, part.secrets));
            let _ = writeln!(
                out,
                "  {}: {}: {octets} octets; {counts}",
                part.kind, part.name
            );
        }
        for line in &self.without {
            let _ = writeln!(out, "  without {line}");
        }
        out
    }

    /// What a sender should know before it is sent.
    pub fn summary(&self) -> String {
        let mut all: BTreeMap<Kind, u64> = BTreeMap::new();
        let mut secrets = 0;
        for part in &self.parts {
            secrets += part.secrets;
            for (kind, count) in &part.replaced {
                *all.entry(*kind).or_default() += count;
            }
        }
        let mut out = format!("replaced: {}\n", counts(&all, secrets));
        let tunnels = self.tunnels.join(", ");
        let _ = writeln!(
            out,
            "not replaced: names of tunnels and children ({tunnels}), SPIs, ports, times, interfaces' names, last octets of addresses"
        );
        out
    }
}

fn grown(before: &BTreeMap<Kind, u64>, now: &BTreeMap<Kind, u64>) -> BTreeMap<Kind, u64> {
    let grown = now.iter().map(|(kind, count)| {
        let earlier = before.get(kind).copied().unwrap_or_default();
        (*kind, count - earlier)
    });
    grown.filter(|(_, count)| *count > 0).collect()
}

fn counts(replaced: &BTreeMap<Kind, u64>, secrets: usize) -> String {
    let mut out: Vec<String> = replaced
        .iter()
        .map(|(kind, count)| match count {
            1 => format!("1 {kind}"),
            _ => format!("{count} {}", kind.plural()),
        })
        .collect();
    if secrets > 0 {
        out.push(format!("{secrets} secrets or keys"));
    }
    if out.is_empty() {
        return "nothing".to_owned();
    }
    out.join(", ")
}

/// The kind and name of a section, if this line is its head.
pub fn heading(line: &str) -> Option<(&str, &str)> {
    let inner = line.strip_prefix("==== ")?.strip_suffix(" ====")?;
    inner.split_once(": ")
}

/// Whether a file that begins so is a report.
pub fn is_report(head: &[u8]) -> bool {
    head.starts_with(FIRST.as_bytes())
}

/// The cases in a report.
///
/// # Errors
/// When one of them can't be read.
pub fn cases(text: &str) -> Result<Vec<Case>, Failure> {
    let mut out = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some((kind, _)) = heading(line) {
            inside = kind == "case";
        } else if inside && line.starts_with('{') {
            let mut document: Value = serde_json::from_str(line)
                .context("reading a case of the report")
                .map_err(Failure::usage)?;
            let case: Case = serde_json::from_value(document["case"].take())
                .context("reading a case of the report")
                .map_err(Failure::usage)?;
            out.push(case);
        }
    }
    Ok(out)
}

/// The first line of every report.
const FIRST: &str = "==== adit bugreport/1 ====";
