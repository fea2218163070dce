//! Which addresses are ours, and from which of them packets go to a tunnel's peer: what the key exchange has to know to
//! go on when they change (RFC 4555).
//!
//! The kernel tells when to look. Where it doesn't, they are looked at whenever the host is.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use adit_kernel::netlink::NetworkChanges;
use adit_model::Mono;
use adit_model::connection::Connection;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::gateway::Gateway;
use crate::local_address;
use crate::watched::watch;

/// Word from the kernel that links, addresses or routes have changed, and when to look at them.
#[derive(Default)]
pub(crate) struct NetworkWatch {
    changes: Option<AsyncFd<NetworkChanges>>,
    look_at: Option<Mono>,
}

impl NetworkWatch {
    /// Watches the calling thread's network namespace, if the kernel lets us.
    pub(crate) fn open() -> Self {
        let watched = NetworkChanges::open()
            .map_err(|error| error.to_string())
            .and_then(|changes| watch(changes, Interest::READABLE).map_err(|e| e.to_string()));
        let changes = watched.inspect_err(|problem| {
            tracing::warn!("{problem}; addresses are looked at every two seconds instead");
        });
        Self {
            changes: changes.ok(),
            look_at: Some(Mono::default()),
        }
    }

    /// Whether the kernel tells.
    pub(crate) fn is_told(&self) -> bool {
        self.changes.is_some()
    }

    /// Waits until something has changed.
    pub(crate) async fn changed(&self) {
        let Some(changes) = &self.changes else {
            return std::future::pending().await;
        };
        loop {
            let Ok(mut ready) = changes.readable().await else {
                // The runtime is going down.
                return std::future::pending().await;
            };
            let changed = changes.get_ref().take();
            ready.clear_ready();
            if changed {
                return;
            }
        }
    }

    /// When to look.
    pub(crate) fn due(&self) -> Option<Mono> {
        self.look_at
    }

    /// To be looked at `wait` from now at the latest.
    pub(crate) fn look_after(&mut self, now: Mono, wait: Duration) {
        let at = now + wait;
        self.look_at = Some(self.look_at.map_or(at, |before| before.min(at)));
    }

    /// Whether it is time to look; it isn't asked for twice.
    pub(crate) fn take_due(&mut self, now: Mono) -> bool {
        self.look_at.take_if(|at| *at <= now).is_some()
    }
}

impl Gateway {
    /// The kernel says that the network has changed. Changes come in groups, and an address is there before its route.
    pub(crate) fn on_network_change(&mut self) {
        let now = self.clock.now();
        self.network.look_after(now.mono, GROUPED);
    }

    /// Looks at the host's addresses and tells the key exchange.
    pub(crate) fn look_at_addresses(&mut self) {
        let Some(host) = &mut self.host else {
            return;
        };
        if let Err(error) = host.follow() {
            tracing::debug!("{error}");
        }
        self.backend.look_at_devices();
        let ours = match host.addresses() {
            Ok(ours) => ours,
            Err(error) => return tracing::debug!("{error}"),
        };
        let now = self.clock.now();
        for tunnel in self.tunnels.values_mut() {
            if let Some(connection) = readdressed(&tunnel.connection) {
                tunnel.connection = Arc::clone(&connection);
                self.endpoint.set_connection(now, connection);
            }
        }
        let mut sources = BTreeMap::new();
        for sa in self.endpoint.snapshot().iter().filter(|sa| sa.mobike) {
            let name = sa.connection.as_deref().unwrap_or_default();
            let Some(tunnel) = self.tunnels.get(name) else {
                continue;
            };
            let connection = &tunnel.connection;
            let source = match connection.local {
                Some(_) if connection.local_interface.is_none() => None,
                Some(local) => Some(local),
                None => host.source_for(sa.remote.ip()).ok(),
            };
            // What leaves through the tunnel device is no way to the peer.
            if let Some(source) = source.filter(|source| ours.contains(source)) {
                sources.insert(name.to_owned(), source);
            }
        }
        self.endpoint.local_addresses_changed(now, ours, sources);
    }
}

/// The connection with the address that its interface has now, if that is another one.
fn readdressed(connection: &Arc<Connection>) -> Option<Arc<Connection>> {
    connection.local_interface.as_ref()?;
    let mut found = (**connection).clone();
    // Without an address it keeps the old one, until there is another.
    local_address::look_up(&mut found).ok()?;
    let other: Option<IpAddr> = found.local.filter(|_| found.local != connection.local);
    other.map(|_| Arc::new(found))
}

/// How long changes may take to come together.
const GROUPED: Duration = Duration::from_millis(50);
