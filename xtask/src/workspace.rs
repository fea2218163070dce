//! Where the workspace is, and what cargo knows about it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;

/// The folder that holds the workspace's Cargo.toml.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Where cargo puts what it builds.
pub fn target_dir() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that started this task, so that its toolchain is kept.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Whether this process may make network namespaces for tests.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The first executable of this name in PATH or the system folders.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Runs `cargo metadata` for these target triples; `deps` says whether other people's packages are listed. The reader
/// says by its type which part of the answer it wants.
pub fn metadata<T: DeserializeOwned>(targets: &[String], deps: bool) -> Result<T> {
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1", "--locked"]);
    if !deps {
        command.arg("--no-deps");
    }
    for target in targets {
        command.args(["--filter-platform", target]);
    }
    let output = command.output().context("cannot run cargo metadata")?;
    anyhow::ensure!(
        output.status.success(),
        "cargo metadata failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout)
        .context("cargo metadata printed something else than expected")
}
