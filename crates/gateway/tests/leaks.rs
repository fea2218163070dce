//! What is protected never leaves in clear, whatever happens to the gateways; and new keys cost no packet.
//!
//! Hosts and gateways send all the time, over both IP versions and both ways, while the gateways are started, renewed,
//! killed and stopped. A guard looks at everything that leaves them. `--nocapture` shows a table of what happened.
//!
//! `ADIT_TEST_BACKEND=kernel` does the same with the kernel's IPsec, and `ADIT_TEST_PROGRAM=FILE` with that `adit`
//! instead of the gateway that is built into the test.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod guard;
mod load;
mod stream;
mod world;

use std::time::{Duration, Instant, SystemTime};

use adit_gateway::client::Client;
use adit_gateway::protocol::Renewal;
use adit_gateway::put_up_block;
use adit_model::drops::DropReason;
use adit_model::status::TunnelState;
use guard::Guard;
use load::{Load, Pace};
use stream::Echo;
use world::{At, Running, World, eventually, patience, permitted};

const KEY: &str = "correct horse battery staple\n";

fn wait() -> Duration {
    Duration::from_secs(20) * patience()
}

/// One datagram each millisecond.
fn pace() -> Pace {
    Pace::Every(Duration::from_millis(1) * patience())
}

/// A peer that doesn't answer is dead after about two seconds.
fn impatient(text: &str) -> String {
    let initial = 200 * patience();
    let keys =
        format!("dpd = \"1s\"\nretransmit = {{ initial = \"{initial}ms\", tries = 3 }}\nstart =");
    text.replace("start =", &keys)
}

/// Another child, which a reload brings.
const MORE: &str = "\n[tunnel.office.child.more]\nlocal_net = [\"10.US.9.0/24\"]\nremote_net = [\"10.PEER.9.0/24\"]\n";

fn more(at: At) -> String {
    let (us, peer) = match at {
        At::West => ("1", "2"),
        At::East => ("2", "1"),
    };
    MORE.replace("US", us).replace("PEER", peer)
}

/// The gateways under traffic, and what is counted.
struct Scene<'w> {
    world: &'w World,
    guard: Guard,
    loads: Vec<(&'static str, Load)>,
    table: Vec<String>,
}

impl Scene<'_> {
    /// Lets something happen, and judges it: nothing left in clear meanwhile. With `flows` every flow has had answers
    /// since; else none has, because there is no tunnel.
    fn act<T>(&mut self, name: &str, flows: bool, act: impl FnOnce(&World) -> T) -> T {
        let before = self.counts();
        for (_, load) in &self.loads {
            load.silence();
        }
        let began = Instant::now();
        let made = act(self.world);
        let took = began.elapsed();
        if flows {
            let at = self.counts();
            let flowing = eventually(wait(), || {
                let now = self.counts();
                let all = now.iter().zip(&at).all(|(now, at)| now.1 >= at.1 + 20);
                all.then_some(())
            });
            assert!(
                flowing.is_some(),
                "{name}: {:?} after {at:?}\n{}",
                self.counts(),
                self.logs()
            );
        } else {
            let_arrive();
            let at = self.counts();
            std::thread::sleep(Duration::from_secs(1));
            let now = self.counts();
            let answers = |c: &[(u64, u64)]| c.iter().map(|c| c.1).sum::<u64>();
            let more = answers(&now) - answers(&at);
            assert_eq!(
                more, 0,
                "{name}: {more} answers though nothing carries them"
            );
        }
        let silence = self
            .loads
            .iter()
            .map(|(_, load)| load.silence())
            .max()
            .unwrap();
        let sent: u64 = self
            .counts()
            .iter()
            .zip(&before)
            .map(|(now, then)| now.0 - then.0)
            .sum();
        let clear = self.guard.clear();
        self.table.push(format!(
            "{name:<44}{:>8.2}{sent:>9}{:>13.3}{:>7}",
            took.as_secs_f64(),
            silence.as_secs_f64(),
            clear.len()
        ));
        let some = &clear[..clear.len().min(5)];
        assert!(
            clear.is_empty(),
            "{name}: {} in clear: {some:?}",
            clear.len()
        );
        made
    }

    /// What both gateways have written.
    fn logs(&self) -> String {
        let logs = [At::West, At::East].map(|at| {
            let log = std::fs::read_to_string(self.world.dir(at).join("log"));
            format!("{at:?}\n{}", log.unwrap_or_default())
        });
        logs.concat()
    }

    /// Sent and answered, of each flow.
    fn counts(&self) -> Vec<(u64, u64)> {
        let all = self.loads.iter();
        all.map(|(_, load)| (load.sent(), load.answered()))
            .collect()
    }
}

/// Gives packets that were on their way the time to arrive: a gateway that has just ended may have let them through.
fn let_arrive() {
    std::thread::sleep(Duration::from_millis(100) * patience());
}

