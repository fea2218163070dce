//! What changes when a path does.

use std::net::{IpAddr, SocketAddr};

use adit_model::address::is_host;
use adit_model::dataplane::DataPlaneRequest;
use adit_model::event::Happening;
use adit_model::reason::Refusal;

use super::notifies::{is_inside, others};
use crate::cx::{Cx, Note};
use crate::head::{Head, NetPath};
use crate::v2::agenda::Task;
use crate::v2::established::Established;

impl Established {
    /// Our addresses aren't what they were, or packets leave from another one.
    pub fn addresses_changed(&mut self, cx: &mut Cx<'_>) {
        let Some(mobility) = &self.mobility else {
            return;
        };
        let present = self.secured.head.path.local.ip();
        let source = cx.addresses.sources.get(&self.connection().name).copied();
        let gone = !cx.addresses.ours.contains(&present);
        let place = match source.filter(|source| cx.addresses.ours.contains(source)) {
            Some(source) if gone || mobility.decides => self.peer_for(source).map(|p| (source, p)),
            _ => None,
        };
        let place = match place {
            None if gone => self.any_place(cx),
            place => place,
        };
        if let Some((own, peer)) = place {
            self.relocate(cx, own, peer);
        }
        let announced = others(&cx.addresses.ours, &self.secured.head);
        if let Some(mobility) = &mut self.mobility
            && mobility.announced != announced
        {
            mobility.announced = announced;
            self.agenda.add(Task::AnnounceAddresses);
        }
        self.work(cx);
    }

    /// Where the peer is, the address that it uses first.
    fn peers(&self) -> impl Iterator<Item = IpAddr> {
        let others = self.mobility.iter().flat_map(|m| &m.peer_addresses);
        core::iter::once(self.secured.head.path.remote.ip()).chain(others.copied())
    }

    fn peer_for(&self, own: IpAddr) -> Option<IpAddr> {
        self.peers().find(|peer| peer.is_ipv4() == own.is_ipv4())
    }

    /// An address of ours that may do, and one of the peer's.
    fn any_place(&self, cx: &Cx<'_>) -> Option<(IpAddr, IpAddr)> {
        let ours = || {
            let ours = cx.addresses.ours.iter().copied();
            ours.filter(|own| is_usable(&self.secured.head, *own))
        };
        self.peers().find_map(|peer| {
            let own = ours().find(|own| own.is_ipv4() == peer.is_ipv4())?;
            Some((own, peer))
        })
    }

    fn relocate(&mut self, cx: &mut Cx<'_>, local: IpAddr, peer: IpAddr) {
        let mut path = self.secured.head.path;
        path.local.set_ip(local);
        if path.remote.ip() != peer {
            path.remote = SocketAddr::new(peer, cx.settings.nat_port);
        }
        if path == self.secured.head.path {
            return;
        }
        self.take_path(cx, path);
        let follows = self.mobility.as_ref().is_some_and(|m| !m.decides);
        if follows {
            // The address that we had is no more: there is no other way to send (RFC 4555 3.5).
            self.secured.head.children_stay = None;
            self.agenda.add_first(Task::AnnounceAddresses);
        } else {
            self.tell_path();
        }
        self.move_children(cx);
    }

    /// The peer has to be told of the path.
    pub fn tell_path(&mut self) {
        if let Some(mobility) = &mut self.mobility {
            mobility.told = false;
            self.agenda.add_first(Task::UpdatePath);
        }
    }

    /// The IKE SA takes a path. Children stay on theirs while it isn't known that the peer receives at another address
    /// (RFC 4555 3.7). What is pending goes out again over the new path.
    pub(super) fn take_path(&mut self, cx: &mut Cx<'_>, path: NetPath) {
        let head = &mut self.secured.head;
        let (from, children) = (head.path, head.child_path());
        if path == from {
            return;
        }
        head.path = path;
        if path.remote == children.remote {
            head.children_stay = None;
        } else {
            head.children_stay = Some(children);
        }
        if path.local != from.local {
            let what = Happening::Moved {
                from: from.local,
                to: path.local,
            };
            cx.event(&self.secured.head, what);
        }
        if path.remote != from.remote {
            let what = Happening::PeerMoved {
                from: from.remote,
                to: path.remote,
            };
            cx.event(&self.secured.head, what);
        }
        cx.note(Note::Moved { from });
        for request in self.agenda.path_requests() {
            request.diverted();
        }
        self.secured.repeat_now(cx);
    }

    /// Children take the path of the IKE SA, unless it is doubtful.
    pub fn move_children(&self, cx: &mut Cx<'_>) {
        let spis_in: Vec<u32> = self.children.iter().map(|c| c.spi_in).collect();
        if !spis_in.is_empty() && self.secured.head.children_stay.is_none() {
            cx.data_plane(DataPlaneRequest::MovePath {
                connection: self.secured.head.connection.name.clone(),
                spis_in,
                path: self.secured.head.child_path(),
            });
        }
    }

    /// Whether a peer may go on over `path` (RFC 4555 3.5).
    pub(super) fn acceptable(&self, cx: &Cx<'_>, path: NetPath) -> Result<(), Refusal> {
        let (address, now) = (path.remote.ip(), self.secured.head.path.remote.ip());
        let problem = if !is_host(address) && address != now || path.remote.port() == 0 {
            "isn't where a peer can be"
        } else if cx.addresses.ours.contains(&address) {
            "is our own"
        } else if is_inside(&self.secured.head, address, now) {
            "lies in what the tunnel itself carries"
        } else {
            return Ok(());
        };
        Err(Refusal::Addresses {
            from: path.remote,
            to: path.local,
            problem: format!("{address} {problem}"),
        })
    }

    /// Whether we are behind a NAT has been found out anew.
    pub(super) fn mind_nat(&mut self, cx: &Cx<'_>) {
        let behind = self
            .secured
            .head
            .nat
            .is_some_and(|nat| nat.local_behind_nat);
        let next = cx.now.mono + cx.settings.nat_keepalive;
        self.keepalive = match self.keepalive {
            Some(at) if behind => Some(at),
            _ => behind.then_some(next),
        };
    }
}

/// Whether IKE can use this address of ours. One that the configuration names is the only one.
pub(crate) fn is_usable(head: &Head, own: IpAddr) -> bool {
    let configured = head.connection.local;
    let present = head.path.local.ip();
    configured.is_none_or(|configured| configured == own)
        && is_host(own)
        && !is_inside(head, own, present)
}
