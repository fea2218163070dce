//! The dependency policy of deny.toml: licences, bans and sources; advisories where their database can be had.
//!
//! cargo-deny does it where it is installed. Where it isn't, the first three are checked here from `cargo metadata`:
//! they need no database, and a policy that is checked only on machines with one more tool is soon not checked at all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde::Deserialize;
use toml_edit::{DocumentMut, Item};

use crate::{exec, spdx, workspace};

/// The part of `cargo metadata` that is judged.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    license_file: Option<PathBuf>,
    /// `None` for packages of the workspace.
    source: Option<String>,
}

/// What the gate found.
pub struct Verdict {
    /// The tool that looked.
    pub tool: &'static str,
    pub problems: Vec<String>,
    /// What could not be looked at, and why.
    pub not_run: Vec<String>,
}

/// `cargo xtask supply`.
pub fn run() -> Result<ExitCode> {
    let verdict = check()?;
    print(&verdict);
    Ok(if verdict.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Says who looked and what was found.
pub fn print(verdict: &Verdict) {
    eprintln!("dependency policy checked by {}", verdict.tool);
    for problem in &verdict.problems {
        eprintln!("  {problem}");
    }
    for note in &verdict.not_run {
        eprintln!("  not run: {note}");
    }
}

/// Checks the workspace against deny.toml.
pub fn check() -> Result<Verdict> {
    if workspace::find_program("cargo-deny").is_some() {
        cargo_deny()
    } else {
        built_in()
    }
}

fn cargo_deny() -> Result<Verdict> {
    let gate =
        exec::output(workspace::cargo().args(["deny", "check", "licenses", "bans", "sources"]))?;
    let mut verdict = Verdict {
        tool: "cargo-deny",
        problems: Vec::new(),
        not_run: Vec::new(),
    };
    if !gate.success {
        verdict.problems.push(gate.text());
    }
    let advisories = exec::output(workspace::cargo().args(["deny", "check", "advisories"]))?;
    if !advisories.success {
        let text = advisories.text();
        if text.contains("failed to fetch advisory database")
            || text.contains("failed to load advisory database")
        {
            verdict
                .not_run
                .push("advisories: their database cannot be reached".to_owned());
        } else {
            verdict.problems.push(text);
        }
    }
    Ok(verdict)
}

fn built_in() -> Result<Verdict> {
    let file = workspace::root().join("deny.toml");
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))?;
    let policy = Policy::parse(&text)?;
    let metadata: Metadata = workspace::metadata(&policy.targets, true)?;
    Ok(Verdict {
        tool: "cargo xtask (cargo-deny is not installed)",
        problems: policy.judge(&metadata.packages),
        not_run: vec!["advisories: they need cargo-deny and its database".to_owned()],
    })
}

/// The part of deny.toml that is checked here.
struct Policy {
    targets: Vec<String>,
    licenses: Vec<String>,
    banned: BTreeSet<String>,
    single: BTreeSet<String>,
    registries: Vec<String>,
    git: Vec<String>,
}

impl Policy {
    fn parse(text: &str) -> Result<Self> {
        let document: DocumentMut = text.parse().context("deny.toml")?;
        let mut policy = Self {
            targets: strings(&document["graph"]["targets"]),
            licenses: strings(&document["licenses"]["allow"]),
            banned: BTreeSet::new(),
            single: BTreeSet::new(),
            registries: strings(&document["sources"]["allow-registry"]),
            git: strings(&document["sources"]["allow-git"]),
        };
        anyhow::ensure!(!policy.licenses.is_empty(), "deny.toml allows no licence");
        for entry in document["bans"]["deny"].as_array().into_iter().flatten() {
            let entry = entry
                .as_inline_table()
                .context("bans.deny holds something else than tables")?;
            let name = entry
                .get("crate")
                .and_then(|v| v.as_str())
                .context("bans.deny: `crate` is missing")?;
            let single = entry
                .get("deny-multiple-versions")
                .and_then(|v| v.as_bool())
                .unwrap_or(false);
            let set = if single {
                &mut policy.single
            } else {
                &mut policy.banned
            };
            set.insert(name.to_owned());
        }
        Ok(policy)
    }

