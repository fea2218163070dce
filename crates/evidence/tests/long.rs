//! A log of any length: its end is read, and what names a cause before it is found with the number of its line.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use adit_evidence::Reader;
use adit_model::fact::{Known, Side};
use adit_model::now::Wall;
use adit_model::sign::Sign;

const NOW: Wall = Wall(1_795_305_600_000);
const ROUTINE: &str = "Nov 21 10:00:00 gw charon[81]: 05[NET] sending packet: from 192.0.2.1[500] to 192.0.2.2[500] (80 bytes)\n";
const TELLING: &str =
    "Nov 21 10:00:01 gw charon[81]: 05[KNL] unable to bind socket: Address already in use\n";

fn port_in_use(lines: &[&str]) -> (Vec<u64>, usize, u64) {
    let mut reader = Reader::new("gw.log", Side::Local, NOW);
    for line in lines {
        reader.feed(line.as_bytes());
    }
    let reading = reader.finish();
    let found = reading
        .facts
        .iter()
        .filter(|f| {
            matches!(
                f.what,
                Known::Sign {
                    sign: Sign::PortInUse,
                    ..
                }
            )
        })
        .map(|f| f.source.line.unwrap())
        .collect();
    (found, reading.facts.len(), reading.lines)
}

#[test]
fn what_names_a_cause_is_found_however_long_ago_it_was() {
    let mut lines = vec![ROUTINE; 150_000];
    lines[41] = TELLING;
    lines[149_990] = TELLING;
    let (found, _, count) = port_in_use(&lines);
    assert_eq!(found, [42, 149_991]);
    assert_eq!(count, 150_000);
}

#[test]
fn memory_does_not_grow_with_what_is_repeated() {
    let (found, facts, _) = port_in_use(&vec![TELLING; 300_000]);
    let ends: Vec<u64> = (1..=64).chain(299_937..=300_000).collect();
    assert_eq!(found, ends, "the first and the last of them");
    assert!(facts < 1_000);
}
