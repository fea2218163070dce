//! Processors, throughput, and logs of single packets.

use adit_model::fact::{Fact, Known};
use adit_model::host::HostState;
use adit_model::sign::Sign;

use super::{fact, sign};
use crate::reading::Place;
use crate::text::Line;

/// A processor that is as busy as this has nothing left.
const FULL: f64 = 90.0;
/// A daemon that only negotiates needs no such time of a processor, in minutes.
const LONG: u32 = 30;
/// So few lines about packets that pass may be of one packet that somebody follows.
const FEW: u64 = 3;

/// The processors of `mpstat -P ALL`, and packets that a filter logs though it lets them pass.
#[derive(Debug, Default)]
pub(crate) struct Load {
    /// The columns of mpstat from the processor's on.
    columns: Vec<String>,
    cores: Vec<Core>,
    /// A program of IPsec has a processor for itself.
    own: bool,
    passed: u64,
    rule: String,
    first: Option<Place>,
}

/// One processor, how busy it is, and whether it is with programs rather than with packets.
#[derive(Debug)]
struct Core {
    name: String,
    busy: f64,
    programs: bool,
    place: Place,
}

/// Programs that seal packets themselves.
const OWN: [&str; 6] = ["charon", "pluto", "iked", "racoon", "vpp", "adit"];

impl Load {
    /// The next line.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        place: &dyn Fn() -> Place,
        facts: &mut Vec<Fact>,
    ) {
        let body = line.body;
        if let Some(rule) = passed(body) {
            self.passed += 1;
            if self.first.is_none() {
                self.rule = rule.to_owned();
                self.first = Some(place());
            }
            return;
        }
        let words: Vec<&str> = body.split_ascii_whitespace().collect();
        if words.contains(&"CPU") && words.contains(&"%idle") {
            self.columns = words
                .iter()
                .skip_while(|w| **w != "CPU")
                .map(|w| w.trim_start_matches('%').to_owned())
                .collect();
        } else if let Some((name, busy, programs)) = mpstat(&self.columns, &words) {
            let place = place();
            self.cores.push(Core {
                name,
                busy,
                programs,
                place,
            });
        } else if let Some((name, busy, programs)) = top(body) {
            let place = place();
            self.cores.push(Core {
                name,
                busy,
                programs,
                place,
            });
        } else if let Some(percent) = all_softirq(body) {
            let values = [("percent", percent)];
            facts.push(sign(place(), Sign::AllCoresBusy, &values));
        } else if let Some(percent) = softirq(&words) {
            let values = [("cpu", "one"), ("percent", percent), ("what", "ksoftirqd")];
            facts.push(sign(place(), Sign::CoreBusy, &values));
        } else if let Some((time, program)) = full(&words).filter(|(_, program)| is_own(program)) {
            self.own |= !self.cores.is_empty();
            if is_control_plane(program) && minutes(time) >= LONG {
                let values = [("program", program), ("time", time)];
                facts.push(sign(place(), Sign::DaemonSpins, &values));
            }
        } else if let Some(state) = iperf(&words) {
            facts.push(fact(
                place(),
                Known::Host {
                    state: Box::new(state),
                },
            ));
        }
    }

    /// What all lines together say.
    pub(super) fn finish(&mut self, facts: &mut Vec<Fact>) {
        if self.passed >= FEW
            && let Some(place) = self.first.take()
        {
            let count = self.passed.to_string();
            let values = [("rule", self.rule.as_str()), ("count", count.as_str())];
            facts.push(sign(place, Sign::PacketsLogged, &values));
        }
        let busy = self.cores.iter().filter(|core| core.busy >= FULL).count();
        let Some(core) = self
            .cores
            .iter()
            .filter(|core| core.busy >= FULL)
            .max_by(|a, b| a.busy.total_cmp(&b.busy))
        else {
            return;
        };
        let percent = format!("{:.0}", core.busy);
        if self.cores.len() >= 2 && busy == self.cores.len() {
            let values = [("percent", percent.as_str())];
            facts.push(sign(core.place.clone(), Sign::AllCoresBusy, &values));
        } else if self.cores.len() >= 2 {
            let mut values = vec![("cpu", core.name.as_str()), ("percent", percent.as_str())];
            if core.programs && !self.own {
                values.push(("of", "programs"));
            }
            facts.push(sign(core.place.clone(), Sign::CoreBusy, &values));
        }
    }
}

