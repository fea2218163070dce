//! One day of two gateways, recorded on both sides.

#![allow(clippy::unwrap_used, dead_code)] // each test file uses its part

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use adit_ike::key_holder::Credentials;
use adit_model::Secret;
use adit_model::connection::{Authentication, Child, Connection, Mode, Remote, Retransmit, Start};
use adit_model::event::Event;
use adit_model::life::{ChildLife, Life};
use adit_model::proposal::{Proposal, SaKind};
use adit_sim::{GatewaySetup, Input, Lan, LinkSettings, NatSettings, NodeId, Plan, Site, Sites};

const TUNNEL: &str = "office";
const EAST: &str = "203.0.113.2";

/// One side of the day.
pub struct Side {
    pub setup: GatewaySetup,
    pub inputs: Vec<Input>,
    pub events: Vec<Event>,
}

/// West sets a tunnel up through a NAT box, traffic passes, west takes it down. West's side first.
pub fn recorded_day(seed: u64, wire: LinkSettings) -> [Side; 2] {
    let (west, east) = (setup(true), setup(false));
    let mut sites = Plan {
        west: site("west", west.clone(), "192.168.1.1", "10.1.0"),
        east: site("east", east.clone(), EAST, "10.2.0"),
        nat: Some((NatSettings::default(), ip("203.0.113.1"))),
        wire,
    }
    .build(seed);
    sites.world.record(sites.west);
    sites.world.record(sites.east);
    sites.start();
    sites.world.initiate(sites.west, TUNNEL).unwrap();
    assert!(
        sites.run_until_up(TUNNEL, Duration::from_secs(90)),
        "seed {seed}"
    );
    sites.world.ping(
        sites.west_host,
        ip("10.2.0.2"),
        5,
        Duration::from_millis(50),
        56,
    );
    sites.world.run_for(Duration::from_secs(60));
    sites.world.terminate(sites.west, TUNNEL).unwrap();
    sites.world.run_for(Duration::from_secs(60));
    let side = |sites: &Sites, gateway: NodeId, setup| Side {
        setup,
        inputs: sites.world.recorded(gateway).to_vec(),
        events: sites.world.events(gateway).to_vec(),
    };
    [
        side(&sites, sites.west, west),
        side(&sites, sites.east, east),
    ]
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn site(name: &str, setup: GatewaySetup, outside: &str, net: &str) -> Site {
    Site {
        name: name.into(),
        setup,
        outside: vec![ip(outside)],
        lans: vec![Lan {
            net: format!("{net}.0/24").parse().unwrap(),
            gateway: ip(&format!("{net}.1")),
            host: ip(&format!("{net}.2")),
        }],
    }
}

fn setup(west: bool) -> GatewaySetup {
    let pick = |a: &'static str, b: &'static str| if west { [a, b] } else { [b, a] };
    let [local_id, remote_id] = pick("west.lab", "east.lab");
    let [local_net, remote_net] = pick("10.1.0.0/24", "10.2.0.0/24");
    let connection = Connection {
        name: TUNNEL.into(),
        local: None,
        remote: if west {
            Remote::Address(ip(EAST))
        } else {
            Remote::Any
        },
        local_id: local_id.parse().unwrap(),
        remote_id: Some(remote_id.parse().unwrap()),
        auth: Authentication::PSK,
        ike: vec![Proposal::parse("aes128gcm16-prfsha256-x25519", SaKind::Ike).unwrap()],
        start: Start::Passive,
        children: vec![Child {
            name: "lan".into(),
            local_ts: vec![local_net.parse().unwrap()],
            remote_ts: vec![remote_net.parse().unwrap()],
            esp: vec![Proposal::parse("aes128gcm16", SaKind::Esp).unwrap()],
            mode: Mode::Tunnel,
            replay_window: 64,
            life: ChildLife::default(),
            leeway: adit_model::connection::Leeway::default(),
            carriage: adit_model::carriage::Carriage::default(),
        }],
        dpd_delay: Duration::from_secs(15),
        retransmit: Retransmit {
            initial: Duration::from_millis(250),
            max: Duration::from_secs(2),
            tries: 20,
            ..Retransmit::default()
        },
        local_interface: None,
        protection: adit_model::connection::Protection::default(),
        interface: None,
        monitor: None,
        window: 1,
        force_encap: false,
        inner: adit_model::inner::InnerAddresses::default(),
        mobike: false,
        remote_port: 500,
        ppk: None,
        life: Life::default(),
    };
    GatewaySetup {
        connections: vec![Arc::new(connection)],
        keys: [(
            TUNNEL.to_owned(),
            Credentials::psk(Secret::from(b"the key".as_slice())),
        )]
        .into(),
        ..GatewaySetup::default()
    }
}
