//! What `adit scan` tells: what an IKE peer answers and accepts, and what to think of it.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::probed::Sent;

/// The document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanned {
    /// [`SCHEMA`].
    pub schema: String,
    /// As it was asked for.
    pub host: String,
    /// Its address.
    pub address: IpAddr,
    /// What came of a first message to each port.
    pub ports: Vec<ScannedPort>,
    /// What the peer says of itself in version 2; `None` if it doesn't answer in that.
    pub ike_v2: Option<ScannedV2>,
    /// What came of a first message of version 1 (Main Mode).
    pub ike_v1: ScannedV1,
    /// The algorithms that were asked about, in version 2.
    pub algorithms: Vec<ScannedAlgorithm>,
    /// What to change at the peer, the worst first.
    pub advice: Vec<String>,
    /// Half-open IKE SAs that the questions may have left with the peer: those that it answered so, and those that it didn't
    /// answer. They go by themselves, within a minute as a rule.
    pub half_open: u64,
    /// What was sent.
    pub sent: Sent,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// The schema of [`Scanned`].
pub const SCHEMA: &str = "adit.scan/1";

/// A port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScannedPort {
    /// 500, or 4500 with the non-ESP marker.
    pub port: u16,
    /// Whether IKE answers there; `None` if it wasn't asked.
    pub answers: Option<bool>,
    /// What came of it, in words.
    pub outcome: String,
}

/// What an answer of version 2 shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScannedV2 {
    /// What it chose of everything, by the names of IANA.
    pub chosen: Vec<String>,
    /// Names of its notifies.
    pub notifies: Vec<String>,
    /// Its vendor IDs: their names where they are known, else their octets in hex.
    pub vendors: Vec<String>,
    /// It takes large messages in fragments (RFC 7383).
    pub fragmentation: bool,
    /// Hashes that it takes in signatures (RFC 7427).
    pub signature_hashes: Vec<String>,
    /// It asked for a cookie (RFC 7296 2.6): it is under load, or always does.
    pub cookie: bool,
    /// It asks for certificates.
    pub wants_certificate: bool,
    /// We are behind a NAT; `None` if it didn't say.
    pub we_are_behind_nat: Option<bool>,
    /// It is behind a NAT.
    pub it_is_behind_nat: Option<bool>,
}

/// What an answer of version 1 shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScannedV1 {
    /// Whether it answers at all; `None` if it wasn't asked.
    pub answers: Option<bool>,
    /// What it chose, in words; empty if it refused.
    pub chosen: String,
    /// What it refused with.
    pub refused: Option<String>,
    /// Its vendor IDs.
    pub vendors: Vec<String>,
}

/// An algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScannedAlgorithm {
    /// `group`, `cipher`, `prf`, `integrity`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whether the peer accepts it; `None` if it didn't say.
    pub accepted: Option<bool>,
    /// What to think of it.
    pub grade: Grade,
    /// Why, and where it is said.
    pub reason: String,
}

/// What to think of an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// Use it.
    Good,
    /// Use it where nothing better is there.
    Fair,
    /// Leave it.
    Weak,
    /// It protects nothing.
    Broken,
}

impl Scanned {
    /// Whether anything answers.
    #[must_use]
    pub fn answers(&self) -> bool {
        let mut asked = self.ports.iter().map(|port| port.answers);
        asked.any(|answers| answers == Some(true)) || self.ike_v1.answers == Some(true)
    }

    /// Whether all that there is to ask was asked, and answered as far as it has to be: a port may be silent, and so may
    /// version 1.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.ports.iter().all(|port| port.answers.is_some())
            && self.ike_v1.answers.is_some()
            && self.algorithms.iter().all(|a| a.accepted.is_some())
    }

    /// Whether anything weak or broken is accepted.
    #[must_use]
    pub fn has_findings(&self) -> bool {
        !self.advice.is_empty()
    }
}
