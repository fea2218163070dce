//! Each fault that the demo injects, and the typed events it leaves on either side: what diagnosis has to work with.

#![allow(clippy::unwrap_used)]

mod common;

use adit_model::event::{Happening, PathProblem};
use adit_model::fact::{Known, Probe, ProbeOutcome, Side};
use adit_model::proposal::TransformKind;
use adit_model::reason::Refusal;
use adit_sim::{Block, Manner, Seen, Sites, V1Manner, V1Only};
use common::*;

/// Tries for a minute to bring the tunnel up, and checks that it doesn't come and that nothing leaves in clear.
fn fails(setting: Setting, fault: impl FnOnce(&mut Sites)) -> Sites {
    let mut sites = setting.build(1);
    sites.start();
    fault(&mut sites);
    sites.world.initiate(sites.west, TUNNEL).unwrap();
    let ping = sites
        .world
        .ping(sites.west_host, ip(EAST_HOST), 20, secs(1), 56);
    assert!(!sites.run_until_up(TUNNEL, secs(60)));
    assert_eq!(sites.world.ping_report(ping).received, 0);
    assert_eq!(sites.count(Seen::Clear), 0);
    sites
}

fn refusal(sites: &Sites) -> Refusal {
    find(&sites.world, sites.east, |h| match h {
        Happening::Refused { refusal, .. } => Some(refusal.clone()),
        _ => None,
    })
    .unwrap_or_else(|| panic!("east refused nothing\n{}", whole_story(sites)))
}

/// The name of the notify by which west learns of the refusal, protected or not.
fn notify(sites: &Sites) -> String {
    find(&sites.world, sites.west, |h| match h {
        Happening::PeerRefused { name, .. } | Happening::UnprotectedNotify { name, .. } => {
            Some(name.clone())
        }
        _ => None,
    })
    .unwrap_or_else(|| panic!("west was told nothing\n{}", whole_story(sites)))
}

fn gave_up(sites: &Sites) -> String {
    find(&sites.world, sites.west, |h| match h {
        Happening::GaveUp { exchange, .. } => Some(exchange.clone()),
        _ => None,
    })
    .unwrap_or_else(|| panic!("west never gave up\n{}", whole_story(sites)))
}

fn path_problem(sites: &Sites) -> Option<PathProblem> {
    find(&sites.world, sites.west, |h| match h {
        Happening::PathFailed { problem, .. } => Some(*problem),
        _ => None,
    })
}

/// Outcomes of the echo, of the IKE_SA_INIT to port 500 and of that to 4500.
fn probes(sites: &mut Sites) -> [ProbeOutcome; 3] {
    let probes = sites
        .world
        .probe(sites.west, TUNNEL, ip(EAST), secs(2))
        .unwrap();
    let outcomes: Vec<_> = probes
        .iter()
        .filter_map(|probe| match probe {
            Probe::Echo { outcome, .. } | Probe::IkeInit { outcome, .. } => Some(*outcome),
            _ => None,
        })
        .collect();
    outcomes.try_into().unwrap()
}

fn whole_story(sites: &Sites) -> String {
    story(&sites.world, &[sites.west, sites.east])
}

const ANSWERED_V2: ProbeOutcome = ProbeOutcome::AnsweredVersion(2);

#[test]
fn psk() {
    let setting = Setting {
        east_key: "another key",
        ..Setting::default()
    };
    let sites = fails(setting, |_| {});
    assert!(
        matches!(refusal(&sites), Refusal::AuthValue { .. }),
        "{}",
        whole_story(&sites)
    );
    assert_eq!(notify(&sites), "AUTHENTICATION_FAILED");
}

