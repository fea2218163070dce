//! `udp500-blocked`: a filter on the path doesn't let UDP 500 through.

use adit_model::event::{Party, PathProblem};
use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, COUNTED, SAID, SYMPTOM};
use crate::progress::{filtered_port, is_ike, is_strangers};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, quote};
use crate::verdict::{AtFault, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "udp500-blocked",
    recurs: false,
    page: Page {
        title: "A filter stops UDP 500",
        what: "A firewall, a security group or a router's filter on the way doesn't let IKE's first port through.",
        initiator: "The first message is repeated and never answered, though the peer's host answers other things.",
        responder: "Nothing arrives, or it arrives at the interface and not at the daemon.",
        look_alikes: &[
            (
                "peer-unreachable",
                "Does anything else pass between the same addresses?",
            ),
            (
                "udp500-reply-blocked",
                "Does the responder receive the request and answer it?",
            ),
            (
                "daemon-not-running",
                "Does anybody listen on UDP 500 at the peer?",
            ),
            (
                "no-matching-connection-on-responder",
                "Does the responder receive the request and ignore it?",
            ),
        ],
        fix: &[
            (
                "any",
                "Permit UDP 500 and UDP 4500, and IP protocol 50, both ways between the two addresses.",
            ),
            (
                "linux",
                "`nft add rule inet filter input udp dport { 500, 4500 } accept`.",
            ),
            ("aws", "security group and network ACL: UDP 500 and 4500."),
            (
                "juniper",
                "`set security zones security-zone X host-inbound-traffic system-services ike`.",
            ),
            ("vyos", "an input rule for UDP 500, 4500 and protocol esp."),
        ],
        source: "RFC 7296 2.23, 3.1",
    },
    needs: &[Need::Echo, Need::IkeProbe, Need::PeerReceives],
    depends_on: &[],
    judge,
};

/// errno of a send that the local host's own filter refused (Linux EPERM, EACCES).
const REFUSED_HERE: [i32; 2] = [1, 13];
const OPEN: &str = "permit UDP 500 and 4500 (and IP protocol 50) from our address, on the host and on every filter before it";

fn judge(s: &Signals<'_>) -> Judgement {
    let peer = s.peer();
    let port = s.remote_port();
    let here = s.unreachable.iter().find(
        |u| matches!(u.problem, PathProblem::LocalSend(errno) if REFUSED_HERE.contains(&errno)),
    );
    if let Some(u) = here {
        return Found {
            confidence: 0.92,
            side: AtFault::Local,
            summary: format!("our own host's filter refuses to send to UDP {port} at {peer}"),
            explanation: "The send failed with a permission error: a local output rule stops it."
                .to_owned(),
            evidence: quote([u.fact]),
            fix: Fix {
                local:
                    "permit UDP 500 and 4500 in the output rules of this host (nft list ruleset)"
                        .to_owned(),
                remote: String::new(),
            },
            message_for_peer: "Our own firewall stopped IKE; we open it.".to_owned(),
            next: Vec::new(),
        }
        .into();
    }
    if let Some(found) = rejected(s, &peer, port) {
        return found.into();
    }
    if let Some(judgement) = said(s) {
        return judgement;
    }
    // Where packets are lost, a question without an answer says nothing about a port.
    let sure = s.lossy().is_none();
    if let (true, false, true) = (s.never_began(), s.up, sure)
        && let (Some(answer), Some(silent)) = (s.ike_answers(true), s.ike_silent(false))
    {
        return path(s, 0.85, format!("UDP {port} to {peer} is blocked: IKE answers on the NAT-T port and not on {port}"), format!("Nobody has begun yet, and the peer's daemon runs, since it answers an IKE_SA_INIT on its other port. What is sent to UDP {port}, or comes back from it, is lost on the way."), quote([silent, answer]), &peer, port).into();
    }
    let Some(silence) = s.nothing_came() else {
        return if s.silence("INFORMATIONAL").is_some()
            && s.echo_answered().is_some()
            && s.floated(Side::Local).is_none()
        {
            Judgement::Possible {
                weight: 20,
                because:
                    "a filter that forgot the flow, or was changed, falls silent in the middle"
                        .to_owned(),
                separated_by: "whether IKE_SA_INIT to UDP 500 is answered now",
            }
        } else if let Some(fact) = s.answer() {
            Judgement::RuledOut(format!("an answer came: {}", fact.source.text))
        } else {
            Judgement::Silent
        };
    };
    let silent_facts = || silence.facts.iter().copied();
    if let Some(fact) = s.ike_answers(false) {
        return Judgement::RuledOut(format!("IKE answers on UDP {port}: {}", fact.source.text));
    }
    // Asked first: the probe to the other port shows up in the peer's evidence too.
    if let Some(fact) = s.ike_answers(true).filter(|_| sure) {
        return path(s, 0.9, format!("UDP {port} to {peer} is blocked: IKE answers on the NAT-T port and not on {port}"), format!("The peer's daemon runs, since it answers an IKE_SA_INIT on its other port. What is sent to UDP {port}, or comes back from it, is lost on the way."), quote(silent_facts().chain([fact]).chain(s.ike_silent(false))), &peer, port).into();
    }
    if let Some(fact) = s.received(Side::Remote) {
        return Judgement::RuledOut(format!("our requests reach the peer: {}", fact.source.text));
    }
    let unseen = s.case.covers(Side::Remote) && s.stopped(Side::Remote).is_none();
    if let (true, Some(echo)) = (unseen, s.echo_answered()) {
        let running = s.running(Side::Remote);
        let confidence = if running.is_some() { 0.88 } else { 0.75 };
        return path(s, confidence, format!("UDP {port} to {peer} is blocked: the host answers an echo, and its daemon receives none of our requests"), "The peer's evidence covers the attempt and shows nothing of ours. Other packets between the two addresses pass.".to_owned(), quote(silent_facts().chain([echo]).chain(running)), &peer, port).into();
    }
    Judgement::Possible {
        weight: if s.echo_answered().is_some() { 60 } else { 55 },
        because: if s.echo_answered().is_some() {
            format!("{peer} answers an echo and not UDP {port}")
        } else {
            format!("nothing came back from UDP {port} at {peer}")
        },
        separated_by: "whether our requests arrive at the peer's interface, and at its daemon",
    }
}

