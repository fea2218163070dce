//! Files of certificates and keys: those that a configuration names, and those that were given beside it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use adit_crypto::pki::{self, PkiFile};
use adit_model::credential::{Credential, FileRole, Look, NamedFile};
use adit_model::fact::Source;

use super::around::{Around, Place, bounded};

/// A file that was looked for, before its certificates are held against all others.
pub struct Looked {
    named: NamedFile,
    path: String,
    read: Result<PkiFile, Option<String>>,
}

/// A file that was given, and isn't a configuration.
pub fn given(path: &Path, octets: &[u8]) -> Option<Looked> {
    let file = pki::read(octets);
    if file.items.is_empty() {
        return None;
    }
    let path = path.display().to_string();
    Some(Looked {
        named: beside(&path),
        path,
        read: Ok(file),
    })
}

fn beside(path: &str) -> NamedFile {
    NamedFile {
        role: FileRole::Beside,
        path: path.to_owned(),
        connection: None,
        source: Source {
            name: path.to_owned(),
            line: None,
            text: String::new(),
        },
    }
}

/// What is at `path`, where a named file is to be.
pub fn looked(named: NamedFile, path: &Path) -> Looked {
    let read = match &named.role {
        // Of a peer's key it is enough that there is one.
        FileRole::KeyStore | FileRole::PeerKey => Err(Some("not looked into".to_owned())),
        _ => match bounded(path) {
            Ok(octets) => Ok(pki::read(&octets)),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(None),
            Err(error) => Err(Some(error.to_string())),
        },
    };
    Looked {
        named,
        path: path.display().to_string(),
        read,
    }
}

/// Folders, from the configuration's, in which a product looks for a file that is named without one.
fn places(role: &FileRole) -> &'static [&'static str] {
    match role {
        FileRole::Certificate | FileRole::PeerCertificate => {
            &["x509", "../x509", "ipsec.d/certs", "certs"]
        }
        FileRole::Authority => &["x509ca", "../x509ca", "ipsec.d/cacerts", "cacerts"],
        FileRole::PrivateKey { .. } => &[
            "private",
            "rsa",
            "ecdsa",
            "pkcs8",
            "../private",
            "../rsa",
            "../ecdsa",
            "ipsec.d/private",
        ],
        FileRole::PeerKey
        | FileRole::KeyStore
        | FileRole::SharedKeys
        | FileRole::Store
        | FileRole::Beside => &[],
    }
}

/// Where a named file is, or would be.
fn find(around: &Around, named: &NamedFile) -> Place {
    let own = around.resolve(&named.path);
    if named.path.starts_with('/') {
        return match own {
            Place::At(whole) if !whole.parent().is_some_and(Path::is_dir) => Place::Unknown,
            place => place,
        };
    }
    if own == Place::Outside {
        return own;
    }
    let below = around.folder().ends_with("conf.d");
    let folders: Vec<PathBuf> = places(&named.role)
        .iter()
        .filter(|p| below || !p.starts_with(".."))
        .map(|p| around.folder().join(p))
        // A link that leads to nothing says no more than one that leads elsewhere.
        .filter(|p| p.is_dir() || p.is_symlink())
        .collect();
    for file in folders
        .iter()
        .map(|f| f.join(&named.path))
        .chain([around.folder().join(&named.path)])
    {
        if !around.inside(&file) {
            return Place::Outside;
        }
        if file.exists() {
            return Place::At(file);
        }
    }
    // Of a host that isn't known, nobody knows where its files would be.
    match folders.first() {
        Some(first) if around.is_host() => Place::At(first.join(&named.path)),
        _ => Place::Unknown,
    }
}

/// Takes a file that was given for the one that is named, when it has its name.
fn taken(given: &mut Vec<Looked>, named: &NamedFile) -> Option<Looked> {
    let base = Path::new(&named.path).file_name()?;
    let at = given
        .iter()
        .position(|g| Path::new(&g.path).file_name() == Some(base))?;
    let found = given.remove(at);
    Some(Looked {
        named: named.clone(),
        ..found
    })
}