    fn judge(&self, packages: &[Package]) -> Vec<String> {
        let mut problems = Vec::new();
        let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for package in packages {
            versions
                .entry(&package.name)
                .or_default()
                .push(&package.version);
            let who = format!("{} {}", package.name, package.version);
            if self.banned.contains(&package.name) {
                problems.push(format!("{who} is banned"));
            }
            let Some(source) = &package.source else {
                continue;
            };
            if !self.allows_source(source) {
                problems.push(format!("{who} comes from {source}, which is not allowed"));
            }
            match &package.license {
                None => problems.push(format!(
                    "{who} names no licence expression{}",
                    package
                        .license_file
                        .as_ref()
                        .map_or("", |_| ", only a file")
                )),
                Some(expression) => match spdx::allowed(expression, &self.licenses) {
                    Ok(true) => {}
                    Ok(false) => {
                        problems.push(format!("{who} is under {expression}, which is not allowed"))
                    }
                    Err(error) => problems.push(format!("{who} is under {expression}: {error}")),
                },
            }
        }
        for name in &self.single {
            if let Some(found) = versions.get(name.as_str()).filter(|found| found.len() > 1) {
                problems.push(format!(
                    "{name} is there in {} versions: {}",
                    found.len(),
                    found.join(", ")
                ));
            }
        }
        problems
    }

    fn allows_source(&self, source: &str) -> bool {
        let Some((kind, url)) = source.split_once('+') else {
            return false;
        };
        match kind {
            "registry" => self.registries.iter().any(|allowed| allowed == url),
            "git" => self
                .git
                .iter()
                .any(|allowed| url.starts_with(allowed.as_str())),
            _ => false,
        }
    }
}

fn strings(item: &Item) -> Vec<String> {
    let values = item.as_array().into_iter().flatten();
    values
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"
        [licenses]
        allow = ["MIT"]
        [bans]
        deny = [{ crate = "one", deny-multiple-versions = true }, { crate = "bad" }]
        [sources]
        allow-registry = ["https://example.org/index"]
    "#;

    fn package(name: &str, version: &str, license: &str, source: &str) -> Package {
        Package {
            name: name.into(),
            version: version.into(),
            license: Some(license.into()),
            license_file: None,
            source: Some(source.into()),
        }
    }

    fn judge(packages: &[Package]) -> Vec<String> {
        // A policy file without the optional tables must read too.
        Policy::parse(&format!("[graph]\ntargets = []\n{POLICY}\nallow-git = []"))
            .unwrap()
            .judge(packages)
    }

    const HERE: &str = "registry+https://example.org/index";

    #[test]
    fn a_clean_tree_passes() {
        assert_eq!(
            judge(&[
                package("a", "1.0.0", "MIT", HERE),
                package("one", "1.0.0", "MIT", HERE)
            ]),
            [""; 0]
        );
    }

    #[test]
    fn each_rule_fires() {
        let problems = judge(&[
            package("bad", "1.0.0", "MIT", HERE),
            package("one", "1.0.0", "MIT", HERE),
            package("one", "2.0.0", "MIT", HERE),
            package("viral", "1.0.0", "GPL-3.0-only", HERE),
            package("fork", "1.0.0", "MIT", "git+https://example.org/fork?rev=1"),
            package(
                "far",
                "1.0.0",
                "MIT",
                "registry+https://elsewhere.example/index",
            ),
        ]);
        for expected in [
            "bad 1.0.0 is banned",
            "one is there in 2 versions",
            "viral 1.0.0 is under GPL",
            "fork 1.0.0 comes",
            "far 1.0.0 comes",
        ] {
            assert!(
                problems.iter().any(|p| p.starts_with(expected)),
                "{expected}: {problems:#?}"
            );
        }
        assert_eq!(problems.len(), 5, "{problems:#?}");
    }
}
