//! The live diagnosis of tunnels that the kernel's IPsec carries: what is told of a healthy one and of broken ones, by whom
//! a packet is dropped, what will fail, and what is done about it. Skipped where the kernel has no ESP; `cargo xtask kernel` has one that does.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod carried;
mod joined;
mod narrow;
mod stream;
mod tap;
mod world;

use std::net::IpAddr;
use std::time::Duration;

use adit_diagnose::{Answer, diagnose};
use adit_gateway::client::Client;
use adit_gateway::protocol::Request;
use adit_kernel::xfrm::{Direction, Policy, PolicyId, Selector, Verdict, Xfrm};
use adit_kernel::{NetNs, sysctl};
use adit_model::ahead::Weight;
use adit_model::drops::DropReason;
use adit_model::event::Happening;
use adit_model::monitored::{Act, Judged};
use adit_model::probed::{Check, Outcome};
use adit_model::status::TunnelState;
use adit_model::traced::{HopOutcome, How, Stop, Traced};
use carried::{WAIT, in_kernel, possible, same, states, up};
use joined::{KEY, QUICK, check, filter, findings, judged, monitor_status, monitored_tunnel, only};
use narrow::{narrow, squeeze};
use stream::{Echo, Stream, tcp_passes};
use tap::Tap;
use world::{At, Running, World, address, eventually, patience};

/// A policy of somebody else's, before all of ours.
fn foreign(direction: Direction, from: &str, to: &str, verdict: Verdict) -> Policy {
    Policy {
        id: PolicyId {
            direction,
            selector: Selector::between(from.parse().unwrap(), to.parse().unwrap()),
            if_id: 0,
        },
        priority: 1,
        index: 0,
        verdict,
    }
}

fn add(at: &NetNs, policy: &Policy) {
    let add = || Xfrm::open().unwrap().add_policy(policy).unwrap();
    at.run(add).unwrap();
}

fn delete(at: &NetNs, policy: &Policy) {
    let delete = || {
        let mut xfrm = Xfrm::open().unwrap();
        let standing = xfrm.standing(&policy.id).unwrap().unwrap();
        assert!(xfrm.delete_policy(&policy.id, standing.index).unwrap());
    };
    at.run(delete).unwrap();
}

/// The only finding of a test that is made now.
fn found_only(client: &mut Client, id: &str) -> Check {
    only(&client.probe("office", None).unwrap(), id)
}

/// Waits until `adit why` finds this cause.
fn finds(client: &mut Client, cause: &str) {
    let mut last = None;
    let found = eventually(WAIT, || {
        let case = client.cases(Some("office"), true).unwrap().pop().unwrap();
        let verdict = diagnose(&case);
        let found = verdict.cause() == Some(cause);
        last = Some((verdict, case));
        found.then_some(())
    });
    assert!(found.is_some(), "not {cause}: {last:#?}");
}

/// No test finds anything, and the verdict is that the tunnel is healthy, as soon as what was before is forgotten.
fn is_healthy(running: &mut Running) {
    let mut client = running.client();
    let probed = client.probe("office", None).unwrap();
    assert!(findings(&probed).is_empty(), "{probed:#?}");
    let told = |id: &str| {
        let check = probed.checks.iter().find(|c| c.id == id);
        check.unwrap_or_else(|| panic!("{id}: {probed:#?}")).outcome
    };
    for id in ["kernel-policies", "kernel-states", "routes-inside"] {
        assert_eq!(told(id), Outcome::Well, "{probed:#?}");
    }
    let mut last = None;
    let healthy = eventually(WAIT, || {
        let case = client.cases(Some("office"), true).unwrap().pop().unwrap();
        let verdict = diagnose(&case);
        let healthy = verdict.verdict == Answer::Healthy;
        last = Some(verdict);
        healthy.then_some(())
    });
    assert!(healthy.is_some(), "{last:#?}\n{}", running.log());
}

/// What a monitor, or what looks after the kernel's SAs, has done: each act with its reason.
fn acts(client: &mut Client) -> Vec<(Act, String)> {
    let records = client.events(Some("office")).unwrap().into_iter();
    let of = |what| match what {
        Happening::MonitorActed { act, why, .. } => Some((act, why)),
        _ => None,
    };
    records.filter_map(|record| of(record.event.what)).collect()
}

