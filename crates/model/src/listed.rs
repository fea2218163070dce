//! SAs as a gateway's own status lists them: how far each has got, whatever words a product has for it.

use serde::{Deserialize, Serialize};

use crate::event::Role;

/// What a row of a status is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// The IKE SA (phase 1).
    Ike,
    /// A CHILD SA (phase 2, IPsec SA).
    Child,
}

/// How far it has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The status was asked, and has none.
    Absent,
    /// It is listed as down, and why isn't shown.
    Down,
    /// It is being set up; how far that got isn't shown.
    Connecting,
    /// Something was begun and nothing is agreed yet; whether an answer came isn't shown.
    Begun,
    /// We asked first, and no answer has come.
    FirstUnanswered,
    /// The peer asked first and we answered; the peer hasn't gone on.
    FirstAnswered,
    /// Proposals are agreed; keys are being exchanged, and the peer's next message is missing (IKEv1).
    KeysPending,
    /// Keys are exchanged; the proof of who the sides are is missing.
    AuthPending,
    /// A request for a CHILD SA has no answer.
    ChildPending,
    /// It is up.
    Up,
    /// It is going away.
    Closing,
}

impl Stage {
    /// Whether it is on its way up and hasn't arrived.
    #[must_use]
    pub fn is_pending(self) -> bool {
        matches!(
            self,
            Stage::Connecting
                | Stage::Begun
                | Stage::FirstUnanswered
                | Stage::FirstAnswered
                | Stage::KeysPending
                | Stage::AuthPending
                | Stage::ChildPending
        )
    }
}

/// One row of a status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedSa {
    /// What it is about.
    pub layer: Layer,
    /// How far it has got.
    pub stage: Stage,
    /// The connection, tunnel or gateway, by the name that the status has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The peer's address, as far as it is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// The part of the side whose status it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Major version of IKE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u8>,
    /// The key exchange method that was agreed (transform type 4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ke: Option<u16>,
    /// The product's own word for the state.
    pub word: String,
}

impl ListedSa {
    /// A row of which only its layer, its stage and the product's word are known.
    #[must_use]
    pub fn new(layer: Layer, stage: Stage, word: &str) -> Self {
        Self {
            layer,
            stage,
            name: None,
            peer: None,
            role: None,
            version: None,
            ke: None,
            word: word.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_up_or_was_never_there_isnt_pending() {
        for stage in [Stage::Absent, Stage::Down, Stage::Up, Stage::Closing] {
            assert!(!stage.is_pending());
        }
        assert!(Stage::FirstUnanswered.is_pending() && Stage::ChildPending.is_pending());
    }
}
