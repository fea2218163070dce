//! The way back: what a pseudonym stands for.

use std::collections::BTreeMap;

use adit_crypto::Unsupported;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::address::Addresses;
use super::{Hash, Kind, MapKey};

/// One value and what stands for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// As it was.
    pub original: String,
    /// What stands for it.
    pub pseudonym: String,
}

/// Translates an answer back.
pub struct Originals {
    hash: Hash,
    /// Pseudonym to original, by length of the pseudonym: the longest is looked for first.
    names: BTreeMap<usize, BTreeMap<String, String>>,
    /// Addresses as they were written, and networks.
    addresses: BTreeMap<String, String>,
    networks: Vec<IpNet>,
}

impl Originals {
    /// The originals behind a map.
    ///
    /// # Errors
    /// When this build has no HMAC-SHA-256.
    pub fn new(key: MapKey, table: &[Entry]) -> Result<Self, Unsupported> {
        let mut out = Self {
            hash: Hash::new(key)?,
            names: BTreeMap::new(),
            addresses: BTreeMap::new(),
            networks: Vec::new(),
        };
        for entry in table {
            let (pseudonym, original) = (entry.pseudonym.clone(), entry.original.clone());
            // Two letters of a country may be any word.
            if pseudonym.len() < 3 {
                continue;
            }
            if entry.kind != Kind::Address {
                let names = out.names.entry(pseudonym.len()).or_default();
                names.insert(pseudonym, original);
                continue;
            }
            out.networks.extend(pseudonym.parse::<IpNet>());
            out.addresses.insert(pseudonym, original);
        }
        Ok(out)
    }

    /// The text with originals in the places of pseudonyms. An address that nobody was given and that is in one of the
    /// networks is one of ours too.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        let mut before = None;
        while let Some(first) = rest.chars().next() {
            let inside = before.is_some_and(|c: char| c.is_alphanumeric());
            let found = if inside { None } else { self.found(rest) };
            let length = match found {
                Some((length, original)) => {
                    out.push_str(&original);
                    length
                }
                None => {
                    out.push(first);
                    first.len_utf8()
                }
            };
            let (taken, after) = rest.split_at(length);
            before = taken.chars().next_back();
            rest = after;
        }
        out
    }

    fn found(&self, rest: &str) -> Option<(usize, String)> {
        for (length, names) in self.names.iter().rev() {
            let original = rest.get(..*length).and_then(|text| names.get(text));
            let ends = |c: char| !c.is_alphanumeric();
            if let Some(original) = original
                && rest.get(*length..)?.chars().next().is_none_or(ends)
            {
                return Some((*length, original.clone()));
            }
        }
        let (address, length) = super::scan::address(rest)?;
        let after = rest.get(length..)?;
        if let Some((prefix, octets)) = super::scan::prefix(after, address) {
            let net = self.addresses.get(&format!("{address}/{prefix}"));
            if let Some(original) = net {
                return Some((length + octets, original.clone()));
            }
        }
        if let Some(original) = self.addresses.get(&address.to_string()) {
            return Some((length, original.clone()));
        }
        let network = self.networks.iter().find(|net| net.addr() == address);
        if let Some(net) = network {
            let original = self.back().network(address, net.prefix_len());
            return Some((length, original.to_string()));
        }
        let ours = self.networks.iter().any(|net| net.contains(&address));
        ours.then(|| (length, self.back().address(address).to_string()))
    }

    fn back(&self) -> Addresses<'_> {
        Addresses {
            hash: &self.hash,
            back: true,
        }
    }
}

impl std::fmt::Debug for Originals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Originals")
    }
}
