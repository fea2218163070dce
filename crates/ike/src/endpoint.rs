//! The endpoint: what can be done to it, and what comes out.

mod half_open;
pub(crate) mod holdings;
mod index;
mod invalid_spi;
pub(crate) mod moving;
mod renewal;
mod resumption;
mod routing;
mod succession;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use adit_crypto::Provider;
use adit_model::connection::Connection;
use adit_model::dataplane::Trigger;
use adit_model::drops::DropReason;
use adit_model::event::{Happening, PathProblem};
use adit_model::proposal::SaKind;
use adit_model::{Mono, Now};
use adit_wire::iana::ExchangeType;
use adit_wire::v2::{Header, IkeSpi, Message};

use self::half_open::HalfOpen;
use self::invalid_spi::Answers;
use self::moving::Addresses;
use crate::cookie::Cookies;
use crate::counters::DropCounters;
use crate::cx::Desk;
use crate::error::CommandError;
use crate::head::{Head, Incoming, NetPath};
use crate::lease::LeaseAnswer;
use crate::output::{KeyAnswer, KeyRequestId, Output, Subject};
use crate::settings::Settings;
use crate::snapshot::IkeSaSnapshot;
use crate::timers::{TimerReason, Timers};
use crate::v2::init_sent::InitSent;
use crate::v2::support::Trust;
use crate::v2::{Phase, leasing, proposals};

use index::Index;

/// All IKE SAs of one gateway.
///
/// After every input (`handle_*`, a command, a change of configuration) drain [`poll_output`](Self::poll_output) to
/// `None`, then ask [`poll_timeout`](Self::poll_timeout).
pub struct Endpoint {
    settings: Settings,
    provider: Provider,
    cookies: Cookies,
    connections: BTreeMap<String, Arc<Connection>>,
    trust: Trust,
    addresses: Addresses,
    /// IKE SAs by our SPI.
    sas: BTreeMap<u64, Phase>,
    index: Index,
    /// IKE SAs that authenticate anew, and those in whose place they come.
    reauthentications: BTreeMap<u64, u64>,
    answers: Answers,
    half_open: HalfOpen,
    /// Half-open IKE SAs by what their first request told, to recognise it when it comes again.
    first_requests: BTreeMap<(SocketAddr, IkeSpi), u64>,
    key_requests: BTreeMap<KeyRequestId, u64>,
    timers: Timers,
    desk: Desk,
}

/// Why a connection that gives addresses isn't begun by us.
const PEER_BEGINS: &str = "it gives addresses to whoever comes; only the peer can begin";

impl Endpoint {
    /// An endpoint without connections. `seed` is 32 unpredictable octets: cookies depend on them.
    #[must_use]
    pub fn new(settings: Settings, provider: Provider, seed: [u8; 32]) -> Self {
        Self {
            cookies: Cookies::new(seed, settings.cookie_lifetime),
            settings,
            provider,
            connections: BTreeMap::new(),
            trust: Trust::default(),
            addresses: Addresses::default(),
            sas: BTreeMap::new(),
            index: Index::default(),
            reauthentications: BTreeMap::new(),
            answers: Answers::default(),
            half_open: HalfOpen::default(),
            first_requests: BTreeMap::new(),
            key_requests: BTreeMap::new(),
            timers: Timers::default(),
            desk: Desk::default(),
        }
    }

    /// Adds a connection, or replaces the one with the same name. IKE SAs that are up, or being set up, keep what they
    /// negotiated for themselves; of their children those go that aren't configured any more, and those that are configured
    /// otherwise are asked for anew ([`Child::has_terms_of`](adit_model::connection::Child::has_terms_of)). What can't go
    /// on so, as with another peer, is for [`remove_connection`](Self::remove_connection).
    pub fn set_connection(&mut self, now: Now, connection: Arc<Connection>) {
        let name = connection.name.clone();
        self.connections.insert(name.clone(), connection);
        for spi in self.of_connection(&name) {
            self.with_sa(now, spi, |phase, _| phase);
        }
    }

    /// Says which authorities the certificates of a connection's peers may come from, by the SHA-1 hashes of their
    /// public keys: the peer is asked for such a certificate (RFC 7296 3.7). Whether one is trusted is for the key holder.
    pub fn set_authorities(&mut self, connection: &str, key_hashes: Vec<[u8; 20]>) {
        self.trust.set(connection, key_hashes);
    }

    /// Forgets a connection. Its IKE SAs are deleted, which the peer is told.
    pub fn remove_connection(&mut self, now: Now, name: &str) {
        self.connections.remove(name);
        self.trust.set(name, Vec::new());
        let half_open = self.sas.iter().filter(|(_, phase)| phase.is_half_open());
        let half_open: Vec<u64> = half_open.map(|(spi, _)| *spi).collect();
        for spi in half_open {
            self.with_sa(now, spi, |phase, _| phase.without_candidate(name));
        }
        for spi in self.of_connection(name) {
            self.with_sa(now, spi, |phase, cx| phase.close(cx, "deleted"));
        }
    }

