//! Letting the peer begin for once. Whoever asks is told that it is refused; whoever is asked knows why. A peer that tries
//! by itself is therefore given a few seconds in which we don't.

use std::time::Duration;

use adit_model::Mono;
use adit_model::event::{Event, Happening, Role};

use crate::case::may_be_peer;
use crate::gateway::Gateway;
use crate::protocol::HOLDING;
use crate::retry::Presence;

/// A tunnel whose peer is waited for.
#[derive(Debug)]
pub(crate) struct Hold {
    tunnel: String,
    since: Mono,
    /// The newest event then.
    after: u64,
    /// When it is looked at next.
    pub(crate) look_at: Mono,
}

impl Hold {
    /// How often it is looked at.
    pub(crate) const LOOK: Duration = Duration::from_millis(200);
}

impl Gateway {
    /// Keeps a tunnel that isn't up from being tried for a while; what is under way goes on. One that is up isn't touched.
    pub(crate) fn hold_back(&mut self, name: &str) -> Option<Hold> {
        let now = self.clock.now();
        let tunnel = self.tunnels.get_mut(name)?;
        if tunnel.presence == Presence::Up {
            return None;
        }
        // Released when the time is over, which is looked at a little later.
        let longest = HOLDING + 5 * Hold::LOOK;
        tunnel.retry.hold_back(Some(now.mono + longest));
        Some(Hold {
            tunnel: name.to_owned(),
            since: now.mono,
            after: self.log.last(),
            look_at: now.mono + Hold::LOOK,
        })
    }

    /// Whether the peer's attempt has come to something, or the time is over; then that is told, and ours go on.
    pub(crate) fn has_ended(&mut self, hold: &Hold) -> bool {
        let now = self.clock.now();
        let Some(tunnel) = self.tunnels.get(&hold.tunnel) else {
            return true;
        };
        let of_peer = |event: &Event| {
            event.role != Some(Role::Initiator)
                && (event.connection.is_some() || may_be_peer(tunnel, event))
        };
        let mut records = self.log.of(Some(&hold.tunnel));
        records.extend(self.log.of(None));
        records.retain(|r| r.number > hold.after && of_peer(&r.event));
        let peer_began = records.iter().any(|r| is_first_request(&r.event.what));
        let up = tunnel.presence == Presence::Up;
        let decided = peer_began
            && records.iter().any(|r| {
                matches!(
                    r.event.what,
                    Happening::Refused { .. } | Happening::ChildEstablished { .. }
                )
            });
        let waited = now.mono.since(hold.since);
        if !(decided || up) && waited < HOLDING {
            return false;
        }
        let name = hold.tunnel.clone();
        if let Some(tunnel) = self.tunnels.get_mut(&name) {
            tunnel.retry.hold_back(None);
        }
        let ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        self.happened(Some(&name), None, Happening::HeldBack { ms, peer_began });
        true
    }
}

fn is_first_request(what: &Happening) -> bool {
    matches!(what, Happening::Received(m) if m.exchange == "IKE_SA_INIT" && !m.response)
}
