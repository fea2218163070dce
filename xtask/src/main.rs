//! One entry point for development.
//!
//! `cargo xtask test` is everything that must hold before a change lands: formatting, lints, the dependency policy
//! ([`supply`]), the crate arrows, unit and virtual-world tests, documentation tests, the replayed fuzz
//! corpora, tests in network namespaces, [`interop`] with an unmodified strongSwan, the same through the ESP of a real
//! [`mod@kernel`], and the demo with every fault it knows. What cannot run here is said, and fails the run unless it was excused on the command line.
//!
//! `cargo xtask interop` and `cargo xtask fuzz` run one of these alone; `cargo xtask man` writes the manual pages.
//! `cargo xtask bench` measures the data plane ([`mod@bench`]).

#[cfg(test)]
mod arrows;
mod bench;
mod exec;
mod faults;
mod fuzz;
mod interop;
mod kernel;
mod man;
mod namespaces;
mod peers;
mod spdx;
mod supply;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Development tasks of Adit.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that must hold before a change lands
    Test(test::Args),
    /// Real tunnels with an unmodified strongSwan, in private network namespaces (needs root)
    Interop(interop::Args),
    /// What `adit why` makes of tunnels that are broken in known ways (needs root)
    Faults(faults::Args),
    /// Real tunnels through the ESP of a real kernel, in User-Mode Linux (needs root)
    Kernel(kernel::Args),
    /// What [`Self::Kernel`] runs in its guests
    #[command(hide = true)]
    Guest(kernel::guest::Args),
    /// The web server of interop's CA
    #[command(hide = true)]
    Web(interop::web::Args),
    /// Meddles with messages between interop's gateways
    #[command(hide = true)]
    Relay(interop::relay::Args),
    /// How fast packets go through gateways, and what that costs (needs root)
    Bench(bench::Args),
    /// Fuzz targets: list them, or run one
    Fuzz(fuzz::Args),
    /// Licences, bans and sources of the dependencies, against deny.toml
    Supply,
    /// Manual pages into docs/man
    Man,
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Test(args) => test::run(&args),
        Task::Interop(args) => interop::run(&args),
        Task::Faults(args) => faults::run(&args),
        Task::Kernel(args) => kernel::run(&args),
        Task::Guest(args) => kernel::guest::run(&args),
        Task::Web(args) => interop::web::run(&args),
        Task::Relay(args) => interop::relay::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::Supply => supply::run(),
        Task::Man => man::run(),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
