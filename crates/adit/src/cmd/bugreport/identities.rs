//! Identities in the text of a configuration, also of one with errors, of which nothing else is read.
//!
//! It knows just enough of TOML: comments, the four kinds of quotes, keys, and which value belongs to which key.

/// The values of all keys that name somebody, at any depth and in comments too; with escapes as they are written, and
/// read.
pub fn identities(text: &str) -> Vec<String> {
    let mut found = Found::default();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        let begins = found.run.is_empty() || found.run.ends_with([' ', '\t', '.']);
        rest = match first {
            '"' | '\'' if begins => {
                let (value, behind) = quoted(rest, first);
                found.text(value, first == '"');
                behind
            }
            '#' => {
                let (comment, behind) = after.split_at(after.find('\n').unwrap_or(after.len()));
                found.ends();
                found.names.extend(identities(comment));
                behind
            }
            _ => {
                found.mark(first);
                after
            }
        };
    }
    found.ends();
    found.names
}

#[derive(Default)]
struct Found {
    names: Vec<String>,
    /// What stands without quotes since the last mark.
    run: String,
    /// Values in quotes since the last mark: a key, if `=` follows.
    held: Vec<String>,
    /// To which key a value belongs.
    key: String,
    /// Brackets that are open since the key.
    depth: usize,
    /// A line has ended since the key.
    later: bool,
}

impl Found {
    fn text(&mut self, value: &str, escapes: bool) {
        // `remote_id: "…"`.
        if let Some(key) = self.run.trim().strip_suffix(':') {
            self.key = key.to_owned();
            self.run.clear();
        }
        // The first part of a key whose next one is in quotes.
        if self.run.ends_with('.') {
            self.run.clear();
        }
        self.held.clear();
        self.held.push(value.to_owned());
        if escapes && value.contains('\\') {
            self.held.push(unescaped(value));
        }
    }

    fn mark(&mut self, mark: char) {
        match mark {
            '=' => {
                let run = std::mem::take(&mut self.run);
                let bare = run.split_whitespace().next_back().map(ToOwned::to_owned);
                self.key = bare.or_else(|| self.held.pop()).unwrap_or_default();
                self.held.clear();
                (self.depth, self.later) = (0, false);
            }
            '[' | '{' => {
                self.ends();
                self.depth += 1;
            }
            ']' | '}' => {
                self.ends();
                self.depth = self.depth.saturating_sub(1);
            }
            ',' => self.ends(),
            '\n' => {
                self.ends();
                self.later = true;
                if self.depth == 0 {
                    self.key.clear();
                }
            }
            other => self.run.push(other),
        }
    }

    /// A value has ended, if there was one.
    fn ends(&mut self) {
        let held = std::mem::take(&mut self.held);
        let run = std::mem::take(&mut self.run);
        let run = run.trim();
        if names_somebody(&self.key) {
            self.names.extend(held);
            // Behind an array that isn't closed stands anything.
            if !self.later && !run.is_empty() && !is_number(run) {
                self.names.push(run.to_owned());
            }
        } else if names_host(&self.key) {
            // Not of selectors, which have ports and protocols.
            let host = |name: &String| !name.contains(['/', ':']);
            self.names.extend(held.into_iter().filter(host));
        }
    }
}

/// What is in quotes at the beginning, and what follows. Without its end a value ends with its line, or, in three marks,
/// with the text.
fn quoted(text: &str, mark: char) -> (&str, &str) {
    let (one, three) = if mark == '"' {
        ("\"", "\"\"\"")
    } else {
        ("'", "'''")
    };
    let end = if text.starts_with(three) { three } else { one };
    let inner = text.get(end.len()..).unwrap_or_default();
    let mut escaped = false;
    for (at, c) in inner.char_indices() {
        let here = inner.get(at..).unwrap_or_default();
        if !escaped && here.starts_with(end) {
            let behind = here.get(end.len()..).unwrap_or_default();
            return (inner.get(..at).unwrap_or_default(), behind);
        }
        if c == '\n' && end.len() == 1 {
            return inner.split_at(at);
        }
        escaped = mark == '"' && c == '\\' && !escaped;
    }
    (inner, "")
}

/// A value with its escapes read, as far as they are known.
fn unescaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let digits = match chars.next() {
            Some('u') => 4,
            Some('U') => 8,
            Some('x') => 2,
            other => {
                out.extend(other);
                continue;
            }
        };
        let hex: String = chars.by_ref().take(digits).collect();
        let number = u32::from_str_radix(&hex, 16).ok();
        out.extend(number.and_then(char::from_u32));
    }
    out
}

/// The last part of a key: `auth.eap_id` is an `eap_id`.
fn last(key: &str) -> String {
    let last = key.rsplit('.').next().unwrap_or_default();
    last.trim().to_ascii_lowercase()
}

/// Whether the values of a key are identities, also of one that is written wrong.
fn names_somebody(key: &str) -> bool {
    let key = last(key);
    let known = ["identit", "user", "hostname"]
        .iter()
        .any(|word| key.contains(word));
    key != "if_id" && (known || key.ends_with("id") || key.ends_with("ids"))
}

/// Whether the values of a key are hosts or their addresses.
fn names_host(key: &str) -> bool {
    matches!(last(key).as_str(), "remote" | "peer")
}

fn is_number(word: &str) -> bool {
    let digits = word.replace('_', "");
    let hex = digits
        .strip_prefix("0x")
        .is_some_and(|hex| u64::from_str_radix(hex, 16).is_ok());
    hex || digits.parse::<f64>().is_ok() || matches!(word, "true" | "false")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        for text in [
            "local_id = \"acme-hq\"   # head office",
            "local_id = 'acme-hq' # it's \"here\"",
            "\"remote_id\" = \"acme-hq\"",
            "'remote_id' = 'acme-hq'",
            "remote_id = \"\"\"acme-hq\"\"\"",
            "remote_id = '''acme-hq'''",
            "auth = { eap_id = \"acme-hq\", psk_file = \"x\" }",
            "auth = { local = { psk_file = \"}\", id = 'acme-hq' } }",
            "auth.\"eap_id\" = 'acme-hq'",
            "a = \"\"\"\nremote_id = 'no'\n\"\"\"\nremote_id = 'acme-hq'",
            "remote_id = [\n  'any', # both\n  \"acme-hq\",\n]",
            "# remote_id = \"acme-hq\"",
            "remote_id = acme-hq",
            "remote_id = [ acme-hq",
            "remote_id: 'acme-hq'",
            "remote_id = \"acme-hq\nlocal = 'any'",
            "[tunnel.x\nremote_id = \"acme-hq\"",
            "remote_id = \"acme\\u002dhq\"",
            "remote = 'acme-hq'",
        ] {
            let found = identities(text);
            assert!(
                found.iter().any(|name| name == "acme-hq"),
                "{text}: {found:?}"
            );
            assert!(!found.iter().any(|name| name == "no"), "{text}: {found:?}");
        }
    }

    #[test]
    fn nothing_else_is() {
        for text in [
            "if_id = 42\nper_id = 2\nvalid = true",
            "psk_file = \"acme\"\nike = ['aes128']",
            "remote_id = [\n[tunnel.office]\n",
            "remote = [\"tcp/443\"]",
        ] {
            assert!(
                identities(text).is_empty(),
                "{text}: {:?}",
                identities(text)
            );
        }
    }
}
