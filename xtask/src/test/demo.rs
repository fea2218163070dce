//! The demo as a user runs it: the healthy story, and every fault that it can inject.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::Value;

use super::tally::Tally;
use crate::exec;

/// Every `--break` of the demo.
const FAULTS: &[&str] = &[
    "psk",
    "id",
    "proposal",
    "dh",
    "esp",
    "ts",
    "udp500",
    "udp4500",
    "peer-down",
    "version",
];

/// Runs each of them with `--json` and checks the document.
pub fn run(adit: &Path) -> Result<Tally> {
    let mut tally = Tally::default();
    let stories = std::iter::once(None).chain(FAULTS.iter().map(|fault| Some(*fault)));
    for fault in stories {
        let mut command = Command::new(adit);
        command.args(["demo", "--json"]);
        if let Some(fault) = fault {
            command.args(["--break", fault]);
        }
        let outcome = exec::output(&mut command)?;
        let name = fault.map_or("demo".to_owned(), |fault| format!("demo --break {fault}"));
        match judge(&outcome) {
            Ok(()) => {
                eprintln!("{name}: ok");
                tally.passed += 1;
            }
            Err(problem) => tally.add(Tally::failure(format!("{name}: {problem}"))),
        }
    }
    let unknown = exec::output(Command::new(adit).args(["demo", "--break", "no-such-fault"]))?;
    if unknown.code == Some(2) {
        tally.passed += 1;
    } else {
        tally.add(Tally::failure(format!(
            "an unknown fault ends with {:?}, not with a usage error",
            unknown.code
        )));
    }
    Ok(tally)
}

fn judge(outcome: &exec::Outcome) -> Result<(), String> {
    if !outcome.success {
        return Err(format!("exit code {:?}\n{}", outcome.code, outcome.text()));
    }
    let document: Value = serde_json::from_str(&outcome.stdout)
        .map_err(|error| format!("its JSON does not read: {error}"))?;
    match document["schema"].as_str() {
        Some("adit.demo/1") => Ok(()),
        other => Err(format!("its schema is {other:?}")),
    }
}
