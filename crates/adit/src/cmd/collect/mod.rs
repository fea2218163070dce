//! `adit collect`: everything that a verdict on somebody's gateway needs, without secrets, in one file.
//!
//! It only reads. Nothing has to run of ours; the gateway may be strongSwan's, Libreswan's, a VyOS router or racoon's.

mod gather;
mod plan;

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use adit_model::product::Product;
use anyhow::{Context, anyhow};

use super::Outcome;
use crate::cli::CollectArgs;
use crate::exit::{Exit, Failure};
use gather::Gatherer;
use plan::KNOWN;

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
    let path = args.output.clone().unwrap_or_else(default_name);
    let stdout = path == Path::new("-");
    let out: Box<dyn Write> = if stdout {
        Box::new(std::io::stdout())
    } else {
        Box::new(create(&path)?)
    };
    let mut gatherer = Gatherer::new(BufWriter::new(out));
    for product in &products {
        eprintln!("{product}: gathering");
        let mut items = plan::plan(*product);
        items.dedup();
        for item in &items {
            gatherer.item(item)?;
        }
    }
    gatherer.command(&plan::journal(args.minutes))?;
    for log in &args.log {
        let shown = log.display().to_string();
        if !log.is_file() {
            return Err(Failure::usage(anyhow!("{shown}: no such file")));
        }
        gatherer.log(log)?;
    }
    for line in &gatherer.without {
        eprintln!("  without {line}");
    }
    let gathered = gatherer.gathered;
    gatherer.finish()?;
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

/// A file that only its owner reads: addresses and names are nobody else's business.
fn create(path: &Path) -> Result<impl Write + use<>, Failure> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("writing {}", path.display()))
        .map_err(Failure::usage)
}
