//! `policy-order-wrong`: an entry that stands earlier takes the traffic of a later one.

use adit_model::complaint::Complaint;
use adit_model::fact::{Known, Side};
use adit_model::sign::Sign;

use crate::complaint::carries_nothing;
use crate::finding::{CONDITION, CONFIGURED, COUNTED};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::xfrm::words;

pub(crate) static RULE: Rule = Rule {
    id: "policy-order-wrong",
    recurs: false,
    page: Page {
        title: "An earlier entry takes the traffic of a later one",
        what: "Policies and crypto maps are searched in order. A dynamic entry, or one with wider selectors, that stands before a peer's own entry takes it: with other algorithms, other networks, or another peer.",
        initiator: "Phase 2 is refused although both sides' entries fit.",
        responder: "ASA: a dynamic map with a lower sequence number than the peer's static entry; \"QM FSM error\".",
        look_alikes: &[
            (
                "ts-mismatch",
                "Does the peer's own entry have the same networks?",
            ),
            (
                "wrong-ike-config-selected",
                "Is it the connection (phase 1) or the policy (phase 2) that is the wrong one?",
            ),
        ],
        fix: &[
            (
                "any",
                "Put narrow entries before wide ones, and dynamic entries last.",
            ),
            (
                "cisco",
                "`crypto map X 65535 ipsec-isakmp dynamic Y`: the highest sequence number",
            ),
            (
                "linux",
                "priorities in `ip xfrm policy`: the lower number wins",
            ),
        ],
        source: "RFC 4301 4.4.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::PolicyOrderWrong) else {
        return left_out(s).unwrap_or_else(|| rated_alike(s));
    };
    let name = seen.value_or("name", "the map");
    Found::by(
        seen,
        CONFIGURED,
        format!("in {name} the dynamic entry stands before the peer's own entry and takes its requests"),
    )
    .with(s.signs_of(Sign::ChildFailed).map(|x| x.fact))
    .because("Entries are searched by sequence number. The dynamic one takes any peer, so those behind it are never reached.")
    .fix(format!("give the dynamic entry of {name} the highest sequence number (65535)"))
    .done()
}

/// The kernel's list has the exception from a tunnel behind the tunnel's own policy.
fn left_out(s: &Signals<'_>) -> Option<Judgement> {
    let (side, taken) = [Side::Local, Side::Remote]
        .into_iter()
        .find_map(|side| Some((side, s.kernel(side)?.left_out_in_vain()?)))?;
    Some(
        Found::on(
            taken.by.0,
            COUNTED,
            side.into(),
            format!(
                "the exception {} comes too late: {} takes its traffic first",
                words(taken.from.1),
                words(taken.by.1)
            ),
        )
        .with([taken.from.0])
        .because("The exception is there to let a part of the peer's network pass in clear. Of two policies that fit, the one with the lower number is taken, and that is the tunnel's: the narrower source, or the daemon's reckoning, brought it to the front.")
        .fix("give the exception a lower number (Libreswan: priority=; strongSwan: priority of the child), or make it as narrow as the tunnel's own end (leftsubnet= the gateway's address/32), or take the exception out of the tunnel's remote network")
        .then("ip xfrm policy: the exception stands before the tunnel's policy, with the lower number")
        .done(),
    )
}

/// Whether somebody tells that a part of the traffic fails, or the other child's. Children that are rated alike and have
/// the same settings do no harm, whatever else fails.
fn some_of_several(s: &Signals<'_>, other: &str) -> bool {
    const SEVERAL: [&str; 4] = ["second", "third", "other", "only"];
    s.case.facts.iter().any(|f| {
        let Known::Complained { complaint, .. } = f.what else {
            return false;
        };
        let mut words = f
            .source
            .text
            .split(|c: char| !(c.is_alphanumeric() || matches!(c, '-' | '_')));
        complaint == Complaint::SomeNetworks
            || words.any(|word| {
                word == other
                    || SEVERAL
                        .iter()
                        .any(|several| word.eq_ignore_ascii_case(several))
            })
    })
}

/// Of two children that fit a request alike the first is taken, whichever the peer meant.
fn rated_alike(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::ChildrenRatedAlike) else {
        return Judgement::Silent;
    };
    let fails = carries_nothing(s);
    if s.up && !fails {
        return Judgement::Silent;
    }
    let name = seen.value_or("name", "the first");
    let other = seen.value_or("other", "the other");
    if !s.calm() || !fails || !some_of_several(s, other) {
        return Judgement::Possible {
            weight: 30,
            because: format!("child {name} was taken, and child {other} fits the request as well"),
            separated_by: "whether the traffic that fails belongs to the other child",
        };
    }
    Found::by(
        seen,
        CONDITION,
        format!("child {name} takes the request because it stands first: child {other} fits it as well"),
    )
    .because("Children are rated by how well their networks fit. Those of equal rating are told apart by their order alone, so traffic that belongs to the second one gets the settings of the first.")
    .fix(format!("give {name} and {other} networks or ports that differ, put the narrower one first, or make them two connections; newer versions compare protocols and ports as well"))
    .then("`swanctl --list-conns`: the networks of both children, beside those of the peer's request")
    .done()
}
