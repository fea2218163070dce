//! `[tunnel.NAME.monitor]`: somebody inside the tunnel is asked whether it is there.

use core::fmt::Write as _;
use core::time::Duration;
use std::net::IpAddr;

use adit_model::connection::Connection;
use adit_model::monitored::{Monitor, MonitorAction};
use adit_model::selector::Selector;
use adit_model::text::did_you_mean;

use crate::adit::duration;
use crate::adit::keys::Section;
use crate::adit::reader::{Reader, Table};
use crate::adit::tunnel::Read;
use crate::adit::write::{line, list, text};
use crate::diagnostic::Severity;

/// An echo is waited for as long as this at most, so there is no use in asking more often.
const INTERVALS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(3600));
const HOLD_DOWNS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(24 * 3600));
const COUNTS: core::ops::RangeInclusive<u32> = 1..=100;
/// One lost echo says nothing.
const FAILURES: core::ops::RangeInclusive<u32> = 2..=100;
const MOST_TARGETS: usize = 8;

/// Reads the table, if there is one.
pub(super) fn read<'t>(
    reader: &mut Reader<'_>,
    tunnel: &Table<'t>,
) -> Option<(Monitor, Table<'t>)> {
    let item = tunnel.entries.get("monitor")?;
    let table = reader.table(tunnel, "monitor", item, Section::Monitor)?;
    let default = Monitor::default();
    let monitor = Monitor {
        targets: targets(reader, &table),
        source: source(reader, &table),
        interval: duration::of(
            reader,
            &table,
            "interval",
            INTERVALS,
            false,
            default.interval,
        ),
        failures: reader.number(&table, "failures", FAILURES, default.failures),
        recover: reader.number(&table, "recover", COUNTS, default.recover),
        hold_down: duration::of(
            reader,
            &table,
            "hold_down",
            HOLD_DOWNS,
            false,
            default.hold_down,
        ),
        action: action(reader, &table),
    };
    Some((monitor, table))
}

fn targets(reader: &mut Reader<'_>, table: &Table<'_>) -> Vec<IpAddr> {
    let mut targets = Vec::new();
    for word in reader.words(table, "target").unwrap_or_default() {
        match word.text.parse::<IpAddr>() {
            Ok(address) if !address.is_unspecified() && !address.is_multicast() => {
                if !targets.contains(&address) {
                    targets.push(address);
                }
            }
            _ if word.text == "auto" => {}
            _ => {
                reader
                    .error(
                        "bad-address",
                        &word.at,
                        format!("`{}` is no address of a host", word.text.escape_debug()),
                    )
                    .expected("addresses of hosts behind the peer, or \"auto\"")
                    .fix("target = \"auto\"");
            }
        }
    }
    if targets.len() > MOST_TARGETS {
        reader
            .error(
                "too-many",
                &table.at_value("target"),
                "a monitor asks one host at a time, and takes another one when that is silent",
            )
            .found(targets.len())
            .expected(format!("at most {MOST_TARGETS} addresses"));
    }
    targets
}

fn source(reader: &mut Reader<'_>, table: &Table<'_>) -> Option<IpAddr> {
    let word = reader.word(table, "source").filter(|w| w.text != "auto")?;
    let address = word.text.parse::<IpAddr>().ok();
    let address = address.filter(|a| !a.is_unspecified() && !a.is_multicast());
    if address.is_none() {
        reader
            .error(
                "bad-address",
                &word.at,
                format!("`{}` is no address of this host", word.text.escape_debug()),
            )
            .expected("an address of this host that the tunnel takes, or \"auto\"")
            .fix("source = \"auto\"");
    }
    address
}

const WAIT: &str = "wait-recover";
const REKEY: &str = "rekey";
const ANEW: &str = "re-initiate";
const OVER: &str = "fail-over";

