//! `adit unblock`: the explicit act that lets traffic of tunnels leave in clear again.

use adit_gateway::client::{Client, ClientError};

use super::Outcome;
use crate::cli::UnblockArgs;
use crate::exit::Exit;

/// Asks the running gateway, or removes what a gateway that has gone left behind.
pub fn unblock(args: &UnblockArgs) -> Outcome {
    match Client::connect(&args.state.state) {
        Ok(mut client) => client.unblock(args.name.as_deref())?,
        Err(ClientError::NotRunning { .. }) => {
            adit_gateway::remove_left_block().map_err(anyhow::Error::from)?
        }
        Err(error) => return Err(error.into()),
    }
    eprintln!(
        "traffic of {} is no longer blocked; until a gateway runs it leaves in clear",
        args.name.as_deref().unwrap_or("the tunnels")
    );
    Ok(Exit::Done)
}
