//! One fault in a world of its own: injected, asked about, judged.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

use super::act::{Act, Stage};
use super::row::Fault;
use crate::exec;
use crate::interop::adit::{self, Adit};
use crate::interop::authority::Authority;
use crate::interop::callers;
use crate::interop::lab::Lab;
use crate::interop::patience;
use crate::interop::relay::Relay;
use crate::interop::scenario::{Overrides, Scenario, Tunnel};
use crate::interop::side::{End, Side};
use crate::interop::strongswan::StrongSwan;
use crate::interop::{Kind, Role, Setting};

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The cause, or an honest `undecided`.
    Right,
    /// `undecided` where it could be known.
    Undecided,
    /// Another cause, or that nothing is wrong.
    Wrong,
    /// The world wasn't as it was to be, so nothing was asked.
    NotPlayed,
}

/// A row of the document.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub fault: String,
    pub shows: String,
    pub role: Role,
    pub peer: Kind,
    pub want: String,
    pub got: String,
    pub side: String,
    pub seconds_to_verdict: f64,
    /// Of the cause alone.
    pub result: Answer,
    /// The finding names the side at fault. An honest `undecided` blames nobody, and that is right.
    pub right_side: bool,
    /// The row says that one side can't know it, and so said the verdict.
    pub honest: bool,
    /// The finding says what to change; an honest `undecided`, what would decide.
    pub fix: bool,
    /// The verdict was there within [`PATIENCE`].
    pub in_time: bool,
    /// What remained possible, or why it wasn't played.
    pub note: String,
}

impl Row {
    /// Cause, side, fix and time are all as they are to be.
    pub fn right(&self) -> bool {
        self.result == Answer::Right && self.right_side && self.fix && self.in_time
    }
}

/// A fault in one role with one peer.
#[derive(Clone, Debug)]
pub struct Job {
    pub fault: Fault,
    pub role: Role,
    pub peer: Kind,
}

impl Job {
    pub fn name(&self) -> String {
        format!("{}-{}-{}", self.fault.name, self.role, word(self.peer))
    }
}

pub fn word(peer: Kind) -> &'static str {
    match peer {
        Kind::Adit => "adit",
        Kind::StrongSwan => "strongswan",
    }
}

/// As long as a verdict may take from the question on.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Between a question and the next one.
const PAUSE: Duration = Duration::from_secs(1);

/// Plays it; `index` tells it from others of this process.
pub fn play(binary: &Path, index: usize, job: &Job) -> Row {
    let fault = &job.fault;
    let mut row = Row {
        fault: fault.name.clone(),
        shows: fault.shows.clone(),
        role: job.role,
        peer: job.peer,
        want: fault.want.join(" or "),
        got: String::new(),
        side: String::new(),
        seconds_to_verdict: 0.0,
        result: Answer::NotPlayed,
        right_side: false,
        honest: false,
        fix: false,
        in_time: false,
        note: String::new(),
    };
    match asked(binary, index, job) {
        Ok((document, seconds)) => {
            row.seconds_to_verdict = (seconds * 10.0).round() / 10.0;
            row.in_time = seconds <= (PATIENCE * patience::factor()).as_secs_f64();
            judge(fault, job.role, &document, &mut row);
        }
        Err(problem) => row.note = format!("{problem:#}"),
    }
    row
}

