//! `kernel-policy-conflict`: the kernel has such a policy already.

use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::complaint::carries_nothing;
use crate::finding::{COUNTED, SAID, SYMPTOM};
use crate::kernel_answer::{Answer, refusals};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, who};

pub(crate) static RULE: Rule = Rule {
    id: "kernel-policy-conflict",
    recurs: false,
    page: Page {
        title: "The kernel has such a policy already",
        what: "A policy or an SA with the same selectors, mark or SPI is there: of another connection, of an older run, or set by hand. Or the route that the tunnel needs is the one its own packets take. The kernel or the daemon refuses the second.",
        initiator: "The exchange succeeds; then the policy can't be installed, and the CHILD SA is deleted.",
        responder: "The same.",
        look_alikes: &[
            (
                "duplicate-conn-or-reqid",
                "Is the owner of the policy another connection of the same daemon?",
            ),
            (
                "kernel-module-or-algo-missing",
                "Is the kernel's error *File exists*, or *not supported*?",
            ),
            ("stale-policy-steals-traffic", "Is the owner still in use?"),
        ],
        fix: &[
            (
                "any",
                "Find who owns the policy, and give each tunnel selectors (or a mark or interface id) of its own; remove what is left of an older run.",
            ),
            (
                "linux",
                "`ip xfrm policy`, `ip xfrm state`; `ip xfrm policy flush` while no daemon runs.",
            ),
            (
                "libreswan",
                "`ipsec status` names the owner; `overlapip=yes`, `mark=` or `ipsec-interface=` let two connections have the same networks.",
            ),
            (
                "strongswan",
                "`reqid`, `mark_in`/`mark_out` or `if_id_in`/`if_id_out` keep two children apart. kernel-libipsec can't tunnel to the peer's own address.",
            ),
        ],
        source: "RFC 4301 4.4.1; Linux net/xfrm/xfrm_policy",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["kernel-module-or-algo-missing", "selinux-apparmor-or-caps"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(seen) = s.sign(Sign::PolicyInUse) {
        // What fails the check has an SA: the one that couldn't be replaced, or another.
        if s.sign(Sign::EspIntegrityFailed).is_some() && seen.value("policy").is_none() {
            return Judgement::Possible {
                weight: 40,
                because: format!(
                    "{} couldn't install an SA because of one that was there, and packets fail the check of theirs",
                    seen.who()
                ),
                separated_by: "whether it is the same SA: ip -s xfrm state at both ends, and when each began",
            };
        }
        // A node that starts finds the SAs of its last run, and replaces them a moment later.
        let text = &seen.fact.source.text;
        let replaced =
            text.contains("replace remote state") || text.contains("replace local state");
        let failed = text.contains("nabling IPsec failed") || text.contains("level=error");
        if replaced && !failed && !carries_nothing(s) {
            return Judgement::Possible {
                weight: 35,
                because: format!("{} couldn't replace an SA that was there", seen.who()),
                separated_by: "whether the agent says so again and again, and ip xfrm state beside its keys",
            };
        }
        let policy = seen.value_or("policy", "of the tunnel");
        let owner = match seen.value("owner") {
            Some(owner) => format!("{owner} has it"),
            None => "another connection has it".to_owned(),
        };
        return Found::by(
            seen,
            SAID,
            format!("the policy {policy} can't be installed at {}: {owner}", seen.who()),
        )
        .because("One selector can belong to one connection; the daemon refuses to take it from its owner.")
        .fix(FIX)
        .then("`ip xfrm policy`, and the list of connections of the daemon")
        .done();
    }
    if let Some(found) = route_taken(s) {
        return found;
    }
    let refused = refusals(s);
    if let Some(r) = refused.iter().find(|r| r.answer == Answer::Exists) {
        let what = if r.is_state() { "an SA" } else { "a policy" };
        if s.comes_after_the_end(r.what) {
            return Judgement::Possible {
                weight: 30,
                because: format!(
                    "the kernel refuses {what} because there is one like it; the other side had given its SAs up before"
                ),
                separated_by: "what the other side logged before it deleted its SAs",
            };
        }
        return Found::by(
            r.why.unwrap_or(r.what),
            COUNTED,
            format!("the kernel of {} refuses {what}, because there is one like it: {}", r.what.who(), r.words()),
        )
        .with([r.what.fact])
        .because("Selectors, marks and SPIs must be different; what is there was set by another connection, an older run or by hand.")
        .fix(FIX)
        .then("`ip xfrm state; ip xfrm policy`")
        .done();
    }
    if let Some(found) = foreign(s) {
        return found;
    }
    let route = s.sign(Sign::RouteConflict);
    if let (Some(route), Some(policy)) = (route, s.sign(Sign::PolicyNotInstalled)) {
        return Found::by(
            route,
            SAID,
            format!(
                "the policy can't be installed at {}, because its route {} would take the IKE packets to the peer too",
                route.who(),
                route.value_or("route", "")
            ),
        )
        .with([policy.fact])
        .because("The tunnel's traffic and the tunnel's own packets would need the same route to different places.")
        .fix("leave the peer's own address out of the tunnel's networks, or use the kernel's IPsec in place of kernel-libipsec")
        .done();
    }
    if let Some(seen) = route.filter(|_| s.calm()) {
        return Found::by(
            seen,
            SYMPTOM,
            format!(
                "the route {} of {} can't be installed, because it would take the IKE packets to the peer too",
                seen.value_or("route", ""),
                seen.who()
            ),
        )
        .because("The tunnel's traffic and the tunnel's own packets would need the same route to different places, so nothing goes into the tunnel.")
        .fix("leave the peer's own address out of the tunnel's networks, or use the kernel's IPsec in place of kernel-libipsec")
        .done();
    }
    if refused
        .iter()
        .any(|r| !r.is_state() && r.answer == Answer::Unknown)
    {
        return Judgement::Possible {
            weight: 50,
            because: "a policy couldn't be installed, and the kernel's error isn't in the evidence"
                .to_owned(),
            separated_by: "the kernel's error in the line before",
        };
    }
    Judgement::Silent
}

/// pluto has one route for a network, and another connection has it; its name may not be in the line.
fn route_taken(s: &Signals<'_>) -> Option<Judgement> {
    let (r, problem) = s.refusal(|r| match r {
        Refusal::Local { problem } if problem.contains("route already in use") => Some(problem),
        _ => None,
    })?;
    // Where the line names it, what it is to this connection is known.
    if s.sign(Sign::TrafficOwnedByOther).is_some() {
        return None;
    }
    Some(
        Found::on(
            r.fact,
            COUNTED,
            r.side.into(),
            format!("the route that this connection needs belongs to another one at {}: {problem}", who(r.side)),
        )
        .because("Two connections with the same network at the other side need the same route; the daemon gives it to the first that is up.")
        .fix("give the connections networks that are disjoint, or marks or interfaces of their own; remove the one that is no longer used")
        .then("the list of connections with the same far network (ipsec status)")
        .done(),
    )
}

/// Traffic fits a policy that the daemon never installed or no longer has, and nothing can be set up for it.
fn foreign(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s.sign(Sign::AcquireForForeignPolicy)?;
    let unserved = s.sign(Sign::AcquireUnserved);
    let policy = seen.value_or("policy", "?");
    // A policy that was replaced while the request was under way looks the same, and the next packet is served.
    let (Some(unserved), true) = (unserved, s.calm() && !s.up && s.was_up().is_none()) else {
        return Some(Judgement::Possible {
            weight: 30,
            because: format!(
                "the kernel asks an SA for its policy {policy}, which the daemon doesn't know"
            ),
            separated_by: "the list of the kernel's policies beside the daemon's: whose is it?",
        });
    };
    Some(
        Found::by(
            seen,
            SYMPTOM,
            format!("traffic at {} fits the kernel's policy {policy}, which isn't the daemon's", seen.who()),
        )
        .with([unserved.fact])
        .because("The policy was set by hand, by another program or by an older run; it takes the packets, and the daemon has no connection to set up for it.")
        .fix("find the policy (`ip xfrm policy` or `setkey -DP`), remove it, and restart the daemon so that it installs its own")
        .then("`setkey -DP`, and the list of the daemon's policies (swanctl --list-pols)")
        .done(),
    )
}

const FIX: &str = "give each connection selectors (or a mark or an interface id) of its own, and remove the policy that is left over (ip xfrm policy; restart the daemon)";
