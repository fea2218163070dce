//! Lines that other programs packed up: journals and containers as JSON, trackers and mails as HTML.

use adit_model::now::Wall;

use super::time;

/// A line taken out of its JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unpacked {
    /// When it was written.
    pub(crate) at: Option<Wall>,
    /// Who wrote it.
    pub(crate) program: Option<String>,
    /// The message, with charon's head before it where the object has its parts.
    pub(crate) body: String,
}

/// Unpacks one line of `journalctl -o json`, of a container's JSON log, or of charon's own JSON log.
pub(crate) fn unpack(line: &str, now: Wall) -> Option<Unpacked> {
    let line = line.trim_start().trim_end_matches([',', ' ']);
    if !line.starts_with('{') || !line.ends_with('}') {
        return None;
    }
    let mut fields = Fields(line.get(1..line.len() - 1)?);
    let mut out = Unpacked {
        at: None,
        program: None,
        body: String::new(),
    };
    let (mut thread, mut group, mut name, mut number) = (None, None, None, None);
    let mut message = None;
    while let Some((key, value)) = fields.next() {
        match key.to_ascii_lowercase().as_str() {
            "message" | "msg" | "log" | "line" => message = message.or(Some(value)),
            "syslog_identifier" | "_comm" | "ident" | "programname" => {
                out.program = out.program.or(Some(value));
            }
            "__realtime_timestamp" => {
                out.at = value
                    .parse::<u64>()
                    .ok()
                    .map(|us| Wall(us / 1000))
                    .or(out.at);
            }
            "time" | "timestamp" | "@timestamp" => {
                out.at = out.at.or(time::leading(&value, now).map(|(at, _)| at));
            }
            "thread" => thread = value.parse::<u8>().ok(),
            "group" => group = Some(value),
            "ikesa-name" | "ike_sa_name" => name = Some(value),
            "ikesa-uniqueid" | "ike_sa_unique_id" => number = Some(value),
            _ => {}
        }
    }
    if let Some(group) = group.filter(|g| g.len() == 3) {
        let thread = thread.map_or(String::new(), |t| format!("{t:02}"));
        out.body = format!("{thread}[{group}] ");
        if let Some(number) = number {
            let name = name.map_or(String::new(), |n| format!("{n}|"));
            out.body += &format!("<{name}{number}> ");
        }
    }
    out.body += message?.trim_end();
    Some(out)
}

/// The fields of an object whose values are text or plain words; what is nested ends them.
struct Fields<'a>(&'a str);

impl Fields<'_> {
    fn next(&mut self) -> Option<(String, String)> {
        let rest = self.0.trim_start_matches([' ', ',', '\t']);
        let (key, rest) = string(rest)?;
        let rest = rest.trim_start().strip_prefix(':')?.trim_start();
        let (value, rest) = match string(rest) {
            Some(found) => found,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (word, rest) = rest.split_at(end);
                if word.contains(['[', '{']) {
                    return None;
                }
                (word.trim().to_owned(), rest)
            }
        };
        self.0 = rest;
        Some((key, value))
    }
}

/// A JSON string at the head of `text`, and what follows it.
fn string(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('"')?;
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, text.get(at + 1..)?)),
            '\\' => match chars.next()?.1 {
                'n' | 'r' | 't' => out.push(' '),
                'u' => {
                    let mut code = 0;
                    for _ in 0..4 {
                        code = code * 16 + chars.next()?.1.to_digit(16)?;
                    }
                    out.push(char::from_u32(code).unwrap_or(' '));
                }
                other => out.push(other),
            },
            c => out.push(c),
        }
    }
    None
}

/// The line without tags and with its entities as characters; `None` when there are none.
pub(crate) fn without_markup(line: &str) -> Option<String> {
    let Some(plain) = without_bracket_tags(line) else {
        return without_tags(line);
    };
    without_tags(&plain).or(Some(plain))
}

/// Tags in square brackets, as forums write them: `[COLOR=#ff0000][FAILED][/COLOR]`. Daemons write words in brackets too, so
/// a line is looked at only when a tag ends in it, or begins it.
fn without_bracket_tags(line: &str) -> Option<String> {
    const TAGS: [&str; 14] = [
        "b",
        "i",
        "u",
        "code",
        "color",
        "quote",
        "size",
        "font",
        "url",
        "pre",
        "icode",
        "tt",
        "spoiler",
        "highlight",
    ];
    let bytes = line.as_bytes();
    let closes = |at: usize| bytes.get(at + 1) == Some(&b'/');
    let likely = line.starts_with('[') || memchr::memchr_iter(b'[', bytes).any(closes);
    if !likely {
        return None;
    }
    let tag_end = |text: &str| {
        let rest = text.strip_prefix('[')?;
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let length = rest.find(|c: char| !c.is_ascii_alphabetic())?;
        let (name, after) = rest.split_at(length);
        let is_tag =
            after.starts_with([']', '=']) && TAGS.iter().any(|tag| name.eq_ignore_ascii_case(tag));
        is_tag.then(|| text.find(']').map(|at| at + 1))?
    };
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('[') {
        let (before, tail) = rest.split_at(at);
        out.push_str(before);
        let end = tag_end(tail);
        if end.is_none() {
            out.push('[');
        }
        rest = tail.get(end.unwrap_or(1)..).unwrap_or("");
    }
    out.push_str(rest);
    (out != line).then_some(out)
}

