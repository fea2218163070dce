//! What will fail is told while it works: a rekey that will be refused, a certificate that ends, networks at both ends,
//! mounts that don't wait. And a tunnel of which nothing will fail is told of nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod joined;
mod pki;
mod stream;
mod world;

use std::time::Duration;

use adit_diagnose::{AtFault, Forewarning, diagnose};
use adit_gateway::client::{Client, ClientError};
use adit_gateway::protocol::{Request, RequestError};
use adit_model::ahead::Weight;
use adit_model::event::Happening;
use adit_model::show::{Shown, Topic};
use adit_model::status::TunnelState;
use joined::up_with;
use pki::{Ca, trust};
use stream::{Echo, Stream};
use world::{At, Running, World, address, eventually, patience, permitted};

/// Both gateways, with a change to each one's configuration.
fn up(name: &str, change: impl Fn(At, String) -> String) -> (World, Running, Running) {
    let world = World::new(name);
    start(world, change)
}

fn start(world: World, change: impl Fn(At, String) -> String) -> (World, Running, Running) {
    let (west, mut east) = up_with(&world, change);
    east.wait_for(TunnelState::Up);
    (world, west, east)
}

/// With a trial after so many seconds.
fn tried(text: &str, seconds: u32) -> String {
    text.replace(
        "start = ",
        &format!("test_rekey = \"{seconds}s\"\nstart = "),
    )
}

fn ahead(client: &mut Client) -> Vec<Forewarning> {
    let told = client.foresee(Some("office"), None).unwrap();
    assert_eq!(told.schema, "adit.check.live/1");
    assert_eq!(told.tunnels.len(), 1);
    assert!(!told.tunnels[0].seen.is_empty());
    told.tunnels.into_iter().next().unwrap().ahead
}

fn warnings(client: &mut Client) -> Vec<Forewarning> {
    let mut all = ahead(client);
    all.retain(|w| w.weight == Weight::Warning);
    all
}

fn causes(found: &[Forewarning]) -> Vec<&str> {
    found.iter().map(|w| w.cause.as_str()).collect()
}

fn spi(client: &mut Client) -> String {
    let Shown::IpsecSa(shown) = client.show(Topic::IpsecSa, Some("office")).unwrap() else {
        panic!("another topic");
    };
    shown.ipsec_sas.last().unwrap().spi_in.clone()
}

/// Events that foresee something, with whether it is over.
fn told(client: &mut Client) -> Vec<(String, bool)> {
    let records = client.events(Some("office")).unwrap().into_iter();
    let of = |what| match what {
        Happening::Foreseen { cause, over, .. } => Some((cause, over)),
        _ => None,
    };
    records.filter_map(|r| of(r.event.what)).collect()
}

#[test]
fn a_healthy_tunnel_is_tried_without_a_lost_packet_and_nothing_is_foreseen() {
    if !permitted("a rekey on trial") {
        return;
    }
    let (world, mut west, mut east) = up("foreseen-nothing", |_, text| tried(&text, 1));
    let _echo = Echo::at(&world.east_lan, "10.2.0.2");
    let mut client = west.client();
    let stream = Stream::start(&world.west_lan, "10.1.0.2", "10.2.0.2");
    let before = spi(&mut client);
    let renewed = eventually(Duration::from_secs(10) * patience(), || {
        (spi(&mut client) != before).then_some(())
    });
    assert!(renewed.is_some(), "{}", west.log());
    stream.go_on();
    // The other side keeps still: it has seen that a rekey works.
    let after = spi(&mut client);
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(spi(&mut client), after);
    for gateway in [&mut west, &mut east] {
        let mut client = gateway.client();
        assert_eq!(causes(&ahead(&mut client)), Vec::<&str>::new());
        assert!(told(&mut client).is_empty());
        let status = client.status(None).unwrap();
        assert!(status.tunnels[0].ahead.is_empty());
    }
    let (sent, lost) = stream.end();
    assert!(lost.is_empty(), "of {sent}: {lost:?}");
}

