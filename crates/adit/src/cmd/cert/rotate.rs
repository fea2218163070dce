//! `adit cert rotate`: a host's certificate and key anew, or the CA, in steps none of which cuts a tunnel.
//!
//! A CA is replaced while both are trusted: first everybody gets a `ca.pem` with both, then every host a certificate of
//! the new one, and at last the old one is left out.

use adit_crypto::pki::Cert;
use adit_model::Wall;
use adit_model::dn::DistinguishedName;
use anyhow::anyhow;

use super::document::Document;
use super::folder::{Folder, Readers};
use super::init::authority;
use super::issue::{Authority, file_name};
use super::{in_days, kind, now};
use crate::cli::CertRotateArgs;
use crate::cmd::Outcome;
use crate::exit::{Exit, Failure};

/// Renews.
pub fn rotate(args: &CertRotateArgs) -> Outcome {
    let folder = Folder::open(&args.dir, false)?;
    let at = now();
    let document = match (&args.name, args.ca, args.finish) {
        (Some(name), false, false) => host(args, &folder, name, at)?,
        (None, true, false) => new_authority(args, &folder, at)?,
        (None, true, true) => finish(args, &folder, at)?,
        _ => {
            return Err(Failure::usage(anyhow!(
                "say what to renew: adit cert rotate NAME, or adit cert rotate --ca"
            )));
        }
    };
    document.show(args.json)?;
    Ok(Exit::Done)
}

fn host(args: &CertRotateArgs, folder: &Folder, name: &str, at: Wall) -> Result<Document, Failure> {
    let file = file_name(name)?;
    let (pem, key) = (format!("{file}.pem"), format!("{file}.key"));
    if !folder.has(&pem) {
        return Err(Failure::usage(anyhow!(
            "there is no {}; fix: adit cert issue {name} --dir {}",
            folder.at(&pem).display(),
            folder.path().display()
        )));
    }
    let old = folder.certs(&pem)?;
    let old = old
        .first()
        .ok_or_else(|| Failure::usage(anyhow!("{pem} is empty")))?;
    let ca = Authority::read(folder)?;
    let names = old.extensions().names.iter().filter_map(|n| n.identity());
    let not_after = in_days(at, args.days.unwrap_or(365));
    let made = ca.issue(
        old.subject().clone(),
        names.collect(),
        kind(args.key, old),
        at,
        not_after,
    )?;
    let mut document = Document::new("rotate", at);
    for (current, kept, readers) in [
        (&pem, format!("{file}.previous.pem"), Readers::All),
        (&key, format!("{file}.previous.key"), Readers::Owner),
    ] {
        if folder.has(current) {
            document.wrote(&folder.keep(current, &kept, readers)?);
        }
    }
    for path in folder.write(&[
        (&key, &made.key, Readers::Owner),
        (&pem, made.cert.to_pem().as_bytes(), Readers::All),
    ])? {
        document.wrote(&path);
    }
    document.holds(&folder.at(&pem), &[&made.cert], &ca.bundle, at);
    if !old.is_signed_by(ca.cert()?) {
        document.next(format!(
            "It is issued by `{}`, no longer by `{}`: every peer must have the ca.pem with both before this host uses it.",
            ca.cert()?.subject(),
            old.issuer()
        ));
    }
    document.next(format!(
        "Take {pem} and {key} to the gateway in one step and let it load them: peers take the new one as they took the old one. {file}.previous.pem and .key are what to go back to."
    ));
    Ok(document)
}

fn new_authority(args: &CertRotateArgs, folder: &Folder, at: Wall) -> Result<Document, Failure> {
    let ca = Authority::read(folder)?;
    let old = ca.cert()?;
    if ca.bundle.len() > 1 {
        return Err(Failure::usage(anyhow!(
            "ca.pem holds two CAs: the last replacement isn't finished; fix: adit cert rotate NAME for each host, then adit cert rotate --ca --finish --dir {}",
            folder.path().display()
        )));
    }
    let subject = next_generation(old.subject())?;
    let (new, key) = authority(subject, kind(args.key, old), at, args.days.unwrap_or(3650))?;
    let bundle = format!("{}{}", new.to_pem(), old.to_pem());
    let mut document = Document::new("rotate", at);
    for (current, kept, readers) in [
        ("ca.pem", "ca.previous.pem", Readers::All),
        ("ca.key", "ca.previous.key", Readers::Owner),
    ] {
        document.wrote(&folder.keep(current, kept, readers)?);
    }
    for path in folder.write(&[
        ("ca.key", &key, Readers::Owner),
        ("ca.pem", bundle.as_bytes(), Readers::All),
    ])? {
        document.wrote(&path);
    }
    let both = [new.clone(), old.clone()];
    document.holds(&folder.at("ca.pem"), &[&new, old], &both, at);
    let dir = folder.path().display();
    document.next(
        "1. Give ca.pem, which holds the new CA and the old one, to every gateway and every peer, and let them load it. Nothing else changes yet.",
    );
    document.next("2. Then a new certificate for each host, in any order and at any pace:");
    for (host, cert) in folder.hosts()? {
        if cert.is_signed_by(old) {
            document.next(format!("  adit cert rotate {host} --dir {dir}"));
        }
    }
    document.next("3. When all of them use it, the old CA is left out:");
    document.next(format!("  adit cert rotate --ca --finish --dir {dir}"));
    Ok(document)
}

fn finish(args: &CertRotateArgs, folder: &Folder, at: Wall) -> Result<Document, Failure> {
    let ca = Authority::read(folder)?;
    let new = ca.cert()?;
    if ca.bundle.len() < 2 {
        return Err(Failure::usage(anyhow!(
            "ca.pem holds one CA: there is no replacement to finish"
        )));
    }
    let by_old = |cert: &Cert| !cert.is_signed_by(new) && at <= cert.not_after();
    let left: Vec<String> = folder
        .hosts()?
        .into_iter()
        .filter(|(_, cert)| by_old(cert))
        .map(|(host, _)| host)
        .collect();
    if !left.is_empty() && !args.force {
        return Err(Failure::usage(anyhow!(
            "certificates of the old CA are in use: {}; fix: adit cert rotate NAME for each, or --force",
            left.join(", ")
        )));
    }
    let mut document = Document::new("rotate", at);
    for path in folder.write(&[("ca.pem", new.to_pem().as_bytes(), Readers::All)])? {
        document.wrote(&path);
    }
    // The old key can't be misused once it is gone; its certificate stays for the record.
    folder.remove("ca.previous.key")?;
    document.holds(&folder.at("ca.pem"), &[new], std::slice::from_ref(new), at);
    document.next(
        "Give ca.pem to every gateway and every peer and let them load it: from then on only the new CA is trusted. The old one's key is removed.",
    );
    Ok(document)
}

/// The name of the CA that follows: `Lab CA`, `Lab CA G2`, `Lab CA G3`, …
fn next_generation(old: &DistinguishedName) -> Result<DistinguishedName, Failure> {
    let text = old.to_string();
    let (rest, number) = match text.rsplit_once(" G") {
        Some((rest, number)) => match number.parse::<u32>() {
            Ok(number) => (rest.to_owned(), number),
            Err(_) => (text.clone(), 1),
        },
        None => (text.clone(), 1),
    };
    format!("{rest} G{}", number.saturating_add(1))
        .parse()
        .map_err(|error| Failure::usage(anyhow!("{error}")))
}
