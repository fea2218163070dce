//! What listings and counters of a tunnel that is up leave possible: the table of four counters, pings by size.

use adit_diagnose::{Answer, Verdict, diagnose};
use adit_model::fact::{Case, Fact, Known, Side, Source};
use adit_model::host::{HostState, KernelPolicy, KernelSa, Template};
use adit_model::sign::Sign;
use adit_model::traffic::SaTraffic;

struct Shown(Case);

impl Shown {
    fn new() -> Self {
        Self(Case {
            subject: "office".into(),
            ..Case::default()
        })
    }

    fn fact(mut self, side: Side, what: Known) -> Self {
        let line = self.0.facts.len() as u64 + 1;
        self.0.facts.push(Fact {
            source: Source {
                name: format!("{side:?}"),
                line: Some(line),
                text: format!("{what:?}"),
            },
            at: None,
            side,
            subject: None,
            role: None,
            what,
        });
        self
    }

    fn carried(self, side: Side, sent: u64, received: u64) -> Self {
        let traffic = Box::new(SaTraffic {
            packets_in: Some(received),
            packets_out: Some(sent),
            ..SaTraffic::default()
        });
        self.fact(side, Known::Carried { traffic })
    }

    fn ping(self, size: u32, received: u64) -> Self {
        let state = Box::new(HostState::Ping {
            to: "10.2.0.9".into(),
            from: None,
            size,
            whole: true,
            sent: 3,
            received,
        });
        self.fact(Side::Local, Known::Host { state })
    }

    fn sign(self, sign: Sign) -> Self {
        let values = [("count".to_owned(), "9".to_owned())].into();
        self.fact(Side::Local, Known::Sign { sign, values })
    }

    fn verdict(self) -> Verdict {
        diagnose(&self.0)
    }
}

fn possible(verdict: &Verdict) -> Vec<&str> {
    verdict.possible.iter().map(|p| p.cause.as_str()).collect()
}

#[test]
fn four_counters_name_where_packets_are_lost() {
    for (ours, theirs, first) in [
        ((0, 0), (0, 0), "route-to-remote-subnet-missing"),
        ((9, 0), (0, 0), "esp-blocked-one-way"),
        ((9, 0), (0, 9), "return-route-missing-behind-gateway"),
        ((0, 9), (9, 0), "return-route-missing-behind-gateway"),
        ((9, 0), (9, 9), "esp-blocked-one-way"),
        ((9, 9), (9, 0), "esp-blocked-one-way"),
    ] {
        let verdict = Shown::new()
            .carried(Side::Local, ours.0, ours.1)
            .carried(Side::Remote, theirs.0, theirs.1)
            .verdict();
        assert_eq!(verdict.verdict, Answer::Undecided, "{ours:?} {theirs:?}");
        assert_eq!(
            possible(&verdict).first(),
            Some(&first),
            "{ours:?} {theirs:?}"
        );
    }
}

#[test]
fn one_sides_counters_decide_nothing() {
    let sends = Shown::new().carried(Side::Local, 9, 0).verdict();
    assert_eq!(sends.verdict, Answer::Undecided);
    assert!(possible(&sends).contains(&"asymmetric-routing-bypass"));
    let idle = Shown::new().carried(Side::Local, 0, 0).verdict();
    assert!(possible(&idle).is_empty());
}

#[test]
fn size_alone_is_a_black_hole_and_what_else_it_may_be_is_named() {
    let verdict = Shown::new().ping(1200, 3).ping(1440, 0).verdict();
    assert_eq!(verdict.cause(), Some("pmtu-blackhole"));
    let others: Vec<&str> = verdict.ruled_out.iter().map(|r| r.cause.as_str()).collect();
    // Tests of icmp_fragneeded_filtered and mss_clamp_missing: they fit, and the size decides for the wider cause.
    for other in ["icmp-fragneeded-filtered", "mss-clamp-missing"] {
        assert!(others.contains(&other), "{other}");
    }
}

#[test]
fn a_router_that_answers_rules_out_icmp_fragneeded_filtered() {
    let verdict = Shown::new()
        .ping(1200, 3)
        .ping(1440, 0)
        .sign(Sign::FragmentationNeeded)
        .verdict();
    let ruled = verdict
        .ruled_out
        .iter()
        .find(|r| r.cause == "icmp-fragneeded-filtered");
    assert!(ruled.is_some_and(|r| r.because.contains("arrives")));
}

#[test]
fn sockets_that_refuse_large_messages_may_be_mss_clamp_missing() {
    let verdict = Shown::new().sign(Sign::PacketTooBig).verdict();
    assert_eq!(verdict.verdict, Answer::Undecided);
    assert!(possible(&verdict).contains(&"mss-clamp-missing"));
}

#[test]
fn replays_may_come_of_qos_after_encryption() {
    let verdict = Shown::new().sign(Sign::EspReplayed).verdict();
    assert_eq!(verdict.cause(), Some("anti-replay-drops"));
    assert!(
        verdict
            .ruled_out
            .iter()
            .any(|r| r.cause == "qos-after-encryption")
    );
}

/// A policy that goes first and has no SA, the one that has, and so many others.
fn two_policies_and(others: usize) -> Shown {
    let policy = |to: &str, priority: u32, reqid: u32| {
        let template = Template {
            from: "192.0.2.1".into(),
            to: "198.51.100.7".into(),
            reqid,
            mode: "tunnel".into(),
        };
        let policy = KernelPolicy {
            from: "10.1.0.0/24".into(),
            to: to.into(),
            direction: "out".into(),
            priority,
            templates: vec![template],
            ..KernelPolicy::default()
        };
        Known::Host {
            state: Box::new(HostState::Policy(policy)),
        }
    };
    let sa = KernelSa {
        from: "192.0.2.1".into(),
        to: "198.51.100.7".into(),
        spi: 0xc1a2_b3c4,
        reqid: Some(2),
        mode: "tunnel".into(),
        ..KernelSa::default()
    };
    let state = Box::new(HostState::Sa(sa));
    (0..others).fold(
        Shown::new()
            .fact(Side::Local, policy("10.2.0.0/16", 1, 1))
            .fact(Side::Local, policy("10.2.0.0/24", 2, 2))
            .fact(Side::Local, Known::Host { state }),
        |shown, _| shown.fact(Side::Local, policy("10.9.0.0/24", 9, 9)),
    )
}

#[test]
fn an_sa_that_a_list_which_may_be_cut_does_not_show_is_not_missing() {
    let found = |others| two_policies_and(others).verdict().cause().is_some();
    assert!(found(0));
    assert!(!found(254));
}
