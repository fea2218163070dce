//! What captures show of the traffic, one side's and both sides'.

use std::net::IpAddr;

use adit_diagnose::{Answer, Verdict, diagnose};
use adit_model::Wall;
use adit_model::fact::{Case, Fact, Known, Side, Source, Wire};
use adit_model::product::Product;

use crate::common::{EAST, Local, Story, There, WEST};

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A case of what captures show.
struct Seen(Case);

impl Seen {
    fn new() -> Self {
        Self(Case {
            subject: "office".into(),
            ..Case::default()
        })
    }

    fn on(case: Case) -> Self {
        Self(case)
    }

    fn wire(mut self, side: Side, seen: Wire) -> Self {
        let line = self.0.facts.len() as u64 + 1;
        self.0.facts.push(Fact {
            source: Source {
                name: format!("{side:?}.pcap"),
                line: Some(line),
                text: format!("{seen:?}"),
            },
            at: None,
            side,
            subject: None,
            role: None,
            what: Known::Wire { seen },
        });
        self
    }

    fn flow(self, by: Side, outbound: bool, udp: bool, packets: u64) -> Self {
        self.wire(
            by,
            Wire::Flow {
                protocol: "esp".into(),
                spi: 0xc0ff_ee00 + u32::from(outbound),
                outbound,
                udp,
                packets,
                missing: 0,
                duplicates: 0,
                replayed: 0,
                reused: 0,
                very_late: 0,
                classes: 0,
                restarted_at: None,
                interleaved: 0,
                first: Wall(1000),
                last: Wall(9000),
            },
        )
    }

    fn crossing(self, from: Side, what: &str, sent: u64, arrived: u64) -> Self {
        let size = |n| if n > 0 { 1400 } else { 0 };
        self.crossing_of(from, what, (sent, size(sent)), (arrived, size(arrived)))
    }

    fn crossing_of(self, from: Side, what: &str, sent: (u64, u64), arrived: (u64, u64)) -> Self {
        self.wire(
            from,
            Wire::Crossing {
                what: what.into(),
                sent: sent.0,
                arrived: arrived.0,
                largest_arrived: arrived.1,
                largest_sent: sent.1,
            },
        )
    }

    fn fragments(self, by: Side, outbound: bool, protocol: u8, counts: [u64; 3]) -> Self {
        let [complete, incomplete, only_first] = counts;
        self.wire(
            by,
            Wire::Fragments {
                protocol,
                outbound,
                complete,
                incomplete,
                only_first,
            },
        )
    }

    fn clear(self, port: Option<u16>, ends: (&str, &str), counts: [u64; 3]) -> Self {
        let [packets, decrypted, encrypted] = counts;
        let gateways = [WEST, EAST, "192.0.2.1", "198.51.100.1"];
        self.wire(
            Local,
            Wire::Clear {
                protocol: if port.is_some() { 17 } else { 1 },
                port,
                from: address(ends.0),
                to: address(ends.1),
                outbound: None,
                packets,
                decrypted,
                encrypted,
                between_gateways: gateways.contains(&ends.0),
            },
        )
    }

    fn verdict(&self) -> Verdict {
        diagnose(&self.0)
    }

    fn finds(&self, cause: &str) -> Verdict {
        let verdict = self.verdict();
        assert_eq!(verdict.cause(), Some(cause), "{verdict:#?}");
        verdict
    }

    fn leaves_open(&self, causes: &[&str]) {
        let verdict = self.verdict();
        assert_eq!(verdict.verdict, Answer::Undecided, "{verdict:#?}");
        for cause in causes {
            assert!(verdict.names(cause), "{cause}: {verdict:#?}");
        }
    }
}

#[test]
fn esp_blocked_by_captures_of_both_sides() {
    Seen::new()
        .flow(Local, true, false, 10)
        .crossing(Local, "IKE_AUTH", 1, 1)
        .crossing(Local, "esp", 10, 0)
        .crossing(There, "esp", 8, 0)
        .finds("esp-blocked");
    Seen::new()
        .flow(Local, true, false, 10)
        .leaves_open(&["esp-blocked", "esp-blocked-one-way"]);
}

#[test]
fn esp_blocked_one_way_names_the_side_whose_packets_are_lost() {
    let verdict = Seen::new()
        .crossing(Local, "esp", 10, 0)
        .crossing(There, "esp", 8, 8)
        .finds("esp-blocked-one-way");
    assert!(verdict.summary.contains("our side"), "{}", verdict.summary);
    let verdict = Seen::new()
        .crossing(Local, "esp", 10, 10)
        .crossing(There, "esp", 8, 0)
        .finds("esp-blocked-one-way");
    assert!(verdict.summary.contains("the peer"), "{}", verdict.summary);
}

