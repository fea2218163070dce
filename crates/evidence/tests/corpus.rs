//! Replays the committed fuzz corpora through the functions that the fuzz targets run.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods)] // reads files from disk

#[path = "../../../fuzz/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/evidence.rs"]
mod targets;

use std::path::Path;

use replay::corpus;

#[test]
fn every_committed_input_holds() {
    replay::replay(targets::ALL);
}

/// `cargo test -p adit-evidence --test corpus -- --ignored` writes the seeds anew.
#[test]
#[ignore = "writes fuzz/corpus"]
fn write_seeds() {
    std::fs::create_dir_all(corpus("capture")).unwrap();
    let save = |name: &str, file: &[u8]| {
        std::fs::write(corpus("capture").join(name), [&[16], file].concat()).unwrap();
    };
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    for name in [
        "udp4500-blocked",
        "ikev1-vs-ikev2",
        "dh-group-invalid-ke",
        "pfs-mismatch-rekey",
    ] {
        let file = std::fs::read(captures.join(format!("{name}.pcap"))).unwrap();
        save(name, &file);
        save(&format!("{name}-ng"), &as_pcapng(&file));
    }
}

/// A little-endian pcap as pcapng.
fn as_pcapng(file: &[u8]) -> Vec<u8> {
    let block = |kind: u32, body: &[u8]| {
        let length = (body.len().next_multiple_of(4) as u32 + 12).to_le_bytes();
        let mut out = [kind.to_le_bytes(), length].concat();
        out.extend(body);
        out.resize(out.len().next_multiple_of(4), 0);
        out.extend(length);
        out
    };
    let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap());
    let mut out = block(
        0x0a0d_0d0a,
        b"\x4d\x3c\x2b\x1a\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff",
    );
    out.extend(block(1, &[1, 0, 0, 0, 0, 0, 0, 0]));
    let mut at = 24;
    while at < file.len() {
        let length = number(at + 8);
        let end = at + 16 + length as usize;
        let micros = u64::from(number(at)) * 1_000_000 + u64::from(number(at + 4));
        let mut body = vec![0; 4];
        body.extend(((micros >> 32) as u32).to_le_bytes());
        body.extend((micros as u32).to_le_bytes());
        body.extend([length.to_le_bytes(), length.to_le_bytes()].concat());
        body.extend(&file[at + 16..end]);
        out.extend(block(6, &body));
        at = end;
    }
    out
}
