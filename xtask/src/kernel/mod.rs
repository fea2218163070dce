//! Tunnels through a real kernel's ESP, which the kernel of a build machine often lacks.
//!
//! `interop/kernel.toml` ([`list`]) says which of interop's scenarios are played with which backends: Adit's kernel backend
//! against strongSwan's, against itself, and Adit's own data plane against the kernel's. A few guests ([`qemu`], [`uml`]), one
//! for each processor, take one after the other ([`guest`]); they run this very program, so that nothing is installed and
//! nothing of the host is touched.

pub mod guest;
mod held;
mod initial;
mod list;
mod machine;
mod qemu;
mod uml;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::interop::{self, Outcome, Verdict};
use crate::{exec, peers, test, workspace};
use guest::Part;
use list::Job;
use machine::Guest;
use qemu::Accelerator;

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
    /// What guests are, instead of the best that this machine can
    #[arg(long = "in", value_enum, value_name = "GUEST")]
    guests: Option<Kind>,
}

/// What guests are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    /// Debian's kernel in QEMU, by the processor's virtualisation
    Kvm,
    /// Debian's kernel in QEMU, which emulates the processor
    Tcg,
    /// User-Mode Linux
    Uml,
}

/// A kernel that is there to be booted.
enum Machine {
    Qemu(qemu::Kernel, Accelerator),
    Uml(uml::Kernel),
}

impl Kind {
    /// How many jobs a guest plays at once: they wait for each other, and for time to pass.
    fn at_once(self) -> usize {
        match self {
            Self::Kvm | Self::Uml => 3,
            Self::Tcg => 1,
        }
    }

    /// What such a guest runs for its part of the jobs.
    fn command(self, command: &[String], part: Part) -> Vec<String> {
        let mut command = command.to_vec();
        command.push(part.argument().to_owned());
        command.push(format!("--at-once={}", self.at_once()));
        command
    }
}

impl Machine {
    fn get(kind: Kind) -> Result<Self> {
        Ok(match kind {
            Kind::Kvm => Self::Qemu(qemu::Kernel::get()?, Accelerator::Kvm),
            Kind::Tcg => Self::Qemu(qemu::Kernel::get()?, Accelerator::Tcg),
            Kind::Uml => Self::Uml(uml::Kernel::get()?),
        })
    }

    fn boot(
        &self,
        share: &Path,
        number: usize,
        processor: usize,
        command: &[String],
    ) -> Result<Guest> {
        match self {
            Self::Qemu(kernel, accelerator) => kernel.boot(*accelerator, share, number, command),
            Self::Uml(kernel) => kernel.boot(share, number, processor, command),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Qemu(kernel, Accelerator::Kvm) => {
                format!("Linux {} in QEMU with KVM", kernel.version())
            }
            Self::Qemu(kernel, Accelerator::Tcg) => {
                format!("Linux {} in QEMU without KVM", kernel.version())
            }
            Self::Uml(kernel) => format!("User-Mode Linux {}", kernel.version()),
        }
    }
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
    (!cfg!(target_arch = "x86_64")).then_some("guests with a kernel run on x86_64 only")
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
    let mut booted = boot(args.guests, &share, &jobs, &command)?;
    eprintln!(
        "{} scenarios in {} guests: {}",
        jobs.len(),
        booted.guests.len() + usize::from(booted.later.is_some()),
        booted.kinds.join(", then ")
    );
    let outcomes = gather(&share, &jobs, &mut booted, began + LIMIT);
    eprintln!("{:.0} s", began.elapsed().as_secs_f64());
    outcomes
}

/// What was booted.
struct Booted {
    guests: Vec<Guest>,
    /// What they are, in words.
    kinds: Vec<String>,
    /// Why what needs a whole kernel has no guest.
    lacking: Option<String>,
    /// What is booted when all the others have ended, whose clocks it would disturb.
    later: Option<Later>,
}

/// A guest to come.
struct Later {
    machine: Machine,
    share: PathBuf,
    command: Vec<String>,
}

