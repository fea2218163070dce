//! `ike-port-nonstandard`: IKE runs on another port on one side.

use adit_model::complaint::Complaint;
use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::plane::possible;
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
    let own = s
        .signs_of(Sign::IkePortUnusual)
        .find(|seen| seen.value("own").is_some());
    let silent = s.complains(Complaint::NeverConnects).is_some() || s.nothing_came().is_some();
    if let Some(seen) = own.filter(|_| silent && !s.up && !s.refused_or_told()) {
        // A source port of its own is no fault by itself: the peer may listen on 500.
        if seen.value("peer").is_none() {
            return possible(
                30,
                format!(
                    "IKE is set to port {} here, and the requests go to port 500 of the peer",
                    seen.value_or("own", "another")
                ),
                "which port the peer listens on",
            );
        }
        return Found::by(
            seen,
            CONDITION,
            format!(
                "IKE is set to port {}, and the requests go to port 500 of the peer",
                seen.value_or("own", "another")
            ),
        )
        .at(AtFault::Both)
        .because("A gateway that listens on a port of its own gets only what is sent there. The daemon knows its own port and not the peer's.")
        .fix("tell each side the other one's port as well (libreswan: `rightikeport=`, from 4.0 on; strongSwan: `remote_port`), or use 500 and 4500 on both")
        .done();
    }
    let Some(seen) = s
        .signs_of(Sign::IkePortUnusual)
        .find(|seen| seen.value("own").is_none())
    else {
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
