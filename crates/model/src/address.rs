//! What an IP address can be.

use core::net::IpAddr;

/// Whether packets to an address reach one host, which isn't ourselves by definition.
#[must_use]
pub fn is_host(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !(address.is_unspecified() || address.is_multicast() || address.is_loopback() || broadcast)
}

/// Whether a host can have an address for talking to others than its neighbours.
#[must_use]
pub fn is_host_beyond_the_link(address: IpAddr) -> bool {
    let local = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.octets()[0] == 0,
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    is_host(address) && !local
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_what_is_none() {
        let parse = |text: &str| text.parse().unwrap_or_else(|_| panic!("{text}"));
        for text in ["10.1.0.7", "192.0.2.1", "fd00::1", "2001:db8::1"] {
            assert!(
                is_host(parse(text)) && is_host_beyond_the_link(parse(text)),
                "{text}"
            );
        }
        for text in ["169.254.1.1", "0.1.2.3", "fe80::1"] {
            assert!(
                is_host(parse(text)) && !is_host_beyond_the_link(parse(text)),
                "{text}"
            );
        }
        for text in [
            "0.0.0.0",
            "255.255.255.255",
            "127.0.0.1",
            "224.0.0.1",
            "::",
            "::1",
            "ff02::1",
        ] {
            assert!(
                !is_host(parse(text)) && !is_host_beyond_the_link(parse(text)),
                "{text}"
            );
        }
    }
}
