//! Keys and certificates of the lab, made anew for every scenario by the code that `adit cert` issues with.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use adit_crypto::pki::issue::{Issuer, Revocation, Template, self_signed};
use adit_crypto::pki::{Cert, NewKey, SigningKey, private_key_pem, public_key_pem};
use adit_crypto::provider::aws_lc;
use adit_model::Wall;
use anyhow::{Result, anyhow};
use serde::Deserialize;

use super::callers;
use super::scenario::Tunnel;
use super::side::End;
use super::trust::Lists;
use super::web;
use crate::exec;

/// How a side authenticates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Auth {
    #[default]
    Psk,
    Cert,
    /// By a public key that the other side has.
    Pubkey,
    /// By EAP, which strongSwan may be asked for and Adit doesn't carry out.
    Eap,
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
    /// The intermediate CA that issued it was revoked.
    IssuerRevoked,
    /// For another identity.
    OtherName,
    /// Its key may sign certificates and lists, and nothing else.
    Usage,
    /// Its CA signs with RSA and SHA-3.
    Sha3,
    /// The public key that the other side has of it is somebody else's.
    OtherKey,
}

/// The files of the lab.
#[derive(Clone)]
pub struct Credentials {
    pub folder: PathBuf,
}

/// In milliseconds.
pub const DAY: u64 = 86_400_000;

