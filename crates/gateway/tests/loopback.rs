//! Two gateways in one process on the loopback device, without privileges: everything but the carrying of packets.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use adit_config::{AuthFiles, Configuration};
use adit_gateway::client::{Client, ClientError};
use adit_gateway::options::BackendChoice;
use adit_gateway::protocol::RequestError;
use adit_gateway::{ExitReason, GatewayError, Options};
use adit_model::connection::{Remote, Start};
use adit_model::drops::DropReason;
use adit_model::event::Happening;
use adit_model::fact::{Known, Probe, ProbeOutcome};
use adit_model::status::{ChildState, TunnelState};

/// The UDP ports of both sides: IKE and NAT traversal, free a moment ago.
struct Ports {
    west: (u16, u16),
    east: (u16, u16),
}

impl Ports {
    fn free() -> Self {
        let sockets: Vec<_> = (0..4)
            .map(|_| UdpSocket::bind("0.0.0.0:0").unwrap())
            .collect();
        let port = |n: usize| sockets[n].local_addr().unwrap().port();
        Self {
            west: (port(0), port(1)),
            east: (port(2), port(3)),
        }
    }
}

fn scratch(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("adit-loop-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    let key = dir.join("office.psk");
    std::fs::write(&key, "a key for the test\n").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    dir
}

/// A side's options: `us` and `peer` are its number and the other's.
fn options(dir: &Path, us: u8, peer: u8, ports: (u16, u16), peer_port: u16) -> Options {
    let text = format!(
        r#"
[tunnel.office]
local = "any"
remote = "127.0.0.1"
local_id = "gw{us}.example"
remote_id = "gw{peer}.example"
auth = {{ psk_file = "office.psk" }}
start = "auto"

[tunnel.office.child.lan]
local_net = ["10.{us}.0.0/24"]
remote_net = ["10.{peer}.0.0/24"]
"#
    );
    let (config, problems) = adit_config::adit::parse("adit.toml", &text);
    let mut config: Configuration = config.unwrap_or_else(|| panic!("{problems:?}"));
    config.gateway.ike_port = ports.0;
    config.gateway.nat_t_port = ports.1;
    config.connections[0].remote_port = peer_port;
    // It would move to port 4500, where another program may be.
    config.connections[0].mobike = false;
    let mut options = Options::new(config, dir.to_owned());
    options.state_dir = dir.join(format!("state{us}"));
    options.backend = BackendChoice::Fake;
    options
}

fn start(options: Options) -> (JoinHandle<Result<ExitReason, GatewayError>>, Client) {
    let state = options.state_dir.clone();
    let thread = std::thread::spawn(move || adit_gateway::run(options));
    let begun = Instant::now();
    loop {
        match Client::connect(&state) {
            Ok(client) => return (thread, client),
            Err(_) if thread.is_finished() => panic!("{:?}", thread.join().unwrap()),
            Err(_) if begun.elapsed() > Duration::from_secs(10) => panic!("no control socket"),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

#[test]
fn a_named_peer_is_found_and_a_life_of_commands_is_lived() {
    let dir = scratch("life");
    let ports = Ports::free();
    let mut west = options(&dir, 1, 2, ports.west, ports.east.0);
    west.config.connections[0].remote = Remote::Name("localhost".to_owned());
    west.config.connections[0].local = "127.0.0.1".parse().ok();
    let mut east = options(&dir, 2, 1, ports.east, ports.west.0);
    east.config.connections[0].start = Start::Passive;
    let (east_thread, mut east) = start(east);
    let (west_thread, mut west) = start(west);

    let wait = Duration::from_secs(5);
    let outcome = west.up("office", wait, |_| {}).unwrap();
    assert!(outcome.reached, "{}", outcome.summary);
    let status = west.status(Some("office")).unwrap();
    let tunnel = status.tunnels.first().unwrap();
    assert_eq!(tunnel.state, TunnelState::Up);
    assert_eq!(tunnel.children[0].state, ChildState::Up);
    assert_eq!(tunnel.block, None, "nothing is carried, nothing is blocked");

    // Events are the same however they are asked for, and come in order.
    let all = west.events(None).unwrap();
    let one = west.events(Some("office")).unwrap();
    assert!(all.windows(2).all(|w| w[0].number < w[1].number));
    assert!(one.iter().all(|record| all.contains(record)));
    let mut followed = Vec::new();
    let mut follower = Client::connect(&dir.join("state1")).unwrap();
    follower
        .follow(Some("office"), |record| {
            followed.push(record);
            followed.len() < one.len()
        })
        .unwrap();
    assert_eq!(followed, one);

    // What is taken down stays down, even if the peer tries.
    let outcome = east.down("office", wait, |_| {}).unwrap();
    assert!(outcome.reached, "{}", outcome.summary);
    let refused = west.up("office", wait, |_| {}).unwrap();
    assert!(!refused.reached);
    let state = east.status(None).unwrap().tunnels[0].state;
    assert_eq!(state, TunnelState::Disabled);
    let outcome = east.up("office", wait, |_| {}).unwrap();
    assert!(outcome.reached, "{}", outcome.summary);

    match west.up("ofice", wait, |_| {}) {
        Err(ClientError::Refused { error, message }) => {
            assert_eq!(error, RequestError::UnknownTunnel);
            assert!(message.contains("did you mean `office`?"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    west.shutdown().unwrap();
    assert_eq!(west_thread.join().unwrap().unwrap(), ExitReason::Command);
    assert!(matches!(
        Client::connect(&dir.join("state1")),
        Err(ClientError::NotRunning { .. })
    ));
    let closed = east
        .events(Some("office"))
        .unwrap()
        .into_iter()
        .any(|r| matches!(r.event.what, Happening::IkeClosed { .. }));
    assert!(closed);
    east.shutdown().unwrap();
    east_thread.join().unwrap().unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_name_without_an_address_is_said_and_tried_again_later() {
    let dir = scratch("unresolved");
    let ports = Ports::free();
    let mut west = options(&dir, 1, 2, ports.west, ports.east.0);
    // RFC 6761 6.4: never resolves.
    west.config.connections[0].remote = Remote::Name("gateway.invalid".to_owned());
    let (thread, mut west) = start(west);
    let outcome = west.up("office", Duration::from_secs(20), |_| {}).unwrap();
    assert!(!outcome.reached);
    assert!(
        outcome.summary.contains("gateway.invalid"),
        "{}",
        outcome.summary
    );
    let status = west.status(Some("office")).unwrap();
    let cause = status.tunnels.first().unwrap().cause.as_deref();
    assert_eq!(cause, Some("peer-dns-unresolvable"));
    let events = west.events(Some("office")).unwrap();
    assert!(
        events
            .iter()
            .any(|r| matches!(&r.event.what, Happening::PeerUnresolved { name, .. } if name == "gateway.invalid"))
    );
    west.shutdown().unwrap();
    thread.join().unwrap().unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn an_address_that_is_not_ours_is_named_and_no_path_blamed() {
    let dir = scratch("elsewhere");
    let ports = Ports::free();
    let mut west = options(&dir, 1, 2, ports.west, ports.east.0);
    // RFC 5737: nobody's.
    west.config.connections[0].local = Some("192.0.2.77".parse().unwrap());
    let (thread, mut west) = start(west);
    let outcome = west.up("office", Duration::from_secs(20), |_| {}).unwrap();
    assert!(!outcome.reached);
    let status = west.status(Some("office")).unwrap();
    let tunnel = status.tunnels.first().unwrap();
    assert_eq!(tunnel.cause.as_deref(), Some("local-address-missing"));
    assert!(tunnel.summary.contains("192.0.2.77"), "{}", tunnel.summary);
    west.shutdown().unwrap();
    thread.join().unwrap().unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn probes_tell_a_closed_port_from_a_living_gateway() {
    let dir = scratch("probes");
    let ports = Ports::free();
    let mut west = options(&dir, 1, 2, ports.west, ports.east.0);
    west.config.connections[0].start = Start::OnDemand;
    let mut east = options(&dir, 2, 1, ports.east, ports.west.0);
    east.config.connections[0].start = Start::Passive;
    let (west_thread, mut west) = start(west);
    let outcomes = |west: &mut Client| -> Vec<ProbeOutcome> {
        let case = west.cases(Some("office"), true).unwrap().remove(0);
        case.facts
            .into_iter()
            .filter_map(|fact| match fact.what {
                Known::Probed {
                    probe: Probe::IkeInit { port, outcome, .. },
                } if port == ports.east.0 => Some(outcome),
                _ => None,
            })
            .collect()
    };
    let closed = outcomes(&mut west);
    assert!(
        matches!(closed.as_slice(), [ProbeOutcome::Failed(_)]),
        "{closed:?}"
    );
    let (east_thread, mut east) = start(east);
    // Probes are remembered for a while; these must be new.
    std::thread::sleep(Duration::from_millis(5100));
    assert_eq!(outcomes(&mut west), [ProbeOutcome::AnsweredVersion(2)]);
    for (client, thread) in [(&mut west, west_thread), (&mut east, east_thread)] {
        client.shutdown().unwrap();
        thread.join().unwrap().unwrap();
    }
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn what_strangers_send_is_counted_once_each_and_changes_nothing() {
    let dir = scratch("strangers");
    let ports = Ports::free();
    let west = options(&dir, 1, 2, ports.west, ports.east.0);
    let mut east = options(&dir, 2, 1, ports.east, ports.west.0);
    east.config.connections[0].start = Start::Passive;
    let (east_thread, mut east) = start(east);
    let (west_thread, mut west) = start(west);
    assert!(
        west.up("office", Duration::from_secs(5), |_| {})
            .unwrap()
            .reached
    );

    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let ike = |message: &[u8]| {
        stranger
            .send_to(message, ("127.0.0.1", ports.east.0))
            .unwrap()
    };
    let nat = |message: &[u8]| {
        stranger
            .send_to(message, ("127.0.0.1", ports.east.1))
            .unwrap()
    };
    ike(b"short");
    // A whole header of IKEv2 for an SA that nobody has: INFORMATIONAL, request.
    let mut unknown = vec![7; 16];
    unknown.extend([0, 0x20, 37, 0x08, 0, 0, 0, 0, 0, 0, 0, 28]);
    ike(&unknown);
    nat(b"xy");
    nat(&[0xff]);
    nat(&[0, 0, 0, 0, 1, 2, 3]);
    nat(&[1, 2, 3, 4, 0, 0, 0, 1, 9, 9, 9, 9]);

    let wanted = [
        (DropReason::IkeTooShort, 2),
        (DropReason::IkeUnknownSpi, 1),
        (DropReason::EspUnknownSpi, 1),
        (DropReason::NatKeepalive, 1),
        (DropReason::UdpEncapMalformed, 1),
    ];
    let begun = Instant::now();
    loop {
        let drops = east.drops().unwrap();
        let counts: Vec<_> = drops.iter().map(|d| (d.reason, d.packets)).collect();
        if counts == wanted {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{counts:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
    let state = east.status(None).unwrap().tunnels[0].state;
    assert_eq!(state, TunnelState::Up);
    let told = east
        .events(None)
        .unwrap()
        .into_iter()
        .filter(|r| matches!(r.event.what, Happening::Dropped { .. }))
        .count();
    assert_eq!(told, 6);
    for (client, thread) in [(&mut west, west_thread), (&mut east, east_thread)] {
        client.shutdown().unwrap();
        thread.join().unwrap().unwrap();
    }
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_touched() {
    let dir = scratch("refused");
    let ports = Ports::free();
    let good = options(&dir, 1, 2, ports.west, ports.east.0);
    adit_gateway::check(&good).unwrap();

    let mut kernel = good.clone();
    kernel.backend = BackendChoice::Kernel;
    // Not with ESP either.
    kernel.config.connections[0].children[0].carriage.df = adit_model::carriage::Df::Set;
    let error = adit_gateway::run(kernel).unwrap_err();
    assert!(error.is_configuration());
    assert!(error.to_string().contains("--backend user"), "{error}");
    assert!(error.to_string().contains("DF set always"), "{error}");

    let mut keyless = good.clone();
    keyless.config.auth.clear();
    let error = adit_gateway::run(keyless).unwrap_err();
    assert!(matches!(error, GatewayError::NoKey { .. }), "{error}");

    let mut lost = good.clone();
    lost.config.auth = vec![AuthFiles::psk("office", "nowhere.psk".into())];
    let error = adit_gateway::run(lost).unwrap_err();
    assert!(error.to_string().contains("nowhere.psk"), "{error}");

    assert!(!good.state_dir.exists());
    std::fs::remove_dir_all(dir).unwrap();
}