fn without_tags(line: &str) -> Option<String> {
    let bytes = line.as_bytes();
    memchr::memchr2(b'&', b'<', bytes)?;
    let has = |mark: u8| memchr::memchr(mark, bytes).is_some();
    let entities = has(b'&') && has(b';');
    // Behind the last of them no tag ends, and none is looked for.
    let last = memchr::memrchr(b'>', bytes).unwrap_or(0);
    let tags = memchr::memchr_iter(b'<', line.get(..last).unwrap_or("").as_bytes())
        .any(|at| line.get(at..).is_some_and(|rest| tag_end(rest).is_some()));
    if !entities && !tags {
        return None;
    }
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        if c == '<'
            && line.len() - rest.len() < last
            && let Some(end) = tag_end(rest)
        {
            rest = rest.get(end..).unwrap_or("");
            continue;
        }
        if c == '&'
            && let Some((character, end)) = entity(rest)
        {
            out.push(character);
            rest = rest.get(end..).unwrap_or("");
            continue;
        }
        out.push(c);
        rest = rest.get(c.len_utf8()..).unwrap_or("");
    }
    (out != line).then_some(out)
}

/// Tags that trackers and forums put around lines. What charon itself puts in angle brackets is none of them.
const TAGS: [&str; 16] = [
    "p", "br", "span", "div", "pre", "code", "li", "td", "tr", "b", "i", "em", "tt", "strong",
    "font", "a",
];

fn tag_end(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('<').unwrap_or(text);
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let length = rest.find(|c: char| !c.is_ascii_alphabetic())?;
    let (name, after) = rest.split_at(length);
    let is_tag =
        after.starts_with(['>', ' ', '/']) && TAGS.iter().any(|tag| name.eq_ignore_ascii_case(tag));
    is_tag.then(|| text.find('>').map(|at| at + 1))?
}

/// `&#91;`, `&lt;`: the character, and where it ends.
fn entity(text: &str) -> Option<(char, usize)> {
    const LONGEST: usize = 8;
    let end = text
        .char_indices()
        .take(LONGEST)
        .find(|(_, c)| *c == ';')
        .map(|(at, _)| at)?;
    let name = text.get(1..end)?;
    let character = match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        name => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((character, end + 1))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: Wall = Wall(1_795_241_400_000);

    #[test]
    fn lines_come_out_of_json() {
        let journal = unpack(
            r#"{"__REALTIME_TIMESTAMP":"1795241285310000","SYSLOG_IDENTIFIER":"charon","MESSAGE":"09[IKE] no shared key found for 'a' - 'b'"}"#,
            NOW,
        )
        .unwrap();
        assert_eq!(journal.at, Some(Wall(1_795_241_285_310)));
        assert_eq!(journal.program.as_deref(), Some("charon"));
        assert_eq!(journal.body, "09[IKE] no shared key found for 'a' - 'b'");
        let own = unpack(
            r#"{"time":"Nov 21 06:08:05","thread":9,"group":"IKE","level":1,"ikesa-uniqueid":"3","ikesa-name":"gw-b","msg":"say \"hello\" \u003c"}"#,
            NOW,
        )
        .unwrap();
        assert_eq!(own.body, "09[IKE] <gw-b|3> say \"hello\" <");
        let docker = unpack(
            r#"{"log":"05[CFG] loaded\n","stream":"stderr","time":"2026-11-21T06:08:05.3Z"}"#,
            NOW,
        )
        .unwrap();
        assert_eq!(docker.body, "05[CFG] loaded");
        for broken in ["{", "{}", "{\"a\":1", "{\"MESSAGE\":[1,2]}", "plain"] {
            assert_eq!(unpack(broken, NOW), None, "{broken}");
        }
    }

    #[test]
    fn markup_is_taken_off_and_charons_brackets_stay() {
        assert_eq!(
            without_markup(
                "<p>12<span class=\"error\">&#91;IKE&#93;</span> &lt;a|3&gt; x<br/></p>"
            ),
            Some("12[IKE] <a|3> x".to_owned())
        );
        for plain in ["09[IKE] <p2p|3> x", "a && b;", "1 < 2", "x & y"] {
            assert_eq!(without_markup(plain), None, "{plain}");
        }
        let open = "<p ".repeat(1 << 19);
        assert_eq!(without_markup(&open), None);
        assert_eq!(without_markup(&format!("<b>{open}")), Some(open));
    }
}
