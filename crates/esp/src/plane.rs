//! The data plane as a whole: policies, children and their SAs, and changes to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use adit_crypto::{BadKey, Provider, Unsupported};
use adit_model::connection::Connection;
use adit_model::dataplane::{ChildSa, DataPlaneRequest, PairCounters, Path};
use adit_model::drops::DropReason;
use adit_model::now::Mono;
use adit_model::proposal::Suite;
use adit_wire::ip::IpPacket;

use crate::counters::{ChildName, ChildReport, DropCounts, Drops, PairReport, Rejected, sum};
use crate::mtu::Overhead;
use crate::policy::Policy;
use crate::sa::{ChildState, Pair};

/// Policies and SAs of one gateway.
///
/// [`apply`](Self::apply) and [`set_policy`](Self::set_policy) change it; [`seal`](Self::seal) and
/// [`open`](Self::open) use it, from any number of threads.
pub struct DataPlane {
    provider: Provider,
    pub(crate) exceptions: Vec<adit_model::policy::Policy>,
    pub(crate) policies: Vec<Policy>,
    pub(crate) children: Vec<Child>,
    pub(crate) inbound: BTreeMap<u32, Arc<Pair>>,
    pub(crate) link_mtu: usize,
    drops: Drops,
}

/// A child with its live pairs of SAs, oldest first.
pub(crate) struct Child {
    pub(crate) state: Arc<ChildState>,
    pairs: Vec<Live>,
    /// The pairs that were removed last, while a newer one took over: they open what is still on its way.
    draining: Vec<Arc<Pair>>,
    /// Traffic of pairs that are gone.
    retired: PairCounters,
}

