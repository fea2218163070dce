//! The committed manual pages are what the program says of itself today.

use std::collections::BTreeMap;
use std::path::Path;

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
