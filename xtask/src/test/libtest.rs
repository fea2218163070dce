//! The standard test harness's output, where nextest isn't there and for documentation tests.

use anyhow::Result;

use super::junit::excuse;
use super::tally::Tally;
use crate::exec::Outcome;

/// Adds up the `test result:` lines. Tests that printed `skipped: …` are moved from passed to skipped.
pub fn tally(outcome: &Outcome) -> Result<Tally> {
    let mut tally = Tally::default();
    for line in outcome.stdout.lines() {
        if let Some(result) = line.strip_prefix("test result: ") {
            tally.passed += count(result, " passed");
            tally.failed += count(result, " failed");
            let ignored = count(result, " ignored");
            if ignored > 0 {
                tally.skipped += ignored;
                tally
                    .notes
                    .push(format!("skipped {ignored} marked as ignored"));
            }
        } else if let Some(name) = line
            .strip_suffix(" ... FAILED")
            .and_then(|line| line.strip_prefix("test "))
        {
            tally.notes.push(format!("FAILED {name}"));
        } else if let Some(reason) = excuse(line) {
            tally.passed = tally.passed.saturating_sub(1);
            tally.skip(reason.to_owned());
        }
    }
    if !outcome.success && tally.failed == 0 {
        tally.add(Tally::failure("the tests do not build".to_owned()));
    }
    Ok(tally)
}

fn count(result: &str, word: &str) -> usize {
    let before = result.find(word).map_or("", |at| &result[..at]);
    before
        .rsplit(' ')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_all_binaries_are_added() {
        let outcome = Outcome {
            success: false,
            code: Some(101),
            stdout: "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured\nskipped: no TUN\n\
                     test a::b ... FAILED\ntest result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured\n"
                .into(),
            stderr: String::new(),
        };
        let tally = tally(&outcome).unwrap();
        assert_eq!(tally.to_string(), "4 passed, 1 failed, 2 skipped");
    }
}
