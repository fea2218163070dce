//! Measuring the data plane between real network namespaces.
//!
//! ```text
//!  westlan 10.1.0.2 ── west 192.168.0.1 ════ 192.168.0.2 east ── 10.2.0.2 eastlan
//! ```
//!
//! Every [`subject`], that is plain forwarding, Adit, or somebody else's gateway, has a [`world`] of its own, and all
//! of them are there at the same time; idle they cost nothing. What is [`measure`]d goes around: each figure of each
//! subject once, then everything again, so that a machine that is busy for a while is so for all of them. The
//! [`report`] has medians, what they are of plain forwarding, and the goals beside them.
//!
//! [`soak`] and [`leaks`] are about what has to hold however fast it is.

mod dataplane;
mod iperf;
mod leaks;
mod machine;
mod measure;
mod others;
mod profile;
mod report;
mod soak;
mod subject;
mod world;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Throughput, packets a second and latency through two gateways, beside plain forwarding and other gateways
    Dataplane(dataplane::Args),
    /// Full rate for minutes while keys are renewed: memory stays flat and nothing is dropped
    Soak(soak::Args),
    /// What leaves in clear when gateways start, renew keys, die and stop, and for how long nothing passes
    Leaks(leaks::Args),
}

/// `cargo xtask bench`.
pub fn run(args: &Args) -> Result<ExitCode> {
    match &args.what {
        What::Dataplane(args) => dataplane::run(args),
        What::Soak(args) => soak::run(args),
        What::Leaks(args) => leaks::run(args),
    }
}
