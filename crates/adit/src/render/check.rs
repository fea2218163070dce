//! A check as text: what will happen first, then what was found, with both values and what to write.

use std::fmt::Write as _;

use adit_diagnose::{CheckFinding, CheckReport, Outcome, Value};

use super::style::Palette;
use super::wrap::{labelled, paragraph};

/// The whole report, ending in a newline.
pub fn text(report: &CheckReport, p: Palette) -> String {
    let mut out = String::new();
    for pair in &report.pairs {
        let word = match pair.prediction {
            None => p.good("fits"),
            Some(outcome) => p.bad(&outcome.to_string()),
        };
        let _ = writeln!(
            out,
            "{} <> {}  {word}",
            p.bold(&pair.local),
            p.bold(&pair.remote)
        );
    }
    if report.pairs.is_empty() {
        for checked in &report.checked {
            let count = checked.connections.len();
            let s = if count == 1 { "" } else { "s" };
            let _ = writeln!(
                out,
                "{}  {}, {count} connection{s}",
                p.bold(&checked.file),
                checked.dialect
            );
        }
    }
    for finding in &report.findings {
        out.push('\n');
        out.push_str(&self::finding(finding, report, p));
    }
    if report.findings.is_empty() {
        let what = if report.checked.len() > 1 {
            "the two ends fit"
        } else {
            "nothing is wrong with it by itself"
        };
        let _ = writeln!(out, "\n{}", p.good(what));
    }
    for note in &report.notes {
        out.push_str(&labelled(0, "note", note));
    }
    out
}

fn finding(f: &CheckFinding, report: &CheckReport, p: Palette) -> String {
    let word = f.outcome.to_string();
    let word = if f.outcome.breaks() {
        p.bad(&word)
    } else if f.outcome == Outcome::Warning {
        p.open(&word)
    } else {
        p.dim(&word)
    };
    let subject = f.subject.as_deref().unwrap_or_default();
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{word}  {}{}{subject}  (adit explain {})",
        p.bold(&f.cause),
        if subject.is_empty() { "" } else { "  " },
        f.cause
    );
    out.push_str(&paragraph(2, &f.summary));
    if !f.explanation.is_empty() && f.outcome < Outcome::Hint {
        out.push_str(&paragraph(2, &f.explanation));
    }
    for (whose, value) in [("ours", &f.local), ("theirs", &f.remote)] {
        if let Some(value) = value {
            out.push_str(&labelled(2, whose, &place(value)));
        }
    }
    if f.local.is_none() && f.remote.is_none() {
        for line in &f.evidence {
            let at = line
                .line
                .map_or_else(|| line.source.clone(), |n| format!("{}:{n}", line.source));
            out.push_str(&labelled(2, &at, &line.text));
        }
    }
    for (whose, fix) in [("fix here", &f.fix.local), ("fix there", &f.fix.remote)] {
        if !fix.is_empty() {
            out.push_str(&labelled(2, whose, fix));
        }
    }
    if !f.message_for_peer.is_empty() && f.outcome.breaks() && report.checked.len() > 1 {
        out.push_str(&labelled(
            2,
            "tell the other administrator",
            &f.message_for_peer,
        ));
    }
    out
}

/// The value, and where it stands.
fn place(value: &Value) -> String {
    match (&value.source, value.line, &value.text) {
        (Some(source), Some(line), Some(text)) => {
            format!("{} ({source}:{line}: {text})", value.value)
        }
        (Some(source), None, _) => format!("{} ({source})", value.value),
        _ => format!("{} (the product's default)", value.value),
    }
}
