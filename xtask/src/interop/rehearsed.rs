//! What `adit rehearse` says of the configurations of every scenario, beside what really comes of them.
//!
//! Nothing is played: both gateways' files are written as for playing, and read by `adit rehearse`. What must come is what
//! the scenario's steps say, which is what comes when `cargo xtask interop` plays it. What lies outside of
//! configurations is named in [`outside`], with the reason.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use serde_json::Value;

use super::adit::Adit;
use super::credentials::Flaw;
use super::lab::Lab;
use super::play;
use super::scenario::{Kind, Role, Scenario, Step, all};
use super::strongswan::StrongSwan;
use crate::{exec, workspace};

/// What became of one scenario in one role.
enum Judged {
    Agrees,
    /// Nothing in the files tells.
    Outside(&'static str),
    Disagrees(String),
}

/// `cargo xtask interop --rehearse`.
pub fn run(adit: &Path, filters: &[String]) -> Result<ExitCode> {
    let (mut agree, mut outside, mut disagree) = (0, 0, 0);
    for scenario in all()? {
        let named = |filter: &String| scenario.name.contains(filter.as_str());
        if !filters.is_empty() && !filters.iter().any(named) {
            continue;
        }
        for role in &scenario.roles {
            let title = format!("{} {role}", scenario.name);
            match judge(adit, &scenario, *role).with_context(|| title.clone())? {
                Judged::Agrees => {
                    agree += 1;
                    println!("ok   {title}");
                }
                Judged::Outside(why) => {
                    outside += 1;
                    println!("n/a  {title}: {why}");
                }
                Judged::Disagrees(how) => {
                    disagree += 1;
                    println!("FAIL {title}: {how}");
                }
            }
        }
    }
    println!(
        "{agree} rehearsals agree with what comes, {disagree} don't; {outside} scenarios are about what no configuration has"
    );
    Ok(match disagree {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn judge(adit: &Path, scenario: &Scenario, role: Role) -> Result<Judged> {
    if let Some(why) = outside(scenario) {
        return Ok(Judged::Outside(why));
    }
    let document = rehearse(adit, scenario, role)?;
    let initiator = match role {
        Role::Initiator => "A",
        Role::Responder => "B",
    };
    let wanted = wanted(scenario);
    let runs = document["runs"].as_array().cloned().unwrap_or_default();
    let run = runs.iter().find(|run| run["initiator"] == initiator);
    let compared = &document["compared"]["findings"];
    // Who is told by a command to begin needn't do it by itself.
    let besides = document["besides"].as_array().into_iter().flatten();
    let besides = besides.filter(|cause| **cause != "both-ends-passive");
    let mut stops: Vec<&str> = besides.filter_map(Value::as_str).collect();
    if document["method"] == "compared" {
        let all = compared.as_array().into_iter().flatten();
        let breaks = |f: &&Value| f["outcome"] != "warning" && f["outcome"] != "hint";
        stops.extend(all.filter(breaks).filter_map(|f| f["cause"].as_str()));
    }
    let run_fails = run.is_some_and(|run| run["result"] == "fails");
    let fails = run_fails || !stops.is_empty();
    let shown = || {
        let stages = run.and_then(|run| run["stages"].as_array());
        let failed = stages
            .into_iter()
            .flatten()
            .find(|stage| stage["outcome"] == "failed");
        let said = failed.map_or_else(String::new, |s| format!("{} {}", s["stage"], s["detail"]));
        format!(
            "{said}; named {:?}; besides {stops:?}; {}",
            run.map(named).unwrap_or_default(),
            document["not_played"]
        )
    };
    Ok(match wanted {
        Wanted::Works if fails => Judged::Disagrees(format!("it works, rehearsed: {}", shown())),
        Wanted::Works if run.is_none() => {
            Judged::Disagrees(format!("{initiator} begins, and doesn't here: {}", shown()))
        }
        Wanted::Fails(_) if !fails => Judged::Disagrees("it fails, and works here".to_owned()),
        Wanted::Fails(Some(cause)) => {
            let names = run.map(named).unwrap_or_default();
            let also = stops.contains(&cause.as_str());
            match also || names.contains(&cause) {
                true => Judged::Agrees,
                false => {
                    Judged::Disagrees(format!("it fails with {cause}, rehearsed: {}", shown()))
                }
            }
        }
        Wanted::Works | Wanted::Fails(None) => Judged::Agrees,
    })
}

/// Causes that a run names.
fn named(run: &Value) -> Vec<String> {
    let verdict = &run["verdict"];
    let lists = [&verdict["findings"], &verdict["possible"]];
    let causes = lists
        .into_iter()
        .flat_map(|list| list.as_array().into_iter().flatten())
        .map(|finding| &finding["cause"])
        .chain([&run["alone"]["A"], &run["alone"]["B"]]);
    causes
        .filter_map(|c| c.as_str().map(str::to_owned))
        .collect()
}

enum Wanted {
    Works,
    /// With this cause, where `adit why` names one.
    Fails(Option<String>),
}

fn wanted(scenario: &Scenario) -> Wanted {
    let fails = scenario
        .steps
        .iter()
        .any(|step| matches!(step, Step::Fail | Step::Fails(_)));
    match fails {
        true => Wanted::Fails(scenario.cause.clone()),
        false => Wanted::Works,
    }
}

/// Why nothing in the two files tells what will come of a scenario.
fn outside(scenario: &Scenario) -> Option<&'static str> {
    let fails = matches!(wanted(scenario), Wanted::Fails(_));
    let tunnel = &scenario.tunnel;
    let flaws = [tunnel.west_flaw, tunnel.east_flaw];
    let has = |flaw: Flaw| flaws.contains(&Some(flaw));
    if fails && scenario.peer.psk.as_deref() == Some("") {
        return Some("strongSwan may have its keys in another file");
    }
    if scenario.reloaded.is_some() {
        return Some("the configuration changes on the way");
    }
    if scenario.peer.absent {
        return Some("the peer isn't there");
    }
    if fails && scenario.meddling.is_some() {
        return Some("somebody between the gateways changes messages");
    }
    if fails && (has(Flaw::Revoked) || has(Flaw::IssuerRevoked)) {
        return Some("what a CA revoked is in its lists, not in a configuration");
    }
    if fails && (tunnel.trust.needs_web() || scenario.cause.as_deref() == Some("crl-unreachable")) {
        return Some("whether a CA tells what it revoked isn't in a configuration");
    }
    if fails && has(Flaw::Sha3) {
        return Some("with what a CA signed is in a certificate, which isn't used");
    }
    if fails && (has(Flaw::Usage) || has(Flaw::OtherKey)) {
        return Some("what a certificate or key is for is in its file, which isn't used");
    }
    if fails && tunnel.classic {
        return Some("the daemon's own settings aren't in the file of its connections");
    }
    None
}

/// Writes both ends' files, and has them rehearsed.
fn rehearse(adit: &Path, scenario: &Scenario, role: Role) -> Result<Value> {
    let scenario = &scenario.with_given(role)?;
    let kept = workspace::target_dir()
        .join("rehearse")
        .join(format!("{}-{role}", scenario.name.replace('/', "-")));
    let lab = Lab::on_paper(kept, scenario, role)?;
    let theirs = scenario.peer.over(&scenario.tunnel);
    let [near, far] = play::ends(&lab, scenario, role);
    let ours = Adit::write(&lab, &near, &scenario.tunnel)?;
    let peers = match scenario.peer.kind {
        Kind::Adit => Adit::write(&lab, &far, &theirs)?,
        Kind::StrongSwan => {
            let (folder, _) = StrongSwan::write(&lab, &far, &theirs)?;
            folder.join("swanctl/swanctl.conf")
        }
    };
    let mut command = Command::new(adit);
    command.arg("rehearse").arg(ours).arg(peers);
    command.args(["--connection", "A=gw", "--connection", "B=gw", "--json"]);
    let said = exec::output(&mut command)?;
    let document: Value = serde_json::from_str(&said.stdout)
        .with_context(|| format!("no JSON (exit code {:?}): {}", said.code, said.text()))?;
    anyhow::ensure!(document["schema"] == "adit.rehearse/1", "{document}");
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every scenario in every role, without a network and without a daemon.
    #[test]
    fn rehearsals_agree_with_every_scenario() {
        let adit = crate::test::adit().unwrap();
        let mut wrong = Vec::new();
        let (mut agree, mut apart) = (0, 0);
        for scenario in all().unwrap() {
            for role in &scenario.roles {
                match judge(&adit, &scenario, *role).unwrap() {
                    Judged::Agrees => agree += 1,
                    Judged::Outside(_) => apart += 1,
                    Judged::Disagrees(how) => {
                        wrong.push(format!("{} {role}: {how}", scenario.name));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(agree > 9 * apart, "{agree} agree, {apart} are outside");
    }
}
