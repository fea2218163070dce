//! Recordings of gateways of ours: opened, shown, and judged as evidence.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use adit_evidence::recording::{
    Contents, MAGIC, Record, Recording, segment_number, starts_as_segment,
};
use adit_model::fact::Case;
use anyhow::{Context, anyhow};
use serde::Serialize;

use super::{Outcome, print, print_json};
use crate::cli::ReadArgs;
use crate::exit::{Exit, Failure};
use crate::render::recording as render;
use crate::render::style::Palette;

/// The `adit.read/1` document of a recording: a capture's, and what only a recording has.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    file: &'a str,
    #[serde(flatten)]
    capture: &'a adit_evidence::capture::Capture,
    recording: render::Summary<'a>,
}

/// Reads a recording: a folder of segments, or one of them. `None` for what is neither.
pub fn open(path: &Path) -> Result<Option<Recording>, Failure> {
    if path == Path::new("-") {
        return Ok(None);
    }
    let mut recording = Recording::default();
    if path.is_dir() {
        let segments = segments(path)?;
        if segments.is_empty() {
            return Err(Failure::usage(anyhow!(
                "{} is a folder without a recording (flight-….rec); fix: adit read /run/adit/flight",
                path.display()
            )));
        }
        for (name, file) in segments {
            add(&mut recording, &name, &file)?;
        }
        return Ok(Some(recording));
    }
    // Whatever else it is, somebody else opens it and says what is wrong with it.
    let head = File::open(path).and_then(|file| {
        let mut head = Vec::new();
        let most = MAGIC.len() as u64;
        file.take(most).read_to_end(&mut head).map(|_| head)
    });
    // Not of a pipe: what was read of it would be missing then.
    let plain = std::fs::metadata(path).is_ok_and(|meta| meta.is_file());
    if !plain || !head.is_ok_and(|head| starts_as_segment(&head)) {
        return Ok(None);
    }
    add(&mut recording, &path.display().to_string(), path)?;
    Ok(Some(recording))
}

fn segments(dir: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    let entries = std::fs::read_dir(dir)
        .with_context(|| format!("reading {}", dir.display()))
        .map_err(cannot)?;
    let mut found: Vec<(u64, String, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_str()?.to_owned();
            Some((segment_number(&name)?, name, entry.path()))
        })
        .collect();
    found.sort();
    Ok(found
        .into_iter()
        .map(|(_, name, path)| (name, path))
        .collect())
}

fn add(recording: &mut Recording, name: &str, path: &Path) -> Result<(), Failure> {
    match std::fs::read(path) {
        Ok(octets) => recording.add(name, &octets),
        // The ring took it away in the meantime.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            let error = anyhow::Error::from(error);
            return Err(cannot(error.context(format!("reading {}", path.display()))));
        }
    }
    Ok(())
}

fn cannot(error: anyhow::Error) -> Failure {
    Failure {
        exit: Exit::CannotObserve,
        error,
    }
}

/// Shows a recording, or writes it as a capture.
pub fn read(args: &ReadArgs, recording: &Recording) -> Outcome {
    if let Some(tunnel) = &args.tunnel {
        known(recording, tunnel, &args.file)?;
    }
    if let Some(file) = &args.export_pcapng {
        return export(args, recording, file);
    }
    let name = args.file.display().to_string();
    let tunnel = args.tunnel.as_deref();
    let capture = recording.ladder(tunnel);
    let summary = render::Summary::of(recording, tunnel);
    if args.json {
        print_json(&Document {
            schema: "adit.read/1",
            file: &name,
            capture: &capture,
            recording: summary,
        })?;
    } else {
        print(&render::text(&name, &summary, &capture, Palette::stdout()))?;
    }
    Ok(Exit::Done)
}

/// The case of a tunnel, as evidence.
pub fn case(path: &Path, recording: &Recording, tunnel: Option<&str>) -> Result<Case, Failure> {
    if let Some(tunnel) = tunnel {
        known(recording, tunnel, path)?;
    }
    let name = path.display();
    let records: u64 = recording.segments.iter().map(|s| s.records).sum();
    eprintln!("{name}: recording of an Adit gateway, {records} records");
    for problem in render::problems(recording) {
        eprintln!("{name}: {problem}");
    }
    recording.case(tunnel).ok_or_else(|| {
        let names = names(recording).join(", ");
        Failure::usage(anyhow!(
            "{name} tells of no tunnel that was tried; which one? It has {names}. Fix: adit why {name} --tunnel NAME"
        ))
    })
}

fn known(recording: &Recording, tunnel: &str, path: &Path) -> Result<(), Failure> {
    let names = names(recording);
    if names.contains(&tunnel) {
        return Ok(());
    }
    Err(Failure::usage(anyhow!(
        "{} has no tunnel {tunnel}; it has {}",
        path.display(),
        names.join(", ")
    )))
}

fn names(recording: &Recording) -> Vec<&str> {
    let all = recording.configured().into_iter().flatten();
    all.map(|c| c.name.as_str()).collect()
}

fn export(args: &ReadArgs, recording: &Recording, file: &Path) -> Outcome {
    if args.with_keys && args.tunnel.is_some() {
        return Err(Failure::usage(anyhow!(
            "keys and datagrams are recorded without their tunnel, so --with-keys can't leave out the others' keys; fix: without --tunnel, or without --with-keys"
        )));
    }
    let contents = if args.with_keys {
        Contents::Wire
    } else {
        Contents::Plain
    };
    let keys = recording.keys();
    if args.with_keys && keys.is_empty() {
        return Err(Failure::usage(anyhow!(
            "nothing in {} was recorded with keys. Fix: record_keys = true in [gateway], a restart, and the next attempt has them; or export without --with-keys",
            args.file.display()
        )));
    }
    let others = |entry: &adit_evidence::recording::Entry| matches!(&entry.record, Record::Message { connection: Some(name), .. } if Some(name) != args.tunnel.as_ref());
    let mut chosen = recording.clone();
    if args.tunnel.is_some() {
        for run in &mut chosen.runs {
            run.entries.retain(|entry| !others(entry));
        }
    }
    let (octets, packets) = chosen.pcapng(contents);
    write_private(file, &octets)?;
    eprintln!("{packets} packets in {}", file.display());
    if args.with_keys {
        let mut name = file.as_os_str().to_owned();
        name.push(".keys");
        let name = PathBuf::from(name);
        let lines: String = keys.iter().map(|line| format!("{line}\n")).collect();
        write_private(&name, lines.as_bytes())?;
        eprintln!(
            "keys of {} IKE SAs in {}: Wireshark takes it as ikev2_decryption_table, and adit read {} --keys {}",
            keys.len(),
            name.display(),
            file.display(),
            name.display()
        );
    }
    Ok(Exit::Done)
}

/// Makes a new file for its owner alone; one that is there stays as it is.
pub(super) fn write_private(path: &Path, octets: &[u8]) -> Result<(), Failure> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| file.write_all(octets))
        .with_context(|| format!("writing {}", path.display()))
        .map_err(Failure::usage)
}
