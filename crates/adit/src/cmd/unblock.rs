//! `adit unblock`: the explicit act that lets traffic of tunnels leave in clear again.

use adit_gateway::client::{Client, ClientError};

use super::Outcome;
use crate::cli::UnblockArgs;
use crate::exit::{Exit, Failure};

/// Asks the running gateway, or removes what a gateway that has gone left behind.
pub fn unblock(args: &UnblockArgs) -> Outcome {
    let until = match Client::connect(&args.state.state) {
        Ok(mut client) => {
            client.unblock(args.name.as_deref())?;
            format!("adit up {}", args.name.as_deref().unwrap_or("NAME"))
        }
        Err(error @ ClientError::NotRunning { .. }) => {
            if let Some(name) = &args.name {
                let hint = format!(
                    "what it has left blocks {name} and every other tunnel; adit unblock without a name lifts that"
                );
                return Err(Failure {
                    exit: Exit::CannotObserve,
                    error: anyhow::Error::from(error).context(hint),
                });
            }
            adit_gateway::remove_left_block().map_err(anyhow::Error::from)?;
            "a gateway runs again".to_owned()
        }
        Err(error) => return Err(error.into()),
    };
    eprintln!(
        "traffic of {} is no longer blocked: it leaves in clear until {until}",
        args.name.as_deref().unwrap_or("the tunnels that are down")
    );
    Ok(Exit::Done)
}
