//! The endpoint: which IKE SA an input belongs to.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use adit_crypto::Provider;
use adit_model::connection::Connection;
use adit_model::drops::DropReason;
use adit_model::event::{Happening, PathProblem};
use adit_model::{Mono, Now};
use adit_wire::v2::Header;

use crate::counters::DropCounters;
use crate::error::CommandError;
use crate::output::{KeyAnswer, KeyRequestId, Outbox, Output, Subject};
use crate::settings::Settings;
use crate::snapshot::IkeSaSnapshot;
use crate::timers::{TimerReason, Timers};

/// All IKE SAs of one gateway.
///
/// After every input (`handle_*`, a command, a change of configuration) drain [`poll_output`](Self::poll_output) to
/// `None`, then ask [`poll_timeout`](Self::poll_timeout).
pub struct Endpoint {
    settings: Settings,
    provider: Provider,
    connections: BTreeMap<String, Arc<Connection>>,
    timers: Timers,
    out: Outbox,
}

impl Endpoint {
    /// An endpoint without connections. `seed` is 32 unpredictable octets: cookies depend on them.
    #[must_use]
    pub fn new(settings: Settings, provider: Provider, seed: [u8; 32]) -> Self {
        let _ = seed;
        Self {
            settings,
            provider,
            connections: BTreeMap::new(),
            timers: Timers::default(),
            out: Outbox::default(),
        }
    }

    /// Adds a connection, or replaces the one with the same name; IKE SAs that are up keep what they negotiated.
    pub fn set_connection(&mut self, _now: Now, connection: Arc<Connection>) {
        self.connections.insert(connection.name.clone(), connection);
    }

    /// Forgets a connection. Its IKE SAs are deleted, which the peer is told.
    pub fn remove_connection(&mut self, _now: Now, name: &str) {
        self.connections.remove(name);
    }

    /// Begins to set up the IKE SA of a connection and its first child, from our address `local` to the peer's
    /// resolved address `remote`.
    ///
    /// # Errors
    /// [`CommandError`]; nothing has begun then.
    pub fn initiate(
        &mut self,
        _now: Now,
        name: &str,
        local: IpAddr,
        remote: IpAddr,
    ) -> Result<(), CommandError> {
        if !self.connections.contains_key(name) {
            return Err(CommandError::UnknownConnection(name.to_owned()));
        }
        if local.is_ipv4() != remote.is_ipv4() {
            return Err(CommandError::AddressFamilies { local, remote });
        }
        Ok(())
    }

    /// Deletes every IKE SA of a connection with its children, and tells the peer.
    ///
    /// # Errors
    /// [`CommandError::NotActive`] when there is none.
    pub fn terminate(&mut self, _now: Now, name: &str) -> Result<(), CommandError> {
        Err(CommandError::NotActive(name.to_owned()))
    }

    /// Deletes every IKE SA. [`is_idle`](Self::is_idle) tells when the peers have answered or were given up.
    pub fn shutdown(&mut self, _now: Now) {}

    /// Whether no IKE SA is left that waits for anything.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        true
    }

    /// A datagram came: an IKE message without the non-ESP marker, to our `local` address and port.
    pub fn handle_datagram(
        &mut self,
        now: Now,
        local: SocketAddr,
        remote: SocketAddr,
        ike_message: &[u8],
    ) {
        let subject = Subject {
            local: Some(local),
            remote: Some(remote),
            ..Subject::default()
        };
        if let Err(error) = Header::parse(ike_message) {
            self.out
                .drop(now, &subject, DropReason::IkeTooShort, error.to_string());
        }
    }

    /// A datagram that we sent from `local` to `remote` didn't get through.
    pub fn handle_path_error(
        &mut self,
        now: Now,
        local: SocketAddr,
        remote: SocketAddr,
        problem: PathProblem,
        offender: Option<IpAddr>,
    ) {
        let subject = Subject {
            local: Some(local),
            remote: Some(remote),
            ..Subject::default()
        };
        let what = Happening::PathFailed {
            problem,
            offender,
            remote_port: remote.port(),
        };
        self.out.event(now, &subject, what);
    }

    /// The key holder has answered request `id`. An answer to no open request is ignored.
    pub fn handle_answer(&mut self, _now: Now, _id: KeyRequestId, _answer: KeyAnswer) {}

    /// The deadline of [`poll_timeout`](Self::poll_timeout) has passed. Calling too early does no harm.
    pub fn handle_timeout(&mut self, now: Now) {
        let _ = self.timers.due(now.mono);
    }

    /// A packet was received on a CHILD SA: its peer lives (RFC 7296 2.4).
    pub fn inbound_esp_seen(&mut self, _now: Now, _spi_in: u32) {}

    /// The next thing to carry out.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest, and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Mono, TimerReason)> {
        self.timers.next()
    }

    /// The state of every IKE SA, by our SPI.
    #[must_use]
    pub fn snapshot(&self) -> Vec<IkeSaSnapshot> {
        let _ = (&self.settings, &self.provider);
        Vec::new()
    }

    /// How many packets were dropped, by reason.
    #[must_use]
    pub fn drops(&self) -> &DropCounters {
        self.out.drops()
    }
}
