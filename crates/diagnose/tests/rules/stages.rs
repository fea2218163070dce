//! How far an attempt got, and what that leaves out: credentials that were never used, sends that never left, the user's
//! own stage, and the second phase of IKEv1.

use std::collections::BTreeMap;

use adit_model::event::{Asked, Happening, MessageInfo, PathProblem};
use adit_model::fact::{Fact, Known, Side, Source};
use adit_model::host::{HostState, Listing, Route};
use adit_model::now::Wall;
use adit_model::sign::Sign;
use adit_model::traffic::SaTraffic;

use crate::common::*;

/// A story whose daemon said, before anything else, that a private key didn't load.
fn key_not_loaded(at: Option<Wall>, head: &str) -> Story {
    let mut story = Story::new();
    story.case.facts.push(Fact {
        source: Source {
            name: "east events".into(),
            line: Some(0),
            text: format!("{head}building CRED_PRIVATE_KEY - RSA failed, tried 9 builders"),
        },
        at,
        side: There,
        subject: None,
        role: None,
        what: Known::Sign {
            sign: Sign::PrivateKeyMissing,
            values: BTreeMap::new(),
        },
    });
    story
}

#[test]
fn a_key_that_did_not_load_is_no_cause_where_no_key_is_used() {
    let init = |at, head| {
        key_not_loaded(at, head)
            .received(There, Responder, "IKE_SA_INIT", false)
            .sent(There, Responder, "IKE_SA_INIT", true)
    };
    let logged = Some(Wall(1));
    let verdict = init(logged, "").verdict();
    assert!(verdict.cause().is_none(), "{verdict:?}");
    assert!(verdict.names("private-key-missing"));
    // Somebody puts it before the log, where it has no time: that is what is complained of.
    init(None, "").cause("private-key-missing");
    // What a daemon prints in the foreground has no time either.
    let printed = init(None, "00[LIB] ").verdict();
    assert!(printed.cause().is_none(), "{printed:?}");
    // Once a proof is asked for it is.
    let asked = init(logged, "").received(There, Responder, "IKE_AUTH", false);
    asked.cause("private-key-missing");
}

fn send_fails(story: Story, errno: i32) -> Story {
    story.event(
        Local,
        Initiator,
        Happening::PathFailed {
            problem: PathProblem::LocalSend(errno),
            offender: None,
            remote_port: 500,
        },
    )
}

fn again(story: Story) -> Story {
    story.event(
        Local,
        Initiator,
        Happening::Retransmitted {
            exchange: "IKE_SA_INIT".into(),
            message_id: 0,
            attempt: 1,
        },
    )
}

#[test]
fn where_every_send_fails_nothing_beyond_the_host_is_at_fault() {
    let each = send_fails(again(send_fails(Story::new().initiating(), 22)), 22).verdict();
    assert_eq!(each.cause(), Some("local-address-missing"));
    for beyond in ["udp500-blocked", "daemon-not-running", "peer-address-wrong"] {
        assert!(
            each.ruled_out.iter().any(|r| r.cause == beyond),
            "{beyond}: {each:?}"
        );
    }
    // One failure among repetitions that left the host decides nothing.
    let once = again(again(send_fails(Story::new().initiating(), 22))).verdict();
    assert!(
        once.cause().is_none() && once.names("udp500-blocked"),
        "{once:?}"
    );
}

fn auth(story: Story, response: bool, id: u32, payloads: &[&str]) -> Story {
    let message = MessageInfo {
        exchange: "IKE_AUTH".into(),
        message_id: id,
        response,
        payloads: payloads.iter().map(|p| (*p).to_owned()).collect(),
        octets: 0,
    };
    let what = if response {
        Happening::Received(message)
    } else {
        Happening::Sent(message)
    };
    story.event(Local, Initiator, what)
}

