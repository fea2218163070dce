//! The same story in the virtual world, for systems that close namespaces or TUN devices.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use adit_model::Secret;
use adit_model::event::Happening;
use adit_sim::{
    Block, Credentials, GatewaySetup, Lan, LinkSettings, Manner, NatSettings, NodeId, Plan, Seen,
    Site, Sites, V1Only, World, pcap,
};
use anyhow::{Context, Result, bail};

use super::fault::Fault;
use super::plan::{self, SidePlan, TUNNEL};
use super::report::{Report, Traffic, Wire};
use super::story::Story;
use super::verdicts;
use crate::cli::DemoArgs;
use crate::render::status::octets;

/// The same world every time; nothing in the story is left to chance.
const SEED: u64 = 7296;
const KEY: &str = "a key that only this demo knows";
const BULK_DATAGRAMS: u32 = 4096;
const BULK_OCTETS: usize = 1200;
/// Limits of virtual time.
const UP_LIMIT: Duration = Duration::from_secs(10);
const FAIL_LIMIT: Duration = Duration::from_secs(30);
const PROBE_LIMIT: Duration = Duration::from_secs(3);

/// Tells the story; the report says whether all of it came true.
pub fn tell(args: &DemoArgs, closed: Option<String>, story: &mut Story) -> Result<Report> {
    let mut report = Report::new("virtual");
    if let Some(closed) = closed {
        story.say(&format!(
            "{closed}. The story runs in the virtual world instead."
        ));
        report.closed = Some(closed);
    }
    if args.keep {
        bail!("--keep needs real namespaces; the virtual world ends with its story");
    }
    let mut worlds = Vec::new();
    if args.fault.is_none() {
        let mut sites = build(None)?;
        story
            .done("a virtual world: a LAN host, gateway west, a NAT box, gateway east, a LAN host");
        healthy(&mut sites, story, &mut report)?;
        worlds.push(sites);
        story.say("");
    }
    let fault = args.fault.unwrap_or(Fault::Psk);
    report.fault = Some(fault.name());
    let mut sites = build(Some(fault))?;
    story.done(format!("a fault: {}", fault.told()));
    let right = broken(&mut sites, fault, story, &mut report)?;
    worlds.push(sites);

    for sites in &worlds {
        add(&mut report.wire, sites);
    }
    let w = report.wire;
    let proof = format!(
        "on the wires: {} ESP, {} IKE, {} keepalive, {} ICMP, {} in clear",
        w.esp, w.ike, w.keepalive, w.icmp, w.clear
    );
    if w.clear == 0 {
        story.done(proof);
    } else {
        story.failed(proof);
    }
    if let Some(path) = &args.pcap {
        let packets = worlds.iter().flat_map(|sites| sites.world.observed());
        std::fs::write(path, pcap(packets))
            .with_context(|| format!("writing {}", path.display()))?;
        story.done(format!("captured to {}", path.display()));
    }
    report.ok = right && story.steps.iter().all(|s| s.ok);
    Ok(report)
}

fn build(fault: Option<Fault>) -> Result<Sites> {
    let site = |name: &str, side: &SidePlan, outside: &str, lan: [&str; 2], host: [&str; 2]| {
        Ok::<_, anyhow::Error>(Site {
            name: name.to_owned(),
            setup: setup(side)?,
            outside: vec![address(outside)?],
            lans: lans(lan, host)?,
        })
    };
    let world = Plan {
        west: site(
            "west",
            &plan::west(KEY),
            plan::WEST,
            plan::WEST_LAN,
            plan::WEST_HOST,
        )?,
        east: site(
            "east",
            &plan::east(KEY, fault),
            plan::EAST,
            plan::EAST_LAN,
            plan::EAST_HOST,
        )?,
        nat: Some((NatSettings::default(), address(plan::NAT_OUTSIDE)?)),
        wire: LinkSettings::cable(),
    };
    let mut sites = world.build(SEED);
    match fault {
        Some(Fault::Udp500) => {
            sites
                .world
                .block(sites.internet, Block::Udp(500), Manner::Silent);
        }
        Some(Fault::Udp4500) => {
            sites
                .world
                .block(sites.internet, Block::Udp(4500), Manner::Silent);
        }
        Some(Fault::PeerDown) => sites.world.set_power(sites.east, false),
        Some(Fault::Version) => sites
            .world
            .replace_by_v1_only(sites.east, V1Only::default()),
        _ => {}
    }
    Ok(sites)
}

fn setup(side: &SidePlan) -> Result<GatewaySetup> {
    let (config, diagnostics) = adit_config::adit::parse("the demo's configuration", &side.config);
    let Some(config) = config else {
        let text: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
        bail!("{}", text.join("\n"));
    };
    Ok(GatewaySetup {
        connections: config.connections.into_iter().map(Arc::new).collect(),
        keys: [(
            TUNNEL.to_owned(),
            Credentials::psk(Secret::from(side.psk.as_bytes())),
        )]
        .into(),
        ..GatewaySetup::default()
    })
}

fn lans(gateway: [&str; 2], host: [&str; 2]) -> Result<Vec<Lan>> {
    gateway
        .into_iter()
        .zip(host)
        .map(|(gateway, host)| {
            let gateway = address(gateway)?;
            let bits = if gateway.is_ipv4() { 24 } else { 64 };
            Ok(Lan {
                net: ipnet::IpNet::new(gateway, bits)
                    .context("the plan's network")?
                    .trunc(),
                gateway,
                host: address(host)?,
            })
        })
        .collect()
}

