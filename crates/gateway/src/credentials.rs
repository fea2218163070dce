//! From the files that a configuration names to the credentials of its tunnels.
//!
//! Everything is read and checked when the gateway starts, so that what can't work is told then and not when a peer calls:
//! a key that isn't its certificate's, a certificate without our identity, a CA that is none.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adit_config::{AuthFiles, OwnFiles, PeerFiles, Revocation};
use adit_crypto::pki::{
    Cert, ChainPolicy, Documents, KeyError, RevocationList, RevocationPolicy, SigningKey, Trust,
    VerifyingKey,
};
use adit_ike::key_holder::{Accepted, Authorities, Credentials, Own, OwnCertificate};
use adit_model::Wall;
use adit_model::certificate_reason::{CertificateReason, RefusedCertificate};
use adit_model::connection::Connection;
use adit_model::identity::Identity;

use crate::keys::{KeyFileError, KeyKind, read_psk, read_secret};

/// Most octets of a file of certificates or of a private key.
const LONGEST: usize = 1 << 20;

/// Why the files of a tunnel can't serve it, each with what to do.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// A file that only its owner may know.
    #[error(transparent)]
    Secret(#[from] KeyFileError),
    /// A file of certificates or public keys can't be read.
    #[error(
        "can't read {path}: {cause}. Fix: name a file that is there and that the gateway's user may read"
    )]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// What is in it is no private key that can be used.
    #[error(
        "{path}: {cause}. Fix: let it hold the private key (PKCS #8, PKCS #1 or SEC 1) that belongs to the certificate"
    )]
    PrivateKey {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: KeyError,
    },
    /// What is in it is no revocation list.
    #[error("{path}: {cause}. Fix: let it hold a revocation list (X509 CRL) in PEM or DER")]
    List {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// What is in it isn't what it is named for.
    #[error("{path}: {cause}. Fix: {fix}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: Box<RefusedCertificate>,
        /// What to do.
        fix: String,
    },
}

/// A tunnel's credentials, and what is worth a warning.
pub(crate) struct Opened {
    pub credentials: Credentials,
    pub warnings: Vec<String>,
}

/// Reads the files of a tunnel. Their names are relative to `base`.
///
/// # Errors
/// [`CredentialError`], with the key of `auth` that names the file.
pub(crate) fn open(
    connection: &Connection,
    files: &AuthFiles,
    base: &Path,
    now: Wall,
) -> Result<Opened, (&'static str, CredentialError)> {
    let mut warnings = Vec::new();
    let (cas, peer) = match &files.peer {
        PeerFiles::Psk(file) => {
            let key = read_psk(&base.join(file)).map_err(|e| ("psk_file", e.into()))?;
            (Vec::new(), Accepted::Psk(key))
        }
        PeerFiles::PublicKeys(files) => {
            let keys = files.iter().map(|file| public_keys(&base.join(file)));
            let keys: Result<Vec<_>, _> = keys.collect();
            let keys = keys.map_err(|e| ("peer_public_key", e))?;
            (Vec::new(), Accepted::PublicKeys(keys.concat()))
        }
        PeerFiles::Authorities {
            cas,
            crls,
            revocation,
        } => {
            let read = cas.iter().map(|file| authorities(&base.join(file)));
            let read: Result<Vec<_>, _> = read.collect();
            let cas: Vec<Cert> = read.map_err(|e| ("ca", e))?.concat();
            let mut documents = Documents::default();
            for file in crls {
                let path = base.join(file);
                let list = revocation_list(&path).map_err(|e| ("crl", e))?;
                if let Some(due) = list.next_update().filter(|due| *due < now) {
                    warnings.push(format!(
                        "the revocation list {} of `{}` was to be replaced by {due}: it says nothing any more",
                        path.display(),
                        list.issuer()
                    ));
                }
                documents.lists.push(list);
            }
            let authorities = Authorities {
                documents,
                revocation: match revocation {
                    Revocation::Strict => RevocationPolicy::Strict,
                    Revocation::IfUri => RevocationPolicy::IfUri,
                    Revocation::Relaxed => RevocationPolicy::Relaxed,
                },
                trust: Trust {
                    anchors: cas.clone(),
                    ..Trust::default()
                },
                policy: ChainPolicy::default(),
            };
            (cas, Accepted::Certificates(Arc::new(authorities)))
        }
    };
    let own = match &files.own {
        OwnFiles::Psk(file) => {
            Own::Psk(read_psk(&base.join(file)).map_err(|e| ("psk_file", e.into()))?)
        }
        OwnFiles::Key(file) => {
            Own::PublicKey(private_key(&base.join(file)).map_err(|e| ("key", e))?)
        }
        OwnFiles::Certificates(pairs) => {
            let mut own = Vec::new();
            for (cert, key) in pairs {
                let key = private_key(&base.join(key)).map_err(|e| ("key", e))?;
                let path = base.join(cert);
                let chain = certificates(&path).map_err(|e| ("cert", e))?;
                let made = own_certificate(&path, chain, key, &cas, &connection.local_id)
                    .map_err(|e| ("cert", e))?;
                own.push(made);
            }
            Own::Certificates(own)
        }
    };
    let credentials = Credentials {
        own,
        peer,
        sha1: files.allow_sha1,
        ppk: None,
    };
    Ok(Opened {
        credentials,
        warnings,
    })
}

