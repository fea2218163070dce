//! Replays the committed fuzz corpus through the function that the fuzz target runs.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods)] // reads files from disk

#[path = "../../../fuzz/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/ike.rs"]
mod targets;

use replay::corpus;

#[test]
fn every_committed_input_holds() {
    replay::replay(targets::ALL);
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
