//! `peer-unreachable`: there is no path between the two gateways.

use adit_model::event::{Happening, PathProblem};
use adit_model::fact::{Fact, Side};
use adit_model::sign::Sign;

use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::before;
use crate::signals::{Signals, Unreachable, quote};
use crate::verdict::{AtFault, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "peer-unreachable",
    recurs: false,
    page: Page {
        title: "There is no path to the peer",
        what: "No packet gets from one gateway to the other: a line, a router or the peer's host is down, or a route is missing.",
        initiator: "Requests are repeated until the side gives up; no answer of any kind, or ICMP host or network unreachable.",
        responder: "Nothing arrives.",
        look_alikes: &[
            (
                "udp500-blocked",
                "Does anything but IKE pass between the two addresses, such as an echo?",
            ),
            (
                "daemon-not-running",
                "Does the peer's host answer with ICMP port unreachable?",
            ),
            ("peer-address-wrong", "Is it the peer's right address?"),
        ],
        fix: &[
            (
                "any",
                "Restore connectivity first, and change nothing of the tunnel until packets pass both ways.",
            ),
            (
                "linux",
                "`ip route get PEER`, `ping PEER`, `traceroute PEER`.",
            ),
        ],
        source: "RFC 792; RFC 4443 3.1",
    },
    needs: &[Need::Echo, Need::TwoSidedCapture],
    depends_on: &["local-address-missing"],
    judge,
};

/// errno values of a send for which the local host has no way (Linux).
const NO_WAY: [i32; 3] = [101, 113, 100];

/// Whether the peer refused something after the line: what it says got back.
fn refused_later(s: &Signals<'_>, line: &Fact) -> bool {
    s.signs.iter().any(|x| {
        matches!(
            x.sign,
            Sign::ProposalsRefusedByPeer
                | Sign::FirstProposalsRefusedByPeer
                | Sign::FirstExchangeRefused
                | Sign::AuthenticationRefusedByPeer
                | Sign::ChildRequestRefused
        ) && before(line, x.fact)
    })
}

fn judge(s: &Signals<'_>) -> Judgement {
    let peer = s.peer();
    let passes = s
        .received(Side::Local)
        .or_else(|| s.ike_answers(false))
        .or_else(|| s.ike_answers(true))
        .or_else(|| s.echo_answered());
    if let Some(fact) = s.no_route() {
        return found(
            s,
            AtFault::Local,
            format!("our host has no route to {peer}"),
            [fact],
            "add a route to the peer (`ip route get` shows what is missing)",
            "",
        );
    }
    // An interface may have been away for a moment.
    let later = |u: &Unreachable<'_>| {
        s.happenings(Side::Local)
            .any(|(f, h)| matches!(h, Happening::Received(_)) && before(u.fact, f))
    };
    let local = s.unreachable.iter().find(|u| {
        matches!(u.problem, PathProblem::LocalSend(errno) if NO_WAY.contains(&errno)) && !later(u)
    });
    if let Some(u) = local {
        return found(
            s,
            AtFault::Local,
            format!("our host has no way to {peer}"),
            [u.fact],
            "check the interface and the route to the peer (`ip route get`)",
            "",
        );
    }
    if let Some(seen) = s
        .sign(Sign::NetworkUnreachable)
        .filter(|seen| !s.went_on(*seen) && !s.up && s.sign(Sign::SendForbidden).is_none())
        .filter(|seen| !refused_later(s, seen.fact))
    {
        let to = seen
            .value("address")
            .map_or(peer, |a| a.trim_end_matches([':', ',']).to_owned());
        return found(
            s,
            seen.side().into(),
            format!("the host of {} has no way to {to}", seen.who()),
            [seen.fact],
            "check the interface and the route to the peer (`ip route get`)",
            "check the interface and the route to us (`ip route get`)",
        );
    }
    if let Some(seen) = s
        .sign(Sign::HostUnreachable)
        .filter(|seen| !s.went_on(*seen) && !s.up)
    {
        let to = seen
            .value("address")
            .map_or(peer, |a| a.trim_end_matches([':', ',']).to_owned());
        let by = seen.value("by").map_or(String::new(), |by| {
            format!(", says {}", by.trim_end_matches([':', ',']))
        });
        return found(
            s,
            AtFault::Path,
            format!("{to} can't be reached: host unreachable{by}"),
            [seen.fact],
            "restore the path to the peer; `traceroute` shows how far packets get",
            "check that the gateway and its line are up",
        );
    }
    let remote = s.unreachable.iter().find(|u| {
        matches!(
            u.problem,
            PathProblem::HostUnreachable | PathProblem::NetUnreachable
        )
    });
    // Its first requests may come although nothing gets back to it.
    let went_on = s.answer().is_some()
        || s.happenings(Side::Local).any(|(_, h)| {
            matches!(h, Happening::Received(m) if m.message_id > 0 || m.exchange != "IKE_SA_INIT")
        });
    if let Some(u) = remote.filter(|_| s.ike_answers(false).is_none() && !went_on) {
        let by = u.offender.map_or(String::new(), |o| format!(", says {o}"));
        return found(
            s,
            AtFault::Path,
            format!("{peer} can't be reached: {}{by}", u.problem),
            [u.fact],
            "restore the path to the peer; `traceroute` shows how far packets get",
            "check that the gateway and its line are up",
        );
    }
    if let Some(fact) = passes {
        return Judgement::RuledOut(format!("packets pass: {}", fact.source.text));
    }
    if let Some(fact) = s.received(Side::Remote) {
        return Judgement::RuledOut(format!("our packets reach the peer: {}", fact.source.text));
    }
    if s.nothing_came().is_some() || s.silence("INFORMATIONAL").is_some() {
        let silent = s.echo_silent().is_some();
        return Judgement::Possible {
            weight: if silent { 60 } else { 50 },
            because: if silent {
                format!("{peer} answers neither IKE nor an echo")
            } else {
                format!("nothing came back from {peer}")
            },
            separated_by: "whether anything at all passes between the two addresses, such as an echo or a TCP connection",
        };
    }
    Judgement::Silent
}

fn found<'x>(
    s: &Signals<'x>,
    side: AtFault,
    summary: String,
    facts: [&'x adit_model::fact::Fact; 1],
    here: &str,
    there: &str,
) -> Judgement {
    let silence = s
        .nothing_came()
        .into_iter()
        .flat_map(|x| x.facts.iter().copied());
    Found {
        confidence: 0.95,
        side,
        explanation: "Before packets pass between the two addresses nothing of the tunnel matters."
            .to_owned(),
        evidence: quote(facts.into_iter().chain(silence)),
        fix: Fix {
            local: here.to_owned(),
            remote: there.to_owned(),
        },
        message_for_peer: if side == AtFault::Local {
            "Our side has no route to your gateway; we are repairing it.".to_owned()
        } else {
            format!(
                "We can't reach {}: {summary}. Is your gateway up, and is this its address?",
                s.peer()
            )
        },
        summary,
        next: vec![format!(
            "`traceroute {}` from here, and from the peer to us",
            s.peer()
        )],
    }
    .into()
}
