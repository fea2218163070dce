//! What a zone of Junos lets in to the gateway itself: `host-inbound-traffic` lists services, and nothing else comes in.
//!
//! Said of a zone that its name or the gateway's interface to the peer makes the outside one, and of a list that is shown.

use std::collections::BTreeMap;

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::reading::Place;
use crate::text::Line;

/// What people call the zone outside.
const OUTSIDE: [&str; 5] = ["untrust", "internet", "outside", "external", "wan"];
/// Services that are IKE, or everything.
const ENOUGH: [&str; 3] = ["ike", "all", "any-service"];
/// So many zones are looked at.
const MOST: usize = 64;

/// Reads zones, in braces and in commands.
#[derive(Debug, Default)]
pub(crate) struct JunosZones {
    zones: BTreeMap<String, Zone>,
    /// The zone in whose braces we are, and whether its list is open.
    current: Option<String>,
    listing: bool,
    /// By which interfaces gateways reach their peers.
    interfaces: Vec<String>,
}

#[derive(Debug, Default)]
struct Zone {
    services: Vec<String>,
    members: Vec<String>,
    place: Option<Place>,
}

impl JunosZones {
    /// The next line.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        let body = line.body.trim();
        if let Some((_, rest)) = body.split_once("security-zone ") {
            let mut words = rest.split_ascii_whitespace();
            let name = words.next().unwrap_or_default().to_owned();
            if self.zones.len() >= MOST && !self.zones.contains_key(&name) {
                return;
            }
            let words: Vec<&str> = words.collect();
            self.command(&name, &words, place);
            self.current = Some(name);
            self.listing = false;
        } else if let Some((_, rest)) = body.split_once("external-interface ") {
            let name = rest.trim_end_matches(';').trim();
            if self.interfaces.len() < MOST {
                self.interfaces.push(name.to_owned());
            }
        } else if let Some(zone) = self.current.as_ref().and_then(|z| self.zones.get_mut(z)) {
            if body == "system-services {" {
                self.listing = true;
                zone.place.get_or_insert_with(place);
            } else if body == "}" {
                self.listing = false;
            } else if let Some(name) = body.strip_suffix(';') {
                if self.listing && zone.services.len() < MOST {
                    zone.services.push(name.to_owned());
                } else if name.contains('.') && zone.members.len() < MOST {
                    zone.members.push(name.to_owned());
                }
            } else if let Some(name) = body.strip_suffix(" {").filter(|n| n.contains('.')) {
                zone.members.push(name.to_owned());
            }
        }
    }

    /// `set security zones security-zone untrust [interfaces ge-0/0/0.0] host-inbound-traffic system-services ssh`
    fn command(&mut self, name: &str, words: &[&str], place: &dyn Fn() -> Place) {
        let zone = self.zones.entry(name.to_owned()).or_default();
        let behind = |word: &str| {
            let at = words.iter().position(|w| *w == word)?;
            words
                .get(at + 1)
                .map(|w| w.trim_end_matches(';').to_owned())
        };
        if zone.services.len() >= MOST || zone.members.len() >= MOST {
            return;
        }
        if let Some(service) = behind("system-services").filter(|s| s != "{") {
            zone.services.push(service);
            zone.place.get_or_insert_with(place);
        }
        zone.members
            .extend(behind("interfaces").filter(|m| m != "{"));
    }

    /// Everything that the zones say.
    pub(super) fn finish(self, facts: &mut Vec<Fact>) {
        let interfaces = self.interfaces;
        for (name, zone) in self.zones {
            let lower = name.to_ascii_lowercase();
            let outside = OUTSIDE.iter().any(|word| lower.contains(word))
                || zone.members.iter().any(|m| interfaces.contains(m));
            let closed = !zone.services.is_empty()
                && !zone.services.iter().any(|s| ENOUGH.contains(&s.as_str()));
            if let Some(place) = zone.place.filter(|_| outside && closed) {
                let rule = format!("security-zone {name}");
                let values = [
                    ("port", "500"),
                    ("rule", rule.as_str()),
                    ("of", "services"),
                    ("answers", "yes"),
                ];
                facts.push(sign(place, Sign::PortNotPermitted, &values));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::read;
    use adit_model::fact::{Known, Side};
    use adit_model::now::Wall;

    fn closed(text: &str) -> bool {
        let reading = read(
            "zones",
            Side::Local,
            text.as_bytes(),
            Wall(1_795_241_400_000),
        );
        reading.facts.iter().any(|f| {
            matches!(&f.what, Known::Sign { sign, values } if *sign == Sign::PortNotPermitted
                && values.get("of").is_some_and(|of| of == "services"))
        })
    }

    #[test]
    fn a_zone_outside_that_lists_services_without_ike_says_so() {
        let braces = "security-zone untrust {\n    host-inbound-traffic {\n        system-services {\n            ping;\n            ssh;\n        }\n    }\n    interfaces {\n        ge-0/0/0.0;\n    }\n}\n";
        let commands = "set security zones security-zone internet host-inbound-traffic system-services ping\nset security zones security-zone internet interfaces ge-0/0/0.0\nset security zones security-zone trust host-inbound-traffic system-services all\n";
        assert!(closed(braces));
        assert!(closed(commands));
        let named = braces.replace("untrust", "red");
        assert!(!closed(&named));
        let reached = format!("gateway depot {{\n external-interface ge-0/0/0.0;\n}}\n{named}");
        assert!(closed(&reached));
        for open in [
            braces.replace("ssh", "ike"),
            braces.replace("ping", "all"),
            braces.replace("untrust", "trusted-lan"),
            commands.replace("ping", "ike"),
            commands.replace(
                "interfaces ge-0/0/0.0",
                "interfaces ge-0/0/0.0 host-inbound-traffic system-services ike",
            ),
            "security-zone untrust {\n interfaces {\n ge-0/0/0.0;\n }\n}\n".to_owned(),
        ] {
            assert!(!closed(&open), "{open}");
        }
    }
}
