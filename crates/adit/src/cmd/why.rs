//! `adit why`: the verdict on a live tunnel, alone or with what the other side knows, or on files of evidence.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::Path;
use std::sync::Arc;

use adit_diagnose::{Answer, Verdict, diagnose};
use adit_evidence::capture::Keys;
use adit_gateway::client::{Client, ClientError};
use adit_gateway::protocol::{HOLDING, OWN_ATTEMPT};
use adit_model::fact::{Case, Fact, Known, Probe, Side, Source};
use adit_model::product::Product;
use adit_model::sign::Sign;
use anyhow::anyhow;

use super::ask::ask;
use super::evidence::{self, CASE_SCHEMA, Evidence};
use super::follow::follow;
use super::unstarted::{self, Reason};
use super::{Outcome, print, print_json};
use crate::cli::WhyArgs;
use crate::exit::{Exit, Failure};
use crate::render::style::Palette;
use crate::render::{timeline, verdict};

/// Finds out why.
pub fn why(args: &WhyArgs) -> Outcome {
    let asked = Asked::of(args)?;
    if args.follow {
        let [(path, _)] = asked.files.as_slice() else {
            return Err(Failure::usage(anyhow!(
                "-f follows one log file; fix: adit why -f /var/log/charon.log"
            )));
        };
        return follow(path, asked.tunnel, args.json);
    }
    let case = if asked.files.is_empty() {
        live(args, asked.tunnel)?
    } else {
        from_files(&asked)?
    };
    if args.export {
        let mut case = case;
        case.forget_keys();
        print_json(&serde_json::json!({ "schema": CASE_SCHEMA, "case": case }))?;
        return Ok(Exit::Done);
    }
    let mut case = case;
    // With files, it was read with them.
    if asked.files.is_empty() {
        for path in &args.remote {
            case = case.joined_with(remote(path)?);
        }
    }
    if args.timeline {
        print(&format!("{}\n", timeline::text(&case)))?;
    }
    let mut answer = diagnose(&case);
    if args.ask {
        if reads_standard_input(args, &asked) {
            return Err(Failure::usage(anyhow!(
                "standard input can't hold both the evidence and the answers; put the evidence into a file"
            )));
        }
        answer = ask(&mut case, answer)?;
    }
    if args.json {
        print_json(&answer)?;
    } else {
        if answer.verdict == Answer::Healthy && !args.ask_peer {
            // Worth a line where something is wrong, or to somebody who wants to know of the peer.
            answer.announced.clear();
        }
        print(&verdict::text(&answer, Palette::stdout()))?;
    }
    Ok(exit(&answer))
}

/// What the command line asks about.
struct Asked<'a> {
    tunnel: Option<&'a str>,
    /// Files of evidence, each with whose it is. Empty for a live tunnel.
    files: Vec<(&'a Path, Side)>,
    /// Our gateway's address, for captures.
    address: Option<IpAddr>,
    /// Keys that open captures.
    keys: Option<Arc<Keys>>,
}

impl<'a> Asked<'a> {
    fn of(args: &'a WhyArgs) -> Result<Self, Failure> {
        let (files, names): (Vec<&str>, Vec<&str>) = args
            .what
            .iter()
            .map(String::as_str)
            .partition(|word| is_file_name(word));
        let mut names = names.into_iter().chain(args.tunnel.as_deref());
        let tunnel = names.next();
        if let Some(second) = names.next() {
            return Err(Failure::usage(anyhow!(
                "one tunnel at a time: {} or {second}? A file in this folder is written ./{second}",
                tunnel.unwrap_or_default()
            )));
        }
        let mut files: Vec<(&Path, Side)> = files
            .into_iter()
            .map(Path::new)
            .chain(args.local.iter().map(|path| path.as_path()))
            .map(|path| (path, Side::Local))
            .collect();
        if !files.is_empty() {
            files.extend(
                args.remote
                    .iter()
                    .map(|path| (path.as_path(), Side::Remote)),
            );
        }
        Ok(Self {
            tunnel,
            files,
            address: args.address,
            keys: super::read::keys(&args.keys)?.map(Arc::new),
        })
    }
}

