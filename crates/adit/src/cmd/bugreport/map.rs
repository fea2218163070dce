//! The table that stays with the sender: the key of the pseudonyms, and what they stand for.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use adit_evidence::pseudonym::{Entry, MapKey, Originals, Pseudonyms};
use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::exit::Failure;

/// A map, as it is in memory.
pub struct Map {
    /// The key.
    pub key: MapKey,
    entries: BTreeSet<Entry>,
}

/// The `adit.map/1` document.
#[derive(Serialize, Deserialize)]
struct Document {
    schema: String,
    key: String,
    entries: Vec<Entry>,
}

impl Map {
    /// With a new key.
    pub fn fresh() -> Self {
        Self {
            key: MapKey::new(adit_crypto::provider::aws_lc().random_octets()),
            entries: BTreeSet::new(),
        }
    }

    /// The map in a file, so that a second report has the same pseudonyms; a fresh one if there is no such file.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        match std::fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::fresh()),
            _ => Self::read(path),
        }
    }

    /// The map in a file.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let text = std::fs::read_to_string(path)
            .map(Zeroizing::new)
            .with_context(|| format!("reading {shown}"))
            .map_err(Failure::usage)?;
        let mut document: Document = serde_json::from_str(&text)
            .with_context(|| format!("{shown} is no map of adit bugreport"))
            .map_err(Failure::usage)?;
        let key = MapKey::from_hex(&document.key).filter(|_| document.schema == SCHEMA);
        document.key.zeroize();
        let Some(key) = key else {
            return Err(Failure::usage(anyhow!(
                "{shown} is no map of adit bugreport (schema {SCHEMA})"
            )));
        };
        Ok(Self {
            key,
            entries: document.entries.into_iter().collect(),
        })
    }

    /// With what was replaced now.
    pub fn with(mut self, names: &Pseudonyms) -> Self {
        self.entries.extend(names.table());
        self
    }

    /// The way back.
    pub fn originals(self) -> Result<Originals, Failure> {
        let entries: Vec<Entry> = self.entries.into_iter().collect();
        Ok(Originals::new(self.key, &entries).map_err(anyhow::Error::from)?)
    }

    /// Writes it for its owner alone. A file that is there is replaced as a whole, or stays.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let mut document = Document {
            schema: SCHEMA.to_owned(),
            key: self.key.to_hex().to_string(),
            entries: self.entries.iter().cloned().collect(),
        };
        let text = serde_json::to_string_pretty(&document).map(Zeroizing::new);
        document.key.zeroize();
        let text = text.map_err(anyhow::Error::from)?;
        let mut beside = path.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let written = || {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&beside, path)
        };
        written()
            .with_context(|| format!("writing {}", path.display()))
            .map_err(Failure::usage)
    }
}

/// Schema of the map's file.
const SCHEMA: &str = "adit.map/1";
