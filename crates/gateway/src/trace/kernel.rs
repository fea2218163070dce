//! What the kernel's IPsec does with packets that are followed. It lets nobody see them, but it counts: packets of each
//! state, and what it drops by reasons of its own (`xfrm_stat`), of the whole host.

use std::collections::BTreeMap;

use adit_kernel::xfrm::{Counters, Xfrm};
use adit_model::probed::{Check, Outcome};
use adit_model::traced::{HopOutcome, How};

use super::steps::Seen;
use super::way::Way;
use crate::probing::PairOf;

/// What a state has counted while packets were followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub spi: u32,
    pub inbound: bool,
    /// Packets that it sealed or opened.
    pub packets: u64,
    /// Packets that it refused: too old, replayed, forged.
    pub refused: [u32; 3],
    /// It was there at the start and isn't any more, or never was.
    pub missing: bool,
}

/// The counters of a tunnel's states, by direction and SPI.
#[derive(Debug)]
pub(crate) struct States {
    pairs: Vec<PairOf>,
    at_first: BTreeMap<(bool, u32), Counters>,
}

impl States {
    /// Begins to look at the states of these pairs; `None` when the kernel doesn't tell.
    pub fn begin(pairs: &[PairOf]) -> Option<Self> {
        Some(Self {
            pairs: pairs.to_vec(),
            at_first: read(pairs)?,
        })
    }

    /// What they have counted since.
    pub fn counted(self) -> Option<Vec<Counted>> {
        let now = read(&self.pairs)?;
        let ends = self
            .pairs
            .iter()
            .flat_map(|pair| [(false, pair.spi_out), (true, pair.spi_in)]);
        let counted = ends.map(|(inbound, spi)| {
            let then = self.at_first.get(&(inbound, spi)).copied();
            let then = then.unwrap_or_default();
            let last = now.get(&(inbound, spi)).copied();
            let of = last.unwrap_or_default();
            Counted {
                spi,
                inbound,
                packets: of.packets.saturating_sub(then.packets),
                refused: [
                    of.too_old.saturating_sub(then.too_old),
                    of.replayed.saturating_sub(then.replayed),
                    of.forged.saturating_sub(then.forged),
                ],
                missing: last.is_none(),
            }
        });
        Some(counted.collect())
    }
}

fn read(pairs: &[PairOf]) -> Option<BTreeMap<(bool, u32), Counters>> {
    let states = Xfrm::open().and_then(|mut xfrm| xfrm.states()).ok()?;
    let mut found = BTreeMap::new();
    for pair in pairs {
        for state in &states {
            let to = state.id.destination;
            if state.id.spi == pair.spi_out && to == pair.remote {
                found.insert((false, pair.spi_out), state.counters);
            } else if state.id.spi == pair.spi_in && to == pair.local {
                found.insert((true, pair.spi_in), state.counters);
            }
        }
    }
    Some(found)
}

