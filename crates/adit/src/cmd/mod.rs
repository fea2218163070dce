//! One file per verb.

pub mod explain;
pub mod man;
pub mod run;
pub mod status;
pub mod switch;
pub mod unblock;
pub mod why;

use adit_gateway::client::ClientError;
use adit_gateway::protocol::RequestError;

use crate::exit::{Exit, Failure};

/// What a command ends with when nothing unforeseen happens.
pub type Outcome = Result<Exit, Failure>;

/// Which exit code a failed conversation with the gateway has.
impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = match &error {
            ClientError::Timeout => Exit::Timeout,
            ClientError::Refused {
                error: RequestError::UnknownTunnel | RequestError::NotNow,
                ..
            } => Exit::Usage,
            _ => Exit::CannotObserve,
        };
        Failure {
            exit,
            error: error.into(),
        }
    }
}

/// Prints one JSON document on standard output.
pub fn print_json(document: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(document).map_err(anyhow::Error::from)?;
    print(&format!("{text}\n"))
}

/// Prints text on standard output. A reader who has had enough of it (`| head`) isn't an error: the command ends
/// without a word.
pub fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| {
            let exit = if error.kind() == std::io::ErrorKind::BrokenPipe {
                Exit::Done
            } else {
                Exit::CannotObserve
            };
            Failure {
                exit,
                error: error.into(),
            }
        })
}
