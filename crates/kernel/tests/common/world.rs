//! A gateway between a network of its own and the world.
//!
//! ```text
//!   lan ---- gateway ---- world          the world answers for the remote network, 10.2.0.1
//!   10.1.0.2     192.0.2.1   192.0.2.2
//! ```

use super::{Host, cable};

pub struct World {
    pub lan: Host,
    pub gateway: Host,
    pub world: Host,
}

impl World {
    pub fn new() -> Self {
        let (lan, gateway, world) = (Host::new(), Host::forwarding(), Host::new());
        cable(&lan, "eth0", &gateway, "lan0");
        cable(&gateway, "wan0", &world, "eth0");
        lan.address("eth0", &["10.1.0.2/24", "2001:db8:1::2/64"]);
        gateway.address("lan0", &["10.1.0.1/24", "2001:db8:1::1/64"]);
        gateway.address("wan0", &["192.0.2.1/24", "2001:db8:99::1/64"]);
        world.address("eth0", &["192.0.2.2/24", "2001:db8:99::2/64"]);
        world.address(
            "lo",
            &["10.2.0.1/32", "2001:db8:2::1/128", "198.51.100.1/32"],
        );
        lan.route("0.0.0.0/0", "10.1.0.1");
        lan.route("::/0", "2001:db8:1::1");
        gateway.route("0.0.0.0/0", "192.0.2.2");
        gateway.route("::/0", "2001:db8:99::2");
        world.route("10.1.0.0/16", "192.0.2.1");
        world.route("2001:db8:1::/48", "2001:db8:99::1");
        Self {
            lan,
            gateway,
            world,
        }
    }
}
