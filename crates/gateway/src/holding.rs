//! Letting the peer begin for once. Whoever asks is told that it is refused; whoever is asked knows why. A peer that tries
//! by itself is therefore given a few seconds in which we don't.

use std::time::Duration;

use adit_ike::{IkeSaSnapshot, IkeSaState};
use adit_model::Mono;
use adit_model::event::{Event, Happening, Role, UnderWay};

use crate::case::may_be_peer;
use crate::gateway::Gateway;
use crate::protocol::{ANSWERED_ATTEMPT, HOLDING, OWN_ATTEMPT};
use crate::retry::Presence;

/// A tunnel whose peer is waited for.
#[derive(Debug)]
pub(crate) struct Hold {
    tunnel: String,
    /// When it was asked for.
    asked: Mono,
    /// Until when nothing is tried. If it is another time, a command or a later question has the say.
    until: Mono,
    /// Since when nothing of ours is under way; `None` as long as something is.
    quiet: Option<Mono>,
    /// What became of what was under way.
    under_way: Option<UnderWay>,
    /// The newest event when it was asked for.
    after: u64,
    /// When it is looked at next.
    pub(crate) look_at: Mono,
}

impl Hold {
    /// How often it is looked at.
    pub(crate) const LOOK: Duration = Duration::from_millis(200);
}

impl Gateway {
    /// Keeps a tunnel that isn't up from being tried for a while. An attempt of ours that is under way has [`OWN_ATTEMPT`] to be
    /// answered and [`ANSWERED_ATTEMPT`] to come to something, and is ended then. A tunnel that is up isn't touched.
    pub(crate) fn hold_back(&mut self, name: &str) -> Option<Hold> {
        let now = self.clock.now();
        let busy = self.tries(name);
        let tunnel = self.tunnels.get_mut(name)?;
        if tunnel.presence == Presence::Up {
            return None;
        }
        // Released when the time is over, which is looked at a little later.
        let longest = OWN_ATTEMPT + HOLDING + 5 * Hold::LOOK;
        let until = now.mono + longest;
        tunnel.retry.hold_back(Some(until));
        Some(Hold {
            tunnel: name.to_owned(),
            asked: now.mono,
            until,
            quiet: (!busy).then_some(now.mono),
            under_way: None,
            after: self.log.last(),
            look_at: now.mono + Hold::LOOK,
        })
    }

    /// Whether an attempt of ours is under way, or about to be.
    fn tries(&self, name: &str) -> bool {
        let ours = |sa: &IkeSaSnapshot| {
            sa.connection.as_deref() == Some(name)
                && sa.role == Role::Initiator
                && sa.state == IkeSaState::Connecting
        };
        self.tunnels.get(name).is_some_and(|t| t.resolving)
            || self.endpoint.snapshot().iter().any(ours)
    }

    /// Sees to it that nothing of ours is under way. Gives since when.
    fn quiet(&mut self, now: Mono, hold: &mut Hold) -> Option<Mono> {
        if !self.tries(&hold.tunnel) {
            if hold.quiet.is_none() {
                hold.under_way = hold.under_way.or(Some(UnderWay::WaitedFor));
                hold.quiet = Some(now);
            }
        } else if now.since(hold.asked) >= OWN_ATTEMPT {
            let at = self.clock.now();
            let spared = now.since(hold.asked) < ANSWERED_ATTEMPT;
            // Where only the peer's name is looked up there is nothing to end yet; the next look ends what comes of it.
            if self.endpoint.give_way(at, &hold.tunnel, spared) > 0 {
                hold.under_way = Some(UnderWay::Ended);
                hold.quiet = hold.quiet.or(Some(now));
            }
        }
        hold.quiet
    }

    /// Whether the peer's attempt has come to something, or the time is over; then that is told, and ours go on.
    pub(crate) fn has_ended(&mut self, hold: &mut Hold) -> bool {
        let now = self.clock.now();
        let held = self.tunnels.get(&hold.tunnel);
        let held = held.and_then(|t| t.retry.held_until());
        // A command to set it up ends the waiting: what it begins isn't ended here.
        if held.is_none_or(|until| until < hold.until) {
            return true;
        }
        let quiet = self.quiet(now.mono, hold);
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
        let waited = quiet.map_or(Duration::ZERO, |since| now.mono.since(since));
        let over = waited >= HOLDING || now.mono.since(hold.asked) >= OWN_ATTEMPT + HOLDING;
        if !(decided || up || over) {
            return false;
        }
        let name = hold.tunnel.clone();
        // Who has asked later still waits.
        if held == Some(hold.until)
            && let Some(tunnel) = self.tunnels.get_mut(&name)
        {
            tunnel.retry.hold_back(None);
        }
        let what = Happening::HeldBack {
            ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
            peer_began,
            under_way: hold.under_way,
        };
        self.happened(Some(&name), None, what);
        true
    }
}

fn is_first_request(what: &Happening) -> bool {
    matches!(what, Happening::Received(m) if m.exchange == "IKE_SA_INIT" && !m.response)
}
