//! Configurations of any product, alone or in the middle of a paste, as facts that two ends can be compared by.
//!
//! `segment` finds which lines belong to a configuration and in whose language; each language's reader makes
//! [`PeerConnection`]s of them (`swan` with `strongswan` and `libreswan` for ipsec.conf, `swanctl`, …). A broken line is a
//! [`Lint`] and never the end of the reading. Keys are digested on the way in ([`DigestKey`]).

mod algorithm;
mod cisco;
mod context;
pub(crate) use context::quotable;
mod fortios;
mod illumos;
mod ipsec_conf;
mod junos;
mod libreswan;
mod panos;
mod racoon;
mod routeros;
mod secrets;
mod segment;
mod strongswan;
mod swan;
mod swanctl;
mod tree;
pub(crate) mod value;
mod version;
mod vyos;

use adit_model::credential::NamedFile;
use adit_model::peer_config::{Dialect, Lint, PeerConnection, SharedKey};

pub use context::DigestKey;
use context::{Context, Line, Origin};
pub(crate) use segment::Segments;
pub(crate) use version::told as version_told;

/// Whether a word is nothing but names of algorithms, as a product writes a proposal: `aes256-sha256`, `dh-group14`.
pub(crate) fn is_proposal(word: &str) -> bool {
    let known = |name: &str| algorithm::algorithm(name).is_some();
    known(word) || !word.is_empty() && word.split(['-', ',']).all(known)
}

/// What a reader of one language makes of a text.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) connections: Vec<PeerConnection>,
    pub(crate) keys: Vec<SharedKey>,
}

/// What a configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigReading {
    /// Its connections, each with its key where the text has it.
    pub connections: Vec<PeerConnection>,
    /// Every pre-shared key of the text.
    pub keys: Vec<SharedKey>,
    /// What is wrong with it by itself.
    pub lints: Vec<Lint>,
    /// Files of certificates, keys and secrets that it names.
    pub files: Vec<NamedFile>,
    /// Whose languages it is written in, with how many lines.
    pub dialects: Vec<(Dialect, u64)>,
    /// Lines in all.
    pub lines: u64,
}

/// Reads a text that is a configuration. `key` digests the secrets; without it they can't be compared. Nothing is
/// returned for a text in which no language is recognised.
#[must_use]
pub fn read_config(name: &str, bytes: &[u8], key: Option<&DigestKey>) -> ConfigReading {
    let mut segments = Segments::default();
    let mut lines = crate::text::Lines::default();
    let mut take = |number: u64, raw: &[u8]| {
        let text = String::from_utf8_lossy(raw);
        segments.whole_line(number, &crate::text::clean(&text));
    };
    lines.feed(bytes, &mut take);
    let (count, _) = lines.finish(&mut take);
    ConfigReading {
        lines: count,
        ..segments.finish(name, &[], key, None, None)
    }
}

/// A piece of a configuration that is spread over several files.
#[derive(Clone, Debug)]
pub struct TextPart {
    /// The file.
    pub name: String,
    /// The number of its first line there.
    pub first_line: u64,
    /// The lines.
    pub text: Vec<u8>,
}

/// Reads pieces of several files as one text, as products do with what a configuration includes. `version` is the
/// product's, where it is known: defaults depend on it.
#[must_use]
pub fn read_config_parts(
    parts: &[TextPart],
    key: Option<&DigestKey>,
    version: Option<(u16, u16)>,
) -> ConfigReading {
    let mut segments = Segments::default();
    let mut origins = Vec::new();
    let mut before = 0;
    for part in parts {
        origins.push(Origin {
            from: before + 1,
            name: part.name.clone(),
            first: part.first_line,
        });
        let mut lines = crate::text::Lines::default();
        let mut take = |number: u64, raw: &[u8]| {
            let text = String::from_utf8_lossy(raw);
            segments.whole_line(before + number, &crate::text::clean(&text));
        };
        lines.feed(&part.text, &mut take);
        let (count, _) = lines.finish(&mut take);
        before += count;
    }
    let name = parts.first().map_or("", |p| p.name.as_str());
    ConfigReading {
        lines: before,
        ..segments.finish(name, &origins, key, None, version)
    }
}

/// The files that a line asks to be read in its place, in any of the languages that can ask: a path, with wildcards.
#[must_use]
pub fn include_of(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix("include")?;
    let path = rest.strip_prefix([' ', '\t'])?.trim();
    let path = match path.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?.0,
        None => path.split([' ', '\t', '#', ';']).next()?,
    };
    (!path.is_empty() && !path.contains(['{', '=', '`', '$'])).then_some(path)
}

/// The keys of a file that racoon names with `path pre_shared_key`: an identity and its key on each line.
#[must_use]
pub fn read_shared_keys(name: &str, bytes: &[u8], key: Option<&DigestKey>) -> Vec<SharedKey> {
    racoon::shared_keys(name, bytes, key)
}

/// Reads the lines of one language.
fn read(ctx: &mut Context<'_>, dialect: Dialect, lines: &[Line], hint: Option<Dialect>) -> Found {
    match dialect {
        Dialect::Swanctl => swanctl::read(ctx, lines),
        Dialect::StrongswanStroke | Dialect::Libreswan | Dialect::Openswan => {
            swan::read(ctx, lines, hint)
        }
        Dialect::Vyatta | Dialect::Vyos => vyos::read(ctx, lines),
        Dialect::Junos => junos::read(ctx, lines),
        Dialect::Panos => panos::read(ctx, lines),
        Dialect::CiscoIos | Dialect::CiscoAsa => cisco::read(ctx, lines),
        Dialect::Fortios => fortios::read(ctx, lines),
        Dialect::Routeros => routeros::read(ctx, lines),
        Dialect::Racoon => racoon::read(ctx, lines),
        Dialect::Illumos => illumos::read(ctx, lines),
        // Our own is read by its own crate.
        Dialect::Adit => Found::default(),
    }
}
