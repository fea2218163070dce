//! The folder of a CA: its files' names, and writing them so that no other process ever sees half a file.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use adit_crypto::pki::{Cert, SigningKey};
use anyhow::{Context, anyhow};

use crate::exit::{Exit, Failure};

/// A folder with `ca.pem`, `ca.key` and hosts' files.
pub struct Folder {
    path: PathBuf,
    /// Held as long as the command runs: no two write at once.
    _lock: File,
}

/// Who may read a file.
#[derive(Clone, Copy)]
pub enum Readers {
    Owner,
    All,
}

impl Folder {
    /// Opens it, making it if `make`.
    pub fn open(path: &Path, make: bool) -> Result<Self, Failure> {
        if make {
            fs::create_dir_all(path).with_context(|| format!("making {}", path.display()))?;
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join(".lock"));
        let lock = match lock {
            Ok(lock) => lock,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(Failure::usage(anyhow!(
                    "there is no folder {}; fix: adit cert init {}",
                    path.display(),
                    path.display()
                )));
            }
            Err(error) => {
                let text = format!("opening {}", path.display());
                return Err(anyhow::Error::from(error).context(text).into());
            }
        };
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).map_err(
            |_| Failure {
                exit: Exit::CannotObserve,
                error: anyhow!("another adit cert is at work in {}", path.display()),
            },
        )?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub fn has(&self, name: &str) -> bool {
        fs::symlink_metadata(self.at(name)).is_ok()
    }

    /// The certificates of a file here.
    pub fn certs(&self, name: &str) -> Result<Vec<Cert>, Failure> {
        let path = self.at(name);
        let octets = read(&path)?;
        Cert::from_file(&octets)
            .map_err(|refused| Failure::usage(anyhow!("{}: {refused}", path.display())))
    }

    /// A key of a file here.
    pub fn key(&self, name: &str) -> Result<SigningKey, Failure> {
        let path = self.at(name);
        let octets = zeroize::Zeroizing::new(read(&path)?);
        SigningKey::from_file(&octets)
            .map_err(|error| Failure::usage(anyhow!("{}: {error}", path.display())))
    }

    /// Every certificate of a host here: its name and its file's first certificate.
    pub fn hosts(&self) -> Result<Vec<(String, Cert)>, Failure> {
        let mut out = Vec::new();
        let entries = fs::read_dir(&self.path);
        for entry in entries.with_context(|| format!("reading {}", self.path.display()))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let Some(host) = name.strip_suffix(".pem") else {
                continue;
            };
            if host == "ca" || host.ends_with(".previous") {
                continue;
            }
            // What isn't ours lies here by its owner's choice.
            let Ok(octets) = fs::read(self.at(&name)) else {
                continue;
            };
            if let Some(cert) = Cert::from_file(&octets)
                .ok()
                .and_then(|c| c.into_iter().next())
            {
                out.push((host.to_owned(), cert));
            }
        }
        out.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(out)
    }

    /// Writes files so that each is whole at every moment: all are written aside first, then put in place in order.
    pub fn write(&self, files: &[(&str, &[u8], Readers)]) -> Result<Vec<PathBuf>, Failure> {
        let mut aside = Vec::new();
        for (name, octets, readers) in files {
            let temporary = self.path.join(temporary(name));
            let written = write_aside(&temporary, octets, *readers);
            aside.push((temporary, self.at(name)));
            if let Err(error) = written {
                for (temporary, _) in &aside {
                    let _ = fs::remove_file(temporary);
                }
                let text = format!("writing {}", self.at(name).display());
                return Err(anyhow::Error::from(error).context(text).into());
            }
        }
        let mut out = Vec::new();
        for (temporary, path) in aside {
            fs::rename(&temporary, &path).with_context(|| format!("writing {}", path.display()))?;
            out.push(path);
        }
        // The names last as the contents do.
        File::open(&self.path).and_then(|folder| folder.sync_all())?;
        Ok(out)
    }

    /// Keeps what `name` holds under another name; the old name stays as it is until it is written anew.
    pub fn keep(&self, name: &str, kept: &str, readers: Readers) -> Result<PathBuf, Failure> {
        let octets = zeroize::Zeroizing::new(read(&self.at(name))?);
        self.write(&[(kept, &octets, readers)])?;
        Ok(self.at(kept))
    }

    pub fn remove(&self, name: &str) -> Result<(), Failure> {
        let path = self.at(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                let text = format!("removing {}", path.display());
                Err(anyhow::Error::from(error).context(text).into())
            }
            _ => Ok(()),
        }
    }
}

fn temporary(name: &str) -> OsString {
    format!(".{name}.new").into()
}

fn write_aside(path: &Path, octets: &[u8], readers: Readers) -> std::io::Result<()> {
    // What a killed command left.
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mode = match readers {
        Readers::Owner => 0o600,
        Readers::All => 0o644,
    };
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(octets)?;
    file.sync_all()
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| {
        let missing = error.kind() == ErrorKind::NotFound;
        let error = anyhow::Error::from(error).context(format!("reading {}", path.display()));
        if missing {
            Failure::usage(error)
        } else {
            error.into()
        }
    })
}