#[test]
fn id() {
    let mut setting = Setting::default();
    setting.east.remote_id = Some("branch.lab".parse().unwrap());
    let sites = fails(setting, |_| {});
    match refusal(&sites) {
        Refusal::PeerIdentity { received, expected } => {
            assert_eq!(received.to_string(), "west.lab");
            assert_eq!(expected.len(), 1);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(notify(&sites), "AUTHENTICATION_FAILED");
}

#[test]
fn proposal() {
    let mut setting = Setting::default();
    setting.east.ike = ike("aes256gcm16-prfsha256-x25519");
    let sites = fails(setting, |_| {});
    match refusal(&sites) {
        Refusal::NoIkeProposal { differs, .. } => assert_eq!(differs, [TransformKind::Encryption]),
        other => panic!("{other:?}"),
    }
    assert_eq!(notify(&sites), "NO_PROPOSAL_CHOSEN");
}

#[test]
fn dh() {
    let mut setting = Setting::default();
    setting.east.ike = ike("aes128gcm16-prfsha256-ecp384");
    let sites = fails(setting, |_| {});
    match refusal(&sites) {
        Refusal::NoIkeProposal { differs, .. } => assert_eq!(differs, [TransformKind::KeyExchange]),
        other => panic!("{other:?}"),
    }
    assert_eq!(notify(&sites), "NO_PROPOSAL_CHOSEN");
}

#[test]
fn esp_proposal() {
    let mut setting = Setting::default();
    setting.east.children[0].esp = esp("chacha20poly1305");
    let sites = fails(setting, |_| {});
    assert!(matches!(refusal(&sites), Refusal::NoEspProposal { .. }));
    assert_eq!(notify(&sites), "NO_PROPOSAL_CHOSEN");
}

#[test]
fn ts() {
    let mut setting = Setting::default();
    setting.east.children[0].local_ts = ["10.9.0.0/24", "fd00:9::/64"]
        .map(|t| t.parse().unwrap())
        .to_vec();
    let sites = fails(setting, |_| {});
    assert!(matches!(refusal(&sites), Refusal::TrafficSelectors { .. }));
    assert_eq!(notify(&sites), "TS_UNACCEPTABLE");
}

#[test]
fn udp500() {
    let mut sites = fails(Setting::default(), |sites| {
        sites
            .world
            .block(sites.internet, Block::Udp(500), Manner::Silent);
    });
    assert_eq!(gave_up(&sites), "IKE_SA_INIT");
    assert_eq!(path_problem(&sites), None);
    assert_eq!(sites.world.events(sites.east), [], "east never heard of it");
    let [echo, init500, init4500] = probes(&mut sites);
    assert!(matches!(echo, ProbeOutcome::Answered(_)));
    assert!(matches!(init500, ProbeOutcome::Silent(_)));
    assert_eq!(init4500, ANSWERED_V2);
}

#[test]
fn udp4500() {
    let mut sites = fails(Setting::default(), |sites| {
        sites
            .world
            .block(sites.internet, Block::Udp(4500), Manner::Silent);
    });
    assert_eq!(gave_up(&sites), "IKE_AUTH");
    let [echo, init500, init4500] = probes(&mut sites);
    assert!(matches!(echo, ProbeOutcome::Answered(_)));
    assert_eq!(init500, ANSWERED_V2);
    assert!(matches!(init4500, ProbeOutcome::Silent(_)));
}

#[test]
fn a_filter_that_says_so() {
    let sites = fails(Setting::default(), |sites| {
        sites
            .world
            .block(sites.internet, Block::Udp(500), Manner::Reject);
    });
    assert_eq!(path_problem(&sites), Some(PathProblem::AdminProhibited));
}

#[test]
fn peer_down() {
    let mut sites = fails(Setting::default(), |sites| {
        sites.world.set_power(sites.east, false);
    });
    assert_eq!(gave_up(&sites), "IKE_SA_INIT");
    assert_eq!(path_problem(&sites), Some(PathProblem::HostUnreachable));
    let failed = ProbeOutcome::Failed(PathProblem::HostUnreachable);
    assert_eq!(probes(&mut sites), [failed; 3]);
}

/// Where no router speaks up, a host that is off is silence.
#[test]
fn peer_down_behind_a_silent_network() {
    let mut sites = fails(Setting::default(), |sites| {
        sites
            .world
            .block(sites.internet, Block::Host(ip(EAST)), Manner::Silent);
    });
    assert_eq!(path_problem(&sites), None);
    assert!(
        probes(&mut sites)
            .iter()
            .all(|outcome| matches!(outcome, ProbeOutcome::Silent(_)))
    );
}

#[test]
fn daemon_not_running() {
    let mut sites = fails(Setting::default(), |sites| sites.world.kill(sites.east));
    assert_eq!(path_problem(&sites), Some(PathProblem::PortUnreachable));
    let [echo, init500, init4500] = probes(&mut sites);
    assert!(matches!(echo, ProbeOutcome::Answered(_)));
    assert_eq!(
        [init500, init4500],
        [ProbeOutcome::Failed(PathProblem::PortUnreachable); 2]
    );
}

#[test]
fn no_matching_connection() {
    let mut setting = Setting::default();
    setting.east.remote = adit_model::connection::Remote::Address(ip("203.0.113.77"));
    let sites = fails(setting, |_| {});
    assert!(
        matches!(refusal(&sites), Refusal::NoConnection { .. }),
        "{}",
        whole_story(&sites)
    );
}

#[test]
fn version() {
    let answered_v1 = ProbeOutcome::AnsweredVersion(1);
    for (manner, outcome) in [
        (V1Manner::InvalidMajorVersion, Some(answered_v1)),
        (V1Manner::NoProposalChosen, Some(ANSWERED_V2)),
        (V1Manner::Silent, None),
    ] {
        let mut sites = fails(Setting::default(), |sites| {
            sites
                .world
                .replace_by_v1_only(sites.east, V1Only { manner });
        });
        let version = find(&sites.world, sites.west, |h| match h {
            Happening::UnprotectedNotify { version, .. } => Some(*version),
            _ => None,
        });
        let expected = match outcome {
            Some(ProbeOutcome::AnsweredVersion(version)) => Some(version),
            _ => None,
        };
        assert_eq!(version, expected, "{manner:?}\n{}", whole_story(&sites));
        let [echo, init500, _] = probes(&mut sites);
        assert!(matches!(echo, ProbeOutcome::Answered(_)));
        match outcome {
            Some(outcome) => assert_eq!(init500, outcome),
            None => assert!(matches!(init500, ProbeOutcome::Silent(_))),
        }
    }
}

/// Both sides' evidence makes one case, in which the refusal and the notify that told of it are found side by side.
#[test]
fn evidence_of_both_sides_makes_one_case() {
    let setting = Setting {
        east_key: "another key",
        ..Setting::default()
    };
    let sites = fails(setting, |_| {});
    let case = sites.case(TUNNEL);
    assert_eq!(case.subject, TUNNEL);
    assert!(case.covers(Side::Local) && case.covers(Side::Remote));
    let side_of = |which: fn(&Happening) -> bool| {
        case.happenings()
            .find(|(_, h)| which(h))
            .map(|(fact, _)| fact.side)
    };
    assert_eq!(
        side_of(|h| matches!(h, Happening::PeerRefused { .. })),
        Some(Side::Local)
    );
    assert_eq!(
        side_of(|h| matches!(h, Happening::Refused { .. })),
        Some(Side::Remote)
    );
    for side in [Side::Local, Side::Remote] {
        let has = |which: fn(&Known) -> bool| case.of(side).any(|fact| which(&fact.what));
        assert!(has(|k| matches!(k, Known::Configured { .. })));
        assert!(has(|k| matches!(k, Known::Daemon { running: true })));
        assert!(has(|k| matches!(k, Known::TunnelState { up: false })));
    }
}
