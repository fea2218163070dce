//! The kernel's IPsec as the data plane.
//!
//! The key exchange asks for pairs of SAs; here they become states. [`spd`] says which policies belong to what is
//! configured and what there is, and the kernel is brought to that by differences, so that what stays is never touched.
//! Packets don't come by here: the kernel tells of one that has no SA, and counts the rest.
//!
//! Of several pairs for the same traffic exactly one sends: the policies ask for the number of its sending state. So a
//! rekey moves when the peer has shown that it has the new pair, as in our own data plane. What holds a child's traffic
//! back asks for a number that no state ever has.
//!
//! All that is made here has numbers of our own (`reqid` of states, `index` of policies), by which the next gateway finds
//! what a killed one has left. What others made isn't touched. States end by themselves soon after the key exchange
//! would have ended them, so that those of a killed gateway don't go on for ever.

mod device;
mod fit;
mod moving;
mod numbers;
mod pair;
mod policies;
mod spd;
mod tending;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use adit_esp::ChildName;
use adit_kernel::xfrm::{Events, State, Xfrm, statistics};
use adit_kernel::{KernelError, Tun};
use adit_model::connection::Connection;
use adit_model::dataplane::{ChildSa, DataPlaneRequest, PairCounters};
use adit_model::drops::DropReason;
use adit_model::now::Mono;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::clock::Clock;
use crate::error::{GatewayError, runtime_error};
use crate::interfaces::Opened;
use crate::watched::watch;

use device::{Device, Placed};
pub use fit::lacking;
use numbers::Numbers;
use pair::{Pair, Unfit};
use policies::Installed;
pub use policies::{Trouble, is_ours as is_our_policy};
use spd::{Live, Spd};
pub use tending::{Ended, Lost, Told};

/// States and policies of this gateway in the kernel.
pub struct InKernel {
    /// Asked also where nothing changes.
    xfrm: RefCell<Xfrm>,
    events: AsyncFd<Events>,
    /// The device that routes lead to. What comes out of it was for a tunnel, and no policy took it.
    tun: AsyncFd<Tun>,
    clock: Clock,
    connections: Vec<Arc<Connection>>,
    /// The numbers of the XFRM interfaces of tunnels that have one.
    interfaces: BTreeMap<String, u32>,
    exceptions: Vec<adit_model::policy::Policy>,
    /// In the order in which they were installed.
    pairs: Vec<Pair>,
    draining: Vec<Draining>,
    installed: Installed,
    /// Numbers of states.
    reqids: Numbers,
    /// The number by which what holds a child's traffic back asks for an SA, which none has.
    holds: BTreeMap<(String, String), u32>,
    hold_numbers: Numbers,
    /// The kernel's number of the last question for an SA of each child.
    asked: BTreeMap<Arc<ChildName>, u32>,
    /// Pairs that the kernel has lost, and nobody was told of.
    lost: Vec<Lost>,
    /// When it was told last that the packets of an SPI come from elsewhere.
    mapped: BTreeMap<u32, Mono>,
    /// Traffic of pairs that are gone.
    past: BTreeMap<Arc<ChildName>, PairCounters>,
    refused: BTreeMap<(Arc<ChildName>, DropReason), u64>,
    drops: BTreeMap<DropReason, u64>,
    /// The kernel's counters at the last look.
    statistics: BTreeMap<String, u64>,
    /// So many test packets of a path may come, which the kernel counts as packets of no SA.
    tested: usize,
    look_at: Mono,
    /// Why the last pair of a child isn't the work of a network device, as it was told.
    not_offloaded: BTreeMap<Arc<ChildName>, String>,
    /// Devices that took a child's states whole, and not its policies.
    not_whole: BTreeMap<Arc<ChildName>, (Device, String)>,
    /// Whether a packet filter stops what the host's own source NAT takes out of tunnels.
    filtered: bool,
    /// Nobody will answer what the policies ask.
    leaving: bool,
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
    /// There is no number left for another one.
    #[error(
        "there are {MOST_REQIDS} SAs already, which is as many as this gateway tells apart in the kernel"
    )]
    TooMany,
    /// No pair with this receiving SPI.
    #[error("no SA with SPI {0:08x}")]
    NoSuchPair(u32),
}

