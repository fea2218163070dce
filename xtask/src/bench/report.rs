//! Medians, ratios, and the goals beside them; as a table and as a document.

use std::fmt::Write;

use serde::Serialize;

use super::machine::Machine;
use super::measure::{Figure, Run};
use super::profile::Profile;

/// Everything that was measured: the document of `--json`.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub schema: &'static str,
    pub machine: Machine,
    /// What the figures may suffer from.
    pub warnings: Vec<String>,
    /// How long one run of TCP took.
    pub seconds: u32,
    /// Subjects that weren't measured, and why.
    pub missing: Vec<Missing>,
    pub runs: Vec<Run>,
    pub medians: Vec<Median>,
    pub ratios: Ratios,
    pub latency_added_us: Added,
    pub goals: Vec<Goal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
}

/// Who isn't there.
#[derive(Clone, Debug, Serialize)]
pub struct Missing {
    pub subject: String,
    pub reason: String,
}

/// The middle one of several runs.
#[derive(Clone, Debug, Serialize)]
pub struct Median {
    pub figure: Figure,
    pub subject: String,
    pub value: f64,
    pub unit: &'static str,
    /// This divided by what plain forwarding came to.
    pub to_plain: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<f64>,
    /// Processor time of west's and east's gateway, in cores.
    pub gateway_cores: Vec<f64>,
    pub machine_busy: f64,
    /// iperf3 could not send more, in at least half of the runs.
    pub limited_by_sender: bool,
    /// All values, in the order of the runs.
    pub values: Vec<f64>,
}

/// Adit's medians divided by others'.
#[derive(Clone, Debug, Serialize)]
pub struct Ratios {
    pub tcp1_to_plain: Option<f64>,
    pub tcp4_to_plain: Option<f64>,
    pub tcp1_to_strongswan_libipsec: Option<f64>,
    pub tcp1_to_wireguard_go: Option<f64>,
    pub tcp4_to_wireguard_go: Option<f64>,
    pub pps64_to_strongswan_libipsec: Option<f64>,
    pub pps64_to_wireguard_go: Option<f64>,
    pub pps1300_to_wireguard_go: Option<f64>,
    /// Which of two is meant.
    pub wireguard_go: Option<String>,
}

/// What Adit adds to the round trip of plain forwarding.
#[derive(Clone, Debug, Serialize)]
pub struct Added {
    pub p50: Option<f64>,
    pub p99: Option<f64>,
}

/// What is wanted, and what there is.
#[derive(Clone, Debug, Serialize)]
pub struct Goal {
    pub what: String,
    pub goal: f64,
    /// Whether more is better.
    pub at_least: bool,
    pub measured: f64,
    pub met: bool,
}

/// What Adit is called here.
pub const ADIT: &str = "adit";
pub const PLAIN: &str = "plain";
pub const STRONGSWAN: &str = "strongswan-libipsec";
pub const WIREGUARD_GO: &str = "wireguard-go";
/// The one whose path was given.
pub const WIREGUARD_GO_GIVEN: &str = "wireguard-go-given";
/// A bare relay whose path was given.
pub const RELAY: &str = "relay";

