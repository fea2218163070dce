//! `nothing-triggers-initiation`: the tunnel waits for traffic that never reaches it.

use std::net::Ipv4Addr;

use adit_model::connection::Start;
use adit_model::event::Happening;
use adit_model::fact::{Known, Side};
use adit_model::peer_config::Starts;
use adit_model::product::Product;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "nothing-triggers-initiation",
    recurs: false,
    page: Page {
        title: "No traffic reaches the policy that would start the tunnel",
        what: "An on-demand tunnel begins with the first packet that fits its policy. The packet takes another way, has another source address, or the policy isn't there; or a packet asks for an SA that no connection serves.",
        initiator: "No attempt at all; or \"trap not found, unable to acquire reqid\".",
        responder: "Nothing.",
        look_alikes: &[
            (
                "route-to-remote-subnet-missing",
                "Does the packet reach the policy (its use time in `ip -s xfrm policy`)?",
            ),
            ("both-ends-passive", "Is any policy or trap installed?"),
        ],
        fix: &[
            (
                "any",
                "Start the tunnel without traffic, or send a packet whose addresses are within its networks.",
            ),
            (
                "strongswan",
                "`swanctl --initiate --child NAME`; `start_action = start|trap`.",
            ),
            ("libreswan", "`ipsec auto --up NAME`; `auto=start`."),
            (
                "cisco-asa",
                "`packet-tracer input inside icmp SRC 8 0 DST`.",
            ),
        ],
        source: "RFC 4301 4.4.1, 5.1",
    },
    needs: &[Need::Attempt],
    depends_on: &["config-syntax-rejected"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    // An attempt was made, so something did begin one.
    let began = s.reached(|h| matches!(h, Happening::Initiating { .. } | Happening::Sent(_)));
    if began.is_some() || !s.told.is_empty() || !s.refused.is_empty() {
        return Judgement::Silent;
    }
    // Who put a policy there that the daemon doesn't know is another question.
    if s.sign(Sign::AcquireForForeignPolicy).is_some() {
        return Judgement::Silent;
    }
    if let Some(seen) = s.sign(Sign::AcquireUnserved) {
        return Found::by(
            seen,
            SYMPTOM,
            format!("{} was asked for an SA by traffic, and no connection serves the request", seen.who()),
        )
        .because("The kernel still has a policy of a connection that the daemon no longer has, so a packet that fits it starts nothing.")
        .fix("load the connection again with its trap (strongSwan: swanctl --load-all, ipsec route NAME), or start it by hand")
        .done();
    }
    if let Some(found) = mask_for_wildcard(s) {
        return found;
    }
    let heard = s.reached(|h| matches!(h, Happening::Received(_))).is_some();
    if let Some(seen) = s.sign(Sign::PoliciesAbsent).filter(|_| !heard && s.calm()) {
        return Found::by(
            seen,
            CONDITION,
            format!("the kernel of {} has no IPsec policy, so no packet asks for a tunnel", seen.who()),
        )
        .because("racoon and its like begin when a packet fits a policy of the kernel; without one a ping into the far network just leaves.")
        .fix("load the policies (setkey -f FILE, spdadd … -P out ipsec …), then ping the far network from a source within the tunnel's")
        .done();
    }
    let waits = s.case.of(Side::Local).any(|f| match &f.what {
        Known::PeerConfigured { connection } => connection
            .children
            .iter()
            .any(|c| c.starts.value == Starts::OnDemand),
        Known::Configured { connection } => connection.start == Start::OnDemand,
        _ => false,
    });
    // Our own gateway would have told of a packet.
    let own = s.configured(Side::Local).filter(|(_, c)| {
        c.start == Start::OnDemand && s.product(Side::Local) == Some(Product::Adit)
    });
    if let Some((fact, _)) = own
        && s.never_began()
        && !s.up
        && s.calm()
    {
        return Found::on(
            fact,
            CONDITION,
            crate::verdict::AtFault::Local,
            "the tunnel begins with a packet for it, and there was none",
        )
        .because("It is configured with start = \"on-demand\", and since the gateway runs no packet within its networks came to it: nothing was sent, or it went another way, or with another source.")
        .fix("send a packet whose source and destination lie in the child's networks (ping -I), look where `ip route get` sends it, or configure start = \"auto\"")
        .then("adit trace SRC DST")
        .done();
    }
    if waits && !s.up && s.facts.is_empty() {
        return Judgement::Possible {
            weight: 60,
            because: "the tunnel starts with traffic, and there was no attempt".to_owned(),
            separated_by: "a ping with a source within the tunnel's networks, and the use time of the policy",
        };
    }
    Judgement::Silent
}

/// The list that picks the packets fits none: it was typed with masks, and IOS wants wildcards.
fn mask_for_wildcard(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s.sign(Sign::MaskForWildcard).filter(|x| {
        x.value("mask")
            .and_then(|mask| mask.parse::<Ipv4Addr>().ok())
            .is_some_and(is_mask)
    })?;
    if s.up || !s.calm() {
        return None;
    }
    Some(
        Found::by(
            seen,
            CONDITION,
            format!("the access list of {} was typed with network masks and fits no packet, so nothing begins the tunnel", seen.who()),
        )
        .because("IOS takes wildcards there, in which the bits that don't count are set. Of a network with a mask it keeps only the bits that the mask leaves free: 0.0.0.0, and no host of the network.")
        .fix("type the list anew with wildcards (permit ip 10.1.0.0 0.0.0.255 10.2.0.0 0.0.0.255), mirrored on the other side")
        .then("show crypto map, show access-lists (whether its matches grow with a ping from an inside source)")
        .done(),
    )
}

/// Ones, and zeros behind them; of neither kind none.
fn is_mask(mask: Ipv4Addr) -> bool {
    let bits = mask.to_bits();
    bits != 0 && bits != u32::MAX && bits.leading_ones() + bits.trailing_zeros() == 32
}
