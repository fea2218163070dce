//! What our own gateway alone can tell, asked while something is wrong: found wanting by the fault bench (`cargo xtask
//! faults`), each with its look-alike.

use adit_diagnose::{Answer, AtFault, Finding};
use adit_model::connection::{AuthKind, Authentication, Connection, Start};
use adit_model::event::{Asked, Happening, MessageInfo, PathProblem};
use adit_model::fact::{Known, Probe, ProbeOutcome};
use adit_model::host::{Certificate, HostState};
use adit_model::identity::Identity;
use adit_model::monitored::{Judged, Monitor};
use adit_model::now::Wall;
use adit_model::product::Product;
use adit_model::reason::{CertificateProblem, Refusal};
use adit_model::sign::Sign;
use adit_model::traffic::SaTraffic;

use crate::common::*;

const SILENT: ProbeOutcome = ProbeOutcome::Silent(2000);
const V2: ProbeOutcome = ProbeOutcome::AnsweredVersion(2);
const DAY: u64 = 86_400_000;

impl Story {
    /// The root is this cause; others may follow from it.
    #[track_caller]
    pub(super) fn finds(&self, cause: &str) -> Finding {
        let verdict = self.verdict();
        assert_eq!(verdict.cause(), Some(cause), "{verdict:#?}");
        verdict.findings[0].clone()
    }

    pub(super) fn healthy(&self) -> bool {
        self.verdict().verdict == Answer::Healthy
    }
}

fn ours(connection: Connection) -> Story {
    Story::new()
        .between(Product::Adit, Product::Adit)
        .covers(Local)
        .configured(Local, connection)
}

fn passive() -> Story {
    ours(Connection {
        start: Start::Passive,
        ..west()
    })
}

fn echoes(story: Story, answered: u32) -> Story {
    let to = EAST.parse().unwrap();
    let probe = Probe::Echoes {
        to,
        sent: 10,
        answered,
    };
    story.known(Local, Known::Probed { probe })
}

fn repeated(mut story: Story, exchange: &str, times: u32) -> Story {
    for attempt in 1..=times {
        story = story.event(
            Local,
            Initiator,
            Happening::Retransmitted {
                exchange: exchange.into(),
                message_id: 0,
                attempt,
            },
        );
    }
    story
}

pub(super) fn carried(story: Story, sent: u64, received: u64) -> Story {
    let traffic = Box::new(SaTraffic {
        name: Some("lan".into()),
        spi_in: Some(0xc1),
        spi_out: Some(0xc2),
        packets_in: Some(received),
        packets_out: Some(sent),
        ..SaTraffic::default()
    });
    story.known(Local, Known::Carried { traffic })
}

fn host(story: Story, state: HostState) -> Story {
    let state = Box::new(state);
    story.known(Local, Known::Host { state })
}

/// Our certificate, valid in these days, and our clock on a day.
fn certificate(story: Story, from: u64, until: u64, now: u64) -> Story {
    let certificate = Certificate {
        subject: "CN=west".into(),
        from: Some(Wall(from * DAY)),
        until: Some(Wall(until * DAY)),
        ..Certificate::default()
    };
    let clock = HostState::Clock {
        at: Wall(now * DAY),
    };
    host(host(story, HostState::Certificate(certificate)), clock)
}

fn by_certificate() -> Story {
    ours(Connection {
        auth: Authentication::both(AuthKind::Certificate),
        ..west()
    })
    .initiating()
    .init_done(false)
}

fn refused_theirs(story: Story, problem: CertificateProblem) -> Story {
    story.refused(
        Local,
        Initiator,
        "IKE_AUTH",
        Refusal::Certificate {
            peer: "east.lab".parse::<Identity>().unwrap(),
            problem,
            detail: None,
        },
    )
}

#[test]
fn a_path_that_loses_packets_is_found_and_excuses_ports_that_seem_closed() {
    let attempt = || repeated(ours(west()).initiating(), "IKE_SA_INIT", 4);
    let closed = |story: Story| story.ike_probe(500, SILENT).ike_probe(4500, V2);
    closed(echoes(attempt(), 10)).finds("udp500-blocked");
    let found = closed(echoes(attempt(), 3)).finds("underlay-loss-or-flap");
    assert_eq!(found.side, AtFault::Path);
    // One that is lost of ten happens anywhere.
    closed(echoes(attempt(), 9)).finds("udp500-blocked");
}