/// A pair in use, and the path that its packets take now.
pub(crate) struct Live {
    pub(crate) pair: Arc<Pair>,
    pub(crate) path: Path,
    /// See [`DataPlaneRequest::Retire`].
    retired: bool,
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
        Self {
            provider,
            exceptions: Vec::new(),
            policies: Vec::new(),
            children: Vec::new(),
            inbound: BTreeMap::new(),
            link_mtu: usize::from(u16::MAX),
            drops: Drops::new(),
        }
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
            .retain(|child| !child.pairs.is_empty() || configured(&child.state.name));
        let mut policies = Vec::new();
        for tunnel in tunnels {
            for child in &tunnel.children {
                policies.push(Policy {
                    child: self.child(&tunnel.name, &child.name),
                    local: child.local_ts.as_slice().into(),
                    remote: child.remote_ts.as_slice().into(),
                    gives: !tunnel.inner.pools.is_empty(),
                });
            }
        }
        self.policies = policies;
    }

    /// Sets the policies that go before those of tunnels. What they take is refused in both directions: what bypasses
    /// tunnels has no business here.
    pub fn set_exceptions(&mut self, exceptions: Vec<adit_model::policy::Policy>) {
        self.exceptions = exceptions;
    }

    /// Sets the MTU of the link that sealed packets leave by, in octets. A packet whose outer packet would be longer is
    /// refused as [`DropReason::OutTooBig`]. Without this call the limit is that of IP itself.
    pub fn set_link_mtu(&mut self, link_mtu: usize) {
        self.link_mtu = link_mtu;
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
            DataPlaneRequest::Install(sa) => self.install(*sa),
            DataPlaneRequest::Remove { spi_in, .. } => self.remove(now, spi_in),
            DataPlaneRequest::Retire { spi_in, .. } => {
                let mut live = self.children.iter_mut().flat_map(|child| &mut child.pairs);
                let found = live.find(|live| live.pair.spi_in == spi_in);
                found.ok_or(ApplyError::NoSuchPair(spi_in))?.retired = true;
                Ok(())
            }
            DataPlaneRequest::MovePath { spis_in, path, .. } => {
                if let Some(unknown) = spis_in.iter().find(|spi| !self.inbound.contains_key(spi)) {
                    return Err(ApplyError::NoSuchPair(*unknown));
                }
                for live in self.children.iter_mut().flat_map(|child| &mut child.pairs) {
                    if spis_in.contains(&live.pair.spi_in) {
                        live.path = path;
                    }
                }
                Ok(())
            }
        }
    }

    /// Every live pair, by child and age.
    #[must_use]
    pub fn pairs(&self) -> Vec<PairReport> {
        self.children
            .iter()
            .flat_map(|child| &child.pairs)
            .map(|live| PairReport {
                child: Arc::clone(&live.pair.child.name),
                spi_in: live.pair.spi_in,
                spi_out: live.pair.spi_out,
                counters: live.pair.traffic.read(),
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

    pub(crate) fn reject(&self, reason: DropReason, child: Option<&Arc<ChildState>>) -> Rejected {
        self.drops.bump(reason);
        if let Some(child) = child {
            child.drops.bump(reason);
        }
        Rejected {
            reason,
            child: child.map(|child| Arc::clone(&child.name)),
        }
    }

    fn install(&mut self, sa: ChildSa) -> Result<(), ApplyError> {
        if let Some(reserved) = [sa.spi_in, sa.spi_out]
            .into_iter()
            .find(|spi| *spi < FIRST_SPI)
        {
            return Err(ApplyError::SpiReserved(reserved));
        }
        if self.inbound.contains_key(&sa.spi_in) {
            return Err(ApplyError::SpiInUse(sa.spi_in));
        }
        let protection =
            self.provider
                .protection(sa.suite.encr.id, sa.suite.encr.key_bits, sa.suite.integ)?;
        let at = self.child(&sa.connection, &sa.child);
        let Some(child) = self.children.get_mut(at) else {
            return Ok(());
        };
        let (spi_in, path) = (sa.spi_in, sa.path);
        let pair = Arc::new(Pair::new(sa, &protection, Arc::clone(&child.state))?);
        child.pairs.push(Live {
            pair: Arc::clone(&pair),
            path,
            retired: false,
        });
        self.inbound.insert(spi_in, pair);
        Ok(())
    }

    fn remove(&mut self, now: Mono, spi_in: u32) -> Result<(), ApplyError> {
        let found = self.children.iter_mut().find_map(|child| {
            let at = child
                .pairs
                .iter()
                .position(|live| live.pair.spi_in == spi_in)?;
            Some((child.pairs.remove(at).pair, child))
        });
        let (pair, child) = found.ok_or(ApplyError::NoSuchPair(spi_in))?;
        // What the peer sealed before it removed its half may come after the key exchange's word of it.
        pair.drain(now);
        child.draining.push(pair);
        let kept = if child.pairs.is_empty() {
            0
        } else {
            MOST_DRAINING
        };
        let gone = child.draining.len().saturating_sub(kept);
        for pair in child.draining.drain(..gone) {
            child.retired = sum(child.retired, pair.traffic.read());
            self.inbound.remove(&pair.spi_in);
        }
        Ok(())
    }

    /// The position of a child, which is added if it is new.
    fn child(&mut self, connection: &str, child: &str) -> usize {
        let known = self
            .children
            .iter()
            .position(|c| c.is_named(connection, child));
        known.unwrap_or_else(|| {
            self.children.push(Child {
                state: Arc::new(ChildState {
                    name: Arc::new(ChildName {
                        connection: connection.to_owned(),
                        child: child.to_owned(),
                    }),
                    drops: Drops::new(),
                }),
                pairs: Vec::new(),
                draining: Vec::new(),
                retired: PairCounters::default(),
            });
            self.children.len() - 1
        })
    }
}

impl Live {
    fn replaces(&self, old: &Live) -> bool {
        self.pair.replaces == Some(old.pair.spi_in)
    }
}

impl Child {
    /// The newest pair whose negotiated selectors take the packet, and that the peer can receive on.
    pub(crate) fn pair_for(&self, packet: &IpPacket<'_>) -> Option<&Live> {
        let newest_first = || {
            let takes = |live: &&Live| live.pair.takes_outbound(packet);
            self.pairs.iter().rev().filter(takes)
        };
        let mut current = newest_first().filter(|live| !live.retired);
        let Some(newest) = current.next() else {
            return newest_first().next();
        };
        if newest.pair.replaces.is_none() || newest.pair.has_received() {
            return Some(newest);
        }
        current.find(|old| newest.replaces(old)).or(Some(newest))
    }

    fn is_named(&self, connection: &str, child: &str) -> bool {
        self.state.name.connection == connection && self.state.name.child == child
    }

    fn report(&self) -> ChildReport {
        ChildReport {
            child: Arc::clone(&self.state.name),
            pairs: self.pairs.len(),
            counters: self
                .pairs
                .iter()
                .map(|live| &live.pair)
                .chain(&self.draining)
                .map(|pair| pair.traffic.read())
                .fold(self.retired, sum),
            drops: self.state.drops.read(),
        }
    }
}