/// What belongs to the replacement of a pair.
fn step(what: &Happening) -> Option<&'static str> {
    match what {
        Happening::MonitorActed { .. } => Some("told"),
        Happening::Sent(message) if message.exchange == "CREATE_CHILD_SA" && !message.response => {
            Some("asked")
        }
        _ => None,
    }
}

#[test]
fn states_that_somebody_deletes_are_told_of_and_replaced_and_policies_are_back() {
    if !possible("states and policies that are deleted") {
        return;
    }
    let world = World::new("deleted");
    let (mut west, _east) = up(&world, same, same);
    is_healthy(&mut west);
    let own: IpAddr = "192.0.2.1".parse().unwrap();
    for receiving in [true, false] {
        let mut client = west.client();
        let before = acts(&mut client).len();
        let newest = client
            .events(Some("office"))
            .unwrap()
            .last()
            .map(|r| r.number);
        let states = states(&world, At::West);
        let mut states = states.iter();
        let gone = states.find(|s| (s.id.destination == own) == receiving);
        let gone = gone.unwrap().id;
        let delete = || Xfrm::open().unwrap().delete_state(&gone).unwrap();
        assert!(world.west.run(delete).unwrap());
        let told = eventually(WAIT, || {
            let acts = acts(&mut client);
            let (act, why) = acts.get(before..)?.first()?.clone();
            (act == Act::Rekey && why.contains("somebody deleted it")).then_some(())
        });
        assert!(told.is_some(), "{:?}\n{}", acts(&mut client), west.log());
        // First why, then what is done about it.
        let mut story = Vec::new();
        let whole = eventually(WAIT, || {
            let records = client.events(Some("office")).unwrap().into_iter();
            let fresh = records.filter(|record| Some(record.number) > newest);
            story = fresh
                .filter_map(|record| step(&record.event.what))
                .collect();
            (story.len() >= 2).then_some(())
        });
        assert!(whole.is_some(), "{story:?}\n{}", west.log());
        assert_eq!(story[..2], ["told", "asked"], "{}", west.log());
        let back = eventually(WAIT, || {
            world.reaches(&world.west_lan, "10.2.0.2").then_some(())
        });
        assert!(back.is_some(), "{}", west.log());
    }
    let all = || {
        let mut xfrm = Xfrm::open().unwrap();
        for policy in xfrm.policies().unwrap() {
            xfrm.delete_policy(&policy.id, policy.index).unwrap();
        }
    };
    world.west.run(all).unwrap();
    let back = eventually(WAIT, || {
        world.reaches(&world.west_lan, "10.2.0.2").then_some(())
    });
    assert!(back.is_some(), "{}", west.log());
    is_healthy(&mut west);
}

/// A link that takes less than who sends believes, and says nothing. What the fix tells to do is done.
#[test]
fn the_fix_of_a_black_hole_mends_it_in_the_kernel_too() {
    if !possible("a narrower path") {
        return;
    }
    let (world, _router) = narrow("kernel-hole", 1500);
    squeeze(&world.east, "wan", 1300);
    let v4 = |at: At, text: String| {
        let number = if at == At::West { [1, 2] } else { [2, 1] };
        let v6 = number.map(|number| format!(", \"fd00:{number}::/64\""));
        let text = text.replace("start =", "test_rekey = \"off\"\nstart =");
        text.replace(&v6[0], "").replace(&v6[1], "")
    };
    let of = |at| move |text| v4(at, text);
    let (mut west, mut east) = up(&world, of(At::West), of(At::East));
    let silence = Duration::from_secs(3) * patience();
    let passes = || tcp_passes(&world.west_lan, &world.east_lan, "10.2.0.2", silence);
    assert!(!passes(), "too long for the link");
    let probed = west.client().probe("office", None).unwrap();
    let found = check(&probed, "esp-mtu-out");
    assert_eq!(found.outcome, Outcome::Finding, "{probed:#?}");
    let inside: u32 = found.values["inside"].parse().unwrap();
    let told = format!("`--tun-mtu {inside}`");
    assert!(found.fix.as_ref().unwrap().contains(&told), "{found:#?}");

    world.set_tun_mtu(At::West, inside);
    west.client().shutdown().unwrap();
    assert_eq!(west.ended(), Some(0));
    east.wait_for(TunnelState::Down);
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    assert!(passes(), "{}", west.log());
    let probed = west.client().probe("office", None).unwrap();
    let known = check(&probed, "esp-mtu-out");
    assert_eq!(known.outcome, Outcome::Well, "{probed:#?}");
    assert!(findings(&probed).is_empty(), "{probed:#?}");
}

