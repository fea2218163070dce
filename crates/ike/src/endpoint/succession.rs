//! One IKE SA after another between the same two peers: authenticating anew (RFC 7296 2.8.3), and what a second one means
//! for the first (2.4).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use adit_model::Now;
use adit_model::event::{Happening, Party};
use adit_model::life::Unique;
use adit_model::reason::Refusal;

use super::{Endpoint, PEER_BEGINS};
use crate::error::CommandError;
use crate::head::{Head, NetPath};
use crate::v2::Phase;
use crate::v2::established::Established;
use crate::v2::init_sent::InitSent;

impl Endpoint {
    /// Authenticates anew on a connection that is up: a new IKE SA with its children takes the place of the old one.
    ///
    /// # Errors
    /// [`CommandError`]; nothing has begun then.
    pub fn reauthenticate(&mut self, now: Now, name: &str) -> Result<(), CommandError> {
        self.configured(name)?;
        let spi = self.up(name)?;
        self.begin_anew(now, spi)
            .map_err(|problem| CommandError::Unusable {
                connection: name.to_owned(),
                problem,
            })
    }

    /// It is time for the IKE SA `old` to be authenticated anew.
    pub(super) fn reauthentication_due(&mut self, now: Now, old: u64) {
        let begun = self.begin_anew(now, old);
        let head = self.sas.get(&old).and_then(Phase::head).cloned();
        if let (Err(problem), Some(head)) = (begun, head) {
            let what = Happening::Refused {
                what: "reauthentication".to_owned(),
                refusal: Refusal::Local { problem },
                notify: None,
            };
            self.cx(now).event(&head, what);
        }
    }

    fn begin_anew(&mut self, now: Now, old: u64) -> Result<(), String> {
        let Some(Phase::Established(p)) = self.sas.get(&old) else {
            return Ok(());
        };
        if self.reauthentications.values().any(|being| *being == old) {
            return Ok(());
        }
        let head = &p.secured.head;
        let configured = self.connections.get(&head.connection.name);
        let connection = Arc::clone(configured.unwrap_or(&head.connection));
        if !connection.inner.pools.is_empty() {
            return Err(PEER_BEGINS.to_owned());
        }
        let path = NetPath {
            local: SocketAddr::new(head.path.local.ip(), self.settings.ike_port),
            remote: SocketAddr::new(head.path.remote.ip(), connection.remote_port),
        };
        let overlap = connection.life.make_before_break;
        let first = p.first_carried();
        if !overlap {
            self.with_sa(now, old, |phase, cx| phase.close(cx, "replaced"));
        }
        let first_contact = !self.has_contact(&connection);
        let sent = InitSent::begin(&mut self.cx(now), connection, path, first_contact, first)?;
        let new = sent.head.our_spi.0;
        if overlap {
            self.reauthentications.insert(new, old);
        }
        self.settle(now, new, Phase::InitSent(Box::new(sent)));
        Ok(())
    }

    /// The IKE SA `from` is rekeyed: what another one waits for, or is waited for, is now `to`.
    pub(super) fn inherit(&mut self, from: u64, to: u64, new: &Phase) {
        if !matches!(new, Phase::Established(p) if p.replaced.is_none()) {
            return;
        }
        if let Some(old) = self.reauthentications.remove(&from) {
            self.reauthentications.insert(to, old);
        }
        let waited_for = self.reauthentications.values_mut();
        waited_for
            .filter(|old| **old == from)
            .for_each(|old| *old = to);
    }

    /// The IKE SA `new` may have become what another one waits for to go.
    pub(super) fn succeed(&mut self, now: Now, new: u64) {
        let Some(old) = self.reauthentications.get(&new).copied() else {
            return;
        };
        match self.sas.get(&new) {
            Some(Phase::Established(p)) => {
                if !p.is_complete() {
                    return;
                }
                // Where the peer grants parts of a child, as many pairs as before; each that comes, or is refused, leads here
                // again.
                let owed = match self.sas.get(&old) {
                    Some(Phase::Established(before)) => before.owed_by(p),
                    _ => None,
                };
                if let Some(trigger) = owed {
                    return self.with_established(now, new, |p, cx| p.packet_wants(cx, trigger));
                }
                self.reauthentications.remove(&new);
                self.with_sa(now, old, |phase, cx| match phase {
                    // A pair that is still being made would take the traffic over, and go with its IKE SA.
                    Phase::Established(mut p) if p.agenda.awaits_no_child() => {
                        p.give_way_until(cx.now.mono + OVERLAP);
                        Phase::Established(p)
                    }
                    other => other.close(cx, "replaced"),
                });
            }
            // The peer has the key of a certificate that was revoked: it keeps nothing.
            Some(Phase::Closing(closing)) if closing.distrusts => {
                self.reauthentications.remove(&new);
                self.with_sa(now, old, |phase, cx| phase.close(cx, "revoked"));
            }
            // It failed otherwise: the old one stays, and tries again later.
            None | Some(Phase::Closing(_) | Phase::Lingering(_) | Phase::Gone) => {
                self.reauthentications.remove(&new);
            }
            Some(_) => {}
        }
    }

    /// The authenticated peer of the IKE SA `keep` may have had others with us; `initial` if it says that it has them no
    /// more. Only under the same connection: the key of another one says nothing about who holds this identity there.
    pub(super) fn judge_others(&mut self, now: Now, keep: u64, initial: bool) {
        let Some(Phase::Established(new)) = self.sas.get(&keep) else {
            return;
        };
        let head = new.secured.head.clone();
        let unique = head.connection.life.unique;
        if unique == Unique::Never {
            return;
        }
        let others = self
            .index
            .of_peer(&new.remote_id)
            .filter(|spi| match self.sas.get(spi) {
                Some(Phase::Established(p)) => {
                    *spi != keep
                        && same_peers(p, &head, new)
                        && (initial || (p.replaced.is_none() && !p.began))
                }
                _ => false,
            });
        let others: Vec<u64> = others.collect();
        for spi in &others {
            self.with_sa(now, *spi, |phase, cx| match phase {
                Phase::Established(p) if initial => {
                    p.end(cx, Party::Peer, "replaced");
                    Phase::Gone
                }
                Phase::Established(mut p) => {
                    p.give_way(cx);
                    Phase::Established(p)
                }
                other => other,
            });
        }
        if initial {
            let closed = u32::try_from(others.len()).unwrap_or(u32::MAX);
            self.cx(now)
                .event(&head, Happening::InitialContact { closed });
        }
    }
}

/// How long the old IKE SA stays once the new one carries everything. With it the peer takes down its CHILD SAs at once: what
/// is on its way to it under them, and what it hasn't opened yet because it's busy, would be lost.
const OVERLAP: Duration = Duration::from_secs(1);

fn same_peers(old: &Established, head: &Head, new: &Established) -> bool {
    old.secured.head.connection.name == head.connection.name
        && old.local_id == new.local_id
        && old.remote_id == new.remote_id
}
