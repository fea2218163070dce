//! `udp4500-blocked`: UDP 500 works, and what moves to UDP 4500 is lost.

use adit_model::drops::DropReason;
use adit_model::event::{Happening, PathProblem, Role};
use adit_model::fact::{Fact, Known, Side};
use adit_model::product::Product;
use adit_model::sign::Sign;

use crate::chance::by_chance;
use crate::finding::{CONDITION, COUNTED, SAID, SYMPTOM};
use crate::nat;
use crate::progress::{filtered_port, is_strangers};
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::{Seen, before};
use crate::signals::{Signals, Silence, quote};
use crate::verdict::{AtFault, Fix};

pub(crate) static RULE: Rule = Rule {
    id: "udp4500-blocked",
    recurs: false,
    page: Page {
        title: "A filter stops UDP 4500",
        what: "The first exchange goes over UDP 500. When a NAT is found (or one side forces it) everything that follows, ESP included, goes over UDP 4500; a filter that knows only 500 stops it there.",
        initiator: "IKE_SA_INIT is answered; IKE_AUTH from port 4500 is repeated and never answered.",
        responder: "A half-open IKE SA after IKE_SA_INIT; IKE_AUTH never arrives.",
        look_alikes: &[
            (
                "large-ike-auth-fragment-lost",
                "Is the unanswered message bigger than the path's MTU?",
            ),
            (
                "psk-mismatch",
                "Did the responder receive the packet on 4500, and answer it?",
            ),
        ],
        fix: &[
            (
                "any",
                "Permit UDP 4500 both ways wherever UDP 500 is permitted.",
            ),
            (
                "linux",
                "`nft add rule inet filter input udp dport { 500, 4500 } accept`.",
            ),
            ("aws", "security group and network ACL: UDP 4500."),
        ],
        source: "RFC 7296 2.23; RFC 3948",
    },
    needs: &[Need::IkeProbe, Need::PeerReceives],
    depends_on: &["udp500-blocked", "peer-unreachable"],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(fact) = s.ike_answers(true)
        && s.silence("IKE_AUTH").is_none()
    {
        return Judgement::RuledOut(format!(
            "IKE answers on the NAT-T port: {}",
            fact.source.text
        ));
    }
    if let Some(judgement) = said(s) {
        return judgement;
    }
    if let Some(judgement) = answers_lost(s) {
        return judgement;
    }
    if let Some(silence) = s.silence("IKE_AUTH") {
        return initiator(s, silence.facts.iter().copied());
    }
    if s.silence("INFORMATIONAL").is_some() && s.floated(Side::Local).is_some() {
        return Judgement::Possible {
            weight: 30,
            because: "a NAT that lost its mapping, or a filter that was changed, stops UDP 4500 in the middle".to_owned(),
            separated_by: "whether IKE_SA_INIT to UDP 4500 is answered now",
        };
    }
    if let Some(silence) = s.unfinished(Side::Local, "MR3") {
        return last_answer_lost(s, silence);
    }
    if s.authenticated().is_some() {
        return match s.sign(Sign::AuthenticationRepeated) {
            Some(_) if s.refused.is_empty() => Judgement::Possible {
                weight: 40,
                because: "the peer repeats its proof though it was answered: answers from UDP 4500 may not come back".to_owned(),
                separated_by: "a capture outside of both gateways: how far the answer comes",
            },
            _ => Judgement::Silent,
        };
    }
    match s.unfinished(Side::Local, "MR2") {
        Some(silence) => main_mode_responder(s, silence),
        None => responder(s),
    }
}

