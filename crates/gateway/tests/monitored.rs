//! The tunnel monitor: a target that dies costs the tunnel nothing, a tunnel that carries nothing any more is repaired without
//! being asked, and routes lead into another tunnel meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod joined;
mod tap;
mod world;

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use adit_diagnose::diagnose;
use adit_gateway::client::Client;
use adit_kernel::{NetNs, sysctl};
use adit_model::event::Happening;
use adit_model::monitored::Judged;
use adit_model::status::TunnelState;
use joined::{KEY, QUICK, filter, judged, monitor_status, monitored_tunnel, up_with};
use tap::Tap;
use world::{At, Running, World, address, eventually, patience, permitted};

/// What a monitor has told and done so far, in words.
fn story(client: &mut Client, tunnel: &str) -> Vec<String> {
    let records = client.events(Some(tunnel)).unwrap().into_iter();
    let words = records.filter_map(|record| match record.event.what {
        Happening::MonitorJudged { judged, .. } => Some(judged.word().to_owned()),
        Happening::MonitorActed { act, .. } => Some(format!("{act:?}")),
        _ => None,
    });
    words.collect()
}

/// Two gateways of which West monitors the tunnel with an echo to a host behind East.
fn monitored(name: &str, more: &str) -> (World, Running, Running) {
    let world = World::new(name);
    let dir = world.dir(At::West);
    let (hook, heard) = (dir.join("hook"), dir.join("heard"));
    let script = format!(
        "#!/bin/sh\necho \"$ADIT_EVENT $ADIT_TEXT\" >> {}\n",
        heard.display()
    );
    std::fs::write(&hook, script).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o700)).unwrap();
    let (mut west, east) = up_with(&world, |at, text| match at {
        At::West => format!(
            "[gateway]\nhook = [\"{}\"]\n{text}\n[tunnel.office.monitor]\n{QUICK}{more}\n",
            hook.display()
        ),
        At::East => text,
    });
    judged(&mut west, "office", Judged::Carries);
    (world, west, east)
}

fn spi_in(client: &mut Client) -> String {
    let status = client.status(Some("office")).unwrap();
    status.tunnels[0].children[0].spi_in.clone().unwrap()
}

/// Drops what comes under these SPIs.
fn drop_spis(at: &NetNs, spis: &[String]) -> bool {
    let rule = |spi: &String| format!("add rule ip broken c esp spi 0x{spi} drop\n");
    let rules: String = spis.iter().map(rule).collect();
    let rules = format!(
        "add table ip broken
         add chain ip broken c {{ type filter hook input priority 0; }}
         flush chain ip broken c
         {rules}"
    );
    filter(at, &rules)
}

#[test]
fn a_target_that_dies_is_told_of_and_the_tunnel_is_left_alone() {
    if !permitted("the tunnel monitor") {
        return;
    }
    let (world, mut west, _east) = monitored("target", "target = \"10.2.0.2\"");
    let mut client = west.client();
    let before = spi_in(&mut client);
    let said = monitor_status(&mut client, "office");
    assert_eq!(said.target.as_deref(), Some("10.2.0.2"));
    assert_eq!(said.source.as_deref(), Some("10.1.0.1"));
    world
        .east_lan
        .run(|| sysctl::write("net.ipv4.icmp_echo_ignore_all", "1").unwrap())
        .unwrap();
    judged(&mut west, "office", Judged::TargetSilent);
    let verdict = diagnose(&client.cases(Some("office"), false).unwrap()[0]);
    assert_eq!(
        verdict.cause(),
        Some("tunnel-monitor-bad-target"),
        "{verdict:#?}"
    );
    // It is looked into again after the hold-down, and nothing else is made of it.
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(story(&mut client, "office"), ["carries", "target-silent"]);
    assert_eq!(spi_in(&mut client), before, "no new keys");

    world
        .east_lan
        .run(|| sysctl::write("net.ipv4.icmp_echo_ignore_all", "0").unwrap())
        .unwrap();
    judged(&mut west, "office", Judged::Carries);
    let verdict = diagnose(&client.cases(Some("office"), false).unwrap()[0]);
    assert_eq!(verdict.cause(), None, "{verdict:#?}");
}

#[test]
fn an_sa_that_carries_one_way_only_gets_new_keys() {
    if !permitted("the tunnel monitor") {
        return;
    }
    let (world, mut west, _east) = monitored("one-sided", "");
    // The program was told that the tunnel came up, and will be told what the monitor finds.
    let heard = world.dir(At::West).join("heard");
    let mut client = west.client();
    let old = spi_in(&mut client);
    if !drop_spis(&world.west, std::slice::from_ref(&old)) {
        return;
    }
    assert!(!world.reaches(&world.west_lan, "10.2.0.2"));
    let told = eventually(Duration::from_secs(20) * patience(), || {
        let told = story(&mut client, "office");
        (told.last()? == "carries" && told.len() > 1).then_some(told)
    });
    assert_eq!(
        told.unwrap_or_else(|| panic!("{}", west.log())),
        ["carries", "one-sided", "Rekey", "carries"]
    );
    assert_ne!(spi_in(&mut client), old);
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
    let told = eventually(Duration::from_secs(5) * patience(), || {
        let text = std::fs::read_to_string(&heard).ok()?;
        text.contains("monitor the monitor asks for new keys for lan")
            .then_some(text)
    });
    assert!(told.is_some(), "{:?}", std::fs::read_to_string(&heard));
}

