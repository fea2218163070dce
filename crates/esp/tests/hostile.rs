//! What hostile peers and paths send, and what the data plane keeps to itself; numbered as in docs/abuse-cases.md.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // threads

mod common;
#[path = "common/crafted.rs"]
mod crafted;

use std::collections::BTreeSet;
use std::time::Duration;

use adit_crypto::provider;
use adit_esp::{ApplyError, DataPlane};
use adit_model::carriage::HardLimits;
use adit_model::dataplane::{ChildSa, DataPlaneRequest};
use adit_model::drops::DropReason;
use adit_model::now::Mono;
use adit_model::proposal::{Encr, Suite};
use adit_model::secret::Secret;
use adit_wire::esp::{EspTrailer, NEXT_HEADER_IPV4};
use adit_wire::iana::{EncrId, IntegId};
use common::*;
use crafted::Sender;

/// Every suite that is worth a test of its own: with and without blocks, combined and not.
const SUITES: [&str; 4] = [
    "aes128gcm16",
    "chacha20poly1305",
    "aes128-sha256",
    "aes256-sha512",
];

/// Threads, batches and pairs: no number under one key comes twice.
#[test]
fn abuse_87_no_key_meets_a_number_twice() {
    for name in SUITES {
        let (west, _) = joined(name);
        let shared = west.shared();
        let iv = 8..(if name.starts_with("aes128-") || name.starts_with("aes256-") {
            24
        } else {
            16
        });
        let sealed: Vec<Vec<u8>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let (shared, iv) = (&shared, iv.clone());
                    scope.spawn(move || {
                        let inner = eastbound(8);
                        let mut seen = Vec::new();
                        for _ in 0..2500 {
                            let mut out = Vec::new();
                            let door = adit_esp::Door::SHARED;
                            shared.load().seal(door, &inner, &mut out).unwrap();
                            seen.push([&out[4..8], &out[iv.clone()]].concat());
                        }
                        seen
                    })
                })
                .collect();
            threads
                .into_iter()
                .flat_map(|t| t.join().unwrap())
                .collect()
        });
        let numbers: BTreeSet<_> = sealed.iter().map(|p| &p[..4]).collect();
        let ivs: BTreeSet<_> = sealed.iter().map(|p| &p[4..]).collect();
        assert_eq!((numbers.len(), ivs.len()), (10_000, 10_000), "{name}");
    }
}

/// The keys that a packet is sealed with are those of its SA alone, and an SA starts at one.
#[test]
fn abuse_87_a_plane_that_starts_anew_needs_new_keys() {
    let first = |sa: ChildSa| seal(&joined_by(sa).0, &eastbound(64));
    let sa = west_sa(suite("aes128gcm16"), SPI_WEST, SPI_EAST);
    // What would happen with old keys: just why nothing keeps them beyond the process.
    assert_eq!(first(sa.clone()), first(sa.clone()));
    let renewed = ChildSa {
        key_out: Secret::new(vec![9; 20]),
        ..sa.clone()
    };
    assert_ne!(first(sa)[16..], first(renewed)[16..]);
}

/// CVE-2022-46397: who sees a packet can't tell the next one's IV.
#[test]
fn abuse_88_ivs_of_block_ciphers_are_not_to_be_foretold() {
    let (west, _) = joined("aes128-sha256");
    let sealed: Vec<Vec<u8>> = (0..4096).map(|_| seal(&west, &eastbound(8))).collect();
    let ivs: Vec<u128> = sealed
        .iter()
        .map(|p| u128::from_be_bytes(p[8..24].try_into().unwrap()))
        .collect();
    let packets = ivs.len() as f64;
    // Each bit is one about half of the time, and changes about half of the time: within six standard deviations.
    let even = |count: usize| (count as f64 - packets / 2.0).abs() < 6.0 * (packets / 4.0).sqrt();
    for bit in 0..128 {
        let ones = ivs.iter().filter(|iv| *iv >> bit & 1 == 1).count();
        let changes = ivs
            .windows(2)
            .filter(|w| (w[0] ^ w[1]) >> bit & 1 == 1)
            .count();
        assert!(even(ones) && even(changes), "bit {bit}: {ones}, {changes}");
    }
    assert_eq!(ivs.iter().collect::<BTreeSet<_>>().len(), ivs.len());
    // No IV is the block that went before it on the wire.
    for pair in sealed.windows(2) {
        assert!(!pair[0].windows(16).any(|block| *block == pair[1][8..24]));
    }
}