fn action(reader: &mut Reader<'_>, table: &Table<'_>) -> MonitorAction {
    let other = reader.word(table, "fail_over");
    let word = reader.word(table, "action");
    let written = word.as_ref().map(|word| word.text);
    let action = match (written, &other) {
        (Some(WAIT), _) => MonitorAction::WaitRecover,
        (Some(REKEY), _) => MonitorAction::Rekey,
        (Some(ANEW) | None, None) => MonitorAction::ReInitiate,
        (Some(ANEW), Some(_)) => MonitorAction::ReInitiate,
        (Some(OVER) | None, Some(other)) => MonitorAction::FailOver(other.text.to_owned()),
        (Some(OVER), None) => {
            reader
                .error(
                    "missing-key",
                    &table.at_value("action"),
                    "`action` is \"fail-over\", and no tunnel is named to fail over to",
                )
                .expected("`fail_over` beside it, with the name of another tunnel")
                .fix("fail_over = \"backup\"");
            MonitorAction::ReInitiate
        }
        (Some(other), _) => {
            let known = [WAIT, REKEY, ANEW, OVER];
            let near = did_you_mean(other, known);
            if let Some(word) = &word {
                reader
                    .error(
                        "unknown-word",
                        &word.at,
                        format!("`{}` is nothing that `action` takes", other.escape_debug()),
                    )
                    .expected("\"wait-recover\", \"rekey\", \"re-initiate\", \"fail-over\"")
                    .fix(format!("action = \"{}\"", near.unwrap_or(ANEW)));
            }
            MonitorAction::ReInitiate
        }
    };
    if let (Some(other), Some(written)) = (&other, written.filter(|w| *w != OVER))
        && [WAIT, REKEY, ANEW].contains(&written)
    {
        reader
            .error(
                "no-effect",
                &other.at,
                format!("with `action = \"{written}\"` nothing is led to another tunnel"),
            )
            .expected("`action = \"fail-over\"`, or no `fail_over`")
            .fix("action = \"fail-over\"");
    }
    action
}

/// Judges what can only be judged beside the rest of the tunnel.
pub(super) fn check(reader: &mut Reader<'_>, read: &Read<'_>) {
    let c = &read.connection;
    let (Some(monitor), Some(table)) = (&c.monitor, &read.monitor) else {
        return;
    };
    let takes = |selectors: &[Selector], address: IpAddr| {
        let protocol = if address.is_ipv4() { 1 } else { 58 };
        let mut all = selectors.iter();
        all.any(|selector| selector.matches(protocol, None, address))
    };
    // Networks that the peer or a pool gives aren't known here.
    let known = c.inner.wanted.is_empty() && c.inner.pools.is_empty();
    for target in &monitor.targets {
        if known
            && !c
                .children
                .iter()
                .any(|child| takes(&child.remote_ts, *target))
        {
            reader
                .error(
                    "monitor-outside",
                    &table.at_value("target"),
                    format!("no child of `{}` takes echoes to {target}", c.name),
                )
                .expected("an address in `remote_net` of a child that takes ICMP")
                .fix("target = \"auto\"");
        }
    }
    if let Some(source) = monitor.source
        && known
        && !c
            .children
            .iter()
            .any(|child| takes(&child.local_ts, source))
    {
        reader
            .error(
                "monitor-outside",
                &table.at_value("source"),
                format!("no child of `{}` takes echoes from {source}", c.name),
            )
            .expected("an address of this host in `local_net` of a child that takes ICMP")
            .fix("source = \"auto\"");
    }
    if c.children
        .iter()
        .any(|child| !child.life.inactivity.is_zero())
    {
        reader
            .report(
                Severity::Warning,
                "monitor-keeps-awake",
                &table.at(),
                format!(
                    "the monitor's echoes keep `{}` from ever being idle",
                    c.name
                ),
            )
            .note("`inactivity` has no effect on the child that they go through");
    }
    if let MonitorAction::FailOver(_) = &monitor.action {
        let nets = c.interface.iter().flat_map(|i| &i.addresses);
        let nets: Vec<_> = nets.collect();
        let near = |to: &IpAddr| nets.iter().any(|net| net.contains(to));
        let off = monitor.targets.is_empty() && nets.is_empty()
            || !monitor.targets.is_empty() && !monitor.targets.iter().all(near);
        if off && c.interface.is_some() {
            reader
                .report(
                    Severity::Warning,
                    "monitor-led-away",
                    &table.at(),
                    "answers to the monitor may come by the other tunnel once routes are led there, and it wouldn't find this one well again",
                )
                .expected("`addresses` in `interface`, and the peer's address of that network as `target`")
                .fix("target = \"10.255.0.2\"");
        }
    }
}

