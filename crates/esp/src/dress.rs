//! How packets are dressed for the way: what their outer header shows, how long they may be, what is changed inside.

use adit_crypto::Shape;
use adit_model::carriage::{Carriage, Cut, Df, Mss, Tfc};
use adit_model::connection::Mode;
use adit_model::dataplane::Path;
use adit_wire::ip::{IpPacket, protocol};

use crate::mss;
use crate::mtu::Overhead;
use crate::sa::Live;
use crate::traffic_class;

/// What fits on the path of a pair of SAs, in octets. It changes with the path alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fit {
    /// The most octets that can be sealed.
    sealed: usize,
    /// The longest inner packet.
    pub(crate) inner: usize,
}

/// The dress of packets that differ in nothing but their payload: DSCP and ECN of the outer header, and what holds for the
/// packets. In one word, because it is written here and read again at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dress(u16);

/// DF of the outer header.
const DF: u16 = 0x100;
/// Those that are too long are cut before they are protected.
const CUT_INSIDE: u16 = 0x200;
/// They are cut after, by the kernel.
const CUT_OUTSIDE: u16 = 0x400;
/// The path takes less than every link does of IPv6, whose packets these are. Those that every link carries are cut
/// outside all the same, and no sender is told less (RFC 8201 4).
const NARROW: u16 = 0x800;
/// They may begin a TCP connection, whose segments are not to be too long.
const NAMES_SEGMENTS: u16 = 0x1000;

impl Fit {
    /// For packets of an SA of this shape, on this path, over links of at least `link` octets, to and from a device for
    /// inner packets of `device` octets.
    pub(crate) fn new(shape: Shape, path: &Path, link: usize, device: usize) -> Self {
        let sealed = Overhead::new(shape, path).inner_mtu(link);
        Self {
            sealed,
            inner: sealed.min(device),
        }
    }

    /// Whether the packet fits around so many octets that are to be sealed.
    #[inline]
    pub(crate) fn takes(&self, octets: usize) -> bool {
        octets <= self.sealed
    }

    /// Octets that hide the length of a packet of `payload` octets.
    fn filling(&self, tfc: Tfc, payload: usize) -> usize {
        let to = match tfc {
            Tfc::Off => return 0,
            Tfc::Mtu => self.inner,
            Tfc::Multiple(of) => {
                let multiple = payload.next_multiple_of(usize::from(of.max(1)));
                multiple.min(self.inner)
            }
        };
        // Where no limit is known there is nothing to fill up to.
        to.min(MOST_FILLED).saturating_sub(payload)
    }
}

impl Live {
    /// Octets that hide the length of an inner packet of so many octets.
    #[inline]
    pub(crate) fn filling(&self, inner: usize) -> usize {
        let tfc = self.pair.carriage.tfc;
        // In transport mode not every packet says how long it is, so none can be filled up.
        if tfc == Tfc::Off || self.pair.transport.is_some() {
            return 0;
        }
        self.fit.filling(tfc, inner)
    }
}

impl Dress {
    /// Of packets like this one.
    #[inline]
    pub(crate) fn of(carriage: &Carriage, mode: Mode, fit: &Fit, packet: &IpPacket<'_>) -> Self {
        // RFC 4301 8.2.1: what must not be cut isn't, and its sender learns why. Transport mode carries whole packets only
        // (RFC 4303 3.3.4).
        let outside = carriage.fragment == Cut::Outer || mode == Mode::Transport;
        // What every link carries of IPv6 can't be refused; where the tunnel carries less, its own packets are cut
        // (RFC 2473 7.1, RFC 4459 3.2).
        let narrow = packet.source.is_ipv6() && fit.inner < LEAST_V6;
        let cut_outside = outside && !packet.dont_fragment;
        let df = match carriage.df {
            Df::Copy => packet.dont_fragment && packet.source.is_ipv4(),
            Df::Set => true,
            Df::Clear => false,
        };
        let named = packet.protocol == protocol::TCP && carriage.mss != Mss::Off;
        let flag = |holds: bool, flag: u16| if holds { flag } else { 0 };
        Self(
            u16::from(traffic_class::outer(carriage, packet.traffic_class))
                | flag(df && !cut_outside && !narrow, DF)
                | flag(!packet.dont_fragment && !outside, CUT_INSIDE)
                | flag(cut_outside, CUT_OUTSIDE)
                | flag(narrow, NARROW)
                | flag(named, NAMES_SEGMENTS),
        )
    }

    /// DSCP and ECN of the outer header.
    #[inline]
    pub(crate) fn tos(self) -> u8 {
        let [_, tos] = self.0.to_be_bytes();
        tos
    }

    /// DF of the outer header.
    #[inline]
    pub(crate) fn df(self) -> bool {
        self.has(DF)
    }

    /// Whether those that are too long are cut before they are protected.
    #[inline]
    pub(crate) fn cut_inside(self) -> bool {
        self.has(CUT_INSIDE)
    }

    #[inline]
    fn has(self, flag: u16) -> bool {
        self.0 & flag != 0
    }

    /// Whether a packet around so many octets may leave although it is longer than the path takes: the kernel cuts it.
    #[inline]
    pub(crate) fn may_be_cut_outside(self, octets: usize) -> bool {
        self.has(CUT_OUTSIDE) || self.has(NARROW) && octets <= LEAST_V6
    }

