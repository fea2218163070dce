//! What the kernel's IPsec does with packets that are followed. It lets nobody see them, but it counts: packets of each
//! state, and what it drops by reasons of its own (`xfrm_stat`), of the whole host.

use std::collections::BTreeSet;
use std::net::IpAddr;

use adit_kernel::xfrm::{Counters, Xfrm};
use adit_model::connection::Protection;
use adit_model::probed::{Check, Outcome};
use adit_model::traced::{HopOutcome, How};

use super::steps::Seen;
use super::way::Way;
use crate::probing::PairOf;
use crate::xfrm::is_our_state;

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
    /// It wasn't there before packets were followed.
    pub was_missing: bool,
    /// It came meanwhile, between the same gateways: for which child isn't known.
    pub appeared: bool,
}

/// The counters of a tunnel's states.
#[derive(Debug)]
pub(crate) struct States {
    pairs: Vec<PairOf>,
    peer: Option<IpAddr>,
    /// SPIs of every SA that the key exchange knew when the pairs were looked up.
    known: BTreeSet<u32>,
    at_first: Vec<State>,
}

/// A state, as far as is asked.
#[derive(Clone, Copy, Debug)]
struct State {
    spi: u32,
    source: IpAddr,
    destination: IpAddr,
    /// A gateway like this has made it.
    ours: bool,
    counters: Counters,
}

impl States {
    /// Begins to look at the states of these pairs; `None` when the kernel doesn't tell. States between us and `peer` with an
    /// SPI that isn't among `known` came since.
    pub fn begin(pairs: &[PairOf], peer: Option<IpAddr>, known: BTreeSet<u32>) -> Option<Self> {
        Some(Self {
            pairs: pairs.to_vec(),
            peer,
            known,
            at_first: read()?,
        })
    }

    /// What they have counted since.
    pub fn counted(self) -> Option<Vec<Counted>> {
        Some(self.compared(&read()?))
    }

    fn compared(&self, now: &[State]) -> Vec<Counted> {
        let count = |inbound, to: IpAddr, spi, appeared| {
            let of = |all: &[State]| {
                let mut all = all.iter();
                let found = all.find(|state| state.spi == spi && state.destination == to);
                found.map(|state| state.counters)
            };
            counted(inbound, spi, of(&self.at_first), of(now), appeared)
        };
        let ends = self.pairs.iter().flat_map(|pair| {
            [
                (false, pair.remote, pair.spi_out),
                (true, pair.local, pair.spi_in),
            ]
        });
        let mut all: Vec<Counted> = ends
            .map(|(inbound, to, spi)| count(inbound, to, spi, false))
            .collect();
        let peers: BTreeSet<IpAddr> = self
            .pairs
            .iter()
            .map(|pair| pair.remote)
            .chain(self.peer)
            .collect();
        for state in now.iter().filter(|state| state.ours) {
            let (to, spi) = (state.destination, state.spi);
            let inbound = peers.contains(&state.source);
            if (inbound || peers.contains(&to)) && !self.known.contains(&spi) {
                all.push(count(inbound, to, spi, true));
            }
        }
        all
    }
}

fn counted(
    inbound: bool,
    spi: u32,
    then: Option<Counters>,
    now: Option<Counters>,
    appeared: bool,
) -> Counted {
    let was_missing = then.is_none();
    let then = then.unwrap_or_default();
    let of = now.unwrap_or_default();
    Counted {
        spi,
        inbound,
        packets: of.packets.saturating_sub(then.packets),
        refused: [
            of.too_old.saturating_sub(then.too_old),
            of.replayed.saturating_sub(then.replayed),
            of.forged.saturating_sub(then.forged),
        ],
        missing: now.is_none(),
        was_missing,
        appeared,
    }
}

