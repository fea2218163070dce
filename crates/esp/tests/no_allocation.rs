//! Packets don't touch the heap: with the ciphers offered by default, sealing and opening, alone and in runs, refused ones
//! included.

#![allow(clippy::unwrap_used)]

mod common;
#[path = "../../crypto/tests/counting/mod.rs"]
mod counting;

use adit_esp::{Door, FlowCache, Lane};
use adit_model::drops::DropReason;
use common::*;
use counting::allocations;

#[test]
fn packets_do_not_touch_the_heap() {
    let v6 = udp("fd00:1::7", "fd00:2::9", (4000, 53), 700);
    let elsewhere = udp("10.1.0.7", "192.0.2.77", (4000, 53), 7);
    for suite in [
        "aes128gcm16",
        "aes256gcm16",
        "chacha20poly1305",
        "aes128-sha256",
        "aes256-sha512",
    ] {
        let (west, east) = joined(suite);
        let (west, east) = (west.shared(), east.shared());
        let lane = Lane::new(1);
        let mut cache = FlowCache::default();
        let mut buffer = vec![0; 65_536];
        // A thread's first look takes the place that it keeps.
        drop((west.load(), east.load()));
        for inner in [eastbound(36), eastbound(1372), v6.clone()] {
            let counted = allocations(|| {
                for _ in 0..20 {
                    let view = west.load();
                    let packet = view.outbound(lane, &inner).unwrap();
                    let way = view.outgoing_by(&mut cache, Door::SHARED, lane, &packet);
                    let mut way = way.unwrap();
                    way.claim(3);
                    let (first, rest) = buffer.split_at_mut(32_768);
                    let one = way.seal(&inner, first).unwrap();
                    let two = way.seal_parts(&inner[..28], &inner[28..], rest).unwrap();
                    let view = east.load();
                    let mut way = view.incoming(lane, T0, first).unwrap();
                    way.open(&mut first[..one]).unwrap();
                    way.open(&mut rest[..two]).unwrap();
                    let again = way.open(&mut first[..one]).unwrap_err();
                    assert_eq!(again.reason, DropReason::EspReplay);
                }
            });
            assert_eq!(counted, 0, "{suite}, {} octets", inner.len());
        }
        let refused = allocations(|| {
            let view = west.load();
            let packet = view.outbound(lane, &elsewhere).unwrap();
            assert!(view.outgoing(Door::SHARED, lane, &packet).is_err());
            assert!(view.outbound(lane, &elsewhere[..9]).is_err());
            assert!(view.incoming(lane, T0, &elsewhere).is_err());
        });
        assert_eq!(refused, 0, "{suite}");
    }
    let counts = allocations(|| drop(std::hint::black_box(vec![0_u8; 1])));
    assert_eq!(counts, 1, "the counter counts");
}
