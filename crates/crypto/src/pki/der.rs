//! Elements of DER (X.690), as far as certificates and keys need them.

use adit_model::Wall;

pub(super) const BOOLEAN: u8 = 0x01;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;

/// `[number]`, constructed.
pub(super) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// `[number] IMPLICIT` of something primitive.
pub(super) const fn implicit(number: u8) -> u8 {
    0x80 | number
}

/// One element.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) content: &'a [u8],
    /// With tag and length.
    pub(super) whole: &'a [u8],
}

/// The first element, and what follows it.
pub(super) fn first(octets: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = octets.split_first()?;
    let (&head, rest) = rest.split_first()?;
    let (length, rest) = if head < 0x80 {
        (usize::from(head), rest)
    } else {
        let count = usize::from(head & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (digits, rest) = rest.split_at_checked(count)?;
        let length = digits
            .iter()
            .fold(0usize, |n, d| (n << 8) | usize::from(*d));
        // DER has one form for each length.
        if length < 0x80 || digits.first() == Some(&0) {
            return None;
        }
        (length, rest)
    };
    let (content, after) = rest.split_at_checked(length)?;
    let whole = octets.get(..octets.len() - after.len())?;
    Some((
        Element {
            tag,
            content,
            whole,
        },
        after,
    ))
}

/// Elements one after the other, up to what isn't one.
pub(super) fn elements(mut octets: &[u8]) -> impl Iterator<Item = Element<'_>> {
    core::iter::from_fn(move || {
        let (element, rest) = first(octets)?;
        octets = rest;
        Some(element)
    })
}

/// The content of the element that the octets are, when it has this tag.
pub(super) fn content(octets: &[u8], tag: u8) -> Option<&[u8]> {
    first(octets)
        .map(|(e, _)| e)
        .filter(|e| e.tag == tag)
        .map(|e| e.content)
}

/// Writes an element.
pub(super) fn write(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len().to_be_bytes();
    let digits: Vec<u8> = length.into_iter().skip_while(|b| *b == 0).collect();
    if content.len() < 0x80 {
        out.push(digits.last().copied().unwrap_or(0));
    } else {
        out.push(0x80 | u8::try_from(digits.len()).unwrap_or(0));
        out.extend(digits);
    }
    out.extend_from_slice(content);
    out
}

/// What was read, or what couldn't be.
pub(super) type Read<T> = Result<T, &'static str>;

/// Takes elements one after the other; nothing may be left at the end.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// The inside of the one element that the octets are.
    pub(super) fn only(octets: &'a [u8], tag: u8, what: &'static str) -> Read<Self> {
        let mut outer = Self(octets);
        let inner = outer.enter(tag, what)?;
        outer.end(what)?;
        Ok(inner)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn end(&self, what: &'static str) -> Read<()> {
        if self.is_empty() { Ok(()) } else { Err(what) }
    }

    pub(super) fn any(&mut self, what: &'static str) -> Read<Element<'a>> {
        let (element, rest) = first(self.0).ok_or(what)?;
        self.0 = rest;
        Ok(element)
    }

    /// The next element when it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Option<Element<'a>> {
        let (element, rest) = first(self.0).filter(|(e, _)| e.tag == tag)?;
        self.0 = rest;
        Some(element)
    }

    pub(super) fn take(&mut self, tag: u8, what: &'static str) -> Read<Element<'a>> {
        self.optional(tag).ok_or(what)
    }

    pub(super) fn content(&mut self, tag: u8, what: &'static str) -> Read<&'a [u8]> {
        Ok(self.take(tag, what)?.content)
    }

    pub(super) fn enter(&mut self, tag: u8, what: &'static str) -> Read<Self> {
        Ok(Self(self.take(tag, what)?.content))
    }
}

/// A whole number of any size that isn't negative, without the zero octet in front of it.
pub(super) fn positive(content: &[u8]) -> Option<&[u8]> {
    match content {
        [] => None,
        [0] => Some(&[]),
        [0, next, ..] => (*next >= 0x80).then(|| content.get(1..).unwrap_or_default()),
        [first, ..] => (*first < 0x80).then_some(content),
    }
}

/// A small number.
pub(super) fn small(content: &[u8]) -> Option<u32> {
    let digits = positive(content).filter(|d| d.len() <= 4)?;
    Some(digits.iter().fold(0, |n, d| (n << 8) | u32::from(*d)))
}

/// DER's two truth values.
pub(super) fn truth(content: &[u8]) -> Option<bool> {
    match content {
        [0] => Some(false),
        [0xff] => Some(true),
        _ => None,
    }
}

/// A bit string of whole octets.
pub(super) fn octets_of_bits(content: &[u8]) -> Option<&[u8]> {
    content
        .split_first()
        .filter(|(unused, _)| **unused == 0)
        .map(|(_, octets)| octets)
}

/// A bit string of flags, the first as the highest bit of sixteen; nine at most.
pub(super) fn flags(content: &[u8]) -> Option<u16> {
    let (unused, octets) = content.split_first()?;
    let value = match octets {
        [] => 0,
        [a] => u16::from(*a) << 8,
        [a, b] => u16::from(*a) << 8 | u16::from(*b),
        _ => return None,
    };
    (*unused < 8).then_some(value)
}

/// UTCTime and GeneralizedTime as RFC 5280 4.1.2.5 has them: seconds, `Z`. Times before 1970 are the beginning of 1970.
pub(super) fn time(element: Element<'_>) -> Option<Wall> {
    let text = core::str::from_utf8(element.content).ok()?;
    let digits = text.strip_suffix('Z')?;
    if !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match (element.tag, digits.len()) {
        (UTC_TIME, 12) => {
            let (year, rest) = digits.split_at_checked(2)?;
            let year: i64 = year.parse().ok()?;
            (if year < 50 { 2000 + year } else { 1900 + year }, rest)
        }
        (GENERALIZED_TIME, 14) => {
            let (year, rest) = digits.split_at_checked(4)?;
            (year.parse().ok()?, rest)
        }
        _ => return None,
    };
    let two = |at: usize| rest.get(at..at + 2)?.parse::<i64>().ok();
    let (month, day, hour, minute, second) = (two(0)?, two(2)?, two(4)?, two(6)?, two(8)?);
    let sound = (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 61;
    if !sound {
        return None;
    }
    // Days from civil (Hinnant): years begin with March.
    let (y, m) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * m + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Wall(
        u64::try_from(seconds).unwrap_or(0).saturating_mul(1000),
    ))
}

/// A number that isn't negative, from its digits.
pub(super) fn number(digits: &[u8]) -> Vec<u8> {
    let zeros = digits.iter().take_while(|d| **d == 0).count();
    let digits = digits.get(zeros..).unwrap_or_default();
    let sign = digits.first().is_none_or(|first| *first >= 0x80);
    let mut content = Vec::with_capacity(digits.len() + 1);
    if sign {
        content.push(0);
    }
    content.extend_from_slice(digits);
    write(INTEGER, &content)
}