/// What `adit block` does before the network is up.
fn block_as_at_boot(world: &World, at: At) {
    let text = std::fs::read_to_string(world.dir(at).join("adit.toml")).unwrap();
    let (config, problems) = adit_config::adit::parse("adit.toml", &text);
    let config = config.unwrap_or_else(|| panic!("{problems:?}"));
    let put_up = world
        .ns(at)
        .run(|| put_up_block(&config, "adit0").map(drop));
    put_up.unwrap().unwrap();
}

fn renew(client: &mut Client, what: Renewal) {
    let outcome = client.rekey("office", what, wait(), |_| {}).unwrap();
    assert!(outcome.reached, "{}", outcome.summary);
}

fn up(gateway: &mut Running) {
    gateway.wait_for(TunnelState::Up);
}

#[test]
fn nothing_leaves_in_clear_whatever_happens_to_the_gateways() {
    if !permitted("leaks") {
        return;
    }
    let world = World::new("leaks");
    for at in [At::West, At::East] {
        world.configure_with(at, KEY, |text| impatient(&text));
    }
    let _echoes = [
        Echo::at(&world.east_lan, "10.2.0.2"),
        Echo::at(&world.east_lan, "fd00:2::2"),
        Echo::at(&world.west_lan, "10.1.0.2"),
    ];
    let flow = |name, ns, from, to| (name, Load::start(ns, from, to, pace()));
    let loads = vec![
        flow("IPv4", &world.west_lan, "10.1.0.2", "10.2.0.2"),
        flow("IPv6", &world.west_lan, "fd00:1::2", "fd00:2::2"),
        flow("back", &world.east_lan, "10.2.0.2", "10.1.0.2"),
        flow("the gateway's own", &world.west, "10.1.0.1", "10.2.0.2"),
    ];
    let guard = Guard::between(&world);
    // Before any gateway was ever started everything finds its way in clear: only so does a leak show.
    let open = eventually(wait(), || {
        loads.iter().all(|(_, l)| l.answered() > 20).then_some(())
    });
    assert!(open.is_some() && guard.clear().len() > 50);

    for at in [At::West, At::East] {
        block_as_at_boot(&world, at);
    }
    let_arrive();
    guard.forget();
    let mut scene = Scene {
        world: &world,
        guard,
        loads,
        table: Vec::new(),
    };
    scene.act("blocked at boot, no gateway runs", false, |_| {});
    let [mut west, mut east] = scene.act("first start", true, |world| {
        let mut east = world.start(At::East);
        east.client();
        let mut west = world.start(At::West);
        up(&mut west);
        [west, east]
    });
    let mut client = west.client();
    scene.act("keys of the child, three times", true, |_| {
        for _ in 0..3 {
            renew(&mut client, Renewal::Child("lan".to_owned()));
        }
    });
    scene.act("keys of the IKE SA, three times", true, |_| {
        for _ in 0..3 {
            renew(&mut client, Renewal::IkeSa);
        }
    });
    scene.act("authenticated anew, twice", true, |_| {
        for _ in 0..2 {
            renew(&mut client, Renewal::Reauthentication);
        }
    });
    scene.act("a reload brings a child", true, |world| {
        for (at, running) in [(At::East, &mut east), (At::West, &mut west)] {
            world.configure_with(at, KEY, |text| impatient(&text) + &more(at));
            assert!(running.client().reload(false).unwrap().done);
        }
    });
    scene.act("a reload changes the child's algorithms", true, |world| {
        for (at, running) in [(At::East, &mut east), (At::West, &mut west)] {
            world.configure_with(at, KEY, |text| {
                impatient(&text).replace("aes128gcm16\"]\n", "aes256gcm16\"]\n") + &more(at)
            });
            assert!(running.client().reload(false).unwrap().done);
        }
    });
    scene.act("reset", true, |_| {
        let outcome = client.reset(Some("office"), None, wait(), |_| {}).unwrap();
        assert!(outcome.reached, "{}", outcome.summary);
    });
    scene.act(
        "kill -9 of the peer, until it is known to be dead",
        false,
        |_| {
            east.kill();
            let known = eventually(wait(), || {
                let status = client.status(Some("office")).unwrap();
                (status.tunnels[0].state != TunnelState::Up).then_some(())
            });
            assert!(known.is_some(), "the peer lives on");
        },
    );
    let mut east = scene.act("the peer is back", true, |world| {
        let mut east = world.start(At::East);
        up(&mut east);
        east
    });
    scene.act("kill -9", false, |_| west.kill());
    let west = scene.act("back", true, |world| {
        let mut west = world.start(At::West);
        up(&mut west);
        west
    });
    let mut west = scene.act("kill -9, and back at once", true, |world| {
        west.kill();
        let mut west = world.start(At::West);
        up(&mut west);
        west
    });
    scene.act("stopped in order", false, |_| {
        west.client().shutdown().unwrap();
        assert_eq!(west.ended(), Some(0));
    });
    let mut west = scene.act("started", true, |world| {
        let mut west = world.start(At::West);
        up(&mut west);
        west
    });
    scene.act("down by command", false, |_| {
        let outcome = west.client().down("office", wait(), |_| {}).unwrap();
        assert!(outcome.reached, "{}", outcome.summary);
    });
    scene.act("up by command", true, |_| {
        let outcome = west.client().up("office", wait(), |_| {}).unwrap();
        assert!(outcome.reached, "{}", outcome.summary);
    });
    scene.act("both stopped", false, |_| {
        for gateway in [&mut west, &mut east] {
            gateway.client().shutdown().unwrap();
            assert_eq!(gateway.ended(), Some(0));
        }
    });
    assert_eq!(scene.guard.missed(), 0, "the guard wasn't fast enough");
    assert!(scene.guard.protected() > 1000);
    eprintln!(
        "{:<44}{:>8}{:>9}{:>13}{:>7}\n{}",
        "what happens",
        "took/s",
        "packets",
        "no answer/s",
        "clear",
        scene.table.join("\n")
    );
}

