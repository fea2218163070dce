//! Sentences about the line to the peer and its address.

use adit_model::sign::Sign;

use super::{Phrase, any};

pub(super) static PHRASES: &[Phrase] = &[
    any(
        Sign::PeerNameUnresolved,
        "unable to resolve {name:w}, initiate aborted",
    ),
    any(
        Sign::NetworkUnreachable,
        "error writing to socket: Network is unreachable",
    ),
];
