//! The first exchange: proposals, groups, versions, connections.

use adit_diagnose::AtFault;
use adit_model::drops::DropReason;
use adit_model::event::{Asked, Happening, Party};
use adit_model::fact::ProbeOutcome;
use adit_model::product::Product;
use adit_model::proposal::{Proposal, TransformKind, choose};
use adit_model::reason::Refusal;

use crate::common::*;

fn no_proposal(offered: &str, configured: &str, differs: TransformKind) -> Refusal {
    Refusal::NoIkeProposal {
        offered: vec![ike(offered)],
        configured: vec![ike(configured)],
        differs: vec![differs],
    }
}

/// The proposals of an `ike = […]` line.
fn proposals(fix: &str) -> Vec<Proposal> {
    fix.split('"').skip(1).step_by(2).map(ike).collect()
}

fn told_no_proposal() -> Story {
    Story::new()
        .configured(Local, west())
        .initiating()
        .unprotected(14, "NO_PROPOSAL_CHOSEN", 2)
        .gave_up("IKE_SA_INIT")
}

#[test]
fn no_proposal_chosen_alone_leaves_four_causes() {
    let all = [
        "ike-proposal-mismatch",
        "ike-dh-group-mismatch",
        "no-matching-connection-on-responder",
        "ike-version-mismatch",
    ];
    let verdict = told_no_proposal().undecided(&all);
    assert!(!verdict.names("udp500-blocked") && !verdict.names("psk-mismatch"));
    assert!(verdict.possible[0].separated_by.contains("proposals"));
    // The same when the key exchange takes the notify for an end.
    Story::new()
        .initiating()
        .peer_refused("IKE_SA_INIT", 14, "NO_PROPOSAL_CHOSEN", Asked::default())
        .undecided(&all);
}

#[test]
fn ike_proposal_mismatch_shows_both_lists_and_the_smallest_change() {
    let finding = told_no_proposal()
        .between(Product::Adit, Product::Strongswan)
        .received(There, Responder, "IKE_SA_INIT", false)
        .refused(
            There,
            Responder,
            "IKE_SA_INIT",
            no_proposal(
                "aes128gcm16-prfsha256-x25519",
                "aes256gcm16-prfsha256-x25519",
                TransformKind::Encryption,
            ),
        )
        .cause("ike-proposal-mismatch");
    assert_eq!(finding.side, AtFault::Both);
    assert_eq!(
        finding.fix.local,
        "ike = [\"aes128gcm16-prfsha256-x25519\", \"aes256gcm16-prfsha256-x25519\"]"
    );
    assert!(
        finding
            .fix
            .remote
            .starts_with("proposals = aes256gcm16-prfsha256-x25519,aes128gcm16-prfsha256-x25519")
    );
    assert!(
        choose(
            &proposals(&finding.fix.local),
            &[ike("aes256gcm16-prfsha256-x25519")],
            true
        )
        .is_some()
    );
    assert!(finding.summary.contains("encryption"));
    for list in [
        "aes128gcm16-prfsha256-x25519",
        "aes256gcm16-prfsha256-x25519",
    ] {
        assert!(finding.message_for_peer.contains(list) && finding.explanation.contains(list));
    }
    // As responder it is ours to say, with the lists the other way round.
    let finding = Story::new()
        .between(Product::Adit, Product::Strongswan)
        .received(Local, Responder, "IKE_SA_INIT", false)
        .refused(
            Local,
            Responder,
            "IKE_SA_INIT",
            no_proposal(
                "aes256-sha512-modp2048",
                "aes128gcm16-prfsha256-x25519",
                TransformKind::Encryption,
            ),
        )
        .cause("ike-proposal-mismatch");
    assert!(
        finding
            .explanation
            .starts_with("We have aes128gcm16-prfsha256-x25519.")
    );
}

