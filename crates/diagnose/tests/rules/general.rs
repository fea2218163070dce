//! What holds across rules.

use adit_diagnose::{Answer, AtFault, diagnose, explain, nearest, rules};
use adit_model::event::{Asked, Happening, Party, PathProblem};
use adit_model::fact::{Case, Known};
use adit_model::product::Product;
use adit_model::reason::Refusal;

use crate::common::*;

#[test]
fn an_empty_case_asks_for_an_attempt() {
    let ours = Case {
        products: [(Local, Product::Adit)].into(),
        ..Case::default()
    };
    let verdict = diagnose(&ours);
    assert_eq!(verdict.verdict, Answer::Undecided);
    assert!(verdict.missing[0].collect.contains("adit up"));
    // Of whom nothing is known, each product's words are told, and not ours.
    let verdict = diagnose(&Case::default());
    let collect = &verdict.missing[0].collect;
    assert!(collect.contains("ipsec") && !collect.contains("adit up"));
    let verdict = Story::new().undecided(&[]);
    assert!(verdict.possible.is_empty());
}

#[test]
fn up_is_healthy_whoever_says_so() {
    let up = Story::new()
        .initiating()
        .init_done(true)
        .established(Local, Initiator)
        .child_up(Local, Initiator);
    let verdict = up.verdict();
    assert_eq!(verdict.verdict, Answer::Healthy);
    assert!(verdict.notes.iter().any(|n| n.contains("behind a NAT")) || verdict.notes.is_empty());
    assert_eq!(
        Story::new()
            .our_init(false)
            .child_up(Local, Responder)
            .verdict()
            .verdict,
        Answer::Healthy
    );
    assert_eq!(
        Story::new()
            .known(Local, Known::TunnelState { up: true })
            .verdict()
            .verdict,
        Answer::Healthy
    );
    // A drop or a rekey that replaces the old SA changes nothing.
    let busy = up
        .event(
            Local,
            Initiator,
            Happening::Dropped {
                reason: adit_model::drops::DropReason::EspReplay,
                detail: String::new(),
            },
        )
        .event(
            Local,
            Initiator,
            Happening::IkeClosed {
                by: Party::Us,
                cause: "replaced".into(),
            },
        );
    assert_eq!(busy.verdict().verdict, Answer::Healthy);
}

#[test]
fn a_tunnel_that_the_peer_closed_is_not_healthy_and_has_no_invented_cause() {
    let finding = Story::new()
        .initiating()
        .init_done(false)
        .established(Local, Initiator)
        .child_up(Local, Initiator)
        .event(
            Local,
            Initiator,
            Happening::IkeClosed {
                by: Party::Peer,
                cause: "deleted".into(),
            },
        )
        .cause("peer-deleted-sa");
    assert!(finding.confidence < 0.75, "why it did isn't known");
    assert_eq!(finding.side, AtFault::Remote);
}

#[test]
fn the_other_role_of_the_same_moment_counts_and_old_ones_do_not() {
    let refusal = Refusal::AuthValue {
        claimed: "east.lab".parse().unwrap(),
        method: 2,
    };
    // Both sides try: our request is refused without a reason, and theirs by us with one.
    Story::new()
        .initiating()
        .init_done(false)
        .our_init(false)
        .refused(Local, Responder, "IKE_AUTH", refusal.clone())
        .peer_refused("IKE_AUTH", 24, "AUTHENTICATION_FAILED", asked_ids())
        .cause("psk-mismatch");
    // The peer's request is two attempts of ours ago.
    let verdict = Story::new()
        .our_init(false)
        .refused(Local, Responder, "IKE_AUTH", refusal.clone())
        .initiating()
        .gave_up("IKE_SA_INIT")
        .initiating()
        .gave_up("IKE_SA_INIT")
        .undecided(&["udp500-blocked"]);
    assert!(!verdict.names("psk-mismatch"));
    // What the other side saw long before our attempt is history.
    let verdict = Story::new()
        .their_init(false)
        .refused(There, Responder, "IKE_AUTH", refusal)
        .later(3600)
        .initiating()
        .gave_up("IKE_SA_INIT")
        .undecided(&["udp500-blocked"]);
    assert!(!verdict.names("psk-mismatch"));
}

#[test]
fn attempts_that_came_to_nothing_outweigh_a_reason_only_after_a_while() {
    let refusal = || Refusal::AuthValue {
        claimed: "east.lab".parse().unwrap(),
        method: 2,
    };
    let abandoned = |story: Story| {
        story.our_init(true).event(
            Local,
            Responder,
            Happening::IkeClosed {
                by: Party::Us,
                cause: "failed".into(),
            },
        )
    };
    let refused = || {
        Story::new()
            .our_init(true)
            .refused(Local, Responder, "IKE_AUTH", refusal())
    };
    abandoned(abandoned(abandoned(refused()))).cause("psk-mismatch");
    abandoned(refused().later(3600)).cause("psk-mismatch");
    abandoned(abandoned(abandoned(refused().later(60)))).cause("udp4500-blocked");
}

