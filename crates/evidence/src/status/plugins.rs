//! `ipsec listplugins`, and the line `loaded plugins:` of charon's start and status: whether one of them opens IKE's
//! sockets.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// Follows one list.
#[derive(Debug, Default)]
pub(super) struct Plugins {
    open: Option<Place>,
    daemon: bool,
    sockets: bool,
    /// What lets the daemon be asked: it comes after the sockets, so that all of them have been listed.
    control: bool,
}

impl Plugins {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if let Some((_, list)) = body.split_once("loaded plugins: ") {
            let mut names = list.split_whitespace();
            // The order is that of loading: a socket comes before what lets the daemon be asked.
            if names.next() == Some("charon")
                && names.clone().any(|n| matches!(n, "stroke" | "vici"))
                && !names.any(opens_sockets)
            {
                facts.push(lacking(place()));
            }
            return;
        }
        if body.contains("listplugins") || body.starts_with("List of loaded Plugins") {
            self.finish(facts);
            self.open = Some(place());
            return;
        }
        if self.open.is_none() || body.is_empty() {
            return;
        }
        // Features that another one only wishes for, and those that didn't load, say so.
        let feature = [" (soft)", " (not loaded)"]
            .iter()
            .fold(body, |feature, told| feature.trim_end_matches(told));
        if feature.contains(char::is_whitespace) {
            self.finish(facts);
            return;
        }
        if let Some(name) = body.strip_suffix(':') {
            self.daemon |= name == "charon";
            self.sockets |= opens_sockets(name);
            self.control |= matches!(name, "stroke" | "vici");
        }
    }

    /// The end of the list, which begins with the daemon itself.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        let list = core::mem::take(self);
        if let Some(place) = list
            .open
            .filter(|_| list.daemon && list.control && !list.sockets)
        {
            facts.push(lacking(place));
        }
    }
}

fn opens_sockets(plugin: &str) -> bool {
    plugin.starts_with("socket-") || plugin == "load-tester"
}

fn lacking(place: Place) -> Fact {
    sign(
        place,
        Sign::FeatureMissing,
        &[
            ("feature", "the list of plugins"),
            ("needs", "a socket for IKE (socket-default)"),
        ],
    )
}