impl Report {
    /// Computes everything from the runs.
    pub fn new(
        machine: Machine,
        seconds: u32,
        subjects: &[String],
        runs: Vec<Run>,
        missing: Vec<Missing>,
    ) -> Self {
        let medians = medians(subjects, &runs);
        let of = |figure: Figure, subject: &str| {
            let mut all = medians.iter();
            all.find(|m| m.figure == figure && m.subject == subject)
        };
        let ratio = |figure: Figure, other: &str| {
            let (own, other) = (of(figure, ADIT)?.value, of(figure, other)?.value);
            (other > 0.0).then(|| own / other)
        };
        // Debian's has no segmentation offload; one that was given is the one to be compared with.
        let wireguard = [WIREGUARD_GO_GIVEN, WIREGUARD_GO]
            .into_iter()
            .find(|name| subjects.iter().any(|subject| subject == name));
        let to_wireguard = |figure| ratio(figure, wireguard?);
        let ratios = Ratios {
            tcp1_to_plain: ratio(Figure::Tcp1, PLAIN),
            tcp4_to_plain: ratio(Figure::Tcp4, PLAIN),
            tcp1_to_strongswan_libipsec: ratio(Figure::Tcp1, STRONGSWAN),
            tcp1_to_wireguard_go: to_wireguard(Figure::Tcp1),
            tcp4_to_wireguard_go: to_wireguard(Figure::Tcp4),
            pps64_to_strongswan_libipsec: ratio(Figure::Udp64, STRONGSWAN),
            pps64_to_wireguard_go: to_wireguard(Figure::Udp64),
            pps1300_to_wireguard_go: to_wireguard(Figure::Udp1300),
            wireguard_go: wireguard.map(str::to_owned),
        };
        let (own, plain) = (of(Figure::Ping, ADIT), of(Figure::Ping, PLAIN));
        let added = Added {
            p50: own
                .zip(plain)
                .map(|(own, plain)| (own.value - plain.value) * 1e3),
            p99: own
                .and_then(|m| m.p99)
                .zip(plain.and_then(|m| m.p99))
                .map(|(own, plain)| (own - plain) * 1e3),
        };
        let goals = goals(&ratios, &added, wireguard.unwrap_or(WIREGUARD_GO));
        Self {
            schema: "adit.bench.dataplane/1",
            warnings: machine.warning().into_iter().collect(),
            machine,
            seconds,
            missing,
            runs,
            medians,
            ratios,
            latency_added_us: added,
            goals,
            profile: None,
        }
    }

    /// The table.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let m = &self.machine;
        let _ = writeln!(
            text,
            "{} cores, {}, Linux {}, TCP's congestion control {}, load average {:.2}",
            m.cores, m.processor, m.kernel, m.congestion_control, m.load_average[0]
        );
        for warning in &self.warnings {
            let _ = writeln!(text, "warning: {warning}");
        }
        for figure in Figure::ALL {
            let rows: Vec<_> = self.medians.iter().filter(|m| m.figure == figure).collect();
            if rows.is_empty() {
                continue;
            }
            let _ = writeln!(
                text,
                "\n{:<28}{:>12}{:>10}{:>16}   runs",
                format!("{}, {}", figure.title(), figure.unit()),
                "median",
                "of plain",
                "gateways' cores",
            );
            for row in rows {
                let _ = writeln!(text, "{}", line(row));
            }
        }
        for missing in &self.missing {
            let _ = writeln!(text, "\n{}: n/a, {}", missing.subject, missing.reason);
        }
        if !self.goals.is_empty() {
            let _ = writeln!(text, "\n{:<58}{:>10}{:>10}", "goal", "", "measured");
        }
        for goal in &self.goals {
            let _ = writeln!(
                text,
                "{:<58}{:>2} {:>7.2}{:>10.3}  {}",
                goal.what,
                if goal.at_least { "≥" } else { "≤" },
                goal.goal,
                goal.measured,
                if goal.met { "met" } else { "not met" }
            );
        }
        if let Some(profile) = &self.profile {
            text += &profile.text();
        }
        text
    }
}

fn line(row: &Median) -> String {
    let number = |value: f64| match row.figure {
        Figure::Tcp1 | Figure::Tcp4 => format!("{value:.2}"),
        Figure::Udp64 | Figure::Udp1300 => format!("{value:.0}"),
        Figure::Ping => format!("{value:.3}"),
    };
    let cores: Vec<_> = row
        .gateway_cores
        .iter()
        .map(|cores| format!("{cores:.2}"))
        .collect();
    let values: Vec<_> = row.values.iter().map(|value| number(*value)).collect();
    format!(
        "{:<28}{:>12}{:>10}{:>16}   {}{}",
        format!("  {}", row.subject),
        number(row.value),
        row.to_plain
            .map_or_else(String::new, |ratio| format!("{ratio:.3}")),
        cores.join(" + "),
        values.join("  "),
        if row.limited_by_sender {
            "  (the sender's limit)"
        } else {
            ""
        },
    )
}

