//! `adit check`: configurations of any product, one end by itself or two against each other.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use adit_diagnose::{CheckReport, End, check as compare};
use adit_evidence::{DigestKey, read_config};
use adit_model::fact::Source;
use adit_model::peer_config::{Dialect, Lint, PeerConnection, SharedKey, Weight};
use anyhow::{Context, anyhow};

use super::{Outcome, print, print_json, run};
use crate::cli::CheckArgs;
use crate::exit::{Exit, Failure};
use crate::render::style::Palette;

/// Reads what is named, checks it, and shows what was found.
pub fn check(args: &CheckArgs) -> Outcome {
    let (ours, theirs) = ends(args)?;
    let report = compare(&ours, theirs.as_ref());
    if args.json {
        print_json(&report)?;
    } else {
        print(&crate::render::check::text(&report, Palette::stdout()))?;
    }
    Ok(exit(&report))
}

fn exit(report: &CheckReport) -> Exit {
    if report.has_findings() {
        Exit::Findings
    } else {
        Exit::Done
    }
}

/// The key under which this run digests pre-shared keys.
pub fn digest_key() -> DigestKey {
    static KEY: OnceLock<DigestKey> = OnceLock::new();
    KEY.get_or_init(|| DigestKey::new(adit_crypto::provider::aws_lc().random_octets()))
        .clone()
}

/// What one file, or all files of a folder, say.
#[derive(Default)]
struct Part {
    name: String,
    connections: Vec<PeerConnection>,
    keys: Vec<SharedKey>,
    lints: Vec<Lint>,
    dialects: Vec<Dialect>,
}

impl Part {
    fn add(&mut self, other: Part) {
        if self.name.is_empty() {
            self.name = other.name;
        } else {
            self.name.push_str(", ");
            self.name.push_str(&other.name);
        }
        self.connections.extend(other.connections);
        self.keys.extend(other.keys);
        self.lints.extend(other.lints);
        for dialect in other.dialects {
            if !self.dialects.contains(&dialect) {
                self.dialects.push(dialect);
            }
        }
    }

    fn end(mut self) -> End {
        for connection in &mut self.connections {
            connection.take_key(&self.keys);
        }
        let names: Vec<String> = self.dialects.iter().map(ToString::to_string).collect();
        End {
            name: self.name,
            dialect: names.join(", "),
            connections: self.connections,
            lints: self.lints,
        }
    }
}

/// The two ends. Of files given without an option the first one with connections is ours and the second theirs; files
/// with keys alone belong to the end before them.
fn ends(args: &CheckArgs) -> Result<(End, Option<End>), Failure> {
    let mut ours = Part::default();
    let mut theirs = Part::default();
    for path in &args.local {
        ours.add(part(path)?);
    }
    for path in &args.remote {
        theirs.add(part(path)?);
    }
    for path in &args.files {
        let found = part(path)?;
        let alone = found.connections.is_empty();
        let to_theirs = if alone {
            !theirs.name.is_empty()
        } else {
            !ours.connections.is_empty()
        };
        if to_theirs && !alone && !theirs.connections.is_empty() {
            return Err(Failure::usage(anyhow!(
                "{} is a third configuration; one or two ends can be checked. Fix: put the files of one end behind --local, those of the other behind --remote",
                path.display()
            )));
        }
        if to_theirs {
            theirs.add(found);
        } else {
            ours.add(found);
        }
    }
    if ours.connections.is_empty() && theirs.connections.is_empty() && ours.lints.is_empty() {
        return Err(Failure::usage(anyhow!(
            "no connection was found in {}. What is read: ipsec.conf and ipsec.secrets (strongSwan, Libreswan, Openswan), swanctl.conf, Adit's TOML, Vyatta and VyOS, racoon, illumos, PAN-OS, Cisco, Junos, FortiOS, RouterOS",
            ours.name
        )));
    }
    let theirs = (!theirs.name.is_empty()).then(|| theirs.end());
    Ok((ours.end(), theirs))
}

/// Files of a folder that hold configurations, by the names that products give them.
const NAMES: &[&str] = &[
    "swanctl.conf",
    "ipsec.conf",
    "ipsec.secrets",
    "racoon.conf",
    "config",
    "ike.preshared",
    "ipsecinit.conf",
    "adit.toml",
];

fn part(path: &Path) -> Result<Part, Failure> {
    if path.is_dir() {
        let mut whole = Part::default();
        let files: Vec<PathBuf> = NAMES
            .iter()
            .map(|name| path.join(name))
            .filter(|p| p.is_file())
            .collect();
        if files.is_empty() {
            return Err(Failure::usage(anyhow!(
                "{} has none of the files that are looked for in a folder: {}",
                path.display(),
                NAMES.join(", ")
            )));
        }
        for file in files {
            whole.add(part(&file)?);
        }
        return Ok(whole);
    }
    let name = if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    if path.extension().is_some_and(|e| e == "toml") {
        return own(path, &name);
    }
    let bytes = super::read_bytes(path)
        .with_context(|| format!("reading {name}"))
        .map_err(Failure::usage)?;
    let reading = read_config(&name, &bytes, Some(&digest_key()));
    for (dialect, lines) in &reading.dialects {
        eprintln!("{name}: {dialect}, {lines} of {} lines", reading.lines);
    }
    if reading.dialects.is_empty() {
        return Err(Failure::usage(anyhow!(
            "{name}: none of its {} lines begins a configuration that is known",
            reading.lines
        )));
    }
    Ok(Part {
        name,
        connections: reading.connections,
        keys: reading.keys,
        lints: reading.lints,
        dialects: reading.dialects.into_iter().map(|(d, _)| d).collect(),
    })
}

/// Our own configuration.
fn own(path: &Path, name: &str) -> Result<Part, Failure> {
    let (text, config) = run::read(path)?;
    let base = path.parent().unwrap_or(Path::new("."));
    let mut part = Part {
        name: name.to_owned(),
        dialects: vec![Dialect::Adit],
        ..Part::default()
    };
    for connection in &config.connections {
        let head = format!("[tunnel.{}]", connection.name);
        let line = text
            .lines()
            .zip(1u64..)
            .find(|(l, _)| l.trim_start().starts_with(&head));
        let source = Source {
            name: name.to_owned(),
            line: line.map(|(_, n)| n),
            text: head,
        };
        let mut made = PeerConnection::from_own(connection, &source);
        if let Some(psk) = config.psk_of(&connection.name) {
            made.psk = key_file(
                &base.join(&psk.psk_file),
                &source,
                &mut part.lints,
                &made.name,
            );
            made.secrets_seen = true;
        }
        part.connections.push(made);
    }
    Ok(part)
}

/// The digest of the key in a file; one line break at its end doesn't count.
fn key_file(path: &Path, source: &Source, lints: &mut Vec<Lint>, name: &str) -> Option<SharedKey> {
    match std::fs::read(path) {
        Ok(octets) => {
            let octets = octets.strip_suffix(b"\n").unwrap_or(&octets);
            let octets = octets.strip_suffix(b"\r").unwrap_or(octets);
            Some(SharedKey {
                digest: digest_key().digest(octets),
                trimmed: digest_key().digest(octets.trim_ascii()),
                ids: Vec::new(),
                source: source.clone(),
            })
        }
        Err(error) => {
            lints.push(Lint {
                cause: "psk-not-found".to_owned(),
                weight: Weight::Warning,
                connection: Some(name.to_owned()),
                message: format!("its key can't be read from {}: {error}", path.display()),
                fix: "give the file and its permissions as adit run has them".to_owned(),
                source: source.clone(),
            });
            None
        }
    }
}
