//! What came of all rows: the document, and the page.

use std::fmt::{self, Write};

use anyhow::Result;
use serde::Serialize;

use super::healthy::Run;
use super::play::{Answer, PATIENCE, Row, word};
use crate::workspace;

/// The document of `--json`.
#[derive(Serialize)]
pub struct Report {
    pub summary: Summary,
    pub rows: Vec<Row>,
    pub healthy: Vec<Run>,
}

/// How many of which. The cause, the side, the fix and the time are counted apart; `right` has all four.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    pub faults: usize,
    pub right: usize,
    pub right_cause: usize,
    pub right_side: usize,
    pub with_fix: usize,
    pub in_time: usize,
    pub confidently_wrong: usize,
    /// That could be known.
    pub undecided: usize,
    /// Undecided, as the row says that one side can't know it.
    pub honestly_undecided: usize,
    pub not_played: usize,
    pub healthy_runs: usize,
    pub false_alarms: usize,
    pub healthy_not_played: usize,
    pub longest_seconds: f64,
}

impl Summary {
    /// How many of the faults that were played are right, in per cent.
    fn per_cent(&self) -> f64 {
        let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
        100.0 * count(self.right) / count(self.faults.max(1))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} right ({:.1} %): the cause in {}, the side in {}, a fix in {}, within {} s {}; \
             {} confidently wrong, {} undecided that could be known, {} honestly undecided, {} not played; \
             {} false alarms in {} healthy runs ({} not played)",
            self.right,
            self.faults,
            self.per_cent(),
            self.right_cause,
            self.right_side,
            self.with_fix,
            PATIENCE.as_secs(),
            self.in_time,
            self.confidently_wrong,
            self.undecided,
            self.honestly_undecided,
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
            right: count(&Row::right),
            right_cause: is(Answer::Right),
            right_side: count(&|row| row.right_side),
            with_fix: count(&|row| row.result == Answer::Right && row.fix),
            in_time: count(&|row| row.result == Answer::Right && row.in_time),
            confidently_wrong: is(Answer::Wrong),
            undecided: is(Answer::Undecided),
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
        let wrong = |row: &&Row| !row.right();
        let failed = |run: &&Run| run.not_played.is_some() || !run.alarms.is_empty();
        let rows = self.rows.iter().filter(wrong).map(super::line);
        rows.chain(self.healthy.iter().filter(failed).map(line))
            .collect()
    }

    /// Everything was right in cause, side, fix and time, and there was no alarm without a fire.
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
             `right` is the wanted cause as the first finding, at the side at fault, with a fix, within {} seconds. Where one side can't \
             know, `undecided` with the cause among what is possible and with what would decide is right too; such a row says *honest*, as does \
             `healthy` where what is wrong lies behind the peer and the tunnel itself carries both ways. Another cause, or `healthy` of a \
             tunnel that isn't, is *confidently wrong*. Seconds are from the first question to the verdict that counts: until a cause is named, \
             the question is repeated as long as another answer would be in time; if that one is late, the one before stands unless the late one is wrong.\n\n\
             {}.\n\nThe longest verdict took {:.1} s.\n\n\
             | Fault | Of | Our role | Peer | Wanted | Said | Side | Seconds | |\n|---|---|---|---|---|---|---|---|---|\n",
            PATIENCE.as_secs(),
            self.summary,
            self.summary.longest_seconds
        );
        for row in &self.rows {
            let result = match row.result {
                Answer::Right => flaw(row).unwrap_or(if row.honest { "honest" } else { "right" }),
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

/// What isn't as it is to be of a row that names the cause.
pub fn flaw(row: &Row) -> Option<&'static str> {
    match row {
        row if !row.right_side => Some("**other side**"),
        row if !row.fix && row.honest => Some("**nothing would decide**"),
        row if !row.fix => Some("**no fix**"),
        row if !row.in_time => Some("**late**"),
        _ => None,
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
