//! Which address of an interface is ours, where the configuration names the interface.

use std::net::{IpAddr, UdpSocket};

use adit_kernel::netlink::Address;
use adit_kernel::{KernelError, Netlink};
use adit_model::connection::{Connection, Remote};

use crate::error::GatewayError;

/// Sets the address of a connection that names an interface.
///
/// # Errors
/// [`GatewayError::Interface`] when there is no such interface, or it has no address of the peer's family.
pub(crate) fn look_up(connection: &mut Connection) -> Result<(), GatewayError> {
    let Some(name) = &connection.local_interface else {
        return Ok(());
    };
    let wants_ipv4 = match connection.remote {
        Remote::Address(peer) => Some(peer.is_ipv4()),
        Remote::Name(_) | Remote::Any => None,
    };
    let problem = match addresses_of(name)? {
        None => format!("there is no interface `{name}`"),
        Some(addresses) => {
            if let Some(address) = choose(&addresses, wants_ipv4) {
                connection.local = Some(address);
                return Ok(());
            }
            let family = match wants_ipv4 {
                Some(true) => "IPv4 ",
                Some(false) => "IPv6 ",
                None => "",
            };
            format!("the interface `{name}` has no {family}address that the peer could reach")
        }
    };
    Err(GatewayError::Interface {
        tunnel: connection.name.clone(),
        problem,
    })
}

/// Whether packets can be sent from `address`, or what the host says.
///
/// # Errors
/// `EADDRNOTAVAIL` when the host doesn't have it.
pub(crate) fn usable(address: IpAddr) -> std::io::Result<()> {
    UdpSocket::bind((address, 0)).map(drop)
}

fn addresses_of(name: &str) -> Result<Option<Vec<Address>>, KernelError> {
    let mut netlink = Netlink::open()?;
    let index = match netlink.link(name) {
        Ok(link) => link.index,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut addresses = netlink.addresses()?;
    addresses.retain(|address| address.index == index);
    Ok(Some(addresses))
}

/// The first address of the wanted family; without a wish IPv4 goes first, as it does for names.
fn choose(addresses: &[Address], wants_ipv4: Option<bool>) -> Option<IpAddr> {
    let mut usable: Vec<IpAddr> = addresses
        .iter()
        .filter(|address| address.global && !address.tentative)
        .map(|address| address.net.addr())
        .filter(|address| wants_ipv4.is_none_or(|wanted| address.is_ipv4() == wanted))
        .collect();
    usable.sort_by_key(IpAddr::is_ipv6);
    usable.first().copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sample;

    fn address(net: &str, global: bool) -> Address {
        Address {
            index: 2,
            net: net.parse().unwrap(),
            global,
            tentative: false,
        }
    }

    #[test]
    fn the_first_address_of_the_peers_family_is_ours() {
        let addresses = [
            address("fe80::1/64", false),
            address("2001:db8::1/64", true),
            address("192.0.2.1/24", true),
            address("192.0.2.9/24", true),
        ];
        let ip = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        assert_eq!(choose(&addresses, Some(true)), ip("192.0.2.1"));
        assert_eq!(choose(&addresses, Some(false)), ip("2001:db8::1"));
        assert_eq!(choose(&addresses, None), ip("192.0.2.1"));
        assert_eq!(choose(&addresses[..1], None), None);
    }

    #[test]
    fn an_interface_that_is_not_there_is_named() {
        let mut connection = sample::connection("office");
        connection.local_interface = Some("adit-none0".to_owned());
        let error = look_up(&mut connection).unwrap_err();
        assert!(error.is_configuration());
        assert!(error.to_string().contains("adit-none0"), "{error}");
    }

    #[test]
    fn loopback_has_no_address_for_a_peer_elsewhere_but_is_looked_at() {
        let mut connection = sample::connection("office");
        connection.local_interface = Some("lo".to_owned());
        let error = look_up(&mut connection).unwrap_err();
        assert!(error.to_string().contains("has no IPv4 address"), "{error}");
    }
}
