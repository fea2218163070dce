//! `ikev1-phase1-expiry-kills-phase2`: the SAs of phase 2 go with the phase 1 that made them.

use adit_model::event::{Happening, Party};
use adit_model::fact::Fact;

use crate::finding::SYMPTOM;
use crate::rhythm::rhythm;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "ikev1-phase1-expiry-kills-phase2",
    recurs: true,
    page: Page {
        title: "Phase 2 goes down with phase 1",
        what: "In IKEv1 the SAs of phase 2 may outlive the phase 1 that made them. Some products delete them with it, and others then have traffic and nobody to ask for new SAs, or no dead peer detection.",
        initiator: "The tunnel drops at the lifetime of phase 1 although phase 2 has time left.",
        responder: "It deletes the ISAKMP SA and its children together.",
        look_alikes: &[(
            "lifetime-mismatch-flap",
            "Is the interval the lifetime of phase 1?",
        )],
        fix: &[(
            "any",
            "A phase 1 lifetime longer than that of phase 2, the same on both sides; or IKEv2.",
        )],
        source: "RFC 2408 5.15; RFC 2409 4",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "lifetime-mismatch-flap",
        "reauth-break-before-make",
        "idle-teardown",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    const TOGETHER_MS: u64 = 2_000;
    let v1 = s.case.happenings().any(|(_, h)| match h {
        Happening::Sent(m) | Happening::Received(m) => m.exchange == "QUICK_MODE",
        _ => false,
    });
    if !v1 {
        return Judgement::Silent;
    }
    let deletes: Vec<&Fact> = s
        .case
        .happenings()
        .filter(|(_, h)| matches!(h, Happening::IkeClosed { by: Party::Peer, cause } if cause == "deleted"))
        .map(|(f, _)| f)
        .collect();
    let with_child: Vec<&Fact> = deletes
        .into_iter()
        .filter(|d| {
            s.case.happenings().any(|(f, h)| {
                matches!(
                    h,
                    Happening::ChildClosed {
                        by: Party::Peer,
                        ..
                    }
                ) && matches!((f.at, d.at), (Some(a), Some(b)) if a.0.abs_diff(b.0) <= TOGETHER_MS)
            })
        })
        .collect();
    let (Some(r), Some(last)) = (rhythm(with_child.iter().copied()), with_child.last()) else {
        return Judgement::Silent;
    };
    Found::on(
        last,
        SYMPTOM - 0.02,
        AtFault::Both,
        format!(
            "every {} the peer deletes phase 1 and phase 2 together",
            r.every()
        ),
    )
    .with(with_child.iter().copied())
    .because("Phase 2 goes each time phase 1 reaches its lifetime.")
    .fix("make phase 1's lifetime longer than phase 2's and the same on both sides, or use IKEv2")
    .done()
}
