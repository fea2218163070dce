//! What a running gateway tells of its packets: times, threads, counters, and the steps of those that somebody asks about.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod joined;
mod world;

use std::net::{SocketAddrV6, UdpSocket};
use std::time::Duration;

use adit_gateway::client::ClientError;
use adit_gateway::protocol::{RequestError, Walk, WalkDirection, WalkStep};
use adit_kernel::{EspSocket, Netlink};
use adit_model::drops::DropReason;
use adit_model::selector::Selector;
use adit_model::status::TunnelState;
use joined::{dropped, up, up_with};
use world::{Running, World, address, eventually, permitted};

#[test]
fn times_and_what_each_thread_has_carried_are_told() {
    if !permitted("what is told of packets") {
        return;
    }
    let (world, mut west, mut east) = up("observed");
    for _ in 0..3 {
        assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
    }
    for running in [&mut west, &mut east] {
        // A thread counts a packet once it is sent, so its answer may be here before the count is.
        let status = eventually(Duration::from_secs(2), || {
            let status = running.client().status(None).unwrap();
            let child = &status.tunnels[0].children[0];
            let threads = &status.data_plane.as_ref().unwrap().threads;
            let out: u64 = threads.iter().map(|t| t.packets_out).sum();
            let back: u64 = threads.iter().map(|t| t.packets_in).sum();
            ((out, back) == (child.packets_out, child.packets_in)).then_some(status)
        })
        .expect("what the threads have carried is what the SAs have");
        let child = &status.tunnels[0].children[0];
        let plane = *status.data_plane.unwrap();
        assert_eq!(plane.backend, "user");
        let (out, back) = (plane.latency_out.unwrap(), plane.latency_in.unwrap());
        for taken in [&out, &back] {
            assert!(taken.samples >= 1, "the first batch of a thread is timed");
            let counted: u64 = taken.histogram.iter().map(|range| range.samples).sum();
            assert_eq!(counted, taken.samples);
            assert!(taken.p50_ns <= taken.p99_ns && taken.p99_ns <= taken.longest_ns);
            assert!(taken.longest_ns > 0);
        }
        let sum = |of: fn(&adit_model::status::ThreadStatus) -> u64| -> u64 {
            plane.threads.iter().map(of).sum()
        };
        assert_eq!(sum(|t| t.bytes_in), child.bytes_in);
        assert!(sum(|t| t.bytes_out) > child.bytes_out, "with what ESP adds");
        let totals = running.client().drops().unwrap();
        for (reason, count) in plane.threads.iter().flat_map(|t| &t.drops) {
            let all = totals.iter().find(|drop| drop.reason == *reason).unwrap();
            assert!(*count <= all.packets, "{reason}");
        }
    }
}

/// Every packet that goes no further counts, however little there is of it.
#[test]
fn what_is_empty_or_short_or_for_the_link_is_counted() {
    if !permitted("counters of odd packets") {
        return;
    }
    let (world, mut west, _east) = up("odd");
    let send = || {
        let empty = UdpSocket::bind("192.0.2.2:0").unwrap();
        empty.send_to(&[], "192.0.2.1:4500").unwrap();
        let short = EspSocket::bind("192.0.2.2".parse().unwrap()).unwrap();
        for octets in [0, 4] {
            let packet = vec![0x99; octets];
            short
                .send(&packet, "192.0.2.1".parse().unwrap(), None)
                .unwrap();
        }
    };
    world.east.run(send).unwrap();
    address(&world.west, "adit0", &["fe80::1/64"]);
    let speak = || {
        // A program that announces itself on every interface.
        let device = Netlink::open().unwrap().link("adit0").unwrap();
        let group = SocketAddrV6::new("ff02::fb".parse().unwrap(), 5353, 0, device.index);
        let socket = UdpSocket::bind("[::]:0").unwrap();
        socket.send_to(b"hello", group).unwrap();
    };
    world.west.run(speak).unwrap();
    let counted = eventually(Duration::from_secs(5), || {
        let malformed = dropped(&mut west, DropReason::UdpEncapMalformed) == 1;
        let short = dropped(&mut west, DropReason::EspTooShort) == 2;
        let link = dropped(&mut west, DropReason::OutLinkScope) > 0;
        (malformed && short && link).then_some(())
    });
    let drops = west.client().drops().unwrap();
    assert!(counted.is_some(), "{drops:?} {}", west.log());
}

fn between(local: &str, remote: &str) -> (Selector, Selector) {
    (local.parse().unwrap(), remote.parse().unwrap())
}

