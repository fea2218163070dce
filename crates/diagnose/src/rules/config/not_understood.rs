//! Messages that one side can't make sense of, or that ask for what the other doesn't carry out.

use adit_model::feature::Feature;
use adit_model::reason::Refusal;

use crate::finding::{SAID, SYMPTOM};
use crate::rule::{Found, Judgement};
use crate::signals::{Signals, Told, notify, who};
use crate::verdict::AtFault;

const READ: &str = "The message came whole and authentic, or in the first exchange, so nobody on the path broke it: the two products read the standard in different ways, or one of them has a defect.";
const OPTION: &str = "switch off the option that needs it, or take what both products have proved to share; update the one that sends what the other can't read";

pub(super) fn judge(s: &Signals<'_>) -> Option<Judgement> {
    let refused = s.refusal(|r| match r {
        Refusal::Malformed { .. }
        | Refusal::Presence { .. }
        | Refusal::KeValue { .. }
        | Refusal::CriticalPayload { .. }
        | Refusal::AnswerMismatch { .. } => Some(()),
        Refusal::Unsupported {
            what: Feature::Redirect { .. } | Feature::SessionResumption | Feature::Message { .. },
        } => Some(()),
        _ => None,
    });
    if let Some((r, ())) = refused {
        let found = Found::on(
            r.fact,
            SAID,
            r.at_fault(),
            format!("{} refuses {}: {}", who(r.side), r.about, r.refusal),
        );
        return Some(match r.refusal {
            Refusal::Unsupported {
                what: Feature::Redirect { to },
            } => found
                .because("The gateway sends its clients elsewhere (RFC 5685), without having been told that this one would go.")
                .fix(format!("configure {to} as the peer's address, if it is one of the peer's gateways; or let the gateway serve clients that don't announce REDIRECT_SUPPORTED"))
                .done(),
            Refusal::Unsupported { .. } => found
                .because("The other side asks for something that is optional and not carried out here.")
                .fix(OPTION)
                .done(),
            _ => found.because(READ).fix(OPTION).done(),
        });
    }
    s.told_at_all(notify::UNSUPPORTED_CRITICAL_PAYLOAD)
        .or_else(|| s.told_at_all(notify::INVALID_SYNTAX))
        .or_else(|| s.told_at_all(notify::TICKET_NACK))
        .filter(|_| s.refused.is_empty())
        .map(told)
}

/// Only the notify is known: that the message couldn't be read, not what was wrong with it.
fn told(t: &Told<'_>) -> Judgement {
    let what = match (t.notify, t.data) {
        (notify::UNSUPPORTED_CRITICAL_PAYLOAD, data) if !data.is_empty() => {
            let number = u8::from_str_radix(data, 16);
            let number = number.map_or(format!("0x{data}"), |n| n.to_string());
            format!("it doesn't know the payload type {number}, which we said it must")
        }
        _ => format!("it answers {}", t.name),
    };
    // In clear anybody may have said it; and peers answer a proof or an identity that they don't take with the same.
    if t.init || t.notify == notify::INVALID_SYNTAX {
        return Judgement::Possible {
            weight: 60,
            because: format!(
                "{} can't make sense of what was sent: {what}",
                who(t.side.other())
            ),
            separated_by: "what the log of the side that refused says about the message",
        };
    }
    Found::on(
        t.fact,
        SYMPTOM,
        AtFault::Both,
        format!(
            "{} can't make sense of what was sent: {what}",
            who(t.side.other())
        ),
    )
    .because(READ)
    .fix(OPTION)
    .then("read what the side that refused logged about the message")
    .done()
}