/// The peer repeats its proof though it was answered, and the answer is too small to be lost for its size.
fn answers_lost(s: &Signals<'_>) -> Option<Judgement> {
    // What IPv6 asks of every path, without the headers.
    const SMALL: usize = 1200;
    let repeated: Vec<_> = s.signs_of(Sign::AuthenticationRepeated).collect();
    let seen = *repeated.last()?;
    let octets: Vec<usize> = repeated
        .iter()
        .map_while(|x| x.value("octets")?.parse().ok())
        .collect();
    let times: u32 = repeated
        .iter()
        .map(|x| x.value("times").and_then(|n| n.parse().ok()).unwrap_or(1))
        .fold(0, u32::saturating_add);
    let went_on = s.overtaken(
        seen,
        |h| matches!(h, Happening::Received(m) if m.message_id > 1 || m.exchange != "IKE_AUTH"),
    );
    if !went_on && let Some(judgement) = unheard_in_pieces(s, &repeated, times) {
        return Some(judgement);
    }
    let largest = octets.iter().copied().max()?;
    let known = octets.len() == repeated.len();
    // One repetition is what a lost packet brings about.
    if !known || times < 2 || largest > SMALL || went_on || !s.refused.is_empty() {
        return None;
    }
    if s.floated(seen.side()).is_none() && seen.value("port") != Some("4500") {
        return None;
    }
    // A daemon's log shows what it sent, not what left the host or what the peer made of it.
    if seen.value("port").is_none() {
        return Some(Judgement::Possible {
            weight: 60,
            because:
                "the peer's proof is answered on UDP 4500, and the peer sends it again and again"
                    .to_owned(),
            separated_by: "a capture outside of both gateways: how far the answer comes",
        });
    }
    Some(
        Found::by(
            seen,
            SYMPTOM,
            format!("answers on UDP 4500 don't come back: the peer's proof arrives and is answered ({largest} octets), and the peer sends it again and again"),
        )
        .at(AtFault::Path)
        .with(repeated.iter().map(|x| x.fact))
        .because("What the peer sends to UDP 4500 arrives, so its daemon and the way here are well. The answer is small enough for any path, and is lost on its way back: a NAT before the peer that has no mapping for it any more, or a filter that lets 4500 pass in one direction.")
        .fix("let answers from UDP 4500 pass on the way to the peer, and have the NAT before the peer renew its mapping (restart the tunnel from a new port, or the NAT itself)")
        .then("capture UDP 4500 outside of the NAT before the peer: does the answer arrive there?")
        .done(),
    )
}

/// The same where the peer sends in pieces, and so is answered in pieces that fit any path: our own requests go unanswered
/// as well, so it isn't their size.
fn unheard_in_pieces(s: &Signals<'_>, repeated: &[Seen<'_>], times: u32) -> Option<Judgement> {
    const SEVERAL: u32 = 3;
    let seen = *repeated.last()?;
    let client = instance(&seen.fact.source.text)?;
    let of_client = |f: &Fact| instance(&f.source.text) == Some(client);
    let up = s.case.happenings().find(|(f, h)| {
        let encapsulated = matches!(
            h,
            Happening::ChildEstablished {
                udp_encap: true,
                ..
            }
        );
        encapsulated && of_client(f)
    });
    let (up, _) = up?;
    let own: Vec<&Fact> = s
        .case
        .happenings()
        .filter(|(_, h)| matches!(h, Happening::Retransmitted { .. }))
        .map(|(f, _)| f)
        .filter(|f| of_client(f) && before(up, f))
        .collect();
    let in_pieces = repeated.iter().all(|x| x.value("of").is_some());
    let unheard = times >= SEVERAL && own.len() > 1 && in_pieces;
    if !unheard || !s.refused.is_empty() {
        return None;
    }
    Some(
        Found::by(
            seen,
            SYMPTOM,
            "what we send from UDP 4500 doesn't reach the peer: it repeats its proof though it was answered, and doesn't answer our own requests",
        )
        .at(AtFault::Path)
        .with(repeated.iter().map(|x| x.fact))
        .with(own.into_iter().take(3))
        .because("What the peer sends arrives, so its daemon and the way here are well. Both sides send in pieces, so no message is too big for the path; ours are lost on the way back, whatever they are.")
        .fix("let answers from UDP 4500 pass on the way to the peer; where a mobile network or a NAT is before it, try from another network")
        .then("capture UDP 4500 outside of the NAT before the peer: does the answer arrive there?")
        .done(),
    )
}

