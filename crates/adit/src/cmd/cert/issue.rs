//! `adit cert issue`: a host's certificate and key.

use adit_crypto::pki::issue::{Issuer, Template};
use adit_crypto::pki::{Cert, NewKey, SigningKey, private_key_pem};
use adit_crypto::provider;
use adit_model::Wall;
use adit_model::dn::DistinguishedName;
use adit_model::identity::Identity;
use anyhow::anyhow;
use zeroize::Zeroizing;

use super::document::Document;
use super::folder::{Folder, Readers};
use super::{a_little_back, in_days, now};
use crate::cli::CertIssueArgs;
use crate::cmd::Outcome;
use crate::exit::{Exit, Failure};

/// Issues it.
pub fn issue(args: &CertIssueArgs) -> Outcome {
    let identity = identity(&args.name)?;
    let mut names = vec![identity];
    for san in &args.san {
        let name = self::identity(san)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let file = file_name(&args.name)?;
    let folder = Folder::open(&args.dir, false)?;
    let (pem, key_file) = (format!("{file}.pem"), format!("{file}.key"));
    for there in [&pem, &key_file] {
        if folder.has(there) {
            return Err(Failure::usage(anyhow!(
                "{} is there already; fix: adit cert rotate {} --dir {}",
                folder.at(there).display(),
                args.name,
                folder.path().display()
            )));
        }
    }
    let at = now();
    let authority = Authority::read(&folder)?;
    let subject = authority.subject_for(&args.name)?;
    let not_after = in_days(at, args.days);
    let made = authority.issue(subject, names, args.key.into(), at, not_after)?;
    let written = folder.write(&[
        (&key_file, &made.key, Readers::Owner),
        (&pem, made.cert.to_pem().as_bytes(), Readers::All),
    ])?;
    let mut document = Document::new("issue", at);
    for path in &written {
        document.wrote(path);
    }
    document.holds(&folder.at(&pem), &[&made.cert], &authority.bundle, at);
    if made.cert.not_after() < not_after {
        document.next(format!(
            "It ends with its CA, in {} days; renew that first: adit cert rotate --ca --dir {}",
            made.cert.days_left(at),
            folder.path().display()
        ));
    }
    document.next(format!(
        "Take {pem}, {key_file} and ca.pem to the gateway, and name them in its tunnel:"
    ));
    document.next(format!(
        "  auth = {{ cert = \"{pem}\", key = \"{key_file}\", ca = [\"ca.pem\"] }}"
    ));
    document.show(args.json)?;
    Ok(Exit::Done)
}

/// The CA of a folder.
pub struct Authority {
    key: SigningKey,
    /// The one that issues, then older ones that are still trusted.
    pub bundle: Vec<Cert>,
}

/// A certificate and its key's PEM.
pub struct Made {
    pub cert: Cert,
    pub key: Zeroizing<Vec<u8>>,
}

impl Authority {
    pub fn read(folder: &Folder) -> Result<Self, Failure> {
        if !folder.has("ca.pem") {
            return Err(Failure::usage(anyhow!(
                "there is no CA in {dir}; fix: adit cert init {dir}",
                dir = folder.path().display()
            )));
        }
        let bundle = folder.certs("ca.pem")?;
        let key = folder.key("ca.key")?;
        let authority = Self { key, bundle };
        authority
            .cert()?
            .belongs_to(&authority.key)
            .map_err(|refused| {
                Failure::usage(anyhow!("ca.key isn't the key of ca.pem: {refused}"))
            })?;
        Ok(authority)
    }

    pub fn cert(&self) -> Result<&Cert, Failure> {
        let first = self.bundle.first();
        first.ok_or_else(|| Failure::usage(anyhow!("there is no certificate in ca.pem")))
    }

    /// The CA's name with another common name.
    fn subject_for(&self, name: &str) -> Result<DistinguishedName, Failure> {
        let mut parts: Vec<String> = Vec::new();
        for kind in ["C", "ST", "L", "O", "OU"] {
            let values = self.cert()?.subject().values(kind);
            parts.extend(values.map(|value| format!("{kind}={}", escaped(value))));
        }
        parts.push(format!("CN={}", escaped(name)));
        let subject = parts.join(", ").parse();
        subject.map_err(|error| Failure::usage(anyhow!("{error}")))
    }

    /// Issues a certificate, which ends with its CA at the latest.
    pub fn issue(
        &self,
        subject: DistinguishedName,
        names: Vec<Identity>,
        key: NewKey,
        at: Wall,
        not_after: Wall,
    ) -> Result<Made, Failure> {
        let cert = self.cert()?;
        if at > cert.not_after() {
            return Err(Failure::usage(anyhow!(
                "the CA `{}` has expired; fix: adit cert rotate --ca",
                cert.subject()
            )));
        }
        let random = provider::aws_lc().random;
        let failed = |error: &dyn std::fmt::Display| Failure::usage(anyhow!("{error}"));
        let (key, pkcs8) = SigningKey::generate(key, &*random).map_err(|e| failed(&e))?;
        let not_before = a_little_back(at).max(cert.not_before());
        let not_after = not_after.min(cert.not_after());
        let template = Template::host(subject, names, not_before, not_after);
        let issuer = Issuer {
            cert,
            key: &self.key,
        };
        let cert = issuer.issue(key.public(), &template, &*random);
        Ok(Made {
            cert: cert.map_err(|e| failed(&e))?,
            key: private_key_pem(&pkcs8),
        })
    }
}

fn escaped(value: &str) -> String {
    value
        .chars()
        .flat_map(|c| {
            let escape = matches!(c, ',' | '+' | '\\' | '#').then_some('\\');
            escape.into_iter().chain([c])
        })
        .collect()
}

/// What can stand in a certificate.
fn identity(text: &str) -> Result<Identity, Failure> {
    let identity: Identity = text
        .parse()
        .map_err(|error| Failure::usage(anyhow!("{error}")))?;
    let good = match &identity {
        Identity::Fqdn(name) => {
            let host = name.strip_prefix("*.").unwrap_or(name);
            host.bytes()
                .all(|c| c.is_ascii_alphanumeric() || b"-_.".contains(&c))
        }
        Identity::Email(name) => name.bytes().all(|c| c.is_ascii_graphic()),
        Identity::Address(_) | Identity::Name(_) => true,
        Identity::KeyId(_) | Identity::Other { .. } => false,
    };
    if good {
        return Ok(identity);
    }
    Err(Failure::usage(anyhow!(
        "`{text}` can't stand in a certificate: a host name, user@host, an IP address or `O=Lab, CN=gw` can"
    )))
}

/// The name of a host's files.
pub fn file_name(name: &str) -> Result<String, Failure> {
    let file: String = name
        .chars()
        .map(|c| {
            let plain = c.is_ascii_alphanumeric() || "-_.@".contains(c);
            if plain { c } else { '-' }
        })
        .collect();
    let file = file.trim_matches(['-', '.']).to_owned();
    if file.is_empty() || file == "ca" || file.ends_with(".previous") || file.len() > 200 {
        return Err(Failure::usage(anyhow!(
            "`{name}` can't be the name of a host's files here; fix: issue it under another name, and give this one with --san"
        )));
    }
    Ok(file)
}
