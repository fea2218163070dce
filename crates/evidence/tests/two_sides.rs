//! Captures of both gateways, compared packet by packet.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods)]

use std::path::Path;

use adit_evidence::{case, read};
use adit_model::Wall;
use adit_model::fact::{Known, Side, Wire};

const NOW: Wall = Wall(1_795_305_600_000);
const HEAD: usize = 24;

/// The records of a fixture, made beside the initiator: header and packets, each with its 16 octets before it.
fn records(name: &str) -> (Vec<u8>, Vec<Vec<u8>>) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/captures/{name}.pcap"));
    let bytes = std::fs::read(file).unwrap();
    let (head, mut rest) = bytes.split_at(HEAD);
    let mut out = Vec::new();
    while rest.len() >= 16 {
        let length = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let (one, more) = rest.split_at(16 + length);
        out.push(one.to_vec());
        rest = more;
    }
    (head.to_vec(), out)
}

/// The same as the other side's clock and capture have it: `ahead` seconds later, without what `lost` names.
fn elsewhere(records: &[Vec<u8>], ahead: u32, lost: impl Fn(&[u8]) -> bool) -> Vec<Vec<u8>> {
    records
        .iter()
        .filter(|r| !lost(&r[16..]))
        .map(|r| {
            let mut r = r.clone();
            let seconds = u32::from_le_bytes(r[..4].try_into().unwrap()) + ahead;
            r[..4].copy_from_slice(&seconds.to_le_bytes());
            r
        })
        .collect()
}

fn crossings(head: &[u8], here: &[Vec<u8>], there: &[Vec<u8>]) -> Vec<(Side, String, u64, u64)> {
    let file = |records: &[Vec<u8>]| [head, &records.concat()].concat();
    let readings = vec![
        read("west.pcap", Side::Local, &file(here), NOW),
        read("east.pcap", Side::Remote, &file(there), NOW),
    ];
    let case = adit_evidence::case_of(None, readings, Some("192.168.0.1".parse().unwrap()));
    case.facts
        .iter()
        .filter_map(|f| match &f.what {
            Known::Wire {
                seen:
                    Wire::Crossing {
                        what,
                        sent,
                        arrived,
                        ..
                    },
            } => Some((f.side, what.clone(), *sent, *arrived)),
            _ => None,
        })
        .collect()
}

fn from_west(packet: &[u8]) -> bool {
    packet[26..30] == [192, 168, 0, 1]
}

/// ESP in UDP: behind the ports stands an SPI, not the marker.
fn is_esp(packet: &[u8]) -> bool {
    packet[23] == 17 && packet[34..36] == 4500_u16.to_be_bytes() && packet[42..46] != [0; 4]
}

#[test]
fn all_arrives_whatever_the_clocks_say() {
    let (head, here) = records("pfs-mismatch-rekey");
    for ahead in [0, 3600, 86_400] {
        let there = elsewhere(&here, ahead, |_| false);
        let all = crossings(&head, &here, &there);
        assert!(all.len() > 6, "{all:?}");
        for (_, what, sent, arrived) in all {
            assert_eq!(sent, arrived, "{what}, clock {ahead} s ahead");
        }
    }
}

#[test]
fn esp_of_one_side_is_lost() {
    let (head, here) = records("pfs-mismatch-rekey");
    let there = elsewhere(&here, 40, |p| from_west(p) && is_esp(p));
    let all = crossings(&head, &here, &there);
    let esp = |side: Side| {
        let of = all.iter().filter(|c| c.0 == side && c.1 == "esp in udp");
        of.fold((0, 0), |(s, a), c| (s + c.2, a + c.3))
    };
    assert_eq!(esp(Side::Local), (4, 0));
    assert_eq!(esp(Side::Remote), (4, 4));
    let ike = all.iter().filter(|c| c.1 != "esp in udp");
    assert!(ike.into_iter().all(|c| c.2 == c.3), "{all:?}");
}

#[test]
fn what_was_sent_before_the_other_capture_began_says_nothing() {
    let (head, here) = records("pfs-mismatch-rekey");
    let half = here.len() / 2;
    let there = elsewhere(&here, 0, |_| false);
    for (_, what, sent, arrived) in crossings(&head, &here, &there[half..]) {
        assert_eq!(sent, arrived, "{what}");
    }
    let one = read(
        "west.pcap",
        Side::Local,
        &[head, here.concat()].concat(),
        NOW,
    );
    let alone = case(None, vec![one]);
    assert!(!alone.facts.iter().any(|f| matches!(
        f.what,
        Known::Wire {
            seen: Wire::Crossing { .. }
        }
    )));
}

/// A box on the way that writes into a message: the same header, other octets.
#[test]
fn a_message_that_arrives_with_other_contents() {
    let (head, here) = records("ok-ikev2-psk");
    let told = |there: &[Vec<u8>]| {
        let file = |records: &[Vec<u8>]| [head.as_slice(), &records.concat()].concat();
        let readings = vec![
            read("west.pcap", Side::Local, &file(&here), NOW),
            read("east.pcap", Side::Remote, &file(there), NOW),
        ];
        let case = adit_evidence::case_of(None, readings, Some("192.168.0.1".parse().unwrap()));
        case.facts
            .iter()
            .filter_map(|f| match &f.what {
                Known::Wire {
                    seen: Wire::Altered { what, .. },
                } => Some((f.side, what.clone())),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let mut there = elsewhere(&here, 5, |_| false);
    assert_eq!(told(&there), []);
    // The last octet of the first request, which comes from the west.
    *there[0].last_mut().unwrap() ^= 1;
    assert_eq!(told(&there), [(Side::Local, "IKE_SA_INIT".to_owned())]);
}
