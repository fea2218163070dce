//! `/proc/net/xfrm_stat`, and `nstat` where it shows the same counters.

use std::collections::BTreeMap;

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// Counters by name: the first value, and the last one with where it stands.
#[derive(Debug, Default)]
pub(crate) struct XfrmStat {
    seen: BTreeMap<String, (u64, u64, Place)>,
}

impl XfrmStat {
    /// The next line: `XfrmInNoStates   12`, `XfrmInNoStates: 12`, `node1  XfrmInNoStates 12`.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        let here = line.body.contains("Xfrm")
            || line.body.contains("-state")
            || line.body.contains("-no-")
            || line.body.contains("-template-mismatches")
            || line.body.contains("xfrm_error");
        if !here {
            return;
        }
        let words: Vec<&str> = line
            .body
            .split(|c: char| c.is_whitespace() || matches!(c, ':' | '=' | '|' | ',' | '"'))
            .filter(|w| !w.is_empty())
            .collect();
        for pair in words.windows(2) {
            let (Some(name), Some(Ok(count))) = (
                pair.first().and_then(|n| counter(n)),
                pair.get(1).map(|n| n.parse::<u64>()),
            ) else {
                continue;
            };
            let place = place();
            self.seen
                .entry(name.to_owned())
                .and_modify(|(_, last, at)| (*last, *at) = (count, place.clone()))
                .or_insert((count, count, place));
        }
    }

    /// The counters that aren't 0; of those shown several times the ones that grew, where any did.
    pub(super) fn finish(&self, facts: &mut Vec<Fact>) {
        let grew = self.seen.values().any(|(first, last, _)| last > first);
        for (name, (first, last, place)) in &self.seen {
            let count = if grew {
                last.saturating_sub(*first)
            } else {
                *last
            };
            if count > 0 {
                let count = count.to_string();
                let values = [("name", name.as_str()), ("count", count.as_str())];
                facts.push(sign(place.clone(), Sign::KernelDrops, &values));
            }
        }
    }
}

/// The kernel's name of a counter, from it or from what others call it.
fn counter(word: &str) -> Option<&str> {
    if is_counter(word) {
        return Some(word);
    }
    OTHERS
        .iter()
        .find(|(theirs, _)| *theirs == word)
        .map(|(_, name)| *name)
}

/// RouterOS (`/ip ipsec statistics print`), and what Cilium calls them in its metrics.
static OTHERS: &[(&str, &str)] = &[
    ("in-no-states", "XfrmInNoStates"),
    ("in-state-protocol-errors", "XfrmInStateProtoError"),
    ("in-state-mode-errors", "XfrmInStateModeError"),
    ("in-state-sequence-errors", "XfrmInStateSeqError"),
    ("in-state-expired", "XfrmInStateExpired"),
    ("in-state-mismatches", "XfrmInStateMismatch"),
    ("in-template-mismatches", "XfrmInTmplMismatch"),
    ("in-no-policies", "XfrmInNoPols"),
    ("in-policy-blocked", "XfrmInPolBlock"),
    ("out-no-states", "XfrmOutNoStates"),
    ("out-state-mode-errors", "XfrmOutStateModeError"),
    ("out-state-sequence-errors", "XfrmOutStateSeqError"),
    ("out-state-expired", "XfrmOutStateExpired"),
];

fn is_counter(word: &str) -> bool {
    word.strip_prefix("Xfrm").is_some_and(|rest| {
        ["In", "Out", "Fwd", "Acquire", "Iptfs"]
            .iter()
            .any(|head| rest.starts_with(head))
            && rest.len() > 3
            && rest.bytes().all(|b| b.is_ascii_alphabetic())
    })
}
