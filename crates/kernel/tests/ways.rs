//! Links, addresses, routes, rules: what is requested is what the kernel then reports, and packets follow it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::os::fd::AsFd;

use adit_kernel::netlink::{MAIN_TABLE, NetworkChanges, Route, RouteKind, Rule, VethEnd};
use adit_kernel::{PathErrorKind, PingOutcome, sysctl};
use common::{Host, cable, permitted};

#[test]
fn two_hosts_on_a_cable_reach_each_other() {
    if !permitted("ping over a veth pair", false) {
        return;
    }
    let (one, two) = (Host::new(), Host::new());
    cable(&one, "a", &two, "b");
    one.address("a", &["192.0.2.1/24", "2001:db8::1/64"]);
    two.address("b", &["192.0.2.2/24", "2001:db8::2/64"]);
    assert!(one.reaches("192.0.2.2"));
    assert!(one.reaches("2001:db8::2"));
    assert!(matches!(one.ping("192.0.2.9"), Ok(PingOutcome::Timeout)));
    let nowhere = one.ping("198.51.100.1").unwrap_err();
    assert_eq!(nowhere.errno, Some(libc::ENETUNREACH));
}

#[test]
fn addresses_come_and_go_and_asking_twice_is_fine() {
    if !permitted("addresses", false) {
        return;
    }
    let host = Host::new();
    host.netlink(|netlink| {
        for text in ["192.0.2.1/24", "2001:db8::1/64"] {
            let net = text.parse().unwrap();
            assert!(netlink.add_address(1, net).unwrap());
            assert!(!netlink.add_address(1, net).unwrap());
            let found = netlink.addresses().unwrap();
            let found = found.iter().find(|address| address.net == net).unwrap();
            assert!(found.index == 1 && found.global && !found.tentative);
            assert!(netlink.delete_address(1, net).unwrap());
            assert!(!netlink.delete_address(1, net).unwrap());
        }
    });
}

#[test]
fn routes_are_reported_as_installed_and_lookups_follow_them() {
    if !permitted("routes", false) {
        return;
    }
    let (one, two) = (Host::new(), Host::new());
    cable(&one, "a", &two, "b");
    one.address("a", &["192.0.2.1/24", "192.0.2.7/24", "2001:db8::1/64"]);
    one.netlink(|netlink| {
        let device = netlink.link("a").unwrap().index;
        let mut through = Route::through("10.2.0.0/16".parse().unwrap(), device);
        through.source = Some("192.0.2.7".parse().unwrap());
        through.metric = Some(50);
        through.mtu = Some(1380);
        let gateway = Route {
            metric: Some(1024),
            ..Route::to_gateway(
                "2001:db8:2::/48".parse().unwrap(),
                "2001:db8::2".parse().unwrap(),
            )
        };
        let refused = Route::unreachable("10.3.0.0/16".parse().unwrap(), 4_000_000_000);
        for route in [&through, &gateway, &refused] {
            assert!(netlink.add_route(route).unwrap());
            assert!(!netlink.add_route(route).unwrap());
            netlink.replace_route(route).unwrap();
            let listed = netlink.routes().unwrap();
            let found = listed
                .iter()
                .find(|found| found.destination == route.destination && found.table == MAIN_TABLE)
                .unwrap();
            assert_eq!(
                (found.kind, found.via, found.source),
                (route.kind, route.via, route.source)
            );
            assert_eq!(
                (found.metric, found.mtu, found.protocol),
                (route.metric, route.mtu, route.protocol)
            );
        }

        let lookup = netlink.route_to("10.2.9.9".parse().unwrap(), None).unwrap();
        assert_eq!(
            (lookup.kind, lookup.device),
            (RouteKind::Unicast, Some(device))
        );
        assert_eq!(
            (lookup.source, lookup.via),
            (Some("192.0.2.7".parse().unwrap()), None)
        );
        let lookup = netlink
            .route_to("2001:db8:2::9".parse().unwrap(), None)
            .unwrap();
        assert_eq!(lookup.via, Some("2001:db8::2".parse().unwrap()));
        let refused_lookup = netlink
            .route_to("10.3.0.1".parse().unwrap(), None)
            .unwrap_err();
        assert_eq!(refused_lookup.errno, Some(libc::EHOSTUNREACH));

        for route in [&through, &gateway, &refused] {
            assert!(netlink.delete_route(route).unwrap());
            assert!(!netlink.delete_route(route).unwrap());
        }
        assert!(netlink.route_to("10.2.9.9".parse().unwrap(), None).is_err());
    });
}

