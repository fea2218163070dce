//! What came of all rows: the document, and the page.

use std::fmt::{self, Write};

use anyhow::Result;
use serde::Serialize;

use super::healthy::Run;
use super::play::{Answer, Row, word};
use crate::workspace;

/// The document of `--json`.
#[derive(Serialize)]
pub struct Report {
    pub summary: Summary,
    pub rows: Vec<Row>,
    pub healthy: Vec<Run>,
}

/// How many of which.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    pub faults: usize,
    pub right: usize,
    pub right_side: usize,
    pub with_fix: usize,
    pub confidently_wrong: usize,
    pub undecided: usize,
    /// Of the undecided ones, those that one side can't know.
    pub honestly_undecided: usize,
    pub not_played: usize,
    pub healthy_runs: usize,
    pub false_alarms: usize,
    pub healthy_not_played: usize,
    pub longest_seconds: f64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} right ({} with the right side, {} of them honestly undecided), {} confidently wrong, {} undecided that could be known, {} not played; \
             {} false alarms in {} healthy runs ({} not played)",
            self.right,
            self.faults,
            self.right_side,
            self.honestly_undecided,
            self.confidently_wrong,
            self.undecided - self.honestly_undecided,
            self.not_played,
            self.false_alarms,
            self.healthy_runs,
            self.healthy_not_played,
        )
    }
}

impl Report {
    pub fn new(rows: Vec<Row>, healthy: Vec<Run>) -> Self {
        let count = |so: &dyn Fn(&Row) -> bool| rows.iter().filter(|row| so(row)).count();
        let is = |answer: Answer| count(&|row| row.result == answer);
        let asked = |run: &&Run| run.not_played.is_none();
        let summary = Summary {
            faults: rows.len(),
            right: is(Answer::Right),
            right_side: count(&|row| row.right_side),
            with_fix: count(&|row| row.fix),
            confidently_wrong: is(Answer::Wrong),
            undecided: count(&|row| row.got == "undecided"),
            honestly_undecided: count(&|row| row.honest && row.got == "undecided"),
            not_played: is(Answer::NotPlayed),
            healthy_runs: healthy.iter().filter(asked).count(),
            false_alarms: healthy.iter().filter(|run| !run.alarms.is_empty()).count(),
            healthy_not_played: healthy.len() - healthy.iter().filter(asked).count(),
            longest_seconds: rows
                .iter()
                .map(|row| row.seconds_to_verdict)
                .fold(0.0, f64::max),
        };
        Self {
            summary,
            rows,
            healthy,
        }
    }

    /// How many rows and runs came out as they are to.
    pub fn right(&self) -> usize {
        let healthy = self.summary.healthy_runs - self.summary.false_alarms;
        self.summary.right + healthy
    }

    /// What didn't, in a line each.
    pub fn problems(&self) -> Vec<String> {
        let wrong = |row: &&Row| row.result != Answer::Right;
        let failed = |run: &&Run| run.not_played.is_some() || !run.alarms.is_empty();
        let rows = self.rows.iter().filter(wrong).map(super::line);
        rows.chain(self.healthy.iter().filter(failed).map(line))
            .collect()
    }

    /// Nothing was wrong, nor undecided that could be known, nor an alarm without a fire.
    pub fn good(&self) -> bool {
        self.summary.right == self.summary.faults
            && self.summary.false_alarms == 0
            && self.summary.healthy_not_played == 0
    }

    /// `docs/fault-bench.md`.
    pub fn write(&self) -> Result<()> {
        Ok(std::fs::write(
            workspace::root().join("docs/fault-bench.md"),
            self.page()?,
        )?)
    }

    fn page(&self) -> Result<String> {
        let mut page = format!(
            "# The fault bench\n\n\
             What `adit why NAME --json` says of tunnels that are broken in a known way, asked at our gateway and resting on its own \
             evidence alone. Every fault is injected in network namespaces (`interop/faults`), with our gateway as initiator and as \
             responder, and with strongSwan 5.9.8 (user-space ESP) and a second Adit as the peer, wherever it can happen there. Made by\n\n\
             ```sh\ncargo xtask faults --healthy 100 --write\n```\n\n\
             `right` is the wanted cause as the first finding. Where one side can't know, `undecided` with the cause among what is \
             possible is right too; such a row says *honest*. Another cause, or `healthy`, is *confidently wrong*. Seconds are from the question to \
             the verdict.\n\n\
             {}.\n\nThe longest verdict took {:.1} s; {} of the findings come with a fix.\n\n\
             | Fault | Of | Our role | Peer | Wanted | Said | Side | Seconds | |\n|---|---|---|---|---|---|---|---|---|\n",
            self.summary, self.summary.longest_seconds, self.summary.with_fix
        );
        for row in &self.rows {
            let result = match row.result {
                Answer::Right if row.honest => "honest",
                Answer::Right if row.right_side => "right",
                Answer::Right => "right, other side",
                Answer::Undecided => "**undecided**",
                Answer::Wrong => "**wrong**",
                Answer::NotPlayed => "not played",
            };
            writeln!(
                page,
                "| {} | {} | {} | {} | {} | {} | {} | {:.1} | {result} |",
                row.fault,
                row.shows,
                row.role,
                word(row.peer),
                row.want,
                row.got,
                row.side,
                row.seconds_to_verdict
            )?;
        }
        let alarms = self.healthy.iter().filter(|run| !run.alarms.is_empty());
        for run in alarms {
            writeln!(page, "\nA false alarm: {}", line(run))?;
        }
        Ok(page)
    }
}

/// A healthy run in one line.
pub fn line(run: &Run) -> String {
    let (word_, told) = match (&run.not_played, run.alarms.as_slice()) {
        (Some(problem), _) => ("n/a  ", problem.clone()),
        (None, []) => ("ok   ", String::new()),
        (None, alarms) => ("ALARM", alarms.join(", ")),
    };
    format!(
        "{word_} healthy {:<9} {:<10} {} {told}",
        run.role.to_string(),
        word(run.peer),
        run.configuration
    )
}
