//! Which addresses are ours, and from which of them packets go to a tunnel's peer: what the key exchange has to know to
//! go on when they change (RFC 4555).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use adit_model::connection::Connection;

use crate::gateway::Gateway;
use crate::local_address;

impl Gateway {
    /// Looks at the host's addresses and tells the key exchange.
    pub(crate) fn look_at_addresses(&mut self) {
        let Some(host) = &mut self.host else {
            return;
        };
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