/// Without a unit at boot packets find their way in clear until a gateway is started for the first time; from its first
/// answer on its side is closed.
#[test]
fn a_first_start_closes_its_side_before_it_answers() {
    if !permitted("a first start") {
        return;
    }
    let world = World::new("first");
    for at in [At::West, At::East] {
        world.configure(at, KEY);
    }
    let _echo = Echo::at(&world.east_lan, "10.2.0.2");
    let load = Load::start(&world.west_lan, "10.1.0.2", "10.2.0.2", pace());
    let guard = Guard::between(&world);
    let open = eventually(wait(), || (load.answered() > 20).then_some(()));
    assert!(open.is_some() && !guard.clear().is_empty());
    let begun = SystemTime::now();
    let mut west = world.start(At::West);
    west.client().status(None).unwrap();
    let closed = SystemTime::now();
    let some = load.sent();
    let more = eventually(wait(), || (load.sent() > some + 200).then_some(()));
    assert!(more.is_some());
    let clear = guard.clear();
    // East answers those that were on their way.
    let ours = clear.iter().filter(|clear| clear.text.starts_with("10.1."));
    let last = ours.map(|clear| clear.at).max().unwrap();
    assert!(last <= closed, "{clear:?}");
    assert_eq!(guard.missed(), 0, "the guard wasn't fast enough");
    let gap = last.duration_since(begun).unwrap_or_default();
    eprintln!(
        "{:.3} s from the start of the process to the last packet in clear, without a unit at boot",
        gap.as_secs_f64()
    );
}

/// As many packets as the gateways carry, and no more, so that each one that is missing was lost by the renewal.
#[test]
fn new_keys_under_load_cost_no_packet() {
    if !permitted("new keys under load") {
        return;
    }
    let world = World::new("rekeys");
    for at in [At::West, At::East] {
        world.configure(at, KEY);
    }
    let _echoes = [
        Echo::at(&world.east_lan, "10.2.0.2"),
        Echo::at(&world.west_lan, "fd00:1::2"),
    ];
    let mut east = world.start(At::East);
    east.client().status(None).unwrap();
    let mut west = world.start(At::West);
    up(&mut west);
    up(&mut east);
    let (mut on_west, mut on_east) = (west.client(), east.client());
    let pace = Pace::UnderWay(64);
    let there = Load::start(&world.west_lan, "10.1.0.2", "10.2.0.2", pace);
    let back = Load::start(&world.east_lan, "fd00:2::2", "fd00:1::2", pace);
    let go_on = || {
        let at = (there.answered(), back.answered());
        let more = eventually(wait(), || {
            let now = (there.answered(), back.answered());
            (now.0 > at.0 + 1000 && now.1 > at.1 + 1000).then_some(())
        });
        assert!(more.is_some(), "{at:?}: {}{}", west.log(), east.log());
    };
    go_on();
    let mut renewals = 0;
    for what in [
        Renewal::Child("lan".to_owned()),
        Renewal::IkeSa,
        Renewal::Everything,
        Renewal::Reauthentication,
    ] {
        // Whoever begins: the other one has other SAs to wait with.
        for at in [At::West, At::East, At::West] {
            let client = match at {
                At::West => &mut on_west,
                At::East => &mut on_east,
            };
            renew(client, what.clone());
            renewals += 1;
            go_on();
        }
    }
    let mut packets = 0.0;
    for (flow, load) in [("there", there), ("back", back)] {
        let result = load.end();
        let some = &result.lost[..result.lost.len().min(20)];
        assert!(
            result.lost.is_empty(),
            "{flow}: {} of {} lost: {some:?}\n{}{}",
            result.lost.len(),
            result.sent,
            west.log(),
            east.log()
        );
        packets += 2.0 * result.per_second;
        eprintln!(
            "{flow}: {} sent, each answered, through {renewals} renewals",
            result.sent
        );
    }
    // Each datagram passes each gateway twice.
    eprintln!("{packets:.0} packets a second through each gateway, none lost");
    for client in [&mut on_west, &mut on_east] {
        // The host may say something to the link itself, which is no packet of anybody's.
        let mut drops = client.drops().unwrap();
        drops.retain(|drop| drop.reason != DropReason::OutLinkScope);
        assert!(
            drops.iter().all(|drop| drop.packets == 0),
            "{drops:?}\n{}{}",
            west.log(),
            east.log()
        );
    }
}
