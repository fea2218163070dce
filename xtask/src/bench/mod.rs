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

mod dataplane;
mod iperf;
mod machine;
mod measure;
mod others;
mod report;
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
}

/// `cargo xtask bench`.
pub fn run(args: &Args) -> Result<ExitCode> {
    match &args.what {
        What::Dataplane(args) => dataplane::run(args),
    }
}