fn read() -> Option<Vec<State>> {
    let states = Xfrm::open().and_then(|mut xfrm| xfrm.states()).ok()?;
    let states = states.iter().map(|state| State {
        spi: state.id.spi,
        source: state.source,
        destination: state.id.destination,
        ours: is_our_state(state),
        counters: state.counters,
    });
    Some(states.collect())
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
            way.hop(back, "policy", HopOutcome::Expected, policy);
            self.wire_out(way, back, HopOutcome::Expected);
            return;
        };
        let outbound = || states.iter().filter(|state| !state.inbound);
        if outbound().next().is_none() {
            let clear = match self.situation.connection.protection {
                Protection::Optional => ", so with optional protection they leave in clear",
                Protection::Required => "",
            };
            let perhaps = self.perhaps(false);
            let reason =
                format!("the tunnel is up and has no SA for these packets{clear}{perhaps}");
            let fix = format!("adit why {name}");
            way.stop(back, "sa", "gateway", reason, Some(fix));
            return;
        }
        if let Some(state) = outbound().find(|state| state.packets > 0 && !state.appeared) {
            way.hop(back, "policy", HopOutcome::Passed, policy);
            way.hop(back, "sa", HopOutcome::Passed, sealed(state, "sealed"));
            self.wire_out(way, back, HopOutcome::Passed);
            return;
        }
        if let Some(state) = outbound().find(|state| state.appeared) {
            let told = format!(
                "SAs were replaced meanwhile (SPI {:08x} is new), so which one has sealed the packet isn't known; ask again",
                state.spi
            );
            way.hop(back, "policy", HopOutcome::Expected, policy);
            way.hop(back, "sa", HopOutcome::Unseen, told);
            self.wire_out(way, back, HopOutcome::Expected);
            return;
        }
        let gone = outbound()
            .next()
            .filter(|_| outbound().all(|state| state.missing));
        if let Some(gone) = gone {
            let reason = format!(
                "the kernel has no state with SPI {:08x} any more: somebody deleted it, or it was replaced meanwhile{}",
                gone.spi,
                self.perhaps(false)
            );
            way.stop(back, "sa", "kernel", reason, Some(self.another_pair()));
            return;
        }
        let reason = format!(
            "no SA of the tunnel has sealed the packet: no policy of this gateway in the kernel took it{}",
            self.perhaps(false)
        );
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

    /// Whether the tunnel's states refused all that came of the peer, or there is none any more, or a policy that isn't ours
    /// has the packets.
    pub(super) fn kernel_refuses(&self, way: &mut Way, back: bool) -> bool {
        let inbound = || {
            let states = self.evidence.states.iter().flatten();
            states.filter(|state| state.inbound)
        };
        // Of an SA that opens packets a reordered one is refused now and then: that is no reason.
        let opened = inbound().any(|state| state.packets > 0);
        let refused = inbound().find(|state| state.refused != [0; 3]);
        if let Some(state) = refused.filter(|_| !opened) {
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
            let counter = match state.refused {
                [0, 0, _] => "XfrmInStateProtoError",
                _ => "XfrmInStateSeqError",
            };
            let fix = self.named(meaning(counter).1);
            way.stop(back, "sa", "kernel", reason, Some(fix));
            return true;
        }
        if self.foreign_policy(way, back, true) {
            return true;
        }
        let gone = inbound().find(|state| !state.appeared);
        let now = inbound().all(|state| state.missing);
        let before = !opened && inbound().all(|state| state.was_missing);
        if let Some(gone) = gone.filter(|_| now || before) {
            let when = if now { "has" } else { "had" };
            let since = if now {
                "any more"
            } else {
                "when packets were followed"
            };
            let reason = format!(
                "the kernel {when} no state with SPI {:08x} {since}, by which the peer sends{}",
                gone.spi,
                self.perhaps(true)
            );
            way.stop(back, "sa", "kernel", reason, Some(self.another_pair()));
            return true;
        }
        false
    }

    /// Whether a policy that isn't ours has the packets, of what leaves or of what came; or there is no SA that what leaves
    /// could have, and the kernel says that it has dropped something for that. What it counts is of the whole host, so else
    /// it is no proof ([`Self::perhaps`]).
    pub(super) fn kernel_stops(&self, way: &mut Way, back: bool, inbound: bool) -> bool {
        if !self.situation.carrier.is_kernel() {
            return false;
        }
        if self.foreign_policy(way, back, inbound) {
            return true;
        }
        let Some((told, ..)) = self.dropped(inbound) else {
            return false;
        };
        if inbound || self.situation.up {
            return false;
        }
        let reason = format!("the tunnel isn't up, so there is no SA; the kernel counts {told}");
        let fix = format!("adit why {}", self.situation.connection.name);
        way.stop(back, "sa", "gateway", reason, Some(fix));
        true
    }

    /// What the kernel has dropped meanwhile, as words to add: for the whole host, so it may have been other packets.
    pub(super) fn perhaps(&self, inbound: bool) -> String {
        let dropped = self.dropped(inbound);
        let in_kernel = self.situation.carrier.is_kernel();
        match dropped.filter(|_| in_kernel) {
            Some((told, meaning, _)) => format!(
                "; perhaps the kernel's IPsec dropped it, which counts {told} meanwhile, of the whole host: {meaning}"
            ),
            None => String::new(),
        }
    }

    /// A fix, with what to do if what the kernel counts was about these packets.
    pub(super) fn or_perhaps(&self, inbound: bool, fix: Option<String>) -> Option<String> {
        let in_kernel = self.situation.carrier.is_kernel();
        let Some((.., more)) = self.dropped(inbound).filter(|_| in_kernel) else {
            return fix;
        };
        let more = self.named(more);
        Some(match fix {
            Some(fix) => format!("{fix}; if the kernel's count grows with every packet: {more}"),
            None => more,
        })
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
        // What states refuse is counted by them, too: what those of this tunnel haven't, others have.
        let states = self.evidence.states.as_ref();
        let refused = |which: &[usize]| {
            states.is_none_or(|states| {
                let of = |state: &Counted| which.iter().any(|at| state.refused.get(*at) > Some(&0));
                states.iter().any(of)
            })
        };
        let of_others = |name: &str| match name {
            "XfrmInStateSeqError" => !refused(&[0, 1]),
            "XfrmInStateProtoError" => !refused(&[2]),
            _ => false,
        };
        let counts = self.evidence.kernel.iter();
        let grown = counts.filter(|(name, _)| is_inbound(name) == inbound && !of_others(name));
        let told: Vec<String> = grown
            .clone()
            .map(|(name, more)| format!("{name} +{more}"))
            .collect();
        let (first, _) = grown.clone().next()?;
        let (meaning, fix) = meaning(first);
        Some((told.join(", "), meaning, fix))
    }
}

