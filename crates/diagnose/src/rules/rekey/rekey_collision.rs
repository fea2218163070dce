//! `rekey-collision`: both sides replace the same SA at once.

use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::before;
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "rekey-collision",
    recurs: true,
    page: Page {
        title: "Both sides replace the SA at the same time",
        what: "With equal lifetimes and margins both sides begin to rekey in the same second. The protocol says which of the two new SAs goes; some implementations delete both, or keep using the one that goes.",
        initiator: "strongSwan: \"CHILD_SA rekey collision won/lost\", \"detected CHILD_REKEY collision with CHILD_REKEY\".",
        responder: "The same, the other way round.",
        look_alikes: &[(
            "lifetime-mismatch-flap",
            "Do the two requests cross within a second or two?",
        )],
        fix: &[
            (
                "any",
                "Unequal lifetimes: let one side rekey some minutes before the other ever would.",
            ),
            (
                "strongswan",
                "`rekey_time` with `rand_time`; ipsec.conf: `rekeyfuzz=100%`",
            ),
            ("libreswan", "`rekeyfuzz=100%`, or `rekey=no` on one side"),
        ],
        source: "RFC 7296 2.8.1, 2.25",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["pfs-mismatch-at-rekey"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let done = s.ever(Sign::SecondPhaseDone);
    let mut all = s.ever(Sign::RekeyCollision);
    // ASA keeps one of the two; the tunnel came up after it.
    all.retain(|x| {
        !(x.said().contains("IPsec rekey collision detected")
            && done.iter().any(|up| before(x.fact, up.fact)))
    });
    let Some(seen) = all.last() else {
        return busy(s);
    };
    // A collision that ends well is business as usual.
    if s.up && all.len() < OFTEN {
        return Judgement::Silent;
    }
    Found::by(*seen, SYMPTOM, "both sides replace the SA at the same time, and one of the new SAs is lost")
        .at(AtFault::Both)
        .with(all.iter().map(|x| x.fact))
        .because("Both sides' requests crossed; which SA remains has to be agreed then, and that goes wrong between these two.")
        .fix("make the lifetimes unequal, so that one side always rekeys first (strongSwan: rekey_time, rand_time; Libreswan: rekey=no on one side)")
        .done()
}

/// TEMPORARY_FAILURE again and again: the other side is busy with the SA whenever it is to be replaced (RFC 7296 2.25).
fn busy(s: &Signals<'_>) -> Judgement {
    match s.put_off().as_slice() {
        all @ [.., (_, what)] if all.len() >= OFTEN => Judgement::Possible {
            weight: 50,
            because: format!("{what} was put off {} times (TEMPORARY_FAILURE)", all.len()),
            separated_by: "what the other side did with the SA at those moments",
        },
        _ => Judgement::Silent,
    }
}

const OFTEN: usize = 3;
