//! One file per verb.

pub mod apply;
pub mod ask;
pub mod block;
pub mod bugreport;
pub mod cert;
pub mod check;
pub mod collect;
pub mod evidence;
pub mod explain;
mod follow;
pub mod log;
pub mod man;
pub mod probe;
pub mod read;
mod recording;
pub mod rehearse;
pub mod renew;
pub mod run;
pub mod scan;
pub mod show;
pub mod status;
pub mod switch;
pub mod trace;
pub mod unblock;
mod unstarted;
pub mod verify;
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
                error: RequestError::LockOut,
                ..
            } => Exit::Findings,
            ClientError::Refused {
                error:
                    RequestError::UnknownTunnel
                    | RequestError::UnknownChild
                    | RequestError::Configuration
                    | RequestError::NotNow,
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

/// A file's octets, or those of standard input for `-`.
pub fn read_bytes(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    if path == std::path::Path::new("-") {
        let mut out = Vec::new();
        std::io::stdin().read_to_end(&mut out)?;
        return Ok(out);
    }
    std::fs::read(path)
}

/// Prints one JSON document on standard output.
pub fn print_json(document: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(document).map_err(anyhow::Error::from)?;
    print(&format!("{text}\n")).map(drop)
}

/// Whether anybody still reads what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// As far as can be told.
    There,
    /// No.
    Gone,
}

/// Prints text on standard output. That a reader has had enough of it (`| head`) is no error and changes no exit code.
pub fn print(text: &str) -> Result<Reader, Failure> {
    use std::io::{ErrorKind, Write};
    let mut out = std::io::stdout();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(Reader::There),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Reader::Gone),
        Err(error) => Err(error.into()),
    }
}
