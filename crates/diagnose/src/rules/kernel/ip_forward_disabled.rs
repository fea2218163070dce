//! `ip-forward-disabled`: the gateway doesn't forward packets.

use adit_model::event::{Happening, Party};
use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::rules::lifecycle::peer_deleted_sa::for_l2tp;
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "ip-forward-disabled",
    recurs: false,
    page: Page {
        title: "The gateway doesn't forward packets",
        what: "Linux throws a packet away that isn't for itself while `ip_forward` is off. Tunnels come up and the gateways reach each other; networks behind them don't.",
        initiator: "The tunnel is up; bytes leave, and nothing answers.",
        responder: "Bytes come in; a capture on the inside interface shows no decrypted packet.",
        look_alikes: &[
            (
                "decrypted-traffic-blocked",
                "Is net.ipv4.ip_forward 1 (and net.ipv6.conf.all.forwarding for IPv6)?",
            ),
            ("rp-filter-drop", "Does TcpExtIPReversePathFilter grow?"),
        ],
        fix: &[
            (
                "any",
                "Switch forwarding on for each IP version that the tunnel carries, and make it last.",
            ),
            (
                "linux",
                "`sysctl -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`; keep it in /etc/sysctl.d. A container takes it from its own network namespace (`docker run --sysctl net.ipv4.ip_forward=1`).",
            ),
            ("illumos", "`routeadm -u -e ipv4-forwarding`."),
        ],
        source: "RFC 1812 5.2; Linux ip-sysctl, ip_forward",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "daemon-not-running",
        "kernel-module-or-algo-missing",
        "config-syntax-rejected",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::ForwardingOff) else {
        return Judgement::Silent;
    };
    if !s.calm() || s.fails_in_ike() {
        return Judgement::Possible {
            weight: 8,
            because: format!(
                "forwarding is off at {}, which no exchange of IKE fails of",
                seen.who()
            ),
            separated_by: "whether the tunnel is up and only networks behind the gateway don't answer",
        };
    }
    let through = s.carried(seen.side()).is_some_and(|c| c.both()) && !s.traffic_suffers();
    if s.protects_itself_alone() || s.works_in_between() && through {
        return Judgement::Possible {
            weight: 10,
            because: format!(
                "forwarding is off at {}, where the tunnel ends at the host itself or carries both ways",
                seen.who()
            ),
            separated_by: "whether hosts behind it should use the tunnel",
        };
    }
    // L2TP ends at the gateway itself: whoever deletes its SA soon got no answer from there.
    let taken_down = s.case.happenings().any(|(_, h)| {
        matches!(
            h,
            Happening::ChildClosed {
                by: Party::Peer,
                ..
            } | Happening::IkeClosed {
                by: Party::Peer,
                ..
            }
        )
    });
    if taken_down && for_l2tp(s) {
        return Judgement::Possible {
            weight: 8,
            because: format!(
                "forwarding is off at {}, which doesn't make a peer delete an SA for L2TP",
                seen.who()
            ),
            separated_by: "whether L2TP (UDP 1701) arrives out of the tunnel and is answered",
        };
    }
    // Ahead of reverse path filtering: without forwarding nothing gets as far.
    Found::by(
        seen,
        CONDITION + 0.04,
        format!("forwarding is off at {}, so nothing that comes out of the tunnel goes on", seen.who()),
    )
    .because("Decrypted packets are for hosts behind the gateway; with forwarding off the kernel drops them.")
    .fix("set net.ipv4.ip_forward=1 (and net.ipv6.conf.all.forwarding=1 for IPv6), and keep it in /etc/sysctl.d")
    .then("`sysctl net.ipv4.ip_forward`")
    .done()
}
