//! What people paste, and what is wrong with it: every file in `pastes/` is evidence, and its name says the verdict.
//!
//! `<verdict>--<what it is>.txt` is one paste, of the side that asks. `….local.txt` and `….remote.txt` are both sides'.
//! A verdict is a cause id, `undecided` or `healthy`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "common/pastes.rs"]
mod pastes;

use adit_diagnose::Answer;
use pastes::{all, word};

#[test]
fn every_paste_leads_to_the_verdict_of_its_name() {
    let mut wrong = Vec::new();
    for paste in all() {
        let verdict = paste.judge(ToOwned::to_owned);
        let name = &paste.name;
        let got = word(&verdict);
        if got != paste.verdict {
            wrong.push(format!("{name}: {got}: {}", verdict.summary));
        }
        for finding in &verdict.findings {
            assert!(!finding.evidence.is_empty(), "{name} quotes nothing");
            assert!(!finding.message_for_peer.is_empty(), "{name}");
            assert!(
                !finding.fix.local.is_empty() || !finding.fix.remote.is_empty(),
                "{name} names no fix"
            );
        }
        if verdict.verdict == Answer::Undecided {
            assert!(
                !verdict.missing.is_empty(),
                "{name} says not what is missing"
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