/// Looks for what is named, takes what was given, and what lies in the folders from which all is loaded.
pub fn look(around: Option<&Around>, named: &[NamedFile], given: &mut Vec<Looked>) -> Vec<Looked> {
    let mut out: Vec<Looked> = Vec::new();
    for named in named.iter().filter(|n| n.role != FileRole::SharedKeys) {
        if matches!(named.role, FileRole::KeyStore | FileRole::PeerKey) {
            out.push(looked(named.clone(), Path::new(&named.path)));
            continue;
        }
        if let Some(found) = taken(given, named) {
            out.push(found);
            continue;
        }
        let Some(around) = around else {
            continue;
        };
        let path = match find(around, named) {
            Place::At(path) => path,
            Place::Outside if around.is_host() => {
                out.push(Looked {
                    named: named.clone(),
                    path: named.path.clone(),
                    read: Err(Some("it leads out of the host's files".to_owned())),
                });
                continue;
            }
            Place::Outside | Place::Unknown => continue,
        };
        out.push(looked(named.clone(), &path));
    }
    // Keys and CAs of these folders are loaded without being named.
    if let Some(around) = around.filter(|_| !named.is_empty()) {
        for folder in [
            "private",
            "rsa",
            "ecdsa",
            "pkcs8",
            "pkcs12",
            "x509",
            "x509ca",
            "ipsec.d/private",
            "ipsec.d/cacerts",
        ] {
            folder_of(around, folder, &mut out);
        }
    }
    out
}

/// What isn't read may be the one that is missed.
fn not_all(path: &Path, folder: &str, unread: usize) -> Looked {
    let path = path.display().to_string();
    let role = if folder.contains("ca") {
        FileRole::Authority
    } else {
        FileRole::PrivateKey {
            kind: None,
            passphrase: false,
        }
    };
    Looked {
        named: NamedFile {
            role,
            ..beside(&path)
        },
        path,
        read: Err(Some(format!(
            "{unread} of its files are too many, or links that lead elsewhere"
        ))),
    }
}

/// All of a folder. What can't be read of it is told, since it may be what is looked for.
fn folder_of(around: &Around, name: &str, out: &mut Vec<Looked>) {
    let folder = &around.folder().join(name);
    let beside = |path: &Path, read| {
        let path = path.display().to_string();
        Looked {
            named: beside(&path),
            path,
            read,
        }
    };
    let Some(listed) = around.files(folder, "*") else {
        // What isn't there holds nothing; another error may hide it.
        // A link isn't followed: it doesn't tell what is elsewhere.
        let there = std::fs::symlink_metadata(folder).map_or_else(
            |error| !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
            |meta| meta.is_dir() || meta.is_symlink(),
        );
        if there {
            out.push(beside(folder, Err(Some("it can't be listed".to_owned()))));
        }
        return;
    };
    for file in listed.files {
        if out.iter().any(|l| Path::new(&l.path) == file) {
            continue;
        }
        let read = match bounded(&file) {
            Ok(octets) => Ok(pki::read(&octets)),
            Err(error) => Err(Some(error.to_string())),
        };
        // A container may hold the key.
        let closed = read.as_ref().is_ok_and(|file| file.items.is_empty());
        let store = name.ends_with("x509ca") || name.ends_with("cacerts");
        let read = match read {
            Ok(_) if store && closed => Err(Some("nothing in it is known".to_owned())),
            read => read,
        };
        let mut looked = beside(&file, read);
        if store {
            looked.named.role = FileRole::Store;
        } else if closed {
            looked.named.role = FileRole::KeyStore;
        }
        out.push(looked);
    }
    let unread = listed.cut + listed.outside.len();
    if unread > 0 {
        out.push(not_all(folder, name, unread));
    }
}

/// What was found, once it is known who signed whom over both ends.
pub fn settle(ends: Vec<Vec<Looked>>) -> Vec<Vec<Credential>> {
    let mut files: Vec<PkiFile> = Vec::new();
    let mut keep = |looked: Looked| {
        let at = looked.read.map(|file| {
            files.push(file);
            files.len() - 1
        });
        (looked.named, looked.path, at)
    };
    let kept: Vec<Vec<_>> = ends
        .into_iter()
        .map(|list| list.into_iter().map(&mut keep).collect())
        .collect();
    pki::link(&mut files);
    let items = |at: usize| files.get(at).map(|f| f.items.clone()).unwrap_or_default();
    let credential = |(named, path, at)| Credential {
        named,
        path,
        look: match at {
            Ok(at) => Look::Holds(items(at)),
            Err(None) => Look::Missing,
            Err(Some(problem)) => Look::Unreadable(problem),
        },
    };
    kept.into_iter()
        .map(|list| list.into_iter().map(credential).collect())
        .collect()
}
