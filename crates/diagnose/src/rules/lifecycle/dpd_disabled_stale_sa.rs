//! `dpd-disabled-stale-sa`: nobody notices that the peer is gone.

use adit_model::complaint::Complaint;
use adit_model::fact::Known;
use adit_model::listed::Stage;
use adit_model::sign::Sign;

use crate::finding::{BOTH_SIDES, CONDITION};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "dpd-disabled-stale-sa",
    recurs: false,
    page: Page {
        title: "Dead peer detection is off, and the SA outlives the peer",
        what: "Without dead peer detection a gateway sends on its SAs until they expire, whether the peer is there or not: the tunnel shows as up and carries nothing.",
        initiator: "SA established, octets out grow, octets in don't.",
        responder: "It restarted or is unreachable.",
        look_alikes: &[
            (
                "asymmetric-routing-bypass",
                "Does the peer's host answer at all?",
            ),
            (
                "esp-blocked-one-way",
                "Does IKE still get an answer on this SA?",
            ),
        ],
        fix: &[
            (
                "any",
                "Dead peer detection with 10 to 30 s, and an action that sets the tunnel up anew.",
            ),
            ("strongswan", "`dpd_delay = 30s`, `dpd_action = restart`"),
            (
                "libreswan",
                "`dpddelay=30`, `dpdaction=restart` (IKEv1 also `dpdtimeout=120`)",
            ),
            ("cisco", "`crypto isakmp keepalive 10 3`"),
        ],
        source: "RFC 7296 2.4; RFC 3706",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["esp-blocked-one-way"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::DeathDetectionOff) else {
        return Judgement::Silent;
    };
    if let Some(restarted) = s.complains(Complaint::AfterPeerRestart)
        && s.calm()
    {
        return Found::by(
            seen,
            CONDITION,
            format!("nothing asks whether the peer is alive on {}, so SAs that the restarted peer no longer has stay in use", seen.who()),
        )
        .with([restarted])
        .because("ESP has no acknowledgement: without dead peer detection a side goes on sending until the SA is replaced.")
        .fix("turn dead peer detection on at both ends, and reset the tunnel now")
        .done();
    }
    // The peer's status has no such SA, and this side still sends.
    let gone = s
        .standing(seen.side().other())
        .filter(|there| there.stage == Stage::Absent);
    let sends = s
        .carried(seen.side())
        .filter(|c| c.sent.is_some_and(|n| n > 0));
    if let (Some(gone), Some(sends)) = (gone, sends) {
        return Found::by(
            seen,
            BOTH_SIDES,
            format!("{} goes on sending into SAs that the other side no longer has, and nothing asks whether it is alive", seen.who()),
        )
        .with(gone.facts)
        .with(sends.facts)
        .because("ESP has no acknowledgement: without dead peer detection a side goes on sending until the SA is replaced.")
        .fix("turn dead peer detection on at both ends (dpddelay=30, dpdaction=restart), and reset the tunnel now")
        .done();
    }
    let one_way = s.case.of(seen.side()).find(|f| match &f.what {
        Known::Carried { traffic } => {
            traffic.received() == Some(0) && traffic.sent().is_some_and(|n| n > 0)
        }
        _ => false,
    });
    match one_way {
        Some(fact) => Judgement::Possible {
            weight: 35,
            because: format!(
                "octets go out and none come back, and nothing asks whether the peer is alive: {}",
                fact.source.text
            ),
            separated_by: "whether the peer still has these SAs",
        },
        None if !s.up => Judgement::Possible {
            weight: 5,
            because: format!(
                "nothing asks whether the peer is alive: {}",
                seen.fact.source.text
            ),
            separated_by: "whether the peer restarted while the SA was up",
        },
        None => Judgement::Silent,
    }
}
