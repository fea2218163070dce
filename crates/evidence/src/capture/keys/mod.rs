//! Keys that somebody hands in, and what they open.
//!
//! Keys come from a table of our own, from Wireshark's tables (`ikev2_decryption_table`, `esp_sa`), or from what charon and
//! pluto print at their highest log levels. Only the tables say which SA a key is for and with which algorithm; of the rest
//! the SA's own proposal and the key's length tell the algorithm, and the ICV tells whether it fits. A key is never shown:
//! the type that holds it has no way to.

mod open;
mod read;

use adit_model::secret::Secret;
use adit_wire::iana::{EncrId, IntegId};

pub(super) use open::Opener;

/// Keys of IKE and ESP SAs.
#[derive(Default)]
pub struct Keys {
    ike: Vec<IkeKeys>,
    esp: Vec<EspKeys>,
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

struct EspKeys {
    spi: Option<u32>,
    algorithms: Option<Algorithms>,
    keys: Direction,
}

/// Keys kept.
const MOST: usize = 10_000;

impl Keys {
    /// Reads a text with keys, in any of the forms, mixed with anything else.
    #[must_use]
    pub fn read(text: &str) -> Self {
        read::keys(text)
    }

    /// How many SAs there are keys for: IKE SAs, and directions of ESP SAs.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        (self.ike.len(), self.esp.len())
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
