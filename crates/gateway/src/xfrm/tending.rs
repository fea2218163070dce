//! What the kernel tells, and what it has counted.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use adit_esp::{ChildName, ChildReport, PairReport};
use adit_kernel::tun::HEADER_LENGTH;
use adit_kernel::xfrm::{Counters, Event, Selector, StateId, statistics};
use adit_model::connection::Child;
use adit_model::dataplane::{PairCounters, Trigger};
use adit_model::drops::DropReason;
use adit_model::now::Mono;
use adit_model::policy::Action;
use adit_wire::ip::IpPacket;
use tokio::io::Interest;

use super::pair::{Clocks, Pair};
use super::{InKernel, LOOK, Trouble, sum};
use crate::dataplane::{Dropped, Report};

/// What there is to tell.
#[derive(Debug, Default)]
pub struct Told {
    /// As of any data plane.
    pub report: Report,
    /// Pairs whose states ended without our doing.
    pub lost: Vec<Lost>,
    /// Policies that couldn't be put in place.
    pub troubles: Vec<Trouble>,
}

/// A pair whose states ended without the key exchange's doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Whose it is.
    pub child: Arc<ChildName>,
    /// The SPI of what it received.
    pub spi_in: u32,
    /// What became of it.
    pub ended: Ended,
}

/// What became of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The kernel said that it has reached an end of its life.
    Expired,
    /// The kernel has it no more, for whatever reason.
    Missing,
    /// It couldn't go along to another path.
    Moved,
}

impl InKernel {
    /// Waits until the kernel tells something, or a packet that no policy takes was led to the device.
    pub async fn readable(&self) {
        tokio::select! {
            Ok(_) = self.events.readable() => {}
            Ok(_) = self.tun.readable() => {}
            // The runtime is going down.
            else => std::future::pending().await,
        }
    }

    /// When [`Self::tend`] has something to do.
    pub fn due(&self) -> Mono {
        if !self.lost.is_empty() {
            return Mono::default();
        }
        let draining = self.draining.iter().map(|draining| draining.until);
        let others = draining.chain(self.installed.due());
        others.fold(self.look_at, Mono::min)
    }

