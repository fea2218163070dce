//! The holder of long-term keys: what is read from files that only their owner may know, and the answers given with it.
//!
//! Nothing else in the gateway sees a key. The key exchange asks with numbered requests and gets proofs and verdicts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use adit_crypto::Provider;
use adit_crypto::pki::{Cert, Documents, StatusNeed};
use adit_ike::key_holder::{Accepted, Credentials, Own, without_credentials};
use adit_ike::{KeyAnswer, KeyRequest};
use adit_model::certificate::CertificateUse;
use adit_model::{Secret, Wall};
use zeroize::Zeroizing;

/// With what the sides of all tunnels authenticate, by connection name.
#[derive(Default)]
pub struct KeyStore {
    held: BTreeMap<String, Credentials>,
}

/// What a key file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// A key that both sides have.
    Shared,
    /// The private half of a key pair.
    Private,
}

/// Why a key file can't be used. The text says what to do; it never contains anything of the key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file can't be opened or read.
    #[error(
        "can't read the key file {path}: {cause}. Fix: {fix}",
        fix = remedy(.cause, .path, *.kind)
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is to be in it.
        kind: KeyKind,
        /// What the system said.
        cause: io::Error,
    },
    /// A directory, device or pipe.
    #[error("the key file {path} isn't a regular file. Fix: name a file that holds the key")]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// Others than its owner could read or change the key.
    #[error(
        "the key file {path} has mode {mode:04o}: {who}; the key must be taken as known. Fix: chmod 600 {path}",
        who = exposure(*.mode)
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to somebody who could change it.
    #[error(
        "the key file {path} belongs to user {owner}; it must belong to root or to the user running the gateway (user {us}). Fix: chown {us} {path}"
    )]
    ForeignOwner {
        /// The file.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
        /// Our number.
        us: u32,
    },
    /// No key in it.
    #[error("the key file {path} is empty. Fix: write the key that the peer has into it")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// More than a key can be.
    #[error("the key file {path} has more than {longest} octets; is it the right file?")]
    TooLong {
        /// The file.
        path: PathBuf,
        /// As many are read.
        longest: usize,
    },
}

impl KeyStore {
    /// Keeps what a connection authenticates with.
    pub fn insert(&mut self, connection: &str, credentials: Credentials) {
        self.held.insert(connection.to_owned(), credentials);
    }

    /// What is held for a connection.
    #[must_use]
    pub fn of(&self, connection: &str) -> Option<&Credentials> {
        self.held.get(connection)
    }

    /// Every certificate that is held, with the connection that it is for.
    pub fn certificates(&self) -> impl Iterator<Item = (&str, CertificateUse, &Cert)> {
        self.held.iter().flat_map(|(name, held)| {
            let own = match &held.own {
                Own::Certificates(own) => own.as_slice(),
                Own::Psk(_) | Own::PublicKey(_) => &[],
            };
            let own = own.iter().flat_map(|own| {
                own.chain
                    .iter()
                    .enumerate()
                    .map(|(above, cert)| match above {
                        0 => (CertificateUse::Own, cert),
                        _ => (CertificateUse::Intermediate, cert),
                    })
            });
            let cas = match &held.peer {
                Accepted::Certificates(authorities) => authorities.trust.anchors.as_slice(),
                Accepted::Psk(_) | Accepted::PublicKeys(_) => &[],
            };
            own.chain(cas.iter().map(|ca| (CertificateUse::Authority, ca)))
                .map(move |(used_as, cert)| (name.as_str(), used_as, cert))
        })
    }

    /// Answers a request of the key exchange at the time `now`, with what was fetched for it.
    #[must_use]
    pub fn answer(
        &self,
        provider: &Provider,
        now: Wall,
        request: &KeyRequest,
        fetched: &Documents,
    ) -> KeyAnswer {
        self.held.get(request.connection()).map_or_else(
            || without_credentials(request),
            |held| held.answer_knowing(provider, now, request, fetched),
        )
    }

    /// The certificates whose status has to be found out before a request can be answered.
    #[must_use]
    pub fn needs(&self, now: Wall, request: &KeyRequest, fetched: &Documents) -> Vec<StatusNeed> {
        let held = self.held.get(request.connection());
        held.map_or_else(Vec::new, |held| held.needs(now, request, fetched))
    }
}

fn remedy(cause: &io::Error, path: &Path, kind: KeyKind) -> String {
    match (cause.kind(), kind) {
        (io::ErrorKind::NotFound, KeyKind::Shared) => format!(
            "write the key that the peer has into it (mode 0600), or a new one for both: head -c 24 /dev/urandom | base64 > {0} && chmod 600 {0}",
            path.display()
        ),
        (io::ErrorKind::NotFound, KeyKind::Private) => {
            "put the private key there that belongs to the certificate (mode 0600), or issue a new pair with adit cert".to_owned()
        }
        _ => "let the gateway's user read it".to_owned(),
    }
}

