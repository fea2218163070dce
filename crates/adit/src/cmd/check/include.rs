//! What a configuration includes, put in its place.

use std::path::{Path, PathBuf};

use adit_evidence::{TextPart, include_of};

use super::around::{Around, bounded};

/// Files that include files.
const DEEPEST: usize = 8;
/// More files aren't read.
const MOST: usize = 256;

/// A configuration with what it includes.
#[derive(Debug, Default)]
pub struct Expanded {
    /// Its pieces, in their order.
    pub parts: Vec<TextPart>,
    /// Includes that weren't read: something is missing, and what isn't there can't be judged.
    pub unread: Vec<String>,
    files: usize,
}

/// A text whose includes can't be looked for.
pub fn alone(name: &str, octets: &[u8]) -> Expanded {
    let text = String::from_utf8_lossy(octets);
    Expanded {
        unread: text
            .lines()
            .filter_map(include_of)
            .map(ToOwned::to_owned)
            .collect(),
        parts: vec![TextPart {
            name: name.to_owned(),
            first_line: 1,
            text: octets.to_vec(),
        }],
        files: 0,
    }
}

/// Reads what `octets` of the file `path` includes.
pub fn expand(
    path: &Path,
    name: &str,
    octets: &[u8],
    around: &Around,
    root: Option<&Path>,
) -> Expanded {
    let mut out = Expanded::default();
    let mut open = vec![path.to_owned()];
    walk(name, octets, around, root, &mut open, &mut out);
    out
}

fn walk(
    name: &str,
    octets: &[u8],
    around: &Around,
    root: Option<&Path>,
    open: &mut Vec<PathBuf>,
    out: &mut Expanded,
) {
    let mut part = TextPart {
        name: name.to_owned(),
        first_line: 1,
        text: Vec::new(),
    };
    for (line, number) in octets.split_inclusive(|o| *o == b'\n').zip(1u64..) {
        let text = String::from_utf8_lossy(line);
        let Some(pattern) = include_of(&text) else {
            part.text.extend_from_slice(line);
            continue;
        };
        let found = around
            .matching(pattern)
            .filter(|_| open.len() < DEEPEST && out.files < MOST);
        let Some(found) = found else {
            out.unread.push(pattern.to_owned());
            // The reader says that a part is missing.
            part.text.extend_from_slice(line);
            continue;
        };
        let before = core::mem::replace(
            &mut part,
            TextPart {
                name: name.to_owned(),
                first_line: number + 1,
                text: Vec::new(),
            },
        );
        out.parts.push(before);
        for file in found {
            if open.contains(&file) {
                continue;
            }
            match bounded(&file) {
                Ok(octets) => {
                    out.files += 1;
                    open.push(file.clone());
                    let inner = Around::of(&file, root);
                    let shown = file.display().to_string();
                    walk(&shown, &octets, &inner, root, open, out);
                    open.pop();
                }
                Err(error) => out.unread.push(format!("{}: {error}", file.display())),
            }
        }
    }
    out.parts.push(part);
}
