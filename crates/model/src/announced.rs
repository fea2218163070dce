//! How a peer says that others may prove to it who they are (SUPPORTED_AUTH_METHODS, RFC 9593).

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::connection::AuthKind;

/// What a peer has announced. It says so before anybody has proved anything, so it is a hint: where our way isn't among it,
/// the peer will refuse us; where it is, the peer may still expect another of us.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    /// Each once, as the peer has ordered them.
    pub methods: Vec<AnnouncedMethod>,
    /// How many more there were than are kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u32,
}

/// One way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnnouncedMethod {
    /// Number of the method (IANA, "IKEv2 Authentication Method").
    pub method: u8,
    /// What it is called, with the algorithm where that is announced too.
    pub name: String,
}

impl Announced {
    /// Most methods that are kept.
    pub const MOST: usize = 48;

    /// Whether what the peer has announced leaves room for who authenticates in this way.
    #[must_use]
    pub fn admits(&self, kind: AuthKind) -> bool {
        let fits = |method: u8| match kind {
            AuthKind::Psk => method == SHARED_KEY_MIC,
            AuthKind::Certificate | AuthKind::PublicKey => SIGNATURES.contains(&method),
        };
        self.methods.is_empty() || self.left_out > 0 || self.methods.iter().any(|m| fits(m.method))
    }
}

impl fmt::Display for Announced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, method) in self.methods.iter().enumerate() {
            let before = if at == 0 { "" } else { ", " };
            write!(f, "{before}{}", method.name)?;
        }
        match self.left_out {
            0 => Ok(()),
            n => write!(f, " and {n} more"),
        }
    }
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

const SHARED_KEY_MIC: u8 = 2;
/// RSA, DSS, ECDSA on three curves, and those that name their algorithm (RFC 7427).
const SIGNATURES: [u8; 6] = [1, 3, 9, 10, 11, 14];

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(methods: &[u8]) -> Announced {
        let method = |n: &u8| AnnouncedMethod {
            method: *n,
            name: format!("method {n}"),
        };
        Announced {
            methods: methods.iter().map(method).collect(),
            left_out: 0,
        }
    }

    #[test]
    fn a_way_that_is_not_announced_is_not_admitted_and_silence_admits_all() {
        let signs = announced(&[14, 9]);
        assert!(signs.admits(AuthKind::Certificate) && signs.admits(AuthKind::PublicKey));
        assert!(!signs.admits(AuthKind::Psk));
        assert!(announced(&[2]).admits(AuthKind::Psk));
        assert!(!announced(&[2, 13]).admits(AuthKind::Certificate));
        assert!(announced(&[]).admits(AuthKind::Psk));
        let cut = Announced {
            left_out: 1,
            ..signs
        };
        assert!(cut.admits(AuthKind::Psk), "it may be among the rest");
        assert_eq!(cut.to_string(), "method 14, method 9 and 1 more");
    }
}
