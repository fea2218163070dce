//! Selectors that routers list with their SAs, also where there is none: `show crypto ipsec sa` of Cisco, `diagnose vpn
//! tunnel list` of FortiGate, `show security ipsec security-associations detail` of Junos.

use adit_model::peer_config::{Dialect, PeerChild, PeerConnection, Place};
use adit_model::selector::Selector;

use super::{MOST, Shown, shown};
use crate::config::value;
use crate::reading::Place as Where;

/// What was shown so far.
#[derive(Debug, Default)]
pub(super) struct Routers {
    all: Vec<Shown>,
    /// Our address, and our network, of which the other end's stands on a later line.
    local: Option<Place>,
    ours: Option<Selector>,
    theirs: Option<Selector>,
    /// A tunnel of FortiGate is open.
    fortigate: bool,
}

impl Routers {
    /// The next line.
    pub(super) fn line(&mut self, body: &str, place: &dyn Fn() -> Where) {
        if let Some((_, address)) = body
            .strip_prefix("Crypto map tag")
            .and_then(|rest| rest.split_once("local addr"))
        {
            // A new map, or the same one at another interface.
            self.local = Some(value::place(address.trim_start_matches([':', ' '])));
        } else if let Some((ours, net)) = cisco(body) {
            if ours {
                (self.ours, self.theirs) = (Some(net), None);
            } else {
                self.theirs = Some(net);
            }
        } else if let Some(rest) = body.strip_prefix("current_peer") {
            let peer = rest.trim_start_matches([':', ' ']).split([' ', ',']).next();
            if let (Some(peer), Some(ours), Some(theirs)) =
                (peer, self.ours.take(), self.theirs.take())
            {
                self.child(Dialect::CiscoIos, peer, (ours, theirs), place);
            }
        } else if body.starts_with("name=") && body.contains(" ver=") {
            self.tunnel(body, place);
        } else if self.fortigate {
            self.selector(body, place);
        }
        self.junos(body, place);
    }

    /// `name=to-b ver=2 serial=9 192.0.2.1:0->198.51.100.1:0 …`.
    fn tunnel(&mut self, body: &str, place: &dyn Fn() -> Where) {
        self.fortigate = false;
        let mut words = body.split_whitespace();
        let name = words.next().and_then(|w| w.strip_prefix("name="));
        let ends = words.find_map(|w| w.split_once("->"));
        let (Some(name), Some((ours, theirs))) = (name, ends) else {
            return;
        };
        let host = |text: &str| text.rsplit_once(':').map(|(host, _)| value::place(host));
        if let (Some(ours), Some(theirs)) = (host(ours), host(theirs))
            && self.all.len() < MOST
        {
            let place = place();
            let mut c = PeerConnection::new(name, Dialect::Fortios, place.source.clone());
            c.listed = true;
            c.local = shown(vec![ours], &place);
            c.remote = shown(vec![theirs], &place);
            self.all.push((c, place));
            self.fortigate = true;
        }
    }

    /// `src: 0:10.1.0.0-10.1.0.255:0`, then `dst: …`.
    fn selector(&mut self, body: &str, place: &dyn Fn() -> Where) {
        if let Some(net) = body.strip_prefix("src: ").and_then(range) {
            self.ours = Some(net);
        } else if let Some(net) = body.strip_prefix("dst: ").and_then(range)
            && let Some(ours) = self.ours.take()
            && let Some((c, _)) = self.all.last_mut()
            && c.children.len() < MOST
        {
            c.children.push(child((ours, net), &place()));
        }
    }

    /// `Local Gateway: A, Remote Gateway: B`, `Local Identity: ipv4_subnet(any:0,[0..7]=10.1.0.0/24)`, `Remote Identity: …`.
    fn junos(&mut self, body: &str, place: &dyn Fn() -> Where) {
        let identity = |text: &str| -> Option<Selector> {
            let inside = text.split_once("=").map_or_else(
                || text.split_once('(').map(|(_, rest)| rest),
                |(_, rest)| Some(rest),
            )?;
            value::network(inside.trim_end_matches([')', ' ']))
        };
        if let Some((ours, theirs)) = body
            .strip_prefix("Local Gateway: ")
            .and_then(|rest| rest.split_once(", Remote Gateway: "))
        {
            self.local = Some(value::place(ours));
            let place = place();
            let mut c = PeerConnection::new(theirs, Dialect::Junos, place.source.clone());
            c.listed = true;
            c.local = shown(vec![value::place(ours)], &place);
            c.remote = shown(vec![value::place(theirs)], &place);
            if self.all.len() < MOST {
                self.all.push((c, place));
            }
        } else if let Some(net) = body.strip_prefix("Local Identity: ").and_then(identity) {
            self.ours = Some(net);
        } else if let Some(net) = body.strip_prefix("Remote Identity: ").and_then(identity)
            && let Some(ours) = self.ours.take()
            && let Some((c, _)) = self
                .all
                .last_mut()
                .filter(|(c, _)| c.dialect == Dialect::Junos && c.children.len() < MOST)
        {
            c.children.push(child((ours, net), &place()));
        }
    }

