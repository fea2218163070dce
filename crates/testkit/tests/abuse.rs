//! docs/abuse-cases.md names the tests that there are, and all of them.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods)] // reads the sources from disk

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Names after `before` that begin with `abuse_`.
fn names(text: &str, before: &str) -> BTreeSet<String> {
    text.split(before)
        .skip(1)
        .filter(|rest| rest.starts_with("abuse_"))
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect()
        })
        .collect()
}

fn sources(directory: &Path, into: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.extend(names(&std::fs::read_to_string(&path).unwrap(), "fn "));
        }
    }
}

#[test]
fn every_case_has_its_test_and_every_test_its_case() {
    let page = std::fs::read_to_string(root().join("docs/abuse-cases.md")).unwrap();
    let mut there = BTreeSet::new();
    sources(&root().join("crates"), &mut there);
    let mut missing = Vec::new();
    let mut numbers = BTreeSet::new();
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let number = row.split('|').nth(1).unwrap().trim();
        let Ok(number) = number.parse::<u32>() else {
            continue;
        };
        numbers.insert(number);
        for name in names(row, "`") {
            // A test that belongs to two cases bears the number of one.
            if !there.contains(&name) {
                missing.push(format!("case {number}: no test {name}"));
            }
        }
    }
    let told = names(&page, "`");
    missing.extend(
        there
            .difference(&told)
            .map(|name| format!("{name} isn't in the page")),
    );
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(told.len() > 40);
    let without: Vec<u32> = (1..=75).filter(|n| !numbers.contains(n)).collect();
    assert!(without.is_empty(), "no word about {without:?}");
}
