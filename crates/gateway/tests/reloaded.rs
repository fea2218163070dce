//! Changes to gateways that carry packets: what isn't touched loses none. Gateways are processes, on real devices.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod pki;
mod stream;
mod world;

use std::time::Duration;

use adit_gateway::client::{Client, ClientError};
use adit_gateway::protocol::{Renewal, RequestError};
use adit_model::show::{Shown, Topic};
use adit_model::status::TunnelState;
use pki::{Ca, trust};
use stream::{Echo, Stream, passes};
use world::{At, World, address, eventually, permitted};

const KEY: &str = "correct horse battery staple\n";
const WAIT: Duration = Duration::from_secs(10);

/// A child of `office` between `10.US.NET.0/24` and `10.PEER.NET.0/24`.
fn child(at: At, name: &str, net: u8) -> String {
    let (us, peer) = match at {
        At::West => (1, 2),
        At::East => (2, 1),
    };
    format!(
        "\n[tunnel.office.child.{name}]\nlocal_net = [\"10.{us}.{net}.0/24\"]\nremote_net = [\"10.{peer}.{net}.0/24\"]\nesp = [\"aes128gcm16\"]\n"
    )
}

/// Hosts behind the gateways have an address in each of these networks too.
fn networks(world: &World, nets: &[u8]) {
    for net in nets {
        let at = |us: u8, host: u8| format!("10.{us}.{net}.{host}/24");
        address(&world.west_lan, "eth0", &[&at(1, 2)]);
        address(&world.west, "lan", &[&at(1, 1)]);
        address(&world.east, "lan", &[&at(2, 1)]);
        address(&world.east_lan, "eth0", &[&at(2, 2)]);
    }
}

/// SPIs that a child receives under.
fn spis(client: &mut Client, child: &str) -> Vec<String> {
    let Shown::IpsecSa(shown) = client.show(Topic::IpsecSa, Some("office")).unwrap() else {
        panic!("another topic");
    };
    let of = shown.ipsec_sas.into_iter().filter(|sa| sa.child == child);
    of.map(|sa| sa.spi_in).collect()
}

fn ike_spi(client: &mut Client) -> (String, String) {
    let status = client.status(Some("office")).unwrap();
    status.tunnels[0].ike.as_ref().unwrap().spis.clone()
}