impl Seen<'_> {
    /// What the kernel's IPsec does with packets to the peer.
    pub(super) fn kernel_outward(&self, way: &mut Way, back: bool) {
        if self.foreign_policy(way, back, false) {
            return;
        }
        let name = &self.situation.connection.name;
        if !self.situation.up {
            let counts = match self.dropped(false) {
                Some((told, ..)) => format!("; the kernel counts {told}"),
                None => String::new(),
            };
            let reason = format!("the tunnel isn't up, so there is no SA{counts}");
            way.stop(
                back,
                "sa",
                "gateway",
                reason,
                Some(format!("adit why {name}")),
            );
            return;
        }
        let policy = match self.policy() {
            Some(policy) => format!("{name}, by the kernel's policy {policy}"),
            None => name.clone(),
        };
        let states = self.evidence.states.as_ref();
        let Some(states) = states.filter(|_| self.how != How::Predicted) else {
            if !self.kernel_stops(way, back, false) {
                way.hop(back, "policy", HopOutcome::Expected, policy);
                self.wire_out(way, back, HopOutcome::Expected);
            }
            return;
        };
        let mut outbound = states.iter().filter(|state| !state.inbound);
        if let Some(state) = outbound.clone().find(|state| state.packets > 0) {
            way.hop(back, "policy", HopOutcome::Passed, policy);
            way.hop(back, "sa", HopOutcome::Passed, sealed(state, "sealed"));
            self.wire_out(way, back, HopOutcome::Passed);
            return;
        }
        if self.kernel_stops(way, back, false) {
            return;
        }
        if let Some(gone) = outbound.find(|state| state.missing) {
            let reason = format!(
                "the kernel has no state with SPI {:08x} any more: somebody deleted it, or it was replaced meanwhile",
                gone.spi
            );
            way.stop(back, "sa", "kernel", reason, Some(self.another_pair()));
            return;
        }
        let reason = "no SA of the tunnel has sealed the packet: no policy of this gateway in the kernel took it";
        let fix = format!("adit probe {name} says which policy does; ip xfrm policy lists them");
        way.stop(back, "policy", "kernel", reason, Some(fix));
    }

    /// What the kernel's IPsec did with packets of the peer that came out of it.
    pub(super) fn kernel_inward(&self, way: &mut Way, back: bool, peer: &str) {
        way.hop(
            back,
            "wire-in",
            HopOutcome::Passed,
            format!("ESP from {peer}"),
        );
        let states = self.evidence.states.iter().flatten();
        let mut opened = states.filter(|state| state.inbound && state.packets > 0);
        if let Some(state) = opened.next() {
            way.hop(back, "sa", HopOutcome::Passed, sealed(state, "opened"));
        }
    }

    /// Whether a state refused packets of the peer, or the kernel dropped them before or behind it.
    pub(super) fn kernel_refuses(&self, way: &mut Way, back: bool) -> bool {
        let states = self.evidence.states.iter().flatten();
        let mut inbound = states.filter(|state| state.inbound);
        if let Some(state) = inbound.clone().find(|state| state.refused != [0; 3]) {
            let why = [
                "older than the replay window",
                "a replay",
                "forged or damaged",
            ];
            let told: Vec<String> = state
                .refused
                .iter()
                .zip(why)
                .filter(|(count, _)| **count > 0)
                .map(|(count, why)| format!("{count} as {why}"))
                .collect();
            let reason = format!(
                "the kernel refused packets under SPI {:08x}: {}",
                state.spi,
                told.join(", ")
            );
            let fix = self.dropped(true).map(|(_, _, fix)| self.named(fix));
            way.stop(back, "sa", "kernel", reason, fix);
            return true;
        }
        if self.kernel_stops(way, back, true) {
            return true;
        }
        let gone = inbound.find(|state| state.missing);
        if let Some(gone) = gone.filter(|_| self.evidence.states.is_some()) {
            let reason = format!(
                "the kernel has no state with SPI {:08x} any more, by which the peer sends",
                gone.spi
            );
            way.stop(back, "sa", "kernel", reason, Some(self.another_pair()));
            return true;
        }
        false
    }

    /// Whether a policy that isn't ours has the packets, or the kernel's IPsec says that it has dropped something meanwhile,
    /// of what leaves or of what came.
    pub(super) fn kernel_stops(&self, way: &mut Way, back: bool, inbound: bool) -> bool {
        if !self.situation.carrier.is_kernel() {
            return false;
        }
        if self.foreign_policy(way, back, inbound) {
            return true;
        }
        let Some((told, meaning, fix)) = self.dropped(inbound) else {
            return false;
        };
        let reason = format!("the kernel's IPsec dropped packets meanwhile: {told}: {meaning}");
        way.stop(back, "sa", "kernel", reason, Some(self.named(fix)));
        true
    }

    /// A policy that isn't ours has the packets.
    pub(super) fn foreign_policy(&self, way: &mut Way, back: bool, inbound: bool) -> bool {
        let which = if inbound { "back" } else { "out" };
        let taken = |check: &&Check| {
            let takes = check.values.get("way").is_some_and(|way| way == which);
            check.id == "kernel-policies" && check.outcome == Outcome::Finding && takes
        };
        let mut checks = self.checks.iter();
        let in_kernel = self.situation.carrier.is_kernel();
        let Some(check) = checks.find(taken).filter(|_| in_kernel) else {
            return false;
        };
        let counts = match self.dropped(inbound) {
            Some((told, ..)) => format!("; the kernel counts {told}"),
            None => String::new(),
        };
        let reason = format!("{}{counts}", check.summary);
        way.stop(back, "policy", "kernel", reason, check.fix.clone());
        true
    }

    fn named(&self, fix: &str) -> String {
        fix.replace("NAME", &self.situation.connection.name)
    }

    fn another_pair(&self) -> String {
        let name = &self.situation.connection.name;
        format!("the gateway asks for another pair within a second; else: adit rekey {name}")
    }

    fn policy(&self) -> Option<&String> {
        let checks = self.checks.iter();
        let mut own = checks.filter(|check| check.id == "kernel-policies");
        own.find_map(|check| check.values.get("own"))
    }

    /// Counters of one direction that grew, with what the first one means and what to do.
    fn dropped(&self, inbound: bool) -> Option<(String, &'static str, &'static str)> {
        let way = |name: &str| name.starts_with("XfrmIn") == inbound;
        let grown = self.evidence.kernel.iter().filter(|(name, _)| way(name));
        let told: Vec<String> = grown
            .clone()
            .map(|(name, more)| format!("{name} +{more}"))
            .collect();
        let (first, _) = grown.clone().next()?;
        let (meaning, fix) = meaning(first);
        Some((told.join(", "), meaning, fix))
    }
}

