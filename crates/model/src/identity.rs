//! Who a peer says it is (RFC 7296 3.5).

use core::fmt;
use core::str::FromStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use adit_wire::iana::IdType;
use serde::{Deserialize, Serialize};

use crate::dn::DistinguishedName;

/// An IKE identity. Comparison is exact, type included: the FQDN `a.lab` isn't the KEY_ID `a.lab`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Identity {
    /// ID_IPV4_ADDR or ID_IPV6_ADDR.
    Address(IpAddr),
    /// ID_FQDN.
    Fqdn(String),
    /// ID_RFC822_ADDR.
    Email(String),
    /// ID_KEY_ID, opaque octets.
    KeyId(Vec<u8>),
    /// ID_DER_ASN1_DN.
    Name(DistinguishedName),
    /// Any other type, or a body that doesn't fit its type; kept as it came.
    Other {
        /// The ID type octet.
        kind: u8,
        /// The identification data.
        data: Vec<u8>,
    },
}

impl Identity {
    /// Reads the type and data of an identification payload. Never fails: what doesn't fit becomes [`Identity::Other`].
    #[must_use]
    pub fn from_wire(kind: IdType, data: &[u8]) -> Self {
        let other = || Identity::Other {
            kind: kind.0,
            data: data.to_vec(),
        };
        // Text that wouldn't read back as what it is (blanks, an address without `@`) would make events unreadable.
        let text = |make: fn(String) -> Identity| {
            core::str::from_utf8(data)
                .ok()
                .filter(|t| printable(t))
                .map(|t| make(t.to_owned()))
                .filter(|id| id.to_string().parse().as_ref() == Ok(id))
                .unwrap_or_else(other)
        };
        match kind {
            IdType::IPV4_ADDR => <[u8; 4]>::try_from(data)
                .map_or_else(|_| other(), |o| Identity::Address(Ipv4Addr::from(o).into())),
            IdType::IPV6_ADDR => <[u8; 16]>::try_from(data)
                .map_or_else(|_| other(), |o| Identity::Address(Ipv6Addr::from(o).into())),
            IdType::FQDN => text(Identity::Fqdn),
            IdType::RFC822_ADDR => text(Identity::Email),
            IdType::KEY_ID => Identity::KeyId(data.to_vec()),
            IdType::DER_ASN1_DN => DistinguishedName::from_der(data)
                .map(Identity::Name)
                .filter(|id| id.to_string().parse().as_ref() == Ok(id))
                .unwrap_or_else(other),
            _ => other(),
        }
    }

    /// Type and data for an identification payload.
    #[must_use]
    pub fn to_wire(&self) -> (IdType, Vec<u8>) {
        match self {
            Identity::Address(IpAddr::V4(a)) => (IdType::IPV4_ADDR, a.octets().to_vec()),
            Identity::Address(IpAddr::V6(a)) => (IdType::IPV6_ADDR, a.octets().to_vec()),
            Identity::Fqdn(name) => (IdType::FQDN, name.as_bytes().to_vec()),
            Identity::Email(name) => (IdType::RFC822_ADDR, name.as_bytes().to_vec()),
            Identity::KeyId(data) => (IdType::KEY_ID, data.clone()),
            Identity::Name(name) => (IdType::DER_ASN1_DN, name.to_der().to_vec()),
            Identity::Other { kind, data } => (IdType(*kind), data.clone()),
        }
    }

    /// Whether a peer that says it is `received` is one of those that this configured identity means. The types must be
    /// the same. Host names and mail addresses don't regard case; `*.example.org` stands for every name with one more
    /// label, `*@example.org` for every user, and a value `*` of a distinguished name for any value.
    #[must_use]
    pub fn admits(&self, received: &Identity) -> bool {
        match (self, received) {
            (Identity::Fqdn(pattern), Identity::Fqdn(name)) => host_fits(pattern, name),
            (Identity::Email(pattern), Identity::Email(name)) => mail_fits(pattern, name),
            (Identity::Name(pattern), Identity::Name(name)) => pattern.admits(name),
            _ => self == received,
        }
    }

    /// Whether it stands for more than one.
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        match self {
            Identity::Fqdn(name) => name.starts_with("*."),
            Identity::Email(name) => name.starts_with("*@"),
            Identity::Name(name) => name.has_stars(),
            _ => false,
        }
    }
}

