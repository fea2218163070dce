//! A pair of SAs as states of the kernel.

use std::sync::Arc;

use adit_esp::ChildName;
use adit_kernel::OWN_MARK;
use adit_kernel::xfrm::{
    Algorithms, Counters, Flags, Lifetime, Mark, Protection, Replay, State, StateId,
};
use adit_model::carriage::{Carriage, Df, Dscp, Ecn, Tfc};
use adit_model::connection::Mode;
use adit_model::dataplane::{ChildSa, PairCounters, Path};
use adit_model::now::Mono;
use adit_model::selector::Selector;

use super::device::Placed;

/// A pair that was installed.
pub struct Pair {
    /// Whose it is.
    pub child: Arc<ChildName>,
    /// SPI of received packets.
    pub spi_in: u32,
    /// SPI of sent packets.
    pub spi_out: u32,
    /// See [`ChildSa::replaces`].
    pub replaces: Option<u32>,
    /// Our side's traffic.
    pub ts_local: Vec<Selector>,
    /// The peer's side's traffic.
    pub ts_remote: Vec<Selector>,
    /// Tunnel or transport.
    pub mode: Mode,
    /// How packets travel.
    pub path: Path,
    /// The receiving state, as it was put in. Its number is the same for all pairs of the same traffic.
    pub receiving: State,
    /// The sending state, as it was put in. Its number is its own.
    pub sending: State,
    /// The network device that it is to be the work of.
    pub placed: Placed,
    /// Whether the sending state isn't in the kernel any more, which the key exchange is told.
    pub gone: bool,
    /// See [`adit_model::dataplane::DataPlaneRequest::Retire`].
    pub retired: bool,
    /// Whether a packet has come: the peer has it.
    pub received: bool,
    /// What states that were made anew had counted before.
    pub before: PairCounters,
    /// What was counted at the last look.
    pub counted: PairCounters,
    /// Drops at the last look: too old, replayed, forged.
    pub refused: [u32; 3],
}

/// Both states of a pair, with their numbers, the XFRM interface (0 is none) and what the sending one answers (see
/// [`State::answers`]); or why there can't be any.
pub fn states(
    sa: &ChildSa,
    (reqid_in, reqid_out): (u32, u32),
    if_id: u32,
    answers: u32,
) -> Result<(State, State), Unfit> {
    let protection = Protection::of(&sa.suite).ok_or(Unfit::Algorithm)?;
    let keys = |key| Algorithms::new(&protection, key).ok_or(Unfit::KeyLength);
    let (ours, theirs) = (sa.path.local, sa.path.remote);
    let limit = |value: u64| (value != 0).then_some(value);
    let state = |inbound: bool, algorithms| {
        let (from, to, spi) = if inbound {
            (theirs, ours, sa.spi_in)
        } else {
            (ours, theirs, sa.spi_out)
        };
        let mut flags = flags(&sa.carriage);
        flags.icmp = sa.mode == Mode::Tunnel;
        State {
            id: StateId::new(to.ip(), spi),
            source: from.ip(),
            reqid: if inbound { reqid_in } else { reqid_out },
            mode: sa.mode,
            selector: None,
            algorithms,
            replay: Replay::new(sa.suite.esn, sa.replay_window),
            encap: sa.path.udp_encap.then_some((from.port(), to.port())),
            life: Lifetime {
                // The first packet that comes is told of.
                soft_packets: inbound.then_some(1),
                hard_bytes: limit(sa.limits.bytes),
                hard_packets: limit(sa.limits.packets),
                hard_seconds: limit(sa.limits.seconds).map(|seconds| seconds.saturating_add(GRACE)),
                ..Lifetime::default()
            },
            flags,
            padded_to: if !inbound && sa.carriage.tfc == Tfc::Mtu && sa.mode == Mode::Tunnel {
                u32::from(u16::MAX)
            } else {
                0
            },
            // What it makes is the gateway's own, for routing rules as for IKE.
            output_mark: (!inbound).then_some(Mark {
                value: OWN_MARK,
                mask: u32::MAX,
            }),
            if_id,
            offload: None,
            direction: None,
            answers: if inbound { 0 } else { answers },
            counters: Counters::default(),
        }
    };
    Ok((
        state(true, keys(&sa.key_in)?),
        state(false, keys(&sa.key_out)?),
    ))
}