/// A peer that has the keys and pads otherwise.
#[test]
fn abuse_89_authentic_nonsense_is_dropped_each_for_its_reason() {
    let sa = west_sa(suite("aes128-sha256"), SPI_WEST, SPI_EAST);
    let (_, east) = joined_by(sa.clone());
    let west = Sender::of(&sa);
    let inner = eastbound(8);
    let mut inside = inner.clone();
    EspTrailer::for_payload(inner.len(), 16, NEXT_HEADER_IPV4).emit(&mut inside);
    let end = inside.len();
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut other = inside.clone();
        change(&mut other);
        other
    };
    let cases: [(Vec<u8>, DropReason); 6] = [
        (with(&|p| p[end - 3] ^= 1), DropReason::EspPadding),
        (with(&|p| p[end - 2] = 255), DropReason::EspPadding),
        (with(&|p| p[end - 1] = 6), DropReason::EspNextHeader),
        (with(&|p| p[end - 1] = 59), DropReason::EspDummy),
        (with(&|p| p[end - 1] = 41), DropReason::EspInnerMalformed),
        (with(&|p| p[3] = 0xff), DropReason::EspInnerMalformed),
    ];
    for (number, (inside, reason)) in (1..).zip(cases) {
        assert_eq!(open(&east, &west.plaintext(number, &inside)), Err(reason));
        assert_eq!(east.drops().total(), number);
    }
    assert_eq!(open(&east, &west.plaintext(100, &inside)), Ok(inner));
}

/// What isn't authentic is never decrypted, so its padding can tell nothing.
#[test]
fn abuse_90_a_changed_packet_is_one_error_whatever_its_padding() {
    for name in SUITES {
        let (west, east) = joined(name);
        let sealed = seal(&west, &eastbound(40));
        let clear_until = 8;
        for at in clear_until..sealed.len() {
            for bit in [1, 0x80] {
                let mut changed = sealed.clone();
                changed[at] ^= bit;
                assert_eq!(
                    open(&east, &changed),
                    Err(DropReason::EspAuthenticity),
                    "{name}, {at}"
                );
            }
        }
        assert!(open(&east, &sealed).is_ok(), "{name}: and moves nothing");
    }
}

#[test]
fn abuse_91_encryption_without_integrity_can_not_be_installed() {
    let (mut west, _) = joined("aes128gcm16");
    let bare = [
        (EncrId::ENCR_NULL, None, None),
        (EncrId::ENCR_AES_CBC, Some(128), None),
        (EncrId::ENCR_AES_CTR, Some(128), None),
        (EncrId::ENCR_3DES, None, None),
        (EncrId::ENCR_AES_CBC, Some(128), Some(IntegId::NONE)),
        (EncrId::ENCR_NULL, None, Some(IntegId::NONE)),
    ];
    for (n, (id, key_bits, integ)) in bare.into_iter().enumerate() {
        let sa = ChildSa {
            suite: Suite {
                encr: Encr { id, key_bits },
                integ,
                ..suite("aes128gcm16")
            },
            key_in: Secret::new(vec![1; 16]),
            key_out: Secret::new(vec![1; 16]),
            ..west_sa(suite("aes128gcm16"), 0xd000_0000 + n as u32, 0xe000_0000)
        };
        let refused = west.apply(T0, DataPlaneRequest::Install(Box::new(sa)));
        assert!(
            matches!(refused, Err(ApplyError::Unsupported(_))),
            "{id:?} {integ:?}"
        );
    }
    assert_eq!(west.pairs().len(), 1);
}

/// A packet inside another, or from the peer's gateway itself, is a packet like others: outside of what was agreed on.
#[test]
fn abuse_92_tunnels_inside_of_tunnels_and_other_tunnels_traffic() {
    let sa = west_sa(suite("aes128gcm16"), SPI_WEST, SPI_EAST);
    let (_, mut east) = joined_by(sa.clone());
    // Another SA that would take it is no help.
    let other = ChildSa {
        child: "lan1".into(),
        ts_local: selectors(&["10.8.0.0/24"]),
        ..west_sa(suite("aes128gcm16"), 0xc100_0001, 0xc100_0002)
    };
    install(&mut east, mirrored(&other));
    let west = Sender::of(&sa);
    let from_other = udp("10.8.0.7", "10.2.0.9", (1, 2), 8);
    let mut nested = Vec::new();
    let (gateway, host) = ("192.0.2.1".parse().unwrap(), "10.2.0.9".parse().unwrap());
    adit_wire::ip::emit_packet(gateway, host, 4, &eastbound(8), &mut nested).unwrap();
    let as_gateway = udp("192.0.2.2", "10.2.0.9", (1, 2), 8);
    for (number, inner) in (1..).zip([&from_other, &nested, &as_gateway]) {
        let found = open(&east, &west.packet(number, inner));
        assert_eq!(found, Err(DropReason::EspInboundPolicy));
    }
    assert_eq!(
        open(&east, &Sender::of(&other).packet(1, &from_other)),
        Ok(from_other)
    );
}

