//! The manual pages, made from the command line's own description.

use std::path::Path;

use anyhow::Context;
use clap::CommandFactory;

use super::Outcome;
use crate::cli::Cli;
use crate::exit::Exit;

/// Writes `adit.1` and one page per verb to `dir`.
pub fn write(dir: &Path) -> Outcome {
    std::fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    clap_mangen::generate_to(Cli::command(), dir)
        .with_context(|| format!("writing to {}", dir.display()))?;
    Ok(Exit::Done)
}