#[test]
fn who_asks_sees_the_steps_of_packets() {
    if !permitted("steps of packets") {
        return;
    }
    let (world, mut west, _east) = up("walked");
    let walked = |running: &mut Running, reaches: bool| -> Vec<Walk> {
        let mut client = running.client();
        let selectors = between("10.1.0.0/24[icmp]", "10.2.0.0/24[icmp]");
        let asked = std::thread::spawn(move || client.walk(selectors, 2, Duration::from_secs(10)));
        // Until it is asked about, and then once more.
        while !asked.is_finished() {
            assert_eq!(world.reaches(&world.west_lan, "10.2.0.2"), reaches);
        }
        asked.join().unwrap().unwrap()
    };
    let walks = walked(&mut west, true);
    assert_eq!(walks.len(), 2, "{walks:?}");
    let tunnel = west.client().status(None).unwrap().tunnels.remove(0);
    let child = &tunnel.children[0];
    let out = walks
        .iter()
        .find(|w| w.direction == WalkDirection::Out)
        .unwrap();
    let policy = WalkStep::Policy {
        tunnel: "office".to_owned(),
        child: "lan".to_owned(),
    };
    let sa = |spi: &Option<String>| WalkStep::Sa {
        spi: spi.clone().unwrap(),
    };
    assert_eq!(out.steps[..2], [policy.clone(), sa(&child.spi_out)]);
    assert!(matches!(out.steps[2], WalkStep::Sequence { number } if number > 0));
    assert!(matches!(out.steps[3], WalkStep::Sealed { octets } if octets > 64));
    let back = walks
        .iter()
        .find(|w| w.direction == WalkDirection::In)
        .unwrap();
    assert_eq!(back.steps[..2], [sa(&child.spi_in), policy.clone()]);
    assert!(matches!(back.steps.last(), Some(WalkStep::Opened { .. })));

    // Another who asks meanwhile is told so; nobody asks for ever.
    let mut client = west.client();
    let nobody = between("10.9.0.0/24", "10.9.1.0/24");
    let asked = std::thread::spawn(move || client.walk(nobody, 1, Duration::from_millis(600)));
    let refused = eventually(Duration::from_secs(1), || {
        let other = between("10.1.0.0/24", "10.2.0.0/24");
        west.client().walk(other, 1, Duration::ZERO).err()
    });
    assert!(
        matches!(
            refused,
            Some(ClientError::Refused {
                error: RequestError::NotNow,
                ..
            })
        ),
        "{refused:?}"
    );
    assert_eq!(asked.join().unwrap().unwrap(), []);

    let wait = Duration::from_secs(5);
    west.client().down("office", wait, |_| {}).unwrap();
    let walks = walked(&mut west, false);
    for walk in &walks {
        let dropped = WalkStep::Dropped {
            reason: DropReason::OutNoSa,
            meaning: DropReason::OutNoSa.meaning().to_owned(),
        };
        assert_eq!(walk.steps, [policy.clone(), dropped]);
    }
    assert_eq!(walks.len(), 2);
}

/// RFC 4303 2.6, on a real wire.
#[test]
fn dummies_are_on_the_wire_and_in_no_traffic() {
    if !permitted("dummy packets") {
        return;
    }
    let world = World::new("dummies");
    let child = "dummies = \"20ms\"\ntfc = \"mtu\"\n";
    let (mut west, mut east) = up_with(&world, |_, text| text + child);
    east.wait_for(TunnelState::Up);
    for running in [&mut west, &mut east] {
        let many = eventually(Duration::from_secs(10), || {
            (dropped(running, DropReason::EspDummy) >= 20).then_some(())
        });
        assert!(many.is_some(), "{}", running.log());
        let status = running.client().status(None).unwrap();
        let child = &status.tunnels[0].children[0];
        assert_eq!((child.packets_in, child.packets_out), (0, 0));
        assert_eq!((child.bytes_in, child.bytes_out), (0, 0));
        assert_eq!(child.last_in, None);
        assert!(!running.log().contains("esp-dummy"), "nothing to tell");
    }
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
    let unplug = || {
        let mut netlink = Netlink::open().unwrap();
        let index = netlink.link("wan").unwrap().index;
        netlink.delete_link(index).unwrap();
    };
    world.west.run(unplug).unwrap();
    let lost = eventually(Duration::from_millis(500), || {
        (dropped(&mut west, DropReason::OutSend) > 0).then_some(())
    });
    assert!(lost.is_none(), "what can't be sent is no loss");
}
