//! How the packets of a child are dressed for the way: read and written.

use core::time::Duration;

use adit_model::carriage::{Carriage, Cut, Df, Dscp, Ecn, HwOffload, Mss, Tfc};
use adit_model::text::did_you_mean;

use crate::adit::child::word;
use crate::adit::duration;
use crate::adit::reader::{Reader, Table, describe_value};
use crate::adit::write::{line, text};

const ECN: [(&str, Ecn); 2] = [("normal", Ecn::Normal), ("compat", Ecn::Compat)];
const DF: [(&str, Df); 3] = [("clear", Df::Clear), ("copy", Df::Copy), ("set", Df::Set)];
const CUT: [(&str, Cut); 2] = [("inner", Cut::Inner), ("outer", Cut::Outer)];
const HW_OFFLOAD: [(&str, HwOffload); 3] = [
    ("off", HwOffload::Off),
    ("crypto", HwOffload::Crypto),
    ("packet", HwOffload::Packet),
];
const DSCP_IN: [(&str, bool); 2] = [("keep", false), ("copy", true)];

/// Reads how packets of a child are carried, which may be one of transport mode and nothing else.
pub(super) fn read(reader: &mut Reader<'_>, table: &Table<'_>, transport: bool) -> Carriage {
    let dscp = [("copy", Dscp::Copy)];
    let mss = [("auto", Mss::Auto), ("off", Mss::Off)];
    let tfc = [("off", Tfc::Off), ("mtu", Tfc::Mtu)];
    let carriage = Carriage {
        dscp: word_or_number(reader, table, "dscp", &dscp, (0, 63), |n| {
            Dscp::Fixed(u8::try_from(n).unwrap_or_default())
        }),
        dscp_in: word(reader, table, "dscp_in", &DSCP_IN),
        ecn: word(reader, table, "ecn", &ECN),
        df: word(reader, table, "df", &DF),
        fragment: word(reader, table, "fragment", &CUT),
        mss: word_or_number(reader, table, "mss", &mss, (256, 65_495), Mss::AtMost),
        tfc: word_or_number(reader, table, "tfc", &tfc, (16, 1500), Tfc::Multiple),
        dummies: duration::of(
            reader,
            table,
            "dummies",
            (LEAST_PAUSE, LONGEST_PAUSE),
            true,
            Duration::ZERO,
        ),
        hw_offload: word(reader, table, "hw_offload", &HW_OFFLOAD),
    };
    if carriage.tfc != Tfc::Off && transport {
        reader
            .error(
                "tfc-in-transport-mode",
                &table.at_value("tfc"),
                "packets in transport mode can't be filled up: not all of them say how long they are",
            )
            .expected("`tfc` in tunnel mode")
            .fix("mode = \"tunnel\"");
    }
    carriage
}

/// Writes what differs from the defaults.
pub(super) fn write(out: &mut String, carriage: &Carriage) {
    let default = Carriage::default();
    if let Dscp::Fixed(dscp) = carriage.dscp {
        line(out, "dscp", &dscp);
    }
    for (name, differs, value) in [
        (
            "dscp_in",
            carriage.dscp_in,
            word_of(&DSCP_IN, &carriage.dscp_in),
        ),
        (
            "ecn",
            carriage.ecn != default.ecn,
            word_of(&ECN, &carriage.ecn),
        ),
        ("df", carriage.df != default.df, word_of(&DF, &carriage.df)),
        (
            "fragment",
            carriage.fragment != default.fragment,
            word_of(&CUT, &carriage.fragment),
        ),
    ] {
        if differs {
            line(out, name, &text(value));
        }
    }
    match carriage.mss {
        Mss::Auto => {}
        Mss::Off => line(out, "mss", &text("off")),
        Mss::AtMost(octets) => line(out, "mss", &octets),
    }
    match carriage.tfc {
        Tfc::Off => {}
        Tfc::Mtu => line(out, "tfc", &text("mtu")),
        Tfc::Multiple(octets) => line(out, "tfc", &octets),
    }
    if !carriage.dummies.is_zero() {
        let text = text(&duration::write(carriage.dummies));
        line(out, "dummies", &text);
    }
    if carriage.hw_offload != default.hw_offload {
        line(out, "hw_offload", &text(carriage.hw_offload.word()));
    }
}

/// Between dummy packets: more of them cost more than they hide, fewer hide nothing.
const LEAST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

fn word_of<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    let found = words.iter().find(|(_, v)| v == value);
    found.map_or("", |(text, _)| text)
}

/// One of a few words, the first of which is the default, or a number within bounds.
fn word_or_number<T: Copy, const N: usize>(
    reader: &mut Reader<'_>,
    table: &Table<'_>,
    name: &str,
    words: &[(&str, T); N],
    (least, most): (u16, u16),
    of_number: impl Fn(u16) -> T,
) -> T {
    let (default, first) = words[0];
    let Some(found) = reader.value(table, name) else {
        return first;
    };
    let quoted: Vec<String> = words
        .iter()
        .map(|(word, _)| format!("\"{word}\""))
        .collect();
    let expected = format!("{} or a number from {least} to {most}", quoted.join(", "));
    if let Some(number) = found.value.as_integer() {
        let within = |n: &u16| (least..=most).contains(n);
        if let Some(number) = u16::try_from(number).ok().filter(within) {
            return of_number(number);
        }
        let error = reader.error(
            "out-of-range",
            &found.at,
            format!("`{name}` is out of range"),
        );
        error
            .found(number)
            .expected(expected)
            .fix(format!("{name} = \"{default}\""));
        return first;
    }
    let Some(text) = found.value.as_str() else {
        let what = describe_value(found.value);
        reader.wrong_type(table.section, name, &found.at, what);
        return first;
    };
    if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == text) {
        return *meaning;
    }
    let near = did_you_mean(text, words.iter().map(|(word, _)| *word));
    let message = format!("`{}` is no `{name}`", text.escape_debug());
    reader
        .error("unknown-word", &found.at, message)
        .expected(expected)
        .fix(format!("{name} = \"{}\"", near.unwrap_or(default)));
    first
}