/// Lines of daemons, filters and listings that speak of the port.
fn said(s: &Signals<'_>) -> Option<Judgement> {
    if let Some(seen) = s
        .sign(Sign::SendForbidden)
        .filter(|seen| !s.up && !s.went_on(*seen))
    {
        return Some(
            Found::by(
                seen,
                COUNTED,
                format!("the host of {} doesn't let IKE out: a send was forbidden", seen.who()),
            )
            .because("The send failed with a permission error: an output rule of the host itself stops it.")
            .fix("permit UDP 500 and 4500 in the output rules of this host (nft list ruleset)")
            .done(),
        );
    }
    if let Some(seen) = s
        .sign(Sign::RejectedOnTheWay)
        .filter(|seen| !s.up && !s.went_on(*seen) && seen.value("port").is_none_or(|p| p != "4500"))
    {
        let by = seen.value_or("by", "a filter").trim_end_matches([':', ',']);
        return Some(
            Found::by(
                seen,
                SAID,
                format!(
                    "{by} rejects UDP 500 to {}",
                    seen.value_or("address", "the peer")
                ),
            )
            .at(AtFault::Path)
            .because(
                "An ICMP error of a filter came for our request (administratively prohibited).",
            )
            .fix(OPEN)
            .done(),
        );
    }
    let dropped = s
        .signs_of(Sign::UdpDropped)
        .filter(|seen| !s.heard(seen.side()))
        .filter(|seen| !is_strangers(s, *seen))
        .filter(|seen| {
            filtered_port(*seen)
                .is_some_and(|p| p == 500 || (is_ike(p) && s.received(seen.side()).is_none()))
        })
        .last();
    if let Some(seen) = dropped {
        let port = filtered_port(seen).unwrap_or(500);
        let from = seen.value("source").unwrap_or("");
        let confidence = if s.names(from) { COUNTED } else { SYMPTOM };
        let whose = if from.is_empty() {
            String::new()
        } else {
            format!(" from {from}")
        };
        return Some(
            Found::by(
                seen,
                confidence,
                format!("a filter of {} drops UDP {port}{whose}", seen.who()),
            )
            .because("The filter's own record shows it, and the daemon has heard nothing.")
            .fix("permit UDP 500 and 4500 (and IP protocol 50) from the peer in this filter")
            .done(),
        );
    }
    // A filter of the responder, or a person there, sees nothing come while somebody asks in vain.
    let unheard = s
        .signs_of(Sign::IkeNeverArrives)
        .filter(|seen| seen.value("port").is_some_and(|p| p == "500"))
        .filter(|seen| s.received(seen.side()).is_none() && !s.up && !s.refused_or_told())
        .last();
    let asked = s
        .first_sign(&[Sign::FirstMessageUnanswered, Sign::NegotiationTimedOut])
        .map(|x| x.fact)
        .or_else(|| s.nothing_came()?.facts.first().copied())
        .or_else(|| {
            let (fact, by, cause) = s.closed()?;
            (by == Party::Us && cause == "failed").then_some(fact)
        });
    if let (Some(seen), Some(asked)) = (unheard, asked) {
        // On the side that asks, answers are counted by the rule for what belongs to a flow that is known.
        let maybe_own = seen.value("counted").is_some()
            && seen.value("whose").is_none()
            && seen.side() == asked.side;
        if maybe_own {
            return Some(Judgement::Possible {
                weight: 50,
                because: "a filter counted nothing for UDP 500, and a request has no answer"
                    .to_owned(),
                separated_by: "whether the filter is the responder's: on the side that asks, a rule for UDP 500 counts nothing anyway",
            });
        }
        return Some(
            Found::by(
                seen,
                SYMPTOM,
                "requests are sent, and nothing arrives at UDP 500 of the responder: something before it drops them",
            )
            .at(AtFault::Path)
            .with([asked])
            .because("The one side asks and hears nothing; at the other, other packets are counted and none of IKE.")
            .fix("look at the filters before the host (the provider's, security groups, a router's port forwarding) and at the address that is dialled; permit UDP 500 and 4500 there")
            .then("tcpdump -ni any 'udp port 500 or udp port 4500' on the responder during an attempt")
            .done(),
        );
    }
    let closed = s
        .signs_of(Sign::PortNotPermitted)
        .filter(|seen| {
            seen.value("port") == Some("500")
                && seen.value("of").is_none()
                && !s.heard(seen.side())
                && !s.refused_or_told()
        })
        // What is too large for the tunnel is told of a tunnel that is up.
        .filter(|_| s.sign(Sign::FragmentationNeeded).is_none())
        .last()?;
    // Answers to our own requests come in all the same.
    if closed.value("answers").is_some()
        && closed.side() == Side::Local
        && s.nothing_came().is_some()
    {
        return Some(Judgement::Possible {
            weight: 30,
            because: "the own filter lets in only what it lists, and UDP 500 isn't listed; answers come in all the same".to_owned(),
            separated_by: "which side begins, and whether the requests reach the peer",
        });
    }
    Some(
        Found::by(
            closed,
            CONDITION,
            format!(
                "the filter of {} lets in only what it lists, and UDP 500 isn't listed",
                closed.who()
            ),
        )
        .because("Whatever no rule accepts is dropped, and no rule shown accepts IKE.")
        .fix("permit UDP 500 and 4500 (and IP protocol 50) in the input rules")
        .done(),
    )
}

