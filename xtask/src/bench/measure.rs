//! The figures, and how each is measured.

use anyhow::{Context, Result};
use serde::Serialize;

use super::iperf::{self, Load, Outcome};
use super::machine::{self, Clock};
use super::subject::Subject;
use super::world::{CLIENT, TARGET};
use crate::exec;

/// More datagrams than these must not be lost.
const LOSS_PERCENT: f64 = 0.5;
/// The rate that is tried first, in datagrams a second.
const FIRST_RATE: f64 = 50_000.0;
/// Nobody gets beyond it here.
const RATES: (f64, f64) = (500.0, 4_000_000.0);
/// Two rates as close as that are one.
const CLOSE: f64 = 1.05;
/// Echo requests for one figure, and the seconds between two.
const PINGS: (u32, &str) = (500, "0.002");

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Figure {
    /// One TCP stream, Gbit/s
    Tcp1,
    /// Four TCP streams, Gbit/s
    Tcp4,
    /// Datagrams of 64 octets, the highest rate with less than 0.5 % lost, packets a second
    Udp64,
    /// The same with 1300 octets
    Udp1300,
    /// Median round trip, ms
    Ping,
}

impl Figure {
    pub const ALL: [Self; 5] = [
        Self::Tcp1,
        Self::Tcp4,
        Self::Udp64,
        Self::Udp1300,
        Self::Ping,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Self::Tcp1 => "one TCP stream",
            Self::Tcp4 => "four TCP streams",
            Self::Udp64 => "UDP, 64 octets",
            Self::Udp1300 => "UDP, 1300 octets",
            Self::Ping => "round trip, median",
        }
    }

    pub fn unit(self) -> &'static str {
        match self {
            Self::Tcp1 | Self::Tcp4 => "Gbit/s",
            Self::Udp64 | Self::Udp1300 => "packets/s",
            Self::Ping => "ms",
        }
    }
}

/// One figure, once.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    pub subject: String,
    pub figure: Figure,
    /// From 1 on.
    pub run: u32,
    /// What was run in the sending host; for a rate that was searched, what found it.
    pub command: String,
    pub value: f64,
    pub unit: &'static str,
    /// TCP segments that were sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retransmits: Option<u64>,
    /// The 99th of 100 round trips, in ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<f64>,
    /// iperf3 could not send more.
    pub limited_by_sender: bool,
    /// Processor time of west's and east's gateway, in cores; none where the kernel forwards.
    pub gateway_cores: Vec<f64>,
    /// The part of all cores that was busy.
    pub machine_busy: f64,
    /// Over the minute before.
    pub load_average: f64,
}

/// Measures once. `last` is what the same came to before, and where a search begins.
pub fn once(
    subject: &Subject,
    figure: Figure,
    run: u32,
    seconds: u32,
    last: Option<f64>,
) -> Result<Run> {
    let measured = match figure {
        Figure::Tcp1 => tcp(subject, 1, seconds),
        Figure::Tcp4 => tcp(subject, 4, seconds),
        Figure::Udp64 => udp(subject, 64, last),
        Figure::Udp1300 => udp(subject, 1300, last),
        Figure::Ping => ping(subject),
    }
    .with_context(|| format!("{}, {}", subject.name, figure.title()))?;
    Ok(Run {
        subject: subject.name.clone(),
        figure,
        run,
        ..measured
    })
}

/// A run of which only the time of processors is known.
fn blank(command: String, unit: &'static str, clock: Clock) -> Result<Run> {
    let worked = clock.stop()?;
    Ok(Run {
        subject: String::new(),
        figure: Figure::Ping,
        run: 0,
        command,
        value: 0.0,
        unit,
        retransmits: None,
        p99: None,
        limited_by_sender: false,
        gateway_cores: worked.cores,
        machine_busy: worked.machine,
        load_average: machine::load_average()?[0],
    })
}

fn tcp(subject: &Subject, streams: u32, seconds: u32) -> Result<Run> {
    let load = Load::Tcp { streams };
    let clock = Clock::start(&subject.pids())?;
    let outcome = iperf::run(&subject.world, load, seconds)?;
    let run = blank(iperf::shown(load, seconds), "Gbit/s", clock)?;
    Ok(match outcome {
        Outcome::Tcp {
            gbit_per_second,
            retransmits,
        } => Run {
            value: gbit_per_second,
            retransmits: Some(retransmits),
            ..run
        },
        _ => run,
    })
}

