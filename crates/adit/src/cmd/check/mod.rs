//! `adit check`: configurations of any product, one end by itself or two against each other.

mod around;
mod credentials;
mod include;
mod live;
mod own;

pub use live::operator;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use adit_diagnose::{CheckReport, End, check as compare};
use adit_evidence::{DigestKey, read_config_parts, read_shared_keys};
use adit_model::credential::{Credential, FileRole, NamedFile};
use adit_model::peer_config::{Dialect, Lint, PeerConnection, SharedKey, Weight};
use adit_sim::rehearsal::Own;
use anyhow::{Context, anyhow};

use super::{Outcome, print, print_json};
use crate::cli::CheckArgs;
use crate::exit::{Exit, Failure};
use crate::render::style::Palette;
use around::{Around, Place};
use credentials::Looked;

/// Reads what is named, checks it, and shows what was found.
pub fn check(args: &CheckArgs) -> Outcome {
    if args.live {
        return live::live(args);
    }
    let Ends { ours, theirs, .. } = ends(args)?;
    let report = compare(&ours, theirs.as_ref(), Some(super::evidence::now()));
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
    /// Its connections exactly as they are, where they are our own product's.
    own: Vec<Own>,
    /// Files that it names, and where they may be.
    named: Vec<(Option<Around>, NamedFile)>,
    /// Files of certificates and keys that were given.
    given: Vec<Looked>,
    /// Parts of it that weren't read: what isn't there can't be judged.
    unread: usize,
    /// Its secrets were read, or there are none on its host.
    secrets: bool,
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
        self.own.extend(other.own);
        self.named.extend(other.named);
        self.given.extend(other.given);
        self.unread += other.unread;
        self.secrets |= other.secrets;
        for dialect in other.dialects {
            if !self.dialects.contains(&dialect) {
                self.dialects.push(dialect);
            }
        }
    }

    /// Files of certificates and keys; those of pre-shared keys are read.
    fn looked(&mut self) -> Vec<Looked> {
        let mut out = Vec::new();
        let mut groups: Vec<(Option<Around>, Vec<NamedFile>)> = Vec::new();
        for (around, named) in core::mem::take(&mut self.named) {
            if named.role == FileRole::SharedKeys {
                self.shared_keys(around.as_ref(), &named);
                continue;
            }
            let folder = around.as_ref().map(Around::folder);
            match groups
                .iter_mut()
                .find(|(a, _)| a.as_ref().map(Around::folder) == folder)
            {
                Some((_, list)) => list.push(named),
                None => groups.push((around, vec![named])),
            }
        }
        for (around, named) in groups {
            out.extend(credentials::look(around.as_ref(), &named, &mut self.given));
        }
        out.append(&mut self.given);
        out
    }

    /// psk.txt, where it can be looked for.
    fn shared_keys(&mut self, around: Option<&Around>, named: &NamedFile) {
        let Some(Place::At(path)) = around.map(|a| a.resolve(&named.path)) else {
            return;
        };
        let shown = path.display().to_string();
        match around::bounded(&path) {
            Ok(octets) => {
                self.secrets = true;
                self.keys
                    .extend(read_shared_keys(&shown, &octets, Some(&digest_key())));
            }
            Err(error) if path.parent().is_some_and(Path::is_dir) => self.lints.push(Lint {
                cause: "psk-not-found".to_owned(),
                weight: Weight::Error,
                connection: None,
                message: format!("the keys are to be in {shown}, which can't be read: {error}"),
                fix: "write the file, readable by root alone".to_owned(),
                source: named.source.clone(),
            }),
            Err(_) => {}
        }
    }

    /// ipsec.secrets, where ipsec.conf is a host's own.
    fn secrets_of_host(&mut self, around: &Around, host: Host<'_>) -> Result<(), Failure> {
        let path = around.folder().join("ipsec.secrets");
        if !around.inside(&path) {
            eprintln!("{}: leads elsewhere and isn't read", path.display());
            return Ok(());
        }
        match around::bounded(&path) {
            Ok(octets) => {
                let name = core::mem::take(&mut self.name);
                self.add(of_text(&path, &path.display().to_string(), &octets, host)?);
                self.name = name;
            }
            // None is there: then no key is.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.secrets = true,
            Err(error) => eprintln!("{}: can't be read: {error}", path.display()),
        }
        Ok(())
    }

    fn end(mut self, credentials: Vec<Credential>) -> End {
        for connection in &mut self.connections {
            connection.take_key(&self.keys);
            connection.secrets_seen |= self.secrets;
            if connection.psk.is_none() && self.unread > 0 {
                connection.secrets_seen = false;
            }
        }
        let names: Vec<String> = self.dialects.iter().map(ToString::to_string).collect();
        End {
            name: self.name,
            dialect: names.join(", "),
            connections: self.connections,
            lints: self.lints,
            credentials,
        }
    }
}

/// What was given to be checked.
pub struct Ends {
    /// The first end.
    pub ours: End,
    /// The second one.
    pub theirs: Option<End>,
    /// Connections of ours and of theirs exactly as they are, where they are our own product's.
    pub own: [Vec<Own>; 2],
}

