//! How long SAs live: the keys of a tunnel and of a child, read and written.

use core::time::Duration;

use adit_model::life::{Action, ChildLife, Childless, Life, Unique, with_margin};

use crate::adit::duration;
use crate::adit::reader::{Reader, Table};
use crate::adit::write::{line, text};

/// Anything shorter is mostly renewal.
const LEAST: Duration = Duration::from_secs(10);
const MONTH: Duration = Duration::from_secs(31 * 24 * 3600);
const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

/// The IKE SA's.
pub(super) fn of_tunnel(reader: &mut Reader<'_>, table: &Table<'_>) -> Life {
    let default = Life::default();
    let (rekey, lifetime) = times(reader, table, default.rekey);
    Life {
        rekey,
        lifetime,
        reauth: duration::of(reader, table, "reauth", (LEAST, YEAR), true, default.reauth),
        make_before_break: reader.flag(table, "make_before_break", default.make_before_break),
        unique: choice(reader, table, "unique", UNIQUE).unwrap_or(default.unique),
        childless: choice(reader, table, "childless", CHILDLESS).unwrap_or(default.childless),
        dpd_action: choice(reader, table, "dpd_action", ACTIONS),
        close_action: choice(reader, table, "close_action", ACTIONS),
        test_rekey: duration::of(
            reader,
            table,
            "test_rekey",
            (Duration::from_secs(1), Duration::from_secs(24 * 3600)),
            true,
            default.test_rekey,
        ),
    }
}

const UNIQUE: &[(&str, Unique)] = &[
    ("replace", Unique::Replace),
    ("keep", Unique::Keep),
    ("never", Unique::Never),
];

const CHILDLESS: &[(&str, Childless)] = &[
    ("allow", Childless::Allow),
    ("prefer", Childless::Prefer),
    ("force", Childless::Force),
    ("never", Childless::Never),
];

const ACTIONS: &[(&str, Action)] = &[
    ("clear", Action::Clear),
    ("restart", Action::Restart),
    ("trap", Action::Trap),
];

/// One of a few words.
pub(super) fn choice<T: Copy>(
    reader: &mut Reader<'_>,
    table: &Table<'_>,
    name: &str,
    words: &[(&str, T)],
) -> Option<T> {
    let word = reader.word(table, name)?;
    let found = words.iter().find(|(text, _)| *text == word.text);
    if found.is_none() {
        let known: Vec<String> = words
            .iter()
            .map(|(text, _)| format!("\"{text}\""))
            .collect();
        let first = words.first().map_or("", |(text, _)| *text);
        reader
            .error(
                "unknown-word",
                &word.at,
                format!(
                    "`{}` is nothing that `{name}` takes",
                    word.text.escape_debug()
                ),
            )
            .expected(known.join(", "))
            .fix(format!("{name} = \"{first}\""));
    }
    found.map(|(_, value)| *value)
}

/// How a word is written.
pub(super) fn word_of<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    let found = words.iter().find(|(_, v)| v == value);
    found.map_or("", |(text, _)| text)
}

/// A child's.
pub(super) fn of_child(reader: &mut Reader<'_>, table: &Table<'_>) -> ChildLife {
    let default = ChildLife::default();
    let (rekey, lifetime) = times(reader, table, default.rekey);
    let life = ChildLife {
        rekey,
        lifetime,
        rekey_bytes: reader.count(table, "rekey_bytes", LEAST_BYTES),
        lifetime_bytes: reader.count(table, "lifetime_bytes", LEAST_BYTES),
        rekey_packets: reader.count(table, "rekey_packets", LEAST_PACKETS),
        lifetime_packets: reader.count(table, "lifetime_packets", LEAST_PACKETS),
        inactivity: duration::of(
            reader,
            table,
            "inactivity",
            (LEAST, MONTH),
            true,
            default.inactivity,
        ),
    };
    for (soft, hard, name) in [
        (life.rekey_bytes, life.lifetime_bytes, "lifetime_bytes"),
        (
            life.rekey_packets,
            life.lifetime_packets,
            "lifetime_packets",
        ),
    ] {
        if hard > 0 && soft >= hard {
            reader
                .error(
                    "short-lifetime",
                    &table.at_value(name),
                    format!("`{name}` is reached before rekeying begins"),
                )
                .found(hard)
                .expected(format!("more than {soft}"))
                .fix(format!("{name} = {}", soft + soft / 10));
        }
    }
    life
}

/// Smaller limits would rekey without end.
const LEAST_BYTES: u64 = 1_000_000;
const LEAST_PACKETS: u64 = 1000;

/// `rekey` and `lifetime`.
fn times(reader: &mut Reader<'_>, table: &Table<'_>, default: Duration) -> (Duration, Duration) {
    let rekey = duration::of(reader, table, "rekey", (LEAST, MONTH), true, default);
    let lifetime = duration::of(
        reader,
        table,
        "lifetime",
        (LEAST, YEAR),
        true,
        with_margin(rekey),
    );
    if !lifetime.is_zero() && lifetime <= rekey {
        reader
            .error(
                "short-lifetime",
                &table.at_value("lifetime"),
                "`lifetime` ends before `rekey` begins",
            )
            .found(duration::write(lifetime))
            .expected(format!("more than {}", duration::write(rekey)))
            .fix(format!(
                "lifetime = \"{}\"",
                duration::write(with_margin(rekey))
            ));
    }
    (rekey, lifetime)
}

/// Writes what differs from the defaults.
pub(super) fn write_tunnel(out: &mut String, life: &Life) {
    let default = Life::default();
    write_times(out, (life.rekey, life.lifetime), default.rekey);
    if !life.reauth.is_zero() {
        line(out, "reauth", &text(&duration::write(life.reauth)));
    }
    if !life.make_before_break {
        line(out, "make_before_break", &false);
    }
    if life.unique != default.unique {
        line(out, "unique", &text(word_of(UNIQUE, &life.unique)));
    }
    if life.childless != default.childless {
        line(out, "childless", &text(word_of(CHILDLESS, &life.childless)));
    }
    if life.test_rekey != default.test_rekey {
        line(out, "test_rekey", &text(&off_or(life.test_rekey)));
    }
    for (name, action) in [
        ("dpd_action", &life.dpd_action),
        ("close_action", &life.close_action),
    ] {
        if let Some(action) = action {
            line(out, name, &text(word_of(ACTIONS, action)));
        }
    }
}

/// Writes what differs from the defaults.
pub(super) fn write_child(out: &mut String, life: &ChildLife) {
    let default = ChildLife::default();
    write_times(out, (life.rekey, life.lifetime), default.rekey);
    for (name, value) in [
        ("rekey_bytes", life.rekey_bytes),
        ("lifetime_bytes", life.lifetime_bytes),
        ("rekey_packets", life.rekey_packets),
        ("lifetime_packets", life.lifetime_packets),
    ] {
        if value > 0 {
            line(out, name, &value);
        }
    }
    if !life.inactivity.is_zero() {
        line(out, "inactivity", &text(&duration::write(life.inactivity)));
    }
}

fn write_times(out: &mut String, (rekey, lifetime): (Duration, Duration), default: Duration) {
    if rekey != default {
        line(out, "rekey", &text(&off_or(rekey)));
    }
    if lifetime != with_margin(rekey) {
        line(out, "lifetime", &text(&off_or(lifetime)));
    }
}

fn off_or(time: Duration) -> String {
    if time.is_zero() {
        "off".to_owned()
    } else {
        duration::write(time)
    }
}
