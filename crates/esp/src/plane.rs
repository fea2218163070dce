//! The data plane as a whole: policies, children and their SAs, and changes to them.

use std::sync::Arc;

use adit_crypto::{BadKey, Provider, Unsupported};
use adit_model::connection::Connection;
use adit_model::dataplane::{ChildSa, DataPlaneRequest, PairCounters, Path};
use adit_model::now::Mono;
use adit_model::proposal::Suite;

use crate::chunked::Chunked;
use crate::counters::{
    ChildName, ChildReport, DropCounts, Drops, PairReport, Rejected, Traffic, sum,
};
use crate::door::Door;
use crate::dummy::Dummy;
use crate::index::Policies;
use crate::lane::Lane;
use crate::latency::{Direction, Histogram, Latencies};
use crate::links::Links;
use crate::mtu::Overhead;
use crate::open::Opened;
use crate::policy::Policy;
use crate::sa::{ChildState, Live, Pair};
use crate::seal::Sealed;
use crate::spi::BySpi;
use crate::tuple::Side;
use crate::view::{Sending, Shared, View};
use crate::walk::Walks;

/// Policies and SAs of one gateway: the control side.
///
/// [`apply`](Self::apply), [`set_policy`](Self::set_policy) and the other setters change it, and each publishes a new
/// [`View`] before it returns. Threads that carry packets find it through [`shared`](Self::shared).
/// [`seal`](Self::seal) and [`open`](Self::open) use the newest view, for those who have but one thread.
pub struct DataPlane {
    pub(crate) provider: Provider,
    lanes: u16,
    exceptions: Arc<Policies>,
    policies: Arc<Policies>,
    pub(crate) children: Vec<Child>,
    /// When the next dummy packet is due.
    pub(crate) dummies_due: Option<Mono>,
    /// What views have of the children.
    sending: Chunked<Arc<Sending>>,
    inbound: BySpi,
    tests: Arc<[u32]>,
    pub(crate) links: Links,
    drops: Arc<Drops>,
    latencies: Arc<Latencies>,
    pub(crate) walks: Arc<Walks>,
    view: Arc<View>,
    shared: Shared,
}

/// A child with its live pairs of SAs.
pub(crate) struct Child {
    pub(crate) sending: Arc<Sending>,
    /// When its next dummy packet is due.
    pub(crate) dummy_at: Option<Mono>,
    /// The pairs that were removed last, while a newer one took over: they open what is still on its way.
    draining: Vec<Arc<Pair>>,
    /// Counters of pairs that are gone, to which threads that hold an older view may still add.
    leaving: Vec<Arc<Traffic>>,
    /// Traffic of pairs that are gone for everybody.
    retired: PairCounters,
}