    /// Takes what the kernel tells.
    pub fn hear(&mut self, budget: usize) -> Told {
        let mut told = Told::default();
        let events = self.events.try_io(Interest::READABLE, |events| {
            let found = events.take();
            if found.is_empty() {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(found)
        });
        for event in events.unwrap_or_default() {
            self.heard(event, &mut told);
        }
        self.drain_tun(budget, &mut told.report);
        self.tell_more(&mut told);
        told
    }

    /// What was found out while something else was done.
    fn tell_more(&mut self, told: &mut Told) {
        told.lost.append(&mut self.lost);
        told.troubles.append(&mut self.installed.take_untold());
    }

    /// Looks at counters and ends what is due, `now`.
    pub fn tend(&mut self, now: Mono) -> Told {
        let mut told = Told::default();
        let due = |draining: &super::Draining| draining.until <= now;
        let (ended, rest) = std::mem::take(&mut self.draining)
            .into_iter()
            .partition::<Vec<_>, _>(due);
        self.draining = rest;
        for draining in ended {
            if let Err(error) = self.forget(draining.pair) {
                tracing::warn!("{error}");
            }
        }
        if self.look_at <= now {
            self.look_at = now + LOOK;
            self.look(&mut told);
        }
        if self.installed.take_due(now) {
            self.compare_policies();
        }
        self.tell_more(&mut told);
        told
    }

    /// Traffic of every live pair.
    pub fn pairs(&self) -> Vec<PairReport> {
        let (states, at) = (self.states(), self.clocks());
        let fresh = |pair: &Pair| PairReport {
            child: Arc::clone(&pair.child),
            spi_in: pair.spi_in,
            spi_out: pair.spi_out,
            counters: states
                .as_ref()
                .map_or(pair.counted, |states| pair.as_of(states, at)),
        };
        self.pairs.iter().map(fresh).collect()
    }

    /// Traffic and drops of every child that is configured or has SAs.
    pub fn children(&self) -> Vec<ChildReport> {
        let pairs = self.pairs();
        let configured = self.connections.iter().flat_map(|connection| {
            let of = |child: &Child| ChildName {
                connection: connection.name.clone(),
                child: child.name.clone(),
            };
            connection
                .children
                .iter()
                .map(move |child| Arc::new(of(child)))
        });
        let mut seen = HashSet::new();
        let names: Vec<Arc<ChildName>> = configured
            .chain(pairs.iter().map(|pair| Arc::clone(&pair.child)))
            .filter(|name| seen.insert(Arc::clone(name)))
            .collect();
        let mut traffic: HashMap<&Arc<ChildName>, (usize, PairCounters)> = HashMap::new();
        let draining = self.draining.iter().map(|draining| &draining.pair);
        let draining = draining.map(|pair| (&pair.child, 0, pair.counted));
        let live = pairs.iter().map(|pair| (&pair.child, 1, pair.counters));
        for (child, number, counters) in draining.chain(live) {
            let (count, all) = traffic.entry(child).or_default();
            *count += number;
            *all = sum(*all, counters);
        }
        let mut drops: HashMap<&Arc<ChildName>, Vec<(DropReason, u64)>> = HashMap::new();
        for ((child, reason), count) in &self.refused {
            drops.entry(child).or_default().push((*reason, *count));
        }
        let report = |child: Arc<ChildName>| {
            let (pairs, counters) = traffic.get(&child).copied().unwrap_or_default();
            let past = self.past.get(&child).copied().unwrap_or_default();
            ChildReport {
                pairs,
                counters: sum(past, counters),
                drops: drops.remove(&child).into_iter().flatten().collect(),
                child,
            }
        };
        names.into_iter().map(report).collect()
    }

    /// All drops of the data path since this gateway started.
    pub fn drops(&self) -> BTreeMap<DropReason, u64> {
        self.drops.clone()
    }

    fn heard(&mut self, event: Event, told: &mut Told) {
        self.installed.heard(&event, self.clock.now().mono);
        match event {
            Event::Acquire {
                packet,
                policy,
                number,
                ..
            } => {
                let owner = self.installed.owner(policy).cloned();
                // A packet may have come while a pair took another one's place.
                if let Some(child) = owner.filter(|child| !self.sends(child, &packet)) {
                    let (local, remote) = packet.traffic();
                    let trigger = Trigger {
                        child: child.child.clone(),
                        local,
                        remote,
                    };
                    self.asked.insert(Arc::clone(&child), number);
                    told.report.wanted.entry(child).or_insert(trigger);
                }
            }
            Event::Expire { id, hard, .. } => {
                let Some(at) = self
                    .pairs
                    .iter()
                    .position(|pair| id == pair.receiving.id || (hard && id == pair.sending.id))
                else {
                    return;
                };
                if hard {
                    self.is_lost(at, Ended::Expired);
                } else if let Some(pair) = self.pairs.get_mut(at).filter(|pair| !pair.received) {
                    // The first packet has come: the peer sends on this pair, and so has it.
                    pair.received = true;
                    told.report.seen.insert(pair.spi_in);
                    self.bring_policies();
                }
            }
            Event::Mapping { spi, from } => self.is_mapped(spi, from),
            Event::Policies => {}
            // What was lost is found by the next look, which comes at once.
            Event::Lost => self.look_at = Mono::default(),
        }
    }

    /// Whether a pair of the child takes the packet.
    fn sends(&self, child: &Arc<ChildName>, packet: &Selector) -> bool {
        let (local, remote) = packet.traffic();
        let takes = |pair: &&Pair| {
            pair.child == *child
                && !pair.gone
                && pair.ts_local.iter().any(|ts| ts.contains(&local))
                && pair.ts_remote.iter().any(|ts| ts.contains(&remote))
        };
        self.pairs.iter().any(|pair| takes(&pair))
    }

    /// The packets of an SPI come from elsewhere. A NAT may change its mind with every packet.
    fn is_mapped(&mut self, spi: u32, from: SocketAddr) {
        let now = self.clock.now().mono;
        let known = self.pairs.iter().any(|pair| pair.spi_in == spi);
        let told = self.mapped.get(&spi);
        if !known || told.is_some_and(|at| now.since(*at) < MAPPINGS) {
            return;
        }
        self.mapped.insert(spi, now);
        tracing::info!(
            "ESP under SPI {spi:08x} comes from {from} now; the key exchange follows when IKE does"
        );
    }

    fn look(&mut self, told: &mut Told) {
        let at = self.clocks();
        let Some(states) = self.states() else {
            return;
        };
        let mut missing = Vec::new();
        let mut shown = false;
        for (position, pair) in self.pairs.iter_mut().enumerate() {
            let (before, had) = (pair.counted.packets_in, pair.received);
            let refused = pair.refused;
            let received = states.get(&pair.receiving.id);
            let sent = states.get(&pair.sending.id).filter(|_| !pair.gone);
            pair.count(received, sent, at);
            if !pair.gone && (received.is_none() || sent.is_none()) {
                missing.push(position);
            }
            if pair.counted.packets_in > before {
                told.report.seen.insert(pair.spi_in);
                pair.counted.last_in = Some(at.mono);
            }
            shown |= pair.received && !had;
            for (reason, (now, then)) in REFUSED.iter().zip(pair.refused.iter().zip(refused)) {
                let more = u64::from(now.saturating_sub(then));
                if more > 0 {
                    let child = Arc::clone(&pair.child);
                    *self.refused.entry((child, *reason)).or_default() += more;
                }
            }
        }
        for draining in &mut self.draining {
            let received = states.get(&draining.pair.receiving.id);
            draining.pair.count(received, None, at);
        }
        if shown {
            self.bring_policies();
        }
        for position in missing {
            self.is_lost(position, Ended::Missing);
        }
        self.look_at_statistics(&mut told.report);
    }

    /// So many test packets of a path are expected from now on, at most; so many have come of tests that are over. What the
    /// kernel counts of them is no packet of an SA that it has lost.
    pub fn set_tests(&mut self, expected: usize, came: u64) {
        self.tested = expected;
        if let Some(count) = self.statistics.get_mut(NO_STATE) {
            *count += came;
        }
        if came > 0 {
            *self.drops.entry(DropReason::EspTest).or_default() += came;
        }
    }

    fn look_at_statistics(&mut self, report: &mut Report) {
        let mut now = statistics::read();
        // How many of them are test packets is known when these are over; what is more than they can be is none.
        let known = self.statistics.get(NO_STATE).copied();
        if let (Some(count), Some(known)) = (now.get_mut(NO_STATE), known) {
            *count = without_tests(*count, known, self.tested);
        }
        let forbids = self.exceptions.iter().any(|p| p.action == Action::Drop);
        for (name, count) in &now {
            let more = count.saturating_sub(self.statistics.get(name).copied().unwrap_or(0));
            let Some(reason) = reason(name, forbids).filter(|_| more > 0) else {
                continue;
            };
            *self.drops.entry(reason).or_default() += more;
            report
                .dropped
                .entry((reason, None))
                .and_modify(|dropped| dropped.packets += more)
                .or_insert_with(|| Dropped {
                    packets: more,
                    detail: format!("the kernel counts {name}"),
                    from: None,
                });
        }
        self.statistics = now;
    }

    /// What comes out of the device was led to a tunnel, and the kernel had no policy for it.
    fn drain_tun(&mut self, budget: usize, report: &mut Report) {
        let mut buffer = [0; SHOWN];
        for _ in 0..budget {
            let read = self
                .tun
                .try_io(Interest::READABLE, |tun| tun.read(&mut buffer));
            let Ok(length) = read else {
                return;
            };
            // Before it is what the kernel says about bundles.
            let packet = buffer.get(HEADER_LENGTH..length).unwrap_or_default();
            if is_kernels_own(packet) {
                *self.drops.entry(DropReason::OutLinkScope).or_default() += 1;
                continue;
            }
            *self.drops.entry(DropReason::OutNoPolicy).or_default() += 1;
            report.drop(
                DropReason::OutNoPolicy,
                None,
                None,
                1,
                || match IpPacket::parse(packet) {
                    Ok(ip) => format!(
                        "{} to {}, protocol {}",
                        ip.source, ip.destination, ip.protocol
                    ),
                    Err(_) => "a packet".to_owned(),
                },
            );
        }
    }

    /// Counters of every state by name; `None` when the kernel doesn't tell.
    fn states(&self) -> Option<HashMap<StateId, Counters>> {
        match self.xfrm.borrow_mut().states() {
            Ok(states) => Some(states.iter().map(|s| (s.id, s.counters)).collect()),
            Err(error) => {
                tracing::warn!("{error}");
                None
            }
        }
    }

    /// Brings the count of one pair up to now.
    pub(super) fn count_one(&mut self, pair: &mut Pair) {
        let at = self.clocks();
        let xfrm = self.xfrm.get_mut();
        let mut read = |id| xfrm.state(&id).ok().flatten().map(|state| state.counters);
        let received = read(pair.receiving.id);
        let sent = (!pair.gone).then(|| read(pair.sending.id)).flatten();
        pair.count(received.as_ref(), sent.as_ref(), at);
    }

    pub(super) fn clocks(&self) -> Clocks {
        let now = self.clock.now();
        Clocks {
            mono: now.mono,
            wall: now.wall.0 / 1000,
        }
    }
}

impl Pair {
    fn as_of(&self, states: &HashMap<StateId, Counters>, at: Clocks) -> PairCounters {
        let sent = states.get(&self.sending.id).filter(|_| !self.gone);
        self.total(states.get(&self.receiving.id), sent, at)
    }
}

/// Whether the host speaks to the link as such: IPv6 to a multicast group of link scope. Nobody is on this link.
fn is_kernels_own(packet: &[u8]) -> bool {
    packet.first().is_some_and(|first| first >> 4 == 6) && packet.get(24..26) == Some(&[0xff, 0x02])
}

/// The kernel's count of packets of no SA without those that may be test packets, after the last look had `known`.
fn without_tests(count: u64, known: u64, tests: usize) -> u64 {
    match tests {
        0 => count,
        _ => known + count.saturating_sub(known.saturating_add(tests as u64)),
    }
}

/// Our reason for one of the kernel's. A policy that blocks is one of ours for a tunnel that is down, or a drop policy.
fn reason(name: &str, forbids: bool) -> Option<DropReason> {
    Some(match name {
        "XfrmInHdrError" | "XfrmInBufferError" => DropReason::EspTooShort,
        // A state that isn't complete is only met by what comes.
        NO_STATE | "XfrmInStateInvalid" | "XfrmInStateExpired" | "XfrmAcquireError" => {
            DropReason::EspUnknownSpi
        }
        "XfrmInStateProtoError" => DropReason::EspAuthenticity,
        "XfrmInStateModeError" => DropReason::EspInnerMalformed,
        "XfrmInStateSeqError" => DropReason::EspReplay,
        "XfrmInStateMismatch"
        | "XfrmInTmplMismatch"
        | "XfrmInNoPols"
        | "XfrmInPolBlock"
        | "XfrmInPolError" => DropReason::EspInboundPolicy,
        "XfrmOutNoStates"
        | "XfrmOutStateExpired"
        | "XfrmOutStateInvalid"
        | "XfrmOutBundleCheckError" => DropReason::OutNoSa,
        "XfrmOutPolBlock" if forbids => DropReason::OutForbidden,
        "XfrmOutPolBlock" => DropReason::OutNoSa,
        "XfrmOutStateSeqError" => DropReason::OutSequenceExhausted,
        "XfrmOutStateProtoError" | "XfrmOutStateModeError" => DropReason::OutCipher,
        _ => return None,
    })
}

/// The kernel's counter of packets of no SA.
const NO_STATE: &str = "XfrmInNoStates";
/// What [`Pair::refused`] counts.
const REFUSED: [DropReason; 3] = [
    DropReason::EspTooOld,
    DropReason::EspReplay,
    DropReason::EspAuthenticity,
];
/// How often it is told that the packets of one SPI come from elsewhere.
const MAPPINGS: Duration = Duration::from_secs(60);
/// As much of a packet as is told of.
const SHOWN: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_packets_hide_no_more_than_they_can_be() {
        assert_eq!(without_tests(130, 100, 0), 130);
        assert_eq!(without_tests(148, 100, 48), 100);
        assert_eq!(without_tests(158, 100, 48), 110);
        // What was told of isn't told of again.
        assert_eq!(without_tests(158, 110, 48), 110);
    }

    #[test]
    fn what_the_kernel_counts_has_a_reason_in_its_direction() {
        // The kernel counts it in xfrm_input alone.
        let acquire = reason("XfrmAcquireError", false);
        assert_eq!(acquire, Some(DropReason::EspUnknownSpi));
        assert_eq!(reason("XfrmOutNoStates", false), Some(DropReason::OutNoSa));
        let blocked = reason("XfrmOutPolBlock", true);
        assert_eq!(blocked, Some(DropReason::OutForbidden));
        assert_eq!(reason("XfrmOfTomorrow", false), None);
    }
}
