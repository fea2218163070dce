//! Tunnels through a real kernel's ESP, which the kernel of a build machine often lacks.
//!
//! `interop/kernel.toml` says which of interop's scenarios are played with which backends: Adit's kernel backend against
//! strongSwan's, against itself, and Adit's own data plane against the kernel's. Each list is played in a guest of its
//! own ([`uml`]) by this very program, so that nothing is installed and nothing of the host is touched.

mod uml;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::interop::{Backend, Outcome, Verdict};
use crate::{peers, test, workspace};
use uml::Kernel;

#[derive(clap::Args)]
pub struct Args {
    /// Only scenarios whose name contains one of these
    scenarios: Vec<String>,
    /// Only this list of `interop/kernel.toml`
    #[arg(long, value_name = "NAME")]
    list: Option<String>,
    /// The gateway to test, instead of building it
    #[arg(long, value_name = "FILE")]
    adit: Option<PathBuf>,
}

/// What is played in one guest.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    name: String,
    /// What carries Adit's packets.
    ours: Backend,
    /// What carries those of the peer.
    theirs: Backend,
    /// Names of scenarios, with `:initiator` or `:responder` behind them if only one role is meant.
    scenarios: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    list: Vec<List>,
}

/// The results of one list.
pub struct Played {
    /// Its name.
    pub list: String,
    /// How each scenario ended, or why there was no end.
    pub outcomes: Result<Vec<Outcome>>,
    /// How long it took.
    pub took: Duration,
}

/// `cargo xtask kernel`.
pub fn run(args: &Args) -> Result<ExitCode> {
    let mut good = true;
    for played in play(args)? {
        let seconds = played.took.as_secs_f64();
        match played.outcomes {
            Ok(outcomes) => {
                let count = |wanted| outcomes.iter().filter(|o| o.result == wanted).count();
                let (passed, failed) = (count(Verdict::Pass), count(Verdict::Fail));
                good &= failed == 0;
                eprintln!(
                    "{}: {passed} passed, {failed} failed, {} unsupported by the peer, {seconds:.0} s",
                    played.list,
                    count(Verdict::UnsupportedByPeer)
                );
            }
            Err(error) => {
                good = false;
                eprintln!("{}: {error:#}", played.list);
            }
        }
    }
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Why nothing can be played here; `None` when it can.
pub fn obstacle() -> Option<String> {
    if !cfg!(target_arch = "x86_64") {
        return Some("User-Mode Linux runs on x86_64 only".to_owned());
    }
    if let Err(error) = peers::ensure() {
        return Some(format!("{error:#}"));
    }
    Kernel::get().err().map(|error| format!("{error:#}"))
}

/// Plays every list, side by side.
pub fn play(args: &Args) -> Result<Vec<Played>> {
    if let Some(obstacle) = obstacle() {
        anyhow::bail!("{obstacle}");
    }
    let kernel = Kernel::get()?;
    eprintln!("Linux {} as a process", kernel.version());
    let adit = match &args.adit {
        Some(file) => file.canonicalize().context("the gateway to test")?,
        None => test::adit()?,
    };
    let us = std::env::current_exe().context("where is this program?")?;
    let file = workspace::root().join("interop/kernel.toml");
    let text = std::fs::read_to_string(&file)?;
    let File { list } =
        toml_edit::de::from_str(&text).with_context(|| file.display().to_string())?;
    let chosen: Vec<List> = list
        .into_iter()
        .filter(|list| args.list.as_ref().is_none_or(|name| *name == list.name))
        .map(|mut list| {
            if !args.scenarios.is_empty() {
                let wanted = |s: &String| args.scenarios.iter().any(|a| s.contains(a.as_str()));
                list.scenarios.retain(wanted);
            }
            list
        })
        .filter(|list| !list.scenarios.is_empty())
        .collect();
    anyhow::ensure!(
        !chosen.is_empty(),
        "nothing in interop/kernel.toml is named like that"
    );
    let results = Mutex::new(Vec::new());
    let queue = Mutex::new(chosen.iter().collect::<std::collections::VecDeque<_>>());
    std::thread::scope(|scope| {
        for _ in 0..GUESTS {
            scope.spawn(|| {
                while let Some(list) = queue.lock().ok().and_then(|mut queue| queue.pop_front()) {
                    let started = Instant::now();
                    let outcomes = in_guest(&kernel, list, &us, &adit);
                    let played = Played {
                        list: list.name.clone(),
                        outcomes,
                        took: started.elapsed(),
                    };
                    if let Ok(mut results) = results.lock() {
                        results.push(played);
                    }
                }
            });
        }
    });
    Ok(results.into_inner().unwrap_or_default())
}

fn in_guest(
    kernel: &Kernel,
    list: &List,
    us: &std::path::Path,
    adit: &std::path::Path,
) -> Result<Vec<Outcome>> {
    let share = workspace::target_dir().join("kernel").join(&list.name);
    let _ = std::fs::remove_dir_all(&share);
    std::fs::create_dir_all(&share)?;
    let results = share.join("results.json");
    let mut command = vec![
        us.display().to_string(),
        "interop".to_owned(),
        "--exact".to_owned(),
        "--ours".to_owned(),
        list.ours.to_string(),
        "--theirs".to_owned(),
        list.theirs.to_string(),
        "--adit".to_owned(),
        adit.display().to_string(),
        "--results".to_owned(),
        results.display().to_string(),
    ];
    command.extend(list.scenarios.iter().cloned());
    let ended = kernel.run(&share, &command, LIMIT)?;
    for line in ended.output.lines() {
        eprintln!("{}: {line}", list.name);
    }
    let text = std::fs::read_to_string(&results)
        .with_context(|| format!("the guest's command ended with {}", ended.status))?;
    Ok(serde_json::from_str(&text)?)
}

/// Guests at the same time; each has one processor.
const GUESTS: usize = 2;
/// How long a guest may take.
const LIMIT: Duration = Duration::from_secs(420);
