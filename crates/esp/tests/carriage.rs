//! Between two data planes: what the outer header shows and what comes in from it, packets that are too long, segments of
//! TCP, filling.

#![allow(clippy::unwrap_used)]

mod common;

use adit_esp::{DataPlane, Word};
use adit_model::carriage::{Carriage, Cut, Df, Dscp, Ecn, Mss, Tfc};
use adit_model::connection::Mode;
use adit_model::dataplane::ChildSa;
use adit_model::drops::DropReason;
use adit_model::now::Mono;
use adit_wire::checksum::Sum;
use adit_wire::icmp::{Family, IcmpMessage};
use adit_wire::ip::{IpPacket, Ipv4Header, emit_packet, protocol, set_traffic_class};
use adit_wire::tcp::TcpHeader;
use common::*;

/// Two planes whose packets are carried like this, over a link of 1500 octets.
fn carrying(carriage: Carriage) -> (DataPlane, DataPlane) {
    let sa = ChildSa {
        carriage,
        ..west_sa(suite("aes128gcm16"), SPI_WEST, SPI_EAST)
    };
    let (mut west, mut east) = joined_by(sa);
    west.set_link_mtu(1500);
    east.set_link_mtu(1500);
    (west, east)
}

fn with_class(mut packet: Vec<u8>, class: u8) -> Vec<u8> {
    set_traffic_class(&mut packet, class);
    packet
}

/// The inner packet, after the outer header had `tos`.
fn arrives(plane: &DataPlane, sealed: &[u8], tos: u8) -> Result<Vec<u8>, DropReason> {
    let mut copy = sealed.to_vec();
    match plane.open_under(T0, tos, &mut copy) {
        Ok(opened) => Ok(opened.inner.of(&copy).to_vec()),
        Err(rejected) => Err(rejected.reason),
    }
}

/// An IPv4 packet that may be cut.
fn may_be_cut(octets: usize) -> Vec<u8> {
    let mut header = Ipv4Header::new([10, 1, 0, 7].into(), [10, 2, 0, 9].into(), protocol::UDP);
    header.dont_fragment = false;
    header.identification = 7;
    let mut out = Vec::new();
    header.emit(octets - 20, &mut out).unwrap();
    out.extend((0..octets - 20).map(|n| n as u8));
    out
}

/// RFC 6040, RFC 2983 and RFC 4301 5.1.2.
#[test]
fn abuse_99_marks_of_congestion_come_through_and_nothing_else() {
    const EF: u8 = 46 << 2;
    const CE: u8 = 3;
    for packet in [eastbound(64), udp("fd00:1::7", "fd00:2::9", (1, 2), 64)] {
        let (west, east) = carrying(Carriage::default());
        let capable = with_class(packet.clone(), EF | 2);
        let mut sealed = Vec::new();
        assert_eq!(west.seal(&capable, &mut sealed).unwrap().tos, EF | 2);
        let marked = arrives(&east, &sealed, CE).unwrap();
        let marked = IpPacket::parse(&marked).unwrap();
        assert_eq!((marked.dscp(), marked.ecn()), (46, 3));
        if let Ok((header, _)) = Ipv4Header::parse(marked.packet) {
            assert_eq!(header.ttl, 64, "nobody here counts it down");
        }

        let incapable = seal(&west, &with_class(packet.clone(), EF));
        assert_eq!(arrives(&east, &incapable, CE), Err(DropReason::EspEcn));
        assert_eq!(east.drops().of(DropReason::EspEcn), 1);
        // It was authentic, so its number is used up.
        assert_eq!(arrives(&east, &incapable, 0), Err(DropReason::EspReplay));

        let plain = with_class(packet.clone(), EF | 1);
        let sealed = seal(&west, &plain);
        assert_eq!(arrives(&east, &sealed, 0), Ok(plain), "as it was");
    }
}

#[test]
fn abuse_99_everything_of_the_inner_header_can_be_hidden() {
    let silent = Carriage {
        dscp: Dscp::Fixed(0),
        ecn: Ecn::Compat,
        df: Df::Set,
        ..Carriage::default()
    };
    let (west, _) = carrying(silent);
    for class in 0..=u8::MAX {
        for packet in [eastbound(64), may_be_cut(92)] {
            let sealed = west.seal(&with_class(packet, class), &mut Vec::new());
            let sealed = sealed.unwrap();
            assert_eq!((sealed.tos, sealed.df), (0, true));
        }
    }
}

