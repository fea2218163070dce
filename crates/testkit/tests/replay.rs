//! A recording does again what was recorded.

#![allow(clippy::unwrap_used)]

mod common;

use adit_sim::{LinkSettings, Told};
use adit_testkit::recording;
use adit_testkit::replay::Replay;
use common::recorded_day;

#[test]
fn an_endpoint_that_is_told_the_same_does_the_same() {
    for seed in 0..20 {
        let wire = if seed % 2 == 0 {
            LinkSettings::default()
        } else {
            LinkSettings::bad()
        };
        for side in recorded_day(seed, wire) {
            let text = recording::write(&side.inputs).unwrap();
            let inputs = recording::read(&text).unwrap();
            assert_eq!(inputs, side.inputs, "seed {seed}");
            let mut replay = Replay::new(side.setup);
            inputs.iter().for_each(|input| replay.tell(input));
            assert_eq!(replay.events, side.events, "seed {seed}");
        }
    }
}

#[test]
fn a_recording_is_readable_and_its_faults_have_a_line() {
    let [west, _] = recorded_day(1, LinkSettings::default());
    let text = recording::write(&west.inputs).unwrap();
    let kinds: Vec<&str> = text
        .lines()
        .map(|line| {
            line.split("\"input\":\"")
                .nth(1)
                .unwrap()
                .split('"')
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(kinds[..4], ["started", "addresses", "initiate", "datagram"]);
    let broken = format!("# a comment\n\n{text}{{\"input\":\"tea\"}}\n");
    let error = recording::read(&broken).unwrap_err();
    assert_eq!(error.line, 3 + west.inputs.len());
    let odd = text.replace("\"message\":\"", "\"message\":\"0");
    assert!(recording::read(&odd).is_err(), "half an octet");
}

#[test]
fn nothing_but_the_start_makes_an_endpoint() {
    let [west, _] = recorded_day(1, LinkSettings::default());
    let mut replay = Replay::new(west.setup);
    for input in west
        .inputs
        .iter()
        .filter(|i| !matches!(i.told, Told::Started { .. }))
    {
        replay.tell(input);
    }
    assert!(replay.events.is_empty() && replay.sent.is_empty() && replay.ike_sas().is_empty());
}
