//! `auth`: with which files the two sides of a tunnel authenticate.
//!
//! ```toml
//! auth = { psk_file = "office.psk" }
//! auth = { cert = "west.pem", key = "west.key", ca = ["ca.pem"] }
//! auth = { key = "west.key", peer_public_key = "east.pub" }
//! auth = { local = { cert = "west.pem", key = "west.key" }, remote = { psk_file = "office.psk" } }
//! ```

use std::path::PathBuf;

use adit_model::text::did_you_mean;
use toml_edit::Item;

use crate::adit::keys::Section;
use crate::adit::reader::{Reader, Table};
use crate::configuration::{AuthFiles, OwnFiles, PeerFiles, Revocation};
use crate::redact::is_secret_key;

/// Ways to authenticate that other configurations know and that Adit doesn't carry out yet.
const LATER: [&str; 3] = ["eap", "xauth", "pubkey"];

const PSK: &str = "auth = { psk_file = \"office.psk\" }";
const CERTIFICATES: &str = "auth = { cert = \"west.pem\", key = \"west.key\", ca = [\"ca.pem\"] }";
const MIXED: &str = "auth = { local = { cert = \"west.pem\", key = \"west.key\" }, remote = { psk_file = \"office.psk\" } }";

/// Reads how a tunnel authenticates; `None` when nothing usable was written, which was complained about.
pub(super) fn read(
    reader: &mut Reader<'_>,
    tunnel: &Table<'_>,
    connection: &str,
) -> Option<AuthFiles> {
    let Some(item) = tunnel.entries.get("auth") else {
        // An inline secret beside it was complained about already, with the same fix.
        if !tunnel.entries.iter().any(|(k, _)| is_secret_key(k)) {
            reader.missing(tunnel, "auth", PSK);
        }
        return None;
    };
    if item.is_str() {
        reader.inline_secret(&tunnel.at_key("auth"));
        return None;
    }
    let auth = open(reader, tunnel, item)?;
    let allow_sha1 = reader.flag(&auth, "allow_sha1", false);
    let (own, peer) = if auth.entries.contains_key("local") || auth.entries.contains_key("remote") {
        mixed(reader, &auth)?
    } else {
        alike(reader, &auth)?
    };
    Some(AuthFiles {
        connection: connection.to_owned(),
        own,
        peer,
        allow_sha1,
    })
}

fn open<'t>(reader: &mut Reader<'_>, tunnel: &Table<'t>, item: &'t Item) -> Option<Table<'t>> {
    let at = tunnel.at_key("auth");
    let Some(entries) = item.as_table_like() else {
        let found = item.type_name().to_owned();
        reader.wrong_type(Section::Tunnel, "auth", &tunnel.at_value("auth"), found);
        return None;
    };
    let auth = Table {
        section: Section::Auth,
        path: at.key,
        span: at.span,
        entries,
    };
    let later: Vec<&str> = entries.iter().map(|(k, _)| k).collect();
    let later: Vec<&str> = later.into_iter().filter(|k| LATER.contains(k)).collect();
    if let Some(first) = later.first() {
        reader
            .error(
                "unsupported-auth",
                &auth.at_key(first),
                "users aren't authenticated yet, only gateways are",
            )
            .found(later.join(", "))
            .expected("psk_file, or cert, key and ca")
            .fix(PSK);
        return None;
    }
    reader.known_keys(&auth);
    Some(auth)
}

