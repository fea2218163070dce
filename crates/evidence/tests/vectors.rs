//! Third-party captures, read in place: every one is read, and what IKE and ESP is in them agrees with tshark's count.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use std::path::{Path, PathBuf};

use adit_evidence::capture::{Dissector, read};
use serde_json::Value;

fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("ADIT_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let folder = folder.join("vectors/pcap");
    if !folder.is_dir() {
        eprintln!("skipped: no third-party captures in {}", folder.display());
        return None;
    }
    Some(folder)
}

#[test]
fn every_capture_is_read_and_agrees_with_tshark() {
    let Some(folder) = shared() else { return };
    let index: Value =
        serde_json::from_slice(&std::fs::read(folder.join("index.json")).unwrap()).unwrap();
    let (mut files, mut frames, mut same) = (0, 0, 0);
    let mut differs: Vec<&str> = Vec::new();
    for (name, expected) in index.as_object().unwrap() {
        let Ok(bytes) = std::fs::read(folder.join(name)) else {
            continue;
        };
        let capture = read(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        files += 1;
        frames += capture.packets;
        if let Some(count) = expected["frames"].as_u64() {
            assert_eq!(capture.packets, count, "{name}: packets");
        }
        // The index counts the innermost protocol that tshark found in each frame.
        let expected_ike = expected["last_proto"]["isakmp"].as_u64().unwrap_or(0);
        if capture.messages() as u64 == expected_ike {
            same += 1;
        } else {
            differs.push(name.as_str());
        }
    }
    eprintln!("{files} files, {frames} packets; IKE messages as tshark counts them in {same}");
    differs.retain(|name| !UNLIKE_TSHARK.contains(name));
    assert!(differs.is_empty(), "{differs:?}");
    assert!(files > 100);
}

/// Files of which the two counts differ, rightly: certificates inside of IKE are the innermost protocol; IKE on port
/// 4500 without its marker; an IKE message so broken that tshark calls it data.
const UNLIKE_TSHARK: &[&str] = &[
    "wireshark/ikev1-certs.pcap",
    "openswan/xfrmmock__xf88-v1certQI1__v1certN3.pcap",
    "tcpdump/isakmp-pointer-loop.pcap",
];

/// Where a chunk ends makes no difference.
#[test]
fn chunks_of_any_size_give_the_same() {
    let Some(folder) = shared() else { return };
    for name in ["ndpi/ipsec_isakmp_esp.pcap", "ndpi/esp.pcapng"] {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        let whole = serde_json::to_value(read(&bytes).unwrap()).unwrap();
        for size in [1, 2, 3, 7, 16, 100, 1000] {
            let mut dissector = Dissector::new();
            bytes.chunks(size).for_each(|c| dissector.feed(c).unwrap());
            let pieces = serde_json::to_value(dissector.finish().unwrap()).unwrap();
            assert_eq!(pieces, whole, "{name} in chunks of {size}");
        }
    }
}
