//! Captures of real tunnels with a fault on purpose: alone, printed by tcpdump, and beside both sides' logs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

use adit_diagnose::{Answer, Verdict, diagnose};
use adit_evidence::{case, read};
use adit_model::fact::Side;
use adit_model::now::Wall;

/// 2026-11-22T00:00:00Z, after all of the runs.
const NOW: Wall = Wall(1_795_305_600_000);

fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("ADIT_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let faults = root.join("lab/faults");
    if !faults.is_dir() {
        println!("skipped: the lab's runs aren't here (ADIT_SHARED)");
        return None;
    }
    Some(faults)
}

fn judge(files: Vec<(&str, Side, Vec<u8>)>) -> Verdict {
    let readings = files
        .into_iter()
        .map(|(name, side, bytes)| {
            let reading = read(name, side, &bytes, NOW);
            assert!(!reading.recognised.is_empty(), "{name} isn't recognised");
            reading
        })
        .collect();
    diagnose(&case(None, readings))
}

/// What the verdict comes to, in the words of the labels.
fn word(verdict: &Verdict) -> String {
    match verdict.verdict {
        Answer::Healthy => "healthy".to_owned(),
        Answer::Undecided => "undecided".to_owned(),
        Answer::Cause => verdict.cause().unwrap_or_default().to_owned(),
    }
}

/// Runs that the two configurations decide, which aren't part of the evidence here.
const BY_CONFIGURATION: [&str; 4] = [
    "ikev1-vs-ikev2",
    "pfs-mismatch-rekey",
    "dpd-timeout",
    "peer-down",
];

#[test]
fn captures_of_the_lab_lead_to_accepted_verdicts() {
    let Some(faults) = shared() else { return };
    let labels: serde_json::Value =
        serde_json::from_slice(&std::fs::read(faults.join("labels.json")).unwrap()).unwrap();
    let tcpdump = Command::new("tcpdump").arg("--version").output().is_ok();
    if !tcpdump {
        println!("skipped: printed packets, for there is no tcpdump");
    }
    let mut wrong = Vec::new();
    for (run, accepted) in labels["runs"].as_object().unwrap() {
        let run_folder = faults.join(run);
        let file = |name: &str| std::fs::read(run_folder.join(name)).unwrap();
        let mut check = |set: &str, label: &str, verdict: &Verdict| {
            let got = word(verdict);
            let right = accepted[label].as_array().unwrap();
            let right = right.iter().any(|a| a.as_str() == Some(&got));
            // A capture doesn't know what is inside of the encryption: open is right where a cause isn't.
            let open =
                got == "undecided" && (set != "all" || BY_CONFIGURATION.contains(&run.as_str()));
            let both = set == "all"
                && BY_CONFIGURATION.contains(&run.as_str())
                && accepted["both"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|a| a.as_str() == Some(&got));
            if !right && !open && !both {
                wrong.push(format!("{run} {set}: {got}: {}", verdict.summary));
            }
        };
        let wire = ("wire.pcap", Side::Local, file("wire.pcap"));
        check("capture", "all", &judge(vec![wire.clone()]));
        let logs = [
            ("west.log", Side::Local, file("west.log")),
            ("east.log", Side::Remote, file("east.log")),
        ];
        let all = logs.into_iter().chain([wire]).collect();
        check("all", "all", &judge(all));
        for flags in ["-n", "-nv", "-nvvett"] {
            let printed = Command::new("tcpdump")
                .args([flags, "-r"])
                .arg(run_folder.join("wire.pcap"))
                .output();
            if let Ok(printed) = printed
                && tcpdump
            {
                let verdict = judge(vec![("printed", Side::Local, printed.stdout)]);
                check(flags, "all", &verdict);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every evidence set of every run, as the labels have them: a log of either side, both, and all with both configurations.
#[test]
fn every_evidence_set_of_the_lab_leads_to_an_accepted_verdict() {
    let Some(faults) = shared() else { return };
    let labels: serde_json::Value =
        serde_json::from_slice(&std::fs::read(faults.join("labels.json")).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for (run, accepted) in labels["runs"].as_object().unwrap() {
        let file = |name: &'static str, side| {
            let bytes = std::fs::read(faults.join(run).join(name)).unwrap();
            (name, side, bytes)
        };
        let west = || file("west.log", Side::Local);
        let east = || file("east.log", Side::Remote);
        let sets = [
            ("initiator", vec![west()]),
            ("responder", vec![file("east.log", Side::Local)]),
            ("both", vec![west(), east()]),
            (
                "all",
                vec![
                    west(),
                    east(),
                    file("wire.pcap", Side::Local),
                    file("west/swanctl.conf", Side::Local),
                    file("east/swanctl.conf", Side::Remote),
                ],
            ),
        ];
        for (set, files) in sets {
            let verdict = judge(files);
            let got = word(&verdict);
            let labels = accepted[set].as_array().unwrap();
            if !labels.iter().any(|a| a.as_str() == Some(&got)) {
                wrong.push(format!("{run} {set}: {got}: {}", verdict.summary));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
