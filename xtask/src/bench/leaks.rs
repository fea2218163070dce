//! `cargo xtask bench leaks`: the tests of `crates/gateway/tests/leaks.rs` with the gateway as it is shipped. They run with
//! every other test too; here they show what they counted.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use super::dataplane::released;
use crate::{exec, peers, workspace};

#[derive(clap::Args)]
pub struct Args {
    /// The gateway to test, instead of building it
    #[arg(long, value_name = "FILE")]
    adit: Option<PathBuf>,
    /// What is to carry packets: user or kernel
    #[arg(long, value_name = "BACKEND")]
    backend: Option<String>,
}

/// Runs the tests, one after the other, and shows what they say.
pub fn run(args: &Args) -> Result<ExitCode> {
    peers::ensure_bench(false)?;
    let binary = match &args.adit {
        Some(file) => std::path::absolute(file)?,
        None => released()?,
    };
    let mut tests = workspace::cargo();
    tests
        .args(["test", "--quiet", "--locked", "--package", "adit-gateway"])
        .args(["--test", "leaks", "--", "--nocapture", "--test-threads=1"])
        .env("ADIT_TEST_PROGRAM", binary)
        .env("ADIT_REQUIRE_NET", "1");
    if let Some(backend) = &args.backend {
        tests.env("ADIT_TEST_BACKEND", backend);
    }
    let done = exec::tee(&mut tests)?;
    Ok(if done.success {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
