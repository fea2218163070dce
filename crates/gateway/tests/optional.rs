//! Optional tunnels: clear until there is an SA, protected while there is one, and all of it told.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod tap;
mod world;

use std::time::Duration;

use adit_gateway::{BlockHolder, put_up_block};
use adit_kernel::block;
use adit_model::event::Happening;
use adit_model::status::TunnelState;
use tap::Tap;
use world::{At, World, eventually, permitted};

const KEY: &str = "correct horse battery staple\n";

fn optional(text: String) -> String {
    text.replace("[tunnel.office]\n", "[tunnel.office]\npolicy = \"optional\"\nretransmit = { initial = \"100ms\", max = \"200ms\", tries = 5 }\n")
}

#[test]
fn an_optional_tunnel_passes_in_clear_until_there_is_an_sa() {
    if !permitted("an optional tunnel") {
        return;
    }
    let world = World::new("optional");
    world.configure_with(At::West, KEY, optional);
    world.configure(At::East, KEY);
    let tap = Tap::on(&world.east);
    let mut west = world.start(At::West);
    let mut client = west.client();
    // Its socket is there before the host is ready; its first answer isn't.
    client.status(Some("office")).unwrap();
    let far = ["10.2.0.2", "fd00:2::2"];
    for to in far {
        assert!(world.reaches(&world.west_lan, to), "{to}: {}", west.log());
        assert!(world.reaches(&world.west, to), "{to} from the gateway");
    }
    assert!(
        world.reaches(&world.east_lan, "10.1.0.2"),
        "and the other way"
    );
    let (esp, clear) = tap.taken();
    assert!(esp == 0 && clear.len() >= 10, "{esp} {clear:?}");
    let status = client.status(Some("office")).unwrap().tunnels.remove(0);
    assert_eq!((status.policy.as_str(), status.block), ("optional", None));
    let passed = status.clear.unwrap();
    assert_eq!(passed.children, ["lan"]);
    // Four questions and an answer out; a question and two answers in. What the gateway itself asks it asks from its outer
    // address, and answers to that are nothing of the tunnel's.
    assert_eq!(
        (passed.packets_out, passed.packets_in),
        (5, 3),
        "each packet counts once"
    );

    let mut east = world.start(At::East);
    west.wait_for(TunnelState::Up);
    east.wait_for(TunnelState::Up);
    tap.taken();
    for to in far {
        assert!(world.reaches(&world.west_lan, to), "{to}: {}", west.log());
    }
    let (esp, clear) = tap.taken();
    assert!(esp >= 4, "{esp}");
    assert_eq!(
        clear,
        Vec::<String>::new(),
        "protected as soon as there is an SA"
    );
    let status = client.status(Some("office")).unwrap().tunnels.remove(0);
    assert_eq!(status.block.as_deref(), Some("nftables"));
    let clear = status.clear.unwrap();
    assert_eq!(clear.children, Vec::<String>::new());
    // All of it left while there was no SA, and that time is over.
    let gap = status.gap.unwrap();
    assert!(gap.until.is_some(), "{gap:?}");
    assert_eq!(gap.left_in_clear, Some(clear.packets_out), "{gap:?}");

    // The peer goes, and lifts its block: there is no SA again.
    east.client().shutdown().unwrap();
    assert_eq!(east.ended(), Some(0));
    world.east.run(|| block::remove("adit").unwrap()).unwrap();
    let back = eventually(Duration::from_secs(10), || {
        world.reaches(&world.west_lan, "10.2.0.2").then_some(())
    });
    assert!(back.is_some(), "{}", west.log());
    let events = client.events(Some("office")).unwrap();
    let told: Vec<bool> = events
        .iter()
        .filter_map(|r| match &r.event.what {
            Happening::ClearTraffic { passes, .. } => Some(*passes),
            _ => None,
        })
        .collect();
    assert_eq!(told, [true, false, true]);
    let case = client.cases(Some("office"), false).unwrap().remove(0);
    let texts: Vec<_> = case.facts.iter().map(|f| f.source.text.as_str()).collect();
    assert!(
        texts
            .iter()
            .any(|t| t.contains("passes in clear, since `policy` is \"optional\"")),
        "{texts:?}"
    );
    assert!(
        west.log().contains("traffic of lan passes in clear"),
        "{}",
        west.log()
    );

    // In order or not, what ends is the SA: nothing is blocked for ever.
    client.shutdown().unwrap();
    assert_eq!(west.ended(), Some(0));
    assert!(world.reaches(&world.west_lan, "10.2.0.2"));
}

