//! What changes when a path does.

use std::net::{IpAddr, SocketAddr};

use adit_model::dataplane::DataPlaneRequest;
use adit_model::event::Happening;
use adit_model::reason::Refusal;

use super::notifies::{is_host, is_inside, others};
use crate::cx::Cx;
use crate::head::NetPath;
use crate::secured;
use crate::v2::agenda::{InFlight, Task};
use crate::v2::established::Established;

impl Established {
    /// Our addresses aren't what they were.
    pub fn addresses_changed(&mut self, cx: &mut Cx<'_>) {
        let (Some(mobility), None) = (&self.mobility, self.replaced) else {
            return;
        };
        let path = self.secured.head.path;
        if !cx.addresses.contains(&path.local.ip()) {
            let configured = self.connection().local;
            let usable = |a: &&IpAddr| configured.is_none_or(|c| c == **a);
            let peers = core::iter::once(path.remote.ip());
            let peers = peers.chain(mobility.peer_addresses.iter().copied());
            let fits = |peer: IpAddr| {
                let own = cx.addresses.iter().filter(usable);
                own.copied()
                    .find(|a| {
                        a.is_ipv4() == peer.is_ipv4()
                            && is_host(*a)
                            && !is_inside(self.connection(), *a)
                    })
                    .map(|own| (own, peer))
            };
            if let Some((own, peer)) = peers.into_iter().find_map(fits) {
                self.relocate(cx, own, peer);
            }
        }
        let announced = others(cx.addresses, &self.secured.head);
        if let Some(mobility) = &mut self.mobility
            && mobility.announced != announced
        {
            mobility.announced = announced;
            self.agenda.add(Task::AnnounceAddresses);
        }
        self.work(cx);
    }

    /// We go on from `local`, if that can be: with the peer at one of its addresses of that family. Whether we do.
    pub fn move_to(&mut self, cx: &mut Cx<'_>, local: IpAddr) -> bool {
        let (Some(mobility), None) = (&self.mobility, self.replaced) else {
            return false;
        };
        let peers = core::iter::once(self.secured.head.path.remote.ip());
        let mut peers = peers.chain(mobility.peer_addresses.iter().copied());
        let Some(peer) = peers.find(|peer| peer.is_ipv4() == local.is_ipv4()) else {
            return false;
        };
        self.relocate(cx, local, peer);
        self.work(cx);
        true
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
    pub(super) fn tell_path(&mut self) {
        if let Some(mobility) = &mut self.mobility {
            mobility.told = false;
        }
        self.agenda.add_first(Task::UpdatePath);
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
        if let Some(InFlight::Path(request)) = &mut self.agenda.in_flight {
            request.diverted();
        }
        secured::repeat_now(cx, &self.secured.head, &mut self.secured.pending);
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
        let connection = self.connection();
        let problem = if !is_host(address) && address != now || path.remote.port() == 0 {
            "isn't where a peer can be"
        } else if cx.addresses.contains(&address) {
            "is our own"
        } else if is_inside(connection, address) && !is_inside(connection, now) {
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
