//! Libreswan and Openswan: what `ipsec status` and `ipsec auto --status` list beside the states that pluto's reader knows.
//!
//! States on their way up are exchanges, and are told as such. What is left is what an exchange doesn't tell: that an IKE SA
//! is up and has no SA for traffic, and that there is nothing at all.

use adit_model::fact::Fact;
use adit_model::listed::{Layer, ListedSa, Stage};

use super::{child, listed};
use crate::reading::Place;

/// So many of each are kept.
const KEPT: usize = 256;

/// What was listed so far.
#[derive(Debug, Default)]
pub(super) struct Pluto {
    /// IKE SAs that are up, by connection.
    ike: Vec<(String, Place)>,
    /// Connections with an SA for traffic.
    children: Vec<String>,
    /// The listing goes as far as to show that there is no SA for traffic.
    none: bool,
}

impl Pluto {
    /// The next line.
    pub(super) fn line(&mut self, body: &str, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
        let body = body.trim().trim_start_matches("000 ");
        if body.starts_with("IKE SAs: total(0)") {
            let sa = ListedSa::new(Layer::Ike, Stage::Absent, "IKE SAs: total(0)");
            facts.push(listed(place(), sa));
        } else if body.starts_with("IPsec SAs: total(0)")
            || body.starts_with('"') && body.contains("eroute owner: #0")
        {
            self.none = true;
        } else if body.starts_with('#') {
            self.state(body, place, facts);
        }
    }

    /// `#1: "gw-b":500 STATE_MAIN_I4 (ISAKMP SA established); EVENT_SA_REPLACE in 2541s; newest ISAKMP; …`.
    fn state(&mut self, body: &str, place: &dyn Fn() -> Place, facts: &mut Vec<Fact>) {
        let Some(name) = body.split('"').nth(1) else {
            return;
        };
        let (head, rest) = body.split_once(';').unwrap_or((body, ""));
        let timed =
            rest.contains("EVENT_") || rest.contains("REKEY in") || rest.contains("REPLACE in");
        if !timed {
            return;
        }
        if head.contains("IPsec SA established") || head.contains("established Child SA") {
            if self.children.len() < KEPT {
                self.children.push(name.to_owned());
            }
            facts.push(listed(place(), child(Stage::Up, Some(name), "established")));
        } else if head.contains("ISAKMP SA established") || head.contains("established IKE SA") {
            let place = place();
            if self.ike.len() < KEPT {
                self.ike.push((name.to_owned(), place.clone()));
            }
            let sa = ListedSa {
                name: Some(name.to_owned()),
                ..ListedSa::new(Layer::Ike, Stage::Up, "established")
            };
            facts.push(listed(place, sa));
        } else if head.contains("STATE_QUICK_I1") {
            facts.push(listed(
                place(),
                child(Stage::ChildPending, Some(name), "STATE_QUICK_I1"),
            ));
        }
    }

    /// That an IKE SA has no child.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        if !self.none || !self.children.is_empty() {
            return;
        }
        for (name, place) in self.ike.drain(..) {
            facts.push(listed(
                place,
                child(Stage::Absent, Some(&name), "no Child SA"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use adit_model::fact::{Known, Side, Source};

    fn stages(lines: &[&str]) -> Vec<(Layer, Stage)> {
        let place = || Place {
            source: Source {
                name: "x".to_owned(),
                line: None,
                text: String::new(),
            },
            at: None,
            side: Side::Local,
        };
        let (mut pluto, mut facts) = (Pluto::default(), Vec::new());
        for line in lines {
            pluto.line(line, &place, &mut facts);
        }
        pluto.finish(&mut facts);
        facts
            .iter()
            .filter_map(|f| match &f.what {
                Known::Listed { sa } => Some((sa.layer, sa.stage)),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn an_ike_sa_lacks_a_child_when_the_listing_shows_that_there_is_none() {
        let ike = "000 #1: \"to-b\":500 STATE_MAIN_I4 (ISAKMP SA established); EVENT_SA_REPLACE in 2541s; newest ISAKMP; nodpd; idle;";
        let child = "000 #2: \"to-b\":500 STATE_QUICK_I2 (sent QI2, IPsec SA established); EVENT_SA_REPLACE in 27541s; newest IPSEC;";
        assert_eq!(stages(&[ike]), [(Layer::Ike, Stage::Up)]);
        assert_eq!(
            stages(&[
                "000 IPsec SAs: total(0), authenticated(0), anonymous(0)",
                ike
            ]),
            [(Layer::Ike, Stage::Up), (Layer::Child, Stage::Absent)]
        );
        assert_eq!(
            stages(&[ike, child]),
            [(Layer::Ike, Stage::Up), (Layer::Child, Stage::Up)]
        );
    }
}