#[test]
fn a_probe_at_the_peer_does_not_hide_the_reason() {
    let refusal = Refusal::AuthValue {
        claimed: "west.lab".parse().unwrap(),
        method: 2,
    };
    Story::new()
        .initiating()
        .init_done(false)
        .their_init(false)
        .refused(There, Responder, "IKE_AUTH", refusal)
        .peer_refused("IKE_AUTH", 24, "AUTHENTICATION_FAILED", Asked::default())
        .their_init(false)
        .event(
            There,
            Responder,
            Happening::IkeClosed {
                by: Party::Us,
                cause: "failed".into(),
            },
        )
        .cause("psk-mismatch");
}

/// A probe or a scan comes from the same address as the tunnel's requests, and is refused for reasons of its own.
#[test]
fn what_the_peer_refused_of_a_probe_is_not_blamed() {
    let stranger = || Refusal::NoIkeProposal {
        offered: vec![ike("aes256-sha256-modp2048")],
        configured: vec![ike("aes128gcm16-prfsha256-x25519")],
        differs: vec![adit_model::proposal::TransformKind::Encryption],
    };
    let probed = |story: Story| {
        story
            .received(There, Responder, "IKE_SA_INIT", false)
            .refused(There, Responder, "IKE_SA_INIT", stranger())
    };
    let psk = Refusal::AuthValue {
        claimed: "west.lab".parse().unwrap(),
        method: 2,
    };
    let told = || {
        Story::new().initiating().init_done(false).peer_refused(
            "IKE_AUTH",
            24,
            "AUTHENTICATION_FAILED",
            asked_ids(),
        )
    };
    let both = told()
        .their_init(false)
        .refused(There, Responder, "IKE_AUTH", psk.clone());
    probed(both).cause("psk-mismatch");
    let nothing = Story::new().initiating().gave_up("IKE_SA_INIT");
    let answered = adit_model::fact::ProbeOutcome::AnsweredVersion(2);
    probed(nothing.echo(true).ike_probe(4500, answered)).cause("udp500-blocked");
    let floated = Story::new()
        .initiating()
        .init_done(true)
        .gave_up("IKE_AUTH");
    probed(floated).cause("udp4500-blocked");
    // The same when it is we who were probed.
    told()
        .received(Local, Responder, "IKE_SA_INIT", false)
        .refused(Local, Responder, "IKE_SA_INIT", stranger())
        .undecided(&["psk-mismatch", "id-mismatch"]);
    // What the tunnel's own request was refused for still counts.
    let own = Story::new()
        .initiating()
        .unprotected(14, "NO_PROPOSAL_CHOSEN", 2)
        .gave_up("IKE_SA_INIT");
    probed(own).cause("ike-proposal-mismatch");
}

#[test]
fn every_rule_has_a_page_whose_look_alikes_ask_a_question() {
    for rule in rules() {
        let page = explain(rule.id).unwrap();
        for text in [
            page.title,
            page.what,
            page.initiator,
            page.responder,
            page.source,
        ] {
            assert!(!text.is_empty(), "{}", rule.id);
        }
        assert!(
            page.fix.iter().any(|(product, _)| *product == "any"),
            "{}",
            rule.id
        );
        assert!(
            page.look_alikes.iter().all(|(_, q)| q.ends_with('?')),
            "{}",
            rule.id
        );
        assert!(!rule.needs.is_empty(), "{}", rule.id);
        assert_eq!(rules().filter(|r| r.id == rule.id).count(), 1);
    }
    assert_eq!(explain("psk-missmatch"), None);
    assert_eq!(nearest("psk-missmatch"), Some("psk-mismatch"));
    assert_eq!(nearest("version"), Some("ike-version-mismatch"));
    assert_eq!(nearest("banana"), None);
}

#[test]
fn a_tunnel_whose_peer_has_fallen_silent_is_not_called_faultless() {
    let up = Story::new()
        .initiating()
        .init_done(true)
        .established(Local, Initiator)
        .child_up(Local, Initiator);
    let faultless = "nothing is wrong";
    assert!(up.verdict().summary.contains(faultless));
    let asked = up.event(
        Local,
        Initiator,
        Happening::Retransmitted {
            exchange: "INFORMATIONAL".into(),
            message_id: 2,
            attempt: 1,
        },
    );
    let verdict = asked.verdict();
    assert_eq!(verdict.verdict, Answer::Healthy, "nobody knows better yet");
    assert!(!verdict.summary.contains(faultless), "{}", verdict.summary);
    let answered = asked.event(Local, Initiator, Happening::PeerAlive);
    assert!(answered.verdict().summary.contains(faultless));
}