#[test]
fn a_group_that_the_first_rekey_will_be_refused_for_is_known_at_once() {
    if !permitted("a trial that is refused") {
        return;
    }
    let (world, mut west, mut east) = up("foreseen-pfs", |at, text| match at {
        At::West => tried(&text, 1).replace("[\"aes128gcm16\"]", "[\"aes128gcm16-x25519\"]"),
        At::East => text,
    });
    let _echo = Echo::at(&world.east_lan, "10.2.0.2");
    let stream = Stream::start(&world.west_lan, "10.1.0.2", "10.2.0.2");
    let mut client = west.client();
    let (before, rekey_at) = (spi(&mut client), rekey_at(&mut client));
    let found = eventually(Duration::from_secs(10) * patience(), || {
        let found = warnings(&mut client);
        (!found.is_empty()).then_some(found)
    });
    let found = found.unwrap_or_else(|| panic!("{}", west.log()));
    assert_eq!(causes(&found), ["pfs-mismatch-at-rekey"]);
    assert_eq!(found[0].side, AtFault::Both);
    assert_eq!(found[0].child.as_deref(), Some("lan"));
    assert!(
        found[0].summary.contains("NO_PROPOSAL_CHOSEN"),
        "{:?}",
        found[0]
    );

    // Nothing has changed: the same SAs, renewed when they would have been, and no packet is lost.
    stream.go_on();
    assert_eq!(spi(&mut client), before);
    assert_eq!(self::rekey_at(&mut client), rekey_at);
    let (sent, lost) = stream.end();
    assert!(lost.is_empty(), "of {sent}: {lost:?}");
    // The other side knows it too, from what it refused.
    assert_eq!(
        causes(&warnings(&mut east.client())),
        ["pfs-mismatch-at-rekey"]
    );
    // It is told once, shown in the status of a tunnel that is up, and in the verdict, which isn't that it is down.
    let _ = warnings(&mut client);
    assert_eq!(
        told(&mut client),
        [("pfs-mismatch-at-rekey".to_owned(), false)]
    );
    let tunnel = client.status(None).unwrap().tunnels.remove(0);
    assert_eq!(tunnel.state, TunnelState::Up);
    assert_eq!(tunnel.ahead[0].cause, "pfs-mismatch-at-rekey");
    let case = client.cases(Some("office"), false).unwrap().remove(0);
    let verdict = diagnose(&case);
    assert_eq!(causes(&verdict.ahead), ["pfs-mismatch-at-rekey"]);
}

/// When the child is rekeyed, to the second.
fn rekey_at(client: &mut Client) -> Option<String> {
    let tunnel = client.status(None).unwrap().tunnels.remove(0);
    let at = tunnel.children[0].rekey_at.clone()?;
    Some(at[..19].to_owned())
}

#[test]
fn certificates_of_both_sides_that_end_soon_are_told() {
    if !permitted("certificates that end") {
        return;
    }
    let world = World::new("foreseen-certs");
    let ca = Ca::new("Lab CA");
    for (at, us, days) in [(At::West, 1, 300), (At::East, 2, 5)] {
        let dir = world.dir(at);
        trust(&dir, "ca.pem", &[&ca]);
        ca.issue(&dir, "gw", &format!("gw{us}.example"), days);
    }
    let (_world, mut west, mut east) = start(world, |_, text| {
        text.replace(
            "auth = { psk_file = \"office.psk\" }",
            "auth = { cert = \"gw.pem\", key = \"gw.key\", ca = [\"ca.pem\"] }",
        )
    });
    for (gateway, side) in [(&mut west, AtFault::Remote), (&mut east, AtFault::Local)] {
        let found = warnings(&mut gateway.client());
        assert_eq!(causes(&found), ["cert-expired"], "{}", gateway.log());
        assert_eq!((found[0].side, found[0].days), (side, Some(5)));
    }
}

