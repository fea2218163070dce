//! What asks about a healthy tunnel doesn't harm it: `adit probe` again and again, from both ends and under load, costs no
//! packet and changes no SA, and what it sends is bounded.
//!
//! `ADIT_PROBES=1000` asks for as many tests; fewer are made otherwise, to save time.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod joined;
mod load;
mod stream;
mod world;

use std::time::Duration;

use adit_model::probed::{Outcome, Probed};
use joined::{spis, up_with};
use load::{Load, Pace};
use stream::Echo;
use world::{World, permitted};

/// What one run of all tests may send: echoes through the tunnel, packets that grow, and a few messages of IKE.
const MOST_PACKETS: u64 = 100;
const MOST_OCTETS: u64 = 100_000;

fn wanted() -> usize {
    let asked = std::env::var("ADIT_PROBES").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(200)
}

#[test]
fn tests_of_a_tunnel_under_load_cost_no_packet_and_change_no_sa() {
    if !permitted("probes under load") {
        return;
    }
    let world = World::new("harmless");
    // New keys on trial, half a minute after set-up, would be new SPIs on a slow machine.
    let still = |text: String| text.replace("start =", "test_rekey = \"off\"\nstart =");
    let _echoes = [
        Echo::at(&world.east_lan, "10.2.0.2"),
        Echo::at(&world.west_lan, "fd00:1::2"),
    ];
    let (mut west, mut east) = up_with(&world, |_, text| still(text));
    let before = spis(&mut west);
    assert!(!before.is_empty());
    let pace = Pace::UnderWay(64);
    let flows = [
        Load::start(&world.west_lan, "10.1.0.2", "10.2.0.2", pace),
        Load::start(&world.east_lan, "fd00:2::2", "fd00:1::2", pace),
    ];
    let inside = Some("10.2.0.2".parse().unwrap());
    let (mut made, mut runs, mut most) = (0, 0, (0, 0));
    while made < wanted() {
        let (client, to) = match runs % 2 {
            0 => (&mut west, inside),
            _ => (&mut east, Some("10.1.0.2".parse().unwrap())),
        };
        let probed: Probed = client.client().probe("office", to).unwrap();
        let findings = probed.checks.iter();
        let findings: Vec<_> = findings
            .filter(|check| check.outcome == Outcome::Finding)
            .collect();
        assert!(findings.is_empty(), "{findings:#?}");
        // The path is tested too, by both ends.
        let mut path = probed.checks.iter();
        let path = path.find(|check| check.id == "esp-plain").unwrap();
        assert_eq!(path.outcome, Outcome::Well, "{path:#?}");
        assert!(
            probed.sent.packets <= MOST_PACKETS && probed.sent.octets <= MOST_OCTETS,
            "{:?}",
            probed.sent
        );
        most = (
            probed.sent.packets.max(most.0),
            probed.sent.octets.max(most.1),
        );
        made += probed.checks.len();
        runs += 1;
    }
    std::thread::sleep(Duration::from_millis(200));
    let mut packets = 0;
    for flow in flows {
        let result = flow.end();
        let some = &result.lost[..result.lost.len().min(20)];
        assert!(
            result.lost.is_empty(),
            "{} of {} lost: {some:?}\n{}",
            result.lost.len(),
            result.sent,
            west.log()
        );
        packets += result.sent;
    }
    assert_eq!(spis(&mut west), before, "{}", west.log());
    eprintln!(
        "{made} tests in {runs} runs while {packets} datagrams went both ways: none lost; a run sent {} packets of {} octets at most",
        most.0, most.1
    );
}