#[test]
fn a_tunnel_that_is_up_over_a_path_that_loses_packets_isnt_healthy() {
    let up = || ours(west()).initiating().init_done(false);
    let up = || {
        up().established(Local, Initiator)
            .child_up(Local, Initiator)
    };
    assert!(echoes(up(), 10).healthy());
    echoes(up(), 6).finds("underlay-loss-or-flap");
}

#[test]
fn who_only_waits_finds_the_closed_port_too() {
    let found = passive()
        .echo(true)
        .ike_probe(500, SILENT)
        .ike_probe(4500, V2)
        .finds("udp500-blocked");
    assert_eq!(found.side, AtFault::Path);
    // Whose port is open may still be waiting itself, or call somewhere else.
    passive()
        .echo(true)
        .ike_probe(500, V2)
        .ike_probe(4500, V2)
        .undecided(&["both-ends-passive", "udp500-blocked", "peer-address-wrong"]);
    passive()
        .echo(false)
        .ike_probe(500, SILENT)
        .ike_probe(4500, SILENT)
        .undecided(&["peer-unreachable", "udp500-blocked", "daemon-not-running"]);
}

#[test]
fn answers_that_only_our_own_port_doesnt_get_are_lost_on_the_way_back() {
    let attempt = |times| repeated(ours(west()).initiating(), "IKE_SA_INIT", times);
    attempt(3)
        .echo(true)
        .ike_probe(500, V2)
        .ike_probe(4500, V2)
        .finds("udp500-reply-blocked");
    // The answer may be late.
    let early = attempt(1).echo(true).ike_probe(500, V2);
    assert!(!early.verdict().names("udp500-reply-blocked"));
}

#[test]
fn requests_that_arrive_dont_show_that_answers_do() {
    let story = passive().our_init(false).event(
        Local,
        Responder,
        Happening::PathFailed {
            problem: PathProblem::NetUnreachable,
            offender: "192.168.0.254".parse().ok(),
            remote_port: 500,
        },
    );
    let found = story.finds("peer-unreachable");
    assert_eq!(found.side, AtFault::Path);
}

#[test]
fn a_peer_that_lost_its_tunnels_daemon_is_told_by_the_probe_even_where_it_began() {
    let up = || {
        passive()
            .our_init(false)
            .received(Local, Responder, "IKE_AUTH", false)
            .established(Local, Responder)
            .child_up(Local, Responder)
    };
    let gone = ProbeOutcome::Failed(PathProblem::PortUnreachable);
    let found = carried(up(), 20, 0)
        .ike_probe(500, gone)
        .finds("daemon-not-running");
    assert_eq!(found.side, AtFault::Remote);
    // While packets come, a closed port says nothing.
    assert!(carried(up(), 20, 20).ike_probe(500, gone).healthy());
}

#[test]
fn a_tunnel_that_only_sends_isnt_healthy_and_one_side_cant_say_why() {
    let up = || ours(west()).initiating().init_done(false);
    let up = up()
        .established(Local, Initiator)
        .child_up(Local, Initiator);
    carried(up, 20, 0)
        .ike_probe(500, V2)
        .ike_probe(4500, V2)
        .undecided(&[
            "esp-blocked",
            "return-route-missing-behind-gateway",
            "endpoint-host-firewall",
        ]);
}

#[test]
fn our_own_certificate_that_ended_explains_the_peers_refusal() {
    let refused =
        || by_certificate().peer_refused("IKE_AUTH", 24, "AUTHENTICATION_FAILED", Asked::default());
    let found = certificate(refused(), 100, 200, 210).finds("cert-expired");
    assert_eq!(found.side, AtFault::Local);
    let found = certificate(refused(), 100, 200, 90).finds("cert-not-yet-valid");
    assert_eq!(found.side, AtFault::Local);
    assert!(
        !certificate(refused(), 100, 200, 150)
            .verdict()
            .names("cert-not-yet-valid")
    );
}

#[test]
fn a_clock_by_which_nobodys_certificate_is_valid_is_wrong_itself() {
    use CertificateProblem::{Expired, NotYetValid};
    let found = certificate(refused_theirs(by_certificate(), NotYetValid), 100, 200, 50)
        .finds("clock-skew");
    assert_eq!(found.side, AtFault::Local);
    certificate(refused_theirs(by_certificate(), Expired), 100, 200, 900).finds("clock-skew");
    // Both ended a week ago, having been issued on one day.
    certificate(refused_theirs(by_certificate(), Expired), 100, 200, 207).finds("cert-expired");
    // Ours is good.
    certificate(refused_theirs(by_certificate(), Expired), 100, 999, 900).finds("cert-expired");
}

