//! A packet's way out of one gateway and into the other, through every suite that is offered.

mod common;

use std::time::Duration;

use adit_esp::DataPlane;
use adit_model::dataplane::{ChildSa, DataPlaneRequest};
use adit_model::drops::DropReason;
use adit_wire::esp::EspHeader;
use common::*;

const SUITES: &[&str] = &[
    "aes128gcm16",
    "aes256gcm16",
    "aes128gcm16-esn",
    "chacha20poly1305",
    "aes128-sha1",
    "aes128-sha256",
    "aes256-sha384",
    "aes256-sha512-esn",
    "3des-sha1",
    "null-sha256",
];

#[test]
fn packets_of_both_families_come_out_as_they_went_in() {
    for suite in SUITES {
        let (west, east) = joined(suite);
        for octets in 0..70 {
            for inner in [
                eastbound(octets),
                udp("fd00:1::7", "fd00:2::9", (1, 2), octets),
            ] {
                let sealed = seal(&west, &inner);
                assert!(sealed.len().is_multiple_of(4), "RFC 4303 2.4: {suite}");
                assert_eq!(open(&east, &sealed), Ok(inner), "{suite}, {octets} octets");
            }
        }
        let reply = udp("10.2.0.9", "10.1.0.7", (53, 4000), 99);
        assert_eq!(open(&west, &seal(&east, &reply)), Ok(reply), "{suite}");
        assert_eq!(west.drops().total() + east.drops().total(), 0);
    }
}

#[test]
fn sequence_numbers_count_from_one() {
    let (west, _) = joined("aes128gcm16");
    for expected in 1..=5 {
        let header = EspHeader::parse(&seal(&west, &eastbound(1))).unwrap();
        assert_eq!((header.spi, header.sequence), (SPI_EAST, expected));
    }
}

#[test]
fn several_packets_share_one_buffer() {
    let (west, east) = joined("aes128gcm16");
    let mut out = Vec::new();
    let mut ends = vec![0];
    for octets in [10, 500, 3] {
        west.seal(&eastbound(octets), &mut out).unwrap();
        ends.push(out.len());
    }
    let before = out.clone();
    assert!(west.seal(&[0x45], &mut out).is_err());
    assert_eq!(out, before, "a refused packet leaves nothing behind");
    for (range, octets) in ends.windows(2).zip([10, 500, 3]) {
        assert_eq!(open(&east, &out[range[0]..range[1]]), Ok(eastbound(octets)));
    }
}

#[test]
fn a_rekeyed_tunnel_receives_on_both_and_sends_on_the_new_pair() {
    let (mut west, mut east) = joined("aes128gcm16");
    let late = seal(&west, &eastbound(1));
    let newer = west_sa(suite("aes256gcm16"), 0xc000_0011, 0xc000_0012);
    install(&mut east, mirrored(&newer));
    install(&mut west, newer);
    let fresh = seal(&west, &eastbound(2));
    assert_eq!(EspHeader::parse(&fresh).unwrap().spi, 0xc000_0012);
    assert_eq!(open(&east, &fresh), Ok(eastbound(2)));
    assert_eq!(
        open(&east, &late),
        Ok(eastbound(1)),
        "the old pair still receives"
    );
    remove(&mut east, SPI_EAST);
    let too_late = {
        remove(&mut west, 0xc000_0011);
        seal(&west, &eastbound(3))
    };
    let later = T0 + Duration::from_secs(3);
    let opened = east.open(later, &mut too_late.clone());
    assert_eq!(opened.unwrap_err().reason, DropReason::EspUnknownSpi);
    let total = east.child_report("net", "lan0").unwrap();
    assert_eq!(
        (total.pairs, total.counters.packets_in),
        (1, 2),
        "the child's count outlives the pair"
    );
}

/// RFC 7296 2.8: who answers a rekey request can't know when the other side has the answer.
#[test]
fn a_pair_that_the_peer_asked_for_is_used_once_the_peer_has_it() {
    let (mut west, mut east) = joined("aes128gcm16");
    let newer = ChildSa {
        replaces: Some(SPI_WEST),
        ..west_sa(suite("aes256gcm16"), 0xc000_0011, 0xc000_0012)
    };
    install(&mut west, newer.clone());
    let spi = |packet: &[u8]| EspHeader::parse(packet).unwrap().spi;
    let early = seal(&west, &eastbound(1));
    assert_eq!(
        spi(&early),
        SPI_EAST,
        "the peer may still wait for our answer"
    );
    assert_eq!(open(&east, &early), Ok(eastbound(1)));

    install(
        &mut east,
        ChildSa {
            replaces: None,
            ..mirrored(&newer)
        },
    );
    let answer = udp("10.2.0.9", "10.1.0.7", (53, 4000), 1);
    open(&west, &seal(&east, &answer)).unwrap();
    assert_eq!(
        spi(&seal(&west, &eastbound(2))),
        0xc000_0012,
        "it has sent on the new pair"
    );

    let (mut silent, _) = joined("aes128gcm16");
    install(&mut silent, newer);
    remove(&mut silent, SPI_WEST);
    assert_eq!(
        spi(&seal(&silent, &eastbound(3))),
        0xc000_0012,
        "it has removed the old pair"
    );
}