/// Both sides in the same way.
fn alike(reader: &mut Reader<'_>, auth: &Table<'_>) -> Option<(OwnFiles, PeerFiles)> {
    let has = |name: &str| auth.entries.contains_key(name);
    let ways = [
        has("psk_file").then_some("psk_file"),
        (has("cert") || has("ca") || has("crl") || has("revocation")).then_some("cert"),
        has("peer_public_key").then_some("peer_public_key"),
    ];
    let ways: Vec<&str> = ways.into_iter().flatten().collect();
    match ways.as_slice() {
        ["psk_file"] if !has("key") => {
            let psk = path(reader, auth, "psk_file")?;
            Some((OwnFiles::Psk(psk.clone()), PeerFiles::Psk(psk)))
        }
        ["cert"] => {
            let own = certificates(reader, auth);
            Some((own?, authorities(reader, auth)?))
        }
        ["peer_public_key"] => {
            let own = own_key(reader, auth);
            let peer = paths(reader, auth, "peer_public_key");
            Some((own?, PeerFiles::PublicKeys(peer?)))
        }
        [] if has("key") => {
            reader.missing(
                auth,
                "cert",
                "auth = { cert = \"west.pem\", key = \"west.key\", ca = [\"ca.pem\"] }",
            );
            None
        }
        [] => {
            let secrets = auth.entries.iter().any(|(k, _)| is_secret_key(k));
            if !secrets {
                reader.missing(auth, "psk_file", PSK);
            }
            None
        }
        several => {
            let mut found: Vec<&str> = several.to_vec();
            found.extend(has("key").then_some("key"));
            reader
                .error(
                    "auth-ways",
                    &auth.at(),
                    "the two sides are to authenticate in several ways, and it isn't said which does what",
                )
                .found(found.join(", "))
                .expected("one way for both, or a table for each side: `local` for how we do, `remote` for how the peer has to")
                .fix(MIXED);
            None
        }
    }
}

/// Each side in a way of its own.
fn mixed(reader: &mut Reader<'_>, auth: &Table<'_>) -> Option<(OwnFiles, PeerFiles)> {
    let beside: Vec<&str> = auth.entries.iter().map(|(k, _)| k).collect();
    let beside: Vec<&str> = beside
        .into_iter()
        .filter(|k| !["local", "remote", "allow_sha1"].contains(k))
        .collect();
    if let Some(first) = beside.first() {
        reader
            .error(
                "auth-ways",
                &auth.at_key(first),
                "beside `local` and `remote` it isn't said whose it is",
            )
            .found(beside.join(", "))
            .expected(
                "it inside of `local` (how we authenticate) or `remote` (how the peer has to)",
            )
            .fix(MIXED);
    }
    let mut side = |name: &str, section| {
        let Some(item) = auth.entries.get(name) else {
            reader.missing(auth, name, MIXED);
            return None;
        };
        reader.table(auth, name, item, section)
    };
    let local = side("local", Section::AuthLocal);
    let remote = side("remote", Section::AuthRemote);
    let own = local.and_then(|table| own(reader, &table));
    let peer = remote.and_then(|table| peer(reader, &table));
    Some((own?, peer?))
}

fn own(reader: &mut Reader<'_>, local: &Table<'_>) -> Option<OwnFiles> {
    let has = |name: &str| local.entries.contains_key(name);
    match (has("psk_file"), has("cert"), has("key")) {
        (true, false, false) => path(reader, local, "psk_file").map(OwnFiles::Psk),
        (true, ..) => two_ways(reader, local),
        (false, true, _) => certificates(reader, local),
        (false, false, true) => own_key(reader, local),
        (false, false, false) => {
            reader.missing(
                local,
                "cert",
                "local = { cert = \"west.pem\", key = \"west.key\" }",
            );
            None
        }
    }
}

fn peer(reader: &mut Reader<'_>, remote: &Table<'_>) -> Option<PeerFiles> {
    let has = |name: &str| remote.entries.contains_key(name);
    let certificates = has("ca") || has("crl") || has("revocation");
    match (has("psk_file"), certificates, has("public_key")) {
        (true, false, false) => path(reader, remote, "psk_file").map(PeerFiles::Psk),
        (false, true, false) => authorities(reader, remote),
        (false, false, true) => paths(reader, remote, "public_key").map(PeerFiles::PublicKeys),
        (false, false, false) => {
            reader.missing(remote, "ca", "remote = { ca = [\"ca.pem\"] }");
            None
        }
        _ => two_ways(reader, remote),
    }
}

fn two_ways<T>(reader: &mut Reader<'_>, side: &Table<'_>) -> Option<T> {
    let found: Vec<&str> = side.entries.iter().map(|(k, _)| k).collect();
    reader
        .error(
            "auth-ways",
            &side.at(),
            "one side can't authenticate in two ways at once",
        )
        .found(found.join(", "))
        .expected("psk_file alone, or a certificate, or a public key")
        .fix(MIXED);
    None
}

