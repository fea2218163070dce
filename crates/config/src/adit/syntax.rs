//! From text to a TOML document, past more than one syntax error.

use core::ops::Range;

use toml_edit::{Document, Item};

use crate::adit::reader::{At, Reader};

/// More syntax errors than this are not looked for: the text isn't TOML.
const MAX_ERRORS: usize = 20;

/// Reads the document, or reports why it can't be. A line with a syntax error is blanked and the rest read again, so
/// that one look shows all of them.
pub(super) fn document(reader: &mut Reader<'_>) -> Option<Document<String>> {
    let raw = reader.text.raw;
    let mut text = raw.to_owned();
    let mut last = None;
    for errors in 0..MAX_ERRORS {
        let error = match Document::parse(text.clone()) {
            Ok(document) => return (errors == 0).then_some(document),
            Err(error) => error,
        };
        let span = error.span().unwrap_or(0..0);
        let line = line_of(raw, span.start);
        // A second complaint about a line that is already blank is about its absence.
        if last == Some(line.clone()) {
            break;
        }
        report(reader, error.message(), span, errors == 0);
        // A table that may not be there takes its keys along.
        let end = if raw.get(line.clone()).is_some_and(header) {
            section_end(raw, line.end)
        } else {
            line.end
        };
        blank(&mut text, line.start..end);
        last = Some(line);
    }
    None
}

fn report(reader: &mut Reader<'_>, message: &str, span: Range<usize>, first: bool) {
    let raw = reader.text.raw;
    let at = At {
        key: String::new(),
        span,
    };
    let duplicate = message.contains("duplicate key");
    let line = raw
        .get(line_of(raw, at.span.start))
        .unwrap_or_default()
        .trim();
    let (code, text) = if duplicate {
        ("duplicate-key", "this was already written above".to_owned())
    } else {
        ("syntax", format!("this isn't TOML: {}", message.trim()))
    };
    let d = reader.error(code, &at, text);
    if duplicate {
        d.note("tunnels of a file, and children of a tunnel, need different names");
    } else if first && (raw.contains("connections {") || raw.contains("connections{")) {
        d.note("this looks like a swanctl.conf, which isn't read yet");
    } else if first && raw.lines().any(|l| l.starts_with("conn ")) {
        d.note("this looks like an ipsec.conf, which isn't read yet");
    } else if let Some(fix) = quoted(line) {
        d.expected("texts in quotes").fix(fix);
    }
}

/// `remote = 192.168.0.2` with its quotes, when those are all that is missing. Never for what may be a secret.
fn quoted(line: &str) -> Option<String> {
    let (key, value) = line.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    let plain = |t: &str, also: &str| {
        !t.is_empty()
            && t.chars()
                .all(|c| c.is_ascii_alphanumeric() || also.contains(c))
    };
    (plain(key, "_-") && plain(value, ".:/-@_") && crate::redact::redact(line) == line)
        .then(|| format!("{key} = \"{value}\""))
}

fn line_of(text: &str, at: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let at = at.min(bytes.len());
    // An error at the end of the text, after the last line break, belongs to the last line.
    let start = bytes
        .iter()
        .take(at)
        .rposition(|b| *b == b'\n')
        .map_or(0, |p| p + 1);
    let end = bytes
        .iter()
        .skip(at)
        .position(|b| *b == b'\n')
        .map_or(bytes.len(), |p| at + p);
    start..end
}

fn header(line: &str) -> bool {
    line.trim_start().starts_with('[')
}

/// Where the next table begins.
fn section_end(text: &str, from: usize) -> usize {
    let mut at = from;
    for line in text.get(from..).unwrap_or_default().split_inclusive('\n') {
        if header(line) {
            break;
        }
        at += line.len();
    }
    at
}

/// Puts a space in the place of every octet, so that the places of all others stay.
fn blank(text: &mut String, range: Range<usize>) {
    let spaces: Option<String> = text.get(range.clone()).map(|part| {
        part.bytes()
            .map(|b| if b == b'\n' { '\n' } else { ' ' })
            .collect()
    });
    if let Some(spaces) = spaces {
        text.replace_range(range, &spaces);
    }
}

/// The span of the value of a dotted path, or of the longest part of the path that exists.
pub(super) fn locate(text: &str, path: &str) -> Option<Range<usize>> {
    let document = Document::parse(text).ok()?;
    let mut item: &Item = document.as_item();
    let mut span = None;
    for part in path.split('.') {
        let Some(table) = item.as_table_like() else {
            break;
        };
        let Some((key, next)) = table.get_key_value(part) else {
            break;
        };
        span = match next {
            Item::Value(value) => value.span().or(key.span()),
            _ => key.span(),
        };
        item = next;
    }
    span
}
