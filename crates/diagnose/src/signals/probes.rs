//! What probes of our own gateway say.

use adit_model::fact::{Fact, Known, OfferOutcome, Probe, ProbeOutcome, Side};
use adit_model::proposal::Proposal;

use super::Signals;

/// Test packets of one direction.
#[derive(Clone, Copy)]
pub(crate) struct TestPackets<'a> {
    pub(crate) fact: &'a Fact,
    pub(crate) sent: u32,
    pub(crate) arrived: u32,
}

impl TestPackets<'_> {
    /// Several were sent, and none arrived.
    pub(crate) fn are_stopped(&self) -> bool {
        self.sent >= 3 && self.arrived == 0
    }
}

/// Test packets that vanish for their size; octets.
pub(crate) struct Vanishing<'a> {
    pub(crate) fact: &'a Fact,
    pub(crate) outbound: bool,
    pub(crate) passes: u32,
    pub(crate) vanishes: u32,
    pub(crate) inside: Option<u32>,
}

impl<'a> Signals<'a> {
    pub(super) fn last_probe<T>(
        &self,
        pick: impl Fn(&'a Probe) -> Option<T>,
    ) -> Option<(&'a Fact, T)> {
        self.case
            .of(Side::Local)
            .filter_map(|f| match &f.what {
                Known::Probed { probe } => pick(probe).map(|t| (f, t)),
                _ => None,
            })
            .last()
    }

    /// The echo probe.
    pub(crate) fn echo(&self) -> Option<(&'a Fact, ProbeOutcome)> {
        self.last_probe(|p| match p {
            Probe::Echo { outcome, .. } => Some(*outcome),
            _ => None,
        })
    }

    /// The peer's host answered an echo.
    pub(crate) fn echo_answered(&self) -> Option<&'a Fact> {
        self.echo()
            .filter(|(_, o)| matches!(o, ProbeOutcome::Answered(_)))
            .map(|(f, _)| f)
    }

    /// The peer's host didn't answer an echo.
    pub(crate) fn echo_silent(&self) -> Option<&'a Fact> {
        self.echo()
            .filter(|(_, o)| matches!(o, ProbeOutcome::Silent(_)))
            .map(|(f, _)| f)
    }

    /// The path loses so many of the packets between the gateways that a question that wasn't answered says nothing: of how
    /// many echoes how many were answered.
    pub(crate) fn lossy(&self) -> Option<(&'a Fact, u32, u32)> {
        self.echoed()
            .filter(|(_, sent, answered)| answered * 5 <= sent * 4)
    }

    /// Of how many echoes that were sent one soon after the other how many were answered, if any was: who answers none may
    /// answer none ever.
    pub(crate) fn echoed(&self) -> Option<(&'a Fact, u32, u32)> {
        self.echoes_sent().filter(|(_, _, answered)| *answered > 0)
    }

    /// The same, though none was answered.
    pub(crate) fn echoes_sent(&self) -> Option<(&'a Fact, u32, u32)> {
        self.last_probe(|p| match p {
            Probe::Echoes { sent, answered, .. } if *sent > 0 => Some((*sent, *answered)),
            _ => None,
        })
        .map(|(fact, (sent, answered))| (fact, sent, answered))
    }

    /// How often the first message was sent to the peer's IKE port though it was answered, and how often it was.
    pub(crate) fn ike_repeated(&self) -> Option<(u32, u32)> {
        let first = self.remote_port();
        self.last_probe(|p| match p {
            Probe::IkeRepeated {
                port,
                sent,
                answered,
                ..
            } if *port == first => Some((*sent, *answered)),
            _ => None,
        })
        .map(|(_, counts)| counts)
    }

    /// The IKE probe to the peer's IKE port, or to its NAT-T port.
    pub(crate) fn ike_probe(&self, nat_t: bool) -> Option<(&'a Fact, ProbeOutcome)> {
        let first = self.remote_port();
        self.last_probe(|p| match p {
            Probe::IkeInit { outcome, port, .. } if (*port != first) == nat_t => Some(*outcome),
            _ => None,
        })
    }

    /// The IKE probe to that port was answered.
    pub(crate) fn ike_answers(&self, nat_t: bool) -> Option<&'a Fact> {
        self.ike_probe(nat_t)
            .filter(|(_, o)| {
                matches!(
                    o,
                    ProbeOutcome::Answered(_) | ProbeOutcome::AnsweredVersion(_)
                )
            })
            .map(|(f, _)| f)
    }

    /// The IKE probe to that port met silence.
    pub(crate) fn ike_silent(&self, nat_t: bool) -> Option<&'a Fact> {
        self.ike_probe(nat_t)
            .filter(|(_, o)| matches!(o, ProbeOutcome::Silent(_)))
            .map(|(f, _)| f)
    }

    /// Proposals that the peer was asked about one by one, and what it said.
    pub(crate) fn offers(&self, said: OfferOutcome) -> Vec<(&'a Fact, &'a Proposal)> {
        let of = |f: &'a Fact| match &f.what {
            Known::Probed {
                probe: Probe::IkeOffer {
                    offered, outcome, ..
                },
            } if *outcome == said => Some((f, &**offered)),
            _ => None,
        };
        self.case.of(Side::Local).filter_map(of).collect()
    }

    /// Test packets like those that the tunnel uses, in UDP or plain, from us to the peer, and from it to us; none where none
    /// were sent.
    pub(crate) fn test_packets(&self, in_udp: bool) -> [Option<TestPackets<'a>>; 2] {
        [true, false].map(|outward| {
            self.last_probe(|p| match p {
                Probe::EspPath {
                    udp,
                    outbound,
                    in_use: true,
                    sent,
                    arrived,
                    ..
                } if *udp == in_udp && *outbound == outward => Some((*sent, *arrived)),
                _ => None,
            })
            .map(|(fact, (sent, arrived))| TestPackets {
                fact,
                sent,
                arrived,
            })
        })
    }

    /// Test packets of the kind that the tunnel doesn't use pass both ways.
    pub(crate) fn other_kind_passes(&self, in_udp: bool) -> bool {
        let pass = |outward: bool| {
            self.last_probe(|p| match p {
                Probe::EspPath {
                    udp,
                    outbound,
                    in_use: false,
                    arrived,
                    ..
                } if *udp != in_udp && *outbound == outward => Some(*arrived > 0),
                _ => None,
            })
            .is_some_and(|(_, passes)| passes)
        };
        pass(true) && pass(false)
    }

    /// Long test packets vanish: outward, what passes, what doesn't, and what that leaves inside.
    pub(crate) fn test_packets_vanish(&self) -> Option<Vanishing<'a>> {
        self.last_probe(|p| match p {
            Probe::EspSize {
                outbound,
                passes,
                vanishes,
                inside,
                ..
            } => Some((*outbound, *passes, *vanishes, *inside)),
            _ => None,
        })
        .map(|(fact, (outbound, passes, vanishes, inside))| Vanishing {
            fact,
            outbound,
            passes,
            vanishes,
            inside,
        })
    }

    /// Our host has no route to the peer.
    pub(crate) fn no_route(&self) -> Option<&'a Fact> {
        self.last_probe(|p| match p {
            Probe::Route { exists, .. } => Some(*exists),
            _ => None,
        })
        .filter(|(_, exists)| !exists)
        .map(|(f, _)| f)
    }
}
