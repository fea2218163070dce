//! `esn-mismatch`: extended sequence numbers are wanted by one side only.

use adit_model::proposal::TransformKind;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::finding::{SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "esn-mismatch",
    recurs: false,
    page: Page {
        title: "Only one side has extended sequence numbers",
        what: "The size of sequence numbers is a part of the ESP proposal: 32 or 64 bits. A side that offers only one of them fits no side that has only the other.",
        initiator: "NO_PROPOSAL_CHOSEN for the CHILD SA although the ciphers are the same.",
        responder: "strongSwan: \"no acceptable EXTENDED_SEQUENCE_NUMBERS found\".",
        look_alikes: &[(
            "esp-proposal-mismatch",
            "Do the proposals differ in ESN alone?",
        )],
        fix: &[
            ("any", "Offer both sizes on one side, or the same on both."),
            ("strongswan", "`aes256gcm16-esn-noesn` in `esp_proposals`"),
            (
                "libreswan",
                "`esn=either`; `replay-window=0` switches ESN off",
            ),
        ],
        source: "RFC 7296 3.3.2; RFC 4303 2.2.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let refused = s.refusal(|r| match r {
        Refusal::NoEspProposal { differs, .. } if differs == &[TransformKind::Esn] => Some(()),
        _ => None,
    });
    if let Some((r, ())) = refused {
        return found(Found::on(
            r.fact,
            SAID,
            AtFault::Both,
            "the ESP proposals differ only in extended sequence numbers",
        ));
    }
    match s.sign(Sign::EsnDiffers) {
        Some(seen) => found(
            Found::by(
                seen,
                SYMPTOM,
                "extended sequence numbers are wanted by one side only",
            )
            .at(AtFault::Both),
        ),
        None => Judgement::Silent,
    }
}

fn found(found: Found) -> Judgement {
    found
        .because("Everything else in the proposals fits.")
        .fix("offer both sizes of sequence numbers (strongSwan: -esn-noesn; Libreswan: esn=either), or the same on both sides")
        .done()
}
