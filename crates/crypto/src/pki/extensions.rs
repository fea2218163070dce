//! What the extensions of a certificate say (RFC 5280 4.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use adit_model::dn::{DistinguishedName, dotted};
use adit_model::identity::Identity;

use super::der::{self, BIT_STRING, BOOLEAN, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING};
use super::der::{Element, Read, Reader, SEQUENCE, context, flags, implicit, small, truth};

/// anyPolicy (RFC 5280 4.2.1.4).
pub(super) const ANY_POLICY: &str = "2.5.29.32.0";

/// Names of key usage bits in the order of their bits (RFC 5280 4.2.1.3).
const USAGES: [&str; 9] = [
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
];

/// Extended key usages with a name (RFC 5280 4.2.1.12, RFC 4945 5.1.3.12).
const PURPOSES: &[(&str, &str)] = &[
    ("2.5.29.37.0", "any"),
    ("1.3.6.1.5.5.7.3.1", "serverAuth"),
    ("1.3.6.1.5.5.7.3.2", "clientAuth"),
    ("1.3.6.1.5.5.7.3.3", "codeSigning"),
    ("1.3.6.1.5.5.7.3.4", "emailProtection"),
    ("1.3.6.1.5.5.7.3.5", "ipsecEndSystem"),
    ("1.3.6.1.5.5.7.3.6", "ipsecTunnel"),
    ("1.3.6.1.5.5.7.3.7", "ipsecUser"),
    ("1.3.6.1.5.5.7.3.8", "timeStamping"),
    ("1.3.6.1.5.5.7.3.9", "OCSPSigning"),
    ("1.3.6.1.5.5.7.3.17", "ipsecIKE"),
    ("1.3.6.1.5.5.8.2.2", "iKEIntermediate"),
];

/// Key usage bits (RFC 5280 4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage(pub u16);

impl KeyUsage {
    /// digitalSignature.
    pub const SIGN: KeyUsage = KeyUsage(0x8000);
    /// nonRepudiation.
    pub const NON_REPUDIATION: KeyUsage = KeyUsage(0x4000);
    /// keyCertSign.
    pub const CERTIFY: KeyUsage = KeyUsage(0x0400);
    /// cRLSign.
    pub const REVOKE: KeyUsage = KeyUsage(0x0200);

    /// Both.
    #[must_use]
    pub const fn and(self, other: KeyUsage) -> KeyUsage {
        KeyUsage(self.0 | other.0)
    }

    /// Whether they have a bit in common.
    #[must_use]
    pub const fn has(self, other: KeyUsage) -> bool {
        self.0 & other.0 != 0
    }

    /// The names of its bits.
    #[must_use]
    pub fn names(self) -> Vec<String> {
        let set = |at: &usize| self.0 & (0x8000 >> at) != 0;
        let names = USAGES.iter().enumerate();
        names
            .filter(|(at, _)| set(at))
            .map(|(_, name)| (*name).to_owned())
            .collect()
    }
}

/// Basic constraints (RFC 5280 4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// It is a CA's.
    pub authority: bool,
    /// How many intermediate CAs may follow.
    pub path_length: Option<u32>,
}

/// A general name (RFC 5280 4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// dNSName.
    Dns(String),
    /// rfc822Name.
    Email(String),
    /// iPAddress.
    Address(IpAddr),
    /// iPAddress with a mask, as constraints have it.
    Network(Vec<u8>, Vec<u8>),
    /// directoryName.
    Directory(DistinguishedName),
    /// uniformResourceIdentifier.
    Uri(String),
    /// Of another type, or not as its type must be: its tag.
    Other(u8),
}

impl Name {
    /// The IKE identity that it is.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        match self {
            Name::Dns(name) => Some(Identity::Fqdn(name.clone())),
            Name::Email(name) => Some(Identity::Email(name.clone())),
            Name::Address(address) => Some(Identity::Address(*address)),
            Name::Directory(name) => Some(Identity::Name(name.clone())),
            _ => None,
        }
    }
}

impl core::fmt::Display for Name {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Name::Dns(name) => write!(f, "DNS:{name}"),
            Name::Email(name) => write!(f, "email:{name}"),
            Name::Address(address) => write!(f, "IP:{address}"),
            Name::Network(..) => f.write_str("a network"),
            Name::Directory(name) => write!(f, "DN:{name}"),
            Name::Uri(name) => write!(f, "URI:{name}"),
            Name::Other(tag) => write!(f, "a name of type {}", tag & 0x1f),
        }
    }
}

/// Name constraints (RFC 5280 4.2.1.10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameConstraints {
    /// Where there is one of a type, names of that type must be within one.
    pub permitted: Vec<Name>,
    /// No name may be within any.
    pub excluded: Vec<Name>,
}

