//! A router between the two gateways.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

use adit_kernel::netlink::Route;
use adit_kernel::{NetNs, Netlink, sysctl};

use crate::world::{World, address, cable, default_routes};

/// Both gateways with a router between them, whose link to the east takes packets of `mtu` octets. East believes in longer
/// ones.
pub fn narrow(name: &str, mtu: u32) -> (World, NetNs) {
    let world = World::new(name);
    let router = NetNs::create().unwrap();
    let prepare = || {
        sysctl::skip_duplicate_address_detection().unwrap();
        Netlink::open().unwrap().set_link_up(1, true).unwrap();
        sysctl::enable_forwarding().unwrap();
    };
    router.run(prepare).unwrap();
    unplug(&world);
    cable((&world.west, "wan"), (&router, "west"));
    cable((&world.east, "wan"), (&router, "east"));
    let links = [("198.51.100", "2001:db8:a:"), ("203.0.113", "2001:db8:b:")];
    for ((v4, v6), (us, at)) in links.into_iter().zip([(1, &world.west), (2, &world.east)]) {
        let mine = [format!("{v4}.1/30"), format!("{v6}:1/64")];
        let known = [format!("192.0.2.{us}/32"), format!("2001:db8::{us}/128")];
        let all: Vec<&str> = known.iter().chain(&mine).map(String::as_str).collect();
        address(at, "wan", &all);
        let side = if us == 1 { "west" } else { "east" };
        address(
            &router,
            side,
            &[&format!("{v4}.2/30"), &format!("{v6}:2/64")],
        );
        default_routes(at, &[&format!("{v4}.2"), &format!("{v6}:2")]);
        let to_it = || {
            let mut netlink = Netlink::open().unwrap();
            for (net, via) in known.iter().zip([format!("{v4}.1"), format!("{v6}:1")]) {
                let route = Route::to_gateway(net.parse().unwrap(), via.parse().unwrap());
                assert!(netlink.add_route(&route).unwrap());
            }
        };
        router.run(to_it).unwrap();
    }
    squeeze(&router, "east", mtu);
    (world, router)
}

pub fn squeeze(ns: &NetNs, device: &str, mtu: u32) {
    let squeeze = || {
        let mut netlink = Netlink::open().unwrap();
        let index = netlink.link(device).unwrap().index;
        netlink.set_link_mtu(index, mtu).unwrap();
    };
    ns.run(squeeze).unwrap();
}

pub fn unplug(world: &World) {
    let unplug = || {
        let mut netlink = Netlink::open().unwrap();
        let index = netlink.link("wan").unwrap().index;
        netlink.delete_link(index).unwrap();
    };
    world.west.run(unplug).unwrap();
}
