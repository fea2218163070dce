//! One gateway gives addresses inside the tunnel to several clients, which come and go (RFC 7296 2.19).

#![allow(clippy::unwrap_used)]

mod common;

use std::net::IpAddr;
use std::sync::Arc;

use adit_ike::key_holder::Credentials;
use adit_model::Secret;
use adit_model::connection::{Connection, Remote};
use adit_model::event::Happening;
use adit_model::inner::Pool;
use adit_model::reason::{AddressProblem, Refusal};
use adit_sim::{GatewaySetup, LinkId, LinkSettings, NodeId, World};
use common::{EAST, EAST_HOST, Setting, ip, ms, secs, story};

const ROAD: &str = "office";

struct Road {
    world: World,
    east: NodeId,
    host: NodeId,
    clients: Vec<NodeId>,
    internet: NodeId,
    /// From the clients to the internet.
    wires: Vec<LinkId>,
}

/// Clients `a.lab`, `b.lab`, … in the internet, and a gateway whose pool has these addresses.
fn road(clients: usize, pool: &str, seed: u64) -> Road {
    road_of(clients, pool, seed, |_| {})
}

/// The same; `change` is done to every client's connection, and to the gateway's where both have to want it.
fn road_of(clients: usize, pool: &str, seed: u64, change: impl Fn(&mut Connection)) -> Road {
    let usual = Setting::default();
    let credentials = || Credentials::psk(Secret::from(usual.east_key.as_bytes()));
    let setup = |connection: Connection, pools: Vec<Pool>| GatewaySetup {
        connections: vec![Arc::new(connection)],
        keys: [(ROAD.to_owned(), credentials())].into(),
        pools,
        ..GatewaySetup::default()
    };
    let mut server = usual.east.clone();
    server.remote_id = None;
    server.inner.pools = vec!["guests".to_owned()];
    server.children[0].local_ts = vec!["10.2.0.0/24".parse().unwrap()];
    server.children[0].remote_ts = vec![pool.parse().unwrap()];
    let guests = Pool {
        name: "guests".to_owned(),
        addresses: vec![pool.parse().unwrap()],
        dns: vec![ip("10.2.0.53")],
        split: Vec::new(),
        per_identity: 1,
    };
    server.mobike = true;
    let mut world = World::new(seed);
    let internet = world.add_router("internet");
    let east = world.add_gateway("east", setup(server, vec![guests]));
    let host = world.add_host("east-host");
    let anywhere = || "0.0.0.0/0".parse().unwrap();
    let outside = world.link(
        LinkSettings::default(),
        (internet, &[ip("198.18.0.1")]),
        (east, &[ip(EAST)]),
    );
    world.route(east, anywhere(), outside);
    world.route(internet, ip(EAST).into(), outside);
    let lan = world.link(
        LinkSettings::cable(),
        (east, &[ip("10.2.0.1")]),
        (host, &[ip(EAST_HOST)]),
    );
    world.route(east, "10.2.0.0/24".parse().unwrap(), lan);
    world.route(host, anywhere(), lan);
    let clients = (0..clients).map(|n| {
        let name = char::from(b'a' + u8::try_from(n).unwrap());
        let mut client = usual.west.clone();
        client.remote = Remote::Address(ip(EAST));
        client.local_id = format!("{name}.lab").parse().unwrap();
        client.inner.wanted = vec![ip("0.0.0.0")];
        client.children[0].local_ts = vec![anywhere_ts()];
        client.children[0].remote_ts = vec!["10.2.0.0/24".parse().unwrap()];
        change(&mut client);
        let address: IpAddr = [203, 0, 113, 10 + u8::try_from(n).unwrap()].into();
        let node = world.add_gateway(&name.to_string(), setup(client, Vec::new()));
        let link = world.link(LinkSettings::default(), (node, &[address]), (internet, &[]));
        world.route(node, anywhere(), link);
        world.route(internet, address.into(), link);
        (node, link)
    });
    let (clients, wires): (Vec<NodeId>, Vec<LinkId>) = clients.unzip();
    world.start(east);
    for client in &clients {
        world.start(*client);
    }
    Road {
        world,
        east,
        host,
        clients,
        internet,
        wires,
    }
}

fn anywhere_ts() -> adit_model::selector::Selector {
    "0.0.0.0/0".parse().unwrap()
}

impl Road {
    /// Sets a client's tunnel up; the address that it is given.
    fn connect(&mut self, client: usize) -> Option<IpAddr> {
        let node = self.clients[client];
        let before = self.world.happenings(node).count();
        self.world.initiate(node, ROAD).unwrap();
        self.world.run_for(secs(5));
        let after = self.world.happenings(node).skip(before);
        after.filter_map(given).last()
    }

    fn disconnect(&mut self, client: usize) {
        self.world.terminate(self.clients[client], ROAD).unwrap();
        self.world.run_for(secs(5));
    }

    /// The host behind the gateway pings an address inside the tunnel; how often it is answered.
    fn reaches(&mut self, address: IpAddr) -> u32 {
        let ping = self.world.ping(self.host, address, 3, ms(50), 64);
        self.world.run_for(secs(2));
        self.world.ping_report(ping).received
    }

    /// Addresses of the pool that are in use.
    fn in_use(&self) -> Vec<String> {
        let pools = self.world.pools(self.east).into_iter();
        let leases = pools.flat_map(|pool| pool.leases).filter(|l| l.in_use);
        leases.map(|lease| lease.address).collect()
    }