#[test]
fn a_failure_in_the_users_stage_is_the_users() {
    let proved = || {
        let begun = Story::new().initiating().init_done(false);
        let asked = auth(begun, false, 1, &["IDi", "SA", "TSi", "TSr"]);
        auth(asked, true, 1, &["IDr", "AUTH", "EAP/REQ/ID"])
    };
    let failed = |payloads: &[&str]| {
        let answered = auth(proved(), false, 2, &["EAP/RES/ID"]);
        auth(answered, true, 2, payloads).peer_refused(
            "IKE_AUTH",
            24,
            "AUTHENTICATION_FAILED",
            Asked::default(),
        )
    };
    failed(&["EAP/FAIL", "N(AUTHENTICATION_FAILED)"]).cause("eap-xauth-failure");
    failed(&["N(AUTHENTICATION_FAILED)"]).cause("eap-xauth-failure");
    // The last AUTH of EAP carries keys that EAP made, and no answer of a user.
    let keys = auth(proved(), false, 3, &["AUTH"]);
    let keys = auth(keys, true, 3, &["N(AUTHENTICATION_FAILED)"])
        .peer_refused("IKE_AUTH", 24, "AUTHENTICATION_FAILED", Asked::default())
        .verdict();
    assert_ne!(keys.cause(), Some("eap-xauth-failure"));
}

#[test]
fn a_protected_refusal_of_quick_mode_is_about_esp_and_names_the_group_beside_it() {
    let finding = Story::new()
        .event(
            Local,
            Initiator,
            Happening::Initiating {
                proposals: Vec::new(),
            },
        )
        .sent(Local, Initiator, "MI1", false)
        .established(Local, Initiator)
        .sent(Local, Initiator, "QI1", false)
        .peer_refused("CHILD_SA net", 14, "NO_PROPOSAL_CHOSEN", Asked::default())
        .known(Local, said(Sign::ChildRequestRefused))
        .cause("esp-proposal-mismatch");
    assert!(finding.explanation.contains("PFS"), "{finding:?}");
}

fn said(sign: Sign) -> Known {
    Known::Sign {
        sign,
        values: BTreeMap::new(),
    }
}

fn carried(story: Story, side: Side, networks: (&str, &str), sent: u64, received: u64) -> Story {
    let traffic = Box::new(SaTraffic {
        name: Some(format!("{side:?} {}", networks.0)),
        networks: Some((networks.0.into(), networks.1.into())),
        octets_in: Some(received),
        octets_out: Some(sent),
        ..SaTraffic::default()
    });
    story.known(side, Known::Carried { traffic })
}

#[test]
fn two_ends_of_a_tunnel_are_no_two_tunnels() {
    let (a, b) = ("10.1.0.0/24", "10.2.0.0/24");
    let twice = carried(Story::new(), Local, (a, b), 240, 0);
    let same_side = carried(twice, Local, ("10.1.0.0/24 ", b), 0, 240);
    same_side.cause("redundant-tunnel-asymmetry");
    let ends = carried(Story::new(), Local, (a, b), 240, 0);
    let ends = carried(ends, Local, (b, a), 0, 240).verdict();
    assert!(ends.cause().is_none(), "{ends:?}");
}

fn host(story: Story, side: Side, state: HostState) -> Story {
    let state = Box::new(state);
    story.known(side, Known::Host { state })
}

fn route(network: &str) -> HostState {
    HostState::Route(Route {
        network: network.into(),
        device: Some("eth1".into()),
        ..Route::default()
    })
}

const WHOLE: HostState = HostState::Listed {
    what: Listing::Routes,
    entries: 2,
};

#[test]
fn a_whole_table_without_the_other_ends_network_is_why_nothing_returns() {
    let up = || {
        let up = Story::new().child_up(Local, Initiator);
        let (ours, theirs) = networks(&up);
        let sends = carried(up, Local, (&ours, &theirs), 240, 0);
        (host(sends, There, route(&theirs)), ours)
    };
    let (story, _) = up();
    let finding = host(story, There, WHOLE).cause("route-to-remote-subnet-missing");
    assert_eq!(finding.side, adit_diagnose::AtFault::Remote);
    // A table that isn't known to be whole may have it, and one that has it isn't at fault.
    let (story, ours) = up();
    assert_ne!(
        story.verdict().cause(),
        Some("route-to-remote-subnet-missing")
    );
    let has = host(host(story, There, WHOLE), There, route(&ours));
    assert_ne!(
        has.verdict().cause(),
        Some("route-to-remote-subnet-missing")
    );
}

/// The networks of the CHILD SA that a story brought up.
fn networks(story: &Story) -> (String, String) {
    let mut all = story.case.facts.iter().filter_map(|f| match &f.what {
        Known::Happened {
            happening:
                Happening::ChildEstablished {
                    ts_local,
                    ts_remote,
                    ..
                },
        } => Some((ts_local[0].to_string(), ts_remote[0].to_string())),
        _ => None,
    });
    all.next().unwrap()
}