/// The peer's word that it removed a pair may overtake packets that it sealed before.
#[test]
fn packets_under_way_are_opened_after_a_rekey() {
    let (west, mut east) = joined("aes128gcm16");
    open(&east, &seal(&west, &eastbound(1))).unwrap();
    let under_way = seal(&west, &eastbound(2));
    install(
        &mut east,
        mirrored(&west_sa(suite("aes256gcm16"), 0xc000_0011, 0xc000_0012)),
    );
    remove(&mut east, SPI_EAST);
    assert_eq!(open(&east, &under_way), Ok(eastbound(2)));
    assert_eq!(open(&east, &under_way), Err(DropReason::EspReplay));
    let total = east.child_report("net", "lan0").unwrap();
    assert_eq!((total.pairs, total.counters.packets_in), (1, 2));
    let again = DataPlaneRequest::Remove {
        connection: "net".into(),
        child: "lan0".into(),
        spi_in: SPI_EAST,
    };
    assert!(east.apply(T0, again).is_err(), "it has been removed");

    // The last pair of a child goes at once, and takes what drains along.
    remove(&mut east, 0xc000_0012);
    let late = seal(&west, &eastbound(3));
    assert_eq!(open(&east, &late), Err(DropReason::EspUnknownSpi));
    let total = east.child_report("net", "lan0").unwrap();
    assert_eq!((total.pairs, total.counters.packets_in), (0, 2));
}

/// A pair that is about to be deleted is sent on only while there is no other.
#[test]
fn a_retired_pair_sends_when_it_is_the_last() {
    let spi = |packet: &[u8]| EspHeader::parse(packet).unwrap().spi;
    let (mut west, _) = joined("aes128gcm16");
    let newer = west_sa(suite("aes128gcm16"), 0xc000_0011, 0xc000_0012);
    install(&mut west, newer.clone());
    assert_eq!(spi(&seal(&west, &eastbound(1))), 0xc000_0012);
    let retire = DataPlaneRequest::Retire {
        connection: newer.connection,
        child: newer.child,
        spi_in: 0xc000_0011,
    };
    west.apply(T0, retire).unwrap();
    assert_eq!(spi(&seal(&west, &eastbound(2))), SPI_EAST);
    remove(&mut west, SPI_WEST);
    assert_eq!(spi(&seal(&west, &eastbound(3))), 0xc000_0012);
}

#[test]
fn a_moved_path_takes_effect_at_once() {
    let (mut west, _) = joined("aes128gcm16");
    let mut moved = path(true);
    moved.remote = "198.51.100.9:1024".parse().unwrap();
    west.apply(
        T0,
        DataPlaneRequest::MovePath {
            connection: "net".into(),
            spis_in: vec![SPI_WEST],
            path: moved,
        },
    )
    .unwrap();
    let sealed = west.seal(&eastbound(1), &mut Vec::new()).unwrap();
    assert_eq!((sealed.path, sealed.spi_out), (moved, SPI_EAST));
}

#[test]
fn traffic_is_counted_in_inner_octets() {
    let (west, east) = joined("aes128gcm16");
    for octets in [100, 200] {
        open(&east, &seal(&west, &eastbound(octets))).unwrap();
    }
    let octets = (128 + 228) as u64;
    let sent = west.pairs()[0].counters;
    assert_eq!((sent.packets_out, sent.bytes_out), (2, octets));
    assert_eq!((sent.packets_in, sent.last_in), (0, None));
    let received = east.pairs()[0].counters;
    assert_eq!((received.packets_in, received.bytes_in), (2, octets));
    assert_eq!(received.last_in, Some(T0));
}

#[test]
fn seal_and_open_may_be_shared_by_threads() {
    fn shareable<T: Send + Sync>() {}
    shareable::<DataPlane>();
}
