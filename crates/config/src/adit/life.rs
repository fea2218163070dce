//! How long SAs live: the keys of a tunnel and of a child, read and written.

use core::time::Duration;

use adit_model::life::{ChildLife, Life, with_margin};

use crate::adit::duration;
use crate::adit::reader::{Reader, Table};
use crate::adit::write::{line, text};

const MINUTE: Duration = Duration::from_secs(60);
const MONTH: Duration = Duration::from_secs(31 * 24 * 3600);
const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

/// The IKE SA's.
pub(super) fn of_tunnel(reader: &mut Reader<'_>, table: &Table<'_>) -> Life {
    let default = Life::default();
    let (rekey, lifetime) = times(reader, table, default.rekey);
    Life {
        rekey,
        lifetime,
        ..default
    }
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
            (Duration::from_secs(10), MONTH),
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
    let rekey = duration::of(reader, table, "rekey", (MINUTE, MONTH), true, default);
    let lifetime = duration::of(
        reader,
        table,
        "lifetime",
        (MINUTE, YEAR),
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
