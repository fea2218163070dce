//! `conntrack-table-full`: the table of connections is full.

use adit_model::sign::Sign;

use crate::finding::{COUNTED, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "conntrack-table-full",
    recurs: false,
    page: Page {
        title: "The table of connections is full",
        what: "Netfilter keeps a table of connections. When it is full, packets of new ones are dropped, IKE and ESP in UDP among them.",
        initiator: "Requests go unanswered now and then, more so at busy hours.",
        responder: "The kernel logs *nf_conntrack: table full, dropping packet*.",
        look_alikes: &[
            ("udp500-blocked", "Does dmesg tell of the table?"),
            ("underlay-loss-or-flap", "Are only new flows lost?"),
        ],
        fix: &[
            ("any", "Make the table larger, or keep IPsec out of it."),
            (
                "linux",
                "`sysctl -w net.netfilter.nf_conntrack_max=262144`; in the raw table `udp dport {500, 4500} notrack` and `ip protocol esp notrack`; `conntrack -C`.",
            ),
        ],
        source: "Linux nf_conntrack-sysctl",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::ConntrackFull) else {
        return Judgement::Silent;
    };
    Found::by(
        seen,
        if s.refused.is_empty() { SAID } else { COUNTED },
        format!("the table of connections of {} is full, and packets are dropped", seen.who()),
    )
    .because("The kernel itself tells that it drops packets for want of room in the table.")
    .fix("raise net.netfilter.nf_conntrack_max, or exempt UDP 500, 4500 and ESP from tracking (notrack)")
    .then("`conntrack -C` and `sysctl net.netfilter.nf_conntrack_max`")
    .done()
}
