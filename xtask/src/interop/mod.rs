//! Real tunnels between Adit and an unmodified strongSwan.
//!
//! A [`scenario`] is data: what both gateways are configured with, whether a NAT lies between them, the steps, and what
//! must come out. For each one a [`lab`] of private network namespaces is made:
//!
//! ```text
//!  westlan 10.1.0.2 ── west 192.168.0.1 ════ [nat] ════ 192.168.0.2 east ── 10.2.0.2 eastlan
//!                     (south 192.168.0.3 ── 10.3.0.2 southlan, where two call: [`callers`])
//! ```
//!
//! [`adit`] runs in `west` and [`strongswan`] in `east` (or a second Adit, where strongSwan can't do what is played); [`play`] takes the steps and checks after each what both sides
//! say about themselves ([`state`]). Everything is removed afterwards, also after a failure; configurations and logs stay
//! under `target/interop`. With strongSwan on both sides (`--selftest`) it proves itself.

pub mod adit;
pub mod authority;
pub mod callers;
mod children;
pub mod credentials;
mod deaths;
mod encapsulation;
mod given;
mod icmp_errors;
pub mod lab;
mod matrix;
pub mod patience;
pub mod play;
mod play_children;
mod play_trust;
mod rehearsed;
pub mod relay;
mod sas;
pub mod scenario;
pub mod setting;
pub mod side;
mod state;
pub mod strongswan;
mod suite;
mod talk;
pub mod traffic;
mod trust;
pub mod web;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::{exec, namespaces, peers, test, workspace};
pub use children::Keys;
pub use lab::filter::IPTABLES;
pub use patience::FACTOR as PATIENCE;
pub use scenario::{Kind, Role, Scenario, all};
pub use setting::{Backend, Setting};

#[derive(clap::Args)]
pub struct Args {
    /// Only scenarios whose name contains one of these
    scenarios: Vec<String>,
    /// The document described in the documentation, on standard output
    #[arg(long)]
    json: bool,
    /// Name the scenarios and stop
    #[arg(long)]
    list: bool,
    /// strongSwan on both sides: proves the scenarios and the harness, not Adit
    #[arg(long)]
    selftest: bool,
    /// Play nothing: let `adit rehearse` say what comes of both configurations, and compare that with what must come
    #[arg(long, conflicts_with_all = ["selftest", "json"])]
    rehearse: bool,
    /// The gateway to test, instead of building it
    #[arg(long, value_name = "FILE")]
    adit: Option<PathBuf>,
}

/// How many scenarios run side by side: they mostly wait.
const SIDE_BY_SIDE: usize = 3;

/// What runs in `west`.
#[derive(Clone, Debug)]
pub enum Gateway {
    /// This executable.
    Adit(PathBuf),
    /// A second strongSwan; steps that are about Adit are left out.
    StrongSwan,
}

/// The result of one scenario in one role.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    pub name: String,
    /// [`Setting::name`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub setting: String,
    /// Adit's role.
    pub role: Role,
    pub result: Verdict,
    pub reason: String,
    pub seconds: f64,
}

/// The document of `--json`.
#[derive(Serialize)]
struct Report<'a> {
    scenarios: &'a [Outcome],
}

/// What `--json` prints.
pub fn document(outcomes: &[Outcome]) -> Result<String> {
    Ok(serde_json::to_string_pretty(&Report {
        scenarios: outcomes,
    })?)
}

/// How a scenario ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Pass,
    Fail,
    /// The peer, or this machine's kernel under it, cannot do what the scenario asks for.
    UnsupportedByPeer,
    /// A case of another implementation's suite that can't be played here yet.
    NotYet,
}

