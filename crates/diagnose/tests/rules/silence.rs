//! Silence, and what tells its causes apart.

use adit_diagnose::{Answer, AtFault, diagnose};
use adit_model::event::{Happening, Party, PathProblem};
use adit_model::fact::{Known, Probe, ProbeOutcome};

use crate::common::*;

const SILENT: ProbeOutcome = ProbeOutcome::Silent(2000);
const V2: ProbeOutcome = ProbeOutcome::AnsweredVersion(2);

fn unanswered() -> Story {
    Story::new()
        .configured(Local, west())
        .initiating()
        .gave_up("IKE_SA_INIT")
}

#[test]
fn silence_of_everything_leaves_the_path_the_port_and_the_daemon() {
    let story = unanswered()
        .echo(false)
        .ike_probe(500, SILENT)
        .ike_probe(4500, SILENT);
    let verdict = story.undecided(&["peer-unreachable", "udp500-blocked", "daemon-not-running"]);
    assert_eq!(verdict.possible[0].cause, "peer-unreachable");
    assert!(
        !verdict
            .missing
            .iter()
            .any(|m| m.evidence.contains("answers at all")),
        "the echo was made"
    );
    // Without any probe they remain as well, and the probes are asked for.
    let verdict =
        unanswered().undecided(&["peer-unreachable", "udp500-blocked", "daemon-not-running"]);
    assert!(
        verdict
            .missing
            .iter()
            .any(|m| m.evidence.contains("IKE answers"))
    );
}

#[test]
fn an_echo_answered_rules_the_path_out_and_leaves_the_rest() {
    let story = unanswered()
        .echo(true)
        .ike_probe(500, SILENT)
        .ike_probe(4500, SILENT);
    let verdict = story.undecided(&[
        "udp500-blocked",
        "daemon-not-running",
        "no-matching-connection-on-responder",
        "udp500-reply-blocked",
        "ike-version-mismatch",
    ]);
    assert!(!verdict.names("peer-unreachable"));
    assert!(
        verdict
            .ruled_out
            .iter()
            .any(|r| r.cause == "peer-unreachable")
    );
}

#[test]
fn udp500_blocked_when_ike_answers_on_4500_only() {
    let story = unanswered()
        .echo(true)
        .ike_probe(500, SILENT)
        .ike_probe(4500, V2);
    let finding = story.cause("udp500-blocked");
    assert_eq!(finding.side, AtFault::Path);
    assert!((0.85..0.95).contains(&finding.confidence));
    // The peer's evidence shows the probe; that is no request of the tunnel's.
    unanswered()
        .their_init(false)
        .ike_probe(500, SILENT)
        .ike_probe(4500, V2)
        .covers(There)
        .cause("udp500-blocked");
}

#[test]
fn udp500_blocked_when_the_peer_sees_nothing() {
    let story = unanswered()
        .echo(true)
        .covers(There)
        .known(There, Known::Daemon { running: true });
    story.cause("udp500-blocked");
    // Nobody answers an echo either: it may as well be the path.
    unanswered()
        .echo(false)
        .covers(There)
        .undecided(&["peer-unreachable", "udp500-blocked"]);
}

#[test]
fn udp500_blocked_by_a_filter_that_says_so() {
    let finding = unanswered()
        .icmp(PathProblem::AdminProhibited, "10.0.0.254")
        .cause("udp500-blocked");
    assert!(finding.summary.contains("10.0.0.254"));
    unanswered()
        .icmp(PathProblem::PortUnreachable, "10.0.0.254")
        .cause("udp500-blocked");
    let finding = unanswered()
        .icmp(PathProblem::LocalSend(1), WEST)
        .cause("udp500-blocked");
    assert_eq!(finding.side, AtFault::Local);
}

#[test]
fn udp500_blocked_is_ruled_out_when_port_500_answers_now() {
    let verdict = unanswered().ike_probe(500, V2).verdict();
    assert!(!verdict.names("udp500-blocked") && !verdict.names("daemon-not-running"));
}