fn medians(subjects: &[String], runs: &[Run]) -> Vec<Median> {
    let mut medians: Vec<Median> = Vec::new();
    for figure in Figure::ALL {
        for subject in subjects {
            let of: Vec<&Run> = runs
                .iter()
                .filter(|run| run.figure == figure && run.subject == *subject)
                .collect();
            let Some(value) = middle(of.iter().map(|run| run.value)) else {
                continue;
            };
            let plain = medians
                .iter()
                .find(|m| m.figure == figure && m.subject == PLAIN)
                .map(|m| m.value);
            let cores = |at: usize| {
                middle(
                    of.iter()
                        .filter_map(|run| run.gateway_cores.get(at).copied()),
                )
            };
            medians.push(Median {
                figure,
                subject: subject.clone(),
                value,
                unit: figure.unit(),
                to_plain: plain
                    .filter(|plain| *plain > 0.0)
                    .map(|plain| value / plain),
                p99: middle(of.iter().filter_map(|run| run.p99)),
                gateway_cores: [0, 1].into_iter().filter_map(cores).collect(),
                machine_busy: middle(of.iter().map(|run| run.machine_busy)).unwrap_or_default(),
                limited_by_sender: of.iter().filter(|run| run.limited_by_sender).count() * 2
                    >= of.len(),
                values: of.iter().map(|run| run.value).collect(),
            });
        }
    }
    medians
}

/// The middle value; the lower one of two.
fn middle(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len().checked_sub(1)? / 2).copied()
}

fn goals(ratios: &Ratios, added: &Added, wireguard: &str) -> Vec<Goal> {
    let rows = [
        (
            format!("one TCP stream, of {PLAIN}"),
            0.45,
            true,
            ratios.tcp1_to_plain,
        ),
        (
            format!("one TCP stream, times {STRONGSWAN}"),
            20.0,
            true,
            ratios.tcp1_to_strongswan_libipsec,
        ),
        (
            format!("one TCP stream, times {wireguard}"),
            2.0,
            true,
            ratios.tcp1_to_wireguard_go,
        ),
        (
            format!("four TCP streams, of {PLAIN}"),
            0.30,
            true,
            ratios.tcp4_to_plain,
        ),
        (
            format!("datagrams of 64 octets, times {wireguard}"),
            2.0,
            true,
            ratios.pps64_to_wireguard_go,
        ),
        (
            format!("datagrams of 1300 octets, times {wireguard}"),
            2.0,
            true,
            ratios.pps1300_to_wireguard_go,
        ),
        (
            "added to the median round trip, ms".to_owned(),
            0.08,
            false,
            added.p50.map(|us| us / 1e3),
        ),
    ];
    let goal = |(what, goal, at_least, measured): (String, f64, bool, Option<f64>)| {
        let measured = measured?;
        let met = if at_least {
            measured >= goal
        } else {
            measured <= goal
        };
        Some(Goal {
            what,
            goal,
            at_least,
            measured,
            met,
        })
    };
    rows.into_iter().filter_map(goal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(subject: &str, figure: Figure, value: f64) -> Run {
        Run {
            subject: subject.to_owned(),
            figure,
            run: 1,
            command: String::new(),
            value,
            unit: figure.unit(),
            retransmits: None,
            p99: None,
            limited_by_sender: false,
            gateway_cores: Vec::new(),
            machine_busy: 1.0,
            load_average: 0.0,
        }
    }

    #[test]
    fn goals_stand_beside_medians_of_runs() {
        let runs = vec![
            run(PLAIN, Figure::Tcp1, 20.0),
            run(ADIT, Figure::Tcp1, 10.0),
            run(ADIT, Figure::Tcp1, 1.0),
            run(ADIT, Figure::Tcp1, 9.5),
            run(WIREGUARD_GO, Figure::Tcp1, 5.0),
            run(PLAIN, Figure::Ping, 0.05),
            run(ADIT, Figure::Ping, 0.10),
        ];
        let machine = Machine {
            cores: 2,
            processor: "any".to_owned(),
            kernel: "6".to_owned(),
            congestion_control: "cubic".to_owned(),
            began: 0,
            load_average: [0.0; 3],
            busy_at_rest: 0.5,
        };
        let subjects = [PLAIN, ADIT, WIREGUARD_GO].map(str::to_owned);
        let report = Report::new(machine, 1, &subjects, runs, Vec::new());
        assert_eq!(report.ratios.tcp1_to_plain, Some(0.475));
        assert_eq!(report.ratios.tcp1_to_strongswan_libipsec, None);
        let met: Vec<_> = report.goals.iter().map(|goal| goal.met).collect();
        // Of plain forwarding, times wireguard-go, the round trip.
        assert_eq!(met, [true, false, true]);
        assert_eq!(report.warnings.len(), 1);
        assert!(
            report.text().contains("9.50     0.475"),
            "{}",
            report.text()
        );
    }
}
