//! Many threads, each with the view that it happens to hold, while SAs come and go.

#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // threads

mod common;

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use adit_esp::replay::ReplayWindow;
use adit_esp::{DataPlane, Door, FlowCache, Lane};
use adit_model::dataplane::ChildSa;
use adit_model::drops::DropReason;
use adit_model::now::Mono;
use common::*;

const THREADS: u16 = 4;
const REKEYS: u32 = 40;
const RUN: u16 = 8;

/// What identifies a nonce: the SA, whose key and salt are its own, and the explicit IV.
type Nonce = (u32, [u8; 8]);

fn nonce(esp: &[u8]) -> Nonce {
    let spi = u32::from_be_bytes(*esp.first_chunk().unwrap());
    (spi, *esp[8..].first_chunk().unwrap())
}

fn generation(n: u32) -> ChildSa {
    let spi = 0x1000 + 2 * n;
    let mut sa = west_sa(suite("aes128gcm16"), spi, spi + 1);
    sa.replay_window = 4096;
    sa
}

/// Abuse 87: threads seal runs and single packets with whatever view they hold, while a rekey follows the other and paths
/// move. No pair of key and IV comes twice, and what was sealed under a pair that is still there opens once.
#[test]
fn abuse_87_no_nonce_repeats_through_changes_of_the_view() {
    let mut west = DataPlane::with_lanes(adit_crypto::provider::aws_lc(), THREADS);
    let mut east = DataPlane::with_lanes(adit_crypto::provider::aws_lc(), THREADS);
    west.set_policy(&[connection(&[(&[WEST], &[EAST])])]);
    east.set_policy(&[connection(&[(&[EAST], &[WEST])])]);
    install(&mut east, mirrored(&generation(0)));
    install(&mut west, generation(0));
    let (shared, shared_east) = (west.shared(), east.shared());
    let done = AtomicBool::new(false);
    let opened = AtomicU64::new(0);
    let start = Barrier::new(usize::from(THREADS) + 1);
    let per_thread: Vec<Vec<Nonce>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (shared, shared_east) = (shared.clone(), shared_east.clone());
                let (done, opened, start) = (&done, &opened, &start);
                scope.spawn(move || {
                    start.wait();
                    let lane = Lane::new(thread);
                    let inner = eastbound(usize::from(thread));
                    let mut cache = FlowCache::default();
                    let mut buffer = vec![0; 4096];
                    let mut nonces = Vec::new();
                    let mut view = shared.load();
                    let mut round = 0_u32;
                    while !done.load(Ordering::Relaxed) {
                        round += 1;
                        // Threads hold on to old views, some longer than others.
                        if round.is_multiple_of(1 + u32::from(thread)) {
                            view = shared.load();
                        }
                        let packet = view.outbound(lane, &inner).unwrap();
                        let way = view.outgoing_by(&mut cache, Door::SHARED, lane, &packet);
                        let mut way = way.unwrap();
                        way.claim(RUN);
                        // Now and then fewer packets than numbers, or more.
                        for _ in 0..(round % 3) * u32::from(RUN) / 2 + 1 {
                            let length = way.seal(&inner, &mut buffer).unwrap();
                            let esp = &mut buffer[..length];
                            nonces.push(nonce(esp));
                            let east = shared_east.load();
                            match east.open(T0, esp) {
                                Ok(_) => opened.fetch_add(1, Ordering::Relaxed),
                                // Its SA is gone, or others were far ahead.
                                Err(rejected) => {
                                    let reason = rejected.reason;
                                    let late = [DropReason::EspUnknownSpi, DropReason::EspTooOld];
                                    assert!(late.contains(&reason), "{reason}");
                                    0
                                }
                            };
                        }
                    }
                    nonces
                })
            })
            .collect();
        start.wait();
        for n in 1..=REKEYS {
            install(&mut east, mirrored(&generation(n)));
            install(&mut west, generation(n));
            west.set_link_mtu(1500 + n as usize);
            std::thread::yield_now();
            remove(&mut west, generation(n - 1).spi_in);
            remove(&mut east, generation(n - 1).spi_out);
            while opened.load(Ordering::Relaxed) < u64::from(n) * 250 {
                std::thread::yield_now();
            }
        }
        done.store(true, Ordering::Relaxed);
        workers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    let sealed: usize = per_thread.iter().map(Vec::len).sum();
    let different: BTreeSet<Nonce> = per_thread.into_iter().flatten().collect();
    assert_eq!(different.len(), sealed);
    let sas: BTreeSet<u32> = different.iter().map(|(spi, _)| *spi).collect();
    assert!(sas.len() > 1, "keys changed under way");
    // Nothing is lost from the counters, whichever lane and view it went through.
    let children = (west.children(), east.children());
    let (sent, received) = (children.0[0].counters, children.1[0].counters);
    assert_eq!(sent.packets_out, sealed as u64);
    let in_flight = east.drops().total();
    assert_eq!(received.packets_in + in_flight, sealed as u64);
    assert_eq!(received.packets_in, opened.into_inner());
}

