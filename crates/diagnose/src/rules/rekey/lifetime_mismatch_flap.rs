//! `lifetime-mismatch-flap`: the tunnel breaks at regular times, and comes back.

use adit_model::complaint::Complaint;
use adit_model::event::{Happening, Party};
use adit_model::fact::{Fact, Known};
use adit_model::sign::Sign;

use crate::finding::{CONDITION, SYMPTOM};
use crate::rhythm::{rhythm, span};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "lifetime-mismatch-flap",
    recurs: true,
    page: Page {
        title: "The tunnel breaks at regular times: one side's lifetime is shorter",
        what: "Each side ends SAs after a lifetime of its own (IKEv2), or of what was negotiated (IKEv1). If one side ends them much earlier than the other would replace them, the tunnel breaks at that interval and is set up anew.",
        initiator: "Deletes by the peer, or expiry, at equal intervals; Openswan: EVENT_SA_EXPIRE in seconds although hours are configured.",
        responder: "It deletes when its lifetime is over.",
        look_alikes: &[
            (
                "dpd-too-aggressive",
                "Is the interval constant and equal to a configured lifetime?",
            ),
            (
                "pfs-mismatch-at-rekey",
                "Does it come back at once by itself?",
            ),
            (
                "reauth-break-before-make",
                "Does a line speak of reauthentication?",
            ),
        ],
        fix: &[
            (
                "any",
                "The same lifetimes on both sides; the IKE lifetime longer than the CHILD's; rekey margins well below both.",
            ),
            (
                "strongswan",
                "`rekey_time`, `life_time`; ipsec.conf: `ikelifetime`, `lifetime`, `margintime`",
            ),
            ("libreswan", "`ikelifetime=`, `salifetime=`, `rekeymargin=`"),
        ],
        source: "RFC 7296 2.8; RFC 2407 4.5.4",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "pfs-mismatch-at-rekey",
        "reauth-break-before-make",
        "rekey-refused",
        "ts-changed-at-rekey",
        "idle-teardown",
        "volume-lifetime-small",
        "service-crash-loop",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let ended: Vec<&Fact> = s
        .case
        .facts
        .iter()
        .filter(|f| {
            matches!(
                &f.what,
                Known::Happened {
                    happening: Happening::IkeClosed {
                        by: Party::Peer,
                        cause
                    }
                } if cause == "deleted"
            )
        })
        .collect();
    let begun = s
        .case
        .happenings()
        .filter_map(|(f, h)| matches!(h, Happening::IkeEstablished { .. }).then_some(f));
    if let (Some(ends), Some(begins), Some(last)) =
        (rhythm(ended.iter().copied()), rhythm(begun), ended.last())
    {
        return Found::on(
            last,
            SYMPTOM,
            AtFault::Both,
            format!("the peer ends the tunnel every {}, and it is set up anew every {}: one side's lifetime is shorter than the other's", ends.every(), begins.every()),
        )
        .with(ended.iter().copied())
        .because(format!("{} intervals of the same length lie between the deletes: a clock ends the tunnel, not the path.", ends.intervals))
        .fix(format!("set the same lifetimes on both sides; one of them is about {}", begins.every()))
        .then("compare both sides' IKE and CHILD lifetimes with that interval")
        .done();
    }
    if let Some(found) = children(s) {
        return found.done();
    }
    // One that was replaced is the rule after every rekey; two are alive together only when they are replaced faster than
    // they end.
    let waiting: Vec<_> = s.signs_of(Sign::ReplacedIkeSaLives).collect();
    if let [first, .., last] = waiting.as_slice()
        && first.fact.source.line != last.fact.source.line
        && first.value("seconds") != last.value("seconds")
    {
        return Found::by(
            *first,
            CONDITION,
            format!("{} IKE SAs of the tunnel that were replaced already still wait for their end: they are replaced far too often", waiting.len()),
        )
        .at(AtFault::Both)
        .with(waiting.iter().map(|x| x.fact))
        .because("An IKE SA lives for hours; several at once say that one side replaces or ends them by a shorter lifetime than the other's.")
        .fix("set the same lifetimes of the IKE SA and of the CHILD SAs on both sides")
        .then("compare both sides' IKE and CHILD lifetimes with the times at which SAs are replaced")
        .done();
    }
    if let Some(found) = told_by_the_hour(s).or_else(|| deleted_by_the_hour(s)) {
        return found;
    }
    match s.sign(Sign::LifetimeDiffers).filter(|_| !s.up) {
        Some(seen) => Judgement::Possible {
            weight: 30,
            because: format!("the lifetimes differ: {}", seen.said()),
            separated_by: "whether the tunnel breaks at the interval of a configured lifetime",
        },
        None => Judgement::Silent,
    }
}

