//! Runs of packets of one flow: found once, numbered together, sealed one behind the other.

#![allow(clippy::unwrap_used)]

mod common;

use adit_esp::{DataPlane, Door, Lane};
use adit_model::drops::DropReason;
use adit_wire::esp::EspHeader;
use common::*;

const SUITES: [&str; 3] = ["aes128gcm16", "chacha20poly1305", "aes128-sha256"];

/// Seals `packets` as one run; the ESP packets.
fn run(plane: &DataPlane, claim: u16, packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let shared = plane.shared();
    let view = shared.load();
    let lane = Lane::new(1);
    let first = view.outbound(lane, &packets[0]).unwrap();
    let mut way = view.outgoing(Door::SHARED, lane, &first).unwrap();
    way.claim(claim);
    let mut buffer = vec![0; 65_536];
    let mut sealed = Vec::new();
    for packet in packets {
        let length = way.seal(packet, &mut buffer).unwrap();
        assert_eq!(length, way.sealed_len(packet.len()));
        sealed.push(buffer[..length].to_vec());
    }
    sealed
}

#[test]
fn a_run_is_what_single_packets_would_have_been() {
    let packets: Vec<_> = (0..5).map(|n| eastbound(100 + n)).collect();
    for suite in SUITES {
        for claim in [0, 3, 5, 100] {
            let (west, _) = joined(suite);
            let (single, _) = joined(suite);
            let alone: Vec<_> = packets.iter().map(|packet| seal(&single, packet)).collect();
            assert_eq!(
                run(&west, claim, &packets),
                alone,
                "{suite}, {claim} claimed"
            );
        }
    }
}

#[test]
fn a_packet_in_two_parts_is_the_same_packet() {
    for suite in SUITES {
        for at in [0, 28, 77] {
            let packet = eastbound(100);
            let (west, _) = joined(suite);
            let view = west.shared().load();
            let lane = Lane::default();
            let ip = view.outbound(lane, &packet).unwrap();
            let mut way = view.outgoing(Door::SHARED, lane, &ip).unwrap();
            let (head, rest) = packet.split_at(at.max(20));
            let mut out = vec![0; 200];
            let length = way.seal_parts(head, rest, &mut out).unwrap();
            let (single, _) = joined(suite);
            assert_eq!(out[..length], seal(&single, &packet), "{suite}");
        }
    }
}

#[test]
fn claimed_numbers_that_nobody_used_are_gaps() {
    let (west, _) = joined("aes128gcm16");
    run(&west, 10, &[eastbound(1)]);
    let next = seal(&west, &eastbound(1));
    assert_eq!(EspHeader::parse(&next).unwrap().sequence, 11);
}

#[test]
fn a_run_counts_when_it_ends_and_its_refusals_at_once() {
    let (west, east) = joined("aes128gcm16");
    let packets: Vec<_> = (0..4).map(|n| eastbound(100 + n)).collect();
    let octets: usize = packets.iter().map(Vec::len).sum();
    let sealed = run(&west, 4, &packets);
    let sent = west.pairs()[0].counters;
    assert_eq!((sent.packets_out, sent.bytes_out), (4, octets as u64));

    let view = east.shared().load();
    {
        let mut way = view.incoming(Lane::new(3), T0, &sealed[0]).unwrap();
        for packet in &sealed {
            let mut copy = packet.clone();
            way.open(&mut copy).unwrap();
            let rejected = way.open(&mut packet.clone()).unwrap_err();
            assert_eq!(rejected.reason, DropReason::EspReplay);
        }
        assert_eq!(east.drops().of(DropReason::EspReplay), 4);
        assert_eq!(east.pairs()[0].counters.packets_in, 0);
    }
    let received = east.pairs()[0].counters;
    assert_eq!((received.packets_in, received.bytes_in), (4, octets as u64));
    assert_eq!(received.last_in, Some(T0));
}

