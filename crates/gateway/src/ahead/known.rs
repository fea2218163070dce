//! What of a tunnel's future is known without looking at the host: certificates, what was agreed on, trials, counters.

use std::collections::BTreeMap;

use adit_crypto::pki::{Cert, RevocationList, RevocationPolicy};
use adit_esp::ChildReport;
use adit_ike::key_holder::Accepted;
use adit_ike::{ChildSaState, IkeSaSnapshot, IkeSaState, KeyAnswer, KeyRequest};
use adit_kernel::block::BlockCount;
use adit_model::ahead::Ahead;
use adit_model::certificate::CertificateUse;
use adit_model::connection::Protection;
use adit_model::fact::{Fact, Known, Side, Source};
use adit_model::monitored::MonitorAction;
use adit_model::{Mono, Now};

use super::gap::{Measured, counts_of};
use crate::gateway::Gateway;
use crate::tunnel::Tunnel;

/// What is looked up once for all tunnels.
pub(crate) struct Seen {
    /// IKE SAs with their children.
    snapshot: Vec<IkeSaSnapshot>,
    /// What the block has counted, by tunnel.
    pub counts: BTreeMap<String, BlockCount>,
    /// Traffic of every child.
    children: Vec<ChildReport>,
}

impl Seen {
    /// What will be gone from the counters at a later look.
    pub fn remember(&self, tunnel: &mut Tunnel) {
        let name = &tunnel.connection.name;
        tunnel.ahead.remember_carried(name, &self.children);
    }
}

impl Gateway {
    /// Looks up what the facts of any tunnel are taken from.
    pub(crate) fn seen(&self) -> Seen {
        Seen {
            snapshot: self.endpoint.snapshot(),
            counts: self.block_counts(),
            children: self.backend.children(),
        }
    }

    /// All that is known of a tunnel's future, as facts of a case.
    pub(crate) fn ahead_facts(&self, tunnel: &Tunnel, seen: &Seen) -> Vec<Fact> {
        let name = &tunnel.connection.name;
        let mut facts: Vec<Fact> = self
            .ahead_of(tunnel, seen)
            .into_iter()
            .chain(tunnel.ahead.host.iter().cloned())
            .map(|ahead| fact(name, ahead))
            .collect();
        let now = self.clock.now().wall;
        facts.extend(tunnel.ahead.peer.iter().map(|(subject, from, until)| {
            let ahead = Ahead::Certificate {
                used_as: CertificateUse::Own,
                subject: subject.clone(),
                not_before: *from,
                not_after: *until,
                now,
            };
            fact_of(name, Side::Remote, ahead)
        }));
        facts
    }

    fn ahead_of(&self, tunnel: &Tunnel, seen: &Seen) -> Vec<Ahead> {
        let now = self.clock.now();
        let connection = &tunnel.connection;
        let mut known = vec![
            Ahead::Waiting {
                ever_up: tunnel.ahead.ever_up,
                for_s: now.mono.since(tunnel.ahead.since).as_secs(),
            },
            Ahead::Watched {
                dpd_s: connection.dpd_delay.as_secs(),
                monitored: connection.monitor.is_some(),
            },
        ];
        let name = &connection.name;
        let mine = self.keys.certificates().filter(|(of, ..)| of == name);
        known.extend(mine.map(|(_, used_as, cert)| Ahead::Certificate {
            used_as,
            subject: cert.subject().to_string(),
            not_before: cert.not_before(),
            not_after: cert.not_after(),
            now: now.wall,
        }));
        known.extend(self.lists_of(name));
        let up = seen.snapshot.iter().filter(|sa| {
            sa.connection.as_ref() == Some(name) && sa.state == IkeSaState::Established
        });
        for sa in up {
            known.extend(sa.suite.map(|suite| Ahead::AgreedIke { suite }));
            known.extend(anew(sa, now));
            known.extend(nat(sa, tunnel.ahead.carried_with(name, &seen.children)));
            let pairs = sa.children.iter();
            let installed = pairs.filter(|pair| pair.state == ChildSaState::Installed);
            known.extend(installed.map(|pair| Ahead::Agreed {
                child: pair.name.clone(),
                suite: pair.suite,
                mode: pair.mode,
                ts_local: pair.ts_local.clone(),
                ts_remote: pair.ts_remote.clone(),
            }));
        }
        known.extend(tunnel.ahead.trials.facts());
        known.extend(tunnel.ahead.peer_lives());
        known.extend(self.neighbours(tunnel));
        known.extend(clear_of(tunnel, seen));
        let held_counted = self.backend.counts_held_back();
        let counts = counts_of(name, &seen.counts, &seen.children, held_counted);
        let gap = tunnel.ahead.gap.measured(now, counts);
        known.extend(gap.map(Measured::known));
        known
    }

