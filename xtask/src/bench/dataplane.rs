//! `cargo xtask bench dataplane`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use super::machine::Machine;
use super::measure::{self, Figure};
use super::profile;
use super::report::{
    ADIT, Missing, PLAIN, RELAY, Report, STRONGSWAN, WIREGUARD_GO, WIREGUARD_GO_GIVEN,
};
use super::subject::{Adit, Kind, Subject};
use crate::{namespaces, peers, workspace};

#[derive(clap::Args)]
pub struct Args {
    /// The document described in the documentation, on standard output
    #[arg(long)]
    json: bool,
    /// Only these figures
    #[arg(long, value_delimiter = ',', value_name = "WHAT")]
    only: Vec<Figure>,
    /// Only these subjects: plain, adit, strongswan-libipsec, wireguard-go, wireguard-go-given, relay
    #[arg(long, value_delimiter = ',', value_name = "WHO")]
    subjects: Vec<String>,
    /// How long one run of TCP takes
    #[arg(long, default_value_t = 3, value_name = "N")]
    seconds: u32,
    /// How often everything is measured
    #[arg(long, default_value_t = 3, value_name = "N")]
    runs: u32,
    /// Show besides in which functions Adit's gateways spend their time under one TCP stream
    #[arg(long)]
    profile: bool,
    /// The gateway to measure, instead of building it; given again, that one is measured besides, as adit-2
    #[arg(long, value_name = "FILE")]
    adit: Vec<PathBuf>,
    /// A line for `[gateway]` in Adit's configuration
    #[arg(long, value_name = "KEY = VALUE")]
    set: Vec<String>,
    /// Adit's ESP without UDP around it
    #[arg(long)]
    plain_esp: bool,
    /// A second wireguard-go besides Debian's, which knows no segmentation offload
    #[arg(long, value_name = "FILE")]
    wireguard_go: Option<PathBuf>,
    /// A bare relay, called with DEVICE OWN:PORT PEER:PORT gso aes: TUN to UDP with a fixed key and nothing else, which says
    /// what the machine gives at best
    #[arg(long, value_name = "FILE")]
    relay: Option<PathBuf>,
}

/// Measures, and prints the table or the document.
pub fn run(args: &Args) -> Result<ExitCode> {
    anyhow::ensure!(
        args.runs > 0 && args.seconds > 0,
        "nothing would be measured"
    );
    let (kinds, missing) = kinds(args)?;
    namespaces::remove_leftovers()?;
    let machine = Machine::look()?;
    let mut subjects = Vec::new();
    for (name, kind) in &kinds {
        eprintln!("starting {name}");
        subjects.push(Subject::start(name, kind)?);
    }
    let figures = match &args.only[..] {
        [] => &Figure::ALL[..],
        only => only,
    };
    let mut runs: Vec<measure::Run> = Vec::new();
    for run in 1..=args.runs {
        for figure in figures {
            // Who comes first is somebody else each time.
            let from = run as usize % subjects.len();
            for subject in subjects.iter().cycle().skip(from).take(subjects.len()) {
                let last = runs
                    .iter()
                    .rfind(|run| run.subject == subject.name && run.figure == *figure)
                    .map(|run| run.value);
                let done = measure::once(subject, *figure, run, args.seconds, last)?;
                eprintln!(
                    "{run}/{} {:<20} {:<22} {:>12.3} {}",
                    args.runs,
                    figure.title(),
                    subject.name,
                    done.value,
                    done.unit
                );
                runs.push(done);
            }
        }
    }
    let adit = subjects
        .iter()
        .filter(|_| args.profile)
        .find(|subject| subject.name == ADIT);
    // What was measured is not to be lost for it.
    let profile = adit.and_then(|adit| {
        let taken = profile::take(adit, args.seconds.max(3));
        taken
            .inspect_err(|error| eprintln!("no profile: {error:#}"))
            .ok()
    });
    drop(subjects);
    let names: Vec<_> = kinds.into_iter().map(|(name, _)| name).collect();
    let mut report = Report::new(machine, args.seconds, &names, runs, missing);
    report.profile = profile;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.text());
    }
    Ok(ExitCode::SUCCESS)
}

/// A subject before it is started.
type Named = (String, Kind);

/// Who is measured, and who can't be.
fn kinds(args: &Args) -> Result<(Vec<Named>, Vec<Missing>)> {
    let names = [
        PLAIN,
        ADIT,
        STRONGSWAN,
        WIREGUARD_GO,
        WIREGUARD_GO_GIVEN,
        RELAY,
    ];
    for name in &args.subjects {
        anyhow::ensure!(
            names.contains(&name.as_str()),
            "{name} is nobody; there are {}",
            names.join(", ")
        );
    }
    let wanted = |name: &str| args.subjects.is_empty() || args.subjects.iter().any(|s| s == name);
    peers::ensure_bench(wanted(STRONGSWAN))?;
    let mut kinds = Vec::new();
    let mut missing = Vec::new();
    if wanted(PLAIN) {
        kinds.push((PLAIN.to_owned(), Kind::Plain));
    }
    if wanted(ADIT) {
        let binaries = match &args.adit[..] {
            [] => vec![released()?],
            given => given.to_vec(),
        };
        for (at, binary) in (1..).zip(binaries) {
            let name = match at {
                1 => ADIT.to_owned(),
                at => format!("{ADIT}-{at}"),
            };
            let settings = Adit {
                binary,
                gateway: args.set.clone(),
                child: Vec::new(),
                in_udp: !args.plain_esp,
            };
            kinds.push((name, Kind::Adit(settings)));
        }
    }
    if wanted(STRONGSWAN) {
        kinds.push((STRONGSWAN.to_owned(), Kind::StrongSwan));
    }
    if wanted(WIREGUARD_GO) {
        match peers::wireguard_go() {
            Ok(binary) => kinds.push((WIREGUARD_GO.to_owned(), Kind::WireGuardGo(binary))),
            Err(reason) => missing.push(Missing {
                subject: WIREGUARD_GO.to_owned(),
                reason: format!("{reason:#}"),
            }),
        }
    }
    match &args.wireguard_go {
        Some(binary) if wanted(WIREGUARD_GO_GIVEN) => {
            anyhow::ensure!(binary.is_file(), "there is no {}", binary.display());
            anyhow::ensure!(
                workspace::find_program("wg").is_some(),
                "wireguard-go needs the program `wg`; on Debian: apt-get install wireguard-tools"
            );
            kinds.push((
                WIREGUARD_GO_GIVEN.to_owned(),
                Kind::WireGuardGo(binary.clone()),
            ));
        }
        _ => {}
    }
    if let Some(binary) = args.relay.as_ref().filter(|_| wanted(RELAY)) {
        anyhow::ensure!(binary.is_file(), "there is no {}", binary.display());
        kinds.push((RELAY.to_owned(), Kind::Relay(binary.clone())));
    }
    anyhow::ensure!(!kinds.is_empty(), "nobody is left to be measured");
    Ok((kinds, missing))
}

/// Adit as it is shipped.
pub fn released() -> Result<PathBuf> {
    let mut build = workspace::cargo();
    build.args([
        "build",
        "--quiet",
        "--locked",
        "--release",
        "--package",
        "adit",
    ]);
    anyhow::ensure!(build.status()?.success(), "adit does not build");
    Ok(workspace::target_dir().join("release/adit"))
}