impl Credentials {
    /// Makes what the tunnel needs, once for both ends.
    pub fn of(kept: &Path, tunnel: &Tunnel) -> Result<Self> {
        let folder = kept.join("pki");
        let made = Self { folder };
        let second = tunnel.second.as_ref().and_then(|second| second.auth);
        let needed = [tunnel.west_auth, tunnel.east_auth]
            .iter()
            .chain(&second)
            .any(|a| matches!(a, Auth::Cert | Auth::Pubkey));
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
        let trust = &tunnel.trust;
        let mut sides = vec![
            ("west", &tunnel.west_id, tunnel.west_key, tunnel.west_flaw),
            ("east", &tunnel.east_id, tunnel.east_key, tunnel.east_flaw),
        ];
        let second = tunnel.second.as_ref();
        sides.extend(second.map(|second| {
            let flaw = second.elsewhere.then_some(Flaw::Untrusted);
            ("south", &second.id, tunnel.west_key, flaw)
        }));
        // Whoever of both is called has this name too.
        let called = second.and_then(|second| second.called_id.as_ref());
        let sha3 = sides.iter().any(|side| side.3 == Some(Flaw::Sha3));
        let (root_key, root_secret) = key(if sha3 { Key::Rsa2048 } else { Key::Ecdsa384 })?;
        let root = authority("O=Adit Lab, CN=Root", None, at)?;
        let root = self_signed(&root_key, &root, &*random)?;
        let root = Issuer {
            cert: &root,
            key: &root_key,
        };
        let (sub_key, sub_secret) = key(Key::Ecdsa256)?;
        let sub = Template {
            crl_urls: trust.crl_urls("root"),
            ..authority("O=Adit Lab, CN=Intermediate", Some(0), at)?
        };
        let sub = root.issue(sub_key.public(), &sub, &*random)?;
        let sub = Issuer {
            cert: &sub,
            key: &sub_key,
        };
        let stranger_key = key(Key::Ecdsa256)?;
        let stranger = authority("O=Elsewhere, CN=Root", None, at)?;
        let stranger = self_signed(&stranger_key.0, &stranger, &*random)?;
        let stranger = Issuer {
            cert: &stranger,
            key: &stranger_key.0,
        };
        self.write("ca.pem", root.cert.to_pem().as_bytes())?;
        self.write("ca.key", private_key_pem(&root_secret).as_ref())?;
        self.write("elsewhere.pem", stranger.cert.to_pem().as_bytes())?;
        self.write("sub.pem", sub.cert.to_pem().as_bytes())?;
        self.write("sub.key", private_key_pem(&sub_secret).as_ref())?;
        let mut revoked = Vec::new();
        let mut revoked_above = Vec::new();
        let mut index = String::new();
        let issuer_revoked = sides.iter().any(|side| side.3 == Some(Flaw::IssuerRevoked));
        for (side, id, of, flaw) in sides {
            // Where one side's issuer is revoked, the other side's is another one.
            let below =
                tunnel.intermediate && (!issuer_revoked || flaw == Some(Flaw::IssuerRevoked));
            let issuer = match (flaw, below) {
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
            // The subject is an identity by itself, and keyid: is none that a certificate can hold.
            let names = [&id]
                .into_iter()
                .chain(called.filter(|_| side != "south"))
                .filter(|id| **id != subject && !id.starts_with("keyid:"));
            let names: Result<Vec<_>> = names
                .map(|id| id.parse().map_err(|_| anyhow!("{id} is no identity")))
                .collect();
            let mut template = Template::host(
                subject.parse().map_err(|_| anyhow!("{subject}"))?,
                names?,
                Wall(begin),
                Wall(end),
            );
            template.crl_urls = trust.crl_urls(match (flaw, below) {
                (Some(Flaw::Untrusted), _) => "elsewhere",
                (_, true) => "sub",
                (_, false) => "root",
            });
            template.ocsp_urls = trust.ocsp_urls();
            if flaw == Some(Flaw::Usage) {
                template.key_usage = authority("CN=any", None, at)?.key_usage;
            }
            let cert = issuer.issue(own.public(), &template, &*random)?;
            let is_revoked = flaw == Some(Flaw::Revoked);
            if is_revoked {
                revoked.push(revocation(&cert, at));
            }
            if flaw == Some(Flaw::IssuerRevoked) {
                revoked_above.push(revocation(sub.cert, at));
            }
            index.push_str(&index_line(&cert.serial_text(), is_revoked, &subject));
            let chain: Vec<&Cert> = match below && flaw != Some(Flaw::Untrusted) {
                true => vec![&cert, sub.cert],
                false => vec![&cert],
            };
            let chain: String = chain.iter().map(|c| c.to_pem()).collect();
            self.write(&format!("{side}.serial"), cert.serial_text().as_bytes())?;
            self.write(&format!("{side}.pem"), cert.to_pem().as_bytes())?;
            self.write(&format!("{side}-chain.pem"), chain.as_bytes())?;
            self.write(&format!("{side}.key"), private_key_pem(&secret).as_ref())?;
            let shown = match flaw {
                Some(Flaw::OtherKey) => key(of)?.0.public().clone(),
                _ => own.public().clone(),
            };
            for (name, key) in [("own", own.public()), ("shown", &shown)] {
                let pem = public_key_pem(key);
                self.write(&format!("{side}-{name}.pub"), pem.as_bytes())?;
            }
            if flaw == Some(Flaw::Sha3) {
                self.sign_with_sha3(side, &id)?;
            }
        }
        let (begin, end) = (Wall(at - DAY), Wall(trust.lists_end(at)));
        if !tunnel.intermediate {
            revoked_above.append(&mut revoked);
        }
        for (name, issuer, revoked) in [
            ("root", root, &revoked_above),
            ("sub", sub, &revoked),
            ("elsewhere", stranger, &Vec::new()),
        ] {
            let list = issuer.revocation_list(1, revoked, begin, end)?;
            self.write(&format!("{name}.crl"), &list)?;
        }
        self.write(web::INDEX, index.as_bytes())?;
        let (signer, secret) = key(Key::Ecdsa256)?;
        let template = trust.signer(at)?;
        let cert = root.issue(signer.public(), &template, &*random)?;
        self.write(web::SIGNER, cert.to_pem().as_bytes())?;
        self.write(web::SIGNER_KEY, private_key_pem(&secret).as_ref())
    }

    /// Signs a side's certificate again, as no issuer of ours does.
    fn sign_with_sha3(&self, side: &str, id: &str) -> Result<()> {
        let cert = self.file(&format!("{side}.pem"));
        let request = self.file(&format!("{side}.csr"));
        let mut command = Command::new("openssl");
        command.args(["req", "-new", "-subj"]);
        command.arg(format!("/O=Adit Lab/CN={side}"));
        command
            .arg("-addext")
            .arg(format!("subjectAltName=DNS:{id}"));
        command.arg("-key").arg(self.file(&format!("{side}.key")));
        exec::checked(command.arg("-out").arg(&request))?;
        let mut command = Command::new("openssl");
        command.args(["x509", "-req", "-sha3-256", "-days", "3"]);
        command.args(["-copy_extensions", "copy", "-set_serial", "77", "-in"]);
        command.arg(&request).arg("-CA").arg(self.file("ca.pem"));
        command.arg("-CAkey").arg(self.file("ca.key"));
        exec::checked(command.arg("-out").arg(&cert))?;
        std::fs::copy(&cert, self.file(&format!("{side}-chain.pem")))?;
        Ok(())
    }

    /// The CA revokes a side's certificate from now on, in a new list and in the responder's index.
    pub fn revoke(&self, side: &str) -> Result<()> {
        let at = now()?;
        let read = |name: &str| std::fs::read(self.file(name));
        let cas = Cert::from_file(&read("ca.pem")?).map_err(|e| anyhow!("{e}"))?;
        let certs = Cert::from_file(&read(&format!("{side}.pem"))?).map_err(|e| anyhow!("{e}"))?;
        let key = SigningKey::from_file(&read("ca.key")?)?;
        let (Some(ca), Some(cert)) = (cas.first(), certs.first()) else {
            anyhow::bail!("no certificate of {side}");
        };
        let issuer = Issuer {
            cert: ca,
            key: &key,
        };
        let revoked = [revocation(cert, at)];
        let list = issuer.revocation_list(2, &revoked, Wall(at), Wall(at + 30 * DAY))?;
        self.write("root.crl", &list)?;
        let line = index_line(&cert.serial_text(), true, &format!("O=Adit Lab, CN={side}"));
        self.write(web::INDEX, line.as_bytes())
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

    /// Lays them out as strongSwan at that end looks for them.
    pub fn for_swanctl(&self, swanctl: &Path, end: &End, tunnel: &Tunnel) -> Result<()> {
        let side = end.host;
        let (own, other, other_name) = match end.side {
            "west" => (tunnel.west_auth, tunnel.east_auth, "east"),
            _ => (tunnel.east_auth, tunnel.west_auth, "west"),
        };
        let place = |folder: &str, name: &str, from: &str| -> Result<()> {
            let folder = swanctl.join(folder);
            std::fs::create_dir_all(&folder)?;
            std::fs::copy(self.file(from), folder.join(name))?;
            Ok(())
        };
        if matches!(own, Auth::Cert | Auth::Pubkey) {
            place("private", "own.key", &format!("{side}.key"))?;
            place("pubkey", "own.pub", &format!("{side}-own.pub"))?;
        }
        if own == Auth::Cert {
            place("x509", "own.pem", &format!("{side}.pem"))?;
            place("x509ca", "ca.pem", "ca.pem")?;
            if tunnel.intermediate {
                place("x509ca", "sub.pem", "sub.pem")?;
            }
        }
        match other {
            Auth::Psk | Auth::Eap => Ok(()),
            Auth::Pubkey => place("pubkey", "other.pub", &format!("{other_name}-shown.pub")),
            Auth::Cert => {
                if tunnel.trust.at_hand {
                    place("x509", "other.pem", &format!("{other_name}.pem"))?;
                }
                if tunnel.trust.lists == Lists::File {
                    place("x509crl", "root.crl", "root.crl")?;
                    place("x509crl", "sub.crl", "sub.crl")?;
                }
                if let Some(ca) = callers::by_ca(end, tunnel) {
                    place("x509ca", ca, ca)?;
                }
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
            (Auth::Eap, _) => "auth = eap".to_owned(),
            (Auth::Cert, true) => "auth = pubkey\n      certs = own.pem".to_owned(),
            (Auth::Cert, false) => "auth = pubkey".to_owned(),
            (Auth::Pubkey, true) => "auth = pubkey\n      pubkeys = own.pub".to_owned(),
            (Auth::Pubkey, false) => "auth = pubkey\n      pubkeys = other.pub".to_owned(),
        }
    }
}

/// The value of `auth` in Adit's configuration of an end.
pub fn native(end: &End, tunnel: &Tunnel) -> String {
    let (psk, side) = (end.name, end.host);
    let (own_auth, peer_auth, other) = match end.side {
        "west" => (tunnel.west_auth, tunnel.east_auth, "east"),
        _ => (tunnel.east_auth, tunnel.west_auth, "west"),
    };
    let own = match own_auth {
        Auth::Psk | Auth::Eap => format!("psk_file = \"{psk}.psk\""),
        Auth::Cert => {
            format!("cert = \"../pki/{side}-chain.pem\", key = \"../pki/{side}.key\"")
        }
        Auth::Pubkey => format!("key = \"../pki/{side}.key\""),
    };
    let peer = match peer_auth {
        Auth::Psk | Auth::Eap => format!("psk_file = \"{psk}.psk\""),
        Auth::Cert if tunnel.trust.at_hand => format!("public_key = \"../pki/{other}.pem\""),
        Auth::Cert => {
            let ca = callers::by_ca(end, tunnel).unwrap_or("ca.pem");
            format!("ca = [\"../pki/{ca}\"]{}", tunnel.trust.native())
        }
        Auth::Pubkey => format!("public_key = \"../pki/{other}-shown.pub\""),
    };
    match (own_auth, peer_auth) {
        (Auth::Psk, Auth::Psk) => format!("{{ {own} }}"),
        (Auth::Cert, Auth::Cert) if !tunnel.trust.at_hand => format!("{{ {own}, {peer} }}"),
        (Auth::Pubkey, Auth::Pubkey) => format!("{{ {own}, peer_{peer} }}"),
        _ => format!("{{ local = {{ {own} }}, remote = {{ {peer} }} }}"),
    }
}

pub fn authority(subject: &str, depth: Option<u32>, at: u64) -> Result<Template> {
    let subject = subject.parse().map_err(|_| anyhow!("{subject}"))?;
    Ok(Template {
        authority: Some(depth),
        ..Template::authority(subject, Wall(at - 40 * DAY), Wall(at + 400 * DAY))
    })
}

fn revocation(cert: &Cert, at: u64) -> Revocation {
    Revocation {
        serial: cert.serial().to_vec(),
        at: Wall(at - 1000),
        reason: 1,
    }
}

/// A line of the file by which OpenSSL's responder knows what was issued.
fn index_line(serial: &str, revoked: bool, subject: &str) -> String {
    let serial: String = serial.chars().filter(char::is_ascii_hexdigit).collect();
    let (status, since) = match revoked {
        true => ("R", "200101000000Z,keyCompromise"),
        false => ("V", ""),
    };
    let subject = subject.replace(", ", "/");
    format!(
        "{status}\t491231235959Z\t{since}\t{}\tunknown\t/{subject}\n",
        serial.to_uppercase()
    )
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
pub fn now() -> Result<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(now.as_secs() * 1000)
}
