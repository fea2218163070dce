//! `adit status` as text.

use std::fmt::Write as _;

use adit_model::status::{
    ChildState, DataPlaneStatus, GapStatus, MonitorStatus, OffloadStatus, OffloadedTo, PoolStatus,
    Status, Tunnel, TunnelState,
};

use super::style::Palette;
use super::wrap::{about, beside};

/// Every tunnel, in the order of the document.
pub fn status(document: &Status, p: Palette) -> String {
    if document.tunnels.is_empty() {
        return "no tunnel is configured\n".to_owned();
    }
    document
        .tunnels
        .iter()
        .map(|t| tunnel(t, p))
        .chain(document.pools.iter().map(|one| pool(one, p)))
        .chain(document.data_plane.iter().map(|one| data_plane(one, p)))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What carries packets.
fn data_plane(one: &DataPlaneStatus, p: Palette) -> String {
    let what = match one.backend.as_str() {
        "kernel" => "by the kernel's IPsec".to_owned(),
        _ => match one.threads.len() {
            1 => "in user space, by one thread".to_owned(),
            threads => format!("in user space, by {threads} threads"),
        },
    };
    let mut out = format!("{}  {what}\n", p.bold("packets are carried"));
    if !one.reason.is_empty() {
        let _ = writeln!(out, "  {}", one.reason);
    }
    if one.backend == "kernel" {
        let told = "how long packets take isn't known there; adit probe NAME measures a round trip through a tunnel";
        let _ = writeln!(out, "  {}", p.dim(told));
    }
    let ways = [("out", &one.latency_out), ("in", &one.latency_in)];
    for (way, latency) in ways {
        if let Some(taken) = latency.as_ref().filter(|l| l.samples > 0) {
            let _ = writeln!(
                out,
                "  {way:<3}    {} in the gateway (median of {} samples; 99 %: {}, longest {})",
                time(taken.p50_ns),
                taken.samples,
                time(taken.p99_ns),
                time(taken.longest_ns)
            );
        }
    }
    for t in &one.threads {
        let dropped: u64 = t.drops.values().sum();
        let line = format!(
            "thread {}: {} packets out, {} in, {dropped} dropped",
            t.thread, t.packets_out, t.packets_in
        );
        let _ = writeln!(out, "  {}", p.dim(&line));
    }
    out
}

/// A time with two digits or three.
fn time(nanos: u64) -> String {
    let micros = nanos as f64 / 1000.0;
    match micros {
        ..10.0 => format!("{micros:.1} µs"),
        ..1000.0 => format!("{micros:.0} µs"),
        _ => format!("{:.1} ms", micros / 1000.0),
    }
}

/// A pool and who has which address of it.
fn pool(one: &PoolStatus, p: Palette) -> String {
    let mut out = format!(
        "{}  {}: {} of {} addresses in use\n",
        p.bold(&format!("pool {}", one.name)),
        one.addresses.join(", "),
        one.leased,
        one.size
    );
    for lease in &one.leases {
        let state = if lease.in_use {
            p.good("in use")
        } else {
            p.dim("free, kept for it")
        };
        let _ = writeln!(out, "  {}  {}  {state}", lease.address, lease.identity);
    }
    out
}

/// What a tunnel's monitor says, in one line.
fn watched(one: &MonitorStatus, p: Palette) -> String {
    let judged = match one.judged.as_str() {
        "carries" => p.good("carries"),
        "unknown" => p.dim("unknown"),
        bad @ ("one-sided" | "peer-silent" | "down" | "not-helped") => p.bad(bad),
        other => p.open(other),
    };
    let mut out = judged;
    match &one.target {
        None => out.push_str("  nobody inside has answered yet"),
        Some(target) if one.unanswered > 0 => {
            let _ = write!(out, "  {target} hasn't answered {} echoes", one.unanswered);
            if let Some(at) = &one.last_answer {
                let _ = write!(out, " since {at}");
            }
        }
        Some(target) => {
            let _ = write!(out, "  {target} answers");
            if let Some(taken) = one.rtt_us {
                let _ = write!(out, " in {}", time(taken.saturating_mul(1000)));
            }
        }
    }
    if let Some(other) = &one.over {
        let _ = write!(out, "; its routes lead into {}", p.value(other));
    }
    out
}

fn tunnel(t: &Tunnel, p: Palette) -> String {
    let mut out = String::new();
    let state = match t.state {
        TunnelState::Up => p.good("up"),
        TunnelState::Connecting => p.open("connecting"),
        TunnelState::Down => p.bad("down"),
        TunnelState::Disabled => p.dim("disabled"),
    };
    let cause = t
        .cause
        .as_deref()
        .map(|c| format!(" [{c}]"))
        .unwrap_or_default();
    let summary = about(&t.name, &t.summary);
    let heading = match t.state {
        // "up" is said already.
        TunnelState::Up => summary.strip_prefix("up ").unwrap_or(summary),
        _ => summary,
    };
    out.push_str(&beside(
        &format!("{}  {state}{cause}", p.bold(&t.name)),
        heading,
    ));
    for ahead in &t.ahead {
        let label = format!("  {} [{}]", p.open("will fail"), ahead.cause);
        out.push_str(&beside(&label, &ahead.summary));
    }
    if let Some(ike) = &t.ike {
        let _ = writeln!(
            out,
            "  ike    {} [{}] — {} [{}]  {}",
            ike.local,
            // Told late in an attempt, as the peer's is.
            Some(ike.local_id.as_str())
                .filter(|id| !id.is_empty())
                .unwrap_or("?"),
            ike.remote,
            ike.remote_id.as_deref().unwrap_or("?"),
            ike.proposal.as_deref().unwrap_or("not agreed yet")
        );
        let mut details = vec![format!("IKEv{} {}", ike.version, ike.role)];
        details.extend(
            ike.nat
                .as_deref()
                .filter(|n| *n != "none")
                .map(|n| format!("NAT on the {n} side")),
        );
        details.extend(ike.mobike.then(|| "can move".to_owned()));
        let said = |at: &&str| heading.contains(*at);
        let established = ike.established.as_deref().filter(|at| !said(at));
        details.extend(established.map(|at| format!("since {at}")));
        details.extend(ike.rekey_at.as_deref().map(|at| format!("rekey at {at}")));
        let _ = writeln!(out, "         {}", p.dim(&details.join(", ")));
    }
    if let Some(ike) = t.ike.as_ref().filter(|ike| !ike.virtual_ips.is_empty()) {
        let servers = match ike.dns.as_slice() {
            [] => String::new(),
            servers => format!("; name servers {}", servers.join(", ")),
        };
        let _ = writeln!(
            out,
            "         given by the peer: {}{servers}",
            ike.virtual_ips.join(", ")
        );
    }
    if let Some(monitor) = &t.monitor {
        let _ = writeln!(out, "  monitor  {}", watched(monitor, p));
    }
    for c in &t.children {
        let state = match c.state {
            ChildState::Up => p.good("up"),
            ChildState::Rekeying => p.good("up, rekeying"),
            ChildState::Down => p.bad("down"),
        };
        // A cause of its own, not the tunnel's.
        let cause = c
            .cause
            .as_deref()
            .filter(|cause| t.cause.as_deref() != Some(*cause))
            .map(|cause| format!(" [{cause}]"))
            .unwrap_or_default();
        let proposal = c.proposal.as_deref().map(|agreed| format!("  {agreed}"));
        let _ = writeln!(
            out,
            "  child  {} {state}{cause}  {} === {}{}",
            p.value(&c.name),
            c.ts_local.join(", "),
            c.ts_remote.join(", "),
            proposal.unwrap_or_default()
        );
        if let (Some(spi_in), Some(spi_out)) = (&c.spi_in, &c.spi_out) {
            let _ = writeln!(
                out,
                "         in {spi_in}: {}, {}; out {spi_out}: {}, {}{}{}{}",
                octets(c.bytes_in),
                packets(c.packets_in),
                octets(c.bytes_out),
                packets(c.packets_out),
                c.encapsulation
                    .as_deref()
                    .map(|e| format!(
                        "; {}",
                        if e == "udp" {
                            "ESP in UDP"
                        } else {
                            "plain ESP"
                        }
                    ))
                    .unwrap_or_default(),
                c.last_in
                    .as_deref()
                    .map(|at| format!(", last in {at}"))
                    .unwrap_or_default(),
                c.rekey_at
                    .as_deref()
                    .map(|at| format!(", rekey at {at}"))
                    .unwrap_or_default(),
            );
        }
        if let Some(offload) = &c.offload {
            let _ = writeln!(out, "         {}", offloaded(offload));
        }
    }
    if let Some(gap) = &t.gap
        && [gap.held_back, gap.stopped, gap.left_in_clear]
            .into_iter()
            .flatten()
            .any(|packets| packets > 0)
    {
        out.push_str(&beside("  gap   ", &self::gap(gap)));
    }
    if let Some(clear) = &t.clear {
        let passed = clear.packets_out + clear.packets_in;
        let now = match clear.children.as_slice() {
            [] => "optional: protected now".to_owned(),
            children => format!(
                "optional: traffic of {} passes in clear until there is an SA",
                children.join(", ")
            ),
        };
        let count = format!(
            "{now}; {} in clear so far ({} out, {} in)",
            packets(passed),
            clear.packets_out,
            clear.packets_in
        );
        let _ = writeln!(out, "         {}", p.dim(&count));
    } else if t.state != TunnelState::Up {
        let guard = match t.block.as_deref() {
            Some(by) => format!("its traffic is blocked ({by}) as required, not sent in clear"),
            None => "nothing blocks its traffic while it is down".to_owned(),
        };
        let _ = writeln!(out, "         {}", p.dim(&guard));
    }
    out
}

/// What became of packets while there was no SA.
fn gap(gap: &GapStatus) -> String {
    let when = match &gap.until {
        Some(until) => format!("no SA for {} s until {until}", gap.seconds),
        None => format!("no SA for {} s", gap.seconds),
    };
    let counted = [
        (gap.held_back, "held back"),
        (gap.stopped, "beside the tunnel stopped by the block"),
        (gap.left_in_clear, "left in clear"),
    ];
    let told = counted
        .iter()
        .filter_map(|(number, what)| Some(format!("{} {what}", packets((*number)?))));
    format!("{when}: {}", told.collect::<Vec<_>>().join(", "))
}

/// Which network device does what of a child.
fn offloaded(offload: &OffloadStatus) -> String {
    let by = |to: &Option<OffloadedTo>| match to {
        Some(to) => format!("{} ({})", to.device, to.does),
        None => "the kernel itself".to_owned(),
    };
    let done = format!(
        "hw_offload {}: in by {}, out by {}",
        offload.wanted,
        by(&offload.inward),
        by(&offload.outward)
    );
    match &offload.instead {
        None => done,
        Some(why) if offload.inward.is_none() && offload.outward.is_none() => {
            format!("hw_offload {}: none; {why}", offload.wanted)
        }
        Some(why) => format!("{done}; {why}"),
    }
}

/// A number of packets.
pub fn packets(n: u64) -> String {
    format!("{n} packet{}", if n == 1 { "" } else { "s" })
}

/// Octets with a binary unit, short.
pub fn octets(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{n} B")
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}