/// The client whom pluto writes before what it says of an exchange: `"clients"[7] 203.0.113.50 #9: …`.
fn instance(text: &str) -> Option<&str> {
    let (head, _) = text.split_once(" #")?;
    head.get(head.find('"')?..)
}

/// Lines of filters that speak of UDP 4500 alone.
fn said(s: &Signals<'_>) -> Option<Judgement> {
    let authenticating = s.received_message(Side::Local, "IKE_AUTH", false).is_some();
    if s.up || authenticating || s.authenticated().is_some() || s.refused_or_told() {
        return None;
    }
    let rejected = s
        .sign(Sign::RejectedOnTheWay)
        .filter(|seen| seen.value("port") == Some("4500"));
    let dropped = s
        .signs_of(Sign::UdpDropped)
        .filter(|seen| filtered_port(*seen) == Some(4500) && !is_strangers(s, *seen))
        .last();
    let closed = s
        .signs_of(Sign::PortNotPermitted)
        .filter(|seen| seen.value("port") == Some("4500"))
        // Answers to our own messages come in all the same.
        .find(|seen| seen.value("answers").is_none() || s.silence("IKE_AUTH").is_none());
    let unheard = s
        .signs_of(Sign::IkeNeverArrives)
        .filter(|seen| seen.value("port") == Some("4500"))
        .find(|_| {
            s.silence("IKE_AUTH").is_some()
                || s.sign(Sign::LaterMessageUnanswered).is_some()
                || s.received(Side::Local).is_some()
        });
    let (seen, confidence) = rejected
        .map(|x| (x, SAID))
        // Where UDP 500 is dropped too, that is what stops the first message.
        .or(dropped
            .filter(|_| s.received(Side::Local).is_some())
            .map(|x| (x, COUNTED)))
        .or(closed
            .filter(|_| s.received(Side::Local).is_some())
            .map(|x| (x, 0.85)))
        .or(unheard.map(|x| (x, SYMPTOM)))?;
    Some(
        Found::by(seen, confidence, "a filter stops UDP 4500, and UDP 500 passes")
            .because("The first messages go over UDP 500 and arrive; the filter's own record shows that 4500 doesn't.")
            .fix("permit UDP 4500 wherever UDP 500 is permitted, both ways")
            .done(),
    )
}

/// IKEv1's initiator repeats its proof though it was answered: it has heard our first two answers, which went over UDP 500,
/// and not the third, which goes over UDP 4500 wherever there is a NAT.
fn last_answer_lost(s: &Signals<'_>, silence: &Silence<'_>) -> Judgement {
    if s.up || s.refused_or_told() {
        return Judgement::Silent;
    }
    // One repetition is what a lost packet brings about.
    const SEVERAL: usize = 3;
    let repeated: Vec<_> = s
        .happenings(Side::Local)
        .filter(
            |(_, h)| matches!(h, Happening::Retransmitted { exchange, .. } if exchange == "MR3"),
        )
        .map(|(f, _)| f)
        .collect();
    let nat = nat::behind(s);
    // A certificate makes the answer large enough for fragments to be what is lost.
    let large = s
        .happenings(Side::Local)
        .any(|(_, h)| matches!(h, Happening::Sent(m) if m.payloads.iter().any(|p| p == "CERT")));
    let Some(last) = silence.facts.first().copied() else {
        return Judgement::Silent;
    };
    // Who doesn't take our answer, for the identity in it, repeats its proof too, and says why in a message that not every
    // daemon can read. That nothing of the kind came shows only in a log that has the beginning.
    let nothing_else = s
        .reached(|h| matches!(h, Happening::IkeEstablished { .. }))
        .is_some()
        && s.dropped(Side::Local, DropReason::IkeMalformed).is_none();
    if repeated.len() < SEVERAL || large || !nothing_else || nat == Some((false, false)) {
        return Judgement::Possible {
            weight: 45,
            because: "the peer repeats its proof though it was answered: the last answer may not come back, or the peer may not take it (for the identity in it)".to_owned(),
            separated_by: "the peer's log, and a capture outside of both gateways: how far the answer comes",
        };
    }
    Found::on(
        last,
        if nat.is_some() { SYMPTOM } else { CONDITION },
        AtFault::Path,
        "our last answer doesn't reach the peer: it repeats its proof though we answer, and has heard our answers before",
    )
    .with(repeated.iter().copied().take(4))
    .because("Two answers went to UDP 500 of the peer, and it went on. Its proof and our answer go over UDP 4500 where there is a NAT: what the peer sends there arrives, and what we send from there is lost, at a filter or at a NAT in front of us that knows no such flow.")
    .fix("let answers from UDP 4500 out and on to the peer, also through the NAT or container network in front of this host")
    .then("`tcpdump -ni any 'udp port 500 or udp port 4500'` on the outside of this host: do answers leave, and from which address and port?")
    .done()
}

