//! The fault bench: what `adit why` makes of a tunnel that is broken in a known way.
//!
//! A [`row`] is data: what both gateways are configured with, what is [done](act) to them or to what lies between them,
//! and the cause that must be found. Each is [played](play) in network namespaces of its own, with our gateway as
//! initiator and as responder, and with an unmodified strongSwan and with a second Adit as its peer. Then our gateway is
//! asked, and nothing else: the verdict rests on one side's evidence. [`healthy`] tunnels are asked about too, and
//! nothing may be found in them.

mod act;
mod healthy;
mod play;
mod report;
mod row;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;

use anyhow::Result;

use crate::{namespaces, peers, test};
use play::{Answer, Job, Row, word};
pub use report::Report;

#[derive(clap::Args)]
pub struct Args {
    /// Only faults whose name contains one of these
    names: Vec<String>,
    /// The document described in the documentation, on standard output
    #[arg(long)]
    json: bool,
    /// Only so many, spread over all
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// Ask about so many healthy tunnels too, each configured otherwise
    #[arg(long, value_name = "N", default_value_t = 0)]
    healthy: usize,
    /// Write docs/fault-bench.md
    #[arg(long)]
    write: bool,
    /// Name the faults and stop
    #[arg(long)]
    list: bool,
    /// The gateway to test, instead of building it
    #[arg(long, value_name = "FILE")]
    adit: Option<PathBuf>,
}

/// How many run side by side: they mostly wait.
const SIDE_BY_SIDE: usize = 6;

/// `cargo xtask faults`.
pub fn run(args: &Args) -> Result<ExitCode> {
    let jobs = jobs(args)?;
    if args.list {
        for job in &jobs {
            println!("{} {} {}", job.fault.name, job.role, word(job.peer));
        }
        return Ok(ExitCode::SUCCESS);
    }
    peers::ensure()?;
    let binary = match &args.adit {
        Some(file) => file.clone(),
        None => test::adit()?,
    };
    let report = play_all(&binary, jobs, args.healthy)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    }
    if args.write {
        report.write()?;
    }
    eprintln!("{}", report.summary);
    Ok(if report.good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Some of those that every change is checked with, in all roles and with all peers, and healthy tunnels.
pub fn sample(binary: &Path, faults: usize, healthy: usize) -> Result<Report> {
    let mut jobs = all()?;
    jobs.retain(|job| job.fault.sampled);
    let jobs = spread(jobs, faults);
    play_all(binary, jobs, healthy)
}

fn jobs(args: &Args) -> Result<Vec<Job>> {
    let mut jobs = all()?;
    if !args.names.is_empty() {
        jobs.retain(|job| args.names.iter().any(|name| job.name().contains(&**name)));
        anyhow::ensure!(
            !jobs.is_empty(),
            "no fault is named like that; --list shows them"
        );
    }
    Ok(match args.sample {
        Some(count) => spread(jobs, count),
        None => jobs,
    })
}

fn all() -> Result<Vec<Job>> {
    let mut jobs = Vec::new();
    for fault in row::all()? {
        for role in &fault.roles {
            for peer in &fault.peers {
                jobs.push(Job {
                    fault: fault.clone(),
                    role: *role,
                    peer: *peer,
                });
            }
        }
    }
    Ok(jobs)
}

/// So many of them, at equal distances.
fn spread(jobs: Vec<Job>, count: usize) -> Vec<Job> {
    let all = jobs.len();
    let wanted: Vec<usize> = (0..count.min(all))
        .map(|n| n * all / count.min(all))
        .collect();
    let numbered = jobs.into_iter().enumerate();
    numbered
        .filter(|(n, _)| wanted.contains(n))
        .map(|(_, job)| job)
        .collect()
}

enum Task {
    Fault(Box<Job>),
    Healthy(usize),
}

fn play_all(binary: &Path, jobs: Vec<Job>, healthy: usize) -> Result<Report> {
    namespaces::remove_leftovers()?;
    let faults = jobs.into_iter().map(|job| Task::Fault(Box::new(job)));
    let tasks = faults.chain((0..healthy).map(Task::Healthy)).enumerate();
    let alone = |task: &Task| matches!(task, Task::Fault(job) if job.fault.alone);
    let (alone, beside): (VecDeque<_>, VecDeque<_>) = tasks.partition(|(_, task)| alone(task));
    let (rows, runs) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let next = |queue: &Mutex<VecDeque<_>>| queue.lock().ok().and_then(|mut q| q.pop_front());
    for (queue, at_once) in [(beside, SIDE_BY_SIDE), (alone, 1)] {
        let queue = Mutex::new(queue);
        std::thread::scope(|scope| {
            for _ in 0..at_once {
                scope.spawn(|| {
                    while let Some((index, task)) = next(&queue) {
                        match task {
                            Task::Fault(job) => {
                                let row = play::play(binary, index, &job);
                                eprintln!("{}", line(&row));
                                if let Ok(mut rows) = rows.lock() {
                                    rows.push((index, row));
                                }
                            }
                            Task::Healthy(number) => {
                                let run = healthy::play(binary, index, number);
                                eprintln!("{}", report::line(&run));
                                if let Ok(mut runs) = runs.lock() {
                                    runs.push((index, run));
                                }
                            }
                        }
                    }
                });
            }
        });
    }
    Ok(Report::new(
        ordered(rows.into_inner().unwrap_or_default()),
        ordered(runs.into_inner().unwrap_or_default()),
    ))
}

fn ordered<T>(mut of: Vec<(usize, T)>) -> Vec<T> {
    of.sort_by_key(|(index, _)| *index);
    of.into_iter().map(|(_, one)| one).collect()
}

/// A row in one line.
fn line(row: &Row) -> String {
    let result = match row.result {
        Answer::Right if row.right() => "ok   ",
        Answer::Right if !row.right_side => "side ",
        Answer::Right if !row.fix => "nofix",
        Answer::Right => "late ",
        Answer::Undecided => "open ",
        Answer::Wrong => "WRONG",
        Answer::NotPlayed => "n/a  ",
    };
    let told = match row.result {
        Answer::Right if row.right() => format!("{} ({})", row.got, row.side),
        _ => format!(
            "want {}, got {} ({}): {}",
            row.want, row.got, row.side, row.note
        ),
    };
    format!(
        "{result} {:<40} {:<9} {:<10} {:>4.1} s  {told}",
        row.fault,
        row.role.to_string(),
        word(row.peer),
        row.seconds_to_verdict
    )
}