/// Why a request can't be carried out. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The suite names algorithms that don't work here.
    #[error(transparent)]
    Unsupported(#[from] Unsupported),
    /// The keying material doesn't fit the suite.
    #[error(transparent)]
    BadKey(#[from] BadKey),
    /// The receiving SPI is in use already.
    #[error("SPI {0:08x} is in use already")]
    SpiInUse(u32),
    /// An SPI that IANA reserves (RFC 4303 2.1).
    #[error("SPI {0} is reserved")]
    SpiReserved(u32),
    /// No pair with this receiving SPI.
    #[error("no SA with SPI {0:08x}")]
    NoSuchPair(u32),
}

/// SPIs below are reserved (RFC 4303 2.1).
const FIRST_SPI: u32 = 256;
/// Most pairs of a child that open what is still on its way.
const MOST_DRAINING: usize = 4;

impl DataPlane {
    /// A data plane without policies: everything it is asked to seal is refused.
    #[must_use]
    pub fn new(provider: Provider) -> Self {
        Self::with_lanes(provider, 1)
    }

    /// The same, with counters of their own for so many threads: those that use a [`Lane`](crate::Lane) whose number is below
    /// `lanes`. One thread at a time may use each of these numbers, or counts are lost.
    #[must_use]
    pub fn with_lanes(provider: Provider, lanes: u16) -> Self {
        let drops = Arc::new(Drops::new(lanes));
        let latencies = Arc::new(Latencies::new(lanes));
        let walks = Arc::new(Walks::default());
        let view = Arc::new(View {
            generation: 0,
            exceptions: Arc::default(),
            policies: Arc::default(),
            children: Chunked::default(),
            inbound: BySpi::default(),
            tests: Arc::from([]),
            drops: Arc::clone(&drops),
            latencies: Arc::clone(&latencies),
            walks: Arc::clone(&walks),
        });
        Self {
            provider,
            lanes,
            exceptions: Arc::default(),
            policies: Arc::default(),
            children: Vec::new(),
            dummies_due: None,
            sending: Chunked::default(),
            inbound: BySpi::default(),
            tests: Arc::from([]),
            links: Links::new(),
            drops,
            latencies,
            walks,
            shared: Shared::new(Arc::clone(&view)),
            view,
        }
    }

    /// Where threads find the newest view, for as long as they live.
    #[must_use]
    pub fn shared(&self) -> Shared {
        self.shared.clone()
    }

    /// [`View::seal`] by the newest view, for a packet of the interface that tunnels share.
    ///
    /// # Errors
    /// As there.
    pub fn seal(&self, inner: &[u8], out: &mut Vec<u8>) -> Result<Sealed, Rejected> {
        self.view.seal(Door::SHARED, inner, out)
    }

    /// [`View::seal_at`] by the newest view, for a packet of the interface that tunnels share.
    ///
    /// # Errors
    /// As there.
    pub fn seal_at(&self, now: Mono, inner: &[u8], out: &mut Vec<u8>) -> Result<Sealed, Rejected> {
        self.view.seal_at(now, Door::SHARED, inner, out)
    }

    /// [`View::seal_dummy`] by the newest view, where nobody else sends.
    pub fn seal_dummy(&self, now: Mono, dummy: Dummy, out: &mut Vec<u8>) -> Option<Sealed> {
        let (_, sealed) = self.view.seal_dummy(Lane::default(), now, dummy, out)?;
        Some(sealed)
    }

    /// [`View::open`] by the newest view.
    ///
    /// # Errors
    /// As there.
    pub fn open(&self, now: Mono, packet: &mut [u8]) -> Result<Opened<'_>, Rejected> {
        self.view.open(now, packet)
    }

    /// [`View::open_under`] by the newest view.
    ///
    /// # Errors
    /// As there.
    pub fn open_under(
        &self,
        now: Mono,
        tos: u8,
        packet: &mut [u8],
    ) -> Result<Opened<'_>, Rejected> {
        self.view.open_under(now, tos, packet)
    }

    /// Sets the policies: the children of `tunnels`, in their order. Live SAs stay; what they count stays.
    pub fn set_policy(&mut self, tunnels: &[Arc<Connection>]) {
        let configured = |name: &ChildName| {
            tunnels.iter().any(|tunnel| {
                tunnel.name == name.connection
                    && tunnel.children.iter().any(|child| child.name == name.child)
            })
        };
        self.children
            .retain(|child| !child.pairs().is_empty() || configured(child.name()));
        let mut policies = Vec::new();
        for tunnel in tunnels {
            let door = Door::of(tunnel);
            for child in &tunnel.children {
                let at = self.child(&tunnel.name, &child.name);
                if let Some(child) = self.children.get(at) {
                    child.sending.state.set_door(door);
                }
                policies.push(Policy {
                    child: at,
                    door,
                    local: Side::new(&child.local_ts),
                    remote: Side::new(&child.remote_ts),
                    gives: !tunnel.inner.pools.is_empty(),
                });
            }
        }
        self.take_policies(policies);
    }

    /// Sets the policies; children are named by their position in the list of them.
    pub(crate) fn take_policies(&mut self, policies: Vec<Policy>) {
        self.policies = Arc::new(Policies::new(policies));
        self.all_changed();
        self.publish();
    }

    /// Sets the SPIs under which test packets of a path are expected. No SA has them; what comes under them is counted as
    /// [`DropReason::EspTest`](adit_model::drops::DropReason::EspTest), and is no stray.
    pub fn set_tests(&mut self, spis: &[u32]) {
        self.tests = Arc::from(spis);
        self.publish();
    }

    /// Sets the policies that go before those of tunnels. What they take is refused in both directions: what bypasses
    /// tunnels has no business here.
    pub fn set_exceptions(&mut self, exceptions: Vec<adit_model::policy::Policy>) {
        // They are for packets of all interfaces, so they have one list.
        let policy = |(child, policy): (usize, adit_model::policy::Policy)| Policy {
            child,
            door: Door::SHARED,
            local: Side::new(&policy.local),
            remote: Side::new(&policy.remote),
            gives: false,
        };
        let exceptions = exceptions.into_iter().enumerate().map(policy).collect();
        self.exceptions = Arc::new(Policies::new(exceptions));
        self.publish();
    }

    /// The longest inner packet that fits into `link_mtu` octets under `suite` on `path`.
    ///
    /// # Errors
    /// The suite names algorithms that don't work here.
    pub fn mtu_for(
        &self,
        link_mtu: usize,
        suite: &Suite,
        path: &Path,
    ) -> Result<usize, Unsupported> {
        let protection =
            self.provider
                .protection(suite.encr.id, suite.encr.key_bits, suite.integ)?;
        Ok(Overhead::new(protection.shape(), path).inner_mtu(link_mtu))
    }

    /// Carries out what the key exchange asks for, `now`.
    ///
    /// # Errors
    /// [`ApplyError`]; nothing has changed then.
    pub fn apply(&mut self, now: Mono, request: DataPlaneRequest) -> Result<(), ApplyError> {
        match request {
            DataPlaneRequest::Install(sa) => self.install(now, *sa)?,
            DataPlaneRequest::Remove { spi_in, .. } => self.remove(now, spi_in)?,
            DataPlaneRequest::Retire { spi_in, .. } => {
                let (position, at) = self.live(spi_in)?;
                self.change(position, |pairs| {
                    if let Some(live) = pairs.get_mut(at) {
                        live.retired = true;
                    }
                });
            }
            DataPlaneRequest::MovePath { spis_in, path, .. } => {
                if let Some(unknown) = spis_in.iter().find(|spi| self.inbound.get(**spi).is_none())
                {
                    return Err(ApplyError::NoSuchPair(*unknown));
                }
                let moves = |live: &Live| spis_in.contains(&live.pair.spi_in);
                for child in &mut self.children {
                    if child.pairs().iter().any(moves) {
                        child.change(|pairs| {
                            for live in pairs.iter_mut().filter(|live| moves(live)) {
                                live.path = path;
                            }
                        });
                    }
                }
                self.fit();
            }
        }
        self.plan_dummies(now);
        self.publish();
        Ok(())
    }

    /// Every live pair, by child and age.
    #[must_use]
    pub fn pairs(&self) -> Vec<PairReport> {
        self.children
            .iter()
            .flat_map(|child| child.pairs())
            .map(|live| PairReport {
                child: Arc::clone(&live.pair.child.name),
                spi_in: live.pair.spi_in,
                spi_out: live.pair.spi_out,
                counters: PairCounters {
                    numbers_out: live.pair.outbound.sequence.used(),
                    ..live.pair.traffic.read()
                },
            })
            .collect()
    }

    /// Every child that is configured or has SAs.
    #[must_use]
    pub fn children(&self) -> Vec<ChildReport> {
        self.children.iter().map(Child::report).collect()
    }

    /// One child's traffic and drops; `None` when it is neither configured nor has SAs.
    #[must_use]
    pub fn child_report(&self, connection: &str, child: &str) -> Option<ChildReport> {
        self.children
            .iter()
            .find(|c| c.is_named(connection, child))
            .map(Child::report)
    }

    /// All drops since the data plane exists.
    #[must_use]
    pub fn drops(&self) -> DropCounts {
        self.drops.read()
    }

    /// Those that threads of one lane have counted.
    #[must_use]
    pub fn drops_of(&self, lane: Lane) -> DropCounts {
        self.drops.read_of(lane)
    }

    /// How long packets were in the gateway, as far as the edge has timed them.
    #[must_use]
    pub fn latency(&self, direction: Direction) -> Histogram {
        self.latencies.read(direction)
    }

    fn publish(&mut self) {
        self.view = Arc::new(View {
            generation: self.view.generation + 1,
            exceptions: Arc::clone(&self.exceptions),
            policies: Arc::clone(&self.policies),
            children: self.sending.clone(),
            inbound: self.inbound.clone(),
            tests: Arc::clone(&self.tests),
            drops: Arc::clone(&self.drops),
            latencies: Arc::clone(&self.latencies),
            walks: Arc::clone(&self.walks),
        });
        self.shared.publish(Arc::clone(&self.view));
    }

    /// Has every pair know what fits on its path, in views to come.
    pub(crate) fn refit(&mut self) {
        self.fit();
        self.publish();
    }

    /// Every pair that packets are sent on.
    pub(crate) fn live_pairs(&self) -> impl Iterator<Item = &Live> {
        self.children.iter().flat_map(Child::pairs)
    }

    fn fit(&mut self) {
        for child in &mut self.children {
            let links = &self.links;
            child.change(|pairs| {
                pairs
                    .iter_mut()
                    .for_each(|live| live.fit = links.fit(&live.pair, &live.path))
            });
        }
        self.all_changed();
    }

    /// Has views to come see all children as they are now.
    fn all_changed(&mut self) {
        let sending = self.children.iter().map(|child| Arc::clone(&child.sending));
        self.sending = sending.collect();
    }

    /// Changes the live pairs of one child, for views to come.
    fn change<T>(
        &mut self,
        position: usize,
        change: impl FnOnce(&mut Vec<Live>) -> T,
    ) -> Option<T> {
        let child = self.children.get_mut(position)?;
        let result = child.change(change);
        self.sending.set(position, Arc::clone(&child.sending));
        Some(result)
    }

    fn install(&mut self, now: Mono, sa: ChildSa) -> Result<(), ApplyError> {
        if let Some(reserved) = [sa.spi_in, sa.spi_out]
            .into_iter()
            .find(|spi| *spi < FIRST_SPI)
        {
            return Err(ApplyError::SpiReserved(reserved));
        }
        if self.inbound.get(sa.spi_in).is_some() {
            return Err(ApplyError::SpiInUse(sa.spi_in));
        }
        let protection =
            self.provider
                .protection(sa.suite.encr.id, sa.suite.encr.key_bits, sa.suite.integ)?;
        let at = self.child(&sa.connection, &sa.child);
        let Some(child) = self.children.get(at) else {
            return Ok(());
        };
        let path = sa.path;
        let state = Arc::clone(&child.sending.state);
        let pair = Arc::new(Pair::new(now, sa, &protection, (state, self.lanes))?);
        let live = Live::new(Arc::clone(&pair), path, &self.links);
        self.change(at, |pairs| pairs.push(live));
        self.inbound.insert(pair);
        Ok(())
    }

    fn remove(&mut self, now: Mono, spi_in: u32) -> Result<(), ApplyError> {
        let unknown = ApplyError::NoSuchPair(spi_in);
        let (position, at) = self.live(spi_in)?;
        let removed = self.change(position, |pairs| pairs.remove(at));
        let (Some(live), Some(child)) = (removed, self.children.get_mut(position)) else {
            return Err(unknown);
        };
        let pair = live.pair;
        // What the peer sealed before it removed its half may come after the key exchange's word of it.
        pair.drain(now);
        child.draining.push(pair);
        let kept = if child.pairs().is_empty() {
            0
        } else {
            MOST_DRAINING
        };
        let gone: Vec<_> = {
            let gone = child.draining.len().saturating_sub(kept);
            child.draining.drain(..gone).collect()
        };
        child
            .leaving
            .extend(gone.iter().map(|pair| Arc::clone(&pair.traffic)));
        child.settle();
        for pair in gone {
            self.inbound.remove(pair.spi_in);
        }
        Ok(())
    }

    /// The position of the child of a live pair, and that of the pair in it.
    fn live(&self, spi_in: u32) -> Result<(usize, usize), ApplyError> {
        let is = |live: &Live| live.pair.spi_in == spi_in;
        let mut children = self.children.iter().enumerate();
        children
            .find_map(|(position, child)| Some((position, child.pairs().iter().position(is)?)))
            .ok_or(ApplyError::NoSuchPair(spi_in))
    }

    /// The position of a child, which is added if it is new.
    fn child(&mut self, connection: &str, child: &str) -> usize {
        let known = self
            .children
            .iter()
            .position(|c| c.is_named(connection, child));
        known.unwrap_or_else(|| {
            let sending = Arc::new(Sending {
                state: Arc::new(ChildState::new(ChildName {
                    connection: connection.to_owned(),
                    child: child.to_owned(),
                })),
                pairs: Vec::new(),
            });
            self.sending.set(self.children.len(), Arc::clone(&sending));
            self.children.push(Child {
                sending,
                dummy_at: None,
                draining: Vec::new(),
                leaving: Vec::new(),
                retired: PairCounters::default(),
            });
            self.children.len() - 1
        })
    }
}