#[test]
fn what_the_host_does_to_a_tunnel_in_the_kernel_has_its_cause() {
    if !possible("faults of the host") {
        return;
    }
    let world = World::new("host");
    let (mut west, _east) = up(&world, same, same);
    let mut client = west.client();
    let (ours, theirs) = ("10.1.0.0/16", "10.2.0.0/16");
    for (direction, from, to, verdict, said) in [
        (Direction::Out, ours, theirs, Verdict::Block, "throws away"),
        (
            Direction::Forward,
            theirs,
            ours,
            Verdict::Block,
            "throws away",
        ),
        (
            Direction::Out,
            ours,
            theirs,
            Verdict::Allow,
            "has pass in clear",
        ),
    ] {
        let policy = foreign(direction, from, to, verdict);
        add(&world.west, &policy);
        assert!(!world.reaches(&world.west_lan, "10.2.0.2"), "{said}");
        let check = found_only(&mut client, "kernel-policies");
        assert!(check.summary.contains(said), "{check:#?}");
        assert!(check.summary.contains("priority 1)"), "{check:#?}");
        finds(&mut client, "stale-policy-steals-traffic");
        delete(&world.west, &policy);
        assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
    }
    let forward = |value: &str| sysctl::write("net.ipv4.ip_forward", value).unwrap();
    world.west.run(|| forward("0")).unwrap();
    let check = found_only(&mut client, "forwarding");
    assert!(check.summary.contains("ip_forward is 0"), "{check:#?}");
    finds(&mut client, "ip-forward-disabled");
    world.west.run(|| forward("1")).unwrap();
    // The kernel doesn't ask of what its IPsec has opened where it came from: this is no fault.
    for device in ["all", "wan", "lan", "adit0"] {
        let strict = || sysctl::write(&format!("net.ipv4.conf.{device}.rp_filter"), "1").unwrap();
        world.west.run(strict).unwrap();
    }
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
    is_healthy(&mut west);
}

#[test]
fn a_reset_at_each_radius_leaves_the_kernel_one_pair() {
    if !possible("resetting in the kernel") {
        return;
    }
    let world = World::new("radii");
    let (mut west, _east) = up(&world, same, same);
    let mut client = west.client();
    let spis = || {
        let mut spis: Vec<u32> = states(&world, At::West).iter().map(|s| s.id.spi).collect();
        spis.sort_unstable();
        spis
    };
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
    let radii = [
        (Some("office"), Some("lan")),
        (Some("office"), None),
        (None, None),
    ];
    for (tunnel, child) in radii {
        let before = spis();
        let plan = client.plan_reset(tunnel, child).unwrap();
        assert_eq!(
            (plan.cuts.len(), plan.cuts[0].ipsec_sas),
            (1, 1),
            "{plan:?}"
        );
        let whole = usize::from(child.is_none());
        assert_eq!(plan.cuts[0].ike_sas, whole, "{plan:?}");
        assert_eq!(spis(), before, "only told");
        let reset = client.reset(tunnel, child, WAIT, |_| {}).unwrap();
        assert!(reset.reached, "{reset:?}\n{}", west.log());
        assert!(reset.summary.contains("is in "), "{reset:?}");
        let one = eventually(WAIT, || {
            let now = spis();
            let fresh = now.iter().all(|spi| !before.contains(spi));
            (now.len() == 2 && fresh).then_some(())
        });
        assert!(one.is_some(), "{:x?}, before {before:x?}", spis());
        let back = eventually(WAIT, || {
            world.reaches(&world.west_lan, "10.2.0.2").then_some(())
        });
        assert!(back.is_some(), "{}", west.log());
    }
}