/// A row of mpstat: the processor, its load, and whether programs have most of that.
fn mpstat(columns: &[String], words: &[&str]) -> Option<(String, f64, bool)> {
    // Counted from the end: times before them differ.
    let row = words.get(words.len().checked_sub(columns.len())?..)?;
    let share = |name: &str| {
        let at = columns.iter().position(|c| c == name)?;
        row.get(at)?.parse::<f64>().ok()
    };
    let cpu = row.first()?;
    cpu.parse::<u32>().ok()?;
    let busy = 100.0 - share("idle")?;
    let programs =
        share("usr").or_else(|| share("user")).unwrap_or(0.0) + share("nice").unwrap_or(0.0);
    Some(((*cpu).to_owned(), busy, is_most(programs, busy)))
}

fn is_most(part: f64, all: f64) -> bool {
    part >= all * 0.75
}

/// The time and the command of a row of top that has a processor for itself: `… %CPU %MEM TIME+ COMMAND`.
fn full<'a>(words: &[&'a str]) -> Option<(&'a str, &'a str)> {
    let [.., share, _, time, command] = words else {
        return None;
    };
    let full = share.parse::<f64>().ok().is_some_and(|s| s >= FULL);
    (full && time.contains(':')).then_some((*time, *command))
}

/// Whether the program leaves packets to the kernel, so that it has little to do.
fn is_control_plane(program: &str) -> bool {
    ["pluto", "iked", "racoon", "isakmpd"]
        .iter()
        .any(|name| program.starts_with(name))
}

/// The minutes of `762:47.58`.
fn minutes(time: &str) -> u32 {
    time.split_once(':')
        .and_then(|(minutes, _)| minutes.parse().ok())
        .unwrap_or(0)
}

fn is_own(command: &str) -> bool {
    OWN.iter().any(|name| command.starts_with(name))
}

/// The rule of a line about a packet that passes: Vyatta's `fw rule lan-in:100 … PASS`, netfilter's `[NAME-A] IN=`.
fn passed(body: &str) -> Option<&str> {
    if body.contains("fw rule ") && body.contains("PASS") {
        let (_, rest) = body.split_once("fw rule ")?;
        return rest.split_ascii_whitespace().next();
    }
    if body.contains("IN=") && body.contains("OUT=") && body.contains("PROTO=") {
        let (_, rest) = body.split_once('[')?;
        let (rule, _) = rest
            .split_once("-A]")
            .or_else(|| rest.split_once("-RET-A]"))?;
        return Some(rule);
    }
    None
}

/// `%Cpu3  :  0.0 us,  1.0 sy,  0.0 ni,  0.0 id,  0.0 wa, …`.
fn top(body: &str) -> Option<(String, f64, bool)> {
    let rest = body.trim_start().strip_prefix("%Cpu")?;
    let (cpu, rest) = rest.split_once(':')?;
    let cpu = cpu.trim();
    cpu.parse::<u32>().ok()?;
    let share = |name: &str| -> Option<f64> {
        let (head, _) = rest.split_once(name)?;
        head.rsplit([' ', ',']).next()?.parse().ok()
    };
    let busy = 100.0 - share(" id")?;
    let programs = share(" us").unwrap_or(0.0) + share(" ni").unwrap_or(0.0);
    Some((cpu.to_owned(), busy, is_most(programs, busy)))
}

