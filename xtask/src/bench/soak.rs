//! `cargo xtask bench soak`: what leaks memory or loses packets does so in minutes of full rate.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

use super::dataplane::released;
use super::iperf::{Flow, Load, Outcome};
use super::machine::{self, Machine};
use super::subject::{Adit, Kind, Subject};
use super::world::SIDES;
use crate::{exec, namespaces, peers};

/// Between two looks at memory.
const OFTEN: Duration = Duration::from_secs(1);
/// Of the whole time; meanwhile buffers and tables grow to what they need.
const WARMING_UP: f64 = 0.1;
/// What a fitted line may rise over the whole time, in KiB, and be called flat.
const FLAT: f64 = 512.0;

#[derive(clap::Args)]
pub struct Args {
    /// How long
    #[arg(long, default_value_t = 10.0, value_name = "N")]
    minutes: f64,
    /// How often the keys of the child are renewed
    #[arg(long, default_value = "30s", value_name = "TIME")]
    rekey: String,
    /// The document described in the documentation, on standard output
    #[arg(long)]
    json: bool,
    /// The gateway to run, instead of building it
    #[arg(long, value_name = "FILE")]
    adit: Option<PathBuf>,
    /// A line for `[gateway]` in its configuration
    #[arg(long, value_name = "KEY = VALUE")]
    set: Vec<String>,
}

/// The document of `--json`.
#[derive(Serialize)]
struct Report {
    schema: &'static str,
    machine: Machine,
    minutes: f64,
    gbit_per_second: f64,
    /// Pairs of SAs that were used after the first one.
    rekeys: usize,
    gateways: Vec<Memory>,
    /// Packets by reason, of both gateways, but for what is no loss (dummies, keepalives, answered repetitions).
    dropped: Vec<(String, u64)>,
    passed: bool,
}

/// Resident memory of one gateway, in KiB.
#[derive(Serialize)]
struct Memory {
    gateway: &'static str,
    /// After warming up.
    first: u64,
    last: u64,
    most: u64,
    /// Of a line fitted to all samples after warming up.
    slope_per_minute: f64,
    /// What that makes over the whole time.
    rise: f64,
    flat: bool,
    /// Second and KiB.
    samples: Vec<(f64, u64)>,
}

