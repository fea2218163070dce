//! Our addresses change (RFC 4555).

use std::collections::BTreeMap;
use std::net::IpAddr;

use adit_model::Now;

use super::Endpoint;
use crate::head::{Head, NetPath};
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
            self.with_sa(now, spi, |mut phase, cx| {
                match &mut phase {
                    Phase::Established(p) => p.addresses_changed(cx),
                    Phase::Closing(p) => p.addresses_changed(cx),
                    _ => {}
                }
                phase
            });
        }
    }

    /// The IKE SA has left the path `from`. What the two of us had before it and are about to delete goes along, and an IKE
    /// SA that is to take its place is set up from where we are to where the peer is.
    pub(super) fn take_along(&mut self, now: Now, spi: u64, from: NetPath) {
        let Some(head) = self.sas.get(&spi).and_then(Phase::head) else {
            return;
        };
        let (name, peer, to) = (head.connection.name.clone(), head.peer.clone(), head.path);
        let ends = |path: NetPath| (path.local.ip(), path.remote.ip());
        // Behind a NAT other peers have the same address.
        let stayed = |head: &Head| {
            let NetPath { local, remote } = head.path;
            head.connection.name == name
                && head.peer == peer
                && (local.ip(), remote) == (from.local.ip(), from.remote)
        };
        let outgoing = |phase: &Phase| match phase {
            // Of our own moves it tells by itself.
            Phase::Established(p) => {
                p.replaced.is_some() && from.local == to.local && stayed(&p.secured.head)
            }
            Phase::Closing(p) => stayed(&p.secured.head),
            _ => false,
        };
        let others = self.sas.iter().filter(|(other, _)| **other != spi);
        let along = others.filter(|(_, phase)| outgoing(phase));
        let along: Vec<u64> = along.map(|(spi, _)| *spi).collect();
        for other in along {
            self.with_sa(now, other, |mut phase, cx| {
                let secured = match &mut phase {
                    Phase::Established(p) => &mut p.secured,
                    Phase::Closing(p) => &mut p.secured,
                    _ => return phase,
                };
                secured.head.path = to;
                secured.repeat_now(cx);
                phase
            });
        }
        let left = |new: &u64| {
            let phase = self.sas.get(new).filter(|phase| !phase.is_up());
            let head = phase.and_then(Phase::head);
            head.is_some_and(|head| ends(head.path) == ends(from))
        };
        let successors = self.reauthentications.iter();
        let successors = successors.filter(|(new, old)| **old == spi && left(new));
        let successors: Vec<u64> = successors.map(|(new, _)| *new).collect();
        for new in successors {
            let mut again = false;
            self.with_sa(now, new, |mut phase, cx| match &mut phase {
                // The peer may have it already.
                Phase::AuthSent(p) => {
                    p.take_path(cx, to);
                    phase
                }
                Phase::Verifying(p) => {
                    p.take_path(cx, to);
                    phase
                }
                _ => {
                    again = true;
                    phase.close(cx, "replaced")
                }
            });
            if again {
                self.reauthentications.remove(&new);
                self.reauthentication_due(now, spi);
            }
        }
    }
}