    /// Begins to set up the IKE SA of a connection and its children, from our address `local` to the peer's resolved
    /// address `remote`.
    ///
    /// # Errors
    /// [`CommandError`]; nothing has begun then.
    pub fn initiate(
        &mut self,
        now: Now,
        name: &str,
        local: IpAddr,
        remote: IpAddr,
    ) -> Result<(), CommandError> {
        self.initiate_for(now, name, local, remote, None)
    }

    /// The same because of a packet that wants through: only its child is set up.
    ///
    /// # Errors
    /// [`CommandError`]; nothing has begun then.
    pub fn initiate_for(
        &mut self,
        now: Now,
        name: &str,
        local: IpAddr,
        remote: IpAddr,
        trigger: Option<Trigger>,
    ) -> Result<(), CommandError> {
        let connection = self
            .connections
            .get(name)
            .cloned()
            .ok_or_else(|| CommandError::UnknownConnection(name.to_owned()))?;
        if local.is_ipv4() != remote.is_ipv4() {
            return Err(CommandError::AddressFamilies { local, remote });
        }
        let unusable = |problem: &str| CommandError::Unusable {
            connection: name.to_owned(),
            problem: problem.to_owned(),
        };
        if !connection.inner.pools.is_empty() {
            return Err(unusable(PEER_BEGINS));
        }
        let child = connection
            .children
            .first()
            .ok_or_else(|| unusable("it has no child"))?;
        if proposals::usable(&self.provider, &child.esp, SaKind::Esp).is_empty() {
            return Err(unusable("none of its ESP proposals is implemented"));
        }
        let active = |spi: &u64| self.sas.get(spi).is_some_and(Phase::is_active);
        if self.of_connection(name).iter().any(active) {
            return Err(CommandError::AlreadyActive(name.to_owned()));
        }
        let path = NetPath {
            local: SocketAddr::new(local, self.settings.ike_port),
            remote: SocketAddr::new(remote, connection.remote_port),
        };
        let first_contact = !self.has_contact(&connection);
        let trigger = trigger.map(Arc::new);
        let begun = InitSent::begin(&mut self.cx(now), connection, path, first_contact, trigger);
        let sent = begun.map_err(|problem| unusable(&problem))?;
        let spi = sent.head.our_spi.0;
        self.settle(now, spi, Phase::InitSent(Box::new(sent)));
        Ok(())
    }

    /// Deletes every IKE SA of a connection with its children, and tells the peer.
    ///
    /// # Errors
    /// [`CommandError::NotActive`] when there is none.
    pub fn terminate(&mut self, now: Now, name: &str) -> Result<(), CommandError> {
        let mut found = self.of_connection(name);
        found.retain(|spi| self.sas.get(spi).is_some_and(|phase| !phase.is_over()));
        if found.is_empty() {
            return Err(CommandError::NotActive(name.to_owned()));
        }
        for spi in found {
            self.with_sa(now, spi, |phase, cx| phase.close(cx, "deleted"));
        }
        Ok(())
    }

    /// Ends attempts of ours to set a connection up that haven't come to an IKE SA, so that the peer may begin; what is up or
    /// the peer has begun goes on. A peer that may believe that it has the IKE SA is told to delete it. Those that the peer has
    /// answered are `spared` if they may still come to something. Gives how many were ended.
    pub fn give_way(&mut self, now: Now, name: &str, spared: bool) -> usize {
        let mut found = self.of_connection(name);
        found.retain(|spi| {
            let phase = self.sas.get(spi);
            phase.is_some_and(|p| p.is_attempt_of_ours() && !(spared && p.is_answered()))
        });
        for spi in &found {
            self.with_sa(now, *spi, |phase, cx| phase.close(cx, "gave-way"));
        }
        found.len()
    }

    /// Deletes every IKE SA. [`is_idle`](Self::is_idle) tells when the peers have answered or were given up.
    pub fn shutdown(&mut self, now: Now) {
        let all: Vec<u64> = self.sas.keys().copied().collect();
        for spi in all {
            self.with_sa(now, spi, |phase, cx| phase.close(cx, "shutdown"));
        }
    }

