//! What remains possible where our own gateway waits for the peer: for its first message, for the one after our answer, or
//! after it has taken back what was just agreed on.
//!
//! Only our own events tell that nothing came; in another product's log a line may be missing.

use adit_model::connection::{Remote, Start};
use adit_model::event::{Happening, Role};
use adit_model::fact::{Fact, Known, Side};
use adit_model::product::Product;
use adit_model::sign::Sign;

use crate::signals::Signals;

/// The causes that fit, heaviest first.
pub(crate) fn suspects(s: &Signals<'_>) -> Vec<(&'static str, u8, String)> {
    if s.up || s.refused_or_told() || s.product(Side::Local) != Some(Product::Adit) {
        return Vec::new();
    }
    if let Some(why) = taken_back(s) {
        return weighed(TAKEN_BACK, &why);
    }
    if let Some(why) = unfinished(s) {
        return weighed(
            if s.nat.iter().any(|n| n.local_behind || n.remote_behind) {
                UNFINISHED_BEHIND_NAT
            } else {
                UNFINISHED
            },
            &why,
        );
    }
    let passive = s
        .configured(Side::Local)
        .is_some_and(|(_, c)| c.start == Start::Passive && c.remote != Remote::Any);
    if !passive || !s.never_began() {
        return Vec::new();
    }
    let answers = s.ike_answers(false).is_some() || s.ike_answers(true).is_some();
    let silent = s.ike_silent(false).is_some();
    match (answers, silent, s.echo_answered().is_some()) {
        (true, _, _) => weighed(
            NEVER_CALLS,
            "nothing has come from the peer, whose daemon answers when it is asked",
        ),
        (false, true, true) => weighed(
            SILENT,
            "nothing has come from the peer; it answers an echo and not IKE",
        ),
        (false, true, false) => weighed(
            GONE,
            "nothing has come from the peer, and it answers neither an echo nor IKE",
        ),
        _ => Vec::new(),
    }
}

/// We have answered the peer's first message, and no other came.
pub(crate) fn unfinished(s: &Signals<'_>) -> Option<String> {
    let responder = |f: &&&Fact| f.side == Side::Local && f.role == Some(Role::Responder);
    let mut asked = false;
    let mut answered = false;
    for fact in s.facts.iter().filter(responder) {
        match &fact.what {
            Known::Happened {
                happening: Happening::Received(m),
            } => match m.exchange.as_str() {
                "IKE_SA_INIT" => asked = true,
                _ => return None,
            },
            Known::Happened {
                happening: Happening::Sent(m),
            } => answered |= m.response && m.exchange == "IKE_SA_INIT",
            _ => {}
        }
    }
    (asked && answered)
        .then(|| "we have answered the peer's IKE_SA_INIT, and its IKE_AUTH hasn't come".to_owned())
}

/// The peer has deleted what carries traffic with the next that it said after it was agreed on, and never used it: nothing
/// came through it. How long it took depends on how busy the peer is, so only where that isn't known does the time count.
pub(crate) fn taken_back(s: &Signals<'_>) -> Option<String> {
    const AT_ONCE_MS: u64 = 600;
    /// Who has time to look at a tunnel and to take it down by hand takes longer.
    const SOON_MS: u64 = 10_000;
    if s.up || s.product(Side::Local) != Some(Product::Adit) {
        return None;
    }
    let up = s.was_up().filter(|f| f.side == Side::Local)?;
    let down = s.child_taken_down()?;
    let (began, ended) = (up.at?, down.at?);
    // Of two happenings in one moment the later may have been stamped by a clock that was read a little earlier.
    let lasted = ended.0.saturating_sub(began.0);
    // Who has sent on it could set it up.
    if s.sign(Sign::SomethingCame).is_some() {
        return None;
    }
    let unused = s.sign(Sign::NothingCame).is_some() && asked_once(s, up, down);
    let limit = if unused { SOON_MS } else { AT_ONCE_MS };
    (lasted <= limit).then(|| {
        "the peer deleted the CHILD SA as soon as it was agreed on; it may not have been able to set it up, or have a rule against it"
            .to_owned()
    })
}

/// Whether the peer's delete was all that it asked between the two.
fn asked_once(s: &Signals<'_>, up: &Fact, down: &Fact) -> bool {
    let all = s.case.happenings();
    let between = all
        .filter(|(f, _)| f.side == Side::Local)
        .skip_while(|(f, _)| !core::ptr::eq(*f, up))
        .take_while(|(f, _)| !core::ptr::eq(*f, down));
    let asked = |(_, h): &(&Fact, &Happening)| matches!(h, Happening::Received(m) if !m.response);
    between.filter(asked).count() <= 1
}

fn weighed(row: &[&'static str], why: &str) -> Vec<(&'static str, u8, String)> {
    row.iter()
        .zip((20..=56).rev().step_by(4))
        .map(|(id, weight)| (*id, weight, why.to_owned()))
        .collect()
}

const TAKEN_BACK: &[&str] = &[
    "kernel-module-or-algo-missing",
    "peer-deleted-sa",
    "uniqueness-kicks-peer",
    "kernel-policy-conflict",
];
const UNFINISHED: &[&str] = &[
    "large-ike-auth-fragment-lost",
    "psk-not-found",
    "udp500-reply-blocked",
    "udp4500-blocked",
    "ip-fragments-dropped",
    "private-key-missing",
    "underlay-loss-or-flap",
    "middlebox-path-selective-drop",
];
const UNFINISHED_BEHIND_NAT: &[&str] = &[
    "udp4500-blocked",
    "large-ike-auth-fragment-lost",
    "psk-not-found",
    "ip-fragments-dropped",
    "udp500-reply-blocked",
    "private-key-missing",
];
const NEVER_CALLS: &[&str] = &[
    "both-ends-passive",
    "udp500-blocked",
    "host-inbound-ike-not-allowed",
    "peer-address-wrong",
    "nothing-triggers-initiation",
];
const SILENT: &[&str] = &[
    "daemon-not-running",
    "udp500-blocked",
    "host-inbound-ike-not-allowed",
    "peer-address-wrong",
    "both-ends-passive",
];
const GONE: &[&str] = &[
    "peer-unreachable",
    "udp500-blocked",
    "daemon-not-running",
    "peer-address-wrong",
    "both-ends-passive",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::rule;

    #[test]
    fn every_suspect_has_a_rule() {
        for row in [
            TAKEN_BACK,
            UNFINISHED,
            UNFINISHED_BEHIND_NAT,
            NEVER_CALLS,
            SILENT,
            GONE,
        ] {
            for id in row {
                assert!(rule(id).is_some(), "{id}");
            }
        }
    }
}
