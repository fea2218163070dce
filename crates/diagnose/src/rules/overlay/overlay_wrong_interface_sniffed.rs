//! `overlay-wrong-interface-sniffed`: nothing is captured because the wrong interface or filter was chosen.

use std::net::IpAddr;

use adit_model::fact::{Fact, Known, Side};
use adit_model::host::HostState;
use adit_model::sign::Sign;

use crate::finding::CONDITION;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;

pub(crate) static RULE: Rule = Rule {
    id: "overlay-wrong-interface-sniffed",
    recurs: false,
    page: Page {
        title: "The capture looks at the wrong interface",
        what: "A capture that shows nothing says nothing as long as interface and filter aren't the right ones: within a data centre the overlay uses another interface than outside.",
        initiator: "Nothing is seen.",
        responder: "Nothing is seen.",
        look_alikes: &[
            ("daemon-not-running", "Does another interface show packets?"),
            (
                "nothing-triggers-initiation",
                "Was there traffic at that time?",
            ),
        ],
        fix: &[
            (
                "any",
                "Find the interface that the address is on, and capture there without a filter first.",
            ),
            (
                "illumos",
                "`ipadm show-addr`, then `snoop -rd IFACE host PEER`.",
            ),
            (
                "linux",
                "`ip route get PEER`, then `tcpdump -ni any host PEER`.",
            ),
        ],
        source: "RFC 7348 4",
    },
    needs: &[Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let Some(seen) = s.sign(Sign::NothingCaptured) else {
        return Judgement::Silent;
    };
    let side = seen.side();
    let flow = s
        .flows(side)
        .next()
        .map(|f| f.fact)
        .or_else(|| s.carried(side).filter(|c| c.both())?.facts.first().copied());
    match flow {
        Some(flow) if s.calm() && !s.traffic_suffers() => Found::by(
            seen,
            CONDITION,
            "one capture is empty and the tunnel's packets are seen elsewhere: it looked at another interface, or through a filter that doesn't fit",
        )
        .with([flow])
        .because("The tunnel carries packets, as the other evidence shows, so the empty capture says nothing of it.")
        .fix("capture at the interface that has the tunnel's outside address (ipadm show-addr, ip route get PEER), without a filter first")
        .done(),
        _ if s.calm()
            && s.facts.is_empty()
            && let Some((inside, outside)) = elsewhere(s, seen) =>
        {
            Found::by(
                seen,
                CONDITION,
                format!(
                    "the capture looked at {}, which has only inside addresses, and the peer {} is outside: its packets use {}",
                    seen.value_or("interface", "an interface"),
                    seen.value_or("host", ""),
                    outside.1
                ),
            )
            .with([inside, outside.0])
            .because("The host has another interface with a public address. That the capture is empty says nothing of the tunnel.")
            .fix(format!("capture at {} (ipadm show-addr, ip route get PEER show which interface it is)", outside.1))
            .done()
        }
        _ => Judgement::Possible {
            weight: 40,
            because: "a capture saw nothing at all; it may have looked at another interface than the tunnel's".to_owned(),
            separated_by: "a capture on every interface (`tcpdump -ni any host PEER`)",
        },
    }
}

/// The addresses say that the interface of an empty capture isn't the one towards the host that it looked for: one
/// of its own, and one of the interface outside, with its name.
fn elsewhere<'a>(s: &Signals<'a>, seen: Seen<'a>) -> Option<(&'a Fact, (&'a Fact, &'a str))> {
    let peer: IpAddr = seen.value("host")?.parse().ok()?;
    let sniffed = seen.value("interface")?;
    if !global(peer) {
        return None;
    }
    let all: Vec<(&'a Fact, &'a str, IpAddr)> = addresses(s, seen.side());
    let own = |interface: &str| interface == sniffed;
    if all
        .iter()
        .any(|(_, interface, address)| own(interface) && global(*address))
    {
        return None;
    }
    let inside = all.iter().find(|(_, interface, _)| own(interface))?.0;
    let mut others = all
        .iter()
        .filter(|(_, interface, address)| !own(interface) && global(*address));
    let (fact, name, _) = others.next()?;
    Some((inside, (fact, name)))
}

fn addresses<'a>(s: &Signals<'a>, side: Side) -> Vec<(&'a Fact, &'a str, IpAddr)> {
    s.case
        .of(side)
        .filter_map(|f| match &f.what {
            Known::Host { state } => match &**state {
                HostState::Address { interface, address } => {
                    let bare = address.split('/').next()?.parse().ok()?;
                    Some((f, interface.as_str(), bare))
                }
                _ => None,
            },
            _ => None,
        })
        .collect()
}

/// Whether an address is one of the Internet's.
fn global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => {
            let shared = a.octets()[0] == 100 && (64..128).contains(&a.octets()[1]);
            !(a.is_private()
                || a.is_loopback()
                || a.is_link_local()
                || a.is_unspecified()
                || shared)
        }
        IpAddr::V6(a) => {
            !(a.is_unique_local()
                || a.is_loopback()
                || a.is_unicast_link_local()
                || a.is_unspecified())
        }
    }
}
