//! `large-ike-auth-fragment-lost`: IKE_AUTH is bigger than the path takes, and its fragments are lost.

use adit_model::fact::Side;
use adit_model::sign::Sign;

use crate::finding::SYMPTOM;
use crate::rule::{Found, Judgement, Need, Page, Rule};
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
