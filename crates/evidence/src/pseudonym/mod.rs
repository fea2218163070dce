//! Other names for addresses, hosts, identities and certificate subjects, so that evidence can be given to a stranger.
//!
//! A verdict hangs on which values are equal, which network an address is in and whether it is private; not on the
//! values. So each value becomes a pseudonym that keeps these relations (`address`, `name`) and is made with a
//! [`MapKey`], which stays with whoever made it. The same key gives the same pseudonyms again, in another bundle, too.
//! [`Pseudonyms::table`] lists what was replaced; with it and the key a stranger's answer is translated back
//! ([`Originals`]).
//!
//! What is found by its shape alone: addresses of both families, hardware addresses, host names with a dot, mail
//! addresses, distinguished names, key ids. Names without such a shape have to be told ([`Pseudonyms::know`]). SPIs, ports,
//! algorithms, times, and the names that an operator gave to tunnels and children stay.

mod address;
mod json;
mod name;
mod scan;
mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use adit_crypto::{Prf, Unsupported, provider};
use adit_wire::iana::PrfId;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use address::Addresses;
pub use table::{Entry, Originals};

/// The key that pseudonyms are made with: drawn by the edge, kept by the operator.
#[derive(Clone)]
pub struct MapKey(Zeroizing<[u8; 32]>);

impl MapKey {
    /// Takes octets that nobody else knows.
    #[must_use]
    pub fn new(octets: [u8; 32]) -> Self {
        Self(Zeroizing::new(octets))
    }

    /// The octets in hex, for the map that the operator keeps.
    #[must_use]
    pub fn to_hex(&self) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::with_capacity(64));
        for octet in self.0.iter() {
            out.push_str(&format!("{octet:02x}"));
        }
        out
    }

    /// The key that a map holds; `None` for what isn't 64 hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut octets = Zeroizing::new([0_u8; 32]);
        if pairs.len() != octets.len() || !rest.is_empty() {
            return None;
        }
        for (octet, pair) in octets.iter_mut().zip(pairs) {
            let pair = core::str::from_utf8(pair).ok()?;
            *octet = u8::from_str_radix(pair, 16).ok()?;
        }
        Some(Self(octets))
    }
}

impl fmt::Debug for MapKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MapKey")
    }
}

/// The keyed function behind every pseudonym.
#[derive(Clone)]
struct Hash {
    prf: &'static dyn Prf,
    key: MapKey,
}

impl Hash {
    fn new(key: MapKey) -> Result<Self, Unsupported> {
        let prf = provider::aws_lc().prf(PrfId::PRF_HMAC_SHA2_256)?;
        Ok(Self { prf, key })
    }

    fn of(&self, parts: &[&[u8]]) -> [u8; 32] {
        let full = self.prf.compute(&self.key.0[..], parts);
        let mut out = [0; 32];
        for (to, from) in out.iter_mut().zip(full.expose()) {
            *to = *from;
        }
        out
    }
}

/// Kinds of values that are replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Addresses and networks.
    Address,
    /// Hardware addresses.
    Hardware,
    /// Names of hosts and domains.
    Host,
    /// Mail addresses and users at hosts.
    Mail,
    /// Values in distinguished names.
    Subject,
    /// Other identities: key ids, names without a dot.
    Identity,
}

impl Kind {
    /// As it is counted: `3 addresses`.
    #[must_use]
    pub fn plural(self) -> &'static str {
        match self {
            Kind::Address => "addresses",
            Kind::Hardware => "hardware addresses",
            Kind::Host => "host names",
            Kind::Mail => "mail addresses",
            Kind::Subject => "values of distinguished names",
            Kind::Identity => "other identities",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Address => "address",
            Kind::Hardware => "hardware address",
            Kind::Host => "host name",
            Kind::Mail => "mail address",
            Kind::Subject => "value of a distinguished name",
            Kind::Identity => "identity",
        })
    }
}

/// Replaces values in texts and remembers what it replaced.
pub struct Pseudonyms {
    hash: Hash,
    /// Original to pseudonym.
    table: BTreeMap<(Kind, String), String>,
    /// Names that have no shape, longest first.
    known: Vec<(String, Kind)>,
    counts: BTreeMap<Kind, u64>,
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pseudonyms({})", self.table.len())
    }
}

impl Pseudonyms {
    /// Pseudonyms under a key.
    ///
    /// # Errors
    /// When this build has no HMAC-SHA-256.
    pub fn new(key: MapKey) -> Result<Self, Unsupported> {
        Ok(Self {
            hash: Hash::new(key)?,
            table: BTreeMap::new(),
            known: Vec::new(),
            counts: BTreeMap::new(),
        })
    }

    /// Has a name replaced wherever it stands as a word of its own, whatever it looks like. A single character isn't one.
    pub fn know(&mut self, name: &str, kind: Kind) {
        let name = name.trim();
        if name.chars().count() < 2 || self.known.iter().any(|(known, _)| known == name) {
            return;
        }
        let at = self.known.partition_point(|(n, _)| n.len() >= name.len());
        self.known.insert(at, (name.to_owned(), kind));
    }

    /// How many values were replaced so far, by kind: each time one occurs.
    #[must_use]
    pub fn counts(&self) -> &BTreeMap<Kind, u64> {
        &self.counts
    }

    /// Everything that was replaced, once each.
    pub fn table(&self) -> impl Iterator<Item = Entry> + '_ {
        self.table
            .iter()
            .map(|((kind, original), pseudonym)| Entry {
                kind: *kind,
                original: original.clone(),
                pseudonym: pseudonym.clone(),
            })
    }

    fn addresses(&self) -> Addresses<'_> {
        Addresses {
            hash: &self.hash,
            back: false,
        }
    }

    fn address(&mut self, address: IpAddr, length: Option<u8>) -> IpAddr {
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let new = self.addresses().network(address, length.unwrap_or(whole));
        let shown = |address: IpAddr| match length {
            Some(length) => format!("{address}/{length}"),
            None => address.to_string(),
        };
        self.note(Kind::Address, shown(address), shown(new));
        new
    }

    /// Remembers that something was replaced, unless it stayed what it is.
    fn note(&mut self, kind: Kind, original: String, pseudonym: String) {
        if original == pseudonym {
            return;
        }
        *self.counts.entry(kind).or_default() += 1;
        self.table.entry((kind, original)).or_insert(pseudonym);
    }
}

#[cfg(test)]
mod tests;
