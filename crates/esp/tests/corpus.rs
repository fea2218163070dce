//! Replays the committed fuzz corpora through the functions that the fuzz targets run.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods)] // reads files from disk

mod common;
#[path = "../../../fuzz/src/esp.rs"]
mod targets;

use std::path::{Path, PathBuf};

use adit_wire::esp::EspTrailer;
use common::{eastbound, udp};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target)
}

#[test]
fn every_committed_input_holds() {
    for (name, target) in targets::ALL {
        let mut inputs = 0;
        for entry in std::fs::read_dir(corpus(name)).expect("every target has a corpus") {
            target(&std::fs::read(entry.unwrap().path()).unwrap());
            inputs += 1;
        }
        assert!(inputs > 0, "{name} has no seeds");
    }
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