/// What the extensions of a certificate say; what is absent says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// Basic constraints.
    pub authority: Option<BasicConstraints>,
    /// Key usage.
    pub key_usage: Option<KeyUsage>,
    /// Extended key usage, as object identifiers.
    pub extended: Option<Vec<String>>,
    /// Subject alternative names.
    pub names: Vec<Name>,
    /// Name constraints.
    pub constraints: Option<NameConstraints>,
    /// Certificate policies, as object identifiers.
    pub policies: Option<Vec<String>>,
    /// Policy mappings: the issuer's and the subject's.
    pub mappings: Vec<(String, String)>,
    /// requireExplicitPolicy.
    pub explicit_policy: Option<u32>,
    /// inhibitPolicyMapping.
    pub inhibit_mapping: Option<u32>,
    /// Inhibit anyPolicy.
    pub inhibit_any: Option<u32>,
    /// Subject key identifier.
    pub key_id: Option<Vec<u8>>,
    /// Key identifier of the issuer.
    pub issuer_key_id: Option<Vec<u8>>,
    /// Where revocation lists are.
    pub crl_urls: Vec<String>,
    /// Where a responder for its status is.
    pub ocsp_urls: Vec<String>,
    /// Its own status isn't to be asked for (RFC 6960 4.2.2.2.1).
    pub ocsp_no_check: bool,
    /// A critical extension that isn't known here.
    pub unknown_critical: Option<String>,
}

impl Extensions {
    /// The names of its extended key usages, or their object identifiers.
    #[must_use]
    pub fn purposes(&self) -> Vec<String> {
        let all = self.extended.iter().flatten();
        all.map(|oid| purpose_name(oid).unwrap_or(oid).to_owned())
            .collect()
    }

    pub(super) fn read(&mut self, oid: &str, critical: bool, value: &[u8]) -> Read<()> {
        match oid {
            "2.5.29.19" => self.authority = Some(basic_constraints(value)?),
            "2.5.29.15" => {
                let bits = der::content(value, BIT_STRING).and_then(flags);
                self.key_usage = Some(KeyUsage(bits.ok_or("its key usage")?));
            }
            "2.5.29.37" => self.extended = Some(oids(value, "its extended key usage")?),
            "2.5.29.17" => self.names = names(value, SEQUENCE, "its alternative names")?,
            "2.5.29.30" => self.constraints = Some(constraints(value)?),
            "2.5.29.32" => self.policies = Some(policies(value)?),
            "2.5.29.33" => self.mappings = mappings(value)?,
            "2.5.29.36" => {
                let what = "its policy constraints";
                let mut list = Reader::only(value, SEQUENCE, what)?;
                let mut next = |tag| match list.optional(implicit(tag)) {
                    Some(e) => small(e.content).ok_or(what).map(Some),
                    None => Ok(None),
                };
                self.explicit_policy = next(0)?;
                self.inhibit_mapping = next(1)?;
                list.end(what)?;
            }
            "2.5.29.54" => {
                let what = "how it inhibits anyPolicy";
                let number = der::content(value, INTEGER).and_then(small);
                self.inhibit_any = Some(number.ok_or(what)?);
            }
            "2.5.29.14" => {
                let id = der::content(value, OCTET_STRING);
                self.key_id = Some(id.ok_or("its key identifier")?.to_vec());
            }
            "2.5.29.35" => {
                let mut list = Reader::only(value, SEQUENCE, "its issuer's key identifier")?;
                self.issuer_key_id = list.optional(implicit(0)).map(|e| e.content.to_vec());
            }
            "2.5.29.31" => self.crl_urls = distribution_points(value)?,
            "1.3.6.1.5.5.7.1.1" => self.ocsp_urls = responders(value)?,
            "1.3.6.1.5.5.7.48.1.5" => self.ocsp_no_check = true,
            _ if critical && self.unknown_critical.is_none() => {
                self.unknown_critical = Some(oid.to_owned());
            }
            _ => {}
        }
        Ok(())
    }
}

pub(super) fn purpose_name(oid: &str) -> Option<&'static str> {
    let known = PURPOSES.iter().find(|(known, _)| *known == oid);
    known.map(|(_, name)| *name)
}

fn basic_constraints(value: &[u8]) -> Read<BasicConstraints> {
    let what = "its basic constraints";
    let mut list = Reader::only(value, SEQUENCE, what)?;
    let authority = match list.optional(BOOLEAN) {
        Some(e) => truth(e.content).ok_or(what)?,
        None => false,
    };
    let path_length = match list.optional(INTEGER) {
        Some(e) => Some(small(e.content).ok_or(what)?),
        None => None,
    };
    list.end(what)?;
    Ok(BasicConstraints {
        authority,
        path_length,
    })
}

fn oids(value: &[u8], what: &'static str) -> Read<Vec<String>> {
    let mut list = Reader::only(value, SEQUENCE, what)?;
    let mut out = Vec::new();
    while !list.is_empty() {
        let oid = list.content(OBJECT_IDENTIFIER, what)?;
        out.push(dotted(oid).ok_or(what)?);
    }
    Ok(out)
}