/// While packets go through one child, others are changed, removed and added, policies come, and a configuration with an
/// error is refused.
#[test]
fn a_reload_costs_what_it_does_not_touch_no_packet() {
    if !permitted("a reload under traffic") {
        return;
    }
    let world = World::new("reload");
    networks(&world, &[5, 6, 7, 8]);
    let _echoes: Vec<Echo> = [0, 5, 6, 7, 8]
        .map(|net| Echo::at(&world.east_lan, &format!("10.2.{net}.2")))
        .into();
    let through = |net: u8| {
        let (from, to) = (format!("10.1.{net}.2"), format!("10.2.{net}.2"));
        passes(&world.west_lan, &from, &to)
    };
    let write = |at: At, children: &[(&str, u8)], more: &str| {
        let children: String = children.iter().map(|(n, net)| child(at, n, *net)).collect();
        world.configure_with(at, KEY, |text| format!("{text}{children}{more}"));
    };
    for at in [At::West, At::East] {
        write(at, &[("gone", 5), ("voice", 6)], "");
    }
    let mut east = world.start(At::East);
    east.client();
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    east.wait_for(TunnelState::Up);
    let (mut on_west, mut on_east) = (west.client(), east.client());
    let up = eventually(WAIT, || (through(5) && through(6)).then_some(()));
    assert!(up.is_some(), "{}", west.log());

    let (lan, ike) = (spis(&mut on_west, "lan"), ike_spi(&mut on_west));
    let stream = Stream::start(&world.west_lan, "10.1.0.2", "10.2.0.2");
    stream.go_on();

    // `voice` moves to other networks, `gone` goes, `new` comes; a policy stops UDP to one more network.
    let policy = "\n[policy.never]\naction = \"drop\"\nlocal_net = [\"10.1.8.0/24\"]\nremote_net = [\"10.2.8.0/24\"]\n";
    write(At::West, &[("voice", 7), ("new", 8)], policy);
    write(At::East, &[("voice", 7), ("new", 8)], "");
    let told = on_west.reload(true).unwrap();
    let cuts: Vec<_> = told
        .cuts
        .iter()
        .map(|c| (c.child.as_deref(), c.again))
        .collect();
    assert_eq!(cuts, [(Some("gone"), false), (Some("voice"), true)]);
    assert_eq!(
        (&told.added[..], &told.policies[..]),
        (&["office/new".to_owned()][..], &["never".to_owned()][..])
    );
    stream.go_on();
    assert!(through(5) && through(6), "only told");
    assert!(on_west.reload(false).unwrap().done);
    stream.go_on();
    assert!(on_east.reload(false).unwrap().done);
    let there = eventually(WAIT, || through(7).then_some(()));
    assert!(there.is_some(), "{}{}", west.log(), east.log());
    assert!(spis(&mut on_west, "gone").is_empty());
    assert!(
        through(5) && through(6),
        "it isn't held back any more either"
    );
    assert!(!through(8), "the policy goes before the tunnel");

    // The policy goes.
    write(At::West, &[("voice", 7), ("new", 8)], "");
    assert_eq!(on_west.reload(false).unwrap().policies, ["never"]);
    let there = eventually(WAIT, || through(8).then_some(()));
    assert!(there.is_some(), "{}", west.log());

    // With an error nothing changes.
    write(
        At::West,
        &[("voice", 6)],
        "\n[tunnel.office.child.bad]\nlocal_net = [\"10.1\"]\n",
    );
    match on_west.reload(false) {
        Err(ClientError::Refused { error, message }) => {
            assert_eq!(error, RequestError::Configuration);
            assert!(message.contains("adit.toml:"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    stream.go_on();
    assert!(through(7) && through(8));

    let (sent, lost) = stream.end();
    assert!(
        lost.is_empty(),
        "{} of {sent} lost: {lost:?}\n{}",
        lost.len(),
        west.log()
    );
    assert!(sent > 100, "{sent}");
    assert_eq!(spis(&mut on_west, "lan"), lan);
    assert_eq!(ike_spi(&mut on_west), ike);
    for name in ["voice", "new"] {
        assert_eq!(spis(&mut on_west, name).len(), 1, "{name}");
        assert_eq!(spis(&mut on_east, name).len(), 1, "{name}");
    }
    assert!(spis(&mut on_east, "gone").is_empty());
}

/// A bypass policy that comes and goes with a reload takes its routing rules along.
#[test]
fn a_bypass_policy_comes_and_goes_with_a_reload() {
    if !permitted("a policy that is reloaded") {
        return;
    }
    let world = World::new("reload-bypass");
    let _echo = Echo::at(&world.east_lan, "10.2.0.2");
    let through = || passes(&world.west_lan, "10.1.0.2", "10.2.0.2");
    world.configure(At::West, KEY);
    let mut west = world.start(At::West);
    let mut client = west.client();
    client.status(None).unwrap();
    assert!(!through(), "there is no peer");
    let policy = "\n[policy.open]\naction = \"bypass\"\nlocal_net = [\"10.1.0.0/24\"]\nremote_net = [\"10.2.0.0/24\"]\n";
    world.configure_with(At::West, KEY, |text| format!("{text}{policy}"));
    assert_eq!(client.reload(false).unwrap().policies, ["open"]);
    assert!(through(), "{}", west.log());
    world.configure(At::West, KEY);
    client.reload(false).unwrap();
    assert!(!through(), "it is protected again, and there is no peer");
}

/// ```text
/// west.pem of the old CA, ca.pem: old          both trust the old CA
/// ca.pem: new and old                          reload
/// west.pem, then east.pem of the new CA        reload, authenticate anew
/// ca.pem: new                                  reload, authenticate anew
/// ```
#[test]
fn certificates_and_their_ca_are_rotated_without_a_lost_packet() {
    if !permitted("a rotation under traffic") {
        return;
    }
    let world = World::new("rotation");
    let _echo = Echo::at(&world.east_lan, "10.2.0.2");
    let (old, new) = (Ca::new("Old CA"), Ca::new("New CA"));
    for at in [At::West, At::East] {
        let dir = world.dir(at);
        trust(&dir, "ca.pem", &[&old]);
        issue(&world, at, &old);
        world.configure_with(at, KEY, |text| {
            text.replace(
                "auth = { psk_file = \"office.psk\" }",
                "auth = { cert = \"gw.pem\", key = \"gw.key\", ca = [\"ca.pem\"] }",
            )
        });
    }
    let mut east = world.start(At::East);
    east.client();
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    let (mut on_west, mut on_east) = (west.client(), east.client());
    let stream = Stream::start(&world.west_lan, "10.1.0.2", "10.2.0.2");
    stream.go_on();

    let mut seen = vec![ike_spi(&mut on_west)];
    let mut anew = |on_west: &mut Client| {
        let told = on_west.rekey("office", Renewal::Reauthentication, WAIT, |_| {});
        assert!(told.as_ref().unwrap().reached, "{told:?}");
        let spi = ike_spi(on_west);
        assert!(!seen.contains(&spi), "it is another IKE SA");
        seen.push(spi);
        stream.go_on();
    };
    // A leaf by itself: a new certificate and key of the same CA.
    issue(&world, At::West, &old);
    assert!(on_west.reload(false).unwrap().cuts.is_empty());
    anew(&mut on_west);

    // The CA: first both are trusted everywhere.
    for at in [At::West, At::East] {
        trust(&world.dir(at), "ca.pem", &[&new, &old]);
    }
    assert!(on_west.reload(false).unwrap().cuts.is_empty());
    assert!(on_east.reload(false).unwrap().cuts.is_empty());
    // Then one gateway after the other has a certificate of the new one.
    issue(&world, At::West, &new);
    on_west.reload(false).unwrap();
    anew(&mut on_west);
    issue(&world, At::East, &new);
    on_east.reload(false).unwrap();
    anew(&mut on_west);
    // At the end the old one is trusted no more.
    for at in [At::West, At::East] {
        trust(&world.dir(at), "ca.pem", &[&new]);
    }
    on_west.reload(false).unwrap();
    on_east.reload(false).unwrap();
    anew(&mut on_west);

    let (sent, lost) = stream.end();
    assert!(
        lost.is_empty(),
        "{} of {sent} lost: {lost:?}\n{}",
        lost.len(),
        west.log()
    );
    let Shown::Certs(shown) = on_west.show(Topic::Certs, None).unwrap() else {
        panic!("another topic");
    };
    let issuers: Vec<&str> = shown
        .certificates
        .iter()
        .map(|c| c.certificate.issuer.as_str())
        .collect();
    assert_eq!(issuers, ["CN=New CA", "CN=New CA"]);
}

fn issue(world: &World, at: At, ca: &Ca) {
    let us = if at == At::West { 1 } else { 2 };
    ca.issue(&world.dir(at), "gw", &format!("gw{us}.example"), 300);
}
