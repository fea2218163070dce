//! `large-ike-auth-fragment-lost`: IKE_AUTH is bigger than the path takes, and its fragments are lost.

use adit_model::event::{Happening, Party};
use adit_model::fact::Side;
use adit_model::reason::Refusal;
use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::seen::Seen;
use crate::signals::Signals;
use crate::verdict::AtFault;

/// An IKE message up to here fits every path that carries IPv6 (1280) after IP, UDP and marker.
const FITS: usize = 1228;

pub(crate) static RULE: Rule = Rule {
    id: "large-ike-auth-fragment-lost",
    recurs: false,
    page: Page {
        title: "A big IKE_AUTH message is lost on the way",
        what: "IKE_AUTH with certificates is bigger than the path's MTU. It is fragmented by IP, a filter on the path drops fragments, and IKE fragmentation isn't in use.",
        initiator: "IKE_SA_INIT is answered; IKE_AUTH isn't, however often it is repeated. With a pre-shared key it may work.",
        responder: "A half-open IKE SA; IKE_AUTH never arrives whole.",
        look_alikes: &[(
            "udp4500-blocked",
            "Does a small message to the same port get through?",
        )],
        fix: &[
            (
                "any",
                "Switch IKE fragmentation (RFC 7383) on at both sides; smaller certificate chains help.",
            ),
            (
                "strongswan",
                "`fragmentation = yes`, `fragment_size = 1200`.",
            ),
        ],
        source: "RFC 7383; RFC 7296 2.23",
    },
    needs: &[Need::PeerReceives, Need::TwoSidedCapture],
    depends_on: &[],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    if let Some(seen) = s.sign(Sign::IkeFragmentsIncomplete) {
        let count = match (seen.value("have"), seen.value("of")) {
            (Some(have), Some(of)) => format!(" ({have} of {of} arrived)"),
            _ => String::new(),
        };
        // An IKE SA that was given up says that the rest would have had its time.
        let given_up = s.closed().is_some_and(|(fact, by, _)| {
            by == Party::Us && fact.source.line > seen.fact.source.line
        });
        if seen.value("cut").is_some() && !given_up {
            return Judgement::Possible {
                weight: 40,
                because: format!("the evidence ends while an IKE message comes in pieces{count}"),
                separated_by: "whether the rest of its pieces came",
            };
        }
        return Found::by(
            seen,
            SYMPTOM + 0.05,
            format!("an IKE message in several pieces never became whole at {}{count}", seen.who()),
        )
        .at(AtFault::Path)
        .because("Some of its fragments came and the rest didn't, so the path loses big or later packets.")
        .fix("make the fragments smaller (strongSwan: charon.fragment_size = 1000; Libreswan: smaller certificates or leave IKE fragmentation on), and let fragments pass filters")
        .done();
    }
    if let Some(judgement) = answer_lost(s) {
        return judgement;
    }
    if s.silence("IKE_AUTH").is_none() {
        return Judgement::Silent;
    }
    // A log may leave the size out.
    match s
        .sent_message(Side::Local, "IKE_AUTH", false)
        .filter(|(_, m)| m.octets > 0)
    {
        Some((_, m)) if m.octets <= FITS => Judgement::RuledOut(format!(
            "our IKE_AUTH request has {} octets and needs no fragment",
            m.octets
        )),
        // Both ports answer the same moment, so neither is closed and the daemon runs.
        Some((sent, m))
            if m.octets > WHOLE
                && s.lossy().is_none()
                && s.ike_answers(false).is_some()
                && s.ike_answers(true).is_some()
                && !s.refused_or_told() =>
        {
            Found::on(
                sent,
                SYMPTOM,
                AtFault::Path,
                format!("our IKE_AUTH request has {} octets in one message, and its fragments are lost on the way", m.octets),
            )
            .with(s.ike_answers(false))
            .with(s.ike_answers(true))
            .because("The peer answers short messages on both ports while this one, which IP has to cut in pieces, goes unanswered every time.")
            .fix("switch IKE fragmentation on at both sides (RFC 7383), send a shorter certificate chain, and let IP fragments pass")
            .then("capture on both outside interfaces: which fragments of the request arrive?")
            .done()
        }
        Some((_, m)) => Judgement::Possible {
            weight: 65,
            because: format!(
                "our IKE_AUTH request has {} octets, more than some paths take whole",
                m.octets
            ),
            separated_by: "a capture at the peer shows the first fragment alone, or none of them",
        },
        None => Judgement::Possible {
            weight: 30,
            because: "a message that is too big for the path is lost every time".to_owned(),
            separated_by: "the size of the IKE_AUTH request, and a capture at the peer",
        },
    }
}

