//! A verdict as text: the answer first, then what it rests on, then what to do and what to say.
//!
//! Everything is taken from the `adit.why/1` document. What the document says twice, for scripts that read one part of
//! it alone, is said once here; reasons against the causes that were ruled out are cut to a line each.

use std::fmt::Write as _;

use adit_diagnose::{Answer, AtFault, Evidence, Finding, Missing, RuledOut, Verdict};
use adit_model::ahead::Weight;
use adit_model::fact::Side;

use super::style::Palette;
use super::wrap::{about, beside, cut, labelled, paragraph};

/// The whole verdict, ending in a newline.
pub fn text(verdict: &Verdict, p: Palette) -> String {
    let word = match verdict.verdict {
        Answer::Cause => p.bad("broken"),
        Answer::Healthy => p.good("healthy"),
        Answer::Undecided => p.open("undecided"),
    };
    let mut out = beside(
        &format!("{}  {word}", p.bold(&verdict.subject)),
        about(&verdict.subject, &verdict.summary),
    );
    for finding in &verdict.findings {
        out.push('\n');
        out.push_str(&self::finding(finding, verdict, p));
    }
    if !verdict.possible.is_empty() {
        let _ = writeln!(
            out,
            "\n{}",
            p.bold("What remains possible, likeliest first")
        );
        for candidate in &verdict.possible {
            let _ = writeln!(out, "  {}  {}", p.open("?"), p.value(&candidate.cause));
            out.push_str(&paragraph(5, &candidate.because));
            out.push_str(&labelled(5, "told apart by", &candidate.separated_by));
        }
    }
    out.push_str(&evidence(&verdict.subject, &verdict.evidence, p));
    out.push_str(&missing(&verdict.missing, p));
    out.push_str(&ruled_out(&verdict.subject, &verdict.ruled_out, p));
    let warnings = verdict.ahead.iter().filter(|w| w.weight == Weight::Warning);
    for (at, warning) in warnings.enumerate() {
        if at == 0 {
            let _ = writeln!(out, "\n{}", p.bold("Not yet, but it will fail"));
        }
        out.push_str(&super::ahead::forewarning(warning, p));
    }
    for announced in &verdict.announced {
        let whose = match announced.by {
            Side::Local => "We say that we take",
            Side::Remote => "The peer says that it takes",
        };
        out.push('\n');
        out.push_str(&labelled(0, whose, &announced.what.to_string()));
    }
    if !verdict.notes.is_empty() {
        out.push('\n');
        out.push_str(&labelled(0, "By the way", &verdict.notes.join("; ")));
    }
    out
}

fn finding(f: &Finding, verdict: &Verdict, p: Palette) -> String {
    let mut out = String::new();
    let side = match f.side {
        AtFault::Local => "our side",
        AtFault::Remote => "the other side",
        AtFault::Both => "either side can change it",
        AtFault::Path => "the path between",
        AtFault::Unknown => "which side isn't known",
    };
    let _ = writeln!(
        out,
        "{}  ({side}; {:.0} % sure; more: adit explain {})",
        p.bad(&f.cause),
        f.confidence * 100.0,
        f.cause
    );
    if f.summary != verdict.summary {
        out.push_str(&paragraph(2, &f.summary));
    }
    if f.explanation != f.summary {
        out.push_str(&paragraph(2, &f.explanation));
    }
    for note in f.notes.iter().filter(|note| !verdict.notes.contains(note)) {
        out.push_str(&labelled(2, "note", note));
    }
    out.push_str(&evidence(&verdict.subject, &f.evidence, p));
    if !(f.fix.local.is_empty() && f.fix.remote.is_empty()) {
        let _ = writeln!(out, "\n{}", p.bold("Fix"));
        for (side, fix) in [("here", &f.fix.local), ("there", &f.fix.remote)] {
            if !fix.is_empty() {
                out.push_str(&labelled(2, side, fix));
            }
        }
    }
    if !f.next.is_empty() {
        let _ = writeln!(out, "\n{}", p.bold("Next"));
        for step in &f.next {
            out.push_str(&paragraph(2, step));
        }
    }
    if !f.message_for_peer.is_empty() {
        let _ = writeln!(out, "\n{}", p.bold("Tell the other administrator"));
        out.push_str(&paragraph(2, &f.message_for_peer));
    }
    if !f.consequences.is_empty() {
        let _ = writeln!(out, "\n{}", p.bold("Goes away with it"));
        for consequence in &f.consequences {
            out.push_str(&labelled(2, &consequence.cause, &consequence.summary));
        }
    }
    out
}

/// Quoted lines; whose they are is told as soon as any is the other side's.
fn evidence(subject: &str, lines: &[Evidence], p: Palette) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", p.bold("Evidence"));
    let two_sided = lines.iter().any(|e| e.side == Some(Side::Remote));
    for e in lines {
        let place = e
            .line
            .map_or_else(|| e.source.clone(), |line| format!("{}:{line}", e.source));
        let whose = match (two_sided, e.side) {
            (true, Some(Side::Local)) => "here   ",
            (true, Some(Side::Remote)) => "there  ",
            _ => "",
        };
        let label = format!("  {whose}{}", p.dim(&place));
        out.push_str(&beside(&label, about(subject, &e.text)));
    }
    out
}

fn missing(wanted: &[Missing], p: Palette) -> String {
    if wanted.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", p.bold("What would decide"));
    for missing in wanted {
        out.push_str(&paragraph(2, &missing.evidence));
        for line in missing.collect.lines() {
            let _ = match line.split_once(": ") {
                Some((place, command)) => {
                    writeln!(out, "      {}: {}", p.dim(place), p.value(command))
                }
                None => writeln!(out, "      {}", p.value(line)),
            };
        }
    }
    out
}

/// Causes with the same reason share a line.
fn ruled_out(subject: &str, causes: &[RuledOut], p: Palette) -> String {
    if causes.is_empty() {
        return String::new();
    }
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for not in causes {
        match groups
            .iter_mut()
            .find(|(because, _)| *because == not.because)
        {
            Some((_, ids)) => ids.push(&not.cause),
            None => groups.push((&not.because, vec![&not.cause])),
        }
    }
    let mut out = format!("\n{}\n", p.bold("Ruled out"));
    for (because, ids) in groups {
        let because = because.replace(&format!("{subject}: "), "");
        let line = format!("  {}: {because}", ids.join(", "));
        // The ids are what can be looked up, so they are never cut.
        out.push_str(&if ids.len() > 1 {
            labelled(2, &ids.join(", "), &because)
        } else {
            cut(&line)
        });
    }
    out
}
