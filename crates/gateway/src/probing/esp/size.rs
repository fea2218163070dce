//! What a longest packet of ESP means for what is inside, in numbers that can be configured.

use adit_crypto::Shape;
use adit_esp::Overhead;
use adit_model::dataplane::Path;

use super::Ends;
use crate::mtu::{LEAST, needs_ipv6};
use crate::probing::Situation;

/// What fits inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inside {
    /// Octets of the longest inner packet.
    pub mtu: usize,
    /// The largest segment of TCP over IPv4, and over IPv6.
    pub mss: (usize, usize),
}

impl Inside {
    /// Of outer packets of so many octets.
    pub(super) fn of(shape: Shape, ends: Ends, udp: bool, octets: usize) -> Self {
        let path = Path {
            local: ends.local,
            remote: ends.remote,
            udp_encap: udp,
        };
        let mtu = Overhead::new(shape, &path).inner_mtu(octets);
        Self {
            mtu,
            // IP, and TCP without options (RFC 6691).
            mss: (mtu.saturating_sub(40), mtu.saturating_sub(60)),
        }
    }
}

impl Situation {
    /// What fits inside of ESP packets of so many octets, and in which suite and encapsulation, in words.
    pub(super) fn inside(&self, ends: Ends, udp: bool, octets: u16) -> Option<(Inside, String)> {
        let (shape, suite) = self.protection.as_ref()?;
        let inside = Inside::of(*shape, ends, udp, octets.into());
        Some((inside, format!("{suite}, {}", kind(udp))))
    }

    /// How this gateway is configured to send no inner packets longer than so many octets.
    pub(super) fn keeps_within(&self, inside: Inside) -> String {
        let name = &self.connection.name;
        let mtu = inside.mtu;
        let place = if self.connection.interface.is_some() {
            format!("`mtu = {mtu}` in [tunnel.{name}.interface]")
        } else {
            format!(
                "start the gateway with `--tun-mtu {mtu}`{}",
                shared_device(mtu)
            )
        };
        format!("{place}{}", self.with(inside))
    }

    /// How the peer's gateway is.
    pub(super) fn peer_keeps_within(&self, inside: Inside) -> String {
        let mtu = inside.mtu;
        format!(
            "at the peer: inner packets of {mtu} octets at most (start its gateway with `--tun-mtu {mtu}`, or `mtu = {mtu}` of the tunnel's interface there){}",
            self.with(inside)
        )
    }

    /// What follows from the MTU.
    fn with(&self, inside: Inside) -> String {
        let Inside { mtu, mss: (v4, v6) } = inside;
        let least = usize::try_from(LEAST).unwrap_or(usize::MAX);
        if mtu >= least || !needs_ipv6(&self.connection) {
            return format!("; TCP then agrees on segments of {v4} octets (IPv6: {v6})");
        }
        let outer = self.outer(least).unwrap_or(least);
        format!(
            ", which takes that IPv6 is left out of the tunnel: it needs {least} octets inside (RFC 8200 5), ESP of {outer}, more than passes; TCP then agrees on segments of {v4} octets"
        )
    }
}

/// What an MTU of the device that tunnels share takes from the others: a gateway that is to carry IPv6 doesn't start with less
/// than 1280 octets.
pub(in crate::probing) fn shared_device(mtu: usize) -> &'static str {
    if u32::try_from(mtu).is_ok_and(|mtu| mtu < LEAST) {
        " (which no other tunnel without an interface of its own may carry IPv6 with)"
    } else {
        ""
    }
}

/// An encapsulation, in words.
pub(super) fn kind(udp: bool) -> &'static str {
    if udp { "ESP in UDP" } else { "plain ESP" }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 4303 2: 8 octets of header and 2 of trailer; AES-GCM (RFC 4106) has 8 of IV and 16 of ICV, CBC with SHA-256-128
    /// 16 and 16, and blocks of 16.
    #[test]
    fn the_numbers_depend_on_cipher_and_encapsulation() {
        let gcm = Shape {
            iv_len: 8,
            icv_len: 16,
            block_len: 1,
        };
        let cbc = Shape {
            iv_len: 16,
            icv_len: 16,
            block_len: 16,
        };
        let ends = |remote: &str| Ends {
            local: "192.0.2.1:4500".parse().unwrap(),
            remote: remote.parse().unwrap(),
        };
        let (v4, v6) = (ends("192.0.2.2:4500"), ends("[2001:db8::2]:4500"));
        assert_eq!(Inside::of(gcm, v4, false, 1500).mtu, 1446);
        assert_eq!(Inside::of(gcm, v4, true, 1500).mtu, 1438);
        assert_eq!(Inside::of(gcm, v6, true, 1500).mtu, 1418);
        assert_eq!(Inside::of(cbc, v4, true, 1500).mtu, 1422);
        assert_eq!(Inside::of(gcm, v4, false, 1300).mss, (1206, 1186));
    }
}
