//! The demo as a user runs it: the healthy story, and every fault that it can inject.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::Value;

use super::tally::Tally;
use crate::{exec, workspace};

/// Every `--break` of the demo, and the cause that its diagnosis must name.
const FAULTS: &[(&str, &str)] = &[
    ("psk", "psk-mismatch"),
    ("id", "id-mismatch"),
    ("proposal", "ike-proposal-mismatch"),
    ("dh", "ike-dh-group-mismatch"),
    ("esp", "esp-proposal-mismatch"),
    ("ts", "ts-mismatch"),
    ("udp500", "udp500-blocked"),
    ("udp4500", "udp4500-blocked"),
    ("peer-down", "peer-unreachable"),
    ("version", "ike-version-mismatch"),
];

/// Runs each story in namespaces and in the virtual world, and checks its document.
pub fn run(adit: &Path) -> Result<Tally> {
    let mut tally = Tally::default();
    let stories = std::iter::once(None).chain(FAULTS.iter().map(Some));
    for (fault, world) in stories.flat_map(|fault| [(fault, "namespaces"), (fault, "virtual")]) {
        // A story without an end must not hold up the suite.
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=1", "120"])
            .arg(adit)
            .args(["demo", "--json"]);
        let mut name = format!("demo, {world}");
        if world == "virtual" {
            command.arg("--virtual");
        }
        if let Some((fault, _)) = fault {
            command.args(["--break", fault]);
            name = format!("demo --break {fault}, {world}");
        }
        match judge(&exec::output(&mut command)?, fault, world) {
            Ok(None) => {
                eprintln!("{name}: ok");
                tally.passed += 1;
            }
            Ok(Some(closed)) => tally.skip(format!("{name}: {closed}")),
            Err(problem) => tally.add(Tally::failure(format!("{name}: {problem}"))),
        }
    }
    let unknown = exec::output(Command::new(adit).args(["demo", "--break", "no-such-fault"]))?;
    if unknown.code == Some(2) {
        tally.passed += 1;
    } else {
        tally.add(Tally::failure(format!(
            "demo with an unknown fault ends with {:?}, not with a usage error",
            unknown.code
        )));
    }
    Ok(tally)
}

/// `Some` says which setting keeps the story out of namespaces; as root that is a failure.
fn judge(
    outcome: &exec::Outcome,
    fault: Option<&(&str, &str)>,
    world: &str,
) -> Result<Option<String>, String> {
    if !outcome.success {
        return Err(format!("exit code {:?}\n{}", outcome.code, outcome.text()));
    }
    let document: Value = serde_json::from_str(&outcome.stdout)
        .map_err(|error| format!("its JSON does not read: {error}"))?;
    let expect = |pointer: &str, value: Value| match document.pointer(pointer) {
        Some(found) if *found == value => Ok(()),
        found => Err(format!("{pointer} is {found:?}, not {value}")),
    };
    expect("/schema", "adit.demo/1".into())?;
    expect("/ok", true.into())?;
    expect("/wire/clear", 0.into())?;
    match fault {
        None => {
            let count = |pointer: &str| {
                document
                    .pointer(pointer)
                    .and_then(Value::as_u64)
                    .unwrap_or(0)
            };
            for pointer in [
                "/traffic/pings_answered",
                "/traffic/bulk_octets",
                "/wire/ike",
                "/wire/esp",
            ] {
                if count(pointer) == 0 {
                    return Err(format!("{pointer} is not above zero"));
                }
            }
        }
        Some((fault, cause)) => {
            expect("/fault", (*fault).into())?;
            if !named(&document, cause) {
                return Err(format!("no verdict names {cause}"));
            }
        }
    }
    if document["world"] == world {
        return Ok(None);
    }
    let closed = document["closed"]
        .as_str()
        .unwrap_or("namespaces are closed")
        .to_owned();
    if workspace::is_root() {
        Err(closed)
    } else {
        Ok(Some(closed))
    }
}

/// Whether a verdict of the demo, of one side or of both, names this cause: as its finding, or, where it stays
/// undecided, among what remains possible.
fn named(document: &Value, cause: &str) -> bool {
    ["verdict_one_side", "verdict_both_sides"]
        .iter()
        .flat_map(|side| ["findings", "possible"].map(|list| &document[*side][list]))
        .flat_map(|list| list.as_array().into_iter().flatten())
        .any(|entry| entry["cause"] == cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(document: &str) -> exec::Outcome {
        exec::Outcome {
            success: true,
            code: Some(0),
            stdout: document.into(),
            stderr: String::new(),
        }
    }

    #[test]
    fn a_story_is_believed_only_with_its_evidence() {
        let healthy = r#"{"schema":"adit.demo/1","world":"virtual","ok":true,"wire":{"clear":0,"ike":4,"esp":9},
            "traffic":{"pings_answered":4,"bulk_octets":1000}}"#;
        assert_eq!(judge(&said(healthy), None, "virtual"), Ok(None));
        assert!(
            judge(
                &said(&healthy.replace("\"esp\":9", "\"esp\":0")),
                None,
                "virtual"
            )
            .is_err()
        );
        assert!(
            judge(
                &said(&healthy.replace("\"clear\":0", "\"clear\":1")),
                None,
                "virtual"
            )
            .is_err()
        );
        assert!(judge(&said("not JSON"), None, "virtual").is_err());
        let psk = ("psk", "psk-mismatch");
        let broken = r#"{"schema":"adit.demo/1","world":"virtual","ok":true,"fault":"psk","wire":{"clear":0},
            "verdict_both_sides":{"findings":[{"cause":"psk-mismatch"}]}}"#;
        assert_eq!(judge(&said(broken), Some(&psk), "virtual"), Ok(None));
        assert!(
            judge(
                &said(&broken.replace("psk-mismatch", "id-mismatch")),
                Some(&psk),
                "virtual"
            )
            .is_err()
        );
    }
}