/// `cert` and `key`, one of each or as many.
fn certificates(reader: &mut Reader<'_>, table: &Table<'_>) -> Option<OwnFiles> {
    for name in ["cert", "key"] {
        if !table.entries.contains_key(name) {
            reader.missing(table, name, CERTIFICATES);
        }
    }
    let certificates = paths(reader, table, "cert");
    let keys = paths(reader, table, "key");
    let (certificates, keys) = (certificates?, keys?);
    if certificates.len() != keys.len() {
        reader
            .error(
                "cert-without-key",
                &table.at_value("key"),
                "each certificate needs its key, and each key its certificate",
            )
            .found(format!(
                "{} in `cert`, {} in `key`",
                certificates.len(),
                keys.len()
            ))
            .expected("as many keys as certificates, in the same order")
            .fix("cert = [\"west-rsa.pem\", \"west-ec.pem\"], key = [\"west-rsa.key\", \"west-ec.key\"]");
        return None;
    }
    Some(OwnFiles::Certificates(
        certificates.into_iter().zip(keys).collect(),
    ))
}

fn own_key(reader: &mut Reader<'_>, table: &Table<'_>) -> Option<OwnFiles> {
    if !table.entries.contains_key("key") {
        reader.missing(table, "key", "key = \"west.key\"");
    }
    path(reader, table, "key").map(OwnFiles::Key)
}

fn authorities(reader: &mut Reader<'_>, table: &Table<'_>) -> Option<PeerFiles> {
    if !table.entries.contains_key("ca") {
        reader.missing(table, "ca", "ca = [\"ca.pem\"]");
    }
    let revocation = revocation(reader, table);
    let crls = match table.entries.contains_key("crl") {
        true => paths(reader, table, "crl")?,
        false => Vec::new(),
    };
    Some(PeerFiles::Authorities {
        cas: paths(reader, table, "ca")?,
        crls,
        revocation,
    })
}

fn revocation(reader: &mut Reader<'_>, table: &Table<'_>) -> Revocation {
    const WORDS: [(&str, Revocation); 3] = [
        ("strict", Revocation::Strict),
        ("ifuri", Revocation::IfUri),
        ("relaxed", Revocation::Relaxed),
    ];
    let Some(word) = reader.word(table, "revocation") else {
        return Revocation::default();
    };
    if let Some((_, found)) = WORDS.iter().find(|(name, _)| *name == word.text) {
        return *found;
    }
    let near = did_you_mean(word.text, WORDS.iter().map(|(name, _)| *name));
    reader
        .error(
            "unknown-word",
            &word.at,
            format!(
                "`{}` is no way to treat revocation",
                word.text.escape_debug()
            ),
        )
        .expected("\"strict\", \"ifuri\" or \"relaxed\"")
        .fix(format!("revocation = \"{}\"", near.unwrap_or("relaxed")));
    Revocation::default()
}

fn path(reader: &mut Reader<'_>, table: &Table<'_>, name: &str) -> Option<PathBuf> {
    let word = reader.word(table, name)?;
    file(reader, table, name, word)
}

fn paths(reader: &mut Reader<'_>, table: &Table<'_>, name: &str) -> Option<Vec<PathBuf>> {
    let words = reader.words(table, name)?;
    let many = words.len();
    let read: Vec<PathBuf> = words
        .into_iter()
        .filter_map(|word| file(reader, table, name, word))
        .collect();
    (many > 0 && read.len() == many).then_some(read)
}

fn file(
    reader: &mut Reader<'_>,
    table: &Table<'_>,
    name: &str,
    word: crate::adit::reader::Word<'_>,
) -> Option<PathBuf> {
    if !word.text.trim().is_empty() && !word.text.contains('\0') {
        return Some(PathBuf::from(word.text));
    }
    let example = crate::adit::keys::find(table.section, name).map_or("", |k| k.example);
    reader
        .error("bad-path", &word.at, format!("`{name}` names no file"))
        .expected("the path of a file, relative to this one")
        .fix(format!("{name} = {example}"));
    None
}
