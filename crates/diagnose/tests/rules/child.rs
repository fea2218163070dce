//! CHILD SAs: algorithms and networks.

use adit_diagnose::{Answer, AtFault};
use adit_model::event::{Asked, Happening};
use adit_model::fact::Known;
use adit_model::product::Product;
use adit_model::proposal::TransformKind;
use adit_model::reason::Refusal;

use crate::common::*;

fn ike_up() -> Story {
    Story::new()
        .configured(Local, west())
        .initiating()
        .init_done(false)
        .established(Local, Initiator)
}

fn no_esp(offered: &str, configured: &str) -> Refusal {
    Refusal::NoEspProposal {
        offered: vec![esp(offered)],
        configured: vec![esp(configured)],
        differs: vec![TransformKind::Encryption, TransformKind::Integrity],
    }
}

#[test]
fn esp_proposal_mismatch_is_decided_by_the_notify_alone() {
    let finding = ike_up()
        .peer_refused(
            "CHILD_SA lan",
            14,
            "NO_PROPOSAL_CHOSEN",
            Asked {
                proposals: vec![esp("aes128gcm16")],
                ..Asked::default()
            },
        )
        .cause("esp-proposal-mismatch");
    assert!(finding.summary.contains("aes128gcm16"));
    assert!(finding.fix.remote.contains("esp_proposals = aes128gcm16"));
}

#[test]
fn esp_proposal_mismatch_with_both_lists() {
    let finding = ike_up()
        .between(Product::Adit, Product::Strongswan)
        .peer_refused("CHILD_SA lan", 14, "NO_PROPOSAL_CHOSEN", Asked::default())
        .their_init(false)
        .refused(
            There,
            Responder,
            "CHILD_SA lan",
            no_esp("aes128gcm16", "aes256-sha256"),
        )
        .cause("esp-proposal-mismatch");
    assert_eq!(finding.side, AtFault::Both);
    assert_eq!(
        finding.fix.local,
        "esp = [\"aes128gcm16\", \"aes256-sha256\"]"
    );
    assert!(
        finding
            .fix
            .remote
            .starts_with("esp_proposals = aes256-sha256,aes128gcm16")
    );
    assert!(finding.summary.contains("encryption and integrity"));
    let finding = Story::new()
        .between(Product::Adit, Product::Strongswan)
        .our_init(false)
        .refused(
            Local,
            Responder,
            "CHILD_SA lan",
            no_esp("aes128gcm16", "aes256-sha256"),
        )
        .cause("esp-proposal-mismatch");
    assert_eq!(
        finding.fix.local,
        "esp = [\"aes256-sha256\", \"aes128gcm16\"]"
    );
    let mut other = east();
    other.children[0].esp = vec![esp("aes256-sha256")];
    let finding = ike_up()
        .between(Product::Adit, Product::Strongswan)
        .peer_refused("CHILD_SA lan", 14, "NO_PROPOSAL_CHOSEN", Asked::default())
        .configured(There, other)
        .cause("esp-proposal-mismatch");
    assert_eq!(finding.confidence, 0.95);
}

#[test]
fn groups_that_differ_are_not_called_an_esp_mismatch() {
    for (what, cause) in [
        ("CHILD_SA lan", "pfs-mismatch"),
        ("CHILD_SA lan (rekeying)", "pfs-mismatch-at-rekey"),
    ] {
        let finding = Story::new()
            .refused(
                Local,
                Responder,
                what,
                Refusal::NoEspProposal {
                    offered: vec![esp("aes128gcm16")],
                    configured: vec![esp("aes128gcm16-x25519")],
                    differs: vec![TransformKind::KeyExchange],
                },
            )
            .cause(cause);
        assert!(finding.summary.contains("x25519"), "{}", finding.summary);
        assert!(finding.summary.contains("no group"), "{}", finding.summary);
    }
}

/// One child is up, whose keys needed no exchange; the next one is the first that has one.
#[test]
fn a_further_child_that_is_refused_makes_a_tunnel_that_is_up_ill() {
    let asked = |proposal: &str| Asked {
        proposals: vec![esp(proposal)],
        ..Asked::default()
    };
    let up = || ike_up().child_up(Local, Initiator);
    assert_eq!(up().verdict().verdict, Answer::Healthy);
    let refused = |proposal: &str| {
        let asked = asked(proposal);
        // The gateway says that its tunnel is up, since the first child is.
        up().peer_refused("CHILD_SA printers", 14, "NO_PROPOSAL_CHOSEN", asked)
            .known(Local, Known::TunnelState { up: true })
    };
    let finding = refused("aes128gcm16-x25519").cause("pfs-mismatch");
    assert!(finding.summary.contains("x25519"), "{}", finding.summary);
    // With other algorithms it may be these.
    refused("chacha20poly1305-x25519").cause("esp-proposal-mismatch");
}

/// A side that takes all or nothing refuses what the other side has more of.
#[test]
fn a_part_that_is_refused_is_no_matter_of_ports() {
    let finding = Story::new()
        .refused(
            Local,
            Responder,
            "CHILD_SA",
            Refusal::TrafficSelectors {
                offered_local: nets("10.2.0.0/16"),
                offered_remote: nets("10.1.0.0/24"),
                configured_local: nets("10.2.0.0/24"),
                configured_remote: nets("10.1.0.0/24"),
            },
        )
        .cause("ts-mismatch");
    assert!(
        finding.summary.contains("10.2.0.0/16") && finding.summary.contains("10.2.0.0/24"),
        "{}",
        finding.summary
    );
}