#[test]
fn a_dscp_from_outside_comes_in_where_it_is_wanted() {
    let (west, east) = carrying(Carriage {
        dscp_in: true,
        ..Carriage::default()
    });
    let inner = arrives(&east, &seal(&west, &eastbound(64)), 10 << 2).unwrap();
    assert_eq!(IpPacket::parse(&inner).unwrap().dscp(), 10);
    assert!(Ipv4Header::parse(&inner).is_ok(), "with its checksum");
}

#[test]
fn what_is_too_long_and_may_be_cut_travels_in_pieces() {
    let (mut west, east) = carrying(Carriage::default());
    west.set_link_mtu(1280);
    let whole = may_be_cut(1400);
    let mut out = Vec::new();
    let sealed = west.seal(&whole, &mut out).unwrap();
    let pieces: Vec<_> = out.chunks(sealed.each).collect();
    assert_eq!(pieces.len(), 2);
    assert!(pieces.iter().all(|piece| piece.len() + 28 <= 1280));
    let mut together = vec![0; 1380];
    for piece in pieces {
        let piece = open(&east, piece).unwrap();
        let (header, payload) = Ipv4Header::parse(&piece).unwrap();
        let at = usize::from(header.fragment_offset) * 8;
        together[at..at + payload.len()].copy_from_slice(payload);
    }
    assert_eq!(together, whole[20..]);
    assert_eq!(west.drops().total(), 0);
}

#[test]
fn it_is_left_to_the_kernel_where_that_is_configured() {
    let (mut west, east) = carrying(Carriage {
        fragment: Cut::Outer,
        df: Df::Set,
        ..Carriage::default()
    });
    west.set_link_mtu(1280);
    let whole = may_be_cut(1400);
    let mut out = Vec::new();
    let sealed = west.seal(&whole, &mut out).unwrap();
    assert_eq!((sealed.each, sealed.df), (out.len(), false));
    assert_eq!(open(&east, &out), Ok(whole));
}

/// RFC 4301 8.2.1.
#[test]
fn who_must_not_be_cut_is_told_what_fits() {
    for fragment in [Cut::Inner, Cut::Outer] {
        let (mut west, _) = carrying(Carriage {
            fragment,
            ..Carriage::default()
        });
        west.set_link_mtu(1280);
        let packets = [eastbound(1350)];
        for (n, packet) in packets.iter().enumerate() {
            let mut out = vec![7];
            let rejected = west.seal(packet, &mut out).unwrap_err();
            assert_eq!(rejected.reason, DropReason::OutTooBig);
            assert_eq!(rejected.fits, Some(1218));
            assert_eq!(out, [7]);
            assert_eq!(west.drops().of(DropReason::OutTooBig), n as u64 + 1);
            let ip = IpPacket::parse(packet).unwrap();
            let told = adit_esp::too_big(&ip, 1218).unwrap();
            let told = IpPacket::parse(&told).unwrap();
            assert_eq!(told.destination, ip.source);
            let family = Family::of(told.source, told.destination);
            match IcmpMessage::parse(family, told.payload()).unwrap() {
                IcmpMessage::Unreachable {
                    code: 4, detail, ..
                } => assert_eq!(detail, 1218),
                IcmpMessage::PacketTooBig { mtu, .. } => assert_eq!(mtu, 1218),
                other => panic!("{other:?}"),
            }
            // What fits by this word goes through.
            assert!(west.seal(&eastbound(1218 - 28), &mut out).is_ok());
        }
    }
}

/// RFC 2473 7.1: what is longer than IPv6 promises is refused, and what isn't is cut outside where it has to be.
#[test]
fn ipv6_gets_what_every_link_of_it_carries() {
    let long = udp("fd00:1::7", "fd00:2::9", (1, 2), 1392 - 48);
    let least = udp("fd00:1::7", "fd00:2::9", (1, 2), 1280 - 48);
    let (mut west, east) = carrying(Carriage {
        df: Df::Set,
        ..Carriage::default()
    });
    west.set_link_mtu(1400);
    let rejected = west.seal(&long, &mut Vec::new()).unwrap_err();
    assert_eq!(rejected.fits, Some(1338));
    let told = adit_esp::too_big(&IpPacket::parse(&long).unwrap(), 1338).unwrap();
    let told = IpPacket::parse(&told).unwrap();
    let family = Family::of(told.source, told.destination);
    let message = IcmpMessage::parse(family, told.payload()).unwrap();
    assert!(matches!(
        message,
        IcmpMessage::PacketTooBig { mtu: 1338, .. }
    ));

    west.set_link_mtu(1280);
    let mut out = Vec::new();
    let sealed = west.seal(&least, &mut out).unwrap();
    assert_eq!((sealed.each, sealed.df), (out.len(), false));
    assert_eq!(open(&east, &out), Ok(least.clone()));

    // What is longer is refused with a size that IPv6 knows, though the path has room for less (RFC 8201 4).
    let longer = udp("fd00:1::7", "fd00:2::9", (1, 2), 1281 - 48);
    for packet in [&long, &longer] {
        let rejected = west.seal(packet, &mut Vec::new()).unwrap_err();
        assert_eq!(rejected.fits, Some(1280));
    }
    // Over IPv4 a path may be narrower still.
    west.set_link_mtu(576);
    assert!(west.seal(&least, &mut Vec::new()).is_ok());
    let rejected = west.seal(&longer, &mut Vec::new()).unwrap_err();
    assert_eq!(rejected.fits, Some(1280));
}

