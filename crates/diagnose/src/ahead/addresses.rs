//! What addresses by themselves make one expect.

use std::net::IpAddr;

/// Whether an address isn't routed in the Internet (RFC 6890): of a private network, a provider's (RFC 6598), a link's, or nobody's.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || (a == 100 && (64..128).contains(&b))
                || (a, b, c) == (192, 0, 0)
                || (a == 198 && (b == 18 || b == 19))
                || a == 0
                || a >= 224
        }
        IpAddr::V6(v6) => {
            v6.is_loopback()
                || v6.is_unique_local()
                || v6.is_unicast_link_local()
                || v6.is_unspecified()
                || v6.is_multicast()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_the_internet_has_no_routes_for_are_private() {
        let is = |text: &str| is_private(text.parse().unwrap_or_else(|_| panic!("{text}")));
        let private = "10.0.0.1 172.16.0.1 192.168.0.1 127.0.0.1 169.254.0.1 100.64.0.1 192.0.0.9 198.18.0.1 198.19.255.1 240.0.0.1 255.255.255.255 0.0.0.0 ::1 :: fd00::1 fe80::1 ::ffff:10.0.0.1";
        for text in private.split(' ') {
            assert!(is(text), "{text}");
        }
        let public =
            "192.0.2.1 192.0.1.1 198.17.0.1 198.20.0.1 172.32.0.1 100.128.0.1 8.8.8.8 2001:db8::1";
        for text in public.split(' ') {
            assert!(!is(text), "{text}");
        }
    }
}
