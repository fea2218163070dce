//! Replays the committed fuzz corpus through the function that the fuzz target runs.

#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(clippy::disallowed_methods)] // reads files from disk

#[path = "../../../fuzz/src/chain.rs"]
mod chain;
#[path = "../../../fuzz/replay.rs"]
mod replay;
#[path = "../../../fuzz/src/pki.rs"]
mod targets;

#[test]
fn every_committed_input_holds() {
    replay::replay(targets::ALL);
    replay::replay(chain::ALL);
}

/// Extensions as a CA writes them, in the order in which the target chooses them, from 1 on.
const EXTENSIONS: [(&str, &[u8]); 8] = [
    ("usage", &[0x03, 0x02, 0x07, 0x80]),
    (
        "purposes",
        &[0x30, 0x06, 0x06, 0x04, 0x55, 0x1d, 0x25, 0x00],
    ),
    (
        "names",
        &[
            0x30, 0x0e, 0x82, 0x06, b'g', b'w', b'.', b'l', b'a', b'b', 0x87, 0x04, 192, 0, 2, 1,
        ],
    ),
    (
        "constraints",
        &[
            0x30, 0x17, 0xa0, 0x07, 0x30, 0x05, 0x82, 0x03, b'l', b'a', b'b', 0xa1, 0x0c, 0x30,
            0x0a, 0x87, 0x08, 10, 0, 0, 0, 255, 0, 0, 0,
        ],
    ),
    (
        "policies",
        &[0x30, 0x07, 0x30, 0x05, 0x06, 0x03, 0x2a, 0x03, 0x01],
    ),
    (
        "mappings",
        &[
            0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03, 0x2a, 0x03, 0x01, 0x06, 0x03, 0x2a, 0x03, 0x02,
        ],
    ),
    (
        "explicit",
        &[0x30, 0x06, 0x80, 0x01, 0x00, 0x81, 0x01, 0x00],
    ),
    ("inhibit", &[0x02, 0x01, 0x00]),
];

#[test]
#[ignore = "writes the seeds"]
fn seeds() {
    let write = |target: &str, name: &str, octets: &[u8]| {
        let folder = replay::corpus(target);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), octets).unwrap();
    };
    let world = chain::world();
    write("pki_chain", "sent", &[&[0], &world.chain()[..]].concat());
    for (choice, (name, value)) in (1..).zip(EXTENSIONS) {
        write("pki_chain", name, &[&[choice], value].concat());
    }
    let url = b"http://crl.lab/";
    let point = [
        &[0x30, 0x17, 0x30, 0x15, 0xa0, 0x13, 0xa0, 0x11, 0x86, 0x0f][..],
        url,
    ]
    .concat();
    write("pki_chain", "list", &[&[9], &point[..]].concat());
    write("pki_status", "list", &world.list());
}

/// A short run without instrumentation: seeds with octets changed, taken out and put in.
#[test]
fn changed_seeds_hold_too() {
    let rounds: usize = std::env::var("ADIT_ROUNDS").map_or(150, |n| n.parse().unwrap());
    for (name, target) in chain::ALL {
        for entry in std::fs::read_dir(replay::corpus(name)).unwrap() {
            let seed = std::fs::read(entry.unwrap().path()).unwrap();
            let mut state = 0x9e37_79b9_u64;
            let mut below = |limit: usize| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                usize::try_from(state >> 33).unwrap() % limit.max(1)
            };
            for _ in 0..rounds {
                let mut input = seed.clone();
                for _ in 0..=below(3) {
                    let at = below(input.len());
                    match below(4) {
                        0 => input[at] ^= 1 << below(8),
                        1 => input[at] = u8::try_from(below(256)).unwrap(),
                        2 if input.len() > 2 => drop(input.remove(at)),
                        _ => input.insert(at, u8::try_from(below(256)).unwrap()),
                    }
                }
                target(&input);
            }
        }
    }
}
