//! `Connections:` of strongSwan's `ipsec statusall`, and of VyOS's `show vpn debug`.

use adit_model::connection::Mode;
use adit_model::peer_config::{
    AuthMethod, Dialect, PeerChild, PeerConnection, PeerId, Setting, Versions,
};

use super::{MOST, Shown, method, networks, places, shown};
use crate::config::value;
use crate::reading::Place as Where;

/// Connections shown so far.
#[derive(Debug, Default)]
pub(super) struct Stroke {
    all: Vec<Shown>,
    /// How many lists there were.
    lists: u32,
}

impl Stroke {
    /// The next line: the head of a connection, or one of the lines below it.
    pub(super) fn line(&mut self, body: &str, place: &dyn Fn() -> Where) {
        if body == "Connections:" {
            self.lists += 1;
            return;
        }
        let Some((name, rest)) = body.split_once(": ") else {
            return;
        };
        let rest = rest.trim_start();
        if let Some((ends, about)) = rest.split_once("  ")
            && let (Some((ours, theirs)), true) =
                (ends.split_once("..."), about.starts_with("IKEv"))
        {
            if self.all.len() < MOST && !name.is_empty() {
                let place = place();
                let mut c =
                    PeerConnection::new(name, Dialect::StrongswanStroke, place.source.clone());
                c.listed = true;
                c.block = self.lists;
                c.local = shown(places(ours), &place);
                c.remote = shown(places(theirs), &place);
                c.versions = shown(versions(about), &place);
                c.aggressive = shown(about.contains(" Aggressive"), &place);
                self.all.push((c, place));
            }
            return;
        }
        let Some((c, _)) = self.all.last_mut() else {
            return;
        };
        if let Some(said) = rest.strip_prefix("local:").filter(|_| c.name == name) {
            let place = place();
            end(&mut c.local_id, &mut c.local_auth, said, &place);
        } else if let Some(said) = rest.strip_prefix("remote:").filter(|_| c.name == name) {
            let place = place();
            end(&mut c.remote_id, &mut c.remote_auth, said, &place);
        } else if let Some(said) = rest
            .strip_prefix("child:")
            .filter(|_| c.children.len() < MOST)
            && let Some(child) = child(name, said, &place())
        {
            c.children.push(child);
        }
    }

    /// All of them.
    pub(super) fn finish(&mut self) -> Vec<Shown> {
        core::mem::take(&mut self.all)
    }
}

fn versions(about: &str) -> Versions {
    if about.starts_with("IKEv1/2") {
        Versions::BOTH
    } else if about.starts_with("IKEv1") {
        Versions::V1
    } else {
        Versions::V2
    }
}

/// Methods of one end that are kept.
const MOST_METHODS: usize = 8;

/// `[gw-a] uses pre-shared key authentication`; a second method stands on a line of its own.
fn end(
    id: &mut Setting<Option<PeerId>>,
    auth: &mut Setting<Vec<AuthMethod>>,
    said: &str,
    place: &Where,
) {
    let (who, how) = said.split_once("uses ").unwrap_or((said, ""));
    let who = who.trim();
    if let Some(inside) = who.strip_prefix('[').and_then(|w| w.strip_suffix(']')) {
        if !id.is_written() {
            *id = shown(value::identity(inside), place);
        }
    } else if who.is_empty() && !id.is_written() {
        *id = shown(Some(PeerId::Any), place);
    }
    let Some(method) = method(how) else {
        return;
    };
    if !auth.is_written() {
        *auth = shown(vec![method], place);
    } else if auth.value.len() < MOST_METHODS && !auth.value.contains(&method) {
        auth.value.push(method);
    }
}

/// `10.1.0.0/24 === 10.2.0.0/24 TUNNEL, dpdaction=restart`.
fn child(name: &str, said: &str, place: &Where) -> Option<PeerChild> {
    let (ours, rest) = said.split_once("===")?;
    let rest = rest.split(", ").next()?;
    let (theirs, mode) = rest.trim().rsplit_once(' ')?;
    let mut child = PeerChild::new(name, place.source.clone());
    child.mode = shown(
        match mode {
            "TUNNEL" => Mode::Tunnel,
            "TRANSPORT" => Mode::Transport,
            _ => return None,
        },
        place,
    );
    child.local_ts = shown(networks(ours)?, place);
    child.remote_ts = shown(networks(theirs)?, place);
    Some(child)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::place;
    use super::*;

    #[test]
    fn a_method_that_is_listed_twice_is_one() {
        let mut stroke = Stroke::default();
        stroke.line("a:  192.0.2.1...198.51.100.1  IKEv2", &place);
        for _ in 0..3 {
            let line = "a:   local:  [gw-a] uses pre-shared key authentication";
            stroke.line(line, &place);
        }
        let all = stroke.finish();
        let (c, _) = all.first().unwrap();
        assert_eq!(c.local_auth.value, [AuthMethod::Psk]);
    }

    #[test]
    fn a_connection_with_its_ends_methods_and_networks() {
        let mut stroke = Stroke::default();
        for line in [
            "Connections:",
            "to-b:  192.0.2.1...198.51.100.1  IKEv1 Aggressive, dpddelay=30s",
            "to-b:   local:  [gw-a] uses pre-shared key authentication",
            "to-b:   remote: [C=CH, CN=gw-b] uses public key authentication",
            "to-b:   remote: uses XAuth authentication: any",
            "lan:   child:  10.1.0.0/24 10.3.0.0/24 === dynamic TUNNEL, dpdaction=restart",
            "Security Associations (0 up, 0 connecting):",
        ] {
            stroke.line(line, &place);
        }
        let all = stroke.finish();
        let [(c, _)] = all.as_slice() else {
            panic!("{}", all.len());
        };
        assert_eq!(c.versions.value, Versions::V1);
        assert!(c.aggressive.value && c.listed);
        assert_eq!(c.local_id.value, value::identity("gw-a"));
        assert_eq!(
            c.remote_auth.value,
            [AuthMethod::PublicKey, AuthMethod::Xauth]
        );
        let child = c.children.first().unwrap();
        assert_eq!(child.name, "lan");
        assert_eq!(child.local_ts.value.len(), 2);
        assert_eq!(child.remote_ts.value, [None]);
    }
}
