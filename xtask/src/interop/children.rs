//! Tunnels of several children: how a scenario names them, and what must come of them on both sides.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use super::scenario::Tunnel;
use super::side::Side;
use super::{state, suite};

/// Further keys of one end's own configuration, in its own words: Adit's, or swanctl's.
pub type Keys = BTreeMap<String, Value>;

/// A child to configure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Child {
    pub name: String,
    pub west_net: Vec<String>,
    pub east_net: Vec<String>,
    /// As that of the tunnel, if it isn't given.
    pub esp: Option<String>,
    #[serde(default)]
    pub keys: Keys,
}

/// A pair of SAs that both sides must have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The near side's name for the child.
    pub child: String,
    pub west_net: Vec<String>,
    pub east_net: Vec<String>,
    /// All that was negotiated is in it.
    pub esp: String,
    #[serde(default = "tunnel_mode")]
    pub mode: String,
}

fn tunnel_mode() -> String {
    "tunnel".to_owned()
}

impl Child {
    /// For the other end, which has keys of its own.
    pub fn without_keys(&self) -> Self {
        Self {
            keys: Keys::new(),
            ..self.clone()
        }
    }
}

impl Tunnel {
    /// What to configure: the children that are named, or the one of the tunnel's own networks.
    pub fn children(&self) -> Vec<Child> {
        let only = || {
            vec![Child {
                name: "net".to_owned(),
                west_net: self.west_net.clone(),
                east_net: self.east_net.clone(),
                esp: None,
                keys: Keys::new(),
            }]
        };
        let mut children = if self.child.is_empty() {
            only()
        } else {
            self.child.clone()
        };
        for child in &mut children {
            child.esp.get_or_insert_with(|| self.esp.clone());
            for (key, value) in &self.child_keys {
                child
                    .keys
                    .entry(key.clone())
                    .or_insert_with(|| value.clone());
            }
        }
        children
    }

    /// The pairs that come of it where nothing is narrowed.
    pub fn pairs(&self) -> Vec<Pair> {
        let pair = |child: Child| Pair {
            child: child.name,
            west_net: child.west_net,
            east_net: child.east_net,
            esp: child.esp.unwrap_or_default(),
            mode: self.mode.clone().unwrap_or_else(tunnel_mode),
        };
        self.children().into_iter().map(pair).collect()
    }
}

/// Lines of a configuration; `assign` is what stands between key and value.
pub fn lines(keys: &Keys, assign: &str, quote: bool) -> String {
    let line = |(key, value): (&String, &Value)| match value {
        Value::String(text) if !quote => format!("{key}{assign}{text}\n"),
        Value::Object(table) => table
            .iter()
            .map(|(inner, value)| format!("{key}.{inner}{assign}{value}\n"))
            .collect(),
        // Strings, numbers, booleans and lists of them are the same in JSON and TOML.
        value => format!("{key}{assign}{value}\n"),
    };
    keys.iter().map(line).collect()
}

/// Nothing, if both sides have these pairs, mirrored, and no other; else what is wrong.
pub fn differ(near: &Side, far: &Side, wanted: &[Pair]) -> Result<Option<String>> {
    let (near, far) = (near.pairs()?, far.pairs()?);
    let count = (near.len(), far.len());
    if count != (wanted.len(), wanted.len()) {
        return Ok(Some(format!(
            "{count:?} pairs instead of {}: near {near:?}, far {far:?}",
            wanted.len()
        )));
    }
    for pair in wanted {
        let words = suite::from_keywords(&pair.esp);
        let (west, east) = (selectors(&pair.west_net), selectors(&pair.east_net));
        let ours = near.iter().find(|child| {
            child.name == pair.child
                && child.ts_local == west
                && child.ts_remote == east
                && child.mode == pair.mode
                && suite::allows(&words, &child.suite)
        });
        let Some(ours) = ours else {
            return Ok(Some(format!("no {pair:?} among {near:?}")));
        };
        let theirs = far.iter().find(|child| child.spi_in == ours.spi_out);
        let mirrored = theirs.is_some_and(|theirs| {
            theirs.spi_out == ours.spi_in
                && theirs.ts_local == east
                && theirs.ts_remote == west
                && theirs.mode == pair.mode
                && suite::agree(&ours.suite, &theirs.suite)
        });
        if !mirrored {
            return Ok(Some(format!("near {ours:?}, but far {far:?}")));
        }
    }
    Ok(None)
}

/// As both products print them, made comparable.
fn selectors(list: &[String]) -> Vec<String> {
    state::selectors(list.iter().map(|text| state::selector(text)).collect())
}

/// How many packets a child has carried on a side: in and out.
pub fn carried(side: &Side, child: &str) -> Result<(u64, u64)> {
    let pairs = side.pairs()?;
    let mut of = pairs.iter().filter(|pair| pair.name == child).peekable();
    of.peek().with_context(|| format!("no pair of {child}"))?;
    Ok(of.fold((0, 0), |(i, o), pair| {
        (i + pair.packets_in, o + pair.packets_out)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_lines_of_either_product() {
        let keys = Keys::from([
            ("mode".to_owned(), Value::from("transport")),
            ("rekey_bytes".to_owned(), Value::from(1_000_000)),
        ]);
        assert_eq!(
            lines(&keys, " = ", true),
            "mode = \"transport\"\nrekey_bytes = 1000000\n"
        );
        assert_eq!(
            lines(&keys, " = ", false),
            "mode = transport\nrekey_bytes = 1000000\n"
        );
    }
}
