//! Times as logs write them.

use adit_model::now::Wall;

const DAY_MS: u64 = 86_400_000;

/// A time at the beginning of `text`, and what follows it. Times without a year are the latest that isn't later than a
/// day after `now`; times without a date are of the day of `now`, or of the day before.
pub(crate) fn leading(text: &str, now: Wall) -> Option<(Wall, &str)> {
    if !has_clock(text) {
        return None;
    }
    let text = text.strip_prefix('[').unwrap_or(text);
    let text = weekday(text);
    let (at, rest) = numeric(text)
        .or_else(|| named_month(text, now))
        .or_else(|| time_only(text, now))
        .or_else(|| unread_date(text, now))?;
    Some((at, rest.strip_prefix(']').unwrap_or(rest)))
}

/// Whether there are two colons as between hours, minutes and seconds: every form of a time has them, and most messages
/// don't.
fn has_clock(text: &str) -> bool {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b':', bytes).any(|at| bytes.get(at + 3) == Some(&b':'))
}

/// A time that names its year.
pub(crate) fn moment(text: &str) -> Option<Wall> {
    leading(text, Wall(0))
        .map(|(at, _)| at)
        .filter(|at| at.0 > 0)
}

fn weekday(text: &str) -> &str {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    // Most lines begin with a month or a number.
    if !matches!(
        text.as_bytes(),
        [
            b'M' | b'T' | b'W' | b'F' | b'S',
            b'o' | b'u' | b'e' | b'h' | b'r' | b'a',
            ..
        ]
    ) {
        return text;
    }
    match text.split_once(' ') {
        Some((day, rest)) if DAYS.contains(&day.trim_end_matches(',')) => rest,
        _ => text,
    }
}

/// `2026-11-21T05:46:47.123456+01:00`, also with a blank for the `T`, slashes for the dashes, and no zone.
fn numeric(text: &str) -> Option<(Wall, &str)> {
    let (year, rest) = digits(text, 4, 4)?;
    let rest = rest.strip_prefix(['-', '/'])?;
    let (month, rest) = digits(rest, 2, 2)?;
    let rest = rest.strip_prefix(['-', '/'])?;
    let (day, rest) = digits(rest, 2, 2)?;
    let rest = rest.strip_prefix(['T', ' ', '_'])?;
    let (ms, rest) = clock(rest.trim_start())?;
    let (offset, rest) = zone(rest);
    let at = date(year, month, day)?
        .checked_add(ms)?
        .checked_add_signed(-offset)?;
    Some((Wall(at), rest))
}

/// `Nov 21 06:08:05.310`, also with the year before or after the time.
fn named_month(text: &str, now: Wall) -> Option<(Wall, &str)> {
    let month = month(text.as_bytes().first_chunk()?)?;
    let rest = text.get(3..)?.strip_prefix([' ', '.'])?.trim_start();
    let (day, rest) = digits(rest, 1, 2)?;
    let rest = rest.strip_prefix([' ', ','])?.trim_start();
    let (year, rest) = match digits(rest, 4, 4) {
        Some((year, rest)) if rest.starts_with(' ') => (Some(year), rest.trim_start()),
        _ => (None, rest),
    };
    let (ms, rest) = clock(rest)?;
    let after = rest.strip_prefix(' ').and_then(|r| digits(r, 4, 4));
    let (year, rest) = match (year, after) {
        (None, Some((year, rest))) if (1990..2200).contains(&year) && !rest.starts_with('[') => {
            (Some(year), rest)
        }
        _ => (year, rest),
    };
    let at = match year {
        Some(year) => date(year, month, day)?.checked_add(ms)?,
        None => {
            let this = year_of(now);
            let in_year = |year| date(year, month, day).map(|d| d.saturating_add(ms));
            match in_year(this) {
                Some(at) if at <= now.0.saturating_add(DAY_MS) => at,
                _ => in_year(this.checked_sub(1)?)?,
            }
        }
    };
    Some((Wall(at), rest))
}

/// The number of a month by the first letters of its name.
fn month(name: &[u8; 3]) -> Option<u64> {
    Some(match &name.map(|b| b.to_ascii_lowercase()) {
        b"jan" => 1,
        b"feb" => 2,
        b"mar" => 3,
        b"apr" => 4,
        b"may" => 5,
        b"jun" => 6,
        b"jul" => 7,
        b"aug" => 8,
        b"sep" => 9,
        b"oct" => 10,
        b"nov" => 11,
        b"dec" => 12,
        _ => return None,
    })
}

fn time_only(text: &str, now: Wall) -> Option<(Wall, &str)> {
    let (ms, rest) = clock(text)?;
    let day = now.0 - now.0 % DAY_MS;
    let at = day.saturating_add(ms);
    let at = if at > now.0.saturating_add(3_600_000) {
        at.saturating_sub(DAY_MS)
    } else {
        at
    };
    Some((Wall(at), rest))
}

/// A time behind a date that isn't understood: a month in another language, a day before its month, a date in the
/// order of some country. The time of day still puts lines in order.
fn unread_date(text: &str, now: Wall) -> Option<(Wall, &str)> {
    const LONGEST: usize = 24;
    // `ip xfrm state` tells so when an SA was added and used.
    if ["lastused ", "add ", "use "]
        .iter()
        .any(|word| text.starts_with(word))
    {
        return None;
    }
    let mut words = 0;
    let mut rest = text;
    let mut day = false;
    while words < 3 && text.len() - rest.len() < LONGEST {
        let (word, after) = rest.split_once(' ')?;
        let number = word.trim_end_matches(['.', ',']);
        if number.len() <= 2 && number.parse::<u8>().is_ok_and(|d| (1..=31).contains(&d)) {
            day = true;
        } else if !date_word(word) {
            return None;
        } else {
            day |= word.contains(|c: char| c.is_ascii_digit());
        }
        words += 1;
        rest = after.trim_start();
        if day && let Some(found) = time_only(rest, now) {
            return Some(found);
        }
    }
    None
}