#[test]
fn encap_type_mismatch_is_one_direction_in_udp_and_the_other_plain() {
    Seen::new()
        .flow(Local, true, true, 10)
        .flow(Local, false, false, 10)
        .finds("encap-type-mismatch");
    let same = Seen::new()
        .flow(Local, true, true, 10)
        .flow(Local, false, true, 10)
        .verdict();
    assert!(!same.names("encap-type-mismatch"));
}

#[test]
fn ip_fragments_dropped_by_both_captures_or_by_the_receivers() {
    Seen::new()
        .fragments(Local, true, 17, [3, 0, 0])
        .fragments(There, false, 17, [0, 3, 3])
        .finds("ip-fragments-dropped");
    Seen::new()
        .fragments(Local, true, 17, [1, 0, 0])
        .flow(There, false, true, 1)
        .crossing_of(Local, "IKE_SA_INIT", (1, 300), (1, 300))
        .crossing_of(Local, "IKE_AUTH", (1, 1900), (0, 0))
        .finds("ip-fragments-dropped");
    Seen::new()
        .fragments(Local, false, 50, [0, 4, 4])
        .finds("ip-fragments-dropped");
    // A filter for ports shows first fragments only.
    Seen::new()
        .fragments(Local, false, 17, [0, 4, 4])
        .leaves_open(&["ip-fragments-dropped"]);
}

#[test]
fn esp_fragmented_on_wire_when_all_pieces_are_there() {
    Seen::new()
        .flow(Local, true, false, 10)
        .flow(Local, false, false, 10)
        .fragments(Local, true, 50, [6, 0, 0])
        .finds("esp-fragmented-on-wire");
}

#[test]
fn overlay_cleartext_4790_between_public_addresses() {
    Seen::new()
        .clear(Some(4790), ("192.0.2.1", "198.51.100.1"), [6, 0, 0])
        .finds("overlay-cleartext-4790");
    Seen::new()
        .clear(Some(4790), ("10.1.0.10", "10.1.0.11"), [6, 0, 0])
        .leaves_open(&["overlay-cleartext-4790"]);
}

#[test]
fn cleartext_leak_no_policy_when_the_policy_covers_the_packets() {
    let up = || {
        Story::new()
            .between(Product::Adit, Product::Adit)
            .initiating()
            .init_done(true)
            .established(Local, crate::common::Initiator)
            .child_up(Local, crate::common::Initiator)
            .case
    };
    Seen::on(up())
        .flow(Local, true, false, 3)
        .clear(None, ("10.1.0.5", "10.2.0.9"), [5, 0, 0])
        .finds("cleartext-leak-no-policy");
    // It may be the inside interface.
    let inside = Seen::on(up())
        .clear(None, ("10.1.0.5", "10.2.0.9"), [5, 0, 0])
        .verdict();
    assert_eq!(inside.verdict, Answer::Healthy, "{inside:#?}");
    // What goes on as ESP at once is protected.
    let healthy = Seen::on(up())
        .clear(None, ("10.1.0.5", "10.2.0.9"), [5, 0, 5])
        .verdict();
    assert_eq!(healthy.verdict, Answer::Healthy, "{healthy:#?}");
    Seen::new()
        .flow(Local, true, false, 3)
        .flow(Local, false, false, 3)
        .clear(None, ("10.1.0.5", "10.2.0.9"), [5, 0, 0])
        .leaves_open(&["cleartext-leak-no-policy"]);
}

#[test]
fn pcap_misread_linux_outbound_is_no_leak() {
    Seen::new()
        .flow(Local, true, false, 5)
        .flow(Local, false, false, 5)
        .clear(None, ("10.2.0.9", "10.1.0.5"), [5, 5, 0])
        .finds("pcap-misread-linux-outbound");
}

#[test]
fn underlay_loss_or_flap_when_all_stops_at_once() {
    let stalled = |packets, unanswered_requests| {
        Seen::new()
            .flow(Local, true, true, 4)
            .flow(Local, false, true, 2)
            .wire(
                Local,
                Wire::Stalled {
                    outbound: true,
                    packets,
                    since: Wall(5000),
                    unanswered_requests,
                    heard: 1,
                },
            )
    };
    stalled(2, 1).finds("underlay-loss-or-flap");
    stalled(2, 0).leaves_open(&[]);
}
