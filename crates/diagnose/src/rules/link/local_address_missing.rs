//! `local-address-missing`: the address that the tunnel is configured to use is not on this host.

use std::net::IpAddr;

use adit_model::event::PathProblem;
use adit_model::fact::{Known, Side};
use adit_model::peer_config::Place;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, COUNTED, SAID, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::{Seen, before};
use crate::signals::{Signals, quote};
use crate::verdict::{AtFault, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "local-address-missing",
    recurs: false,
    page: Page {
        title: "The tunnel's local address is not on this host",
        what: "The configured local address is on no interface that is up: an interface is down, a lease is lost, a shared address is at the other node, or it is a mistake.",
        initiator: "The host refuses to send from that address, or the daemon can't tell which end it is (pluto: \"we cannot identify ourselves with either end of this connection\"); no packet leaves.",
        responder: "Requests to that address find nobody.",
        look_alikes: &[
            (
                "peer-unreachable",
                "Does `ip -brief address` on this host list the address?",
            ),
            (
                "ha-vip-not-owned",
                "Is it a shared address that the other node of a cluster has now?",
            ),
        ],
        fix: &[
            (
                "any",
                "Bring the interface and its address up, or configure the tunnel without a local address.",
            ),
            ("linux", "`ip -brief address` lists what the host has."),
            (
                "libreswan",
                "left=%defaultroute takes the address of the default route; left= must be an address of this host, also behind a NAT (the outer address goes into leftid).",
            ),
            (
                "strongswan",
                "local_addrs = %any (left=%any) takes the address of the route to the peer.",
            ),
            (
                "adit",
                "`local = \"any\"` takes the address that the route to the peer has; an interface's name works too.",
            ),
        ],
        source: "RFC 1122 3.3.4",
    },
    needs: &[Need::Attempt],
    depends_on: &[
        "ha-vip-not-owned",
        "hw-offload-fault",
        "implementation-bug",
        "port-500-in-use",
    ],
    judge,
};

/// errno of a socket for an address that the host doesn't have (Linux EADDRNOTAVAIL).
const NOT_HERE: i32 = 99;

/// errno of a send with a source address that doesn't go with its destination (Linux EINVAL).
const INVALID: i32 = 22;