#[test]
fn a_key_that_isnt_for_signing_can_be_mended_at_either_end() {
    let found = refused_theirs(by_certificate(), CertificateProblem::Usage)
        .finds("signature-or-keyusage-rejected");
    assert_eq!(found.side, AtFault::Both);
}

#[test]
fn a_peer_that_wants_a_post_quantum_key_gives_up_after_our_answer() {
    let asks = |payloads: &[&str]| {
        let message = MessageInfo {
            exchange: "IKE_SA_INIT".into(),
            message_id: 0,
            response: false,
            payloads: payloads.iter().map(|p| (*p).to_owned()).collect(),
            octets: 240,
        };
        passive()
            .event(Local, Responder, Happening::Received(message))
            .sent(Local, Responder, "IKE_SA_INIT", true)
    };
    asks(&["SA", "KE", "NONCE", "N(USE_PPK)"]).finds("ppk-required-mismatch");
    let open = asks(&["SA", "KE", "NONCE"]);
    open.undecided(&[
        "large-ike-auth-fragment-lost",
        "psk-not-found",
        "udp4500-blocked",
    ]);
}

#[test]
fn our_own_gateway_knows_that_no_packet_asked_for_the_tunnel() {
    let on_demand = Connection {
        start: Start::OnDemand,
        ..west()
    };
    let found = ours(on_demand.clone()).finds("nothing-triggers-initiation");
    assert_eq!(found.side, AtFault::Local);
    // Another product's log may begin later.
    let elsewhere = Story::new()
        .between(Product::Strongswan, Product::Adit)
        .configured(Local, on_demand);
    assert!(
        !elsewhere
            .verdict()
            .findings
            .iter()
            .any(|f| f.cause == "nothing-triggers-initiation")
    );
}

#[test]
fn a_long_request_that_goes_unanswered_while_both_ports_answer_is_lost_for_its_length() {
    let asked = |octets| {
        let message = MessageInfo {
            exchange: "IKE_AUTH".into(),
            message_id: 1,
            response: false,
            payloads: Vec::new(),
            octets,
        };
        let story = ours(west())
            .initiating()
            .received(Local, Initiator, "IKE_SA_INIT", true)
            .event(Local, Initiator, Happening::Sent(message));
        repeated(story, "IKE_AUTH", 3)
    };
    let found = asked(2900)
        .ike_probe(500, V2)
        .ike_probe(4500, V2)
        .finds("large-ike-auth-fragment-lost");
    assert_eq!(found.side, AtFault::Path);
    let open = asked(2900)
        .ike_probe(500, V2)
        .ike_probe(4500, SILENT)
        .verdict();
    assert!(
        open.findings
            .iter()
            .all(|f| f.cause != "large-ike-auth-fragment-lost")
    );
}

#[test]
fn the_peers_own_word_that_it_takes_no_esp_isnt_a_filters() {
    let refused = |by: &str| {
        ours(west())
            .initiating()
            .init_done(false)
            .established(Local, Initiator)
            .event(
                Local,
                Initiator,
                Happening::PathFailed {
                    problem: PathProblem::Other(3, 2),
                    offender: by.parse().ok(),
                    remote_port: 0,
                },
            )
    };
    refused("192.168.0.254").finds("esp-blocked");
    let gone = refused(EAST).ike_probe(500, ProbeOutcome::Failed(PathProblem::PortUnreachable));
    gone.finds("daemon-not-running");
}

pub(super) fn up_as_initiator() -> Story {
    ours(west())
        .initiating()
        .init_done(false)
        .established(Local, Initiator)
        .child_up(Local, Initiator)
}

#[test]
fn a_peer_that_answers_strangers_and_not_its_tunnel_has_lost_it() {
    let asked = |story: Story| repeated(story, "INFORMATIONAL", 2);
    let found = carried(asked(up_as_initiator()), 20, 0)
        .ike_probe(500, V2)
        .finds("sa-desync-one-side-flushed");
    assert_eq!(found.side, AtFault::Remote);
    // A daemon that answers nobody may hang, or be filtered.
    carried(asked(up_as_initiator()), 20, 0)
        .echo(true)
        .ike_probe(500, SILENT)
        .ike_probe(4500, SILENT)
        .undecided(&["daemon-not-running"]);
}

