//! Manual pages, written by the program they describe.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::workspace;

/// `cargo xtask man`: target/man/adit.1 and a page for each command.
pub fn run() -> Result<ExitCode> {
    let folder = workspace::target_dir().join("man");
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