/// Somebody on the path says that it filters.
fn rejected(s: &Signals<'_>, peer: &str, port: u16) -> Option<Found> {
    let u = s.unreachable.iter().find(|u| {
        let mine = u.port == Some(port);
        let other_box = u
            .offender
            .is_some_and(|o| peer.parse::<std::net::IpAddr>().is_ok_and(|peer| peer != o));
        mine && match u.problem {
            PathProblem::AdminProhibited => true,
            // A port unreachable from a box on the way, or from a host whose daemon answers on its other port.
            PathProblem::PortUnreachable => other_box || s.ike_answers(true).is_some(),
            _ => false,
        }
    })?;
    let by = u
        .offender
        .map_or("a filter on the path".to_owned(), |o| o.to_string());
    Some(path(
        s,
        0.92,
        format!("{by} rejects UDP {port} to {peer}"),
        format!(
            "An ICMP error ({}) came for our request: the packet was refused by a filter.",
            u.problem
        ),
        quote([u.fact]),
        peer,
        port,
    ))
}

fn path(
    s: &Signals<'_>,
    confidence: f64,
    summary: String,
    explanation: String,
    evidence: Vec<crate::verdict::Evidence>,
    peer: &str,
    port: u16,
) -> Found {
    Found {
        confidence,
        side: AtFault::Path,
        summary,
        explanation,
        evidence,
        fix: Fix {
            local: "permit UDP 500 and 4500 (and IP protocol 50) to the peer in our own filters, and the answers".to_owned(),
            remote: OPEN.to_owned(),
        },
        message_for_peer: format!("Our IKE packets to UDP {port} at {peer} aren't answered, between {}. Please check on your side that UDP 500 and 4500 from our address are let through, on the gateway and on every filter before it; `tcpdump -ni any udp port 500` shows whether they arrive.", s.gateways()),
        next: vec!["capture on both outside interfaces during one attempt".to_owned()],
    }
}