#[test]
fn the_peers_host_says_that_nobody_takes_the_tunnels_packets() {
    let refused = |by: &str, problem, port| {
        let story = up_as_initiator().event(
            Local,
            Initiator,
            Happening::PathFailed {
                problem,
                offender: by.parse().ok(),
                remote_port: port,
            },
        );
        carried(story, 20, 0)
            .ike_probe(500, SILENT)
            .ike_probe(4500, SILENT)
    };
    refused(EAST, PathProblem::Other(3, 2), 0).finds("daemon-not-running");
    refused(EAST, PathProblem::PortUnreachable, 4500).finds("daemon-not-running");
    let router = refused("192.168.0.254", PathProblem::PortUnreachable, 4500).verdict();
    assert_ne!(router.cause(), Some("daemon-not-running"));
}

#[test]
fn traffic_that_the_peer_ends_by_the_clock_has_a_lifetime_that_nobody_renews() {
    let mut story = up_as_initiator();
    for _ in 0..4 {
        let closed = Happening::ChildClosed {
            child: "lan".into(),
            spi_in: 0xc1,
            by: adit_model::event::Party::Peer,
        };
        story = story
            .later(28)
            .event(Local, Initiator, closed)
            .child_up(Local, Initiator);
    }
    let found = story.finds("lifetime-mismatch-flap");
    assert!(found.summary.contains("every 30 s"), "{}", found.summary);
}

pub(super) fn says(story: Story, sign: Sign, values: &[(&str, &str)]) -> Story {
    let values = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    story.known(Local, Known::Sign { sign, values })
}

#[test]
fn somebody_elses_policy_in_the_kernel_is_named_and_ours() {
    let policy = [
        ("policy", "10.1.0.0/24 → 10.2.0.0/24 (out, priority 1)"),
        ("blocks", "yes"),
    ];
    let found =
        says(up_as_initiator(), Sign::ForeignPolicy, &policy).finds("stale-policy-steals-traffic");
    assert_eq!(found.side, AtFault::Local);
    assert!(found.summary.contains("throws away"), "{}", found.summary);
    assert!(found.fix.local.contains("priority 1"));
}

#[test]
fn answers_in_clear_are_the_peers_routing_while_we_send_into_the_tunnel() {
    let clear = |story| says(story, Sign::ClearTrafficArrived, &[("count", "40")]);
    let found = clear(carried(up_as_initiator(), 40, 0)).finds("asymmetric-routing-bypass");
    assert_eq!(found.side, AtFault::Remote);
    // Where the tunnel carries both ways, something of the peer's goes past it.
    let found = clear(carried(up_as_initiator(), 40, 40)).finds("cleartext-leak-no-policy");
    assert_eq!(found.side, AtFault::Remote);
}

#[test]
fn packets_of_broken_blocks_are_sha256_cut_short_and_of_nothing_else() {
    let with = |suite: &str| {
        let up = up_as_initiator().event(
            Local,
            Initiator,
            Happening::ChildEstablished {
                child: "lan".into(),
                spi_in: 0xd1,
                spi_out: 0xd2,
                suite: suite.to_owned().try_into().unwrap(),
                ts_local: nets("10.1.0.0/24"),
                ts_remote: nets("10.2.0.0/24"),
                narrowed: false,
                udp_encap: false,
            },
        );
        carried(up, 40, 0)
    };
    let broken = [("count", "40"), ("misaligned", "yes")];
    let fails =
        |suite, values: &[(&str, &str)]| says(with(suite), Sign::EspIntegrityFailed, values);
    fails("aes128-sha256", &broken).finds("sha256-truncation-bug");
    fails("aes128-sha256", &broken[..1]).finds("esp-integrity-failure");
    fails("aes128-sha512", &broken).finds("esp-integrity-failure");
}

#[test]
fn what_is_lost_with_its_fragments_is_lost_on_the_path() {
    let lost = [("octets", "1500"), ("path", "yes")];
    let found = says(up_as_initiator(), Sign::FragmentDropped, &lost).finds("ip-fragments-dropped");
    assert_eq!(found.side, AtFault::Path);
    assert!(found.summary.contains("1500 octets"), "{}", found.summary);
}