fn names(value: &[u8], tag: u8, what: &'static str) -> Read<Vec<Name>> {
    let mut list = Reader::only(value, tag, what)?;
    let mut out = Vec::new();
    while !list.is_empty() {
        out.push(name(list.any(what)?));
    }
    Ok(out)
}

/// A GeneralName. Text with characters that don't belong in it is of no type that is compared.
fn name(element: Element<'_>) -> Name {
    let text = || {
        core::str::from_utf8(element.content)
            .ok()
            .filter(|t| !t.is_empty() && t.bytes().all(|c| c.is_ascii_graphic()))
            .map(str::to_owned)
    };
    let octets = element.content;
    let known = match element.tag {
        0x82 => text().map(Name::Dns),
        0x81 => text().map(Name::Email),
        0x86 => text().map(Name::Uri),
        0xa4 => DistinguishedName::from_der(octets).map(Name::Directory),
        0x87 => match octets.len() {
            4 => <[u8; 4]>::try_from(octets)
                .ok()
                .map(|o| Name::Address(Ipv4Addr::from(o).into())),
            16 => <[u8; 16]>::try_from(octets)
                .ok()
                .map(|o| Name::Address(Ipv6Addr::from(o).into())),
            8 | 32 => octets
                .split_at_checked(octets.len() / 2)
                .map(|(a, m)| Name::Network(a.to_vec(), m.to_vec())),
            _ => None,
        },
        _ => None,
    };
    known.unwrap_or(Name::Other(element.tag))
}

fn constraints(value: &[u8]) -> Read<NameConstraints> {
    let what = "its name constraints";
    let mut both = Reader::only(value, SEQUENCE, what)?;
    let mut next = |tag| -> Read<Vec<Name>> {
        let Some(list) = both.optional(context(tag)) else {
            return Ok(Vec::new());
        };
        let mut list = Reader::new(list.content);
        let mut out = Vec::new();
        while !list.is_empty() {
            let mut subtree = list.enter(SEQUENCE, what)?;
            let base = subtree.any(what)?;
            // An empty name of a host is every host (RFC 5280 4.2.1.10 leaves it open; others read it so).
            let base = match (base.tag, base.content) {
                (0x82, []) => Name::Dns(String::new()),
                (0x81, []) => Name::Email(String::new()),
                _ => name(base),
            };
            // Minimum and maximum aren't used (RFC 5280 4.2.1.10).
            subtree.end(what)?;
            out.push(base);
        }
        Ok(out)
    };
    let (permitted, excluded) = (next(0)?, next(1)?);
    both.end(what)?;
    Ok(NameConstraints {
        permitted,
        excluded,
    })
}

fn policies(value: &[u8]) -> Read<Vec<String>> {
    let what = "its policies";
    let mut list = Reader::only(value, SEQUENCE, what)?;
    let mut out = Vec::new();
    while !list.is_empty() {
        let mut policy = list.enter(SEQUENCE, what)?;
        let oid = policy.content(OBJECT_IDENTIFIER, what)?;
        out.push(dotted(oid).ok_or(what)?);
    }
    Ok(out)
}

fn mappings(value: &[u8]) -> Read<Vec<(String, String)>> {
    let what = "its policy mappings";
    let mut list = Reader::only(value, SEQUENCE, what)?;
    let mut out = Vec::new();
    while !list.is_empty() {
        let mut pair = list.enter(SEQUENCE, what)?;
        let mut next = || -> Read<String> {
            let oid = pair.content(OBJECT_IDENTIFIER, what)?;
            dotted(oid).ok_or(what)
        };
        out.push((next()?, next()?));
    }
    Ok(out)
}

/// The URLs under which a full list of the issuer itself is; lists of others, or for some reasons only, are left out.
fn distribution_points(value: &[u8]) -> Read<Vec<String>> {
    let what = "its CRL distribution points";
    let mut list = Reader::only(value, SEQUENCE, what)?;
    let mut out = Vec::new();
    while !list.is_empty() {
        let mut point = list.enter(SEQUENCE, what)?;
        let Some(place) = point.optional(context(0)) else {
            continue;
        };
        if !point.is_empty() {
            continue;
        }
        let mut place = Reader::new(place.content);
        if let Some(full) = place.optional(context(0)) {
            urls(full.content, &mut out);
        }
    }
    Ok(out)
}

fn urls(octets: &[u8], out: &mut Vec<String>) {
    let mut list = Reader::new(octets);
    while let Ok(element) = list.any("a name") {
        if let Name::Uri(url) = name(element) {
            out.push(url);
        }
    }
}

fn responders(value: &[u8]) -> Read<Vec<String>> {
    /// id-ad-ocsp.
    const OCSP: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01];
    let what = "where it says its status is asked for";
    let mut list = Reader::only(value, SEQUENCE, what)?;
    let mut out = Vec::new();
    while !list.is_empty() {
        let mut access = list.enter(SEQUENCE, what)?;
        if access.content(OBJECT_IDENTIFIER, what)? == OCSP
            && let Name::Uri(url) = name(access.any(what)?)
        {
            out.push(url);
        }
    }
    Ok(out)
}