/// Between claiming numbers and sending, a thread may lose its processor, and others send meanwhile. Whatever they do, a
/// peer with the narrowest window that there is takes every packet (RFC 4303 3.4.3), and so with dummies among them.
#[test]
fn what_several_threads_send_under_one_sa_fits_the_narrowest_window() {
    let mut west = DataPlane::with_lanes(adit_crypto::provider::aws_lc(), THREADS + 1);
    west.set_policy(&[connection(&[(&[WEST], &[EAST])])]);
    let mut sa = generation(0);
    sa.carriage.dummies = Duration::from_secs(1);
    install(&mut west, sa);
    let dummy = west.dummies(west.dummies_due().unwrap())[0];
    let wire = std::sync::Mutex::new(Vec::new());
    let start = Barrier::new(usize::from(THREADS) + 1);
    std::thread::scope(|scope| {
        let (shared, to_wire, begin) = (west.shared(), &wire, &start);
        scope.spawn(move || {
            let lane = Lane::new(THREADS);
            let mut sealed = Vec::new();
            begin.wait();
            for _ in 0..1000 {
                sealed.clear();
                let dummy = shared.load().seal_dummy(lane, T0, dummy, &mut sealed);
                let (turn, _) = dummy.unwrap();
                std::thread::yield_now();
                while !turn.is_due() {
                    std::thread::yield_now();
                }
                let number = sealed[4..].first_chunk().unwrap();
                to_wire
                    .lock()
                    .unwrap()
                    .push(u32::from_be_bytes(*number).into());
            }
        });
        for thread in 0..THREADS {
            let (shared, wire, start) = (west.shared(), &wire, &start);
            scope.spawn(move || {
                let lane = Lane::new(thread);
                let inner = eastbound(5);
                let mut buffer = vec![0; 200];
                start.wait();
                for round in 0..200_u16 {
                    let view = shared.load();
                    let packet = view.outbound(lane, &inner).unwrap();
                    let mut way = view.outgoing(Door::SHARED, lane, &packet).unwrap();
                    let turn = way.turn();
                    // Long runs and single packets.
                    let packets = 1 + (round * 7 + thread) % 45 * (round % 2);
                    let mut waiting: Vec<u64> = Vec::new();
                    let send = |waiting: &mut Vec<u64>| {
                        std::thread::yield_now();
                        while !turn.is_due() {
                            std::thread::yield_now();
                        }
                        for number in waiting.drain(..) {
                            wire.lock().unwrap().push(number);
                        }
                    };
                    for _ in 0..5 {
                        way.claim(packets);
                        if !way.adjoins(&turn) {
                            send(&mut waiting);
                            way.go_on(&turn);
                        }
                        for _ in 0..packets {
                            way.seal(&inner, &mut buffer).unwrap();
                            let number = buffer[4..].first_chunk().unwrap();
                            waiting.push(u32::from_be_bytes(*number).into());
                        }
                        std::thread::yield_now();
                    }
                    send(&mut waiting);
                    drop(turn);
                }
            });
        }
    });
    let window = ReplayWindow::new(32, false);
    let sent = wire.into_inner().unwrap();
    assert!(sent.len() > 1000 + 200 * usize::from(THREADS));
    for number in sent {
        assert_eq!(window.accept(number), Ok(()), "{number}");
    }
}

