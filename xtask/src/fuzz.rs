//! Fuzz targets on stable Rust: libfuzzer-sys and the compiler's coverage instrumentation, without cargo-fuzz.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use toml_edit::DocumentMut;

use crate::{exec, workspace};

/// Coverage feedback for libFuzzer; the same flags that cargo-fuzz passes, those that stable accepts.
const INSTRUMENT: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";

#[derive(clap::Args)]
pub struct Args {
    /// The target to run; without it, every target in turn
    target: Option<String>,
    /// How long to run each target
    #[arg(long, default_value_t = 60, value_name = "N")]
    seconds: u64,
    /// Name the targets and stop
    #[arg(long)]
    list: bool,
}

/// `cargo xtask fuzz`.
pub fn run(args: &Args) -> Result<ExitCode> {
    let known = targets()?;
    if args.list {
        for name in &known {
            println!("{name}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = match &args.target {
        None => known,
        Some(name) => {
            anyhow::ensure!(
                known.contains(name),
                "no fuzz target `{name}`; there are {}",
                known.join(", ")
            );
            vec![name.clone()]
        }
    };
    let host = host_triple()?;
    let mut build = workspace::cargo();
    // An explicit --target keeps build scripts and procedural macros free of instrumentation.
    build
        .args(["build", "--release", "--target", &host])
        .current_dir(folder())
        .env("RUSTFLAGS", INSTRUMENT);
    for name in &chosen {
        build.args(["--bin", name]);
    }
    anyhow::ensure!(build.status()?.success(), "the fuzz targets do not build");

    let mut failed = Vec::new();
    for name in &chosen {
        let binary = folder()
            .join("target")
            .join(&host)
            .join("release")
            .join(name);
        // New inputs go to the first folder, which is not committed; the committed corpus only seeds the run.
        let (grown, seeds, artifacts) = (
            folder().join("target/corpus").join(name),
            folder().join("corpus").join(name),
            folder().join("artifacts").join(name),
        );
        for path in [&grown, &seeds, &artifacts] {
            std::fs::create_dir_all(path)?;
        }
        eprintln!("== {name}: {} s", args.seconds);
        let mut fuzzer = Command::new(&binary);
        fuzzer
            .arg(&grown)
            .arg(&seeds)
            .arg(format!("-max_total_time={}", args.seconds))
            .arg(format!("-artifact_prefix={}/", artifacts.display()))
            .args([
                "-print_final_stats=1",
                "-max_len=4096",
                "-timeout=10",
                "-rss_limit_mb=2048",
                "-verbosity=1",
            ]);
        let outcome = exec::tee(&mut fuzzer)?;
        let figure = |key: &str| {
            outcome
                .stderr
                .lines()
                .rev()
                .find_map(|line| line.strip_prefix(key))
                .map_or("?", str::trim)
                .to_owned()
        };
        println!(
            "{name}: {}, {} executions, {} new inputs",
            if outcome.success {
                "no finding"
            } else {
                "FINDING"
            },
            figure("stat::number_of_executed_units:"),
            figure("stat::new_units_added:")
        );
        if !outcome.success {
            failed.push(name.clone());
        }
    }
    anyhow::ensure!(
        failed.is_empty(),
        "findings in {}; the inputs are under fuzz/artifacts",
        failed.join(", ")
    );
    Ok(ExitCode::SUCCESS)
}

/// The folder of the fuzz workspace.
pub fn folder() -> PathBuf {
    workspace::root().join("fuzz")
}

/// The names of all targets: the binaries of fuzz/Cargo.toml.
pub fn targets() -> Result<Vec<String>> {
    let file = folder().join("Cargo.toml");
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))?;
    let document: DocumentMut = text.parse().with_context(|| file.display().to_string())?;
    let binaries = document
        .get("bin")
        .and_then(|item| item.as_array_of_tables())
        .into_iter()
        .flatten();
    Ok(binaries
        .filter_map(|table| table.get("name")?.as_str().map(str::to_owned))
        .collect())
}

fn host_triple() -> Result<String> {
    let version = exec::checked(Command::new("rustc").arg("-vV"))?.stdout;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}
