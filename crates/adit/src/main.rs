//! `adit`: the command line.
//!
//! Every verb reads its arguments, asks the gateway or the virtual world, and renders one struct either as text or as
//! JSON: data on standard output, talk on standard error, the exit codes of [`exit::Exit`]. Nothing is decided here;
//! the gateway runs tunnels, `diagnose` finds causes, this crate shows them.

mod cli;
mod cmd;
mod demo;
mod examples;
mod exit;
mod render;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    // Clap prints usage errors and exits with 2, help and version with 0, as the contract has it.
    let cli = Cli::parse();
    render::style::choose(cli.color);
    let outcome = match &cli.command {
        Command::Demo(args) => demo::demo(args),
        Command::Run(args) => cmd::run::run(args),
        Command::Up(args) => cmd::switch::up(args),
        Command::Down(args) => cmd::switch::down(args),
        Command::Rekey(args) => cmd::renew::rekey(args),
        Command::Reset(args) => cmd::renew::reset(args),
        Command::Reload(args) => cmd::renew::reload(args),
        Command::Apply(args) => cmd::apply::apply(args),
        Command::Status(args) => cmd::status::show(args),
        Command::Show(args) => cmd::show::show(args),
        Command::Scan(args) => cmd::scan::scan(args),
        Command::Trace(args) => cmd::trace::trace(args),
        Command::Probe(args) => cmd::probe::probe(args),
        Command::Log(args) => cmd::log::log(args),
        Command::Why(args) => cmd::why::why(args),
        Command::Collect(args) => cmd::collect::collect(args),
        Command::Bugreport(args) => cmd::bugreport::bugreport(args),
        Command::Explain(args) => cmd::explain::explain(args),
        Command::Check(args) => cmd::check::check(args),
        Command::Rehearse(args) => cmd::rehearse::rehearse(args),
        Command::Verify(args) => cmd::verify::verify(args),
        Command::Read(args) => cmd::read::read(args),
        Command::Cert(args) => cmd::cert::cert(args),
        Command::Block(args) => cmd::block::block(args),
        Command::Unblock(args) => cmd::unblock::unblock(args),
        Command::Man { dir } => cmd::man::write(dir),
    };
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            let p = render::style::Palette::stderr();
            eprintln!("{} {:#}", p.bad("adit:"), failure.error);
            failure.exit.into()
        }
    }
}
