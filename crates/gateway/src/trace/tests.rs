#![allow(clippy::unwrap_used)]

use adit_model::probed::{Check, Outcome};
use adit_model::traced::HopOutcome;

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
    with(carrier, true, asked, evidence, &[])
}

fn with(
    carrier: Carrier,
    up: bool,
    asked: &Asked,
    evidence: &Evidence,
    checks: &[Check],
) -> Traced {
    let situation = Situation {
        up,
        children: Vec::new(),
        carrier,
        ports: Vec::new(),
        ..situation("10.1.0.0/24", "10.2.0.0/24")
    };
    steps::traced(asked, &situation, false, evidence, checks)
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

fn spots(onward: bool, points: std::ops::Range<usize>) -> Vec<(adit_kernel::watch::Spot, u64)> {
    let spots = points.flat_map(|point| {
        [true, false].map(|first| {
            let spot = adit_kernel::watch::Spot {
                onward,
                point,
                first,
            };
            (spot, 1)
        })
    });
    spots.collect()
}

fn state(inbound: bool, packets: u64) -> Counted {
    Counted {
        spi: if inbound { 1 } else { 2 },
        inbound,
        packets,
        refused: [0; 3],
        missing: false,
        was_missing: false,
        appeared: false,
    }
}

/// A packet that was sent and left this host, with what the kernel has counted.
fn evidence(states: &[Counted], dropped: &[&str]) -> Evidence {
    Evidence {
        how: Some(How::Sent),
        counts: spots(true, 0..5),
        kernel: dropped.iter().map(|name| ((*name).to_owned(), 1)).collect(),
        states: Some(states.to_vec()),
        ..Evidence::default()
    }
}

fn in_kernel(evidence: &Evidence) -> (adit_model::traced::Stop, Traced) {
    let traced = by(Carrier::Kernel(None), &asked(None), evidence);
    let stop = traced.stopped.clone();
    (stop.unwrap_or_else(|| panic!("{traced:#?}")), traced)
}

/// The kernel shows no packet on its way: its counters tell by which SA one left, and why none came back.
#[test]
fn the_kernels_counters_tell_what_it_did_with_a_packet() {
    // What other packets made grow is no reason for one that an SA has sealed.
    let left = [state(false, 1), state(true, 0)];
    let (stop, traced) = in_kernel(&evidence(&left, &["XfrmOutNoStates"]));
    let stages: Vec<&str> = traced.hops.iter().map(|hop| hop.stage.as_str()).collect();
    assert!(
        stages.ends_with(&["policy", "sa", "wire-out", "wire-in"]),
        "{stages:?}"
    );
    assert_eq!((&*stop.by, stop.back), ("beyond", true));
    assert!(!stop.reason.contains("Xfrm"), "{stop:?}");
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
    // There is none.
    let (stop, _) = in_kernel(&evidence(&[], &[]));
    assert_eq!((&*stop.stage, &*stop.by), ("sa", "gateway"));
    // A state refuses what came.
    let mut replayed = left.to_vec();
    replayed[1].refused[1] = 4;
    let (stop, _) = in_kernel(&evidence(&replayed, &["XfrmInStateSeqError"]));
    assert!(
        stop.reason.contains("SPI 00000001: 4 as a replay"),
        "{stop:?}"
    );
    assert!(stop.fix.unwrap().contains("replay_window"));
    // There is no state any more by which the peer sends, and the kernel counts just that.
    let mut gone = left.to_vec();
    gone[1].missing = true;
    let (stop, _) = in_kernel(&evidence(&gone, &["XfrmInNoStates"]));
    assert_eq!((&*stop.stage, &*stop.by, stop.back), ("sa", "kernel", true));
    assert!(stop.reason.contains("XfrmInNoStates +1"), "{stop:?}");
}

/// Its counters are of the whole host: any ESP that strays makes them grow.
#[test]
fn what_the_kernel_drops_of_others_is_at_most_perhaps_the_reason() {
    for opened in [0, 1] {
        let silent = [state(false, 1), state(true, opened)];
        let (stop, _) = in_kernel(&evidence(&silent, &["XfrmInNoStates"]));
        assert_eq!((&*stop.stage, &*stop.by), ("wire-in", "beyond"), "{stop:?}");
        let perhaps = "perhaps the kernel's IPsec dropped it, which counts XfrmInNoStates +1";
        assert!(stop.reason.contains(perhaps), "{stop:?}");
        assert!(stop.fix.unwrap().contains("adit rekey office"));
    }
    // A packet out of order in a busy SA, and one of another tunnel's SA.
    let mut busy = [state(false, 1), state(true, 900)];
    busy[1].refused[0] = 1;
    let (stop, _) = in_kernel(&evidence(&busy, &["XfrmInStateSeqError"]));
    assert_eq!(&*stop.by, "beyond", "{stop:?}");
    let silent = [state(false, 1), state(true, 0)];
    let (stop, _) = in_kernel(&evidence(&silent, &["XfrmInStateSeqError"]));
    assert!(!stop.reason.contains("Xfrm"), "{stop:?}");
    // What isn't complete is met by what comes alone.
    let still = [state(false, 0), state(true, 0)];
    let (stop, _) = in_kernel(&evidence(&still, &["XfrmAcquireError"]));
    assert!(!stop.reason.contains("Xfrm"), "{stop:?}");
}

/// A tunnel that is down and has traffic makes counters grow all the time.
#[test]
fn a_fault_of_routing_is_none_of_the_kernels_ipsec() {
    let check = |id: &str| Check::new(id, Outcome::Finding, format!("found by {id}"));
    let here = Check::new("local-end", Outcome::Well, "this host").value("here", "yes");
    let not_forwarded = Evidence {
        counts: spots(true, 0..1),
        ..evidence(&[state(false, 0), state(true, 0)], &["XfrmOutNoStates"])
    };
    // Something is counted, but nothing of this packet.
    let not_sent = Evidence {
        counts: spots(false, 4..5),
        ..evidence(&[state(false, 0), state(true, 0)], &["XfrmOutNoStates"])
    };
    let stopped = |up, evidence: &Evidence, checks: &[Check]| {
        let traced = with(Carrier::Kernel(None), up, &asked(None), evidence, checks);
        let stop = traced.stopped.clone();
        stop.unwrap_or_else(|| panic!("{traced:#?}"))
    };
    for (evidence, checks) in [
        (&not_forwarded, vec![check("reverse-path")]),
        (&not_forwarded, vec![check("forwarding")]),
        (&not_forwarded, vec![check("routes-inside")]),
        (&not_sent, vec![here.clone(), check("routes-inside")]),
    ] {
        for up in [true, false] {
            let stop = stopped(up, evidence, &checks);
            assert_eq!(&*stop.by, "routing", "{stop:?}");
            assert!(stop.reason.contains("found by"), "{stop:?}");
            assert!(!stop.reason.contains("Xfrm"), "{stop:?}");
        }
    }
    // Where nothing is found, it may be that.
    for (evidence, checks) in [(&not_forwarded, vec![]), (&not_sent, vec![here.clone()])] {
        let stop = stopped(true, evidence, &checks);
        assert_eq!(&*stop.by, "routing", "{stop:?}");
        assert!(stop.reason.contains("perhaps the kernel's"), "{stop:?}");
        let stop = stopped(false, evidence, &checks);
        assert_eq!((&*stop.stage, &*stop.by), ("sa", "gateway"), "{stop:?}");
    }
}

/// Keys are renewed while a packet is on its way.
#[test]
fn an_sa_that_came_meanwhile_may_have_sealed_the_packet() {
    let mut old = state(false, 0);
    old.missing = true;
    let fresh = Counted {
        spi: 4,
        appeared: true,
        ..state(false, 1)
    };
    let came = [
        old.clone(),
        Counted {
            missing: true,
            ..state(true, 0)
        },
        fresh,
        Counted {
            spi: 3,
            appeared: true,
            ..state(true, 1)
        },
    ];
    let (stop, traced) = in_kernel(&evidence(&came, &[]));
    let sa = traced.hops.iter().find(|hop| hop.stage == "sa").unwrap();
    assert_eq!(sa.outcome, HopOutcome::Unseen, "{traced:#?}");
    assert!(sa.text.contains("SPI 00000004 is new"), "{sa:?}");
    assert_eq!(&*stop.by, "beyond", "{stop:?}");
    // The peer's packets came under an SPI that had no state before another pair was there.
    let mut late = came.clone();
    for state in late.iter_mut().filter(|state| state.inbound) {
        state.was_missing = true;
        state.packets = 0;
    }
    let (stop, _) = in_kernel(&evidence(&late, &[]));
    assert_eq!((&*stop.stage, &*stop.by), ("sa", "kernel"), "{stop:?}");
    assert!(stop.reason.contains("had no state with SPI 00000001"));
    // Of several pairs one is gone, and the other one has sealed nothing: that it is gone is no reason.
    let (stop, _) = in_kernel(&evidence(&[old, state(false, 0)], &[]));
    assert_eq!((&*stop.stage, &*stop.by), ("policy", "kernel"), "{stop:?}");
}
