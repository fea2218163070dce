#![allow(clippy::unwrap_used)]

use super::*;
use crate::probing::Carrier;
use crate::probing::testing::situation;

fn asked(protocol: Option<u8>) -> Asked {
    Asked {
        from: "10.1.0.1".parse().unwrap(),
        to: "10.2.0.2".parse().unwrap(),
        protocol,
        port: protocol.map(|_| 53),
        send: true,
        wait: ANSWER,
    }
}

fn told(asked: &Asked, evidence: &Evidence) -> Traced {
    by(Carrier::Device("adit0".to_owned()), asked, evidence)
}

fn by(carrier: Carrier, asked: &Asked, evidence: &Evidence) -> Traced {
    let situation = Situation {
        children: Vec::new(),
        carrier,
        ports: Vec::new(),
        ..situation("10.1.0.0/24", "10.2.0.0/24")
    };
    steps::traced(asked, &situation, false, evidence, &[])
}

#[test]
fn what_was_not_seen_is_not_said_to_come_back() {
    let mut evidence = Evidence {
        how: Some(How::Sent),
        problem: Some("count packets in table adit-trace: busy".to_owned()),
        ..Evidence::default()
    };
    let traced = told(&asked(None), &evidence);
    assert!(traced.open, "{traced:#?}");
    assert_eq!(traced.stopped, None);
    assert_eq!(traced.problem, evidence.problem);
    for said in ["can't be told", "not answered", "adit-trace: busy"] {
        assert!(traced.summary.contains(said), "{}", traced.summary);
    }
    // An answer shows it without counters; what else failed is told beside it.
    evidence.answered = Some(Duration::from_millis(3));
    let traced = told(&asked(None), &evidence);
    assert!(!traced.open);
    assert!(traced.summary.contains("is answered after"));
    assert_eq!(traced.problem, evidence.problem);
}

/// Nobody has to answer a datagram: silence is no fault, unlike after an echo.
#[test]
fn udp_that_is_not_answered_does_not_stay_beyond() {
    use crate::protocol::{WalkDirection, WalkStep};
    let sealed = |protocol| {
        let counts = (0..adit_kernel::watch::POINTS.len()).flat_map(|point| {
            [true, false].map(|first| {
                let spot = adit_kernel::watch::Spot {
                    onward: true,
                    point,
                    first,
                };
                (spot, 1)
            })
        });
        let evidence = Evidence {
            how: Some(How::Sent),
            counts: counts.collect(),
            walks: Some(vec![Walk {
                direction: WalkDirection::Out,
                steps: vec![WalkStep::Sealed { octets: 96 }],
            }]),
            ..Evidence::default()
        };
        told(&asked(protocol), &evidence)
    };
    let traced = sealed(Some(17));
    assert_eq!((&traced.stopped, traced.open), (&None, false));
    assert_eq!(traced.hops.last().unwrap().stage, "wire-out");
    assert!(traced.summary.contains("no answer came"), "{traced:#?}");
    let stop = sealed(None).stopped.unwrap();
    assert_eq!((&*stop.stage, &*stop.by), ("wire-in", "beyond"));
}

/// The kernel shows no packet on its way: its counters tell by which SA one left, and why none came back.
#[test]
fn the_kernels_counters_tell_what_it_did_with_a_packet() {
    let spots = |onward, points: std::ops::Range<usize>| {
        points.flat_map(move |point| {
            [true, false].map(|first| {
                let spot = adit_kernel::watch::Spot {
                    onward,
                    point,
                    first,
                };
                (spot, 1)
            })
        })
    };
    let state = |inbound, packets| Counted {
        spi: if inbound { 1 } else { 2 },
        inbound,
        packets,
        refused: [0; 3],
        missing: false,
    };
    let evidence = |states: &[Counted], dropped: &[&str]| Evidence {
        how: Some(How::Sent),
        counts: spots(true, 0..5).collect(),
        kernel: dropped.iter().map(|name| ((*name).to_owned(), 1)).collect(),
        states: Some(states.to_vec()),
        ..Evidence::default()
    };
    let in_kernel = |evidence: &Evidence| {
        let traced = by(Carrier::Kernel(None), &asked(None), evidence);
        let stop = traced.stopped.clone();
        (stop.unwrap_or_else(|| panic!("{traced:#?}")), traced)
    };
    // What other packets made grow is no reason for one that an SA has sealed.
    let left = [state(false, 1), state(true, 0)];
    let (stop, traced) = in_kernel(&evidence(&left, &["XfrmOutNoStates", "XfrmInNoStates"]));
    let stages: Vec<&str> = traced.hops.iter().map(|hop| hop.stage.as_str()).collect();
    assert!(
        stages.ends_with(&["policy", "sa", "wire-out", "sa"]),
        "{stages:?}"
    );
    assert_eq!((&*stop.stage, &*stop.by, stop.back), ("sa", "kernel", true));
    assert!(
        stop.reason
            .contains("XfrmInNoStates +1: ESP came under an SPI")
    );
    assert!(!stop.reason.contains("XfrmOut"), "{stop:?}");
    assert!(stop.fix.unwrap().contains("adit rekey office"));
    // Nothing counted: it is beyond what can be seen here.
    let (stop, _) = in_kernel(&evidence(&left, &[]));
    assert_eq!((&*stop.stage, &*stop.by), ("wire-in", "beyond"));
    // No SA has sealed it.
    let still = [state(false, 0), state(true, 0)];
    let (stop, _) = in_kernel(&evidence(&still, &["XfrmOutNoStates"]));
    assert!(
        stop.reason
            .contains("a policy wants an SA that isn't there")
    );
    let (stop, _) = in_kernel(&evidence(&still, &[]));
    assert_eq!(
        (&*stop.stage, &*stop.by, stop.back),
        ("policy", "kernel", false)
    );
    // A state refuses what came.
    let mut replayed = left.to_vec();
    replayed[1].refused[1] = 4;
    let (stop, _) = in_kernel(&evidence(&replayed, &["XfrmInStateSeqError"]));
    assert!(
        stop.reason.contains("SPI 00000001: 4 as a replay"),
        "{stop:?}"
    );
    assert!(stop.fix.unwrap().contains("replay_window"));
}
