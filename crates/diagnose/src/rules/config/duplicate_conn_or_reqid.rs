//! `duplicate-conn-or-reqid`: the same connection is there twice.

use adit_model::sign::Sign;

use crate::finding::{CONDITION, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "duplicate-conn-or-reqid",
    recurs: false,
    page: Page {
        title: "The same connection is there twice",
        what: "A connection or child is loaded twice, under one name or two, or two have one request id by hand. Which of them gets the traffic is chance, and each may remove what the other set up.",
        initiator: "Two SAs for one pair of networks; traffic uses one of them.",
        responder: "The same.",
        look_alikes: &[
            (
                "stale-policy-steals-traffic",
                "Is the other one of the same daemon and still configured?",
            ),
            (
                "kernel-policy-conflict",
                "Does the kernel refuse the policy?",
            ),
        ],
        fix: &[
            (
                "any",
                "Leave one of them: one name, one file, one pair of networks, one request id.",
            ),
            (
                "strongswan",
                "`swanctl --list-conns`; no reqid by hand where none is needed.",
            ),
            ("libreswan", "`ipsec status | grep ===`."),
        ],
        source: "RFC 4301 4.4.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["kernel-policy-conflict"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::ConnectionDuplicate) else {
        return Judgement::Silent;
    };
    if !s.calm() {
        return Judgement::Possible {
            weight: 15,
            because: "a connection is there twice".to_owned(),
            separated_by: "the list of loaded connections and their networks",
        };
    }
    if let Some(reqid) = seen.value("reqid") {
        return Found::by(
            seen,
            SYMPTOM,
            match seen.value("other") {
                Some(other) => format!(
                    "{} and {other} at {} have different networks and one request id ({reqid})",
                    seen.value_or("name", ""),
                    seen.who()
                ),
                None => format!("two children at {} have one request id", seen.who()),
            },
        )
        .because("The request id ties policies to their SAs. Where two children share one, the kernel takes the SA that came last for the traffic of both, and the other end drops what isn't within its networks.")
        .fix("take a reqid that is set by hand out of the configuration; where none is set, the daemon gave it twice: update it, and until then load the connection and set it up anew (swanctl --terminate, --initiate)")
        .then("swanctl --list-sas: the reqid beside the networks of each child; ip xfrm policy")
        .done();
    }
    Found::by(
        seen,
        if seen.value("other").is_some() { SYMPTOM } else { CONDITION },
        match seen.value("name") {
            Some(name) => format!("{name} is there twice at {}", seen.who()),
            None => format!("a connection is there twice at {}", seen.who()),
        },
    )
    .because("The daemon itself found the second one.")
    .fix("keep one definition of the connection (one name, one pair of networks, one request id), and load the configuration again")
    .then("the list of loaded connections")
    .done()
}