/// Whether the document says what the fault is.
fn judge(fault: &Fault, role: Role, document: &Value, row: &mut Row) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let verdict = text(&document["verdict"]);
    let wanted = |entry: &Value| fault.want.iter().any(|want| entry["cause"] == **want);
    let none = Vec::new();
    let possible = document["possible"].as_array().unwrap_or(&none);
    match verdict.as_str() {
        "cause" => {
            let finding = &document["findings"][0];
            row.got = text(&finding["cause"]);
            row.side = text(&finding["side"]);
            row.fix = ["local", "remote"]
                .iter()
                .any(|side| !text(&finding["fix"][*side]).is_empty());
            let right = wanted(finding);
            row.right_side = right && fault.side.contains(&row.side);
            row.result = if right { Answer::Right } else { Answer::Wrong };
            row.note = text(&finding["summary"]);
        }
        "undecided" => {
            row.got = verdict;
            row.honest = fault.cannot_be_known(role) && possible.iter().any(wanted);
            row.right_side = row.honest;
            // What would decide, and how it is got.
            let missing = document["missing"].as_array().unwrap_or(&none);
            row.fix = row.honest && missing.iter().any(|m| !text(&m["collect"]).is_empty());
            row.result = if row.honest {
                Answer::Right
            } else {
                Answer::Undecided
            };
            let causes: Vec<_> = possible.iter().map(|entry| text(&entry["cause"])).collect();
            row.note = format!("possible: {}", causes.join(", "));
        }
        "healthy" if fault.tunnel_is_fine => {
            row.got = verdict;
            row.honest = true;
            // There is nothing to blame or to change on the tunnel.
            row.right_side = true;
            row.fix = true;
            row.result = Answer::Right;
        }
        _ => {
            row.got = verdict;
            row.result = Answer::Wrong;
            row.note = text(&document["summary"]);
        }
    }
}

/// The last verdict, and after how many seconds it came. Until a cause is named it is asked again, as long as an answer
/// that takes a little longer than those before would still be in time; if it isn't, the one before stands.
fn asked(binary: &Path, index: usize, job: &Job) -> Result<(Value, f64)> {
    world(binary, index, job, |ask| {
        let started = Instant::now();
        let mut longest = Duration::ZERO;
        let mut before = None;
        let in_time = PATIENCE * patience::factor();
        loop {
            let began = started.elapsed();
            let document = ask()?;
            let now = started.elapsed();
            if now > in_time
                && let Some(before) = before
            {
                let late = (document, now.as_secs_f64());
                return Ok(if contradicts(&before, &late, &job.fault) {
                    late
                } else {
                    before
                });
            }
            longest = longest.max(now - began);
            let next = now + PAUSE + longest + PAUSE / 2;
            if document["verdict"] == "cause" || next > in_time {
                return Ok((document, now.as_secs_f64()));
            }
            before = Some((document, now.as_secs_f64()));
            std::thread::sleep(PAUSE);
        }
    })
}

/// Whether a later answer is wrong where the one before wasn't: that counts, however late it is.
fn contradicts(before: &(Value, f64), late: &(Value, f64), fault: &Fault) -> bool {
    match late.0["verdict"].as_str() {
        Some("cause") => {
            let cause = late.0["findings"][0]["cause"].as_str();
            !fault
                .want
                .iter()
                .any(|wanted| Some(wanted.as_str()) == cause)
        }
        Some("healthy") => before.0["verdict"] != "healthy",
        _ => false,
    }
}

/// Makes the world of a job, does in it what is to be done, and lets `question` ask our gateway why.
pub fn world<T>(
    binary: &Path,
    index: usize,
    job: &Job,
    question: impl FnOnce(&dyn Fn() -> Result<Value>) -> Result<T>,
) -> Result<T> {
    let fault = &job.fault;
    let scenario = scenario(fault, job);
    let mut lab = Lab::new(index, &scenario, job.role).context("the lab")?;
    lab.setting.clocks.clone_from(&fault.clocks);
    for gateway in lab.gateways() {
        // What stops leaks in interop would be one more filter here.
        exec::checked(
            lab.brief(gateway, "nft")
                .args(["delete", "table", "inet", "guard"]),
        )?;
    }
    let mut stage = Stage {
        lab: &lab,
        near: None,
        far: None,
        third: None,
        awaits_third: scenario.tunnel.second.is_some(),
        goes_on: Vec::new(),
    };
    if scenario.tunnel.twin {
        twin(&lab)?;
    }
    for act in &fault.before {
        stage.act(act).with_context(|| format!("{act:?}"))?;
    }
    let _relay = scenario
        .meddling
        .map(|meddling| Relay::start(&lab, meddling))
        .transpose()?;
    let _authority = Authority::start(&lab, &scenario.tunnel)?;
    start(&mut stage, binary, &scenario, job)?;
    if job.role == Role::Responder
        && !fault.nobody_begins
        && let Some(far) = &stage.far
    {
        let call = far.initiate_unwatched()?;
        stage.goes_on.push(call);
        if let Some(third) = stage.third.as_ref().filter(|_| stage.awaits_third) {
            let call = third.initiate_unwatched()?;
            stage.goes_on.push(call);
        }
    }
    if !fault.then.is_empty() {
        stage.act(&Act::Settle)?;
        if !fault.quiet {
            pings(&mut stage, &scenario)?;
            std::thread::sleep(Duration::from_millis(800));
        }
        for act in &fault.then {
            stage.act(act).with_context(|| format!("{act:?}"))?;
        }
    }
    std::thread::sleep(Duration::from_secs(fault.after));
    question(&|| adit::why_on(&lab, binary, "west", &fault.asks))
}

