//! The kernel's IPsec as the data plane.
//!
//! The key exchange asks for pairs of SAs; here they become states. [`spd`] says which policies belong to what is
//! configured and what there is, and the kernel is brought to that by differences, so that what stays is never touched.
//! Packets don't come by here: the kernel tells of one that has no SA, and counts the rest.
//!
//! Of several pairs for the same traffic exactly one has its sending state in the kernel; those of the others are held
//! here. So a rekey moves when the peer has shown that it has the new pair, as in our own data plane.
//!
//! All that is made here has numbers of our own (`reqid` of states, `index` of policies), by which the next gateway finds
//! what a killed one has left. What others made isn't touched.

mod fit;
mod pair;
mod spd;
mod tending;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use adit_esp::ChildName;
use adit_kernel::xfrm::{Events, Policy, PolicyId, State, StateId, Xfrm, statistics};
use adit_kernel::{KernelError, Tun};
use adit_model::connection::Connection;
use adit_model::dataplane::{ChildSa, DataPlaneRequest, PairCounters, Path};
use adit_model::drops::DropReason;
use adit_model::now::Mono;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::clock::Clock;
use crate::error::{GatewayError, runtime_error};
use crate::interfaces::Opened;
use crate::watched::watch;

pub use fit::obstacle;
use pair::{Pair, Sending, Unfit};
use spd::{Live, Spd, Wanted};
pub use tending::Told;

/// States and policies of this gateway in the kernel.
pub struct InKernel {
    /// Asked also where nothing changes.
    xfrm: RefCell<Xfrm>,
    events: AsyncFd<Events>,
    /// The device that routes lead to. What comes out of it was for a tunnel, and no policy took it.
    tun: AsyncFd<Tun>,
    clock: Clock,
    connections: Vec<Arc<Connection>>,
    exceptions: Vec<adit_model::policy::Policy>,
    /// In the order in which they were installed.
    pairs: Vec<Pair>,
    draining: Vec<Draining>,
    /// What the kernel has, with the numbers of its policies.
    installed: BTreeMap<PolicyId, (Wanted, u32)>,
    reqids: BTreeMap<(String, String), u32>,
    numbers: u32,
    /// Traffic of pairs that are gone.
    past: BTreeMap<Arc<ChildName>, PairCounters>,
    refused: BTreeMap<(Arc<ChildName>, DropReason), u64>,
    drops: BTreeMap<DropReason, u64>,
    /// The kernel's counters at the last look.
    statistics: BTreeMap<String, u64>,
    look_at: Mono,
}

/// A receiving state that opens what is still under way.
struct Draining {
    pair: Pair,
    until: Mono,
}

/// Why the kernel can't do what the key exchange asks for.
#[derive(Debug, thiserror::Error)]
pub enum InKernelError {
    /// It isn't a thing that kernels do.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// It said so.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// No pair with this receiving SPI.
    #[error("no SA with SPI {0:08x}")]
    NoSuchPair(u32),
}

