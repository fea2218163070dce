//! Replays the committed fuzz corpora through the functions that the fuzz targets run.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods)] // reads files from disk

#[path = "../../../fuzz/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/config.rs"]
mod targets;

#[test]
fn every_committed_input_holds() {
    replay::replay(targets::ALL);
}
