//! `endpoint-host-firewall`: the host at the end rejects what comes from the far network.

use adit_model::complaint::Complaint;
use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "endpoint-host-firewall",
    recurs: false,
    page: Page {
        title: "The end host's own filter rejects the far network",
        what: "The tunnel works, and the host behind it doesn't accept packets from the other network: Windows' firewall, hosts.deny, a local filter.",
        initiator: "Some hosts or ports don't answer.",
        responder: "The request leaves by the inside interface, and the host gives no answer, or an ICMP error.",
        look_alikes: &[
            (
                "return-route-missing-behind-gateway",
                "Does the host answer when the gateway's inside address asks?",
            ),
            (
                "decrypted-traffic-blocked",
                "Does the request leave by the inside interface?",
            ),
        ],
        fix: &[
            ("any", "Open the host's filter for the far network."),
            (
                "windows",
                "the rules of the private profile are for the local subnet only: add the remote one.",
            ),
            ("linux", "`nft list ruleset` on the host."),
        ],
        source: "RFC 1122 3.2.2.1",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    // Who says that packets go out in clear has another problem; the kernel refuses those too.
    let astray = s.complains(Complaint::InClear).is_some();
    if let Some(seen) = s
        .sign(Sign::TestForbidden)
        .filter(|_| !s.refused_or_told() && !astray)
    {
        return Found::by(
            seen,
            SYMPTOM,
            format!("a filter on the host of {} itself forbids the packets: the test didn't leave it", seen.who()),
        )
        .because("The send failed with a permission error, which only the host's own filter gives.")
        .fix("let the filter of that host pass what goes into the tunnel (on a gateway: on the tunnel's interface, enc0 on BSD)")
        .done();
    }
    if s.nothing_came().is_some() && s.outer_echo(true).is_some() {
        return Judgement::Possible {
            weight: 32,
            because: "the peer's host answers an echo; a filter on that host may refuse the rest"
                .to_owned(),
            separated_by: "the filter's rules and counters on the peer's host",
        };
    }
    match s.inner_echo(false) {
        Some((_, to)) if s.up => Judgement::Possible {
            weight: 30,
            because: format!("{to} doesn't answer through the tunnel, which is up"),
            separated_by: "whether the host answers its own gateway, and a capture at its interface",
        },
        _ => Judgement::Silent,
    }
}