/// IKEv1's responder repeats its second answer: the third message, which a NAT moves to UDP 4500, never came.
fn main_mode_responder(s: &Signals<'_>, silence: &Silence<'_>) -> Judgement {
    let came = s.received_message(Side::Local, "IKE_AUTH", false);
    if came.is_some() || !s.refused.is_empty() || s.told.iter().any(|t| t.side == Side::Local) {
        return Judgement::Silent;
    }
    let nat = nat::behind(s);
    // A log that begins late may lack what the third message came to.
    const SEVERAL: usize = 3;
    let repeated = s
        .happenings(Side::Local)
        .filter(
            |(_, h)| matches!(h, Happening::Retransmitted { exchange, .. } if exchange == "MR2"),
        )
        .count();
    // The peer's host says that nobody listens there any more: the peer ended its attempt, for whatever reason.
    let gone = s
        .unreachable
        .iter()
        .find(|u| u.problem == PathProblem::PortUnreachable);
    // Whoever had heard it would have gone on long before that.
    const LONG: usize = 5;
    let at_once = gone.is_some_and(|gone| {
        let until = gone.fact.source.line;
        s.happenings(Side::Local)
            .filter(|(f, h)| {
                matches!(h, Happening::Retransmitted { exchange, .. } if exchange == "MR2")
                    && f.source.line < until
            })
            .count()
            < LONG
    });
    if at_once {
        return Judgement::Possible {
            weight: 40,
            because: "our second answer is repeated until the peer has closed its port; it may never have heard it, or have given up over it".to_owned(),
            separated_by: "the peer's own log, and a capture of UDP 4500 here",
        };
    }
    if nat == Some((false, false)) || (nat.is_none() && repeated < SEVERAL) {
        return Judgement::Possible {
            weight: 30,
            because: "our second answer is repeated and the third message never came; some products move to UDP 4500 without a NAT".to_owned(),
            separated_by: "a capture of UDP 4500 here and at the peer",
        };
    }
    let found = if nat.is_some() {
        "A NAT was found"
    } else {
        "Behind a NAT"
    };
    Found {
        confidence: if nat.is_some() { 0.8 } else { 0.72 },
        side: AtFault::Path,
        summary: "UDP 4500 from the peer is blocked: its first two messages on UDP 500 arrived and were answered, the third never came".to_owned(),
        explanation: format!("{found}, the initiator goes on over UDP 4500 with its third message. It sent its second one, so our first answer reached it; nothing came after that."),
        evidence: quote(s.nat.last().map(|n| n.fact).into_iter().chain(silence.facts.iter().copied())),
        fix: fix(),
        message_for_peer: message(s),
        next: vec!["here during an attempt: `tcpdump -ni any udp port 4500`".to_owned()],
    }
    .into()
}

