//! The demo in real network namespaces: real processes, real packets, the kernel's own NAT.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use adit_diagnose::Verdict;
use adit_kernel::filter;
use adit_kernel::sandbox::Sandbox;
use adit_model::status::{Tunnel, TunnelState};
use anyhow::{Context, Result, bail};

use super::bulk;
use super::fault::Fault;
use super::gateways::Gateway;
use super::hosts::{Echoes, echo};
use super::ikev1::Ikev1Peer;
use super::plan::{self, TUNNEL};
use super::report::{Report, Traffic};
use super::story::Story;
use super::topology::{self, NAT_IN, NAT_OUT, Topology, WAN};
use super::verdicts;
use super::watcher::Watcher;
use crate::cli::DemoArgs;
use crate::render::status::octets;

const KEY: &str = "a key that only this demo knows";
const BULK_OCTETS: u64 = 32 << 20;
const BULK_PORT: u16 = 5201;
/// How long a healthy tunnel may take; it takes milliseconds.
const UP_LIMIT: Duration = Duration::from_secs(10);
/// How long a broken one may take to be given up.
const FAIL_LIMIT: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_millis(700);

/// What plays the far side.
enum East {
    Gateway(Gateway),
    Ikev1(#[allow(dead_code)] Ikev1Peer),
    Off,
}

/// Tells the story; the report says whether all of it came true. The process must be in its private world already.
pub fn tell(args: &DemoArgs, _sandbox: &Sandbox, story: &mut Story) -> Result<Report> {
    let mut report = Report::new("namespaces");
    let dir = Scratch::new()?;
    story.working("building five network namespaces");
    let net = Topology::build()?;
    net.nat
        .run(|| filter::masquerade("adit-demo-nat", NAT_OUT))?
        .context("setting up the NAT box")?;
    story.done("five private network namespaces: a LAN host, gateway west, a NAT box, gateway east, a LAN host");
    let watcher = Watcher::start(&net.nat, NAT_OUT, args.pcap.as_deref())?;
    // A packet that west let out in clear might not get past the NAT box, so its other side is watched too.
    let inner_watcher = Watcher::start(&net.nat, NAT_IN, None)?;

    let (fault, west, mut east);
    if let Some(asked) = args.fault {
        fault = asked;
        east = break_it(&net, fault, dir.path())?;
        story.done(format!(
            "one fault, before anything starts: {}",
            fault.told()
        ));
        west = Gateway::start("west", &net.west, &plan::west(KEY), dir.path())?;
    } else {
        let far = Gateway::start("east", &net.east, &plan::east(KEY, None), dir.path())?;
        west = Gateway::start("west", &net.west, &plan::west(KEY), dir.path())?;
        story.done("two `adit run` processes, each with a TUN device, routes and a block against clear traffic");
        healthy(&net, &west, story, &mut report)?;
        fault = Fault::Psk;
        drop(far);
        east = break_it(&net, fault, dir.path())?;
        story.say("");
        story.done(format!("now a fault: {}", fault.told()));
    }
    report.fault = Some(fault.name());
    let right = broken(&net, fault, &west, &east, story, &mut report)?;

    let mut seen = watcher.finish()?;
    let inner = inner_watcher.finish()?;
    seen.wire.clear += inner.wire.clear;
    seen.missed += inner.missed;
    report.wire = seen.wire;
    let w = seen.wire;
    let proof = format!(
        "on the wire: {} ESP, {} IKE, {} keepalive, {} ICMP, {} in clear",
        w.esp, w.ike, w.keepalive, w.icmp, w.clear
    );
    let clean = w.clear == 0 && seen.missed == 0;
    if seen.missed > 0 {
        story.failed(format!("{proof}; {} packets passed unseen", seen.missed));
    } else if clean {
        story.done(proof);
    } else {
        story.failed(proof);
    }
    if let Some(path) = &args.pcap {
        story.done(format!("captured to {}", path.display()));
    }
    report.ok = right && clean && story.steps.iter().all(|s| s.ok);
    if args.keep {
        keep(&west, &east, story)?;
    }
    // West first, so that it has nobody left to call.
    drop(west);
    east = East::Off;
    drop(east);
    Ok(report)
}

/// Tunnel up, pings, bulk transfer.
fn healthy(net: &Topology, west: &Gateway, story: &mut Story, report: &mut Report) -> Result<()> {
    story.working("waiting for the tunnel");
    let began = Instant::now();
    let tunnel = wait_up(west, UP_LIMIT)?;
    let ike = tunnel.ike.as_ref();
    story.done(format!(
        "tunnel up after {} ms: IKEv2 {}, NAT found on the {} side, ESP in {}",
        began.elapsed().as_millis(),
        ike.and_then(|i| i.proposal.as_deref()).unwrap_or("?"),
        ike.and_then(|i| i.nat.as_deref()).unwrap_or("?"),
        tunnel
            .children
            .first()
            .and_then(|c| c.encapsulation.as_deref())
            .unwrap_or("?"),
    ));

    story.working("pinging from LAN to LAN");
    let there = echo(&net.west_lan, &plan::EAST_HOST, 3, PATIENCE)?;
    let back = echo(&net.east_lan, &plan::WEST_HOST, 3, PATIENCE)?;
    let echoes = there.and(back);
    tell_echoes(&echoes, story);

    story.working("sending 32 MiB over TCP");
    let to = format!("{}:{BULK_PORT}", plan::EAST_HOST[0])
        .parse()
        .context("the plan's bulk address")?;
    let bulk = bulk::transfer(&net.west_lan, &net.east_lan, to, BULK_OCTETS)?;
    let rate = bulk.octets as f64 * 8.0 / bulk.took.as_secs_f64() / 1e6;
    let text = format!(
        "{} over TCP through the tunnel in {:.2} s ({rate:.0} Mbit/s), every octet checked",
        octets(bulk.octets),
        bulk.took.as_secs_f64()
    );
    if bulk.octets == BULK_OCTETS {
        story.done(text)
    } else {
        story.failed(text)
    }
    report.traffic = Some(Traffic {
        pings_sent: echoes.sent,
        pings_answered: echoes.answered,
        best_rtt_us: echoes
            .best
            .map_or(0, |b| u64::try_from(b.as_micros()).unwrap_or(u64::MAX)),
        bulk_octets: bulk.octets,
        bulk_ms: u64::try_from(bulk.took.as_millis()).unwrap_or(u64::MAX),
        bulk_kind: "tcp",
    });
    Ok(())
}

fn tell_echoes(echoes: &Echoes, story: &mut Story) {
    let best = echoes.best.map_or_else(
        || "none".to_owned(),
        |b| format!("{:.2} ms", b.as_secs_f64() * 1e3),
    );
    let text = format!(
        "ping LAN to LAN, both ways, IPv4 and IPv6: {} of {} answered, fastest {best}",
        echoes.answered, echoes.sent
    );
    if echoes.all() {
        story.done(text)
    } else {
        story.failed(text)
    }
}

/// The far side with the fault in place.
fn break_it(net: &Topology, fault: Fault, dir: &Path) -> Result<East> {
    match fault {
        Fault::Udp500 => block(net, 500)?,
        Fault::Udp4500 => block(net, 4500)?,
        Fault::PeerDown => {
            topology::inside(&net.east, |nl| {
                let index = nl.link(WAN)?.index;
                Ok(nl.set_link_up(index, false)?)
            })?;
            return Ok(East::Off);
        }
        Fault::Version => return Ok(East::Ikev1(Ikev1Peer::start(&net.east)?)),
        Fault::Psk | Fault::Id | Fault::Proposal | Fault::Dh | Fault::Esp | Fault::Ts => {}
    }
    Ok(East::Gateway(Gateway::start(
        "east",
        &net.east,
        &plan::east(KEY, Some(fault)),
        dir,
    )?))
}

fn block(net: &Topology, port: u16) -> Result<()> {
    net.nat
        .run(|| filter::drop_traffic("adit-demo-fault", &[filter::Fault::UdpPort(port)]))?
        .with_context(|| format!("blocking port {port}"))
}

/// The tunnel fails, nothing leaks, and the diagnosis names the fault.
fn broken(
    net: &Topology,
    fault: Fault,
    west: &Gateway,
    east: &East,
    story: &mut Story,
    report: &mut Report,
) -> Result<bool> {
    story.working("waiting for the tunnel to fail");
    let outcome = west.client()?.up(TUNNEL, FAIL_LIMIT, |_| {})?;
    if outcome.reached {
        story.failed("the tunnel came up although it was broken");
        return Ok(false);
    }
    story.done(outcome.summary.clone());

    let blocked = echo(
        &net.west_lan,
        &plan::EAST_HOST,
        2,
        Duration::from_millis(150),
    )?;
    let text = format!(
        "while it is down the LAN host's pings are dropped, not sent in clear: {} of {} answered",
        blocked.answered, blocked.sent
    );
    if blocked.answered == 0 {
        story.done(text)
    } else {
        story.failed(text)
    }

    story.working("asking west why");
    let case = west
        .client()?
        .cases(Some(TUNNEL), true)?
        .into_iter()
        .next()
        .context("west knows nothing of its tunnel")?;
    let alone = adit_diagnose::diagnose(&case);
    let both = match east {
        East::Gateway(far) => {
            let theirs = far
                .client()?
                .cases(Some(TUNNEL), false)?
                .into_iter()
                .next()
                .context("east knows nothing of its tunnel")?;
            adit_diagnose::diagnose(&case.joined_with(theirs))
        }
        East::Ikev1(_) | East::Off => alone.clone(),
    };
    Ok(verdicts::tell(
        fault,
        &alone,
        &both,
        matches!(east, East::Gateway(_)),
        story,
        report,
    ))
}

fn wait_up(gateway: &Gateway, limit: Duration) -> Result<Tunnel> {
    let mut client = gateway.client()?;
    client.up(TUNNEL, limit, |_| {})?;
    let status = client.status(Some(TUNNEL))?;
    match status.tunnels.into_iter().next() {
        Some(tunnel) if tunnel.state == TunnelState::Up => Ok(tunnel),
        Some(tunnel) => {
            let verdict: Option<Verdict> = client
                .cases(Some(TUNNEL), true)?
                .first()
                .map(adit_diagnose::diagnose);
            let text = verdict
                .map(|v| crate::render::verdict::text(&v, crate::render::style::Palette::stderr()))
                .unwrap_or_default();
            bail!("the tunnel didn't come up: {}\n{text}", tunnel.summary)
        }
        None => bail!("west doesn't know its tunnel"),
    }
}

fn keep(west: &Gateway, east: &East, story: &mut Story) -> Result<()> {
    story.say("");
    story.say("Everything keeps running. In another terminal:");
    story.say(&format!("  adit status --state {}", west.dir().display()));
    story.say(&format!(
        "  adit why {TUNNEL} --state {}",
        west.dir().display()
    ));
    if let East::Gateway(east) = east {
        story.say(&format!("  adit status --state {}", east.dir().display()));
    }
    story.say(&format!(
        "  nsenter --net --target {} ip route     (west's network; as root or with --user too)",
        west.pid()
    ));
    story.say("Ctrl-C ends it.");
    wait_for_interrupt()
}

/// Blocks until SIGINT or SIGTERM arrives.
fn wait_for_interrupt() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("waiting for Ctrl-C")?;
    runtime
        .block_on(tokio::signal::ctrl_c())
        .context("waiting for Ctrl-C")
}

/// A folder of the demo's own that goes with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let path = std::env::temp_dir().join(format!("adit-demo-{}", std::process::id()));
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("making {}", path.display()))?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What can't be removed stays in the temporary folder, which the system empties.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
