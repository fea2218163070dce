//! A recording as evidence: the case of one tunnel, as the gateway itself would have made it then.

use std::collections::BTreeMap;

use adit_model::Wall;
use adit_model::connection::{Connection, Remote};
use adit_model::drops::DropReason;
use adit_model::event::{Event, Happening};
use adit_model::fact::{Case, Fact, Known, Probe, Side, Source};
use adit_model::product::Product;

use super::record::{ChildSample, Record};
use super::run::{Recording, Run};
use crate::case::in_question;

/// What the runs before this one have left about one tunnel.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// As it was configured then.
    pub connection: Connection,
    /// What happened in the last run that tried it, oldest first, bounded.
    pub facts: Vec<Fact>,
    /// Whether they hold the beginning of its last attempt.
    pub covers: bool,
}

impl Recording {
    /// The case of a tunnel; without a name, of the one that failed last and hasn't come up since. `None` when the
    /// recording knows of no such tunnel.
    #[must_use]
    pub fn case(&self, tunnel: Option<&str>) -> Option<Case> {
        let configured = self.configured();
        let connection = match (tunnel, configured?.as_slice()) {
            (Some(name), all) => all.iter().find(|c| c.name == name)?,
            (None, [only]) => only,
            (None, all) => {
                let facts: Vec<Fact> = self.runs.iter().flat_map(happened).collect();
                let name = in_question(&facts)?;
                all.iter().find(|c| c.name == name)?
            }
        };
        let name = &connection.name;
        let mut facts = vec![state(
            "configuration",
            name,
            None,
            format!("tunnel {name} is configured"),
            Known::Configured {
                connection: Box::new(connection.clone()),
            },
        )];
        facts.extend(self.runs.iter().flat_map(|run| story(run, connection)));
        let tried = self.runs.iter().rev().find(|run| tries(run, connection));
        facts.extend(tried.into_iter().flat_map(|run| probed(run, name)));
        facts.extend(self.drops(name));
        let covers = tried.is_some_and(|run| covers(run, connection)) && self.damaged() == 0;
        Some(Case {
            subject: name.clone(),
            facts,
            covered: BTreeMap::from([(Side::Local, covers)]),
            products: BTreeMap::from([(Side::Local, Product::Adit)]),
            clock_offset_ms: None,
        })
    }

    /// What is left of every tunnel that was configured last, for the run that comes next.
    #[must_use]
    pub fn past(&self) -> BTreeMap<String, Past> {
        let all = self.configured().into_iter().flatten();
        all.filter_map(|connection| {
            let run = self.runs.iter().rev().find(|run| tries(run, connection))?;
            // What was configured otherwise then says nothing about what is configured now.
            let then = run.configured()?.iter().find(|c| c.name == connection.name);
            if then != Some(connection) {
                return None;
            }
            let mut facts = story(run, connection);
            let first = facts.len().saturating_sub(MOST_FACTS);
            facts.drain(..first);
            facts.extend(probed(run, &connection.name));
            let past = Past {
                connection: connection.clone(),
                facts,
                covers: covers(run, connection) && first == 0 && self.damaged() == 0,
            };
            Some((connection.name.clone(), past))
        })
        .collect()
    }

    /// Drops of this tunnel, and of what can't be told to be of any, when they were counted last.
    fn drops(&self, name: &str) -> Vec<Fact> {
        let newest = self.entries().rev().find_map(|entry| match &entry.record {
            Record::Sample {
                children, drops, ..
            } => Some((children, drops)),
            _ => None,
        });
        let Some((children, drops)) = newest else {
            return Vec::new();
        };
        let others = |reason: DropReason| -> u64 {
            let foreign = |child: &&ChildSample| {
                let tunnel = child.child.split_once('/').map(|(tunnel, _)| tunnel);
                tunnel.is_some_and(|tunnel| tunnel != name)
            };
            let of = |child: &ChildSample| -> u64 {
                let own = child.drops.iter().filter(|(r, _)| *r == reason);
                own.map(|(_, n)| n).sum()
            };
            children.iter().filter(foreign).map(of).sum()
        };
        drops
            .iter()
            .map(|(reason, total)| (*reason, total.saturating_sub(others(*reason))))
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| {
                let text = format!("{count} packets: {}", reason.meaning());
                state("counters", name, None, text, Known::Drops { reason, count })
            })
            .collect()
    }
}

/// What a run tells of a tunnel.
fn story(run: &Run, connection: &Connection) -> Vec<Fact> {
    let source = format!("{} recording", connection.local_id);
    run.events()
        .filter(|(_, event)| concerns(event, connection))
        .map(|(number, event)| Fact::from_event(event, Side::Local, &source, number))
        .collect()
}

fn happened(run: &Run) -> Vec<Fact> {
    run.events()
        .map(|(number, event)| Fact::from_event(event, Side::Local, "recording", number))
        .collect()
}

/// The tunnel's own events, and those of strangers that may be its peer: an exchange that is refused early belongs to no
/// connection yet.
fn concerns(event: &Event, connection: &Connection) -> bool {
    match (&event.connection, event.remote) {
        (Some(name), _) => *name == connection.name,
        (None, Some(remote)) => match connection.remote {
            Remote::Address(address) => address == remote.ip(),
            Remote::Any => true,
            Remote::Name(_) => false,
        },
        (None, None) => false,
    }
}

/// What was probed last in a run. Another run's probes say nothing about this one's path.
fn probed(run: &Run, name: &str) -> Vec<Fact> {
    let newest = run.entries.iter().rev().find_map(|e| match &e.record {
        Record::Probed { at, tunnel, probes } if tunnel == name => Some((at.wall, probes)),
        _ => None,
    });
    let (at, probes) = newest.map_or((Wall(0), &[][..]), |(at, p)| (at, p.as_slice()));
    let fact = |probe: &Probe| {
        let what = Known::Probed {
            probe: probe.clone(),
        };
        state("probe", name, Some(at), probe.to_string(), what)
    };
    probes.iter().map(fact).collect()
}

fn tries(run: &Run, connection: &Connection) -> bool {
    run.events()
        .any(|(_, event)| concerns(event, connection) && begins_attempt(&event.what))
}

/// Whether what isn't there of the last attempt didn't happen.
fn covers(run: &Run, connection: &Connection) -> bool {
    for entry in run.entries.iter().rev() {
        match &entry.record {
            Record::Lost { .. } => return false,
            Record::Event { event, .. }
                if concerns(event, connection) && begins_attempt(&event.what) =>
            {
                return true;
            }
            _ => {}
        }
    }
    false
}

fn begins_attempt(what: &Happening) -> bool {
    match what {
        Happening::Initiating { .. } => true,
        Happening::Received(m) => m.exchange == "IKE_SA_INIT" && !m.response,
        _ => false,
    }
}

fn state(source: &str, subject: &str, at: Option<Wall>, text: String, what: Known) -> Fact {
    Fact {
        source: Source {
            name: source.to_owned(),
            line: None,
            text,
        },
        at,
        side: Side::Local,
        subject: Some(subject.to_owned()),
        role: None,
        what,
    }
}

/// Facts kept of the past of one tunnel.
const MOST_FACTS: usize = 512;