#[test]
fn a_rule_sends_packets_to_another_table() {
    if !permitted("routing rules", false) {
        return;
    }
    let host = Host::new();
    host.netlink(|netlink| {
        let to = "10.2.0.0/16".parse().unwrap();
        netlink
            .add_address(1, "192.0.2.1/24".parse().unwrap())
            .unwrap();
        let mut route = Route::through(to, 1);
        route.table = 220;
        assert!(netlink.add_route(&route).unwrap());
        assert!(netlink.route_to("10.2.0.1".parse().unwrap(), None).is_err());
        let rule = Rule {
            priority: 220,
            from: None,
            to,
            mark: None,
            flow: adit_kernel::netlink::Flow::default(),
            table: 220,
        };
        assert!(netlink.add_rule(&rule).unwrap());
        assert!(!netlink.add_rule(&rule).unwrap());
        assert_eq!(netlink.rules().unwrap(), std::slice::from_ref(&rule));
        assert_eq!(
            netlink
                .route_to("10.2.0.1".parse().unwrap(), None)
                .unwrap()
                .device,
            Some(1)
        );
        assert!(netlink.delete_rule(&rule).unwrap());
        assert!(!netlink.delete_rule(&rule).unwrap());
    });
}

#[test]
fn links_are_moved_sized_and_deleted() {
    if !permitted("links", false) {
        return;
    }
    let (one, two) = (Host::new(), Host::new());
    one.netlink(|netlink| {
        let end = |name| VethEnd {
            name,
            namespace: None,
        };
        netlink.add_veth(end("a"), end("b")).unwrap();
        assert!(
            netlink
                .add_veth(end("a"), end("c"))
                .unwrap_err()
                .is_present()
        );
        let b = netlink.link("b").unwrap();
        assert_eq!(b.kind.as_deref(), Some("veth"));
        netlink.set_link_mtu(b.index, 1400).unwrap();
        netlink.move_link(b.index, two.ns.as_fd()).unwrap();
        assert!(netlink.link("b").unwrap_err().is_not_found());
    });
    two.netlink(|netlink| {
        let b = netlink.link("b").unwrap();
        assert_eq!((b.mtu, b.up), (1400, false));
        assert!(netlink.delete_link(b.index).unwrap());
        assert!(!netlink.delete_link(b.index).unwrap());
    });
    // The other end of the cable goes with it.
    assert!(
        one.netlink(|netlink| netlink.link("a"))
            .unwrap_err()
            .is_not_found()
    );
    assert_eq!(one.netlink(|netlink| netlink.links()).unwrap().len(), 1);
}

#[test]
fn a_router_without_a_route_says_so() {
    if !permitted("ICMP errors of a router", false) {
        return;
    }
    let (lan, router) = (Host::new(), Host::forwarding());
    cable(&lan, "a", &router, "b");
    lan.address("a", &["192.0.2.2/24", "2001:db8::2/64"]);
    router.address("b", &["192.0.2.1/24", "2001:db8::1/64"]);
    lan.route("0.0.0.0/0", "192.0.2.1");
    lan.route("::/0", "2001:db8::1");
    for (to, offender) in [
        ("198.51.100.1", "192.0.2.1"),
        ("2001:db8:ffff::1", "2001:db8::1"),
    ] {
        let Ok(PingOutcome::Error(error)) = lan.ping(to) else {
            panic!("{to}: {:?}", lan.ping(to));
        };
        assert_eq!(error.kind, PathErrorKind::NetUnreachable);
        assert_eq!(error.offender, Some(offender.parse().unwrap()));
        assert_eq!(error.destination.unwrap().ip().to_string(), to);
    }
}

#[test]
fn settings_belong_to_the_namespace() {
    if !permitted("sysctls of a namespace", false) {
        return;
    }
    let (one, two) = (Host::forwarding(), Host::new());
    assert_eq!(one.run(sysctl::forwarding), (true, true));
    assert_eq!(two.run(sysctl::forwarding), (false, false));
    one.run(|| {
        sysctl::set_reverse_path_filter("lo", 2).unwrap();
        assert_eq!(sysctl::reverse_path_filter("lo").unwrap(), 2);
        let missing = sysctl::read("net.ipv4.no_such_thing").unwrap_err();
        assert!(missing.is_not_found());
    });
}

#[test]
fn changes_of_the_network_are_told() {
    if !permitted("word of changes", false) {
        return;
    }
    let (host, other) = (Host::new(), Host::new());
    let changes = host.run(|| NetworkChanges::open().unwrap());
    assert!(!changes.take(), "nothing has changed yet");
    cable(&host, "a", &other, "b");
    assert!(changes.take(), "a link");
    // A link comes up in steps, the last ones by and by.
    let quiet = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        !changes.take()
    });
    assert!(quiet, "it was taken");
    let net = "192.0.2.1/24".parse().unwrap();
    let index = host.netlink(|netlink| {
        let index = netlink.link("a").unwrap().index;
        netlink.add_address(index, net).unwrap();
        index
    });
    assert!(changes.take(), "an address");
    host.netlink(|netlink| netlink.delete_address(index, net).unwrap());
    assert!(changes.take(), "an address that goes");
    other.netlink(|netlink| netlink.add_address(1, net).unwrap());
    assert!(!changes.take(), "of its own namespace only");
}
