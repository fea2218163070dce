//! `zone-policy-missing`: no policy lets traffic pass between the tunnel's zone and the inside.

use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::inner::{host_of, is_public};
use crate::plane::possible;
use crate::progress::{is_ike, port_of};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "zone-policy-missing",
    recurs: false,
    page: Page {
        title: "No policy between the tunnel's zone and the inside",
        what: "On gateways that filter by zones nothing passes between two zones without a policy. The tunnel's interface is in no zone, or there is no policy for one of the directions.",
        initiator: "Inside packets reach the gateway, and none leaves in the tunnel; or the answer is dropped.",
        responder: "The same.",
        look_alikes: &[
            (
                "route-to-remote-subnet-missing",
                "Does the gateway's trace name the tunnel interface as the way out?",
            ),
            (
                "decrypted-traffic-blocked",
                "Is there a policy, and it denies?",
            ),
        ],
        fix: &[
            (
                "any",
                "Put the tunnel's interface into a zone, and make policies for both directions.",
            ),
            (
                "fortinet",
                "two policies, LAN to tunnel and tunnel to LAN, without NAT.",
            ),
            (
                "pan-os",
                "a security rule for each direction between the tunnel's zone and the inside.",
            ),
            (
                "juniper",
                "`set security zones security-zone VPN interfaces st0.0`, and policies both ways.",
            ),
            (
                "cisco",
                "zone-member security on the tunnel interface, and a zone-pair for each direction.",
            ),
            (
                "vyatta",
                "a policy between the vti's zone and the inside one; none between vti and outside.",
            ),
        ],
        source: "RFC 4301 4.4.1",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s
        .signs_of(Sign::ZoneDenied)
        .filter(|seen| seen.value("count") != Some("0"))
        .filter(|seen| !s.is_none_of_the_tunnel(*seen))
        .last()
        .filter(|_| !s.refused_or_told())
    else {
        return Judgement::Silent;
    };
    // What goes to the Internet, or comes from there, has policies of its own.
    let ends = [seen.value("source"), seen.value("destination")];
    let of_the_internet = ends.iter().flatten().any(|end| {
        host_of(end).is_some_and(|host| is_public(&host) && !s.is_peer(&host.to_string()))
    }) && !ends
        .iter()
        .flatten()
        .filter_map(|end| port_of(end))
        .any(is_ike);
    if of_the_internet {
        return possible(
            15,
            format!("{} has no policy for packets of the Internet", seen.who()),
            "whether it drops those between the tunnel's networks as well",
        );
    }
    let pair = match (seen.value("source"), seen.value("destination")) {
        (Some(from), Some(to)) => format!(" from {from} to {to}"),
        _ => String::new(),
    };
    Found::by(
        seen,
        SYMPTOM,
        format!(
            "the gateway of {} has no policy that lets traffic{pair} pass between its zones",
            seen.who()
        ),
    )
    .because("Its own log says that it looked for a policy and found none. Some products (FortiOS) don't even answer IKE for a tunnel that no policy uses.")
    .fix(
        "put the tunnel's interface into a zone and make policies for both directions, without NAT",
    )
    .done()
}