/// The two ends. Of files given without an option the first one with connections is ours and the second theirs; files
/// with keys alone belong to the end before them.
pub fn ends(args: &CheckArgs) -> Result<Ends, Failure> {
    let mut ours = Part::default();
    let mut theirs = Part::default();
    let of = |version| Host {
        root: args.root.as_deref(),
        version,
    };
    let (here, there) = (of(args.local_version), of(args.remote_version));
    for path in &args.local {
        ours.add(part(path, here)?);
    }
    for path in &args.remote {
        theirs.add(part(path, there)?);
    }
    for path in &args.files {
        let host = if ours.connections.is_empty() {
            here
        } else {
            there
        };
        let found = part(path, host)?;
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
    let two = !theirs.name.is_empty();
    let mut credentials = credentials::settle(vec![ours.looked(), theirs.looked()]).into_iter();
    let (own, other) = (credentials.next(), credentials.next());
    let exact = [
        core::mem::take(&mut ours.own),
        core::mem::take(&mut theirs.own),
    ];
    let theirs = two.then(|| theirs.end(other.unwrap_or_default()));
    Ok(Ends {
        ours: ours.end(own.unwrap_or_default()),
        theirs,
        own: exact,
    })
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

/// What is known of the host that a configuration is of.
#[derive(Clone, Copy)]
struct Host<'a> {
    /// The folder that stands for its `/`.
    root: Option<&'a Path>,
    /// The version of its product.
    version: Option<(u16, u16)>,
}

fn part(path: &Path, host: Host<'_>) -> Result<Part, Failure> {
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
            whole.add(of_folder(&file, host)?);
        }
        return Ok(whole);
    }
    let name = if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    };
    if path.extension().is_some_and(|e| e == "toml") {
        return own::read(path, &name, host);
    }
    let bytes = super::read_bytes(path)
        .with_context(|| format!("reading {name}"))
        .map_err(Failure::usage)?;
    of_text(path, &name, &bytes, host)
}

/// A file that was found in a folder that was named. Who made the folder may have put anything there.
fn of_folder(path: &Path, host: Host<'_>) -> Result<Part, Failure> {
    let name = path.display().to_string();
    if !Around::of(path, host.root).inside(path) {
        return Err(Failure::usage(anyhow!(
            "{name} is a link that leads out of its folder; fix: name the file that it means"
        )));
    }
    let bytes = around::bounded(path)
        .with_context(|| format!("reading {name}"))
        .map_err(Failure::usage)?;
    if path.extension().is_some_and(|e| e == "toml") {
        return own::read(path, &name, host);
    }
    of_text(path, &name, &bytes, host)
}

fn of_text(path: &Path, name: &str, bytes: &[u8], host: Host<'_>) -> Result<Part, Failure> {
    let name = name.to_owned();
    if path.file_name().is_some_and(|n| n == "psk.txt") {
        return Ok(Part {
            keys: read_shared_keys(&name, bytes, Some(&digest_key())),
            name,
            dialects: vec![Dialect::Racoon],
            secrets: true,
            ..Part::default()
        });
    }
    let around = (path != Path::new("-")).then(|| Around::of(path, host.root));
    let mut expanded = match &around {
        Some(around) => include::expand(path, &name, bytes, around),
        None => include::alone(&name, bytes),
    };
    let files: Vec<&str> = expanded.parts.iter().map(|p| p.name.as_str()).collect();
    for (i, file) in files.iter().enumerate() {
        if *file != name && !files.iter().take(i).any(|f| f == file) {
            eprintln!("{name}: includes {}", shown(file));
        }
    }
    for unread in expanded.unread.iter().take(MOST_TOLD) {
        eprintln!("{name}: includes {}, which wasn't read", shown(unread));
    }
    let reading = read_config_parts(&expanded.parts, Some(&digest_key()), host.version);
    for (dialect, lines) in &reading.dialects {
        eprintln!("{name}: {dialect}, {lines} of {} lines", reading.lines);
    }
    let secrets = path.file_name().is_some_and(|n| n == "ipsec.secrets");
    if reading.dialects.is_empty() && !secrets {
        if let Some(looked) = credentials::given(path, bytes) {
            return Ok(Part {
                name,
                given: vec![looked],
                ..Part::default()
            });
        }
        return Err(Failure::usage(anyhow!(
            "{name}: none of its {} lines begins a configuration that is known",
            reading.lines
        )));
    }
    let mut whole = Part {
        name,
        connections: reading.connections,
        keys: reading.keys,
        lints: reading.lints,
        dialects: reading.dialects.into_iter().map(|(d, _)| d).collect(),
        named: reading
            .files
            .into_iter()
            .map(|file| (around.clone(), file))
            .collect(),
        given: Vec::new(),
        own: Vec::new(),
        unread: core::mem::take(&mut expanded.unread).len(),
        secrets,
    };
    if let Some(around) = around.filter(Around::is_host)
        && path.file_name().is_some_and(|n| n == "ipsec.conf")
    {
        whole.secrets_of_host(&around, host)?;
    }
    Ok(whole)
}

/// Without what a terminal would obey: the text is a stranger's.
fn shown(text: &str) -> String {
    text.replace(char::is_control, "?")
}

/// More includes that weren't read aren't named.
const MOST_TOLD: usize = 8;
