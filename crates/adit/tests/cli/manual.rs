//! The committed manual pages are what the program says of itself today, and the documented documents are real.

use std::collections::BTreeMap;
use std::path::Path;

use adit_diagnose::Verdict;
use adit_model::fact::Case;
use adit_model::show;
use adit_model::status::Status;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::program::{DONE, Dir, adit};

fn pages(dir: &Path) -> BTreeMap<String, String> {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn the_manual_pages_are_current() {
    let dir = Dir::new("man");
    adit(&["man", &dir.at("")]).ends_with(DONE);
    let made = pages(dir.path());
    let committed = pages(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/man"));
    let names = |pages: &BTreeMap<String, String>| pages.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(&made),
        names(&committed),
        "renew with: cargo xtask man"
    );
    for (name, page) in &made {
        assert!(
            page == &committed[name],
            "docs/man/{name} is out of date; renew with: cargo xtask man"
        );
    }
}

#[test]
fn every_page_says_how_it_ends_and_shows_an_example() {
    let dir = Dir::new("sections");
    adit(&["man", &dir.at("")]).ends_with(DONE);
    for (name, page) in pages(dir.path()) {
        for section in [
            "NAME",
            "SYNOPSIS",
            "EXIT STATUS",
            "FILES",
            "EXAMPLES",
            "SEE ALSO",
        ] {
            let there = page.lines().any(|line| {
                line.strip_prefix(".SH ")
                    .is_some_and(|title| title.trim_matches('"') == section)
            });
            assert!(there, "{name} lacks {section}");
        }
    }
}

#[test]
fn the_documented_documents_are_read_as_what_they_are_called() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/json.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut schemas = Vec::new();
    for block in text.split("```json\n").skip(1) {
        let block = block.split_once("\n```").unwrap().0;
        let document: Value = serde_json::from_str(block).unwrap();
        let schema = document["schema"].as_str().unwrap().to_owned();
        match schema.as_str() {
            "adit.status/1" => same::<Status>(&document),
            "adit.show.ike-sa/1" => same::<show::IkeSas>(&document),
            "adit.show.ipsec-sa/1" => same::<show::IpsecSas>(&document),
            "adit.show.policy/1" => same::<show::Policies>(&document),
            "adit.show.certs/1" => same::<show::Certificates>(&document),
            "adit.show.drops/1" => same::<show::Drops>(&document),
            "adit.show.log/1" => same::<show::Log>(&document),
            "adit.plan/1" => same::<adit_model::plan::Plan>(&document),
            "adit.why/1" => same::<Verdict>(&document),
            "adit.check/1" => same::<adit_diagnose::CheckReport>(&document),
            "adit.scan/1" => same::<adit_model::scanned::Scanned>(&document),
            "adit.trace/1" => same::<adit_model::traced::Traced>(&document),
            "adit.probe/1" => same::<adit_model::probed::Probed>(&document),
            "adit.case/1" => same::<Case>(&document["case"]),
            "adit.map/1" => same::<Vec<adit_evidence::pseudonym::Entry>>(&document["entries"]),
            _ => {}
        }
        // Each under its own heading.
        assert!(text.contains(&format!("## `{schema}`\n")));
        schemas.push(schema);
    }
    let all = [
        "status",
        "show.ike-sa",
        "show.ipsec-sa",
        "show.policy",
        "show.certs",
        "show.drops",
        "show.log",
        "probe",
        "trace",
        "scan",
        "plan",
        "why",
        "explain",
        "check",
        "check.live",
        "log",
        "read",
        "cert",
        "demo",
        "case",
        "map",
    ]
    .map(|name| format!("adit.{name}/1"));
    assert_eq!(schemas, all);
}

/// Nothing in the example is unknown to the type, and nothing is missing.
fn same<T: DeserializeOwned + Serialize>(example: &Value) {
    let read: T = serde_json::from_value(example.clone()).unwrap();
    assert_eq!(&serde_json::to_value(read).unwrap(), example);
}
