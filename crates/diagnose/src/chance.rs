//! Whether silence may be chance: by how much of what isn't stopped goes unanswered too.

use adit_model::drops::DropReason;
use adit_model::event::{Happening, MessageInfo};
use adit_model::fact::{Known, Side};

use crate::signals::Signals;

/// What was asked of the peer, and is known to have a way to it and back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// How often.
    pub asked: u32,
    /// How often in vain.
    pub lost: u32,
}

/// How often a test repeats its question.
const QUESTIONS: u32 = 4;

/// First messages that were answered in the end, echoes if any was answered, tests of UDP 500 once it has answered, each time
/// that they were made.
pub(crate) fn asked(s: &Signals<'_>) -> Asked {
    let mut all = Asked::default();
    let heard = s.received(Side::Local).is_some();
    for (_, happening) in s.happenings(Side::Local).filter(|_| heard) {
        match happening {
            Happening::Sent(m) if !m.response && m.exchange == "IKE_SA_INIT" => all.asked += 1,
            Happening::Retransmitted { exchange, .. } if exchange == "IKE_SA_INIT" => {
                all.asked += 1;
                all.lost += 1;
            }
            _ => {}
        }
    }
    if let Some((_, sent, answered)) = s.echoed() {
        all.asked += sent;
        all.lost += sent.saturating_sub(answered);
    }
    if let Some((sent, answered)) = s.ike_repeated() {
        all.asked += sent;
        all.lost += sent.saturating_sub(answered);
    } else if s.ike_answers(false).is_some() {
        all.asked += 1;
    }
    if s.ike_silent(false).is_some() && heard {
        all.asked += QUESTIONS;
        all.lost += QUESTIONS;
    }
    all
}

/// Requests since the peer was first heard in the latest attempt, and how many were repetitions: ours, and the peer's that
/// came again.
fn repeated(s: &Signals<'_>) -> Asked {
    let mut all = Asked::default();
    let mut heard = false;
    // What lies before a success is no evidence of a failure, but it is of the path.
    for fact in s.case.of(Side::Local) {
        let Known::Happened { happening } = &fact.what else {
            continue;
        };
        let first = |m: &MessageInfo| m.exchange == "IKE_SA_INIT";
        let again = match happening {
            Happening::Initiating { .. } => {
                (all, heard) = (Asked::default(), false);
                continue;
            }
            Happening::Received(m) if !m.response && first(m) => {
                (all, heard) = (Asked::default(), true);
                false
            }
            Happening::Received(m) => {
                heard = true;
                if m.response {
                    continue;
                }
                false
            }
            Happening::Sent(m) if !m.response => false,
            Happening::Retransmitted { .. }
            | Happening::Dropped {
                reason: DropReason::IkeDuplicate,
                ..
            } => true,
            _ => continue,
        };
        if heard {
            all.asked += 1;
            all.lost += u32::from(again);
        }
    }
    all
}

/// Requests of a tunnel that is up, where so many had to be repeated that the path may lose much, and echoes were sent and don't
/// show that it doesn't.
pub(crate) fn laboured(s: &Signals<'_>) -> Option<Asked> {
    const SEVERAL: u32 = 2;
    let mut all = repeated(s);
    if let Some((sent, answered)) = s.ike_repeated() {
        all.asked += sent;
        all.lost += sent.saturating_sub(answered);
    }
    let lost = s
        .echoes_sent()
        .is_some_and(|(_, sent, answered)| answered * 5 <= sent * 4);
    (s.up && lost && all.lost >= SEVERAL && all.lost * 4 >= all.asked).then_some(all)
}

/// Whether all that went to UDP 4500 may have been lost as the rest was.
pub(crate) fn by_chance(s: &Signals<'_>) -> bool {
    /// That much chance isn't taken for a filter.
    const NO_WONDER: f64 = 0.001;
    let Asked { asked, lost } = asked(s);
    let mut to_4500 = 0_u32;
    for (_, happening) in s.happenings(Side::Local) {
        match happening {
            Happening::Sent(m) if !m.response && m.exchange == "IKE_AUTH" => to_4500 += 1,
            Happening::Retransmitted { exchange, .. } if exchange == "IKE_AUTH" => to_4500 += 1,
            _ => {}
        }
    }
    if s.ike_silent(true).is_some() {
        to_4500 += QUESTIONS;
    }
    let each = f64::from(lost + 1) / f64::from(asked + 2);
    let times = i32::try_from(to_4500).unwrap_or(i32::MAX);
    lost > 0 && each.powi(times) > NO_WONDER
}
