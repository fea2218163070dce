//! Durations as people write them: `30s`, `500ms`, `1m30s`.

use core::time::Duration;

use crate::adit::reader::{Reader, Table, describe_value};

const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// Reads a duration: numbers with units, added up.
pub(super) fn read(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let letters = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let unit = rest.get(..letters)?;
        let (_, ms) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(*ms)?)?;
        rest = rest.get(letters..)?.trim_start();
    }
    Some(Duration::from_millis(total))
}

/// Writes a duration in the largest unit that fits without a remainder; what is below a millisecond is lost.
pub(super) fn write(duration: Duration) -> String {
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let (name, size) = UNITS
        .iter()
        .rev()
        .find(|(_, size)| ms != 0 && ms.is_multiple_of(*size))
        .unwrap_or(&("s", 1000));
    format!("{}{name}", ms / size)
}

/// The duration of a key within bounds, with its default. `off` is read as zero where zero is within the bounds.
pub(super) fn of(
    reader: &mut Reader<'_>,
    table: &Table<'_>,
    name: &str,
    (least, most): (Duration, Duration),
    off: bool,
    default: Duration,
) -> Duration {
    let Some(found) = reader.value(table, name) else {
        return default;
    };
    if let (Some(number), true) = (found.value.as_integer(), found.value.is_integer()) {
        reader
            .error("bad-duration", &found.at, format!("`{name}` needs a unit"))
            .found(number)
            .expected("a number with ms, s, m, h or d")
            .fix(format!("{name} = \"{number}s\""));
        return default;
    }
    let Some(text) = found.value.as_str() else {
        let what = describe_value(found.value);
        reader.wrong_type(table.section, name, &found.at, what);
        return default;
    };
    let value = if off && text == "off" {
        Some(Duration::ZERO)
    } else {
        read(text)
    };
    match value {
        Some(d) if (off && d.is_zero()) || (least <= d && d <= most) => d,
        Some(_) => {
            reader
                .error(
                    "out-of-range",
                    &found.at,
                    format!("`{name}` is out of range"),
                )
                .found(text)
                .expected(format!("{} to {}", write(least), write(most)))
                .fix(format!("{name} = \"{}\"", write(default)));
            default
        }
        None => {
            reader
                .error(
                    "bad-duration",
                    &found.at,
                    format!("`{}` isn't a duration", text.escape_debug()),
                )
                .expected("a number with ms, s, m, h or d, such as 30s")
                .fix(format!("{name} = \"{}\"", write(default)));
            default
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_duration() {
        let ms = Duration::from_millis;
        assert_eq!(read("30s"), Some(ms(30_000)));
        assert_eq!(read("1m30s"), Some(ms(90_000)));
        assert_eq!(read("1m 30s"), Some(ms(90_000)));
        for bad in ["", "30", "s", "-1s", "3x", "99999999999999999999s", "1.5s"] {
            assert_eq!(read(bad), None, "{bad}");
        }
        for (duration, text) in [
            (30_000, "30s"),
            (500, "500ms"),
            (0, "0s"),
            (120_000, "2m"),
            (90_000, "90s"),
        ] {
            assert_eq!(write(ms(duration)), text);
            assert_eq!(read(text), Some(ms(duration)));
        }
    }
}
