//! `link-saturated`: the line, or a limit on it, is full.

use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "link-saturated",
    recurs: false,
    page: Page {
        title: "The line, or a limit on it, is full",
        what: "The underlay carries as much as it can, or a policer, a licence or a cloud's limit drops what is above it. The overhead of ESP counts too.",
        initiator: "Everything is slow, also outside of the tunnel.",
        responder: "The same.",
        look_alikes: &[
            (
                "cpu-crypto-bound",
                "Is traffic that doesn't use the tunnel slow too?",
            ),
            ("underlay-loss-or-flap", "Is there loss without load?"),
        ],
        fix: &[
            (
                "any",
                "More capacity, several tunnels with equal cost, or shaping below the limit so that what matters passes.",
            ),
            (
                "aws",
                "1.25 Gbit/s for each VPN tunnel: ECMP over a transit gateway; a larger instance type for an instance's allowance.",
            ),
            (
                "cisco-ios",
                "a licence without the limit of 85 Mbit/s (HSEC-K9).",
            ),
        ],
        source: "RFC 2475 2.3.3.3",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.signs_of(Sign::LimitReached).find(|x| {
        x.value("count")
            .is_none_or(|n| n.parse::<u64>().is_ok_and(|n| n > 0))
    }) else {
        return Judgement::Silent;
    };
    let what = match (seen.value("what"), seen.value("count")) {
        (Some(what), Some(count)) => format!(
            "{} went over the cloud's allowance ({what}) {count} times",
            seen.who()
        ),
        (Some(what), None) => format!("{} reached a limit: {what}", seen.who()),
        _ => format!("{} reached a limit of its line", seen.who()),
    };
    Found::by(seen, SYMPTOM, what)
        .at(AtFault::Path)
        .because("What is above the limit is dropped or delayed, whether it goes through the tunnel or not.")
        .fix("get more capacity or a higher limit, or spread the traffic over several tunnels")
        .done()
}