/// The block before a gateway: as it is while one runs, and no obstacle to it.
#[test]
fn the_block_is_there_before_the_gateway_and_the_gateway_takes_it_over() {
    if !permitted("the block before the gateway") {
        return;
    }
    let world = World::new("early");
    world.configure(At::West, KEY);
    world.configure(At::East, KEY);
    let text = std::fs::read_to_string(world.dir(At::West).join("adit.toml")).unwrap();
    let config = adit_config::adit::parse("adit.toml", &text).0.unwrap();
    let far = ["10.2.0.2", "fd00:2::2"];
    assert!(
        world.reaches(&world.west_lan, far[0]),
        "the way is open without it"
    );
    let held = world
        .west
        .run(|| put_up_block(&config, "adit0").unwrap())
        .unwrap();
    assert_eq!(held, BlockHolder::Kernel("nftables"));
    let tap = Tap::on(&world.west);
    for to in far {
        assert!(!world.reaches(&world.west_lan, to), "forwarded to {to}");
        assert!(!world.reaches(&world.west, to), "local to {to}");
    }
    assert!(
        !world.reaches(&world.east_lan, "10.1.0.2"),
        "nothing is let in"
    );
    let mut east = world.start(At::East);
    east.client();
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    assert!(world.reaches(&world.west_lan, far[0]), "{}", west.log());
    let held = world
        .west
        .run(|| put_up_block(&config, "adit0").unwrap())
        .unwrap();
    assert_eq!(held, BlockHolder::Gateway(west.pid()));
    west.kill();
    assert!(!world.reaches(&world.west_lan, far[0]));
    let from_west = |text: &&String| !text.starts_with("10.2.") && !text.starts_with("fd00:2:");
    assert_eq!(tap.clear().iter().filter(from_west).count(), 0);
}

/// A tunnel that isn't optional: what is sent without an SA is held back, counted for the gap, and told with it.
#[test]
fn what_is_held_back_while_there_is_no_sa_is_measured() {
    if !permitted("a gap") {
        return;
    }
    let world = World::new("gap");
    world.configure(At::West, KEY);
    world.configure(At::East, KEY);
    let mut west = world.start(At::West);
    let mut client = west.client();
    client.status(Some("office")).unwrap();
    for _ in 0..3 {
        assert!(!world.reaches(&world.west_lan, "10.2.0.2"));
    }
    let gap = |client: &mut adit_gateway::client::Client| {
        let tunnel = client.status(Some("office")).unwrap().tunnels.remove(0);
        tunnel.gap.unwrap()
    };
    let lasting = gap(&mut client);
    assert!(lasting.until.is_none(), "{lasting:?}");
    // The kernel's IPsec counts what it holds back for the whole host: that isn't told as none.
    let backend = client.status(None).unwrap().data_plane.unwrap().backend;
    match lasting.held_back {
        None => assert_eq!(backend, "kernel", "{lasting:?}"),
        Some(held) => assert!(backend != "kernel" && held >= 3, "{lasting:?}"),
    }
    let mut east = world.start(At::East);
    west.wait_for(TunnelState::Up);
    east.wait_for(TunnelState::Up);
    let over = eventually(Duration::from_secs(5), || {
        let gap = gap(&mut client);
        gap.until.is_some().then_some(gap)
    });
    let over = over.unwrap();
    assert!(over.held_back >= lasting.held_back, "{over:?}");
    assert_eq!(over.left_in_clear, Some(0));
    assert!(world.reaches(&world.west_lan, "10.2.0.2"));
    assert_eq!(gap(&mut client).held_back, over.held_back, "it is over");
    let foreseen = client.foresee(Some("office"), None).unwrap();
    let seen = &foreseen.tunnels[0].seen;
    assert!(
        seen.iter().any(|s| s.starts_with("there was no SA from")),
        "{seen:?}"
    );
}
