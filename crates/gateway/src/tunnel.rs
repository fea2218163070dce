//! What the gateway keeps of each configured tunnel beside its SAs.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use adit_ike::{ChildSaState, IkeSaSnapshot, IkeSaState};
use adit_model::connection::{Connection, Remote};
use adit_model::dataplane::Trigger;
use adit_model::fact::Probe;
use adit_model::probed::Check;
use adit_model::{Mono, Wall};
use tokio::sync::oneshot;

use crate::ahead::Outlook;
use crate::holding::Hold;
use crate::monitor::Watch;
use crate::protocol::Response;
use crate::retry::{Presence, Retry};

/// A configured tunnel.
pub struct Tunnel {
    /// As configured.
    pub connection: Arc<Connection>,
    /// When it is tried.
    pub retry: Retry,
    /// The packet that wanted through first since the last attempt.
    pub trigger: Option<Trigger>,
    /// What there is of it.
    pub presence: Presence,
    /// The peer's address: configured, or as last resolved or seen.
    pub peer: Option<IpAddr>,
    /// Whether the peer's name is being looked up.
    pub resolving: bool,
    /// What probes found, and when.
    pub probed: Option<(Mono, Wall, Vec<Probe>)>,
    /// Whether probes are on their way.
    pub probing: bool,
    /// Which proposals the peer was asked about last, and when; nothing while it is being asked.
    pub offered: Option<(Mono, Wall, Vec<Probe>)>,
    /// Whether it is being asked.
    pub offering: bool,
    /// What tests of this host found, and when.
    pub checked: Option<(Mono, Wall, Vec<Check>)>,
    /// Whether these tests are running.
    pub checking: bool,
    /// How its peer is waited for, which may begin for once.
    pub(crate) hold: Option<Hold>,
    /// Since when there is an IKE SA without any child.
    pub childless_since: Option<Mono>,
    /// Children that were reset and are asked for as soon as their old pairs are gone.
    pub ask_again: BTreeSet<String>,
    /// What is remembered for telling its future.
    pub(crate) ahead: Outlook,
    /// Commands that wait for an outcome.
    pub waiters: Vec<Waiter>,
    /// Whether it carries what it is there for.
    pub watch: Watch,
}

/// A command that waits for an outcome.
pub struct Waiter {
    /// What it waits for.
    pub goal: Goal,
    /// Until when.
    pub deadline: Mono,
    /// Whether an attempt has been seen since.
    pub tried: bool,
    /// Where the outcome goes.
    pub outcome: oneshot::Sender<Response>,
}

/// What a command waits for.
#[derive(Clone, Debug)]
pub enum Goal {
    /// The tunnel is up.
    Up,
    /// There is nothing of it.
    Down,
    /// What there was has others in its place.
    Renewed(Old),
    /// What there was is gone.
    Gone(Old),
}

/// What there was of a tunnel when a command began.
#[derive(Clone, Debug, Default)]
pub struct Old {
    /// SPIs of its IKE SA.
    pub ike: Option<(u64, u64)>,
    /// Its children that carried traffic, with the SPIs of what they received.
    pub pairs: Vec<(String, Vec<u32>)>,
    /// The newest event then.
    pub since: u64,
    /// Whether it is set up anew, so that it may be gone for a while.
    pub restart: bool,
}

impl Tunnel {
    /// A tunnel that hasn't been tried.
    #[must_use]
    pub fn new(connection: Arc<Connection>, now: Mono) -> Self {
        let peer = match connection.remote {
            Remote::Address(address) => Some(address),
            Remote::Name(_) | Remote::Any => None,
        };
        Self {
            retry: Retry::new(connection.start, now),
            watch: Watch::new(&connection, now),
            connection,
            trigger: None,
            presence: Presence::Nothing,
            peer,
            resolving: false,
            probed: None,
            probing: false,
            offered: None,
            offering: false,
            checked: None,
            checking: false,
            hold: None,
            childless_since: None,
            ask_again: BTreeSet::new(),
            ahead: Outlook::new(now),
            waiters: Vec::new(),
        }
    }

    /// Takes note of what there is of it now; what there was. When it comes up, what was probed while it wasn't tells nothing any
    /// more.
    pub fn becomes(&mut self, presence: Presence) -> Presence {
        let before = std::mem::replace(&mut self.presence, presence);
        if presence == Presence::Up && before != Presence::Up {
            self.probed = None;
            self.offered = None;
        }
        before
    }

    /// When something is due of itself.
    #[must_use]
    pub fn deadline(&self) -> Option<Mono> {
        let attempt = self.retry.due().filter(|_| !self.resolving);
        let childless = self.childless_since.map(|since| since + CHILDLESS);
        self.waiters
            .iter()
            .map(|waiter| waiter.deadline)
            .chain(attempt)
            .chain(childless)
            .chain(self.watch.deadline())
            .min()
    }

    /// Whether the IKE SA has been without a child for so long that it is of no use.
    #[must_use]
    pub fn is_stuck(&self, now: Mono) -> bool {
        self.childless_since
            .is_some_and(|since| now >= since + CHILDLESS)
    }
}

/// What `snapshot` has of the connection `name`.
#[must_use]
pub fn presence(snapshot: &[IkeSaSnapshot], name: &str) -> Presence {
    let mut found = Presence::Nothing;
    for sa in snapshot
        .iter()
        .filter(|sa| sa.connection.as_deref() == Some(name))
    {
        let carries = sa
            .children
            .iter()
            .any(|child| matches!(child.state, ChildSaState::Installed | ChildSaState::Rekeyed));
        if sa.state == IkeSaState::Established && carries {
            return Presence::Up;
        }
        found = Presence::Trying;
    }
    found
}

/// Whether all that `snapshot` has of `name` is an established IKE SA without children.
#[must_use]
pub fn is_childless(snapshot: &[IkeSaSnapshot], name: &str) -> bool {
    let mut ours = snapshot
        .iter()
        .filter(|sa| sa.connection.as_deref() == Some(name))
        .peekable();
    ours.peek().is_some()
        && ours.all(|sa| sa.state == IkeSaState::Established && sa.children.is_empty())
}

/// How long an IKE SA may be without a child before it is closed and tried anew.
const CHILDLESS: core::time::Duration = core::time::Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn what_was_probed_before_it_came_up_is_forgotten() {
        let mut tunnel = Tunnel::new(Arc::new(sample::connection("office")), Mono(0));
        let probes = || Some((Mono(0), Wall(0), Vec::new()));
        (tunnel.probed, tunnel.offered) = (probes(), probes());
        tunnel.becomes(Presence::Trying);
        assert!(tunnel.probed.is_some());
        tunnel.becomes(Presence::Up);
        assert!(tunnel.probed.is_none() && tunnel.offered.is_none());
        tunnel.probed = probes();
        assert_eq!(tunnel.becomes(Presence::Up), Presence::Up);
        assert!(
            tunnel.probed.is_some(),
            "what was asked while it is up stays"
        );
    }
}
