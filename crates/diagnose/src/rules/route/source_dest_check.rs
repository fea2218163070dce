//! `source-dest-check`: the cloud drops what the VPN instance forwards.

use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::plane::{found, possible};
use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "source-dest-check",
    recurs: false,
    page: Page {
        title: "The cloud drops what the VPN instance forwards",
        what: "An instance that does the VPN forwards packets that aren't addressed to it. The platform drops these unless its source/destination check is off (AWS) or IP forwarding is on (GCP, Azure).",
        initiator: "Decrypts and forwards; nothing comes back.",
        responder: "The same, at the side whose gateway is in the cloud.",
        look_alikes: &[
            (
                "cloud-route-table-missing",
                "Does the route table name the instance as target?",
            ),
            (
                "ip-forward-disabled",
                "Does the packet leave the instance's interface?",
            ),
        ],
        fix: &[
            (
                "aws",
                "`aws ec2 modify-instance-attribute --instance-id ID --no-source-dest-check`.",
            ),
            ("gcp", "create the instance with `--can-ip-forward`."),
            ("azure", "`az network nic update --ip-forwarding true`."),
            (
                "any",
                "Allow the instance to send and receive packets of other addresses.",
            ),
        ],
        source: "AWS EC2 user guide, source/destination checks",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let hosts = s.signs_of(Sign::ForwardingCheckOn).count();
    if hosts == 0 {
        return Judgement::Silent;
    }
    // Every instance has the check on; only that of the gateway matters.
    if hosts > 1 && !s.traffic_suffers() {
        return possible(
            36,
            "the platform checks source and destination of hosts listed here",
            "whether one of them is the VPN gateway",
        );
    }
    if s.fails_in_ike() || s.works_in_between() {
        return possible(
            10,
            "the platform checks source and destination of a host that is listed here",
            "whether that host is the VPN gateway, and the tunnel is up while nothing passes",
        );
    }
    found(s, &[Sign::ForwardingCheckOn], CONDITION + 0.02, |seen, _| {
        format!(
            "the cloud drops what {} forwards: its source/destination check is on",
            seen.value_or("host", "the gateway instance")
        )
    })
    .map_or(Judgement::Silent, |found| {
        found
            .because("A VPN gateway sends and receives packets of other addresses than its own; the platform drops them while the check is on.")
            .fix("switch the check off for the VPN instance (AWS: modify-instance-attribute --no-source-dest-check; GCP: canIpForward; Azure: IP forwarding)")
            .done()
    })
}
