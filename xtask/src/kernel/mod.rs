//! Tunnels through a real kernel's ESP, which the kernel of a build machine often lacks.
//!
//! `interop/kernel.toml` ([`list`]) says which of interop's scenarios are played with which backends: Adit's kernel backend
//! against strongSwan's, against itself, and Adit's own data plane against the kernel's. A few guests ([`uml`]), one for
//! each processor, take one after the other ([`guest`]); they run this very program, so that nothing is installed and
//! nothing of the host is touched.

pub mod guest;
mod held;
mod list;
mod uml;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::interop::{self, Outcome, Verdict};
use crate::{exec, peers, test, workspace};
use list::Job;
use uml::{Guest, Kernel};

#[derive(clap::Args, Default)]
pub struct Args {
    /// Only scenarios whose name contains one of these
    scenarios: Vec<String>,
    /// Only this list of `interop/kernel.toml`
    #[arg(long, value_name = "NAME")]
    list: Option<String>,
    /// The document described in the documentation, on standard output
    #[arg(long)]
    json: bool,
    /// The gateway to test, instead of building it
    #[arg(long, value_name = "FILE")]
    adit: Option<PathBuf>,
}

/// `cargo xtask kernel`.
pub fn run(args: &Args) -> Result<ExitCode> {
    let outcomes = play(args)?;
    if args.json {
        println!("{}", interop::document(&outcomes)?);
    }
    let count = |wanted| outcomes.iter().filter(|o| o.result == wanted).count();
    let (passed, failed) = (count(Verdict::Pass), count(Verdict::Fail));
    eprintln!(
        "{passed} passed, {failed} failed, {} unsupported by the peer",
        count(Verdict::UnsupportedByPeer)
    );
    Ok(if failed == 0 && passed > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Why no guest can run on this machine, whatever is installed.
pub fn impossible() -> Option<&'static str> {
    (!cfg!(target_arch = "x86_64")).then_some("User-Mode Linux runs on x86_64 only")
}

/// Plays every list.
///
/// # Errors
/// That nothing could be played, and why.
pub fn play(args: &Args) -> Result<Vec<Outcome>> {
    if let Some(why) = impossible() {
        anyhow::bail!("{why}");
    }
    let jobs = list::jobs(args.list.as_deref(), &args.scenarios)?;
    peers::ensure()?;
    let kernel = Kernel::get()?;
    let adit = match &args.adit {
        Some(file) => file.canonicalize().context("the gateway to test")?,
        None => test::adit()?,
    };
    let mut programs: Vec<&str> = jobs
        .iter()
        .filter_map(Job::test)
        .map(|(of, _)| of)
        .collect();
    programs.sort_unstable();
    programs.dedup();
    let tests: Vec<PathBuf> = programs
        .into_iter()
        .map(|name| Ok(format!("--test={name}={}", program_of(name)?.display()).into()))
        .collect::<Result<_>>()?;
    let began = Instant::now();
    let share = prepare(&jobs, &adit)?;
    let us = std::env::current_exe().context("where is this program?")?;
    let mut words: Vec<PathBuf> = vec![us, "guest".into()];
    words.extend(["--share".into(), share.clone(), "--adit".into(), adit]);
    words.extend(tests);
    let command: Vec<String> = words
        .iter()
        .map(|word| word.display().to_string())
        .collect();
    let mut guests = Vec::new();
    for processor in uml::processors()
        .into_iter()
        .take(jobs.len().min(MOST_GUESTS))
    {
        guests.push(kernel.boot(&share, guests.len(), processor, &command)?);
    }
    eprintln!(
        "{} scenarios in {} guests with Linux {}",
        jobs.len(),
        guests.len(),
        kernel.version()
    );
    let outcomes = gather(&share, &jobs, &mut guests, began + LIMIT);
    eprintln!("{:.0} s", began.elapsed().as_secs_f64());
    outcomes
}

/// The program with the tests of a file of `crates/gateway/tests`.
fn program_of(name: &str) -> Result<PathBuf> {
    let built = exec::checked(workspace::cargo().args([
        "test",
        "--quiet",
        "--locked",
        "--no-run",
        "--package",
        "adit-gateway",
        "--test",
        name,
        "--message-format=json",
    ]))?;
    let message = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok();
    let of_test = built
        .stdout
        .lines()
        .filter_map(message)
        .filter(|message| message["target"]["name"] == name);
    let mut programs = of_test.filter_map(|message| Some(message["executable"].as_str()?.into()));
    programs
        .next()
        .with_context(|| format!("the tests of {name} don't build"))
}

/// The folder that guests share, with what they are to do.
fn prepare(jobs: &[Job], adit: &Path) -> Result<PathBuf> {
    let share = workspace::target_dir().join("kernel");
    let _ = std::fs::remove_dir_all(&share);
    for folder in ["taken", "results"] {
        std::fs::create_dir_all(share.join(folder))?;
    }
    let share = share.canonicalize()?;
    std::fs::write(share.join(guest::JOBS), serde_json::to_string(jobs)?)?;
    let held: Vec<_> = held::files(adit)
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    std::fs::write(share.join(guest::HELD), held.join("\n"))?;
    Ok(share)
}

/// Takes outcomes as they come, until every guest has ended or time is up. What has none then has failed.
fn gather(share: &Path, jobs: &[Job], guests: &mut [Guest], end: Instant) -> Result<Vec<Outcome>> {
    let mut outcomes: Vec<Option<Outcome>> = vec![None; jobs.len()];
    loop {
        let running = guests
            .iter_mut()
            .filter_map(|guest| guest.runs().then_some(()))
            .count();
        // Looked at after the guests: what ended has written all that it will.
        for (number, outcome) in outcomes.iter_mut().enumerate() {
            if outcome.is_some() {
                continue;
            }
            if let Ok(text) = std::fs::read_to_string(guest::result(share, number)) {
                let read: Outcome = serde_json::from_str(&text)?;
                eprintln!("{} {}", read.setting, interop::line(&read));
                *outcome = Some(read);
            }
        }
        if running == 0 || Instant::now() >= end {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let late = guests.iter_mut().any(Guest::runs);
    for guest in guests.iter_mut() {
        guest.end();
        eprint!("{}", guest.said());
    }
    let why = if late {
        format!("within {} s", LIMIT.as_secs())
    } else {
        "before its guest ended".to_owned()
    };
    let missing = |number: usize, job: &Job| {
        let begun = guest::taken(share, number).exists();
        let word = if begun { "didn't end" } else { "wasn't played" };
        let outcome = Outcome {
            name: job.name.clone(),
            setting: job.list.clone(),
            role: job.role,
            result: Verdict::Fail,
            reason: format!("it {word} {why}; see {}/guest-*", share.display()),
            seconds: 0.0,
        };
        eprintln!("{} {}", outcome.setting, interop::line(&outcome));
        outcome
    };
    Ok(outcomes
        .into_iter()
        .zip(jobs)
        .enumerate()
        .map(|(number, (outcome, job))| outcome.unwrap_or_else(|| missing(number, job)))
        .collect())
}

/// More only wait for each other.
const MOST_GUESTS: usize = 4;
/// How long all of it may take, on a machine that is busy with much else.
const LIMIT: Duration = Duration::from_secs(1800);
