//! Where the processor's time goes while one TCP stream passes through the gateways: `perf`, by function.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::Serialize;

use super::iperf::{Flow, Load, Outcome};
use super::subject::Subject;
use crate::interop::patience;
use crate::{exec, peers};

/// Functions with a smaller part aren't named.
const LEAST_PERCENT: f64 = 0.8;

/// The time of both gateways.
#[derive(Clone, Debug, Serialize)]
pub struct Profile {
    pub subject: String,
    /// In percent; the rest is spread over functions with little each.
    pub functions: Vec<Function>,
}

/// A function's part, without what it calls.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Function {
    pub percent: f64,
    /// `[kernel.kallsyms]`, or the program or library.
    pub object: String,
    pub name: String,
}

/// Measures for so many seconds, twice if need be: perf loses everything when a thread ends while it attaches.
pub fn take(subject: &Subject, seconds: u32) -> Result<Profile> {
    peers::ensure_perf()?;
    once(subject, seconds).or_else(|_| once(subject, seconds))
}

fn once(subject: &Subject, seconds: u32) -> Result<Profile> {
    let data = subject.world.kept.join("perf.data");
    let pids: Vec<_> = subject.pids().iter().map(u32::to_string).collect();
    let flow = Flow::start(&subject.world, Load::Tcp { streams: 1 }, seconds + 1)?;
    // The stream has to get going.
    std::thread::sleep(Duration::from_millis(500));
    let mut perf = std::process::Command::new("perf");
    // Virtual machines have no counter of cycles; the clock is everywhere.
    perf.args(["record", "-q", "-e", "cpu-clock", "-F", "997"])
        .args(["-p", &pids.join(","), "-o"])
        .arg(&data)
        .args(["--", "sleep", &seconds.to_string()])
        .stdin(Stdio::null());
    let mut child = perf.spawn().context("cannot run perf")?;
    let limit = Duration::from_secs(u64::from(seconds) + 10);
    let ended = patience::wait("perf", limit, || Ok(child.try_wait()?.is_some()));
    if ended.is_err() {
        patience::end(&mut child, Duration::from_secs(1));
    }
    let outcome = flow.end()?;
    anyhow::ensure!(
        matches!(outcome, Outcome::Tcp { .. }),
        "the stream that was to be looked at didn't last"
    );
    let mut report = std::process::Command::new("perf");
    report
        .args([
            "report",
            "--stdio",
            "--no-children",
            "--sort",
            "dso,symbol",
            "-t",
            ";",
            "-i",
        ])
        .arg(&data);
    let said = exec::checked(&mut report)?.stdout;
    let functions: Vec<_> = said.lines().filter_map(function).collect();
    anyhow::ensure!(
        !functions.is_empty(),
        "perf saw nothing of {}",
        subject.name
    );
    Ok(Profile {
        subject: subject.name.clone(),
        functions,
    })
}

impl Profile {
    /// The table.
    pub fn text(&self) -> String {
        let lines = self
            .functions
            .iter()
            .map(|f| format!("{:>6.1} %  {:<24} {}\n", f.percent, f.object, f.name));
        format!(
            "\nwhere {} spends its time\n{}",
            self.subject,
            lines.collect::<String>()
        )
    }
}

/// `12.34%;[kernel.kallsyms];[k] name`, with blanks around.
fn function(line: &str) -> Option<Function> {
    let mut fields = line.split(';').map(str::trim);
    let percent = fields.next()?.strip_suffix('%')?.parse().ok()?;
    let (object, symbol) = (fields.next()?, fields.next()?);
    let name = symbol.trim_start_matches(['[', '.', 'k', ']']).trim();
    (percent >= LEAST_PERCENT).then(|| Function {
        percent,
        object: object.to_owned(),
        name: name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_perf_are_read() {
        let line = "    20.10%;[kernel.kallsyms]  ;[k] _copy_from_iter  ";
        let found = function(line).unwrap();
        assert_eq!((found.percent, &*found.name), (20.1, "_copy_from_iter"));
        assert_eq!(function("     0.10%;adit;[.] main"), None);
        assert_eq!(function("# Samples: 4K of event 'cycles'"), None);
    }
}
