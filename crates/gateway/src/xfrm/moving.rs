//! Pairs that go on along another path (RFC 4555).
//!
//! When only ports change, the kernel changes them in place. Else a state gets other addresses, and with them another
//! name: it is taken out, and put in again with the sequence numbers that it had in that moment. A number that was used
//! twice would be the end of all secrecy in counter mode (RFC 4106 2).
//!
//! That is also why it isn't left to `XFRM_MSG_MIGRATE`: the kernel clones the state with its numbers, puts the clone in,
//! and takes the old one out afterwards (`xfrm_migrate` in net/xfrm/xfrm_policy.c). What the old one seals in between, on
//! another processor, has numbers that the clone uses again.

use std::net::SocketAddr;
use std::sync::Arc;

use adit_kernel::KernelError;
use adit_kernel::xfrm::{Counters, State, Xfrm};
use adit_model::carriage::HwOffload;
use adit_model::dataplane::Path;

use super::device::{self, Placed};
use super::pair::Pair;
use super::{Ended, InKernel, InKernelError};

/// What became of a state.
enum Moved {
    /// It goes on, and counts from the start again if it had these counts before.
    On(Option<Counters>),
    /// It wasn't there any more, or is gone now.
    Gone,
}

impl InKernel {
    /// Has pairs go on along another path: all of them, or none.
    pub(super) fn move_path(&mut self, spis_in: &[u32], path: Path) -> Result<(), InKernelError> {
        let unknown = |spi: &&u32| !self.pairs.iter().any(|pair| pair.spi_in == **spi);
        if let Some(spi) = spis_in.iter().find(unknown) {
            return Err(InKernelError::NoSuchPair(*spi));
        }
        let moving = |pair: &Pair| spis_in.contains(&pair.spi_in);
        let positions: Vec<usize> = (0..self.pairs.len())
            .filter(|at| self.pairs.get(*at).is_some_and(moving))
            .collect();
        let mut done: Vec<(usize, Path)> = Vec::new();
        for at in positions {
            let Some(old) = self.pairs.get(at).map(|pair| pair.path) else {
                continue;
            };
            if let Err(error) = self.move_pair(at, path) {
                for (at, old) in done {
                    if let Err(worse) = self.move_pair(at, old) {
                        tracing::warn!("{worse}");
                    }
                }
                self.bring_policies();
                return Err(error.into());
            }
            done.push((at, old));
        }
        let children = done.iter().filter_map(|(at, _)| self.pairs.get(*at));
        let children: Vec<_> = children.map(|pair| Arc::clone(&pair.child)).collect();
        let mut outcome = Ok(());
        for child in children {
            outcome = outcome.and(self.bring_policies_of(&child));
        }
        Ok(outcome?)
    }

    /// Both states of a pair, or neither. The path may be the one that it has, where another device leads along it.
    pub(super) fn move_pair(&mut self, at: usize, path: Path) -> Result<(), KernelError> {
        let wall = self.clocks().wall;
        let Some(pair) = self.pairs.get_mut(at) else {
            return Ok(());
        };
        let xfrm = self.xfrm.get_mut();
        let old = pair.path;
        let mut placed = pair.placed.clone();
        placed.ask(&path);
        if placed.wish == HwOffload::Packet {
            placed.refuse("is asked with the next keys");
        }
        let in_place = goes_in_place(&old, &path) && placed.asked == pair.placed.asked;
        if !in_place && device::whole(&pair.sending).is_some() {
            // The device has their numbers.
            pair.end(xfrm)?;
            pair.path = path;
            self.is_lost(at, Ended::Moved);
            return Ok(());
        }
        let received = pair.received;
        let step = |xfrm: &mut Xfrm,
                    state: &mut State,
                    path: &Path,
                    inbound: bool,
                    placed: &mut Placed| {
            if received {
                // Only the first packet is told of.
                state.life.soft_packets = None;
            }
            relocate(xfrm, state, path, (inbound, in_place), (wall, placed))
        };
        let inward = step(xfrm, &mut pair.receiving, &path, true, &mut placed)?;
        let outward = if pair.gone {
            Ok(Moved::Gone)
        } else {
            step(xfrm, &mut pair.sending, &path, false, &mut placed)
        };
        let outward = match outward {
            Ok(outward) => outward,
            Err(error) => {
                let former = &mut pair.placed;
                let back = step(xfrm, &mut pair.receiving, &old, true, former)?;
                pair.take_in(back, true);
                pair.take_in(inward, true);
                return Err(error);
            }
        };
        pair.path = path;
        if !in_place {
            device::look(xfrm, [&pair.receiving, &pair.sending], &mut placed);
            pair.placed = placed;
        }
        let was_there = !pair.gone;
        let whole = pair.take_in(inward, true) & pair.take_in(outward, false);
        if was_there && !whole {
            self.is_lost(at, Ended::Moved);
        }
        self.tell_of_device(Some(at));
        Ok(())
    }
}

