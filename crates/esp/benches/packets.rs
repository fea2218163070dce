//! What one packet costs: `cargo bench -p adit-esp`.
//!
//! `bare` is the call of the cipher alone, of the same interface that the data plane uses, on a packet of the same
//! length. `packet` is all that a packet needs: its header, exceptions and policies or what the thread remembers of its
//! flow, SA, sequence number or replay window, the cipher, the policy check of what was opened, counters; 32 packets, each
//! by itself, are done in one look at the newest view and sealed one behind the other, as a thread does with what it reads at once. `run` is the
//! same for 32 packets that are known to be of one flow, as a super-packet of the kernel is cut, and for 32 that came as one, as
//! the kernel puts them together. The thread has a lane of its own,
//! as threads of the gateway have. The last group finds the way out among many tunnels.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods)] // reads the clock

use std::hint::black_box;
use std::time::{Duration, Instant};

use adit_crypto::{EspCipher, provider};
use adit_esp::{DataPlane, Door, FlowCache, Lane, Lying, WalkFilter};
use adit_wire::ip::IpPacket;
use common::*;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

#[path = "../tests/common/mod.rs"]
mod common;

const SUITES: [&str; 3] = ["aes128gcm16", "aes256gcm16", "chacha20poly1305"];
const INNER: [usize; 3] = [64, 512, 1400];
/// Packets of a run.
const RUN: u16 = 32;
/// Packets that are sealed before as many are opened.
const BATCH: usize = 256;
const HEADERS: usize = 28;
/// The thread's own: data planes of these benchmarks have one.
const LANE: Lane = Lane::new(0);

fn inner(octets: usize) -> Vec<u8> {
    eastbound(octets - HEADERS)
}

fn cipher(text: &str) -> EspCipher {
    let suite = suite(text);
    let protection = provider::aws_lc()
        .protection(suite.encr.id, suite.encr.key_bits, suite.integ)
        .unwrap();
    EspCipher::new(&protection, &vec![7; protection.keymat_len()]).unwrap()
}

fn seal_packets(c: &mut Criterion) {
    for suite in SUITES {
        let mut group = c.benchmark_group(format!("seal/{suite}"));
        for octets in INNER {
            let inner = inner(octets);
            let (west, _) = joined(suite);
            let shared = west.shared();
            let length = seal(&west, &inner).len();
            group.throughput(Throughput::Bytes(octets as u64));

            let bare = cipher(suite);
            let mut packet = vec![0; length];
            let mut counter = 0;
            group.bench_function(BenchmarkId::new("bare", octets), |b| {
                b.iter(|| {
                    counter += 1;
                    bare.seal(black_box(&mut packet), None, counter).unwrap();
                });
            });

            let mut out = vec![0; 65_536];
            let mut cache = FlowCache::default();
            group.bench_function(BenchmarkId::new("packet", octets), |b| {
                b.iter_custom(|packets| {
                    in_batches(packets, |some| {
                        let view = shared.load();
                        let mut at = 0;
                        for _ in 0..some {
                            let inner = view.outbound(LANE, black_box(&inner)).unwrap();
                            let way = view.outgoing_by(&mut cache, Door::SHARED, LANE, &inner);
                            at += way.unwrap().seal(inner.packet, &mut out[at..]).unwrap();
                        }
                    })
                });
            });

            group.bench_function(BenchmarkId::new("run", octets), |b| {
                b.iter_custom(|packets| {
                    in_batches(packets, |some| {
                        seal_run(&west, black_box(&inner), some, &mut out);
                    })
                });
            });
        }
        group.finish();
    }
}

fn seal_run(plane: &DataPlane, inner: &[u8], packets: u16, out: &mut [u8]) {
    let shared = plane.shared();
    let view = shared.load();
    let packet = view.outbound(LANE, inner).unwrap();
    let mut way = view.outgoing(Door::SHARED, LANE, &packet).unwrap();
    way.claim(packets);
    let mut at = 0;
    for _ in 0..packets {
        at += way.seal(inner, &mut out[at..]).unwrap();
    }
}

/// Time for so many packets, done in batches of [`RUN`].
fn in_batches(packets: u64, mut batch: impl FnMut(u16)) -> Duration {
    let begin = Instant::now();
    let mut left = packets;
    while left > 0 {
        let some = u16::try_from(left).unwrap_or(RUN).min(RUN);
        batch(some);
        left -= u64::from(some);
    }
    begin.elapsed()
}

/// Time to do `one` to as many of the `packets` as asked for; each is `made` anew before.
fn timed(
    packets: u64,
    mut make: impl FnMut() -> Vec<Vec<u8>>,
    mut one: impl FnMut(&mut [Vec<u8>]),
) -> Duration {
    let mut spent = Duration::ZERO;
    let mut left = packets as usize;
    while left > 0 {
        let mut batch = make();
        let some = left.min(batch.len());
        let begin = Instant::now();
        one(&mut batch[..some]);
        spent += begin.elapsed();
        left -= some;
    }
    spent
}

