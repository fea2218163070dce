//! A verdict as text: the answer first, then what it rests on, then what to do and what to say.

use std::fmt::Write as _;

use adit_diagnose::{Answer, AtFault, Evidence, Finding, Verdict};

use super::style::Palette;
use super::wrap::{labelled, paragraph};

/// The whole verdict, ending in a newline.
pub fn text(verdict: &Verdict, p: Palette) -> String {
    let mut out = String::new();
    let word = match verdict.verdict {
        Answer::Cause => p.bad("broken"),
        Answer::Healthy => p.good("healthy"),
        Answer::Undecided => p.open("undecided"),
    };
    let _ = writeln!(
        out,
        "{}  {word}  {}",
        p.bold(&verdict.subject),
        verdict.summary
    );
    for finding in &verdict.findings {
        out.push('\n');
        out.push_str(&self::finding(finding, p));
    }
    if !verdict.possible.is_empty() {
        let _ = writeln!(out, "\n{}", p.bold("What remains possible"));
        for candidate in &verdict.possible {
            let _ = writeln!(out, "  {}  {}", p.open("?"), p.value(&candidate.cause));
            out.push_str(&paragraph(6, &candidate.because));
            out.push_str(&labelled(6, "told apart by", &candidate.separated_by));
        }
    }
    out.push_str(&evidence(&verdict.evidence, p));
    if !verdict.ruled_out.is_empty() {
        let _ = writeln!(out, "\n{}", p.bold("Ruled out"));
        for not in &verdict.ruled_out {
            out.push_str(&labelled(2, &not.cause, &not.because));
        }
    }
    if !verdict.missing.is_empty() {
        let _ = writeln!(out, "\n{}", p.bold("What would decide"));
        for missing in &verdict.missing {
            out.push_str(&paragraph(2, &missing.evidence));
            for line in missing.collect.lines() {
                let _ = writeln!(out, "      {}", p.value(line));
            }
        }
    }
    for note in &verdict.notes {
        out.push_str(&labelled(0, "note", note));
    }
    out
}

fn finding(f: &Finding, p: Palette) -> String {
    let mut out = String::new();
    let side = match f.side {
        AtFault::Local => "our side",
        AtFault::Remote => "the other side",
        AtFault::Both => "either side can change it",
        AtFault::Path => "the path between",
        AtFault::Unknown => "which side can't be told",
    };
    let _ = writeln!(
        out,
        "{}  ({side}; {:.0} % sure; adit explain {})",
        p.bad(&f.cause),
        f.confidence * 100.0,
        f.cause
    );
    out.push_str(&paragraph(2, &f.summary));
    if f.explanation != f.summary {
        out.push_str(&paragraph(2, &f.explanation));
    }
    out.push_str(&evidence(&f.evidence, p));
    let _ = writeln!(out, "\n{}", p.bold("Fix"));
    for (side, fix) in [("here", &f.fix.local), ("there", &f.fix.remote)] {
        if !fix.is_empty() {
            out.push_str(&labelled(2, side, fix));
        }
    }
    if !f.message_for_peer.is_empty() {
        let _ = writeln!(out, "\n{}", p.bold("Tell the other administrator"));
        out.push_str(&paragraph(2, &f.message_for_peer));
    }
    if !f.next.is_empty() {
        let _ = writeln!(out, "\n{}", p.bold("Next"));
        for step in &f.next {
            out.push_str(&paragraph(2, step));
        }
    }
    for consequence in &f.consequences {
        out.push_str(&labelled(
            2,
            &format!("goes away with it: {}", consequence.cause),
            &consequence.summary,
        ));
    }
    for note in &f.notes {
        out.push_str(&labelled(2, "note", note));
    }
    out
}

fn evidence(lines: &[Evidence], p: Palette) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", p.bold("Evidence"));
    for e in lines {
        let place = e
            .line
            .map_or_else(|| e.source.clone(), |line| format!("{}:{line}", e.source));
        let _ = writeln!(out, "  {}  {}", p.dim(&place), e.text);
    }
    out
}