    /// What senders are told who send more than the path takes.
    #[inline]
    pub(crate) fn told(self, fit: &Fit) -> usize {
        if self.has(NARROW) {
            LEAST_V6
        } else {
            fit.inner
        }
    }

    /// Whether a packet that begins like this begins a TCP connection whose segments might be too long.
    #[inline]
    pub(crate) fn names_segments(self, head: &[u8]) -> bool {
        self.has(NAMES_SEGMENTS) && mss::begins_connection(head)
    }

    /// The packet made of `parts`, with the largest segment that it names kept within what `mss` says for inner packets of
    /// `fits` octets, and so many octets of filling behind it.
    #[cold]
    pub(crate) fn changed(
        self,
        parts: &[&[u8]; 2],
        (mss, fits): (Mss, usize),
        filling: usize,
    ) -> Vec<u8> {
        let mut packet = parts.concat();
        if self.has(NAMES_SEGMENTS) {
            mss::keep_within(&mut packet, mss, fits);
        }
        packet.resize(packet.len() + filling, 0);
        packet
    }
}

/// What every link of IPv6 carries (RFC 8200 5).
const LEAST_V6: usize = 1280;
/// The longest packet that is filled up: that of most links.
const MOST_FILLED: usize = 1500;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use adit_wire::ip::{Ipv4Header, emit_packet, protocol};

    use super::*;

    const GCM: Shape = Shape {
        iv_len: 8,
        icv_len: 16,
        block_len: 1,
    };

    fn fit(link: usize) -> Fit {
        let path = Path {
            local: "192.0.2.1:4500".parse().unwrap(),
            remote: "192.0.2.2:4500".parse().unwrap(),
            udp_encap: true,
        };
        Fit::new(GCM, &path, link, 1400)
    }

    fn packet(df: bool) -> Vec<u8> {
        let mut header = Ipv4Header::new([10, 1, 0, 7].into(), [10, 2, 0, 9].into(), protocol::UDP);
        header.dont_fragment = df;
        let mut out = Vec::new();
        header.emit(8, &mut out).unwrap();
        out.extend([0; 8]);
        out
    }

    fn dress(carriage: &Carriage, packet: &[u8]) -> Dress {
        Dress::of(
            carriage,
            Mode::Tunnel,
            &fit(1500),
            &IpPacket::parse(packet).unwrap(),
        )
    }

    /// RFC 4301 8.1.
    #[test]
    fn abuse_99_the_outer_df_is_copied_set_or_cleared() {
        for (df, of_may, of_must_not) in [
            (Df::Clear, false, false),
            (Df::Set, true, true),
            (Df::Copy, false, true),
        ] {
            let carriage = Carriage {
                df,
                ..Carriage::default()
            };
            assert_eq!(dress(&carriage, &packet(false)).df(), of_may, "{df:?}");
            assert_eq!(dress(&carriage, &packet(true)).df(), of_must_not, "{df:?}");
        }
        // IPv6 has no such bit to be copied.
        let mut v6 = Vec::new();
        let (a, b) = ("fd00:1::7".parse().unwrap(), "fd00:2::9".parse().unwrap());
        emit_packet(a, b, protocol::UDP, &[0; 8], &mut v6).unwrap();
        let copy = Carriage {
            df: Df::Copy,
            ..Carriage::default()
        };
        assert!(!dress(&copy, &v6).df());
    }

    /// RFC 4301 8.2.
    #[test]
    fn what_may_be_cut_is_cut_where_the_configuration_says() {
        let inner = Carriage::default();
        let outer = Carriage {
            fragment: Cut::Outer,
            df: Df::Set,
            ..inner
        };
        let cut = |carriage: &Carriage, mode, df| {
            let packet = packet(df);
            let dress = Dress::of(
                carriage,
                mode,
                &fit(1500),
                &IpPacket::parse(&packet).unwrap(),
            );
            (dress.cut_inside(), dress.has(CUT_OUTSIDE))
        };
        assert_eq!(cut(&inner, Mode::Tunnel, false), (true, false));
        assert_eq!(cut(&outer, Mode::Tunnel, false), (false, true));
        assert_eq!(cut(&inner, Mode::Transport, false), (false, true));
        for carriage in [inner, outer] {
            assert_eq!(cut(&carriage, Mode::Tunnel, true), (false, false));
        }
        assert!(
            !dress(&outer, &packet(false)).df(),
            "or nobody could cut it"
        );
    }

    #[test]
    fn packets_are_filled_up_to_what_fits_and_no_further() {
        let filled = |tfc, octets, link| octets + fit(link).filling(tfc, octets);
        assert_eq!(filled(Tfc::Off, 61, 1500), 61);
        assert_eq!(filled(Tfc::Multiple(64), 61, 1500), 64);
        assert_eq!(filled(Tfc::Multiple(64), 64, 1500), 64);
        assert_eq!(
            filled(Tfc::Multiple(1000), 1100, 1500),
            1400,
            "the device's limit"
        );
        assert_eq!(filled(Tfc::Mtu, 61, 1280), 1218);
        assert_eq!(filled(Tfc::Mtu, 1218, 1280), 1218);
        assert!(fit(1280).takes(1218) && !fit(1280).takes(1219));
    }
}