/// Reads a pre-shared key: the file's octets without one trailing line end.
///
/// # Errors
/// [`KeyFileError`]; a file that others than its owner and group can read, or that others than its owner can write,
/// is refused.
pub fn read_psk(path: &Path) -> Result<Secret, KeyFileError> {
    let octets = read_secret(path, KeyKind::Shared, LONGEST)?;
    let key = octets.strip_suffix(b"\n").unwrap_or(&octets);
    let key = key.strip_suffix(b"\r").unwrap_or(key);
    if key.is_empty() {
        return Err(KeyFileError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(Secret::from(key))
}

/// Reads a file that only its owner may know.
pub(crate) fn read_secret(
    path: &Path,
    kind: KeyKind,
    longest: usize,
) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let unreadable = |cause| KeyFileError::Unreadable {
        path: path.to_owned(),
        kind,
        cause,
    };
    // The checks are made on the open file: the name may lead elsewhere a moment later.
    // A pipe that nobody writes into must not hold the start up.
    let file = File::options()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(unreadable)?;
    let meta = file.metadata().map_err(unreadable)?;
    let path = path.to_owned();
    if !meta.is_file() {
        return Err(KeyFileError::NotAFile { path });
    }
    let mode = meta.mode() & 0o7777;
    if mode & EXPOSING != 0 {
        return Err(KeyFileError::Exposed { path, mode });
    }
    let us = rustix::process::geteuid().as_raw();
    if meta.uid() != 0 && meta.uid() != us {
        let owner = meta.uid();
        return Err(KeyFileError::ForeignOwner { path, owner, us });
    }
    let mut octets = Zeroizing::new(Vec::with_capacity(longest + 1));
    file.take(longest as u64 + 1)
        .read_to_end(&mut octets)
        .map_err(|cause| KeyFileError::Unreadable {
            path: path.clone(),
            kind,
            cause,
        })?;
    if octets.len() > longest {
        return Err(KeyFileError::TooLong { path, longest });
    }
    Ok(octets)
}

fn exposure(mode: u32) -> &'static str {
    if mode & 0o004 != 0 {
        "every user of this host can read it"
    } else if mode & 0o002 != 0 {
        "every user of this host can change it"
    } else {
        "others than its owner can change it"
    }
}

/// Longest key in octets.
const LONGEST: usize = 4096;
/// Anything for others, or write access for the group.
const EXPOSING: u32 = 0o027;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::scratch::Scratch;
    use std::os::unix::fs::PermissionsExt;

    fn key_file(dir: &Scratch, name: &str, content: &[u8], mode: u32) -> PathBuf {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn one_trailing_line_end_is_not_part_of_the_key() {
        let dir = Scratch::new("psk-newline");
        for (content, key) in [
            (&b"secret\n"[..], &b"secret"[..]),
            (b"secret\r\n", b"secret"),
            (b"secret", b"secret"),
            (b"two\n\n", b"two\n"),
            (b" spaced \n", b" spaced "),
        ] {
            let path = key_file(&dir, "k", content, 0o600);
            assert_eq!(read_psk(&path).unwrap_or_default().expose(), key);
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_fix() {
        let dir = Scratch::new("psk-mode");
        for mode in [0o644, 0o604, 0o602, 0o660] {
            let path = key_file(&dir, &format!("k{mode:o}"), b"secret", mode);
            let error = read_psk(&path).err().unwrap();
            assert!(matches!(error, KeyFileError::Exposed { .. }), "{mode:o}");
            let text = error.to_string();
            assert!(
                text.contains(&format!("chmod 600 {}", path.display())),
                "{text}"
            );
            assert!(!text.contains("secret"));
        }
        for mode in [0o600, 0o400, 0o640] {
            let path = key_file(&dir, &format!("ok{mode:o}"), b"secret", mode);
            assert!(read_psk(&path).is_ok(), "{mode:o}");
        }
    }

    #[test]
    fn what_holds_no_key_is_refused() {
        let dir = Scratch::new("psk-empty");
        let empty = key_file(&dir, "empty", b"\n", 0o600);
        assert!(matches!(read_psk(&empty), Err(KeyFileError::Empty { .. })));
        let huge = key_file(&dir, "huge", &[b'x'; LONGEST + 1], 0o600);
        assert!(matches!(read_psk(&huge), Err(KeyFileError::TooLong { .. })));
        assert!(matches!(
            read_psk(dir.path()),
            Err(KeyFileError::NotAFile { .. } | KeyFileError::Exposed { .. })
        ));
        // Nobody writes into it, and nobody waits for that.
        let pipe = dir.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from(0o600)).unwrap();
        assert!(matches!(
            read_psk(&pipe),
            Err(KeyFileError::NotAFile { .. })
        ));
        let absent = read_psk(&dir.path().join("absent")).err().unwrap();
        assert!(matches!(absent, KeyFileError::Unreadable { .. }));
        for error in [absent, read_psk(&empty).err().unwrap()] {
            assert!(error.to_string().contains("Fix: "), "{error}");
        }
    }
}