impl InKernel {
    /// Takes the kernel's IPsec over: what an earlier gateway left of states is removed, and its policies stay in place
    /// until [`Self::set_policy`] has those of this one there. `filtered` says whether the block is the packet filter's.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn take_over(
        opened: Vec<Opened>,
        clock: Clock,
        filtered: bool,
    ) -> Result<Self, GatewayError> {
        // Interfaces of single tunnels are the kernel's own: this is the shared one.
        let tun = opened.into_iter().flat_map(|opened| opened.queues).next();
        let tun = tun.ok_or_else(|| {
            KernelError::own("lead packets to IPsec", "", "there is no device for them")
        })?;
        let events = Events::open()?;
        let mut xfrm = Xfrm::open()?;
        remove_states(&mut xfrm)?;
        let installed = Installed::left(&mut xfrm)?;
        Ok(Self {
            xfrm: RefCell::new(xfrm),
            events: watch(events, Interest::READABLE)
                .map_err(runtime_error("watch the kernel's IPsec"))?,
            tun: watch(tun, Interest::READABLE).map_err(runtime_error("watch the TUN device"))?,
            look_at: clock.now().mono + LOOK,
            filtered,
            leaving: false,
            clock,
            connections: Vec::new(),
            interfaces: BTreeMap::new(),
            exceptions: Vec::new(),
            pairs: Vec::new(),
            draining: Vec::new(),
            installed,
            reqids: Numbers::new(REQIDS, MOST_REQIDS, []),
            holds: BTreeMap::new(),
            hold_numbers: Numbers::new(HOLDS, MOST_REQIDS, []),
            asked: BTreeMap::new(),
            lost: Vec::new(),
            mapped: BTreeMap::new(),
            past: BTreeMap::new(),
            refused: BTreeMap::new(),
            drops: BTreeMap::new(),
            not_offloaded: BTreeMap::new(),
            not_whole: BTreeMap::new(),
            statistics: statistics::read(),
            tested: 0,
        })
    }

    /// Sets the numbers of the XFRM interfaces of tunnels that have one, before [`Self::set_policy`].
    pub fn set_interfaces(&mut self, interfaces: BTreeMap<String, u32>) {
        self.interfaces = interfaces;
    }

    /// Sets what is to be protected, as far as the kernel lets us; what it refuses is told later. Live SAs stay.
    pub fn set_policy(
        &mut self,
        connections: &[Arc<Connection>],
        exceptions: &[adit_model::policy::Policy],
    ) {
        self.connections = connections.to_vec();
        self.exceptions = exceptions.to_vec();
        self.bring_policies();
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
                let pair = found.ok_or(InKernelError::NoSuchPair(spi_in))?;
                pair.retired = true;
                let child = Arc::clone(&pair.child);
                Ok(self.bring_policies_of(&child)?)
            }
            DataPlaneRequest::MovePath { spis_in, path, .. } => self.move_path(&spis_in, path),
        }
    }

    /// Takes every state away. Policies stay and hold back what has to be, as the block does: who flushes the packet
    /// filter doesn't open what they close.
    pub fn leave(&mut self) {
        self.pairs.clear();
        self.draining.clear();
        if let Err(error) = remove_states(self.xfrm.get_mut()) {
            tracing::warn!("{error}");
        }
        self.leaving = true;
        for trouble in self.bring_policies() {
            tracing::warn!("{}", trouble.error);
        }
    }

    fn install(&mut self, sa: ChildSa) -> Result<(), InKernelError> {
        let child = self.child_name(&sa.connection, &sa.child);
        let if_id = self.interfaces.get(&sa.connection).copied().unwrap_or(0);
        let shares = |pair: &&Pair| pair.receiving.if_id == if_id && pair.shares_traffic_with(&sa);
        let shared = self.pairs.iter().find(shares);
        let flow = shared.map(|pair| pair.receiving.reqid);
        let (Some(own), Some(flow)) = (self.reqids.take(), flow.or_else(|| self.reqids.take()))
        else {
            return Err(InKernelError::TooMany);
        };
        let answers = self.asked.remove(&child).unwrap_or(0);
        let made = pair::states(&sa, (flow, own), if_id, answers);
        let (mut receiving, mut sending) = match made {
            Ok(states) => states,
            Err(unfit) => {
                self.release([flow, own]);
                return Err(unfit.into());
            }
        };
        let spi_in = sa.spi_in;
        let mut placed = Placed::new(sa.carriage.hw_offload);
        placed.ask(&sa.path);
        placed.leave_out(self.not_whole.get(&child));
        let xfrm = self.xfrm.get_mut();
        if let Err(error) = device::add_pair(xfrm, [&mut receiving, &mut sending], &mut placed) {
            self.release([flow, own]);
            return Err(error.into());
        }
        let mut pair = Pair::new(sa, Arc::clone(&child), (receiving, sending), placed);
        // A state that is put in again answers nobody.
        pair.sending.answers = 0;
        self.pairs.push(pair);
        let outcome = self.bring_policies_of(&child);
        let at = self.pairs.iter().position(|pair| pair.spi_in == spi_in);
        let Err(error) = outcome else {
            self.tell_of_device(at);
            return Ok(());
        };
        if let Some(pair) = at.map(|at| self.pairs.remove(at)) {
            if let Some(refusal) = pair.placed.refusal_of_policies(&pair.sending, &error) {
                self.not_whole.insert(Arc::clone(&child), refusal);
            }
            self.bring_policies();
            let xfrm = self.xfrm.get_mut();
            for id in [pair.sending.id, pair.receiving.id] {
                if let Err(error) = xfrm.delete_state(&id) {
                    tracing::warn!("{error}");
                }
            }
            self.release([flow, own]);
        }
        Err(error.into())
    }

    fn remove(&mut self, now: Mono, spi_in: u32) -> Result<(), InKernelError> {
        let at = self.pairs.iter().position(|pair| pair.spi_in == spi_in);
        let mut pair = self
            .pairs
            .remove(at.ok_or(InKernelError::NoSuchPair(spi_in))?);
        // Another pair sends before this one stops.
        let child = Arc::clone(&pair.child);
        let mut outcome = self.bring_policies_of(&child);
        let has_heir = self.pairs.iter().any(|other| other.child == child);
        self.count_one(&mut pair);
        if !pair.gone {
            let deleted = self.xfrm.get_mut().delete_state(&pair.sending.id);
            outcome = outcome.and(deleted.map(drop));
            pair.gone = true;
        }
        // There is no state any more that would be asked for this.
        pair.before.bytes_out = pair.counted.bytes_out;
        pair.before.packets_out = pair.counted.packets_out;
        if has_heir {
            // What the peer sealed before it removed its half may come after the key exchange's word of it.
            let until = now + DRAIN;
            self.draining.push(Draining { pair, until });
        } else {
            outcome = outcome.and(self.forget(pair));
            let orphans = |draining: &Draining| {
                let alive = self.pairs.iter().any(|p| p.child == draining.pair.child);
                !alive
            };
            let (ended, rest) = std::mem::take(&mut self.draining)
                .into_iter()
                .partition::<Vec<_>, _>(orphans);
            self.draining = rest;
            for draining in ended {
                outcome = outcome.and(self.forget(draining.pair));
            }
        }
        Ok(outcome?)
    }

    /// Removes the receiving state of a pair and keeps what it has counted.
    fn forget(&mut self, mut pair: Pair) -> Result<(), KernelError> {
        self.count_one(&mut pair);
        let past = self.past.entry(Arc::clone(&pair.child)).or_default();
        *past = sum(*past, pair.counted);
        self.mapped.remove(&pair.spi_in);
        self.release([pair.receiving.reqid, pair.sending.reqid]);
        let deleted = self.xfrm.get_mut().delete_state(&pair.receiving.id);
        deleted.map(drop)
    }

    /// Gives back those of these numbers that no pair has.
    fn release(&mut self, reqids: [u32; 2]) {
        let draining = self.draining.iter().map(|draining| &draining.pair);
        let all = || self.pairs.iter().chain(draining.clone());
        for reqid in reqids {
            let has = |p: &Pair| p.receiving.reqid == reqid || p.sending.reqid == reqid;
            if !all().any(has) {
                self.reqids.give_back(reqid);
            }
        }
    }

    /// A pair can't send any more: whatever of it does is taken away, and the key exchange is told.
    pub(self) fn is_lost(&mut self, at: usize, ended: Ended) {
        let Some(pair) = self.pairs.get_mut(at).filter(|pair| !pair.gone) else {
            return;
        };
        pair.gone = true;
        let told = Lost {
            child: Arc::clone(&pair.child),
            spi_in: pair.spi_in,
            ended,
        };
        if let Err(error) = self.xfrm.get_mut().delete_state(&pair.sending.id) {
            tracing::warn!("{error}");
        }
        self.lost.push(told);
        self.bring_policies();
    }

    /// Which pair sends, of those that receive under each number: the newest that the peer can receive on.
    fn senders(&self) -> BTreeMap<u32, u32> {
        let mut flows: BTreeMap<u32, Vec<&Pair>> = BTreeMap::new();
        for pair in self.pairs.iter().rev().filter(|pair| !pair.gone) {
            flows.entry(pair.receiving.reqid).or_default().push(pair);
        }
        let sender = |newest_first: Vec<&Pair>| {
            let mut current = newest_first.iter().filter(|pair| !pair.retired);
            let Some(newest) = current.next() else {
                return newest_first.first().map(|pair| pair.spi_in);
            };
            if newest.replaces.is_none() || newest.received {
                return Some(newest.spi_in);
            }
            let old = current.find(|old| newest.replaces == Some(old.spi_in));
            Some(old.unwrap_or(newest).spi_in)
        };
        let chosen = flows.into_iter();
        chosen
            .filter_map(|(flow, pairs)| Some((flow, sender(pairs)?)))
            .collect()
    }

    fn wanted(&mut self) -> Spd {
        self.number_holds();
        let senders = self.senders();
        let live: Vec<Live<'_>> = self
            .pairs
            .iter()
            .map(|pair| Live {
                child: &pair.child,
                ts_local: &pair.ts_local,
                ts_remote: &pair.ts_remote,
                mode: pair.mode,
                path: &pair.path,
                reqid_in: pair.receiving.reqid,
                reqid_out: (!pair.gone).then_some(pair.sending.reqid),
                sends: senders.get(&pair.receiving.reqid) == Some(&pair.spi_in),
                if_id: pair.receiving.if_id,
                whole: device::whole(&pair.sending),
            })
            .collect();
        let hold = |connection: &str, child: &str| {
            let key = (connection.to_owned(), child.to_owned());
            self.holds.get(&key).copied().filter(|_| !self.leaving)
        };
        let (connections, interfaces) = (&self.connections, &self.interfaces);
        let mut wanted = spd::wanted(connections, &self.exceptions, &live, interfaces, hold);
        // Without a gateway nobody puts the packet filter back.
        if !self.filtered || self.leaving {
            spd::close_late(&mut wanted, &self.connections);
        }
        wanted
    }

    /// Gives every configured child a number, and takes back those of the others.
    fn number_holds(&mut self) {
        let configured: Vec<(String, String)> = self
            .connections
            .iter()
            .flat_map(|c| {
                c.children
                    .iter()
                    .map(|child| (c.name.clone(), child.name.clone()))
            })
            .collect();
        let numbers = &mut self.hold_numbers;
        if self.holds.len() > configured.len()
            || !configured.iter().all(|c| self.holds.contains_key(c))
        {
            let keep: std::collections::BTreeSet<_> = configured.iter().collect();
            self.holds.retain(|key, number| {
                let kept = keep.contains(key);
                if !kept {
                    numbers.give_back(*number);
                }
                kept
            });
        }
        for key in configured {
            if let std::collections::btree_map::Entry::Vacant(entry) = self.holds.entry(key)
                && let Some(number) = numbers.take()
            {
                entry.insert(number);
            }
        }
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

/// Removes every state of ours.
fn remove_states(xfrm: &mut Xfrm) -> Result<(), KernelError> {
    for state in xfrm.states()?.iter().filter(|state| is_our_state(state)) {
        xfrm.delete_state(&state.id)?;
    }
    Ok(())
}

/// Whether a state is one that a gateway like this has made.
pub fn is_our_state(state: &State) -> bool {
    (REQIDS..REQIDS + MOST_REQIDS).contains(&state.reqid)
}

/// Whether a gateway that was killed has left SAs that go on.
pub fn goes_on() -> bool {
    let states = Xfrm::open().and_then(|mut xfrm| xfrm.states());
    states.is_ok_and(|states| states.iter().any(is_our_state))
}

/// Removes every policy and state that a gateway left behind.
///
/// # Errors
/// When the kernel refuses, or has no IPsec.
pub fn remove_left() -> Result<(), KernelError> {
    let mut xfrm = Xfrm::open()?;
    remove_states(&mut xfrm)?;
    let policies = xfrm.policies()?;
    for policy in policies.iter().filter(|p| policies::is_ours(p.index)) {
        xfrm.delete_policy(&policy.id, policy.index)?;
    }
    Ok(())
}

fn sum(a: PairCounters, b: PairCounters) -> PairCounters {
    PairCounters {
        bytes_in: a.bytes_in + b.bytes_in,
        bytes_out: a.bytes_out + b.bytes_out,
        packets_in: a.packets_in + b.packets_in,
        packets_out: a.packets_out + b.packets_out,
        last_in: a.last_in.max(b.last_in),
        numbers_out: a.numbers_out + b.numbers_out,
    }
}

/// The numbers of our states.
const REQIDS: u32 = 0x0ad1_0000;
const MOST_REQIDS: u32 = 0x1_0000;
/// Numbers that templates ask for, and no state has.
const HOLDS: u32 = 0x0ad2_0000;
/// The numbers of our policies, of which the lowest three bits are the kernel's.
const INDEXES: u32 = 0x0ad0_0000;
const MOST_INDEXES: u32 = 0x2_0000;
/// How long after it was removed a pair opens packets that were under way.
const DRAIN: Duration = Duration::from_secs(2);
/// How often the kernel's counters are looked at.
const LOOK: Duration = Duration::from_secs(1);