/// The peer ends the tunnel's traffic at regular intervals, and it is set up anew each time.
fn children(s: &Signals<'_>) -> Option<Found> {
    let ended: Vec<&Fact> = s
        .case
        .facts
        .iter()
        .filter(|f| {
            matches!(
                &f.what,
                Known::Happened {
                    happening: Happening::ChildClosed {
                        by: Party::Peer,
                        ..
                    }
                }
            )
        })
        .collect();
    // Where the IKE SA ends too, its end is what takes them along.
    let with_ike = |f: &Fact| {
        matches!(
            &f.what,
            Known::Happened {
                happening: Happening::IkeClosed {
                    by: Party::Peer,
                    ..
                }
            }
        )
    };
    if s.case.facts.iter().any(with_ike) {
        return None;
    }
    let (every, last) = (rhythm(ended.iter().copied())?, ended.last()?);
    Some(
        Found::on(
            last,
            SYMPTOM,
            AtFault::Both,
            format!("the peer ends the CHILD SA every {}, and it is set up anew each time: its lifetime ends before anybody renews it", every.every()),
        )
        .with(ended.iter().copied())
        .because(format!("{} intervals of the same length lie between the deletes: a clock ends the SAs, not the path. What is on its way meanwhile is lost.", every.intervals))
        .fix(format!("let a side renew the CHILD SA (`rekey`) well before {} are over, and set the same lifetimes on both sides", every.every()))
        .then("compare both sides' lifetimes of the CHILD SA with that interval"),
    )
}

/// Somebody says that it breaks at the interval of a usual lifetime, and the peer ended an SA.
fn deleted_by_the_hour(s: &Signals<'_>) -> Option<Judgement> {
    // One hour, three, four, eight and twelve. Half an hour is as often an idle timeout, and lines are connected anew each day.
    const USUAL_S: [u64; 5] = [3_600, 10_800, 14_400, 28_800, 43_200];
    const OTHERWISE: [&str; 5] = ["dsl", "isp", "new ip", "idle", "no traffic"];
    let (told, after) = s.case.facts.iter().find_map(|f| match f.what {
        Known::Complained {
            complaint: Complaint::Periodic,
            after_s: Some(after),
        } if USUAL_S.contains(&after) => {
            let text = f.source.text.to_lowercase();
            let otherwise = OTHERWISE.iter().any(|word| text.contains(word));
            (!otherwise).then_some((f, after))
        }
        _ => None,
    })?;
    let seen = s.sign(Sign::PeerDeleted).filter(|_| s.calm())?;
    Some(
        Found::by(
            seen,
            CONDITION,
            format!(
                "the tunnel breaks every {}, which is a lifetime, and the peer ends SAs: one side's lifetime is over before they are renewed",
                span(after.saturating_mul(1000))
            ),
        )
        .at(AtFault::Both)
        .with([told])
        .because("What ends at a regular interval ends by a clock. The side whose lifetime is shorter deletes SAs; where renewing them fails or nobody begins it, the tunnel stays down.")
        .fix("set the same lifetimes of the IKE SA and of the CHILD SAs on both sides, and let our side renew them")
        .then("the lines of both sides around one end: whether a rekey is tried, and what it comes to")
        .done(),
    )
}

/// The lifetimes differ, and somebody says at which interval it breaks.
fn told_by_the_hour(s: &Signals<'_>) -> Option<Judgement> {
    const LIFETIME_S: u64 = 600;
    let seen = s.ever(Sign::LifetimeDiffers).pop()?;
    let told = s.case.facts.iter().find(|f| {
        matches!(
            f.what,
            Known::Complained { complaint: Complaint::Periodic, after_s: Some(after) } if after >= LIFETIME_S
        )
    })?;
    s.calm().then(|| {
        Found::by(
            seen,
            CONDITION,
            "the two sides' lifetimes differ, and the tunnel breaks at the interval of one",
        )
        .at(AtFault::Both)
        .with([told])
        .because("The side whose lifetime is shorter ends SAs that the other takes for good; where it can't or doesn't set them up again, the tunnel stays down.")
        .fix("set the same lifetimes of the IKE SA and of the CHILD SAs on both sides")
        .then("compare both sides' IKE and CHILD lifetimes with the interval")
        .done()
    })
}
