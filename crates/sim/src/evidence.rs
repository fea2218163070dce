//! What can be known of a gateway: its state, its events, its probes; and all of it as a case for diagnosis.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use adit_esp::{ChildReport, PairReport};
use adit_ike::{Holdings, IkeSaSnapshot, IkeSaState, PlainMessage};
use adit_model::connection::Remote;
use adit_model::drops::DropReason;
use adit_model::event::{Event, Happening};
use adit_model::fact::{Case, Fact, Known, Probe, Side, Source};
use adit_model::product::Product;
use adit_model::status::PoolStatus;

use crate::command::CommandError;
use crate::gateway::Gateway;
use crate::world::{NodeId, World};

/// When an unanswered probe is sent once more.
const PROBE_AGAIN: Duration = Duration::from_secs(1);

impl World {
    /// Every event of a gateway since the world began, also of daemons that are gone.
    #[must_use]
    pub fn events(&self, gateway: NodeId) -> &[Event] {
        self.gateway(gateway).map_or(&[], |gateway| &gateway.events)
    }

    /// Every message that a gateway sent or took in, if its settings tell them, also of daemons that are gone.
    #[must_use]
    pub fn messages(&self, gateway: NodeId) -> &[PlainMessage] {
        self.gateway(gateway)
            .map_or(&[], |gateway| &gateway.messages)
    }

    /// What happened at a gateway, without when and where.
    pub fn happenings(&self, gateway: NodeId) -> impl Iterator<Item = &Happening> {
        self.events(gateway).iter().map(|event| &event.what)
    }

    /// The IKE SAs of a gateway.
    #[must_use]
    pub fn ike_sas(&self, gateway: NodeId) -> Vec<IkeSaSnapshot> {
        self.daemon_says(gateway, |daemon| daemon.endpoint.snapshot())
    }

    /// How much a gateway's endpoint holds.
    #[must_use]
    pub fn holdings(&self, gateway: NodeId) -> Holdings {
        self.daemon_says(gateway, |daemon| daemon.endpoint.holdings())
    }

    /// Pools of addresses that a gateway gives to peers, with who has which.
    #[must_use]
    pub fn pools(&self, gateway: NodeId) -> Vec<PoolStatus> {
        self.daemon_says(gateway, |daemon| daemon.pools.status())
    }

    /// The pairs of SAs in a gateway's data plane.
    #[must_use]
    pub fn pairs(&self, gateway: NodeId) -> Vec<PairReport> {
        self.daemon_says(gateway, |daemon| daemon.plane.pairs())
    }

    /// Traffic and drops of a gateway's children.
    #[must_use]
    pub fn children(&self, gateway: NodeId) -> Vec<ChildReport> {
        self.daemon_says(gateway, |daemon| daemon.plane.children())
    }

    /// Drops of a gateway's daemon, by reason.
    #[must_use]
    pub fn drops(&self, gateway: NodeId) -> BTreeMap<DropReason, u64> {
        self.gateway(gateway)
            .map(Gateway::drops)
            .unwrap_or_default()
    }

    /// Packets that a gateway without a daemon kept from leaving in clear.
    #[must_use]
    pub fn blocked(&self, gateway: NodeId) -> u64 {
        self.gateway(gateway).map_or(0, |gateway| gateway.blocked)
    }

    /// Packets that came to a gateway in clear and should have come through a tunnel.
    #[must_use]
    pub fn refused_in_clear(&self, gateway: NodeId) -> u64 {
        self.gateway(gateway)
            .map_or(0, |gateway| gateway.refused_in_clear)
    }

    /// Whether a connection has an IKE SA and SAs of every child of its own.
    #[must_use]
    pub fn is_up(&self, gateway: NodeId, connection: &str) -> bool {
        let established = self.ike_sas(gateway).iter().any(|sa| {
            sa.connection.as_deref() == Some(connection) && sa.state == IkeSaState::Established
        });
        let children = self.children(gateway);
        let mut own = children
            .iter()
            .filter(|c| c.child.connection == connection)
            .peekable();
        established && own.peek().is_some() && own.all(|child| child.pairs > 0)
    }

