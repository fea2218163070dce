//! `local-address-missing`: the address that the tunnel is configured to use is not on this host.

use adit_model::event::PathProblem;
use adit_model::fact::Side;

use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, quote};
use crate::verdict::{AtFault, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "local-address-missing",
    page: Page {
        title: "The tunnel's local address is not on this host",
        what: "The configured local address is on no interface that is up: an interface is down, a lease is lost, a shared address is at the other node, or it is a mistake.",
        initiator: "The host refuses to send from that address; no packet leaves.",
        responder: "Requests to that address find nobody.",
        look_alikes: &[(
            "peer-unreachable",
            "Does `ip -brief address` on this host list the address?",
        )],
        fix: &[
            (
                "any",
                "Bring the interface and its address up, or configure the tunnel without a local address.",
            ),
            ("linux", "`ip -brief address` lists what the host has."),
            (
                "adit",
                "`local = \"any\"` takes the address that the route to the peer has; an interface's name works too.",
            ),
        ],
        source: "RFC 1122 3.3.4",
    },
    needs: &[Need::Attempt],
    depends_on: &[],
    judge,
};

/// errno of a socket for an address that the host doesn't have (Linux EADDRNOTAVAIL).
const NOT_HERE: i32 = 99;

fn judge(s: &Signals<'_>) -> Judgement {
    let last = s.unreachable.iter().rev().find(|u| u.port.is_some());
    let Some(u) = last.filter(|u| u.problem == PathProblem::LocalSend(NOT_HERE)) else {
        return Judgement::Silent;
    };
    let address = s.configured(Side::Local).and_then(|(_, c)| c.local);
    let address = address.map_or("the tunnel's local address".to_owned(), |a| a.to_string());
    Found {
        confidence: 0.96,
        side: AtFault::Local,
        summary: format!("{address}, the tunnel's `local`, is no address of this host"),
        explanation: "The host refuses to send from an address that it doesn't have, so no packet of this tunnel leaves it."
            .to_owned(),
        evidence: quote([u.fact]),
        fix: Fix {
            local: "bring the interface with that address up, or set `local` to an address of this host, to an interface, or to \"any\""
                .to_owned(),
            remote: String::new(),
        },
        message_for_peer: "Our gateway lacks its outer address at the moment; we are repairing it.".to_owned(),
        next: vec!["`ip -brief address` on this host".to_owned()],
    }
    .into()
}
