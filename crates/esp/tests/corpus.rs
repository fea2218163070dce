//! Replays the committed fuzz corpora through the functions that the fuzz targets run.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods)] // reads files from disk

mod common;
#[path = "../../../fuzz/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/esp.rs"]
mod targets;

use replay::corpus;

use adit_wire::esp::EspTrailer;
use common::{eastbound, udp};

#[test]
fn every_committed_input_holds() {
    replay::replay(targets::ALL);
}

/// `cargo test -p adit-esp --test corpus -- --ignored` writes the seeds anew.
#[test]
#[ignore = "writes fuzz/corpus"]
fn write_seeds() {
    let save = |target: &str, name: &str, bytes: &[u8]| {
        std::fs::create_dir_all(corpus(target)).unwrap();
        std::fs::write(corpus(target).join(name), bytes).unwrap();
    };
    let v4 = eastbound(11);
    let v6 = udp("fd00:1::7", "fd00:2::9", (4000, 53), 11);
    for (name, packet, next_header) in [("v4", &v4, 4), ("v6", &v6, 41), ("dummy", &v4, 59)] {
        save("ip_selector", name, packet);
        for cipher in 0..8u8 {
            let block = if cipher & 3 == 2 { 16 } else { 4 };
            let mut inside = packet.clone();
            EspTrailer::for_payload(packet.len(), block, next_header).emit(&mut inside);
            let seed = [&[cipher], inside.as_slice()].concat();
            save("esp_open", &format!("{name}-{cipher}"), &seed);
        }
    }
    save(
        "esp_open",
        "forged",
        &[&[0x80, 0, 0, 0, 1], v4.as_slice()].concat(),
    );
}