impl Pair {
    /// Takes both states out for good, and keeps what they had counted.
    fn end(&mut self, xfrm: &mut Xfrm) -> Result<(), KernelError> {
        for (id, inbound) in [(self.sending.id, false), (self.receiving.id, true)] {
            if let Some(end) = xfrm.take_state(&id)? {
                self.take_in(Moved::On(Some(end.counters)), inbound);
            }
        }
        Ok(())
    }

    /// Keeps what a state had counted; whether it goes on.
    fn take_in(&mut self, moved: Moved, inbound: bool) -> bool {
        let (before, goes_on) = match moved {
            Moved::On(before) => (before.unwrap_or_default(), true),
            Moved::Gone => (Counters::default(), false),
        };
        if inbound {
            self.before.bytes_in += before.bytes;
            self.before.packets_in += before.packets;
        } else {
            self.before.bytes_out += before.bytes;
            self.before.packets_out += before.packets;
        }
        goes_on
    }
}

fn goes_in_place(old: &Path, new: &Path) -> bool {
    let same = |a: SocketAddr, b: SocketAddr| a.ip() == b.ip();
    same(old.local, new.local)
        && same(old.remote, new.remote)
        && (old.udp_encap, new.udp_encap) == (true, true)
}

/// Has a state go on along another path. On failure it is as it was.
fn relocate(
    xfrm: &mut Xfrm,
    state: &mut State,
    path: &Path,
    (inbound, in_place): (bool, bool),
    (wall, placed): (u64, &mut Placed),
) -> Result<Moved, KernelError> {
    let mut new = state.clone();
    readdress(&mut new, path, inbound);
    if in_place {
        // A device that is named would be asked to take another one.
        let change = State {
            offload: None,
            ..new.clone()
        };
        xfrm.update_state(&change)?;
        *state = new;
        return Ok(Moved::On(None));
    }
    let Some(end) = xfrm.take_state(&state.id)? else {
        return Ok(Moved::Gone);
    };
    for going_on in [&mut new, &mut *state] {
        going_on.replay = end.replay.clone();
        shorten(going_on, &end.counters, wall);
    }
    new.offload = placed.offload(inbound);
    if let Err(error) = device::add(xfrm, &mut new, placed) {
        device::add(xfrm, state, placed)?;
        return Err(error);
    }
    *state = new;
    Ok(Moved::On(Some(end.counters)))
}

/// What is left of a state's limits.
fn shorten(state: &mut State, used: &Counters, wall: u64) {
    let left = |limit: &mut Option<u64>, used: u64| {
        if let Some(limit) = limit {
            *limit = limit.saturating_sub(used).max(1);
        }
    };
    left(&mut state.life.hard_bytes, used.bytes);
    left(&mut state.life.hard_packets, used.packets);
    left(
        &mut state.life.hard_seconds,
        wall.saturating_sub(used.added),
    );
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
