//! What is known of a tunnel's future: facts of one that may be up and well, from which rules tell what will fail, and when.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::certificate::CertificateUse;
use crate::connection::Mode;
use crate::now::Wall;
use crate::proposal::Suite;
use crate::selector::Selector;

pub use crate::ahead_text::{days, when};

/// One thing known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ahead", rename_all = "kebab-case")]
pub enum Ahead {
    /// A certificate that the tunnel depends on. Whose it is, is the side of the fact.
    Certificate {
        /// What it is for.
        used_as: CertificateUse,
        /// Its subject.
        subject: String,
        /// Valid from.
        not_before: Wall,
        /// Valid up to.
        not_after: Wall,
        /// The time of the look, by our clock.
        now: Wall,
    },
    /// A revocation list that the tunnel's certificates are compared with.
    RevocationList {
        /// Whose list it is.
        issuer: String,
        /// When it was made.
        this_update: Wall,
        /// When the next one is due, if it says so.
        next_update: Option<Wall>,
        /// Whether a certificate without a current list is refused.
        strict: bool,
        /// The time of the look, by our clock.
        now: Wall,
    },
    /// How far our clock is from one that was asked.
    Clock {
        /// Milliseconds by which ours is ahead of it.
        offset_ms: i64,
        /// What was asked.
        source: String,
    },
    /// Whether the tunnel has been up since the gateway runs.
    Waiting {
        /// It has been up.
        ever_up: bool,
        /// Seconds since the gateway has the tunnel.
        for_s: u64,
    },
    /// Who notices that the peer is gone.
    Watched {
        /// Seconds of silence after which the peer is asked (dead peer detection); 0 is never.
        dpd_s: u64,
        /// Whether something is asked through the tunnel.
        monitored: bool,
    },
    /// What was agreed on for a child.
    Agreed {
        /// The child.
        child: String,
        /// Its algorithms.
        suite: Suite,
        /// Tunnel or transport.
        mode: Mode,
        /// Our side's traffic.
        ts_local: Vec<Selector>,
        /// The peer's side's traffic.
        ts_remote: Vec<Selector>,
    },
    /// What was agreed on for the IKE SA.
    AgreedIke {
        /// Its algorithms.
        suite: Suite,
    },
    /// What fits into the packets of a child.
    Room {
        /// The child.
        child: String,
        /// Octets of the longest packet on the path, as far as it is known.
        path_mtu: u32,
        /// Octets that protection adds to a packet at least: outer header, UDP where used, ESP header, IV and ICV.
        overhead: u32,
        /// Inner packets with padding and trailer are a multiple of so many octets.
        align: u32,
        /// Octets of the longest inner packet that needs not be cut.
        fits: u32,
        /// MTU of the device that leads into the tunnel, where there is one.
        device_mtu: Option<u32>,
        /// Whether the traffic may be IPv6.
        ipv6: bool,
        /// Octets of the largest TCP segment that is let through, if one is set.
        mss: Option<u16>,
    },
    /// When both sides have to authenticate anew, and who begins it (RFC 4478).
    Reauthentication {
        /// Whether we set the IKE SA up, and are who begins.
        began: bool,
        /// When both sides had proved who they are.
        proved: Wall,
        /// Seconds that the peer has said that it still keeps what was authenticated (AUTH_LIFETIME).
        told_s: Option<u32>,
        /// When these are over.
        told_until: Option<Wall>,
        /// When we would begin by our configuration alone, as it was when both sides had proved themselves.
        planned: Option<Wall>,
        /// When we begin, if we do.
        ours_at: Option<Wall>,
        /// When the time is over that we have told the peer to authenticate anew in.
        given_until: Option<Wall>,
        /// When we end the IKE SA unless the peer has authenticated anew.
        end: Option<Wall>,
        /// The time of the look, by our clock.
        now: Wall,
    },
    /// What NAT detection found (RFC 7296 2.23), beside what addresses and configuration make one expect.
    Nat {
        /// Our address, as our host has it.
        local: IpAddr,
        /// The peer's address, as we see it.
        remote: IpAddr,
        /// Ours is translated on the way.
        local_behind: bool,
        /// The peer's is, or the peer says so to have ESP in UDP.
        remote_behind: bool,
        /// The peer does NAT traversal.
        peer_supports: bool,
        /// ESP of this IKE SA travels in UDP.
        in_udp: bool,
        /// Packets that have left in the tunnel's ESP.
        packets_out: u64,
        /// Packets that have come in by it.
        packets_in: u64,
    },
    /// The child was rekeyed on trial.
    Trial {
        /// The child.
        child: String,
        /// What came of it.
        outcome: TrialOutcome,
    },
    /// How long the peer lets a child live.
    PeerLife {
        /// The child.
        child: String,
        /// Seconds from the child's begin until the peer renewed or ended it.
        seconds: u64,
        /// It was renewed; otherwise deleted.
        renewed: bool,
        /// How often that was seen.
        times: u32,
    },
    /// A network that is connected to this host.
    Network {
        /// Which.
        net: Selector,
        /// By which device.
        device: String,
    },
    /// A child of another tunnel of this gateway.
    Neighbour {
        /// The tunnel.
        tunnel: String,
        /// The child.
        child: String,
        /// Its local traffic.
        ts_local: Vec<Selector>,
        /// Its remote traffic.
        ts_remote: Vec<Selector>,
    },
    /// What the block has counted of the tunnel since the gateway has it.
    Clear {
        /// Packets that left in clear.
        left: u64,
        /// Packets that came in clear and were let in.
        came: u64,
        /// Packets that would have left in clear, and were stopped.
        stopped: u64,
    },
    /// The newest time without an SA, and what became of the tunnel's packets meanwhile.
    Gap {
        /// When it began.
        since: Wall,
        /// When it ended; `None` while it lasts.
        until: Option<Wall>,
        /// How long it was, or has been, whatever became of the clock meanwhile.
        seconds: u64,
        /// Packets that were held back for want of an SA; `None` where that isn't counted by tunnel.
        held: Option<u64>,
        /// Packets that were led round the tunnel, and stopped by the block; `None` where something else stops them first.
        stopped: Option<u64>,
        /// Packets that left in clear; `None` where it was too short to be counted.
        left: Option<u64>,
    },
    /// A network file system, or a line of the table that mounts it at the start.
    Mount {
        /// Its server.
        server: IpAddr,
        /// Where it is mounted.
        point: String,
        /// What it is: `nfs4`, `cifs`.
        kind: String,
        /// The table has it (`/etc/fstab`).
        listed: bool,
        /// Its options, as the table or the kernel has them.
        options: Vec<String>,
    },
    /// Somebody is logged in from there, or everything else goes there.
    Management {
        /// The other end.
        address: IpAddr,
        /// Our address, where it is known.
        local: Option<IpAddr>,
        /// What it is: `ssh`, `gateway`.
        what: String,
        /// The packets to it go through this tunnel now.
        inside: bool,
        /// Leading bits of the route of this host's own that leads there; a tunnel's route with fewer of them doesn't catch it.
        route_bits: u8,
    },
}

impl Ahead {
    /// From when on something is late of which nothing is wrong before: when it has to be looked at again.
    #[must_use]
    pub fn late_from(&self) -> Option<Wall> {
        match self {
            // A peer that begins at the last moment is done in seconds.
            Ahead::Reauthentication {
                began: false,
                given_until: Some(until),
                end: Some(end),
                ..
            } => {
                let late = (end.0.saturating_sub(until.0) / 2).min(LATE_MS);
                Some(Wall(until.0.saturating_add(late)))
            }
            _ => None,
        }
    }
}

/// After how many milliseconds at the most something is late.
const LATE_MS: u64 = 10_000;

/// What came of a rekey on trial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum TrialOutcome {
    /// The peer agreed: the child has new keys.
    Passed,
    /// The peer refused, and the pair of SAs stays as it was.
    RefusedByPeer {
        /// Name of the notify.
        notify: String,
        /// What was offered.
        offered: String,
    },
    /// We refused the peer's request.
    RefusedByUs {
        /// Why, in words.
        why: String,
    },
    /// The peer didn't answer the question in time, or was busy.
    Unanswered,
}

/// How much a forewarning weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// Something will fail, or passes in clear.
    Warning,
    /// Worth knowing; it may be meant so.
    Note,
}