#[test]
fn ike_proposal_mismatch_from_both_configurations() {
    let mut other = east();
    other.ike = vec![ike("aes256-sha256-x25519")];
    told_no_proposal()
        .configured(There, other)
        .cause("ike-proposal-mismatch");
    let mut other = east();
    other.ike = vec![ike("aes128gcm16-prfsha256-modp4096")];
    told_no_proposal()
        .configured(There, other)
        .cause("ike-dh-group-mismatch");
    told_no_proposal()
        .configured(There, east())
        .undecided(&["no-matching-connection-on-responder"]);
}

#[test]
fn a_weak_common_proposal_says_that_it_is_weak() {
    let finding = Story::new()
        .refused(
            Local,
            Responder,
            "IKE_SA_INIT",
            no_proposal(
                "3des-sha1-modp2048",
                "aes128-sha1-modp2048",
                TransformKind::Encryption,
            ),
        )
        .cause("ike-proposal-mismatch");
    assert!(finding.fix.local.contains("allow_weak = true"));
}

#[test]
fn ike_dh_group_mismatch_when_only_the_group_differs() {
    let refusal = no_proposal(
        "aes128gcm16-prfsha256-x25519",
        "aes128gcm16-prfsha256-modp2048",
        TransformKind::KeyExchange,
    );
    let finding = Story::new()
        .received(Local, Responder, "IKE_SA_INIT", false)
        .refused(Local, Responder, "IKE_SA_INIT", refusal.clone())
        .cause("ike-dh-group-mismatch");
    assert!(
        finding
            .summary
            .contains("we have modp2048, the peer has x25519")
    );
    told_no_proposal()
        .refused(There, Responder, "IKE_SA_INIT", refusal)
        .cause("ike-dh-group-mismatch");
}

#[test]
fn ike_dh_group_mismatch_when_the_wanted_group_was_not_offered() {
    let asked = || Asked {
        proposals: vec![ike("aes128gcm16-prfsha256-x25519")],
        ..Asked::default()
    };
    let finding = Story::new()
        .initiating()
        .peer_refused_with("IKE_SA_INIT", 17, "INVALID_KE_PAYLOAD", "000e", asked())
        .cause("ike-dh-group-mismatch");
    assert!(finding.summary.contains("modp2048"));
    assert!(proposals(&finding.fix.local).contains(&ike("aes128gcm16-prfsha256-modp2048")));
    // A group that was offered is asked for in vain: not this cause for sure.
    Story::new()
        .initiating()
        .peer_refused_with("IKE_SA_INIT", 17, "INVALID_KE_PAYLOAD", "001f", asked())
        .undecided(&["ike-dh-group-mismatch"]);
}

#[test]
fn a_second_try_with_the_wanted_group_is_no_fault() {
    let verdict = Story::new()
        .initiating()
        .event(
            Local,
            Initiator,
            Happening::KeRetry {
                from: "x25519".into(),
                to: "ecp256".into(),
                by: Party::Peer,
            },
        )
        .init_done(false)
        .established(Local, Initiator)
        .child_up(Local, Initiator)
        .verdict();
    assert_eq!(verdict.verdict, adit_diagnose::Answer::Healthy);
}

#[test]
fn ike_version_mismatch_by_notify_header_probe_drop_and_refusal() {
    let by_notify = Story::new()
        .initiating()
        .unprotected(5, "INVALID_MAJOR_VERSION", 2);
    assert_eq!(
        by_notify.cause("ike-version-mismatch").side,
        AtFault::Remote
    );
    let by_header = Story::new()
        .initiating()
        .unprotected(14, "NO_PROPOSAL_CHOSEN", 1)
        .gave_up("IKE_SA_INIT");
    assert_eq!(
        by_header.cause("ike-version-mismatch").side,
        AtFault::Remote
    );
    let by_probe = told_no_proposal().ike_probe(500, ProbeOutcome::AnsweredVersion(1));
    by_probe.cause("ike-version-mismatch");
    let refused = Story::new().refused(
        Local,
        Responder,
        "IKE_SA_INIT",
        Refusal::MajorVersion { received: 1 },
    );
    assert_eq!(refused.cause("ike-version-mismatch").side, AtFault::Remote);
    let refused = Story::new()
        .initiating()
        .unprotected(5, "INVALID_MAJOR_VERSION", 2)
        .refused(
            There,
            Responder,
            "IKE_SA_INIT",
            Refusal::MajorVersion { received: 1 },
        );
    assert_eq!(refused.cause("ike-version-mismatch").side, AtFault::Local);
}