impl Child {
    fn name(&self) -> &ChildName {
        &self.sending.state.name
    }

    fn pairs(&self) -> &[Live] {
        &self.sending.pairs
    }

    /// Adds up the counters that nobody else holds any more.
    fn settle(&mut self) {
        let retired = &mut self.retired;
        self.leaving.retain_mut(|traffic| {
            let last = Arc::get_mut(traffic).map(|traffic| traffic.read());
            if let Some(last) = last {
                *retired = sum(*retired, last);
            }
            last.is_none()
        });
    }

    /// Changes the live pairs for views to come; those that are out see them as they were.
    fn change<T>(&mut self, change: impl FnOnce(&mut Vec<Live>) -> T) -> T {
        let mut pairs = self.sending.pairs.clone();
        let result = change(&mut pairs);
        self.sending = Arc::new(Sending {
            state: Arc::clone(&self.sending.state),
            pairs,
        });
        result
    }

    fn is_named(&self, connection: &str, child: &str) -> bool {
        self.name().connection == connection && self.name().child == child
    }

    fn report(&self) -> ChildReport {
        ChildReport {
            child: Arc::clone(&self.sending.state.name),
            pairs: self.pairs().len(),
            counters: self
                .pairs()
                .iter()
                .map(|live| &live.pair)
                .chain(&self.draining)
                .map(|pair| &pair.traffic)
                .chain(&self.leaving)
                .map(|traffic| traffic.read())
                .fold(self.retired, sum),
            drops: self.sending.state.drops.read(),
        }
    }
}
