//! Two data planes joined by one child, and packets to send between them.

#![allow(dead_code, clippy::unwrap_used)] // each test file uses its part

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use adit_crypto::provider;
use adit_esp::DataPlane;
use adit_model::connection::{Authentication, Child, Connection, Mode, Remote, Retransmit, Start};
use adit_model::dataplane::{ChildSa, DataPlaneRequest, Path};
use adit_model::identity::Identity;
use adit_model::life::{ChildLife, Life};
use adit_model::now::Mono;
use adit_model::proposal::{Proposal, SaKind, Suite};
use adit_model::secret::Secret;
use adit_model::selector::Selector;
use adit_wire::ip::{emit_packet, protocol};

pub const WEST: &str = "10.1.0.0/24";
pub const EAST: &str = "10.2.0.0/24";
pub const WEST6: &str = "fd00:1::/64";
pub const EAST6: &str = "fd00:2::/64";
pub const SPI_WEST: u32 = 0xc000_0001;
pub const SPI_EAST: u32 = 0xc000_0002;
pub const T0: Mono = Mono(1_000);

pub fn selectors(texts: &[&str]) -> Vec<Selector> {
    texts.iter().map(|t| t.parse().unwrap()).collect()
}

pub fn suite(text: &str) -> Suite {
    let proposal = Proposal::parse(text, SaKind::Esp).unwrap();
    proposal.common(&proposal, false).unwrap()
}

pub fn path(udp_encap: bool) -> Path {
    Path {
        local: "192.0.2.1:4500".parse().unwrap(),
        remote: "192.0.2.2:4500".parse().unwrap(),
        udp_encap,
    }
}

/// A connection `net` with one child per pair of selector lists, named `lan0`, `lan1`, …
pub fn connection(children: &[(&[&str], &[&str])]) -> Arc<Connection> {
    Arc::new(Connection {
        name: "net".into(),
        local: None,
        remote: Remote::Any,
        local_id: "west.example".parse::<Identity>().unwrap(),
        remote_id: None,
        auth: Authentication::PSK,
        ike: Vec::new(),
        start: Start::Passive,
        children: children
            .iter()
            .enumerate()
            .map(|(i, (local, remote))| Child {
                name: format!("lan{i}"),
                local_ts: selectors(local),
                remote_ts: selectors(remote),
                esp: Vec::new(),
                mode: Mode::Tunnel,
                replay_window: 64,
                life: ChildLife::default(),
                leeway: adit_model::connection::Leeway::default(),
                carriage: adit_model::carriage::Carriage::default(),
            })
            .collect(),
        dpd_delay: Duration::ZERO,
        retransmit: Retransmit::default(),
        window: 1,
        local_interface: None,
        protection: adit_model::connection::Protection::default(),
        interface: None,
        monitor: None,
        force_encap: false,
        inner: adit_model::inner::InnerAddresses::default(),
        mobike: false,
        remote_port: 500,
        ppk: None,
        life: Life::default(),
    })
}

/// Keying material of the right length for any suite: the octets `first`, `first + 1`, …
fn keymat(suite: &Suite, first: u8) -> Secret {
    let protection = provider::fake(1)
        .protection(suite.encr.id, suite.encr.key_bits, suite.integ)
        .unwrap();
    let octets = (0..protection.keymat_len()).map(|i| first.wrapping_add(i as u8));
    Secret::new(octets.collect())
}

/// The west side's pair of SAs; the keys depend on the SPIs, so that every pair has its own.
pub fn west_sa(suite: Suite, spi_west: u32, spi_east: u32) -> ChildSa {
    ChildSa {
        connection: "net".into(),
        child: "lan0".into(),
        spi_in: spi_west,
        spi_out: spi_east,
        suite,
        key_in: keymat(&suite, spi_west as u8),
        key_out: keymat(&suite, spi_east as u8),
        mode: Mode::Tunnel,
        ts_local: selectors(&[WEST, WEST6]),
        ts_remote: selectors(&[EAST, EAST6]),
        path: path(true),
        replay_window: 64,
        carriage: adit_model::carriage::Carriage::default(),
        limits: adit_model::carriage::HardLimits::default(),
        replaces: None,
    }
}