fn flags(carriage: &Carriage) -> Flags {
    Flags {
        no_ecn: carriage.ecn == Ecn::Compat,
        decap_dscp: carriage.dscp_in,
        dont_encap_dscp: matches!(carriage.dscp, Dscp::Fixed(_)),
        no_pmtu_discovery: carriage.df == Df::Clear,
        icmp: false,
    }
}

/// Why a pair can't be states of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It has no name there.
    #[error("the kernel has no such algorithm")]
    Algorithm,
    /// The keying material doesn't fit the suite.
    #[error("keying material of the wrong length")]
    KeyLength,
}

impl Pair {
    /// A pair whose states are in the kernel.
    pub fn new(
        sa: ChildSa,
        child: Arc<ChildName>,
        (receiving, sending): (State, State),
        placed: Placed,
    ) -> Self {
        Self {
            child,
            spi_in: sa.spi_in,
            spi_out: sa.spi_out,
            replaces: sa.replaces,
            ts_local: sa.ts_local,
            ts_remote: sa.ts_remote,
            mode: sa.mode,
            path: sa.path,
            receiving,
            sending,
            placed,
            gone: false,
            retired: false,
            received: false,
            before: PairCounters::default(),
            counted: PairCounters::default(),
            refused: [0; 3],
        }
    }

    /// Whether both are about some of the same traffic, of one child with one peer.
    pub fn shares_traffic_with(&self, sa: &ChildSa) -> bool {
        let meets = |a: &[Selector], b: &[Selector]| {
            a.iter()
                .any(|one| b.iter().any(|other| one.intersect(other).is_some()))
        };
        self.child.connection == sa.connection
            && self.child.child == sa.child
            && self.mode == sa.mode
            && self.path.remote.ip() == sa.path.remote.ip()
            && meets(&self.ts_local, &sa.ts_local)
            && meets(&self.ts_remote, &sa.ts_remote)
    }

    /// Counts what states say now; `None` for one that isn't in the kernel.
    pub fn count(&mut self, received: Option<&Counters>, sent: Option<&Counters>, at: Clocks) {
        let total = self.total(received, sent, at);
        if let Some(received) = received {
            self.refused = [received.too_old, received.replayed, received.forged];
        }
        self.received |= total.packets_in > 0;
        self.counted = total;
    }

    /// What it has carried, by what states say now.
    pub fn total(
        &self,
        received: Option<&Counters>,
        sent: Option<&Counters>,
        at: Clocks,
    ) -> PairCounters {
        let mut total = self.before;
        if let Some(received) = received {
            total.bytes_in += received.bytes;
            total.packets_in += received.packets;
        }
        if let Some(sent) = sent {
            total.bytes_out += sent.bytes;
            total.packets_out += sent.packets;
            total.numbers_out += sent.packets;
        }
        // The kernel's clock has seconds, and an earlier look may know better.
        let used = received.and_then(|received| received.last_used);
        let last = used.filter(|_| total.packets_in > 0);
        total.last_in = self.counted.last_in.max(last.map(|used| at.mono_of(used)));
        total
    }
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    /// The monotonic one.
    pub mono: Mono,
    /// The wall clock, seconds.
    pub wall: u64,
}

impl Clocks {
    fn mono_of(self, wall: u64) -> Mono {
        let ago = self.wall.saturating_sub(wall).saturating_mul(1_000_000_000);
        Mono(self.mono.0.saturating_sub(ago))
    }
}

/// Seconds that the key exchange has to end an SA itself, before the kernel does.
const GRACE: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_clock_second_is_a_moment_of_ours() {
        let at = Clocks {
            mono: Mono(10_000_000_000),
            wall: 1000,
        };
        assert_eq!(at.mono_of(997), Mono(7_000_000_000));
        assert_eq!(at.mono_of(1), Mono(0));
        assert_eq!(at.mono_of(2000), at.mono);
    }
}