// This test compares files, which the crate itself never touches.
#[allow(clippy::disallowed_methods)]
#[test]
fn every_rule_stands_in_the_file_of_its_name_and_is_shown_by_a_test() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/");
    let names = |dir: String| -> Vec<String> {
        std::fs::read_dir(dir)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let layers = names(format!("{root}src/rules"));
    let tests: String = names(format!("{root}tests/rules"))
        .iter()
        .map(|t| std::fs::read_to_string(format!("{root}tests/rules/{t}")).unwrap())
        .collect();
    let pastes = names(format!("{root}../testkit/tests/pastes"));
    for rule in rules() {
        let name = rule.id.replace('-', "_");
        let found = layers.iter().any(|layer| {
            std::fs::read_to_string(format!("{root}src/rules/{layer}/{name}.rs"))
                .is_ok_and(|text| text.contains(&format!("id: \"{}\"", rule.id)))
        });
        assert!(found, "{}", rule.id);
        assert!(
            tests.contains(&format!("fn {name}"))
                || tests.contains(&format!("_{name}"))
                || pastes
                    .iter()
                    .any(|p| p.starts_with(&format!("{}--", rule.id))),
            "{} has no test",
            rule.id
        );
    }
}

/// No case of one side's evidence makes a verdict both sure and wrong: for each fault, what one side sees either
/// decides rightly or leaves the truth open.
#[test]
fn one_side_alone_is_never_sure_and_wrong() {
    let auth_failed = || {
        Story::new()
            .configured(Local, west())
            .initiating()
            .init_done(false)
            .peer_refused("IKE_AUTH", 24, "AUTHENTICATION_FAILED", asked_ids())
    };
    let no_proposal = || {
        Story::new()
            .initiating()
            .unprotected(14, "NO_PROPOSAL_CHOSEN", 2)
            .gave_up("IKE_SA_INIT")
    };
    let silent = || {
        Story::new()
            .configured(Local, west())
            .initiating()
            .gave_up("IKE_SA_INIT")
    };
    let rows: Vec<(&str, Story)> = vec![
        ("psk-mismatch", auth_failed()),
        ("id-mismatch", auth_failed()),
        ("psk-not-found", auth_failed()),
        ("auth-method-mismatch", auth_failed()),
        ("no-matching-connection-on-responder", auth_failed()),
        ("ike-proposal-mismatch", no_proposal()),
        ("ike-dh-group-mismatch", no_proposal()),
        ("ike-version-mismatch", no_proposal()),
        ("no-matching-connection-on-responder", no_proposal()),
        ("udp500-blocked", silent()),
        ("peer-unreachable", silent().echo(false)),
        ("udp500-blocked", silent().echo(false)),
        ("daemon-not-running", silent().echo(false)),
        ("udp500-reply-blocked", silent().echo(false)),
        ("no-matching-connection-on-responder", silent().echo(false)),
        ("ike-version-mismatch", silent()),
        ("udp500-blocked", silent().echo(true)),
        ("daemon-not-running", silent().echo(true)),
        ("udp500-reply-blocked", silent().echo(true)),
        ("no-matching-connection-on-responder", silent().echo(true)),
        ("ike-version-mismatch", silent().echo(true)),
    ];
    for (truth, story) in rows {
        let verdict = story.verdict();
        assert!(verdict.names(truth), "{truth}: {verdict:#?}");
        if let Some(finding) = verdict.findings.first() {
            assert_eq!(finding.cause, truth);
        }
    }
}

#[test]
fn a_probe_of_before_condemns_no_tunnel_that_is_up() {
    use adit_model::fact::{Probe, ProbeOutcome};
    use adit_model::host::HostState;
    let ping = |received| Known::Host {
        state: Box::new(HostState::Ping {
            to: "10.2.0.2".into(),
            from: None,
            size: 56,
            whole: false,
            sent: 5,
            received,
        }),
    };
    for errno in [1, 101] {
        let story = Story::new()
            .known(Local, Known::TunnelState { up: true })
            .known(
                Local,
                Known::Probed {
                    probe: Probe::IkeInit {
                        to: EAST.parse().unwrap(),
                        port: 500,
                        outcome: ProbeOutcome::Failed(PathProblem::LocalSend(errno)),
                    },
                },
            )
            .known(Local, ping(5));
        let verdict = story.verdict();
        assert_eq!(verdict.verdict, Answer::Healthy, "{verdict:#?}");
    }
}
