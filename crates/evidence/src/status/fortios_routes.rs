//! `config router static` of FortiOS: the routes that are configured.

use adit_model::fact::{Fact, Known};
use adit_model::host::{HostState, Route};

use super::fact;
use crate::config::value::{address_and_mask, network};
use crate::reading::Place;
use crate::text::Line;

/// The entry whose lines are being read.
#[derive(Debug, Default)]
pub(super) struct FortiosRoutes {
    /// Inside of the table, and of an entry of it.
    inside: bool,
    open: Option<(Route, Place)>,
}

impl FortiosRoutes {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body.trim();
        if !self.inside {
            self.inside = body == "config router static";
            return;
        }
        let (verb, rest) = body.split_once(' ').unwrap_or((body, ""));
        match verb {
            "edit" => {
                self.close(facts);
                self.open = Some((
                    Route {
                        network: "0.0.0.0/0".to_owned(),
                        ..Route::default()
                    },
                    place(),
                ));
            }
            "set" => self.set(rest),
            "next" | "" => self.close(facts),
            "unset" => {}
            _ => {
                self.close(facts);
                self.inside = false;
            }
        }
    }

    fn set(&mut self, rest: &str) {
        let Some((route, _)) = &mut self.open else {
            return;
        };
        let mut words = rest.split_ascii_whitespace().map(|w| w.trim_matches('"'));
        match (words.next(), words.next()) {
            (Some("dst"), Some(address)) => {
                let net = match words.next() {
                    Some(mask) => address_and_mask(address, mask),
                    None => network(address),
                };
                if let Some(net) = net {
                    route.network = net.to_string();
                }
            }
            // The name of an address object that stands elsewhere.
            (Some("dstaddr" | "internet-service" | "internet-service-custom"), Some(_)) => {
                self.open = None;
            }
            (Some("gateway"), Some(via)) => route.via = Some(via.to_owned()),
            (Some("device"), Some(device)) => route.device = Some(device.to_owned()),
            // One isn't in force, and the other only stands in while the tunnel's own route is away.
            (Some("status"), Some("disable")) | (Some("blackhole"), Some("enable")) => {
                self.open = None;
            }
            _ => {}
        }
    }

    fn close(&mut self, facts: &mut Vec<Fact>) {
        if let Some((route, place)) = self.open.take()
            && (route.via.is_some() || route.device.is_some())
        {
            let state = Box::new(HostState::Route(route));
            facts.push(fact(place, Known::Host { state }));
        }
    }

    /// What was read last.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        self.close(facts);
    }
}

#[cfg(test)]
mod tests {
    use adit_model::fact::{Known, Side};
    use adit_model::host::HostState;
    use adit_model::now::Wall;

    use crate::reading::read;

    #[test]
    fn each_entry_is_a_route() {
        let text = "config router static\n    edit 1\n        set dst 10.2.0.0 255.255.0.0\n        set device \"to-b\"\n    next\n    edit 3\n        set dstaddr \"branch\"\n        set device \"to-b\"\n    next\n    edit 2\n        set gateway 10.9.0.1\n        set device \"port1\"\n    next\nend\n    edit 3\n        set gateway 10.9.0.2\n";
        let facts = read("paste", Side::Local, text.as_bytes(), Wall(0)).facts;
        let routes: Vec<_> = facts
            .iter()
            .filter_map(|f| match &f.what {
                Known::Host { state } => match &**state {
                    HostState::Route(r) => {
                        Some((r.network.as_str(), r.via.as_deref(), r.device.as_deref()))
                    }
                    _ => None,
                },
                _ => None,
            })
            .collect();
        assert_eq!(
            routes,
            [
                ("10.2.0.0/16", None, Some("to-b")),
                ("0.0.0.0/0", Some("10.9.0.1"), Some("port1")),
            ]
        );
    }
}
