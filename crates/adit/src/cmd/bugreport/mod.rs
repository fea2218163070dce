//! `adit bugreport`: all that a stranger needs to say why, without names, addresses and keys, in one file.
//!
//! What is gathered is the gateway's own account (status, SAs, policies, certificates' public parts, counters, events, the
//! case that `adit why` judges), the flight recorder's as text, the configuration, and the host's state as `adit collect`
//! has it. Secrets are taken out first; then every value becomes a pseudonym (`adit_evidence::pseudonym`).

mod gather;
mod identities;
mod map;
mod report;

use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use adit_evidence::pseudonym::Pseudonyms;
use anyhow::{Context, anyhow};

use super::{Outcome, print, read_bytes};
use crate::cli::BugreportArgs;
use crate::exit::{Exit, Failure};
use gather::gather;
use map::Map;
use report::Report;

pub use report::{cases, is_report};

/// Makes a report, shows what one would have, or translates an answer back.
pub fn bugreport(args: &BugreportArgs) -> Outcome {
    if let Some(map) = &args.translate {
        return translate(args, map);
    }
    let map = match &args.map {
        Some(path) => Map::open(path)?,
        None => Map::fresh(),
    };
    let gathered = gather(args)?;
    let mut names = Pseudonyms::new(map.key.clone()).map_err(anyhow::Error::from)?;
    let report = Report::of(&gathered, &mut names)?;
    let text = report.text();
    for line in &gathered.without {
        eprintln!("  without {line}");
    }
    if args.preview {
        print(&text)?;
        eprint!("{}", report.summary());
        eprintln!("nothing was written");
        return Ok(Exit::Done);
    }
    // The map first: a report whose map couldn't be kept can't be answered.
    if let Some(path) = &args.map {
        map.with(&names).write(path)?;
        eprintln!(
            "the table of names is in {}, for you alone: with it, adit bugreport --translate {} FILE reads an answer",
            path.display(),
            path.display()
        );
    }
    let path = args.output.clone().unwrap_or_else(|| PathBuf::from(NAME));
    if path == Path::new("-") {
        print(&text)?;
        return Ok(Exit::Done);
    }
    write_new(&path, &text, args.output.is_some())?;
    eprint!("{}", report.summary());
    eprintln!(
        "{} octets in {}. Look at it before you hand it on; whoever has it runs: adit why {}",
        text.len(),
        path.display(),
        path.display()
    );
    Ok(Exit::Done)
}

fn translate(args: &BugreportArgs, map: &Path) -> Outcome {
    let Some(file) = args.what.as_deref().map(Path::new) else {
        return Err(Failure::usage(anyhow!(
            "which answer? Fix: adit bugreport --translate {} FILE, or - for standard input",
            map.display()
        )));
    };
    let originals = Map::read(map)?.originals()?;
    let octets = read_bytes(file)
        .with_context(|| format!("reading {}", file.display()))
        .map_err(Failure::usage)?;
    print(&originals.text(&String::from_utf8_lossy(&octets)))?;
    Ok(Exit::Done)
}

/// Writes for the owner alone; what the user didn't name is never written over.
fn write_new(path: &Path, text: &str, named: bool) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if named {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let write = |mut file: File| {
        // Not of a device or a pipe: those aren't ours.
        if file.metadata()?.is_file() {
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
        file.write_all(text.as_bytes())
    };
    options.open(path).and_then(write).map_err(|error| {
        let shown = path.display();
        Failure::usage(if error.kind() == std::io::ErrorKind::AlreadyExists {
            anyhow!("{shown} exists; fix: --output FILE")
        } else {
            anyhow!(error).context(format!("writing {shown}"))
        })
    })
}

/// What a report is called unless it is given a name.
const NAME: &str = "adit-bugreport.txt";