/// The share of a `ksoftirqd/N` line of top that is full.
fn softirq<'a>(words: &[&'a str]) -> Option<&'a str> {
    let last = words.last()?;
    if !last.starts_with("ksoftirqd/") {
        return None;
    }
    // … %CPU %MEM TIME+ COMMAND
    let share = words.get(words.len().checked_sub(4)?)?;
    share.parse::<f64>().ok().filter(|s| *s >= FULL)?;
    Some(share)
}

/// What all processors together spend on packets, where that is nearly all they have: BusyBox'
/// `CPU:   0% usr   2% sys   0% nic   1% idle   0% io   0% irq  97% sirq`, and `%Cpu(s):  0.0 us, … 0.3 id, … 97.7 si, …`.
fn all_softirq(body: &str) -> Option<&str> {
    const MOST: f64 = 70.0;
    const LITTLE: f64 = 5.0;
    let body = body.trim_start();
    let rest = body
        .strip_prefix("CPU:")
        .or_else(|| body.strip_prefix("%Cpu(s):"))?;
    let words: Vec<&str> = rest
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '%'))
        .filter(|w| !w.is_empty())
        .collect();
    let share = |names: [&str; 2]| {
        let at = words.iter().position(|w| names.contains(w))?;
        words.get(at.checked_sub(1)?).copied()
    };
    let number = |text: &str| text.parse::<f64>().ok();
    let (idle, soft) = (share(["idle", "id"])?, share(["sirq", "si"])?);
    (number(idle)? <= LITTLE && number(soft)? >= MOST).then_some(soft)
}

/// The sum of iperf3: `[  5]   0.00-10.00  sec   112 MBytes  94.1 Mbits/sec    0             sender`.
fn iperf(words: &[&str]) -> Option<HostState> {
    let sender = *words.last()? == "sender";
    if !sender && *words.last()? != "receiver" {
        return None;
    }
    let at = words.iter().position(|w| w.ends_with("bits/sec"))?;
    let number: f64 = words.get(at.checked_sub(1)?)?.parse().ok()?;
    let scale = match words.get(at)?.bytes().next()? {
        b'K' => 1e3,
        b'M' => 1e6,
        b'G' => 1e9,
        _ => 1.0,
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let bits = (number * scale) as u64;
    let retransmissions = words
        .get(at + 1)
        .filter(|_| sender)
        .and_then(|w| w.parse().ok());
    Some(HostState::Throughput {
        bits,
        retransmissions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_rates() {
        let line = "  14 root 20 0 0 0 0 R 99.7 0.0 12:01.22 ksoftirqd/1";
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        assert_eq!(softirq(&words), Some("99.7"));
        let (cpu, busy, programs) =
            top("%Cpu3  :  0.0 us,  1.0 sy,  0.0 ni,  2.0 id,  0.0 wa").unwrap_or_default();
        assert_eq!((cpu.as_str(), busy, programs), ("3", 98.0, false));
        let packed = top("%Cpu1  : 96.0 us,  1.0 sy,  2.0 ni,  1.0 id,  0.0 wa");
        assert!(packed.is_some_and(|(_, _, programs)| programs));
        let busy = "CPU:   0% usr   2% sys   0% nic   0% idle   0% io   0% irq  97% sirq";
        assert_eq!(all_softirq(busy), Some("97"));
        let busy =
            "%Cpu(s):  0.0 us,  1.0 sy,  0.0 ni,  0.7 id,  0.0 wa,  0.0 hi, 98.3 si,  0.0 st";
        assert_eq!(all_softirq(busy), Some("98.3"));
        let calm = "CPU:   1% usr   2% sys   0% nic  90% idle   0% io   0% irq   7% sirq";
        assert_eq!(all_softirq(calm), None);
        let line = "[  5]   0.00-10.00  sec   112 MBytes  94.1 Mbits/sec   37             sender";
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        assert_eq!(
            iperf(&words),
            Some(HostState::Throughput {
                bits: 94_100_000,
                retransmissions: Some(37)
            })
        );
    }
}
