//! `overlay-cleartext-4790`: an overlay's packets cross the outside network without IPsec.

use std::net::IpAddr;

use adit_model::sign::Sign;

use crate::finding::{BOTH_SIDES, SAID};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;
use crate::wire::Clear;

pub(crate) static RULE: Rule = Rule {
    id: "overlay-cleartext-4790",
    recurs: false,
    page: Page {
        title: "Overlay traffic crosses the outside in clear",
        what: "Nodes carry an overlay (VXLAN, UDP 4789 or 4790) to each other. Between data centres it must go inside of ESP. Seen as UDP on the outside interface it isn't protected, and a filter that insists on ESP drops it.",
        initiator: "UDP to port 4790 on the external interface, or the packet filter's log of what it blocked.",
        responder: "The same, or nothing at all when the filter drops it.",
        look_alikes: &[(
            "cleartext-leak-no-policy",
            "Are the nodes in one data centre, where no IPsec is expected?",
        )],
        fix: &[
            (
                "any",
                "Load the policy that protects the overlay's UDP port between the nodes, and drop it in clear on the outside interface.",
            ),
            (
                "illumos",
                "`esdc-overlay update`; see that ipsecinit.conf has a rule for the other node and that `svcs ipsecalgs ike policy` are online.",
            ),
            (
                "linux",
                "a policy for UDP 4789/4790 between the nodes, and a filter that drops it on the outside interface unless `meta ipsec exists`.",
            ),
        ],
        source: "RFC 7348 7; draft-ietf-nvo3-vxlan-gpe",
    },
    needs: &[Need::RefusingSideLog],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(seen) = s.first_sign(&[Sign::OverlayBlocked, Sign::OverlayInClear]) {
        return Found::by(
            seen,
            SAID,
            "overlay packets leave in clear: no IPsec policy covers them",
        )
        .because("The filter stopped UDP of the overlay on its way out or in, which should have been ESP.")
        .fix(CHANGE)
        .done();
    }
    let overlay = s
        .clear()
        .filter(|c| c.protocol == 17 && c.port.is_some_and(|p| matches!(p, 4789 | 4790)))
        .filter(|c| c.decrypted * 2 < c.packets)
        .max_by_key(|c| c.packets);
    let Some(clear) = overlay else {
        return Judgement::Silent;
    };
    let port = clear.port.unwrap_or_default();
    if !outside(&clear) && s.flows(clear.fact.side).next().is_none() {
        return Judgement::Possible {
            weight: 50,
            because: format!(
                "UDP {port} goes in clear between {} and {}, which is right inside of one data centre",
                clear.from, clear.to
            ),
            separated_by: "whether the two nodes are in different data centres, or the interface is an outside one",
        };
    }
    Found::on(
        clear.fact,
        if outside(&clear) { BOTH_SIDES } else { 0.8 },
        AtFault::Both,
        format!("overlay traffic (UDP {port}) between the nodes goes in clear: {} packets", clear.packets),
    )
    .with(s.clear().filter(|c| c.port == clear.port).map(|c| c.fact))
    .because("What belongs into ESP was captured as UDP on the outside: no policy covers it, or it isn't loaded.")
    .fix(CHANGE)
    .done()
}

const CHANGE: &str = "load the IPsec policy for the overlay's UDP port between the two nodes (illumos: esdc-overlay update, then check ipsecinit.conf and svcs ipsecalgs ike policy)";

/// It crosses networks that nobody calls one data centre.
fn outside(c: &Clear<'_>) -> bool {
    let public = |a: IpAddr| match a {
        IpAddr::V4(a) => {
            !a.is_private() && !a.is_loopback() && !a.is_link_local() && a.octets()[0] < 240
        }
        IpAddr::V6(a) => !a.is_unique_local() && !a.is_loopback() && a.segments()[0] != 0x100,
    };
    public(c.from) && public(c.to)
}