#[test]
fn a_run_under_one_spi_takes_no_packet_of_another() {
    let (west, east) = joined("aes128gcm16");
    let sealed = seal(&west, &eastbound(1));
    let view = east.shared().load();
    let mut way = view.incoming(Lane::default(), T0, &sealed).unwrap();
    let mut other = sealed.clone();
    other[3] ^= 1;
    let rejected = way.open(&mut other).unwrap_err();
    assert_eq!(rejected.reason, DropReason::EspUnknownSpi);
}

#[test]
fn too_small_a_buffer_takes_nothing() {
    let (west, _) = joined("aes128gcm16");
    let packet = eastbound(100);
    let view = west.shared().load();
    let ip = view.outbound(Lane::default(), &packet).unwrap();
    let mut way = view.outgoing(Door::SHARED, Lane::default(), &ip).unwrap();
    let mut out = vec![0; way.sealed_len(packet.len()) - 1];
    let rejected = way.seal(&packet, &mut out).unwrap_err();
    assert_eq!(rejected.reason, DropReason::OutCipher);
}

/// What was sealed or opened through a view that is no longer the newest counts and is remembered all the same.
#[test]
fn an_old_view_goes_on_safely() {
    let (mut west, mut east) = joined("aes128gcm16");
    let (old_west, old_east) = (west.shared().load(), east.shared().load());
    west.set_link_mtu(1500);
    east.set_link_mtu(1500);
    assert!(west.shared().load().generation() > old_west.generation());

    let packet = eastbound(10);
    let mut first = Vec::new();
    old_west.seal(Door::SHARED, &packet, &mut first).unwrap();
    let second = seal(&west, &packet);
    let number = |esp: &[u8]| EspHeader::parse(esp).unwrap().sequence;
    assert_eq!((number(&first), number(&second)), (1, 2));

    old_east.open(T0, &mut first.clone()).unwrap();
    assert_eq!(open(&east, &first), Err(DropReason::EspReplay));
    assert_eq!(east.pairs()[0].counters.packets_in, 1);

    remove(&mut east, SPI_EAST);
    assert_eq!(open(&east, &second), Err(DropReason::EspUnknownSpi));
}

/// RFC 4303 3.3.3: what counts towards the end of an SA are numbers, not packets.
#[test]
fn abuse_86_numbers_that_were_claimed_and_not_used_count() {
    let (west, _) = joined("aes128gcm16");
    let packet = eastbound(100);
    run(&west, 64, std::slice::from_ref(&packet));
    let counters = west.pairs()[0].counters;
    assert_eq!((counters.packets_out, counters.numbers_out), (1, 64));
    seal(&west, &packet);
    assert_eq!(west.pairs()[0].counters.numbers_out, 65);
}

/// A packet that the host hasn't cut yet is as many packets as it would have become.
#[test]
fn a_refusal_counts_for_all_segments_that_were_not_sealed() {
    let (mut west, _) = joined(SUITES[0]);
    let packet = eastbound(100);
    let lane = Lane::new(1).standing_for(40);
    {
        let view = west.shared().load();
        let ip = view.outbound(lane, &packet).unwrap();
        let mut way = view.outgoing(Door::SHARED, lane, &ip).unwrap();
        let mut out = vec![0; 200];
        for _ in 0..10 {
            way.seal(&packet, &mut out).unwrap();
        }
        // No room.
        way.seal(&packet, &mut out[..9]).unwrap_err();
    }
    assert_eq!(west.drops().of(DropReason::OutCipher), 30);
    remove(&mut west, SPI_WEST);
    let view = west.shared().load();
    let ip = view.outbound(lane, &packet).unwrap();
    let rejected = view.outgoing(Door::SHARED, lane, &ip).err().unwrap();
    assert_eq!(rejected.reason, DropReason::OutNoSa);
    assert_eq!(west.drops().of(DropReason::OutNoSa), 40);
    let child = west.child_report("net", "lan0").unwrap();
    assert_eq!(child.drops.of(DropReason::OutNoSa), 40);
}
