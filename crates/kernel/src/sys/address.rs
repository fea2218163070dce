//! Socket addresses as the bytes the kernel wants; safe code, kept beside its users.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::ops::Deref;

/// A socket address as bytes, on the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoded {
    bytes: [u8; V6_LENGTH],
    length: usize,
}

impl Deref for Encoded {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// `struct sockaddr_in` or `sockaddr_in6`.
pub(crate) fn encode(address: SocketAddr) -> Encoded {
    let mut bytes = [0; V6_LENGTH];
    bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
    let (family, length) = match address {
        SocketAddr::V4(v4) => {
            bytes[4..8].copy_from_slice(&v4.ip().octets());
            (libc::AF_INET, V4_LENGTH)
        }
        SocketAddr::V6(v6) => {
            bytes[4..8].copy_from_slice(&v6.flowinfo().to_be_bytes());
            bytes[8..24].copy_from_slice(&v6.ip().octets());
            bytes[24..].copy_from_slice(&v6.scope_id().to_ne_bytes());
            (libc::AF_INET6, V6_LENGTH)
        }
    };
    bytes[..2].copy_from_slice(&(family as u16).to_ne_bytes());
    Encoded { bytes, length }
}

/// The address in `struct sockaddr_in` or `sockaddr_in6`; other families give `None`.
pub(crate) fn decode(bytes: &[u8]) -> Option<SocketAddr> {
    let family = u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?);
    let port = u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?);
    match i32::from(family) {
        libc::AF_INET => {
            let octets: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
            Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::from(octets)), port))
        }
        libc::AF_INET6 => {
            let flow = u32::from_be_bytes(bytes.get(4..8)?.try_into().ok()?);
            let octets: [u8; 16] = bytes.get(8..24)?.try_into().ok()?;
            let scope = u32::from_ne_bytes(bytes.get(24..28)?.try_into().ok()?);
            Some(SocketAddrV6::new(Ipv6Addr::from(octets), port, flow, scope).into())
        }
        _ => None,
    }
}

const V4_LENGTH: usize = 16;
const V6_LENGTH: usize = 28;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_round_trip_and_rubbish_is_refused() {
        for text in ["192.0.2.1:500", "[2001:db8::1%7]:4500"] {
            let address: SocketAddr = text.parse().unwrap();
            let bytes = encode(address);
            assert_eq!(decode(&bytes), Some(address));
            for end in 0..if address.is_ipv4() { 8 } else { 28 } {
                assert_eq!(decode(&bytes[..end]), None);
            }
        }
        assert_eq!(decode(&[0; 28]), None);
    }
}
