//! `ikev1-exchange-mode-mismatch`: main mode on one side, aggressive mode on the other.

use adit_model::event::Happening;
use adit_model::sign::Sign;

use crate::finding::{SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, notify, who};
use crate::stranger::{fails_elsewhere, sender};

pub(crate) static RULE: Rule = Rule {
    id: "ikev1-exchange-mode-mismatch",
    recurs: false,
    page: Page {
        title: "The modes of IKEv1 differ: main and aggressive",
        what: "One side begins in aggressive mode and the other has only main mode for it, or the other way round; or aggressive mode with a pre-shared key is refused because anybody who hears it can try keys out.",
        initiator: "No answer, or NO_PROPOSAL_CHOSEN, AUTHENTICATION_FAILED.",
        responder: "strongSwan: \"Aggressive Mode PSK disabled for security reasons\", \"found 1 matching config, but none allows … using Aggressive Mode\"; racoon: \"not acceptable Aggressive mode\"; ASA: \"Unable to initiate or respond to Aggressive Mode while disabled\".",
        look_alikes: &[
            (
                "ike-version-mismatch",
                "Is it the mode or the version that differs?",
            ),
            (
                "auth-method-mismatch",
                "Does the method fit and only the mode not?",
            ),
        ],
        fix: &[
            (
                "any",
                "IKEv2, which has no modes; otherwise main mode on both sides.",
            ),
            (
                "strongswan",
                "`aggressive = yes|no` of the connection; as responder with a pre-shared key also `charon.i_dont_care_about_security_and_use_aggressive_mode_psk = yes`.",
            ),
            ("libreswan", "`aggressive=yes|no` (`aggrmode=`)."),
            ("racoon", "`exchange_mode main,aggressive;`."),
        ],
        source: "RFC 2409 5; RFC 9395",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::ExchangeModeRefused) else {
        return refused_by_peer(s).unwrap_or(Judgement::Silent);
    };
    let stranger = sender(seen).and_then(|from| fails_elsewhere(s.case.of(seen.side()), from));
    if stranger.is_some() {
        return refused_by_peer(s).unwrap_or(Judgement::Silent);
    }
    let mode = seen.value_or("mode", "this mode");
    // Main mode is what everybody has, so it is the method.
    if mode.eq_ignore_ascii_case("main") && seen.value("of") == Some("method") {
        return Judgement::Silent;
    }
    let what = if mode.to_ascii_lowercase().contains("mode") {
        mode.to_owned()
    } else {
        format!("{mode} mode")
    };
    Found::by(
        seen,
        SAID - 0.02,
        format!("the peer begins in {what}, which {} doesn't allow for this connection", seen.who()),
    )
    .at(crate::verdict::AtFault::Both)
    .because("IKEv1 sets an SA up in main mode or in aggressive mode, and both sides must be set to the same.")
    .fix("use IKEv2, or set the same mode on both sides (main mode unless an identity must be known before the key)")
    .done()
}

/// The peer says that it doesn't know this exchange.
fn refused_by_peer(s: &Signals<'_>) -> Option<Judgement> {
    let told = s.told.iter().rev().find(|t| {
        t.init
            && t.version < 2
            && matches!(
                t.notify,
                notify::INVALID_EXCHANGE_TYPE | notify::UNSUPPORTED_EXCHANGE_TYPE
            )
    })?;
    let aggressive = s.happenings(told.side).any(|(_, h)| {
        matches!(h, Happening::Sent(m) if matches!(m.exchange.as_str(), "AGGRESSIVE" | "AI1"))
    });
    // Main mode is what everybody has who speaks IKEv1 at all.
    if !aggressive {
        return Some(Judgement::Possible {
            weight: 45,
            because: format!(
                "the answer {} is about the mode of IKEv1, or about its version",
                told.name
            ),
            separated_by: "which versions and modes of IKE the peer is set to",
        });
    }
    let (asked, refuser) = (told.side, told.side.other());
    Some(
        Found::on(
            told.fact,
            SYMPTOM,
            crate::verdict::AtFault::Both,
            format!(
                "{} begins in aggressive mode, and {} doesn't know or allow it: {}",
                who(asked),
                who(refuser),
                told.name
            ),
        )
        .because("The error names the type of the exchange. Main mode is what every IKEv1 has; aggressive mode is often off.")
        .fix("use IKEv2, or set main mode on both sides (strongSwan: aggressive = no)")
        .done(),
    )
}
