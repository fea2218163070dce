//! `ha-transition-hook-wrong`: a failover of VRRP doesn't take the tunnels along.

use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "ha-transition-hook-wrong",
    recurs: false,
    page: Page {
        title: "Failover doesn't move the tunnels",
        what: "The hook that runs at a change of state isn't the one that knows IPsec: old transition scripts instead of `notify ipsec`.",
        initiator: "The tunnel is down after a failover.",
        responder: "Requests come from the old node, or none.",
        look_alikes: &[("ha-vip-not-owned", "Does the node have the shared address?")],
        fix: &[
            ("any", "Let the change of state tell the IPsec service."),
            (
                "vyatta",
                "`set interfaces … vrrp vrrp-group N notify ipsec`, and no run-transition-scripts.",
            ),
            (
                "vyos",
                "`set high-availability vrrp group G transition-script master …` that restarts IPsec.",
            ),
        ],
        source: "RFC 5798 6.4",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s
        .sign(Sign::TransitionHookOld)
        .filter(|_| !s.up && !s.refused_or_told())
    else {
        return Judgement::Silent;
    };
    if let Some(problem) = seen.value("problem") {
        let script = seen.value_or("script", "").to_ascii_lowercase();
        // Scripts tell people, move addresses in a cloud, or set tunnels up: only a name says which.
        let of_tunnels = ["ipsec", "vpn", "swan", "charon", "tunnel", "xfrm", "ike"]
            .iter()
            .any(|word| script.contains(word));
        if !of_tunnels {
            return Judgement::Possible {
                weight: 20,
                because: format!("the script {script} that VRRP runs at a change fails: {problem}"),
                separated_by: "what the script does, and whether it sets tunnels up or takes them down",
            };
        }
        return Found::by(
            seen,
            CONDITION,
            format!(
                "the script {} that VRRP should run at a change isn't run, or fails: {problem}",
                seen.value_or("script", "")
            ),
        )
        .because("A node that takes over sets the tunnels up by this script, and one that stands back takes them down.")
        .fix("let the script be there, executable and writable by its owner alone (`script_security` and `script_user` of keepalived), and run it by hand")
        .done();
    }
    Found::by(
        seen,
        CONDITION,
        "the VRRP group runs old transition scripts, which don't move the tunnels",
    )
    .because("Since the change to `notify` the scripts aren't told of IPsec, so a node that takes over doesn't set the tunnels up.")
    .fix("replace run-transition-scripts by `notify ipsec` in the vrrp-group")
    .done()
}