/// The word of a router counts where it quotes an SA of ours and its peer, and never below the floor.
#[test]
fn abuse_94_a_path_is_believed_to_be_narrow_only_with_reason() {
    let (mut west, _) = carrying(Carriage::default());
    let peer = "192.0.2.2".parse().unwrap();
    let other = "192.0.2.3".parse().unwrap();
    assert_eq!(
        west.hear_path_mtu(T0, peer, SPI_WEST, 1300),
        Word::Unfounded
    );
    assert_eq!(
        west.hear_path_mtu(T0, other, SPI_EAST, 1300),
        Word::Unfounded
    );
    assert!(west.seal(&eastbound(1350), &mut Vec::new()).is_ok());

    assert_eq!(west.hear_path_mtu(T0, peer, SPI_EAST, 68), Word::Taken(576));
    let rejected = west.seal(&eastbound(1350), &mut Vec::new()).unwrap_err();
    assert_eq!(rejected.fits, Some(514));
    assert_eq!(west.hear_path_mtu(T0, peer, SPI_EAST, 68), Word::Known);

    // Ten minutes later a longer packet may find out.
    let due = west.path_mtus_due().unwrap();
    assert_eq!(due, Mono(T0.0 + 600_000_000_000));
    west.forget_path_mtus(due);
    assert!(west.seal(&eastbound(1350), &mut Vec::new()).is_ok());
    assert_eq!(west.path_mtus_due(), None);
}

#[test]
fn a_rekeyed_pair_and_one_on_a_new_path_know_what_fits() {
    let (mut west, _) = carrying(Carriage::default());
    let peer = "192.0.2.2".parse().unwrap();
    assert_eq!(
        west.hear_path_mtu(T0, peer, SPI_EAST, 1300),
        Word::Taken(1300)
    );
    install(
        &mut west,
        west_sa(suite("aes128gcm16"), 0xd000_0001, 0xd000_0002),
    );
    let rejected = west.seal(&eastbound(1350), &mut Vec::new()).unwrap_err();
    assert_eq!(rejected.fits, Some(1238));
    west.apply(
        T0,
        adit_model::dataplane::DataPlaneRequest::MovePath {
            connection: "net".into(),
            spis_in: vec![SPI_WEST, 0xd000_0001],
            path: adit_model::dataplane::Path {
                remote: "198.51.100.2:4500".parse().unwrap(),
                ..path(true)
            },
        },
    )
    .unwrap();
    assert!(west.seal(&eastbound(1350), &mut Vec::new()).is_ok());
    west.set_link_mtu_to("198.51.100.2".parse().unwrap(), 1400);
    let rejected = west.seal(&eastbound(1350), &mut Vec::new()).unwrap_err();
    assert_eq!(rejected.fits, Some(1338));
}

/// A TCP segment with a maximum segment size of 1460 in its options.
fn first_segment(from: &str, to: &str) -> Vec<u8> {
    let (from, to) = (from.parse().unwrap(), to.parse().unwrap());
    let mut segment = vec![
        0x9c,
        0x40,
        0,
        22,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        0,
        0x60,
        TcpHeader::SYN,
    ];
    segment.extend([0xff, 0xff, 0, 0, 0, 0, 2, 4, 0x05, 0xb4]);
    let sum = Sum::pseudo_header(from, to, protocol::TCP, segment.len());
    let sum = sum.bytes(&segment).finish();
    segment[16..18].copy_from_slice(&sum.to_be_bytes());
    let mut packet = Vec::new();
    emit_packet(from, to, protocol::TCP, &segment, &mut packet).unwrap();
    packet
}