    fn refused(&self) -> Option<Refusal> {
        let refusals = self.world.happenings(self.east).filter_map(|h| match h {
            Happening::Refused { refusal, .. } => Some(refusal.clone()),
            _ => None,
        });
        refusals.last()
    }
}

fn given(happening: &Happening) -> Option<IpAddr> {
    match happening {
        Happening::AddressesAssigned { addresses, .. } => addresses.first().copied(),
        _ => None,
    }
}

#[test]
fn two_clients_have_two_addresses_and_keep_them() {
    let mut road = road(2, "10.3.0.0/24", 1);
    let (a, b) = (road.connect(0).unwrap(), road.connect(1).unwrap());
    assert_eq!((a, b), (ip("10.3.0.1"), ip("10.3.0.2")));
    assert_eq!((road.reaches(a), road.reaches(b)), (3, 3));
    for _ in 0..4 {
        road.disconnect(0);
        assert_eq!(road.reaches(a), 0);
        assert_eq!(road.reaches(b), 3, "the other one's tunnel isn't touched");
        assert_eq!(road.connect(0), Some(a));
        assert_eq!((road.reaches(a), road.reaches(b)), (3, 3));
    }
}

#[test]
fn a_full_pool_refuses_and_says_so_until_somebody_leaves() {
    let mut road = road(3, "10.3.0.1-10.3.0.2", 2);
    let (a, b) = (road.connect(0).unwrap(), road.connect(1).unwrap());
    assert_eq!(road.connect(2), None);
    let full = AddressProblem::Full {
        pool: "guests".to_owned(),
        leased: 2,
        size: 2,
    };
    assert_eq!(road.refused(), Some(Refusal::NoAddress { problem: full }));
    assert_eq!((road.reaches(a), road.reaches(b)), (3, 3));
    road.disconnect(0);
    assert_eq!(road.connect(2), Some(a));
    assert_eq!((road.reaches(a), road.reaches(b)), (3, 3));
}

/// Who vanishes without a word comes back to the same address, and takes nobody else's.
#[test]
fn a_client_that_crashed_finds_its_address_again() {
    let mut road = road(2, "10.3.0.1-10.3.0.2", 3);
    let (a, b) = (road.connect(0).unwrap(), road.connect(1).unwrap());
    road.world.kill(road.clients[0]);
    road.world.run_for(secs(1));
    road.world.start(road.clients[0]);
    assert_eq!(
        road.connect(0),
        Some(a),
        "{}",
        story(&road.world, &[road.east])
    );
    assert_eq!((road.reaches(a), road.reaches(b)), (3, 3));
}

/// What is renewed or authenticated anew keeps its address, and what the other client has isn't touched.
#[test]
fn addresses_stay_while_everything_is_renewed() {
    for seed in 0..4 {
        let mut road = road_of(2, "10.3.0.1-10.3.0.2", seed, |client| {
            client.life.rekey = secs(70);
            client.life.reauth = secs(150);
            client.children[0].life.rekey = secs(40);
        });
        let (a, b) = (road.connect(0).unwrap(), road.connect(1).unwrap());
        for _ in 0..6 {
            let pings = [a, b].map(|to| road.world.ping(road.host, to, 580, ms(100), 64));
            road.world.run_for(secs(60));
            for ping in pings {
                let report = road.world.ping_report(ping);
                assert_eq!(
                    report.received,
                    580,
                    "seed {seed}\n{}",
                    story(&road.world, &[road.east])
                );
            }
        }
        for (client, address) in [(0, a), (1, b)] {
            let node = road.clients[client];
            let given: Vec<IpAddr> = road.world.happenings(node).filter_map(given).collect();
            assert!(
                given.len() >= 2,
                "seed {seed}: it hasn't authenticated anew"
            );
            assert!(
                given.iter().all(|g| *g == address),
                "seed {seed}: {given:?}"
            );
        }
        assert_eq!(road.in_use(), [a.to_string(), b.to_string()], "seed {seed}");
    }
}

/// The address outside changes, the one inside doesn't (RFC 4555).
#[test]
fn addresses_stay_while_a_client_moves() {
    for seed in 0..4 {
        let mut road = road_of(2, "10.3.0.0/24", seed, |client| {
            client.mobike = true;
            client.dpd_delay = secs(5);
        });
        let (a, b) = (road.connect(0).unwrap(), road.connect(1).unwrap());
        for place in ["198.51.100.1", "198.51.100.2"] {
            let (node, wire) = (road.clients[0], road.wires[0]);
            road.world.route(road.internet, ip(place).into(), wire);
            road.world.readdress(node, wire, &[ip(place)]);
            road.world.run_for(secs(15));
            let reached = (road.reaches(a), road.reaches(b));
            let told = story(&road.world, &[road.clients[0], road.east]);
            assert_eq!(reached, (3, 3), "seed {seed} at {place}\n{told}");
            let sas = road.world.ike_sas(road.clients[0]);
            assert_eq!(
                (sas.len(), sas[0].local.ip()),
                (1, ip(place)),
                "seed {seed}"
            );
            assert_eq!(sas[0].inner.ours, [a]);
        }
        assert_eq!(road.in_use(), [a.to_string(), b.to_string()], "seed {seed}");
    }
}
