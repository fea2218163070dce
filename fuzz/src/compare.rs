//! Two ends' configurations: read by `adit-evidence`, compared by `adit-diagnose`.

use adit_diagnose::{End, check};
use adit_evidence::{DigestKey, read_config};

/// A configuration of any dialect, by itself and against itself.
pub fn against_itself(data: &[u8]) {
    let reading = read_config("fuzz", data, Some(&DigestKey::new([7; 32])));
    let end = End {
        name: "fuzz".to_owned(),
        dialect: String::new(),
        connections: reading.connections,
        lints: reading.lints,
        credentials: Vec::new(),
    };
    assert!(check(&end, None, None).pairs.is_empty());
    for finding in &check(&end, Some(&end), None).findings {
        assert!((0.0..=1.0).contains(&finding.confidence));
        assert!(!finding.summary.is_empty());
    }
}
