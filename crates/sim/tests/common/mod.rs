//! The world of the demo: west behind a NAT box, east in the open, a host behind each.

#![allow(dead_code, clippy::unwrap_used)] // each test file uses its part

pub mod certificates;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use adit_ike::key_holder::Credentials;
use adit_model::Secret;
use adit_model::connection::{Authentication, Child, Connection, Mode, Remote, Retransmit, Start};
use adit_model::event::Happening;
use adit_model::life::{ChildLife, Life};
use adit_model::proposal::{Proposal, SaKind};
use adit_sim::{GatewaySetup, Lan, LinkSettings, NatSettings, NodeId, Plan, Site, Sites, World};

pub const TUNNEL: &str = "office";
pub const EAST: &str = "203.0.113.2";
pub const EAST6: &str = "2001:db8:2::2";
pub const NAT: &str = "203.0.113.1";
pub const WEST_HOST: &str = "10.1.0.2";
pub const EAST_HOST: &str = "10.2.0.2";
pub const EAST_HOST6: &str = "fd00:2::2";

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub fn ike(text: &str) -> Vec<Proposal> {
    vec![Proposal::parse(text, SaKind::Ike).unwrap()]
}

pub fn esp(text: &str) -> Vec<Proposal> {
    vec![Proposal::parse(text, SaKind::Esp).unwrap()]
}

fn connection(
    remote: Remote,
    ids: [&str; 2],
    local_ts: [&str; 2],
    remote_ts: [&str; 2],
) -> Connection {
    let selectors = |texts: [&str; 2]| texts.map(|t| t.parse().unwrap()).to_vec();
    Connection {
        name: TUNNEL.into(),
        local: None,
        remote,
        local_id: ids[0].parse().unwrap(),
        remote_id: Some(ids[1].parse().unwrap()),
        auth: Authentication::PSK,
        ike: ike("aes128gcm16-prfsha256-x25519"),
        start: Start::Passive,
        children: vec![Child {
            name: "lan".into(),
            local_ts: selectors(local_ts),
            remote_ts: selectors(remote_ts),
            esp: esp("aes128gcm16"),
            mode: Mode::Tunnel,
            replay_window: 1024,
            life: ChildLife::default(),
            leeway: adit_model::connection::Leeway::default(),
            carriage: adit_model::carriage::Carriage::default(),
        }],
        dpd_delay: Duration::ZERO,
        retransmit: Retransmit {
            initial: ms(250),
            max: secs(2),
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
    }
}

/// How a world differs from the usual one.
pub struct Setting {
    pub west: Connection,
    pub east: Connection,
    pub east_key: &'static str,
    /// What west and east authenticate with, if not with a common key.
    pub credentials: Option<[Credentials; 2]>,
    pub nat: Option<NatSettings>,
    pub outer_v6: bool,
    pub wire: LinkSettings,
}

impl Default for Setting {
    fn default() -> Self {
        const WEST_NETS: [&str; 2] = ["10.1.0.0/24", "fd00:1::/64"];
        const EAST_NETS: [&str; 2] = ["10.2.0.0/24", "fd00:2::/64"];
        Self {
            west: connection(
                Remote::Address(ip(EAST)),
                ["west.lab", "east.lab"],
                WEST_NETS,
                EAST_NETS,
            ),
            east: connection(Remote::Any, ["east.lab", "west.lab"], EAST_NETS, WEST_NETS),
            east_key: "the key of the office tunnel",
            credentials: None,
            nat: Some(NatSettings::default()),
            outer_v6: false,
            wire: LinkSettings::default(),
        }
    }
}

impl Setting {
    pub fn build(mut self, seed: u64) -> Sites {
        let west_outside = if self.outer_v6 {
            self.west.remote = Remote::Address(ip(EAST6));
            ip("2001:db8:1::1")
        } else if self.nat.is_some() {
            ip("192.168.1.1")
        } else {
            ip(NAT)
        };
        let [west_held, east_held] = self.credentials.take().unwrap_or_else(|| {
            [Self::default().east_key, self.east_key]
                .map(|key| Credentials::psk(Secret::from(key.as_bytes())))
        });
        let site = |name: &str, connection, held, outside, net: &str, net6: &str| Site {
            name: name.into(),
            setup: GatewaySetup {
                connections: vec![Arc::new(connection)],
                keys: [(TUNNEL.to_owned(), held)].into(),
                ..GatewaySetup::default()
            },
            outside,
            lans: vec![
                Lan {
                    net: format!("{net}.0/24").parse().unwrap(),
                    gateway: ip(&format!("{net}.1")),
                    host: ip(&format!("{net}.2")),
                },
                Lan {
                    net: format!("{net6}::/64").parse().unwrap(),
                    gateway: ip(&format!("{net6}::1")),
                    host: ip(&format!("{net6}::2")),
                },
            ],
        };
        Plan {
            west: site(
                "west",
                self.west,
                west_held,
                vec![west_outside],
                "10.1.0",
                "fd00:1",
            ),
            east: site(
                "east",
                self.east,
                east_held,
                vec![ip(EAST), ip(EAST6)],
                "10.2.0",
                "fd00:2",
            ),
            nat: self
                .nat
                .filter(|_| !self.outer_v6)
                .map(|settings| (settings, ip(NAT))),
            wire: self.wire,
        }
        .build(seed)
    }
}

/// Both daemons run and the tunnel is up; the test is over if it doesn't come up.
pub fn up(setting: Setting, seed: u64) -> Sites {
    let mut sites = setting.build(seed);
    sites.start();
    sites.world.initiate(sites.west, TUNNEL).unwrap();
    assert!(
        sites.run_until_up(TUNNEL, secs(60)),
        "seed {seed}: not up\n{}",
        story(&sites.world, &[sites.west, sites.east])
    );
    sites
}

/// What happened, for people who read failures.
pub fn story(world: &World, gateways: &[NodeId]) -> String {
    let mut lines: Vec<(u64, String)> = Vec::new();
    for gateway in gateways {
        for event in world.events(*gateway) {
            let at = event.at.mono.0;
            let line = format!(
                "{:9.3}  {:6} {event}",
                at as f64 / 1e9,
                world.name(*gateway)
            );
            lines.push((at, line));
        }
    }
    lines.sort();
    lines
        .into_iter()
        .map(|(_, line)| line)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The first happening that `which` takes, as what it makes of it.
pub fn find<T>(
    world: &World,
    gateway: NodeId,
    which: impl Fn(&Happening) -> Option<T>,
) -> Option<T> {
    world.happenings(gateway).find_map(which)
}
