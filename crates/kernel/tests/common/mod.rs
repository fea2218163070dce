//! Hosts in private network namespaces, joined by virtual cables. Nothing here can reach the machine's own network.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code)]

pub mod world;

use std::net::IpAddr;
use std::time::Duration;

use adit_kernel::netlink::{Route, VethEnd};
use adit_kernel::{NetNs, Netlink, PingOptions, PingOutcome, closed, ping};
use std::os::fd::AsFd;

/// Whether private namespaces (and TUN, if asked for) are open to this process. If not, says which setting closes
/// them; with `ADIT_REQUIRE_NET=1` that is a failure.
pub fn permitted(what: &str, needs_tun: bool) -> bool {
    let mut obstacle = None;
    if !closed::can_administer() {
        obstacle = Some(
            "no CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_NET_RAW; run as root or under `unshare -Urn`"
                .to_owned(),
        );
    }
    if let Err(closed) = closed::namespaces().unwrap() {
        obstacle = Some(closed.to_string());
    }
    if needs_tun && let Err(closed) = closed::tun() {
        obstacle = Some(closed.to_string());
    }
    match obstacle {
        None => true,
        Some(obstacle) => {
            assert!(
                std::env::var("ADIT_REQUIRE_NET").is_err(),
                "{what} can't be tested: {obstacle}"
            );
            eprintln!("skipped: {what}: {obstacle}");
            false
        }
    }
}

/// A host: a namespace with its loopback up.
pub struct Host {
    pub ns: NetNs,
}

impl Host {
    pub fn new() -> Self {
        let host = Self {
            ns: NetNs::create().unwrap(),
        };
        host.run(|| adit_kernel::sysctl::skip_duplicate_address_detection().unwrap());
        host.netlink(|netlink| netlink.set_link_up(1, true).unwrap());
        host
    }

    /// A router.
    pub fn forwarding() -> Self {
        let host = Self::new();
        host.run(|| adit_kernel::sysctl::enable_forwarding().unwrap());
        host
    }

    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.ns.run(work).unwrap()
    }

    pub fn netlink<T: Send>(&self, work: impl FnOnce(&mut Netlink) -> T + Send) -> T {
        self.run(|| work(&mut Netlink::open().unwrap()))
    }

    /// Gives `device` addresses.
    pub fn address(&self, device: &str, nets: &[&str]) {
        self.netlink(|netlink| {
            let index = netlink.link(device).unwrap().index;
            for net in nets {
                assert!(netlink.add_address(index, net.parse().unwrap()).unwrap());
            }
            // The kernel looks at carriers once a second only.
            let ready = netlink.wait_until_ready(index, Duration::from_secs(5));
            assert!(ready.unwrap(), "{device} has no carrier");
        });
    }

    /// Routes `net` to the next hop `via`.
    pub fn route(&self, net: &str, via: &str) {
        let route = Route::to_gateway(net.parse().unwrap(), via.parse().unwrap());
        self.netlink(|netlink| assert!(netlink.add_route(&route).unwrap()));
    }

    /// One ping, given up after a second.
    pub fn ping(&self, to: &str) -> adit_kernel::Result<PingOutcome> {
        self.ping_from(None, to)
    }

    pub fn ping_from(&self, source: Option<&str>, to: &str) -> adit_kernel::Result<PingOutcome> {
        let options = PingOptions {
            source: source.map(|address| address.parse().unwrap()),
            timeout: Duration::from_secs(1),
            ..PingOptions::default()
        };
        let to: IpAddr = to.parse().unwrap();
        self.run(|| ping(to, &options))
    }

    pub fn reaches(&self, to: &str) -> bool {
        matches!(self.ping(to), Ok(PingOutcome::Reply { .. }))
    }
}

/// Joins two hosts by a cable and brings both ends up.
pub fn cable(near: &Host, near_name: &str, far: &Host, far_name: &str) {
    let end = VethEnd {
        name: far_name,
        namespace: Some(far.ns.as_fd()),
    };
    near.netlink(|netlink| {
        let start = VethEnd {
            name: near_name,
            namespace: None,
        };
        netlink.add_veth(start, end).unwrap();
    });
    for (host, name) in [(near, near_name), (far, far_name)] {
        host.netlink(|netlink| {
            let index = netlink.link(name).unwrap().index;
            netlink.set_link_up(index, true).unwrap();
        });
    }
}

/// Repeats `check` until it gives a value, for at most five seconds.
pub fn eventually<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(std::time::Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
