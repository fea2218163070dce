//! Keys and certificates of the lab, made anew for every scenario by the code that `adit cert` issues with.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use adit_crypto::pki::issue::{Issuer, Revocation, Template, revocation_list_pem, self_signed};
use adit_crypto::pki::{Cert, NewKey, SigningKey, private_key_pem, public_key_pem};
use adit_crypto::provider::aws_lc;
use adit_model::Wall;
use anyhow::{Result, anyhow};
use serde::Deserialize;

use super::scenario::Tunnel;

/// How a side authenticates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    #[default]
    Psk,
    Cert,
    /// By a public key that the other side has.
    Pubkey,
}

/// What the key of a side is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Key {
    Rsa2048,
    Rsa4096,
    #[default]
    Ecdsa256,
    Ecdsa384,
    Ecdsa521,
    Ed25519,
}

/// What is wrong with a side's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    Expired,
    NotYetValid,
    /// From a CA that the other side doesn't trust.
    Untrusted,
    Revoked,
    /// For another identity.
    OtherName,
}

/// The files of the lab.
#[derive(Clone)]
pub struct Credentials {
    pub folder: PathBuf,
}

const DAY: u64 = 86_400_000;

impl Credentials {
    /// Makes what the tunnel needs, once for both ends.
    pub fn of(kept: &Path, tunnel: &Tunnel) -> Result<Self> {
        let folder = kept.join("pki");
        let made = Self { folder };
        let needed = [tunnel.west_auth, tunnel.east_auth]
            .iter()
            .any(|a| *a != Auth::Psk);
        if needed && !made.folder.exists() {
            std::fs::create_dir_all(&made.folder)?;
            made.make(tunnel)?;
        }
        Ok(made)
    }

    /// A file, such as `west.pem`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn make(&self, tunnel: &Tunnel) -> Result<()> {
        let random = aws_lc().random;
        let at = now()?;
        let root_key = key(Key::Ecdsa384)?;
        let root = authority("O=Adit Lab, CN=Root", None, at)?;
        let root = self_signed(&root_key.0, &root, &*random)?;
        let root = Issuer {
            cert: &root,
            key: &root_key.0,
        };
        let sub_key = key(Key::Ecdsa256)?;
        let sub = authority("O=Adit Lab, CN=Intermediate", Some(0), at)?;
        let sub = root.issue(sub_key.0.public(), &sub, &*random)?;
        let sub = Issuer {
            cert: &sub,
            key: &sub_key.0,
        };
        let stranger_key = key(Key::Ecdsa256)?;
        let stranger = authority("O=Elsewhere, CN=Root", None, at)?;
        let stranger = self_signed(&stranger_key.0, &stranger, &*random)?;
        let stranger = Issuer {
            cert: &stranger,
            key: &stranger_key.0,
        };
        let mut revoked = Vec::new();
        for (side, id, of, flaw) in [
            ("west", &tunnel.west_id, tunnel.west_key, tunnel.west_flaw),
            ("east", &tunnel.east_id, tunnel.east_key, tunnel.east_flaw),
        ] {
            let issuer = match (flaw, tunnel.intermediate) {
                (Some(Flaw::Untrusted), _) => stranger,
                (_, true) => sub,
                (_, false) => root,
            };
            let (own, secret) = key(of)?;
            let (begin, end) = match flaw {
                Some(Flaw::Expired) => (at - 30 * DAY, at - 2 * DAY),
                Some(Flaw::NotYetValid) => (at + 2 * DAY, at + 30 * DAY),
                _ => (at - DAY, at + 30 * DAY),
            };
            let id = match flaw {
                Some(Flaw::OtherName) => "somebody.else".to_owned(),
                _ => id.clone(),
            };
            let subject = format!("O=Adit Lab, CN={side}");
            // The subject is an identity by itself.
            let names = [id].into_iter().filter(|id| *id != subject);
            let names: Result<Vec<_>> = names
                .map(|id| id.parse().map_err(|_| anyhow!("{id} is no identity")))
                .collect();
            let template = Template::host(
                subject.parse().map_err(|_| anyhow!("{subject}"))?,
                names?,
                Wall(begin),
                Wall(end),
            );
            let cert = issuer.issue(own.public(), &template, &*random)?;
            if flaw == Some(Flaw::Revoked) {
                revoked.push(Revocation {
                    serial: cert.serial().to_vec(),
                    at: Wall(at - DAY),
                    reason: 1,
                });
            }
            let chain: Vec<&Cert> = match tunnel.intermediate {
                true => vec![&cert, sub.cert],
                false => vec![&cert],
            };
            let chain: String = chain.iter().map(|c| c.to_pem()).collect();
            self.write(&format!("{side}.pem"), cert.to_pem().as_bytes())?;
            self.write(&format!("{side}-chain.pem"), chain.as_bytes())?;
            self.write(&format!("{side}.key"), private_key_pem(&secret).as_ref())?;
            self.write(
                &format!("{side}.pub"),
                public_key_pem(own.public()).as_bytes(),
            )?;
        }
        let signer = if tunnel.intermediate { sub } else { root };
        let list = signer.revocation_list(1, &revoked, Wall(at - DAY), Wall(at + 30 * DAY))?;
        self.write("crl.pem", revocation_list_pem(&list).as_bytes())?;
        self.write("sub.pem", sub.cert.to_pem().as_bytes())?;
        self.write("ca.pem", root.cert.to_pem().as_bytes())
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<()> {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.file(name))?;
        Ok(file.write_all(content)?)
    }

    /// Lays them out as strongSwan's `side` looks for them.
    pub fn for_swanctl(&self, swanctl: &Path, side: &str, tunnel: &Tunnel) -> Result<()> {
        let (own, other, other_name) = match side {
            "west" => (tunnel.west_auth, tunnel.east_auth, "east"),
            _ => (tunnel.east_auth, tunnel.west_auth, "west"),
        };
        let place = |folder: &str, name: &str, from: &str| -> Result<()> {
            let folder = swanctl.join(folder);
            std::fs::create_dir_all(&folder)?;
            std::fs::copy(self.file(from), folder.join(name))?;
            Ok(())
        };
        if own != Auth::Psk {
            place("private", "own.key", &format!("{side}.key"))?;
            place("pubkey", "own.pub", &format!("{side}.pub"))?;
        }
        if own == Auth::Cert {
            place("x509", "own.pem", &format!("{side}.pem"))?;
            place("x509ca", "ca.pem", "ca.pem")?;
            if tunnel.intermediate {
                place("x509ca", "sub.pem", "sub.pem")?;
            }
        }
        match other {
            Auth::Psk => Ok(()),
            Auth::Pubkey => place("pubkey", "other.pub", &format!("{other_name}.pub")),
            Auth::Cert => {
                place("x509crl", "crl.pem", "crl.pem")?;
                place("x509ca", "ca.pem", "ca.pem")
            }
        }
    }
}

