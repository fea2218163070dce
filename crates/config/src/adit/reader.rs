//! Takes tables apart, and collects what is wrong with them.

use core::ops::Range;

use adit_model::text::did_you_mean;
use toml_edit::{Item, TableLike, Value};

use crate::adit::keys::{self, Section};
use crate::diagnostic::{Diagnostic, Severity, Text};
use crate::redact::is_secret_key;

/// Collects diagnostics about one text.
pub(super) struct Reader<'a> {
    pub(super) text: &'a Text<'a>,
    diagnostics: Vec<Diagnostic>,
}

/// A table with its place.
#[derive(Clone)]
pub(super) struct Table<'t> {
    pub(super) section: Section,
    /// Path of the table, such as `tunnel.office`; empty for the root.
    pub(super) path: String,
    /// Place of its header.
    pub(super) span: Range<usize>,
    pub(super) entries: &'t dyn TableLike,
}

/// A place to complain about.
#[derive(Clone, Debug)]
pub(super) struct At {
    pub(super) key: String,
    pub(super) span: Range<usize>,
}

/// A value with its place.
pub(super) struct Found<'t> {
    pub(super) at: At,
    pub(super) value: &'t Value,
}

/// A text value with its place.
pub(super) struct Word<'t> {
    pub(super) at: At,
    pub(super) text: &'t str,
}