/// The first certificate of the file is ours; the others, and those of the CAs, lead up from it.
fn own_certificate(
    path: &Path,
    chain: Vec<Cert>,
    key: Arc<SigningKey>,
    cas: &[Cert],
    local_id: &Identity,
) -> Result<OwnCertificate, CredentialError> {
    let wrong = |cause: Box<RefusedCertificate>, fix: String| CredentialError::Certificate {
        path: path.to_owned(),
        cause,
        fix,
    };
    let Some((leaf, above)) = chain.split_first() else {
        return Err(wrong(
            nameless(CertificateReason::Missing),
            "let it hold our certificate in PEM or DER".to_owned(),
        ));
    };
    let at_hand: Vec<Cert> = above.iter().chain(cas).cloned().collect();
    let made = OwnCertificate::new(leaf, key, &at_hand).map_err(|cause| {
        let fix = "name the private key that was made for this certificate; our own certificate comes first in its file";
        wrong(cause, fix.to_owned())
    })?;
    leaf.holds(local_id).map_err(|cause| {
        let ids = leaf.identities();
        let fix = match ids.first() {
            Some(id) => format!("local_id = \"{id}\", or a certificate with {local_id}"),
            None => format!("a certificate that holds {local_id}"),
        };
        wrong(cause, fix)
    })?;
    Ok(made)
}

fn authorities(path: &Path) -> Result<Vec<Cert>, CredentialError> {
    let read = certificates(path)?;
    let other = read.iter().find(|c| !c.is_authority());
    if let Some(other) = other {
        return Err(CredentialError::Certificate {
            path: path.to_owned(),
            cause: other.refused(CertificateReason::NotAnAuthority),
            fix: "name the certificate of the CA that issued the peer's".to_owned(),
        });
    }
    Ok(read)
}

fn certificates(path: &Path) -> Result<Vec<Cert>, CredentialError> {
    Cert::from_file(&public_file(path)?).map_err(|cause| CredentialError::Certificate {
        path: path.to_owned(),
        cause,
        fix: "let it hold certificates in PEM or DER".to_owned(),
    })
}

fn revocation_list(path: &Path) -> Result<RevocationList, CredentialError> {
    RevocationList::from_file(&public_file(path)?).map_err(|cause| CredentialError::List {
        path: path.to_owned(),
        cause,
    })
}

fn public_keys(path: &Path) -> Result<Vec<VerifyingKey>, CredentialError> {
    VerifyingKey::from_file(&public_file(path)?).map_err(|reason| CredentialError::Certificate {
        path: path.to_owned(),
        cause: nameless(reason),
        fix: "let it hold the peer's public key in PEM (openssl pkey -in KEY -pubout)".to_owned(),
    })
}

fn private_key(path: &Path) -> Result<Arc<SigningKey>, CredentialError> {
    let octets = read_secret(path, KeyKind::Private, LONGEST)?;
    SigningKey::from_file(&octets)
        .map(Arc::new)
        .map_err(|cause| CredentialError::PrivateKey {
            path: path.to_owned(),
            cause,
        })
}

fn public_file(path: &Path) -> Result<Vec<u8>, CredentialError> {
    let failed = |cause| CredentialError::File {
        path: path.to_owned(),
        cause,
    };
    // A pipe that nobody writes into must not hold the start up.
    let file = File::options()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(failed(io::Error::other("it isn't a regular file")));
    }
    let mut octets = Vec::new();
    file.take(LONGEST as u64 + 1)
        .read_to_end(&mut octets)
        .map_err(failed)?;
    if octets.len() > LONGEST {
        return Err(failed(io::Error::other("it has more than a megabyte")));
    }
    Ok(octets)
}