    /// Whether no IKE SA is left that waits for anything.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.sas.values().all(Phase::is_over)
    }

    /// A datagram came: an IKE message without the non-ESP marker, to our `local` address and port.
    pub fn handle_datagram(
        &mut self,
        now: Now,
        local: SocketAddr,
        remote: SocketAddr,
        ike_message: &[u8],
    ) {
        let path = NetPath { local, remote };
        let header = match Header::parse(ike_message) {
            Ok(header) => header,
            Err(error) => {
                return self.drop(now, path, DropReason::IkeTooShort, error.to_string());
            }
        };
        if header.version.major != 2 {
            return self.other_version(now, path, &header, ike_message);
        }
        let message = match Message::parse(ike_message) {
            Ok(message) => message,
            Err(error) => {
                return self.drop(now, path, DropReason::IkeMalformed, error.to_string());
            }
        };
        let incoming = Incoming {
            path,
            bytes: ike_message,
            message,
        };
        let first = header.exchange == ExchangeType::IKE_SA_INIT
            && !header.flags.response
            && header.spi_r.is_zero();
        if first {
            return self.first_request(now, &incoming);
        }
        let resumes = header.exchange == ExchangeType::IKE_SESSION_RESUME
            && !header.flags.response
            && header.spi_r.is_zero();
        if resumes {
            return self.resumption_asked(now, &incoming);
        }
        match self.find(&header) {
            Ok(spi) => {
                self.with_sa(now, spi, |phase, cx| phase.handle_message(cx, &incoming));
                self.disputed(now, path, &incoming.message);
            }
            Err((reason, detail)) => {
                self.drop(now, path, reason, detail);
                if reason == DropReason::IkeUnknownSpi {
                    self.disputed(now, path, &incoming.message);
                    self.unknown_ike(now, path, &incoming.message);
                }
            }
        }
    }

    /// A datagram that we sent from `local` to `remote` didn't get through. Anybody can forge such a report, so it only
    /// makes an IKE SA with that peer that hasn't heard anything lately ask for a sign of life (RFC 7296 2.4).
    pub fn handle_path_error(
        &mut self,
        now: Now,
        local: SocketAddr,
        remote: SocketAddr,
        problem: PathProblem,
        offender: Option<IpAddr>,
    ) {
        let heads = || {
            self.sas
                .values()
                .filter(|p| !p.is_over())
                .filter_map(Phase::head)
        };
        let subject = heads()
            .find(|head| head.path == NetPath { local, remote })
            .or_else(|| heads().find(|head| head.path.remote.ip() == remote.ip()))
            .map(Head::subject)
            .unwrap_or_default();
        let subject = Subject {
            local: Some(local),
            remote: Some(remote),
            ..subject
        };
        let what = Happening::PathFailed {
            problem,
            offender,
            remote_port: remote.port(),
        };
        self.desk.out.event(now, &subject, what);
        let concerned = |phase: &Phase| match phase {
            Phase::Established(p) => p.secured.head.path.remote == remote,
            _ => false,
        };
        let doubtful: Vec<u64> = self
            .sas
            .iter()
            .filter_map(|(spi, phase)| concerned(phase).then_some(*spi))
            .collect();
        for spi in doubtful {
            self.with_sa(now, spi, |mut phase, cx| {
                if let Phase::Established(p) = &mut phase {
                    p.path_failed(cx);
                }
                phase
            });
        }
    }

    /// The key holder has answered request `id`. An answer to no open request is ignored.
    pub fn handle_answer(&mut self, now: Now, id: KeyRequestId, answer: KeyAnswer) {
        if let Some(spi) = self.key_requests.remove(&id) {
            self.with_sa(now, spi, |phase, cx| phase.handle_answer(cx, id, answer));
        }
    }

    /// The holder of address pools has answered request `id`. A lease for an IKE SA that is gone ends at once.
    pub fn handle_lease(&mut self, now: Now, id: KeyRequestId, answer: LeaseAnswer) {
        match self.key_requests.remove(&id) {
            Some(spi) => self.with_sa(now, spi, |phase, cx| phase.handle_lease(cx, id, answer)),
            None => leasing::unused(&mut self.cx(now), &answer),
        }
    }

    /// The deadline of [`poll_timeout`](Self::poll_timeout) has passed. Calling too early does no harm.
    pub fn handle_timeout(&mut self, now: Now) {
        for spi in self.timers.due(now.mono) {
            self.with_sa(now, spi, Phase::handle_timeout);
        }
    }

    /// A packet was received on a CHILD SA: its peer lives (RFC 7296 2.4).
    pub fn inbound_esp_seen(&mut self, now: Now, spi_in: u32) {
        if let Some(spi) = self.index.of_pair(&self.sas, spi_in) {
            self.with_sa(now, spi, |mut phase, cx| {
                if let Phase::Established(p) = &mut phase {
                    p.inbound_esp_seen(cx.now.mono);
                }
                phase
            });
        }
    }

    /// The next thing to carry out.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.desk.out.pop()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest, and why.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Mono, TimerReason)> {
        self.timers.next()
    }

    /// The state of every IKE SA, by our SPI.
    #[must_use]
    pub fn snapshot(&self) -> Vec<IkeSaSnapshot> {
        self.sas.values().filter_map(Phase::snapshot).collect()
    }

    /// How many packets were dropped, by reason.
    #[must_use]
    pub fn drops(&self) -> &DropCounters {
        self.desk.out.drops()
    }
}
