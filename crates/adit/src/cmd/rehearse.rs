//! `adit rehearse`: two configurations negotiate in the virtual world.

use std::path::PathBuf;

use adit_diagnose::{
    CheckFinding, CheckReport, End as Checked, Outcome as Severity, Verdict, best_pair,
    check as compare, diagnose, version,
};
use adit_model::fact::Side;
use adit_model::peer_config::PeerConnection;
use adit_sim::rehearsal::{self, End, Note, Outcome as Went, Own, Rehearsal, Run};
use anyhow::anyhow;
use serde::Serialize;

use super::{Outcome, check, print, print_json};
use crate::cli::{CheckArgs, RehearseArgs, StateArgs};
use crate::exit::{Exit, Failure};
use crate::render::style::Palette;

/// The whole document.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Always [`Report::SCHEMA`].
    pub schema: &'static str,
    /// `works` or `fails`.
    pub result: &'static str,
    /// `played`, or `compared` where our engine has no part for what both want.
    pub method: &'static str,
    /// Why it wasn't played.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_played: Option<String>,
    /// A and B.
    pub ends: [EndShown; 2],
    /// What the files don't say and was taken to be so.
    pub assumed: Vec<NoteShown>,
    /// What the files say and wasn't played.
    pub left_out: Vec<NoteShown>,
    /// One for each end that begins.
    pub runs: Vec<RunShown>,
    /// Causes that comparing the files finds and the play can't show, and that stop the tunnel.
    pub besides: Vec<String>,
    /// What comparing the files finds, certificates and products' peculiarities among it.
    pub compared: CheckReport,
}

/// One end.
#[derive(Debug, Serialize)]
pub struct EndShown {
    /// `A` or `B`.
    pub end: &'static str,
    /// Its file.
    pub file: String,
    /// In whose language.
    pub dialect: String,
    /// The connection that was played.
    pub connection: String,
}

/// Something assumed or left out.
#[derive(Debug, Serialize)]
pub struct NoteShown {
    /// `A`, `B`, or neither.
    pub end: Option<&'static str>,
    /// What.
    pub text: String,
}

/// One life of the tunnel.
#[derive(Debug, Serialize)]
pub struct RunShown {
    /// Who began.
    pub initiator: &'static str,
    /// Its configuration says that it does.
    pub by_itself: bool,
    /// `works` or `fails`.
    pub result: &'static str,
    /// What happened.
    pub stages: Vec<StageShown>,
    /// What is to blame, as `adit why` says it with both sides' evidence: A is the local side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The cause that each end could name by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alone: Option<Alone>,
}

/// Verdicts of the two ends by themselves.
#[derive(Debug, Serialize)]
pub struct Alone {
    /// A's.
    #[serde(rename = "A")]
    pub a: Option<String>,
    /// B's.
    #[serde(rename = "B")]
    pub b: Option<String>,
}

/// A part of it.
#[derive(Debug, Serialize)]
pub struct StageShown {
    /// Which.
    pub stage: &'static str,
    /// The same for a person.
    #[serde(skip)]
    pub title: String,
    /// `passed`, `failed` or `not-played`.
    pub outcome: &'static str,
    /// Virtual seconds since the beginning.
    pub seconds: f64,
    /// What there is to say about it.
    pub detail: String,
}

impl Report {
    /// The schema name and major version.
    pub const SCHEMA: &'static str = "adit.rehearse/1";

    /// Whether it fails.
    pub fn fails(&self) -> bool {
        self.result == FAILS
    }
}

const WORKS: &str = "works";
const FAILS: &str = "fails";

/// Reads both ends, plays them, and shows what came of it.
pub fn rehearse(args: &RehearseArgs) -> Outcome {
    let report = report(args)?;
    if args.json {
        print_json(&report)?;
    } else {
        print(&crate::render::rehearse::text(&report, Palette::stdout()))?;
    }
    Ok(if report.fails() {
        Exit::Findings
    } else {
        Exit::Done
    })
}

fn report(args: &RehearseArgs) -> Result<Report, Failure> {
    let read = check::ends(&CheckArgs {
        files: args.files.clone(),
        local: args.local.clone(),
        remote: args.remote.clone(),
        local_version: args.local_version,
        remote_version: args.remote_version,
        root: args.root.clone(),
        live: false,
        state: StateArgs {
            state: PathBuf::new(),
        },
        json: args.json,
    })?;
    let Some(theirs) = read.theirs else {
        return Err(Failure::usage(anyhow!(
            "two ends are rehearsed, and only {} was given; fix: adit rehearse {} THE-OTHER-END",
            read.ours.name,
            read.ours.name
        )));
    };
    let (ours, theirs) = (
        narrowed(read.ours, args, true)?,
        narrowed(theirs, args, false)?,
    );
    let Some((a, b)) = best_pair(&ours.connections, &theirs.connections) else {
        return Err(Failure::usage(anyhow!(
            "no connection was found in {}",
            if ours.connections.is_empty() {
                &ours.name
            } else {
                &theirs.name
            }
        )));
    };
    let (ours, theirs) = (only(ours, a), only(theirs, b));
    let (Some(a), Some(b)) = (ours.connections.first(), theirs.connections.first()) else {
        return Err(Failure::usage(anyhow!("no connection was found")));
    };
    let compared = compare(&ours, Some(&theirs), Some(super::evidence::now()));
    let played = match version(a, b) {
        Some(2) => {
            let [exact_a, exact_b] = &read.own;
            let ends = [end(&ours, a, exact_a), end(&theirs, b, exact_b)];
            rehearsal::rehearse(&ends, args.seed).map_err(|e| e.to_string())
        }
        Some(_) => Err("the two ends come to use IKEv1, and our engine is one of IKEv2".to_owned()),
        None => Err(format!(
            "A has {} and B has {}: there is no version that both have",
            a.versions.value, b.versions.value
        )),
    };
    let ends = [shown("A", &ours, a), shown("B", &theirs, b)];
    Ok(document(ends, played, compared))
}

