//! Letting the peer begin for once. Whoever asks is told that it is refused; whoever is asked knows why. A peer that tries
//! by itself is therefore given a few seconds in which we don't.

use std::collections::BTreeSet;
use std::time::Duration;

use adit_ike::{IkeSaSnapshot, IkeSaState};
use adit_model::Mono;
use adit_model::event::{Event, Happening, Role, UnderWay};

use crate::case::may_be_peer;
use crate::gateway::Gateway;
use crate::protocol::{ANSWERED_ATTEMPT, HOLDING, OWN_ATTEMPT};
use crate::retry::Presence;
use crate::tunnel::Tunnel;

/// How a tunnel's peer is waited for.
#[derive(Debug)]
pub(crate) struct Hold {
    /// When it was asked for.
    asked: Mono,
    /// Until when nothing is tried. If it is another time, a command or another configuration has the say.
    until: Mono,
    /// Since when nothing of ours is under way; `None` as long as something is.
    quiet: Option<Mono>,
    /// What became of what was under way.
    under_way: Option<UnderWay>,
    /// The newest event when it was asked for.
    after: u64,
    /// When it is looked at next.
    look_at: Mono,
}

impl Gateway {
    /// Keeps a tunnel that isn't up from being tried for a while. An attempt of ours that is under way has [`OWN_ATTEMPT`] to be
    /// answered and [`ANSWERED_ATTEMPT`] to come to something, and is ended then. A tunnel that is up isn't touched: `false`. Who
    /// asks while the peer is waited for already waits along: however many ask, a tunnel is held back no longer.
    pub(crate) fn hold_back(&mut self, name: &str) -> bool {
        let now = self.clock.now().mono;
        let busy = self.tries(name);
        let after = self.log.last();
        let Some(tunnel) = self.tunnels.get_mut(name) else {
            return false;
        };
        if tunnel.presence == Presence::Up {
            return false;
        }
        if tunnel.hold.is_none() {
            // Released when the time is over, which is looked at a little later.
            let until = now + OWN_ATTEMPT + HOLDING + 5 * LOOK;
            tunnel.retry.hold_back(Some(until));
            tunnel.hold = Some(Hold {
                asked: now,
                until,
                quiet: (!busy).then_some(now),
                under_way: None,
                after,
                look_at: now + LOOK,
            });
        }
        true
    }

    /// When those who wait for a peer to begin are looked at next.
    pub(crate) fn holds_due(&self) -> Option<Mono> {
        let holds = self.tunnels.values().filter_map(|t| t.hold.as_ref());
        holds.map(|hold| hold.look_at).min()
    }

    /// Looks whether peers have begun that were given the time to.
    pub(crate) fn look_at_holds(&mut self, now: Mono) {
        let holds = self.tunnels.values_mut().filter_map(|t| t.hold.as_mut());
        let mut any = false;
        for hold in holds.filter(|hold| hold.look_at <= now) {
            hold.look_at = now + LOOK;
            any = true;
        }
        if any {
            self.answer_cases();
        }
    }

    /// Ends the waiting for every peer whose attempt has come to something, or whose time is over. Those are left that go on.
    pub(crate) fn end_holds(&mut self) -> BTreeSet<String> {
        let held = |(name, tunnel): (&String, &Tunnel)| {
            let hold = tunnel.hold.is_some();
            hold.then(|| name.clone())
        };
        let mut names: BTreeSet<String> = self.tunnels.iter().filter_map(held).collect();
        names.retain(|name| {
            let tunnel = self.tunnels.get_mut(name);
            let Some(mut hold) = tunnel.and_then(|tunnel| tunnel.hold.take()) else {
                return false;
            };
            let goes_on = !self.has_ended(name, &mut hold);
            if let Some(tunnel) = self.tunnels.get_mut(name).filter(|_| goes_on) {
                tunnel.hold = Some(hold);
            }
            goes_on
        });
        names
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

    /// Sees to it that nothing of ours is under way.
    fn quieten(&mut self, now: Mono, name: &str, hold: &mut Hold) {
        if !self.tries(name) {
            if hold.quiet.is_none() {
                hold.under_way = hold.under_way.or(Some(UnderWay::WaitedFor));
                hold.quiet = Some(now);
            }
        } else if now.since(hold.asked) >= OWN_ATTEMPT {
            let at = self.clock.now();
            let spared = now.since(hold.asked) < ANSWERED_ATTEMPT;
            // Where only the peer's name is looked up there is nothing to end yet; the next look ends what comes of it.
            if self.endpoint.give_way(at, name, spared) > 0 {
                hold.under_way = Some(UnderWay::Ended);
                hold.quiet = hold.quiet.or(Some(now));
            }
        }
    }

    /// Whether the peer's attempt has come to something, or the waiting is over; then that is told, and ours go on.
    fn has_ended(&mut self, name: &str, hold: &mut Hold) -> bool {
        let now = self.clock.now().mono;
        let held = self.tunnels.get(name).map(|t| t.retry.held_until());
        // What a command to set it up begins isn't ended here.
        let released = held != Some(Some(hold.until));
        if !released {
            self.quieten(now, name, hold);
        }
        let Some(tunnel) = self.tunnels.get(name) else {
            return true;
        };
        let of_peer = |event: &Event| {
            event.role != Some(Role::Initiator)
                && (event.connection.is_some() || may_be_peer(tunnel, event))
        };
        let mut records = self.log.of(Some(name));
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
        let waited = hold.quiet.map_or(Duration::ZERO, |since| now.since(since));
        let over = waited >= HOLDING || now.since(hold.asked) >= OWN_ATTEMPT + HOLDING;
        if !(released || decided || up || over) {
            return false;
        }
        if let Some(tunnel) = self.tunnels.get_mut(name).filter(|_| !released) {
            tunnel.retry.hold_back(None);
        }
        let what = Happening::HeldBack {
            ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX),
            peer_began,
            under_way: hold.under_way,
        };
        self.happened(Some(name), None, what);
        true
    }
}

fn is_first_request(what: &Happening) -> bool {
    matches!(what, Happening::Received(m) if m.exchange == "IKE_SA_INIT" && !m.response)
}

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(200);
