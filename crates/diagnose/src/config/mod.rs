//! Two ends' configurations beside each other, and one by itself.
//!
//! [`pair`] finds which connection of one end is meant for which of the other. `ike` and `child` compare as the
//! negotiation would: lists meet or don't, networks are narrowed or must be equal, identities fit with their types;
//! not as texts. Every [`Difference`] carries a cause of the catalogue, how it will show ([`Outcome`]), both values
//! with their lines, and what to change. `lint` looks at one end alone.
//!
//! [`check`] makes the `adit.check/1` document of it; rules ask for the same differences when a case has both ends'
//! configurations.

mod child;
mod credential;
mod difference;
mod ike;
mod lint;
mod pair;
mod report;
mod weigh;
mod words;

pub use difference::{Difference, Outcome, Value};
pub use pair::{best_pair, pair};
pub(crate) use weigh::Configs;

pub use report::{CheckFinding, CheckReport, Checked, End, PairReport, check};

use adit_model::peer_config::PeerConnection;

/// Every difference of two ends that matters, the gravest first.
#[must_use]
pub fn compare(ours: &PeerConnection, theirs: &PeerConnection) -> Vec<Difference> {
    let mut out = ike::compare(ours, theirs);
    out.extend(child::compare(ours, theirs));
    // A status shows part of what runs: what it doesn't show isn't known.
    let known = |end: &PeerConnection, value: Option<&Value>| {
        !end.listed || value.is_some_and(|v| v.written)
    };
    out.retain(|d| known(ours, d.ours.as_ref()) && known(theirs, d.theirs.as_ref()));
    out.sort_by_key(|d| d.outcome);
    out
}

/// The IKE version that the two ends come to use, where they can.
#[must_use]
pub fn version(ours: &PeerConnection, theirs: &PeerConnection) -> Option<u8> {
    let (a, b) = (ours.versions.value, theirs.versions.value);
    let (v1, v2) = (a.v1 && b.v1, a.v2 && b.v2);
    match (v1, v2) {
        (true, false) => Some(1),
        (false, true) => Some(2),
        (false, false) => None,
        // Who starts decides.
        (true, true) if ours.starts_by_itself() => Some(a.initiates),
        (true, true) if theirs.starts_by_itself() => Some(b.initiates),
        (true, true) => Some(a.initiates.max(b.initiates)),
    }
}
