//! `rekey-failed-no-answer`: the request to replace an SA is never answered.

use adit_model::complaint::Complaint;
use adit_model::event::Happening;
use adit_model::fact::{Fact, Side};
use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
use crate::signals::Signals;
use crate::verdict::AtFault;

pub(crate) static RULE: Rule = Rule {
    id: "rekey-failed-no-answer",
    recurs: true,
    page: Page {
        title: "The request to replace the SA is never answered",
        what: "ESP keeps flowing on SAs that are there, while IKE between the gateways no longer gets through: a NAT mapping that ended, a filter, a peer that lost the IKE SA. It shows first when an SA is due to be replaced.",
        initiator: "Retransmissions of CREATE_CHILD_SA, then \"giving up\"; strongSwan: \"rekeying IKE_SA failed, peer not responding\".",
        responder: "Nothing arrives, or it has no such IKE SA.",
        look_alikes: &[
            ("pfs-mismatch-at-rekey", "Was the request answered?"),
            (
                "nat-mapping-timeout",
                "Is there a NAT on the way, and were keepalives sent?",
            ),
            (
                "underlay-loss-or-flap",
                "Does anything get through at that time?",
            ),
        ],
        fix: &[(
            "any",
            "Let UDP 500 and 4500 pass both ways at all times; dead peer detection and NAT keepalives keep mappings alive and notice earlier.",
        )],
        source: "RFC 7296 2.1, 2.4, 2.8",
    },
    needs: &[Need::PeerReceives, Need::TwoSidedCapture],
    depends_on: &[
        "peer-unreachable",
        "underlay-loss-or-flap",
        "udp4500-blocked",
        "nat-mapping-timeout",
    ],
    judge,
};

fn judge(s: &Signals<'_>) -> Judgement {
    let found = if let Some(seen) = s.ever(Sign::RekeyUnanswered).last() {
        Found::by(*seen, SYMPTOM + 0.05, SUMMARY)
    } else if let Some(silence) = s
        .silence("CREATE_CHILD_SA")
        .filter(|x| x.given_up && (s.was_up().is_some() || replaces(s)))
    {
        let Some(fact) = silence.facts.first() else {
            return Judgement::Silent;
        };
        Found::on(fact, SYMPTOM, AtFault::Path, SUMMARY)
    } else if let Some(fact) = given_up_before(s) {
        Found::on(fact, SYMPTOM, AtFault::Path, SUMMARY)
    } else {
        return Judgement::Silent;
    };
    found
        .at(AtFault::Path)
        .because("The IKE SA was up, and the request that replaces an SA was repeated to the end without an answer.")
        .fix("see that UDP 500 and 4500 pass both ways for as long as the tunnel lives, and that the peer still has this IKE SA")
        .then("capture UDP 500 and 4500 at both gateways at the time of the rekey")
        .done()
}

/// The request itself tells that it replaces an SA: it names the one, or has no networks and so is about the IKE SA.
fn replaces(s: &Signals<'_>) -> bool {
    s.case.happenings().any(|(_, h)| match h {
        Happening::Sent(m) => {
            m.exchange == "CREATE_CHILD_SA"
                && !m.response
                && !m.payloads.is_empty()
                && (m.payloads.iter().any(|p| p == "N(REKEY_SA)")
                    || !m.payloads.iter().any(|p| p.starts_with("TS")))
        }
        _ => false,
    })
}

/// A rekeying that nobody answered ended the tunnel, which was set up anew since: what is told to come and go.
fn given_up_before<'a>(s: &Signals<'a>) -> Option<&'a Fact> {
    let comes_and_goes = [
        Complaint::Periodic,
        Complaint::AtRekey,
        Complaint::NowAndThen,
    ]
    .into_iter()
    .any(|c| s.complains(c).is_some());
    if !comes_and_goes || !s.calm() {
        return None;
    }
    s.case
        .happenings()
        .filter(|(f, h)| {
            matches!(h, Happening::GaveUp { exchange, .. } if exchange == "CREATE_CHILD_SA")
                && f.side == Side::Local
        })
        .map(|(f, _)| f)
        .last()
}

const SUMMARY: &str = "the request to replace the SA was never answered";
