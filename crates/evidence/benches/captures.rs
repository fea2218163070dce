//! How fast a capture is read: `cargo bench -p adit-evidence --bench captures`.
//!
//! The input is a gateway's outside interface: ESP of eight tunnels both ways, every tenth in UDP. One file has packets of
//! 1400 octets, the other of 92 (a voice call, acknowledgements). `ADIT_BENCH_CAPTURE=FILE` writes 1 GB of the former there,
//! so that other programs can be timed on the same bytes.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // writes a file

use std::hint::black_box;
use std::io::Write;

use adit_evidence::capture::Dissector;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const PIECE: usize = 1 << 16;
const ETHERNET: usize = 14;

fn header() -> Vec<u8> {
    let mut out = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    out.extend([2, 0, 4, 0]);
    out.extend([0; 8]);
    out.extend(262_144_u32.to_le_bytes());
    out.extend(1_u32.to_le_bytes());
    out
}

/// Packet number `n`, whose IP length is `octets`.
fn packet(out: &mut Vec<u8>, n: u32, octets: u16) {
    let tunnel = n / 2 % 8;
    let back = n % 2 == 1;
    let udp = tunnel == 7;
    let (seconds, micros) = (1_795_241_207 + n / 100_000, n % 100_000 * 10);
    let captured = u32::from(octets) + ETHERNET as u32;
    for field in [seconds, micros, captured, captured] {
        out.extend(field.to_le_bytes());
    }
    out.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
    out.extend([0x45, 0]);
    out.extend(octets.to_be_bytes());
    out.extend((n as u16).to_be_bytes());
    out.extend([0x40, 0, 64, if udp { 17 } else { 50 }, 0, 0]);
    let (west, east) = ([192, 0, 2, 1], [198, 51, 100, tunnel as u8]);
    let (from, to) = if back { (east, west) } else { (west, east) };
    out.extend(from);
    out.extend(to);
    let mut rest = usize::from(octets) - 20;
    if udp {
        out.extend([0x11, 0x94, 0x11, 0x94]);
        out.extend((rest as u16).to_be_bytes());
        out.extend([0, 0]);
        rest -= 8;
    }
    out.extend((0xc000_0000 + tunnel * 2 + u32::from(back)).to_be_bytes());
    out.extend((n / 16 + 1).to_be_bytes());
    out.extend(std::iter::repeat_n(0x5a, rest - 8));
}

fn capture(octets: usize, size: u16) -> (Vec<u8>, u64) {
    let mut out = header();
    let mut n = 0;
    while out.len() < octets {
        packet(&mut out, n, size);
        n += 1;
    }
    (out, u64::from(n))
}

fn write_large(path: &str) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    file.write_all(&header()).unwrap();
    let mut one = Vec::new();
    for n in 0..760_000 {
        one.clear();
        packet(&mut one, n, 1400);
        file.write_all(&one).unwrap();
    }
    file.flush().unwrap();
}

fn captures(c: &mut Criterion) {
    if let Ok(path) = std::env::var("ADIT_BENCH_CAPTURE") {
        write_large(&path);
    }
    let mut group = c.benchmark_group("capture");
    group.sample_size(10);
    for size in [1400, 92] {
        let (file, packets) = capture(64 << 20, size);
        let mut run = |unit: &str, throughput| {
            group.throughput(throughput);
            let name = BenchmarkId::from_parameter(format!("{size} octets, {unit}"));
            group.bench_function(name, |b| {
                b.iter(|| {
                    let mut dissector = Dissector::new();
                    for piece in file.chunks(PIECE) {
                        dissector.feed(piece).unwrap();
                    }
                    black_box(dissector.finish().unwrap().flows.len())
                });
            });
        };
        run("bytes", Throughput::Bytes(file.len() as u64));
        if size < 1000 {
            run("packets", Throughput::Elements(packets));
        }
    }
    group.finish();
}

criterion_group!(benches, captures);
criterion_main!(benches);