#[test]
fn udp500_reply_blocked_when_the_peer_answers_and_nothing_comes() {
    unanswered().their_init(false).cause("udp500-reply-blocked");
    // As responder: the peer repeats a request that we answered. Once may be a lost packet.
    let repeated = |story: Story| {
        story.event(
            Local,
            Responder,
            Happening::Dropped {
                reason: adit_model::drops::DropReason::IkeDuplicate,
                detail: "request 0".into(),
            },
        )
    };
    repeated(repeated(Story::new().our_init(false))).cause("udp500-reply-blocked");
    let once = diagnose(&repeated(Story::new().our_init(false)).case);
    assert!(!once.names("udp500-reply-blocked"));
}

#[test]
fn daemon_not_running_by_icmp_port_unreachable() {
    let finding = unanswered()
        .icmp(PathProblem::PortUnreachable, EAST)
        .cause("daemon-not-running");
    assert_eq!(finding.side, AtFault::Remote);
    Story::new()
        .configured(Local, west())
        .initiating()
        .icmp(PathProblem::PortUnreachable, EAST)
        .ike_probe(500, ProbeOutcome::Failed(PathProblem::PortUnreachable))
        .cause("daemon-not-running");
}

#[test]
fn daemon_not_running_here_or_there() {
    let control = Known::Probed {
        probe: Probe::Control { answers: false },
    };
    let finding = Story::new()
        .known(Local, control)
        .cause("daemon-not-running");
    assert_eq!(finding.side, AtFault::Local);
    // Even when the last thing that happened was that the tunnel came up.
    let finding = Story::new()
        .initiating()
        .init_done(false)
        .child_up(Local, Initiator)
        .known(Local, Known::Daemon { running: false })
        .cause("daemon-not-running");
    assert_eq!(finding.side, AtFault::Local);
    let finding = unanswered()
        .known(There, Known::Daemon { running: false })
        .cause("daemon-not-running");
    assert_eq!(finding.side, AtFault::Remote);
}

#[test]
fn peer_unreachable_by_icmp_and_by_route() {
    for problem in [PathProblem::HostUnreachable, PathProblem::NetUnreachable] {
        let finding = unanswered()
            .icmp(problem, "10.0.0.254")
            .cause("peer-unreachable");
        assert_eq!(finding.side, AtFault::Path);
        assert!(finding.summary.contains("10.0.0.254"));
    }
    let finding = unanswered()
        .icmp(PathProblem::LocalSend(101), WEST)
        .cause("peer-unreachable");
    assert_eq!(finding.side, AtFault::Local);
    let route = Known::Probed {
        probe: Probe::Route {
            to: EAST.parse().unwrap(),
            exists: false,
        },
    };
    assert_eq!(
        unanswered()
            .known(Local, route)
            .cause("peer-unreachable")
            .side,
        AtFault::Local
    );
    unanswered()
        .known(
            Local,
            Known::Probed {
                probe: Probe::Echo {
                    to: EAST.parse().unwrap(),
                    outcome: ProbeOutcome::Failed(PathProblem::HostUnreachable),
                },
            },
        )
        .cause("peer-unreachable");
}

#[test]
fn udp4500_blocked_after_the_float() {
    let story = || {
        Story::new()
            .configured(Local, west())
            .initiating()
            .init_done(true)
    };
    let finding = story().gave_up("IKE_AUTH").cause("udp4500-blocked");
    assert_eq!(finding.side, AtFault::Path);
    assert!(finding.notes.iter().any(|n| n == "we are behind a NAT"));
    let probed = story()
        .gave_up("IKE_AUTH")
        .ike_probe(500, V2)
        .ike_probe(4500, SILENT)
        .cause("udp4500-blocked");
    assert!(probed.confidence > finding.confidence);
    // Port 4500 answers: something else.
    let verdict = story().gave_up("IKE_AUTH").ike_probe(4500, V2).verdict();
    assert!(!verdict.names("udp4500-blocked"), "{verdict:#?}");
    // The peer received it.
    let verdict = story()
        .gave_up("IKE_AUTH")
        .their_init(true)
        .received(There, Responder, "IKE_AUTH", false)
        .verdict();
    assert!(!verdict.names("udp4500-blocked"), "{verdict:#?}");
}

