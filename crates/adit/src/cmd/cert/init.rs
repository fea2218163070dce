//! `adit cert init`: a CA.

use adit_crypto::pki::issue::{Template, self_signed};
use adit_crypto::pki::{Cert, NewKey, SigningKey, private_key_pem};
use adit_crypto::provider;
use adit_model::Wall;
use adit_model::dn::DistinguishedName;
use anyhow::anyhow;
use zeroize::Zeroizing;

use super::document::Document;
use super::folder::{Folder, Readers};
use super::{a_little_back, in_days, now};
use crate::cli::CertInitArgs;
use crate::cmd::Outcome;
use crate::exit::{Exit, Failure};

/// Makes it.
pub fn init(args: &CertInitArgs) -> Outcome {
    let subject = name(&args.name)?;
    let folder = Folder::open(&args.dir, true)?;
    for file in ["ca.pem", "ca.key"] {
        if folder.has(file) {
            return Err(Failure::usage(anyhow!(
                "{} is there already; fix: take another folder, or renew it: adit cert rotate --ca --dir {}",
                folder.at(file).display(),
                folder.path().display()
            )));
        }
    }
    let at = now();
    let (cert, key) = authority(subject, args.key.into(), at, args.days)?;
    let written = folder.write(&[
        ("ca.key", &key, Readers::Owner),
        ("ca.pem", cert.to_pem().as_bytes(), Readers::All),
    ])?;
    let mut document = Document::new("init", at);
    for path in &written {
        document.wrote(path);
    }
    document.holds(
        &folder.at("ca.pem"),
        &[&cert],
        std::slice::from_ref(&cert),
        at,
    );
    document.next(format!(
        "ca.key signs everything that your gateways trust: keep {} on a host that is safe.",
        folder.path().display()
    ));
    document.next("Issue each gateway its certificate:");
    let dir = folder.path().display();
    document.next(format!("  adit cert issue gw1.example.org --dir {dir}"));
    document.show(args.json)?;
    Ok(Exit::Done)
}

/// `Lab`, which is a common name, or `O=Lab, CN=Lab CA`.
fn name(text: &str) -> Result<DistinguishedName, Failure> {
    if let Ok(name) = text.parse::<DistinguishedName>() {
        return Ok(name);
    }
    let escaped: String = text
        .chars()
        .flat_map(|c| {
            let escape = matches!(c, ',' | '+' | '\\' | '#').then_some('\\');
            escape.into_iter().chain([c])
        })
        .collect();
    format!("CN={escaped}")
        .parse()
        .map_err(|error| Failure::usage(anyhow!("{error}")))
}

/// A CA's certificate and its key's PEM.
pub fn authority(
    subject: DistinguishedName,
    key: NewKey,
    at: Wall,
    days: u32,
) -> Result<(Cert, Zeroizing<Vec<u8>>), Failure> {
    let random = provider::aws_lc().random;
    let failed = |error: &dyn std::fmt::Display| Failure::from(anyhow!("{error}"));
    let (key, pkcs8) = SigningKey::generate(key, &*random).map_err(|e| failed(&e))?;
    let template = Template::authority(subject, a_little_back(at), in_days(at, days));
    let cert = self_signed(&key, &template, &*random).map_err(|e| failed(&e))?;
    Ok((cert, private_key_pem(&pkcs8)))
}