/// From LAN to LAN, both ways, until the end.
pub fn pings(stage: &mut Stage<'_>, scenario: &Scenario) -> Result<()> {
    let (west, east) = (&scenario.tunnel.west_net, &scenario.tunnel.east_net);
    for (from, to) in [(west, east), (east, west)] {
        let (Some(from), Some(to)) = (from.first(), to.first()) else {
            continue;
        };
        if let (Some((host, _)), Some((_, address))) =
            (stage.lab.speaker(from), stage.lab.speaker(to))
        {
            stage.ping(&host, &address)?;
        }
    }
    Ok(())
}

fn scenario(fault: &Fault, job: &Job) -> Scenario {
    let words = match job.peer {
        Kind::Adit => &fault.adit,
        Kind::StrongSwan => &fault.strongswan,
    };
    let mut peer = Overrides {
        kind: job.peer,
        ..fault.peer.clone()
    };
    peer.keys.extend(words.keys.clone());
    peer.child_keys.extend(words.child_keys.clone());
    Scenario {
        name: format!("{}-{}", fault.name, word(job.peer)),
        roles: vec![job.role],
        nat: fault.nat,
        meddling: fault.meddling,
        tunnel: fault.tunnel.clone(),
        peer,
        steps: Vec::new(),
        pairs: None,
        reloaded: None,
        plays: Vec::new(),
        peer_cannot: None,
        never_starts: Vec::new(),
        cause: None,
        says: Vec::new(),
        setting: Setting {
            name: "faults".to_owned(),
            ..Setting::default()
        },
    }
}

/// Gives the third gateway and its LAN the far one's addresses, beside their own.
fn twin(lab: &Lab) -> Result<()> {
    for (host, address, device) in [
        ("south", lab.own("east").to_owned() + "/32", "wan"),
        ("south", "10.2.0.1/24".to_owned(), "lan"),
        ("southlan", "10.2.0.2/24".to_owned(), "eth0"),
    ] {
        let mut command = lab.brief(host, "ip");
        exec::checked(command.args(["addr", "add", &address, "dev", device]))?;
    }
    Ok(())
}