#[test]
fn what_the_peer_takes_back_at_once_it_may_not_be_able_to_do() {
    let closed = Happening::ChildClosed {
        child: "lan".into(),
        spi_in: 0xc1,
        by: adit_model::event::Party::Peer,
    };
    // So many milliseconds after it came up, with so many other requests of the peer before.
    let ended_after = |requests: usize, after: u64| {
        let asked = || Happening::Received(message("INFORMATIONAL", false, 80));
        let story = (0..requests).fold(up_as_initiator(), |story, _| {
            story.event(Local, Initiator, asked())
        });
        let up = story.case.facts.iter().rev().nth(requests);
        let began = up.and_then(|fact| fact.at).unwrap();
        let mut story =
            story
                .event(Local, Initiator, asked())
                .event(Local, Initiator, closed.clone());
        if let Some(end) = story.case.facts.last_mut() {
            end.at = Some(Wall(began.0 + after));
        }
        story.known(Local, Known::TunnelState { up: false })
    };
    let ended = |after| ended_after(0, after);
    let either = ["kernel-module-or-algo-missing", "peer-deleted-sa"];
    ended(20).undecided(&either);
    ended(1500).finds("peer-deleted-sa");
    // The clock was read for the delete just before it was for what came up.
    let mut stamped = ended(0);
    for fact in &mut stamped.case.facts {
        if let Known::Happened {
            happening: Happening::ChildClosed { .. },
        } = fact.what
        {
            fact.at = fact.at.map(|at| Wall(at.0 - 3));
        }
    }
    stamped.undecided(&either);
    // A busy peer takes its time. What was never used and is deleted next may be what it couldn't do.
    let unused = |story: Story| says(story, Sign::NothingCame, &[("child", "lan")]);
    unused(ended(20)).undecided(&either);
    unused(ended(4000)).undecided(&either);
    unused(ended(60_000)).finds("peer-deleted-sa");
    // What packets came through was set up, however soon it ended.
    let used = says(ended(20), Sign::SomethingCame, &[("child", "lan")]);
    used.finds("peer-deleted-sa");
    // It had asked for something else before.
    unused(ended_after(1, 4000)).finds("peer-deleted-sa");
}

/// A tunnel that is up and has a monitor with these targets, which says this.
fn monitored(targets: &[&str], judged: &[Judged]) -> Story {
    let set = Monitor {
        targets: targets.iter().map(|t| t.parse().unwrap()).collect(),
        ..Monitor::default()
    };
    let story = ours(Connection {
        monitor: Some(set),
        ..west()
    });
    let story = story
        .initiating()
        .init_done(false)
        .established(Local, Initiator)
        .child_up(Local, Initiator)
        .known(Local, Known::TunnelState { up: true });
    judged.iter().fold(story, |story, judged| {
        let what = Happening::MonitorJudged {
            target: targets.first().map(|t| t.parse().unwrap()),
            judged: *judged,
            why: "as the test wants".to_owned(),
        };
        story.event(Local, Initiator, what)
    })
}

#[test]
fn a_monitors_target_that_died_is_a_finding_until_it_answers_again() {
    let dead = monitored(&["10.2.0.9"], &[Judged::Carries, Judged::TargetSilent]);
    let finding = dead.finds("tunnel-monitor-bad-target");
    assert_eq!(finding.side, AtFault::Remote);
    assert!(finding.summary.contains("10.2.0.9"), "{finding:?}");
    let back = monitored(&["10.2.0.9"], &[Judged::TargetSilent, Judged::Carries]);
    assert!(back.healthy(), "{:#?}", back.verdict());
}

#[test]
fn a_target_that_never_answered_is_a_finding_where_somebody_has_named_it() {
    let named = monitored(&["10.2.0.9"], &[Judged::NoTarget]);
    let finding = named.finds("tunnel-monitor-bad-target");
    assert_eq!(finding.side, AtFault::Local);
    assert!(monitored(&[], &[Judged::NoTarget]).healthy());
    let source = monitored(&["10.2.0.9"], &[Judged::NoSource]);
    assert_eq!(
        source.finds("tunnel-monitor-wrong-source").side,
        AtFault::Local
    );
}

