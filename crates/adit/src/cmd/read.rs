//! `adit read`: what a capture file or a recording shows.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use adit_evidence::capture::{Capture, Dissector, Keys};
use anyhow::Context;
use serde::Serialize;
use zeroize::Zeroizing;

use super::{Outcome, print, print_json, recording};
use crate::cli::ReadArgs;
use crate::exit::{Exit, Failure};
use crate::render::capture;
use crate::render::style::Palette;

/// The `adit.read/1` document.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    file: &'a str,
    #[serde(flatten)]
    capture: &'a Capture,
}

/// How much is read at once; a capture of any size takes no more memory than its IKE messages.
const CHUNK: usize = 1 << 20;

/// Reads a file and shows it.
pub fn read(args: &ReadArgs) -> Outcome {
    if let Some(recording) = recording::open(&args.file)? {
        return recording::read(args, &recording);
    }
    if args.tunnel.is_some() || args.export_pcapng.is_some() {
        return Err(Failure::usage(anyhow::anyhow!(
            "--tunnel and --export-pcapng are for recordings, and {} is none; fix: adit read /run/adit/flight …",
            args.file.display()
        )));
    }
    let keys = keys(&args.keys)?;
    let (name, capture) = if args.file == Path::new("-") {
        let name = "standard input".to_owned();
        let capture = dissect(&name, std::io::stdin().lock(), keys)?;
        (name, capture)
    } else {
        let name = args.file.display().to_string();
        let file = File::open(&args.file)
            .with_context(|| format!("opening {name}"))
            .map_err(Failure::usage)?;
        let capture = dissect(&name, file, keys)?;
        (name, capture)
    };
    if args.json {
        print_json(&Document {
            schema: "adit.read/1",
            file: &name,
            capture: &capture,
        })?;
    } else {
        print(&capture::text(&name, &capture, Palette::stdout()))?;
    }
    Ok(Exit::Done)
}

fn dissect(name: &str, mut file: impl Read, keys: Option<Keys>) -> Result<Capture, Failure> {
    let mut dissector = Dissector::new();
    if let Some(keys) = keys {
        dissector = dissector.with_keys(keys);
    }
    let mut chunk = vec![0; CHUNK];
    loop {
        let octets = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(octets) => octets,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                return Err(Failure::usage(
                    anyhow::Error::from(error).context(format!("reading {name}")),
                ));
            }
        };
        let part = chunk.get(..octets).unwrap_or_default();
        dissector
            .feed(part)
            .context(name.to_owned())
            .map_err(Failure::usage)?;
    }
    dissector
        .finish()
        .context(name.to_owned())
        .map_err(Failure::usage)
}

/// The keys of all files together; what there is of them is said on standard error, without them.
pub(super) fn keys(files: &[PathBuf]) -> Result<Option<Keys>, Failure> {
    if files.is_empty() {
        return Ok(None);
    }
    let parts = files
        .iter()
        .map(|file| {
            std::fs::read(file)
                .map(Zeroizing::new)
                .with_context(|| format!("reading {}", file.display()))
                .map_err(Failure::usage)
        })
        .collect::<Result<Vec<_>, _>>()?;
    // As long as it will be, so that growing leaves no copy behind.
    let mut text = Zeroizing::new(Vec::with_capacity(parts.iter().map(|p| p.len() + 1).sum()));
    for part in &parts {
        text.extend_from_slice(part);
        text.push(b'\n');
    }
    let text = Zeroizing::new(String::from_utf8_lossy(&text).into_owned());
    let keys = Keys::read(&text);
    let (ike, esp) = keys.count();
    if ike + esp == 0 {
        return Err(Failure::usage(anyhow::anyhow!(
            "no keys in {}; what is read: Wireshark's ikev1_decryption_table, ikev2_decryption_table and esp_sa, ip xfrm state, logs of charon, pluto and racoon with keys",
            files
                .iter()
                .map(|f| f.display().to_string())
                .collect::<Vec<_>>()
                .join(", ")
        )));
    }
    eprintln!("keys of {ike} IKE SAs and of {esp} directions of ESP SAs");
    for problem in keys.problems() {
        eprintln!("{problem}");
    }
    Ok(Some(keys))
}