/// Warnings of what will fail, and everything that was seen.
fn ahead(client: &mut Client) -> (Vec<String>, Vec<String>) {
    let told = client.foresee(Some("office"), None).unwrap();
    let tunnel = told.tunnels.into_iter().next().unwrap();
    let warnings = tunnel.ahead.iter().filter(|w| w.weight == Weight::Warning);
    (
        warnings.map(|w| w.cause.clone()).collect(),
        tunnel.seen.iter().map(ToString::to_string).collect(),
    )
}

#[test]
fn what_will_fail_is_known_by_a_rekey_on_trial_that_costs_no_packet() {
    if !possible("a rekey on trial in the kernel") {
        return;
    }
    let tried = |text: String| text.replace("start = ", "test_rekey = \"1s\"\nstart = ");
    let group = |text: String| text.replace("[\"aes128gcm16\"]", "[\"aes128gcm16-x25519\"]");
    let spis = |world: &World| -> Vec<u32> {
        let states = states(world, At::West);
        states.iter().map(|state| state.id.spi).collect()
    };
    // The peer has the group, or doesn't.
    for refused in [false, true] {
        let world = World::new(if refused { "refused" } else { "tried" });
        let east = |text| if refused { text } else { tried(text) };
        let west = |text| {
            if refused {
                group(tried(text))
            } else {
                tried(text)
            }
        };
        let (mut west, _east) = up(&world, west, east);
        let _echo = Echo::at(&world.east_lan, "10.2.0.2");
        let before = spis(&world);
        let stream = Stream::start(&world.west_lan, "10.1.0.2", "10.2.0.2");
        let mut client = west.client();
        if refused {
            let found = eventually(WAIT, || {
                let (found, _) = ahead(&mut client);
                (!found.is_empty()).then_some(found)
            });
            let wanted = vec!["pfs-mismatch-at-rekey".to_owned()];
            assert_eq!(found, Some(wanted), "{}", west.log());
            assert_eq!(spis(&world), before, "nothing has changed");
        } else {
            let renewed = eventually(WAIT, || {
                let now = spis(&world);
                let fresh = now.iter().all(|spi| !before.contains(spi));
                (now.len() == 2 && fresh).then_some(())
            });
            assert!(renewed.is_some(), "{}", west.log());
            let (found, seen) = ahead(&mut client);
            assert_eq!(found, Vec::<String>::new());
            let room = |text: &String| text.contains("of 1500 octets on the path");
            assert!(seen.iter().any(room), "{seen:?}");
        }
        stream.go_on();
        let (sent, lost) = stream.end();
        assert!(lost.is_empty(), "of {sent}: {lost:?}\n{}", west.log());
    }
}

#[test]
fn a_monitor_renews_what_the_kernel_carries_one_way_and_sees_when_it_is_well() {
    if !possible("the tunnel monitor") {
        return;
    }
    let world = World::new("monitored");
    let monitor = |text| format!("{text}\n[tunnel.office.monitor]\n{QUICK}target = \"10.2.0.2\"\n");
    let (mut west, _east) = up(&world, monitor, same);
    judged(&mut west, "office", Judged::Carries);
    let mut client = west.client();
    assert_eq!(
        monitor_status(&mut client, "office").source.as_deref(),
        Some("10.1.0.1")
    );
    // The peer opens what comes, and policies that aren't its gateway's throw it away.
    let block = |direction| foreign(direction, "10.1.0.0/16", "10.2.0.0/16", Verdict::Block);
    let blocks = [Direction::In, Direction::Forward].map(block);
    blocks.iter().for_each(|policy| add(&world.east, policy));
    judged(&mut west, "office", Judged::OneSided);
    let renewed = eventually(WAIT, || {
        let acts = acts(&mut client);
        acts.iter().any(|(act, _)| *act == Act::Rekey).then_some(())
    });
    assert!(renewed.is_some(), "{}", west.log());
    blocks.iter().for_each(|policy| delete(&world.east, policy));
    judged(&mut west, "office", Judged::Carries);
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
}

fn trace(client: &mut Client, from: &str, to: &str) -> Traced {
    let wait = Duration::from_secs(2);
    let request = Request::Trace {
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        protocol: None,
        port: None,
        send: true,
        wait_ms: 2000,
    };
    client.trace(&request, wait * patience()).unwrap()
}

