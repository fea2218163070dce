//! Where an end is, and who.

use core::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::identity::Identity;

/// Where an end is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Anywhere, or whatever the host has.
    Any,
    /// At this address.
    Address(IpAddr),
    /// Somewhere in this network.
    Net(IpNet),
    /// Wherever this name points; also an interface's name.
    Name(String),
}

impl Place {
    /// The address, where it is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Place::Address(a) => Some(*a),
            _ => None,
        }
    }

    /// Whether it is one host: by its address, or by a name that may stand for one.
    #[must_use]
    pub const fn is_somewhere(&self) -> bool {
        matches!(self, Place::Address(_) | Place::Name(_))
    }

    /// Whether both can be the same host. Names may be anything.
    #[must_use]
    pub fn meets(&self, other: &Place) -> bool {
        match (self, other) {
            (Place::Address(a), Place::Address(b)) => a == b,
            (Place::Address(a), Place::Net(n)) | (Place::Net(n), Place::Address(a)) => {
                n.contains(a)
            }
            _ => true,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Any => f.write_str("any"),
            Place::Address(a) => a.fmt(f),
            Place::Net(n) => n.fmt(f),
            Place::Name(n) => f.write_str(n),
        }
    }
}

/// An identity as a configuration writes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PeerId {
    /// Whoever authenticates.
    Any,
    /// This one, type included.
    Is(Identity),
    /// A distinguished name, in a normal form (`CN=…` parts in their order, without blanks around commas).
    Name(String),
    /// A pattern with wildcards.
    Like(String),
}

impl PeerId {
    /// Whether an end that sends `self` is who an end wants that expects `wanted`. `None` where it can't be told.
    #[must_use]
    pub fn satisfies(&self, wanted: &PeerId) -> Option<bool> {
        match (self, wanted) {
            (_, PeerId::Any) => Some(true),
            (PeerId::Any, _) => None,
            (PeerId::Is(a), PeerId::Is(b)) => Some(same_identity(a, b)),
            (PeerId::Name(a), PeerId::Name(b)) => Some(a.eq_ignore_ascii_case(b)),
            (PeerId::Is(_), PeerId::Name(_)) | (PeerId::Name(_), PeerId::Is(_)) => Some(false),
            (a, PeerId::Like(pattern)) => {
                wildcard(&a.to_string(), pattern.trim_start_matches('@')).then_some(true)
            }
            (PeerId::Like(_), _) => None,
        }
    }
}

/// Names are compared without regard to case, as the daemons do (RFC 7296 3.5 leaves it to them).
fn same_identity(a: &Identity, b: &Identity) -> bool {
    match (a, b) {
        (Identity::Fqdn(a), Identity::Fqdn(b)) | (Identity::Email(a), Identity::Email(b)) => {
            a.eq_ignore_ascii_case(b)
        }
        _ => a == b,
    }
}

/// `*` stands for anything.
fn wildcard(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.to_ascii_lowercase(), pattern.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut last = None;
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = rest.get(at + part.len()..).unwrap_or_default();
        last = Some(part);
    }
    rest.is_empty() || last == Some("")
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerId::Any => f.write_str("any"),
            PeerId::Is(id) => id.fmt(f),
            PeerId::Name(name) | PeerId::Like(name) => f.write_str(name),
        }
    }
}