#[test]
fn what_the_host_has_and_the_configuration_lacks_is_told() {
    if !permitted("networks and mounts") {
        return;
    }
    let world = World::new("foreseen-host");
    let root = world.dir(At::West).join("root");
    std::fs::create_dir_all(root.join("etc")).unwrap();
    let table = |options: &str| {
        let line = format!("10.2.0.2:/srv /srv nfs4 {options} 0 0\n10.9.0.1:/x /x nfs4 rw 0 0\n");
        std::fs::write(root.join("etc/fstab"), line).unwrap();
    };
    table("rw");
    let (world, mut west, _east) = start(world, |at, text| match at {
        At::West => text.replace("start = ", "dpd = \"off\"\nstart = "),
        At::East => text,
    });
    let mut client = west.client();
    let expected = ["dpd-disabled-stale-sa", "shutdown-order-cuts-network"];
    assert_eq!(causes(&warnings(&mut client)), expected, "{}", west.log());

    table("rw,_netdev,x-systemd.requires=adit.service");
    assert_eq!(causes(&warnings(&mut client)), expected[..1]);
    address(&world.west, "lan", &["10.2.0.77/24"]);
    let found = warnings(&mut client);
    assert_eq!(
        causes(&found),
        ["overlapping-subnets", "dpd-disabled-stale-sa"]
    );
    assert!(found[0].summary.contains("lan"), "{:?}", found[0]);
    // Who is logged in from behind the peer comes through the tunnel, or will be cut by it.
    let told = client.foresee(None, "10.2.0.9".parse().ok()).unwrap();
    let of = |w: &&Forewarning| w.cause == "overbroad-remote-selector";
    assert_eq!(told.tunnels[0].ahead.iter().filter(of).count(), 1);
    // A look that nobody asked for from there doesn't end it.
    let later = ahead(&mut client);
    assert_eq!(later.iter().filter(of).count(), 1, "{later:?}");
    let events = self::told(&mut client);
    assert!(
        !events.contains(&("overbroad-remote-selector".to_owned(), true)),
        "{events:?}"
    );
}

/// Who manages the west gateway sits at 198.51.100.9, and a configuration leads that network into the tunnel.
#[test]
fn who_is_locked_out_gets_back_in() {
    if !permitted("a configuration that locks out") {
        return;
    }
    let (world, mut west, _east) = up("lock-out", |_, text| text);
    address(&world.east, "lan", &["198.51.100.9/32"]);
    let manager = "198.51.100.9";
    assert!(world.reaches(&world.west, manager));
    let text = std::fs::read_to_string(world.dir(At::West).join("adit.toml")).unwrap();
    let wide = text.replace(
        "[\"10.2.0.0/24\", ",
        "[\"10.2.0.0/24\", \"198.51.100.0/24\", ",
    );
    let wide = wide.replace("[\"10.1.0.0/24\", ", "[\"10.1.0.0/24\", \"192.0.2.1/32\", ");
    assert_ne!(wide, text);
    let request = |confirm_ms| Request::Apply {
        text: wide.clone(),
        dry_run: false,
        confirm_ms,
        operator: manager.parse().ok(),
        anyway: false,
    };
    // Without a time to confirm in nothing would bring the former one back.
    match west.client().apply(&request(0)) {
        Err(ClientError::Refused { error, message }) => {
            assert_eq!(error, RequestError::LockOut);
            assert!(message.contains(manager), "{message}");
        }
        other => panic!("{other:?}"),
    }
    assert!(world.reaches(&world.west, manager), "nothing was changed");

    // With one it holds, and the client is gone.
    let applied = west.client().apply(&request(3000)).unwrap();
    assert!(applied.plan.done && applied.confirm_ms > 0);
    assert_eq!(applied.risks.len(), 1, "{:?}", applied.risks);
    assert!(!world.reaches(&world.west, manager), "{}", west.log());
    let back = eventually(Duration::from_secs(10) * patience(), || {
        world.reaches(&world.west, manager).then_some(())
    });
    assert!(back.is_some(), "{}", west.log());
    west.wait_for(TunnelState::Up);
    let refused = west.client().confirm();
    assert!(matches!(
        refused,
        Err(ClientError::Refused {
            error: RequestError::NotNow,
            ..
        })
    ));
    let now = std::fs::read_to_string(world.dir(At::West).join("adit.toml")).unwrap();
    assert_eq!(now, text, "the file is as it was");
}