/// The same pair as the other side has it.
pub fn mirrored(sa: &ChildSa) -> ChildSa {
    let Path {
        local,
        remote,
        udp_encap,
    } = sa.path;
    ChildSa {
        spi_in: sa.spi_out,
        spi_out: sa.spi_in,
        key_in: sa.key_out.clone(),
        key_out: sa.key_in.clone(),
        ts_local: sa.ts_remote.clone(),
        ts_remote: sa.ts_local.clone(),
        path: Path {
            local: remote,
            remote: local,
            udp_encap,
        },
        ..sa.clone()
    }
}

pub fn install(plane: &mut DataPlane, sa: ChildSa) {
    plane
        .apply(T0, DataPlaneRequest::Install(Box::new(sa)))
        .unwrap();
}

pub fn remove(plane: &mut DataPlane, spi_in: u32) {
    plane
        .apply(
            T0,
            DataPlaneRequest::Remove {
                connection: "net".into(),
                child: "lan0".into(),
                spi_in,
            },
        )
        .unwrap();
}

/// West and east with policies and one pair of SAs.
pub fn joined(suite_text: &str) -> (DataPlane, DataPlane) {
    joined_by(west_sa(suite(suite_text), SPI_WEST, SPI_EAST))
}

/// West and east with policies and this pair.
pub fn joined_by(sa: ChildSa) -> (DataPlane, DataPlane) {
    let mut west = DataPlane::new(provider::fake(1));
    let mut east = DataPlane::new(provider::fake(2));
    west.set_policy(&[connection(&[(&[WEST, WEST6], &[EAST, EAST6])])]);
    east.set_policy(&[connection(&[(&[EAST, EAST6], &[WEST, WEST6])])]);
    install(&mut east, mirrored(&sa));
    install(&mut west, sa);
    (west, east)
}

/// A gateway with so many tunnels: from west's network to 10.100.0.0/24, 10.100.1.0/24 and so on, each with a pair of SAs
/// whose receiving SPI is 1000 and what comes behind.
pub fn many(tunnels: usize) -> DataPlane {
    let net = |n: usize| format!("10.{}.{}.0/24", 100 + n / 256, n % 256);
    let nets: Vec<String> = (0..tunnels).map(net).collect();
    let mut west = DataPlane::new(provider::aws_lc());
    let remotes: Vec<[&str; 1]> = nets.iter().map(|net| [net.as_str()]).collect();
    let children: Vec<(&[&str], &[&str])> = remotes
        .iter()
        .map(|remote| (&[WEST] as &[&str], remote as &[&str]))
        .collect();
    west.set_policy(&[connection(&children)]);
    for (n, net) in nets.iter().enumerate() {
        let spi = 1000 + n as u32;
        let sa = west_sa(suite("aes128gcm16"), spi, spi);
        install(
            &mut west,
            ChildSa {
                child: format!("lan{n}"),
                ts_local: selectors(&[WEST]),
                ts_remote: selectors(&[net]),
                ..sa
            },
        );
    }
    west
}

/// A UDP packet of either family with `octets` octets of data.
pub fn udp(from: &str, to: &str, ports: (u16, u16), octets: usize) -> Vec<u8> {
    let (from, to): (IpAddr, IpAddr) = (from.parse().unwrap(), to.parse().unwrap());
    let mut body = Vec::new();
    body.extend(ports.0.to_be_bytes());
    body.extend(ports.1.to_be_bytes());
    body.extend(((8 + octets) as u16).to_be_bytes());
    body.extend([0, 0]);
    body.extend((0..octets).map(|i| i as u8));
    let mut packet = Vec::new();
    emit_packet(from, to, protocol::UDP, &body, &mut packet).unwrap();
    packet
}

/// A packet from west's network to east's.
pub fn eastbound(octets: usize) -> Vec<u8> {
    udp("10.1.0.7", "10.2.0.9", (4000, 53), octets)
}

/// Seals into a fresh buffer.
pub fn seal(plane: &DataPlane, inner: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    plane.seal(inner, &mut out).unwrap();
    out
}

/// Opens a copy; the inner packet.
pub fn open(plane: &DataPlane, packet: &[u8]) -> Result<Vec<u8>, adit_model::drops::DropReason> {
    let mut copy = packet.to_vec();
    match plane.open(T0, &mut copy) {
        Ok(opened) => Ok(opened.inner.of(&copy).to_vec()),
        Err(rejected) => Err(rejected.reason),
    }
}