/// Judges what one tunnel says of another one.
pub(super) fn together(reader: &mut Reader<'_>, tunnels: &[Read<'_>]) {
    for read in tunnels {
        let c = &read.connection;
        let (Some(monitor), Some(table)) = (&c.monitor, &read.monitor) else {
            continue;
        };
        let MonitorAction::FailOver(name) = &monitor.action else {
            continue;
        };
        let at = table.at_value("fail_over");
        let names = || tunnels.iter().map(|t| &t.connection);
        let Some(other) = names().find(|t| t.name == *name && t.name != c.name) else {
            let near = did_you_mean(name, names().map(|t| t.name.as_str()));
            let d = reader.error(
                "no-such-tunnel",
                &at,
                format!("`{}` is no other tunnel", name.escape_debug()),
            );
            d.expected("the name of another tunnel that is configured here");
            if let Some(near) = near.filter(|near| *near != c.name) {
                d.fix(format!("fail_over = \"{near}\""));
            }
            continue;
        };
        let without = [c, other].into_iter().find(|t| t.interface.is_none());
        if let Some(without) = without {
            reader
                .error(
                    "fail-over-needs-interface",
                    &at,
                    format!(
                        "`{}` has no interface that routes could lead into, or away from",
                        without.name
                    ),
                )
                .expected(
                    "an `interface` of both tunnels, and `routes` of the one that is monitored",
                )
                .fix(format!("interface = {{ name = \"{}\" }}", without.name));
            continue;
        }
        if c.interface.as_ref().is_some_and(|i| i.routes.is_empty()) {
            reader
                .error(
                    "no-effect",
                    &at,
                    format!("`{}` has no `routes` that could be led elsewhere", c.name),
                )
                .expected("`routes` in `interface`")
                .fix("routes = [\"10.2.0.0/24\"]");
        }
        let back = other.monitor.as_ref().map(|m| &m.action);
        if back == Some(&MonitorAction::FailOver(c.name.clone())) {
            reader
                .error(
                    "fail-over-in-a-circle",
                    &at,
                    format!("`{}` fails over to `{}`", other.name, c.name),
                )
                .expected("one of the two that the other one's routes are led to");
        }
    }
}

/// Writes what isn't the default.
pub(super) fn write(out: &mut String, c: &Connection) {
    let Some(monitor) = &c.monitor else {
        return;
    };
    let default = Monitor::default();
    let _ = writeln!(out, "\n[tunnel.{}.monitor]", c.name);
    let targets = if monitor.targets.is_empty() {
        text("auto")
    } else {
        list(&monitor.targets)
    };
    line(out, "target", &targets);
    if let Some(source) = monitor.source {
        line(out, "source", &text(&source.to_string()));
    }
    for (name, time, usual) in [
        ("interval", monitor.interval, default.interval),
        ("hold_down", monitor.hold_down, default.hold_down),
    ] {
        if time != usual {
            line(out, name, &text(&duration::write(time)));
        }
    }
    for (name, count, usual) in [
        ("failures", monitor.failures, default.failures),
        ("recover", monitor.recover, default.recover),
    ] {
        if count != usual {
            line(out, name, &count);
        }
    }
    match &monitor.action {
        MonitorAction::ReInitiate => {}
        MonitorAction::WaitRecover => line(out, "action", &text(WAIT)),
        MonitorAction::Rekey => line(out, "action", &text(REKEY)),
        MonitorAction::FailOver(other) => {
            line(out, "action", &text(OVER));
            line(out, "fail_over", &text(other));
        }
    }
}
