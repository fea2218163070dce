//! Our addresses change (RFC 4555).

use std::collections::BTreeMap;
use std::net::IpAddr;

use adit_model::Now;

use super::Endpoint;
use crate::v2::Phase;

/// What is known of our addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Addresses {
    /// All of them, the most wanted first.
    pub ours: Vec<IpAddr>,
    /// By connection, the one that its packets leave from.
    pub sources: BTreeMap<String, IpAddr>,
}

impl Endpoint {
    /// The addresses that we have from now on, the most wanted first (those of hosts, not of loopback or of one link),
    /// and for connections, as far as it is known, the one from which packets go to the peer.
    ///
    /// An IKE SA that can move and whose address isn't among them goes on from another one. Where we decide which
    /// addresses are used, it also goes on from the source of its connection if that is another one than before. An
    /// address that the configuration names is left for none but that source. Peers are told of what has changed.
    pub fn local_addresses_changed(
        &mut self,
        now: Now,
        addresses: Vec<IpAddr>,
        sources: BTreeMap<String, IpAddr>,
    ) {
        let new = Addresses {
            ours: addresses,
            sources,
        };
        let changed = self.addresses != new;
        self.addresses = new;
        let concerned = |phase: &Phase| {
            phase.head().is_some_and(|head| {
                let local = head.path.local.ip();
                let elsewhere = |source: &IpAddr| *source != local;
                let Addresses { ours, sources } = &self.addresses;
                head.mobike
                    && (changed
                        || !ours.contains(&local)
                        || sources.get(&head.connection.name).is_some_and(elsewhere))
            })
        };
        let moving = self.sas.iter().filter(|(_, phase)| concerned(phase));
        let moving: Vec<u64> = moving.map(|(spi, _)| *spi).collect();
        for spi in moving {
            self.with_established(now, spi, |p, cx| p.addresses_changed(cx));
        }
    }
}