/// Guests of the given kind, or of the best that this machine can, which is said.
fn boot(wanted: Option<Kind>, share: &Path, jobs: &[Job], command: &[String]) -> Result<Booted> {
    let mut booted = Booted {
        guests: Vec::new(),
        kinds: Vec::new(),
        lacking: None,
        later: None,
    };
    let why = match (wanted, qemu::no_kvm()) {
        (Some(Kind::Uml), _) => "it wasn't asked for".to_owned(),
        (Some(kind), _) => {
            booted.start(kind, Part::All, share, jobs, command)?;
            return Ok(booted);
        }
        (None, Some(why)) => why,
        (None, None) => match booted.start(Kind::Kvm, Part::All, share, jobs, command) {
            Ok(()) if are_up(&mut booted.guests) => return Ok(booted),
            Ok(()) => format!(
                "no guest started with it within {} s; see {}/guest-0/console",
                UP.as_secs(),
                share.display()
            ),
            Err(error) => format!("{error:#}"),
        },
    };
    booted.guests.clear();
    booted.kinds.clear();
    // Some of them may have begun.
    clear(share)?;
    eprintln!(
        "no KVM ({why}): User-Mode Linux, which is slower, and afterwards for what that lacks one guest of QEMU that emulates the processor"
    );
    let any = |part: Part| jobs.iter().any(|job| part.takes(job));
    if any(Part::Rest) {
        booted.start(Kind::Uml, Part::Rest, share, jobs, command)?;
    }
    if any(Part::Whole) {
        match Machine::get(Kind::Tcg) {
            Ok(machine) => {
                booted.kinds.push(machine.name());
                booted.later = Some(Later {
                    machine,
                    share: share.to_owned(),
                    command: Kind::Tcg.command(command, Part::Whole),
                });
            }
            Err(error) => {
                anyhow::ensure!(any(Part::Rest), "{error:#}");
                booted.lacking = Some(format!("no kernel with all that it needs: {error:#}"));
            }
        }
    }
    Ok(booted)
}

impl Booted {
    fn start(
        &mut self,
        kind: Kind,
        part: Part,
        share: &Path,
        jobs: &[Job],
        command: &[String],
    ) -> Result<()> {
        let machine = Machine::get(kind)?;
        let command = kind.command(command, part);
        let jobs = jobs.iter().filter(|job| part.takes(job)).count();
        for processor in machine::processors()
            .into_iter()
            .take(jobs.min(MOST_GUESTS))
        {
            let number = self.guests.len();
            self.guests
                .push(machine.boot(share, number, processor, &command)?);
        }
        self.kinds.push(machine.name());
        Ok(())
    }

    /// Whether a guest runs, or one begins to.
    fn run(&mut self) -> Result<bool> {
        if self.guests.iter_mut().any(Guest::runs) {
            return Ok(true);
        }
        let Some(later) = self.later.take() else {
            return Ok(false);
        };
        let number = self.guests.len();
        let guest = later
            .machine
            .boot(&later.share, number, 0, &later.command)?;
        self.guests.push(guest);
        Ok(true)
    }
}

/// Whether every guest comes to its command.
fn are_up(guests: &mut [Guest]) -> bool {
    let end = Instant::now() + UP;
    loop {
        if guests.iter().all(Guest::is_up) {
            return true;
        }
        if Instant::now() > end || !guests.iter_mut().all(Guest::runs) {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
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
    clear(&share)?;
    let share = share.canonicalize()?;
    std::fs::write(share.join(guest::JOBS), serde_json::to_string(jobs)?)?;
    let held: Vec<_> = held::files(adit)
        .iter()
        .map(|file| file.display().to_string())
        .collect();
    std::fs::write(share.join(guest::HELD), held.join("\n"))?;
    Ok(share)
}

/// Nothing is taken yet, and nothing has an outcome.
fn clear(share: &Path) -> Result<()> {
    for folder in ["taken", "results"] {
        let folder = share.join(folder);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder)?;
    }
    Ok(())
}

/// Takes outcomes as they come, until every guest has ended or time is up. What has none then has failed.
fn gather(share: &Path, jobs: &[Job], booted: &mut Booted, end: Instant) -> Result<Vec<Outcome>> {
    let mut outcomes: Vec<Option<Outcome>> = vec![None; jobs.len()];
    loop {
        let running = booted.run()?;
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
        if !running || Instant::now() >= end {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let guests = &mut booted.guests;
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
        if let Some(why) = booted.lacking.as_ref().filter(|_| job.whole_kernel) {
            return Outcome {
                name: job.name.clone(),
                setting: job.list.clone(),
                role: job.role,
                result: Verdict::UnsupportedByPeer,
                reason: why.clone(),
                seconds: 0.0,
            };
        }
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

/// How long a guest with KVM may take to come up.
const UP: Duration = Duration::from_secs(30);
/// More only wait for each other.
const MOST_GUESTS: usize = 4;
/// How long all of it may take, on a machine that is busy with much else.
const LIMIT: Duration = Duration::from_secs(1800);