fn host_fits(pattern: &str, name: &str) -> bool {
    let Some(parent) = pattern.strip_prefix("*.") else {
        return pattern.eq_ignore_ascii_case(name);
    };
    name.split_once('.').is_some_and(|(label, rest)| {
        // What a peer calls itself is no pattern.
        !label.is_empty() && !label.contains('*') && rest.eq_ignore_ascii_case(parent)
    })
}

fn mail_fits(pattern: &str, name: &str) -> bool {
    let (Some((user, host)), Some((its_user, its_host))) =
        (pattern.rsplit_once('@'), name.rsplit_once('@'))
    else {
        return pattern == name;
    };
    // Only the part behind the @ is free of case (RFC 5321 2.4).
    host.eq_ignore_ascii_case(its_host)
        && (user == its_user || (user == "*" && !its_user.is_empty() && !its_user.contains('*')))
}

/// Why a text is no identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Nothing was written.
    #[error("an identity can't be empty")]
    Empty,
    /// A form that this reader doesn't know, or that doesn't decode.
    #[error(
        "`{0}` isn't an identity: write an IP address, a host name, user@host, `C=CH, O=Lab, CN=gw`, or keyid:… (text, or hex after 0x)"
    )]
    Unreadable(String),
}

impl FromStr for Identity {
    type Err = IdentityError;

    /// `10.0.0.1`, `2001:db8::1`, `host.example`, `@host.example`, `user@host`, `C=CH, O=Lab, CN=gw`, `keyid:text`,
    /// `keyid:0x0011`, and `id:TYPE:0xHEX` for anything else; the inverse of `Display`.
    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let text = text.trim();
        let unreadable = || IdentityError::Unreadable(text.to_owned());
        if text.is_empty() {
            return Err(IdentityError::Empty);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Identity::Address(address));
        }
        if let Some(key) = text.strip_prefix("keyid:") {
            return match key.strip_prefix("0x") {
                Some(hex) => unhex(hex).map(Identity::KeyId).ok_or_else(unreadable),
                None if key.is_empty() => Err(IdentityError::Empty),
                None => Ok(Identity::KeyId(key.as_bytes().to_vec())),
            };
        }
        if let Some(rest) = text.strip_prefix("id:") {
            let (kind, data) = rest.split_once(":0x").ok_or_else(unreadable)?;
            let kind = kind.parse().map_err(|_| unreadable())?;
            return Ok(Identity::Other {
                kind,
                data: unhex(data).ok_or_else(unreadable)?,
            });
        }
        if !printable(text) {
            return Err(unreadable());
        }
        if let Ok(name) = text.parse::<DistinguishedName>() {
            return Ok(Identity::Name(name));
        }
        if text.contains(char::is_whitespace) {
            return Err(unreadable());
        }
        if let Some(name) = text.strip_prefix('@') {
            return if name.is_empty() {
                Err(IdentityError::Empty)
            } else {
                Ok(Identity::Fqdn(name.to_owned()))
            };
        }
        Ok(if text.contains('@') {
            Identity::Email(text.to_owned())
        } else {
            Identity::Fqdn(text.to_owned())
        })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Identity::Address(a) => write!(f, "{a}"),
            // A name that would read back as something else carries the `@` that forces the type.
            Identity::Fqdn(name) if name.parse::<Identity>().ok().as_ref() == Some(self) => {
                f.write_str(name)
            }
            Identity::Fqdn(name) => write!(f, "@{name}"),
            Identity::Email(name) => f.write_str(name),
            Identity::Name(name) => write!(f, "{name}"),
            Identity::KeyId(data) => match core::str::from_utf8(data) {
                Ok(text)
                    if printable(text) && !text.starts_with("0x") && text.trim_end() == text =>
                {
                    write!(f, "keyid:{text}")
                }
                _ => write!(f, "keyid:0x{}", hex(data)),
            },
            Identity::Other { kind, data } => write!(f, "id:{kind}:0x{}", hex(data)),
        }
    }
}

impl TryFrom<String> for Identity {
    type Error = IdentityError;
    fn try_from(text: String) -> Result<Self, IdentityError> {
        text.parse()
    }
}

