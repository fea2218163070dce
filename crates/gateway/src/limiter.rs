//! Events for dropped packets, at a pace that a log survives: the first of a kind at once, then at most one a second,
//! each telling how many it stands for. Counters count every packet; only events are thinned.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adit_esp::ChildName;
use adit_model::Now;
use adit_model::drops::DropReason;
use adit_model::event::{Event, Happening};
use adit_model::now::Mono;

use crate::dataplane::Dropped;

/// What was told last, per kind.
#[derive(Debug, Default)]
pub struct DropEvents {
    told: BTreeMap<(DropReason, Option<Arc<ChildName>>), Told>,
}

#[derive(Debug)]
struct Told {
    at: Mono,
    since: u64,
}

impl DropEvents {
    /// The event for these packets, or nothing if one was told a moment ago.
    pub fn event(
        &mut self,
        now: Now,
        reason: DropReason,
        child: Option<Arc<ChildName>>,
        dropped: Dropped,
    ) -> Option<Event> {
        let connection = child.as_ref().map(|child| child.connection.clone());
        let key = (reason, child);
        let since = match self.told.get_mut(&key) {
            Some(told) if now.mono.since(told.at) < PACE => {
                told.since += dropped.packets;
                return None;
            }
            Some(told) => told.since,
            None => 0,
        };
        self.told.insert(
            key,
            Told {
                at: now.mono,
                since: 0,
            },
        );
        let others = since + dropped.packets - 1;
        let detail = match others {
            0 => dropped.detail,
            _ => format!("{}; {others} more since the last event", dropped.detail),
        };
        Some(Event {
            at: now,
            connection,
            role: None,
            local: None,
            remote: dropped.from,
            what: Happening::Dropped { reason, detail },
        })
    }
}

const PACE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn dropped(packets: u64) -> Dropped {
        Dropped {
            packets,
            detail: "x".to_owned(),
            from: None,
        }
    }

    fn detail(event: Option<Event>) -> Option<String> {
        match event?.what {
            Happening::Dropped { detail, .. } => Some(detail),
            _ => None,
        }
    }

    #[test]
    fn events_are_thinned_and_no_packet_is_forgotten() {
        let mut events = DropEvents::default();
        let start = Now::default();
        let reason = DropReason::OutNoSa;
        assert_eq!(
            detail(events.event(start, reason, None, dropped(1))).unwrap(),
            "x"
        );
        for _ in 0..5 {
            assert!(events.event(start, reason, None, dropped(10)).is_none());
        }
        // Another kind isn't held up.
        assert!(
            events
                .event(start, DropReason::EspReplay, None, dropped(1))
                .is_some()
        );
        let later = start.plus(PACE);
        assert_eq!(
            detail(events.event(later, reason, None, dropped(1))).unwrap(),
            "x; 50 more since the last event"
        );
    }
}