/// Starts all gateways, the peer first. Ours may be unable to; that can be the fault.
fn start(stage: &mut Stage<'_>, binary: &Path, scenario: &Scenario, job: &Job) -> Result<()> {
    let (lab, fault) = (stage.lab, &job.fault);
    let initiator = job.role == Role::Initiator && !fault.nobody_begins;
    let end = |host: &'static str, other: &str, remote: Option<&String>, initiates: bool| End {
        name: "gw",
        side: host,
        host,
        local: lab.own(host).to_owned(),
        remote: remote.map_or_else(|| lab.seen(other).to_owned(), Clone::clone),
        version: 2,
        liveness: false,
        starts: initiates,
        initiates,
    };
    let theirs = scenario.peer.over(&scenario.tunnel);
    let far = End {
        version: scenario.peer.version.unwrap_or(2),
        liveness: scenario.peer.liveness,
        // Adit calls again and again, as anybody would who is to keep a tunnel up; strongSwan is told to call.
        starts: !initiator && !fault.nobody_begins,
        ..end(
            "east",
            "west",
            fault.far_remote.as_ref(),
            !initiator && !fault.nobody_begins,
        )
    };
    let run = |end: End, tunnel: &Tunnel| -> Result<Side<'_>> {
        Ok(match job.peer {
            Kind::StrongSwan => Side::StrongSwan(StrongSwan::start(lab, &end, tunnel)?),
            Kind::Adit => Side::Adit(Adit::start(lab, binary, end, tunnel)?),
        })
    };
    if theirs.twin {
        let copy = End {
            host: "south",
            ..far.clone()
        };
        stage.third = Some(run(copy, &theirs)?);
    } else if let Some(second) = theirs.of_second(job.role) {
        anyhow::ensure!(!initiator, "the third gateway calls, and we are called");
        stage.third = Some(run(callers::end(lab, &far), &second)?);
    }
    if !scenario.peer.absent {
        stage.far = Some(run(far, &theirs)?);
    }
    let mut near = end("west", "east", fault.near_remote.as_ref(), initiator);
    near.local = fault.near_local.clone().unwrap_or(near.local);
    stage.near = match Adit::start(lab, binary, near, &scenario.tunnel) {
        Ok(adit) => Some(Side::Adit(adit)),
        Err(problem) if fault.then.is_empty() => {
            std::fs::write(lab.kept.join("west/never-started"), format!("{problem:#}"))?;
            None
        }
        Err(problem) => return Err(problem),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    fn fault(cannot: bool) -> Fault {
        let cannot = match cannot {
            true => "one_side_cannot_know = \"who would tell it?\"\n",
            false => "",
        };
        toml_edit::de::from_str(&format!(
            "name = \"a/b\"\nshows = \"C8\"\nwant = [\"psk-mismatch\"]\nside = [\"both\"]\n{cannot}"
        ))
        .unwrap()
    }

    fn judged(fault: &Fault, document: &Value) -> Row {
        let mut row = Row {
            fault: String::new(),
            shows: String::new(),
            role: Role::Initiator,
            peer: Kind::Adit,
            want: String::new(),
            got: String::new(),
            side: String::new(),
            seconds_to_verdict: 0.0,
            result: Answer::NotPlayed,
            right_side: false,
            honest: false,
            fix: false,
            in_time: true,
            note: String::new(),
        };
        judge(fault, Role::Initiator, document, &mut row);
        row
    }

    #[test]
    fn undecided_is_right_only_where_the_row_says_so_and_the_cause_is_among_what_is_possible() {
        let undecided = |cause: &str| {
            json!({"verdict": "undecided", "possible": [{"cause": cause}],
                "missing": [{"evidence": "the peer's log", "collect": "adit collect"}]})
        };
        let right = judged(&fault(true), &undecided("psk-mismatch"));
        assert_eq!((right.result, right.honest), (Answer::Right, true));
        assert!(right.right());
        let mut silent = undecided("psk-mismatch");
        silent["missing"] = json!([]);
        let silent = judged(&fault(true), &silent);
        assert!(silent.honest && !silent.right());
        let other = judged(&fault(true), &undecided("id-mismatch"));
        assert_eq!(other.result, Answer::Undecided);
        let lazy = judged(&fault(false), &undecided("psk-mismatch"));
        assert_eq!(lazy.result, Answer::Undecided);
    }

    #[test]
    fn the_first_finding_counts_and_a_broken_tunnel_called_healthy_is_wrong() {
        let found = |cause: &str, side: &str| {
            json!({"verdict": "cause", "findings": [
                {"cause": cause, "side": side, "fix": {"local": "adit …"}}, {"cause": "psk-mismatch"}]})
        };
        let right = judged(&fault(false), &found("psk-mismatch", "both"));
        assert_eq!(
            (right.result, right.right_side, right.fix),
            (Answer::Right, true, true)
        );
        assert!(right.right());
        let side = judged(&fault(false), &found("psk-mismatch", "path"));
        assert_eq!((side.result, side.right_side), (Answer::Right, false));
        assert!(!side.right());
        let mut without = found("psk-mismatch", "both");
        without["findings"][0]["fix"] = json!({});
        assert!(!judged(&fault(false), &without).right());
        let late = Row {
            in_time: false,
            ..right
        };
        assert!(!late.right());
        assert_eq!(
            judged(&fault(false), &found("id-mismatch", "both")).result,
            Answer::Wrong
        );
        let healthy = judged(&fault(true), &json!({"verdict": "healthy"}));
        assert_eq!(healthy.result, Answer::Wrong);
    }
}