    /// Revocation lists of the authorities that a tunnel trusts, the newest of each.
    fn lists_of(&self, name: &str) -> Vec<Ahead> {
        let Some(Accepted::Certificates(authorities)) = self.keys.of(name).map(|held| &held.peer)
        else {
            return Vec::new();
        };
        let now = self.clock.now().wall;
        let strict = authorities.revocation == RevocationPolicy::Strict;
        let mut newest: Vec<&RevocationList> = Vec::new();
        for list in authorities
            .documents
            .lists
            .iter()
            .chain(self.statuses.lists())
        {
            let trusted = |ca: &Cert| ca.subject() == list.issuer();
            if !authorities.trust.anchors.iter().any(trusted) {
                continue;
            }
            match newest.iter_mut().find(|l| l.issuer() == list.issuer()) {
                Some(known) if known.this_update() >= list.this_update() => {}
                Some(known) => *known = list,
                None => newest.push(list),
            }
        }
        let told = |list: &&RevocationList| Ahead::RevocationList {
            issuer: list.issuer().to_string(),
            this_update: list.this_update(),
            next_update: list.next_update(),
            strict,
            now,
        };
        newest.iter().map(told).collect()
    }

    /// Children of other tunnels that share the device, or the kernel's policies.
    fn neighbours(&self, tunnel: &Tunnel) -> Vec<Ahead> {
        let others = self.tunnels.values().filter(|other| {
            let stands_in = |one: &Tunnel, by: &Tunnel| {
                let action = one.connection.monitor.as_ref().map(|m| &m.action);
                matches!(action, Some(MonitorAction::FailOver(to)) if *to == by.connection.name)
            };
            other.connection.name != tunnel.connection.name
                && other.connection.interface.is_none()
                // Where one takes the other's place, they have the same networks on purpose.
                && !stands_in(tunnel, other)
                && !stands_in(other, tunnel)
        });
        others
            .flat_map(|other| other.connection.children.iter().map(move |c| (other, c)))
            .take(MOST)
            .map(|(other, child)| Ahead::Neighbour {
                tunnel: other.connection.name.clone(),
                child: child.name.clone(),
                ts_local: child.local_ts.clone(),
                ts_remote: child.remote_ts.clone(),
            })
            .collect()
    }

    /// A peer has proved itself with certificates: they are remembered.
    pub(crate) fn note_peer(&mut self, request: &KeyRequest, answer: &KeyAnswer) {
        let (KeyRequest::Verify(verify), KeyAnswer::Verified) = (request, answer) else {
            return;
        };
        let certs = verify.certificates.iter().take(MOST_PEER);
        let peer = certs
            .filter_map(|payload| Cert::from_der(&payload.data).ok())
            .map(|cert| {
                let subject = cert.subject().to_string();
                (subject, cert.not_before(), cert.not_after())
            })
            .collect();
        if let Some(tunnel) = self.tunnels.get_mut(&verify.connection) {
            tunnel.ahead.peer = peer;
        }
    }
}

/// When both sides authenticate anew, if they have to.
///
/// All of it is what held when the IKE SA came to be: another configuration changes nothing of it.
fn anew(sa: &IkeSaSnapshot, now: Now) -> Option<Ahead> {
    let reauth = sa.reauth;
    let at = |mono: Mono| now.wall_at(mono);
    let proved = reauth.proved.map(at)?;
    let any = reauth.told.is_some() || reauth.ours.is_some() || reauth.end.is_some();
    any.then(|| Ahead::Reauthentication {
        began: reauth.began,
        proved,
        told_s: reauth.told.map(|(seconds, _)| seconds),
        told_until: reauth.told.map(|(_, until)| at(until)),
        planned: reauth.planned.map(at),
        ours_at: reauth.ours.map(at),
        given_until: reauth.given.map(at),
        end: reauth.end.map(at),
        now: now.wall,
    })
}

/// What NAT detection found, and what ESP has carried: packets out and in.
fn nat(sa: &IkeSaSnapshot, (packets_out, packets_in): (u64, u64)) -> Option<Ahead> {
    let found = sa.nat?;
    Some(Ahead::Nat {
        local: sa.local.ip(),
        remote: sa.remote.ip(),
        local_behind: found.local_behind_nat,
        remote_behind: found.remote_behind_nat,
        peer_supports: found.peer_supports,
        in_udp: sa.children.iter().any(|pair| pair.udp_encap),
        packets_out,
        packets_in,
    })
}

/// What the block has counted.
fn clear_of(tunnel: &Tunnel, seen: &Seen) -> Option<Ahead> {
    let count = seen.counts.get(&tunnel.connection.name)?;
    let optional = tunnel.connection.protection == Protection::Optional;
    let of = |packets: u64| if optional { packets } else { 0 };
    Some(Ahead::Clear {
        left: of(count.optional_out.packets),
        came: of(count.optional_in.packets),
        stopped: count.clear_out.packets,
    })
}

/// What is known, as a fact of ours about a tunnel.
pub(crate) fn fact(tunnel: &str, ahead: Ahead) -> Fact {
    fact_of(tunnel, Side::Local, ahead)
}

fn fact_of(tunnel: &str, side: Side, ahead: Ahead) -> Fact {
    Fact {
        source: Source {
            name: "gateway".to_owned(),
            line: None,
            text: ahead.to_string(),
        },
        at: None,
        side,
        subject: Some(tunnel.to_owned()),
        role: None,
        what: Known::Ahead {
            ahead: Box::new(ahead),
        },
    }
}

/// Children of other tunnels that are told of.
const MOST: usize = 256;
/// Certificates of a peer that are remembered.
const MOST_PEER: usize = 8;
