//! `adit collect`: everything that a verdict on somebody's gateway needs, without secrets, in one file.
//!
//! It only reads. Nothing has to run of ours; the gateway may be strongSwan's, Libreswan's, a VyOS router or racoon's.

mod gather;
mod plan;

use std::fs::{File, OpenOptions, Permissions};
use std::io::{BufWriter, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use adit_model::product::Product;
use anyhow::anyhow;

use super::Outcome;
use crate::cli::CollectArgs;
use crate::exit::{Exit, Failure};
pub use gather::Gatherer;
use plan::KNOWN;
pub use plan::{Item, host};

/// Gathers.
pub fn collect(args: &CollectArgs) -> Outcome {
    let products = match &args.product {
        Some(name) => vec![by_name(name)?],
        None => present(),
    };
    if products.is_empty() && args.log.is_empty() {
        return Err(Failure {
            exit: Exit::CannotObserve,
            error: anyhow!(
                "no IPsec product was found on this host; fix: name it (--product strongswan, libreswan, vyos or racoon), or its log (--log FILE)"
            ),
        });
    }
    for log in &args.log {
        if !log.is_file() {
            return Err(Failure::usage(anyhow!("{}: no such file", log.display())));
        }
    }
    let path = args.output.clone().unwrap_or_else(default_name);
    let stdout = path == Path::new("-");
    let out: Box<dyn Write> = if stdout {
        Box::new(std::io::stdout())
    } else {
        Box::new(create(&path, args.output.is_none())?)
    };
    let mut gatherer = Gatherer::new(BufWriter::new(out));
    for product in &products {
        eprintln!("{product}: gathering");
        for item in &plan::plan(*product) {
            gatherer.item(item)?;
        }
    }
    let of_product = gatherer.answers;
    if !products.is_empty() {
        for item in &plan::host() {
            gatherer.item(item)?;
        }
    }
    gatherer.command(&plan::journal(args.minutes))?;
    for log in &args.log {
        gatherer.log(log)?;
    }
    for line in &gatherer.without {
        eprintln!("  without {line}");
    }
    let gathered = gatherer.gathered;
    gatherer.finish()?;
    if of_product == 0 && args.log.is_empty() {
        if !stdout && path.is_file() {
            // What is of no use isn't left behind, and doesn't stand in the way of the next run.
            std::fs::remove_file(&path)?;
        }
        let names: Vec<&str> = products.iter().map(|p| p.id()).collect();
        return Err(Failure {
            exit: Exit::CannotObserve,
            error: anyhow!(
                "nothing of {} could be gathered, just this host's own state; fix: run it as root on the gateway, or name its log (--log FILE)",
                names.join(" or ")
            ),
        });
    }
    if stdout {
        return Ok(Exit::Done);
    }
    eprintln!(
        "{gathered} pieces in {}. Look at it before you hand it on; then: adit why {}",
        path.display(),
        shown(&path)
    );
    Ok(Exit::Done)
}

/// How `adit why` is given this file: with a `/` or a `.` in it.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    if text.contains(['/', '.']) {
        text
    } else {
        format!("./{text}")
    }
}

fn by_name(name: &str) -> Result<Product, Failure> {
    KNOWN
        .iter()
        .map(|(product, _)| *product)
        .find(|p| p.id() == name)
        .ok_or_else(|| {
            Failure::usage(anyhow!(
                "{name} isn't a product that can be gathered from; fix: strongswan, libreswan, vyos or racoon"
            ))
        })
}

/// The products of which something is installed here. VyOS has strongSwan's files as well, and is asked as itself.
fn present() -> Vec<Product> {
    let mut found: Vec<Product> = KNOWN
        .iter()
        .filter(|(_, files)| files.iter().any(|f| Path::new(f).exists()))
        .map(|(product, _)| *product)
        .collect();
    if found.contains(&Product::Vyos) {
        found.retain(|p| *p != Product::Strongswan);
    }
    found
}

fn default_name() -> PathBuf {
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy().into_owned();
    PathBuf::from(format!("adit-{host}.txt"))
}

/// A file that only its owner reads: addresses and names are nobody else's business. One that the user didn't name
/// is never written over.
fn create(path: &Path, new: bool) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    if new {
        options.create_new(true);
    } else {
        options.create(true).truncate(true);
    }
    let opened = options.open(path).and_then(|file| {
        // Not of a device or a pipe: those aren't ours.
        if file.metadata()?.is_file() {
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
        Ok(file)
    });
    opened.map_err(|error| {
        let shown = path.display();
        Failure::usage(if new && error.kind() == ErrorKind::AlreadyExists {
            anyhow!("{shown} exists; fix: -o FILE")
        } else {
            anyhow!(error).context(format!("writing {shown}"))
        })
    })
}
