//! What protection adds to a packet, and so what is left of a link's MTU for inner packets.

use adit_crypto::Shape;
use adit_model::dataplane::Path;
use adit_wire::esp::{EspHeader, EspTrailer, TRAILER_LEN};

/// Octets around an inner packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overhead {
    /// Outer IP header without options, UDP header where used, SPI, sequence number, IV and ICV.
    pub fixed: usize,
    /// Inner packet, padding, pad length and next header together are a multiple of this.
    pub align: usize,
}

impl Overhead {
    /// For packets of an SA of this shape on this path.
    #[must_use]
    pub fn new(shape: Shape, path: &Path) -> Self {
        let ip = if path.remote.is_ipv4() { 20 } else { 40 };
        let udp = if path.udp_encap { 8 } else { 0 };
        Self {
            fixed: ip + udp + EspHeader::LEN + shape.iv_len + shape.icv_len,
            align: shape.block_len.max(4),
        }
    }

    /// Octets of the outer packet around `inner` octets.
    #[inline]
    #[must_use]
    pub fn outer_len(&self, inner: usize) -> usize {
        self.fixed + inner + EspTrailer::for_payload(inner, self.align, 0).length()
    }

    /// Longest inner packet whose outer packet fits in `link_mtu` octets; 0 when none does.
    #[must_use]
    pub fn inner_mtu(&self, link_mtu: usize) -> usize {
        let room = link_mtu.saturating_sub(self.fixed);
        (room - room % self.align).saturating_sub(TRAILER_LEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GCM: Shape = Shape {
        iv_len: 8,
        icv_len: 16,
        block_len: 1,
    };
    const CBC_SHA256: Shape = Shape {
        iv_len: 16,
        icv_len: 16,
        block_len: 16,
    };

    fn path(remote: &str, udp_encap: bool) -> Path {
        let local = if remote.starts_with('[') {
            "[::1]:4500"
        } else {
            "192.0.2.1:4500"
        };
        let at = |text: &str| text.parse().unwrap_or_else(|e| panic!("{e}"));
        Path {
            local: at(local),
            remote: at(remote),
            udp_encap,
        }
    }

    #[test]
    fn known_sizes() {
        let natt = Overhead::new(GCM, &path("192.0.2.2:4500", true));
        assert_eq!(natt.inner_mtu(1500), 1438);
        let plain = Overhead::new(GCM, &path("192.0.2.2:500", false));
        assert_eq!(plain.inner_mtu(1500), 1446);
        let plain6 = Overhead::new(CBC_SHA256, &path("[2001:db8::2]:500", false));
        assert_eq!(plain6.inner_mtu(1500), 1406);
    }

    #[test]
    fn the_largest_inner_packet_fits_and_one_octet_more_does_not() {
        for shape in [GCM, CBC_SHA256] {
            for remote in ["192.0.2.2:4500", "[2001:db8::2]:4500"] {
                let overhead = Overhead::new(shape, &path(remote, true));
                for link in 576..1600 {
                    let inner = overhead.inner_mtu(link);
                    assert!(overhead.outer_len(inner) <= link);
                    assert!(overhead.outer_len(inner + 1) > link);
                }
            }
        }
        assert_eq!(
            Overhead::new(GCM, &path("192.0.2.2:4500", true)).inner_mtu(40),
            0
        );
    }
}