/// Whether a counter is about what came. A state that isn't complete yet is only met there.
fn is_inbound(counter: &str) -> bool {
    counter.starts_with("XfrmIn") || counter == "XfrmAcquireError"
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
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Both states of a pair between 192.0.2.1, which is ours, and 192.0.2.2, with what they have counted.
    fn pair(spi: u32, ours: bool, packets: u64) -> [State; 2] {
        let state = |from: &str, to: &str, spi| State {
            spi,
            source: from.parse().unwrap(),
            destination: to.parse().unwrap(),
            ours,
            counters: Counters {
                packets,
                ..Counters::default()
            },
        };
        [
            state("192.0.2.1", "192.0.2.2", spi),
            state("192.0.2.2", "192.0.2.1", spi + 1),
        ]
    }

    #[test]
    fn states_that_came_since_the_pairs_were_looked_up_are_told_apart() {
        let looked = States {
            pairs: vec![PairOf {
                child: "lan".to_owned(),
                local: "192.0.2.1".parse().unwrap(),
                remote: "192.0.2.2".parse().unwrap(),
                spi_in: 11,
                spi_out: 10,
            }],
            peer: None,
            known: [10, 11, 30, 31].into(),
            at_first: pair(10, true, 5).into(),
        };
        let told = |now: Vec<[State; 2]>| {
            let all = looked.compared(&now.concat()).into_iter();
            let of = |c: Counted| (c.spi, c.inbound, c.packets, c.missing, c.appeared);
            all.map(of).collect::<Vec<_>>()
        };
        let still = vec![(10, false, 1, false, false), (11, true, 1, false, false)];
        // Those of another child, which the key exchange knows, and those that others have made, are no news.
        let others = [pair(30, true, 9), pair(40, false, 9)];
        let [known, foreign] = others;
        assert_eq!(told(vec![pair(10, true, 6), known, foreign]), still);
        let gone = vec![
            (10, false, 0, true, false),
            (11, true, 0, true, false),
            (20, false, 2, false, true),
            (21, true, 2, false, true),
        ];
        assert_eq!(told(vec![pair(20, true, 2)]), gone);
    }

    #[test]
    fn the_counters_that_have_a_cause_of_their_own_are_told_apart() {
        let replayed = meaning("XfrmInStateSeqError");
        assert!(replayed.1.contains("replay_window"));
        assert_ne!(meaning("XfrmInNoStates").0, meaning("XfrmOutNoStates").0);
        assert!(meaning("XfrmOfTomorrow").0.contains("xfrm_proc"));
    }
}