/// The name of a month, a year, or a date in numbers.
fn date_word(word: &str) -> bool {
    const LONGEST: usize = 12;
    let name = word.trim_end_matches(['.', ',']);
    let letters = name.chars().count();
    let month = (3..=LONGEST).contains(&letters) && name.chars().all(char::is_alphabetic);
    let numbers = (4..=10).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | '/' | '-'));
    month || numbers
}

/// `05:46:47`, with a fraction after a point or a comma; milliseconds.
fn clock(text: &str) -> Option<(u64, &str)> {
    let [h, hh, b':', m, mm, b':', s, ss] = *text.as_bytes().first_chunk()? else {
        return None;
    };
    let [hours, minutes, seconds] = [two_digits(h, hh)?, two_digits(m, mm)?, two_digits(s, ss)?];
    let rest = text.get(8..)?;
    if hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    let ms = ((hours * 60 + minutes) * 60 + seconds) * 1000;
    let Some((_, after)) = rest.strip_prefix(['.', ',']).and_then(|r| digits(r, 1, 9)) else {
        return Some((ms, rest));
    };
    let (first, _) = digits(rest.get(1..)?, 1, 3)?;
    let thousandths = match rest.len() - after.len() {
        2 => first * 100,
        3 => first * 10,
        _ => first,
    };
    Some((ms + thousandths, after))
}

fn two_digits(ten: u8, one: u8) -> Option<u64> {
    let both = ten.is_ascii_digit() && one.is_ascii_digit();
    both.then(|| u64::from(ten - b'0') * 10 + u64::from(one - b'0'))
}

/// A zone as an offset in milliseconds; none is UTC.
fn zone(text: &str) -> (i64, &str) {
    if let Some(rest) = text.strip_prefix('Z') {
        return (0, rest);
    }
    let signed = text.strip_prefix(' ').unwrap_or(text);
    let parse = || {
        let (sign, rest) = match signed.strip_prefix('+') {
            Some(rest) => (1, rest),
            None => (-1, signed.strip_prefix('-')?),
        };
        let (hours, rest) = digits(rest, 2, 2)?;
        let (minutes, rest) = digits(rest.strip_prefix(':').unwrap_or(rest), 2, 2)?;
        let ms = i64::try_from((hours * 60 + minutes) * 60_000).ok()?;
        Some((sign * ms, rest))
    };
    parse().unwrap_or((0, text))
}

fn digits(text: &str, least: usize, most: usize) -> Option<(u64, &str)> {
    let (mut count, mut number) = (0, 0);
    for digit in text.bytes().take(most).take_while(u8::is_ascii_digit) {
        count += 1;
        number = number * 10 + u64::from(digit - b'0');
    }
    if count < least {
        return None;
    }
    Some((number, text.get(count..)?))
}

/// Milliseconds from the epoch to the beginning of a day of the Gregorian calendar.
fn date(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..10_000).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March, so that the leap day comes last.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    days.checked_sub(719_468).map(|d| d * DAY_MS)
}

fn year_of(at: Wall) -> u64 {
    let mut year = 1970 + at.0 / (366 * DAY_MS);
    while date(year + 1, 1, 1).is_some_and(|next| next <= at.0) {
        year += 1;
    }
    year
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// 2026-11-21T06:10:00Z.
    const NOW: Wall = Wall(1_795_241_400_000);

    #[test]
    fn the_forms_agree() {
        let want = Wall(1_795_241_285_310);
        for text in [
            "Nov 21 06:08:05.310 12[IKE]",
            "Nov 21 06:08:05.310999 2026 12[IKE]",
            "Nov 21 2026 06:08:05.310 12[IKE]",
            "Sat Nov 21 06:08:05,310 12[IKE]",
            "2026-11-21T06:08:05.310Z 12[IKE]",
            "2026-11-21 06:08:05.310 12[IKE]",
            "2026/11/21 06:08:05.31 12[IKE]",
            "[2026-11-21 07:08:05.310 +0100] 12[IKE]",
            "2026-11-21T05:38:05.310-00:30 12[IKE]",
            "06:08:05.310 12[IKE]",
        ] {
            assert_eq!(leading(text, NOW), Some((want, " 12[IKE]")), "{text}");
        }
    }

    #[test]
    fn a_date_that_is_not_read_leaves_the_time_of_day() {
        let want = leading("06:08:05 x", NOW);
        for text in [
            "мая 21 06:08:05 x",
            "21. Nov 06:08:05 x",
            "févr. 21 06:08:05 x",
            "21.11.2026 06:08:05 x",
            "11/21/26 06:08:05 x",
            "21 Nov 2026 06:08:05 x",
        ] {
            assert_eq!(leading(text, NOW), want, "{text}");
        }
        assert_eq!(leading("waited for 06:08:05 x", NOW), None);
        assert_eq!(leading("conn 5 of 12", NOW), None);
    }

    #[test]
    fn a_year_that_is_missing_is_the_latest_that_fits() {
        let (at, _) = leading("Dec 31 23:59:59 x", NOW).unwrap();
        assert_eq!(at, leading("2025-12-31 23:59:59 x", NOW).unwrap().0);
        assert_eq!(leading("Feb 30 25:00:00 x", NOW), None);
        assert_eq!(leading("05[IKE] no time", NOW), None);
    }
}
