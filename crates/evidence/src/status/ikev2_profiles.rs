//! IKEv2 profiles of Cisco's, as people show those of two routers: in which way one proves itself, and which the other takes.
//!
//! A profile by itself is no connection: interface or crypto map, which name the peer, are mostly left out.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::ends::host;
use crate::reading::Place;
use crate::text::Line;

/// So many profiles are compared.
const MOST: usize = 16;

/// Follows the profiles of a text.
#[derive(Debug, Default)]
pub(super) struct Ikev2Profiles {
    host: Option<String>,
    all: Vec<Profile>,
    open: bool,
}

#[derive(Debug)]
struct Profile {
    host: String,
    local: Option<String>,
    remote: Vec<String>,
    place: Place,
}

impl Ikev2Profiles {
    /// The next line.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        let body = line.body.trim();
        if let Some(name) = host(line.body) {
            self.host = Some(name.to_owned());
            self.open = false;
        } else if body.starts_with("crypto ") {
            self.open = body.starts_with("crypto ikev2 profile ") && self.all.len() < MOST;
            if let Some(host) = self.host.clone().filter(|_| self.open) {
                self.all.push(Profile {
                    host,
                    local: None,
                    remote: Vec::new(),
                    place: place(),
                });
            }
        } else if let Some(profile) = self.all.last_mut().filter(|_| self.open)
            && let Some(rest) = body.strip_prefix("authentication ")
        {
            let mut words = rest.split(' ');
            match (words.next(), words.next()) {
                (Some("local"), Some(method)) => {
                    profile.local = Some(method.to_owned());
                    profile.place = place();
                }
                (Some("remote"), Some(method)) => profile.remote.push(method.to_owned()),
                _ => {}
            }
        }
    }

    /// The end of the text: two routers with one profile each are each other's peers.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        let all = core::mem::take(&mut self.all);
        let [one, other] = all.as_slice() else {
            return;
        };
        if one.host == other.host {
            return;
        }
        for (proves, takes) in [(one, other), (other, one)] {
            let Some(method) = &proves.local else {
                continue;
            };
            // What comes after EAP or another way in is told elsewhere.
            let plain = |m: &String| ["pre-share", "sig"].iter().any(|w| m.ends_with(w));
            let comparable =
                !takes.remote.is_empty() && plain(method) && takes.remote.iter().all(plain);
            if comparable && !takes.remote.contains(method) {
                let expected = takes.remote.join(" or ");
                let values = [
                    ("received", method.as_str()),
                    ("expected", expected.as_str()),
                ];
                facts.push(sign(
                    proves.place.clone(),
                    Sign::AuthMethodUnexpected,
                    &values,
                ));
                return;
            }
        }
    }
}