fn initiator<'x>(
    s: &Signals<'x>,
    silent: impl Iterator<Item = &'x adit_model::fact::Fact>,
) -> Judgement {
    let floated = s.floated(Side::Local);
    if let Some(fact) = s.received_message(Side::Remote, "IKE_AUTH", false) {
        return Judgement::RuledOut(format!("the peer received IKE_AUTH: {}", fact.source.text));
    }
    let Some(floated) = floated else {
        return Judgement::Possible {
            weight: 25,
            because: "without a NAT the exchange stays on UDP 500, unless the peer moved it"
                .to_owned(),
            separated_by: "the ports of the unanswered packets",
        };
    };
    if let Some(fact) = s.ike_answers(true) {
        return Judgement::RuledOut(format!(
            "IKE answers on the NAT-T port: {}",
            fact.source.text
        ));
    }
    if let Some(answer) = answered_otherwise(s) {
        return Judgement::Possible {
            weight: 20,
            because: format!(
                "IKE_AUTH has no answer of its own, and yet something came back: {}",
                answer.source.text
            ),
            separated_by: "the peer's log: whether IKE_AUTH arrives, and what it answers",
        };
    }
    if s.v1_auth_silent().is_some() && s.ike_silent(true).is_none() {
        return Judgement::Possible {
            weight: 50,
            because: "the first message that goes to UDP 4500 isn't answered; it is also the first that is encrypted".to_owned(),
            separated_by: "whether anything arrives at the peer on UDP 4500",
        };
    }
    if by_chance(s) {
        return Judgement::Possible {
            weight: 50,
            because: "nothing has come back from UDP 4500; so much of what isn't sent there is lost too that this may be chance".to_owned(),
            separated_by: "whether echoes to the peer get lost too, and whether UDP 4500 stays silent for longer",
        };
    }
    let sent = s.sent_message(Side::Local, "IKE_AUTH", false);
    let big = sent.is_some_and(|(_, m)| m.octets > 1228);
    // An excerpt that shows neither what went before nor how large the request is could be of lost fragments as well.
    let cut = sent.is_none() && s.received(Side::Local).is_none();
    let probed = s.ike_silent(true);
    let unseen = s.case.covers(Side::Remote);
    if (big || cut) && probed.is_none() {
        return Judgement::Possible {
            weight: 60,
            because: "IKE_AUTH from port 4500 goes unanswered".to_owned(),
            separated_by: "whether a small message to UDP 4500 is answered",
        };
    }
    let confidence = if probed.is_some() || unseen {
        0.93
    } else {
        0.85
    };
    let behind = match nat::behind(s) {
        Some((true, false)) => "We are behind a NAT",
        Some((false, true)) => "The peer is behind a NAT",
        Some((true, true)) => "Both sides are behind a NAT",
        _ => "Encapsulation is forced",
    };
    let answer = s.received_message(Side::Local, "IKE_SA_INIT", true);
    let nat = s.nat.last().map(|n| n.fact);
    Found {
        confidence,
        side: AtFault::Path,
        summary: format!("UDP 4500 to {} is blocked: the first exchange on UDP 500 is answered, IKE_AUTH on 4500 isn't", s.peer()),
        explanation: format!("{behind}, so the exchange moved to UDP 4500 after IKE_SA_INIT. From there on nothing came back. A wrong key or identity would have been answered."),
        evidence: quote(answer.into_iter().chain(nat).chain([floated]).chain(silent).chain(probed)),
        fix: fix(),
        message_for_peer: message(s),
        next: vec!["on the peer during an attempt: `tcpdump -ni any udp port 4500`".to_owned()],
    }
    .into()
}

/// Any response that came after our IKE_AUTH, also one that isn't the answer: the path isn't closed then.
fn answered_otherwise<'a>(s: &Signals<'a>) -> Option<&'a adit_model::fact::Fact> {
    let (request, _) = s.sent_message(Side::Local, "IKE_AUTH", false)?;
    s.happenings(Side::Local)
        .skip_while(|(f, _)| !core::ptr::eq(*f, request))
        .find_map(|(f, h)| matches!(h, Happening::Received(m) if m.response).then_some(f))
}

