//! Keys of an IKE SA as a line of text, which nobody sees by chance and which is wiped when it isn't needed any more.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// The line. It is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyLine(Zeroizing<String>);

impl KeyLine {
    /// Takes a line over. It should have been made without growing, so that no part of it is left elsewhere.
    #[must_use]
    pub fn new(line: Zeroizing<String>) -> Self {
        Self(line)
    }

    /// The keys.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyLine(…)")
    }
}

/// As plain text: what is written is what the operator has asked for.
impl Serialize for KeyLine {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for KeyLine {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|line| Self(Zeroizing::new(line)))
    }
}
