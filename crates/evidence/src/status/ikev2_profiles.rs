//! IKEv2 profiles of Cisco's, as people show those of two routers: in which way one proves itself, and which the other takes.
//!
//! A profile by itself is no connection: interface or crypto map, which name the peer, are mostly left out. So the two have to name
//! each other, and an authentication has to have failed since.

use adit_model::fact::Fact;
use adit_model::sign::Sign;

use super::sign;
use crate::ends::host;
use crate::reading::Place;
use crate::text::Line;

/// So many profiles are compared.
const MOST: usize = 16;

/// What tells that an authentication failed.
const FAILURES: &[&str] = &[
    "auth exchange failed",
    "authentication_failed",
    "authentication failed",
    "failed to authenticate",
];

/// Follows the profiles of a text.
#[derive(Debug, Default)]
pub(super) struct Ikev2Profiles {
    host: Option<String>,
    all: Vec<Profile>,
    open: bool,
    /// An authentication failed after the last profile.
    failed: bool,
}

#[derive(Debug)]
struct Profile {
    host: String,
    name: String,
    /// The address that it calls itself by.
    own: Option<String>,
    /// The address that its peer has to call itself by.
    peer: Option<String>,
    local: Option<String>,
    remote: Vec<String>,
    place: Place,
}

impl Ikev2Profiles {
    /// The next line.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Place) {
        let body = line.body.trim();
        if let Some((name, command)) = body.split_once("(config-ikev2-profile)#") {
            self.typed(name, command.trim());
        } else if let Some(name) = host(line.body) {
            self.host = Some(name.to_owned());
            self.open = false;
        } else if body.starts_with("crypto ") {
            self.open = body.starts_with("crypto ikev2 profile ") && self.all.len() < MOST;
            if let Some(host) = self.host.clone().filter(|_| self.open) {
                self.all.push(Profile {
                    host,
                    name: body.rsplit(' ').next().unwrap_or_default().to_owned(),
                    own: None,
                    peer: None,
                    local: None,
                    remote: Vec::new(),
                    place: place(),
                });
                self.failed = false;
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
        } else if let Some(profile) = self.all.last_mut().filter(|_| self.open) {
            let address = |head| {
                let rest = body.strip_prefix(head)?;
                rest.split(' ').next().map(str::to_owned)
            };
            let own = address("identity local address ");
            let peer = address("match identity remote address ");
            profile.own = own.or(profile.own.take());
            profile.peer = peer.or(profile.peer.take());
        }
        let said = body.to_ascii_lowercase();
        self.failed |= FAILURES.iter().any(|words| said.contains(words));
    }

    /// A command in a profile of that router's, after it was shown.
    fn typed(&mut self, host: &str, command: &str) {
        self.open = false;
        let mut of_host = self.all.iter_mut().rev();
        let Some(profile) = of_host.find(|p| p.host == host) else {
            return;
        };
        if let Some(method) = command.strip_prefix("authentication local ") {
            profile.local = method.split(' ').next().map(str::to_owned);
        } else if command.contains("authentication remote ") {
            // One more, or another one.
            profile.remote.clear();
        }
    }

    /// The end of the text: two routers with one profile each are each other's peers.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        let all = core::mem::take(&mut self.all);
        let [one, other] = all.as_slice() else {
            return;
        };
        if one.host == other.host || !self.failed || !(one.means(other) && other.means(one)) {
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

impl Profile {
    /// Whether its peer is that router: by the address, or else by the profile's name.
    fn means(&self, other: &Profile) -> bool {
        match (&self.peer, &other.own) {
            (Some(peer), Some(own)) => peer == own,
            _ => {
                let name = self.name.to_ascii_lowercase();
                name.contains(&other.host.to_ascii_lowercase())
            }
        }
    }
}