fn largest_segment(packet: &[u8]) -> u16 {
    let ip = IpPacket::parse(packet).unwrap();
    let sum = Sum::pseudo_header(ip.source, ip.destination, protocol::TCP, ip.payload().len());
    assert_eq!(sum.bytes(ip.payload()).finish(), 0, "with its checksum");
    TcpHeader::parse(ip.payload()).unwrap().mss.unwrap()
}

#[test]
fn tcp_agrees_on_segments_that_fit_in_both_directions() {
    let through = |mss, (from, to): (&str, &str), tunnel: [usize; 2]| {
        let (mut west, mut east) = carrying(Carriage {
            mss,
            ..Carriage::default()
        });
        west.set_link_mtu(tunnel[0]);
        east.set_link_mtu(tunnel[1]);
        largest_segment(&open(&east, &seal(&west, &first_segment(from, to))).unwrap())
    };
    let v4 = ("10.1.0.7", "10.2.0.9");
    let v6 = ("fd00:1::7", "fd00:2::9");
    assert_eq!(through(Mss::Auto, v4, [1500, 1500]), 1398);
    assert_eq!(through(Mss::Auto, v6, [1500, 1500]), 1378);
    assert_eq!(through(Mss::Auto, v4, [9000, 1400]), 1298, "on arrival");
    assert_eq!(through(Mss::AtMost(1200), v4, [1500, 1500]), 1200);
    assert_eq!(through(Mss::Off, v4, [1500, 1500]), 1460);
    // What the device takes is a limit too.
    let (mut west, east) = carrying(Carriage::default());
    west.set_device_mtu(1300);
    let inner = open(&east, &seal(&west, &first_segment(v4.0, v4.1))).unwrap();
    assert_eq!(largest_segment(&inner), 1260);
}

/// RFC 4303 2.7: what is longer than the inner packet says is cut off again.
#[test]
fn abuse_89_filling_hides_lengths_and_is_taken_off() {
    for (tfc, suite_text) in [
        (Tfc::Mtu, "aes128gcm16"),
        (Tfc::Multiple(256), "aes128gcm16"),
        (Tfc::Multiple(256), "aes128-sha256"),
    ] {
        let sa = ChildSa {
            carriage: Carriage {
                tfc,
                ..Carriage::default()
            },
            ..west_sa(suite(suite_text), SPI_WEST, SPI_EAST)
        };
        let (mut west, east) = joined_by(sa);
        west.set_link_mtu(1280);
        let mut lengths = std::collections::BTreeSet::new();
        for octets in [0, 1, 17, 100, 220] {
            let inner = eastbound(octets);
            let sealed = seal(&west, &inner);
            lengths.insert(sealed.len());
            assert!(sealed.len() + 28 <= 1280);
            assert_eq!(open(&east, &sealed), Ok(inner));
        }
        assert_eq!(lengths.len(), 1, "{tfc:?}");
    }
}

#[test]
fn transport_mode_fills_nothing_and_cuts_outside() {
    let sa = west_sa(suite("aes128gcm16"), SPI_WEST, SPI_EAST);
    let (west, east) = (sa.path.local.ip(), sa.path.remote.ip());
    let host = |ip: std::net::IpAddr| selectors(&[&ip.to_string()]);
    let sa = ChildSa {
        mode: Mode::Transport,
        ts_local: host(west),
        ts_remote: host(east),
        carriage: Carriage {
            tfc: Tfc::Mtu,
            ..Carriage::default()
        },
        ..sa
    };
    let (from, to) = (west.to_string(), east.to_string());
    let (mut west, mut east) = joined_by(sa);
    west.set_policy(&[connection(&[(&[&from], &[&to])])]);
    east.set_policy(&[connection(&[(&[&to], &[&from])])]);
    west.set_link_mtu(1280);
    let packet = udp(&from, &to, (1, 2), 40);
    let sealed = seal(&west, &packet);
    assert!(sealed.len() < 120, "not filled up");
    assert!(open(&east, &sealed).is_ok());
    let mut long = udp(&from, &to, (1, 2), 1300);
    let rejected = west.seal(&long, &mut Vec::new()).unwrap_err();
    assert_eq!(rejected.reason, DropReason::OutTooBig);
    long[6] &= !0x40;
    let mut out = Vec::new();
    assert_eq!(west.seal(&long, &mut out).unwrap().each, out.len());
}

