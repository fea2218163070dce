//! What a thread remembers of flows holds only for as long as it is true.

#![allow(clippy::unwrap_used)]

mod common;

use adit_crypto::provider;
use adit_esp::{DataPlane, Door, FlowCache, Lane};
use adit_model::dataplane::ChildSa;
use adit_model::drops::DropReason;
use adit_wire::ip::{emit_packet, protocol};
use common::*;

/// The SPI that a packet would be sealed under, by the newest view and a memory.
fn way(plane: &DataPlane, cache: &mut FlowCache, packet: &[u8]) -> Result<u32, DropReason> {
    let view = plane.shared().load();
    let lane = Lane::default();
    let packet = view.outbound(lane, packet).unwrap();
    let remembered = view
        .outgoing_by(cache, Door::SHARED, lane, &packet)
        .map(|way| way.sealed().spi_out)
        .map_err(|rejected| rejected.reason);
    let found = view
        .outgoing(Door::SHARED, lane, &packet)
        .map(|way| way.sealed().spi_out)
        .map_err(|rejected| rejected.reason);
    assert_eq!(remembered, found);
    found
}

#[test]
fn a_flow_moves_with_the_pair_that_takes_it() {
    let (mut west, _) = joined("aes128gcm16");
    let mut cache = FlowCache::default();
    let packet = eastbound(5);
    for _ in 0..3 {
        assert_eq!(way(&west, &mut cache, &packet), Ok(SPI_EAST));
    }
    install(&mut west, west_sa(suite("aes128gcm16"), 300, 301));
    assert_eq!(way(&west, &mut cache, &packet), Ok(301));
    remove(&mut west, 300);
    assert_eq!(way(&west, &mut cache, &packet), Ok(SPI_EAST));
    remove(&mut west, SPI_WEST);
    assert_eq!(way(&west, &mut cache, &packet), Err(DropReason::OutNoSa));
    install(&mut west, west_sa(suite("aes128gcm16"), 400, 401));
    assert_eq!(way(&west, &mut cache, &packet), Ok(401));
    west.set_policy(&[]);
    assert_eq!(
        way(&west, &mut cache, &packet),
        Err(DropReason::OutNoPolicy)
    );
}

/// RFC 7296 2.8: while the peer hasn't used the pair that it asked for, sending stays with the old one; that ends with a
/// packet, not with a change, so nothing may be remembered until then.
#[test]
fn a_flow_moves_when_the_peer_first_uses_the_new_pair() {
    let (mut west, mut east) = joined("aes128gcm16");
    let mut cache = FlowCache::default();
    let packet = eastbound(5);
    let new = ChildSa {
        replaces: Some(SPI_WEST),
        ..west_sa(suite("aes128gcm16"), 300, 301)
    };
    install(
        &mut east,
        ChildSa {
            replaces: None,
            ..mirrored(&new)
        },
    );
    install(&mut west, new);
    for _ in 0..3 {
        assert_eq!(way(&west, &mut cache, &packet), Ok(SPI_EAST));
    }
    let answer = seal(&east, &udp("10.2.0.9", "10.1.0.7", (53, 4000), 5));
    open(&west, &answer).unwrap();
    for _ in 0..3 {
        assert_eq!(way(&west, &mut cache, &packet), Ok(301));
    }
}

/// More flows than are remembered, of the same and of different tunnels: each finds its own way.
#[test]
fn flows_do_not_take_each_others_ways() {
    let west = many(40);
    let mut cache = FlowCache::default();
    for round in 0..3 {
        for port in 0..200_u16 {
            for tunnel in 0..40_u32 {
                let to = format!("10.100.{tunnel}.{}", 1 + port % 7);
                let packet = udp("10.1.0.7", &to, (port, 53), 1);
                let found = way(&west, &mut cache, &packet);
                assert_eq!(found, Ok(1000 + tunnel), "round {round}, {to}, {port}");
            }
        }
    }
}

/// Errors about packets of two tunnels come from the same router, to the same host: they have equal addresses and protocol.
#[test]
fn errors_are_not_remembered() {
    let mut west = DataPlane::new(provider::fake(1));
    let nets = ["10.3.0.0/24", "10.4.0.0/24"];
    let children: [(&[&str], &[&str]); 2] = [
        (&["10.1.0.0/24"], &["10.3.0.0/24"]),
        (&["10.2.0.0/24"], &["10.3.0.0/24"]),
    ];
    west.set_policy(&[connection(&children)]);
    for (n, (local, _)) in children.iter().enumerate() {
        let spi = 500 + n as u32;
        install(
            &mut west,
            ChildSa {
                child: format!("lan{n}"),
                ts_local: selectors(local),
                ts_remote: selectors(&nets[..1]),
                ..west_sa(suite("aes128gcm16"), spi, spi)
            },
        );
    }
    let error = |to: &str| {
        let mut body = vec![3, 1, 0, 0, 0, 0, 0, 0];
        body.extend(udp("10.3.0.9", to, (53, 4000), 0));
        let mut packet = Vec::new();
        let (router, host) = ([198, 51, 100, 1].into(), [10, 3, 0, 9].into());
        emit_packet(router, host, protocol::ICMP, &body, &mut packet).unwrap();
        packet
    };
    let mut cache = FlowCache::default();
    for _ in 0..2 {
        assert_eq!(way(&west, &mut cache, &error("10.1.0.7")), Ok(500));
        assert_eq!(way(&west, &mut cache, &error("10.2.0.7")), Ok(501));
    }
}

/// Thousands of SAs, found by their SPIs, through removals and additions.
#[test]
fn many_pairs_come_and_go() {
    let mut west = many(600);
    let spi = |n: u32| 1000 + n;
    let known = |plane: &DataPlane, spi: u32| {
        let mut esp = spi.to_be_bytes().to_vec();
        esp.extend([0; 60]);
        let found = open(plane, &esp).unwrap_err();
        found != DropReason::EspUnknownSpi
    };
    assert!((0..600).all(|n| known(&west, spi(n))));
    for n in (0..600).step_by(3) {
        let request = adit_model::dataplane::DataPlaneRequest::Remove {
            connection: "net".into(),
            child: format!("lan{n}"),
            spi_in: spi(n),
        };
        west.apply(T0, request).unwrap();
    }
    for n in 0..600 {
        assert_eq!(known(&west, spi(n)), n % 3 != 0, "{n}");
    }
    assert!(!known(&west, 999) && !known(&west, 1600));
    assert_eq!(west.pairs().len(), 400);
}