fn judge(s: &Signals<'_>) -> Judgement {
    let last = s.unreachable.iter().rev().find(|u| u.port.is_some());
    let Some(u) = last.filter(|u| u.problem == PathProblem::LocalSend(NOT_HERE)) else {
        return said(s);
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

/// The daemon says that neither end is this host's, or that it can't use the address.
fn said(s: &Signals<'_>) -> Judgement {
    let checked = |seen: &Seen<'_>| seen.value("checked").is_some();
    let back = |seen: &Seen<'_>| {
        let address = seen.value_or("address", "");
        s.signs_of(Sign::LocalAddressBack).any(|back| {
            let of_it = back.value("address").is_none_or(|a| a.starts_with(address));
            let failed = |x: Seen<'_>| before(back.fact, x.fact);
            before(seen.fact, back.fact)
                && of_it
                && !s.signs_of(Sign::NetworkUnreachable).any(failed)
        })
    };
    if let Some(seen) = s.sign(Sign::LocalAddressMissing).filter(|seen| !back(seen))
        && (checked(&seen) || !s.went_on(seen) && !s.up)
    {
        let which = match (seen.value("address"), seen.value("other")) {
            (Some(a), Some(b)) => format!("neither {a} nor {b} is an address of this host"),
            (Some(a), None) => format!("{a} is no address of this host"),
            _ => "the connection's local address is no address of this host".to_owned(),
        };
        return Found::by(seen, SAID, which)
            .because("The daemon looks for the address of one end among its interfaces to know which end it is itself. It found none, so it neither sends nor answers for this connection.")
            .fix("set the connection's local address (left=, local_addrs) to an address that `ip -brief address` lists on this host, or to %defaultroute; behind a NAT that is the inner address")
            .then("ip -brief address; ip route get PEER")
            .done();
    }
    let invalid = s
        .unreachable
        .iter()
        .rev()
        .find(|u| u.problem == PathProblem::LocalSend(INVALID));
    if let (Some(seen), Some(u)) = (s.sign(Sign::AddressNotHere), invalid)
        && !s.heard(seen.side())
    {
        return Found::by(
            seen,
            SYMPTOM,
            "neither end of the connection is an address of this host, and sending fails",
        )
        .with([u.fact])
        .because("The daemon looked for the connection's addresses among its interfaces and found none; the socket then refuses to send from that address.")
        .fix("bring the interface with the tunnel's local address up before the daemon, or set the local address (left=, local_addrs) to one of this host or to %any")
        .then("ip -brief address")
        .done();
    }
    if let Some(judgement) = refused_each_time(s).or_else(|| listens_inside(s)) {
        return judgement;
    }
    if let Some(judgement) = configured_elsewhere(s) {
        return judgement;
    }
    match s.sign(Sign::AddressNotHere) {
        Some(_) if !s.up && !s.heard(Side::Local) => Judgement::Possible {
            weight: 25,
            because: "an address of the connection isn't on this host; it may be the peer's"
                .to_owned(),
            separated_by: "whether `ip -brief address` lists the connection's local address",
        },
        _ => Judgement::Silent,
    }
}

/// Every send is refused for its source address. pluto names the interface that it wanted to send by.
fn refused_each_time(s: &Signals<'_>) -> Option<Judgement> {
    let failed = s
        .nothing_left()
        .filter(|u| u.problem == PathProblem::LocalSend(INVALID) && !s.up)?;
    let text = failed.fact.source.text.as_str();
    let loopback = text.contains("sendto on lo to ") || text.contains("send on lo ");
    let (confidence, what) = if loopback {
        (
            COUNTED,
            "the tunnel's local address is one of the loopback interface, from which nothing leaves the host",
        )
    } else {
        (
            SYMPTOM,
            "the tunnel's local address can't be sent from: the host refuses each packet",
        )
    };
    Some(
        Found::on(failed.fact, confidence, AtFault::Local, what)
            .because("The kernel refuses a datagram (EINVAL) whose source address doesn't belong to where it is to go. Nothing of this tunnel leaves the host, so neither the path nor the peer has a part in it.")
            .fix("set the connection's local address (left=, local_addrs) to the address of the outside interface, or to %defaultroute; a name there may resolve to 127.0.0.1 or 127.0.1.1 by /etc/hosts")
            .then("ip -brief address; ip route get PEER; getent hosts \"$(hostname)\"")
            .done(),
    )
}

/// The daemon listens on no address that a peer could reach: its interfaces came up after it had looked for them.
fn listens_inside(s: &Signals<'_>) -> Option<Judgement> {
    let seen = s.sign(Sign::ListensInsideOnly)?;
    if s.up || s.heard(seen.side()) || !s.calm() {
        return None;
    }
    if let Some(shared) = seen.value("shared") {
        return Some(Judgement::Possible {
            weight: 40,
            because: format!(
                "two interfaces have the address {shared}, and the daemon uses neither"
            ),
            separated_by: "whether the daemon listens on the address that the peer is told (`ipsec status`, its first lines)",
        });
    }
    let addresses = seen.value_or("addresses", "127.0.0.1");
    Some(
        Found::by(
            seen,
            CONDITION,
            format!("the daemon listens on no address that a peer reaches, only on {addresses}"),
        )
        .because("It looks for interfaces when it starts or is told to. The address of the tunnel wasn't there yet, or its interface is down, so no connection finds its own end and nothing from outside is heard.")
        .fix("bring up the interface with the tunnel's local address before the daemon, or have it look again afterwards (`ipsec whack --listen`, `ipsec auto --ready`, or a restart)")
        .then("ip -brief address; ipsec status | grep interface")
        .done(),
    )
}

/// Neither end of the configured connection is in the list of the host's addresses, and nothing was sent.
fn configured_elsewhere(s: &Signals<'_>) -> Option<Judgement> {
    let has = s.addresses(Side::Local)?;
    let mut configured = s.case.of(Side::Local).filter_map(|f| match &f.what {
        Known::PeerConfigured { connection } => Some((f, connection)),
        _ => None,
    });
    let (fact, c) = configured.next()?;
    let (local, remote) = match (c.local.value.as_slice(), c.remote.value.as_slice()) {
        ([Place::Address(a)], [Place::Address(b)]) => (*a, Some(*b)),
        // Only the end that is named can be this host.
        ([Place::Address(a)], [] | [Place::Any]) => (*a, None),
        _ => return None,
    };
    // Of several, some may be another host's.
    if configured.next().is_some() {
        return None;
    }
    let here = |a: IpAddr| has.iter().any(|h| h.parse() == Ok(a));
    // A list of loopback and link-local addresses alone isn't all that a gateway has.
    let usual = has.iter().any(|h| {
        h.parse::<IpAddr>().is_ok_and(|a| match a {
            IpAddr::V4(a) => !a.is_loopback() && !a.is_link_local(),
            IpAddr::V6(_) => false,
        })
    });
    if here(local) || remote.is_some_and(here) || !usual || s.up || s.heard(Side::Local) {
        return None;
    }
    let what = match remote {
        Some(remote) => {
            format!("neither {local} nor {remote} of the connection is an address of this host")
        }
        None => format!("{local} of the connection is no address of this host"),
    };
    if !s.calm() || !s.sends(false).is_empty() {
        return Some(Judgement::Possible {
            weight: 40,
            because: what,
            separated_by: "what the daemon says when the connection is loaded and begun",
        });
    }
    Some(
        Found::on(fact, CONDITION, AtFault::Local, what)
            .because("The daemon looks for one end of the connection among the host's addresses. Behind a NAT the host has the inner address, and not the one that the world sees.")
            .fix("set the connection's local address (left=, local_addrs) to one that `ip -brief address` lists, or to %defaultroute; keep the outside address as the identity (leftid=)")
            .then("ip -brief address; ipsec status, or swanctl --list-conns")
            .done(),
    )
}