/// Without a monitor counters alone tell, which takes longer.
#[test]
fn a_tunnel_without_a_monitor_that_sends_and_hears_nothing_any_more_gets_new_keys() {
    if !permitted("SAs that carry one way") {
        return;
    }
    let world = World::new("silence");
    // New keys on trial would be new keys.
    let still = |text: String| text.replace("start =", "test_rekey = \"off\"\nstart =");
    let (mut west, _east) = up_with(&world, |_, text| still(text));
    assert!(world.reaches(&world.west_lan, "10.2.0.2"));
    let mut client = west.client();
    let old = spi_in(&mut client);
    if !drop_spis(&world.west, std::slice::from_ref(&old)) {
        return;
    }
    let told = eventually(Duration::from_secs(60) * patience(), || {
        world.reaches(&world.west_lan, "10.2.0.2").then_some(())?;
        Some(story(&mut client, "office"))
    });
    assert_eq!(told.unwrap_or_else(|| panic!("{}", west.log())), ["Rekey"]);
    assert_ne!(spi_in(&mut client), old);
}

#[test]
fn where_new_keys_do_not_help_the_tunnel_is_set_up_anew() {
    if !permitted("the tunnel monitor") {
        return;
    }
    let (world, mut west, _east) = monitored("anew", "target = \"10.2.0.2\"");
    let mut client = west.client();
    let mut broken = vec![spi_in(&mut client)];
    if !drop_spis(&world.west, &broken) {
        return;
    }
    // Whatever is rekeyed is as broken as before; what is set up anew isn't.
    let told = eventually(Duration::from_secs(30) * patience(), || {
        let told = story(&mut client, "office");
        if !told.iter().any(|word| word == "ReInitiate") {
            for record in client.events(Some("office")).unwrap() {
                if let Happening::ChildRekeyed { new, .. } = record.event.what {
                    let spi = format!("{new:08x}");
                    if !broken.contains(&spi) {
                        broken.push(spi);
                        assert!(drop_spis(&world.west, &broken));
                    }
                }
            }
        }
        (told.last()? == "carries" && told.len() > 1).then_some(told)
    });
    assert_eq!(
        told.unwrap_or_else(|| panic!("{}", west.log())),
        ["carries", "one-sided", "Rekey", "ReInitiate", "carries"]
    );
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
}

#[test]
fn routes_lead_into_the_other_tunnel_and_back_when_the_first_is_well() {
    if !permitted("the tunnel monitor") {
        return;
    }
    let world = World::new("over");
    address(&world.west, "wan", &["198.51.100.1/24"]);
    address(&world.east, "wan", &["198.51.100.2/24"]);
    let monitor = format!(
        "[tunnel.office.monitor]\ntarget = \"10.255.0.PEER\"\nfail_over = \"backup\"\n{QUICK}"
    );
    for at in [At::West, At::East] {
        let routes = "routes = [\"10.PEER.0.0/24\"]";
        world.configure_with(at, KEY, |_| {
            monitored_tunnel(at, "office", ("192.0.2", 0), routes, &monitor)
                + &monitored_tunnel(at, "backup", ("198.51.100", 1), "", "")
        });
    }
    let mut east = world.start(At::East);
    east.client();
    let tap = Tap::on(&world.east);
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    judged(&mut west, "office", Judged::Carries);
    judged(&mut east, "office", Judged::Carries);
    let up = eventually(Duration::from_secs(10) * patience(), || {
        let status = west.client().status(Some("backup")).unwrap();
        (status.tunnels[0].state == TunnelState::Up).then_some(())
    });
    assert!(up.is_some(), "{}", west.log());
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());

    // ESP of the first tunnel is stopped, and IKE isn't.
    let rules = "table ip broken {
        chain c { type filter hook input priority 0; meta l4proto esp ip saddr 192.0.2.2 drop; }
        chain d { type filter hook output priority 0; meta l4proto esp ip daddr 192.0.2.2 drop; }
    }";
    if !filter(&world.west, rules) {
        return;
    }
    assert!(!world.reaches(&world.west_lan, "10.2.0.2"));
    let limit = Duration::from_secs(15) * patience();
    let over = eventually(limit, || {
        let west = monitor_status(&mut west.client(), "office").over?;
        let east = monitor_status(&mut east.client(), "office").over?;
        Some((west, east))
    });
    let both = format!("{}\n{}", west.log(), east.log());
    let backup = || "backup".to_owned();
    assert_eq!(over, Some((backup(), backup())), "{both}");
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{both}");
    assert!(world.reaches(&world.east_lan, "10.1.0.2"), "{both}");

    assert!(filter(&world.west, "delete table ip broken"));
    judged(&mut west, "office", Judged::Carries);
    judged(&mut east, "office", Judged::Carries);
    let back = eventually(limit, || {
        let west = monitor_status(&mut west.client(), "office").over;
        let east = monitor_status(&mut east.client(), "office").over;
        (west.is_none() && east.is_none()).then_some(())
    });
    assert!(back.is_some(), "{}\n{}", west.log(), east.log());
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
    let told = story(&mut west.client(), "office");
    let count = |word: &str| told.iter().filter(|told| *told == word).count();
    assert_eq!((count("FailOver"), count("FailBack")), (1, 1), "{told:?}");
    assert_eq!(tap.clear(), Vec::<String>::new(), "nothing left in clear");
}
