#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use super::*;
use crate::probing::Carrier;
use crate::sample;

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
    let situation = Situation {
        connection: Arc::new(sample::connection("office")),
        peer: Some("192.0.2.2".parse().unwrap()),
        up: true,
        local: None,
        children: Vec::new(),
        carrier: Carrier::Device("adit0".to_owned()),
        ports: Vec::new(),
        nat_port: 4500,
        in_udp: None,
        policies: Vec::new(),
        status_urls: Vec::new(),
        load: None,
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
