//! The notifies of RFC 4555, written and read.

use std::net::{IpAddr, SocketAddr};

use adit_model::address::is_host;
use adit_model::reason::Refusal;
use adit_model::selector::Selector;
use adit_wire::iana::NotifyType;
use adit_wire::v2::{Notify, Payload, PayloadList};

use crate::head::{Head, NetPath};
use crate::v2::config_payload::effective;

/// What IKE_AUTH says of it: N(MOBIKE_SUPPORTED) and our other addresses (3.2, 3.4).
pub(crate) fn announcement(addresses: &[IpAddr], head: &Head) -> Vec<Payload> {
    if !head.connection.mobike {
        return Vec::new();
    }
    let supported = Payload::Notify(Notify::new(NotifyType::MOBIKE_SUPPORTED));
    let others = additional(&others(addresses, head));
    core::iter::once(supported).chain(others).collect()
}

/// What our IKE_AUTH request says to a peer without NAT traversal (3.9).
pub(crate) fn prohibition(head: &Head) -> Option<Payload> {
    let translatable = head.nat.is_some_and(|nat| nat.peer_supports);
    (head.connection.mobike && !translatable).then(|| no_nats_allowed(head.path))
}

/// Whether the sender of an IKE_AUTH message can move. What the notify may carry means nothing yet (4.2.1).
pub(crate) fn is_announced(payloads: &PayloadList) -> bool {
    payloads.notify(NotifyType::MOBIKE_SUPPORTED).is_some()
}

/// N(NO_NATS_ALLOWED), for a peer without NAT traversal: addresses that change on the way are an attack then (3.9).
pub(crate) fn no_nats_allowed(path: NetPath) -> Payload {
    let mut data = Vec::new();
    for end in [path.local, path.remote] {
        match end.ip() {
            IpAddr::V4(address) => data.extend(address.octets()),
            IpAddr::V6(address) => data.extend(address.octets()),
        }
    }
    for end in [path.local, path.remote] {
        data.extend(end.port().to_be_bytes());
    }
    Payload::Notify(Notify::with_data(NotifyType::NO_NATS_ALLOWED, data))
}

/// Whether the addresses that N(NO_NATS_ALLOWED) names are those of the packet, which came over `path` (3.9).
pub(crate) fn check_no_nats(payloads: &PayloadList, path: NetPath) -> Result<(), Refusal> {
    let Some(notify) = payloads.notify(NotifyType::NO_NATS_ALLOWED) else {
        return Ok(());
    };
    let sent = NetPath {
        local: path.remote,
        remote: path.local,
    };
    match no_nats_allowed(sent) {
        Payload::Notify(expected) if expected.data == notify.data => Ok(()),
        _ => Err(Refusal::Translated {
            sent: ends(&notify.data),
            seen: vec![path.remote, path.local],
        }),
    }
}

/// Source and destination that N(NO_NATS_ALLOWED) names; nothing when it has another length.
fn ends(data: &[u8]) -> Vec<SocketAddr> {
    let port = |at: usize| {
        let octets = data
            .get(at..at + 2)
            .and_then(|o| <[u8; 2]>::try_from(o).ok());
        octets.map(u16::from_be_bytes)
    };
    let width = match data.len() {
        12 => 4,
        36 => 16,
        _ => return Vec::new(),
    };
    (0..2)
        .filter_map(|end| {
            let address = address(data.get(end * width..(end + 1) * width)?)?;
            Some(SocketAddr::new(address, port(2 * width + 2 * end)?))
        })
        .collect()
}

/// N(ADDITIONAL_IP4_ADDRESS) and N(ADDITIONAL_IP6_ADDRESS).
pub(crate) fn additional(addresses: &[IpAddr]) -> Vec<Payload> {
    let notify = |address: &IpAddr| match address {
        IpAddr::V4(a) => Notify::with_data(NotifyType::ADDITIONAL_IP4_ADDRESS, a.octets().to_vec()),
        IpAddr::V6(a) => Notify::with_data(NotifyType::ADDITIONAL_IP6_ADDRESS, a.octets().to_vec()),
    };
    addresses
        .iter()
        .map(|a| Payload::Notify(notify(a)))
        .collect()
}

/// The sender's other addresses, if the message speaks of them. Of very many only the first ones are kept, and what
/// isn't an address of a host is none.
pub(crate) fn addresses(payloads: &PayloadList) -> Option<Vec<IpAddr>> {
    let told = |n: &Notify| {
        [
            NotifyType::ADDITIONAL_IP4_ADDRESS,
            NotifyType::ADDITIONAL_IP6_ADDRESS,
            NotifyType::NO_ADDITIONAL_ADDRESSES,
        ]
        .contains(&n.kind)
    };
    let none = |n: &Notify| n.kind == NotifyType::NO_ADDITIONAL_ADDRESSES;
    if !payloads.notifies().any(told) {
        return None;
    }
    let found = payloads
        .notifies()
        .filter(|n| told(n) && !none(n))
        .filter_map(|n| {
            let ipv4 = n.kind == NotifyType::ADDITIONAL_IP4_ADDRESS;
            address(&n.data).filter(|a| a.is_ipv4() == ipv4 && is_host(*a))
        });
    Some(found.take(MOST_KEPT).collect())
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from))
        .ok()
}

/// Our addresses that the peer may use beside the present one. Where the configuration says which one is ours there are
/// none; and those that the tunnel protects are for what is inside it.
pub(crate) fn others(addresses: &[IpAddr], head: &Head) -> Vec<IpAddr> {
    let connection = &head.connection;
    if connection.local.is_some() {
        return Vec::new();
    }
    let present = head.path.local.ip();
    let other = |a: &IpAddr| *a != present && is_host(*a) && !is_inside(head, *a, present);
    addresses
        .iter()
        .copied()
        .filter(other)
        .take(MOST_TOLD)
        .collect()
}

/// Whether an address is one that the tunnel carries packets of, while `present`, which its sender uses, isn't: what takes
/// that one too, as a tunnel for everything does, says nothing. Where the peer gives us an address, that is all of our side.
pub(crate) fn is_inside(head: &Head, address: IpAddr, present: IpAddr) -> bool {
    let given = !head.connection.inner.wanted.is_empty();
    if given && head.inner.ours.contains(&address) {
        return true;
    }
    let takes = |ts: &Selector, address: IpAddr| {
        ts.start.is_ipv4() == address.is_ipv4() && ts.start <= address && address <= ts.end
    };
    head.connection.children.iter().any(|configured| {
        let child = effective(head, configured);
        let ours = configured.local_ts.iter().filter(|_| !given);
        ours.chain(&configured.remote_ts)
            .chain(&child.local_ts)
            .chain(&child.remote_ts)
            .any(|ts| takes(ts, address) && !takes(ts, present))
    })
}

/// Most addresses of a peer that are kept.
const MOST_KEPT: usize = 16;
/// Most addresses of ours that a peer is told.
const MOST_TOLD: usize = 8;
