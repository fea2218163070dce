//! `delete-lost-stale-sa`: one side deleted an SA and the other still uses it.

use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "delete-lost-stale-sa",
    recurs: false,
    page: Page {
        title: "One side still uses an SA that the other has deleted",
        what: "A delete that was lost or ignored leaves the sides with different SAs: one sends on an SPI that the other no longer has.",
        initiator: "strongSwan: \"received DELETE for unknown ESP CHILD_SA with SPI …\"; Libreswan: \"ignoring Delete SA payload: … not found (maybe expired)\".",
        responder: "ESP with an unknown SPI (XfrmInNoStates, invalid SPI).",
        look_alikes: &[(
            "esp-spi-unknown",
            "Did it begin with a rekey, or with a restart?",
        )],
        fix: &[
            (
                "any",
                "Clear the tunnel at both ends; dead peer detection; the same software age on both sides.",
            ),
            ("strongswan", "`charon.delete_rekeyed_delay`"),
            ("cisco", "`crypto isakmp invalid-spi-recovery`"),
        ],
        source: "RFC 7296 1.4.1, 2.8",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["reboot-no-initial-contact"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::DeleteForUnknown) else {
        return Judgement::Silent;
    };
    let spi = seen.value_or("spi", "unknown here");
    match s.sign(Sign::SpiUnknown) {
        Some(stale) => Found::by(seen, SYMPTOM, format!("the sides don't have the same SAs: a delete names one ({spi}) that isn't known, and ESP comes with an SPI that isn't"))
            .at(AtFault::Both)
            .with([stale.fact])
            .because("One side went on with an SA that the other had given up.")
            .fix("clear the tunnel's SAs at both ends and set it up anew; switch dead peer detection on")
            .done(),
        None => Judgement::Possible {
            weight: 15,
            because: format!("a delete names an SA that isn't known here ({spi}); that happens after a rekey too"),
            separated_by: "whether ESP still arrives with that SPI",
        },
    }
}
