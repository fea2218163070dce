//! Network devices that are asked to do the work of the kernel's IPsec (`hw_offload`). Skipped where the kernel has no ESP;
//! `cargo xtask kernel` has one that does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod carried;
mod joined;
mod world;

use std::process::Command;

use adit_gateway::protocol::Renewal;
use adit_kernel::netlink::Route;
use adit_kernel::xfrm::{Offload, Xfrm};
use adit_kernel::{NetNs, Netlink};
use adit_model::status::OffloadStatus;
use carried::{WAIT, possible, up};
use world::{At, Running, World, eventually};

/// What `adit status` says of the only child.
fn offload(gateway: &mut Running) -> OffloadStatus {
    let status = gateway.client().status(None).unwrap();
    status.tunnels[0].children[0].offload.clone().unwrap()
}

/// What the kernel says of all states at `at`.
fn in_kernel(world: &World, at: At) -> Vec<Option<Offload>> {
    let states = || Xfrm::open().unwrap().states().unwrap();
    let states = world.ns(at).run(states).unwrap();
    states.iter().map(|state| state.offload).collect()
}

/// A device that takes IPsec's work, or acts as if: `netdevsim`, which swallows what it is to send. Most distributions'
/// kernels don't have it.
struct Simulated {
    name: String,
    index: u32,
}

impl Simulated {
    fn create(ns: &NetNs) -> Option<Self> {
        let load = std::fs::read_to_string("/proc/sys/kernel/modprobe").ok()?;
        let loaded = Command::new(load.trim()).arg("netdevsim").output().ok()?;
        if !loaded.status.success() {
            let said = String::from_utf8_lossy(&loaded.stderr);
            eprintln!("nothing takes IPsec's work here, and that part isn't tested: {said}");
            return None;
        }
        ns.run(|| {
            let mut netlink = Netlink::open().unwrap();
            let before = netlink.links().unwrap();
            std::fs::write("/sys/bus/netdevsim/new_device", "7 1").unwrap();
            let mut links = netlink.links().unwrap().into_iter();
            let new = links.find(|link| before.iter().all(|old| old.index != link.index));
            let new = new.unwrap();
            netlink.set_link_up(new.index, true).unwrap();
            Some(Self {
                name: new.name,
                index: new.index,
            })
        })
        .unwrap()
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        let _ = std::fs::write("/sys/bus/netdevsim/del_device", "7");
    }
}

#[test]
fn a_device_does_what_it_can_and_the_rest_works_without_it() {
    if !possible("offload to a network device") {
        return;
    }
    let world = World::new("offloaded");
    let with = |text: String, what: &str| {
        let key = format!("hw_offload = \"{what}\"\nesp =");
        text.replace("esp =", &key)
    };
    let (mut west, mut east) = up(
        &world,
        |text| with(text, "crypto"),
        |text| with(text, "packet"),
    );

    // The pair of virtual Ethernet between them can nothing of it: that is said, and the tunnel works.
    for gateway in [&mut west, &mut east] {
        let said = offload(gateway);
        assert_eq!((&said.inward, &said.outward), (&None, &None), "{said:?}");
        let why = said.instead.unwrap();
        assert!(why.starts_with("wan, which leads to the peer, "), "{why}");
        assert!(
            why.ends_with("; the tunnel works without, in the kernel"),
            "{why}"
        );
        assert!(gateway.log().contains(&why), "{}", gateway.log());
    }
    let why = offload(&mut east).instead.unwrap();
    assert!(why.contains("hw_offload = \"crypto\""), "{why}");
    for to in ["10.2.0.2", "fd00:2::2"] {
        assert!(world.reaches(&world.west_lan, to), "{}", west.log());
    }
    assert_eq!(in_kernel(&world, At::West), [None, None]);

    // New keys are asked for again, and what is known isn't said again.
    let what = Renewal::Child("lan".to_owned());
    let renewed = west.client().rekey("office", what, WAIT, |_| {}).unwrap();
    assert!(renewed.reached, "{renewed:?}");
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
    assert_eq!(west.log().matches("`hw_offload` of lan").count(), 1);

    let Some(device) = Simulated::create(&world.west) else {
        return;
    };
    // Another device leads to the peer: it has both states, as the kernel tells.
    let peer = Route::through("192.0.2.2/32".parse().unwrap(), device.index);
    let there = |done: bool| {
        world
            .west
            .run(|| {
                let mut netlink = Netlink::open().unwrap();
                if done {
                    netlink.replace_route(&peer).unwrap();
                } else {
                    assert!(netlink.delete_route(&peer).unwrap());
                }
            })
            .unwrap();
    };
    there(true);
    let taken = eventually(WAIT, || {
        let mut states: Vec<_> = in_kernel(&world, At::West)
            .into_iter()
            .collect::<Option<_>>()?;
        states.sort_by_key(|offload| offload.inbound);
        Some(states)
    });
    let of = |inbound| Offload {
        device: device.index,
        inbound,
        packet: false,
    };
    assert_eq!(taken, Some(vec![of(false), of(true)]), "{}", west.log());
    let said = offload(&mut west);
    assert_eq!((said.wanted.as_str(), &said.instead), ("crypto", &None));
    for to in [said.inward.unwrap(), said.outward.unwrap()] {
        assert_eq!(
            (to.device.as_str(), to.does.as_str()),
            (device.name.as_str(), "crypto")
        );
    }

    // And back: without it, with the numbers of packets that the peer expects.
    there(false);
    let back = eventually(WAIT, || {
        (in_kernel(&world, At::West) == [None, None]).then_some(())
    });
    assert!(
        back.is_some(),
        "{:?}: {}",
        in_kernel(&world, At::West),
        west.log()
    );
    let why = offload(&mut west).instead.unwrap();
    assert!(why.starts_with("wan, "), "{why}");
    for to in ["10.2.0.2", "fd00:2::2"] {
        assert!(world.reaches(&world.west_lan, to), "{}", west.log());
        assert!(world.reaches(&world.east_lan, "10.1.0.2"), "{}", east.log());
    }
}
