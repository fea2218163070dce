//! `auth = { psk_file = "office.psk" }`.

use std::path::PathBuf;

use crate::adit::keys::Section;
use crate::adit::reader::{Reader, Table};
use crate::redact::is_secret_key;

/// Ways to authenticate that other configurations know and that Adit doesn't carry out yet.
const LATER: [&str; 6] = ["cert", "key", "ca", "eap", "pubkey", "certs"];

/// Reads how a tunnel authenticates: the file of its key.
pub(super) fn read(reader: &mut Reader<'_>, tunnel: &Table<'_>) -> Option<PathBuf> {
    let Some(item) = tunnel.entries.get("auth") else {
        // An inline secret beside it was complained about already, with the same fix.
        if !tunnel.entries.iter().any(|(k, _)| is_secret_key(k)) {
            reader.missing(tunnel, "auth", "auth = { psk_file = \"office.psk\" }");
        }
        return None;
    };
    if item.is_str() {
        reader.inline_secret(&tunnel.at_key("auth"));
        return None;
    }
    let at = tunnel.at_key("auth");
    let Some(entries) = item.as_table_like() else {
        reader.wrong_type(
            Section::Tunnel,
            "auth",
            &tunnel.at_value("auth"),
            item.type_name().to_owned(),
        );
        return None;
    };
    let auth = Table {
        section: Section::Auth,
        path: at.key,
        span: at.span,
        entries,
    };
    let later: Vec<&str> = entries
        .iter()
        .map(|(k, _)| k)
        .filter(|k| LATER.contains(k))
        .collect();
    if let Some(first) = later.first() {
        reader
            .error(
                "unsupported-auth",
                &auth.at_key(first),
                "certificates aren't supported yet",
            )
            .found(later.join(", "))
            .expected("psk_file")
            .fix("auth = { psk_file = \"office.psk\" }");
        return None;
    }
    let secrets = entries
        .iter()
        .any(|(k, _)| is_secret_key(k) && k != "psk_file");
    reader.known_keys(&auth);
    let Some(word) = reader.word(&auth, "psk_file") else {
        if !secrets && !entries.contains_key("psk_file") {
            reader.missing(&auth, "psk_file", "auth = { psk_file = \"office.psk\" }");
        }
        return None;
    };
    if word.text.trim().is_empty() || word.text.contains('\0') {
        reader
            .error("bad-path", &word.at, "`psk_file` names no file")
            .expected("the path of a file, relative to this one")
            .fix("psk_file = \"office.psk\"");
        return None;
    }
    Some(PathBuf::from(word.text))
}
