//! `peer-address-wrong`: one side has a wrong or old address of the other.

use std::net::IpAddr;

use adit_model::fact::{Fact, Known, Side};
use adit_model::peer_config::{PeerConnection, Place};

use crate::finding::CONFIGURED;
use crate::nat;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "peer-address-wrong",
    recurs: false,
    page: Page {
        title: "The peer's address is wrong",
        what: "One side is configured with an address that isn't the other's: a mistake, or the other one moved.",
        initiator: "Requests go to an address that never answers, or that answers as somebody else.",
        responder: "Nothing arrives; or requests come from an address that no connection is configured for.",
        look_alikes: &[
            (
                "no-matching-connection-on-responder",
                "Is the address that the responder sees the one in its configuration?",
            ),
            (
                "nat-private-ip-as-id",
                "Does a NAT explain the other address?",
            ),
            ("dynamic-ip-changed", "Did the address change by itself?"),
        ],
        fix: &[
            (
                "any",
                "Set the peer's address to the one that it sends from; for addresses that change, a name or an identity.",
            ),
            ("strongswan", "remote_addrs (right= in ipsec.conf)."),
            ("libreswan", "right=."),
            ("fortinet", "set remote-gw."),
            (
                "cisco",
                "set peer, and the tunnel group or keyring of that address.",
            ),
        ],
        source: "RFC 7296 2.11",
    },
    needs: &[Need::RefusingSideLog, Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let behind_nat = nat::behind(s).is_some_and(|(us, peer)| us || peer);
    let silent = s.nothing_came().is_some();
    if let (Some((ours, our)), Some((theirs, their))) =
        (only(s, Side::Local), only(s, Side::Remote))
        && !behind_nat
        && !s.up
        && (silent || s.refused_or_told())
    {
        for (fact, wanted, own, side) in [
            (ours, &our.remote.value, &their.local.value, Side::Local),
            (theirs, &their.remote.value, &our.local.value, Side::Remote),
        ] {
            if let (Some(wanted), Some(own)) = (address(wanted), address(own))
                && wanted != own
                && !private(own)
            {
                return Found::on(
                    fact,
                    CONFIGURED,
                    AtFault::from(side),
                    format!("{} looks for its peer at {wanted}, and the peer is at {own}", crate::signals::who(side)),
                )
                .with([ours, theirs])
                .because("The two configurations name different addresses for the same gateway, and no NAT explains it.")
                .fix(format!("set the peer's address to {own}"))
                .done();
            }
        }
    }
    if silent && !s.case.covers(Side::Remote) {
        return Judgement::Possible {
            weight: 18,
            because: format!("{} may not be the peer's address", s.peer()),
            separated_by: "the peer's own outside address, and the address in our configuration",
        };
    }
    Judgement::Silent
}

/// A side's connection, where it has just one.
fn only<'a>(s: &Signals<'a>, side: Side) -> Option<(&'a Fact, &'a PeerConnection)> {
    let mut all = s.case.of(side).filter_map(|f| match &f.what {
        Known::PeerConfigured { connection } => Some((f, &**connection)),
        _ => None,
    });
    all.next().filter(|_| all.next().is_none())
}

fn address(places: &[Place]) -> Option<IpAddr> {
    match places {
        [Place::Address(a)] => Some(*a),
        _ => None,
    }
}

/// An address that only its own network knows: outside, a NAT stands for it.
fn private(a: IpAddr) -> bool {
    match a {
        IpAddr::V4(a) => a.is_private() || a.is_loopback() || a.is_link_local(),
        IpAddr::V6(a) => a.is_loopback() || (a.segments()[0] & 0xfe00) == 0xfc00,
    }
}
