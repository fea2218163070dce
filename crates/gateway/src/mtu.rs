//! The MTU of the TUN devices: what fits into the outer link under the worst case that is configured.
//!
//! One device serves all tunnels without an interface of their own, so the tightest one decides. The kernel then keeps TCP's segments within it, and
//! tells senders of larger packets to send smaller ones.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use adit_crypto::Provider;
use adit_esp::Overhead;
use adit_kernel::Netlink;
use adit_model::connection::{Connection, Remote};
use adit_model::dataplane::Path;
use adit_model::selector::Selector;

/// The longest inner packet, in octets, that every ESP proposal of `connection` carries over a link of `link_mtu`
/// octets to a peer with an IPv6 (or IPv4) address. ESP counts as encapsulated in UDP: a NAT may be found later.
#[must_use]
pub fn inner_mtu(
    provider: &Provider,
    connection: &Connection,
    link_mtu: u32,
    over_ipv6: bool,
) -> u32 {
    let address = if over_ipv6 {
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, 4500))
    } else {
        SocketAddr::from((Ipv4Addr::UNSPECIFIED, 4500))
    };
    let path = Path {
        local: address,
        remote: address,
        udp_encap: true,
    };
    let link = usize::try_from(link_mtu).unwrap_or(usize::MAX);
    let worst = suites(connection)
        .filter_map(|(encr, bits, integ)| provider.protection(encr, bits, integ).ok())
        .map(|protection| Overhead::new(protection.shape(), &path).inner_mtu(link))
        .min();
    let mtu = worst.unwrap_or_else(|| link.saturating_sub(WITHOUT_KNOWN_SUITE));
    u32::try_from(mtu).unwrap_or(u32::MAX).max(LEAST)
}

/// The MTU of a tunnel's own interface: as configured, or what fits the link to its peer as that is now.
#[must_use]
pub fn of_interface(netlink: &mut Netlink, provider: &Provider, connection: &Connection) -> u32 {
    let configured = connection.interface.as_ref().and_then(|i| i.mtu);
    configured.unwrap_or_else(|| of_tunnel(netlink, provider, connection))
}

/// What fits the link to a tunnel's peer; a peer that isn't known yet counts as behind the widest guess, 1500 octets.
#[must_use]
pub fn of_tunnel(netlink: &mut Netlink, provider: &Provider, connection: &Connection) -> u32 {
    let (link, v6) = match connection.remote {
        Remote::Address(peer) => (link_mtu(netlink, peer), peer.is_ipv6()),
        Remote::Name(_) | Remote::Any => (None, true),
    };
    inner_mtu(provider, connection, link.unwrap_or(1500), v6)
}

/// What is known of the path to a peer: the MTU of the link that leads there, or less where the kernel has learned it.
pub(crate) fn link_mtu(netlink: &mut Netlink, peer: IpAddr) -> Option<u32> {
    let way = netlink.own_route_to(peer).ok()?;
    let device = netlink.link_by_index(way.device?).ok()?;
    Some(way.mtu.map_or(device.mtu, |known| known.min(device.mtu)))
}

/// Whether packets of IPv6 go into a tunnel by its device: the kernel takes IPv6 off a device with a smaller MTU than [`LEAST`].
pub(crate) fn needs_ipv6(connection: &Connection) -> bool {
    match &connection.interface {
        Some(interface) => {
            let mut nets = interface.addresses.iter().chain(&interface.routes);
            nets.any(|net| net.addr().is_ipv6())
        }
        None => {
            let v6 = |all: &[Selector]| all.iter().any(|ts| ts.start.is_ipv6());
            let mut children = connection.children.iter();
            children.any(|child| v6(&child.local_ts) && v6(&child.remote_ts))
        }
    }
}

/// The tunnel for which this is too small an MTU of the device that tunnels share.
pub(crate) fn too_small(mtu: u32, connections: &[Connection]) -> Option<&str> {
    let mut shared = connections.iter().filter(|c| c.interface.is_none());
    let needs = shared.find(|connection| mtu < LEAST && needs_ipv6(connection))?;
    Some(&needs.name)
}

type SuiteIds = (
    adit_wire::iana::EncrId,
    Option<u16>,
    Option<adit_wire::iana::IntegId>,
);

fn suites(connection: &Connection) -> impl Iterator<Item = SuiteIds> {
    connection
        .children
        .iter()
        .flat_map(|child| &child.esp)
        .flat_map(|proposal| {
            proposal.encr.iter().flat_map(move |encr| {
                let integ: Vec<_> = if encr.is_aead() || proposal.integ.is_empty() {
                    vec![None]
                } else {
                    proposal.integ.iter().copied().map(Some).collect()
                };
                integ.into_iter().map(move |i| (encr.id, encr.key_bits, i))
            })
        })
}

/// The least MTU that IPv6 works with (RFC 8200 5); the outer packet is fragmented then.
pub(crate) const LEAST: u32 = 1280;
/// IPv6, UDP, ESP header, longest IV, padding and ICV.
const WITHOUT_KNOWN_SUITE: usize = 40 + 8 + 8 + 16 + 17 + 32;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sample;

    #[test]
    fn the_worst_suite_decides() {
        let provider = adit_crypto::provider::fake(1);
        let mut connection = sample::connection("office");
        connection.children[0].esp = vec![sample::esp("aes128gcm16")];
        assert_eq!(inner_mtu(&provider, &connection, 1500, false), 1438);
        assert_eq!(inner_mtu(&provider, &connection, 1500, true), 1418);
        connection.children[0].esp = vec![sample::esp("aes128gcm16"), sample::esp("aes256-sha512")];
        let cbc = inner_mtu(&provider, &connection, 1500, false);
        assert!(cbc < 1438 && cbc > 1380, "{cbc}");
    }

    #[test]
    fn a_device_for_ipv6_is_not_made_smaller_than_ipv6_takes() {
        let mut connection = sample::connection("office");
        let child = &mut connection.children[0];
        child.local_ts = vec!["10.1.0.0/24".parse().unwrap()];
        child.remote_ts = vec!["10.2.0.0/24".parse().unwrap()];
        assert_eq!(too_small(1246, std::slice::from_ref(&connection)), None);
        let v6 = |text: &str| text.parse().unwrap();
        connection.children[0].remote_ts.push(v6("fd00:2::/64"));
        assert_eq!(too_small(1246, std::slice::from_ref(&connection)), None);
        connection.children[0].local_ts.push(v6("fd00:1::/64"));
        assert_eq!(
            too_small(1246, std::slice::from_ref(&connection)),
            Some("office")
        );
        assert_eq!(too_small(1280, std::slice::from_ref(&connection)), None);
        // Its own interface has its own MTU, which is looked at with the configuration.
        connection.interface = Some(adit_model::connection::TunnelInterface {
            name: "office0".to_owned(),
            addresses: Vec::new(),
            mtu: Some(1246),
            routes: vec!["10.2.0.0/24".parse().unwrap()],
        });
        assert_eq!(too_small(1246, std::slice::from_ref(&connection)), None);
        assert!(!needs_ipv6(&connection));
    }

    #[test]
    fn ipv6_always_works_inside() {
        let provider = adit_crypto::provider::fake(1);
        let connection = sample::connection("office");
        assert_eq!(inner_mtu(&provider, &connection, 1280, true), 1280);
    }
}