/// The case that files of evidence make; no gateway is asked.
fn from_files(asked: &Asked<'_>) -> Result<Case, Failure> {
    let mut readings = Vec::new();
    let mut exported = Vec::new();
    for (path, side) in &asked.files {
        match evidence::read(path, *side, asked.tunnel, asked.keys.as_ref())? {
            Evidence::Reading(reading) => readings.push(reading),
            Evidence::Case(case) => exported.push((case, *side)),
        }
    }
    let mut case = adit_evidence::case_of(asked.tunnel, readings, asked.address);
    for (other, side) in exported {
        if side == Side::Remote {
            case = case.joined_with(other);
            continue;
        }
        if case.subject.is_empty() {
            case.subject = other.subject;
        }
        case.facts.extend(other.facts);
        case.covered.extend(other.covered);
        case.products.extend(other.products);
    }
    Ok(case)
}

/// What the other side of a live tunnel knows, told from its side.
fn remote(path: &Path) -> Result<Case, Failure> {
    Ok(match evidence::read(path, Side::Local, None, None)? {
        Evidence::Case(case) => case,
        Evidence::Reading(reading) => adit_evidence::case(None, vec![reading]),
    })
}

/// What the gateway knows of the tunnel; that no gateway answers is a fact too.
fn live(args: &WhyArgs, tunnel: Option<&str>) -> Result<Case, Failure> {
    let mut client = match Client::connect(&args.state.state) {
        Ok(client) => client,
        Err(error @ ClientError::NotRunning { .. }) => {
            let reasons = unstarted::read(&args.state.state);
            return Ok(not_running(tunnel, &error, reasons));
        }
        Err(error) => return Err(error.into()),
    };
    if tunnel.is_none() {
        // Before anything is asked of any peer.
        let tunnels = client.status(None)?.tunnels;
        let names: Vec<&str> = tunnels.iter().map(|t| t.name.as_str()).collect();
        if let [first, _, ..] = names.as_slice() {
            return Err(Failure::usage(anyhow!(
                "which tunnel? There are {}. Fix: adit why {first}",
                names.join(", "),
            )));
        }
    }
    if args.ask_peer {
        eprintln!(
            "letting the peer begin: if the tunnel isn't up, this side doesn't try for {} seconds at most; an attempt that is under way has {} ms, and is ended then",
            HOLDING.as_secs(),
            OWN_ATTEMPT.as_millis()
        );
    }
    let mut cases = client.cases_after(tunnel, !args.no_probe, args.ask_peer)?;
    cases
        .pop()
        .ok_or_else(|| Failure::usage(anyhow!("no tunnel is configured")))
}

/// That no gateway answers, as a case, with why it didn't start the last time.
pub(super) fn not_running(tunnel: Option<&str>, error: &ClientError, reasons: Vec<Reason>) -> Case {
    let subject = tunnel.unwrap_or("gateway").to_owned();
    let fact = |what| Fact {
        source: Source {
            name: "control socket".to_owned(),
            line: None,
            text: error.to_string(),
        },
        at: None,
        side: Side::Local,
        subject: Some(subject.clone()),
        role: None,
        what,
    };
    let mut facts = vec![
        fact(Known::Probed {
            probe: Probe::Control { answers: false },
        }),
        fact(Known::Daemon { running: false }),
    ];
    // Why it may not: nobody else can have the port of a gateway that doesn't run.
    let taken = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, IKE_PORT))
        .is_err_and(|error| error.kind() == ErrorKind::AddrInUse);
    facts.extend(
        reasons
            .into_iter()
            .map(|Reason { text, sign, values }| Fact {
                source: Source {
                    name: "the last start".to_owned(),
                    line: None,
                    text,
                },
                ..fact(Known::Sign { sign, values })
            }),
    );
    if taken {
        facts.push(Fact {
            source: Source {
                name: "host".to_owned(),
                line: None,
                text: format!("UDP port {IKE_PORT} of this host is held by another program"),
            },
            ..fact(Known::Sign {
                sign: Sign::PortInUse,
                values: [("port".to_owned(), IKE_PORT.to_string())].into(),
            })
        });
    }
    Case {
        subject: subject.clone(),
        facts,
        covered: [(Side::Local, true)].into(),
        products: [(Side::Local, Product::Adit)].into(),
        clock_offset_ms: None,
    }
}

fn reads_standard_input(args: &WhyArgs, asked: &Asked<'_>) -> bool {
    let given = |path: &Path| path == Path::new("-");
    asked.files.iter().any(|(path, _)| given(path)) || args.remote.iter().any(|path| given(path))
}

fn is_file_name(name: &str) -> bool {
    name == "-" || name.contains(['/', '.'])
}

/// `undecided` is a finding.
fn exit(verdict: &Verdict) -> Exit {
    if verdict.verdict == Answer::Healthy {
        Exit::Done
    } else {
        Exit::Findings
    }
}

/// The port that a gateway has unless it is told otherwise.
const IKE_PORT: u16 = 500;
