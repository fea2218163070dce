//! `icmp-redirects-bypass`: iCMP redirects send hosts round the gateway.

use adit_model::complaint::Complaint;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "icmp-redirects-bypass",
    recurs: false,
    page: Page {
        title: "ICMP redirects send hosts round the gateway",
        what: "A gateway with one interface sends a packet out where it came in, and tells the sender by ICMP redirect of a shorter way. The host believes it, and its packets pass the tunnel by.",
        initiator: "A host reaches the other side for a moment, then no more; others still do.",
        responder: "Packets come in from some hosts and not from others.",
        look_alikes: &[
            (
                "asymmetric-routing-bypass",
                "Does a capture at the host show ICMP redirects (type 5) from the gateway?",
            ),
            ("rp-filter-drop", "Is rp_filter on as well?"),
        ],
        fix: &[
            (
                "any",
                "Neither send nor follow redirects on the gateway; flush the hosts' routes.",
            ),
            (
                "linux",
                "`sysctl -w net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0 net.ipv4.conf.all.accept_redirects=0`, and the same for each interface; on a host `ip route flush cache`.",
            ),
        ],
        source: "RFC 792; RFC 1812 5.2.7.2",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[
        "daemon-not-running",
        "rp-filter-drop",
        "ip-forward-disabled",
        "kernel-module-or-algo-missing",
        "config-syntax-rejected",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let told = s.sign(Sign::RedirectSent);
    let Some(seen) = told.or_else(|| s.sign(Sign::RedirectsOn)) else {
        return Judgement::Silent;
    };
    if !s.calm() {
        return Judgement::Possible {
            weight: 5,
            because: "ICMP redirects are on; no exchange of IKE fails of them".to_owned(),
            separated_by: "whether the tunnel is up and only some hosts lose it",
        };
    }
    // Every distribution has them on, and every checking tool says so.
    let astray = s.complains(Complaint::InClear).is_some();
    if told.is_none() && !astray {
        return Judgement::Possible {
            weight: 10,
            because: "ICMP redirects are on, as nearly everywhere".to_owned(),
            separated_by: "whether hosts were sent a redirect (ICMP type 5), or packets go past the tunnel",
        };
    }
    let reached = s.pings().next().is_some() && s.pings().all(|ping| ping.received >= ping.sent);
    if !astray && (reached || s.works_in_between() || s.fails_in_ike()) {
        return Judgement::Possible {
            weight: 10,
            because: "a router told a host of another way by ICMP redirect, and what was asked is reached"
                .to_owned(),
            separated_by: "whether the way that it was told leads past the VPN gateway",
        };
    }
    Found::by(
        seen,
        if told.is_some() { SYMPTOM } else { CONDITION },
        match told.and_then(|t| t.value("to")) {
            Some(to) => format!("the gateway tells hosts by ICMP redirect to go by {to}, past the tunnel"),
            None => format!("ICMP redirects are on at {}, so hosts may learn a way past the tunnel", seen.who()),
        },
    )
    .because("A packet that leaves by the interface it came in on makes the kernel send a redirect; the host then uses the way it was told.")
    .fix("set send_redirects and accept_redirects to 0 for all, default and each interface")
    .then("a capture of ICMP type 5 on the inside interface")
    .done()
}
