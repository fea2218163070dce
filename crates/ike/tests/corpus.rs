//! Replays the committed fuzz corpus through the function that the fuzz target runs.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods)] // reads files from disk

#[path = "../../../fuzz/src/ike.rs"]
mod targets;

use std::path::{Path, PathBuf};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target)
}

#[test]
fn every_committed_input_holds() {
    for (name, target) in targets::ALL {
        let mut inputs = 0;
        for entry in std::fs::read_dir(corpus(name)).expect("every target has a corpus") {
            target(&std::fs::read(entry.unwrap().path()).unwrap());
            inputs += 1;
        }
        assert!(inputs > 0, "{name} has no seeds");
    }
}

/// `cargo test -p adit-ike --test corpus -- --ignored` writes the seeds anew.
#[test]
#[ignore = "writes fuzz/corpus"]
fn write_seeds() {
    let folder = corpus("ike_endpoint");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, bytes) in targets::seeds() {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}
