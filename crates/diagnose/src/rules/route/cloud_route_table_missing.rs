//! `cloud-route-table-missing`: the cloud's route table does not lead to the VPN.

use adit_model::selector::Selector;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, SYMPTOM};
use crate::plane::{found, possible};
use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "cloud-route-table-missing",
    recurs: false,
    page: Page {
        title: "The cloud's route table does not lead to the VPN",
        what: "Hosts in a cloud follow the route table of their subnet. If it has no route for the other side's network, if propagation from the VPN gateway is off, or if its target is gone, answers leave elsewhere.",
        initiator: "As with asymmetric routing: it sends and nothing comes back.",
        responder: "The gateway decrypts; the instance never sees it, or its answers leave by the internet gateway.",
        look_alikes: &[
            (
                "source-dest-check",
                "Is the VPN an instance of yours, or a managed gateway?",
            ),
            (
                "return-route-missing-behind-gateway",
                "Does the route table name the gateway?",
            ),
        ],
        fix: &[
            (
                "any",
                "Add the other side's network to the route table of each subnet concerned, or switch route propagation on.",
            ),
            (
                "aws",
                "`aws ec2 enable-vgw-route-propagation`, or `aws ec2 create-route --destination-cidr-block PREFIX --gateway-id VGW` (`--instance-id` or `--network-interface-id` for an instance).",
            ),
            (
                "azure",
                "address prefixes of the local network gateway, or a user-defined route with next hop virtual appliance.",
            ),
            (
                "gcp",
                "`gcloud compute routes create … --next-hop-vpn-tunnel`.",
            ),
        ],
        source: "AWS Site-to-Site VPN user guide, route tables",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if s.sign(Sign::RouteBlackhole).is_some()
        && (s.fails_in_ike() || s.works_in_between() || elsewhere(s))
    {
        return possible(
            12,
            "a route of the cloud's table leads to a target that is gone",
            "whether the network of that route is one of the tunnel's",
        );
    }
    if let Some(found) = found(s, &[Sign::RouteBlackhole], SYMPTOM, |_, _| {
        "a route of the cloud's table leads to a target that is gone (blackhole)".to_owned()
    }) {
        return found
            .because("The table has a route whose gateway, instance or interface doesn't exist any more: packets for that network are dropped.")
            .fix("give the route a target that exists: the VPN gateway, or the instance that does the VPN")
            .done();
    }
    if s.sign(Sign::PropagationOff).is_none() {
        return Judgement::Silent;
    }
    if s.traffic_suffers() || s.sign(Sign::TunnelWithoutRoutes).is_some() {
        return found(s, &[Sign::PropagationOff], CONDITION, |seen, _| {
            format!(
                "route table {} takes over no routes from a VPN gateway",
                seen.value_or("table", "of the subnet")
            )
        })
        .map_or(Judgement::Silent, |found| {
            found
                .because("No VPN gateway propagates routes into the table, and traffic doesn't come back.")
                .fix("switch route propagation on for the table, or add a static route for the other side's network")
                .done()
        });
    }
    possible(
        42,
        "no VPN gateway propagates routes into the table",
        "whether the table has a static route for the other side's network",
    )
}

/// Whether all routes that lead nowhere are for other networks than the tunnel's.
fn elsewhere(s: &Signals<'_>) -> bool {
    let nets = s.tunnel_networks();
    let lost: Option<Vec<Selector>> = s
        .signs_of(Sign::RouteBlackhole)
        .filter_map(|seen| seen.value("network"))
        .map(|network| network.parse().ok())
        .collect();
    let meets = |network: &Selector| {
        let mut all = nets
            .iter()
            .flat_map(|(ours, theirs)| ours.iter().chain(theirs));
        all.any(|net| net.intersect(network).is_some())
    };
    !nets.is_empty() && lost.is_some_and(|lost| !lost.is_empty() && !lost.iter().any(meets))
}
