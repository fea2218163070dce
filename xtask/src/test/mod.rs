//! `cargo xtask test`: every check, one after the other, and one line at the end that says how it went.
//!
//! A stage that fails does not stop the following ones: one run shows everything that is wrong. All stages use the
//! same build profile, so that nothing is compiled twice.

mod demo;
mod junit;
mod libtest;
mod tally;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::{exec, faults, fuzz, interop, kernel, peers, supply, workspace};
use tally::Tally;

#[derive(clap::Args)]
pub struct Args {
    /// Do without real peers, where they cannot run
    #[arg(long)]
    no_interop: bool,
    /// Only these stages: fmt, clippy, supply, tests, doc-tests, docs, fuzz-build, demo, interop, faults, kernel
    #[arg(long, value_delimiter = ',', value_name = "STAGE")]
    only: Vec<String>,
}

type Stage = fn(&Args) -> Result<Tally>;

const STAGES: &[(&str, Stage)] = &[
    ("fmt", |_| {
        command(workspace::cargo().args(["fmt", "--all", "--check"]))
    }),
    ("clippy", |_| {
        command(workspace::cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "-D",
            "warnings",
        ]))
    }),
    ("supply", |_| dependency_policy()),
    ("tests", |_| tests()),
    ("doc-tests", |_| doc_tests()),
    ("docs", |_| {
        command(
            workspace::cargo()
                .args(["doc", "--workspace", "--no-deps", "--locked"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    }),
    ("fuzz-build", |_| fuzz_build()),
    ("demo", |_| demo::run(&adit()?)),
    ("interop", with_peers),
    ("faults", broken_tunnels),
    ("kernel", in_guests),
];

/// Runs the stages and prints the summary.
pub fn run(args: &Args) -> Result<ExitCode> {
    for name in &args.only {
        anyhow::ensure!(
            STAGES.iter().any(|(stage, _)| stage == name),
            "no stage `{name}`"
        );
    }
    let mut total = Tally::default();
    let mut durations = Vec::new();
    for (name, stage) in STAGES {
        if !args.only.is_empty() && !args.only.iter().any(|only| only == name) {
            continue;
        }
        eprintln!("\n== {name}");
        let started = Instant::now();
        let tally = stage(args).unwrap_or_else(|error| Tally::failure(format!("{error:#}")));
        for note in &tally.notes {
            eprintln!("{name}: {note}");
        }
        durations.push((*name, started.elapsed(), tally.clone()));
        total.add(tally);
    }
    println!();
    for (name, duration, tally) in &durations {
        println!("{:<12} {:>7.1} s   {}", name, seconds(*duration), tally);
    }
    for note in &total.notes {
        println!("  {note}");
    }
    println!("{total}");
    Ok(if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The `adit` that the demo and interop run, built in the profile of the tests.
pub fn adit() -> Result<PathBuf> {
    let status = workspace::cargo()
        .args(["build", "--quiet", "--locked", "--package", "adit"])
        .status()?;
    anyhow::ensure!(status.success(), "adit does not build");
    Ok(workspace::target_dir().join("debug/adit"))
}

/// A command that passes or fails as a whole.
fn command(command: &mut Command) -> Result<Tally> {
    let outcome = exec::tee(command)?;
    Ok(if outcome.success {
        Tally::passed(1)
    } else {
        Tally::failure(exec::shown(command))
    })
}

fn dependency_policy() -> Result<Tally> {
    let verdict = supply::check()?;
    supply::print(&verdict);
    let mut tally = Tally::passed(1);
    if !verdict.problems.is_empty() {
        tally = Tally::failure(format!(
            "{} problems in the dependency policy",
            verdict.problems.len()
        ));
    }
    for note in verdict.not_run {
        tally.skip(note);
    }
    Ok(tally)
}

/// Unit tests, virtual-world tests, and tests in network namespaces.
fn tests() -> Result<Tally> {
    if workspace::find_program("cargo-nextest").is_none() {
        let mut plain = workspace::cargo();
        plain.args([
            "test",
            "--workspace",
            "--locked",
            "--no-fail-fast",
            "--lib",
            "--bins",
            "--tests",
            "--",
            "--show-output",
        ]);
        return libtest::tally(&exec::tee(require_network(&mut plain))?);
    }
    let mut nextest = workspace::cargo();
    nextest.args([
        "nextest",
        "run",
        "--workspace",
        "--locked",
        "--profile",
        "xtask",
        "--status-level",
        "fail",
    ]);
    let report = workspace::target_dir().join("nextest/xtask/junit.xml");
    // A report of an earlier run must not speak for a run that did not even build.
    let _ = std::fs::remove_file(&report);
    let outcome = exec::tee(require_network(&mut nextest))?;
    match std::fs::read_to_string(&report) {
        Ok(xml) => Ok(junit::tally(&xml, outcome.success)),
        Err(_) => Ok(Tally::failure("the tests do not build".to_owned())),
    }
}

/// As root a test that needs the network may not excuse itself.
fn require_network(command: &mut Command) -> &mut Command {
    if workspace::is_root() {
        command.env("ADIT_REQUIRE_NET", "1")
    } else {
        command
    }
}

fn doc_tests() -> Result<Tally> {
    libtest::tally(&exec::tee(workspace::cargo().args([
        "test",
        "--workspace",
        "--locked",
        "--doc",
        "--no-fail-fast",
    ]))?)
}

/// The fuzz targets compile. Their committed inputs are replayed by the tests of the crates they are about.
fn fuzz_build() -> Result<Tally> {
    let mut check = workspace::cargo();
    check
        .args(["check", "--locked", "--bins"])
        .current_dir(fuzz::folder());
    command(&mut check)
}

fn with_peers(args: &Args) -> Result<Tally> {
    if args.no_interop {
        return Ok(Tally::skipped(
            "interop was not asked for (--no-interop)".to_owned(),
        ));
    }
    if let Err(reason) = peers::ensure() {
        return Ok(Tally::failure(format!(
            "{reason:#} (--no-interop does without)"
        )));
    }
    let results = interop::run_all(&interop::Gateway::Adit(adit()?), &[])?;
    Ok(judged(results))
}

/// Some of the tunnels that are broken in known ways, and some with which nothing is wrong.
fn broken_tunnels(args: &Args) -> Result<Tally> {
    if args.no_interop {
        return Ok(Tally::skipped(
            "the fault bench was not asked for (--no-interop)".to_owned(),
        ));
    }
    if let Err(reason) = peers::ensure() {
        return Ok(Tally::failure(format!(
            "{reason:#} (--no-interop does without)"
        )));
    }
    let report = faults::sample(&adit()?, SAMPLE.0, SAMPLE.1)?;
    let mut tally = Tally::default();
    tally.passed += report.right();
    for problem in report.problems() {
        tally.add(Tally::failure(problem));
    }
    Ok(tally)
}

/// How many faults, and how many healthy tunnels.
const SAMPLE: (usize, usize) = (12, 4);

/// The same through the ESP of a real kernel.
fn in_guests(args: &Args) -> Result<Tally> {
    if args.no_interop {
        return Ok(Tally::skipped(
            "scenarios in a kernel with ESP were not asked for (--no-interop)".to_owned(),
        ));
    }
    if let Some(why) = kernel::impossible() {
        return Ok(Tally::skipped(format!(
            "scenarios in a kernel with ESP: {why}"
        )));
    }
    match kernel::play(&kernel::Args::default()) {
        Ok(results) => Ok(judged(results)),
        Err(reason) => Ok(Tally::failure(format!(
            "no scenario was played in a kernel with ESP: {reason:#} (--no-interop does without)"
        ))),
    }
}

fn judged(results: Vec<interop::Outcome>) -> Tally {
    let mut tally = Tally::default();
    for result in results {
        let space = if result.setting.is_empty() { "" } else { " " };
        let text = format!(
            "{}{space}{} as {}: {}",
            result.setting, result.name, result.role, result.reason
        );
        match result.result {
            interop::Verdict::Pass => tally.passed += 1,
            interop::Verdict::Fail => tally.add(Tally::failure(text)),
            interop::Verdict::UnsupportedByPeer | interop::Verdict::NotYet => tally.skip(text),
        }
    }
    tally
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
