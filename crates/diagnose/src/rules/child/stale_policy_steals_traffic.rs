//! `stale-policy-steals-traffic`: another connection's policy covers the traffic.

use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::finding::{COUNTED, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;
use crate::xfrm::words;

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
    if let Some(seen) = s.sign(Sign::ForeignPolicy) {
        return foreign(s, seen);
    }
    let Some(seen) = s.sign(Sign::TrafficOwnedByOther) else {
        return installed(s).unwrap_or(Judgement::Silent);
    };
    let other = match seen.value("other") {
        Some(name) => format!("connection {name}"),
        None => "another connection".to_owned(),
    };
    if seen.value("instance").is_some() {
        return Judgement::Possible {
            weight: 50,
            because: format!(
                "{other} served the same network for another client, or for this one before"
            ),
            separated_by: "whether it is the same device that comes back, or another one with the same address inside the tunnel",
        };
    }
    Found::by(seen, COUNTED, format!("{other} has the same traffic at {}, so this one can't", seen.who()))
        .with(s.signs_of(seen.sign).map(|x| x.fact))
        .because("A policy for these networks is installed already, and it isn't this connection's.")
        .fix(format!("remove {other} and its policies if it is a left-over, or make the networks of the two disjoint"))
        .done()
}

/// What the tunnel carries, in our own process or by policies of ours in the kernel, a policy of somebody else takes first.
fn foreign(s: &Signals<'_>, seen: Seen<'_>) -> Judgement {
    let does = match (seen.value("blocks"), seen.value("allows")) {
        (Some(_), _) => "throws away",
        (None, Some(_)) => "has pass in clear",
        (None, None) => "wants protected by an SA of its own",
    };
    let policy = seen.value_or("policy", "that isn't the tunnel's");
    Found::by(
        seen,
        COUNTED,
        format!("the kernel's IPsec policy {policy} {does} what the tunnel carries"),
    )
    .with(s.signs_of(Sign::ForeignPolicy).map(|x| x.fact))
    .because("It isn't this gateway's: another program, an older run or somebody by hand has set it, and the kernel asks it about every packet, whoever carries it then.")
    .fix(format!("find out whose the policy {policy} is and remove it with its connection; one that nobody owns: ip xfrm policy delete, with the same src, dst and dir"))
    .then("ip xfrm policy; ip xfrm state")
    .done()
}

/// The kernel's list has a policy without an SA before the one of the tunnel that is up.
fn installed(s: &Signals<'_>) -> Option<Judgement> {
    let (side, taken) = [Side::Local, Side::Remote].into_iter().find_map(|side| {
        let taken = s.kernel(side)?.taken()?;
        (!taken.by.1.templates.is_empty() || taken.by.1.blocks).then_some((side, taken))
    })?;
    let why = if taken.by.1.blocks {
        "throws away what it catches"
    } else {
        "wants an SA that isn't there"
    };
    // A list of SAs may have been cut.
    let confidence = if taken.by.1.blocks { COUNTED } else { SYMPTOM };
    Some(
        Found::on(
            taken.by.0,
            confidence,
            side.into(),
            format!(
                "the policy {} takes what {} is for, and {why}",
                words(taken.by.1),
                words(taken.from.1)
            ),
        )
        .with([taken.from.0])
        .because("Of two policies that fit, the one with the lower number is taken, whatever SAs there are for the other.")
        .fix("find out whose the first policy is and remove it with its connection (ip xfrm policy delete, for one that nobody owns)")
        .done(),
    )
}