fn stages(traced: &Traced, back: bool) -> Vec<&str> {
    let hops = traced.hops.iter().filter(|hop| hop.back == back);
    hops.map(|hop| hop.stage.as_str()).collect()
}

fn stop(traced: &Traced) -> Stop {
    let stopped = traced.stopped.clone();
    stopped.unwrap_or_else(|| panic!("{traced:#?}"))
}

#[test]
fn a_packet_is_followed_through_the_kernel_and_who_stops_it_is_named() {
    if !possible("packets on their way") {
        return;
    }
    let world = World::new("followed");
    let (mut west, _east) = up(&world, same, same);
    if !west.log().contains("is blocked by nftables") {
        eprintln!("skipped: packets on their way: this kernel's packet filter isn't nf_tables");
        return;
    }
    let mut client = west.client();
    let whole = trace(&mut client, "10.1.0.1", "10.2.0.2");
    assert_eq!(whole.stopped, None, "{whole:#?}");
    assert_eq!((whole.how, whole.sent.packets), (How::Sent, 1));
    assert_eq!(
        stages(&whole, false),
        [
            "output", "route", "filter", "filter", "policy", "sa", "wire-out"
        ]
    );
    assert_eq!(
        stages(&whole, true),
        ["wire-in", "sa", "open", "filter", "filter", "input"]
    );
    let passed = |traced: &Traced| traced.hops.iter().all(|h| h.outcome == HopOutcome::Passed);
    assert!(passed(&whole), "{whole:#?}");
    let said = |stage: &str| {
        let hop = whole.hops.iter().find(|hop| hop.stage == stage);
        hop.unwrap().text.clone()
    };
    let (policy, sa) = (said("policy"), said("sa"));
    assert!(
        policy.contains("10.1.0.0/24 → 10.2.0.0/24 (out"),
        "{policy}"
    );
    let sending = states(&world, At::West);
    let sending = sending
        .iter()
        .find(|s| s.id.destination.to_string() == "192.0.2.2");
    let spi = format!("SPI {:08x}, 1 sealed", sending.unwrap().id.spi);
    assert!(sa.starts_with(&spi), "{sa}");
    let far = whole.far.clone().unwrap_or_else(|| panic!("{whole:#?}"));
    let counts: Vec<_> = far
        .sas
        .iter()
        .map(|sa| (sa.sent, sa.opened, sa.lost))
        .collect();
    assert_eq!(counts, [(1, 1, 0), (1, 1, 0)], "{far:#?}");

    // Policies of others, by which the kernel drops what leaves or what it has opened.
    for (direction, from, to, counter, back) in [
        (Direction::Out, "10.1.0.0/16", "10.2.0.0/16", "", false),
        (
            Direction::In,
            "10.2.0.0/16",
            "10.1.0.1/32",
            "XfrmInPolBlock +",
            true,
        ),
    ] {
        let policy = foreign(direction, from, to, Verdict::Block);
        add(&world.west, &policy);
        let traced = trace(&mut client, "10.1.0.1", "10.2.0.2");
        let stop = stop(&traced);
        assert_eq!(
            (stop.by.as_str(), stop.back),
            ("kernel", back),
            "{traced:#?}"
        );
        assert!(stop.reason.contains(counter), "{stop:#?}");
        assert!(stop.fix.is_some(), "{stop:#?}");
        delete(&world.west, &policy);
    }
    // Packets of a host behind this one, which the kernel asks its policies about before it forwards them.
    let watched = watched(&world, &mut client);
    assert_eq!(watched.stopped, None, "{watched:#?}");
    assert_eq!(
        stages(&watched, false),
        [
            "interface-in",
            "filter",
            "route",
            "filter",
            "filter",
            "policy",
            "sa",
            "wire-out"
        ]
    );
    assert_eq!(stages(&watched, true).last(), Some(&"interface-out"));
    assert!(passed(&watched), "{watched:#?}");
    for (direction, from, to, back) in [
        (Direction::Out, "10.1.0.0/16", "10.2.0.0/16", false),
        (Direction::Forward, "10.2.0.0/16", "10.1.0.0/16", true),
    ] {
        let policy = foreign(direction, from, to, Verdict::Block);
        add(&world.west, &policy);
        let stop = stop(&self::watched(&world, &mut client));
        assert_eq!((stop.by.as_str(), stop.back), ("kernel", back), "{stop:#?}");
        assert!(stop.reason.contains("priority 1)"), "{stop:#?}");
        delete(&world.west, &policy);
    }
    // Answers under an SPI whose state somebody has just deleted here.
    let own: IpAddr = "192.0.2.1".parse().unwrap();
    let unknown = eventually(WAIT, || {
        let states = states(&world, At::West);
        let receiving = states.iter().find(|s| s.id.destination == own)?.id;
        let delete = || Xfrm::open().unwrap().delete_state(&receiving).unwrap();
        assert!(world.west.run(delete).unwrap());
        let traced = trace(&mut client, "10.1.0.1", "10.2.0.2");
        let back = eventually(WAIT, || {
            world.reaches(&world.west, "10.2.0.2").then_some(())
        });
        assert!(back.is_some(), "{}", west.log());
        // It may have been replaced before the echo was sent.
        let stop = traced.stopped?;
        // Or while it was on its way: then it is at most perhaps the reason.
        (stop.by == "kernel").then_some((stop.by, stop.reason, stop.fix))
    });
    let (by, reason, fix) = unknown.unwrap();
    assert_eq!(by, "kernel", "{reason}");
    // The gateway may have noticed before the echo was sent, and nothing leaves then until there is another pair.
    let words = [
        "XfrmInNoStates +1",
        "XfrmOutNoStates +",
        "no state with SPI",
    ];
    assert!(words.iter().any(|word| reason.contains(word)), "{reason}");
    assert!(fix.unwrap().contains("office"));
    // A rule, here and there.
    let table = |hook: &str, rule: &str| {
        format!("table ip guard {{\nchain c {{ type filter hook {hook} priority 0; {rule}; }}\n}}")
    };
    for (at, hook, rule, by, reason) in [
        (
            At::West,
            "input",
            "meta l4proto esp drop",
            "filter",
            "meta l4proto esp drop",
        ),
        (
            At::East,
            "forward",
            "drop",
            "far-side",
            "at the peer: this host's filter drops",
        ),
    ] {
        if !filter(world.ns(at), &table(hook, rule)) {
            continue;
        }
        let traced = trace(&mut client, "10.1.0.1", "10.2.0.2");
        let stop = stop(&traced);
        assert_eq!(stop.by, by, "{rule}: {traced:#?}");
        assert!(stop.reason.contains(reason), "{stop:#?}");
        assert!(filter(world.ns(at), "delete table ip guard"));
    }
    // Without a tunnel, the kernel says so too.
    client.down("office", WAIT, |_| {}).unwrap();
    let traced = trace(&mut client, "10.1.0.1", "10.2.0.2");
    let none = stop(&traced);
    assert_eq!(
        (none.stage.as_str(), none.by.as_str()),
        ("sa", "gateway"),
        "{traced:#?}"
    );
    assert!(none.reason.contains("XfrmOut"), "{none:#?}");
    let counted = eventually(WAIT, || {
        let drops = client.drops().unwrap();
        let mut of = drops.iter().filter(|d| d.reason == DropReason::OutNoSa);
        of.any(|drop| drop.packets > 0).then_some(())
    });
    assert!(counted.is_some(), "{:?}", client.drops().unwrap());
}

