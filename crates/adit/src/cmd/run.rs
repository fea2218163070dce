//! `adit run`: the gateway in the foreground.

use std::path::Path;

use adit_config::adit::diagnostic_at;
use adit_config::{Configuration, Diagnostic, Severity};
use adit_gateway::GatewayError;
use adit_gateway::options::{BackendChoice, DEFAULT_STATE_DIR, ExitReason, Options};
use anyhow::anyhow;
use tracing_subscriber::EnvFilter;

use super::{Outcome, unstarted};
use crate::cli::{self, RunArgs};
use crate::exit::{Exit, Failure};
use crate::render::style::Palette;

/// Reads the configuration, then runs until told to stop.
pub fn run(args: &RunArgs) -> Outcome {
    let state = &args.state.state;
    if !args.check {
        unstarted::forget(state);
    }
    let (text, config) = match parse(&args.config)? {
        (text, Some(config), _) => (text, config),
        (_, None, diagnostics) => {
            if !args.check {
                unstarted::refused(state, &diagnostics);
            }
            return Err(Failure::usage(summary(&args.config, &diagnostics)));
        }
    };
    let base_dir = args
        .config
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
        .to_owned();
    let mut options = Options::new(config, base_dir);
    options.source = (args.config != Path::new("-")).then(|| args.config.clone());
    if args.state.state != Path::new(DEFAULT_STATE_DIR) {
        options.state_dir.clone_from(&args.state.state);
    }
    options.tun_name.clone_from(&args.tun);
    options.tun_mtu = args.tun_mtu;
    options.backend = match args.backend {
        cli::BackendChoice::Auto => BackendChoice::Auto,
        cli::BackendChoice::User => BackendChoice::User,
        cli::BackendChoice::Kernel => BackendChoice::Kernel,
    };
    if args.check {
        adit_gateway::check(&options).map_err(|error| failure(error, &args.config, &text))?;
        let tunnels = options.config.connections.len();
        eprintln!(
            "{} is good: {tunnels} tunnel{}",
            args.config.display(),
            if tunnels == 1 { "" } else { "s" }
        );
        return Ok(Exit::Done);
    }
    log_to_stderr();
    match adit_gateway::run(options) {
        Ok(ExitReason::Signal | ExitReason::Command) => Ok(Exit::Done),
        Err(error) => {
            unstarted::failed(state, &error);
            Err(failure(error, &args.config, &text))
        }
    }
}

/// An error of the gateway, shown at its place in the configuration if it has one.
fn failure(error: GatewayError, path: &Path, text: &str) -> Failure {
    let exit = if error.is_configuration() {
        Exit::Usage
    } else {
        Exit::CannotObserve
    };
    let Some((key, code)) = error.place() else {
        return Failure {
            exit,
            error: error.into(),
        };
    };
    let name = path.display().to_string();
    let message = error.to_string();
    eprintln!("{}", diagnostic_at(&name, text, &key, code, message));
    Failure {
        exit,
        error: anyhow!("1 error in {name}; nothing was started"),
    }
}

/// Reads a configuration file, or standard input for `-`: its text and what it says. Every diagnostic goes to standard
/// error.
pub fn read(path: &Path) -> Result<(String, Configuration), Failure> {
    let (text, config, diagnostics) = parse(path)?;
    let config = config.ok_or_else(|| Failure::usage(summary(path, &diagnostics)))?;
    Ok((text, config))
}

fn parse(path: &Path) -> Result<(String, Option<Configuration>, Vec<Diagnostic>), Failure> {
    let text = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    let text = text.map_err(|error| {
        Failure::usage(anyhow!(
            "can't read the configuration {}: {error}. Fix: name the right file with -c FILE",
            path.display()
        ))
    })?;
    let (config, diagnostics) = adit_config::adit::parse(&path.display().to_string(), &text);
    for diagnostic in &diagnostics {
        eprintln!("{diagnostic}");
    }
    Ok((text, config, diagnostics))
}

fn summary(path: &Path, diagnostics: &[Diagnostic]) -> anyhow::Error {
    let errors = diagnostics
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .count();
    let s = if errors == 1 { "" } else { "s" };
    anyhow!(
        "{errors} error{s} in {}; nothing was started",
        path.display()
    )
}

/// One line per event on standard error; `RUST_LOG` chooses otherwise.
fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(Palette::stderr().on())
        .init();
}
