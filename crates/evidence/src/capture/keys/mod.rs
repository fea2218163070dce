//! Keys that somebody hands in, and what they open.
//!
//! Keys come from a table of our own, from Wireshark's tables (`ikev1_decryption_table`, `ikev2_decryption_table`,
//! `esp_sa`), from `ip xfrm state`, or from what charon, pluto and racoon print at their highest log levels. Only the
//! tables say which SA a key is for and with which algorithm; of the rest the SA's own proposal and the key's length
//! tell the algorithm, and the ICV tells whether it fits. A key is never shown: the type that holds it has no way to.

mod dump;
mod inside;
mod open;
mod read;
mod v1;

use adit_model::secret::Secret;
use adit_wire::iana::{EncrId, IntegId};

pub(super) use inside::v2 as show_inside;
pub(super) use open::Opener;

/// Keys of IKE and ESP SAs.
#[derive(Default)]
pub struct Keys {
    ike: Vec<IkeKeys>,
    esp: Vec<EspKeys>,
    v1: Vec<V1Keys>,
    problems: Vec<String>,
}

/// An encryption algorithm with its key length attribute, and an integrity algorithm.
type Algorithms = (EncrId, Option<u16>, Option<IntegId>);

#[derive(Default)]
struct IkeKeys {
    spis: Option<(u64, u64)>,
    algorithms: Option<Algorithms>,
    initiator: Direction,
    responder: Direction,
}

/// Keys of one direction; for combined-mode ciphers the salt is part of the encryption key.
#[derive(Default)]
struct Direction {
    encryption: Secret,
    integrity: Secret,
}

/// Keys of one direction of an ESP SA. Logs that print the keying material in one piece give all of it as encryption
/// key; then `whole` is set.
struct EspKeys {
    spi: Option<u32>,
    algorithms: Option<Algorithms>,
    keys: Direction,
    whole: bool,
}

/// The key of an ISAKMP SA of IKEv1, in its final form (RFC 2409 appendix B): both sides encrypt with it.
struct V1Keys {
    /// The initiator's cookie, where it is told.
    cookie: Option<u64>,
    key: Secret,
}

/// Keys kept.
const MOST: usize = 10_000;
/// Octets of the longest key that is believed.
const LONGEST: usize = 256;

impl Keys {
    /// Reads a text with keys, in any of the forms, mixed with anything else.
    #[must_use]
    pub fn read(text: &str) -> Self {
        read::keys(text)
    }

    /// How many SAs there are keys for: IKE SAs, and directions of ESP SAs.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        (self.ike.len() + self.v1.len(), self.esp.len())
    }

    /// Lines that look like keys and can't be used, without what is in them.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl core::fmt::Debug for Keys {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (ike, esp) = self.count();
        write!(f, "keys of {ike} IKE SAs and {esp} ESP SAs")
    }
}

impl IkeKeys {
    fn is_whole(&self) -> bool {
        !self.initiator.encryption.is_empty() && !self.responder.encryption.is_empty()
    }
}
