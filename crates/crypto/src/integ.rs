//! Transform type 3: integrity.

use adit_wire::iana::IntegId;

use crate::error::BadKey;

/// What one integrity algorithm looks like from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntegSpec {
    /// IANA transform id.
    pub id: IntegId,
    /// Octets of key.
    pub key_len: usize,
    /// Octets of ICV, after truncation.
    pub icv_len: usize,
    /// Whether it belongs to a proposal that nobody configured.
    pub default_offer: bool,
}

/// An integrity algorithm of a provider.
pub trait Integ: Send + Sync {
    /// Its dimensions.
    fn spec(&self) -> &IntegSpec;

    /// Makes a key from exactly `key_len` octets.
    ///
    /// # Errors
    /// [`BadKey`] when the length differs.
    fn key(&self, key: &[u8]) -> Result<Box<dyn IntegKey>, BadKey>;
}

/// An integrity key ready for use. Usable by several threads at once.
pub trait IntegKey: Send + Sync {
    /// Writes the ICV over the concatenation of `parts` into `icv`, which has `icv_len` octets or fewer.
    fn sign(&self, parts: &[&[u8]], icv: &mut [u8]);
}
