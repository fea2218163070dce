//! Connections as a daemon's own status shows them: what it runs, whatever its files say.
//!
//! A status shows less than a file: addresses, identities, methods and networks always, proposals seldom. What it
//! doesn't show stays at no value, so that a comparison says nothing about it.

mod pluto;
mod router;
mod stroke;
mod swanctl;
mod vyos;

use adit_model::fact::{Fact, Known};
use adit_model::peer_config::{AuthMethod, PeerConnection, Place, Setting};
use adit_model::selector::Selector;

use super::fact;
use crate::config::value;
use crate::reading::Place as Where;
use crate::text::Line;

/// More connections of one text, and more children of one connection, aren't kept.
const MOST: usize = 64;

/// Every reader of connections.
#[derive(Debug, Default)]
pub(crate) struct Conns {
    stroke: stroke::Stroke,
    swanctl: swanctl::Swanctl,
    pluto: pluto::Statuses,
    router: router::Routers,
    vyos: vyos::Vyos,
}

impl Conns {
    /// The next line.
    pub(super) fn line(&mut self, line: &Line<'_>, place: &dyn Fn() -> Where) {
        let body = line.body.trim();
        self.stroke.line(body, place);
        self.swanctl.line(body, place);
        self.pluto.line(body, place);
        self.router.line(body, place);
        self.vyos.line(body, place);
    }

    /// All that were shown.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        let all = [
            self.stroke.finish(),
            self.swanctl.finish(),
            self.pluto.finish(),
            self.router.finish(),
            self.vyos.finish(),
        ];
        for (connection, place) in all.into_iter().flatten() {
            let what = Known::PeerConfigured {
                connection: Box::new(connection),
            };
            facts.push(Fact {
                at: None,
                ..fact(place, what)
            });
        }
    }
}

/// A connection, and where it begins.
type Shown = (PeerConnection, Where);

/// A value that a line shows.
fn shown<T>(value: T, place: &Where) -> Setting<T> {
    Setting::written(value, place.source.clone())
}

/// The addresses that an end may have; a list of them with anywhere in it is anywhere.
fn places(text: &str) -> Vec<Place> {
    let all: Vec<Place> = text
        .split([',', ' '])
        .filter(|w| !w.is_empty())
        .map(value::place)
        .collect();
    if all.is_empty() || all.contains(&Place::Any) {
        vec![Place::Any]
    } else {
        all
    }
}

/// The networks of an end; `dynamic` is the end's own address. Nothing where one of them can't be read.
fn networks(text: &str) -> Option<Vec<Option<Selector>>> {
    text.split([' ', ','])
        .filter(|w| !w.is_empty())
        .map(|word| {
            if word.starts_with("dynamic") {
                Some(None)
            } else {
                value::network(word).map(Some)
            }
        })
        .collect()
}

/// `pre-shared key`, `public key`, `EAP_MSCHAPV2`: how an end authenticates.
fn method(text: &str) -> Option<AuthMethod> {
    let text = text.trim();
    if text.starts_with("pre-shared key") {
        Some(AuthMethod::Psk)
    } else if text.starts_with("public key") {
        Some(AuthMethod::PublicKey)
    } else if text.starts_with("EAP") {
        Some(AuthMethod::Eap)
    } else if text.starts_with("XAuth") {
        Some(AuthMethod::Xauth)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Where;
    use adit_model::fact::{Side, Source};

    /// Where the lines of tests stand.
    pub(super) fn place() -> Where {
        Where {
            source: Source {
                name: "x".to_owned(),
                line: None,
                text: String::new(),
            },
            at: None,
            side: Side::Local,
        }
    }
}
