//! `ppk = { id = "office-2030", file = "office.ppk", required = true }`.

use std::path::PathBuf;

use adit_model::connection::Ppk;

use crate::adit::keys::Section;
use crate::adit::reader::{Reader, Table};

/// Reads a tunnel's post-quantum pre-shared key: its name, and the file that holds it.
pub(super) fn read(reader: &mut Reader<'_>, tunnel: &Table<'_>) -> Option<(Ppk, PathBuf)> {
    let item = tunnel.entries.get("ppk")?;
    if item.is_str() {
        reader.inline_secret(&tunnel.at_key("ppk"));
        return None;
    }
    let table = reader.table(tunnel, "ppk", item, Section::Ppk)?;
    let required = reader.flag(&table, "required", true);
    for (name, example) in [("id", "office-2030"), ("file", "office.ppk")] {
        if !table.entries.contains_key(name) {
            reader.missing(&table, name, &format!("{name} = \"{example}\""));
        }
    }
    let (id, file) = (reader.word(&table, "id"), reader.word(&table, "file"));
    let (id, file) = (id?, file?);
    if id.text.trim().is_empty() || id.text.len() > LONGEST_ID {
        reader
            .error("bad-ppk-id", &id.at, "`id` is no name of a key")
            .found(format!("{} octets", id.text.len()))
            .expected(format!("1 to {LONGEST_ID} octets, the same as at the peer"))
            .fix("id = \"office-2030\"");
        return None;
    }
    if file.text.trim().is_empty() || file.text.contains('\0') {
        reader
            .error("bad-path", &file.at, "`file` names no file")
            .expected("the path of a file, relative to this one")
            .fix("file = \"office.ppk\"");
        return None;
    }
    let ppk = Ppk {
        id: id.text.to_owned(),
        required,
    };
    Some((ppk, PathBuf::from(file.text)))
}

/// Octets of the longest name: it travels in IKE_AUTH.
const LONGEST_ID: usize = 255;