impl Auth {
    /// The `local` or `remote` section of swanctl.conf, but for the identity.
    pub fn swanctl(self, own: bool) -> String {
        match (self, own) {
            (Auth::Psk, _) => "auth = psk".to_owned(),
            (Auth::Cert, true) => "auth = pubkey\n      certs = own.pem".to_owned(),
            (Auth::Cert, false) => "auth = pubkey".to_owned(),
            (Auth::Pubkey, true) => "auth = pubkey\n      pubkeys = own.pub".to_owned(),
            (Auth::Pubkey, false) => "auth = pubkey\n      pubkeys = other.pub".to_owned(),
        }
    }
}

/// The value of `auth` in Adit's configuration of a side.
pub fn native(side: &str, tunnel: &Tunnel) -> String {
    let (own_auth, peer_auth, other) = match side {
        "west" => (tunnel.west_auth, tunnel.east_auth, "east"),
        _ => (tunnel.east_auth, tunnel.west_auth, "west"),
    };
    let own = match own_auth {
        Auth::Psk => "psk_file = \"gw.psk\"".to_owned(),
        Auth::Cert => {
            format!("cert = \"../pki/{side}-chain.pem\", key = \"../pki/{side}.key\"")
        }
        Auth::Pubkey => format!("key = \"../pki/{side}.key\""),
    };
    let peer = match peer_auth {
        Auth::Psk => "psk_file = \"gw.psk\"".to_owned(),
        Auth::Cert => "ca = [\"../pki/ca.pem\"], crl = [\"../pki/crl.pem\"]".to_owned(),
        Auth::Pubkey => format!("public_key = \"../pki/{other}.pub\""),
    };
    match (own_auth, peer_auth) {
        (Auth::Psk, Auth::Psk) => format!("{{ {own} }}"),
        (Auth::Cert, Auth::Cert) => format!("{{ {own}, {peer} }}"),
        (Auth::Pubkey, Auth::Pubkey) => format!("{{ {own}, peer_{peer} }}"),
        _ => format!("{{ local = {{ {own} }}, remote = {{ {peer} }} }}"),
    }
}

fn authority(subject: &str, depth: Option<u32>, at: u64) -> Result<Template> {
    let subject = subject.parse().map_err(|_| anyhow!("{subject}"))?;
    Ok(Template {
        authority: Some(depth),
        ..Template::authority(subject, Wall(at - 40 * DAY), Wall(at + 400 * DAY))
    })
}

fn key(of: Key) -> Result<(SigningKey, adit_model::Secret)> {
    let new = match of {
        Key::Rsa2048 => NewKey::Rsa2048,
        Key::Rsa4096 => NewKey::Rsa4096,
        Key::Ecdsa256 => NewKey::P256,
        Key::Ecdsa384 => NewKey::P384,
        Key::Ecdsa521 => NewKey::P521,
        Key::Ed25519 => NewKey::Ed25519,
    };
    Ok(SigningKey::generate(new, &*aws_lc().random)?)
}

/// Milliseconds; certificates know whole seconds.
fn now() -> Result<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(now.as_secs() * 1000)
}
