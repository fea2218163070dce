//! `decrypted-traffic-blocked`: what comes out of the tunnel is dropped by the forward filter.

use std::net::IpAddr;

use adit_model::complaint::Complaint;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "decrypted-traffic-blocked",
    recurs: false,
    page: Page {
        title: "Decrypted packets are dropped by a filter",
        what: "The gateway decrypts, and its forward filter or the filter of its inside interface drops the inner packet.",
        initiator: "Packets are sent and nothing answers; sent octets grow, received ones don't.",
        responder: "Received octets grow; nothing leaves by the inside interface.",
        look_alikes: &[
            ("ip-forward-disabled", "Does a counter of a rule grow?"),
            ("rp-filter-drop", "Does TcpExtIPReversePathFilter grow?"),
            (
                "inbound-policy-mismatch",
                "Does XfrmInNoPols or XfrmInTmplMismatch grow?",
            ),
        ],
        fix: &[
            (
                "any",
                "Accept what came out of the tunnel in the forward filter, both ways.",
            ),
            (
                "linux",
                "`iptables -I FORWARD -m policy --dir in --pol ipsec -s REMOTE -d LOCAL -j ACCEPT`; nftables: `meta ipsec exists accept`.",
            ),
            (
                "cisco",
                "`sysopt connection permit-vpn`, or an entry in the outside access list.",
            ),
            (
                "pan-os",
                "a security rule from the VPN zone to the inside zone.",
            ),
            ("fortinet", "a policy for each direction."),
            ("vyatta", "rules on the vti, in and out."),
        ],
        source: "RFC 4301 5.2",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.signs_of(Sign::ForwardDropped).filter(inner).last() else {
        return closed(s);
    };
    let confidence = if s.up { SYMPTOM } else { CONDITION };
    Found::by(
        seen,
        confidence,
        format!(
            "a filter of {} drops what the tunnel carries: from {} to {}",
            seen.who(),
            address(seen, "source"),
            address(seen, "destination"),
        ),
    )
    .because("Both addresses are inside ones, so the packet came out of the tunnel or was on its way into it, and the filter's record says that it was dropped.")
    .fix("accept it in the forward filter, both ways (iptables: -m policy --pol ipsec; nftables: meta ipsec exists)")
    .then("during a ping through the tunnel: watch the counters of the forward rules")
    .done()
}

/// A chain that lets nothing of the tunnel through, where packets of a tunnel that is up go missing.
fn closed(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::ForwardClosed).filter(|_| s.calm()) else {
        return Judgement::Silent;
    };
    let suffers = [
        Complaint::NothingPasses,
        Complaint::GatewayOnly,
        Complaint::OneWay,
    ]
    .into_iter()
    .find_map(|c| s.complains(c));
    let counted = seen.value("count");
    // What comes out of the tunnel goes no further, or nobody would answer nothing.
    let swallowed = s.carried(seen.side()).is_some_and(|c| c.only_receives());
    if suffers.is_none() && !((s.up || swallowed) && counted.is_some()) {
        return Judgement::Possible {
            weight: 30,
            because: "the filter for forwarded packets drops what no rule takes, and none is for the tunnel".to_owned(),
            separated_by: "whether its counter grows during a ping through the tunnel",
        };
    }
    let dropped = counted.map_or(String::new(), |n| format!(" ({n} packets so far)"));
    Found::by(
        seen,
        CONDITION,
        format!("the filter for forwarded packets of {} lets nothing of the tunnel through{dropped}", seen.who()),
    )
    .with(suffers)
    .because("Its policy drops what no rule takes, and no rule takes packets that go into the tunnel or come out of it. Container engines set such a policy.")
    .fix("accept the tunnel's packets both ways before (iptables -I FORWARD -m policy --pol ipsec --dir in -j ACCEPT, and --dir out; on hosts with Docker in the chain DOCKER-USER)")
    .then("iptables -vnL FORWARD during a ping through the tunnel: which counter grows")
    .done()
}

fn address(seen: Seen<'_>, name: &str) -> String {
    let text = seen.value_or(name, "an inside address");
    text.rsplit_once(':')
        .map_or(text, |(_, tail)| tail)
        .split('/')
        .next()
        .unwrap_or(text)
        .to_owned()
}

/// Whether both ends of the packet are inside ones, as those of a tunnel between private networks are.
fn inner(seen: &Seen<'_>) -> bool {
    // Our own gateway knows which they are.
    if seen.value("inside").is_some() {
        return true;
    }
    ["source", "destination"]
        .iter()
        .all(|end| matches!(address(*seen, end).parse(), Ok(IpAddr::V4(a)) if a.is_private()))
}