#[test]
fn an_ikev1_packet_that_we_drop_names_the_version() {
    Story::new()
        .initiating()
        .event(
            Local,
            Initiator,
            Happening::Dropped {
                reason: DropReason::IkeVersion,
                detail: "IKEv1".into(),
            },
        )
        .gave_up("IKE_SA_INIT")
        .cause("ike-version-mismatch");
}

#[test]
fn no_matching_connection_on_responder() {
    let refusal = Refusal::NoConnection {
        local: EAST.parse().unwrap(),
        remote: WEST.parse().unwrap(),
    };
    let finding = told_no_proposal()
        .received(There, Responder, "IKE_SA_INIT", false)
        .refused(There, Responder, "IKE_SA_INIT", refusal.clone())
        .cause("no-matching-connection-on-responder");
    assert_eq!(finding.side, AtFault::Remote);
    assert!(finding.message_for_peer.contains(WEST) && finding.message_for_peer.contains(EAST));
    let finding = Story::new()
        .refused(Local, Responder, "IKE_SA_INIT", refusal)
        .cause("no-matching-connection-on-responder");
    assert_eq!(finding.side, AtFault::Local);
    let finding = told_no_proposal()
        .event(
            There,
            Responder,
            Happening::Dropped {
                reason: DropReason::IkeNoConnection,
                detail: String::new(),
            },
        )
        .cause("no-matching-connection-on-responder");
    assert_eq!(finding.side, AtFault::Remote);
}

#[test]
fn both_ends_passive_needs_both_configurations() {
    let waits = |mut c: adit_model::connection::Connection| {
        c.start = adit_model::connection::Start::Passive;
        c
    };
    let one = Story::new().configured(Local, waits(west()));
    one.undecided(&["both-ends-passive"]);
    let finding = Story::new()
        .configured(Local, waits(west()))
        .configured(There, waits(east()))
        .cause("both-ends-passive");
    assert_eq!(finding.side, AtFault::Both);
    // Once somebody has begun, that isn't the question any more.
    let begun = Story::new()
        .configured(Local, waits(west()))
        .configured(There, waits(east()))
        .initiating()
        .gave_up("IKE_SA_INIT");
    assert!(!begun.verdict().names("both-ends-passive"));
}

#[test]
fn ike_port_nonstandard_is_one_of_many_reasons_for_silence() {
    let unusual = adit_model::fact::Known::Sign {
        sign: adit_model::sign::Sign::IkePortUnusual,
        values: [("port".to_owned(), "11025".to_owned())].into(),
    };
    Story::new()
        .initiating()
        .known(Local, unusual)
        .gave_up("IKE_SA_INIT")
        .undecided(&["ike-port-nonstandard", "udp500-blocked"]);
}

/// First requests that are dropped for the bound of half-open IKE SAs leave no attempt, only a drop.
#[test]
fn drops_at_the_half_open_limit_are_told_by_who_drops() {
    let dropped = |side| {
        let what = Happening::Dropped {
            reason: DropReason::IkeHalfOpenLimit,
            detail: "50 IKE SAs are half open, the limit is 50".into(),
        };
        Story::new()
            .initiating()
            .gave_up("IKE_SA_INIT")
            .event(side, Responder, what)
    };
    let finding = dropped(There).cause("half-open-limit");
    assert!(finding.summary.contains("the limit is 50"));
    assert!(finding.fix.remote.contains("half_open_per_source"));
    dropped(Local).cause("half-open-limit");
}
