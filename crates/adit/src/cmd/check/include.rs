//! What a configuration includes, put in its place.

use std::path::{Path, PathBuf};

use adit_evidence::{TextPart, include_of};

use super::around::{Around, bounded};

/// Files that include files.
const DEEPEST: usize = 8;
/// More files aren't read, and more includes not followed.
const MOST: usize = 256;
/// More octets of all files together aren't read.
const LARGEST: usize = 16 << 20;

/// A configuration with what it includes.
#[derive(Debug, Default)]
pub struct Expanded {
    /// Its pieces, in their order.
    pub parts: Vec<TextPart>,
    /// Includes that weren't read: something is missing, and what isn't there can't be judged.
    pub unread: Vec<String>,
    files: usize,
    followed: usize,
    octets: usize,
}

impl Expanded {
    fn full(&self) -> bool {
        self.files >= MOST || self.octets >= LARGEST
    }
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
        ..Expanded::default()
    }
}

/// Reads what `octets` of the file `path` includes.
pub fn expand(path: &Path, name: &str, octets: &[u8], around: &Around) -> Expanded {
    let mut out = Expanded::default();
    let mut open = vec![path.to_owned()];
    walk(name, octets, around, &mut open, &mut out);
    out
}

fn walk(name: &str, octets: &[u8], around: &Around, open: &mut Vec<PathBuf>, out: &mut Expanded) {
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
        let more = open.len() < DEEPEST && out.followed < MOST && !out.full();
        let found = more.then(|| around.matching(pattern)).flatten();
        out.followed += 1;
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
        for file in &found.outside {
            let shown = file.display();
            out.unread
                .push(format!("{shown}, a link that leads elsewhere"));
        }
        if found.cut > 0 {
            out.unread
                .push(format!("{} more files of {pattern}", found.cut));
        }
        for file in found.files {
            if open.contains(&file) {
                continue;
            }
            if out.full() {
                out.unread.push(file.display().to_string());
                continue;
            }
            match bounded(&file) {
                Ok(octets) => {
                    out.files += 1;
                    out.octets += octets.len();
                    open.push(file.clone());
                    let inner = around.of_included(&file);
                    let shown = file.display().to_string();
                    walk(&shown, &octets, &inner, open, out);
                    open.pop();
                }
                Err(error) => out.unread.push(format!("{}: {error}", file.display())),
            }
        }
    }
    out.parts.push(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pattern_does_not_bring_more_than_all_may() {
        let dir = std::env::temp_dir().join(format!("adit-include-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let config = dir.join("ipsec.conf");
        let around = Around::of(&config, None);
        let expanded = |text: &str| expand(&config, "ipsec.conf", text.as_bytes(), &around);
        std::fs::write(dir.join("a.inc"), vec![b'#'; 1 << 20]).unwrap();
        let large = expanded(&"include a.inc\n".repeat(40));
        assert_eq!((large.files, large.unread.len()), (16, 24));
        for n in 0..200 {
            std::fs::write(dir.join(format!("{n}.conf")), "#").unwrap();
        }
        let many = expanded("include *.conf\ninclude *.conf\n");
        assert_eq!((many.files, many.unread.len()), (MOST, 400 - MOST));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
