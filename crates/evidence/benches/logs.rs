//! How fast a log is read: `cargo bench -p adit-evidence --bench logs`.
//!
//! The input is a busy gateway's log: real lines of a tunnel that comes up, is used, and goes down, of thousands of
//! peers. `ADIT_BENCH_LOG=FILE` writes it there, so that other programs can be timed on the same bytes. Beside it
//! stand a log of pluto and one in which every line names a cause.
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

/// A tunnel of pluto's that comes up and is rekeyed; `PEER` and `%N` are other ones each time.
const PLUTO: &str = r#"Nov 21 06:06:08 gw pluto[812]: "PEER" #%N: initiating IKEv2 connection
Nov 21 06:06:08 gw pluto[812]: "PEER" #%N: sent IKE_SA_INIT request to 198.51.100.9:UDP/500
Nov 21 06:06:08 gw pluto[812]: "PEER" #%N: processed IKE_SA_INIT response from 198.51.100.9:UDP/500 {cipher=AES_GCM_16_256 integ=n/a prf=HMAC_SHA2_512 group=DH19}, initiating IKE_AUTH
Nov 21 06:06:08 gw pluto[812]: "PEER" #%N: sent IKE_AUTH request to 198.51.100.9:UDP/500; Child SA #%N1 {ESP <0x5d9c0b77}
Nov 21 06:06:09 gw pluto[812]: "PEER" #%N: initiator established IKE SA; authenticated peer using authby=secret and ID_FQDN '@peer.example.org'
Nov 21 06:06:09 gw pluto[812]: "PEER" #%N1: initiator established Child SA using #%N; IPsec tunnel [10.1.0.0/16===10.2.0.0/16] {ESP/ESN=>0xc3a1e4f2 <0x5d9c0b77 xfrm=AES_GCM_16_256-NONE DPD=passive}
Nov 21 07:00:11 gw pluto[812]: "PEER" #%N2: initiating rekey to replace Child SA #%N1 using IKE SA #%N
Nov 21 07:00:11 gw pluto[812]: "PEER" #%N2: sent CREATE_CHILD_SA request to rekey Child SA #%N1 using IKE SA #%N {ESP <0x5d9c0b78}
Nov 21 07:00:11 gw pluto[812]: "PEER" #%N2: initiator rekeyed Child SA #%N1 using #%N; IPsec tunnel [10.1.0.0/16===10.2.0.0/16] {ESP/ESN=>0xc3a1e4f3 <0x5d9c0b78 xfrm=AES_GCM_16_256-NONE DPD=passive}
Nov 21 07:00:11 gw pluto[812]: "PEER" #%N1: ESP traffic information: in=84B out=84B
"#;

/// A responder that has no key for anybody.
const REFUSED: &str = "Nov 21 06:06:09.068 10[IKE] <PEER|%N> no shared key found for 'east.lab' - 'PEER'
Nov 21 06:06:09.068 10[CFG] <PEER|%N> no IKE config found for 192.168.0.2...10.0.0.%N, sending NO_PROPOSAL_CHOSEN
";

fn repeated(text: &str, octets: usize) -> Vec<u8> {
    let mut out = String::with_capacity(octets + text.len());
    for peer in 0.. {
        if out.len() >= octets {
            break;
        }
        let number = peer.to_string();
        out.push_str(
            &text
                .replace("PEER", &format!("site-{peer}"))
                .replace("%N", &number),
        );
    }
    out.into_bytes()
}

fn logs(c: &mut Criterion) {
    let text = log(256 << 20);
    if let Ok(path) = std::env::var("ADIT_BENCH_LOG") {
        std::fs::write(path, &text).unwrap();
    }
    let whole = [
        ("charon", text),
        ("charon, line by line", log(4 << 20)),
        ("pluto", repeated(PLUTO, 64 << 20)),
        ("pluto, line by line", repeated(PLUTO, 4 << 20)),
        ("refusals", repeated(REFUSED, 64 << 20)),
    ];
    let mut group = c.benchmark_group("logs");
    group.sample_size(10);
    for (name, text) in whole {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| {
                let mut reader = Reader::new("gw.log", Side::Local, NOW);
                for piece in text.chunks(PIECE) {
                    reader.feed(piece);
                }
                black_box(reader.finish().facts.len())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, logs);
criterion_main!(benches);