impl From<Identity> for String {
    fn from(id: Identity) -> String {
        id.to_string()
    }
}

fn printable(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| !c.is_control())
}

fn hex(data: &[u8]) -> String {
    data.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn text_forms_read_back_as_they_were_written() {
        for text in [
            "10.0.0.1",
            "2001:db8::1",
            "east.lab",
            "ops@east.lab",
            "keyid:site-7",
            "keyid:0x00ff",
            "C=CH, O=Lab, CN=gw",
            "CN=*",
            "id:9:0x3000",
        ] {
            let id: Identity = text.parse().unwrap();
            assert_eq!(id.to_string(), text);
            let (kind, data) = id.to_wire();
            assert_eq!(Identity::from_wire(kind, &data), id);
        }
        assert_eq!(
            "@east.lab".parse::<Identity>().unwrap(),
            Identity::Fqdn("east.lab".into())
        );
        let blank = Identity::KeyId(b" ".to_vec());
        assert_eq!(blank.to_string().parse::<Identity>().unwrap(), blank);
        // An FQDN identity that looks like an address keeps its type through text.
        let odd = Identity::Fqdn("10.0.0.1".into());
        assert_eq!(odd.to_string().parse::<Identity>().unwrap(), odd);
    }

    #[test]
    fn a_body_that_does_not_fit_its_type_is_kept() {
        let id = Identity::from_wire(IdType::IPV4_ADDR, &[1, 2, 3]);
        assert_eq!(
            id,
            Identity::Other {
                kind: 1,
                data: vec![1, 2, 3]
            }
        );
        assert_eq!(id.to_string().parse::<Identity>().unwrap(), id);
        assert!(matches!(
            Identity::from_wire(IdType::FQDN, b"a\0b"),
            Identity::Other { .. }
        ));
    }

    #[test]
    fn a_configured_identity_says_whom_it_means() {
        let fits = |pattern: &str, name: &str| {
            let read = |text: &str| text.parse::<Identity>().unwrap();
            read(pattern).admits(&read(name))
        };
        assert!(fits("gw.example.org", "GW.example.org"));
        assert!(fits("*.example.org", "gw.example.org"));
        assert!(!fits("*.example.org", "a.b.example.org"));
        assert!(!fits("*.example.org", "example.org"));
        assert!(!fits("*.example.org", "*.example.org"));
        assert!(!fits("gw.example.org", "*.example.org"));
        assert!(fits("*@example.org", "ops@Example.org"));
        assert!(!fits("*@example.org", "ops@sub.example.org"));
        assert!(!fits("ops@example.org", "Ops@example.org"));
        assert!(fits("O=Lab, CN=*", "O=Lab, CN=gw"));
        assert!(!fits("O=Lab, CN=gw", "O=Lab, CN=*"));
        // Type-exact: a name that looks the same is another identity.
        assert!(!Identity::KeyId(b"gw".to_vec()).admits(&Identity::Fqdn("gw".into())));
        assert!(!fits("@10.0.0.1", "10.0.0.1"));
        assert!("*.example.org".parse::<Identity>().unwrap().is_pattern());
        assert!("CN=*".parse::<Identity>().unwrap().is_pattern());
        assert!(!"CN=a".parse::<Identity>().unwrap().is_pattern());
    }

    /// Whatever a stranger sends as its identity must survive the text that events and facts are stored as.
    #[test]
    fn every_received_identity_reads_back_from_its_text() {
        let bodies: [&[u8]; 14] = [
            b"",
            b" ",
            b"a b",
            b"a.lab ",
            b" a.lab",
            b"a\tb",
            b"\xe3\x80\x80",
            b"10.0.0.1",
            b"a.lab",
            b"ops@a.lab",
            b"@a.lab",
            b"keyid:x",
            b"id:9:0x00",
            b"0x00",
        ];
        for kind in [
            IdType::FQDN,
            IdType::RFC822_ADDR,
            IdType::KEY_ID,
            IdType::IPV4_ADDR,
            IdType(200),
        ] {
            for body in bodies {
                let id = Identity::from_wire(kind, body);
                assert_eq!(id.to_wire(), (kind, body.to_vec()));
                let text = id.to_string();
                assert_eq!(text.parse(), Ok(id), "{kind:?} {body:?} as `{text}`");
            }
        }
    }
}
