//! Manual pages, written by the program they describe.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::workspace;

/// `cargo xtask man`: docs/man/adit.1 and a page for each command; a test of `adit` sees to it that they are current.
pub fn run() -> Result<ExitCode> {
    let folder = workspace::root().join("docs/man");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let status = workspace::cargo()
        .args(["run", "--quiet", "--package", "adit", "--", "man"])
        .arg(&folder)
        .status()?;
    anyhow::ensure!(status.success(), "adit could not write its manual pages");
    println!("{}", folder.display());
    Ok(ExitCode::SUCCESS)
}
