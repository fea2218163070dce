//! Files of evidence, for `adit why`: opened, recognised by what is in them, and read.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use adit_diagnose::{Answer, diagnose};
use adit_evidence::capture::Keys;
use adit_evidence::{Product, Reader, Reading};
use adit_model::fact::{Case, Side};
use adit_model::now::Wall;
use anyhow::{Context, anyhow};

use super::recording;
use crate::exit::Failure;

/// The schema of an exported case.
pub const CASE_SCHEMA: &str = "adit.case/1";

/// What a file turned out to be.
pub enum Evidence {
    /// What `adit why --export` or `adit bugreport` wrote, or a gateway's flight recorder; its own side is the local one.
    Case(Case),
    /// Text of a product that is known.
    Reading(Reading),
}

/// Reads a file, or standard input for `-`, and says on standard error what it is. `keys` open captures.
///
/// # Errors
/// Names the file, and what can be read, when nothing in it is recognised.
pub fn read(
    path: &Path,
    side: Side,
    tunnel: Option<&str>,
    keys: Option<&Arc<Keys>>,
) -> Result<Evidence, Failure> {
    if let Some(recording) = recording::open(path)? {
        return recording::case(path, &recording, tunnel).map(Evidence::Case);
    }
    let stdin = path == Path::new("-");
    let name = if stdin {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    let input: Box<dyn Read> = if stdin {
        Box::new(std::io::stdin())
    } else {
        Box::new(
            File::open(path)
                .with_context(|| format!("reading {name}"))
                .map_err(Failure::usage)?,
        )
    };
    let mut input = BufReader::with_capacity(1 << 16, input);
    let head = input
        .fill_buf()
        .with_context(|| format!("reading {name}"))
        .map_err(Failure::usage)?;
    if head.trim_ascii_start().starts_with(b"{") && contains(head, b"\"schema\"") {
        return case(&mut input, &name).map(Evidence::Case);
    }
    if super::bugreport::is_report(head) {
        let mut text = String::new();
        input
            .read_to_string(&mut text)
            .with_context(|| format!("reading {name}"))
            .map_err(Failure::usage)?;
        return report(&text, &name, tunnel).map(Evidence::Case);
    }
    text(&mut input, &name, side, keys).map(Evidence::Reading)
}

/// The case in a report that is meant: of the tunnel that was named, or of the first with which something is wrong.
fn report(text: &str, name: &str, tunnel: Option<&str>) -> Result<Case, Failure> {
    let mut cases = super::bugreport::cases(text)?;
    for case in &mut cases {
        case.forget_keys();
    }
    let names: Vec<String> = cases.iter().map(|c| c.subject.clone()).collect();
    let at = match tunnel {
        Some(tunnel) => names.iter().position(|n| n == tunnel),
        None => cases
            .iter()
            .position(|case| diagnose(case).verdict != Answer::Healthy)
            .or((!cases.is_empty()).then_some(0)),
    };
    let Some(at) = at else {
        return Err(Failure::usage(match tunnel {
            Some(tunnel) => anyhow!("{name} has no tunnel {tunnel}; it has {}", names.join(", ")),
            None => anyhow!("{name} has no tunnel to judge"),
        }));
    };
    let case = cases.swap_remove(at);
    eprintln!("{name}: report of an Adit gateway, tunnel {}", case.subject);
    if let (None, [_, _, ..]) = (tunnel, names.as_slice()) {
        let others: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|other| *other != case.subject)
            .collect();
        eprintln!("{name}: it has {} too: --tunnel NAME", others.join(", "));
    }
    Ok(case)
}

fn case(input: &mut impl Read, name: &str) -> Result<Case, Failure> {
    let mut document: serde_json::Value = serde_json::from_reader(input)
        .with_context(|| {
            format!("{name} isn't JSON; fix: let the other side run adit why NAME --export")
        })
        .map_err(Failure::usage)?;
    match document.get("schema").and_then(|s| s.as_str()) {
        Some(CASE_SCHEMA) => {}
        other => {
            let other = other.unwrap_or("none").to_owned();
            return Err(Failure::usage(anyhow!(
                "{name}: schema {other}, expected {CASE_SCHEMA}; fix: let the other side run adit why NAME --export"
            )));
        }
    }
    let mut case: Case = serde_json::from_value(document["case"].take())
        .with_context(|| format!("reading {name}"))
        .map_err(Failure::usage)?;
    case.forget_keys();
    Ok(case)
}

fn text(
    input: &mut impl BufRead,
    name: &str,
    side: Side,
    keys: Option<&Arc<Keys>>,
) -> Result<Reading, Failure> {
    let mut reader = Reader::new(name, side, now()).with_key(super::check::digest_key());
    if let Some(keys) = keys {
        reader = reader.with_capture_keys(Arc::clone(keys));
    }
    loop {
        let piece = input
            .fill_buf()
            .with_context(|| format!("reading {name}"))
            .map_err(Failure::usage)?;
        if piece.is_empty() {
            break;
        }
        reader.feed(piece);
        let read = piece.len();
        input.consume(read);
    }
    let reading = reader.finish();
    if reading.recognised.is_empty() {
        if let [why] = reading.notes.as_slice()
            && reading.lines == 0
        {
            return Err(Failure::usage(anyhow!("{name}: {why}")));
        }
        if reading.lines == 0 {
            return Err(Failure::usage(anyhow!(
                "{name} is empty; fix: give what strongSwan or another gateway logs, shows or is configured with, a capture, or what the other side's adit why NAME --export wrote"
            )));
        }
        let known = reading.facts.len();
        if known == 0 {
            eprintln!(
                "{name}: nothing in its {} lines tells anything that is known",
                reading.lines
            );
        } else {
            eprintln!("{name}: {known} of {} lines tell something", reading.lines);
        }
    }
    for found in &reading.recognised {
        if found.product == Product::Capture {
            eprintln!("{name}: {}, {} packets", found.product, found.lines);
            continue;
        }
        eprintln!(
            "{name}: {}, {} of {} lines",
            found.product, found.lines, reading.lines
        );
    }
    for note in &reading.notes {
        eprintln!("{name}: {note}");
    }
    Ok(reading)
}

/// The wall clock.
pub fn now() -> Wall {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Wall(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|w| w == word)
}
