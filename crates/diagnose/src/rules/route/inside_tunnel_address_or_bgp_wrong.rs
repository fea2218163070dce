//! `inside-tunnel-address-or-bgp-wrong`: the routing neighbour through the tunnel does not fit.

use adit_model::sign::Sign;

use crate::finding::{CONDITION, SAID, SYMPTOM};
use crate::plane::{found, possible};
use crate::rule::{Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "inside-tunnel-address-or-bgp-wrong",
    recurs: false,
    page: Page {
        title: "The routing neighbour through the tunnel does not fit",
        what: "The tunnel is up, and BGP (or another protocol) over it isn't: inside addresses, AS numbers, or a filter for port 179 don't fit, so that no routes come.",
        initiator: "The tunnel is up; BGP stays in Active, Connect or Idle.",
        responder: "The same.",
        look_alikes: &[
            (
                "decrypted-traffic-blocked",
                "Do pings between the inside addresses pass?",
            ),
            (
                "route-to-remote-subnet-missing",
                "Is a routing protocol used at all?",
            ),
        ],
        fix: &[
            (
                "any",
                "Correct the inside addresses (/30), the AS numbers and the neighbour's address on both sides, and permit TCP 179 on the tunnel interface.",
            ),
            (
                "aws",
                "inside addresses and ASN as in the configuration that the console offers; `ebgp-multihop` isn't needed.",
            ),
            (
                "azure",
                "BGP peer address of the gateway subnet, with ebgp-multihop and a static route to it by the tunnel.",
            ),
        ],
        source: "RFC 4271 6.2, 8",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &["decrypted-traffic-blocked"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(found) = found(s, &[Sign::NeighbourDiffers], SAID, |seen, _| {
        format!(
            "the AS number of neighbour {} isn't the configured one",
            seen.value_or("neighbour", "in the tunnel")
        )
    }) {
        return found
            .at(AtFault::Both)
            .because("The neighbour was reached through the tunnel and introduced itself with another AS number.")
            .fix("give both sides the same pair of AS numbers")
            .done();
    }
    if let Some(found) = found(s, &[Sign::TunnelWithoutRoutes], SYMPTOM, |_, _| {
        "the cloud's tunnel is up, and BGP over it isn't".to_owned()
    }) {
        return found
            .at(AtFault::Both)
            .because("The provider says that IPsec is up and counts the tunnel as down: no BGP session came up over it.")
            .fix("correct the inside addresses and AS numbers, and permit TCP 179 on the tunnel interface")
            .done();
    }
    let waiting = s.sign(Sign::NeighbourDown);
    match waiting {
        Some(seen) => {
            let what = format!(
                "neighbour {} is in state {}",
                seen.value_or("neighbour", "?"),
                seen.value_or("state", "down")
            );
            if s.up || s.carried(seen.side()).is_some_and(|c| c.both()) {
                found(s, &[Sign::NeighbourDown], CONDITION, |_, _| what.clone())
                    .map_or(Judgement::Silent, |found| {
                        found
                            .at(AtFault::Both)
                            .because("The tunnel carries packets both ways, and the routing session over it doesn't come up.")
                            .fix("correct the inside addresses and AS numbers, and permit TCP 179 on the tunnel interface")
                            .done()
                    })
            } else {
                possible(35, what, "whether pings between the inside addresses pass")
            }
        }
        // A trace that goes on names the peer later; this one may have been cut.
        None => match s.sign(Sign::NextHopIsNoPeer) {
            Some(seen) => possible(
                40,
                format!(
                    "a packet enters {} and no peer is named: its next hop may be no peer's inside address",
                    seen.value_or("interface", "the tunnel")
                        .trim_end_matches(',')
                ),
                "whether the trace goes on with `output to IPSec tunnel`, and whether the route's next hop is a peer's inside address (diagnose vpn ike gateway list)",
            ),
            None => Judgement::Silent,
        },
    }
}