/// `cargo xtask interop`.
pub fn run(args: &Args) -> Result<ExitCode> {
    if args.list {
        for scenario in scenario::all()? {
            for role in &scenario.roles {
                println!("{} {role}", scenario.name);
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    if args.rehearse {
        let adit = args.adit.clone().map_or_else(test::adit, Ok)?;
        return rehearsed::run(&adit, &args.scenarios);
    }
    peers::ensure()?;
    let gateway = match &args.adit {
        _ if args.selftest => Gateway::StrongSwan,
        Some(file) => Gateway::Adit(file.clone()),
        None => Gateway::Adit(test::adit()?),
    };
    let mut outcomes = run_all(&gateway, &args.scenarios)?;
    if args.scenarios.is_empty() {
        let cases = matrix::judge(&matrix::cases()?, &scenario::all()?, &outcomes);
        summarise(&cases);
        outcomes.extend(cases);
    }
    if args.json {
        println!("{}", document(&outcomes)?);
    }
    let failed = outcomes
        .iter()
        .filter(|outcome| outcome.result == Verdict::Fail)
        .count();
    let unsupported = outcomes
        .iter()
        .filter(|outcome| outcome.result == Verdict::UnsupportedByPeer)
        .count();
    let passed = outcomes
        .iter()
        .filter(|outcome| outcome.result == Verdict::Pass)
        .count();
    eprintln!("{passed} passed, {failed} failed, {unsupported} unsupported by the peer");
    // Two of theirs, seen from beside; nothing of that is a scenario.
    let observed = args.selftest || !args.scenarios.is_empty() || observe()?;
    Ok(if failed == 0 && observed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// How much of other implementations' suites was played.
fn summarise(cases: &[Outcome]) {
    let names = |wanted: fn(Verdict) -> bool| {
        let chosen = cases.iter().filter(|case| wanted(case.result));
        chosen
            .map(|case| &case.name)
            .collect::<std::collections::BTreeSet<_>>()
            .len()
    };
    eprintln!(
        "of other implementations' suites {} cases are played, {} not yet (interop/matrix.toml says why)",
        names(|result| result != Verdict::NotYet),
        names(|result| result == Verdict::NotYet),
    );
}

/// Tests that gather from other gateways and follow them, and that ask them from outside.
fn observe() -> Result<bool> {
    let libreswan = match peers::libreswan() {
        Ok(folder) => Some(folder),
        Err(error) => {
            eprintln!("n/a  Libreswan can't be had: {error:#}");
            None
        }
    };
    let names = match libreswan {
        Some(_) => "strongSwan, Libreswan",
        None => "strongSwan",
    };
    let mut all = true;
    for (package, test, filter, what) in OBSERVING {
        let mut tests = workspace::cargo();
        tests
            .args(["test", "--quiet", "--package", package])
            .args(["--test", test, filter])
            .env("ADIT_REQUIRE_PEERS", "1");
        if let Some(folder) = &libreswan {
            tests.env("ADIT_LIBRESWAN", folder);
        }
        let done = exec::output(&mut tests)?;
        let word = if done.success { "ok  " } else { "FAIL" };
        eprintln!("{word} {what}: {names}");
        if !done.success {
            eprintln!("{}", done.text());
        }
        all &= done.success;
    }
    Ok(all)
}

/// Packages, their tests, which of these, and what they do to other gateways.
const OBSERVING: [(&str, &str, &str, &str); 2] = [
    ("adit", "cli", "daemons", "gathered from and followed"),
    ("adit-gateway", "scanned", "swan", "scanned and probed"),
];

/// Plays every scenario whose name contains one of `filters` (all, if there are none), in each of its roles.
pub fn run_all(gateway: &Gateway, filters: &[String]) -> Result<Vec<Outcome>> {
    let mut jobs = Vec::new();
    for scenario in scenario::all()? {
        if filters.is_empty()
            || filters
                .iter()
                .any(|filter| scenario.name.contains(filter.as_str()))
        {
            jobs.extend(scenario.roles.iter().map(|role| (scenario.clone(), *role)));
        }
    }
    anyhow::ensure!(
        !jobs.is_empty(),
        "no scenario is named like that; --list shows them"
    );
    run_jobs(gateway, jobs)
}

fn run_jobs(gateway: &Gateway, jobs: Vec<(Scenario, Role)>) -> Result<Vec<Outcome>> {
    namespaces::remove_leftovers()?;

    // Each worker takes the next job; results keep the order of the files.
    let queue = Mutex::new(
        jobs.into_iter()
            .enumerate()
            .collect::<std::collections::VecDeque<_>>(),
    );
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some((index, (scenario, role))) =
                    queue.lock().ok().and_then(|mut queue| queue.pop_front())
                {
                    let outcome = one(gateway, index, &scenario, role);
                    eprintln!("{}", line(&outcome));
                    if let Ok(mut results) = results.lock() {
                        results.push((index, outcome));
                    }
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_default();
    results.sort_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, outcome)| outcome).collect())
}

/// Plays one scenario in one role; `index` tells it from others of this process.
pub fn one(gateway: &Gateway, index: usize, scenario: &Scenario, role: Role) -> Outcome {
    let started = Instant::now();
    let (result, reason) = match play::play(gateway, index, scenario, role) {
        Ok(()) => (Verdict::Pass, String::new()),
        Err(error) => match error.downcast_ref::<play::Unsupported>() {
            Some(unsupported) => (Verdict::UnsupportedByPeer, unsupported.to_string()),
            None => (Verdict::Fail, format!("{error:#}")),
        },
    };
    Outcome {
        name: scenario.name.clone(),
        setting: scenario.setting.name.clone(),
        role,
        result,
        reason,
        seconds: (started.elapsed().as_secs_f64() * 10.0).round() / 10.0,
    }
}

/// An outcome in one line.
pub fn line(outcome: &Outcome) -> String {
    let word = match outcome.result {
        Verdict::Pass => "ok  ",
        Verdict::Fail => "FAIL",
        Verdict::UnsupportedByPeer => "n/a ",
        Verdict::NotYet => "... ",
    };
    let reason = if outcome.reason.is_empty() {
        String::new()
    } else {
        format!(": {}", outcome.reason)
    };
    format!(
        "{word} {:<40} {:<9} {:>4.1} s{reason}",
        outcome.name,
        outcome.role.to_string(),
        outcome.seconds
    )
}
