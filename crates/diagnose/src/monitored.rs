//! What our own tunnel monitor says.

use std::net::IpAddr;

use adit_model::event::Happening;
use adit_model::fact::{Fact, Side};
use adit_model::monitored::Judged;

use crate::signals::Signals;

impl<'a> Signals<'a> {
    /// What it makes of a tunnel that is up now, and whom it asks.
    pub(crate) fn monitored(&self) -> Option<(&'a Fact, Option<IpAddr>, Judged)> {
        let ours = self
            .case
            .happenings()
            .filter(|(f, _)| f.side == Side::Local);
        let judged = ours.filter_map(|(fact, happening)| match happening {
            Happening::MonitorJudged { target, judged, .. } => Some((fact, *target, *judged)),
            _ => None,
        });
        judged.last().filter(|_| self.up)
    }
}