fn document(
    ends: [EndShown; 2],
    played: Result<Rehearsal, String>,
    compared: CheckReport,
) -> Report {
    let breaks = |beyond: bool| {
        let mut findings = compared.findings.iter();
        findings.any(|f| match beyond {
            true => beyond_play(f),
            // A child without a counterpart breaks no other one, and isn't played here.
            false => f.outcome.breaks() || f.cause == "ts-mismatch",
        })
    };
    let breaks = breaks(played.is_ok());
    let (method, not_played, played) = match played {
        Ok(played) => ("played", None, Some(played)),
        Err(why) => ("compared", Some(why), None),
    };
    let notes = |list: Option<&Vec<Note>>| {
        let all = list.into_iter().flatten().map(|note| NoteShown {
            end: note.side.map(letter),
            text: note.text.clone(),
        });
        all.collect()
    };
    let runs: Vec<RunShown> = played.iter().flat_map(|p| &p.runs).map(run).collect();
    let failed = runs.iter().any(|run| run.result == FAILS);
    Report {
        schema: Report::SCHEMA,
        result: if failed || breaks { FAILS } else { WORKS },
        method,
        not_played,
        ends,
        assumed: notes(played.as_ref().map(|p| &p.assumed)),
        left_out: notes(played.as_ref().map(|p| &p.left_out)),
        runs,
        besides: compared
            .findings
            .iter()
            .filter(|f| beyond_play(f))
            .map(|f| f.cause.clone())
            .collect(),
        compared,
    }
}

/// What stops a tunnel and isn't part of the world: files of certificates and keys, what products do differently, and
/// that nobody begins. All else was played, and that decides.
fn beyond_play(f: &CheckFinding) -> bool {
    let of_files = ["cert-san-mismatch", "ca-not-trusted"].contains(&f.cause.as_str());
    let known = [
        "both-ends-passive",
        "cert-expired",
        "cert-not-yet-valid",
        "config-not-loaded",
        "multi-subnet-one-sa-unsupported",
        "nothing-triggers-initiation",
        "policy-vs-route-based-mismatch",
        "private-key-missing",
        "psk-not-found",
        "sha256-truncation-bug",
    ];
    (of_files && f.outcome <= Severity::Warning)
        || (f.outcome.breaks() && known.contains(&f.cause.as_str()))
}

fn run(run: &Run) -> RunShown {
    let [a, b] = &run.cases;
    let failed = run.failed().is_some();
    RunShown {
        initiator: letter(run.initiator),
        by_itself: run.by_itself,
        result: if failed { FAILS } else { WORKS },
        stages: run
            .stages
            .iter()
            .map(|stage| StageShown {
                stage: stage.what.word(),
                title: stage.what.to_string(),
                outcome: match stage.outcome {
                    Went::Passed => "passed",
                    Went::Failed => "failed",
                    Went::NotPlayed => "not-played",
                },
                seconds: stage.at.as_secs_f64(),
                detail: stage.detail.clone(),
            })
            .collect(),
        verdict: failed.then(|| diagnose(&a.clone().joined_with(b.clone()))),
        alone: failed.then(|| Alone {
            a: diagnose(a).cause().map(str::to_owned),
            b: diagnose(b).cause().map(str::to_owned),
        }),
    }
}

fn letter(side: Side) -> &'static str {
    match side {
        Side::Local => "A",
        Side::Remote => "B",
    }
}

fn shown(letter: &'static str, end: &Checked, connection: &PeerConnection) -> EndShown {
    EndShown {
        end: letter,
        file: end.name.clone(),
        dialect: connection.dialect.to_string(),
        connection: connection.name.clone(),
    }
}

/// An end of the world.
fn end(of: &Checked, connection: &PeerConnection, exact: &[Own]) -> End {
    let own = exact
        .iter()
        .find(|own| own.connection.name == connection.name);
    End {
        name: of.name.clone(),
        connection: connection.clone(),
        own: own.cloned(),
    }
}

/// An end with the connections that were chosen.
fn narrowed(mut end: Checked, args: &RehearseArgs, first: bool) -> Result<Checked, Failure> {
    let chosen: Vec<&str> = args
        .connection
        .iter()
        .filter(|chosen| chosen.first == first)
        .map(|chosen| chosen.name.as_str())
        .collect();
    if chosen.is_empty() {
        return Ok(end);
    }
    let names: Vec<String> = end.connections.iter().map(|c| c.name.clone()).collect();
    end.connections
        .retain(|c| chosen.contains(&c.name.as_str()));
    if end.connections.is_empty() {
        return Err(Failure::usage(anyhow!(
            "{} has no connection {}; it has {}",
            end.name,
            chosen.join(", "),
            names.join(", ")
        )));
    }
    Ok(end)
}

/// An end with one connection alone, and what was found about that.
fn only(mut end: Checked, connection: PeerConnection) -> Checked {
    let about = |name: &Option<String>| name.as_ref().is_none_or(|n| *n == connection.name);
    end.lints.retain(|lint| about(&lint.connection));
    end.credentials.retain(|c| about(&c.named.connection));
    end.connections = vec![connection];
    end
}
