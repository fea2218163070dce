//! `overbroad-remote-selector`: the policy covers addresses that the peer does not serve.

use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::plane::found;
use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "overbroad-remote-selector",
    recurs: false,
    page: Page {
        title: "The policy covers addresses that the peer does not serve",
        what: "A remote network of 0.0.0.0/0, of a whole /8, or a group that contains the host itself drags traffic into the tunnel that isn't meant for it: local hosts, the host's own addresses, the Internet.",
        initiator: "Everything in these addresses becomes unreachable once the policy is there.",
        responder: "Drops it, or never sees it.",
        look_alikes: &[
            (
                "tunnel-route-captures-peer",
                "Is only the peer lost, or every destination?",
            ),
            ("overlapping-subnets", "Do both sites use the same network?"),
        ],
        fix: &[
            (
                "any",
                "Name only the networks that the peer serves; exempt the local networks and the host itself with a bypass.",
            ),
            (
                "strongswan",
                "a passthrough child for local networks, or the bypass-lan plugin.",
            ),
            (
                "libreswan",
                "`rightsubnet=` narrowed; a conn with `authby=never`, `type=passthrough` for the local network; no own address in /etc/ipsec.d/policies.",
            ),
        ],
        source: "RFC 4301 4.4.1",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    found(s, &[Sign::OwnTrafficCaught], SYMPTOM, |seen, times| {
        format!("the policy of {} catches the host's traffic to itself{times}", seen.who())
    })
    .map_or(Judgement::Silent, |found| {
        found
            .because("Both ends of the packet are this host, and the policy's remote network (or group) contains it.")
            .fix("take the host's own address out of the remote network or group, and exempt local networks from the policy")
            .done()
    })
}
