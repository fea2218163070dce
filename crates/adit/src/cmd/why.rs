//! `adit why`: the verdict on a live tunnel, alone or with what the other side knows.

use std::io::Read;
use std::path::Path;

use adit_diagnose::{Answer, Verdict, diagnose};
use adit_gateway::client::{Client, ClientError};
use adit_model::fact::{Case, Fact, Known, Probe, Side, Source};
use anyhow::{Context, anyhow};

use super::{Outcome, print, print_json};
use crate::cli::WhyArgs;
use crate::exit::{Exit, Failure};
use crate::render::style::Palette;
use crate::render::verdict;

/// The schema of an exported case.
const CASE_SCHEMA: &str = "adit.case/1";

/// Finds out why.
pub fn why(args: &WhyArgs) -> Outcome {
    if let Some(name) = args.name.as_deref().filter(|name| is_file_name(name)) {
        return Err(Failure::usage(anyhow!(
            "`{name}` is a file; evidence files of other gateways aren't read yet. For a case that adit why --export wrote: adit why NAME --remote {name}"
        )));
    }
    let case = case(args)?;
    if args.export {
        print_json(&serde_json::json!({ "schema": CASE_SCHEMA, "case": case }))?;
        return Ok(Exit::Done);
    }
    let case = match &args.remote {
        Some(path) => case.joined_with(read_case(path)?),
        None => case,
    };
    let answer = diagnose(&case);
    if args.json {
        print_json(&answer)?;
    } else {
        print(&verdict::text(&answer, Palette::stdout()))?;
    }
    Ok(exit(&answer))
}

/// What the gateway knows of the tunnel; that no gateway answers is a fact too.
fn case(args: &WhyArgs) -> Result<Case, Failure> {
    let mut client = match Client::connect(&args.state.state) {
        Ok(client) => client,
        Err(error @ ClientError::NotRunning { .. }) => return Ok(not_running(args, &error)),
        Err(error) => return Err(error.into()),
    };
    let mut cases = client.cases(args.name.as_deref(), true)?;
    match (cases.pop(), cases.is_empty()) {
        (Some(case), true) => Ok(case),
        (None, _) => Err(Failure::usage(anyhow!("no tunnel is configured"))),
        (Some(last), false) => {
            let names: Vec<&str> = cases
                .iter()
                .chain([&last])
                .map(|c| c.subject.as_str())
                .collect();
            Err(Failure::usage(anyhow!(
                "which tunnel? There are {}. Fix: adit why {}",
                names.join(", "),
                names[0]
            )))
        }
    }
}

fn not_running(args: &WhyArgs, error: &ClientError) -> Case {
    let subject = args.name.clone().unwrap_or_else(|| "gateway".to_owned());
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
    let facts = vec![
        fact(Known::Probed {
            probe: Probe::Control { answers: false },
        }),
        fact(Known::Daemon { running: false }),
    ];
    Case {
        subject: subject.clone(),
        facts,
        covered: [(Side::Local, true)].into(),
    }
}

fn read_case(path: &Path) -> Result<Case, Failure> {
    let text = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("reading the other side's case from standard input")
            .map_err(Failure::usage)?;
        text
    } else {
        std::fs::read_to_string(path)
            .with_context(|| format!("reading the other side's case {}", path.display()))
            .map_err(Failure::usage)?
    };
    let mut document: serde_json::Value = serde_json::from_str(&text)
        .with_context(|| {
            format!(
                "{} isn't JSON; fix: let the other side run adit why NAME --export",
                path.display()
            )
        })
        .map_err(Failure::usage)?;
    match document.get("schema").and_then(|s| s.as_str()) {
        Some(CASE_SCHEMA) => {}
        other => {
            let other = other.unwrap_or("none").to_owned();
            return Err(Failure::usage(anyhow!(
                "{}: schema {other}, expected {CASE_SCHEMA}; fix: let the other side run adit why NAME --export",
                path.display()
            )));
        }
    }
    serde_json::from_value(document["case"].take())
        .with_context(|| format!("reading {}", path.display()))
        .map_err(Failure::usage)
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
