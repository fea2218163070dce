//! Daemons and SAs that come and go.

use adit_diagnose::Answer;
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