/// A rate that was tried.
struct Tried {
    /// Fewer were lost than may be.
    good: bool,
    /// What iperf3 sent was well below what it was asked for.
    limited: bool,
    run: Run,
}

/// Searches the highest rate under the limit: by doubling and halving until it is bracketed, then by bisection of the
/// ratio. Later searches begin at what the first one found, in small steps.
fn udp(subject: &Subject, octets: u32, last: Option<f64>) -> Result<Run> {
    let (mut rate, step) = match last {
        Some(rate) if rate > 0.0 => (rate, 1.15),
        _ => (FIRST_RATE, 2.0),
    };
    let (mut low, mut high): (Option<Tried>, Option<f64>) = (None, None);
    let mut below = 0.0;
    while (RATES.0..=RATES.1).contains(&rate) {
        let tried = attempt(subject, octets, rate)?;
        if tried.good {
            below = rate;
            let limited = tried.limited;
            low = Some(tried);
            if limited {
                break;
            }
        } else {
            high = Some(rate);
        }
        rate = match (low.is_some(), high) {
            (true, Some(high)) if high / below < CLOSE => break,
            (true, Some(high)) => (below * high).sqrt(),
            (true, None) => below * step,
            (false, _) => rate / step,
        };
    }
    match low {
        Some(tried) => Ok(Run {
            limited_by_sender: tried.limited,
            ..tried.run
        }),
        None => {
            let load = Load::Udp { octets, rate };
            let clock = Clock::start(&subject.pids())?;
            blank(iperf::shown(load, 1), "packets/s", clock)
        }
    }
}

/// A second of datagrams. What is lost is lost by chance now and then, so a failure close to the limit has to happen twice.
fn attempt(subject: &Subject, octets: u32, rate: f64) -> Result<Tried> {
    let load = Load::Udp { octets, rate };
    let mut again = false;
    loop {
        let clock = Clock::start(&subject.pids())?;
        let outcome = iperf::run(&subject.world, load, 1)?;
        let run = blank(iperf::shown(load, 1), "packets/s", clock)?;
        let Outcome::Udp {
            sent_per_second,
            received_per_second,
            lost_percent,
        } = outcome
        else {
            return Ok(Tried {
                good: false,
                limited: false,
                run,
            });
        };
        let good = lost_percent < LOSS_PERCENT;
        if good || again || lost_percent > 8.0 * LOSS_PERCENT {
            return Ok(Tried {
                good,
                limited: sent_per_second < rate * 0.93,
                run: Run {
                    value: received_per_second,
                    ..run
                },
            });
        }
        again = true;
    }
}

fn ping(subject: &Subject) -> Result<Run> {
    let (count, interval) = (PINGS.0.to_string(), PINGS.1);
    let arguments = ["-n", "-i", interval, "-c", &count, TARGET];
    let command = format!("ping {}", arguments.join(" "));
    let clock = Clock::start(&subject.pids())?;
    let done = exec::output(subject.world.hosts.command(CLIENT, "ping").args(arguments))?;
    let run = blank(command, "ms", clock)?;
    let mut trips = round_trips(&done.stdout);
    anyhow::ensure!(!trips.is_empty(), "no echo came back: {}", done.text());
    trips.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let index = (trips.len() as f64 * part) as usize;
        trips.get(index.min(trips.len() - 1)).copied()
    };
    Ok(Run {
        value: at(0.5).unwrap_or_default(),
        p99: at(0.99),
        ..run
    })
}

fn round_trips(output: &str) -> Vec<f64> {
    let trip = |line: &str| {
        let (_, rest) = line.split_once(" time=")?;
        rest.split(' ').next()?.parse().ok()
    };
    output.lines().filter_map(trip).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn round_trips_are_read() {
        let output = "64 bytes from 10.2.0.2: icmp_seq=1 ttl=62 time=0.071 ms\nFrom 10.1.0.1 icmp_seq=2 no\n";
        assert_eq!(super::round_trips(output), [0.071]);
    }
}