fn nameless(reason: CertificateReason) -> Box<RefusedCertificate> {
    Box::new(RefusedCertificate {
        subject: String::new(),
        serial: String::new(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::sample;
    use crate::scratch::Scratch;
    use adit_crypto::pki::issue::{Issuer, Template, self_signed};
    use adit_crypto::pki::{NewKey, private_key_pem};
    use adit_crypto::provider::fake;
    use std::os::unix::fs::PermissionsExt;

    const DAY: u64 = 86_400_000;
    const NOW: Wall = Wall(1_790_000_000_000);

    /// A CA, and west.lab's certificate from `begin` to `end`, counted in days from now, with keys and files.
    fn files(dir: &Scratch, begin: i64, end: i64) {
        let random = fake(1).random;
        let at = |days: i64| Wall(NOW.0.checked_add_signed(days * DAY as i64).unwrap());
        let (ca_key, _) = SigningKey::generate(NewKey::P256, &*random).unwrap();
        let (key, secret) = SigningKey::generate(NewKey::Ed25519, &*random).unwrap();
        let (_, other) = SigningKey::generate(NewKey::Ed25519, &*random).unwrap();
        let ca = Template::authority("CN=Lab CA".parse().unwrap(), at(-10), at(100));
        let ca = self_signed(&ca_key, &ca, &*random).unwrap();
        let ids = vec!["west.lab".parse().unwrap()];
        let host = Template::host("CN=west".parse().unwrap(), ids, at(begin), at(end));
        let issuer = Issuer {
            cert: &ca,
            key: &ca_key,
        };
        let host = issuer.issue(key.public(), &host, &*random).unwrap();
        write(dir, "ca.pem", ca.to_pem().as_bytes(), 0o644);
        write(dir, "west.pem", host.to_pem().as_bytes(), 0o644);
        write(dir, "west.key", private_key_pem(&secret).as_ref(), 0o600);
        write(dir, "other.key", private_key_pem(&other).as_ref(), 0o600);
        write(dir, "open.key", private_key_pem(&secret).as_ref(), 0o644);
    }

    fn write(dir: &Scratch, name: &str, content: &[u8], mode: u32) {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn auth(cert: &str, key: &str, ca: &str) -> AuthFiles {
        AuthFiles {
            connection: "office".to_owned(),
            own: OwnFiles::Certificates(vec![(cert.into(), key.into())]),
            peer: PeerFiles::Authorities {
                cas: vec![ca.into()],
                crls: Vec::new(),
                revocation: Revocation::Relaxed,
            },
            allow_sha1: false,
        }
    }

    fn connection() -> Connection {
        let mut connection = sample::connection("office");
        connection.local_id = "west.lab".parse().unwrap();
        connection
    }

    #[test]
    fn files_that_fit_are_credentials() {
        let dir = Scratch::new("certificates");
        files(&dir, -1, 60);
        let files = auth("west.pem", "west.key", "ca.pem");
        let opened = open(&connection(), &files, dir.path(), NOW);
        let opened = opened.unwrap_or_else(|(key, error)| panic!("{key}: {error}"));
        assert_eq!(opened.warnings, Vec::<String>::new());
        assert_eq!(opened.credentials.authentication(), files.authentication());
        assert_eq!(opened.credentials.key_hashes().len(), 1);
    }

    #[test]
    fn what_cannot_work_is_told_with_the_key_and_the_fix() {
        let dir = Scratch::new("certificates-wrong");
        files(&dir, -1, 30);
        let mut other = connection();
        other.local_id = "10.0.0.1".parse().unwrap();
        let cases = [
            (
                auth("west.pem", "other.key", "ca.pem"),
                connection(),
                "cert",
                "isn't the one in use",
            ),
            (
                auth("west.pem", "open.key", "ca.pem"),
                connection(),
                "key",
                "chmod 600",
            ),
            (
                auth("west.pem", "ca.pem", "ca.pem"),
                connection(),
                "key",
                "",
            ),
            (
                auth("west.pem", "nowhere.key", "ca.pem"),
                connection(),
                "key",
                "adit cert",
            ),
            (
                auth("west.key", "west.key", "ca.pem"),
                connection(),
                "cert",
                "certificate",
            ),
            (
                auth("west.pem", "west.key", "west.pem"),
                connection(),
                "ca",
                "no CA",
            ),
            (
                auth("west.pem", "west.key", "nowhere.pem"),
                connection(),
                "ca",
                "nowhere.pem",
            ),
            (
                auth("west.pem", "west.key", "ca.pem"),
                other,
                "cert",
                "local_id = \"west.lab\"",
            ),
        ];
        for (files, connection, key, words) in cases {
            let Err((at, error)) = open(&connection, &files, dir.path(), NOW) else {
                panic!("{files:?} was taken");
            };
            let text = error.to_string();
            assert_eq!(at, key, "{text}");
            assert!(text.contains(words) && text.contains("Fix: "), "{text}");
        }
    }

    /// It may be renewed while we run, and it is for the peer to refuse it; `expiry` tells about it.
    #[test]
    fn an_expired_certificate_is_no_error() {
        let dir = Scratch::new("certificates-expired");
        files(&dir, -9, -2);
        let files = auth("west.pem", "west.key", "ca.pem");
        assert!(open(&connection(), &files, dir.path(), NOW).is_ok());
    }
}