/// Fragments that hide ports or flags go through in neither direction.
#[test]
fn abuse_95_evasive_fragments_are_dropped() {
    let tiny = |number: u8, offset: u16, octets: usize| {
        let mut header = Ipv4Header::new([10, 1, 0, 7].into(), [10, 2, 0, 9].into(), number);
        header.dont_fragment = false;
        header.more_fragments = true;
        header.fragment_offset = offset;
        let mut out = Vec::new();
        header.emit(octets, &mut out).unwrap();
        out.resize(20 + octets, 0);
        out
    };
    let (west, east) = carrying(Carriage::default());
    for (n, packet) in [tiny(protocol::TCP, 0, 8), tiny(protocol::TCP, 1, 64)]
        .iter()
        .enumerate()
    {
        let rejected = west.seal(packet, &mut Vec::new()).unwrap_err();
        assert_eq!(rejected.reason, DropReason::OutFragment);
        assert_eq!(west.drops().of(DropReason::OutFragment), n as u64 + 1);
        // A peer that doesn't mind sends one: an ordinary packet turned into such a one after it was looked at.
        let sealed = sealed_by_hand(packet);
        assert_eq!(open(&east, &sealed), Err(DropReason::EspFragment));
    }
    for fine in [
        tiny(protocol::TCP, 0, 24),
        tiny(protocol::TCP, 3, 8),
        tiny(protocol::UDP, 1, 8),
    ] {
        assert_eq!(open(&east, &seal(&west, &fine)), Ok(fine));
    }
}

/// Overlapping fragments are passed on as they are: the host that puts them together decides (RFC 5722, RFC 1858). Only a
/// selector for any port takes what has no ports (RFC 4301 7).
#[test]
fn abuse_95_fragments_without_ports_pass_only_where_ports_do_not_matter() {
    let (west, _) = carrying(Carriage::default());
    let mut later = may_be_cut(92);
    later[7] = 3;
    assert!(west.seal(&later, &mut Vec::new()).is_ok());
    assert!(west.seal(&later, &mut Vec::new()).is_ok(), "overlapping");

    let mut west = DataPlane::new(adit_crypto::provider::fake(1));
    let (from, to) = ("10.1.0.0/24[udp/4000]", "10.2.0.0/24[udp/53]");
    west.set_policy(&[connection(&[(&[from], &[to])])]);
    install(
        &mut west,
        ChildSa {
            ts_local: selectors(&[from]),
            ts_remote: selectors(&[to]),
            ..west_sa(suite("aes128gcm16"), SPI_WEST, SPI_EAST)
        },
    );
    let mut first = eastbound(64);
    first[6] = 0x20;
    assert!(
        west.seal(&first, &mut Vec::new()).is_ok(),
        "it shows its ports"
    );
    let rejected = west.seal(&later, &mut Vec::new()).unwrap_err();
    assert_eq!(rejected.reason, DropReason::OutNoPolicy);
    // An OPAQUE selector is for just these (RFC 7296 3.13.1).
    let opaque = ["10.1.0.0/24[udp/opaque]", "10.2.0.0/24[udp/opaque]"];
    west.set_policy(&[connection(&[(&opaque[..1], &opaque[1..])])]);
    let rejected = west.seal(&later, &mut Vec::new()).unwrap_err();
    assert_eq!(rejected.reason, DropReason::OutNoSa);
}

/// West's next ESP packet around anything.
fn sealed_by_hand(inner: &[u8]) -> Vec<u8> {
    use adit_wire::esp::{EspHeader, EspTrailer, NEXT_HEADER_IPV4};
    use std::sync::atomic::{AtomicU32, Ordering};
    static NUMBER: AtomicU32 = AtomicU32::new(40);
    let sequence = NUMBER.fetch_add(1, Ordering::Relaxed);
    let sa = west_sa(suite("aes128gcm16"), SPI_WEST, SPI_EAST);
    let protection = adit_crypto::provider::fake(1)
        .protection(sa.suite.encr.id, sa.suite.encr.key_bits, sa.suite.integ)
        .unwrap();
    let cipher = adit_crypto::EspCipher::new(&protection, sa.key_out.expose()).unwrap();
    let mut packet = Vec::new();
    EspHeader {
        spi: SPI_EAST,
        sequence,
    }
    .emit(&mut packet);
    packet.extend([0; 8]);
    packet.extend_from_slice(inner);
    EspTrailer::for_payload(inner.len(), 4, NEXT_HEADER_IPV4).emit(&mut packet);
    packet.extend([0; 16]);
    cipher.seal(&mut packet, None, u64::from(sequence)).unwrap();
    packet
}
