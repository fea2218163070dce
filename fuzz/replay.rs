//! Replays committed fuzz corpora through the functions that the fuzz targets run. Shared by the tests of the crates
//! that have fuzz targets, as a file of each.

use std::path::{Path, PathBuf};

/// The folder with a target's inputs.
pub fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target)
}

type Target = fn(&[u8]);

/// Runs each target on all inputs that are committed for it. There is at least one.
pub fn replay(targets: &[(&str, Target)]) {
    for (name, target) in targets {
        let mut inputs = 0;
        for entry in std::fs::read_dir(corpus(name)).expect("every target has a corpus") {
            target(&std::fs::read(entry.unwrap().path()).unwrap());
            inputs += 1;
        }
        assert!(inputs > 0, "{name} has no seeds");
    }
}
