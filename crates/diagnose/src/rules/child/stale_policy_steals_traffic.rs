//! `stale-policy-steals-traffic`: another connection's policy covers the traffic.

use adit_model::sign::Sign;

use crate::finding::COUNTED;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "stale-policy-steals-traffic",
    recurs: false,
    page: Page {
        title: "Another connection's policy covers the same traffic",
        what: "Two connections have selectors that overlap, often an old one that was never removed. The policy that came first, or has the better priority, takes the packets, and its tunnel isn't the one that is up.",
        initiator: "The new tunnel is up and idle, or its route can't be installed. Libreswan: \"cannot route -- route already in use for …\".",
        responder: "Nothing.",
        look_alikes: &[
            (
                "overlapping-subnets",
                "Is the overlap meant, or a left-over?",
            ),
            (
                "duplicate-conn-or-reqid",
                "Is it the same connection, loaded twice?",
            ),
        ],
        fix: &[
            (
                "any",
                "Remove the old connection and its policies; make selectors disjoint.",
            ),
            ("libreswan", "`ipsec auto --delete OLD`"),
            (
                "strongswan",
                "`swanctl --uninstall --child OLD`, and take it out of the configuration",
            ),
            (
                "linux",
                "`ip xfrm policy` shows both; `ip xfrm policy delete …`",
            ),
        ],
        source: "RFC 4301 4.4.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::TrafficOwnedByOther) else {
        return Judgement::Silent;
    };
    let other = match seen.value("other") {
        Some(name) => format!("connection {name}"),
        None => "another connection".to_owned(),
    };
    Found::by(seen, COUNTED, format!("{other} has the same traffic at {}, so this one can't", seen.who()))
        .with(s.signs_of(seen.sign).map(|x| x.fact))
        .because("A policy for these networks is installed already, and it isn't this connection's.")
        .fix(format!("remove {other} and its policies if it is a left-over, or make the networks of the two disjoint"))
        .done()
}
