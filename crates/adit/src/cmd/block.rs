//! `adit block`: the block against clear traffic before there is a network, or a gateway.

use adit_gateway::{BlockHolder, put_up_block};

use super::{Outcome, run};
use crate::cli::BlockArgs;
use crate::exit::Exit;

/// Reads the configuration and puts up its block.
pub fn block(args: &BlockArgs) -> Outcome {
    let (_, config) = run::read(&args.config)?;
    match put_up_block(&config, &args.tun).map_err(anyhow::Error::from)? {
        BlockHolder::Kernel(by) => {
            let tunnels = config.connections.len();
            eprintln!(
                "traffic of {tunnels} tunnel{} is blocked outside of them ({by}) until adit unblock",
                if tunnels == 1 { "" } else { "s" }
            );
        }
        BlockHolder::Gateway(pid) => {
            eprintln!("a gateway runs here (pid {pid}) and keeps the block itself");
        }
    }
    Ok(Exit::Done)
}
