//! Documents: every text in them, and no word of their own vocabulary.

use serde_json::Value;

use super::name::{is_host, is_label};
use super::scan::address;
use super::{Kind, Pseudonyms};

/// Whose values are identities or names, whatever they look like.
const NAMED: [&str; 13] = [
    "claimed",
    "eap_id",
    "hostname",
    "id",
    "identity",
    "local_id",
    "names",
    "nodename",
    "ours",
    "remote_id",
    "requested",
    "user",
    "username",
];

/// Whose values may be one of those.
const ALSO: [&str; 6] = ["peer", "local", "remote", "received", "expected", "name"];

/// Where in a field that is more than a text its value stands.
const VALUES: [&str; 4] = ["is", "like", "name", "value"];

/// Words that stand in such places and name nobody.
const NOBODY: [&str; 6] = ["any", "%any", "none", "initiator", "responder", "*"];

impl Pseudonyms {
    /// Learns the names that a document says are identities.
    pub fn learn(&mut self, document: &Value) {
        match document {
            Value::Object(fields) => {
                for (key, value) in fields {
                    if NAMED.contains(&key.as_str()) {
                        self.learn_names(value);
                    }
                    self.learn(value);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            _ => {}
        }
    }

    fn learn_names(&mut self, value: &Value) {
        match value {
            Value::String(name) if !NOBODY.contains(&name.as_str()) => {
                // What a text is searched for by its shape need not be known, and `@` only forces a type.
                let name = name.strip_prefix('@').unwrap_or(name);
                let name = name.strip_prefix("keyid:").unwrap_or(name);
                if is_word(name) || name.contains('=') || !has_shape(name) {
                    self.know(name, Kind::Identity);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.learn_names(item)),
            Value::Object(fields) => {
                let values = fields
                    .iter()
                    .filter(|(key, _)| VALUES.contains(&key.as_str()));
                values.for_each(|(_, item)| self.learn_names(item));
            }
            _ => {}
        }
    }

    /// Replaces values in every text of a document. Words of the document's vocabulary (kinds, states, names of fields)
    /// stay, so that it can still be read.
    pub fn document(&mut self, document: &mut Value) {
        self.field("", document);
    }

    fn field(&mut self, key: &str, value: &mut Value) {
        match value {
            Value::String(text) => {
                let named = NAMED.contains(&key);
                if named && text.contains('=') {
                    *text = self.whole_subject(text);
                } else if named || !is_word(text) || ALSO.contains(&key) {
                    *text = self.text(text);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.field(key, item)),
            Value::Object(fields) => {
                let taken = std::mem::take(fields);
                for (name, mut value) in taken {
                    // Values by address or name.
                    let new = if is_word(&name) {
                        name.clone()
                    } else {
                        self.text(&name)
                    };
                    let value_of = NAMED.contains(&key) && VALUES.contains(&name.as_str());
                    let inner = if value_of { key } else { &name };
                    self.field(inner, &mut value);
                    fields.insert(new, value);
                }
            }
            _ => {}
        }
    }
}

/// Whether a text shows of itself that it has to be replaced, all of it.
fn has_shape(name: &str) -> bool {
    let host = name.rsplit_once('@').map_or(name, |(_, host)| host);
    let plain = |c: char| is_label(c) || matches!(c, '.' | '*' | '@' | '+');
    address(name).is_some()
        || name.starts_with('[')
        || name.starts_with("id:")
        || (is_host(host) && name.chars().all(plain))
}

/// One word, as documents' own vocabulary has them.
fn is_word(text: &str) -> bool {
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}
