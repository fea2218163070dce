//! `bypass-too-broad`: an exemption covers what the tunnel should carry.

use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::finding::COUNTED;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::xfrm::words;

pub(crate) static RULE: Rule = Rule {
    id: "bypass-too-broad",
    recurs: false,
    page: Page {
        title: "An exemption covers what the tunnel should carry",
        what: "A bypass or passthrough policy has precedence over the tunnel's: what both cover goes in clear.",
        initiator: "Everything works or nothing does, and the tunnel's counters stay where they are.",
        responder: "It accepts packets in clear, or drops them for its own policy.",
        look_alikes: &[
            (
                "cleartext-leak-no-policy",
                "Which policy matches the packet: one that exempts, or none?",
            ),
            (
                "failure-policy-passthrough",
                "Is the exemption there always, or only while there is no SA?",
            ),
        ],
        fix: &[
            (
                "any",
                "Narrow the exemption to what must stay outside the tunnel.",
            ),
            (
                "strongswan",
                "`swanctl --list-pols`; the plugin bypass-lan exempts networks of its own interfaces: `charon.plugins.bypass-lan.interfaces_ignore`, or `load = no`.",
            ),
            (
                "libreswan",
                "`type=passthrough` conns with smaller networks; `ipsec status` lists them.",
            ),
            (
                "illumos",
                "Order and `bypass {}` rules of ipsecinit.conf; `ipsecconf -l`.",
            ),
        ],
        source: "RFC 4301 4.4.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::BypassInstalled) else {
        return installed(s).unwrap_or(Judgement::Silent);
    };
    let policy = seen.value_or("policy", "a policy");
    let tunnel = seen.value_or("tunnel", "the tunnel");
    if !s.calm() {
        return Judgement::Possible {
            weight: 30,
            because: format!("{policy} exempts all that {tunnel} is for"),
            separated_by: "whether the tunnel is up and its counters stay where they are",
        };
    }
    Found::by(
        seen,
        COUNTED,
        format!(
            "at {} {policy} exempts from protection all that {tunnel} is for",
            seen.who()
        ),
    )
    .because("An exemption has precedence over a tunnel's policy.")
    .fix("narrow the exemption to what must stay outside the tunnel, or remove it")
    .then("`ip xfrm policy`: which policy matches, by priority")
    .done()
}

/// The kernel's list has an exemption before the tunnel's policy.
fn installed(s: &Signals<'_>) -> Option<Judgement> {
    let (side, taken) = [Side::Local, Side::Remote].into_iter().find_map(|side| {
        let taken = s.kernel(side)?.taken()?;
        (taken.by.1.templates.is_empty() && !taken.by.1.blocks).then_some((side, taken))
    })?;
    Some(
        Found::on(
            taken.by.0,
            COUNTED,
            side.into(),
            format!(
                "the policy {} lets pass in clear all that {} is for",
                words(taken.by.1),
                words(taken.from.1)
            ),
        )
        .with([taken.from.0])
        .because("Of two policies that fit, the one with the lower number is taken, and this one wants no SA.")
        .fix("narrow the exemption to what must stay outside the tunnel, or remove it")
        .done(),
    )
}