/// Octets that fill Ethernet's 1500 with IPv4 and UDP beside them.
const WHOLE: usize = 1472;

/// The responder's view: its answer is bigger than any path takes in one piece, and the request comes again.
fn too_big(s: &Signals<'_>, seen: Seen<'_>, repeated: &[Seen<'_>]) -> Option<Judgement> {
    let octets: usize = seen.value("octets")?.parse().ok()?;
    let went_on = s.overtaken(
        seen,
        |h| matches!(h, Happening::Received(m) if m.message_id > 1 || m.exchange != "IKE_AUTH"),
    );
    if octets <= WHOLE || went_on || !s.refused.is_empty() {
        return None;
    }
    Some(
        Found::by(
            seen,
            SYMPTOM,
            format!("our answer to the peer's authentication has {octets} octets in one message, and the peer asks again: its fragments are lost on the way"),
        )
        .at(AtFault::Path)
        .with(repeated.iter().map(|x| x.fact))
        .because("The request arrives, so the port is open and the NAT lets the peer's packets in; what doesn't arrive is an answer that IP has to cut in pieces.")
        .fix("switch IKE fragmentation on at both sides (fragmentation=yes, fragment_size=1200), send a shorter certificate chain, and let IP fragments pass")
        .then("capture on both outside interfaces: which fragments of the answer arrive?")
        .done(),
    )
}

/// What was refused, if anything, was somebody else's first message, as scanners send them.
fn of_others(s: &Signals<'_>) -> bool {
    s.refused
        .iter()
        .all(|r| matches!(r.refusal, Refusal::NoConnection { .. }))
}

/// The responder's view: the request comes again and again though it was answered.
fn answer_lost(s: &Signals<'_>) -> Option<Judgement> {
    const SEVERAL: u32 = 3;
    let repeated: Vec<_> = s.signs_of(Sign::AuthenticationRepeated).collect();
    let seen = *repeated.last()?;
    if let Some(judgement) = too_big(s, seen, &repeated) {
        return Some(judgement);
    }
    let count: u32 = repeated
        .iter()
        .map(|x| x.value("times").and_then(|n| n.parse().ok()).unwrap_or(1))
        .fold(0, u32::saturating_add);
    // Our own requests that go unanswered on the same IKE SA say the same.
    let unheard = s
        .case
        .happenings()
        .filter(|(f, h)| f.side == seen.side() && matches!(h, Happening::Retransmitted { .. }))
        .count();
    let several = count >= SEVERAL || (count > 1 && unheard > 1);
    if !several || !of_others(s) {
        return None;
    }
    let pieces = repeated.iter().find_map(|x| x.value("of"));
    // Who asks in pieces is answered in pieces, each small enough for most paths.
    let because = match pieces {
        Some(of) => format!("the peer repeats its authentication ({of} fragments) though it was answered: pieces of the answer may be lost"),
        None => "the peer repeats its authentication though it was answered: the answer, bigger than the first one, doesn't arrive".to_owned(),
    };
    Some(Judgement::Possible {
        weight: 50,
        because,
        separated_by: "the size of the answer, and a capture at the peer: whether it arrives there and is dropped",
    })
}
