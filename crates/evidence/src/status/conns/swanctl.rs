//! `swanctl --list-conns`.

use adit_model::connection::Mode;
use adit_model::peer_config::{
    AuthMethod, Dialect, PeerChild, PeerConnection, PeerId, Setting, Versions,
};

use super::{MOST, Shown, method, networks, places, shown};
use crate::config::value;
use crate::reading::Place as Where;

/// What the lines below belong to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    /// No connection is open.
    #[default]
    None,
    /// The connection itself.
    Head,
    /// How an end authenticates.
    Auth {
        /// Our end.
        local: bool,
    },
    /// A CHILD SA.
    Child,
}

/// Connections shown so far.
#[derive(Debug, Default)]
pub(super) struct Swanctl {
    all: Vec<Shown>,
    part: Part,
}

impl Swanctl {
    /// The next line.
    pub(super) fn line(&mut self, body: &str, place: &dyn Fn() -> Where) {
        if self.part == Part::None && !body.contains(": IKEv") {
            return;
        }
        let Some((name, rest)) = body.split_once(':') else {
            self.part = Part::None;
            return;
        };
        let rest = rest.trim();
        if let Some(versions) = head(rest) {
            if self.all.len() < MOST {
                let place = place();
                let mut c = PeerConnection::new(name, Dialect::Swanctl, place.source.clone());
                c.listed = true;
                c.versions = shown(versions, &place);
                c.remote_id = shown(Some(PeerId::Any), &place);
                self.all.push((c, place));
                self.part = Part::Head;
            }
            return;
        }
        let Some((c, _)) = self.all.last_mut() else {
            return;
        };
        let mode = match rest.split(',').next() {
            Some("TUNNEL") => Some(Mode::Tunnel),
            Some("TRANSPORT") => Some(Mode::Transport),
            _ => None,
        };
        match (self.part, name) {
            (Part::None, _) => {}
            (_, _) if mode.is_some() && c.children.len() < MOST => {
                let place = place();
                let mut child = PeerChild::new(name, place.source.clone());
                child.mode = shown(mode.unwrap_or_default(), &place);
                c.children.push(child);
                self.part = Part::Child;
            }
            (Part::Head, "local") => c.local = shown(places(rest), &place()),
            (Part::Head, "remote") => c.remote = shown(places(rest), &place()),
            (Part::Child, "local" | "remote") => {
                if let (Some(child), Some(nets)) = (c.children.last_mut(), networks(rest)) {
                    let ts = if name == "local" {
                        &mut child.local_ts
                    } else {
                        &mut child.remote_ts
                    };
                    *ts = shown(nets, &place());
                }
            }
            (Part::Auth { local: true }, "id") => {
                c.local_id = shown(value::identity(rest), &place());
            }
            (Part::Auth { local: false }, "id") => {
                c.remote_id = shown(value::identity(rest), &place());
            }
            (_, end) => match end.strip_suffix(" authentication") {
                Some(end) => self.part = authentication(c, end, &place()),
                // A certificate or a group of an end.
                None if matches!(self.part, Part::Auth { .. }) => {}
                None => self.part = Part::None,
            },
        }
    }

    /// All of them.
    pub(super) fn finish(&mut self) -> Vec<Shown> {
        core::mem::take(&mut self.all)
    }
}

/// `IKEv2, no reauthentication, rekeying every 14400s`.
fn head(rest: &str) -> Option<Versions> {
    let (version, about) = rest.split_once(", ")?;
    if !about.contains("reauthentication") {
        return None;
    }
    match version {
        "IKEv1" => Some(Versions::V1),
        "IKEv2" => Some(Versions::V2),
        "IKEv1/2" => Some(Versions::BOTH),
        _ => None,
    }
}

/// `local pre-shared key authentication:`.
fn authentication(c: &mut PeerConnection, end: &str, place: &Where) -> Part {
    let (local, how) = match end.split_once(' ') {
        Some(("local", how)) => (true, how),
        Some(("remote", how)) => (false, how),
        _ => return Part::None,
    };
    let auth: &mut Setting<Vec<AuthMethod>> = if local {
        &mut c.local_auth
    } else {
        &mut c.remote_auth
    };
    if let Some(method) = method(how) {
        let mut all = if auth.is_written() {
            auth.value.clone()
        } else {
            Vec::new()
        };
        all.push(method);
        *auth = shown(all, place);
    }
    Part::Auth { local }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::place;
    use super::*;

    #[test]
    fn a_connection_with_its_ends_methods_and_networks() {
        let mut swanctl = Swanctl::default();
        for line in [
            "to-b: IKEv2, no reauthentication, rekeying every 14400s, dpd delay 30s",
            "local:  192.0.2.1",
            "remote: 198.51.100.1",
            "local pre-shared key authentication:",
            "id: gw-a",
            "remote pre-shared key authentication:",
            "id: gw-b",
            "lan: TUNNEL, rekeying every 3600s, dpd action is restart",
            "local:  10.1.0.0/24",
            "remote: 10.2.0.0/24 10.3.0.0/24",
            "$ cat notes: something else",
            "local:  192.0.2.99",
        ] {
            swanctl.line(line, &place);
        }
        let all = swanctl.finish();
        let [(c, _)] = all.as_slice() else {
            panic!("{}", all.len());
        };
        assert_eq!(c.local.value, [value::place("192.0.2.1")]);
        assert_eq!(c.remote_id.value, value::identity("gw-b"));
        assert_eq!(c.local_auth.value, [AuthMethod::Psk]);
        assert_eq!(c.children.first().unwrap().remote_ts.value.len(), 2);
    }
}