impl Table<'_> {
    /// The place of the whole table.
    pub(super) fn at(&self) -> At {
        At {
            key: self.path.clone(),
            span: self.span.clone(),
        }
    }

    /// The place of one of its keys; that of the table where the key isn't there.
    pub(super) fn at_key(&self, name: &str) -> At {
        At {
            key: self.join(name),
            span: self
                .entries
                .key(name)
                .and_then(toml_edit::Key::span)
                .unwrap_or_else(|| self.span.clone()),
        }
    }

    /// The place of one of its values; that of the table where the key isn't there.
    pub(super) fn at_value(&self, name: &str) -> At {
        At {
            key: self.join(name),
            span: self
                .entries
                .get(name)
                .and_then(Item::span)
                .unwrap_or_else(|| self.at_key(name).span),
        }
    }

    fn join(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a Text<'a>) -> Self {
        Self {
            text,
            diagnostics: Vec::new(),
        }
    }

    pub(super) fn finish(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    pub(super) fn report(
        &mut self,
        severity: Severity,
        code: &'static str,
        at: &At,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let d = self
            .text
            .diagnostic(severity, code, at.span.clone(), &at.key, message.into());
        let index = self.diagnostics.len();
        self.diagnostics.push(d);
        &mut self.diagnostics[index]
    }

    pub(super) fn error(
        &mut self,
        code: &'static str,
        at: &At,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.report(Severity::Error, code, at, message)
    }

    /// The table `name` of `parent`, whose own keys are then checked against the table of keys.
    pub(super) fn table<'t>(
        &mut self,
        parent: &Table<'t>,
        name: &str,
        item: &'t Item,
        section: Section,
    ) -> Option<Table<'t>> {
        let at = parent.at_key(name);
        let Some(entries) = item.as_table_like() else {
            let found = describe(item);
            self.error(
                "wrong-type",
                &parent.at_value(name),
                format!("`{}` must be a table", at.key),
            )
            .found(found)
            .expected("a table");
            return None;
        };
        let table = Table {
            section,
            path: at.key,
            span: at.span,
            entries,
        };
        self.known_keys(&table);
        Some(table)
    }

    /// The tables by name that are the value of `name`, such as `[tunnel.*]`; complains when there is none.
    pub(super) fn named_tables<'t>(
        &mut self,
        parent: &Table<'t>,
        name: &str,
        section: Section,
    ) -> Vec<(&'t str, Table<'t>)> {
        let Some(item) = parent.entries.get(name) else {
            return Vec::new();
        };
        if item.is_array_of_tables() {
            self.error(
                "wrong-type",
                &parent.at_key(name),
                format!("`{name}` tables have a name each"),
            )
            .found(format!("[[{name}]]"))
            .expected("a table by name")
            .fix(keys::find(parent.section, name).map_or("", |k| k.example));
            return Vec::new();
        }
        let Some(entries) = item.as_table_like() else {
            self.error(
                "wrong-type",
                &parent.at_value(name),
                format!("`{name}` must be a table of tables by name"),
            )
            .found(describe(item))
            .expected("tables by name")
            .fix(keys::find(parent.section, name).map_or("", |k| k.example));
            return Vec::new();
        };
        let holder = Table {
            section: parent.section,
            path: parent.at_key(name).key,
            span: parent.at_key(name).span,
            entries,
        };
        let mut out = Vec::new();
        for (key, item) in entries.iter() {
            if !good_name(key) {
                self.error(
                    "bad-name",
                    &holder.at_key(key),
                    format!("`{}` isn't a good name", key.escape_debug()),
                )
                .expected(
                    "letters, digits, `-` and `_`, a letter or digit first, at most 64 of them",
                );
                continue;
            }
            if let Some(table) = self.table(&holder, key, item, section) {
                out.push((key, table));
            }
        }
        out
    }

    /// Complains about every key that the section doesn't have.
    pub(super) fn known_keys(&mut self, table: &Table<'_>) {
        for (name, _) in table.entries.iter() {
            if keys::find(table.section, name).is_some() {
                continue;
            }
            let near = did_you_mean(name, keys::of(table.section).map(|k| k.name));
            let elsewhere = keys::all().find(|k| k.name == name);
            let all: Vec<&str> = keys::of(table.section).map(|k| k.name).collect();
            if is_secret_key(name) {
                self.inline_secret(&table.at_key(name));
                continue;
            }
            if let Some(what) = keys::later(name) {
                self.error(
                    "unsupported",
                    &table.at_key(name),
                    format!("`{name}` isn't supported: {what}"),
                )
                .expected(format!("one of {}", all.join(", ")))
                .fix(format!("# {name}"));
                continue;
            }
            let d = self.error(
                "unknown-key",
                &table.at_key(name),
                format!(
                    "`{}` isn't a key of {}",
                    name.escape_debug(),
                    table.section.noun()
                ),
            );
            d.expected(format!("one of {}", all.join(", ")));
            if let Some(near) = near {
                d.fix(near).note(format!("did you mean `{near}`?"));
            } else if let Some(k) = elsewhere {
                d.note(format!("`{name}` belongs to {}", k.section.title()));
            }
        }
    }

    /// Refuses a key that was written where only the name of its file may stand. Never shows it.
    pub(super) fn inline_secret(&mut self, at: &At) {
        self.error(
            "inline-secret",
            at,
            "a secret doesn't belong into the configuration",
        )
        .expected("the name of a file that holds it")
        .fix("auth = { psk_file = \"office.psk\" }")
        .note(
            "put the key alone into that file and let only its owner read it: chmod 600 office.psk",
        );
    }

    /// The value of a key; `None` when it isn't there, or isn't a value (then it is complained about).
    pub(super) fn value<'t>(&mut self, table: &Table<'t>, name: &str) -> Option<Found<'t>> {
        let item = table.entries.get(name)?;
        let at = table.at_value(name);
        match item.as_value() {
            Some(value) => Some(Found { at, value }),
            None => {
                self.wrong_type(table.section, name, &at, describe(item));
                None
            }
        }
    }

    /// Complains that a value has the wrong type, with what the table of keys says about the right one.
    pub(super) fn wrong_type(&mut self, section: Section, name: &str, at: &At, found: String) {
        let d = self.error(
            "wrong-type",
            at,
            format!("`{name}` has a value of the wrong type"),
        );
        d.found(found);
        if let Some(k) = keys::find(section, name) {
            d.expected(k.takes).fix(format!("{name} = {}", k.example));
        }
    }

    /// The text of a key.
    pub(super) fn word<'t>(&mut self, table: &Table<'t>, name: &str) -> Option<Word<'t>> {
        let found = self.value(table, name)?;
        match found.value.as_str() {
            Some(text) => Some(Word { at: found.at, text }),
            None => {
                let what = describe_value(found.value);
                self.wrong_type(table.section, name, &found.at, what);
                None
            }
        }
    }

    /// The texts of a key that takes a list; a single text is a list of one.
    pub(super) fn words<'t>(&mut self, table: &Table<'t>, name: &str) -> Option<Vec<Word<'t>>> {
        let found = self.value(table, name)?;
        if let Some(text) = found.value.as_str() {
            return Some(vec![Word { at: found.at, text }]);
        }
        let Some(array) = found.value.as_array() else {
            let what = describe_value(found.value);
            self.wrong_type(table.section, name, &found.at, what);
            return None;
        };
        let mut out = Vec::new();
        for value in array {
            let at = At {
                key: found.at.key.clone(),
                span: value.span().unwrap_or_else(|| found.at.span.clone()),
            };
            match value.as_str() {
                Some(text) => out.push(Word { at, text }),
                None => self.wrong_type(table.section, name, &at, describe_value(value)),
            }
        }
        if array.is_empty() {
            let d = self.error("empty-list", &found.at, format!("`{name}` is empty"));
            if let Some(k) = keys::find(table.section, name) {
                d.expected(k.takes).fix(format!("{name} = {}", k.example));
            }
        }
        Some(out)
    }

    /// A yes or no, with its default.
    pub(super) fn flag(&mut self, table: &Table<'_>, name: &str, default: bool) -> bool {
        let Some(found) = self.value(table, name) else {
            return default;
        };
        found.value.as_bool().unwrap_or_else(|| {
            let what = describe_value(found.value);
            self.wrong_type(table.section, name, &found.at, what);
            default
        })
    }

    /// A whole number within bounds, with its default.
    pub(super) fn number(
        &mut self,
        table: &Table<'_>,
        name: &str,
        bounds: core::ops::RangeInclusive<u32>,
        default: u32,
    ) -> u32 {
        let Some(found) = self.value(table, name) else {
            return default;
        };
        let Some(number) = found.value.as_integer() else {
            let what = describe_value(found.value);
            self.wrong_type(table.section, name, &found.at, what);
            return default;
        };
        match u32::try_from(number) {
            Ok(n) if bounds.contains(&n) => n,
            _ => {
                self.error(
                    "out-of-range",
                    &found.at,
                    format!("`{name}` is out of range"),
                )
                .found(number)
                .expected(format!(
                    "a number from {} to {}",
                    bounds.start(),
                    bounds.end()
                ))
                .fix(format!("{name} = {default}"));
                default
            }
        }
    }

    /// A count without an upper limit; 0, which is none, when it isn't written.
    pub(super) fn count(&mut self, table: &Table<'_>, name: &str, least: u64) -> u64 {
        let Some(found) = self.value(table, name) else {
            return 0;
        };
        let Some(number) = found.value.as_integer() else {
            let what = describe_value(found.value);
            self.wrong_type(table.section, name, &found.at, what);
            return 0;
        };
        match u64::try_from(number) {
            Ok(n) if n >= least => n,
            _ => {
                self.error(
                    "out-of-range",
                    &found.at,
                    format!("`{name}` is out of range"),
                )
                .found(number)
                .expected(format!("a number from {least} on"))
                .fix(format!("{name} = {least}"));
                0
            }
        }
    }

    /// A UDP port, with its default.
    pub(super) fn port(&mut self, table: &Table<'_>, name: &str, default: u16) -> u16 {
        u16::try_from(self.number(table, name, 1..=65535, u32::from(default))).unwrap_or(default)
    }

    /// Complains that a key must be written, with an example to copy.
    pub(super) fn missing(&mut self, table: &Table<'_>, name: &str, fix: &str) {
        let meaning = keys::find(table.section, name).map_or("", |k| k.meaning);
        self.error(
            "missing-key",
            &table.at(),
            format!("`{}` is missing from `{}`", name, table.path),
        )
        .expected(meaning)
        .fix(fix);
    }
}

fn good_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn describe(item: &Item) -> String {
    match item {
        Item::Value(value) => describe_value(value),
        Item::ArrayOfTables(_) => "an array of tables".to_owned(),
        Item::Table(_) => "a table".to_owned(),
        Item::None => "nothing".to_owned(),
    }
}

/// The type of a value. Never the value: it may be a secret in the wrong place, and the source line shows it anyway.
pub(super) fn describe_value(value: &Value) -> String {
    let name = value.type_name();
    let article = if name.starts_with(['a', 'i']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {name}")
}
