//! How fast a log is read: `cargo bench -p adit-evidence --bench logs`.
//!
//! The input is a busy gateway's log: real lines of a tunnel that comes up, is used, and goes down, of thousands of
//! peers. `ADIT_BENCH_LOG=FILE` writes it there, so that other programs can be timed on the same bytes.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods)] // reads fixtures and writes a file

use std::hint::black_box;
use std::path::Path;

use adit_evidence::Reader;
use adit_model::fact::Side;
use adit_model::now::Wall;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const NOW: Wall = Wall(1_795_305_600_000);
const PIECE: usize = 1 << 16;

/// A log of at least `octets`, made of the same exchanges with other peers each time.
fn log(octets: usize) -> Vec<u8> {
    let fixture = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures")
            .join(name);
        std::fs::read_to_string(path).unwrap()
    };
    let good = fixture("ok-ikev2-psk-east.log");
    let bad = fixture("wrong-psk-east.log");
    let mut out = String::with_capacity(octets + good.len());
    let mut peer = 0_u32;
    while out.len() < octets {
        let text = if peer % 50 == 49 { &bad } else { &good };
        let address = format!(
            "10.{}.{}.{}",
            (peer >> 16) & 255,
            (peer >> 8) & 255,
            peer & 255
        );
        out.push_str(
            &text
                .replace("192.168.0.1", &address)
                .replace("|1>", &format!("|{peer}>")),
        );
        peer += 1;
    }
    out.into_bytes()
}

fn logs(c: &mut Criterion) {
    let mut group = c.benchmark_group("charon log");
    group.sample_size(10);
    for megabytes in [4_usize, 256] {
        let text = log(megabytes << 20);
        if let Ok(path) = std::env::var("ADIT_BENCH_LOG")
            && megabytes > 4
        {
            std::fs::write(path, &text).unwrap();
        }
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(
            BenchmarkId::from_parameter(format!("{megabytes} MB")),
            |b| {
                b.iter(|| {
                    let mut reader = Reader::new("gw.log", Side::Local, NOW);
                    for piece in text.chunks(PIECE) {
                        reader.feed(piece);
                    }
                    black_box(reader.finish().facts.len())
                });
            },
        );
    }
    group.finish();
}

criterion_group!(benches, logs);
criterion_main!(benches);
