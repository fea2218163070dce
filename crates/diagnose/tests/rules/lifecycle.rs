//! Daemons and SAs that come and go.

use adit_diagnose::Answer;
use adit_model::event::Happening;
use adit_model::fact::Known;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;
use adit_model::traffic::SaTraffic;

use crate::common::*;

fn said(sign: Sign) -> Known {
    Known::Sign {
        sign,
        values: Default::default(),
    }
}

#[test]
fn no_autostart_after_reboot_is_why_a_stopped_service_stays_stopped() {
    let disabled = Story::new().known(Local, said(Sign::ServiceDisabled));
    disabled.undecided(&["no-autostart-after-reboot"]);
    let finding = disabled
        .known(Local, said(Sign::DaemonNotRunning))
        .cause("daemon-not-running");
    assert_eq!(finding.consequences[0].cause, "no-autostart-after-reboot");
}

#[test]
fn dpd_disabled_stale_sa_is_possible_while_an_sa_only_sends() {
    Story::new()
        .known(Local, said(Sign::DeathDetectionOff))
        .known(
            Local,
            Known::Carried {
                traffic: Box::new(SaTraffic {
                    octets_in: Some(0),
                    octets_out: Some(840),
                    ..SaTraffic::default()
                }),
            },
        )
        .known(Local, Known::TunnelState { up: false })
        .undecided(&["dpd-disabled-stale-sa"]);
}

#[test]
fn one_removal_of_an_older_sa_before_the_tunnel_is_up_means_nothing() {
    let verdict = Story::new()
        .known(Local, said(Sign::DuplicateRemoved))
        .established(Local, Responder)
        .child_up(Local, Responder)
        .verdict();
    assert_eq!(verdict.verdict, Answer::Healthy, "{}", verdict.summary);
}

#[test]
fn uniqueness_kicks_peer_also_where_the_older_one_is_kept() {
    let refusal = Refusal::PeerIsHere {
        peer: "west.lab".parse().unwrap(),
        from: [198, 51, 100, 9].into(),
        present: [192, 0, 2, 9].into(),
    };
    let finding = Story::new()
        .refused(Local, Responder, "IKE_AUTH", refusal)
        .cause("uniqueness-kicks-peer");
    assert!(
        finding.summary.contains("198.51.100.9"),
        "{}",
        finding.summary
    );
}

fn expired(why: Option<&str>) -> Happening {
    Happening::Expired {
        what: "CHILD_SA lan".into(),
        limit: "1200 s".into(),
        why: why.map(str::to_owned),
    }
}

fn put_off() -> Happening {
    Happening::PutOff {
        what: "CHILD_SA lan (rekeying)".into(),
        wait_ms: 5_000,
    }
}

/// The gateway's own word for an SA that ended, and for why it wasn't renewed.
#[test]
fn an_sa_that_expired_says_why() {
    let up = || Story::new().initiating().init_done(false);
    let verdict = up()
        .event(Local, Initiator, expired(Some("the peer is busy")))
        .gave_up("CREATE_CHILD_SA")
        .cause("sa-hard-expired");
    assert!(verdict.summary.contains("1200 s"));
    assert!(verdict.summary.contains("the peer is busy"));
    // What refused the successor is the deeper reason.
    let pfs = Refusal::NoEspProposal {
        offered: vec![esp("aes128gcm16-x25519")],
        configured: vec![esp("aes128gcm16")],
        differs: vec![adit_model::proposal::TransformKind::KeyExchange],
    };
    let verdict = up()
        .refused(Local, Initiator, "CHILD_SA lan (rekeying)", pfs)
        .event(Local, Initiator, expired(None))
        .verdict();
    assert_eq!(verdict.cause(), Some("pfs-mismatch-at-rekey"));
    let consequences = &verdict.findings[0].consequences;
    assert!(consequences.iter().any(|c| c.cause == "sa-hard-expired"));
}

/// Once is business as usual; a peer that is always busy is in the way.
#[test]
fn a_rekey_that_is_put_off_again_and_again() {
    let story = |times| {
        let begun = Story::new().initiating().init_done(false);
        (0..times).fold(begun, |story, _| story.event(Local, Initiator, put_off()))
    };
    assert!(!story(1).verdict().names("rekey-collision"));
    story(3).undecided(&["rekey-collision"]);
}