fn address(text: &str) -> Result<IpAddr> {
    text.parse()
        .with_context(|| format!("the plan's address {text}"))
}

fn healthy(sites: &mut Sites, story: &mut Story, report: &mut Report) -> Result<()> {
    let began = sites.world.now().mono;
    sites.start();
    if !sites.run_until_up(TUNNEL, UP_LIMIT) {
        story.failed("the tunnel didn't come up");
        return Ok(());
    }
    let took = sites.world.now().mono.since(began);
    story.done(format!(
        "tunnel up after {} ms of virtual time",
        took.as_millis()
    ));

    let mut traffic = Traffic {
        bulk_kind: "datagrams",
        ..Traffic::default()
    };
    let mut best = None;
    let both_ways = [
        (sites.west_host, plan::EAST_HOST),
        (sites.east_host, plan::WEST_HOST),
    ];
    for (host, targets) in both_ways {
        for target in targets {
            let reports = ping(&mut sites.world, host, address(target)?, 3);
            traffic.pings_sent += reports.sent;
            traffic.pings_answered += reports.received;
            best = best.into_iter().chain(reports.times).min();
        }
    }
    traffic.best_rtt_us = best.map_or(0, |b| u64::try_from(b.as_micros()).unwrap_or(u64::MAX));
    let text = format!(
        "ping LAN to LAN, both ways, IPv4 and IPv6: {} of {} answered",
        traffic.pings_answered, traffic.pings_sent
    );
    let all = traffic.pings_sent > 0 && traffic.pings_answered == traffic.pings_sent;
    if all {
        story.done(text);
    } else {
        story.failed(text);
    }

    let began = sites.world.now().mono;
    let to = address(plan::EAST_HOST[0])?;
    let pace = Duration::from_micros(100);
    let run = sites
        .world
        .bulk(sites.west_host, to, BULK_DATAGRAMS, pace, BULK_OCTETS);
    sites
        .world
        .run_for(pace * BULK_DATAGRAMS + Duration::from_secs(1));
    let bulk = sites.world.bulk_report(run);
    traffic.bulk_octets = bulk.octets;
    traffic.bulk_ms =
        u64::try_from(sites.world.now().mono.since(began).as_millis()).unwrap_or(u64::MAX);
    let text = format!(
        "{} in {} datagrams through the tunnel, {} damaged",
        octets(bulk.octets),
        bulk.received,
        bulk.damaged
    );
    if bulk.received == BULK_DATAGRAMS && bulk.damaged == 0 {
        story.done(text);
    } else {
        story.failed(text);
    }
    report.traffic = Some(traffic);
    Ok(())
}

fn ping(world: &mut World, host: NodeId, to: IpAddr, count: u32) -> adit_sim::PingReport {
    let interval = Duration::from_millis(20);
    let run = world.ping(host, to, count, interval, 56);
    world.run_for(interval * count + Duration::from_secs(1));
    world.ping_report(run)
}

fn broken(sites: &mut Sites, fault: Fault, story: &mut Story, report: &mut Report) -> Result<bool> {
    sites.start();
    let west = sites.west;
    let ended = sites.world.run_until(FAIL_LIMIT, |world| {
        world.is_up(west, TUNNEL) || world.happenings(west).any(is_the_end)
    });
    if !ended || sites.world.is_up(west, TUNNEL) {
        story.failed("the tunnel didn't fail as it should");
        return Ok(false);
    }
    story.done("the tunnel is down");
    let blocked = ping(
        &mut sites.world,
        sites.west_host,
        address(plan::EAST_HOST[0])?,
        2,
    );
    let text = format!(
        "while it is down the LAN host's pings are dropped, not sent in clear: {} of {} answered",
        blocked.received, blocked.sent
    );
    if blocked.received == 0 {
        story.done(text);
    } else {
        story.failed(text);
    }

    let probes = sites
        .world
        .probe(west, TUNNEL, address(plan::EAST)?, PROBE_LIMIT)
        .context("probing east")?;
    let case = sites.world.case(west, TUNNEL, &probes);
    let alone = adit_diagnose::diagnose(&case);
    let far_side_asked = !matches!(fault, Fault::Version | Fault::PeerDown);
    let both = if far_side_asked {
        adit_diagnose::diagnose(&case.joined_with(sites.world.case(sites.east, TUNNEL, &[])))
    } else {
        alone.clone()
    };
    Ok(verdicts::tell(
        fault,
        &alone,
        &both,
        far_side_asked,
        story,
        report,
    ))
}

/// Whether the attempt is over.
fn is_the_end(happening: &Happening) -> bool {
    matches!(
        happening,
        Happening::GaveUp { .. } | Happening::IkeClosed { .. }
    )
}

fn add(wire: &mut Wire, sites: &Sites) {
    let count = |kind| sites.count(kind) as u64;
    wire.ike += count(Seen::Ike);
    wire.esp += count(Seen::Esp);
    wire.keepalive += count(Seen::Keepalive);
    wire.icmp += count(Seen::Icmp);
    wire.clear += count(Seen::Clear);
    wire.other += count(Seen::Other) + count(Seen::Fragment);
}