#[test]
fn abuse_96_reserved_and_unknown_spis_are_nobodys() {
    let (mut west, east) = joined("aes128gcm16");
    let sealed = seal(&west, &eastbound(8));
    for spi in (0..256).chain([SPI_WEST, u32::MAX]) {
        let mut other = sealed.clone();
        other[..4].copy_from_slice(&spi.to_be_bytes());
        assert_eq!(open(&east, &other), Err(DropReason::EspUnknownSpi));
    }
    for spi in 0..256 {
        let sa = west_sa(suite("aes128gcm16"), spi, SPI_EAST);
        let refused = west.apply(T0, DataPlaneRequest::Install(Box::new(sa)));
        assert_eq!(refused, Err(ApplyError::SpiReserved(spi)));
    }
}

/// The receiver chooses an SPI; two peers, or one for two children, may choose the same.
#[test]
fn abuse_97_the_same_spi_of_two_peers_and_never_of_our_own() {
    let (mut west, _) = joined("aes128gcm16");
    install(
        &mut west,
        west_sa(suite("aes128gcm16"), 0xc000_0009, SPI_EAST),
    );
    let again = west_sa(suite("aes128gcm16"), SPI_WEST, 0xc000_000a);
    let refused = west.apply(T0, DataPlaneRequest::Install(Box::new(again)));
    assert_eq!(refused, Err(ApplyError::SpiInUse(SPI_WEST)));
    assert_eq!(west.pairs().len(), 2);
}

/// Two clients behind one NAT have the same outer address; what tells them apart is the SPI and what was agreed with each.
#[test]
fn abuse_98_two_clients_behind_one_nat_get_nothing_of_each_other() {
    let mut gateway = DataPlane::new(provider::fake(2));
    let net = ["0.0.0.0/0"];
    gateway.set_policy(&[connection(&[(&net, &["10.3.0.1"]), (&net, &["10.3.0.2"])])]);
    let client = |n: u8| ChildSa {
        child: format!("lan{}", n - 1),
        ts_local: selectors(&[&format!("10.3.0.{n}")]),
        ts_remote: selectors(&net),
        ..west_sa(
            suite("aes128gcm16"),
            0xc000_0000 + u32::from(n),
            0xc100_0000 + u32::from(n),
        )
    };
    for n in [1, 2] {
        install(&mut gateway, mirrored(&client(n)));
    }
    for (n, number) in [(1u8, 1u64), (2, 1)] {
        let sender = Sender::of(&client(n));
        let own = udp(&format!("10.3.0.{n}"), "198.51.100.9", (1, 2), 8);
        assert_eq!(open(&gateway, &sender.packet(number, &own)), Ok(own));
        let others = udp(&format!("10.3.0.{}", 3 - n), "198.51.100.9", (1, 2), 8);
        let found = open(&gateway, &sender.packet(number + 1, &others));
        assert_eq!(found, Err(DropReason::EspInboundPolicy));
        // And what goes back goes under the SPI of who has the address.
        let back = udp("198.51.100.9", &format!("10.3.0.{n}"), (2, 1), 8);
        let sealed = gateway.seal(&back, &mut Vec::new()).unwrap();
        assert_eq!(sealed.spi_out, 0xc000_0000 + u32::from(n));
    }
}