fn sealed(state: &Counted, did: &str) -> String {
    format!("SPI {:08x}, {} {did} meanwhile", state.spi, state.packets)
}

/// What a counter of `/proc/net/xfrm_stat` means (Documentation/networking/xfrm_proc.rst in Linux), and what to do.
fn meaning(counter: &str) -> (&'static str, &'static str) {
    let anew = "adit rekey NAME; if it comes again, adit reset NAME";
    let policies = "adit probe NAME says which policy has these packets; ip xfrm policy lists all";
    match counter {
        "XfrmInNoStates" => (
            "ESP came under an SPI that no state has, or for another address: the peer sends on an SA that is gone here",
            anew,
        ),
        "XfrmInStateExpired" | "XfrmInStateInvalid" | "XfrmAcquireError" => {
            ("the SA had ended, or wasn't complete yet", anew)
        }
        "XfrmOutStateExpired" | "XfrmOutStateInvalid" => ("the SA had ended", anew),
        "XfrmInStateSeqError" => (
            "the sequence number was seen before, or lies before the replay window: packets are doubled on the path, or come far out of order",
            "a larger `replay_window` of the child bears more reordering; doubled packets are harmless",
        ),
        "XfrmOutStateSeqError" => ("the sequence numbers are used up", anew),
        "XfrmInStateProtoError" => (
            "the packet's integrity check failed: it was changed on the path, or the keys differ",
            "adit rekey NAME; if it goes on, something on the path changes packets (adit probe NAME)",
        ),
        "XfrmInStateMismatch" => (
            "ESP came in UDP where the SA has it plain, or the other way round",
            "adit reset NAME; a NAT that came or went on the path is found by the new set-up",
        ),
        "XfrmInTmplMismatch" => (
            "what came out of the SA isn't what a policy wants of it, or came in clear where a policy wants an SA",
            policies,
        ),
        "XfrmInNoPols" => ("no policy takes what came out of the SA", policies),
        "XfrmInPolBlock" | "XfrmOutPolBlock" => ("a policy blocks such packets", policies),
        "XfrmInHdrError" | "XfrmInBufferError" | "XfrmInError" => (
            "the packet was malformed, or there was no memory for it",
            "adit verify PEER shows what arrives",
        ),
        "XfrmOutNoStates" => (
            "a policy wants an SA that isn't there",
            "adit why NAME says why there is none",
        ),
        "XfrmFwdHdrError" => (
            "the packet couldn't be forwarded through a policy",
            policies,
        ),
        _ => (
            "see Documentation/networking/xfrm_proc.rst of Linux",
            "adit why NAME",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counters_that_have_a_cause_of_their_own_are_told_apart() {
        let replayed = meaning("XfrmInStateSeqError");
        assert!(replayed.1.contains("replay_window"));
        assert_ne!(meaning("XfrmInNoStates").0, meaning("XfrmOutNoStates").0);
        assert!(meaning("XfrmOfTomorrow").0.contains("xfrm_proc"));
    }
}
