//! `udp500-reply-blocked`: requests pass, and the answers are lost.

use adit_model::drops::DropReason;
use adit_model::event::{Happening, MessageInfo, Party, Role};
use adit_model::fact::{Fact, Known, Side};
use adit_model::listed::Stage;
use adit_model::product::Product;
use adit_model::sign::Sign;

use crate::finding::{CONDITION, COUNTED, SYMPTOM};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::{Signals, quote, who};
use crate::verdict::{AtFault, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "udp500-reply-blocked",
    recurs: false,
    page: Page {
        title: "The answers from UDP 500 don't come back",
        what: "Requests reach the responder, which answers, and the answers are filtered or go astray: a stateless filter, a wrong return route, or a NAT that has lost its mapping.",
        initiator: "The first message is repeated and never answered.",
        responder: "The same request comes again and again, each time answered. strongSwan: \"received retransmit of request with ID 0, retransmitting response\".",
        look_alikes: &[
            ("udp500-blocked", "Does the responder receive the requests?"),
            (
                "nat-return-mapping-lost",
                "Do the answers go to the port that the requests came from?",
            ),
        ],
        fix: &[
            (
                "any",
                "Permit the return direction, and check the route back; a stateless filter needs a rule for each direction.",
            ),
            ("aws", "the network ACL's outbound rule."),
        ],
        source: "RFC 7296 2.1, 2.11",
    },
    needs: &[Need::PeerReceives, Need::TwoSidedCapture],
    depends_on: &["peer-unreachable", "underlay-loss-or-flap"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let peer = s.peer();
    if let Some(judgement) = by_states(s) {
        return judgement;
    }
    if let Some(judgement) = in_vain(s) {
        return judgement;
    }
    // We ask: the other side's evidence shows that it answers.
    if let Some(silence) = s.nothing_came() {
        // Our requests leave from our own port 500, and the probe from another one: what differs is where answers go to.
        let ours = s.product(Side::Local) == Some(Product::Adit);
        let several = s
            .happenings(Side::Local)
            .any(|(_, h)| matches!(h, Happening::Retransmitted { attempt, .. } if *attempt >= 3));
        if let Some(fact) = s
            .ike_answers(false)
            .filter(|_| ours && several && s.lossy().is_none())
        {
            return found(
                s,
                SYMPTOM,
                "answers to our UDP port 500 are lost: the same question from another port of ours is answered".to_owned(),
                silence.facts.iter().copied().chain([fact]),
            );
        }
        if s.ike_answers(true).is_some() || s.ike_answers(false).is_some() {
            // What the peer received and answered may be the probe.
            return Judgement::Silent;
        }
        let received = s.received_message(Side::Remote, "IKE_SA_INIT", false);
        let answered = s.sent_message(Side::Remote, "IKE_SA_INIT", true);
        return match (received, answered) {
            (Some(request), Some((answer, _))) => found(
                s,
                0.93,
                format!(
                    "the answers of {peer} don't come back: it receives our requests and answers them"
                ),
                silence.facts.iter().copied().chain([request, answer]),
            ),
            _ if s.received(Side::Remote).is_none() && !s.case.covers(Side::Remote) => {
                Judgement::Possible {
                    weight: if s.echo_answered().is_some() { 35 } else { 20 },
                    because: "requests may arrive and only the answers be lost".to_owned(),
                    separated_by: "whether the peer receives our requests and sends answers",
                }
            }
            _ => Judgement::Silent,
        };
    }
    // Without a NAT the last answer of main mode goes over UDP 500 as well.
    if s.unfinished(Side::Local, "MR3").is_some() && !s.up && !s.refused_or_told() {
        return Judgement::Possible {
            weight: 42,
            because: "the peer repeats its proof though it was answered".to_owned(),
            separated_by: "whether the exchange has moved to UDP 4500, and a capture outside of both gateways",
        };
    }
    if let Some(judgement) = main_mode_again(s) {
        return judgement;
    }
    // The peer asks: its requests come again though we answered.
    let asked = s.received_message(Side::Local, "IKE_SA_INIT", false);
    let answered = s.sent_message(Side::Local, "IKE_SA_INIT", true);
    // One repetition is what a lost packet brings about; the second one says that answers don't arrive.
    let mut repetitions = s.drops(Side::Local, DropReason::IkeDuplicate);
    let first = repetitions.next();
    let again = repetitions.next();
    // An excerpt that somebody ended with the first one may show the same.
    let last = first.filter(|fact| {
        let pasted = s.case.products.get(&Side::Local);
        pasted.is_some_and(|p| *p != Product::Adit)
            && s.facts.last().is_some_and(|end| core::ptr::eq(*end, *fact))
    });
    let went_on = s
        .received_message(Side::Local, "IKE_AUTH", false)
        .or_else(|| s.received_message(Side::Local, "MI2", false));
    let responder = s
        .facts
        .iter()
        .any(|f| f.side == Side::Local && f.role == Some(Role::Responder));
    if let (Some((answer, _)), None) = (answered, went_on)
        && responder
        && !s.refused_or_told()
        && !s.up
    {
        // It acted on an answer of ours, so answers arrive.
        let heard = s.happenings(Side::Local).any(|(_, h)| {
            matches!(
                h,
                Happening::KeRetry { by: Party::Us, .. } | Happening::Cookie { .. }
            )
        });
        if heard && again.is_some() {
            return Judgement::Possible {
                weight: 50,
                because: "the peer repeats a request that we answered, though it acted on an earlier answer"
                    .to_owned(),
                separated_by: "whether the second answer reaches the peer",
            };
        }
        if let Some(repeated) = again {
            return found(
                s,
                0.8,
                "our answers don't reach the peer: it repeats a request that we answered"
                    .to_owned(),
                asked.into_iter().chain([answer, repeated]),
            );
        }
        // The client says that it gave up at the beginning, too.
        let client = s.first_sign(&[Sign::NegotiationTimedOut, Sign::NegotiationFailed]);
        if let (Some(repeated), Some(client), false) = (last, client, heard) {
            return found(
                s,
                CONDITION,
                "our answers don't reach the peer: it repeated a request that we answered, and gave up"
                    .to_owned(),
                asked.into_iter().chain([answer, repeated, client.fact]),
            );
        }
        if last.is_some() {
            return Judgement::Possible {
                weight: 50,
                because:
                    "the peer repeated a request that we answered, with which the evidence ends"
                        .to_owned(),
                separated_by: "whether the peer goes on, or repeats its request again and again",
            };
        }
    }
    begins_anew(s).unwrap_or(Judgement::Silent)
}

/// Main mode's first message came again though it was answered, the second never did, and the client says that nobody
/// answers. Without its word one repetition is what a lost packet brings about.
fn main_mode_again(s: &Signals<'_>) -> Option<Judgement> {
    let (answer, _) = s
        .sent_message(Side::Local, "MR1", true)
        .filter(|(_, message)| message.exchange == "MR1")?;
    let again = s.drops(Side::Local, DropReason::IkeDuplicate).next()?;
    let went_on = s.received_message(Side::Local, "MI2", false);
    let client = s.first_sign(&[Sign::NegotiationTimedOut, Sign::NegotiationFailed])?;
    if s.up || s.refused_or_told() || went_on.is_some() || s.closed().is_none() {
        return None;
    }
    Some(found(
        s,
        0.8,
        "our answers don't reach the peer: it repeats its first message though we answered, and gives up"
            .to_owned(),
        [answer, again, client.fact].into_iter(),
    ))
}

/// One side's status says that it waits for the answer to its first message, the other's that it has given it.
fn by_states(s: &Signals<'_>) -> Option<Judgement> {
    [Side::Local, Side::Remote].into_iter().find_map(|asks| {
        let asked = s.asked_in_vain(asks)?;
        let answers = s
            .standing(asks.other())
            .filter(|x| x.stage == Stage::FirstAnswered)?;
        let (a, b) = (who(asks), who(asks.other()));
        Some(found(
            s,
            COUNTED - 0.05,
            format!("answers to UDP 500 are lost on their way: {b} has answered the first message, and {a} waits for the answer"),
            asked.into_iter().chain(answers.facts),
        ))
    })
}

/// A capture shows the first message again and again, each time answered.
fn in_vain(s: &Signals<'_>) -> Option<Judgement> {
    let (fact, asks, at_answerer, times) = s.repeated_in_vain()?;
    if s.up || s.refused_or_told() || s.wrong_port().is_some() {
        return None;
    }
    // The log of the side that answers is as good as knowing that the capture was made there.
    let answers = asks.other();
    let logged = s.received_message(answers, "IKE_SA_INIT", false).is_some()
        && s.sent_message(answers, "IKE_SA_INIT", true).is_some()
        || s.received_message(answers, "MI1", false).is_some()
            && s.sent_message(answers, "MR1", true).is_some();
    if at_answerer || logged {
        return Some(found(
            s,
            SYMPTOM,
            format!(
                "the answers of {} don't come back to {}: it repeats its first message {times} times though it is answered",
                who(answers),
                who(asks)
            ),
            [fact].into_iter(),
        ));
    }
    Some(Judgement::Possible {
        weight: 70,
        because: format!(
            "{} repeats its first message though it is answered",
            who(asks)
        ),
        separated_by: "beside which gateway the capture was made: whether the answers reach the one that asks",
    })
}

/// Some clients of main mode don't repeat their first message, but begin again and again; the second message, which
/// goes to the same port whatever NAT there is, never comes.
fn begins_anew<'x>(s: &Signals<'x>) -> Option<Judgement> {
    const SEVERAL: usize = 3;
    if s.refused_or_told() || s.up {
        return None;
    }
    let received: Vec<(&'x Fact, &'x MessageInfo)> = s
        .case
        .of(Side::Local)
        .filter(|f| f.role == Some(Role::Responder))
        .filter_map(|f| match &f.what {
            Known::Happened {
                happening: Happening::Received(m),
            } => Some((f, m)),
            _ => None,
        })
        .collect();
    let first = |m: &MessageInfo| m.exchange == "MI1";
    if received.len() < SEVERAL || !received.iter().all(|(_, m)| first(m)) {
        return None;
    }
    // The latest attempt may be cut off before its answer.
    let answer = s.case.of(Side::Local).filter(|f| f.role == Some(Role::Responder)).filter(|f| {
        matches!(&f.what, Known::Happened { happening: Happening::Sent(m) } if m.exchange == "MR1")
    }).last()?;
    Some(found(
        s,
        0.75,
        "our answers don't reach the peer: it begins again and again, and never goes on to its second message".to_owned(),
        received.iter().rev().take(SEVERAL).rev().map(|(f, _)| *f).chain([answer]),
    ))
}

fn found<'x>(
    s: &Signals<'_>,
    confidence: f64,
    summary: String,
    facts: impl Iterator<Item = &'x Fact>,
) -> Judgement {
    Found {
        confidence,
        side: AtFault::Path,
        summary,
        explanation: "One direction works and the other doesn't.".to_owned(),
        evidence: quote(facts),
        fix: Fix {
            local: "permit UDP from port 500 of the peer, and check the route back to us".to_owned(),
            remote: "permit UDP from port 500 to our address, and check the route to us".to_owned(),
        },
        message_for_peer: format!("Between {}, requests to UDP 500 arrive and the answers are lost. Please check filters and the route for the return direction.", s.gateways()),
        next: vec!["capture on both outside interfaces during one attempt".to_owned()],
    }
    .into()
}
