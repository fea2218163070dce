//! Pre-shared keys, as far as anybody may know them.

use serde::{Deserialize, Serialize};

use super::PeerId;
use crate::fact::Source;

/// A pre-shared key that can be compared and not read: a digest under a key that lives as long as the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyDigest(pub [u8; 16]);

impl From<KeyDigest> for String {
    fn from(digest: KeyDigest) -> String {
        digest.0.iter().map(|b| format!("{b:02x}")).collect()
    }
}

impl TryFrom<String> for KeyDigest {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        const WRONG: &str = "a key digest is 32 hex digits";
        let mut out = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return Err(WRONG);
        }
        for (i, octet) in out.iter_mut().enumerate() {
            let digits = text.get(2 * i..2 * i + 2).ok_or(WRONG)?;
            *octet = u8::from_str_radix(digits, 16).map_err(|_| WRONG)?;
        }
        Ok(Self(out))
    }
}

/// A pre-shared key as far as anybody may know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedKey {
    /// The digest; `None` where the paste has stars or a placeholder in its place, or no run key was given.
    pub digest: Option<KeyDigest>,
    /// The digest without blanks around it and without one pair of quotes: equal here and not above means that only
    /// the writing differs.
    pub trimmed: Option<KeyDigest>,
    /// The identities that it is for; empty is for all.
    pub ids: Vec<PeerId>,
    /// Where it is, redacted.
    pub source: Source,
}