/// The way of echoes of the host behind West.
fn watched(world: &World, client: &mut Client) -> Traced {
    std::thread::scope(|scope| {
        let traced = scope.spawn(|| trace(client, "10.1.0.2", "10.2.0.2"));
        while !traced.is_finished() {
            world.reaches(&world.west_lan, "10.2.0.2");
            std::thread::sleep(Duration::from_millis(100));
        }
        traced.join().unwrap()
    })
}

#[test]
fn routes_lead_into_the_other_xfrm_interface_and_back() {
    if !possible("the tunnel monitor with XFRM interfaces") {
        return;
    }
    if let Err(error) = adit_gateway::interfaces::probe_xfrm() {
        eprintln!("skipped: the tunnel monitor with XFRM interfaces: {error}");
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
            let office = monitored_tunnel(at, "office", ("192.0.2", 0), routes, &monitor);
            let backup = monitored_tunnel(at, "backup", ("198.51.100", 1), "", "");
            in_kernel(&(office + &backup))
        });
    }
    let mut east = world.start(At::East);
    east.client();
    let tap = Tap::on(&world.east);
    let mut west = world.start(At::West);
    west.wait_for(TunnelState::Up);
    judged(&mut west, "office", Judged::Carries);
    judged(&mut east, "office", Judged::Carries);
    let limit = Duration::from_secs(15) * patience();
    let up = eventually(limit, || {
        let status = west.client().status(Some("backup")).unwrap();
        (status.tunnels[0].state == TunnelState::Up).then_some(())
    });
    assert!(up.is_some(), "{}", west.log());
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
    let mut client = west.client();
    let probed = client.probe("office", "10.255.0.2".parse().ok()).unwrap();
    assert!(findings(&probed).is_empty(), "{probed:#?}");
    let traced = trace(&mut client, "10.255.0.1", "10.255.0.2");
    assert_eq!(traced.stopped, None, "{traced:#?}");
    let policy = traced.hops.iter().find(|hop| hop.stage == "policy");
    assert!(
        policy.unwrap().text.contains("0.0.0.0/0 → 0.0.0.0/0 (out"),
        "{traced:#?}"
    );
    assert!(stages(&traced, false).contains(&"sa"), "{traced:#?}");
    assert_eq!(traced.tunnel.as_deref(), Some("office"));
    // The same, as the other end begins it.
    let traced = trace(&mut client, "10.255.0.2", "10.255.0.1");
    assert_eq!(
        stages(&traced, false).first(),
        Some(&"wire-in"),
        "{traced:#?}"
    );
    // A policy for packets of no interface, which the kernel asks of those that are on their way to one, too.
    let policy = foreign(
        Direction::Out,
        "10.255.0.0/30",
        "10.255.0.0/30",
        Verdict::Block,
    );
    add(&world.west, &policy);
    let reached = world.reaches(&world.west, "10.255.0.2");
    let probed = client.probe("office", "10.255.0.2".parse().ok()).unwrap();
    let named = findings(&probed).iter().any(|c| c.id == "kernel-policies");
    assert_eq!(reached, !named, "{probed:#?}");
    delete(&world.west, &policy);
    // There is room inside, and it is known how much.
    let (warnings, seen) = ahead(&mut client);
    assert_eq!(warnings, Vec::<String>::new(), "{seen:#?}");
    assert!(
        seen.iter().any(|text| text.contains("the device takes")),
        "{seen:#?}"
    );

    // ESP of the first tunnel is stopped, and IKE isn't.
    let rules = "table ip broken {
        chain c { type filter hook input priority 0; meta l4proto esp ip saddr 192.0.2.2 drop; }
        chain d { type filter hook output priority 0; meta l4proto esp ip daddr 192.0.2.2 drop; }
    }";
    if !filter(&world.west, rules) {
        return;
    }
    let over = eventually(limit, || {
        let west = monitor_status(&mut west.client(), "office").over?;
        let east = monitor_status(&mut east.client(), "office").over?;
        Some((west, east))
    });
    let both = || format!("{}\n{}", west.log(), east.log());
    let backup = || "backup".to_owned();
    assert_eq!(over, Some((backup(), backup())), "{}", both());
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", both());
    assert!(world.reaches(&world.east_lan, "10.1.0.2"), "{}", both());
    assert!(filter(&world.west, "delete table ip broken"));
    let back = eventually(limit * 2, || {
        let west = monitor_status(&mut west.client(), "office").over;
        let east = monitor_status(&mut east.client(), "office").over;
        (west.is_none() && east.is_none()).then_some(())
    });
    assert!(back.is_some(), "{}\n{}", west.log(), east.log());
    assert!(world.reaches(&world.west_lan, "10.2.0.2"), "{}", west.log());
    let count =
        |wanted: Act, acts: &[(Act, String)]| acts.iter().filter(|(act, _)| *act == wanted).count();
    let acts = acts(&mut client);
    let moved = (count(Act::FailOver, &acts), count(Act::FailBack, &acts));
    assert_eq!(moved, (1, 1), "{acts:?}");
    assert_eq!(tap.clear(), Vec::<String>::new(), "nothing left in clear");
}
