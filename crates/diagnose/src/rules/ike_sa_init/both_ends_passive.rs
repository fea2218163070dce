//! `both-ends-passive`: both ends wait for the other one to begin.

use std::collections::BTreeMap;
use std::net::IpAddr;

use adit_model::connection::Start;
use adit_model::fact::{Fact, Known, Side};
use adit_model::peer_config::{PeerConnection, Place, Starts};
use adit_model::sign::Sign;

use crate::finding::{CONFIGURED, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "both-ends-passive",
    recurs: false,
    page: Page {
        title: "Both ends wait for the other to begin",
        what: "A tunnel comes up when somebody begins. Both ends are set to answer only (auto=add, start_action none, passive), so nothing is ever sent.",
        initiator: "Nothing is sent by anyone.",
        responder: "The same.",
        look_alikes: &[(
            "nothing-triggers-initiation",
            "Is one side meant to begin when traffic comes?",
        )],
        fix: &[
            ("any", "Let one side begin."),
            (
                "strongswan",
                "`start_action = start` (or trap) of the child; ipsec.conf `auto=start`.",
            ),
            ("libreswan", "`auto=start`."),
            (
                "aws",
                "startup action \"Start\", with the address of the customer gateway.",
            ),
            ("panos", "clear \"Enable Passive Mode\"."),
            ("juniper", "`establish-tunnels immediately`."),
            ("fortigate", "`set auto-negotiate enable`."),
        ],
        source: "RFC 4301 4.4.1",
    },
    needs: &[Need::Attempt],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if s.up || !s.facts.is_empty() {
        return Judgement::Silent;
    }
    if let Some(seen) = s.sign(Sign::PeerNotNamed) {
        return Found::by(
            seen,
            SYMPTOM,
            "the connection that is to be begun is for any peer: it has no address to begin with",
        )
        .at(AtFault::Local)
        .because("Its other end is %any, or a name that had no address when it was loaded; such a connection can only answer.")
        .fix("write the peer's address (right=ADDRESS) into the connection that begins, or let the other side begin")
        .done();
    }
    // What somebody begins by hand needs nobody else to begin it.
    if s.sign(Sign::BegunByHand).is_some() {
        return Judgement::Silent;
    }
    if let Some((ours, theirs)) = mirrored(s) {
        return both(ours, theirs);
    }
    match (passive(s, Side::Local), passive(s, Side::Remote)) {
        (Some((ours, true)), Some((theirs, true))) => both(ours, theirs),
        (Some((_, true)), None) | (None, Some((_, true))) => Judgement::Possible {
            weight: 40,
            because: "one side only answers; if the other one does too, nobody begins".to_owned(),
            separated_by: "whether the other side's configuration starts the tunnel",
        },
        _ => Judgement::Silent,
    }
}

fn both(ours: &Fact, theirs: &Fact) -> Judgement {
    Found::on(
        ours,
        CONFIGURED,
        AtFault::Both,
        "both sides wait for the other one to begin",
    )
    .with([theirs])
    .because("Neither configuration starts the tunnel, on its own or for traffic, and no attempt was made.")
    .fix("let one side begin (adit: start = \"auto\"; strongSwan: start_action = start; Libreswan: auto=start; VyOS: connection-type initiate)")
    .done()
}

/// Both ends' configurations stand in one text: each has the other's address as its peer's, and neither begins.
fn mirrored<'a>(s: &Signals<'a>) -> Option<(&'a Fact, &'a Fact)> {
    let address = |places: &[Place]| match places {
        [Place::Address(a)] => Some(*a),
        _ => None,
    };
    // By both ends, since one text may hold thousands of connections.
    let mut seen: BTreeMap<(IpAddr, IpAddr), &Fact> = BTreeMap::new();
    s.case.facts.iter().find_map(|fact| {
        let connection = match &fact.what {
            Known::PeerConfigured { connection } if never(connection) => connection,
            _ => return None,
        };
        let local = address(&connection.local.value)?;
        let remote = address(&connection.remote.value)?;
        if let Some(other) = seen.get(&(remote, local)) {
            return Some((*other, fact));
        }
        seen.entry((local, remote)).or_insert(fact);
        None
    })
}

/// Whether none of its children is begun by the daemon or by traffic. What a product does when nothing is written is often
/// begun by hand.
fn never(connection: &PeerConnection) -> bool {
    let children = &connection.children;
    !children.is_empty()
        && children
            .iter()
            .all(|c| c.starts.value == Starts::Passive && c.starts.is_written())
}

/// Whether a side's configuration never begins. `None` where it isn't known.
fn passive<'a>(s: &Signals<'a>, side: Side) -> Option<(&'a Fact, bool)> {
    s.case.of(side).find_map(|f| match &f.what {
        Known::PeerConfigured { connection } if !connection.children.is_empty() => {
            Some((f, never(connection)))
        }
        Known::Configured { connection } => Some((f, connection.start == Start::Passive)),
        _ => None,
    })
}