impl InKernel {
    /// Takes the kernel's IPsec over: what an earlier gateway left of states is removed, and its policies stay in place
    /// until [`Self::set_policy`] has those of this one there.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn take_over(opened: Vec<Opened>, clock: Clock) -> Result<Self, GatewayError> {
        // Tunnels with an interface of their own aren't for the kernel ([`obstacle`]).
        let tun = opened.into_iter().flat_map(|opened| opened.queues).next();
        let tun = tun.ok_or_else(|| {
            KernelError::own("lead packets to IPsec", "", "there is no device for them")
        })?;
        let events = Events::open()?;
        let mut xfrm = Xfrm::open()?;
        remove_states(&mut xfrm)?;
        let mut installed = BTreeMap::new();
        for policy in xfrm.policies()?.into_iter().filter(is_ours) {
            let wanted = Wanted {
                priority: policy.priority,
                verdict: policy.verdict,
                child: None,
            };
            installed.insert(policy.id, (wanted, policy.index));
        }
        if !installed.is_empty() {
            tracing::info!(
                "{} IPsec policies of an earlier gateway are taken over",
                installed.len()
            );
        }
        let numbers = installed.values().map(|(_, index)| (index - INDEXES) >> 3);
        Ok(Self {
            numbers: numbers.max().unwrap_or(0),
            xfrm: RefCell::new(xfrm),
            events: watch(events, Interest::READABLE)
                .map_err(runtime_error("watch the kernel's IPsec"))?,
            tun: watch(tun, Interest::READABLE).map_err(runtime_error("watch the TUN device"))?,
            look_at: clock.now().mono + LOOK,
            clock,
            connections: Vec::new(),
            exceptions: Vec::new(),
            pairs: Vec::new(),
            draining: Vec::new(),
            installed,
            reqids: BTreeMap::new(),
            past: BTreeMap::new(),
            refused: BTreeMap::new(),
            drops: BTreeMap::new(),
            statistics: statistics::read(),
        })
    }

    /// Sets what is to be protected. Live SAs stay.
    ///
    /// # Errors
    /// When the kernel refuses; what could be done is done.
    pub fn set_policy(
        &mut self,
        connections: &[Arc<Connection>],
        exceptions: &[adit_model::policy::Policy],
    ) -> Result<(), KernelError> {
        self.connections = connections.to_vec();
        self.exceptions = exceptions.to_vec();
        self.bring_policies()
    }

    /// Carries out what the key exchange asks for, `now`.
    ///
    /// # Errors
    /// [`InKernelError`]. A pair that couldn't be installed leaves nothing behind.
    pub fn apply(&mut self, now: Mono, request: DataPlaneRequest) -> Result<(), InKernelError> {
        match request {
            DataPlaneRequest::Install(sa) => self.install(*sa),
            DataPlaneRequest::Remove { spi_in, .. } => self.remove(now, spi_in),
            DataPlaneRequest::Retire { spi_in, .. } => {
                let found = self.pairs.iter_mut().find(|pair| pair.spi_in == spi_in);
                found.ok_or(InKernelError::NoSuchPair(spi_in))?.retired = true;
                self.settle()
            }
            DataPlaneRequest::MovePath { spis_in, path, .. } => self.move_path(&spis_in, path),
        }
    }

    /// Takes every state away, and the policies too unless they are to hold traffic back from now on.
    pub fn leave(&mut self, hold_back: bool) {
        let xfrm = self.xfrm.get_mut();
        let mut outcome = remove_states(xfrm);
        for id in self.installed.keys().filter(|_| !hold_back) {
            outcome = outcome.and(xfrm.delete_policy(id).map(drop));
        }
        if let Err(error) = outcome {
            tracing::warn!("{error}");
        }
    }

    fn install(&mut self, sa: ChildSa) -> Result<(), InKernelError> {
        let child = self.child_name(&sa.connection, &sa.child);
        let reqid = self.reqid_for(&sa);
        let (receiving, sending) = pair::states(&sa, reqid)?;
        self.xfrm.get_mut().add_state(&receiving)?;
        let spi_in = sa.spi_in;
        self.pairs.push(Pair::new(sa, child, reqid, sending));
        if let Err(error) = self.settle() {
            self.pairs.retain(|pair| pair.spi_in != spi_in);
            let xfrm = self.xfrm.get_mut();
            if let Err(error) = xfrm.delete_state(&receiving.id) {
                tracing::debug!("{error}");
            }
            if let Err(error) = self.settle() {
                tracing::warn!("{error}");
            }
            return Err(error);
        }
        Ok(())
    }

    fn remove(&mut self, now: Mono, spi_in: u32) -> Result<(), InKernelError> {
        let at = self.pairs.iter().position(|pair| pair.spi_in == spi_in);
        let mut pair = self
            .pairs
            .remove(at.ok_or(InKernelError::NoSuchPair(spi_in))?);
        // Another pair sends before this one stops.
        let settled = self.settle();
        let has_heir = self.pairs.iter().any(|other| other.child == pair.child);
        self.count_one(&mut pair);
        if matches!(pair.sending, Sending::Kernel) {
            self.xfrm.get_mut().delete_state(&pair.id_out())?;
            pair.sending = Sending::Gone;
        }
        if has_heir {
            // What the peer sealed before it removed its half may come after the key exchange's word of it.
            pair.before.bytes_out = pair.counted.bytes_out;
            pair.before.packets_out = pair.counted.packets_out;
            let until = now + DRAIN;
            self.draining.push(Draining { pair, until });
        } else {
            self.forget(pair)?;
            let orphans = |draining: &Draining| {
                let alive = self.pairs.iter().any(|p| p.child == draining.pair.child);
                !alive
            };
            let (ended, rest) = std::mem::take(&mut self.draining)
                .into_iter()
                .partition::<Vec<_>, _>(orphans);
            self.draining = rest;
            for draining in ended {
                self.forget(draining.pair)?;
            }
        }
        settled
    }

    /// Removes the receiving state of a pair and keeps what it has counted.
    fn forget(&mut self, mut pair: Pair) -> Result<(), KernelError> {
        self.count_one(&mut pair);
        let past = self.past.entry(Arc::clone(&pair.child)).or_default();
        *past = sum(*past, pair.counted);
        self.xfrm.get_mut().delete_state(&pair.id_in()).map(drop)
    }

    /// Every pair goes on along another path. When only ports change the kernel changes them in place; else a state gets
    /// other addresses, and with them another name, so that it is taken out and put in again with its sequence numbers.
    fn move_path(&mut self, spis_in: &[u32], path: Path) -> Result<(), InKernelError> {
        let unknown = |spi: &&u32| !self.pairs.iter().any(|pair| pair.spi_in == **spi);
        if let Some(spi) = spis_in.iter().find(unknown) {
            return Err(InKernelError::NoSuchPair(*spi));
        }
        let xfrm = self.xfrm.get_mut();
        for pair in self
            .pairs
            .iter_mut()
            .filter(|p| spis_in.contains(&p.spi_in))
        {
            let old = pair.path;
            let same = |a: std::net::SocketAddr, b: std::net::SocketAddr| a.ip() == b.ip();
            let in_place = same(old.local, path.local)
                && same(old.remote, path.remote)
                && (old.udp_encap, path.udp_encap) == (true, true);
            if let Some(state) = moved(xfrm, &pair.id_in(), &path, true, in_place)? {
                pair.before.bytes_in += state.bytes;
                pair.before.packets_in += state.packets;
            }
            match &mut pair.sending {
                Sending::Kernel => {
                    let id = StateId::new(old.remote.ip(), pair.spi_out);
                    if let Some(state) = moved(xfrm, &id, &path, false, in_place)? {
                        pair.before.bytes_out += state.bytes;
                        pair.before.packets_out += state.packets;
                    }
                }
                Sending::Held(state) => readdress(state, &path, false),
                Sending::Gone => {}
            }
            pair.path = path;
        }
        Ok(self.bring_policies()?)
    }

    /// Has exactly the pair send, of those with the same traffic, that should: the newest that the peer can receive on.
    fn settle(&mut self) -> Result<(), InKernelError> {
        let reqids: BTreeSet<u32> = self.pairs.iter().map(|pair| pair.reqid).collect();
        for reqid in reqids {
            let Some(chosen) = self.sender(reqid) else {
                continue;
            };
            let xfrm = self.xfrm.get_mut();
            // The new one goes in before the old one goes out.
            for pair in self.pairs.iter_mut().filter(|p| p.spi_in == chosen) {
                if let Sending::Held(state) = &pair.sending {
                    xfrm.add_state(state)?;
                    pair.sending = Sending::Kernel;
                }
            }
            let others = |p: &&mut Pair| p.reqid == reqid && p.spi_in != chosen;
            for pair in self.pairs.iter_mut().filter(others) {
                if matches!(pair.sending, Sending::Kernel) {
                    pair.sending = match take(xfrm, &pair.id_out())? {
                        Some(state) => {
                            pair.before.bytes_out += state.counters.bytes;
                            pair.before.packets_out += state.counters.packets;
                            Sending::Held(Box::new(state))
                        }
                        None => Sending::Gone,
                    };
                }
            }
        }
        Ok(self.bring_policies()?)
    }

    /// Which pair of those with this number sends.
    fn sender(&self, reqid: u32) -> Option<u32> {
        let newest_first = || {
            let fits = |pair: &&Pair| pair.reqid == reqid && !matches!(pair.sending, Sending::Gone);
            self.pairs.iter().rev().filter(fits)
        };
        let mut current = newest_first().filter(|pair| !pair.retired);
        let Some(newest) = current.next() else {
            return newest_first().next().map(|pair| pair.spi_in);
        };
        if newest.replaces.is_none() || newest.received {
            return Some(newest.spi_in);
        }
        let old = current.find(|old| newest.replaces == Some(old.spi_in));
        Some(old.unwrap_or(newest).spi_in)
    }

    /// Brings the kernel's policies to what they should be.
    fn bring_policies(&mut self) -> Result<(), KernelError> {
        let wanted = self.wanted();
        let xfrm = self.xfrm.get_mut();
        let mut outcome = Ok(());
        for (id, want) in &wanted {
            let known = self.installed.get(id);
            if known.is_some_and(|(have, _)| {
                have.priority == want.priority && have.verdict == want.verdict
            }) {
                if let Some((have, _)) = self.installed.get_mut(id) {
                    have.child.clone_from(&want.child);
                }
                continue;
            }
            let index = known.map_or_else(
                || {
                    self.numbers = (self.numbers + 1) % MOST_INDEXES;
                    INDEXES + (self.numbers << 3)
                },
                |(_, index)| *index,
            );
            let policy = Policy {
                id: *id,
                priority: want.priority,
                index,
                verdict: want.verdict.clone(),
            };
            match xfrm.set_policy(&policy) {
                Ok(()) => {
                    self.installed.insert(*id, (want.clone(), index));
                }
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        let stale: Vec<PolicyId> = self
            .installed
            .keys()
            .filter(|id| !wanted.contains_key(id))
            .copied()
            .collect();
        for id in stale {
            match xfrm.delete_policy(&id) {
                Ok(_) => {
                    self.installed.remove(&id);
                }
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        outcome
    }

    fn wanted(&mut self) -> Spd {
        let names: Vec<(String, String)> = self
            .connections
            .iter()
            .flat_map(|c| {
                c.children
                    .iter()
                    .map(|child| (c.name.clone(), child.name.clone()))
            })
            .collect();
        for (connection, child) in &names {
            self.reqid_of(connection, child);
        }
        // Who sends is asked last, and so decides what is wanted where two pairs differ.
        let sends = |pair: &Pair| matches!(pair.sending, Sending::Kernel);
        let (senders, others): (Vec<&Pair>, Vec<&Pair>) = self.pairs.iter().partition(|p| sends(p));
        let live: Vec<Live<'_>> = others.into_iter().chain(senders).map(Pair::live).collect();
        let reqid = |connection: &str, child: &str| {
            let key = (connection.to_owned(), child.to_owned());
            self.reqids.get(&key).copied().unwrap_or_default()
        };
        spd::wanted(&self.connections, &self.exceptions, &live, reqid)
    }

    /// The number of a pair that is to come. Pairs for the same traffic have one number, others have others, so that none
    /// speaks for the networks of another (RFC 4301 5.2).
    fn reqid_for(&mut self, sa: &ChildSa) -> u32 {
        if let Some(pair) = self.pairs.iter().find(|pair| pair.shares_traffic_with(sa)) {
            return pair.reqid;
        }
        let first = self.reqid_of(&sa.connection, &sa.child);
        if self.is_free(first) {
            return first;
        }
        self.next_reqid()
    }

    fn reqid_of(&mut self, connection: &str, child: &str) -> u32 {
        let key = (connection.to_owned(), child.to_owned());
        if let Some(reqid) = self.reqids.get(&key) {
            return *reqid;
        }
        let reqid = self.next_reqid();
        self.reqids.insert(key, reqid);
        reqid
    }

    fn next_reqid(&self) -> u32 {
        let taken = |reqid: &u32| !self.is_free(*reqid) || self.reqids.values().any(|r| r == reqid);
        (REQIDS..REQIDS + MOST_REQIDS)
            .find(|reqid| !taken(reqid))
            .unwrap_or(REQIDS)
    }

    fn is_free(&self, reqid: u32) -> bool {
        let draining = self.draining.iter().map(|draining| &draining.pair);
        !self
            .pairs
            .iter()
            .chain(draining)
            .any(|pair| pair.reqid == reqid)
    }

    fn child_name(&self, connection: &str, child: &str) -> Arc<ChildName> {
        let known = self.pairs.iter().map(|pair| &pair.child);
        let is = |name: &&Arc<ChildName>| name.connection == connection && name.child == child;
        known.into_iter().find(is).cloned().unwrap_or_else(|| {
            Arc::new(ChildName {
                connection: connection.to_owned(),
                child: child.to_owned(),
            })
        })
    }
}

impl Pair {
    fn live(&self) -> Live<'_> {
        Live {
            child: &self.child,
            ts_local: &self.ts_local,
            ts_remote: &self.ts_remote,
            mode: self.mode,
            path: &self.path,
            reqid: self.reqid,
        }
    }
}

/// Takes a sending state out of the kernel, so that it can be put in again.
fn take(xfrm: &mut Xfrm, id: &StateId) -> Result<Option<State>, KernelError> {
    let Some(mut state) = xfrm.state(id)? else {
        return Ok(None);
    };
    xfrm.delete_state(id)?;
    skip(&mut state);
    Ok(Some(state))
}

/// What was sent between the look at a state and its end isn't sent again under the same numbers, which would be the end
/// of all secrecy in counter mode (RFC 4106 2).
fn skip(state: &mut State) {
    let last = if state.replay.extended {
        u64::MAX
    } else {
        u64::from(u32::MAX)
    };
    state.replay.sent = state.replay.sent.saturating_add(SKIPPED).min(last);
}

/// Has a state that is in the kernel go on along another path; returns what it had counted if it is another one now.
fn moved(
    xfrm: &mut Xfrm,
    id: &StateId,
    path: &Path,
    inbound: bool,
    in_place: bool,
) -> Result<Option<adit_kernel::xfrm::Counters>, KernelError> {
    let Some(mut state) = xfrm.state(id)? else {
        return Ok(None);
    };
    if in_place {
        readdress(&mut state, path, inbound);
        xfrm.update_state(&state)?;
        return Ok(None);
    }
    xfrm.delete_state(id)?;
    if !inbound {
        skip(&mut state);
    }
    readdress(&mut state, path, inbound);
    xfrm.add_state(&state)?;
    Ok(Some(state.counters))
}

fn readdress(state: &mut State, path: &Path, inbound: bool) {
    let (from, to) = if inbound {
        (path.remote, path.local)
    } else {
        (path.local, path.remote)
    };
    state.source = from.ip();
    state.id.destination = to.ip();
    state.encap = path.udp_encap.then_some((from.port(), to.port()));
}

/// Removes every state of ours.
fn remove_states(xfrm: &mut Xfrm) -> Result<(), KernelError> {
    let ours = |state: &&State| (REQIDS..REQIDS + MOST_REQIDS).contains(&state.reqid);
    for state in xfrm.states()?.iter().filter(ours) {
        xfrm.delete_state(&state.id)?;
    }
    Ok(())
}

/// Removes every policy and state that a gateway left behind.
///
/// # Errors
/// When the kernel refuses, or has no IPsec.
pub fn remove_left() -> Result<(), KernelError> {
    let mut xfrm = Xfrm::open()?;
    remove_states(&mut xfrm)?;
    for policy in xfrm.policies()?.iter().filter(|policy| is_ours(policy)) {
        xfrm.delete_policy(&policy.id)?;
    }
    Ok(())
}

fn is_ours(policy: &Policy) -> bool {
    (INDEXES..INDEXES + (MOST_INDEXES << 3)).contains(&policy.index)
}

fn sum(a: PairCounters, b: PairCounters) -> PairCounters {
    PairCounters {
        bytes_in: a.bytes_in + b.bytes_in,
        bytes_out: a.bytes_out + b.bytes_out,
        packets_in: a.packets_in + b.packets_in,
        packets_out: a.packets_out + b.packets_out,
        last_in: a.last_in.max(b.last_in),
    }
}

/// The numbers of our states.
const REQIDS: u32 = 0x0ad1_0000;
const MOST_REQIDS: u32 = 0x1_0000;
/// The numbers of our policies, of which the lowest three bits are the kernel's.
const INDEXES: u32 = 0x0ad0_0000;
const MOST_INDEXES: u32 = 0x2_0000;
/// Sequence numbers that are left out when a state is taken out of the kernel: more than any machine sends between two
/// system calls.
const SKIPPED: u64 = 1 << 16;
/// How long after it was removed a pair opens packets that were under way.
const DRAIN: Duration = Duration::from_secs(2);
/// How often the kernel's counters are looked at.
const LOOK: Duration = Duration::from_secs(1);