#[test]
fn a_path_that_loses_the_first_message_too_blocks_no_port() {
    let repeated = |story: Story, exchange: &str, attempt| {
        let what = Happening::Retransmitted {
            exchange: exchange.into(),
            message_id: 0,
            attempt,
        };
        story.event(Local, Initiator, what)
    };
    let begun = || Story::new().configured(Local, west()).initiating();
    let probed = |story: Story| story.ike_probe(500, V2).ike_probe(4500, SILENT);
    let several = |mut story: Story, times| {
        for attempt in 1..=times {
            story = repeated(story, "IKE_AUTH", attempt);
        }
        probed(story)
    };
    several(begun().init_done(true), 2).cause("udp4500-blocked");
    let lossy = || repeated(begun(), "IKE_SA_INIT", 1).init_done(true);
    several(lossy(), 2).undecided(&["udp4500-blocked"]);
    // Two of three may be a path that loses much.
    let twice = repeated(repeated(begun(), "IKE_SA_INIT", 1), "IKE_SA_INIT", 2);
    several(twice.init_done(true), 3).undecided(&["udp4500-blocked", "underlay-loss-or-flap"]);
    // That many aren't lost by chance.
    several(lossy(), 8).cause("udp4500-blocked");
    // Nor are seven, where nearly everything else is answered; where most is lost, they are.
    let echoes = |story: Story, answered| {
        let to = EAST.parse().unwrap();
        let sent = 10;
        let probe = Probe::Echoes { to, sent, answered };
        story.known(Local, Known::Probed { probe })
    };
    echoes(several(begun().init_done(true), 2), 9).cause("udp4500-blocked");
    let verdict = echoes(several(begun().init_done(true), 6), 2).verdict();
    assert!(
        verdict
            .findings
            .iter()
            .all(|f| f.cause != "udp4500-blocked"),
        "{verdict:#?}"
    );
    assert!(
        verdict
            .findings
            .iter()
            .any(|f| f.cause == "underlay-loss-or-flap")
    );
    // Where no echo is answered, the first message says it, which is asked again beside the other.
    let asked_again = |story: Story, answered| {
        let (to, port, sent) = (EAST.parse().unwrap(), 500, 4);
        let probe = Probe::IkeRepeated {
            to,
            port,
            sent,
            answered,
        };
        story.known(Local, Known::Probed { probe })
    };
    asked_again(several(begun().init_done(true), 4), 4).cause("udp4500-blocked");
    asked_again(several(begun().init_done(true), 4), 1).undecided(&["udp4500-blocked"]);
    // A host that answers no echo shows no loss.
    echoes(several(begun().init_done(true), 2), 0).cause("udp4500-blocked");
}

/// A tunnel that came up by many repetitions isn't well because it is up; echoes that come back say that it is.
#[test]
fn a_tunnel_that_came_up_with_trouble_is_not_called_healthy() {
    let repeated = |story: Story, exchange: &str, times| {
        (1..=times).fold(story, |story, attempt| {
            let what = Happening::Retransmitted {
                exchange: exchange.into(),
                message_id: 0,
                attempt,
            };
            story.event(Local, Initiator, what)
        })
    };
    let begun = || {
        Story::new()
            .configured(Local, west())
            .covers(Local)
            .initiating()
    };
    let up = |story: Story, answered| {
        let to = EAST.parse().unwrap();
        let sent = 10;
        let probe = Probe::Echoes { to, sent, answered };
        story
            .established(Local, Initiator)
            .child_up(Local, Initiator)
            .known(Local, Known::Probed { probe })
    };
    let proved_after = |times| repeated(begun().init_done(true), "IKE_AUTH", times);
    let verdict = up(proved_after(3), 0).undecided(&["underlay-loss-or-flap"]);
    assert!(
        verdict.summary.contains("repetitions"),
        "{}",
        verdict.summary
    );
    up(proved_after(3), 3).cause("underlay-loss-or-flap");
    // A peer that wasn't there yet when it was first asked.
    let late = || repeated(begun(), "IKE_SA_INIT", 5).init_done(true);
    for (story, answered) in [(proved_after(1), 0), (proved_after(3), 10), (late(), 0)] {
        let verdict = up(story, answered).verdict();
        assert_eq!(verdict.verdict, Answer::Healthy, "{verdict:#?}");
    }
}

