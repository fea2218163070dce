//! `sa-hard-expired`: an SA came to the end of its life without a successor.

use adit_model::event::Happening;
use adit_model::fact::Known;
use adit_model::listed::{Layer, Stage};
use adit_model::sign::Sign;

use crate::finding::{CONDITION, COUNTED, SYMPTOM};
use crate::plane::found;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "sa-hard-expired",
    recurs: false,
    page: Page {
        title: "An SA came to the end of its life without a successor",
        what: "Rekeying failed, was switched off or came too late, so that the SA reached its hard lifetime and was removed.",
        initiator: "Traffic stops exactly one lifetime after the tunnel came up.",
        responder: "The same; perhaps a moment later.",
        look_alikes: &[
            (
                "rekey-failed-no-answer",
                "Was a rekey tried, and not answered?",
            ),
            (
                "rekey-disabled",
                "Is rekeying off on the side that should do it?",
            ),
            ("pfs-mismatch-at-rekey", "Was the rekey refused?"),
        ],
        fix: &[
            (
                "any",
                "Rekey before the end: switch it on, with a margin of several minutes, and repair what makes it fail.",
            ),
            (
                "strongswan",
                "`rekey_time` below `life_time`; `rekey_time = 0` switches it off.",
            ),
            ("libreswan", "`rekey=yes`, `rekeymargin=9m`."),
            (
                "illumos",
                "p2_softlife_secs below p2_lifetime_secs in the rule.",
            ),
        ],
        source: "RFC 4301 4.4.2.1; RFC 7296 2.8",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "rekey-failed-no-answer",
        "rekey-disabled",
        "rekey-refused",
        "pfs-mismatch-at-rekey",
        "idle-teardown",
        "lifetime-mismatch-flap",
        "peer-deleted-sa",
        "volume-lifetime-small",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some((seen, count)) = s.kernel_drops(&["InStateExpired", "OutStateExpired"]) {
        // One or another packet is late at every end of an SA.
        if s.everyday(seen) {
            return Judgement::Possible {
                weight: 30,
                because: format!(
                    "{count} packets met an SA of {} that had expired",
                    seen.who()
                ),
                separated_by: "whether the count still grows while nothing passes",
            };
        }
        return Found::by(
            seen,
            COUNTED,
            format!(
                "{count} packets met an SA of {} that had expired",
                seen.who()
            ),
        )
        .because("The SA was past its hard lifetime, and no other had taken its place.")
        .fix(CHANGE)
        .done();
    }
    if let Some(judgement) = told(s) {
        return judgement;
    }
    let again = s.first_sign(&[
        Sign::RekeyFailed,
        Sign::RekeyRefused,
        Sign::RekeyUnanswered,
        Sign::IdleClosed,
        Sign::RekeyOff,
        // What the kernel didn't take was never used.
        Sign::StateNotInstalled,
    ]);
    // Another one came up after the last that ended.
    let ended_last = s.ever(Sign::SaExpired).last().copied();
    let came_up = ended_last.is_some_and(|x| {
        s.overtaken(x, |h| {
            matches!(
                h,
                Happening::IkeEstablished { .. } | Happening::ChildEstablished { .. }
            )
        })
    });
    if s.up || came_up || again.is_some() || only_soft(s) || replaced(s) {
        return Judgement::Silent;
    }
    // A listing shows what is left of an SA beside the one that took its place.
    let listed = s
        .sign(Sign::SaExpired)
        .is_some_and(|x| x.fact.source.text.contains("expiration occur"));
    let another = s.case.facts.iter().any(|f| {
        matches!(&f.what, Known::Listed { sa } if sa.layer == Layer::Child && sa.stage == Stage::Up)
    });
    if listed && another {
        return Judgement::Possible {
            weight: 35,
            because: "an SA in the list is past its end, and others aren't".to_owned(),
            separated_by: "whether one of the others is between the same hosts",
        };
    }
    let ended = s.ever(Sign::SaExpired);
    if !ended.is_empty() && ended.iter().all(|x| x.value("idle").is_some()) {
        return Judgement::Possible {
            weight: 35,
            because: "an SA reached the end of its life, as one does that carries nothing"
                .to_owned(),
            separated_by: "whether hosts sent anything through the tunnel in the minutes before its end",
        };
    }
    found(s, &[Sign::SaExpired], CONDITION, |seen, times| {
        format!("an SA of {} expired and no other took its place{times}", seen.who())
    })
    .map_or(Judgement::Silent, |found| {
        found
            .because("It reached the end of its life. Why it wasn't replaced, the lines before it tell, where there are any.")
            .fix(CHANGE)
            .then("look at what was logged a margin before the end: a rekey that fails, or none at all")
            .done()
    })
}

const CHANGE: &str = "switch rekeying on with a margin of several minutes before the hard lifetime, and repair what makes it fail";

/// racoon tells the soft and the hard end of an SA in the same words: only a second line about the same SPI is the end.
fn only_soft(s: &Signals<'_>) -> bool {
    let spi = |text: &str| {
        text.split_once("IPsec-SA expired:")
            .and_then(|(_, rest)| rest.split_once("spi="))
            .map(|(_, spi)| spi.trim().to_owned())
    };
    let mut seen: Vec<String> = Vec::new();
    for sign in s.ever(Sign::SaExpired) {
        match spi(&sign.fact.source.text) {
            None => return false,
            Some(spi) if seen.contains(&spi) => return false,
            Some(spi) => seen.push(spi),
        }
    }
    !seen.is_empty()
}

/// Of each SA that ended another one between the same hosts had come up.
///
/// racoon: `ESP/Tunnel 192.0.2.1[0]->198.51.100.1[0] spi=1(0x1)`.
fn replaced(s: &Signals<'_>) -> bool {
    let parts = |what: &str| {
        let (ends, spi) = what.rsplit_once("spi=")?;
        let ends = ends.split_whitespace().last()?.to_owned();
        Some((ends, spi.trim().to_owned()))
    };
    let up: Vec<_> = s
        .ever(Sign::SecondPhaseDone)
        .into_iter()
        .filter_map(|x| parts(x.value("what")?))
        .collect();
    let ended = s.ever(Sign::SaExpired);
    let followed = |x: &Seen<'_>| {
        x.value("what")
            .and_then(parts)
            .is_some_and(|(ends, spi)| up.iter().any(|(e, other)| *e == ends && *other != spi))
    };
    !ended.is_empty() && ended.iter().all(followed)
}

/// The gateway says which SA ended, at which limit, and why it wasn't renewed.
fn told(s: &Signals<'_>) -> Option<Judgement> {
    let expired = s.case.happenings().filter_map(|(fact, h)| match h {
        Happening::Expired { what, limit, why } => Some((fact, what, limit, why)),
        _ => None,
    });
    let (fact, what, limit, why) = expired.last()?;
    let why = why
        .as_ref()
        .map_or(String::new(), |why| format!("; it wasn't renewed: {why}"));
    Some(
        Found::on(
            fact,
            SYMPTOM,
            AtFault::Both,
            format!("{what} reached the end of its life ({limit}) and no other had taken its place{why}"),
        )
        .because("An SA is replaced before its end, by either side. What was in the way is the deeper reason.")
        .fix(CHANGE)
        .then("look at what was logged a margin before the end: a rekey that fails, or none at all")
        .done(),
    )
}
