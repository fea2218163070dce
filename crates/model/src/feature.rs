//! What Adit doesn't carry out, where a peer asks for it.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Something of IKE or IPsec that a peer asks for, or an answer of the peer's relies on, and that isn't carried out here.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "feature", rename_all = "kebab-case")]
pub enum Feature {
    /// Authentication by EAP: IKE_AUTH without AUTH (RFC 7296 2.16).
    Eap,
    /// More than one authentication of a side (RFC 4739).
    FurtherAuthentication,
    /// Going on at another gateway (RFC 5685).
    Redirect {
        /// The gateway that the peer names, as it names it.
        to: String,
    },
    /// A ticket of an earlier IKE SA in the place of IKE_SA_INIT (RFC 5723).
    SessionResumption,
    /// The Authentication Header instead of ESP (RFC 4302).
    Ah,
    /// ESP in transport mode where an address is translated on the way (RFC 3948 5.2).
    TransportBehindNat,
    /// More CHILD SAs under one IKE SA than are allowed here.
    ManyChildren {
        /// How many are.
        limit: u32,
    },
    /// An algorithm, or a combination of algorithms.
    Algorithm {
        /// Which, and what it lacks.
        problem: String,
    },
    /// A message that has no place here.
    Message {
        /// Which.
        name: String,
    },
}

impl Feature {
    /// An algorithm that the registry doesn't have.
    pub fn algorithm(problem: impl fmt::Display) -> Self {
        Self::Algorithm {
            problem: problem.to_string(),
        }
    }

    /// A message that has no place here.
    pub fn message(name: impl fmt::Display) -> Self {
        Self::Message {
            name: name.to_string(),
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eap => {
                f.write_str("authentication by EAP (IKE_AUTH without AUTH) isn't supported")
            }
            Self::FurtherAuthentication => {
                f.write_str("a further authentication (ANOTHER_AUTH_FOLLOWS) isn't supported")
            }
            Self::Redirect { to } => {
                write!(
                    f,
                    "being sent to another gateway (REDIRECT to {to}) isn't supported"
                )
            }
            Self::SessionResumption => {
                f.write_str("resuming an IKE SA by a ticket (IKE_SESSION_RESUME) isn't supported")
            }
            Self::Ah => f.write_str("AH isn't supported, only ESP"),
            Self::TransportBehindNat => f.write_str("transport mode behind a NAT isn't supported"),
            Self::ManyChildren { limit } => {
                write!(
                    f,
                    "more than {limit} CHILD SAs under one IKE SA aren't allowed"
                )
            }
            Self::Algorithm { problem } => f.write_str(problem),
            Self::Message { name } => write!(f, "{name} isn't supported"),
        }
    }
}
