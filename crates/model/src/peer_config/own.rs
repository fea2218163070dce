//! Our own configuration in these words.

use std::net::IpAddr;

use super::{
    AuthMethod, Dialect, PeerChild, PeerConnection, PeerId, Pfs, Place, Setting, Starts, Versions,
    WhenDead,
};
use crate::connection::{AuthKind, Connection, Remote, Start};
use crate::fact::Source;
use crate::proposal::Proposal;

impl PeerConnection {
    /// What our own gateway's connection is in these words. `source` is where it is written.
    #[must_use]
    pub fn from_own(connection: &Connection, source: &Source) -> Self {
        fn at<T>(value: T, source: &Source) -> Setting<T> {
            Setting::written(value, source.clone())
        }
        let starts = match connection.start {
            Start::Auto => Starts::Now,
            Start::OnDemand => Starts::OnDemand,
            Start::Passive => Starts::Passive,
        };
        let place = |address: &Option<IpAddr>| address.map_or(Place::Any, Place::Address);
        let auth = |kind| match kind {
            AuthKind::Psk => vec![AuthMethod::Psk],
            AuthKind::Certificate | AuthKind::PublicKey => vec![AuthMethod::PublicKey],
        };
        let mut out = PeerConnection::new(&connection.name, Dialect::Adit, source.clone());
        out.versions = at(Versions::V2, source);
        out.local = at(vec![place(&connection.local)], source);
        out.remote = at(
            vec![match &connection.remote {
                Remote::Address(a) => Place::Address(*a),
                Remote::Name(n) => Place::Name(n.clone()),
                Remote::Any => Place::Any,
            }],
            source,
        );
        out.local_id = at(Some(PeerId::Is(connection.local_id.clone())), source);
        out.remote_id = at(
            Some(connection.remote_id.clone().map_or(PeerId::Any, PeerId::Is)),
            source,
        );
        out.local_auth = at(auth(connection.auth.local), source);
        out.remote_auth = at(auth(connection.auth.remote), source);
        out.ike = at(Some(connection.ike.clone()), source);
        out.ppk = connection.ppk.clone().map(|ppk| at(ppk, source));
        out.force_encap = at(connection.force_encap, source);
        out.mobike = at(connection.mobike, source);
        out.dpd_delay = at(Some(connection.dpd_delay).filter(|d| !d.is_zero()), source);
        out.dpd_action = at(WhenDead::Restart, source);
        out.children = connection
            .children
            .iter()
            .map(|child| {
                let mut own = PeerChild::new(&child.name, source.clone());
                own.local_ts = at(child.local_ts.iter().copied().map(Some).collect(), source);
                own.remote_ts = at(child.remote_ts.iter().copied().map(Some).collect(), source);
                own.pfs = at(Some(Pfs::of_list(&child.esp)), source);
                own.esp = at(
                    Some(
                        child
                            .esp
                            .iter()
                            .cloned()
                            .map(|p| Proposal {
                                ke: Vec::new(),
                                addke: Default::default(),
                                ..p
                            })
                            .collect(),
                    ),
                    source,
                );
                own.mode = at(child.mode, source);
                own.starts = at(starts, source);
                own.replay_window = at(child.replay_window, source);
                own
            })
            .collect();
        out
    }
}
