//! Replays the committed fuzz corpus through the function that the fuzz target runs.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods)] // reads files from disk

#[path = "../../../fuzz/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/pki.rs"]
mod targets;

#[test]
fn every_committed_input_holds() {
    replay::replay(targets::ALL);
}
