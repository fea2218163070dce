//! `show vpn ipsec connections` of VyOS.

use adit_model::peer_config::{Dialect, PeerChild, PeerConnection, Versions};

use super::{MOST, Shown, networks, places, shown};
use crate::config::value;
use crate::reading::Place as Where;

/// Connections shown so far.
#[derive(Debug, Default)]
pub(super) struct Vyos {
    all: Vec<Shown>,
    head: bool,
}

impl Vyos {
    /// The next line: `Connection State Type Remote address Local TS …`, then a row for each IKE SA and one for each child.
    pub(super) fn line(&mut self, body: &str, place: &dyn Fn() -> Where) {
        if body.starts_with("Connection") && body.contains("Local TS") {
            self.head = true;
            return;
        }
        if !self.head || body.starts_with('-') {
            return;
        }
        // Two networks of one end have one blank between them.
        let columns: Vec<&str> = body
            .split("  ")
            .map(str::trim)
            .filter(|c| !c.is_empty())
            .collect();
        let [name, _, kind, peer, ours, theirs, our_id, their_id, ..] = columns.as_slice() else {
            self.head = body.is_empty();
            return;
        };
        let versions = match *kind {
            "IKEv1" => Versions::V1,
            "IKEv2" => Versions::V2,
            "IPsec" => {
                self.child(name, ours, theirs, place);
                return;
            }
            _ => Versions::BOTH,
        };
        if self.all.len() >= MOST {
            return;
        }
        let place = place();
        let mut c = PeerConnection::new(name, Dialect::Vyos, place.source.clone());
        c.listed = true;
        c.versions = shown(versions, &place);
        c.remote = shown(places(peer), &place);
        for (id, text) in [(&mut c.local_id, our_id), (&mut c.remote_id, their_id)] {
            if let Some(known) = value::identity(text).filter(|_| *text != "-") {
                *id = shown(Some(known), &place);
            }
        }
        self.all.push((c, place));
    }

    fn child(&mut self, name: &str, ours: &str, theirs: &str, place: &dyn Fn() -> Where) {
        let Some((c, _)) = self.all.last_mut() else {
            return;
        };
        if let (Some(ours), Some(theirs), true) =
            (networks(ours), networks(theirs), c.children.len() < MOST)
        {
            let place = place();
            let mut child = PeerChild::new(name, place.source.clone());
            child.local_ts = shown(ours, &place);
            child.remote_ts = shown(theirs, &place);
            c.children.push(child);
        }
    }

    /// All of them.
    pub(super) fn finish(&mut self) -> Vec<Shown> {
        core::mem::take(&mut self.all)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::place;
    use super::*;

    #[test]
    fn a_row_for_the_ike_sa_and_rows_for_its_children() {
        let mut vyos = Vyos::default();
        for line in [
            "Connection      State  Type   Remote address  Local TS     Remote TS    Local id   Remote id  Proposal",
            "--------------  -----  -----  --------------  -----------  -----------  ---------  ---------  --------",
            "to-b            down   IKEv2  198.51.100.1    -            -            gw-a       gw-b       -",
            "to-b-tunnel-0   down   IPsec  198.51.100.1    10.1.0.0/24  10.2.0.0/24  gw-a       gw-b       -",
            "vyos@gw-a:~$ exit",
            "other           down   IKEv2  203.0.113.1     -            -            x          y          -",
        ] {
            vyos.line(line, &place);
        }
        let all = vyos.finish();
        let [(c, _)] = all.as_slice() else {
            panic!("{}", all.len());
        };
        assert_eq!(c.local_id.value, value::identity("gw-a"));
        assert_eq!(c.children.len(), 1);
    }
}
