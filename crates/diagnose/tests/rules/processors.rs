//! Processors, as our own gateway's threads tell of them: their time, its limits, and what takes it.

use adit_diagnose::AtFault;
use adit_model::fact::Known;
use adit_model::sign::Sign;

use crate::common::*;
use crate::live::{carried, says, up_as_initiator};

/// A tunnel that is up and carries, whose gateway's threads have no time left.
fn full(values: &[(&str, &str)]) -> Story {
    let mut all = vec![
        ("seconds", "8"),
        ("busy", "97"),
        ("waits", "10"),
        ("full", "1"),
        ("threads", "2"),
        ("allowed", "2"),
        ("processors", "2"),
        ("lost", "900"),
        ("packets", "40000"),
        ("throttled", "0"),
        ("cipher", "aes128gcm16"),
        ("share", "20"),
        ("ns", "500"),
        ("faster", "aes128gcm16"),
        ("faster_ns", "500"),
    ];
    for (name, value) in values {
        all.retain(|(known, _)| known != name);
        all.push((name, value));
    }
    let up = carried(up_as_initiator(), 40, 40).known(Local, Known::TunnelState { up: true });
    says(up, Sign::PlaneFull, &all)
}

#[test]
fn threads_without_time_are_told_with_what_takes_it() {
    let slow = [
        ("cipher", "3des-sha1"),
        ("share", "85"),
        ("ns", "41200"),
        ("faster_ns", "600"),
    ];
    let found = full(&slow).finds("cipher-suboptimal");
    assert_eq!(found.side, AtFault::Both);
    assert!(found.explanation.contains("41.2 µs"), "{found:#?}");
    assert!(found.fix.remote.contains("aes128gcm16"), "{found:#?}");
    // What is carried without loss isn't limited, and it isn't what limits where others take the time.
    assert!(full(&[&slow[..], &[("lost", "0")]].concat()).healthy());
    full(&[&slow[..], &[("share", "30")]].concat()).finds("single-sa-single-core");
    // Of the time that was left to run in.
    full(&[&slow[..], &[("share", "40"), ("waits", "35")]].concat()).finds("cipher-suboptimal");
    let one = full(&[("allowed", "1"), ("full", "2")]).finds("single-sa-single-core");
    assert_eq!(one.side, AtFault::Local);
    assert!(one.summary.contains("one of 2 processors"), "{one:#?}");
    let thread = full(&[("threads", "1"), ("configured", "yes")]).finds("single-sa-single-core");
    assert!(thread.fix.local.contains("`threads`"), "{thread:#?}");
    let all = full(&[("full", "2")]).finds("cpu-crypto-bound");
    assert!(all.fix.local.contains("AES-GCM"), "{all:#?}");
    let three = full(&[("full", "3"), ("threads", "4")]).finds("single-sa-single-core");
    assert!(three.summary.starts_with("3 of 4"), "{three:#?}");
    // Much to do, and all of it done, or nearly: who sends as fast as it can always loses some.
    assert!(full(&[("lost", "0")]).healthy());
    assert!(full(&[("lost", "390")]).healthy());
}

#[test]
fn other_programs_that_take_the_processors_are_no_flows_and_no_ciphers_fault() {
    let slow = [
        ("cipher", "aes128-sha1"),
        ("share", "15"),
        ("ns", "4000"),
        ("faster_ns", "600"),
    ];
    // A thread without packets doesn't wait.
    for full_ones in ["1", "2"] {
        let values = [("waits", "80"), ("full", full_ones)];
        for values in [&values[..], &[&slow[..], &values].concat()] {
            let verdict = full(values).verdict();
            assert_eq!(verdict.cause(), Some("cpu-crypto-bound"), "{verdict:#?}");
            assert!(!verdict.names("single-sa-single-core"), "{verdict:#?}");
            assert!(!verdict.names("cipher-suboptimal"), "{verdict:#?}");
            let found = &verdict.findings[0];
            assert!(found.summary.contains("other programs"), "{found:#?}");
            assert!(!found.fix.local.contains("AES"), "{found:#?}");
        }
    }
    assert!(full(&[&slow[..], &[("waits", "80"), ("lost", "0")]].concat()).healthy());
    // A cipher that costs many times more is what to change even so: in the time that is left another carries far more.
    let by_far = [
        ("cipher", "3des-sha1"),
        ("ns", "41200"),
        ("faster_ns", "600"),
        ("waits", "60"),
    ];
    let found = full(&[&by_far[..], &[("share", "30")]].concat()).finds("cipher-suboptimal");
    assert!(found.explanation.contains("wait 60 %"), "{found:#?}");
    // Unless it isn't the cipher that takes what they get.
    full(&[&by_far[..], &[("share", "5")]].concat()).finds("cpu-crypto-bound");
    // On a processor that it is held to, it is the holding.
    let held = [("allowed", "1"), ("waits", "80")];
    full(&held).finds("single-sa-single-core");
}

#[test]
fn a_quota_of_processor_time_is_no_setting_of_threads() {
    let quota = [("threads", "1"), ("waits", "70"), ("throttled", "60")];
    let found = full(&quota).finds("cpu-crypto-bound");
    assert!(found.fix.local.contains("CPUQuota="), "{found:#?}");
    assert!(!found.fix.local.contains("`threads`"), "{found:#?}");
    // One thread that nobody has configured, for whatever reason.
    let found = full(&[("threads", "1")]).finds("cpu-crypto-bound");
    assert!(found.summary.starts_with("the thread"), "{found:#?}");
}
