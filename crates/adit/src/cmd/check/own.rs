//! Adit's own configuration, with the files that it names.

use std::path::{Path, PathBuf};

use adit_config::{AuthFiles, OwnFiles, PeerFiles};
use adit_model::credential::{FileRole, NamedFile};
use adit_model::fact::Source;
use adit_model::peer_config::{Dialect, Lint, PeerConnection, SharedKey, Weight};

use super::around::{self, Around, Place};
use super::{Host, Part, credentials, digest_key};
use crate::cmd::run;
use crate::exit::Failure;

/// Reads it. As `adit run` does, files are looked for from its folder on; with another host's tree, only below that.
pub fn read(path: &Path, name: &str, host: Host<'_>) -> Result<Part, Failure> {
    let (text, config) = run::read(path)?;
    let files = Files {
        base: path.parent().unwrap_or(Path::new(".")),
        tree: host.root.map(|root| Around::of(path, Some(root))),
    };
    let mut part = Part {
        name: name.to_owned(),
        dialects: vec![Dialect::Adit],
        ..Part::default()
    };
    for connection in &config.connections {
        let head = format!("[tunnel.{}]", connection.name);
        let source = Source {
            name: name.to_owned(),
            line: line_of(&text, &head, None),
            text: head.clone(),
        };
        let mut made = PeerConnection::from_own(connection, &source);
        part.own.push(adit_sim::rehearsal::Own {
            connection: connection.clone(),
            pools: config.pools.clone(),
            policies: config.policies.clone(),
        });
        let Some(auth) = config.auth_of(&connection.name) else {
            part.connections.push(made);
            continue;
        };
        if let Some(file) = auth.psk_file().and_then(|file| files.at(file)) {
            made.psk = key_file(&file, &source, &mut part.lints, &made.name);
            made.secrets_seen = true;
        }
        for (role, file) in named(auth) {
            let shown = file.display().to_string();
            let named = NamedFile {
                role,
                path: shown.clone(),
                connection: Some(connection.name.clone()),
                source: Source {
                    line: line_of(&text, &head, Some(&shown)).or(source.line),
                    text: shown,
                    ..source.clone()
                },
            };
            part.given
                .extend(files.at(&file).map(|at| credentials::looked(named, &at)));
        }
        part.connections.push(made);
    }
    Ok(part)
}

/// Where named files are.
struct Files<'a> {
    base: &'a Path,
    /// With another host's tree, no file of this one is meant.
    tree: Option<Around>,
}

impl Files<'_> {
    fn at(&self, named: &Path) -> Option<PathBuf> {
        match &self.tree {
            None => Some(self.base.join(named)),
            Some(tree) => match tree.resolve(&named.to_string_lossy()) {
                Place::At(file) => Some(file),
                Place::Unknown | Place::Outside => None,
            },
        }
    }
}

/// Files of certificates and keys, and what for.
fn named(auth: &AuthFiles) -> Vec<(FileRole, PathBuf)> {
    let private = || FileRole::PrivateKey {
        kind: None,
        passphrase: false,
    };
    let mut found = Vec::new();
    match &auth.own {
        OwnFiles::Certificates(pairs) => {
            for (cert, key) in pairs {
                found.push((FileRole::Certificate, cert.clone()));
                found.push((private(), key.clone()));
            }
        }
        OwnFiles::Key(key) => found.push((private(), key.clone())),
        OwnFiles::Psk(_) => {}
    }
    match &auth.peer {
        PeerFiles::Authorities { cas, .. } => {
            let cas = cas.iter().map(|ca| (FileRole::Authority, ca.clone()));
            found.extend(cas);
        }
        PeerFiles::PublicKeys(keys) => {
            let keys = keys.iter().map(|key| (FileRole::PeerKey, key.clone()));
            found.extend(keys);
        }
        PeerFiles::Psk(_) => {}
    }
    found
}

/// The line of a table's head, or of the first one behind it that has `word`.
fn line_of(text: &str, head: &str, word: Option<&str>) -> Option<u64> {
    let mut lines = text.lines().zip(1u64..);
    let (_, at) = lines.find(|(line, _)| line.trim_start().starts_with(head))?;
    match word {
        None => Some(at),
        Some(word) => lines.find(|(line, _)| line.contains(word)).map(|(_, n)| n),
    }
}

/// The digest of the key in a file; one line break at its end doesn't count.
fn key_file(path: &Path, source: &Source, lints: &mut Vec<Lint>, name: &str) -> Option<SharedKey> {
    match around::bounded(path) {
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