    /// Another pair of networks towards a peer.
    fn child(
        &mut self,
        dialect: Dialect,
        peer: &str,
        nets: (Selector, Selector),
        place: &dyn Fn() -> Where,
    ) {
        let remote = value::place(peer);
        let at = self
            .all
            .iter()
            .position(|(c, _)| c.dialect == dialect && c.name == peer);
        let at = match at {
            Some(at) => at,
            None if self.all.len() < MOST => {
                let place = place();
                let mut c = PeerConnection::new(peer, dialect, place.source.clone());
                c.listed = true;
                c.local = shown(vec![self.local.clone().unwrap_or(Place::Any)], &place);
                c.remote = shown(vec![remote], &place);
                self.all.push((c, place));
                self.all.len() - 1
            }
            None => return,
        };
        if let Some((c, _)) = self.all.get_mut(at)
            && c.children.len() < MOST
        {
            c.children.push(child(nets, &place()));
        }
    }

    /// All of them.
    pub(super) fn finish(&mut self) -> Vec<Shown> {
        let mut all = core::mem::take(&mut self.all);
        all.retain(|(c, _)| !c.children.is_empty());
        all
    }
}

fn child((ours, theirs): (Selector, Selector), place: &Where) -> PeerChild {
    let mut child = PeerChild::new(&format!("{ours} === {theirs}"), place.source.clone());
    child.local_ts = shown(vec![Some(ours)], place);
    child.remote_ts = shown(vec![Some(theirs)], place);
    child
}

/// `local  ident (addr/mask/prot/port): (10.1.0.0/255.255.255.0/0/0)`: whether it is ours.
fn cisco(body: &str) -> Option<(bool, Selector)> {
    if !body.starts_with(['l', 'r']) {
        return None;
    }
    let (head, rest) = body.split_once("ident (addr/mask/prot/port): (")?;
    let mut parts = rest.split([')', '/']);
    let mut net = value::address_and_mask(parts.next()?, parts.next()?)?;
    let protocol: u8 = parts.next()?.parse().ok()?;
    let port: u16 = parts.next()?.parse().ok()?;
    if protocol != 0 {
        net.protocol = protocol;
    }
    if port != 0 {
        net.ports = (port, port);
    }
    match head.trim() {
        "local" => Some((true, net)),
        "remote" => Some((false, net)),
        _ => None,
    }
}

/// `0:10.1.0.0-10.1.0.255:0`, `0:10.1.0.0/255.255.255.0:0`.
fn range(text: &str) -> Option<Selector> {
    let mut parts = text.trim().split(':');
    let protocol: u8 = parts.next()?.parse().ok()?;
    let nets = parts.next()?;
    let mut net = match nets.split_once('/') {
        Some((address, mask)) => value::address_and_mask(address, mask)?,
        None => nets.parse().ok()?,
    };
    net.protocol = protocol;
    Some(net)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::place;
    use super::*;

    fn nets(lines: &[&str]) -> Vec<String> {
        let mut routers = Routers::default();
        for line in lines {
            routers.line(line.trim(), &place);
        }
        let all = routers.finish();
        all.iter()
            .flat_map(|(c, _)| {
                c.children.iter().map(|child| {
                    let one =
                        |nets: &[Option<Selector>]| nets.first().unwrap().unwrap().to_string();
                    format!(
                        "{} {} {}",
                        c.remote.value.first().unwrap(),
                        one(&child.local_ts.value),
                        one(&child.remote_ts.value)
                    )
                })
            })
            .collect()
    }

    #[test]
    fn selectors_of_three_routers() {
        let want = ["198.51.100.1 10.1.0.0/24 10.2.0.0/24"];
        assert_eq!(
            nets(&[
                "Crypto map tag: outside, local addr 192.0.2.1",
                "local  ident (addr/mask/prot/port): (10.1.0.0/255.255.255.0/0/0)",
                "remote ident (addr/mask/prot/port): (10.2.0.0/255.255.255.0/0/0)",
                "current_peer 198.51.100.1 port 500",
            ]),
            want
        );
        assert_eq!(
            nets(&[
                "name=to-b ver=2 serial=9 192.0.2.1:0->198.51.100.1:0 tun_id=198.51.100.1 dst_mtu=1500",
                "proxyid=p2 proto=0 sa=0 ref=2 serial=1",
                "  src: 0:10.1.0.0-10.1.0.255:0",
                "  dst: 0:10.2.0.0/255.255.255.0:0",
            ]),
            want
        );
        assert_eq!(
            nets(&[
                "ID: 131073 Virtual-system: root, VPN Name: to-b",
                "Local Gateway: 192.0.2.1, Remote Gateway: 198.51.100.1",
                "Local Identity: ipv4_subnet(any:0,[0..7]=10.1.0.0/24)",
                "Remote Identity: ipv4_subnet(any:0,[0..7]=10.2.0.0/24)",
            ]),
            want
        );
    }
}