#[test]
fn udp4500_blocked_seen_by_the_responder() {
    let half_open = |nat| {
        Story::new().our_init(nat).event(
            Local,
            Responder,
            Happening::IkeClosed {
                by: Party::Us,
                cause: "failed".into(),
            },
        )
    };
    let finding = half_open(true).cause("udp4500-blocked");
    assert!(finding.confidence < 0.9);
    half_open(false).undecided(&["udp4500-blocked"]);
}

#[test]
fn ike_auth_without_answer_and_without_nat_is_undecided() {
    let verdict = Story::new()
        .configured(Local, west())
        .initiating()
        .init_done(false)
        .gave_up("IKE_AUTH")
        .undecided(&["udp4500-blocked", "daemon-not-running"]);
    assert!(!verdict.names("psk-mismatch"));
}

#[test]
fn requests_that_are_still_repeated_are_silence_so_far() {
    let story = Story::new().configured(Local, west()).initiating().event(
        Local,
        Initiator,
        Happening::Retransmitted {
            exchange: "IKE_SA_INIT".into(),
            message_id: 0,
            attempt: 2,
        },
    );
    let verdict = story.undecided(&["peer-unreachable", "udp500-blocked", "daemon-not-running"]);
    assert!(verdict.summary.contains("so far"));
    // An answer that comes after all ends it.
    let verdict = story.init_done(false).verdict();
    assert!(!verdict.names("udp500-blocked"));
}

#[test]
fn a_peer_that_died_leaves_the_causes_of_death() {
    Story::new()
        .configured(Local, west())
        .initiating()
        .init_done(true)
        .established(Local, Initiator)
        .child_up(Local, Initiator)
        .event(
            Local,
            Initiator,
            Happening::GaveUp {
                exchange: "INFORMATIONAL".into(),
                message_id: 2,
                transmissions: 7,
                waited_ms: 60_000,
            },
        )
        .event(
            Local,
            Initiator,
            Happening::IkeClosed {
                by: Party::Us,
                cause: "dead-peer".into(),
            },
        )
        .undecided(&["peer-unreachable", "daemon-not-running"]);
}

#[test]
fn peer_dns_unresolvable_when_the_name_has_no_address() {
    let unresolved = Happening::PeerUnresolved {
        name: "gateway.invalid".into(),
        problem: "no such name".into(),
    };
    let story = || Story::new().configured(Local, west());
    let finding = story()
        .event(Local, Initiator, unresolved.clone())
        .cause("peer-dns-unresolvable");
    assert_eq!(finding.side, AtFault::Local);
    assert!(finding.summary.contains("gateway.invalid"));
    // Also when an attempt before it got further, and no longer when one after it did.
    unanswered()
        .event(Local, Initiator, unresolved.clone())
        .cause("peer-dns-unresolvable");
    let later = story()
        .event(Local, Initiator, unresolved)
        .initiating()
        .gave_up("IKE_SA_INIT");
    assert!(!later.verdict().names("peer-dns-unresolvable"));
}

#[test]
fn local_address_missing_is_no_matter_of_the_path() {
    let failed = |errno| Happening::PathFailed {
        problem: PathProblem::LocalSend(errno),
        offender: None,
        remote_port: 500,
    };
    let story = || Story::new().configured(Local, west());
    let finding = story()
        .event(Local, Initiator, failed(99))
        .cause("local-address-missing");
    assert_eq!(finding.side, AtFault::Local);
    let no_way = story().event(Local, Initiator, failed(101)).verdict();
    assert!(!no_way.names("local-address-missing"));
}
