//! What is played: `interop/kernel.toml`, scenario by scenario.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::interop::{self, Backend, Kind, Role, Scenario, Setting};
use crate::workspace;

/// Scenarios that are played in one setting.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    name: String,
    /// What carries Adit's packets.
    ours: Backend,
    /// What carries those of the peer.
    theirs: Backend,
    /// What the peer is, instead of what it is where no kernel has ESP.
    peer: Option<Kind>,
    /// Names of scenarios, with `:initiator` or `:responder` behind them if only one role is meant.
    scenarios: Vec<String>,
    /// Tests of `crates/gateway/tests`, as `PROGRAM/TEST`, with Adit on both sides and what carries ours.
    #[serde(default)]
    tests: Vec<String>,
    /// Scenarios and tests need what User-Mode Linux lacks: nf_tables, XFRM interfaces.
    #[serde(default)]
    whole_kernel: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    list: Vec<List>,
}

/// One scenario in one role and setting, or one test.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// The list's name.
    pub list: String,
    /// The scenario's, or `PROGRAM/TEST`.
    pub name: String,
    /// Ours.
    pub role: Role,
    /// Whether it needs a kernel with everything that servers have.
    pub whole_kernel: bool,
}

impl Job {
    /// The program and the name of the test, if it is one.
    pub fn test(&self) -> Option<(&str, &str)> {
        self.name
            .split_once('/')
            .filter(|(program, _)| PROGRAMS.contains(program))
    }
}

/// Everything that is written about scenarios, read at once: a long run isn't to notice that somebody edits it.
pub struct Book {
    scenarios: Vec<Scenario>,
    lists: Vec<List>,
}

impl Book {
    pub fn read() -> Result<Self> {
        Ok(Self {
            scenarios: interop::all()?,
            lists: read()?,
        })
    }

    /// The scenario as its list wants it.
    pub fn scenario(&self, job: &Job) -> Result<Scenario> {
        let found = self.scenarios.iter().find(|s| s.name == job.name);
        let mut scenario = found
            .with_context(|| format!("no scenario {}", job.name))?
            .clone();
        let list = self.list(job)?;
        scenario.peer.kind = list.peer.unwrap_or(scenario.peer.kind);
        scenario.setting = list.setting();
        Ok(scenario)
    }

    /// What carries packets.
    pub fn setting(&self, job: &Job) -> Result<Setting> {
        Ok(self.list(job)?.setting())
    }

    fn list(&self, job: &Job) -> Result<&List> {
        let found = self.lists.iter().find(|list| list.name == job.list);
        found.with_context(|| format!("no list is called {}", job.list))
    }
}

impl List {
    fn setting(&self) -> Setting {
        Setting {
            name: self.name.clone(),
            ours: self.ours,
            theirs: self.theirs,
            ..Setting::default()
        }
    }
}

/// What the file says, restricted to one list and to scenarios whose names contain one of these.
///
/// # Errors
/// When the file names a scenario that isn't there, or a role that it isn't played in; when nothing is left.
pub fn jobs(list: Option<&str>, filters: &[String]) -> Result<Vec<Job>> {
    let all = interop::all()?;
    let mut jobs = Vec::new();
    for List {
        name,
        scenarios,
        tests,
        whole_kernel,
        ..
    } in read()?
    {
        for test in tests {
            let job = Job {
                list: name.clone(),
                name: test,
                role: Role::Initiator,
                whole_kernel,
            };
            let test = &job.name;
            anyhow::ensure!(
                job.test().is_some(),
                "{FILE}: {test} isn't in one of {PROGRAMS:?}"
            );
            jobs.push(job);
        }
        for entry in &scenarios {
            let (scenario, role) = entry.split_once(':').unwrap_or((entry, ""));
            let found = all.iter().find(|s| s.name == scenario);
            let found = found.with_context(|| format!("{FILE}: no scenario is called {entry}"))?;
            let roles = found.roles.iter().copied();
            let meant = |r: &Role| role.is_empty() || r.to_string() == role;
            let before = jobs.len();
            jobs.extend(roles.filter(meant).map(|role| Job {
                list: name.clone(),
                name: scenario.to_owned(),
                role,
                whole_kernel,
            }));
            anyhow::ensure!(
                jobs.len() > before,
                "{FILE}: {entry} isn't played in that role"
            );
        }
    }
    jobs.retain(|job| {
        let named = |filter: &String| job.name.contains(filter.as_str());
        list.is_none_or(|list| job.list == list)
            && (filters.is_empty() || filters.iter().any(named))
    });
    anyhow::ensure!(!jobs.is_empty(), "nothing in {FILE} is named like that");
    Ok(jobs)
}

fn read() -> Result<Vec<List>> {
    let text = std::fs::read_to_string(workspace::root().join(FILE))?;
    let file: File = toml_edit::de::from_str(&text).context(FILE)?;
    Ok(file.list)
}

/// The programs with tests that can be played.
const PROGRAMS: [&str; 4] = ["leaks", "in_kernel", "live_in_kernel", "offloaded"];
const FILE: &str = "interop/kernel.toml";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_a_scenario_in_a_role_of_its() {
        let jobs = jobs(None, &[]).unwrap();
        let book = Book::read().unwrap();
        assert!(jobs.len() > 50, "{}", jobs.len());
        for job in &jobs {
            let setting = book.setting(job).unwrap();
            assert!(setting.in_kernel(), "{}", job.name);
            assert!(job.test().is_some() || book.scenario(job).is_ok());
        }
        for program in PROGRAMS {
            let folder = workspace::root().join("crates/gateway/tests");
            let text = std::fs::read_to_string(folder.join(format!("{program}.rs"))).unwrap();
            let tests = jobs.iter().filter_map(Job::test);
            let mut played: Vec<&str> = tests
                .filter(|(of, _)| *of == program)
                .map(|(_, test)| test)
                .collect();
            played.sort_unstable();
            played.dedup();
            let mut written: Vec<&str> = text
                .split("#[test]\nfn ")
                .skip(1)
                .filter_map(|test| test.split('(').next())
                .collect();
            written.sort_unstable();
            assert_eq!(played, written, "{program}");
        }
        assert!(super::jobs(Some("no-such-list"), &[]).is_err());
        assert!(super::jobs(None, &["no/such".to_owned()]).is_err());
    }
}