/// Threads with a lane of their own count without a lock, and those that come besides share one: nothing is lost of either.
#[test]
fn traffic_of_threads_with_and_without_a_lane_adds_up() {
    const LANES: u16 = 2;
    const EACH: u64 = 3000;
    let mut west = DataPlane::with_lanes(adit_crypto::provider::aws_lc(), LANES);
    let mut east = DataPlane::with_lanes(adit_crypto::provider::aws_lc(), LANES);
    west.set_policy(&[connection(&[(&[WEST], &[EAST])])]);
    east.set_policy(&[connection(&[(&[EAST], &[WEST])])]);
    install(&mut east, mirrored(&generation(0)));
    install(&mut west, generation(0));
    let inner = eastbound(5);
    let opened = AtomicU64::new(0);
    let lanes = [0, 1, 2, 3].map(Lane::new);
    std::thread::scope(|scope| {
        for lane in lanes.into_iter().chain([Lane::default(); 2]) {
            let (shared, shared_east) = (west.shared(), east.shared());
            let (inner, opened) = (&inner, &opened);
            scope.spawn(move || {
                let mut buffer = vec![0; 200];
                for number in 0..EACH {
                    let view = shared.load();
                    let packet = view.outbound(lane, inner).unwrap();
                    let mut way = view.outgoing(Door::SHARED, lane, &packet).unwrap();
                    let length = way.seal(inner, &mut buffer).unwrap();
                    let esp = &mut buffer[..length];
                    let view = shared_east.load();
                    let mut way = view.incoming(lane, Mono(number), esp).unwrap();
                    let passed = u64::from(way.open(esp).is_ok());
                    opened.fetch_add(passed, Ordering::Relaxed);
                }
            });
        }
    });
    let all = EACH * (u64::from(LANES) + 4);
    let octets = inner.len() as u64;
    let sent = west.pairs()[0].counters;
    assert_eq!((sent.packets_out, sent.bytes_out), (all, all * octets));
    let received = east.pairs()[0].counters;
    let opened = opened.into_inner();
    assert_eq!(
        (received.packets_in, received.bytes_in),
        (opened, opened * octets)
    );
    assert_eq!(received.packets_in + east.drops().total(), all);
    assert!(received.last_in.is_some_and(|at| at.0 < EACH));
}

/// Drops of all threads add up, each under its reason, for all and for the child.
#[test]
fn drops_of_all_threads_add_up() {
    let (west, east) = joined("aes128gcm16");
    let packet = seal(&west, &eastbound(5));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (shared, packet) = (east.shared(), &packet);
            scope.spawn(move || {
                let view = shared.load();
                for _ in 0..500 {
                    let mut forged = packet.clone();
                    *forged.last_mut().unwrap() ^= 1;
                    let lane = Lane::new(thread);
                    let mut way = view.incoming(lane, Mono(5), &forged).unwrap();
                    way.open(&mut forged).unwrap_err();
                    view.incoming(lane, Mono(5), &[0; 20]).err().unwrap();
                }
            });
        }
    });
    let each = 500 * u64::from(THREADS);
    assert_eq!(east.drops().of(DropReason::EspAuthenticity), each);
    assert_eq!(east.drops().of(DropReason::EspUnknownSpi), each);
    assert_eq!(east.drops().total(), 2 * each);
    let child = east.child_report("net", "lan0").unwrap();
    assert_eq!(child.drops.of(DropReason::EspAuthenticity), each);
}