/// The responder's view: it answered the first exchange, and the second never came.
fn responder(s: &Signals<'_>) -> Judgement {
    let responder = s
        .facts
        .iter()
        .any(|f| f.side == Side::Local && f.role == Some(Role::Responder));
    let Some((answer, first)) = s.sent_message(Side::Local, "IKE_SA_INIT", true) else {
        return Judgement::Silent;
    };
    // Main mode's second messages still go over UDP 500: they tell whether there is a NAT.
    let main_mode = matches!(first.exchange.as_str(), "MR1" | "ID_PROT");
    if main_mode && s.sent_message(Side::Local, "MR2", true).is_none() {
        return Judgement::Silent;
    }
    let waited = s.sign(Sign::PeerDidNotGoOn).map(|seen| seen.fact);
    let Some(closed) = s.closed().map(|(fact, _, _)| fact).or(waited) else {
        return Judgement::Silent;
    };
    if !responder
        || !s.refused.is_empty()
        || s.received_message(Side::Local, "IKE_AUTH", false).is_some()
        || s.dropped(Side::Local, DropReason::IkeDuplicate).is_some()
        || s.told.iter().any(|t| t.side == Side::Local)
    {
        return Judgement::Silent;
    }
    // Once, a client may also dislike the answer, or give up. Of an excerpt that begins behind the request it isn't known
    // how often it came.
    let attempts = s
        .case
        .of(Side::Local)
        .filter(|f| matches!(&f.what, Known::Happened { happening: Happening::Received(m) } if !m.response && m.exchange == first.exchange && m.payloads.iter().any(|p| p == "SA")))
        .count();
    // Where addresses were taken out, several attempts may be several strangers'.
    let attempts = if answer.subject.is_some() {
        attempts
    } else {
        attempts.min(1)
    };
    // What was pasted may have been cut; our own events are whole.
    let pasted = s
        .case
        .products
        .get(&Side::Local)
        .is_some_and(|p| *p != Product::Adit);
    match nat::behind(s) {
        Some((true, _) | (_, true)) if attempts <= 1 && pasted && !main_mode => Judgement::Possible {
            weight: 60,
            because: "behind a NAT the initiator goes on over UDP 4500, and nothing came of the one attempt that is shown".to_owned(),
            separated_by: "a capture of UDP 4500 here and at the peer, or a second attempt that ends in the same way",
        },
        Some((true, _) | (_, true)) => Found {
            confidence: 0.8,
            side: AtFault::Path,
            summary: "UDP 4500 from the peer is blocked: its first exchange on UDP 500 arrived and was answered, IKE_AUTH on 4500 never came".to_owned(),
            explanation: "A NAT was found, so the initiator goes on over UDP 4500. Nothing came, and it didn't repeat its first request, so our answer reached it.".to_owned(),
            evidence: quote(s.nat.last().map(|n| n.fact).into_iter().chain([answer, closed])),
            fix: fix(),
            message_for_peer: message(s),
            next: vec!["here during an attempt: `tcpdump -ni any udp port 4500`".to_owned()],
        }
        .into(),
        _ => Judgement::Possible {
            weight: 40,
            because: "the peer's first exchange was answered, and its second never came; some products move to UDP 4500 without a NAT".to_owned(),
            separated_by: "a capture of UDP 4500 here and at the peer",
        },
    }
}

fn fix() -> Fix {
    Fix {
        local: "permit UDP 4500 both ways in our own filters".to_owned(),
        remote: "permit UDP 4500 both ways, on the gateway and on every filter before it"
            .to_owned(),
    }
}

fn message(s: &Signals<'_>) -> String {
    format!(
        "Between {}, IKE on UDP 500 works and packets on UDP 4500 are lost. There is a NAT on the path (or encapsulation is forced), so 4500 is needed for everything after the first exchange. Please let UDP 4500 through both ways; `tcpdump -ni any udp port 4500` shows whether it arrives.",
        s.gateways()
    )
}
