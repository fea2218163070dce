//! `dpd-unsupported-or-onesided`: the peer doesn't do dead peer detection.

use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "dpd-unsupported-or-onesided",
    recurs: false,
    page: Page {
        title: "The peer doesn't do dead peer detection",
        what: "In IKEv1 dead peer detection works only with a peer that announces it (a vendor ID). Without it a dead peer is noticed when an SA is due.",
        initiator: "strongSwan: \"DPD not supported by peer, disabled\"; Openswan: \"not enabled because peer did not advertise it\".",
        responder: "Nothing.",
        look_alikes: &[("dpd-disabled-stale-sa", "Is it configured on both sides?")],
        fix: &[(
            "any",
            "Switch it on at the peer; or IKEv2, where it can't be missing.",
        )],
        source: "RFC 3706 5.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::DeathUndetectable).filter(|_| !s.up) else {
        return Judgement::Silent;
    };
    // Said as routine when an SA comes up; it is a fault only where a dead peer went unnoticed.
    if s.case.happenings().next().is_some() {
        return Judgement::Silent;
    }
    if !s.refused.is_empty() || !s.told.is_empty() || !s.silences.is_empty() {
        return Judgement::Silent;
    }
    Found::by(
        seen,
        CONDITION,
        "the peer doesn't do dead peer detection, so a dead peer isn't noticed",
    )
    .at(AtFault::Remote)
    .because("It didn't announce it.")
    .fix("switch dead peer detection on at the peer, or use IKEv2")
    .done()
}
