//! Replay: an endpoint that is told what another one was told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use adit_crypto::{Provider, provider};
use adit_ike::key_holder::without_credentials;
use adit_ike::pools::Pools;
use adit_ike::{Endpoint, IkeSaSnapshot, KeyAnswer, KeyRequest, Output};
use adit_model::Now;
use adit_model::event::Event;
use adit_sim::{GatewaySetup, Input, Told};

/// An endpoint under replay, with all that came out of it.
pub struct Replay {
    setup: GatewaySetup,
    running: Option<(Endpoint, Provider)>,
    pools: Pools,
    /// Every event so far.
    pub events: Vec<Event>,
    /// Every datagram so far: from, to, IKE message.
    pub sent: Vec<(SocketAddr, SocketAddr, Vec<u8>)>,
    /// How many changes of the data plane were asked for.
    pub changes: usize,
}

impl Replay {
    /// A replay of what a gateway with this setup was told. There is no endpoint before [`Told::Started`].
    #[must_use]
    pub fn new(setup: GatewaySetup) -> Self {
        Self {
            pools: Pools::default(),
            setup,
            running: None,
            events: Vec::new(),
            sent: Vec::new(),
            changes: 0,
        }
    }

    /// Tells the endpoint one thing, and takes what it has to say.
    pub fn tell(&mut self, input: &Input) {
        let now = input.at;
        if let Told::Started {
            provider_seed,
            seed,
        } = &input.told
        {
            self.start(now, *provider_seed, *seed);
        }
        if let Some((endpoint, _)) = &mut self.running {
            tell(endpoint, now, &input.told);
        }
        self.drain(now);
    }

    /// The IKE SAs.
    #[must_use]
    pub fn ike_sas(&self) -> Vec<IkeSaSnapshot> {
        let endpoint = self.running.as_ref().map(|(endpoint, _)| endpoint);
        endpoint.map(Endpoint::snapshot).unwrap_or_default()
    }

    /// Packets dropped for any reason.
    #[must_use]
    pub fn drops(&self) -> u64 {
        let endpoint = self.running.as_ref().map(|(endpoint, _)| endpoint);
        endpoint.map_or(0, |endpoint| endpoint.drops().total())
    }

    fn start(&mut self, now: Now, provider_seed: u64, seed: [u8; 32]) {
        let provider = provider::fake(provider_seed);
        let settings = self.setup.settings.clone();
        let mut endpoint = Endpoint::new(settings, provider.clone(), seed);
        for connection in &self.setup.connections {
            endpoint.set_connection(now, Arc::clone(connection));
            if let Some(held) = self.setup.keys.get(&connection.name) {
                endpoint.set_authorities(&connection.name, held.key_hashes());
            }
        }
        self.pools = Pools::new(self.setup.pools.clone());
        self.running = Some((endpoint, provider));
    }

    fn drain(&mut self, now: Now) {
        let Some((endpoint, provider)) = &mut self.running else {
            return;
        };
        while let Some(output) = endpoint.poll_output() {
            match output {
                Output::Transmit {
                    local,
                    remote,
                    payload,
                } => self.sent.push((local, remote, payload)),
                Output::KeyRequest { id, request } => {
                    let answer = answer(provider, now, &self.setup, &request);
                    endpoint.handle_answer(now, id, answer);
                }
                Output::LeaseRequest { id, request } => {
                    let answer = self.pools.lease(&request);
                    endpoint.handle_lease(now, id, answer);
                }
                Output::LeaseEnd(lease) => self.pools.end(lease),
                Output::DataPlane(_) => self.changes += 1,
                Output::Event(event) => self.events.push(event),
                Output::Keepalive { .. }
                | Output::Message(_)
                | Output::Keys(_)
                | Output::PeerAsks(_)
                | Output::PeerAnswer { .. } => {}
            }
        }
    }
}

fn tell(endpoint: &mut Endpoint, now: Now, told: &Told) {
    match told {
        Told::Started { .. } => {}
        Told::Datagram {
            local,
            remote,
            message,
        } => endpoint.handle_datagram(now, *local, *remote, message),
        Told::PathError {
            local,
            remote,
            problem,
            offender,
        } => endpoint.handle_path_error(now, *local, *remote, *problem, Some(*offender)),
        Told::Timeout => endpoint.handle_timeout(now),
        Told::Esp { spi_in } => endpoint.inbound_esp_seen(now, *spi_in),
        Told::UnknownEsp { local, remote, spi } => {
            endpoint.handle_unknown_esp(now, *local, *remote, *spi);
        }
        Told::Usage { counters } => {
            endpoint.handle_usage(now, &counters.iter().copied().collect());
        }
        // What was refused then is refused now, and the events tell.
        Told::Initiate {
            connection,
            local,
            remote,
            trigger,
        } => {
            let trigger = trigger.clone();
            drop(endpoint.initiate_for(now, connection, *local, *remote, trigger));
        }
        Told::Wanted {
            connection,
            trigger,
        } => drop(endpoint.packet_wants(now, connection, trigger.clone())),
        Told::Reauthenticate { connection } => drop(endpoint.reauthenticate(now, connection)),
        Told::Terminate { connection } => drop(endpoint.terminate(now, connection)),
        Told::Addresses { addresses } => {
            endpoint.local_addresses_changed(now, addresses.clone(), BTreeMap::new());
        }
        Told::Shutdown => endpoint.shutdown(now),
    }
}

fn answer(provider: &Provider, now: Now, setup: &GatewaySetup, request: &KeyRequest) -> KeyAnswer {
    setup.keys.get(request.connection()).map_or_else(
        || without_credentials(request),
        |held| held.answer(provider, now.wall, request),
    )
}
