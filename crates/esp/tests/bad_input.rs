//! Every prefix, every single-byte change and any bytes at all: refused, counted once, without a panic, and without
//! harm to the SA.

#![allow(clippy::unwrap_used)]

mod common;

use adit_crypto::provider;
use adit_esp::DataPlane;
use common::*;
use proptest::prelude::*;

#[test]
fn abuse_89_no_prefix_and_no_mutation_of_a_packet_is_taken_for_one() {
    for suite in [
        "aes128gcm16",
        "chacha20poly1305",
        "aes128-sha256",
        "aes256gcm16-esn",
    ] {
        let (west, east) = joined(suite);
        let good = seal(&west, &eastbound(21));
        let mut refused = 0;
        for n in 0..good.len() {
            assert!(open(&east, &good[..n]).is_err(), "{suite}: prefix of {n}");
            for bit in 0..8 {
                let mut changed = good.clone();
                changed[n] ^= 1 << bit;
                assert!(
                    open(&east, &changed).is_err(),
                    "{suite}: octet {n}, bit {bit}"
                );
            }
            refused += 9;
        }
        assert_eq!(east.drops().total(), refused, "{suite}");
        assert_eq!(
            open(&east, &good),
            Ok(eastbound(21)),
            "{suite}: the window never moved"
        );
    }
}

#[test]
fn no_prefix_and_no_mutation_of_an_inner_packet_panics() {
    let mut plane = DataPlane::new(provider::fake(1));
    plane.set_policy(&[connection(&[(
        &["0.0.0.0/0", "::/0"],
        &["0.0.0.0/0", "::/0"],
    )])]);
    for inner in [eastbound(20), udp("fd00:1::7", "fd00:2::9", (1, 2), 20)] {
        for n in 0..inner.len() {
            let _ = plane.seal(&inner[..n], &mut Vec::new());
            for value in 0..=255 {
                let mut changed = inner.clone();
                changed[n] = value;
                let _ = plane.seal(&changed, &mut Vec::new());
            }
        }
        let tried = inner.len() as u64 * 257;
        assert!(plane.drops().total() >= tried, "without SAs nothing leaves");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_refused_by_both_doors(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..200),
        known_spi in any::<bool>(),
    ) {
        let (_, east) = joined("aes128-sha256");
        if known_spi && bytes.len() >= 4 {
            bytes[..4].copy_from_slice(&SPI_EAST.to_be_bytes());
        }
        prop_assert!(open(&east, &bytes).is_err());
        prop_assert_eq!(east.drops().total(), 1);
        let _ = east.seal(&bytes, &mut Vec::new());
    }

    #[test]
    fn any_packet_of_the_tunnel_comes_out_as_it_went_in(
        octets in 0usize..3000,
        ports in any::<(u16, u16)>(),
        host in any::<(u8, u8)>(),
    ) {
        let (west, east) = joined("chacha20poly1305");
        let inner = udp(&format!("10.1.0.{}", host.0), &format!("10.2.0.{}", host.1), ports, octets);
        prop_assert_eq!(open(&east, &seal(&west, &inner)), Ok(inner));
    }
}