fn no_traffic() -> Refusal {
    Refusal::TrafficSelectors {
        offered_local: nets("10.2.0.0/24"),
        offered_remote: nets("10.1.0.0/24"),
        configured_local: nets("10.9.0.0/24"),
        configured_remote: nets("10.1.0.0/24"),
    }
}

#[test]
fn ts_mismatch_is_decided_by_the_notify_alone() {
    let finding = ike_up()
        .peer_refused(
            "CHILD_SA lan",
            38,
            "TS_UNACCEPTABLE",
            Asked {
                ts_local: nets("10.1.0.0/24"),
                ts_remote: nets("10.2.0.0/24"),
                ..Asked::default()
            },
        )
        .cause("ts-mismatch");
    assert_eq!(
        finding.fix.remote,
        "local_ts = 10.2.0.0/24\nremote_ts = 10.1.0.0/24"
    );
}

#[test]
fn ts_mismatch_puts_the_lists_beside_each_other_in_local_terms() {
    // The peer refuses: what it has as its own network is ours to call remote.
    let finding = ike_up()
        .between(Product::Adit, Product::Strongswan)
        .peer_refused("CHILD_SA lan", 38, "TS_UNACCEPTABLE", Asked::default())
        .their_init(false)
        .refused(There, Responder, "CHILD_SA lan", no_traffic())
        .cause("ts-mismatch");
    assert_eq!(
        finding.summary,
        "the networks don't meet: for the peer's networks we have 10.2.0.0/24, the peer has 10.9.0.0/24"
    );
    assert_eq!(
        finding.fix.local,
        "local_net = [\"10.1.0.0/24\"]\nremote_net = [\"10.9.0.0/24\"]"
    );
    // We refuse: the same values, seen from here.
    let finding = Story::new()
        .between(Product::Adit, Product::Strongswan)
        .our_init(false)
        .refused(Local, Responder, "CHILD_SA lan", no_traffic())
        .cause("ts-mismatch");
    assert_eq!(
        finding.summary,
        "the networks don't meet: for our side's networks we have 10.9.0.0/24, the peer has 10.2.0.0/24"
    );
    assert_eq!(
        finding.fix.local,
        "local_net = [\"10.2.0.0/24\"]\nremote_net = [\"10.1.0.0/24\"]"
    );
    assert!(
        finding
            .fix
            .remote
            .starts_with("local_ts = 10.1.0.0/24\nremote_ts = 10.9.0.0/24")
    );
}

#[test]
fn ts_mismatch_from_both_configurations() {
    let mut other = east();
    other.children[0].local_ts = nets("10.9.0.0/24");
    ike_up()
        .peer_refused("CHILD_SA lan", 38, "TS_UNACCEPTABLE", Asked::default())
        .configured(There, other)
        .cause("ts-mismatch");
}

#[test]
fn an_ike_sa_without_a_child_that_is_deleted_keeps_its_reason() {
    let deleted = |by| adit_model::event::Happening::IkeClosed {
        by,
        cause: "deleted".into(),
    };
    let finding = ike_up()
        .peer_refused("CHILD_SA lan", 38, "TS_UNACCEPTABLE", Asked::default())
        .event(Local, Initiator, deleted(adit_model::event::Party::Us))
        .their_init(false)
        .established(There, Responder)
        .refused(There, Responder, "CHILD_SA", no_traffic())
        .event(There, Responder, deleted(adit_model::event::Party::Peer))
        .cause("ts-mismatch");
    assert!(finding.evidence.iter().any(|e| e.source == "east events"));
}

#[test]
fn one_child_of_two_that_fails_is_not_healthy() {
    ike_up()
        .child_up(Local, Initiator)
        .peer_refused("CHILD_SA voice", 38, "TS_UNACCEPTABLE", Asked::default())
        .cause("ts-mismatch");
}

#[test]
fn ts_narrowed_is_told_of_a_tunnel_that_is_up() {
    let up = |narrowed| {
        let mut own = west();
        own.children[0].remote_ts = nets("10.2.0.0/24 10.3.0.0/24");
        Story::new().configured(Local, own).event(
            Local,
            Initiator,
            Happening::ChildEstablished {
                child: west().children[0].name.clone(),
                spi_in: 1,
                spi_out: 2,
                suite: suite(),
                ts_local: west().children[0].local_ts.clone(),
                ts_remote: nets("10.2.0.0/24"),
                narrowed,
                udp_encap: false,
            },
        )
    };
    let finding = up(true).cause("ts-narrowed");
    assert!(finding.summary.contains("10.3.0.0/24 is cut off"));
    assert_eq!(up(false).verdict().verdict, Answer::Healthy);
}

#[test]
fn delete_lost_stale_sa_needs_esp_that_goes_on() {
    use adit_model::sign::Sign;
    let said = |sign| Known::Sign {
        sign,
        values: Default::default(),
    };
    let deleted = Story::new().known(Local, said(Sign::DeleteForUnknown));
    deleted.undecided(&["delete-lost-stale-sa"]);
    deleted
        .known(Local, said(Sign::SpiUnknown))
        .cause("delete-lost-stale-sa");
}
