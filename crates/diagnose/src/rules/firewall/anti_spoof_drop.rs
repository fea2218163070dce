//! `anti-spoof-drop`: a check of source addresses takes decrypted packets for forged ones.

use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::inner::{host_of, is_public};
use crate::plane::possible;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "anti-spoof-drop",
    recurs: false,
    page: Page {
        title: "Decrypted packets are taken for forged ones",
        what: "A gateway's check of source addresses (anti-spoofing, reverse path, zone protection) drops what comes out of the tunnel, since by its routes such sources belong elsewhere.",
        initiator: "Nothing answers.",
        responder: "Received octets grow, and nothing passes on; the gateway's record tells of spoofing.",
        look_alikes: &[
            ("rp-filter-drop", "Is the gateway a Linux host?"),
            (
                "route-to-remote-subnet-missing",
                "Does the route to the remote network lead into the tunnel?",
            ),
        ],
        fix: &[
            (
                "any",
                "Route the remote network into the tunnel, and exempt the tunnel's zone or interface from the check.",
            ),
            (
                "cisco",
                "`no ip verify reverse-path interface outside`, or the right route.",
            ),
            (
                "fortinet",
                "a route to the remote network by the tunnel interface.",
            ),
            (
                "pan-os",
                "zone protection without strict IP check for the tunnel's zone.",
            ),
        ],
        source: "RFC 3704",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s
        .signs_of(Sign::SpoofDropped)
        .filter(|seen| seen.value("count") != Some("0"))
        .filter(|seen| !s.is_none_of_the_tunnel(*seen))
        .last()
        .filter(|_| !s.refused_or_told())
    else {
        return Judgement::Silent;
    };
    let inner = seen
        .value("source")
        .and_then(host_of)
        .is_some_and(|host| !is_public(&host));
    if inner && s.fails_in_ike() {
        return possible(
            12,
            format!(
                "{} takes sources of its networks for forged; the key exchange fails before any of them matters",
                seen.who()
            ),
            "whether it still says so once the tunnel is up",
        );
    }
    let source = seen
        .value("source")
        .map_or(String::new(), |a| format!(" {a}"));
    Found::by(
        seen,
        SYMPTOM,
        format!("the gateway of {} takes the source{source} for forged and drops it", seen.who()),
    )
    .because("By its routes packets of that source belong to another interface than the one that they came out of.")
    .fix("route the remote network into the tunnel, and exempt the tunnel's zone or interface from the check of sources")
    .done()
}
