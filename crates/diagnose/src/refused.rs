//! What a gateway refused, and was refused, as rules ask for it.

use adit_model::event::Happening;
use adit_model::fact::{Fact, Known, Side};
use adit_model::feature::Feature;
use adit_model::peer_config::PeerConnection;
use adit_model::reason::{Fault, Refusal};
use adit_model::selector::Selector;
use adit_model::sign::Sign;

use crate::seen::{Seen, before};
use crate::signals::{Refused, Signals, Told};
use crate::verdict::AtFault;

/// What events call a request to replace the IKE SA.
pub(crate) const REKEYING_IKE: &str = "rekeying the IKE SA";

/// Whether what was refused is a request to replace an SA.
pub(crate) fn is_rekeying(what: &str) -> bool {
    what.ends_with("(rekeying)") || what == REKEYING_IKE
}

impl<'a> Signals<'a> {
    /// A refusal of something that isn't carried out.
    pub(crate) fn unsupported(
        &self,
        is: impl Fn(&Feature) -> bool,
    ) -> Option<(&Refused<'a>, &'a Feature)> {
        self.refusal(|r| match r {
            Refusal::Unsupported { what } if is(what) => Some(what),
            _ => None,
        })
    }

    /// A side of IKEv2 was told `notify`, in whatever exchange.
    pub(crate) fn told_at_all(&self, notify: u16) -> Option<&Told<'a>> {
        let mut all = self.told.iter().rev();
        all.find(|t| t.notify == notify && !t.v1_auth && !t.v1_config && t.version != 1)
    }

    /// What was put off because the other side was busy with it.
    pub(crate) fn put_off(&self) -> Vec<(&'a Fact, &'a str)> {
        let all = self.case.happenings().filter_map(|(fact, h)| match h {
            Happening::PutOff { what, .. } => Some((fact, what.as_str())),
            _ => None,
        });
        all.collect()
    }

    /// Whether the child is between two hosts, as transport mode wants it: what was asked for, or what is configured.
    pub(crate) fn between_hosts(&self) -> bool {
        let hosts = |selectors: &[Selector]| {
            !selectors.is_empty() && selectors.iter().all(|s| s.start == s.end)
        };
        if let Some(asked) = self.asked().filter(|a| !a.ts_local.is_empty()) {
            return hosts(&asked.ts_local) && hosts(&asked.ts_remote);
        }
        let configured = self.configured(Side::Local).map(|(_, c)| &c.children);
        configured.is_some_and(|children| {
            !children.is_empty()
                && children
                    .iter()
                    .all(|c| hosts(&c.local_ts) && hosts(&c.remote_ts))
        })
    }

    /// Whether every connection that a file or a status shows is between two hosts.
    pub(crate) fn written_between_hosts(&self) -> bool {
        // What stands for the gateway's own address is a host, unless a virtual address takes its place.
        let host = |net: &Option<Selector>| net.is_none_or(|s| s.start == s.end);
        let mut written = self.case.facts.iter().filter_map(|f| match &f.what {
            Known::PeerConfigured { connection } => Some(&**connection),
            _ => None,
        });
        let between = |c: &PeerConnection| {
            c.virtual_ip.is_none()
                && !c.children.is_empty()
                && c.children.iter().all(|child| {
                    let ends = [&child.local_ts, &child.remote_ts];
                    ends.iter()
                        .all(|ts| !ts.value.is_empty() && ts.value.iter().all(host))
                })
        };
        written.next().is_some_and(between) && written.all(between)
    }
}

impl Refused<'_> {
    /// Where the fault of the refusal lies.
    pub(crate) fn at_fault(&self) -> AtFault {
        match self.refusal.fault() {
            Fault::PeerMalformed | Fault::PeerMisbehaved => self.side.other().into(),
            Fault::Incompatible => AtFault::Both,
            Fault::OurConfiguration | Fault::LocalResource => self.side.into(),
        }
    }
}

/// An offer for IKEv1's first phase that was refused, where nothing in it was found to differ but the method of
/// authentication: the line that says so, and the refusal.
pub(crate) fn method_alone<'a>(s: &Signals<'a>) -> Option<(Seen<'a>, Seen<'a>)> {
    let of_method = |x: &Seen<'_>| x.value("of") == Some("method");
    if !s.signs_of(Sign::IkeOfferDiffers).all(|x| of_method(&x)) {
        return None;
    }
    let seen = s.sign(Sign::IkeOfferDiffers)?;
    let refused = s
        .signs_of(Sign::IkeProposalsRefused)
        .find(|x| before(seen.fact, x.fact) && x.side() == seen.side())?;
    Some((seen, refused))
}
