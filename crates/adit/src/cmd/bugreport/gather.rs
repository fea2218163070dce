//! What goes into a report, as it is here.

use std::fmt::Write as _;
use std::path::PathBuf;

use adit_gateway::client::{Client, ClientError};
use adit_gateway::clock::rfc3339;
use adit_model::fact::Case;
use adit_model::show::Topic;
use serde_json::Value;

use super::super::collect::{Gatherer, Item, host};
use super::super::{evidence, recording, unstarted, why};
use super::identities::identities;
use crate::cli::BugreportArgs;
use crate::exit::Failure;
use crate::render::style::Palette;
use crate::render::{recording as ladder, show, status};

/// All of it.
pub struct Gathered {
    /// Cases, one a tunnel.
    pub cases: Vec<Case>,
    /// Texts without secrets, each with its kind and name.
    pub sections: Vec<Section>,
    /// What couldn't be had, and why.
    pub without: Vec<String>,
    /// Documents of which identities are learned.
    pub documents: Vec<Value>,
    /// This host's name.
    pub host: String,
}

/// One text.
pub struct Section {
    /// `answer`, `file`, `command`.
    pub kind: String,
    /// What it is.
    pub name: String,
    /// The text.
    pub text: String,
}

/// Gathers; nothing is changed by it.
pub fn gather(args: &BugreportArgs) -> Result<Gathered, Failure> {
    let tunnel = args.what.as_deref();
    let mut out = Gathered {
        cases: Vec::new(),
        sections: Vec::new(),
        without: Vec::new(),
        documents: Vec::new(),
        host: rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
    };
    let mut gatherer = Gatherer::new(Vec::new());
    let running = match Client::connect(&args.state.state) {
        Ok(mut client) => {
            gateway(&mut client, tunnel, !args.no_probe, &mut gatherer, &mut out)?;
            true
        }
        Err(error @ ClientError::NotRunning { .. }) => {
            out.without
                .push(format!("the gateway's own account: {error}"));
            let reasons = unstarted::read(&args.state.state);
            out.cases.push(why::not_running(tunnel, &error, reasons));
            false
        }
        Err(error) => return Err(error.into()),
    };
    gatherer.item(&Item::Given(args.config.clone()))?;
    recorded(args, running, &mut gatherer, &mut out)?;
    for item in host().iter().filter(|i| !matches!(i, Item::Log(..))) {
        gatherer.item(item)?;
    }
    gatherer.item(&Item::File("/etc/os-release"))?;
    gatherer.command(&journal(args.minutes))?;
    out.without.append(&mut gatherer.without);
    out.sections = sections(&String::from_utf8_lossy(&gatherer.into_inner()));
    Ok(out)
}

/// What a running gateway tells of itself.
fn gateway(
    client: &mut Client,
    tunnel: Option<&str>,
    probe: bool,
    gatherer: &mut Gatherer<Vec<u8>>,
    out: &mut Gathered,
) -> Result<(), Failure> {
    let p = Palette::plain();
    let document = client.status(tunnel)?;
    gatherer.text("answer", "status", &status::status(&document, p))?;
    out.documents.extend(serde_json::to_value(&document));
    for (topic, name) in TOPICS {
        match client.show(topic, tunnel) {
            Ok(shown) => {
                gatherer.text("answer", name, &show::shown(&shown, p))?;
                out.documents.extend(serde_json::to_value(&shown));
            }
            Err(error) => out.without.push(format!("{name}: {error}")),
        }
    }
    let mut log = String::new();
    let events = client.events(tunnel)?;
    for record in events.iter().skip(events.len().saturating_sub(MOST_EVENTS)) {
        let text = record.event.to_string().replace(['\n', '\r'], " ");
        let _ = writeln!(log, "{} {text}", rfc3339(record.event.at.wall));
    }
    gatherer.text("answer", "log", &log)?;
    out.cases = client.cases(tunnel, probe)?;
    Ok(())
}

/// What the flight recorder has, as text; and as a case, where no gateway answers.
fn recorded(
    args: &BugreportArgs,
    running: bool,
    gatherer: &mut Gatherer<Vec<u8>>,
    out: &mut Gathered,
) -> Result<(), Failure> {
    let tunnel = args.what.as_deref();
    let text = std::fs::read_to_string(&args.config).unwrap_or_default();
    // Also of a configuration with errors, of which nothing else is read.
    out.documents
        .push(serde_json::json!({ "names": identities(&text) }));
    let (config, _) = adit_config::adit::parse("adit.toml", &text);
    let dir = config.and_then(|config| config.gateway.recorder.dir);
    let dir: PathBuf = dir.unwrap_or_else(|| args.state.state.join("flight"));
    let recording = match recording::open(&dir) {
        Ok(Some(recording)) => recording,
        Ok(None) => {
            out.without.push(format!("{}: no recording", dir.display()));
            return Ok(());
        }
        Err(failure) => {
            out.without.push(format!("{:#}", failure.error));
            return Ok(());
        }
    };
    if let Some(case) = recording.case(tunnel).filter(|_| !running) {
        let absent = std::mem::take(&mut out.cases);
        let facts = absent.into_iter().flat_map(|case| case.facts);
        let mut case = case;
        case.facts.extend(facts);
        out.cases.push(case);
    }
    out.documents.extend(
        recording
            .configured()
            .map(serde_json::to_value)
            .into_iter()
            .flatten(),
    );
    let shown = ladder::text(
        "recording",
        &ladder::Summary::of(&recording, tunnel),
        &recording.ladder(tunnel),
        Palette::plain(),
    );
    gatherer.text("recording", "flight", end_of(&shown))?;
    Ok(())
}

/// The end of a long text, from the beginning of a line.
fn end_of(text: &str) -> &str {
    let from = text.len().saturating_sub(LONGEST);
    if from == 0 {
        return text;
    }
    let at = text.bytes().skip(from).position(|b| b == b'\n');
    at.and_then(|at| text.get(from + at + 1..))
        .unwrap_or_default()
}

/// Lines of ours in the journal.
fn journal(minutes: u32) -> Vec<String> {
    let since = format!("--since=-{minutes}min");
    let words = [
        "journalctl",
        "--no-pager",
        "--quiet",
        "-o",
        "short-iso",
        &since,
        "-t",
        "adit",
    ];
    words.iter().map(|w| (*w).to_owned()).collect()
}

/// The sections that a gatherer wrote.
fn sections(text: &str) -> Vec<Section> {
    let mut out: Vec<Section> = Vec::new();
    for line in text.lines() {
        if let Some((kind, name)) = super::report::heading(line) {
            out.push(Section {
                kind: kind.to_owned(),
                name: name.to_owned(),
                text: String::new(),
            });
        } else if let Some(section) = out.last_mut() {
            section.text.push_str(line);
            section.text.push('\n');
        }
    }
    out
}

/// Cases are complete documents: nothing in them is a secret, but for digests of keys.
pub fn document(case: &Case) -> Result<Value, Failure> {
    let mut case = case.clone();
    case.forget_keys();
    let document = serde_json::json!({ "schema": evidence::CASE_SCHEMA, "case": case });
    Ok(document)
}

/// What `adit show` has, but for events, of which the end is enough.
const TOPICS: [(Topic, &str); 5] = [
    (Topic::IkeSa, "ike-sa"),
    (Topic::IpsecSa, "ipsec-sa"),
    (Topic::Policy, "policy"),
    (Topic::Certs, "certs"),
    (Topic::Drops, "drops"),
];
/// Events that are taken.
const MOST_EVENTS: usize = 2000;
/// Octets of the recorder's text that are taken.
const LONGEST: usize = 1 << 20;