/// Runs, and judges.
pub fn run(args: &Args) -> Result<ExitCode> {
    peers::ensure_bench(false)?;
    namespaces::remove_leftovers()?;
    let adit = Adit {
        binary: match &args.adit {
            Some(file) => file.clone(),
            None => released()?,
        },
        gateway: args.set.clone(),
        child: vec![format!("rekey = \"{}\"", args.rekey)],
        in_udp: true,
    };
    let report = soak(args, &adit)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", text(&report));
    }
    Ok(if report.passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn soak(args: &Args, adit: &Adit) -> Result<Report> {
    let machine = Machine::look()?;
    let subject = Subject::start("soak", &Kind::Adit(adit.clone()))?;
    let seconds = args.minutes * 60.0;
    // Pings that came before the tunnel was up.
    let before = dropped(&subject, adit)?;
    let flow = Flow::start(&subject.world, Load::Tcp { streams: 4 }, seconds as u32)?;
    let began = Instant::now();
    let mut samples: Vec<Vec<(f64, u64)>> = vec![Vec::new(); SIDES.len()];
    let mut pairs = BTreeSet::new();
    while began.elapsed().as_secs_f64() < seconds {
        let at = began.elapsed().as_secs_f64();
        for (of, pid) in samples.iter_mut().zip(subject.pids()) {
            let resident = machine::resident(pid).context("a gateway has ended")?;
            of.push((at, resident));
        }
        pairs.extend(spis(&subject, adit)?);
        std::thread::sleep(OFTEN);
    }
    let outcome = flow.end()?;
    let gbit_per_second = match outcome {
        Outcome::Tcp {
            gbit_per_second, ..
        } => gbit_per_second,
        Outcome::Collapsed(why) => anyhow::bail!("iperf3's own connection didn't last: {why}"),
        Outcome::Udp { .. } => anyhow::bail!("iperf3 reported datagrams"),
    };
    let gateways: Vec<Memory> = SIDES
        .iter()
        .zip(samples)
        .map(|((gateway, ..), samples)| memory(gateway, samples, args.minutes))
        .collect();
    let mut dropped = dropped(&subject, adit)?;
    for (reason, packets) in &mut dropped {
        let earlier = before.iter().find(|before| before.0 == *reason);
        *packets -= earlier.map_or(0, |before| before.1);
    }
    dropped.retain(|(_, packets)| *packets > 0);
    let passed = dropped.is_empty() && gateways.iter().all(|memory| memory.flat);
    Ok(Report {
        schema: "adit.bench.soak/1",
        machine,
        minutes: args.minutes,
        gbit_per_second,
        rekeys: pairs.len().saturating_sub(1),
        gateways,
        dropped,
        passed,
    })
}

/// SPIs that the child receives under.
fn spis(subject: &Subject, adit: &Adit) -> Result<Vec<String>> {
    let document = ask(subject, adit, "west", &["status", "--json"])?;
    let children = document["tunnels"][0]["children"].as_array();
    let spis = children.into_iter().flatten().map(|child| &child["spi_in"]);
    Ok(spis.filter_map(Value::as_str).map(str::to_owned).collect())
}

/// What both gateways have dropped and shouldn't have.
fn dropped(subject: &Subject, adit: &Adit) -> Result<Vec<(String, u64)>> {
    let mut dropped = Vec::new();
    for (gateway, ..) in SIDES {
        let document = ask(subject, adit, gateway, &["show", "drops", "--json"])?;
        for counter in document["drops"].as_array().context("no drops")? {
            let packets = counter["packets"].as_u64().context("no packets")?;
            if packets > 0 && counter["severity"] != "normal" {
                let reason = counter["reason"].as_str().unwrap_or("?");
                dropped.push((format!("{gateway}: {reason}"), packets));
            }
        }
    }
    Ok(dropped)
}

fn ask(subject: &Subject, adit: &Adit, gateway: &str, args: &[&str]) -> Result<Value> {
    let mut command = adit.command(&subject.world, gateway, args);
    let answer = exec::output(&mut command)?;
    serde_json::from_str(&answer.stdout)
        .with_context(|| format!("{}: {}", exec::shown(&command), answer.text()))
}

fn memory(gateway: &'static str, samples: Vec<(f64, u64)>, minutes: f64) -> Memory {
    let skip = (samples.len() as f64 * WARMING_UP) as usize;
    let after = samples.get(skip..).unwrap_or_default();
    let slope_per_minute = slope(after) * 60.0;
    let rise = slope_per_minute * minutes;
    let of = |sample: Option<&(f64, u64)>| sample.map_or(0, |sample| sample.1);
    Memory {
        gateway,
        first: of(after.first()),
        last: of(after.last()),
        most: of(after.iter().max_by_key(|sample| sample.1)),
        slope_per_minute,
        rise,
        flat: rise < FLAT,
        samples,
    }
}

/// Of the line with the least squares of distances.
fn slope(samples: &[(f64, u64)]) -> f64 {
    let count = samples.len().max(1) as f64;
    let x = samples.iter().map(|s| s.0).sum::<f64>() / count;
    let y = samples.iter().map(|s| s.1 as f64).sum::<f64>() / count;
    let both: f64 = samples.iter().map(|s| (s.0 - x) * (s.1 as f64 - y)).sum();
    let squares: f64 = samples.iter().map(|s| (s.0 - x).powi(2)).sum();
    if squares > 0.0 { both / squares } else { 0.0 }
}

fn text(report: &Report) -> String {
    let mut text = format!(
        "{} minutes, four TCP streams, {:.2} Gbit/s, {} times new keys\n\n{:<10}{:>10}{:>10}{:>10}{:>16}{:>12}\n",
        report.minutes,
        report.gbit_per_second,
        report.rekeys,
        "memory/KiB",
        "first",
        "last",
        "most",
        "KiB a minute",
        "flat"
    );
    for memory in &report.gateways {
        text += &format!(
            "{:<10}{:>10}{:>10}{:>10}{:>16.1}{:>12}\n",
            memory.gateway,
            memory.first,
            memory.last,
            memory.most,
            memory.slope_per_minute,
            if memory.flat { "yes" } else { "no" }
        );
    }
    text += "\ndropped: ";
    if report.dropped.is_empty() {
        text += "nothing";
    }
    let each = report.dropped.iter();
    let each: Vec<_> = each.map(|(reason, n)| format!("{reason} {n}")).collect();
    text + &each.join(", ") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rise_is_found_in_noise() {
        let flat = (0..600).map(|s| (f64::from(s), 10_000 + u64::from(s % 7 == 0) * 80));
        assert!(memory("west", flat.collect(), 10.0).flat);
        let rising = (0..600_u32).map(|s| (f64::from(s), u64::from(10_000 + 2 * s + s % 7 * 30)));
        let rising = memory("west", rising.collect(), 10.0);
        assert!(!rising.flat);
        assert!(
            (rising.slope_per_minute - 120.0).abs() < 3.0,
            "{}",
            rising.slope_per_minute
        );
    }
}
