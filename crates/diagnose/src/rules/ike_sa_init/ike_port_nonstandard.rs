//! `ike-port-nonstandard`: IKE runs on another port on one side.

use adit_model::sign::Sign;

use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "ike-port-nonstandard",
    recurs: false,
    page: Page {
        title: "IKE is on another port on one side",
        what: "One side listens or is mapped to a port that isn't 500 or 4500, and the other doesn't know or doesn't add the four octets of NAT traversal there.",
        initiator: "Silence.",
        responder: "Nothing arrives, or \"malformed\" packets.",
        look_alikes: &[("udp500-blocked", "Which destination port is used?")],
        fix: &[
            (
                "any",
                "Use 500 and 4500, or tell both sides the port; a mapped port must lead to UDP 4500 of the responder.",
            ),
            (
                "strongswan",
                "`remote_port = N` (with NAT traversal from the first message on).",
            ),
            ("libreswan", "`leftikeport=`, `rightikeport=`."),
        ],
        source: "RFC 7296 2.23; RFC 3948",
    },
    needs: &[Need::PeerReceives],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::IkePortUnusual) else {
        return Judgement::Silent;
    };
    let Some(silence) = s.nothing_came().filter(|silence| silence.given_up) else {
        return Judgement::Silent;
    };
    let port = seen.value_or("port", "another");
    // Nothing tells an unserved port from a filter or a peer that is away.
    const MAYBE: f64 = 0.5;
    Found::by(
        seen,
        MAYBE,
        format!("requests go to port {port} of the peer, where nothing answers"),
    )
    .at(AtFault::Both)
    .with(silence.facts.iter().copied())
    .because("IKE is at home on UDP 500 and 4500. A responder on another port answers only when both sides are set to it, and then with the marker of NAT traversal.")
    .fix("use UDP 500 and 4500, or set the same port on both sides and on what maps it")
    .done()
}
