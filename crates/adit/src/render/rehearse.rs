//! A rehearsal as text: each life of the tunnel as a list of its stages, then what is to blame.

use std::fmt::Write as _;

use super::style::Palette;
use super::wrap::{beside, labelled, paragraph};
use super::{check, verdict};
use crate::cmd::rehearse::{NoteShown, Report, RunShown};

/// The whole report, ending in a newline.
pub fn text(report: &Report, p: Palette) -> String {
    let word = match report.fails() {
        true => p.bad(report.result),
        false => p.good(report.result),
    };
    let [a, b] = &report.ends;
    let mut out = format!(
        "{} <> {}  {word}\n",
        p.bold(&a.connection),
        p.bold(&b.connection)
    );
    for end in &report.ends {
        let what = format!("{} ({}), {}", end.connection, end.dialect, end.file);
        out.push_str(&labelled(2, end.end, &what));
    }
    if let Some(why) = &report.not_played {
        out.push('\n');
        let said = format!("Not played but compared: {why}.");
        out.push_str(&paragraph(0, &said));
    }
    for run in &report.runs {
        out.push('\n');
        out.push_str(&self::run(run, p));
    }
    out.push_str(&notes("Assumed", &report.assumed, p));
    out.push_str(&notes("Not played", &report.left_out, p));
    if !report.compared.findings.is_empty() || report.not_played.is_some() {
        let _ = writeln!(
            out,
            "\n{}",
            p.bold("Comparing the files (ours is A, theirs is B)")
        );
        out.push_str(&check::text(&report.compared, p));
    }
    out
}

fn run(run: &RunShown, p: Palette) -> String {
    let how = match run.by_itself {
        true => "begins",
        false => "is told to begin; by itself neither end does",
    };
    let mut out = format!("{} {how}\n", p.bold(run.initiator));
    for stage in &run.stages {
        let word = match stage.outcome {
            "passed" => p.good("ok  "),
            "failed" => p.bad("FAIL"),
            _ => p.dim("-   "),
        };
        let label = format!("  {word}  {:<18} {:>9}", stage.title, time(stage.seconds));
        out.push_str(&beside(&label, &stage.detail));
    }
    if let Some(found) = &run.verdict {
        out.push('\n');
        let _ = writeln!(
            out,
            "{}",
            p.dim("What both ends know of it (our side is A):")
        );
        out.push_str(&verdict::text(found, p));
    }
    out
}

fn notes(title: &str, list: &[NoteShown], p: Palette) -> String {
    if list.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", p.bold(title));
    for note in list {
        out.push_str(&match note.end {
            Some(end) => labelled(2, end, &note.text),
            None => paragraph(2, &note.text),
        });
    }
    out
}

/// Virtual time for a person.
fn time(seconds: f64) -> String {
    if seconds < 120.0 {
        return format!("{seconds:.1} s");
    }
    let minutes = (seconds / 60.0).round();
    if minutes < 120.0 {
        return format!("{minutes} min");
    }
    format!("{:.1} h", seconds / 3600.0)
}
