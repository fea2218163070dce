//! What runs in a guest: it takes one job after the other until none is left, beside other guests that do the same.
//!
//! They share a folder of the host's. A job is taken by making a folder of its number there, which only one can, and its
//! outcome is a file of that number.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};

use super::list::{Book, Job};
use crate::interop::{self, Gateway, Outcome, Verdict};
use crate::{exec, namespaces};

#[derive(clap::Args)]
pub struct Args {
    /// The folder that all guests share
    #[arg(long, value_name = "FOLDER")]
    share: PathBuf,
    /// The gateway to test
    #[arg(long, value_name = "FILE")]
    adit: PathBuf,
    /// The programs with tests, by the names of their sources
    #[arg(long = "test", value_name = "NAME=FILE")]
    tests: Vec<String>,
    /// Which jobs are for this guest
    #[arg(long, value_enum, default_value_t)]
    part: Part,
    /// How many of them at once
    #[arg(long, default_value_t = 1)]
    at_once: usize,
}

/// Which jobs are for a guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// All
    #[default]
    All,
    /// Those that need a kernel with everything that servers have
    Whole,
    /// The others
    Rest,
}

impl Part {
    /// Whether a job is for it.
    pub fn takes(self, job: &Job) -> bool {
        match self {
            Self::All => true,
            Self::Whole => job.whole_kernel,
            Self::Rest => !job.whole_kernel,
        }
    }

    /// As on the command line.
    pub fn argument(self) -> &'static str {
        match self {
            Self::All => "--part=all",
            Self::Whole => "--part=whole",
            Self::Rest => "--part=rest",
        }
    }
}

/// Plays what there is to play.
pub fn run(args: &Args) -> Result<ExitCode> {
    // Files of the host are read anew each time, unless somebody has them open.
    let list = std::fs::read_to_string(args.share.join(HELD)).unwrap_or_default();
    let held: Vec<_> = list.lines().map(std::fs::File::open).collect();
    namespaces::remove_leftovers()?;
    let jobs = std::fs::read_to_string(args.share.join(JOBS))?;
    let jobs: Vec<Job> = serde_json::from_str(&jobs)?;
    let book = Book::read()?;
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..args.at_once {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(number) else { return };
                    if !args.part.takes(job)
                        || std::fs::create_dir(taken(&args.share, number)).is_err()
                    {
                        continue;
                    }
                    let played = play(args, &book, number, job)
                        .and_then(|outcome| report(&args.share, number, &outcome));
                    if let Err(error) = played {
                        eprintln!("{}: {error:#}", job.name);
                    }
                }
            });
        }
    });
    drop(held);
    Ok(ExitCode::SUCCESS)
}

fn play(args: &Args, book: &Book, number: usize, job: &Job) -> Result<Outcome> {
    if let Some((program, test)) = job.test() {
        return run_test(args, book, job, program, test);
    }
    let gateway = Gateway::Adit(args.adit.clone());
    Ok(interop::one(
        &gateway,
        number,
        &book.scenario(job)?,
        job.role,
    ))
}

/// A test of `crates/gateway/tests`; what it said is kept.
fn run_test(args: &Args, book: &Book, job: &Job, program: &str, test: &str) -> Result<Outcome> {
    let began = Instant::now();
    let programs = args.tests.iter().filter_map(|given| given.split_once('='));
    let mut found = programs.filter_map(|(name, file)| (name == program).then_some(file));
    let program = found.next().context("no program with that test")?;
    let said = exec::output(
        Command::new("timeout")
            .args(["--kill-after=1", "300"])
            .arg(program)
            .args([test, "--exact", "--nocapture"])
            .env("ADIT_TEST_BACKEND", book.setting(job)?.ours.to_string())
            .env("ADIT_TEST_PROGRAM", &args.adit)
            .env(
                "ADIT_TEST_PATIENCE",
                interop::patience::factor().to_string(),
            )
            .env("ADIT_REQUIRE_NET", "1"),
    )?;
    let kept = args.share.join(format!("{test}.log"));
    std::fs::write(&kept, said.text())?;
    // One that found nothing to test it with says so, and ends well.
    let skipped = said
        .stderr
        .lines()
        .find(|line| line.starts_with("skipped: "));
    let passed = said.success && said.stdout.contains("1 passed") && skipped.is_none();
    Ok(Outcome {
        name: job.name.clone(),
        setting: job.list.clone(),
        role: job.role,
        result: if passed { Verdict::Pass } else { Verdict::Fail },
        reason: if passed {
            String::new()
        } else {
            let panic = said
                .stderr
                .lines()
                .skip_while(|line| !line.contains("panicked at"));
            let first: Vec<_> = panic.skip(1).take(2).chain(skipped).collect();
            format!("{}; see {}", first.join(" "), kept.display())
        },
        seconds: (began.elapsed().as_secs_f64() * 10.0).round() / 10.0,
    })
}

/// Appears as a whole.
fn report(share: &Path, number: usize, outcome: &Outcome) -> Result<()> {
    let file = result(share, number);
    let being_written = file.with_extension("new");
    std::fs::write(&being_written, serde_json::to_string(outcome)?)?;
    std::fs::rename(&being_written, &file).context("cannot say how it went")
}

/// What says that somebody plays it.
pub fn taken(share: &Path, number: usize) -> PathBuf {
    share.join("taken").join(number.to_string())
}

/// Where its outcome goes.
pub fn result(share: &Path, number: usize) -> PathBuf {
    share.join("results").join(format!("{number}.json"))
}

/// What there is to play.
pub const JOBS: &str = "jobs.json";
/// The files to keep open.
pub const HELD: &str = "held";