    /// Lets a gateway probe the peer of a connection, and lets at most `patience` pass meanwhile.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn probe(
        &mut self,
        gateway: NodeId,
        connection: &str,
        to: IpAddr,
        patience: Duration,
    ) -> Result<Vec<Probe>, CommandError> {
        self.command(gateway, |gateway, env| {
            let connection = gateway
                .setup
                .connections
                .iter()
                .find(|c| c.name == connection);
            let connection = connection.ok_or(CommandError::NoSuchConnection)?;
            gateway.probes.send(env, connection, to);
            Ok(())
        })?;
        let done = |world: &World| world.gateway(gateway).is_none_or(|g| g.probes.done());
        let at_first = patience.min(PROBE_AGAIN);
        if !self.run_until(at_first, done) {
            self.command(gateway, |gateway, env| {
                gateway.probes.send_again(env);
                Ok(())
            })?;
            self.run_until(patience.saturating_sub(at_first), done);
        }
        let now = self.now().mono;
        let exists = self.has_route(gateway, to);
        let mut probes = vec![Probe::Route { to, exists }];
        probes.extend(
            self.gateway(gateway)
                .into_iter()
                .flat_map(|gateway| gateway.probes.results(now)),
        );
        Ok(probes)
    }

    /// All that a gateway knows about a connection; nothing of a gateway that is switched off. `probes` are results of [`probe`](Self::probe), if any.
    #[must_use]
    pub fn case(&self, gateway: NodeId, connection: &str, probes: &[Probe]) -> Case {
        let name = self.name(gateway).to_owned();
        let now = self.now().wall;
        let fact = |source: &str, text: String, what| Fact {
            source: Source {
                name: format!("{name} {source}"),
                line: None,
                text,
            },
            at: Some(now),
            side: Side::Local,
            subject: Some(connection.to_owned()),
            role: None,
            what,
        };
        let mut facts = Vec::new();
        let Some(gateway_data) = self.gateway(gateway).filter(|_| self.is_on(gateway)) else {
            // There is nobody to ask.
            return Case {
                subject: connection.to_owned(),
                ..Case::default()
            };
        };
        let configured = gateway_data
            .setup
            .connections
            .iter()
            .find(|c| c.name == connection);
        if let Some(configured) = configured {
            let connection = Box::new(configured.as_ref().clone());
            let text = format!("tunnel {} is configured", configured.name);
            facts.push(fact(
                "configuration",
                text,
                Known::Configured { connection },
            ));
        }
        let running = gateway_data.daemon.is_some();
        let text = if running {
            "the gateway runs"
        } else {
            "the gateway doesn't run"
        };
        facts.push(fact("gateway", text.to_owned(), Known::Daemon { running }));
        let up = self.is_up(gateway, connection);
        let text = format!("{connection} is {}", if up { "up" } else { "down" });
        facts.push(fact("gateway", text, Known::TunnelState { up }));
        facts.extend(self.event_facts(gateway_data, connection));
        for probe in probes {
            let text = probe.to_string();
            facts.push(fact(
                "probe",
                text,
                Known::Probed {
                    probe: probe.clone(),
                },
            ));
        }
        for (reason, count) in self.drops(gateway) {
            let text = format!("{count} packets: {}", reason.meaning());
            facts.push(fact("counters", text, Known::Drops { reason, count }));
        }
        Case {
            subject: connection.to_owned(),
            facts,
            covered: BTreeMap::from([(Side::Local, true)]),
            products: BTreeMap::from([(Side::Local, Product::Adit)]),
            clock_offset_ms: None,
        }
    }

    /// Events of the connection, and those of strangers that may be its peer: an exchange that is refused early belongs
    /// to no connection yet.
    fn event_facts(&self, gateway: &Gateway, connection: &str) -> Vec<Fact> {
        let remote = gateway
            .setup
            .connections
            .iter()
            .find(|c| c.name == connection)
            .map(|c| c.remote.clone());
        let may_be_peer = |event: &Event| match (&remote, event.remote) {
            (Some(Remote::Address(peer)), Some(remote)) => remote.ip() == *peer,
            (Some(Remote::Any), _) => true,
            _ => false,
        };
        let source = format!("{} events", gateway.name);
        let concerned = |event: &&Event| {
            event.connection.as_deref() == Some(connection)
                || (event.connection.is_none() && may_be_peer(event))
        };
        (1..)
            .zip(gateway.events.iter().filter(concerned))
            .map(|(line, event)| Fact::from_event(event, Side::Local, &source, line))
            .collect()
    }

    fn daemon_says<T: Default>(
        &self,
        gateway: NodeId,
        ask: impl FnOnce(&crate::gateway::Daemon) -> T,
    ) -> T {
        let daemon = self
            .gateway(gateway)
            .and_then(|gateway| gateway.daemon.as_ref());
        daemon.map(ask).unwrap_or_default()
    }
}
