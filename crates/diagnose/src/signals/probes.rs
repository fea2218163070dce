//! What probes of our own gateway say.

use adit_model::fact::{Fact, Known, OfferOutcome, Probe, ProbeOutcome, Side};
use adit_model::proposal::Proposal;

use super::Signals;

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
        self.last_probe(|p| match p {
            Probe::Echoes { sent, answered, .. } => Some((*sent, *answered)),
            _ => None,
        })
        .filter(|(_, (_, answered))| *answered > 0)
        .map(|(fact, (sent, answered))| (fact, sent, answered))
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