#[test]
fn what_a_monitor_says_of_a_tunnel_at_fault_is_no_bad_target() {
    for judged in [
        Judged::OneSided,
        Judged::PeerSilent,
        Judged::NotHelped,
        Judged::NotSent,
    ] {
        let verdict = monitored(&["10.2.0.9"], &[Judged::TargetSilent, judged]).verdict();
        assert!(!verdict.names("tunnel-monitor-bad-target"), "{verdict:#?}");
    }
}

#[test]
fn two_that_send_as_one_peer_are_both_active() {
    let values = [
        ("count", "25"),
        ("replaced", "2"),
        ("turns", "3"),
        ("seconds", "9"),
    ];
    for up in [true, false] {
        let story = up_as_initiator().known(Local, Known::TunnelState { up });
        let found = says(story, Sign::ReplacedSends, &values).finds("ha-both-active");
        assert_eq!(found.side, AtFault::Remote);
        assert!(!found.fix.remote.is_empty());
    }
    // Where we replaced them, the peer may be one that kept what it had.
    let ours = [&values[..], &[("began", "us")]].concat();
    let story = carried(up_as_initiator(), 40, 40).known(Local, Known::TunnelState { up: true });
    assert!(says(story, Sign::ReplacedSends, &ours).healthy());
    let story = up_as_initiator().known(Local, Known::TunnelState { up: false });
    assert_eq!(
        says(story, Sign::ReplacedSends, &ours).verdict().cause(),
        None
    );
    // What is sure is that somebody sends on SAs that are gone, and who it may be.
    let strays = says(up_as_initiator(), Sign::SpiUnknown, &[("count", "52")]);
    let found = says(strays, Sign::ReplacedSends, &ours).finds("esp-spi-unknown");
    assert!(format!("{found:?}").contains("cluster"), "{found:#?}");
}

/// Test packets of a kind, by direction: how many of three arrived.
fn test_packets(mut story: Story, udp: bool, in_use: bool, arrived: [u32; 2]) -> Story {
    for (outbound, arrived) in [true, false].into_iter().zip(arrived) {
        let probe = Probe::EspPath {
            to: EAST.parse().unwrap(),
            udp,
            outbound,
            in_use,
            sent: 3,
            arrived,
        };
        story = story.known(Local, Known::Probed { probe });
    }
    story
}

fn up() -> Story {
    let story = ours(west())
        .initiating()
        .init_done(false)
        .established(Local, Initiator)
        .child_up(Local, Initiator);
    story.known(Local, Known::TunnelState { up: true })
}

#[test]
fn what_both_gateways_counted_tells_which_filter_it_is_and_look_alikes() {
    let neither = || test_packets(up(), false, true, [0, 0]);
    let found = test_packets(neither(), true, false, [3, 3]).finds("esp-blocked");
    assert_eq!(found.side, AtFault::Path);
    assert!(found.fix.local.contains("force_encap"), "{:?}", found.fix);
    // UDP doesn't pass either: forcing it helps nobody.
    let found = test_packets(neither(), true, false, [0, 3]).finds("esp-blocked");
    assert!(!found.fix.local.contains("force_encap"), "{:?}", found.fix);
    test_packets(up(), false, true, [3, 0]).finds("esp-blocked-one-way");
    test_packets(up(), true, true, [0, 3]).finds("esp-blocked-one-way");
    // IKE passes over the same port.
    test_packets(up(), true, true, [0, 0]).finds("esp-blocked");
    // One that is lost of three happens anywhere, and what isn't in use stops nothing.
    assert!(test_packets(up(), false, true, [2, 3]).healthy());
    assert!(test_packets(up(), true, false, [0, 0]).healthy());
}

#[test]
fn long_test_packets_that_vanish_are_a_black_hole_with_numbers_that_fit() {
    let hole = |outbound: bool| {
        let probe = Probe::EspSize {
            to: EAST.parse().unwrap(),
            udp: false,
            outbound,
            passes: 1400,
            vanishes: 1408,
            inside: Some(1346),
        };
        let story = test_packets(up(), false, true, [3, 3]);
        story.known(Local, Known::Probed { probe })
    };
    let found = hole(true).finds("pmtu-blackhole");
    assert!(found.fix.local.contains("1306"), "{:?}", found.fix);
    let found = hole(false).finds("pmtu-blackhole");
    assert!(found.fix.local.contains("at the peer"), "{:?}", found.fix);
}