#[test]
fn abuse_103_nothing_passes_a_pair_that_is_at_its_end() {
    for (limits, last) in [
        (
            HardLimits {
                packets: 5,
                ..HardLimits::default()
            },
            5,
        ),
        // 36 octets each: the fourth reaches the limit.
        (
            HardLimits {
                bytes: 120,
                ..HardLimits::default()
            },
            4,
        ),
    ] {
        let sa = ChildSa {
            limits,
            ..west_sa(suite("aes128gcm16"), SPI_WEST, SPI_EAST)
        };
        let (west, east) = joined_by(sa.clone());
        for n in 1..=10 {
            let sealed = west.seal(&eastbound(8), &mut Vec::new());
            assert_eq!(sealed.is_ok(), n <= last, "{n}");
        }
        assert_eq!(west.drops().of(DropReason::OutLifetime), 10 - last);
        assert_eq!(west.pairs()[0].counters.packets_out, last);
        // A peer that goes on all the same.
        let peer = Sender::of(&sa);
        for n in 1..=10 {
            let found = open(&east, &peer.packet(n, &eastbound(8)));
            let expected = if n <= last {
                Ok(())
            } else {
                Err(DropReason::EspLifetime)
            };
            assert_eq!(found.map(drop), expected, "{n}");
        }
        assert_eq!(east.drops().of(DropReason::EspLifetime), 10 - last);
        let received = east.pairs()[0].counters;
        assert!(received.packets_in >= limits.packets && received.bytes_in >= limits.bytes);
    }
}

#[test]
fn abuse_103_threads_together_pass_a_limit_by_no_packet() {
    let sa = ChildSa {
        limits: HardLimits {
            packets: 1000,
            ..HardLimits::default()
        },
        ..west_sa(suite("aes128gcm16"), SPI_WEST, SPI_EAST)
    };
    let (west, _) = joined_by(sa);
    let inner = eastbound(8);
    let passed: usize = std::thread::scope(|scope| {
        let seals = || west.seal(&inner, &mut Vec::new()).is_ok();
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(move || (0..500).filter(|_| seals()).count()))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!(passed, 1000);
    assert_eq!(west.drops().of(DropReason::OutLifetime), 1000);
}

/// Who ends SAs in time may be stuck: a pair whose time is over neither seals nor opens, without anybody's word.
#[test]
fn abuse_103_nothing_passes_a_pair_whose_time_is_over() {
    let sa = ChildSa {
        limits: HardLimits {
            seconds: 10,
            ..HardLimits::default()
        },
        ..west_sa(suite("aes128gcm16"), SPI_WEST, SPI_EAST)
    };
    let (west, east) = joined_by(sa);
    let end = T0 + Duration::from_secs(10);
    let before = Mono(end.0 - 1);
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for sealed in [&mut first, &mut second] {
        west.seal_at(before, &eastbound(8), sealed).unwrap();
    }
    assert!(east.open(before, &mut first).is_ok());
    for later in [0, 1_000_000_000_000] {
        let now = Mono(end.0 + later);
        let mut out = vec![7];
        let rejected = west.seal_at(now, &eastbound(8), &mut out).unwrap_err();
        assert_eq!((rejected.reason, out), (DropReason::OutLifetime, vec![7]));
        assert!(rejected.child.is_some());
        let rejected = east.open(now, &mut second.clone()).unwrap_err();
        assert_eq!(rejected.reason, DropReason::EspLifetime);
    }
    assert_eq!(west.drops().of(DropReason::OutLifetime), 2);
    assert_eq!(east.drops().of(DropReason::EspLifetime), 2);
}

/// Opening needs a buffer that is ours alone, which the type says; and what isn't authentic leaves no plaintext there.
#[test]
fn abuse_104_no_plaintext_of_what_is_not_authentic() {
    for name in SUITES {
        let (west, east) = joined(name);
        let inner = eastbound(64);
        let mut forged = seal(&west, &inner);
        *forged.last_mut().unwrap() ^= 1;
        assert!(east.open(T0, &mut forged).is_err());
        let secret = &inner[28..];
        for part in secret.windows(8) {
            assert!(!forged.windows(8).any(|found| found == part), "{name}");
        }
    }
}

/// Keys live as long as their pair, and nothing prints them.
#[test]
fn abuse_105_keys_are_not_shown() {
    let sa = west_sa(suite("aes128gcm16"), SPI_WEST, SPI_EAST);
    let octets = sa.key_out.expose().to_vec();
    let (west, _) = joined_by(sa);
    let shown = format!(
        "{:?} {:?} {:?}",
        west.pairs(),
        west.children(),
        west.drops()
    );
    for form in [
        format!("{octets:?}"),
        octets.iter().map(|o| format!("{o:02x}")).collect(),
    ] {
        assert!(!shown.contains(&form[1..form.len() - 1]));
    }
}