fn open_packets(c: &mut Criterion) {
    for suite in SUITES {
        let mut group = c.benchmark_group(format!("open/{suite}"));
        for octets in INNER {
            let inner = inner(octets);
            let (west, east) = joined(suite);
            let shared = east.shared();
            let sealed = || (0..BATCH).map(|_| seal(&west, &inner)).collect::<Vec<_>>();
            let length = sealed()[0].len();
            group.throughput(Throughput::Bytes(octets as u64));

            let bare = cipher(suite);
            let mut counter = 0;
            let mut bare_sealed = || {
                let one = |_| {
                    let mut packet = vec![0; length];
                    counter += 1;
                    bare.seal(&mut packet, None, counter).unwrap();
                    packet
                };
                (0..BATCH).map(one).collect::<Vec<_>>()
            };
            group.bench_function(BenchmarkId::new("bare", octets), |b| {
                b.iter_custom(|packets| {
                    timed(packets, &mut bare_sealed, |batch| {
                        for packet in batch {
                            bare.open(black_box(packet), None).unwrap();
                        }
                    })
                });
            });

            group.bench_function(BenchmarkId::new("packet", octets), |b| {
                b.iter_custom(|packets| {
                    timed(packets, sealed, |batch| {
                        for some in batch.chunks_mut(usize::from(RUN)) {
                            let view = shared.load();
                            for packet in some {
                                let mut way = view.incoming(LANE, T0, packet).unwrap();
                                assert!(black_box(&way.open(black_box(packet))).is_ok());
                            }
                        }
                    })
                });
            });

            let lying: Vec<Lying> = (0..usize::from(RUN))
                .map(|n| Lying {
                    start: n * length,
                    end: (n + 1) * length,
                    tos: 0,
                })
                .collect();
            let runs = || {
                let sealed = sealed();
                let runs = sealed.chunks(usize::from(RUN));
                runs.map(<[_]>::concat).collect::<Vec<_>>()
            };
            group.bench_function(BenchmarkId::new("run", octets), |b| {
                b.iter_custom(|packets| {
                    let all = packets.div_ceil(RUN.into());
                    let spent = timed(all, runs, |batch| {
                        for run in batch {
                            let view = shared.load();
                            let mut way = view.incoming(LANE, T0, run).unwrap();
                            way.open_run(black_box(run), &lying, |_, _, opened| {
                                assert!(black_box(&opened).is_ok());
                            });
                        }
                    });
                    spent.mul_f64(packets as f64 / (all * u64::from(RUN)) as f64)
                })
            });
        }
        group.finish();
    }
}

/// The way out where `tunnels` tunnels lead to as many networks, for a packet to the last of them; for a flow that was
/// there before (`known`) and without a memory (`new`).
fn find_among_many(c: &mut Criterion) {
    let mut group = c.benchmark_group("find");
    for tunnels in [1, 100, 1000] {
        let west = many(tunnels);
        let last = tunnels - 1;
        let to = format!("10.{}.{}.9", 100 + last / 256, last % 256);
        let packet = udp("10.1.0.7", &to, (4000, 53), 100);
        let packet = IpPacket::parse(&packet).unwrap();
        let shared = west.shared();
        let mut cache = FlowCache::default();
        group.bench_function(BenchmarkId::new("known", tunnels), |b| {
            b.iter(|| {
                let view = shared.load();
                let packet = black_box(&packet);
                let way = view
                    .outgoing_by(&mut cache, Door::SHARED, LANE, packet)
                    .unwrap();
                black_box(way.sealed_len(100))
            });
        });
        group.bench_function(BenchmarkId::new("new", tunnels), |b| {
            b.iter(|| {
                let view = shared.load();
                let way = view
                    .outgoing(Door::SHARED, LANE, black_box(&packet))
                    .unwrap();
                black_box(way.sealed_len(100))
            });
        });
    }
    group.finish();
}

/// A packet while nobody follows packets, and while somebody follows others.
fn seal_while_packets_are_followed(c: &mut Criterion) {
    let mut group = c.benchmark_group("walk");
    for (name, asks) in [("off", false), ("of others", true)] {
        let (mut west, _) = joined(SUITES[0]);
        if asks {
            let filter = WalkFilter {
                local: WEST.parse().unwrap(),
                remote: "192.0.2.0/24".parse().unwrap(),
            };
            west.walk(&filter, u64::MAX);
        }
        let inner = inner(64);
        let shared = west.shared();
        let mut out = vec![0; 200];
        group.bench_function(name, |b| {
            b.iter(|| {
                let view = shared.load();
                let inner = view.outbound(LANE, black_box(&inner)).unwrap();
                let way = view.outgoing(Door::SHARED, LANE, &inner);
                way.unwrap().seal(inner.packet, &mut out).unwrap()
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(700));
    targets = seal_packets, open_packets, find_among_many, seal_while_packets_are_followed
}
criterion_main!(benches);
