//! Dummy packets (RFC 4303 2.6): sealed like packets, and nobody's traffic.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeSet;
use std::time::Duration;

use adit_esp::DataPlane;
use adit_model::carriage::{Carriage, HardLimits, Tfc};
use adit_model::dataplane::ChildSa;
use adit_model::drops::DropReason;
use adit_model::now::Mono;
use common::*;

const EVERY: Duration = Duration::from_secs(4);

fn sa(tfc: Tfc) -> ChildSa {
    ChildSa {
        carriage: Carriage {
            tfc,
            dummies: EVERY,
            ..Carriage::default()
        },
        ..west_sa(suite("aes128gcm16"), SPI_WEST, SPI_EAST)
    }
}

/// The next dummy, sealed in its time.
fn next(plane: &mut DataPlane) -> (Mono, Vec<u8>) {
    let due = plane.dummies_due().unwrap();
    assert_eq!(plane.dummies(Mono(due.0 - 1)), []);
    let dummies = plane.dummies(due);
    assert_eq!(dummies.len(), 1);
    let mut out = Vec::new();
    let sealed = plane.seal_dummy(due, dummies[0], &mut out).unwrap();
    assert_eq!(sealed.each, out.len());
    (due, out)
}

#[test]
fn abuse_89_dummies_are_dropped_by_the_peer_and_count_as_nothing() {
    let once = HardLimits {
        packets: 1,
        ..HardLimits::default()
    };
    let (mut west, east) = joined_by(ChildSa {
        limits: once,
        ..sa(Tfc::Off)
    });
    let mut last = T0 + EVERY;
    assert_eq!(west.dummies_due(), Some(last));
    for n in 1..=20 {
        let (at, sealed) = next(&mut west);
        assert_eq!(open(&east, &sealed), Err(DropReason::EspDummy));
        if n > 1 {
            let pause = at.since(last);
            assert!(
                EVERY * 3 / 4 <= pause && pause <= EVERY * 5 / 4,
                "{pause:?}"
            );
        }
        last = at;
    }
    let sent = west.pairs()[0].counters;
    assert_eq!((sent.packets_out, sent.bytes_out), (0, 0));
    assert_eq!(sent.numbers_out, 20, "numbers they use up");
    let received = east.pairs()[0].counters;
    assert_eq!((received.packets_in, received.last_in), (0, None));
    assert_eq!(east.drops().of(DropReason::EspDummy), 20);
    // The lifetime of one packet is whole, on both sides.
    assert!(open(&east, &seal(&west, &eastbound(8))).is_ok());
}

/// Neither their length tells them from packets: those are of one length, of a few, or of any.
#[test]
fn dummies_are_as_long_as_packets() {
    let lengths = |tfc| -> BTreeSet<usize> {
        let (mut west, _) = joined_by(sa(tfc));
        west.set_link_mtu(1400);
        (0..200).map(|_| next(&mut west).1.len()).collect()
    };
    let packet = |tfc, octets| {
        let (mut west, _) = joined_by(sa(tfc));
        west.set_link_mtu(1400);
        seal(&west, &eastbound(octets)).len()
    };
    assert_eq!(lengths(Tfc::Mtu), [packet(Tfc::Mtu, 10)].into());
    let of_packets: BTreeSet<usize> = (1..=5)
        .map(|n| packet(Tfc::Multiple(256), n * 256 - 28))
        .collect();
    assert_eq!(lengths(Tfc::Multiple(256)), of_packets);
    let any = lengths(Tfc::Off);
    assert!(any.len() > 100, "{} lengths", any.len());
    assert!(*any.last().unwrap() <= 1400);
}

/// They follow the traffic to new SAs, show the peer that we have these, and end with the last.
#[test]
fn dummies_go_by_the_sa_that_packets_go_by() {
    let (mut west, mut east) = joined_by(sa(Tfc::Off));
    let newer = ChildSa {
        replaces: Some(SPI_WEST),
        key_in: sa(Tfc::Off).key_out,
        spi_in: 0xc000_0011,
        spi_out: 0xc000_0012,
        ..sa(Tfc::Off)
    };
    let theirs = ChildSa {
        replaces: None,
        ..mirrored(&newer)
    };
    install(&mut west, newer);
    install(&mut east, theirs);
    let spi = |packet: &[u8]| u32::from_be_bytes(packet[..4].try_into().unwrap());
    assert_eq!(
        spi(&next(&mut west).1),
        SPI_EAST,
        "the peer may not have the new one"
    );
    let (_, shown) = next(&mut east);
    assert_eq!(spi(&shown), 0xc000_0011);
    assert_eq!(open(&west, &shown), Err(DropReason::EspDummy));
    assert_eq!(spi(&next(&mut west).1), 0xc000_0012);

    let due = west.dummies_due().unwrap();
    let dummy = west.dummies(due)[0];
    remove(&mut west, 0xc000_0011);
    assert_eq!(
        west.seal_dummy(due, dummy, &mut Vec::new()),
        None,
        "it has gone"
    );
    assert!(west.dummies_due().is_some());
    remove(&mut west, SPI_WEST);
    assert_eq!(west.dummies_due(), None);
    let (west, _) = joined("aes128gcm16");
    assert_eq!(west.dummies_due(), None, "unless they are wanted");
}
