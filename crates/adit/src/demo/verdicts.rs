//! The last scene: what one side can know, what both know together, and whether that is right.

use adit_diagnose::Verdict;

use super::fault::{Fault, names_it};
use super::report::Report;
use super::story::Story;
use crate::render::{MARGIN, labelled, paragraph, verdict};

/// Shows both verdicts, records them, and says whether the diagnosis is right about `fault`.
pub fn tell(
    fault: Fault,
    alone: &Verdict,
    both: &Verdict,
    far_side_asked: bool,
    story: &mut Story,
    report: &mut Report,
) -> bool {
    report.verdict_one_side = serde_json::to_value(alone).ok();
    report.verdict_both_sides = serde_json::to_value(both).ok();
    let p = story.palette();
    story.say("");
    story.say(&p.bold("  west alone: adit why office"));
    if far_side_asked && alone != both {
        story.say(&indent(&brief(alone)));
        story.say("");
        story.say(&p.bold("  with what east knows: adit why office --remote FILE"));
    }
    story.say(&indent(&verdict::text(&essence(both), p)));
    story.say("");
    let named: Vec<String> = both.findings.iter().map(|f| f.cause.clone()).collect();
    let possible: Vec<String> = both.possible.iter().map(|c| c.cause.clone()).collect();
    let right = names_it(fault, &named, &possible);
    let cause = fault.cause();
    if !right {
        story.failed(format!("the diagnosis doesn't name {cause}"));
    } else if named.is_empty() {
        story.done(format!(
            "the diagnosis has {cause} among what is possible, and says how to tell"
        ));
    } else {
        story.done(format!("the diagnosis names {cause}"));
    }
    right
}

/// A verdict in a few lines.
fn brief(verdict: &Verdict) -> String {
    let mut text = match verdict.cause() {
        Some(cause) => labelled(0, cause, &verdict.summary),
        None => paragraph(0, &verdict.summary),
    };
    for candidate in &verdict.possible {
        text.push_str(&labelled(
            2,
            &format!("? {}", candidate.cause),
            &candidate.separated_by,
        ));
    }
    text
}

/// What a newcomer wants to see of a verdict: not what it isn't.
fn essence(verdict: &Verdict) -> Verdict {
    Verdict {
        ruled_out: Vec::new(),
        announced: Vec::new(),
        ..verdict.clone()
    }
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| {
            if line.is_empty() {
                String::new()
            } else {
                format!("{:MARGIN$}{line}", "")
            }
        })
        .collect::<Vec<_>>()
        .join("\n")
}
